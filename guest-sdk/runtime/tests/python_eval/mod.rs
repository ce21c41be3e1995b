//! Just enough of Python's expressions to write cases in: literals, names, operators, calls, attributes, subscripts, and assignments
//! with `;` between them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "cases are written by hand: what is not understood is a mistake in them"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use flow_rt::python::arith::{self, BinaryOp, UnaryOp};
use flow_rt::python::class::Class;
use flow_rt::python::compare::{self, CompareOp};
use flow_rt::python::error::Py;
use flow_rt::python::names::{Builtin, Module};
use flow_rt::python::object::{Args, Dict, Name, NativeFn, Obj, Set, Text};
use flow_rt::python::set::SetTable;
use flow_rt::python::stdlib::made_class;
use flow_rt::python::{attr, builtins, call, exception, keyed, stdlib, subscript, text};

/// Runs every `program => answer` of `cases`, of which there are more than `least`, and fails naming all that answer otherwise.
pub fn check(cases: &str, least: usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in cases.lines() {
        let Some((program, expected)) = line.split_once(" => ") else {
            continue;
        };
        count += 1;
        let answer = || match run(program).and_then(|value| text::repr(&value)) {
            Ok(text) => text,
            Err(raised) => exception::describe(&raised.0),
        };
        let answer = std::panic::catch_unwind(answer).unwrap_or_else(|_| String::from("a panic"));
        if answer != expected {
            wrong.push(format!("{program}\n    cpython: {expected}\n    here:    {answer}"));
        }
    }
    assert!(count > least, "the cases were not read");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(program: &str) -> Py {
    let mut reader = Reader {
        rest: program,
        names: HashMap::new(),
    };
    loop {
        let start = reader.rest;
        if let Some(name) = reader.name()
            && reader.rest.starts_with(" = ")
        {
            reader.rest = &reader.rest[3..];
            let value = reader.expression(0)?;
            reader.names.insert(name.to_owned(), value);
        } else {
            reader.rest = start;
            let mut value = reader.expression(0)?;
            if reader.rest.starts_with(',') {
                let mut items = vec![value];
                while reader.take(",") && !reader.rest.trim().is_empty() {
                    items.push(reader.expression(0)?);
                }
                value = Obj::tuple(items);
            }
            if reader.rest.is_empty() {
                return Ok(value);
            }
        }
        assert!(reader.take(";"), "not understood: {:?} in {program:?}", reader.rest);
    }
}

/// `klass(name, bases, namespace)`: what a `class` statement does.
static KLASS: NativeFn = NativeFn {
    module: "cases",
    name: "klass",
    call: |args| {
        let [Obj::Str(name), Obj::Tuple(bases), Obj::Dict(namespace)] = args.values else {
            panic!("klass takes a name, bases and a namespace");
        };
        let attrs = namespace.table.borrow().clone();
        if let Some(made) = made_class::derive(name, bases, &attrs)? {
            return Ok(made);
        }
        Class::new(name, bases, attrs).map(Obj::Class)
    },
};

struct Reader<'a> {
    rest: &'a str,
    names: HashMap<String, Obj>,
}

/// Operators by how strongly they bind.
const BINARY: &[(&str, u32)] = &[
    ("not in ", 3),
    ("in ", 3),
    ("is ", 3),
    ("==", 3),
    ("!=", 3),
    ("<=", 3),
    (">=", 3),
    ("**", 11),
    ("//", 9),
    ("<<", 7),
    (">>", 7),
    ("<", 3),
    (">", 3),
    ("|", 4),
    ("^", 5),
    ("&", 6),
    ("+", 8),
    ("-", 8),
    ("*", 9),
    ("/", 9),
    ("%", 9),
];

impl<'a> Reader<'a> {
    fn take(&mut self, text: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.rest = rest;
        Some(name)
    }

