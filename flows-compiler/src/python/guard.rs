//! Limits of a source text that hold before anything recurses over it.
//!
//! Everything after this recurses with the depth of the syntax, on the stack that [`super::compile`] provides for this depth. The
//! depth is bounded from above by counting tokens: every bracket and operator since the last comma may add a level.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::Mode;
use ruff_python_parser::lexer::lex;
use ruff_text_size::{TextRange, TextSize};

use super::problem::Finding;

/// Bytes of one node's program.
pub const MAX_SOURCE: usize = 256 * 1024;
/// Brackets within brackets; CPython's own limit.
pub const MAX_BRACKETS: usize = 200;
/// Blocks within blocks; CPython's own limit.
pub const MAX_INDENTATION: usize = 100;
/// Operators, dots, calls and keywords that one expression can nest.
pub const MAX_NESTING: usize = 2000;
/// `lambda`s of one statement.
const MAX_LAMBDAS: usize = 200;

/// Whether the text can be parsed without running into the machine's limits.
pub(super) fn check(text: &str) -> Result<(), Finding> {
    if text.len() > MAX_SOURCE {
        return Err(at(text, 0, format!("the program is longer than {MAX_SOURCE} bytes")));
    }
    let mut lexer = lex(text, Mode::Module);
    let mut line = 0;
    let mut indentation = 0_usize;
    let mut statement = Statement::default();
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return Ok(()),
            TokenKind::Newline => {
                line += 1;
                statement = Statement::default();
            }
            TokenKind::NonLogicalNewline => line += 1,
            TokenKind::Indent => indentation += 1,
            TokenKind::Dedent => indentation = indentation.saturating_sub(1),
            kind => statement.token(kind),
        }
        let limit = if indentation > MAX_INDENTATION {
            format!("blocks are nested more than {MAX_INDENTATION} deep")
        } else if statement.open.len() > MAX_BRACKETS {
            format!("brackets are nested more than {MAX_BRACKETS} deep")
        } else if statement.total > MAX_NESTING {
            format!("an expression has more than {MAX_NESTING} operators, dots and calls in a row")
        } else if statement.lambdas > MAX_LAMBDAS {
            format!("a statement has more than {MAX_LAMBDAS} lambdas")
        } else {
            continue;
        };
        return Err(at(text, line, limit).hint("split it into several statements or functions"));
    }
}

/// What may nest within the statement that is being read.
#[derive(Default)]
struct Statement {
    /// For each open bracket, what was counted outside it since the last comma.
    open: Vec<usize>,
    /// Counted in the innermost bracket since the last comma.
    here: usize,
    /// The sum of both.
    total: usize,
    lambdas: usize,
}

impl Statement {
    fn token(&mut self, kind: TokenKind) {
        match kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace | TokenKind::FStringStart | TokenKind::TStringStart => {
                self.count();
                self.open.push(self.here);
                self.here = 0;
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace | TokenKind::FStringEnd | TokenKind::TStringEnd => {
                self.total = self.total.saturating_sub(self.here);
                self.here = self.open.pop().unwrap_or(0);
            }
            TokenKind::Comma => {
                self.total = self.total.saturating_sub(self.here);
                self.here = 0;
            }
            TokenKind::Name
            | TokenKind::Int
            | TokenKind::Float
            | TokenKind::Complex
            | TokenKind::String
            | TokenKind::FStringMiddle
            | TokenKind::TStringMiddle
            | TokenKind::Comment => {}
            TokenKind::Lambda => {
                self.lambdas += 1;
                self.count();
            }
            _ => self.count(),
        }
    }

    fn count(&mut self) {
        self.here += 1;
        self.total += 1;
    }
}

/// A finding at the beginning of a line; the lexer tells no more.
fn at(text: &str, line: usize, message: String) -> Finding {
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let size = |at: usize| TextSize::try_from(at).unwrap_or_default();
    Finding::new(TextRange::new(size(start), size(end).max(size(start))), message)
}
