//! `str()`, `repr()`, `ascii()` and type names.

use std::cell::RefCell;
use std::rc::Rc;

use compact_str::ToCompactString;

use super::depth;
use super::dunder::{self, Special};
use super::error::{Py, type_error};
use super::exception;
use super::names::Builtin;
use super::object::{Dict, DictKind, Exception, Iter, List, Native, NativeType, Obj, Set, Text};
use super::short;
use crate::py::text::{big_text, push_ascii, push_quoted};
use crate::py::{FloatText, IntText};

thread_local! {
    /// Containers whose `repr` is in progress, by address: inside themselves they show as `[...]`.
    static SHOWN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

thread_local! {
    /// The texts of one ASCII character each: indexing and iterating over texts makes many of them.
    static CHARS: Vec<Rc<Text>> = (0..128_u8).map(|byte| Rc::new(Text::new(char::from(byte).to_compact_string()))).collect();
}

/// A text of one character.
pub fn char_text(c: char) -> Rc<Text> {
    let known = CHARS.with(|chars| chars.get(c as usize).cloned());
    known.unwrap_or_else(|| Rc::new(Text::new(c.to_compact_string())))
}

/// A container whose text is in progress, for as long as it lives.
struct Showing(());

impl Showing {
    /// `None` when it is in progress already.
    fn start<T>(container: &Rc<T>) -> Option<Showing> {
        let address = Rc::as_ptr(container).cast::<u8>() as usize;
        SHOWN.with_borrow_mut(|shown| {
            if shown.contains(&address) {
                return None;
            }
            shown.push(address);
            Some(Showing(()))
        })
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        SHOWN.with_borrow_mut(|shown| {
            shown.pop();
        });
    }
}

pub fn repr(value: &Obj) -> Py<String> {
    let mut out = String::new();
    push_repr(&mut out, value)?;
    Ok(out)
}

/// `str(n)`
pub fn of_int(n: i64) -> Obj {
    Obj::Str(short::int(n))
}

/// A text gives itself.
pub fn str(value: &Obj) -> Py<Rc<Text>> {
    match value {
        Obj::Str(text) => Ok(text.clone()),
        Obj::Int(n) => Ok(short::int(*n)),
        _ => {
            let mut out = String::new();
            push_str(&mut out, value)?;
            Ok(Rc::new(Text::new(out)))
        }
    }
}

pub fn ascii(value: &Obj) -> Py<String> {
    let mut out = String::new();
    push_ascii(&mut out, &repr(value)?);
    Ok(out)
}

/// Appends `str(value)`.
pub fn push_str(out: &mut String, value: &Obj) -> Py<()> {
    match value {
        Obj::Str(text) => out.push_str(text),
        Obj::Native(native) => out.push_str(&native.str()?),
        Obj::Instance(_) | Obj::Exception(_) => {
            let _level = depth::enter("")?;
            if let Some(text) = dunder::call(value, Special::Str, &[])? {
                match &text {
                    Obj::Str(text) => out.push_str(text),
                    other => {
                        return Err(type_error(format!("__str__ returned non-string (type {})", type_name(other))));
                    }
                }
            } else if let Obj::Exception(raised) = value {
                out.push_str(&exception::message(raised)?);
            } else {
                return push_repr(out, value);
            }
        }
        _ => return push_repr(out, value),
    }
    Ok(())
}

/// Appends `repr(value)`.
pub fn push_repr(out: &mut String, value: &Obj) -> Py<()> {
    match value {
        Obj::None => out.push_str("None"),
        Obj::Bool(true) => out.push_str("True"),
        Obj::Bool(false) => out.push_str("False"),
        Obj::Int(n) => out.push_str(IntText::of(*n).as_str()),
        Obj::Float(f) => out.push_str(FloatText::of(*f).as_str()),
        Obj::Str(text) => push_quoted(out, text),
        Obj::Ellipsis => out.push_str("Ellipsis"),
        Obj::NotImplemented => out.push_str("NotImplemented"),
        Obj::Unbound => out.push_str("<NULL>"),
        Obj::List(list) => return push_list(out, list),
        Obj::Tuple(items) => return push_tuple(out, items),
        Obj::Dict(dict) => return push_dict(out, dict),
        Obj::Set(set) => return push_set(out, set),
        Obj::Bytes(bytes) => push_bytes(out, bytes),
        _ => return push_other(out, value),
    }
    Ok(())
}

/// Out of the way of the recursion of containers, whose frames should be small.
#[inline(never)]
fn push_other(out: &mut String, value: &Obj) -> Py<()> {
    let text = match value {
        Obj::Big(n) => big_text(n)?,
        Obj::Range(range) if range.step == 1 => format!("range({}, {})", range.start, range.stop),
        Obj::Range(range) => format!("range({}, {}, {})", range.start, range.stop, range.step),
        Obj::Slice(slice) => {
            let _level = depth::enter(REPR)?;
            format!(
                "slice({}, {}, {})",
                repr(&slice.start)?,
                repr(&slice.stop)?,
                repr(&slice.step)?
            )
        }
        Obj::Builtin(builtin) if is_type(*builtin) => format!("<class '{}'>", builtin.qualified_name()),
        Obj::Builtin(builtin) => format!("<built-in function {}>", builtin.name()),
        Obj::NativeFn(function) => format!("<function {} at {}>", function.name, ADDRESS),
        Obj::NativeType(class) => format!("<class '{}.{}'>", class.module, class.name),
        Obj::Class(class) => format!("<class '__main__.{}'>", class.qualname),
        Obj::Module(module) => format!("<module '{}'>", module.name()),
        Obj::Function(_) => format!("<function {} at {}>", qualified_name(value), ADDRESS),
        Obj::Bound(bound) => {
            let _level = depth::enter(REPR)?;
            format!("<bound method {} of {}>", qualified_name(&bound.function), repr(&bound.this)?)
        }
        Obj::BuiltinMethod(method) => format!(
            "<built-in method {} of {} object at {}>",
            method.name.text.text,
            type_name(&method.this),
            ADDRESS
        ),
        Obj::Generator(_) => format!("<generator object {} at {}>", qualified_name(value), ADDRESS),
        Obj::Native(native) => {
            let _level = depth::enter(REPR)?;
            native.repr()?
        }
        Obj::Instance(_) | Obj::Exception(_) => {
            let _level = depth::enter(REPR)?;
            match (dunder::call(value, Special::Repr, &[])?, value) {
                (Some(Obj::Str(text)), _) => {
                    out.push_str(&text);
                    return Ok(());
                }
                (Some(other), _) => {
                    return Err(type_error(format!(
                        "__repr__ returned non-string (type {})",
                        type_name(&other)
                    )));
                }
                (None, Obj::Exception(exception)) => return push_exception(out, exception),
                (None, _) => super::class::default_repr(value),
            }
        }
        _ => match shown_iterator(value)? {
            Some(text) => text,
            None => format!("<{} object at {}>", type_name(value), ADDRESS),
        },
    };
    out.push_str(&text);
    Ok(())
}

/// An iterator that shows itself as the call that makes it.
fn shown_iterator(value: &Obj) -> Py<Option<String>> {
    let Obj::Iter(iterator) = value else { return Ok(None) };
    let Iter::Other(state) = &**iterator else { return Ok(None) };
    let shown = state.borrow().as_ref().and_then(|state| state.shown());
    let Some((name, args)) = shown else { return Ok(None) };
    let _level = depth::enter(REPR)?;
    let args = args.iter().map(repr).collect::<Py<Vec<String>>>()?;
    Ok(Some(format!("{name}({})", args.join(", "))))
}

const REPR: &str = " while getting the repr of an object";

fn push_list(out: &mut String, list: &Rc<List>) -> Py<()> {
    let Some(_showing) = Showing::start(list) else {
        out.push_str("[...]");
        return Ok(());
    };
    let _level = depth::enter(REPR)?;
    out.push('[');
    let mut at = 0;
    loop {
        // The list may change while an item's `__repr__` runs.
        let Some(item) = list.0.borrow().get(at).cloned() else { break };
        if at > 0 {
            out.push_str(", ");
        }
        push_repr(out, &item)?;
        at += 1;
    }
    out.push(']');
    Ok(())
}

fn push_tuple(out: &mut String, items: &Rc<[Obj]>) -> Py<()> {
    let _level = depth::enter(REPR)?;
    out.push('(');
    push_items(out, items)?;
    out.push_str(if items.len() == 1 { ",)" } else { ")" });
    Ok(())
}

fn push_items(out: &mut String, items: &[Obj]) -> Py<()> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        push_repr(out, item)?;
    }
    Ok(())
}

