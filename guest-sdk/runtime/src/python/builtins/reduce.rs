//! Functions that look at all items of an iterable: `sum`, `min`, `max`, `any`, `all`, `sorted`.

use num_bigint::BigInt;

use crate::python::arith::{self, BinaryOp};
use crate::python::call as calls;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, type_error, value_error};
use crate::python::iter;
use crate::python::methods::signature::{Call, flag};
use crate::python::methods::sort;
use crate::python::object::{Args, Obj, Range};
use crate::python::subscript::range_len;

/// `sum(iterable, /, start=0)`
pub fn sum(call: &Call) -> Py {
    let [items, start] = call.named(["iterable", "start"], 1, 2, 1)?;
    let (Some(items), mut total) = (items, start.cloned().unwrap_or(Obj::Int(0))) else {
        return Ok(Obj::None);
    };
    if matches!(total, Obj::Str(_) | Obj::Bytes(_)) {
        iter::iter(items)?;
    }
    match total {
        Obj::Str(_) => return Err(type_error("sum() can't sum strings [use ''.join(seq) instead]")),
        Obj::Bytes(_) => return Err(type_error("sum() can't sum bytes [use b''.join(seq) instead]")),
        _ => {}
    }
    match items {
        // One sum of all is what adding them one by one gives only where nothing is rounded or asked.
        Obj::Range(range) if matches!(total, Obj::Int(_) | Obj::Big(_)) => {
            return arith::binary(BinaryOp::Add, false, &total, &Obj::big(range_sum(range)));
        }
        // Numbers are summed without taking them from their list, since that runs no code of the program.
        Obj::List(list) => {
            let summed = sum_numbers(&list.0.borrow(), &mut total);
            let mut at = summed;
            while let Some(item) = list.0.borrow().get(at).cloned() {
                total = arith::binary(BinaryOp::Add, false, &total, &item)?;
                at += 1;
            }
            return Ok(total);
        }
        Obj::Tuple(items) => {
            let summed = sum_numbers(items, &mut total);
            for item in items.iter().skip(summed) {
                total = arith::binary(BinaryOp::Add, false, &total, item)?;
            }
            return Ok(total);
        }
        _ => {}
    }
    iter::each(items, |item| {
        if sum_numbers(std::slice::from_ref(&item), &mut total) == 0 {
            total = arith::binary(BinaryOp::Add, false, &total, &item)?;
        }
        Ok(true)
    })?;
    Ok(total)
}

/// Adds small integers and floats as long as there are no others and the total fits; tells how many it added.
fn sum_numbers(items: &[Obj], total: &mut Obj) -> usize {
    let mut done = 0;
    if let Obj::Int(whole) = total {
        for item in items {
            let sum = match item {
                Obj::Int(n) => whole.checked_add(*n),
                _ => None,
            };
            match sum {
                Some(sum) => *whole = sum,
                None => break,
            }
            done += 1;
        }
        if let Some(Obj::Float(float)) = items.get(done) {
            *total = Obj::Float(*whole as f64 + float);
            done += 1;
        }
    }
    if let Obj::Float(sum) = total {
        for item in items.iter().skip(done) {
            match item {
                Obj::Float(float) => *sum += float,
                Obj::Int(n) => *sum += *n as f64,
                _ => break,
            }
            done += 1;
        }
    }
    done
}

fn range_sum(range: &Range) -> BigInt {
    let len = BigInt::from(range_len(range));
    let [start, step] = [range.start, range.step].map(BigInt::from);
    // The first and the last together, for each pair of them.
    let ends: BigInt = start * 2 + step * (&len - 1);
    len * ends / 2
}

/// `min` and `max`: the first item that no other goes before (`op` is `<` or `>`).
pub fn extreme(call: &Call, op: CompareOp) -> Py {
    let plain = call.args.plain();
    if plain.is_empty() {
        return Err(type_error(format!("{} expected at least 1 argument, got 0", call.name)));
    }
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
    if key.is_none() {
        let best = match plain {
            [Obj::List(list)] => extreme_number(&list.0.borrow(), op),
            [Obj::Tuple(items)] => extreme_number(items, op),
            [_] => None,
            items => extreme_number(items, op),
        };
        if let Some(best) = best
            && (plain.len() == 1 || default.is_none())
        {
            return Ok(best);
        }
    }
    match plain {
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

/// The least or greatest of numbers that are all small integers, or all floats.
fn extreme_number(items: &[Obj], op: CompareOp) -> Option<Obj> {
    let (first, rest) = items.split_first()?;
    let less = op == CompareOp::Lt;
    match first {
        Obj::Int(first) => {
            let mut best = *first;
            for item in rest {
                let Obj::Int(n) = item else { return None };
                best = if less { best.min(*n) } else { best.max(*n) };
            }
            Some(Obj::Int(best))
        }
        Obj::Float(first) => {
            let mut best = *first;
            for item in rest {
                let Obj::Float(n) = item else { return None };
                // Not `min`: the first of equals is kept, and what compares with NaN is false.
                if if less { *n < best } else { *n > best } {
                    best = *n;
                }
            }
            Some(Obj::Float(best))
        }
        _ => None,
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
    let mut items = iter::collect(items)?;
    // CPython leaves the names to `list.sort`, which shows in the message.
    let [key, reverse] = Call::new("list", "sort", &named).named(["key", "reverse"], 0, 0, 0)?;
    sort::sort(&mut items, key, flag(reverse)?)?;
    Ok(Obj::list(items))
}
