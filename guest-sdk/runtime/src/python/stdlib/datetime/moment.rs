//! `datetime`: a day and a time of day, naive or with a fixed offset.

use std::any::Any;
use std::cmp::Ordering;

use num_bigint::BigInt;

use super::calendar::{self, DAY, FIRST, LAST, clock_parts};
use super::clock::{self, Clock};
use super::date::{self, Date};
use super::delta::Delta;
use super::format_argument;
use super::strftime::{Point, strftime};
use super::zone::{self, Zone, offset_of, offset_text};
use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, overflow_error, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::state;
use crate::python::stdlib::declare::{arg, function, given, required};
use crate::python::text::type_name;
use crate::time::civil;

/// A point in time as a calendar and a clock show it.
pub struct Moment {
    /// Microseconds since 1970 as the local clock shows them.
    pub micros: i64,
    /// A `Zone`, or `None` when naive.
    pub zone: Obj,
    pub fold: bool,
}

pub static DATETIME: NativeType = NativeType {
    module: "datetime",
    name: "datetime",
    new,
    is_instance: |object| object.as_native::<Moment>().is_some(),
    attribute: |name| {
        Some(match name {
            "now" => function!("datetime", "now", now),
            "utcnow" => function!("datetime", "utcnow", |args| {
                args.expect("datetime.utcnow", 0, 0, &[])?;
                Moment::object(i128::from(state::now_us()), Obj::None)
            }),
            "today" => function!("datetime", "today", |args| {
                args.expect("datetime.today", 0, 0, &[])?;
                Moment::object(i128::from(state::now_us()), Obj::None)
            }),
            "fromisoformat" => function!("datetime", "fromisoformat", from_iso_format),
            "fromtimestamp" => function!("datetime", "fromtimestamp", from_timestamp),
            "utcfromtimestamp" => function!("datetime", "utcfromtimestamp", |args| {
                let micros = time_value(arg(args, 0, "utcfromtimestamp")?)?;
                Moment::object(i128::from(micros), Obj::None)
            }),
            "strptime" => function!("datetime", "strptime", strptime),
            "combine" => function!("datetime", "combine", combine),
            "fromordinal" => function!("datetime", "fromordinal", |args| {
                Moment::object(i128::from(date::ordinal_day(args)? * DAY), Obj::None)
            }),
            "fromisocalendar" => function!("datetime", "fromisocalendar", |args| {
                Moment::object(i128::from(date::iso_day(args)? * DAY), Obj::None)
            }),
            "min" => Moment::of(FIRST * DAY),
            "max" => Moment::of(LAST * DAY + DAY - 1),
            "resolution" => Delta::of(1),
            _ => return None,
        })
    },
};

const PARTS: [&str; 9] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
    "tzinfo",
    "fold",
];

/// Refuses names that a constructor or `replace` does not know, and too many arguments.
pub fn known_names(args: &Args, known: &[&str], function: &str, positional: usize) -> Py<()> {
    if let Some(name) = args.names.iter().find(|name| !known.contains(&&****name)) {
        return Err(type_error(format!(
            "'{}' is an invalid keyword argument for {function}()",
            &***name
        )));
    }
    let count = args.plain().len();
    if count > positional {
        return Err(type_error(format!(
            "function takes at most {positional} positional arguments ({count} given)"
        )));
    }
    Ok(())
}

fn new(args: &Args) -> Py {
    known_names(args, &PARTS, "datetime", 8)?;
    let day = date::day_of(args)?;
    let zone = zone::checked(args.get(7, "tzinfo"))?;
    Ok(Obj::native(Moment {
        micros: day * DAY + clock::parts(args, 3, 0)?,
        zone,
        fold: clock::fold(args, false)?,
    }))
}

/// The zone of an argument that may be absent.
fn zone_argument(args: &Args, at: usize, name: &str) -> Py {
    zone::checked(args.get(at, name))
}

fn now(args: &Args) -> Py {
    args.expect("datetime.now", 0, 1, &["tz"])?;
    in_zone(state::now_us(), zone_argument(args, 0, "tz")?)
}

/// Microseconds of UTC, shown in a zone.
fn in_zone(micros: i64, zone: Obj) -> Py {
    let offset = offset_of(&zone).unwrap_or(0);
    Moment::object(i128::from(micros) + i128::from(offset), zone)
}

fn from_iso_format(args: &Args) -> Py {
    let Obj::Str(text) = arg(args, 0, "fromisoformat")? else {
        return Err(type_error("fromisoformat: argument must be str"));
    };
    let (micros, zone) = super::iso::moment(text)?;
    Moment::object(i128::from(micros), zone)
}

fn from_timestamp(args: &Args) -> Py {
    args.expect("datetime.fromtimestamp", 0, 2, &["timestamp", "tz"])?;
    let stamp = required(args, 0, "timestamp", "fromtimestamp")?;
    in_zone(time_value(stamp)?, zone_argument(args, 1, "tz")?)
}

