//! The iteration protocol and the iterators of builtin containers.
//!
//! Iterators are live, as CPython's are: a list that grows while it is walked over is walked to its new end; a dict or set that
//! changes its size raises.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::class;
use super::dunder::{self, Special};
use super::error::{Py, Raised, raise, type_error, value_error};
use super::exception;
use super::names::Builtin;
use super::object::{Advance, Args, Dict, Iter, List, Obj, Range, Set, Text};
use super::subscript::range_len;
use super::{call, compare, text};

/// `iter(value)`; `TypeError: 'int' object is not iterable`.
pub fn iter(value: &Obj) -> Py {
    Ok(match value {
        Obj::Iter(_) | Obj::Generator(_) => value.clone(),
        Obj::List(list) => Obj::Iter(Rc::new(Iter::List(RefCell::new(Some(list.clone())), Cell::new(0)))),
        Obj::Tuple(items) => Obj::iter(TupleIter {
            items: items.clone(),
            at: 0,
        }),
        Obj::Str(text) => Obj::iter(StrIter {
            text: text.clone(),
            at: 0,
        }),
        Obj::Bytes(bytes) => Obj::iter(BytesIter {
            bytes: bytes.clone(),
            at: 0,
        }),
        Obj::Dict(dict) => Obj::iter(DictIter::new(dict, Part::Keys)),
        Obj::Set(set) => Obj::iter(SetIter::new(set)),
        Obj::Range(range) => Obj::iter(RangeIter::new(range)),
        Obj::Native(native) => match native.iter(value) {
            Some(state) => Obj::Iter(Rc::new(Iter::Other(RefCell::new(Some(state?))))),
            None => return Err(not_iterable(value)),
        },
        Obj::Instance(_) => return of_instance(value),
        _ => return Err(not_iterable(value)),
    })
}

#[cold]
fn not_iterable(value: &Obj) -> Raised {
    type_error(format!("'{}' object is not iterable", text::type_name(value)))
}

fn of_instance(value: &Obj) -> Py {
    if let Some(iterator) = dunder::call(value, Special::Iter, &[])? {
        if !is_iterator(&iterator) {
            let kind = text::type_name(&iterator);
            return Err(type_error(format!("iter() returned non-iterator of type '{kind}'")));
        }
        return Ok(iterator);
    }
    if class::special(value, "__getitem__").is_some() {
        return Ok(Obj::iter(Items {
            object: value.clone(),
            at: 0,
        }));
    }
    Err(not_iterable(value))
}

/// Whether `next` works on it.
pub fn is_iterator(value: &Obj) -> bool {
    match value {
        Obj::Iter(_) | Obj::Generator(_) => true,
        Obj::Native(native) => native.has_method("__next__"),
        Obj::Instance(_) => class::special(value, "__next__").is_some(),
        _ => false,
    }
}

/// The next item of an iterator; `None` at its end.
#[inline]
pub fn next(iterator: &Obj) -> Py<Option<Obj>> {
    match iterator {
        Obj::Iter(iter) => iter.advance(),
        Obj::Generator(generator) => generator.advance(),
        _ => next_of(iterator),
    }
}

/// A `StopIteration` out of what an iterator calls (the function of `map`) ends it.
#[cold]
fn ended(raised: Raised) -> Py<Option<Obj>> {
    match exception::is_of(&raised.0.class, Builtin::StopIteration) {
        true => Ok(None),
        false => Err(raised),
    }
}

#[inline(never)]
fn next_of(iterator: &Obj) -> Py<Option<Obj>> {
    let result = match iterator {
        Obj::Instance(_) => class::call_special(iterator, "__next__", &[]),
        Obj::Native(native) => native.method(iterator, "__next__", &Args::positional(&[])).transpose(),
        _ => None,
    };
    match result {
        Some(Ok(item)) => Ok(Some(item)),
        Some(Err(raised)) if exception::is_of(&raised.0.class, Builtin::StopIteration) => Ok(None),
        Some(Err(raised)) => Err(raised),
        None => Err(type_error(format!(
            "'{}' object is not an iterator",
            text::type_name(iterator)
        ))),
    }
}

