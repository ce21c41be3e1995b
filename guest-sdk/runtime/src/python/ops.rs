//! What compiled code asks for beyond the plain operators, over the objects in its slots: calls that take their arguments,
//! unpacking, f-strings, cells, counting loops, patterns.

use std::cell::RefCell;
use std::rc::Rc;

use compact_str::CompactString;

use super::error::{Py, Raised, exception, raise, type_error, value_error};
use super::function::Function;
use super::names::{Builtin, Module};
use super::object::{Args, Dict, Name, Obj, Slice, Text};
use super::set::SetTable;
use super::short;
use super::stack;
use super::state;
use super::table::Table;
use super::{attr, builtins, call, class, format, function, iter, keyed, stdlib, text, wide_range};

/// The last of `count` arguments have names when `names` is a constant list.
#[inline(always)]
pub fn call<'a>(callee: &Obj, args: u32, count: u32, names: u32, values: impl FnOnce() -> &'a [Obj]) -> Py {
    let (function, this) = match callee {
        Obj::Function(function) => (Some(function), None),
        Obj::Bound(bound) => match &bound.function {
            Obj::Function(function) => (Some(function), Some(&bound.this)),
            _ => (None, None),
        },
        _ => (None, None),
    };
    if let Some(function) = function
        && names == state::ABSENT
        && let Some(result) = function::call_plain(function, this, args, count)
    {
        return result;
    }
    let names = state::names(names);
    taking(args, count, || call::call(callee, &Args { values: values(), names }))
}

/// Empties the arguments' slots when the call has been made.
fn taking(args: u32, count: u32, work: impl FnOnce() -> Py) -> Py {
    let result = work();
    stack::clear(args, count);
    result
}

pub fn call_builtin<'a>(number: u32, args: u32, count: u32, names: u32, values: impl FnOnce() -> &'a [Obj]) -> Py {
    let Some(builtin) = Builtin::at(number) else {
        return Err(raise(Builtin::SystemError, "no such builtin"));
    };
    let names = state::names(names);
    taking(args, count, || {
        let args = Args { values: values(), names };
        match builtin.is_exception() {
            true => super::exception::new(builtin, &args),
            false => builtins::call(builtin, &args),
        }
    })
}

/// `object.name(…)`
pub fn call_method<'a>(object: &Obj, name: u32, args: u32, count: u32, names: u32, values: impl FnOnce() -> &'a [Obj]) -> Py {
    let name = state::name(name);
    if names == state::ABSENT
        && let Obj::Instance(instance) = object
        && let Some(Obj::Function(method)) = instance.class.find_name(&name.text)
        && class::entry(&instance.attrs, &name.text).is_none()
        && let Some(result) = function::call_plain(&method, Some(object), args, count)
    {
        return result;
    }
    let names = state::names(names);
    taking(args, count, || {
        let args = Args { values: values(), names };
        call::call_method(object, name, &args)
    })
}

/// `object.name(…)` without names; the name is one of [`super::names::Method`].
pub fn call_known(object: &Obj, name: u32, args: &[Obj]) -> Py {
    let name = state::name(name);
    let args = Args::positional(args);
    if let Some(method) = name.method
        && let Some(result) = super::methods::call(object, method, &args)?
    {
        return Ok(result);
    }
    call::call_method(object, name, &args)
}

pub fn call_known_builtin(number: u32, args: &[Obj]) -> Py {
    let Some(builtin) = Builtin::at(number) else {
        return Err(raise(Builtin::SystemError, "no such builtin"));
    };
    let args = Args::positional(args);
    match builtin.is_exception() {
        true => super::exception::new(builtin, &args),
        false => builtins::call(builtin, &args),
    }
}

/// A call with stars: positional arguments in an iterable, named ones in a dict.
pub fn call_star(callee: &Obj, positional: &Obj, dict: Option<&Obj>) -> Py {
    let mut values = unpacked(positional, |kind| {
        format!("{} argument after * must be an iterable, not {kind}", shown(callee))
    })?;
    let mut names = Vec::new();
    if let Some(Obj::Dict(dict)) = dict {
        let table = dict.table.borrow();
        for (key, value) in table.iter() {
            let Obj::Str(name) = key else {
                return Err(type_error("keywords must be strings"));
            };
            names.push(name.clone());
            values.push(value.clone());
        }
    }
    call::call(
        callee,
        &Args {
            values: &values,
            names: &names,
        },
    )
}

