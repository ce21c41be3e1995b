//! `time`: a time of day.

use std::any::Any;
use std::cmp::Ordering;

use super::calendar::{self, DAY, clock_parts};
use super::delta::Delta;
use super::strftime::{Point, strftime};
use super::zone::{self, Zone, offset_of, offset_text};
use super::{format_argument, integer};
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::stdlib::declare::{arg, function};
use crate::python::text::{repr, type_name};

/// A time of day: microseconds since midnight.
pub struct Clock {
    pub micros: i64,
    /// A `Zone` or `None`.
    pub zone: Obj,
    pub fold: bool,
}

pub static TIME: NativeType = NativeType {
    module: "datetime",
    name: "time",
    new,
    is_instance: |object| object.as_native::<Clock>().is_some(),
    attribute: |name| {
        Some(match name {
            "fromisoformat" => function!("datetime", "fromisoformat", from_iso_format),
            "min" => Clock::object(0, Obj::None),
            "max" => Clock::object(DAY - 1, Obj::None),
            "resolution" => Delta::of(1),
            _ => return None,
        })
    },
};

/// Names of the arguments of `time`, which follow the date's in `datetime`.
pub const PARTS: [&str; 6] = ["hour", "minute", "second", "microsecond", "tzinfo", "fold"];

/// Hour to microsecond from the arguments that start at `from`, with `micros` for those that are absent.
pub fn parts(args: &Args, from: usize, micros: i64) -> Py<i64> {
    let (hour, minute, second, micro) = clock_parts(micros);
    let part = |at: usize, name: &str, value: i64| args.get(from + at, name).map_or(Ok(value), integer);
    calendar::clock(
        part(0, "hour", hour)?,
        part(1, "minute", minute)?,
        part(2, "second", second)?,
        part(3, "microsecond", micro)?,
    )
}

/// The argument `fold`.
pub fn fold(args: &Args, value: bool) -> Py<bool> {
    match args.named("fold").map_or(Ok(i64::from(value)), integer)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(value_error("fold must be either 0 or 1")),
    }
}

fn new(args: &Args) -> Py {
    super::moment::known_names(args, &PARTS, "time", 5)?;
    Ok(Obj::native(Clock {
        micros: parts(args, 0, 0)?,
        zone: zone::checked(args.get(4, "tzinfo"))?,
        fold: fold(args, false)?,
    }))
}

fn from_iso_format(args: &Args) -> Py {
    let Obj::Str(text) = arg(args, 0, "fromisoformat")? else {
        return Err(type_error("fromisoformat: argument must be str"));
    };
    let (micros, zone) = super::iso::time(text)?;
    Ok(Clock::object(micros, zone))
}

/// `12:30:00.000001`, in the precision of `timespec`.
pub fn clock_text(micros: i64, timespec: &str) -> Py<String> {
    let (hour, minute, second, micro) = clock_parts(micros);
    Ok(match timespec {
        "auto" if micro == 0 => format!("{hour:02}:{minute:02}:{second:02}"),
        "auto" | "microseconds" => format!("{hour:02}:{minute:02}:{second:02}.{micro:06}"),
        "hours" => format!("{hour:02}"),
        "minutes" => format!("{hour:02}:{minute:02}"),
        "seconds" => format!("{hour:02}:{minute:02}:{second:02}"),
        "milliseconds" => format!("{hour:02}:{minute:02}:{second:02}.{:03}", micro / 1000),
        _ => return Err(value_error("Unknown timespec value")),
    })
}

/// The argument `timespec`.
pub fn timespec<'a>(args: &Args<'a>, at: usize) -> Py<&'a str> {
    match args.get(at, "timespec") {
        None => Ok("auto"),
        Some(Obj::Str(text)) => Ok(text),
        Some(other) => Err(type_error(format!(
            "isoformat() argument {} must be str, not {}",
            at + 1,
            type_name(other)
        ))),
    }
}

/// The trailing `, tzinfo=…, fold=1)` of a repr.
pub fn repr_end(zone: &Obj, fold: bool) -> Py<String> {
    let mut text = String::new();
    if !zone.is_none() {
        text.push_str(&format!(", tzinfo={}", repr(zone)?));
    }
    text.push_str(if fold { ", fold=1)" } else { ")" });
    Ok(text)
}

