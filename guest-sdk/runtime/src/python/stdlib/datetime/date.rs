//! `date`: a day.

use std::any::Any;
use std::cmp::Ordering;

use super::calendar::{self, DAY, FIRST, LAST};
use super::delta::Delta;
use super::moment::{Moment, time_value};
use super::strftime::{Point, strftime};
use super::{format_argument, integer};
use crate::python::arith::BinaryOp;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::state;
use crate::python::stdlib::declare::{arg, function};
use crate::time::civil;

/// A day, in days since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub day: i64,
}

pub static DATE: NativeType = NativeType {
    module: "datetime",
    name: "date",
    new,
    is_instance: |object| object.as_native::<Date>().is_some() || object.as_native::<Moment>().is_some(),
    attribute: |name| {
        Some(match name {
            "today" => function!("datetime", "today", today),
            "fromisoformat" => function!("datetime", "fromisoformat", from_iso_format),
            "fromtimestamp" => function!("datetime", "fromtimestamp", from_timestamp),
            "fromordinal" => function!("datetime", "fromordinal", |args| Ok(Date::object(ordinal_day(args)?))),
            "fromisocalendar" => {
                function!("datetime", "fromisocalendar", |args| Ok(Date::object(iso_day(args)?)))
            }
            "min" => Date::object(FIRST),
            "max" => Date::object(LAST),
            "resolution" => Delta::of(DAY),
            _ => return None,
        })
    },
};

/// The day of `(year, month, day)`, as the constructors of `date` and `datetime` read them.
pub fn day_of(args: &Args) -> Py<i64> {
    let part = |at: usize, name: &str| match args.get(at, name) {
        Some(value) => integer(value),
        None => Err(type_error(format!(
            "function missing required argument '{name}' (pos {})",
            at + 1
        ))),
    };
    calendar::date(part(0, "year")?, part(1, "month")?, part(2, "day")?)
}

fn new(args: &Args) -> Py {
    if args.values.len() > 3 {
        let given = args.values.len();
        return Err(type_error(format!("function takes at most 3 arguments ({given} given)")));
    }
    Ok(Date::object(day_of(args)?))
}

fn today(args: &Args) -> Py {
    args.expect("date.today", 0, 0, &[])?;
    Ok(Date::object(state::now_us().div_euclid(DAY)))
}

fn from_iso_format(args: &Args) -> Py {
    match arg(args, 0, "fromisoformat")? {
        Obj::Str(text) => Ok(Date::object(super::iso::date(text)?)),
        _ => Err(type_error("fromisoformat: argument must be str")),
    }
}

fn from_timestamp(args: &Args) -> Py {
    Ok(Date::object(time_value(arg(args, 0, "fromtimestamp")?)?.div_euclid(DAY)))
}

/// The day of `fromordinal`.
pub fn ordinal_day(args: &Args) -> Py<i64> {
    let ordinal = integer(arg(args, 0, "fromordinal")?)?;
    if ordinal < 1 {
        return Err(value_error("ordinal must be >= 1"));
    }
    let day = i128::from(ordinal) + i128::from(FIRST) - 1;
    calendar::checked(day).map_err(|_| value_error(format!("year is out of range: ordinal {ordinal}")))
}

/// The day of `fromisocalendar`.
pub fn iso_day(args: &Args) -> Py<i64> {
    args.expect("fromisocalendar", 0, 3, &["year", "week", "day"])?;
    let part = |at: usize, name: &str| integer(crate::python::stdlib::declare::required(args, at, name, "fromisocalendar")?);
    calendar::from_iso_calendar(part(0, "year")?, part(1, "week")?, part(2, "day")?)
}

/// Attributes that dates and datetimes share.
pub fn attribute(day: i64, name: &str) -> Option<Obj> {
    let (year, month, day) = civil(day);
    Some(Obj::Int(match name {
        "year" => year,
        "month" => month,
        "day" => day,
        _ => return None,
    }))
}

