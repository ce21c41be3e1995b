//! One call of a code node's program: its module body in fresh globals, then its function over the input.

use std::rc::Rc;

use super::call;
use super::convert::Bridge;
use super::error::Raised;
use super::exception;
use super::function::{self, Function};
use super::object::{Args, Obj, Text};
use super::state;
use crate::builtins::World;
use crate::value::Value;

/// What the compiler says of a code node's program.
pub struct Unit {
    /// The constant that describes the module's body.
    body: u32,
    globals: Vec<Rc<Text>>,
    /// The function that is called.
    pub entry: Rc<str>,
}

/// What came of a call.
pub struct Outcome {
    /// The result, or the text of the error.
    pub result: Result<Value, String>,
    /// The result has a number that JSON cannot hold.
    pub non_finite: bool,
    pub world: World,
}

impl Unit {
    pub fn read(unit: &Value) -> Option<Unit> {
        let unit = unit.as_dict()?;
        let body = match unit.get("body") {
            Some(Value::Int(body)) => u32::try_from(body).ok()?,
            _ => return None,
        };
        let globals = unit.get("globals")?;
        let globals = globals.as_list()?.borrow();
        Some(Unit {
            body,
            globals: globals
                .iter()
                .map(|name| Rc::new(Text::new(name.as_str().unwrap_or_default())))
                .collect(),
            entry: unit.get("entry")?.as_str_rc()?,
        })
    }

    /// Calls the unit's function with one argument. `base` is where the flow's functions begin in the function table. Nothing of the
    /// engine may be borrowed meanwhile.
    pub fn call(&self, node: Rc<str>, input: &Value, world: World, base: u32) -> Outcome {
        state::begin(node, self.globals.clone(), world, base);
        super::hash::restart();
        let mut bridge = Bridge::default();
        let result = self.run(input, &mut bridge);
        Outcome {
            result,
            non_finite: bridge.non_finite,
            world: state::end(),
        }
    }

    fn run(&self, input: &Value, bridge: &mut Bridge) -> Result<Value, String> {
        let nothing = Args::positional(&[]);
        let body = state::code(self.body).ok_or("Execution error: the node's program is missing")?;
        function::call(&Function::new(body, Vec::new()), None, &nothing)
            .map_err(|raised| format!("Execution error: {}", said(&raised)))?;
        let function = match state::global_named(&self.entry) {
            None | Some(Obj::None) => return Err(format!("Function '{}' not defined in code", self.entry)),
            Some(function) if !call::is_callable(&function) => {
                return Err(format!("'{}' is not a callable function", self.entry));
            }
            Some(function) => function,
        };
        let input = bridge.lift(input);
        let called = call::call(&function, &Args::positional(&[input]));
        // What it had changed before it raised stays changed.
        let written = bridge.write_back();
        let result = called.map_err(|raised| format!("Runtime error: {}", said(&raised)))?;
        let refused = |refusal: super::convert::Refusal| refusal.text(&self.entry);
        written.map_err(refused)?;
        bridge.lower(&result).map_err(refused)
    }
}

/// `str(exception)`, or its class where that says nothing.
fn said(raised: &Raised) -> String {
    let message = exception::message(&raised.0).ok().filter(|message| !message.is_empty());
    message.unwrap_or_else(|| exception::describe(&raised.0))
}