pub fn builtin(number: u32) -> Py {
    match Builtin::at(number) {
        Some(Builtin::NotImplemented) => Ok(Obj::NotImplemented),
        Some(Builtin::Ellipsis) => Ok(Obj::Ellipsis),
        Some(builtin) => Ok(Obj::Builtin(builtin)),
        None => Err(raise(Builtin::SystemError, "no such builtin")),
    }
}

pub fn module(number: u32) -> Py {
    match Module::at(number) {
        Some(module) => Ok(Obj::Module(module)),
        None => Err(raise(Builtin::SystemError, "no such module")),
    }
}

pub fn bytes(constant: u32) -> Obj {
    Obj::Bytes(state::bytes(constant))
}

pub fn function(constant: u32, attached: impl FnOnce(u32) -> Vec<Obj>) -> Py {
    let Some(code) = state::code(constant) else {
        return Err(raise(Builtin::SystemError, "no such function"));
    };
    let (defaults, cells) = code.attached();
    Ok(Obj::Function(Function::new(code, attached((defaults + cells) as u32))))
}

pub fn cell(value: Obj) -> Obj {
    Obj::Cell(Rc::new(RefCell::new(value)))
}

pub fn cell_get(cell: &Obj, name: u32, free: u32) -> Py {
    match cell {
        Obj::Cell(cell) => match &*cell.borrow() {
            Obj::Unbound => Err(unbound(name, free)),
            value => Ok(value.clone()),
        },
        _ => Err(unbound(name, free)),
    }
}

pub fn cell_set(cell: &Obj, value: Obj) -> Py<()> {
    if let Obj::Cell(cell) = cell {
        let old = cell.replace(value);
        drop(old);
    }
    Ok(())
}

pub fn cell_del(cell: &Obj, name: u32, free: u32) -> Py<()> {
    cell_get(cell, name, free)?;
    cell_set(cell, Obj::Unbound)
}

/// A variable without a value; `free` is not 0 if it belongs to a scope around the one that reads it.
#[cold]
pub fn unbound(name: u32, free: u32) -> Raised {
    let name = &state::name(name).text.text;
    if free != 0 {
        return raise(
            Builtin::NameError,
            format!("cannot access free variable '{name}' where it is not associated with a value in enclosing scope"),
        );
    }
    raise(
        Builtin::UnboundLocalError,
        format!("cannot access local variable '{name}' where it is not associated with a value"),
    )
}

pub fn slice(parts: &[Obj]) -> Py {
    let part = |at: usize| parts.get(at).cloned().unwrap_or_default();
    Ok(Obj::Slice(Rc::new(Slice {
        start: part(0),
        stop: part(1),
        step: part(2),
    })))
}

pub fn set(items: Vec<Obj>) -> Py {
    let made = Rc::new(super::object::Set {
        table: RefCell::new(SetTable::default()),
        frozen: false,
    });
    for item in items {
        keyed::set_add(&made, item)?;
    }
    Ok(Obj::Set(made))
}

/// The set of a display of constants, from the items put in one after the other. CPython makes a frozen set of them, that one again to
/// find equal constants, and a `whole` set is updated from it: each changes the order.
pub fn set_constant(set: &Obj, whole: bool) -> Py {
    let Obj::Set(set) = set else {
        return Err(raise(Builtin::SystemError, "no set"));
    };
    let mut again = SetTable::default();
    for item in set.table.borrow().iter() {
        again.add(item.clone())?;
    }
    Ok(Obj::set(if whole { again.copy() } else { again }, false))
}

/// A dict with these keys, each of which is there once.
pub fn record(names: &[Rc<Text>], values: impl ExactSizeIterator<Item = Obj>) -> Obj {
    Obj::dict(Table::of_texts(names.iter().cloned().zip(values)))
}

/// A dict of keys and values in turn.
pub fn dict(items: Vec<Obj>) -> Py {
    let made = Rc::new(Dict {
        table: RefCell::new(Table::with_capacity(items.len() / 2)),
        kind: super::object::DictKind::Plain,
    });
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        drop(keyed::dict_set(&made, key, value)?);
    }
    Ok(Obj::Dict(made))
}