/// Seconds since 1970 as microseconds, rounded half to even.
pub fn time_value(value: &Obj) -> Py<i64> {
    let out_of_range = || overflow_error("timestamp out of range for platform time_t");
    let seconds = match value {
        Obj::Float(number) => {
            if number.is_nan() {
                return Err(value_error("Invalid value NaN (not a number)"));
            }
            if number.abs() >= 9.2e18 {
                return Err(out_of_range());
            }
            let micros = (number.fract() * 1e6).round_ties_even() as i128;
            number.trunc() as i128 * 1_000_000 + micros
        }
        other => match arith::as_big(other) {
            Some(number) => i128::from(i64::try_from(&number).map_err(|_| out_of_range())?) * 1_000_000,
            None => {
                return Err(type_error(format!(
                    "'{}' object cannot be interpreted as an integer",
                    type_name(other)
                )));
            }
        },
    };
    let day = seconds.div_euclid(i128::from(DAY));
    if (i128::from(FIRST)..=i128::from(LAST)).contains(&day) {
        return Ok(seconds as i64);
    }
    // The day of the year decides nothing here: an average year is near enough to name it, except at the very borders.
    let far = i64::try_from(day)
        .unwrap_or(i64::MAX)
        .clamp(-400_000_000_000_000, 400_000_000_000_000);
    Err(value_error(format!("year {} is out of range", civil(far).0)))
}

fn strptime(args: &Args) -> Py {
    args.expect("datetime.strptime", 2, 2, &[])?;
    let (text, format) = (arg(args, 0, "strptime")?, arg(args, 1, "strptime")?);
    let parsed = super::strptime::strptime(text, format)?;
    let zone = match parsed.offset {
        None => Obj::None,
        Some(offset) if offset.abs() < DAY => zone::of_offset(offset, parsed.zone),
        Some(_) => {
            return Err(value_error(
                "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24)",
            ));
        }
    };
    let clock = calendar::clock(parsed.hour, parsed.minute, parsed.second, parsed.micro)?;
    Moment::object(i128::from(parsed.day * DAY + clock), zone)
}

fn combine(args: &Args) -> Py {
    args.expect("datetime.combine", 0, 3, &["date", "time", "tzinfo"])?;
    let (first, second) = (required(args, 0, "date", "combine")?, required(args, 1, "time", "combine")?);
    let day = match (first.as_native::<Date>(), first.as_native::<Moment>()) {
        (Some(date), _) => date.day,
        (_, Some(moment)) => moment.day(),
        _ => {
            return Err(type_error(format!(
                "combine() argument 1 must be datetime.date, not {}",
                type_name(first)
            )));
        }
    };
    let Some(time) = second.as_native::<Clock>() else {
        return Err(type_error(format!(
            "combine() argument 2 must be datetime.time, not {}",
            type_name(second)
        )));
    };
    let zone = match args.get(2, "tzinfo") {
        None => time.zone.clone(),
        zone => zone::checked(zone)?,
    };
    Moment::object(i128::from(day * DAY + time.micros), zone)
}

impl Moment {
    /// `OverflowError` outside the years 1 to 9999.
    pub fn object(micros: i128, zone: Obj) -> Py {
        calendar::checked(micros.div_euclid(i128::from(DAY)))?;
        Ok(Obj::native(Moment {
            micros: micros as i64,
            zone,
            fold: false,
        }))
    }
    /// A naive one that surely fits.
    fn of(micros: i64) -> Obj {
        Obj::native(Moment {
            micros,
            zone: Obj::None,
            fold: false,
        })
    }
    fn day(&self) -> i64 {
        self.micros.div_euclid(DAY)
    }
    fn clock(&self) -> i64 {
        self.micros.rem_euclid(DAY)
    }
    /// Microseconds since 1970 in UTC (a naive one is taken for UTC).
    fn utc(&self) -> i64 {
        self.micros - offset_of(&self.zone).unwrap_or(0)
    }
    fn aware(&self) -> bool {
        !self.zone.is_none()
    }
    fn point(&self) -> Point {
        Point {
            day: self.day(),
            micros: self.clock(),
            zone: self.zone.as_native::<Zone>().map(|zone| (zone.offset, zone.name())),
        }
    }
    fn text(&self, separator: &str, timespec: &str) -> Py<String> {
        let mut text = date::iso_text(self.day());
        text.push_str(separator);
        text.push_str(&clock::clock_text(self.clock(), timespec)?);
        if let Some(offset) = offset_of(&self.zone) {
            text.push_str(&offset_text(offset, ":"));
        }
        Ok(text)
    }
    fn iso_format(&self, args: &Args) -> Py<String> {
        args.expect("datetime.isoformat", 0, 2, &["sep", "timespec"])?;
        let separator = match args.get(0, "sep") {
            None => "T",
            Some(Obj::Str(text)) if text.chars().count() == 1 => text,
            Some(other) => {
                return Err(type_error(format!(
                    "isoformat() argument 1 must be a unicode character, not {}",
                    type_name(other)
                )));
            }
        };
        self.text(separator, clock::timespec(args, 1)?)
    }
    fn timestamp(&self) -> Py {
        if self.aware() {
            // The difference to the epoch, correctly rounded.
            return arith::binary(
                BinaryOp::TrueDiv,
                false,
                &Obj::big(BigInt::from(self.utc())),
                &Obj::Int(1_000_000),
            );
        }
        let seconds = self.micros.div_euclid(1_000_000) as f64;
        Ok(Obj::Float(seconds + self.micros.rem_euclid(1_000_000) as f64 / 1e6))
    }
    fn as_timezone(&self, args: &Args) -> Py {
        args.expect("datetime.astimezone", 0, 1, &["tz"])?;
        let zone = match given(args, 0, "tz") {
            // The local zone.
            None => zone::of_offset(0, Some("UTC".to_owned())),
            Some(zone) if zone.as_native::<Zone>().is_some() => zone.clone(),
            Some(other) => {
                return Err(type_error(format!(
                    "tz argument must be an instance of tzinfo, not {}",
                    type_name(other)
                )));
            }
        };
        in_zone(self.utc(), zone)
    }
    fn replaced(&self, args: &Args) -> Py {
        known_names(args, &PARTS, "replace", 8)?;
        let day = date::replaced(self.day(), args, &PARTS)?;
        Ok(Obj::native(Moment {
            micros: day * DAY + clock::parts(args, 3, self.clock())?,
            zone: match args.get(7, "tzinfo") {
                None => self.zone.clone(),
                zone => zone::checked(zone)?,
            },
            fold: clock::fold(args, self.fold)?,
        }))
    }
    fn plus(&self, delta: &Delta, sign: i128) -> Py {
        Moment::object(i128::from(self.micros) + sign * delta.micros(), self.zone.clone())
    }
}

