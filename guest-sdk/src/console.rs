//! Lines that the flow logs in a tick. They belong to no run's state: whoever ends the tick takes them, also after a panic.

use std::cell::RefCell;

/// Lines and bytes that are kept of one tick; a flow that logs more loses the rest, and is told so in the last line.
const MAX_LINES: usize = 1_000;
const MAX_BYTES: usize = 64 << 10;

thread_local! {
    static CONSOLE: RefCell<Console> = const { RefCell::new(Console { lines: Vec::new(), bytes: 0, node: String::new() }) };
}

struct Console {
    lines: Vec<(String, String)>,
    bytes: usize,
    /// The node that asked last.
    node: String,
}

pub(crate) fn log(text: String) {
    CONSOLE.with_borrow_mut(|console| {
        let full = console.lines.len() >= MAX_LINES || console.bytes >= MAX_BYTES;
        if full {
            if console.bytes != usize::MAX {
                let node = console.node.clone();
                console
                    .lines
                    .push((node, "… (more was logged in this tick than is kept)".to_owned()));
                console.bytes = usize::MAX;
            }
            return;
        }
        console.bytes += text.len();
        console.lines.push((console.node.clone(), text));
    });
}

/// The node at which the flow stands from now on.
pub(crate) fn stands_at(node: &str) {
    CONSOLE.with_borrow_mut(|console| node.clone_into(&mut console.node));
}

pub(crate) fn node() -> String {
    CONSOLE.with_borrow(|console| console.node.clone())
}

/// The lines of this tick; given once.
pub(crate) fn take() -> Vec<(String, String)> {
    CONSOLE.with_borrow_mut(|console| {
        console.bytes = 0;
        std::mem::take(&mut console.lines)
    })
}
