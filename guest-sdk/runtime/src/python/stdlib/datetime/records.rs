//! The named tuples of dates: `struct_time` and the ISO calendar's.

use super::calendar::{self, DAY, clock_parts};
use crate::python::error::{Py, type_error};
use crate::python::object::Obj;
use crate::python::stdlib::named;
use crate::python::{arith, iter};
use crate::time::civil;

const TIME_FIELDS: [&str; 9] = [
    "tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst",
];

thread_local! {
    static STRUCT_TIME: Obj = named::class(Some("time"), "struct_time", TIME_FIELDS, Vec::new(), None);
    static ISO_DATE: Obj = named::class(Some("datetime"), "IsoCalendarDate", ["year", "week", "weekday"], Vec::new(), None);
}

/// `datetime.IsoCalendarDate`
pub fn iso_calendar_date(year: i64, week: i64, weekday: i64) -> Obj {
    let items = vec![Obj::Int(year), Obj::Int(week), Obj::Int(weekday)];
    ISO_DATE.with(|class| named::instance(class, items))
}

/// `time.struct_time` of local microseconds since 1970.
pub fn struct_time(micros: i64, dst: i64) -> Obj {
    let (day, clock) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    let (year, month, day_of_month) = civil(day);
    let (hour, minute, second, _) = clock_parts(clock);
    let items = [
        year,
        month,
        day_of_month,
        hour,
        minute,
        second,
        calendar::weekday(day),
        calendar::year_day(day),
        dst,
    ];
    STRUCT_TIME.with(|class| named::instance(class, items.map(Obj::Int).to_vec()))
}

/// Microseconds since 1970 of a `struct_time` or a tuple of nine numbers.
pub fn micros_of_struct(value: &Obj) -> Py<i64> {
    let is_tuple = match value {
        Obj::Tuple(_) => true,
        Obj::Native(native) => native.as_tuple().is_some(),
        _ => false,
    };
    if !is_tuple {
        return Err(type_error("Tuple or struct_time argument required"));
    }
    let parts: Vec<i64> = iter::collect(value)?.iter().map(arith::index).collect::<Py<_>>()?;
    let [year, month, day, hour, minute, second, _, _, _] = parts.as_slice() else {
        return Err(type_error("Tuple or struct_time argument required"));
    };
    // A leap second is taken for the one before it.
    let clock = calendar::clock(*hour, *minute, (*second).min(59), 0)?;
    Ok(calendar::date(*year, *month, *day)? * DAY + clock)
}

/// The class itself.
pub fn struct_time_class() -> Obj {
    STRUCT_TIME.with(Clone::clone)
}