/// All items of an iterable, quickly for builtin containers.
pub fn collect(value: &Obj) -> Py<Vec<Obj>> {
    Ok(match value {
        Obj::List(list) => list.0.borrow().clone(),
        Obj::Tuple(items) => items.to_vec(),
        Obj::Dict(dict) => dict.table.borrow().keys().cloned().collect(),
        Obj::Set(set) => set.table.borrow().iter().cloned().collect(),
        Obj::Str(text) => text.chars().map(character).collect(),
        Obj::Bytes(bytes) => bytes.iter().map(|byte| Obj::Int(i64::from(*byte))).collect(),
        _ => {
            let iterator = iter(value)?;
            let mut items = match value {
                Obj::Range(range) => Vec::with_capacity(checked_len(range)?),
                _ => Vec::new(),
            };
            while let Some(item) = next(&iterator)? {
                items.push(item);
            }
            items
        }
    })
}

/// More objects than this in one list are refused before they are made.
const MAX_ITEMS: u64 = (256 << 20) / size_of::<Obj>() as u64;

fn checked_len(range: &Range) -> Py<usize> {
    match range_len(range) {
        len if len <= MAX_ITEMS => Ok(len as usize),
        _ => Err(raise(Builtin::MemoryError, "")),
    }
}

/// Calls `work` with each item until it says false.
pub fn each(value: &Obj, mut work: impl FnMut(Obj) -> Py<bool>) -> Py<()> {
    match value {
        Obj::List(list) => {
            let mut at = 0;
            while let Some(item) = list.0.borrow().get(at).cloned() {
                if !work(item)? {
                    break;
                }
                at += 1;
            }
        }
        Obj::Tuple(items) => {
            for item in items.iter() {
                if !work(item.clone())? {
                    break;
                }
            }
        }
        _ => {
            let iterator = iter(value)?;
            while let Some(item) = next(&iterator)? {
                if !work(item)? {
                    break;
                }
            }
        }
    }
    Ok(())
}

/// `len(value)`
pub fn length(value: &Obj) -> Py<usize> {
    Ok(match value {
        Obj::Str(text) => text.chars,
        Obj::List(list) => list.0.borrow().len(),
        Obj::Dict(dict) => dict.table.borrow().len(),
        Obj::Tuple(items) => items.len(),
        Obj::Set(set) => set.table.borrow().len(),
        Obj::Bytes(bytes) => bytes.len(),
        Obj::Range(range) => usize::try_from(range_len(range))
            .map_err(|_| super::error::overflow_error("Python int too large to convert to C ssize_t"))?,
        Obj::Native(native) => match native.len() {
            Some(len) => return len,
            None => return Err(no_length(value)),
        },
        Obj::Instance(_) => match dunder::call(value, Special::Len, &[])? {
            Some(len) => return compare::length_of(&len),
            None => return Err(no_length(value)),
        },
        _ => return Err(no_length(value)),
    })
}

#[cold]
fn no_length(value: &Obj) -> Raised {
    type_error(format!("object of type '{}' has no len()", text::type_name(value)))
}

/// A text of one character; those of ASCII are made once.
pub fn character(c: char) -> Obj {
    Obj::Str(text::char_text(c))
}

impl Iter {
    #[inline]
    pub fn advance(&self) -> Py<Option<Obj>> {
        match self {
            Iter::List(list, at) => Ok(next_of_list(list, at)),
            Iter::Other(state) => {
                // It is out of its place meanwhile, since advancing may run code that comes back to it.
                let Some(mut advancing) = state.try_borrow_mut().ok().and_then(|mut state| state.take()) else {
                    return Err(value_error("iterator already executing"));
                };
                let item = advancing.advance();
                state.replace(Some(advancing));
                match item {
                    Err(raised) => ended(raised),
                    item => item,
                }
            }
        }
    }

