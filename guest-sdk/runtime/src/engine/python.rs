//! Code nodes: what their Python gets to see and what becomes of its result (language sections 7.2 to 7.5).
//!
//! The run is not borrowed while the program runs: compiled code is called in between.

use super::{Node, Run, with};
use crate::builtins::World;
use crate::py;
use crate::python::entry::Unit;
use crate::value::{Map, Value};

/// What a node type records of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `code`: has a `permissions` pin, and records how the call went beside the result.
    Code,
    /// The legacy `function`: the result alone.
    Function,
}

/// A call that is ready to be made.
struct Prepared {
    unit: Unit,
    node: std::rc::Rc<str>,
    input: Value,
    world: World,
    base: u32,
}

/// Why a call was not made or did not succeed.
struct Failure {
    message: String,
    /// The permissions under which it was tried, when those were any.
    permissions: Option<&'static str>,
}

/// Runs an exec node.
pub(super) fn exec(node: Node, frame: u32, cfg: u32, kind: Kind) -> i32 {
    let id = with(|run| run.program.id(node));
    match called(id, frame, cfg, kind) {
        Ok((result, permissions)) => with(|run| run.finish_code(node, kind, result, permissions)),
        Err(failure) => with(|run| run.fail_code(node, kind, failure)),
    }
}

/// Evaluates a node without exec pins into slot `dst`: 1, or -1 with the error in the run.
pub(super) fn evaluate(dst: u32, frame: u32, cfg: u32, kind: Kind) -> i32 {
    match called(std::rc::Rc::from(""), frame, cfg, kind) {
        Ok((result, _)) => {
            with(|run| run.set_slot(dst, result));
            1
        }
        Err(failure) => {
            with(|run| run.error = failure.message);
            -1
        }
    }
}

fn called(id: std::rc::Rc<str>, frame: u32, cfg: u32, kind: Kind) -> Result<(Value, &'static str), Failure> {
    let (prepared, permissions) = with(|run| run.prepare_code(id, frame, cfg, kind))?;
    let Prepared {
        unit,
        node,
        input,
        world,
        base,
    } = prepared;
    let outcome = unit.call(node, &input, world, base);
    with(|run| {
        run.world = outcome.world;
        run.non_finite |= outcome.non_finite;
    });
    let failed = |message| Failure {
        message,
        permissions: Some(permissions),
    };
    outcome.result.map(|result| (result, permissions)).map_err(failed)
}

impl Run {
    fn prepare_code(
        &mut self,
        node: std::rc::Rc<str>,
        frame: u32,
        cfg: u32,
        kind: Kind,
    ) -> Result<(Prepared, &'static str), Failure> {
        let mut input = self.slot(frame);
        let mut asked = Value::Null;
        if let (Kind::Code, Value::Dict(given)) = (kind, &input) {
            // The program gets an object of its own; what is inside stays shared.
            let own = given.shallow_copy();
            asked = own.remove("permissions").unwrap_or_default();
            input = Value::Dict(own);
        }
        let permissions = match kind {
            Kind::Code => permissions(&asked)?,
            Kind::Function => SANDBOX,
        };
        let Some(unit) = self.config(cfg, "unit").and_then(|unit| Unit::read(&unit)) else {
            return Err(Failure {
                message: "Execution error: the node's program is missing".to_owned(),
                permissions: Some(permissions),
            });
        };
        let prepared = Prepared {
            unit,
            node,
            input,
            world: std::mem::take(&mut self.world),
            base: self.program.base,
        };
        Ok((prepared, permissions))
    }

    fn finish_code(&mut self, node: Node, kind: Kind, result: Value, permissions: &'static str) -> i32 {
        if kind == Kind::Function {
            return self.finish_function(node, result);
        }
        if let Err(message) = self.check_finite(&result) {
            let permissions = Some(permissions);
            return self.fail_code(node, kind, Failure { message, permissions });
        }
        // Keys of the result are pins of their own; those of the record win.
        let mut record = match &result {
            Value::Dict(result) => result.borrow().clone(),
            _ => Map::default(),
        };
        record.insert("success".into(), Value::Bool(true));
        record.insert("output".into(), result.clone());
        record.insert("result".into(), result.clone());
        record.insert("execution".into(), execution(Some(permissions)));
        self.finish_with(node, Value::dict(record), result)
    }

    fn fail_code(&mut self, node: Node, kind: Kind, failure: Failure) -> i32 {
        if kind == Kind::Code {
            let record = Map::from_iter([
                ("success".into(), Value::Bool(false)),
                ("output".into(), Value::Null),
                ("result".into(), Value::Null),
                ("error".into(), Value::str(failure.message.as_str())),
                ("execution".into(), execution(failure.permissions)),
            ]);
            self.set_output(node, Value::dict(record));
        }
        self.fail_function(node, failure.message)
    }
}

/// How a call was made. A flow has no clock of its own, so there is nothing to say about time.
fn execution(permissions: Option<&'static str>) -> Value {
    let permissions = permissions.map(|name| ("permissions".into(), Value::str(name)));
    Value::dict(permissions.into_iter().collect())
}

const SANDBOX: &str = "sandbox";

/// The permissions that a node asks for; nothing but the sandbox is given.
fn permissions(asked: &Value) -> Result<&'static str, Failure> {
    let refused = |message: String, permissions| Failure { message, permissions };
    if !py::truthy(asked) {
        return Ok(SANDBOX);
    }
    let shown = py::str(asked).map_err(|error| refused(error.to_string(), None))?;
    match py::chars::strip(&shown).to_lowercase().replace('-', "_").as_str() {
        "" | "sandbox" | "safe" | "protected" | "restricted" | "sandboxed" => Ok(SANDBOX),
        "full_access" | "full" | "unrestricted" => Err(refused(
            "full_access code execution is disabled by host policy. This host compiles code nodes to WebAssembly and runs them in the sandbox only."
                .to_owned(),
            Some("full_access"),
        )),
        _ => {
            let asked = py::repr(asked).map_err(|error| refused(error.to_string(), None))?;
            Err(refused(format!("Unsupported code execution permissions: {asked}"), None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_name_the_sandbox_or_are_refused() {
        for text in ["", "safe", " Sandbox ", "RESTRICTED", "protected", "sandboxed"] {
            assert!(matches!(permissions(&Value::str(text)), Ok(SANDBOX)), "{text}");
        }
        for text in ["full-access", "Full", "unrestricted"] {
            let failure = permissions(&Value::str(text)).err().unwrap();
            assert!(
                failure
                    .message
                    .starts_with("full_access code execution is disabled by host policy.")
            );
            assert_eq!(failure.permissions, Some("full_access"));
        }
        let failure = permissions(&Value::str("root")).err().unwrap();
        assert_eq!(failure.message, "Unsupported code execution permissions: 'root'");
        assert_eq!(failure.permissions, None);
        assert!(matches!(permissions(&Value::Null), Ok(SANDBOX)));
    }
}
