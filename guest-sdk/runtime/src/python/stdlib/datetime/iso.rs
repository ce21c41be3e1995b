//! `fromisoformat` of 3.11: dates, week dates and times, in extended and basic form.

use super::calendar::{self, DAY};
use super::zone;
use crate::python::error::{Py, value_error};
use crate::python::object::Obj;

/// A syntax error of the text, without words: the caller names the whole text.
struct Malformed;

/// Numbers out of range are told in their own words, everything else by the whole text.
enum Fault {
    Malformed,
    Raised(crate::python::error::Raised),
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Fault::Malformed
    }
}

impl From<crate::python::error::Raised> for Fault {
    fn from(raised: crate::python::error::Raised) -> Self {
        Fault::Raised(raised)
    }
}

fn told<T>(text: &str, result: Result<T, Fault>) -> Py<T> {
    result.map_err(|fault| match fault {
        Fault::Raised(raised) => raised,
        Fault::Malformed => {
            let shown = crate::python::text::repr(&Obj::str(text)).unwrap_or_default();
            value_error(format!("Invalid isoformat string: {shown}"))
        }
    })
}

/// The day of a date.
pub fn date(text: &str) -> Py<i64> {
    let bytes = text.as_bytes();
    told(
        text,
        if matches!(bytes.len(), 7 | 8 | 10) {
            date_part(bytes)
        } else {
            Err(Fault::Malformed)
        },
    )
}

/// Microseconds since midnight, and the zone.
pub fn time(text: &str) -> Py<(i64, Obj)> {
    let bytes = text.as_bytes();
    // A `T` may come first, as the standard has it.
    let bytes = bytes.strip_prefix(b"T").unwrap_or(bytes);
    told(text, time_part(bytes))
}

/// Local microseconds since 1970, and the zone.
pub fn moment(text: &str) -> Py<(i64, Obj)> {
    told(text, moment_parts(text))
}

fn moment_parts(text: &str) -> Result<(i64, Obj), Fault> {
    if text.len() < 7 {
        return Err(Fault::Malformed);
    }
    let bytes = text.as_bytes();
    let separator = separator(bytes)?;
    let day = date_part(bytes.get(..separator).ok_or(Malformed)?)?;
    let rest = text.get(separator..).ok_or(Malformed)?;
    let Some(mark) = rest.chars().next() else {
        return Ok((day * DAY, Obj::None));
    };
    let (micros, zone) = time_part(rest.get(mark.len_utf8()..).unwrap_or_default().as_bytes())?;
    Ok((day * DAY + micros, zone))
}

/// Where the date ends (CPython's `_find_isoformat_datetime_separator`).
fn separator(text: &[u8]) -> Result<usize, Malformed> {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let is = |at: usize, c: u8| text.get(at) == Some(&c);
    if text.len() == 7 {
        return Ok(7);
    }
    if is(4, b'-') {
        if !is(5, b'W') {
            return Ok(10);
        }
        if !is(8, b'-') {
            return Ok(8);
        }
        if text.len() == 9 {
            return Err(Malformed);
        }
        // `YYYY-Www-##`: a hyphen that separates is likelier than a number that does.
        return Ok(if text.len() > 10 && digit(10) { 8 } else { 10 });
    }
    if !is(4, b'W') {
        return Ok(8);
    }
    let end = (7..text.len()).find(|at| !digit(*at)).unwrap_or(text.len());
    Ok(match end {
        0..9 => end,
        _ if end % 2 == 0 => 7,
        _ => 8,
    })
}

/// `count` digits at `at`.
fn digits(text: &[u8], at: usize, count: usize) -> Result<i64, Malformed> {
    let part = text.get(at..at + count).ok_or(Malformed)?;
    part.iter().try_fold(0, |sum: i64, c| {
        if c.is_ascii_digit() {
            Ok(sum * 10 + i64::from(c - b'0'))
        } else {
            Err(Malformed)
        }
    })
}

fn date_part(text: &[u8]) -> Result<i64, Fault> {
    let year = digits(text, 0, 4)?;
    let dashed = usize::from(text.get(4) == Some(&b'-'));
    let at = 4 + dashed;
    let dash_at = |at: usize| usize::from(text.get(at) == Some(&b'-'));
    if text.get(at) == Some(&b'W') {
        let week = digits(text, at + 1, 2)?;
        let after = at + 3;
        if after == text.len() {
            return Ok(week_day(year, week, 1)?);
        }
        if dash_at(after) != dashed || text.len() != after + dashed + 1 {
            return Err(Fault::Malformed);
        }
        return Ok(week_day(year, week, digits(text, after + dashed, 1)?)?);
    }
    let month = digits(text, at, 2)?;
    if dash_at(at + 2) != dashed || text.len() != at + 4 + dashed {
        return Err(Fault::Malformed);
    }
    let day = digits(text, at + 2 + dashed, 2)?;
    Ok(calendar::date(year, month, day)?)
}

/// A week date that does not exist counts as malformed.
fn week_day(year: i64, week: i64, day: i64) -> Result<i64, Malformed> {
    calendar::from_iso_calendar(year, week, day).map_err(|_| Malformed)
}

/// `HH[:MM[:SS[.ffffff]]]`: hour, minute, second, microsecond.
fn clock_part(text: &[u8]) -> Result<[i64; 4], Malformed> {
    let mut parts = [0; 4];
    let mut at = 0;
    let mut colons = false;
    for (component, part) in parts.iter_mut().take(3).enumerate() {
        *part = digits(text, at, 2)?;
        at += 2;
        let next = text.get(at);
        if component == 0 {
            colons = next == Some(&b':');
        }
        match next {
            None => return Ok(parts),
            Some(_) if component == 2 => break,
            Some(b':') if colons => at += 1,
            Some(c) if !colons && c.is_ascii_digit() => {}
            // A fraction may only follow the seconds.
            Some(_) => return Err(Malformed),
        }
    }
    let rest = match text.get(at..) {
        Some([b'.' | b',', rest @ ..]) if !rest.is_empty() => rest,
        _ => return Err(Malformed),
    };
    if !rest.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let taken = rest.len().min(6);
    let scale = 10_i64.pow(6 - taken as u32);
    let [.., micros] = &mut parts;
    *micros = digits(rest, 0, taken)? * scale;
    Ok(parts)
}

fn time_part(text: &[u8]) -> Result<(i64, Obj), Fault> {
    let zone_at = text.iter().position(|c| matches!(c, b'+' | b'-' | b'Z'));
    let (clock, zone) = match zone_at {
        None => (text, None),
        Some(at) => {
            let (clock, zone) = text.split_at(at);
            (clock, Some(zone))
        }
    };
    let [hour, minute, second, micro] = clock_part(clock)?;
    let zone = match zone {
        None => Obj::None,
        Some(b"Z") => zone::utc(),
        Some([b'Z', ..]) | Some([]) => return Err(Fault::Malformed),
        Some([sign, offset @ ..]) => {
            let [hours, minutes, seconds, micros] = clock_part(offset)?;
            let offset = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
            if offset >= DAY {
                let shown = super::delta::Delta::of(if *sign == b'-' { -offset } else { offset });
                let shown = crate::python::text::repr(&shown)?;
                return Err(Fault::Raised(value_error(format!(
                    "offset must be a timedelta strictly between -timedelta(hours=24) and timedelta(hours=24), not {shown}."
                ))));
            }
            zone::of_offset(if *sign == b'-' { -offset } else { offset }, None)
        }
    };
    Ok((calendar::clock(hour, minute, second, micro)?, zone))
}
