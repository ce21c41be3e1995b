//! Python code nodes at run time: objects, operations, and what compiled code calls.
//!
//! Compiled code works on slots of the value stack and calls the runtime's exports; everything below it works on objects. Nothing here
//! knows the syntax of Python, and nothing reaches outside: time, randomness and printing go through `state`.

pub mod abi;
pub mod arith;
pub mod attr;
pub mod builtins;
pub mod call;
pub mod class;
pub mod compare;
pub mod convert;
pub mod delegate;
pub mod depth;
pub mod descriptor;
pub mod dunder;
pub mod entry;
pub mod error;
pub mod exception;
pub mod format;
pub mod function;
pub mod generator;
pub mod hash;
mod index;
pub mod integer;
pub mod iter;
pub mod keyed;
pub mod membership;
pub mod methods;
pub mod names;
pub mod number;
pub mod object;
pub mod ops;
pub mod percent;
mod quick;
pub mod release;
pub mod sequence;
pub mod set;
mod share;
mod short;
pub mod slice;
pub mod stack;
pub mod state;
pub mod stdlib;
pub mod subscript;
pub mod table;
pub mod text;
pub mod union;
pub mod views;
pub mod wide_range;

#[cfg(test)]
mod tests;
