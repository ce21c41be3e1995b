//! Text to syntax tree: the parser's own errors in this crate's words, nothing else.

use ruff_python_ast::{ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};

use super::guard;
use super::problem::Finding;

/// Which Python a text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// That of the reference's interpreter, 3.11: what it cannot read must not mean something here.
    Reference,
    /// The newest: for a program that is the only one that can be meant.
    Newest,
}

/// Parses a program that [`guard::check`] lets pass.
pub(super) fn parse(text: &str, grammar: Grammar) -> Result<Parsed<ModModule>, Vec<Finding>> {
    guard::check(text).map_err(|finding| vec![finding])?;
    let version = match grammar {
        Grammar::Reference => PythonVersion::PY311,
        Grammar::Newest => PythonVersion::latest(),
    };
    let options = ParseOptions::from(Mode::Module).with_target_version(version);
    let parsed = parse_unchecked(text, options);
    if !parsed.has_valid_syntax() {
        // Those after the first are mostly its consequences.
        let first = parsed.errors().first();
        return Err(first
            .map(|error| Finding::new(error.location, format!("Syntax error: {}", error.error)))
            .into_iter()
            .collect());
    }
    if let Some(error) = parsed.unsupported_syntax_errors().first() {
        return Err(vec![Finding::new(error.range, format!("Syntax error: {error}"))]);
    }
    parsed.try_into_module().ok_or_else(Vec::new)
}
