//! Combinatoric iterators: selections of places in pools of items.

use crate::python::arith;
use crate::python::error::{Py, raise, value_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Obj};
use crate::python::stdlib::bind::{bind, need, unless_none};

/// How the places of a selection go on.
enum Rule {
    Combinations,
    WithReplacement,
    /// How far each place has still to turn.
    Permutations(Vec<usize>),
}

struct Selections {
    rule: Rule,
    pool: Vec<Obj>,
    /// Permutations keep all places of the pool here, the first `length` of which are the selection.
    places: Vec<usize>,
    length: usize,
    begun: bool,
    ended: bool,
}

impl Selections {
    fn selection(&self) -> Obj {
        let items: Vec<Obj> = self
            .places
            .iter()
            .take(self.length)
            .map(|place| self.pool.get(*place).cloned().unwrap_or_default())
            .collect();
        Obj::tuple(items)
    }
    /// Goes on to the next selection; false after the last.
    fn step(&mut self) -> bool {
        let (count, length) = (self.pool.len(), self.length);
        let places = &mut self.places;
        match &mut self.rule {
            Rule::Combinations => {
                let Some(at) = (0..length)
                    .rev()
                    .find(|at| places.get(*at).is_some_and(|place| *place != at + count - length))
                else {
                    return false;
                };
                let mut next = places.get(at).copied().unwrap_or_default();
                for place in places.iter_mut().skip(at) {
                    next += 1;
                    *place = next;
                }
                true
            }
            Rule::WithReplacement => {
                let Some(at) = places.iter().rposition(|place| place + 1 != count) else {
                    return false;
                };
                let next = places.get(at).copied().unwrap_or_default() + 1;
                for place in places.iter_mut().skip(at) {
                    *place = next;
                }
                true
            }
            Rule::Permutations(turns) => {
                for at in (0..length).rev() {
                    let Some(turn) = turns.get_mut(at) else { continue };
                    *turn -= 1;
                    if *turn == 0 {
                        if let Some(rest) = places.get_mut(at..) {
                            rest.rotate_left(1);
                        }
                        *turn = count - at;
                    } else {
                        let other = count - *turn;
                        places.swap(at, other);
                        return true;
                    }
                }
                false
            }
        }
    }
}

impl Advance for Selections {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.ended {
            return Ok(None);
        }
        if self.begun && !self.step() {
            self.ended = true;
            return Ok(None);
        }
        self.begun = true;
        Ok(Some(self.selection()))
    }
    fn type_name(&self) -> &'static str {
        match self.rule {
            Rule::Combinations => "itertools.combinations",
            Rule::WithReplacement => "itertools.combinations_with_replacement",
            Rule::Permutations(_) => "itertools.permutations",
        }
    }
}

/// Selections longer than this are refused.
const LONGEST: usize = 1 << 20;

fn length(value: &Obj) -> Py<usize> {
    let length = arith::index(value)?;
    let length = usize::try_from(length).map_err(|_| value_error("r must be non-negative"))?;
    if length > LONGEST {
        return Err(raise(Builtin::MemoryError, ""));
    }
    Ok(length)
}

pub fn combinations(args: &Args) -> Py {
    let [pool, r] = bind("combinations", args, ["iterable", "r"], 2, 2)?;
    let length = length(need(r, "combinations")?)?;
    let pool = iter::collect(need(pool, "combinations")?)?;
    Ok(Obj::iter(Selections {
        rule: Rule::Combinations,
        ended: length > pool.len(),
        pool,
        places: (0..length).collect(),
        length,
        begun: false,
    }))
}

pub fn combinations_with_replacement(args: &Args) -> Py {
    let [pool, r] = bind("combinations_with_replacement", args, ["iterable", "r"], 2, 2)?;
    let length = length(need(r, "combinations_with_replacement")?)?;
    let pool = iter::collect(need(pool, "combinations_with_replacement")?)?;
    Ok(Obj::iter(Selections {
        rule: Rule::WithReplacement,
        ended: length > 0 && pool.is_empty(),
        pool,
        places: vec![0; length],
        length,
        begun: false,
    }))
}

pub fn permutations(args: &Args) -> Py {
    let [pool, r] = bind("permutations", args, ["iterable", "r"], 1, 2)?;
    let pool = iter::collect(need(pool, "permutations")?)?;
    let length = match unless_none(r) {
        Some(r @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_))) => length(r)?,
        Some(_) => return Err(crate::python::error::type_error("Expected int as r")),
        None => pool.len(),
    };
    let count = pool.len();
    Ok(Obj::iter(Selections {
        rule: Rule::Permutations((0..length.min(count)).map(|at| count - at).collect()),
        ended: length > count,
        pool,
        places: (0..count).collect(),
        length,
        begun: false,
    }))
}

struct Product {
    pools: Vec<Vec<Obj>>,
    places: Vec<usize>,
    begun: bool,
    ended: bool,
}

impl Advance for Product {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.ended {
            return Ok(None);
        }
        if self.begun {
            let mut turned = true;
            for (place, pool) in self.places.iter_mut().zip(&self.pools).rev() {
                *place += 1;
                if *place < pool.len() {
                    turned = false;
                    break;
                }
                *place = 0;
            }
            if turned {
                self.ended = true;
                return Ok(None);
            }
        }
        self.begun = true;
        let items: Vec<Obj> = self
            .places
            .iter()
            .zip(&self.pools)
            .map(|(place, pool)| pool.get(*place).cloned().unwrap_or_default())
            .collect();
        Ok(Some(Obj::tuple(items)))
    }
    fn type_name(&self) -> &'static str {
        "itertools.product"
    }
}

pub fn product(args: &Args) -> Py {
    if args.names.iter().any(|name| name.text != "repeat") {
        return Err(crate::python::error::type_error(
            "product() takes only 'repeat' as a keyword argument",
        ));
    }
    let repeat = args.named("repeat").map_or(Ok(1), arith::index)?;
    let repeat = usize::try_from(repeat).map_err(|_| value_error("repeat argument cannot be negative"))?;
    if repeat.saturating_mul(args.plain().len()) > LONGEST {
        return Err(raise(Builtin::MemoryError, ""));
    }
    let once: Vec<Vec<Obj>> = args.plain().iter().map(iter::collect).collect::<Py<_>>()?;
    let all = repeat.saturating_mul(once.iter().map(Vec::len).sum());
    if all > (256 << 20) / std::mem::size_of::<Obj>() {
        return Err(raise(Builtin::MemoryError, ""));
    }
    let pools: Vec<Vec<Obj>> = (0..repeat).flat_map(|_| once.iter().cloned()).collect();
    Ok(Obj::iter(Product {
        places: vec![0; pools.len()],
        ended: pools.iter().any(Vec::is_empty),
        pools,
        begun: false,
    }))
}
