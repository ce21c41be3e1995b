//! No text makes the compiler panic, overflow its stack or write a middle form that does not hold together.

use proptest::prelude::*;

use super::*;
use crate::codegen::{Program, Tables, encode};
use crate::python::emit::emit;
use crate::python::guard::{MAX_BRACKETS, MAX_INDENTATION, MAX_NESTING, MAX_SOURCE};
use crate::python::mir::{Arg, End, Function, Module, Op, Operand};

#[test]
fn depth_is_limited_before_anything_recurses() {
    let deep = 5000;
    let texts = [
        format!("x = {}{}", "(".repeat(deep), ")".repeat(deep)),
        format!("x = {}1{}", "[".repeat(MAX_BRACKETS + 1), "]".repeat(MAX_BRACKETS + 1)),
        format!("x = {}1", "-".repeat(deep)),
        format!("x = {}1", "not ".repeat(deep)),
        format!("x = a{}", ".b".repeat(deep)),
        format!("x = a{}", "[0,1]".repeat(deep)),
        format!("x = a{}", "()".repeat(deep)),
        format!("x = {}1", "1 + ".repeat(deep)),
        format!("x = {}1", "1 if 2 else ".repeat(deep)),
        format!("x = {}1", "lambda a, b: ".repeat(deep)),
        format!("x = {}{}", "f'{".repeat(deep), "}'".repeat(deep)),
        format!("x = {}1", "await ".repeat(deep)),
        format!("match a:\n  case {}1: pass", "-".repeat(deep)),
        (0..=MAX_INDENTATION)
            .map(|n| format!("{}if x:\n", " ".repeat(n)))
            .collect::<String>()
            + &" ".repeat(MAX_INDENTATION + 1)
            + "pass",
        "x".repeat(MAX_SOURCE),
    ];
    for text in texts {
        let problems = refused(&body(&text, &[]));
        assert!(!problems.is_empty(), "{}", &text[..40]);
    }
}

#[test]
fn what_is_just_within_the_limits_compiles() {
    let nested = MAX_NESTING - 10;
    for text in [
        format!("return {}1{}", "(".repeat(MAX_BRACKETS), ")".repeat(MAX_BRACKETS)),
        format!("return {}1", "1 + ".repeat(nested)),
        format!("return {}1", "not ".repeat(nested)),
        format!("return _input{}", ".b".repeat(nested)),
        format!("return {}1", "1 if _input else ".repeat(nested / 2)),
        format!("return [{}]", "1, ".repeat(20_000)),
        "if _input: pass\n".repeat(5000),
        (0..MAX_INDENTATION - 1)
            .map(|n| format!("{}for x in _input:\n", " ".repeat(n)))
            .collect::<String>()
            + &" ".repeat(MAX_INDENTATION)
            + "break",
        (0..MAX_INDENTATION - 1)
            .map(|n| format!("{}try:\n", " ".repeat(n)))
            .collect::<String>()
            + &" ".repeat(MAX_INDENTATION)
            + "return 1\n"
            + &(0..MAX_INDENTATION - 1)
                .rev()
                .map(|n| format!("{}finally: pass\n", " ".repeat(n)))
                .collect::<String>(),
    ] {
        holds_together(&compiled(&body(&text, &[])).module);
    }
}

/// Every jump, slot and function of a middle form exists, and what is emitted from it is valid.
fn holds_together(module: &Module) {
    for function in &module.functions {
        let blocks = function.blocks.len() as u32;
        assert!(blocks > 0, "{}", function.qualname);
        for block in &function.blocks {
            assert!(block.unwind.is_none_or(|to| to < blocks));
            block.ops.iter().for_each(|op| in_frame(module, function, op));
            let targets: Vec<u32> = match &block.end {
                End::Jump(to) | End::Yield { resume: to } => vec![*to],
                End::Truth { then, otherwise, .. } | End::Compare { then, otherwise, .. } | End::Test { then, otherwise, .. } => {
                    vec![*then, *otherwise]
                }
                End::Next { body, done, .. } | End::Range { body, done, .. } => vec![*body, *done],
                End::Switch { targets, .. } => targets.clone(),
                End::Return | End::Raise => vec![],
            };
            assert!(targets.iter().all(|to| *to < blocks));
        }
    }
    assert!(module.globals.contains(&module.entry));
    let emitted = emit(module, 0, &mut Tables::default());
    let program = Program {
        exported: emitted.functions.len() as u32,
        functions: emitted.functions,
    };
    let checked = wasmparser::validate(&encode(&program, b"")).map(drop);
    assert!(checked.is_ok(), "{checked:?}");
}