/// Methods without arguments that dates and datetimes share.
pub fn method(day: i64, name: &str, args: &Args) -> Py<Option<Obj>> {
    let value = match name {
        "weekday" => Obj::Int(calendar::weekday(day)),
        "isoweekday" => Obj::Int(calendar::weekday(day) + 1),
        "toordinal" => Obj::Int(day - FIRST + 1),
        "isocalendar" => {
            let (year, week, weekday) = calendar::iso_calendar(day);
            super::records::iso_calendar_date(year, week, weekday)
        }
        _ => return Ok(None),
    };
    args.expect(&format!("date.{name}"), 0, 0, &[])?;
    Ok(Some(value))
}

/// Names of [`method`].
pub fn has_method(name: &str) -> bool {
    matches!(name, "weekday" | "isoweekday" | "toordinal" | "isocalendar")
}

/// `day` with the arguments of `replace` in place of its parts.
pub fn replaced(day: i64, args: &Args, known: &[&str]) -> Py<i64> {
    if let Some(name) = args.names.iter().find(|name| !known.contains(&&****name)) {
        return Err(type_error(format!(
            "'{}' is an invalid keyword argument for replace()",
            &***name
        )));
    }
    let (year, month, day) = civil(day);
    let part = |at: usize, name: &str, value: i64| args.get(at, name).map_or(Ok(value), integer);
    calendar::date(part(0, "year", year)?, part(1, "month", month)?, part(2, "day", day)?)
}

/// `2024-01-31`
pub fn iso_text(day: i64) -> String {
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

impl Date {
    pub fn object(day: i64) -> Obj {
        Obj::native(Date { day })
    }
    fn point(self) -> Point {
        Point {
            day: self.day,
            micros: 0,
            zone: None,
        }
    }
    fn plus(self, delta: &Delta, sign: i128) -> Py {
        let days = delta.micros().div_euclid(i128::from(DAY));
        Ok(Date::object(calendar::checked(i128::from(self.day) + sign * days)?))
    }
}

impl Native for Date {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DATE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(attribute(self.day, name).or_else(|| (DATE.attribute)(name)))
    }
    fn has_method(&self, name: &str) -> bool {
        has_method(name) || matches!(name, "isoformat" | "strftime" | "replace" | "ctime" | "timetuple")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "isoformat" => {
                args.expect("date.isoformat", 0, 0, &[])?;
                Obj::str(iso_text(self.day))
            }
            "strftime" => Obj::str(strftime(format_argument(args)?, &self.point())),
            "replace" => Date::object(replaced(self.day, args, &["year", "month", "day"])?),
            "ctime" => Obj::str(strftime("%a %b %e %H:%M:%S %Y", &self.point())),
            "timetuple" => super::records::struct_time(self.day * DAY, -1),
            _ => return method(self.day, name, args),
        }))
    }
    fn repr(&self) -> Py<String> {
        let (year, month, day) = civil(self.day);
        Ok(format!("datetime.date({year}, {month}, {day})"))
    }
    fn str(&self) -> Py<String> {
        Ok(iso_text(self.day))
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if let Some(delta) = other.as_native::<Delta>() {
            return match op {
                BinaryOp::Add => self.plus(delta, 1).map(Some),
                BinaryOp::Sub if !reflected => self.plus(delta, -1).map(Some),
                _ => Ok(None),
            };
        }
        Ok(match (op, other.as_native::<Date>()) {
            (BinaryOp::Sub, Some(other)) => Some(Delta::of((self.day - other.day) * DAY)),
            _ => None,
        })
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Date>().map(|other| self == other))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        if other.as_native::<Moment>().is_some() {
            return Err(type_error("can't compare datetime.datetime to datetime.date"));
        }
        Ok(other.as_native::<Date>().map(|other| self.cmp(other)))
    }
    fn hash(&self) -> Option<i64> {
        Some(self.day)
    }
    fn format(&self, spec: &str) -> Option<Py<String>> {
        Some(if spec.is_empty() {
            self.str()
        } else {
            Ok(strftime(spec, &self.point()))
        })
    }
}