    /// `list_iterator` and the like.
    pub fn type_name(&self) -> &'static str {
        match self {
            Iter::List(..) => "list_iterator",
            Iter::Other(state) => match state.try_borrow() {
                Ok(state) => state.as_ref().map_or("iterator", |state| state.type_name()),
                Err(_) => "iterator",
            },
        }
    }
}

#[inline]
fn next_of_list(list: &RefCell<Option<Rc<List>>>, at: &Cell<usize>) -> Option<Obj> {
    if let Some(list) = &*list.borrow() {
        if let Some(item) = list.0.borrow().get(at.get()) {
            at.set(at.get() + 1);
            return Some(item.clone());
        }
    } else {
        return None;
    }
    list.take();
    None
}

struct TupleIter {
    items: Rc<[Obj]>,
    at: usize,
}

impl Advance for TupleIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let item = self.items.get(self.at).cloned();
        self.at += 1;
        Ok(item)
    }
    fn type_name(&self) -> &'static str {
        "tuple_iterator"
    }
}

struct StrIter {
    text: Rc<Text>,
    /// In bytes.
    at: usize,
}

impl Advance for StrIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(c) = self.text.get(self.at..).and_then(|rest| rest.chars().next()) else {
            return Ok(None);
        };
        self.at += c.len_utf8();
        Ok(Some(character(c)))
    }
    fn type_name(&self) -> &'static str {
        if self.text.is_ascii() {
            "str_ascii_iterator"
        } else {
            "str_iterator"
        }
    }
}

struct BytesIter {
    bytes: Rc<[u8]>,
    at: usize,
}

impl Advance for BytesIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let item = self.bytes.get(self.at).map(|byte| Obj::Int(i64::from(*byte)));
        self.at += 1;
        Ok(item)
    }
    fn type_name(&self) -> &'static str {
        "bytes_iterator"
    }
}

/// What of a dict's entries an iterator gives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Keys,
    Values,
    Items,
}

/// Over a dict's entries, forwards.
pub struct DictIter {
    dict: Option<Rc<Dict>>,
    part: Part,
    place: usize,
    len: usize,
    version: u32,
}

impl DictIter {
    pub fn new(dict: &Rc<Dict>, part: Part) -> Self {
        let table = dict.table.borrow();
        DictIter {
            part,
            place: 0,
            len: table.len(),
            version: table.version(),
            dict: Some(dict.clone()),
        }
    }
}

/// Refuses to go on over a dict that has changed.
fn unchanged(dict: &Dict, len: usize, version: u32) -> Py<()> {
    let table = dict.table.borrow();
    if table.version() == version {
        return Ok(());
    }
    Err(raise(
        Builtin::RuntimeError,
        match table.len() == len {
            true => "dictionary keys changed during iteration",
            false => "dictionary changed size during iteration",
        },
    ))
}

fn entry_of(part: Part, key: &Obj, value: &Obj) -> Obj {
    match part {
        Part::Keys => key.clone(),
        Part::Values => value.clone(),
        Part::Items => Obj::Tuple(Rc::new([key.clone(), value.clone()])),
    }
}

impl Advance for DictIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(dict) = &self.dict else {
            return Ok(None);
        };
        let table = dict.table.borrow();
        if table.version() == self.version {
            if let Some((after, key, value)) = table.entry_at(self.place) {
                self.place = after;
                return Ok(Some(entry_of(self.part, key, value)));
            }
            drop(table);
            self.dict = None;
            return Ok(None);
        }
        drop(table);
        unchanged(dict, self.len, self.version)?;
        Ok(None)
    }
    fn type_name(&self) -> &'static str {
        match self.part {
            Part::Keys => "dict_keyiterator",
            Part::Values => "dict_valueiterator",
            Part::Items => "dict_itemiterator",
        }
    }
}

/// Over a dict's entries, backwards.
pub struct DictReverse {
    dict: Option<Rc<Dict>>,
    part: Part,
    place: usize,
    len: usize,
    version: u32,
}

