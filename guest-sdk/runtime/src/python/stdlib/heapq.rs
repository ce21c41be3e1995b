//! The module `heapq`. The list is looked at anew after every comparison, because a comparison may run code of the program.

use std::rc::Rc;

use super::bind::{bind, flag, need, unless_none};
use super::declare::{arg, declare};
use super::itertools::pull;
use crate::python::arith;
use crate::python::builtins;
use crate::python::compare;
use crate::python::error::{Py, Raised, index_error, raise, type_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, List, Obj, Text};

declare! {
    "heapq" {
        "heappush" => heappush,
        "heappop" => heappop,
        "heapify" => heapify,
        "heapreplace" => heapreplace,
        "heappushpop" => heappushpop,
        "nlargest" => nlargest,
        "nsmallest" => nsmallest,
        "merge" => merge,
    } {}
}

fn heap<'a>(args: &Args<'a>, function: &str, count: usize) -> Py<&'a Rc<List>> {
    args.expect(&format!("_heapq.{function}"), count, count, &[])?;
    match arg(args, 0, function)? {
        Obj::List(list) => Ok(list),
        other => Err(type_error(format!(
            "{function}() argument{} must be list, not {}",
            if count == 1 { "" } else { " 1" },
            crate::python::text::type_name(other)
        ))),
    }
}

fn changed() -> Raised {
    raise(Builtin::RuntimeError, "list changed size during iteration")
}

fn item(list: &List, at: usize) -> Py {
    list.0.borrow().get(at).cloned().ok_or_else(changed)
}

fn swap(list: &List, a: usize, b: usize) -> Py<()> {
    let mut items = list.0.borrow_mut();
    if a.max(b) >= items.len() {
        return Err(changed());
    }
    items.swap(a, b);
    Ok(())
}

/// Moves the item at `at` towards `start` until its parent is not larger.
fn sift_down(list: &List, start: usize, mut at: usize) -> Py<()> {
    let len = list.0.borrow().len();
    while at > start {
        let parent = (at - 1) / 2;
        let (below, above) = (item(list, at)?, item(list, parent)?);
        let less = compare::less(&below, &above)?;
        if list.0.borrow().len() != len {
            return Err(changed());
        }
        if !less {
            break;
        }
        swap(list, at, parent)?;
        at = parent;
    }
    Ok(())
}

/// Moves the item at `at` to a leaf along the smaller children, and from there to its place.
fn sift_up(list: &List, start: usize) -> Py<()> {
    let len = list.0.borrow().len();
    let mut at = start;
    while at < len / 2 {
        let mut child = 2 * at + 1;
        if child + 1 < len {
            let (left, right) = (item(list, child)?, item(list, child + 1)?);
            let less = compare::less(&left, &right)?;
            if list.0.borrow().len() != len {
                return Err(changed());
            }
            child += usize::from(!less);
        }
        swap(list, at, child)?;
        at = child;
    }
    sift_down(list, start, at)
}

fn heappush(args: &Args) -> Py {
    let list = heap(args, "heappush", 2)?;
    let last = {
        let mut items = list.0.borrow_mut();
        items.push(arg(args, 1, "heappush")?.clone());
        items.len() - 1
    };
    sift_down(list, 0, last)?;
    Ok(Obj::None)
}

/// Puts an item in the place of the smallest, which it gives.
fn replace_first(list: &List, item: Obj) -> Py {
    let first = match list.0.borrow_mut().first_mut() {
        Some(first) => std::mem::replace(first, item),
        None => return Err(index_error("index out of range")),
    };
    sift_up(list, 0)?;
    Ok(first)
}

fn heappop(args: &Args) -> Py {
    let list = heap(args, "heappop", 1)?;
    let last = list.0.borrow_mut().pop();
    let Some(last) = last else {
        return Err(index_error("index out of range"));
    };
    if list.0.borrow().is_empty() {
        return Ok(last);
    }
    replace_first(list, last)
}

fn heapreplace(args: &Args) -> Py {
    let list = heap(args, "heapreplace", 2)?;
    replace_first(list, arg(args, 1, "heapreplace")?.clone())
}

