//! The proleptic Gregorian calendar in days since 1970, with the limits and errors of Python's `date`.

use crate::python::error::{Py, Raised, overflow_error, value_error};
use crate::time::{civil, days, month_length};

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;
/// 0001-01-01.
pub const FIRST: i64 = -719_162;
/// 9999-12-31.
pub const LAST: i64 = 2_932_896;

pub const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The full name of a weekday (Monday is 0).
pub fn weekday_name(weekday: i64) -> &'static str {
    WEEKDAYS.get(weekday.rem_euclid(7) as usize).copied().unwrap_or_default()
}
/// The full name of a month (January is 1).
pub fn month_name(month: i64) -> &'static str {
    MONTHS.get((month - 1).rem_euclid(12) as usize).copied().unwrap_or_default()
}
/// The first three letters of a name.
pub fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

/// The day of a date, or why there is none.
pub fn date(year: i64, month: i64, day: i64) -> Py<i64> {
    if !(1..=9999).contains(&year) {
        return Err(value_error(format!("year {year} is out of range")));
    }
    if !(1..=12).contains(&month) {
        return Err(value_error("month must be in 1..12"));
    }
    if day < 1 || day > month_length(year, month) {
        return Err(value_error("day is out of range for month"));
    }
    Ok(days(year, month, day))
}

/// Microseconds since midnight, or what is out of range.
pub fn clock(hour: i64, minute: i64, second: i64, micro: i64) -> Py<i64> {
    for (value, max, message) in [
        (hour, 23, "hour must be in 0..23"),
        (minute, 59, "minute must be in 0..59"),
        (second, 59, "second must be in 0..59"),
        (micro, 999_999, "microsecond must be in 0..999999"),
    ] {
        if !(0..=max).contains(&value) {
            return Err(value_error(message));
        }
    }
    Ok(((hour * 60 + minute) * 60 + second) * 1_000_000 + micro)
}

/// Hour, minute, second, microsecond.
pub fn clock_parts(micros: i64) -> (i64, i64, i64, i64) {
    let seconds = micros / 1_000_000;
    (seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

/// A day that Python's `date` can hold.
pub fn checked(day: i128) -> Py<i64> {
    match i64::try_from(day) {
        Ok(day) if (FIRST..=LAST).contains(&day) => Ok(day),
        _ => Err(out_of_range()),
    }
}

pub fn out_of_range() -> Raised {
    overflow_error("date value out of range")
}

/// Monday is 0.
pub fn weekday(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// The first of January is 1.
pub fn year_day(day: i64) -> i64 {
    day - days(civil(day).0, 1, 1) + 1
}

/// The Monday of week 1 of an ISO year.
fn first_monday(year: i64) -> i64 {
    let first = days(year, 1, 1);
    let weekday = weekday(first);
    first - weekday + if weekday > 3 { 7 } else { 0 }
}

/// ISO year, week and weekday (Monday is 1).
pub fn iso_calendar(day: i64) -> (i64, i64, i64) {
    let mut year = civil(day).0;
    if day < first_monday(year) {
        year -= 1;
    } else if day >= first_monday(year + 1) {
        year += 1;
    }
    let since = day - first_monday(year);
    (year, since / 7 + 1, since % 7 + 1)
}

/// The day of an ISO year, week and weekday.
pub fn from_iso_calendar(year: i64, week: i64, weekday: i64) -> Py<i64> {
    if !(1..=9999).contains(&year) {
        return Err(value_error(format!("Year is out of range: {year}")));
    }
    let weeks = (first_monday(year + 1) - first_monday(year)) / 7;
    if !(1..=weeks).contains(&week) {
        return Err(value_error(format!("Invalid week: {week}")));
    }
    if !(1..=7).contains(&weekday) {
        return Err(value_error(format!("Invalid day: {weekday} (range is [1, 7])")));
    }
    checked(i128::from(first_monday(year) + (week - 1) * 7 + weekday - 1))
}

/// The week of the year as `%U` (weeks start on Sunday) and `%W` (on Monday) count it.
pub fn week_of_year(day: i64, monday: bool) -> i64 {
    let since_start = if monday { weekday(day) } else { (weekday(day) + 1) % 7 };
    (year_day(day) - 1 + 7 - since_start) / 7
}