    fn expression(&mut self, least: u32) -> Py {
        let mut left = self.unary()?;
        loop {
            self.rest = self.rest.trim_start();
            let found = BINARY.iter().find(|(sign, _)| self.rest.starts_with(sign));
            let Some((sign, level)) = found.filter(|(_, level)| *level >= least) else {
                return Ok(left);
            };
            self.rest = &self.rest[sign.len()..];
            let right = self.expression(if *sign == "**" { *level } else { level + 1 })?;
            left = binary(sign, &left, &right)?;
        }
    }

    fn unary(&mut self) -> Py {
        if self.take("-") {
            let value = self.expression(10)?;
            return arith::unary(UnaryOp::Neg, &value);
        }
        if self.take("not ") {
            let value = self.expression(2)?;
            return arith::unary(UnaryOp::Not, &value);
        }
        let mut value = self.atom()?;
        loop {
            if self.rest.starts_with('(') {
                value = self.call(|args| call::call(&value, args))?;
            } else if self.rest.starts_with('[') {
                self.rest = &self.rest[1..];
                let key = self.expression(0)?;
                assert!(self.take("]"), "no ] at {:?}", self.rest);
                value = subscript::getitem(&value, &key)?;
            } else if self.rest.starts_with('.') {
                self.rest = &self.rest[1..];
                let name = Name::new(self.name().unwrap());
                value = match self.rest.starts_with('(') {
                    true => self.call(|args| call::call_method(&value, &name, args))?,
                    false => attr::getattr(&value, &name)?,
                };
            } else {
                return Ok(value);
            }
        }
    }

    fn call(&mut self, call: impl FnOnce(&Args) -> Py) -> Py {
        self.rest = &self.rest[1..];
        let (mut values, mut names) = (Vec::new(), Vec::new());
        while !self.take(")") {
            let start = self.rest;
            match self.name() {
                Some(name) if self.rest.starts_with('=') && !self.rest.starts_with("==") => {
                    self.rest = &self.rest[1..];
                    names.push(Rc::new(Text::new(name)));
                }
                _ => self.rest = start,
            }
            values.push(self.expression(0)?);
            self.take(",");
        }
        call(&Args {
            values: &values,
            names: &names,
        })
    }

    fn atom(&mut self) -> Py {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next().unwrap();
        if first.is_ascii_digit() {
            return self.number();
        }
        for (prefix, raw, bytes) in [("", false, false), ("r", true, false), ("b", false, true)] {
            for quote in ['\'', '"'] {
                let start = format!("{prefix}{quote}");
                if self.take(&start) {
                    return Ok(self.text(quote, raw, bytes));
                }
            }
        }
        if self.take("(") {
            let (items, comma) = self.items(")")?;
            return match <[Obj; 1]>::try_from(items) {
                Ok([only]) if !comma => Ok(only),
                Ok(items) => Ok(Obj::tuple(items)),
                Err(items) => Ok(Obj::tuple(items)),
            };
        }
        if self.take("[") {
            return Ok(Obj::list(self.items("]")?.0));
        }
        if self.take("{") {
            return self.braces();
        }
        let Some(name) = self.name() else {
            panic!("not understood: {:?}", self.rest);
        };
        Ok(match name {
            "None" => Obj::None,
            "True" => Obj::Bool(true),
            "False" => Obj::Bool(false),
            name => match (self.names.get(name), Builtin::named(name)) {
                (Some(value), _) => value.clone(),
                (None, Some(builtin)) => Obj::Builtin(builtin),
                (None, None) if name == "klass" => Obj::NativeFn(&KLASS),
                (None, None) => match Module::named(name) {
                    Some(module) => Obj::Module(module),
                    // The classes of `collections` by their own names.
                    None => stdlib::attribute(Module::Collections, name).unwrap_or_else(|| panic!("no name {name}")),
                },
            },
        })
    }

    fn items(&mut self, end: &str) -> Py<(Vec<Obj>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        while !self.take(end) {
            items.push(self.expression(0)?);
            comma = self.take(",");
        }
        Ok((items, comma))
    }