fn heappushpop(args: &Args) -> Py {
    let list = heap(args, "heappushpop", 2)?;
    let item = arg(args, 1, "heappushpop")?;
    let first = list.0.borrow().first().cloned();
    match first {
        Some(first) if compare::less(&first, item)? => replace_first(list, item.clone()),
        _ => Ok(item.clone()),
    }
}

fn heapify(args: &Args) -> Py {
    let list = heap(args, "heapify", 1)?;
    let half = list.0.borrow().len() / 2;
    for at in (0..half).rev() {
        sift_up(list, at)?;
    }
    Ok(Obj::None)
}

fn nlargest(args: &Args) -> Py {
    extreme(args, "nlargest", true)
}

fn nsmallest(args: &Args) -> Py {
    extreme(args, "nsmallest", false)
}

/// The first items of the sorted ones, as `heapq` defines both.
fn extreme(args: &Args, function: &str, largest: bool) -> Py {
    let [n, source, key] = bind(function, args, ["n", "iterable", "key"], 2, 3)?;
    let n = arith::index(need(n, function)?)?;
    let values = [
        need(source, function)?.clone(),
        unless_none(key).cloned().unwrap_or_default(),
        Obj::Bool(largest),
    ];
    let names = [Rc::new(Text::new("key")), Rc::new(Text::new("reverse"))];
    let sorted = builtins::call(
        Builtin::Sorted,
        &Args {
            values: &values,
            names: &names,
        },
    )?;
    if let Obj::List(list) = &sorted {
        let dropped: Vec<Obj> = {
            let mut items = list.0.borrow_mut();
            let kept = usize::try_from(n).unwrap_or(0).min(items.len());
            items.drain(kept..).collect()
        };
        drop(dropped);
    }
    Ok(sorted)
}

/// One of the inputs of `merge`: its next item, and the key of it.
struct Head {
    source: Obj,
    item: Obj,
    key: Obj,
}

struct Merge {
    /// Inputs that have not been read from yet.
    unread: Vec<Obj>,
    heads: Vec<Head>,
    /// The head that gave the last item: it is read on before the next one is looked for.
    given: Option<usize>,
    key: Option<Obj>,
    reverse: bool,
}

impl Merge {
    /// The next item of a source and its key.
    fn read(&self, source: &Obj) -> Py<Option<(Obj, Obj)>> {
        let Some(item) = pull(source)? else { return Ok(None) };
        let key = match &self.key {
            Some(key) => super::itertools::apply(key, item.clone())?,
            None => item.clone(),
        };
        Ok(Some((item, key)))
    }
}

impl Advance for Merge {
    fn advance(&mut self) -> Py<Option<Obj>> {
        for source in std::mem::take(&mut self.unread) {
            if let Some((item, key)) = self.read(&source)? {
                self.heads.push(Head { source, item, key });
            }
        }
        if let Some(at) = self.given.take() {
            let source = self.heads.get(at).map(|head| head.source.clone()).unwrap_or_default();
            match self.read(&source)? {
                Some((item, key)) => {
                    if let Some(head) = self.heads.get_mut(at) {
                        (head.item, head.key) = (item, key);
                    }
                }
                None => drop(self.heads.remove(at)),
            }
        }
        let mut best: Option<(usize, &Head)> = None;
        for (at, head) in self.heads.iter().enumerate() {
            let better = match best {
                None => true,
                Some((_, known)) if self.reverse => compare::less(&known.key, &head.key)?,
                Some((_, known)) => compare::less(&head.key, &known.key)?,
            };
            if better {
                best = Some((at, head));
            }
        }
        let Some((at, head)) = best else { return Ok(None) };
        let item = head.item.clone();
        self.given = Some(at);
        Ok(Some(item))
    }
    fn type_name(&self) -> &'static str {
        "generator"
    }
}

fn merge(args: &Args) -> Py {
    let known = args.names.iter().all(|name| name.text == "key" || name.text == "reverse");
    if !known {
        return Err(type_error("merge() got an unexpected keyword argument"));
    }
    Ok(Obj::iter(Merge {
        unread: args.plain().iter().map(iter::iter).collect::<Py<_>>()?,
        heads: Vec::new(),
        given: None,
        key: unless_none(args.named("key")).cloned(),
        reverse: flag(args.named("reverse"), false)?,
    }))
}