impl Native for Moment {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DATETIME
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let (hour, minute, second, micro) = clock_parts(self.clock());
        Ok(Some(match name {
            "hour" => Obj::Int(hour),
            "minute" => Obj::Int(minute),
            "second" => Obj::Int(second),
            "microsecond" => Obj::Int(micro),
            "tzinfo" => self.zone.clone(),
            "fold" => Obj::Int(i64::from(self.fold)),
            _ => return Ok(date::attribute(self.day(), name).or_else(|| (DATETIME.attribute)(name))),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        let own = [
            "isoformat",
            "strftime",
            "replace",
            "timestamp",
            "date",
            "time",
            "timetz",
            "ctime",
            "astimezone",
            "timetuple",
            "utctimetuple",
            "utcoffset",
            "tzname",
            "dst",
        ];
        date::has_method(name) || own.contains(&name)
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let none = |args: &Args| args.expect(&format!("datetime.{name}"), 0, 0, &[]);
        Ok(Some(match name {
            "isoformat" => Obj::str(self.iso_format(args)?),
            "strftime" => Obj::str(strftime(format_argument(args)?, &self.point())),
            "replace" => self.replaced(args)?,
            "timestamp" => {
                none(args)?;
                self.timestamp()?
            }
            "date" => {
                none(args)?;
                Date::object(self.day())
            }
            "time" => {
                none(args)?;
                Clock::object(self.clock(), Obj::None)
            }
            "timetz" => Clock::object(self.clock(), self.zone.clone()),
            "ctime" => Obj::str(strftime("%a %b %e %H:%M:%S %Y", &self.point())),
            "astimezone" => self.as_timezone(args)?,
            "timetuple" => super::records::struct_time(self.micros, -1),
            "utctimetuple" => super::records::struct_time(self.utc(), 0),
            _ => match clock::zone_method(&self.zone, name) {
                Some(value) => value,
                None => return date::method(self.day(), name, args),
            },
        }))
    }
    fn repr(&self) -> Py<String> {
        let (year, month, day) = civil(self.day());
        let (hour, minute, second, micro) = clock_parts(self.clock());
        let mut text = format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}");
        if second != 0 || micro != 0 {
            text.push_str(&format!(", {second}"));
        }
        if micro != 0 {
            text.push_str(&format!(", {micro}"));
        }
        text.push_str(&clock::repr_end(&self.zone, self.fold)?);
        Ok(text)
    }
    fn str(&self) -> Py<String> {
        self.text(" ", "auto")
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if let Some(delta) = other.as_native::<Delta>() {
            return match op {
                BinaryOp::Add => self.plus(delta, 1).map(Some),
                BinaryOp::Sub if !reflected => self.plus(delta, -1).map(Some),
                _ => Ok(None),
            };
        }
        match (op, other.as_native::<Moment>()) {
            (BinaryOp::Sub, Some(other)) if self.aware() != other.aware() => {
                Err(type_error("can't subtract offset-naive and offset-aware datetimes"))
            }
            (BinaryOp::Sub, Some(other)) => Ok(Some(Delta::of(self.utc() - other.utc()))),
            _ => Ok(None),
        }
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let same = |other: &Moment| self.aware() == other.aware() && self.utc() == other.utc();
        Ok(other.as_native::<Moment>().map(same))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        if other.as_native::<Date>().is_some() {
            return Err(type_error("can't compare datetime.datetime to datetime.date"));
        }
        match other.as_native::<Moment>() {
            None => Ok(None),
            Some(other) if self.aware() != other.aware() => {
                Err(type_error("can't compare offset-naive and offset-aware datetimes"))
            }
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
