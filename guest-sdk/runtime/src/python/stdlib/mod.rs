//! Importable modules, one a file. None reaches the outside: time and randomness are told.

use super::names::{Builtin, Module};
use super::object::Obj;

mod abstracts;
mod base64;
mod bind;
mod bisect;
pub mod collections;
mod copy;
pub mod dataclasses;
mod datetime;
mod decimal;
mod declare;
mod enums;
mod fractions;
mod functools;
mod hashlib;
mod heapq;
mod html;
mod itertools;
mod json;
pub mod made_class;
mod math;
pub mod named;
mod operator;
pub mod random;
pub mod re;
mod statistics;
mod string;
mod textwrap;
mod time;
mod urllib;
mod uuid;

type Lookup = fn(&str) -> Option<Obj>;

/// What a module offers: the lookup of a member, and the names of all.
fn table(module: Module) -> (Lookup, &'static [&'static str]) {
    match module {
        Module::Abc => (abstracts::abc_attribute, abstracts::ABC),
        Module::Base64 => (base64::attribute, base64::MEMBERS),
        Module::Bisect => (bisect::attribute, bisect::MEMBERS),
        Module::Collections => (collections::attribute, collections::MEMBERS),
        Module::CollectionsAbc => (abstracts::abstract_attribute, abstracts::ABSTRACT),
        Module::Copy => (copy::attribute, copy::MEMBERS),
        Module::Dataclasses => (dataclasses::attribute, dataclasses::MEMBERS),
        Module::Datetime => (datetime::attribute, datetime::MEMBERS),
        Module::Decimal => (decimal::attribute, decimal::MEMBERS),
        Module::Enum => (enums::attribute, enums::MEMBERS),
        Module::Fractions => (fractions::attribute, fractions::MEMBERS),
        Module::Functools => (functools::attribute, functools::MEMBERS),
        Module::Future => (abstracts::future_attribute, abstracts::FUTURE),
        Module::Hashlib => (hashlib::attribute, hashlib::MEMBERS),
        Module::Heapq => (heapq::attribute, heapq::MEMBERS),
        Module::Html => (html::attribute, html::MEMBERS),
        Module::Itertools => (itertools::attribute, itertools::MEMBERS),
        Module::Json => (json::attribute, json::MEMBERS),
        Module::Math => (math::attribute, math::MEMBERS),
        Module::Operator => (operator::attribute, operator::MEMBERS),
        Module::Random => (random::attribute, random::MEMBERS),
        Module::Re => (re::attribute, re::MEMBERS),
        Module::Statistics => (statistics::attribute, statistics::MEMBERS),
        Module::String => (string::attribute, string::MEMBERS),
        Module::Textwrap => (textwrap::attribute, textwrap::MEMBERS),
        Module::Time => (time::attribute, time::MEMBERS),
        Module::Types => (abstracts::types_attribute, abstracts::TYPES),
        Module::Typing => (abstracts::typing_attribute, abstracts::TYPING),
        Module::Urllib => (urllib::package, urllib::PACKAGE),
        Module::UrllibParse => (urllib::attribute, urllib::MEMBERS),
        Module::Uuid => (uuid::attribute, uuid::MEMBERS),
    }
}

/// A member of a module.
pub fn attribute(module: Module, name: &str) -> Option<Obj> {
    let (lookup, _) = table(module);
    lookup(name)
}

/// The names that a module offers, for the compiler and the documentation.
pub fn members(module: Module) -> Vec<&'static str> {
    table(module).1.to_vec()
}

/// Forgets what modules keep between two statements of a program (the state of `random`), so that one call of a code node can never
/// depend on the calls before it.
pub fn reset() {
    random::reset();
    decimal::reset();
}

/// An exception class that belongs to a module.
fn class(class: Builtin) -> Obj {
    Obj::Builtin(class)
}
