//! Text to syntax tree: the parser's own errors in this crate's words, nothing else.

use ruff_python_ast::{ModModule, PythonVersion};
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_unchecked};

use super::guard;
use super::problem::Finding;

/// Parses a program that [`guard::check`] lets pass.
pub(super) fn parse(text: &str) -> Result<Parsed<ModModule>, Vec<Finding>> {
    guard::check(text).map_err(|finding| vec![finding])?;
    // The grammar of the reference's interpreter: what it cannot read must not mean something here.
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY311);
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