/// `utcoffset()`, `tzname()`, `dst()` of a time with this zone.
pub fn zone_method(zone: &Obj, name: &str) -> Option<Obj> {
    let zone = zone.as_native::<Zone>();
    Some(match (name, zone) {
        ("utcoffset", Some(zone)) => Delta::of(zone.offset),
        ("tzname", Some(zone)) => Obj::str(zone.name()),
        ("utcoffset" | "tzname" | "dst", _) => Obj::None,
        _ => return None,
    })
}

impl Clock {
    pub fn object(micros: i64, zone: Obj) -> Obj {
        let fold = false;
        Obj::native(Clock { micros, zone, fold })
    }
    fn text(&self, timespec: &str) -> Py<String> {
        let mut text = clock_text(self.micros, timespec)?;
        if let Some(offset) = offset_of(&self.zone) {
            text.push_str(&offset_text(offset, ":"));
        }
        Ok(text)
    }
    fn point(&self) -> Point {
        Point {
            // The first of January 1900, as CPython fills up the date.
            day: -25_567,
            micros: self.micros,
            zone: self.zone.as_native::<Zone>().map(|zone| (zone.offset, zone.name())),
        }
    }
    /// Comparable with other times of the same kind.
    fn utc(&self) -> i64 {
        self.micros - offset_of(&self.zone).unwrap_or(0)
    }
    fn aware(&self) -> bool {
        !self.zone.is_none()
    }
}

impl Native for Clock {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &TIME
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let (hour, minute, second, micro) = clock_parts(self.micros);
        Ok(Some(match name {
            "hour" => Obj::Int(hour),
            "minute" => Obj::Int(minute),
            "second" => Obj::Int(second),
            "microsecond" => Obj::Int(micro),
            "tzinfo" => self.zone.clone(),
            "fold" => Obj::Int(i64::from(self.fold)),
            _ => return Ok((TIME.attribute)(name)),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "isoformat" | "strftime" | "replace" | "utcoffset" | "tzname" | "dst")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "isoformat" => {
                args.expect("time.isoformat", 0, 1, &["timespec"])?;
                Obj::str(self.text(timespec(args, 0)?)?)
            }
            "strftime" => Obj::str(strftime(format_argument(args)?, &self.point())),
            "replace" => {
                super::moment::known_names(args, &PARTS, "replace", 5)?;
                Obj::native(Clock {
                    micros: parts(args, 0, self.micros)?,
                    zone: match args.get(4, "tzinfo") {
                        None => self.zone.clone(),
                        zone => zone::checked(zone)?,
                    },
                    fold: fold(args, self.fold)?,
                })
            }
            _ => return Ok(zone_method(&self.zone, name)),
        }))
    }
    fn repr(&self) -> Py<String> {
        let (hour, minute, second, micro) = clock_parts(self.micros);
        let mut text = format!("datetime.time({hour}, {minute}");
        if second != 0 || micro != 0 {
            text.push_str(&format!(", {second}"));
        }
        if micro != 0 {
            text.push_str(&format!(", {micro}"));
        }
        text.push_str(&repr_end(&self.zone, self.fold)?);
        Ok(text)
    }
    fn str(&self) -> Py<String> {
        self.text("auto")
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let same = |other: &Clock| self.aware() == other.aware() && self.utc() == other.utc();
        Ok(other.as_native::<Clock>().map(same))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        match other.as_native::<Clock>() {
            None => Ok(None),
            Some(other) if self.aware() != other.aware() => Err(type_error("can't compare offset-naive and offset-aware times")),
            Some(other) => Ok(Some(self.utc().cmp(&other.utc()))),
        }
    }
    fn hash(&self) -> Option<i64> {
        Some(self.utc())
    }
    fn format(&self, spec: &str) -> Option<Py<String>> {
        Some(if spec.is_empty() {
            self.str()
        } else {
            Ok(strftime(spec, &self.point()))
        })
    }
}
