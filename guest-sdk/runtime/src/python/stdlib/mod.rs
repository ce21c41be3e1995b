//! Importable modules, one a file. None reaches the outside: time and randomness are told.

use super::names::Module;
use super::object::Obj;

/// A member of a module.
pub fn attribute(module: Module, name: &str) -> Option<Obj> {
    let _ = (module, name);
    None
}
/// The names that a module offers, for the compiler and the documentation.
pub fn members(module: Module) -> Vec<&'static str> {
    let _ = module;
    Vec::new()
}
