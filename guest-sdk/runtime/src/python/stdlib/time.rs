//! The module `time`. The clock is the tick's and stands still while a code node runs; the local zone is UTC.

use super::datetime::{self, DAY, Point};
use super::declare::{arg, declare, required, text};
use crate::python::error::{Py, raise};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::state;

declare! {
    "time" {
        "time" => seconds,
        "time_ns" => nanoseconds,
        "monotonic" => seconds,
        "monotonic_ns" => nanoseconds,
        "perf_counter" => seconds,
        "perf_counter_ns" => nanoseconds,
        "process_time" => seconds,
        "process_time_ns" => nanoseconds,
        "sleep" => sleep,
        "gmtime" => |args| broken_down(args, "gmtime"),
        "localtime" => |args| broken_down(args, "localtime"),
        "mktime" => mktime,
        "strftime" => strftime,
        "strptime" => strptime,
        "asctime" => asctime,
        "ctime" => ctime,
    } {
        "struct_time" => datetime::struct_time_class(),
        "timezone" => Obj::Int(0),
        "altzone" => Obj::Int(0),
        "daylight" => Obj::Int(0),
        "tzname" => Obj::tuple([Obj::str("UTC"), Obj::str("UTC")]),
    }
}

fn seconds(args: &Args) -> Py {
    args.expect("time", 0, 0, &[])?;
    Ok(Obj::Float(state::now_us() as f64 / 1e6))
}

fn nanoseconds(args: &Args) -> Py {
    args.expect("time_ns", 0, 0, &[])?;
    Ok(Obj::big(num_bigint::BigInt::from(state::now_us()) * 1000))
}

fn sleep(args: &Args) -> Py {
    args.expect("time.sleep", 1, 1, &[])?;
    Err(raise(
        Builtin::RuntimeError,
        "time.sleep() is not available in a code node: use a wait node of the flow",
    ))
}

/// Microseconds since 1970 of an optional argument in seconds.
fn moment(args: &Args, function: &str) -> Py<i64> {
    args.expect(function, 0, 1, &[])?;
    match args.plain().first() {
        None | Some(Obj::None) => Ok(state::now_us()),
        // As the C library: towards the past.
        Some(value) => Ok(datetime::time_value(value)?.div_euclid(1_000_000) * 1_000_000),
    }
}

fn broken_down(args: &Args, function: &str) -> Py {
    Ok(datetime::struct_time(moment(args, function)?, 0))
}

/// Microseconds since 1970 of an optional `struct_time`.
fn told(args: &Args, at: usize) -> Py<i64> {
    args.plain().get(at).map_or(Ok(state::now_us()), datetime::micros_of_struct)
}

fn mktime(args: &Args) -> Py {
    args.expect("time.mktime", 1, 1, &[])?;
    let micros = datetime::micros_of_struct(arg(args, 0, "mktime")?)?;
    Ok(Obj::Float(micros.div_euclid(1_000_000) as f64))
}

fn point(micros: i64) -> Point {
    Point {
        day: micros.div_euclid(DAY),
        micros: micros.rem_euclid(DAY),
        zone: Some((0, "UTC".to_owned())),
    }
}

fn strftime(args: &Args) -> Py {
    args.expect("strftime", 1, 2, &[])?;
    let format = text(arg(args, 0, "strftime")?, "strftime() argument 1")?;
    Ok(Obj::str(datetime::strftime(format, &point(told(args, 1)?))))
}

fn strptime(args: &Args) -> Py {
    args.expect("strptime", 1, 2, &[])?;
    let default = Obj::str("%a %b %d %H:%M:%S %Y");
    let format = args.plain().get(1).unwrap_or(&default);
    let parsed = datetime::strptime(required(args, 0, "string", "strptime")?, format)?;
    let clock = ((parsed.hour * 60 + parsed.minute) * 60 + parsed.second) * 1_000_000;
    Ok(datetime::struct_time(parsed.day * DAY + clock, -1))
}

const CALENDAR: &str = "%a %b %e %H:%M:%S %Y";

fn asctime(args: &Args) -> Py {
    args.expect("asctime", 0, 1, &[])?;
    Ok(Obj::str(datetime::strftime(CALENDAR, &point(told(args, 0)?))))
}

fn ctime(args: &Args) -> Py {
    Ok(Obj::str(datetime::strftime(CALENDAR, &point(moment(args, "ctime")?))))
}
