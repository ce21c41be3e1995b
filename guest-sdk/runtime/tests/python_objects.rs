//! Operators, texts and formats of Python objects against what CPython 3.11 answered.
//!
//! A case is a line `[function, literals of the arguments, {"ok": repr} | {"error": "Class: text"}]`. `FLOWGATE_OBJECT_CASES` names a
//! file with more than those kept here.
#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use std::path::Path;
use std::rc::Rc;

use flow_rt::json;
use flow_rt::python::arith::{self, BinaryOp, UnaryOp};
use flow_rt::python::compare::{self, CompareOp};
use flow_rt::python::error::{Py, attribute_error};
use flow_rt::python::names::{Builtin, Method};
use flow_rt::python::object::{Args, Obj, Range, Slice};
use flow_rt::python::set::SetTable;
use flow_rt::python::table::Table;
use flow_rt::python::{format, hash, methods, subscript, text};
use flow_rt::value::Value;

#[test]
fn objects_answer_as_cpython_does() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/python-objects.jsonl");
    let more = std::env::var_os("FLOWGATE_OBJECT_CASES");
    for file in [Some(kept.as_os_str()), more.as_deref()].into_iter().flatten() {
        let cases = std::fs::read_to_string(file).unwrap();
        let differing: Vec<String> = cases.lines().filter_map(differs).collect();
        assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
        assert!(!cases.is_empty());
    }
}

fn differs(line: &str) -> Option<String> {
    let case = json::parse(line).unwrap();
    let case = case.as_list().unwrap().borrow().clone();
    let [Value::Str(function), Value::List(args), Value::Dict(expected)] = case.as_slice() else {
        panic!("not a case: {line}");
    };
    let read = |arg: &Value| Literal::read(&arg.as_str_rc().unwrap());
    let args: Vec<Obj> = args.borrow().iter().map(read).collect();
    let answer = call(function, &args).and_then(|value| text::repr(&value));
    let shown = match &answer {
        Ok(value) => value.clone(),
        Err(raised) => {
            let class = match raised.0.class {
                Obj::Builtin(class) => class.name(),
                _ => "",
            };
            let message = text::str(&Obj::Exception(raised.0.clone())).unwrap();
            format!("{class}: {}", message.text)
        }
    };
    let wanted = expected.get(if answer.is_ok() { "ok" } else { "error" });
    let agree = wanted.is_some_and(|wanted| wanted.as_str_rc().as_deref() == Some(shown.as_str()));
    (!agree).then(|| format!("{line}\n    got {shown}"))
}

fn call(function: &str, args: &[Obj]) -> Py {
    let (a, b) = (args.first().unwrap(), args.get(1).unwrap_or(&Obj::None));
    let template = |text: &Obj| text.as_str().unwrap().to_owned();
    let (symbol, inplace) = match function {
        "==" | "!=" | "<=" | ">=" => (function, false),
        _ => (function.trim_end_matches('='), function.ends_with('=')),
    };
    const BINARY: [&str; 13] = ["+", "-", "*", "/", "//", "%", "**", "&", "|", "^", "<<", ">>", "@"];
    if let Some(op) = BINARY.iter().position(|known| *known == symbol) {
        return arith::binary(BinaryOp::at(op as u32).unwrap(), inplace, a, b);
    }
    const COMPARE: [&str; 10] = ["==", "!=", "<", "<=", ">", ">=", "is", "is not", "in", "not in"];
    if let Some(op) = COMPARE.iter().position(|known| *known == symbol) {
        return compare::compare(CompareOp::at(op as u32).unwrap(), a, b);
    }
    if let Some(name) = function.strip_prefix('.') {
        let method = Method::named(name).unwrap();
        let result = methods::call(a, method, &Args::positional(&args[1..]))?;
        let result = result.ok_or_else(|| attribute_error(&text::type_name(a), name))?;
        return Ok(Obj::tuple(vec![result, a.clone()]));
    }
    match function {
        "neg" => arith::unary(UnaryOp::Neg, a),
        "pos" => arith::unary(UnaryOp::Pos, a),
        "inv" => arith::unary(UnaryOp::Invert, a),
        "bool" => compare::truth(a).map(Obj::Bool),
        "repr" => text::repr(a).map(Obj::str),
        "str" => text::str(a).map(Obj::Str),
        "ascii" => text::ascii(a).map(Obj::str),
        "hash" => hash::hash(a).map(Obj::Int),
        "format" => format::format(a, &template(b)).map(Obj::str),
        "template" => format::template(&template(a), &Args::positional(&args[1..])).map(Obj::str),
        "getitem" => subscript::getitem(a, b),
        "setitem" => subscript::setitem(a, b, &args[2]).map(|()| a.clone()),
        "delitem" => subscript::delitem(a, b).map(|()| a.clone()),
        other => panic!("no function {other}"),
    }
}

