//! Standard output: results only, whole lines, flushed, so that a program that reads them sees each at once.

use std::fmt::Display;
use std::io::{self, Write as _};

/// One line of result.
pub fn line(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Text that has its own line ends.
pub fn text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
