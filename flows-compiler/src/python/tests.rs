//! The front end as a whole: what programs become, what is refused and where, and that nothing makes it panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::dump::dump;
use super::{CodeNode, compile};

fn body(text: &str) -> CodeNode<'_> {
    CodeNode {
        body: Some(text),
        pins: vec!["a", "b"],
        ..CodeNode::default()
    }
}

/// The middle form of the node's function, whose body this is.
fn lowered(text: &str) -> String {
    let compiled = compile(&body(text)).unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert_eq!(compiled.warnings, [], "{text}");
    dump(&compiled.module)
}

#[test]
fn show() {
    if let Ok(path) = std::env::var("SHOW") {
        eprintln!("{}", lowered(&std::fs::read_to_string(path).unwrap()));
    }
}