impl DictReverse {
    pub fn new(dict: &Rc<Dict>, part: Part) -> Self {
        let table = dict.table.borrow();
        DictReverse {
            part,
            place: table.end(),
            len: table.len(),
            version: table.version(),
            dict: Some(dict.clone()),
        }
    }
}

impl Advance for DictReverse {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(dict) = &self.dict else {
            return Ok(None);
        };
        unchanged(dict, self.len, self.version)?;
        let found = dict
            .table
            .borrow()
            .entry_before(self.place)
            .map(|(place, key, value)| (place, entry_of(self.part, key, value)));
        match found {
            Some((place, item)) => {
                self.place = place;
                Ok(Some(item))
            }
            None => {
                self.dict = None;
                Ok(None)
            }
        }
    }
    fn type_name(&self) -> &'static str {
        match self.part {
            Part::Keys => "dict_reversekeyiterator",
            Part::Values => "dict_reversevalueiterator",
            Part::Items => "dict_reverseitemiterator",
        }
    }
}

struct SetIter {
    set: Option<Rc<Set>>,
    place: usize,
    len: usize,
}

impl SetIter {
    fn new(set: &Rc<Set>) -> Self {
        SetIter {
            place: 0,
            len: set.table.borrow().len(),
            set: Some(set.clone()),
        }
    }
}

impl Advance for SetIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(set) = &self.set else {
            return Ok(None);
        };
        let table = set.table.borrow();
        if table.len() != self.len {
            return Err(raise(Builtin::RuntimeError, "Set changed size during iteration"));
        }
        if let Some((after, item)) = table.entry_at(self.place) {
            self.place = after;
            return Ok(Some(item.clone()));
        }
        drop(table);
        self.set = None;
        Ok(None)
    }
    fn type_name(&self) -> &'static str {
        "set_iterator"
    }
}

struct RangeIter {
    next: i64,
    step: i64,
    left: u64,
}

impl RangeIter {
    fn new(range: &Range) -> Self {
        RangeIter {
            next: range.start,
            step: range.step,
            left: range_len(range),
        }
    }
}

impl Advance for RangeIter {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let item = self.next;
        // The number after the last may not exist; it is never given.
        self.next = item.wrapping_add(self.step);
        Ok(Some(Obj::Int(item)))
    }
    fn type_name(&self) -> &'static str {
        "range_iterator"
    }
}

/// The old protocol: `__getitem__` with 0, 1, 2 … until `IndexError`.
struct Items {
    object: Obj,
    at: i64,
}

impl Advance for Items {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.at < 0 {
            return Ok(None);
        }
        match class::call_special(&self.object, "__getitem__", &[Obj::Int(self.at)]) {
            Some(Ok(item)) => {
                self.at += 1;
                Ok(Some(item))
            }
            Some(Err(raised))
                if [Builtin::IndexError, Builtin::StopIteration]
                    .iter()
                    .any(|end| exception::is_of(&raised.0.class, *end)) =>
            {
                self.at = -1;
                Ok(None)
            }
            Some(Err(raised)) => Err(raised),
            None => Ok(None),
        }
    }
    fn type_name(&self) -> &'static str {
        "iterator"
    }
}

/// `iter(function, sentinel)`
pub struct Until {
    function: Option<Obj>,
    sentinel: Obj,
}

impl Until {
    pub fn new(function: &Obj, sentinel: &Obj) -> Self {
        Until {
            function: Some(function.clone()),
            sentinel: sentinel.clone(),
        }
    }
}

impl Advance for Until {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let Some(function) = &self.function else {
            return Ok(None);
        };
        match call::call(function, &Args::positional(&[])) {
            Ok(item) if compare::equals(&item, &self.sentinel)? => self.function = None,
            Ok(item) => return Ok(Some(item)),
            Err(raised) if exception::is_of(&raised.0.class, Builtin::StopIteration) => self.function = None,
            Err(raised) => return Err(raised),
        }
        Ok(None)
    }
    fn type_name(&self) -> &'static str {
        "callable_iterator"
    }
}