fn push_dict(out: &mut String, dict: &Rc<Dict>) -> Py<()> {
    let name = match dict.kind {
        DictKind::Plain => "",
        DictKind::Ordered => "OrderedDict",
        DictKind::Counter => "Counter",
        DictKind::Default(_) => "defaultdict",
    };
    let Some(_showing) = Showing::start(dict) else {
        out.push_str(match dict.kind {
            DictKind::Plain => "{...}",
            DictKind::Default(_) => "defaultdict(...)",
            _ => "...",
        });
        return Ok(());
    };
    let _level = depth::enter(REPR)?;
    match &dict.kind {
        DictKind::Plain => return push_pairs(out, dict),
        DictKind::Default(factory) => {
            let factory = factory.borrow().clone();
            out.push_str("defaultdict(");
            push_repr(out, &factory)?;
            out.push_str(", ");
            push_pairs(out, dict)?;
        }
        _ if dict.table.borrow().is_empty() => {
            out.push_str(name);
            out.push('(');
        }
        DictKind::Counter => {
            out.push_str("Counter(");
            push_counts(out, dict)?;
        }
        DictKind::Ordered => {
            out.push_str("OrderedDict([");
            let pairs = pairs(dict);
            for (at, (key, value)) in pairs.iter().enumerate() {
                out.push_str(if at > 0 { ", (" } else { "(" });
                push_repr(out, key)?;
                out.push_str(", ");
                push_repr(out, value)?;
                out.push(')');
            }
            out.push(']');
        }
    }
    out.push(')');
    Ok(())
}

