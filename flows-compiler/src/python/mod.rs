//! Python code nodes: from the author's text to functions of the flow's module.

pub mod emit;
pub mod mir;
pub mod rt;
