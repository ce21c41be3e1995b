//! `range` of any size: what it is made of decides whether it is the plain one of 64 bits or one of numbers beyond.

use std::any::Any;

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{FromPrimitive, Signed};

use super::error::{Py, index_error, overflow_error, type_error, value_error};
use super::number::{as_big, index, indexed};
use super::object::{Advance, Args, Native, NativeType, Obj, Range, Slice};
use super::{hash, text};

/// `range(stop)`, `range(start, stop)`, `range(start, stop, step)`
pub fn new(args: &[Obj]) -> Py {
    let part = |at: usize| args.get(at).map(integer).transpose();
    let (start, stop, step) = match args {
        [stop] => (Obj::Int(0), integer(stop)?, Obj::Int(1)),
        _ => (
            part(0)?.unwrap_or(Obj::Int(0)),
            part(1)?.unwrap_or(Obj::Int(0)),
            part(2)?.unwrap_or(Obj::Int(1)),
        ),
    };
    if matches!(step, Obj::Int(0)) {
        return Err(value_error("range() arg 3 must not be zero"));
    }
    if let (Obj::Int(start), Obj::Int(stop), Obj::Int(step)) = (&start, &stop, &step) {
        let [start, stop, step] = [*start, *stop, *step];
        return Ok(Obj::Range(std::rc::Rc::new(Range { start, stop, step })));
    }
    let big = |number: &Obj| as_big(number).unwrap_or_default();
    Ok(Obj::native(Wide {
        start: big(&start),
        stop: big(&stop),
        step: big(&step),
    }))
}

/// Whether a loop may count the range's numbers in 64 bits, the one after the last too.
pub fn counts(range: &Range) -> bool {
    range.stop.checked_add(range.step).is_some()
}

fn integer(value: &Obj) -> Py {
    match value {
        Obj::Int(_) | Obj::Big(_) => Ok(value.clone()),
        Obj::Bool(value) => Ok(Obj::Int(i64::from(*value))),
        _ => match indexed(value)? {
            Some(Obj::Bool(value)) => Ok(Obj::Int(i64::from(value))),
            Some(number) => Ok(number),
            // Says what it is instead.
            None => index(value).map(Obj::Int),
        },
    }
}

/// A range with a number beyond 64 bits.
struct Wide {
    start: BigInt,
    stop: BigInt,
    step: BigInt,
}

static RANGE: NativeType = NativeType {
    module: "builtins",
    name: "range",
    new: |args: &Args| new(args.values),
    is_instance: |object| object.as_native::<Wide>().is_some(),
    attribute: |_| None,
};

impl Wide {
    fn of(value: &Obj) -> Option<Wide> {
        match value {
            Obj::Range(range) => Some(Wide {
                start: range.start.into(),
                stop: range.stop.into(),
                step: range.step.into(),
            }),
            other => other.as_native::<Wide>().map(|wide| Wide {
                start: wide.start.clone(),
                stop: wide.stop.clone(),
                step: wide.step.clone(),
            }),
        }
    }

    fn count(&self) -> BigInt {
        Integer::div_ceil(&(&self.stop - &self.start), &self.step).max(BigInt::ZERO)
    }

    fn nth(&self, at: &BigInt) -> BigInt {
        &self.start + at * &self.step
    }

    /// Where a number stands.
    fn place(&self, item: &Obj) -> Option<BigInt> {
        let number = match item {
            Obj::Float(f) if f.fract() == 0.0 => BigInt::from_f64(*f)?,
            other => as_big(other)?,
        };
        let (at, rest) = (number - &self.start).div_mod_floor(&self.step);
        (rest == BigInt::ZERO && !at.is_negative() && at < self.count()).then_some(at)
    }

    fn slice(&self, part: &Slice) -> Py {
        let bound = |value: &Obj| -> Py<Option<BigInt>> {
            if value.is_none() {
                return Ok(None);
            }
            let number = match as_big(value) {
                Some(number) => Some(number),
                None => indexed(value)?.as_ref().and_then(as_big),
            };
            let refusal = || type_error("slice indices must be integers or None or have an __index__ method");
            number.map(Some).ok_or_else(refusal)
        };
        let step = bound(&part.step)?.unwrap_or_else(|| BigInt::from(1));
        if step == BigInt::ZERO {
            return Err(value_error("slice step cannot be zero"));
        }
        let count = self.count();
        // Backwards, the places before the first and at the last item are the ends.
        let (lowest, highest) = match step.is_negative() {
            true => (BigInt::from(-1), &count - 1),
            false => (BigInt::ZERO, count.clone()),
        };
        let place = |n: BigInt| match n.is_negative() {
            true => (n + &count).max(lowest.clone()),
            false => n.min(highest.clone()),
        };
        let (first, last) = match step.is_negative() {
            true => (&highest, &lowest),
            false => (&lowest, &highest),
        };
        let start = bound(&part.start)?.map_or_else(|| first.clone(), place);
        let stop = bound(&part.stop)?.map_or_else(|| last.clone(), place);
        new(&[
            Obj::big(self.nth(&start)),
            Obj::big(self.nth(&stop)),
            Obj::big(step * &self.step),
        ])
    }