/// Reads what `repr` of CPython writes.
struct Literal<'a> {
    rest: &'a str,
}

impl<'a> Literal<'a> {
    fn read(text: &'a str) -> Obj {
        let mut literal = Literal { rest: text };
        let value = literal.value();
        assert_eq!(literal.rest, "", "in {text}");
        value
    }

    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn items(&mut self, end: &str) -> Vec<Obj> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(self.value());
            let _ = self.eat(", ") || self.eat(",") || self.eat(": ");
        }
        items
    }

    fn value(&mut self) -> Obj {
        let constants = [
            ("None", Obj::None),
            ("True", Obj::Bool(true)),
            ("False", Obj::Bool(false)),
            ("inf", Obj::Float(f64::INFINITY)),
            ("-inf", Obj::Float(f64::NEG_INFINITY)),
            ("nan", Obj::Float(f64::NAN)),
        ];
        if let Some((_, value)) = constants.into_iter().find(|(name, _)| self.eat(name)) {
            return value;
        }
        if self.eat("set()") {
            return Obj::set(SetTable::default(), false);
        }
        if self.eat("frozenset(") {
            let Some(Obj::Set(set)) = self.items(")").pop() else {
                return Obj::set(SetTable::default(), true);
            };
            return Obj::set(set.table.borrow().copy(), true);
        }
        if self.eat("slice(") {
            let [start, stop, step] = self.items(")").try_into().unwrap_or_else(|_| panic!("no slice"));
            return Obj::Slice(Rc::new(Slice { start, stop, step }));
        }
        if self.eat("range(") {
            let numbers: Vec<i64> = self.items(")").iter().map(|n| arith::index(n).unwrap()).collect();
            return Obj::Range(Rc::new(Range {
                start: numbers[0],
                stop: numbers[1],
                step: numbers.get(2).copied().unwrap_or(1),
            }));
        }
        if self.eat("[") {
            return Obj::list(self.items("]"));
        }
        if self.eat("(") {
            return Obj::tuple(self.items(")"));
        }
        if self.rest.starts_with("b'") || self.rest.starts_with("b\"") {
            self.eat("b");
            return Obj::Bytes(self.quoted().chars().map(|c| c as u8).collect());
        }
        match self.rest.chars().next() {
            Some('\'' | '"') => Obj::str(self.quoted()),
            Some('{') => self.braces(),
            _ => self.number(),
        }
    }

    fn braces(&mut self) -> Obj {
        self.eat("{");
        if self.eat("}") {
            return Obj::dict(Table::default());
        }
        let first = self.value();
        let is_dict = self.eat(": ");
        self.eat(", ");
        let mut items = vec![first];
        items.extend(self.items("}"));
        if is_dict {
            let mut table = Table::default();
            for pair in items.chunks(2) {
                table.insert(pair[0].clone(), pair[1].clone()).unwrap();
            }
            return Obj::dict(table);
        }
        let mut table = SetTable::default();
        for item in items {
            table.add(item).unwrap();
        }
        Obj::set(table, false)
    }

    fn quoted(&mut self) -> String {
        let mut chars = self.rest.chars();
        let quote = chars.next().unwrap();
        let mut text = String::new();
        loop {
            match chars.next().unwrap() {
                c if c == quote => break,
                '\\' => {
                    let escape = chars.next().unwrap();
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    text.push(match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'x' | 'u' | 'U' => {
                            let code: String = chars.by_ref().take(digits).collect();
                            char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap()
                        }
                        other => other,
                    });
                }
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        text
    }

    fn number(&mut self) -> Obj {
        let end = self.rest.find(|c: char| !(c.is_ascii_digit() || "+-.e".contains(c)));
        let (number, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        if number.contains(['.', 'e']) {
            return Obj::Float(number.parse().unwrap());
        }
        Obj::big(number.parse().unwrap())
    }
}

#[test]
fn containers_inside_themselves_and_deep_ones_end() {
    let own = Obj::list(vec![]);
    let Obj::List(list) = &own else { panic!() };
    list.0.borrow_mut().push(own.clone());
    assert_eq!(text::repr(&own).unwrap(), "[[...]]");
    let other = Obj::list(vec![own.clone()]);
    assert!(compare::equals(&own, &own).unwrap());
    let _ = compare::equals(&own, &other);
    list.0.borrow_mut().clear();

    let mut deep = Obj::None;
    for _ in 0..100_000 {
        deep = Obj::list(vec![deep]);
    }
    for raised in [
        text::repr(&deep).err(),
        compare::equals(&deep, &Obj::list(vec![deep.clone()])).err(),
    ] {
        assert!(raised.is_some_and(|raised| matches!(raised.0.class, Obj::Builtin(Builtin::RecursionError))));
    }
}