pub fn list_extend(list: &Obj, items: &Obj) -> Py<()> {
    if let Obj::List(list) = list {
        let mut more = unpacked(items, |kind| format!("Value after * must be an iterable, not {kind}"))?;
        list.0.borrow_mut().append(&mut more);
    }
    Ok(())
}

/// The items of what stands after a star; the refusal is for what has none, by its type.
fn unpacked(items: &Obj, refusal: impl Fn(&str) -> String) -> Py<Vec<Obj>> {
    iter::collect(items).map_err(|raised| {
        let not_iterable = matches!(raised.0.class, Obj::Builtin(Builtin::TypeError)) && !iterable(items);
        match not_iterable {
            true => type_error(refusal(&text::type_name(items))),
            false => raised,
        }
    })
}

/// Whether `iter` has an answer, without asking code of the program.
fn iterable(value: &Obj) -> bool {
    match value {
        Obj::Instance(_) => ["__iter__", "__getitem__"]
            .iter()
            .any(|name| class::special(value, name).is_some()),
        _ => iter::iter(value).is_ok(),
    }
}

pub fn list_to_tuple(list: &Obj) -> Py {
    iter::collect(list).map(Obj::tuple)
}

pub fn set_add(set: &Obj, item: &Obj) -> Py<()> {
    if let Obj::Set(set) = set {
        keyed::set_add(set, item.clone())?;
    }
    Ok(())
}

pub fn set_update(set: &Obj, items: &Obj) -> Py<()> {
    match set {
        Obj::Set(set) => super::methods::set::merge(set, items),
        _ => Ok(()),
    }
}

pub fn dict_set(dict: &Obj, key: &Obj, value: &Obj) -> Py<()> {
    if let Obj::Dict(dict) = dict {
        keyed::dict_put(dict, key, value)?;
    }
    Ok(())
}

