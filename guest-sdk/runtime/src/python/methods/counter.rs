//! Methods of `collections.Counter`: counts by key.

use std::rc::Rc;

use super::dict::{entries, mapping_keys};
use super::signature::Call;
use super::sort;
use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, type_error};
use crate::python::names::Method::{self, *};
use crate::python::object::{Advance, Args, Dict, Obj};
use crate::python::{iter, keyed, subscript};

pub fn call(this: &Rc<Dict>, method: Method, args: &Args) -> Py {
    match method {
        MostCommon => {
            at_most(args, "most_common", 1)?;
            most_common(this, args.get(0, "n"))
        }
        Elements => {
            at_most(args, "elements", 0)?;
            Ok(Obj::iter(EachElement {
                entries: entries(this).into_iter(),
                current: None,
            }))
        }
        Subtract => {
            change(this, &Call::new("Counter", "subtract", args), true)?;
            Ok(Obj::None)
        }
        _ => {
            at_most(args, "total", 0)?;
            let mut total = Obj::Int(0);
            for (_, count) in entries(this) {
                total = arith::binary(BinaryOp::Add, false, &total, &count)?;
            }
            Ok(total)
        }
    }
}

/// These methods are written in Python, and so are the words for too many arguments.
pub fn at_most(args: &Args, name: &str, most: usize) -> Py<()> {
    let given = args.plain().len();
    let known: &[&str] = if name == "most_common" { &["n"] } else { &[] };
    let any_name = matches!(name, "update" | "subtract");
    if let Some(unknown) = args.names.iter().find(|given| !any_name && !known.contains(&&given.text[..])) {
        return Err(type_error(format!(
            "Counter.{name}() got an unexpected keyword argument '{}'",
            &unknown.text[..]
        )));
    }
    if given <= most {
        return Ok(());
    }
    let takes = match most {
        0 => "1 positional argument",
        _ => "from 1 to 2 positional arguments",
    };
    Err(type_error(format!(
        "Counter.{name}() takes {takes} but {} were given",
        given + 1
    )))
}

/// Pairs by falling count, those of the same count in the order of their keys in the counter.
fn most_common(this: &Dict, n: Option<&Obj>) -> Py {
    let n = match n {
        None | Some(Obj::None) => usize::MAX,
        Some(n) => usize::try_from(arith::index(n)?).unwrap_or(0),
    };
    let mut pairs: Vec<(Obj, Obj)> = entries(this).into_iter().map(|(key, count)| (count, key)).collect();
    sort::by_first(&mut pairs, true)?;
    let pairs = pairs.into_iter().take(n);
    Ok(Obj::list(pairs.map(|(count, key)| Obj::tuple([key, count])).collect()))
}

/// `Counter.update` and `Counter.subtract`: counts what an iterable yields, or adds the counts of a mapping.
pub fn change(this: &Rc<Dict>, call: &Call, subtract: bool) -> Py<()> {
    at_most(call.args, call.name, 1)?;
    if let Some(source) = call.args.plain().first().filter(|source| !source.is_none()) {
        count(this, source, subtract)?;
    }
    let values = call.args.values.iter().skip(call.args.plain().len());
    for (name, value) in call.args.names.iter().zip(values) {
        add(this, Obj::Str(name.clone()), value, subtract)?;
    }
    Ok(())
}

/// Counts into a counter, as its constructor does too.
pub fn count(this: &Rc<Dict>, source: &Obj, subtract: bool) -> Py<()> {
    if let Obj::Dict(other) = source {
        for (key, value) in entries(other) {
            add(this, key, &value, subtract)?;
        }
        return Ok(());
    }
    if let Some(keys) = mapping_keys(source)? {
        return iter::each(&keys, |key| {
            let value = subscript::getitem(source, &key)?;
            add(this, key, &value, subtract)?;
            Ok(true)
        });
    }
    iter::each(source, |key| {
        // A count that is there and small is changed in place.
        if !matches!(key, Obj::Instance(_)) {
            let mut table = this.table.borrow_mut();
            if let Some(Obj::Int(count)) = table.get_mut(&key)?
                && let Some(more) = count.checked_add(if subtract { -1 } else { 1 })
            {
                *count = more;
                return Ok(true);
            }
        }
        add(this, key, &Obj::Int(1), subtract)?;
        Ok(true)
    })
}

fn add(this: &Rc<Dict>, key: Obj, value: &Obj, subtract: bool) -> Py<()> {
    let known = keyed::dict_get(this, &key)?.unwrap_or(Obj::Int(0));
    let count = match subtract {
        true => arith::binary(BinaryOp::Sub, false, &known, value)?,
        false => arith::binary(BinaryOp::Add, false, value, &known)?,
    };
    keyed::dict_set(this, key, count)?;
    Ok(())
}

/// Each key as often as it was counted.
struct EachElement {
    entries: std::vec::IntoIter<(Obj, Obj)>,
    current: Option<(Obj, i64)>,
}

impl Advance for EachElement {
    fn advance(&mut self) -> Py<Option<Obj>> {
        loop {
            if let Some((key, left)) = &mut self.current
                && *left > 0
            {
                *left -= 1;
                return Ok(Some(key.clone()));
            }
            let Some((key, count)) = self.entries.next() else {
                return Ok(None);
            };
            self.current = Some((key, arith::index(&count)?));
        }
    }
    fn type_name(&self) -> &'static str {
        "itertools.chain"
    }
}