fn in_frame(module: &Module, function: &Function, op: &Op) {
    let mut slots = Vec::new();
    match op {
        Op::None(slot)
        | Op::Bool(slot, _)
        | Op::Int(slot, _)
        | Op::Float(slot, _)
        | Op::Unbound(slot)
        | Op::Big(slot, _)
        | Op::Text(slot, _)
        | Op::Bytes(slot, _)
        | Op::Check { slot, .. } => slots.push(*slot),
        Op::Copy { dst, src } => slots.extend([*dst, *src]),
        Op::Unary { dst, a, .. } => slots.extend([*dst, *a]),
        Op::Binary { dst, a, b, .. } | Op::Compare { dst, a, b, .. } => {
            slots.push(*dst);
            for operand in [a, b] {
                if let Operand::Slot(slot) = operand {
                    slots.push(*slot);
                }
            }
        }
        Op::Function { dst, function, .. } => {
            slots.push(*dst);
            assert!((*function as usize) < module.functions.len());
        }
        Op::Rt { import, args } => {
            assert_eq!(args.len(), import.params as usize, "{}", import.name);
            // The place of no slots at all may lie at the frame's end.
            let none = args.contains(&Arg::Word(0));
            slots.extend(args.iter().filter_map(|arg| match arg {
                Arg::Slot(slot) if !none => Some(*slot),
                _ => None,
            }));
        }
    }
    assert!(
        slots.iter().all(|slot| *slot < function.slots),
        "{}: {op:?}",
        function.qualname
    );
}

/// Pieces of Python, so that soup of them often parses.
fn tokens() -> impl Strategy<Value = String> {
    const TOKENS: [&str; 92] = [
        "x",
        "y",
        "a",
        "self",
        "print",
        "len",
        "1",
        "2.5",
        "'s'",
        "f'{x}'",
        "f'{x!r:>{y}}'",
        "None",
        "True",
        "...",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "%",
        "<",
        "<=",
        "==",
        "!=",
        "is",
        "is not",
        "in",
        "not in",
        "and",
        "or",
        "not",
        "if",
        "else",
        "elif",
        "for",
        "while",
        "def f(x, *a, k=1, **kw):",
        "lambda x, y=1:",
        "class A:",
        "class B(A):",
        "return",
        "yield",
        "yield from",
        "await",
        "async",
        "try:",
        "except:",
        "except A as e:",
        "finally:",
        "raise",
        "raise A from x",
        "with x as y:",
        "match x:",
        "case [a, *b]:",
        "case {'k': v, **r}:",
        "case A(x=1) | None:",
        "break",
        "continue",
        "pass",
        "del x",
        "global x",
        "nonlocal x",
        "import json",
        "from math import pi",
        "assert x, y",
        "x = ",
        "x += ",
        "x: int = ",
        "x, *y = ",
        "(x := 1)",
        "[x for x in y if x]",
        "{k: v for k, v in x}",
        "(x for x in y)",
        "any(x for x in y)",
        "x[1:2]",
        "x.y",
        "x(y, *a, k=1, **kw)",
        "super()",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
        "\n    ",
        "\n        ",
        ";",
        "\\",
    ];
    prop::collection::vec(prop::sample::select(&TOKENS[..]), 0..40).prop_map(|tokens| tokens.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_the_compiler_panic(text in prop_oneof![any::<String>(), ".{0,200}", tokens(), tokens()]) {
        for node in [program(&text), body(&text, &["x", "y"]), CodeNode { expression: Some(&text), ..CodeNode::default() }] {
            match compile(&node) {
                Ok(compiled) => holds_together(&compiled.module),
                Err(problems) => {
                    prop_assert!(!problems.is_empty());
                    let gave_up = "the compiler could not work on this program";
                    prop_assert!(problems.iter().all(|problem| problem.message != gave_up), "{text}");
                }
            }
        }
    }

    /// Statements that parse, in random order and depth.
    #[test]
    fn every_program_that_compiles_holds_together(
        lines in prop::collection::vec((0_usize..4, prop::sample::select(&STATEMENTS[..])), 1..30)
    ) {
        let mut text = String::from("def transform(a):\n");
        let mut depth = 1;
        for (want, line) in lines {
            let opens = text.trim_end().ends_with(':');
            depth = if opens { depth + 1 } else { depth.min(want + 1) };
            text.push_str(&format!("{}{line}\n", "    ".repeat(depth)));
        }
        if text.trim_end().ends_with(':') {
            text.push_str(&format!("{}pass\n", "    ".repeat(depth + 1)));
        }
        if let Ok(compiled) = compile(&program(&text)) {
            holds_together(&compiled.module);
        }
    }
}

const STATEMENTS: [&str; 24] = [
    "x = a",
    "a += x",
    "if a < x:",
    "while a:",
    "for x in a:",
    "for i, (x, *y) in range(a):",
    "def f(x, *, y=a):",
    "class C(Exception):",
    "return x",
    "yield x",
    "break",
    "continue",
    "with a as x, a:",
    "match a:",
    "del x",
    "global g",
    "nonlocal x",
    "g = [x for x in a]",
    "raise x",
    "x = lambda y: x + y",
    "x, a = a, x",
    "x = any(a == y for y in x)",
    "super().f(x)",
    "print(f'{x=}')",
];
