//! Functions that look at all items of an iterable: `sum`, `min`, `max`, `any`, `all`, `sorted`.

use crate::python::arith::{self, BinaryOp};
use crate::python::call as calls;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, type_error, value_error};
use crate::python::iter;
use crate::python::methods::signature::{Call, flag};
use crate::python::methods::sort;
use crate::python::object::{Args, Obj};

/// `sum(iterable, /, start=0)`
pub fn sum(call: &Call) -> Py {
    let [items, start] = call.named(["iterable", "start"], 1, 2, 1)?;
    let (Some(items), mut total) = (items, start.cloned().unwrap_or(Obj::Int(0))) else {
        return Ok(Obj::None);
    };
    match total {
        Obj::Str(_) => return Err(type_error("sum() can't sum strings [use ''.join(seq) instead]")),
        Obj::Bytes(_) => return Err(type_error("sum() can't sum bytes [use b''.join(seq) instead]")),
        _ => {}
    }
    iter::each(items, |item| {
        total = match (&total, &item) {
            (Obj::Int(a), Obj::Int(b)) if a.checked_add(*b).is_some() => Obj::Int(a + b),
            (Obj::Float(a), Obj::Float(b)) => Obj::Float(a + b),
            (Obj::Float(a), Obj::Int(b)) => Obj::Float(a + *b as f64),
            (total, item) => arith::binary(BinaryOp::Add, false, total, item)?,
        };
        Ok(true)
    })?;
    Ok(total)
}

/// `min` and `max`: the first item that no other goes before (`op` is `<` or `>`).
pub fn extreme(call: &Call, op: CompareOp) -> Py {
    let plain = call.args.plain();
    let (mut key, mut default) = (None, None);
    if !call.args.names.is_empty() {
        for name in call.args.names {
            match &name.text[..] {
                "key" => key = call.args.named("key").filter(|key| !key.is_none()),
                "default" => default = call.args.named("default"),
                other => {
                    return Err(type_error(format!(
                        "'{other}' is an invalid keyword argument for {}()",
                        call.name
                    )));
                }
            }
        }
    }
    let mut search = Search { op, key, best: None };
    match plain {
        [] => {
            return Err(type_error(format!("{} expected at least 1 argument, got 0", call.name)));
        }
        [only] => iter::each(only, |item| search.look(item).map(|()| true))?,
        _ if default.is_some() => {
            return Err(type_error(format!(
                "Cannot specify a default for {}() with multiple positional arguments",
                call.name
            )));
        }
        items => items.iter().try_for_each(|item| search.look(item.clone()))?,
    }
    match (search.best, default) {
        (Some((_, best)), _) => Ok(best),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(value_error(format!("{}() arg is an empty sequence", call.name))),
    }
}

struct Search<'a> {
    op: CompareOp,
    key: Option<&'a Obj>,
    /// The key of the best item so far, and the item.
    best: Option<(Obj, Obj)>,
}

impl Search<'_> {
    fn look(&mut self, item: Obj) -> Py<()> {
        let key = match self.key {
            None => item.clone(),
            Some(function) => calls::call(function, &Args::positional(std::slice::from_ref(&item)))?,
        };
        let better = match &self.best {
            None => true,
            Some((best, _)) => before(self.op, &key, best)?,
        };
        if better {
            self.best = Some((key, item));
        }
        Ok(())
    }
}

fn before(op: CompareOp, a: &Obj, b: &Obj) -> Py<bool> {
    let less = op == CompareOp::Lt;
    Ok(match (a, b) {
        (Obj::Int(a), Obj::Int(b)) => {
            if less {
                a < b
            } else {
                a > b
            }
        }
        (Obj::Float(a), Obj::Float(b)) => {
            if less {
                a < b
            } else {
                a > b
            }
        }
        _ => compare::truth(&compare::compare(op, a, b)?)?,
    })
}

pub fn any(items: &Obj) -> Py {
    let mut found = false;
    iter::each(items, |item| {
        found = compare::truth(&item)?;
        Ok(!found)
    })?;
    Ok(Obj::Bool(found))
}

pub fn all(items: &Obj) -> Py {
    let mut holds = true;
    iter::each(items, |item| {
        holds = compare::truth(&item)?;
        Ok(holds)
    })?;
    Ok(Obj::Bool(holds))
}

/// `sorted(iterable, /, *, key=None, reverse=False)`
pub fn sorted(call: &Call) -> Py {
    let [items] = call.args.plain() else {
        let given = call.args.plain().len();
        return Err(type_error(format!("sorted expected 1 argument, got {given}")));
    };
    let named = Args {
        values: call.args.values.get(1..).unwrap_or_default(),
        names: call.args.names,
    };
    // CPython leaves the names to `list.sort`, which shows in the message.
    let [key, reverse] = Call::new("list", "sort", &named).named(["key", "reverse"], 0, 0, 0)?;
    let mut items = iter::collect(items)?;
    sort::sort(&mut items, key, flag(reverse)?)?;
    Ok(Obj::list(items))
}
