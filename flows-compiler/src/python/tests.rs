//! The front end as a whole: what programs become, what is refused and where, and that nothing makes it panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod recorded;
mod refusals;
mod robust;
mod sources;

use super::dump::dump;
use super::{CodeNode, Compiled, Problem, compile};

fn program(text: &str) -> CodeNode<'_> {
    CodeNode {
        code: Some(text),
        ..CodeNode::default()
    }
}

fn body<'a>(text: &'a str, pins: &[&'a str]) -> CodeNode<'a> {
    CodeNode {
        body: Some(text),
        pins: pins.to_vec(),
        ..CodeNode::default()
    }
}

fn compiled(node: &CodeNode<'_>) -> Compiled {
    compile(node).unwrap_or_else(|problems| panic!("{}", problems[0]))
}

fn refused(node: &CodeNode<'_>) -> Vec<Problem> {
    compile(node).err().unwrap_or_default()
}

/// The middle form of all functions but the module's body.
fn lowered(text: &str) -> String {
    let mut module = compiled(&program(text)).module;
    module.functions.remove(0);
    dump(&module)
}

#[test]
fn programs_become_blocks() {
    let programs = [
        (
            "counting_loop",
            "def transform(n):\n    t = 0\n    for i in range(n):\n        if i % 3 == 0:\n            t += i\n    return t",
        ),
        (
            "and_or_not_are_jumps",
            "def transform(a):\n    while not (a and a > 1 or a is None):\n        a = a.next\n    return a",
        ),
        ("chain_evaluates_once", "def transform(a):\n    return 1 < a.f() < 3"),
        (
            "swap_needs_no_tuple",
            "def transform(a, b):\n    a, b = b, a\n    (c, *d), e = a\n    return c",
        ),
        (
            "calls",
            "def transform(f, x):\n    return f(x, *x, k=1, **x), f.m(x, k=2), len(x)",
        ),
        (
            "closures_share_cells",
            "def transform(a):\n    n = 0\n    def bump():\n        nonlocal n\n        n += a\n        return n\n    return bump",
        ),
        (
            "comprehension_runs_inline",
            "def transform(a):\n    return {k: [v + k for v in vs] for k, vs in a if k}",
        ),
        (
            "generator",
            "def transform(a):\n    x = yield a\n    yield from x\n    return sum(i for i in x)",
        ),
        (
            "finally_is_written_once",
            "def transform(a):\n    for i in a:\n        try:\n            if i:\n                break\n            return i\n        finally:\n            a.done()",
        ),
        (
            "handler_unbinds_its_name",
            "def transform(a):\n    try:\n        a()\n    except (KeyError, ValueError) as e:\n        return e\n    except Exception:\n        raise\n    else:\n        return 1",
        ),
        (
            "class_body_is_a_dict",
            "class P(Exception):\n    limit: int = 3\n    def __init__(self):\n        super().__init__(P.limit)\n    __slot = limit\ndef transform(a):\n    return P()",
        ),
        (
            "match_binds_after_success",
            "def transform(a):\n    match a:\n        case {'k': [x, *_], **rest} if x > 1:\n            return x, rest\n        case int(n) | [n, 1]:\n            return n\n        case None | True:\n            return 0",
        ),
        ("fstring", "def transform(a):\n    return f'x{a!r:>{a}}{a.b=}'"),
        (
            "maybe_unassigned",
            "def transform(a):\n    if a:\n        x = 1\n    else:\n        y = x\n    del a\n    return x, y, a",
        ),
        (
            "walrus_is_read_once",
            "def transform(a):\n    return (b := a) + (b := b + 1) + b",
        ),
        ("with_leaves", "def transform(a):\n    with a as b:\n        return b"),
    ];
    for (name, text) in programs {
        insta::assert_snapshot!(name, lowered(text), text);
    }
}
