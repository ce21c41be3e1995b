//! Functions of the program: what the compiler says of them, and their defaults and cells.

pub struct Function {}
