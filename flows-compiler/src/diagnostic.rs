//! What is wrong with a flow, said so that its author finds the place.

use std::fmt;

use crate::python::Place;

/// One finding: which flow, which node, which pin, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    pub severity: Severity,
    /// The flow's id, as its document says it.
    pub flow: String,
    pub node: Option<String>,
    pub pin: Option<String>,
    /// The reference's text where it has one.
    pub message: String,
    /// In which line of the node's Python.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Place>,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The flow cannot be compiled.
    Error,
    /// The flow compiles, but its author should look.
    Warning,
}

impl Diagnostic {
    pub fn error(flow: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            flow: flow.into(),
            node: None,
            pin: None,
            message: message.into(),
            code: None,
            hint: None,
        }
    }
    pub fn warning(flow: &str, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(flow, message)
        }
    }
    pub fn at(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }
    pub fn pin(mut self, pin: impl Into<String>) -> Self {
        self.pin = Some(pin.into());
        self
    }
    /// A finding in the Python of a node.
    pub fn python(mut self, place: Place, hint: Option<String>) -> Self {
        self.code = Some(place);
        self.hint = hint;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flow '{}'", self.flow)?;
        if let Some(node) = &self.node {
            write!(f, ", node '{node}'")?;
        }
        if let Some(pin) = &self.pin {
            write!(f, ", pin '{pin}'")?;
        }
        if let Some(place) = &self.code {
            write!(f, ", {place}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(place) = &self.code {
            write!(f, "\n{}", place.shown())?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// A text in quotes as the reference's messages show it.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\");
    match escaped.contains('\'') && !escaped.contains('"') {
        true => format!("\"{escaped}\""),
        false => format!("'{}'", escaped.replace('\'', "\\'")),
    }
}

/// `['a', 'b']`
pub(crate) fn list<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<_> = items.into_iter().map(quoted).collect();
    format!("[{}]", items.join(", "))
}

/// `[('a', 'b')]`
pub(crate) fn pairs<'a>(items: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let items: Vec<_> = items
        .into_iter()
        .map(|(a, b)| format!("({}, {})", quoted(a), quoted(b)))
        .collect();
    format!("[{}]", items.join(", "))
}
