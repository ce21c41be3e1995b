//! The module `datetime`. The clock is the tick's, the local zone is UTC, and zones are fixed offsets.

mod calendar;
mod clock;
mod date;
mod delta;
mod iso;
mod moment;
mod records;
mod strftime;
mod strptime;
mod zone;

use super::declare::declare;
use crate::python::arith;
use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Obj};
use crate::python::text::type_name;

pub use calendar::DAY;
pub use moment::time_value;
pub use records::{micros_of_struct, struct_time, struct_time_class};
pub use strftime::{Point, strftime};
pub use strptime::strptime;

declare! {
    "datetime" {} {
        "date" => Obj::NativeType(&date::DATE),
        "datetime" => Obj::NativeType(&moment::DATETIME),
        "time" => Obj::NativeType(&clock::TIME),
        "timedelta" => Obj::NativeType(&delta::TIMEDELTA),
        "timezone" => Obj::NativeType(&zone::TIMEZONE),
        "tzinfo" => Obj::NativeType(&zone::TZINFO),
        "UTC" => zone::utc(),
        "MINYEAR" => Obj::Int(1),
        "MAXYEAR" => Obj::Int(9999),
    }
}

/// An integer argument.
fn integer(value: &Obj) -> Py<i64> {
    arith::index(value)
}

/// The argument of `strftime`.
fn format_argument<'a>(args: &Args<'a>) -> Py<&'a str> {
    match super::declare::required(args, 0, "format", "strftime")? {
        Obj::Str(format) => Ok(format),
        other => Err(type_error(format!(
            "strftime() argument 1 must be str, not {}",
            type_name(other)
        ))),
    }
}
