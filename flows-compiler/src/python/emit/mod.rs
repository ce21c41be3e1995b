//! From the middle form to functions of the flow's module.
//!
//! A compiled function takes its frame's address and a state, and gives 0 (returned), 1 (raised) or 2 + the state in which it goes on
//! (yielded). Loads and stores name slots of its own frame only. An ordinary function becomes structured control flow
//! ([`structure`]); a generator, which is entered in its middle, a loop around a jump table ([`dispatch`]).

mod code;
mod dispatch;
mod fast;
mod kinds;
mod ops;
mod order;
mod structure;
#[cfg(test)]
mod tests;

use serde_json::json;

use super::mir;
use crate::codegen::{Function, Tables};

/// What the flow's module gets of one code node.
#[derive(Debug)]
pub struct Emitted {
    pub functions: Vec<Function>,
    /// The unit's description for the runtime, as JSON.
    pub unit: String,
}

/// Emits all functions of a unit; `first` is the place of the first among the module's exported functions.
pub fn emit(unit: &mir::Module, first: u32, tables: &mut Tables) -> Emitted {
    let mut describe = |at: usize| {
        let function = &unit.functions[at];
        let params = &function.params;
        let text = json!({
            "name": function.name,
            "qualname": function.qualname,
            "positional": params.positional,
            "positional_only": params.positional_only,
            "defaults": params.defaults,
            "keyword_only": params.keyword_only,
            "vararg": params.vararg,
            "kwarg": params.kwarg,
            "captures": function.captures,
            "generator": function.generator,
            "slots": function.slots + code::SPARE,
            "table": first + at as u32,
        });
        tables.json(text.to_string())
    };
    let descriptions: Vec<u32> = (0..unit.functions.len()).map(&mut describe).collect();
    let functions = unit
        .functions
        .iter()
        .map(|function| one(function, &descriptions, tables))
        .collect();
    let unit = json!({
        "body": descriptions.first(),
        "globals": unit.globals,
        "entry": unit.entry,
    });
    Emitted {
        functions,
        unit: unit.to_string(),
    }
}

fn one(function: &mir::Function, descriptions: &[u32], tables: &mut Tables) -> Function {
    let mut code = code::Code::new(function, descriptions, tables);
    match order::Order::of(function) {
        Some(order) if !function.generator => structure::emit(&mut code, &order),
        // A generator, or a graph that nested blocks cannot express.
        _ => dispatch::emit(&mut code),
    }
    Function {
        name: function.qualname.clone(),
        params: 2,
        locals: code::WORDS,
        wide_locals: code::WIDE,
        ops: code.finish(),
    }
}
