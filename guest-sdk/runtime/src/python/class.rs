//! Classes of the program and their instances.

pub struct Class {}
pub struct Instance {}
