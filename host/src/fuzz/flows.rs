//! Flows and their Python: any text is refused with what is wrong with it, or becomes a component that the sandbox takes and that no
//! answer makes trap.

use flowgate_compiler::Link;

use super::lab::{Lab, checked, compile, told};
use super::{Dice, Shown, check, mutate, seeds};
use crate::sandbox::Imports;

/// What must hold of any text as a flow.
fn flow(lab: &Lab, dice: &mut Dice<'_>, text: &str, input: &str) -> bool {
    let _shown = (Shown("the flow", &text), Shown("its input", &input));
    let made = match compile(text.as_bytes(), Link::Shared) {
        Err(found) => {
            told(&found);
            return false;
        }
        Ok(made) => made,
    };
    let imports = checked(&made.bytes).unwrap();
    assert!(matches!(imports, Imports::Runtime(_)), "{imports:?}");
    if dice.once_in(8) {
        let alone = compile(text.as_bytes(), Link::Standalone).unwrap();
        assert_eq!(checked(&alone.bytes).unwrap(), Imports::Nothing);
    }
    lab.play(dice, &made, input);
    true
}

#[test]
fn a_flow_is_refused_or_runs() {
    let lab = Lab::new(1);
    check!(150, |dice: &mut Dice<'_>| {
        let seed = dice.pick(seeds::flows());
        let text = mutate::json(dice, seed.document.clone());
        let input = match dice.once_in(4) {
            true => mutate::json(dice, serde_json::from_str(&seed.input).unwrap()),
            false => seed.input.clone(),
        };
        flow(&lab, dice, &text, &input)
    });
}

#[test]
fn a_text_that_is_no_flow_is_refused() {
    check!(400, |dice: &mut Dice<'_>| {
        let seed = dice.pick(seeds::flows()).document.to_string();
        let text = mutate::bytes(dice, seed.into_bytes());
        let _shown = Shown("the text", &String::from_utf8_lossy(&text).into_owned());
        match compile(&text, Link::Shared) {
            Err(found) => {
                told(&found);
                false
            }
            Ok(made) => {
                checked(&made.bytes).unwrap();
                true
            }
        }
    });
}

#[test]
fn python_is_refused_or_runs() {
    let lab = Lab::new(1);
    check!(150, |dice: &mut Dice<'_>| {
        let (seed, place) = dice.pick(seeds::programs());
        let mut document = seed.document.clone();
        let program = document.pointer_mut(place).unwrap();
        let mut text = program.as_str().unwrap().to_owned();
        if dice.once_in(4) {
            // Two programs, one after the other.
            let (other, place) = dice.pick(seeds::programs());
            text = format!("{text}\n{}", other.document.pointer(place).unwrap().as_str().unwrap());
        }
        *program = mutate::text(dice, &text, PIECES).into();
        flow(&lab, dice, &document.to_string(), &seed.input)
    });
}

#[test]
fn hard_flows_and_hard_python_are_refused_or_run() {
    let lab = Lab::new(1);
    let mut taken = 0;
    for (what, text) in super::cases(include_str!("cases/flows.txt")) {
        let _shown = Shown("the case", &what);
        taken += usize::from(flow(&lab, &mut Dice(&[2, 9]), text, "{}"));
    }
    let body = |(_, place): &&(seeds::Flow, String)| place.ends_with("/codeBody");
    let (seed, place) = seeds::programs().iter().find(body).unwrap();
    for (what, text) in super::cases(include_str!("cases/python.txt")) {
        let _shown = Shown("the case", &what);
        let mut document = seed.document.clone();
        *document.pointer_mut(place).unwrap() = text.into();
        taken += usize::from(flow(&lab, &mut Dice(&[]), &document.to_string(), &seed.input));
    }
    assert!(taken > 20, "{taken}");
}

/// What Python is made of, beside what the seeds have.
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "=",
    ":=",
    "\\\n",
    "\n",
    "\t",
    "'",
    "\"\"\"",
    "f'{x!r:>{y}}'",
    "b'\\xff'",
    "#",
    "\u{0}",
    "é😀",
    " not ",
    " in ",
    " is ",
    " and ",
    " if ",
    " else ",
    "**",
    "//",
    "<<",
    "-",
    "~",
    "0x",
    "1_0",
    "1e999",
    "9999999999999999999999",
    "-1",
    "lambda: ",
    "lambda *a, **k: ",
    "def f(x, /, *, y=1): ",
    "async ",
    "await ",
    "yield ",
    "yield from ",
    "return ",
    "class A(A): ",
    "del x\n",
    "global x\n",
    "nonlocal x\n",
    "import os\n",
    "import json, math as m\n",
    "from datetime import *\n",
    "try: pass\nfinally: ",
    "with x as y: ",
    "match x:\n case [a, *b]: pass\n",
    "while True: pass\n",
    "for i in range(10**9): pass\n",
    "raise ",
    "assert 0, ",
    "x: int = ",
    "__class__",
    "self.",
    "super().",
    "print(",
    "[x for x in y]",
    "{**x}",
    "*",
    "@x\n",
    "...",
    "None",
    "__import__('os')",
    "eval('1')",
    "'%s' % ",
    "'{0.__class__}'.format(x)",
    "x[::-1]",
    "x[-10**20:]",
    "'a' * 10**9",
    "10 ** 10 ** 6",
    "sorted(x, key=",
    "type(x)('A', (), {})",
];
