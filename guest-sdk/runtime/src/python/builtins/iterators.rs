//! `iter`, `next`, and the iterators over iterators: `enumerate`, `zip`, `map`, `filter`, `reversed`.

use std::rc::Rc;

use num_bigint::BigInt;

use super::source::Source;
use super::special;
use crate::python::arith::as_big;
use crate::python::error::{Py, Raised, exception, type_error, value_error};
use crate::python::iter::{self, DictReverse, Part, Until};
use crate::python::methods::signature::Call;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, List, Obj, Range};
use crate::python::text::type_name;
use crate::python::views::View;
use crate::python::{arith, call as calls, class, compare, exception as exceptions, number, subscript};

/// `iter(object)` and `iter(function, sentinel)`
pub fn iter(call: &Call) -> Py {
    match call.positional(1, 2)? {
        [function, sentinel] => {
            if !calls::is_callable(function) {
                return Err(type_error("iter(v, w): v must be callable"));
            }
            Ok(Obj::iter(Until::new(function, sentinel)))
        }
        given => iter::iter(&given[0]),
    }
}

/// `next(iterator[, default])`
pub fn next(call: &Call) -> Py {
    let given = call.positional(1, 2)?;
    match (iter::next(&given[0])?, given.get(1), &given[0]) {
        (Some(item), _, _) => Ok(item),
        (None, Some(default), _) => Ok(default.clone()),
        // What a generator returns is in the exception that says it has ended.
        (None, None, Obj::Generator(generator)) => Err(stop(match generator.result() {
            Obj::None => Vec::new(),
            result => vec![result],
        })),
        (None, None, _) => Err(stop(Vec::new())),
    }
}

fn stop(args: Vec<Obj>) -> Raised {
    Raised(exception(Builtin::StopIteration, args))
}

/// `enumerate(iterable, start=0)`
pub fn enumerate(call: &Call) -> Py {
    if let ([name], true) = (call.args.names, call.args.plain().is_empty())
        && &name.text[..] != "iterable"
    {
        let text = format!("'{}' is an invalid keyword argument for enumerate()", name.text);
        return Err(type_error(text));
    }
    let [items, start] = call.named(["iterable", "start"], 0, 2, 0)?;
    let Some(items) = items else {
        return Err(type_error("enumerate() missing required argument 'iterable'"));
    };
    let start = match start {
        None => Obj::Int(0),
        Some(start) => match (as_big(start), start) {
            (Some(n), _) => Obj::big(n),
            (None, start) => Obj::Int(number::index(start)?),
        },
    };
    Ok(Obj::iter(Enumerate {
        items: Source::new(items)?,
        next: start,
    }))
}

struct Enumerate {
    items: Source,
    next: Obj,
}

impl Advance for Enumerate {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(item) = self.items.next()? else {
            return Ok(None);
        };
        let next = match &self.next {
            Obj::Int(n) if *n < i64::MAX => Obj::Int(n + 1),
            n => Obj::big(as_big(n).unwrap_or_default() + 1),
        };
        let number = std::mem::replace(&mut self.next, next);
        Ok(Some(pair(number, item)))
    }
    fn type_name(&self) -> &'static str {
        "enumerate"
    }
}

fn pair(a: Obj, b: Obj) -> Obj {
    Obj::Tuple(Rc::new([a, b]))
}

/// `zip(*iterables, strict=False)`
pub fn zip(call: &Call) -> Py {
    let plain = call.args.plain();
    if let Some(name) = call.args.names.iter().find(|name| &name.text[..] != "strict") {
        return Err(type_error(format!(
            "'{}' is an invalid keyword argument for zip()",
            name.text
        )));
    }
    let strict = call.args.named("strict").map_or(Ok(false), compare::truth)?;
    let sources = plain.iter().map(Source::new).collect::<Py<_>>()?;
    Ok(Obj::iter(Zip { sources, strict }))
}

struct Zip {
    sources: Vec<Source>,
    strict: bool,
}

impl Advance for Zip {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if let [a, b] = self.sources.as_mut_slice() {
            let Some(first) = a.next()? else {
                return self.ended(0);
            };
            return match b.next()? {
                Some(second) => Ok(Some(pair(first, second))),
                None => self.ended(1),
            };
        }
        if self.sources.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::with_capacity(self.sources.len());
        for (at, source) in self.sources.iter_mut().enumerate() {
            match source.next()? {
                Some(item) => items.push(item),
                None => return self.ended(at),
            }
        }
        Ok(Some(Obj::tuple(items)))
    }
    fn type_name(&self) -> &'static str {
        "zip"
    }
}

impl Zip {
    /// One source has ended; when that matters, all must end there.
    fn ended(&mut self, at: usize) -> Py<Option<Obj>> {
        if !self.strict {
            return Ok(None);
        }
        let others = |before: usize| match before {
            1 => String::from("argument 1"),
            n => format!("arguments 1-{n}"),
        };
        if at > 0 {
            let text = format!("zip() argument {} is shorter than {}", at + 1, others(at));
            return Err(value_error(text));
        }
        for (at, source) in self.sources.iter_mut().enumerate().skip(1) {
            if source.next()?.is_some() {
                let text = format!("zip() argument {} is longer than {}", at + 1, others(at));
                return Err(value_error(text));
            }
        }
        Ok(None)
    }
}

/// `map(function, *iterables)`
pub fn map(call: &Call) -> Py {
    call.no_names()?;
    let [function, sources @ ..] = call.args.values else {
        return Err(type_error("map() must have at least two arguments."));
    };
    if sources.is_empty() {
        return Err(type_error("map() must have at least two arguments."));
    }
    Ok(Obj::iter(Map {
        function: function.clone(),
        sources: sources.iter().map(Source::new).collect::<Py<_>>()?,
    }))
}