    fn walk(&self, backwards: bool) -> Walk {
        let left = self.count();
        match backwards {
            true => Walk {
                next: self.nth(&(&left - 1)),
                step: -&self.step,
                left,
            },
            false => Walk {
                next: self.start.clone(),
                step: self.step.clone(),
                left,
            },
        }
    }
}

impl Native for Wide {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &RANGE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(Obj::big(match name {
            "start" => self.start.clone(),
            "stop" => self.stop.clone(),
            "step" => self.step.clone(),
            _ => return Ok(None),
        })))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "count" | "index" | "__reversed__")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match (name, args.values) {
            ("count", [item]) => Obj::Int(i64::from(self.place(item).is_some())),
            ("index", [item]) => match self.place(item) {
                Some(at) => Obj::big(at),
                None => return Err(value_error(format!("{} is not in range", text::repr(item)?))),
            },
            ("__reversed__", []) => Obj::iter(self.walk(true)),
            ("count" | "index", given) => {
                let given = given.len();
                return Err(type_error(format!(
                    "range.{name}() takes exactly one argument ({given} given)"
                )));
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        let Wide { start, stop, step } = self;
        Ok(match *step == BigInt::from(1) {
            true => format!("range({start}, {stop})"),
            false => format!("range({start}, {stop}, {step})"),
        })
    }
    fn truth(&self) -> Py<bool> {
        Ok(self.count() != BigInt::ZERO)
    }
    fn len(&self) -> Option<Py<usize>> {
        let count = i64::try_from(self.count()).ok().and_then(|count| usize::try_from(count).ok());
        Some(count.ok_or_else(|| overflow_error("Python int too large to convert to C ssize_t")))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(self.walk(false))))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        if let Obj::Slice(part) = key {
            return Some(self.slice(part));
        }
        let nth = |number: Obj| {
            let count = self.count();
            let at = as_big(&number).unwrap_or_default();
            let at = if at.is_negative() { at + &count } else { at };
            match at.is_negative() || at >= count {
                true => Err(index_error("range object index out of range")),
                false => Ok(Obj::big(self.nth(&at))),
            }
        };
        let refusal = || {
            let kind = text::type_name(key);
            type_error(format!("range indices must be integers or slices, not {kind}"))
        };
        Some(match key {
            Obj::Int(_) | Obj::Big(_) | Obj::Bool(_) => nth(key.clone()),
            _ => indexed(key).and_then(|number| nth(number.ok_or_else(refusal)?)),
        })
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(Ok(self.place(item).is_some()))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let Some(other) = Wide::of(other) else { return Ok(None) };
        let count = self.count();
        let same_step = || self.step == other.step || count == BigInt::from(1);
        let same = count == other.count() && (count == BigInt::ZERO || (self.start == other.start && same_step()));
        Ok(Some(same))
    }
    fn hash(&self) -> Option<i64> {
        let count = self.count();
        let start = if count == BigInt::ZERO {
            Obj::None
        } else {
            Obj::big(self.start.clone())
        };
        let step = if count <= BigInt::from(1) {
            Obj::None
        } else {
            Obj::big(self.step.clone())
        };
        hash::hash(&Obj::tuple([Obj::big(count), start, step])).ok()
    }
}

struct Walk {
    next: BigInt,
    step: BigInt,
    left: BigInt,
}

impl Advance for Walk {
    fn advance(&mut self) -> Py<Option<Obj>> {
        if self.left == BigInt::ZERO {
            return Ok(None);
        }
        self.left -= 1;
        let after = &self.next + &self.step;
        Ok(Some(Obj::big(std::mem::replace(&mut self.next, after))))
    }
    fn type_name(&self) -> &'static str {
        "longrange_iterator"
    }
}