fn pairs(dict: &Rc<Dict>) -> Vec<(Obj, Obj)> {
    let table = dict.table.borrow();
    table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn push_pairs(out: &mut String, dict: &Rc<Dict>) -> Py<()> {
    out.push('{');
    let mut place = 0;
    loop {
        let next = dict
            .table
            .borrow()
            .entry_at(place)
            .map(|(next, key, value)| (next, key.clone(), value.clone()));
        let Some((next, key, value)) = next else { break };
        if place > 0 {
            out.push_str(", ");
        }
        place = next;
        push_repr(out, &key)?;
        out.push_str(": ");
        push_repr(out, &value)?;
    }
    out.push('}');
    Ok(())
}

/// A counter shows the most common first, if its counts can be ordered.
fn push_counts(out: &mut String, dict: &Rc<Dict>) -> Py<()> {
    let mut pairs = pairs(dict);
    let plain = |pair: &(Obj, Obj)| matches!(pair.1, Obj::Int(_) | Obj::Float(_) | Obj::Bool(_) | Obj::Big(_));
    if pairs.iter().all(plain) {
        pairs.sort_by(|a, b| {
            super::number::order(&b.1, &a.1)
                .flatten()
                .unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    out.push('{');
    for (at, (key, value)) in pairs.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        push_repr(out, key)?;
        out.push_str(": ");
        push_repr(out, value)?;
    }
    out.push('}');
    Ok(())
}

fn push_set(out: &mut String, set: &Rc<Set>) -> Py<()> {
    let items: Vec<Obj> = set.table.borrow().iter().cloned().collect();
    let Some(_showing) = Showing::start(set) else {
        out.push_str(if set.frozen { "frozenset(...)" } else { "set(...)" });
        return Ok(());
    };
    let _level = depth::enter(REPR)?;
    match (items.is_empty(), set.frozen) {
        (true, frozen) => out.push_str(if frozen { "frozenset()" } else { "set()" }),
        (false, frozen) => {
            out.push_str(if frozen { "frozenset({" } else { "{" });
            push_items(out, &items)?;
            out.push_str(if frozen { "})" } else { "}" });
        }
    }
    Ok(())
}

/// `repr` of bytes.
pub fn push_bytes(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match *byte {
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(byte) == quote => {
                out.push('\\');
                out.push(quote);
            }
            byte @ b' '..=b'~' => out.push(char::from(byte)),
            byte => {
                out.push_str("\\x");
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
                }
            }
        }
    }
    out.push(quote);
}

fn push_exception(out: &mut String, exception: &Exception) -> Py<()> {
    let args = exception.args.borrow().clone();
    out.push_str(&class_name(&exception.class));
    out.push('(');
    push_items(out, &args)?;
    out.push(')');
    Ok(())
}

/// Where every object says it is. Programs are shown no real address: it would differ between a run and its recomputation.
pub const ADDRESS: &str = "0x7f0000000000";

/// Whether a builtin is a type.
pub fn is_type(builtin: Builtin) -> bool {
    use Builtin as B;
    builtin.is_exception()
        || !builtin.nameable()
        || matches!(
            builtin,
            B::Enumerate
                | B::Filter
                | B::Map
                | B::Range
                | B::Reversed
                | B::Slice
                | B::Super
                | B::Zip
                | B::Staticmethod
                | B::Classmethod
                | B::Property
                | B::Object
                | B::Type
                | B::Bool
                | B::Int
                | B::Float
                | B::Str
                | B::Bytes
                | B::Bytearray
                | B::List
                | B::Tuple
                | B::Dict
                | B::Set
                | B::Frozenset
                | B::Complex
        )
}

/// `type(value).__name__`
pub fn own_name(value: &Obj) -> Rc<str> {
    let name = type_name(value);
    match (value, name.rsplit_once('.')) {
        (Obj::Native(_), Some((_, own))) => Rc::from(own),
        _ => name,
    }
}

/// The type's name as messages have it.
pub fn type_name(value: &Obj) -> Rc<str> {
    match value {
        Obj::Instance(instance) => instance.class.name.clone(),
        Obj::Exception(exception) => class_name(&exception.class),
        Obj::Native(native) => native_type_name(&**native),
        _ => Rc::from(builtin_name(value)),
    }
}

/// The name of the type of what is of no class of the program.
pub fn builtin_name(value: &Obj) -> &'static str {
    match value {
        Obj::None => "NoneType",
        Obj::Bool(_) => "bool",
        Obj::Int(_) | Obj::Big(_) => "int",
        Obj::Float(_) => "float",
        Obj::Unbound => "NULL",
        Obj::Str(_) => "str",
        Obj::Bytes(_) => "bytes",
        Obj::List(_) => "list",
        Obj::Tuple(_) => "tuple",
        Obj::Dict(dict) => match dict.kind {
            DictKind::Plain => "dict",
            DictKind::Ordered => "OrderedDict",
            DictKind::Counter => "Counter",
            DictKind::Default(_) => "defaultdict",
        },
        Obj::Set(set) if set.frozen => "frozenset",
        Obj::Set(_) => "set",
        Obj::Range(_) => "range",
        Obj::Slice(_) => "slice",
        Obj::Iter(iter) => iter.type_name(),
        Obj::Generator(_) => "generator",
        Obj::Function(_) => "function",
        Obj::Bound(_) => "method",
        Obj::Builtin(builtin) if is_type(*builtin) => "type",
        Obj::BuiltinMethod(_) | Obj::Builtin(_) | Obj::NativeFn(_) => "builtin_function_or_method",
        Obj::NativeType(_) | Obj::Class(_) => "type",
        Obj::Native(native) => native.type_of().name,
        Obj::Instance(_) | Obj::Exception(_) => "object",
        Obj::Module(_) => "module",
        Obj::Cell(_) => "cell",
        Obj::Ellipsis => "ellipsis",
        Obj::NotImplemented => "NotImplementedType",
    }
}

