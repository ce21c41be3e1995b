//! Importable modules, one a file. None reaches the outside: time and randomness are told.

use super::names::Module;
use super::object::Obj;

mod bind;
pub mod collections;
mod datetime;
mod declare;
mod heapq;
mod bisect;
mod itertools;
mod operator;
mod made_class;
pub mod named;

type Lookup = fn(&str) -> Option<Obj>;

/// What a module offers: the lookup of a member, and the names of all. `None`: nothing but its name.
fn table(module: Module) -> Option<(Lookup, &'static [&'static str])> {
    Some(match module {
        Module::Collections => (collections::attribute, collections::MEMBERS),
        Module::Bisect => (bisect::attribute, bisect::MEMBERS),
        Module::Heapq => (heapq::attribute, heapq::MEMBERS),
        Module::Itertools => (itertools::attribute, itertools::MEMBERS),
        Module::Operator => (operator::attribute, operator::MEMBERS),
        Module::Datetime => (datetime::attribute, datetime::MEMBERS),
        _ => return None,
    })
}

/// A member of a module.
pub fn attribute(module: Module, name: &str) -> Option<Obj> {
    let (lookup, _) = table(module)?;
    lookup(name)
}

/// The names that a module offers, for the compiler and the documentation.
pub fn members(module: Module) -> Vec<&'static str> {
    table(module).map_or_else(Vec::new, |(_, members)| members.to_vec())
}
