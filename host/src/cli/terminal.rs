//! Lines that a person (or a pipe) types.

use std::io::{self, BufRead as _, IsTerminal as _};

use tokio::sync::mpsc;

/// Standard input, line by line. Read by a thread of its own, since nothing can interrupt a read: a program that ends does not
/// wait for it. The thread starts with the first question, so a command that asks nothing leaves its input alone.
#[derive(Debug, Default)]
pub struct Lines(Option<mpsc::UnboundedReceiver<String>>);

impl Lines {
    /// The next line without its end; `None` at the end of input. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<String> {
        self.0.get_or_insert_with(read_all).recv().await
    }
}

fn read_all() -> mpsc::UnboundedReceiver<String> {
    let (lines, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if lines.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// Whether a person sits there: both what we ask and what they type go through a terminal.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
