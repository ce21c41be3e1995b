//! Python code nodes at run time: objects, operations, and what compiled code calls.

pub mod names;
