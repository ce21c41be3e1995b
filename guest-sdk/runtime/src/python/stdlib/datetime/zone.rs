//! `timezone` and `tzinfo`: fixed offsets only.

use std::any::Any;

use super::calendar::DAY;
use super::delta::Delta;
use super::moment::Moment;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::text::{repr, type_name};

/// A fixed offset from UTC.
pub struct Zone {
    /// Microseconds east; less than a day.
    pub offset: i64,
    pub name: Option<String>,
}

thread_local! {
    static UTC: Obj = Obj::native(Zone { offset: 0, name: None });
}

/// `timezone.utc`, always the same object.
pub fn utc() -> Obj {
    UTC.with(Clone::clone)
}

pub static TIMEZONE: NativeType = NativeType {
    module: "datetime",
    name: "timezone",
    new,
    is_instance: |object| object.as_native::<Zone>().is_some(),
    attribute: |name| match name {
        "utc" => Some(utc()),
        "min" => Some(Obj::native(Zone::at(60_000_000 - DAY))),
        "max" => Some(Obj::native(Zone::at(DAY - 60_000_000))),
        _ => None,
    },
};

/// The abstract class: only for `isinstance`.
pub static TZINFO: NativeType = NativeType {
    module: "datetime",
    name: "tzinfo",
    new: |_| Err(type_error("a tzinfo of its own is not supported: use datetime.timezone")),
    is_instance: |object| object.as_native::<Zone>().is_some(),
    attribute: |_| None,
};

fn new(args: &Args) -> Py {
    args.expect("timezone", 0, 2, &["offset", "name"])?;
    let offset = crate::python::stdlib::declare::required(args, 0, "offset", "timezone")?;
    let Some(delta) = offset.as_native::<Delta>() else {
        return Err(type_error(format!(
            "timezone() argument 1 must be datetime.timedelta, not {}",
            type_name(offset)
        )));
    };
    let name = match args.get(1, "name") {
        None => None,
        Some(Obj::Str(name)) => Some((***name).to_owned()),
        Some(other) => {
            return Err(type_error(format!(
                "timezone() argument 2 must be str, not {}",
                type_name(other)
            )));
        }
    };
    let micros = delta.micros();
    if micros.abs() >= i128::from(DAY) {
        return Err(value_error(format!(
            "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {}.",
            repr(offset)?
        )));
    }
    Ok(of_offset(micros as i64, name))
}

/// The zone of an offset of less than a day.
pub fn of_offset(offset: i64, name: Option<String>) -> Obj {
    if offset == 0 && name.is_none() {
        return utc();
    }
    Obj::native(Zone { offset, name })
}

/// `+05:30`, with seconds and microseconds where there are some.
pub fn offset_text(offset: i64, separator: &str) -> String {
    let (hour, minute, second, micro) = super::calendar::clock_parts(offset.abs());
    let sign = if offset < 0 { '-' } else { '+' };
    let mut text = format!("{sign}{hour:02}{separator}{minute:02}");
    if second != 0 || micro != 0 {
        text.push_str(&format!("{separator}{second:02}"));
    }
    if micro != 0 {
        text.push_str(&format!(".{micro:06}"));
    }
    text
}

/// `tzinfo` of a constructor: a zone or `None`.
pub fn checked(value: Option<&Obj>) -> Py {
    match value {
        None | Some(Obj::None) => Ok(Obj::None),
        Some(zone) if zone.as_native::<Zone>().is_some() => Ok(zone.clone()),
        Some(other) => Err(type_error(format!(
            "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
            type_name(other)
        ))),
    }
}

/// The offset of a `tzinfo`.
pub fn offset_of(zone: &Obj) -> Option<i64> {
    zone.as_native::<Zone>().map(|zone| zone.offset)
}

impl Zone {
    fn at(offset: i64) -> Zone {
        Zone { offset, name: None }
    }
    /// `tzname()`
    pub fn name(&self) -> String {
        match &self.name {
            Some(name) => name.clone(),
            None if self.offset == 0 => "UTC".to_owned(),
            None => format!("UTC{}", offset_text(self.offset, ":")),
        }
    }
}

impl Native for Zone {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &TIMEZONE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((TIMEZONE.attribute)(name))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "utcoffset" | "tzname" | "dst" | "fromutc")
    }
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        args.expect(&format!("timezone.{name}"), 1, 1, &[])?;
        let moment = crate::python::stdlib::declare::arg(args, 0, name)?;
        if !moment.is_none() && moment.as_native::<Moment>().is_none() {
            return Err(type_error(format!(
                "{name}(dt) argument must be a datetime instance or None, not {}",
                type_name(moment)
            )));
        }
        Ok(Some(match name {
            "utcoffset" => Delta::of(self.offset),
            "tzname" => Obj::str(self.name()),
            "dst" => Obj::None,
            _ => match moment.as_native::<Moment>() {
                Some(moment) if moment.zone.is(this) => {
                    Moment::object(i128::from(moment.micros) + i128::from(self.offset), this.clone())?
                }
                Some(_) => return Err(value_error("fromutc: dt.tzinfo is not self")),
                None => return Err(type_error("fromutc: argument must be a datetime instance")),
            },
        }))
    }
    fn repr(&self) -> Py<String> {
        if self.offset == 0 && self.name.is_none() {
            return Ok("datetime.timezone.utc".to_owned());
        }
        let offset = repr(&Delta::of(self.offset))?;
        Ok(match &self.name {
            Some(name) => format!("datetime.timezone({offset}, {})", repr(&Obj::str(name.as_str()))?),
            None => format!("datetime.timezone({offset})"),
        })
    }
    fn str(&self) -> Py<String> {
        Ok(self.name())
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Zone>().map(|other| self.offset == other.offset))
    }
    fn hash(&self) -> Option<i64> {
        Some(self.offset)
    }
}