/// The entries of a mapping; `None` when it is none.
fn entries(mapping: &Obj) -> Py<Option<Vec<(Obj, Obj)>>> {
    if let Obj::Dict(dict) = mapping {
        let table = dict.table.borrow();
        return Ok(Some(table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()));
    }
    let keys = Name::new("keys");
    let has_keys = match mapping {
        Obj::Instance(_) => class::special(mapping, "keys").is_some(),
        Obj::Native(native) => native.has_method("keys"),
        _ => false,
    };
    if !has_keys {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for key in iter::collect(&call::call_method(mapping, &keys, &Args::positional(&[]))?)? {
        let value = super::subscript::getitem(mapping, &key)?;
        entries.push((key, value));
    }
    Ok(Some(entries))
}

/// `{**mapping}`
pub fn dict_update(dict: &Obj, mapping: &Obj) -> Py<()> {
    let Obj::Dict(dict) = dict else { return Ok(()) };
    let Some(entries) = entries(mapping)? else {
        let kind = text::type_name(mapping);
        return Err(type_error(format!("'{kind}' object is not a mapping")));
    };
    for (key, value) in entries {
        drop(keyed::dict_set(dict, key, value)?);
    }
    Ok(())
}

/// Named arguments of a call: a key twice, or that is no text, is a `TypeError`.
pub fn dict_merge(dict: &Obj, mapping: &Obj, callee: &Obj) -> Py<()> {
    let Obj::Dict(dict) = dict else { return Ok(()) };
    let Some(entries) = entries(mapping)? else {
        let kind = text::type_name(mapping);
        return Err(type_error(format!(
            "{} argument after ** must be a mapping, not {kind}",
            shown(callee)
        )));
    };
    for (key, value) in entries {
        let Obj::Str(name) = &key else {
            return Err(type_error("keywords must be strings"));
        };
        if keyed::dict_contains(dict, &key)? {
            return Err(type_error(format!(
                "{} got multiple values for keyword argument '{}'",
                shown(callee),
                name.text
            )));
        }
        drop(keyed::dict_set(dict, key, value)?);
    }
    Ok(())
}

/// A callee as messages name it.
fn shown(callee: &Obj) -> String {
    match callee {
        Obj::Function(function) => format!("__main__.{}()", function.code.qualname.text),
        Obj::Bound(bound) => shown(&bound.function),
        Obj::Class(class) => format!("__main__.{}()", class.qualname),
        Obj::Builtin(builtin) => format!("{}()", builtin.name()),
        Obj::BuiltinMethod(method) => format!("{}.{}()", text::type_name(&method.this), method.name.text.text),
        Obj::NativeFn(function) => format!("{}.{}()", function.module, function.name),
        other => format!("{} object", text::type_name(other)),
    }
}

/// The numbers of a counting loop, from the arguments of `range`: the first, the stop and the step. Loops that would leave 64 bits get
/// none to count, and in the fourth place what [`range_more`] goes on with.
pub fn range(args: &[Obj]) -> Py<Vec<Obj>> {
    if args.len() > 3 {
        return Err(type_error(format!("range expected at most 3 arguments, got {}", args.len())));
    }
    let range = wide_range::new(args)?;
    Ok(match &range {
        Obj::Range(range) if wide_range::counts(range) => [range.start, range.stop, range.step].map(Obj::Int).to_vec(),
        _ => vec![Obj::Int(0), Obj::Int(0), Obj::Int(0), iter::iter(&range)?],
    })
}

/// The next number of a loop that compiled code does not count.
pub fn range_more(counter: &[Obj]) -> Py<Option<Obj>> {
    match counter {
        [_, _, Obj::Int(0), numbers] => iter::next(numbers),
        _ => Ok(None),
    }
}

/// The number of a counting loop's next turn, and the one after it; `None` at the end.
pub fn range_next(counter: &[Obj]) -> Option<(i64, i64)> {
    let [Obj::Int(next), Obj::Int(stop), Obj::Int(step)] = *counter else {
        return None;
    };
    let more = if step > 0 { next < stop } else { next > stop };
    more.then(|| (next, next.checked_add(step).unwrap_or(stop)))
}

/// Exactly `count` items.
pub fn unpack(source: &Obj, count: usize) -> Py<Vec<Obj>> {
    let checked = |items: &[Obj]| match items.len() {
        len if len == count => Ok(items.to_vec()),
        len if len < count => Err(too_few(count, len)),
        _ => Err(too_many(count)),
    };
    match source {
        Obj::Tuple(items) => return checked(items),
        Obj::List(list) => return checked(&list.0.borrow()),
        _ => {}
    }
    let iterator = unpackable(source)?;
    let mut items = Vec::with_capacity(count.min(64));
    while items.len() < count {
        match iter::next(&iterator)? {
            Some(item) => items.push(item),
            None => return Err(too_few(count, items.len())),
        }
    }
    match iter::next(&iterator)? {
        None => Ok(items),
        Some(_) => Err(too_many(count)),
    }
}

fn unpackable(source: &Obj) -> Py {
    iter::iter(source).map_err(|raised| match source {
        Obj::Instance(_) if iterable(source) => raised,
        _ => type_error(format!("cannot unpack non-iterable {} object", text::type_name(source))),
    })
}

#[cold]
fn too_few(wanted: usize, got: usize) -> Raised {
    value_error(format!("not enough values to unpack (expected {wanted}, got {got})"))
}

#[cold]
fn too_many(wanted: usize) -> Raised {
    value_error(format!("too many values to unpack (expected {wanted})"))
}

/// `before` items, a list of those between, `after` items.
pub fn unpack_star(source: &Obj, before: usize, after: usize) -> Py<Vec<Obj>> {
    let mut items = match source {
        Obj::List(_) | Obj::Tuple(_) => iter::collect(source)?,
        _ => iter::collect(&unpackable(source)?)?,
    };
    if items.len() < before + after {
        return Err(value_error(format!(
            "not enough values to unpack (expected at least {}, got {})",
            before + after,
            items.len()
        )));
    }
    let last = items.split_off(items.len() - after);
    let between = items.split_off(before);
    items.push(Obj::list(between));
    items.extend(last);
    Ok(items)
}

/// One replacement field of an f-string.
pub fn format(value: &Obj, conversion: u32, spec: Option<&Obj>) -> Py {
    let converted = match conversion {
        1 => Obj::Str(text::str(value)?),
        2 => Obj::str(text::repr(value)?),
        3 => Obj::str(text::ascii(value)?),
        _ => value.clone(),
    };
    let spec = match spec {
        Some(Obj::Str(spec)) => spec.text.as_str(),
        _ => "",
    };
    match &converted {
        Obj::Str(_) if spec.is_empty() => Ok(converted),
        Obj::Int(_) | Obj::Float(_) | Obj::None | Obj::Bool(_) | Obj::List(_) | Obj::Dict(_) | Obj::Tuple(_)
            if spec.is_empty() =>
        {
            text::str(&converted).map(Obj::Str)
        }
        _ => format::format(&converted, spec).map(Obj::str),
    }
}

/// Joins texts.
pub fn join(parts: &[Obj]) -> Py {
    let size = parts.iter().filter_map(Obj::as_str).map(str::len).sum();
    let mut joined = CompactString::with_capacity(size);
    let mut chars = 0;
    for part in parts {
        if let Obj::Str(part) = part {
            short::push(&mut joined, &part.text);
            chars += part.chars;
        }
    }
    Ok(Obj::Str(Rc::new(Text {
        text: joined,
        chars,
        hash: std::cell::Cell::new(0),
    })))
}

pub fn class(name: u32, bases: &[Obj], namespace: &Obj) -> Py {
    let name = &state::name(name).text;
    let Obj::Dict(namespace) = namespace else {
        return Err(raise(Builtin::SystemError, "no namespace"));
    };
    let attrs = namespace.table.borrow().clone();
    if let Some(made) = super::stdlib::made_class::derive(&name.text, bases, &attrs)? {
        return Ok(made);
    }
    for base in bases {
        if let Obj::Native(native) = base
            && let Some(made) = native.derive(name, bases, namespace)
        {
            return made;
        }
    }
    class::Class::new(&name.text, bases, attrs).map(Obj::Class)
}

pub fn super_of(cell: &Obj, this: &Obj) -> Py {
    match cell {
        Obj::Cell(cell) => {
            let class = cell.borrow().clone();
            class::super_of(&class, this)
        }
        class => class::super_of(class, this),
    }
}

/// The exception that `raise` raises.
pub fn raised(value: &Obj, cause: Option<&Obj>) -> Raised {
    let made = match cause {
        Some(cause) => super::exception::with_cause(value, cause),
        None => super::exception::to_raise(value),
    };
    match made {
        Ok(exception) => Raised(exception),
        Err(raised) => raised,
    }
}

pub fn assertion(message: Option<&Obj>) -> Raised {
    Raised(exception(Builtin::AssertionError, message.into_iter().cloned().collect()))
}

pub fn exception_matches(exception: &Obj, class: &Obj) -> Py<bool> {
    match exception {
        Obj::Exception(exception) => super::exception::matches(exception, class),
        _ => Ok(false),
    }
}

/// A name in a class body.
pub fn namespace_get(namespace: &Obj, key: &Obj) -> Py<Option<Obj>> {
    match namespace {
        Obj::Dict(dict) => keyed::dict_get(dict, key),
        _ => Ok(None),
    }
}

/// `match`: a sequence that is no text or bytes.
pub fn is_sequence(subject: &Obj) -> bool {
    match subject {
        Obj::List(_) | Obj::Tuple(_) | Obj::Range(_) => true,
        Obj::Native(native) => native.type_of().name == "deque" || native.as_tuple().is_some(),
        _ => false,
    }
}

pub fn is_mapping(subject: &Obj) -> bool {
    matches!(subject, Obj::Dict(_))
}

/// `match`: the value of a mapping's key, if it has it.
pub fn mapping_get(subject: &Obj, key: &Obj) -> Py<Option<Obj>> {
    match subject {
        Obj::Dict(dict) => keyed::dict_get(dict, key),
        _ => Ok(None),
    }
}

/// `from module import name`-like reads go through here too: an attribute of any object.
pub fn getattr(object: &Obj, name: u32) -> Py {
    let name = state::name(name);
    if let Obj::Module(module) = object
        && let Some(member) = stdlib::attribute(*module, &name.text.text)
    {
        return Ok(member);
    }
    attr::getattr(object, name)
}
