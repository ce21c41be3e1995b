//! The middle form as text, for tests: one line an operation, blocks by number.

use std::fmt::Write;

use super::mir::{Arg, Constant, End, Function, Module, Op, Operand, Params};

pub(super) fn dump(module: &Module) -> String {
    let mut out = String::new();
    for function in &module.functions {
        one(&mut out, function);
    }
    out
}

fn one(out: &mut String, function: &Function) {
    let generator = if function.generator { " generator" } else { "" };
    let _ = writeln!(
        out,
        "{}({}) captures {} slots {}{generator}",
        function.qualname,
        params(&function.params),
        function.captures,
        function.slots
    );
    for (number, constant) in function.constants.iter().enumerate() {
        let _ = match constant {
            Constant::Text(text) => writeln!(out, "#{number} = {text:?}"),
            Constant::Builtin(builtin) => writeln!(out, "#{number} = builtin {builtin}"),
        };
    }
    for (at, block) in function.blocks.iter().enumerate() {
        let unwind = block.unwind.map(|to| format!(" unwind {to}")).unwrap_or_default();
        let hot = if block.hot { " hot" } else { "" };
        let _ = writeln!(out, "{at}:{unwind}{hot}");
        for op in &block.ops {
            let _ = writeln!(out, "  {}", op_text(op));
        }
        let _ = writeln!(out, "  {}", end_text(&block.end));
    }
}

/// As a `def` would say them, `=` for a default.
fn params(params: &Params) -> String {
    let mut texts: Vec<String> = Vec::new();
    let defaults = params.positional.len() - params.defaults as usize;
    for (at, name) in params.positional.iter().enumerate() {
        if at > 0 && at == params.positional_only as usize {
            texts.push("/".to_owned());
        }
        texts.push(format!("{name}{}", if at >= defaults { "=" } else { "" }));
    }
    if params.positional_only as usize == params.positional.len() && params.positional_only > 0 {
        texts.push("/".to_owned());
    }
    match &params.vararg {
        Some(name) => texts.push(format!("*{name}")),
        None if !params.keyword_only.is_empty() => texts.push("*".to_owned()),
        None => {}
    }
    for (name, default) in &params.keyword_only {
        texts.push(format!("{name}{}", if *default { "=" } else { "" }));
    }
    texts.extend(params.kwarg.iter().map(|name| format!("**{name}")));
    texts.join(", ")
}

fn operand(operand: &Operand) -> String {
    match operand {
        Operand::Slot(slot) => format!("%{slot}"),
        Operand::Int(number) => number.to_string(),
        Operand::Constant(number) => format!("#{number}"),
    }
}

fn args(args: &[Arg]) -> String {
    let texts = args.iter().map(|arg| match arg {
        Arg::Slot(slot) => format!("%{slot}"),
        Arg::Constant(number) => format!("#{number}"),
        Arg::Word(number) => number.to_string(),
        Arg::Text(text) => format!("{text:?}"),
        Arg::Names(names) => format!("{names:?}"),
        Arg::Absent => "-".to_owned(),
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn op_text(op: &Op) -> String {
    match op {
        Op::None(slot) => format!("%{slot} = None"),
        Op::Bool(slot, value) => format!("%{slot} = {value}"),
        Op::Int(slot, value) => format!("%{slot} = {value}"),
        Op::Float(slot, value) => format!("%{slot} = {value:?}"),
        Op::Big(slot, value) => format!("%{slot} = big {value}"),
        Op::Text(slot, value) => format!("%{slot} = {value:?}"),
        Op::Bytes(slot, value) => format!("%{slot} = b{value:?}"),
        Op::Unbound(slot) => format!("%{slot} = unbound"),
        Op::Copy { dst, src } => format!("%{dst} = %{src}"),
        Op::Check { slot, name, .. } => format!("check %{slot} {name}"),
        Op::Binary { op, inplace, dst, a, b } => {
            let inplace = if *inplace { " inplace" } else { "" };
            format!("%{dst} = {op:?}{inplace} {} {}", operand(a), operand(b))
        }
        Op::Unary { op, dst, a } => format!("%{dst} = {op:?} %{a}"),
        Op::Compare { op, dst, a, b } => format!("%{dst} = {op:?} {} {}", operand(a), operand(b)),
        Op::Function { dst, function, from } => format!("%{dst} = function {function} from %{from}"),
        Op::Rt { import, args: list } => format!("{} {}", import.name, args(list)),
    }
}

fn end_text(end: &End) -> String {
    match end {
        End::Jump(to) => format!("jump {to}"),
        End::Truth { slot, then, otherwise } => format!("if %{slot} {then} else {otherwise}"),
        End::Compare {
            op,
            a,
            b,
            then,
            otherwise,
        } => {
            format!("if {op:?} {} {} {then} else {otherwise}", operand(a), operand(b))
        }
        End::Test {
            import,
            args: list,
            then,
            otherwise,
        } => {
            format!("if {} {} {then} else {otherwise}", import.name, args(list))
        }
        End::Next { dst, iter, body, done } => format!("%{dst} = next %{iter} {body} else {done}"),
        End::Range {
            dst,
            counter,
            body,
            done,
        } => format!("%{dst} = range %{counter} {body} else {done}"),
        End::Switch { slot, targets } => format!("switch %{slot} {targets:?}"),
        End::Return => "return".to_owned(),
        End::Raise => "raise".to_owned(),
        End::Yield { resume } => format!("yield {resume}"),
    }
}
