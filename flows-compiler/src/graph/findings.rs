//! Collects what is wrong with one flow while its graph is made, so that its author sees all of it at once.

use crate::diagnostic::Diagnostic;

/// Errors and warnings of one flow, each in the order of discovery.
pub(super) struct Findings<'a> {
    pub(super) flow: &'a str,
    pub(super) errors: Vec<Diagnostic>,
    pub(super) warnings: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(flow: &'a str) -> Self {
        Self {
            flow,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The flow as a whole.
    pub(super) fn flow_error(&mut self, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(self.flow, message));
    }

    pub(super) fn error(&mut self, node: &str, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(self.flow, message).at(node));
    }

    pub(super) fn pin_error(&mut self, node: &str, pin: &str, message: impl Into<String>) {
        self.errors.push(Diagnostic::error(self.flow, message).at(node).pin(pin));
    }

    pub(super) fn warning(&mut self, node: &str, message: impl Into<String>) {
        self.warnings.push(Diagnostic::warning(self.flow, message).at(node));
    }

    pub(super) fn pin_warning(&mut self, node: &str, pin: &str, message: impl Into<String>) {
        self.warnings.push(Diagnostic::warning(self.flow, message).at(node).pin(pin));
    }
}
