//! What a guest writes to its standard output or error: kept for the run's log up to a bound, then counted and dropped. Writing never
//! waits and never fails.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::sandbox::world::Line;

/// Bytes of a stream that one tick keeps.
const MAX_BYTES: usize = 64 << 10;

/// Lines of a stream that one tick keeps.
const MAX_LINES: usize = 1000;

/// One of the two streams. Clones write to the same log.
#[derive(Clone)]
pub(super) struct Output {
    /// Shown where other lines have their node.
    name: &'static str,
    written: Arc<Mutex<Written>>,
}

#[derive(Default)]
struct Written {
    kept: Vec<u8>,
    dropped: usize,
}

impl Output {
    pub fn new(name: &'static str) -> Self {
        let written = Arc::default();
        Output { name, written }
    }

    // The lock is never held across anything that waits; a std mutex, because a stream has to be shareable.
    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines so far; given once.
    pub fn take(&self) -> Vec<Line> {
        let Written { kept, mut dropped } = std::mem::take(&mut *self.written());
        let line = |text: String| Line {
            node: self.name.to_owned(),
            text,
        };
        let mut rest = kept.as_slice();
        let mut lines = Vec::new();
        while !rest.is_empty() && lines.len() < MAX_LINES {
            let end = rest.iter().position(|b| *b == b'\n');
            let (text, after) = end.map_or((rest, &rest[rest.len()..]), |at| (&rest[..at], &rest[at + 1..]));
            lines.push(line(String::from_utf8_lossy(text).into_owned()));
            rest = after;
        }
        dropped += rest.len();
        if dropped > 0 {
            lines.push(line(format!("({dropped} more bytes in this tick are not kept)")));
        }
        lines
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    /// For WASI 0.3, which is not linked.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        let mut written = self.written();
        let fits = bytes.len().min(MAX_BYTES - written.kept.len());
        written.kept.extend_from_slice(&bytes[..fits]);
        written.dropped += bytes.len() - fits;
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_BYTES)
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(output: &Output) -> Vec<String> {
        output.take().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn output_becomes_lines_and_is_bounded() {
        let mut output = Output::new("stdout");
        output.clone().write(Bytes::from_static(b"one\ntw")).unwrap();
        output.write(Bytes::from_static(b"o\n\nthree")).unwrap();
        assert_eq!(texts(&output), ["one", "two", "", "three"]);
        assert!(texts(&output).is_empty(), "given once");

        output.write(Bytes::from(vec![b'x'; MAX_BYTES - 1])).unwrap();
        output.write(Bytes::from_static(b"yz")).unwrap();
        let lines = texts(&output);
        assert_eq!(lines[0].len(), MAX_BYTES);
        assert_eq!(lines[1], "(1 more bytes in this tick are not kept)");

        output.write(Bytes::from(vec![b'\n'; MAX_LINES + 5])).unwrap();
        let lines = texts(&output);
        assert_eq!(
            (lines.len(), &*lines[MAX_LINES]),
            (MAX_LINES + 1, "(5 more bytes in this tick are not kept)")
        );
    }
}