/// The name of a module's type as messages have it: types that CPython writes in C are named with their module.
pub fn shown_name(kind: &NativeType) -> String {
    let full = match kind.module {
        "datetime" | "itertools" | "functools" | "operator" | "re" | "decimal" | "types" => true,
        "collections" => matches!(kind.name, "deque" | "defaultdict" | "OrderedDict"),
        _ => false,
    };
    if full {
        format!("{}.{}", kind.module, kind.name)
    } else {
        kind.name.to_owned()
    }
}

fn native_type_name(native: &dyn Native) -> Rc<str> {
    match native.class() {
        Some(Obj::Native(class)) => Rc::from(class.class_name().unwrap_or_else(|| native.type_of().name)),
        _ => Rc::from(shown_name(native.type_of())),
    }
}

/// The name of a class.
fn class_name(class: &Obj) -> Rc<str> {
    match class {
        Obj::Builtin(builtin) => Rc::from(builtin.name()),
        Obj::NativeType(class) => Rc::from(class.name),
        Obj::Class(class) => class.name.clone(),
        _ => Rc::from("object"),
    }
}

/// The name of a function, after those it is defined in.
fn qualified_name(function: &Obj) -> String {
    match function {
        Obj::Function(function) => function.code.qualname.text.to_string(),
        Obj::Generator(generator) => generator.qualname().to_owned(),
        Obj::NativeFn(function) => function.name.to_owned(),
        other => type_name(other).to_string(),
    }
}
