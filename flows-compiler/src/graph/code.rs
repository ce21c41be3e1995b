//! The Python of code nodes: reads what a node's `data` says and has it compiled.

use serde_json::value::RawValue;

use super::build::RefusedCode;
use super::draft::DraftNode;
use super::findings::Findings;
use crate::diagnostic::Severity;
use crate::python::{self, CodeNode, mir};
use crate::visualflow;

/// The program of a node whose type has one; none for every other, and for a program that is wrong, which is told.
pub(super) fn compile(node: &DraftNode<'_>, refused: RefusedCode, findings: &mut Findings<'_>) -> Option<Box<mir::Module>> {
    let legacy = match node.ty?.name {
        "code" => false,
        "function" => true,
        _ => return None,
    };
    let drawn = node.drawn?;
    let text = |key: &str| drawn.config.get(key).and_then(|value| string(value));
    let (code, body, expression, function) = (text("code"), text("codeBody"), text("expression"), text("functionName"));
    let pins = drawn.inputs.iter().filter(|pin| !pin.is_execution());
    let node_code = CodeNode {
        code: code.as_deref(),
        body: body.as_deref().filter(|_| !legacy),
        expression: expression.as_deref().filter(|_| legacy),
        function_name: function.as_deref(),
        pins: pins.map(|pin: &visualflow::Pin| pin.id.as_str()).collect(),
    };
    match python::compile(&node_code) {
        Ok(compiled) => {
            for warning in compiled.warnings {
                findings.python(node.id, warning, Severity::Warning);
            }
            Some(Box::new(compiled.module))
        }
        Err(problems) if refused == RefusedCode::FailAtRun => {
            let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Some(Box::new(python::refusal(texts.join("\n"))))
        }
        Err(problems) => {
            for problem in problems {
                findings.python(node.id, problem, Severity::Error);
            }
            None
        }
    }
}

fn string(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}
