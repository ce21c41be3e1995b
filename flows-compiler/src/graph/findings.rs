//! Collects what is wrong with one flow while its graph is made, so that its author sees all of it at once.

use crate::diagnostic::{Diagnostic, Severity};
use crate::python::Problem;

/// How many errors, and how many warnings, are kept.
const MAX: usize = 500;

/// Errors and warnings of one flow, each in the order of discovery; the first few hundred of them.
pub(super) struct Findings<'a> {
    pub(super) flow: &'a str,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
    /// Errors found, those that are not kept included.
    pub(super) error_count: usize,
}

impl<'a> Findings<'a> {
    pub(super) fn new(flow: &'a str) -> Self {
        Self {
            flow,
            errors: Vec::new(),
            warnings: Vec::new(),
            error_count: 0,
        }
    }

    /// The flow as a whole.
    pub(super) fn flow_error(&mut self, message: impl Into<String>) {
        self.add(Diagnostic::error(self.flow, message));
    }

    pub(super) fn error(&mut self, node: &str, message: impl Into<String>) {
        self.add(Diagnostic::error(self.flow, message).at(node));
    }

    pub(super) fn pin_error(&mut self, node: &str, pin: &str, message: impl Into<String>) {
        self.add(Diagnostic::error(self.flow, message).at(node).pin(pin));
    }

    pub(super) fn warning(&mut self, node: &str, message: impl Into<String>) {
        self.add(Diagnostic::warning(self.flow, message).at(node));
    }

    pub(super) fn pin_warning(&mut self, node: &str, pin: &str, message: impl Into<String>) {
        self.add(Diagnostic::warning(self.flow, message).at(node).pin(pin));
    }

    /// What is wrong with a node's Python, or what its author should look at.
    pub(super) fn python(&mut self, node: &str, problem: Problem, severity: Severity) {
        let finding = Diagnostic {
            severity,
            ..Diagnostic::error(self.flow, problem.message)
        };
        self.add(finding.at(node).python(problem.place, problem.hint));
    }

    fn add(&mut self, finding: Diagnostic) {
        let list = match finding.severity {
            Severity::Error => {
                self.error_count += 1;
                &mut self.errors
            }
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MAX {
            list.push(finding);
        }
    }
}
