//! What is wrong with an author's Python, and where: in the author's own lines, never in the assembled ones.
//!
//! [`Finding`] names a range of the assembled text; [`Problem`] is what its author sees. [`super::source`] leads from one to the
//! other.

use std::fmt;

use ruff_text_size::TextRange;

/// One finding in the assembled text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) range: TextRange,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn new(range: TextRange, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
            hint: None,
        }
    }
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One finding as its author sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub message: String,
    /// What to do instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    #[serde(flatten)]
    pub place: Place,
}

/// Where in a node's Python.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The key of the node's `data` that holds the text: `code`, `codeBody` or `expression`.
    pub field: &'static str,
    /// Counted from 1, columns in characters.
    pub line: u32,
    pub column: u32,
    /// The author's line, at most [`MAX_SHOWN`] characters of it around the place.
    pub text: String,
    /// The first underlined character of `text`, counted from 0, and how many are.
    pub underline: (u32, u32),
}

/// How many characters of a line are shown.
pub const MAX_SHOWN: usize = 160;

impl Place {
    /// The place of `length` characters from `column` (from 0) of a line (from 0) that reads `text`.
    pub(super) fn new(field: &'static str, line: usize, column: usize, length: usize, text: &str) -> Self {
        let all: Vec<char> = text.trim_end().chars().collect();
        let column = column.min(all.len());
        let from = if all.len() <= MAX_SHOWN {
            0
        } else {
            column.saturating_sub(MAX_SHOWN / 4)
        };
        let shown: String = all.iter().skip(from).take(MAX_SHOWN).collect();
        let start = column - from;
        let room = shown.chars().count().saturating_sub(start).max(1);
        Self {
            field,
            line: small(line + 1),
            column: small(column + 1),
            text: shown,
            underline: (small(start), small(length.clamp(1, room))),
        }
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Place {
    /// The line and its underlining, each indented and on a line of its own.
    pub fn shown(&self) -> String {
        let (start, length) = self.underline;
        // Tabs stay tabs, so that the marks stand below what they mark.
        let before = self.text.chars().take(start as usize);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        format!("    {}\n    {indent}{}", self.text, "^".repeat(length as usize))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {}", self.field, self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n{}", self.place, self.message, self.place.shown())?;
        match &self.hint {
            Some(hint) => write!(f, "\n    hint: {hint}"),
            None => Ok(()),
        }
    }
}