    fn braces(&mut self) -> Py {
        let (dict, set) = (Rc::new(Dict::default()), SetTable::default());
        let set = Rc::new(Set {
            table: RefCell::new(set),
            frozen: false,
        });
        while !self.take("}") {
            let key = self.expression(0)?;
            if self.take(":") {
                let value = self.expression(0)?;
                keyed::dict_set(&dict, key, value)?;
            } else {
                keyed::set_add(&set, key)?;
            }
            self.take(",");
        }
        let empty = set.table.borrow().is_empty();
        Ok(if empty { Obj::Dict(dict) } else { Obj::Set(set) })
    }

    fn number(&mut self) -> Py {
        let mut end = 0;
        let bytes = self.rest.as_bytes();
        while let Some(byte) = bytes.get(end) {
            let exponent = end > 0 && matches!(bytes[end - 1], b'e' | b'E') && matches!(byte, b'+' | b'-');
            // `1.` may be followed by a method of a float only behind a digit.
            if !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_') || exponent && !self.rest.starts_with("0x")) {
                break;
            }
            end += 1;
        }
        let (text, rest) = self.rest.split_at(end);
        // A method of a float: `1.5.hex`.
        let method = text
            .match_indices('.')
            .find(|(at, _)| text[at + 1..].starts_with(|c: char| c.is_ascii_alphabetic()));
        let (text, rest) = match method {
            Some((at, _)) => self.rest.split_at(at),
            None => (text, rest),
        };
        self.rest = rest;
        let float = !text.starts_with("0x") && text.contains(['.', 'e']);
        let (builtin, args) = match float {
            true => (Builtin::Float, vec![Obj::str(text)]),
            false => (Builtin::Int, vec![Obj::str(text), Obj::Int(0)]),
        };
        builtins::call(builtin, &Args::positional(&args))
    }

    fn text(&mut self, quote: char, raw: bool, bytes: bool) -> Obj {
        let mut out = String::new();
        let mut chars = self.rest.char_indices();
        loop {
            let (at, c) = chars.next().unwrap();
            if c == quote {
                self.rest = &self.rest[at + 1..];
                break;
            }
            if c != '\\' || raw {
                out.push(c);
                continue;
            }
            let (_, letter) = chars.next().unwrap();
            let digits = match letter {
                'n' => '\n'.into(),
                't' => '\t'.into(),
                'r' => '\r'.into(),
                '0' => '\0'.into(),
                'x' => 2,
                'u' => 4,
                'U' => 8,
                other => other.into(),
            };
            if matches!(letter, 'x' | 'u' | 'U') {
                let code: String = chars.by_ref().take(digits as usize).map(|(_, c)| c).collect();
                out.push(char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap());
            } else {
                out.push(char::from_u32(digits).unwrap());
            }
        }
        if bytes {
            return Obj::Bytes(out.chars().map(|c| c as u8).collect());
        }
        Obj::str(out)
    }
}

fn binary(sign: &str, a: &Obj, b: &Obj) -> Py {
    let op = match sign {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::TrueDiv,
        "//" => BinaryOp::FloorDiv,
        "%" => BinaryOp::Mod,
        "**" => BinaryOp::Pow,
        "<<" => BinaryOp::LShift,
        ">>" => BinaryOp::RShift,
        "|" => BinaryOp::Or,
        "^" => BinaryOp::Xor,
        "&" => BinaryOp::And,
        other => {
            let op = match other {
                "==" => CompareOp::Eq,
                "!=" => CompareOp::Ne,
                "<" => CompareOp::Lt,
                "<=" => CompareOp::Le,
                ">" => CompareOp::Gt,
                ">=" => CompareOp::Ge,
                "in " => CompareOp::In,
                "not in " => CompareOp::NotIn,
                _ => CompareOp::Is,
            };
            return compare::compare(op, a, b);
        }
    };
    arith::binary(op, false, a, b)
}