struct Map {
    function: Obj,
    sources: Vec<Source>,
}

impl Advance for Map {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if let [source] = self.sources.as_mut_slice() {
            return match source.next()? {
                Some(item) => calls::call(&self.function, &Args::positional(&[item])).map(Some),
                None => Ok(None),
            };
        }
        let mut items = Vec::with_capacity(self.sources.len());
        for source in &mut self.sources {
            match source.next()? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        calls::call(&self.function, &Args::positional(&items)).map(Some)
    }
    fn type_name(&self) -> &'static str {
        "map"
    }
}

/// `filter(function or None, iterable)`
pub fn filter(call: &Call) -> Py {
    let given = call.positional(2, 2)?;
    Ok(Obj::iter(Filter {
        function: Some(given[0].clone()).filter(|function| !function.is_none()),
        items: Source::new(&given[1])?,
    }))
}

struct Filter {
    /// `None` keeps what is true.
    function: Option<Obj>,
    items: Source,
}

impl Advance for Filter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        while let Some(item) = self.items.next()? {
            let keep = match &self.function {
                None => compare::truth(&item)?,
                Some(function) => compare::truth(&calls::call(function, &Args::positional(std::slice::from_ref(&item)))?)?,
            };
            if keep {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
    fn type_name(&self) -> &'static str {
        "filter"
    }
}

/// `reversed(sequence)`
pub fn reversed(call: &Call) -> Py {
    let sequence = &call.positional(1, 1)?[0];
    let backwards = |items: Vec<Obj>, name| Ok(Obj::iter(Backwards { items, name }));
    match sequence {
        Obj::List(list) => Ok(Obj::iter(ListReverse {
            left: list.0.borrow().len(),
            list: list.clone(),
        })),
        Obj::Tuple(_) | Obj::Str(_) | Obj::Bytes(_) => backwards(iter::collect(sequence)?, "reversed"),
        Obj::Dict(dict) => Ok(Obj::iter(DictReverse::new(dict, Part::Keys))),
        Obj::Range(range) => iter::iter(&Obj::Range(Rc::new(turned(range)?))),
        Obj::Native(native) => {
            if let Some(view) = sequence.as_native::<View>() {
                return backwards(view.collect(), "dict_reverseiterator");
            }
            match special::call(sequence, "__reversed__", &[])? {
                Some(iterator) => Ok(iterator),
                // A sequence by its length and places.
                None => match (native.len(), native.getitem(&Obj::Int(0))) {
                    (Some(len), Some(_)) => Ok(Obj::iter(ByPlace {
                        sequence: sequence.clone(),
                        left: len?,
                    })),
                    _ => Err(not_reversible(sequence)),
                },
            }
        }
        Obj::Instance(_) => match class::call_special(sequence, "__reversed__", &[]) {
            Some(iterator) => iterator,
            None if class::special(sequence, "__len__").is_some() && class::special(sequence, "__getitem__").is_some() => {
                Ok(Obj::iter(ByPlace {
                    sequence: sequence.clone(),
                    left: iter::length(sequence)?,
                }))
            }
            None => Err(not_reversible(sequence)),
        },
        _ => Err(not_reversible(sequence)),
    }
}

fn not_reversible(value: &Obj) -> Raised {
    type_error(format!("'{}' object is not reversible", type_name(value)))
}

/// The same numbers from the last to the first.
fn turned(range: &Range) -> Py<Range> {
    let [start, stop, step] = [range.start, range.stop, range.step].map(BigInt::from);
    let distance: BigInt = &stop - &start;
    let len = num_integer::Integer::div_ceil(&distance, &step);
    if len <= BigInt::ZERO {
        return Ok(Range {
            start: 0,
            stop: 0,
            step: 1,
        });
    }
    let last: BigInt = &start + (len - 1) * &step;
    let bound = |n: BigInt| arith::index(&Obj::big(n));
    Ok(Range {
        start: bound(last)?,
        stop: bound(&start - &step)?,
        step: bound(-step)?,
    })
}

/// A list from its end; what it loses meanwhile is not given.
struct ListReverse {
    list: Rc<List>,
    left: usize,
}

impl Advance for ListReverse {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let items = self.list.0.borrow();
        let item = self.left.checked_sub(1).and_then(|at| items.get(at)).cloned();
        // Once it has ended it stays so, even if the list grows again.
        self.left = if item.is_some() { self.left - 1 } else { 0 };
        Ok(item)
    }
    fn type_name(&self) -> &'static str {
        "list_reverseiterator"
    }
}

/// Items that cannot change, taken from the end.
struct Backwards {
    items: Vec<Obj>,
    name: &'static str,
}

impl Advance for Backwards {
    fn advance(&mut self) -> Py<Option<Obj>> {
        Ok(self.items.pop())
    }
    fn type_name(&self) -> &'static str {
        self.name
    }
}

/// An object's items by their places, from the last to the first.
struct ByPlace {
    sequence: Obj,
    left: usize,
}

impl Advance for ByPlace {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(at) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = at;
        match subscript::getitem(&self.sequence, &Obj::Int(at as i64)) {
            Err(raised) if exceptions::is_of(&raised.0.class, Builtin::IndexError) => {
                self.left = 0;
                Ok(None)
            }
            item => item.map(Some),
        }
    }
    fn type_name(&self) -> &'static str {
        "reversed"
    }
}
