//! `strptime`: CPython's own method, a regular expression made from the format.

use std::cell::RefCell;
use std::rc::Rc;

use regex::Regex;

use super::calendar::{self, MONTHS, WEEKDAYS, short, weekday, year_day};
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::Obj;
use crate::python::text::{repr, type_name};
use crate::time::civil;

/// What a text said.
pub struct Parsed {
    /// Days since 1970.
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub micro: i64,
    /// Offset in microseconds (`%z`).
    pub offset: Option<i64>,
    /// `%Z`
    pub zone: Option<String>,
}

/// Compiled formats kept; more are dropped at once, as CPython does.
const CACHED: usize = 16;

thread_local! {
    static FORMATS: RefCell<Vec<(String, Rc<Regex>)>> = const { RefCell::new(Vec::new()) };
}

/// Arguments as `strptime(text, format)` gets them.
pub fn strptime(text: &Obj, format: &Obj) -> Py<Parsed> {
    let checked = |at: usize, value: &Obj| {
        value
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| type_error(format!("strptime() argument {at} must be str, not {}", type_name(value))))
    };
    let (text, format) = (checked(1, text)?, checked(2, format)?);
    let pattern = compiled(&format)?;
    let Some(found) = pattern.captures(&text) else {
        return Err(value_error(format!(
            "time data {} does not match format {}",
            repr(&Obj::str(text))?,
            repr(&Obj::str(format))?
        )));
    };
    let end = found.get(0).map_or(0, |all| all.end());
    if end != text.len() {
        return Err(value_error(format!(
            "unconverted data remains: {}",
            text.get(end..).unwrap_or_default()
        )));
    }
    read(&Fields { found })
}

fn compiled(format: &str) -> Py<Rc<Regex>> {
    let known = FORMATS.with_borrow(|formats| {
        formats
            .iter()
            .find(|(known, _)| known == format)
            .map(|(_, regex)| regex.clone())
    });
    if let Some(regex) = known {
        return Ok(regex);
    }
    let pattern = format!("^(?i:{})", pattern(format)?);
    let regex = Regex::new(&pattern).map_err(|error| {
        let text = error.to_string();
        let duplicate = text.contains("duplicate");
        value_error(if duplicate {
            format!("a directive is used twice in format '{format}'")
        } else {
            format!("the format '{format}' is not supported")
        })
    })?;
    let regex = Rc::new(regex);
    FORMATS.with_borrow_mut(|formats| {
        if formats.len() >= CACHED {
            formats.clear();
        }
        formats.push((format.to_owned(), regex.clone()));
    });
    Ok(regex)
}

fn pattern(format: &str) -> Py<String> {
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            while chars.peek().is_some_and(|c| c.is_whitespace()) {
                chars.next();
            }
            out.push_str(r"\s+");
        } else if c == '%' {
            let Some(letter) = chars.next() else {
                return Err(value_error(format!("stray % in format '{format}'")));
            };
            directive(&mut out, letter, format)?;
        } else {
            out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        }
    }
    Ok(out)
}

fn directive(out: &mut String, letter: char, format: &str) -> Py<()> {
    let names = |names: &[&'static str], shorten: bool| {
        let mut names: Vec<&str> = names.iter().map(|name| if shorten { short(name) } else { name }).collect();
        // The longest first: no name may be taken for the beginning of another.
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        names.join("|")
    };
    let pattern = match letter {
        'd' => r"3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]".to_owned(),
        'f' => "[0-9]{1,6}".to_owned(),
        'H' => r"2[0-3]|[0-1]\d|\d".to_owned(),
        'I' => "1[0-2]|0[1-9]|[1-9]".to_owned(),
        'G' | 'Y' => r"\d\d\d\d".to_owned(),
        'j' => r"36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]".to_owned(),
        'm' => "1[0-2]|0[1-9]|[1-9]".to_owned(),
        'M' => r"[0-5]\d|\d".to_owned(),
        'S' => r"6[0-1]|[0-5]\d|\d".to_owned(),
        'U' | 'W' => r"5[0-3]|[0-4]\d|\d".to_owned(),
        'w' => "[0-6]".to_owned(),
        'u' => "[1-7]".to_owned(),
        'V' => r"5[0-3]|0[1-9]|[1-4]\d|\d".to_owned(),
        'y' => r"\d\d".to_owned(),
        'z' => r"[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|(?-i:Z)".to_owned(),
        'A' => names(&WEEKDAYS, false),
        'a' => names(&WEEKDAYS, true),
        'B' => names(&MONTHS, false),
        'b' => names(&MONTHS, true),
        'p' => "am|pm".to_owned(),
        'Z' => "utc|gmt".to_owned(),
        '%' => {
            out.push('%');
            return Ok(());
        }
        'c' => return composed(out, "%a %b %d %H:%M:%S %Y"),
        'x' => return composed(out, "%m/%d/%y"),
        'X' => return composed(out, "%H:%M:%S"),
        other => {
            let other = if other.is_whitespace() { '%' } else { other };
            return Err(value_error(format!("'{other}' is a bad directive in format '{format}'")));
        }
    };
    out.push_str(&format!("(?P<{letter}>{pattern})"));
    Ok(())
}

fn composed(out: &mut String, format: &str) -> Py<()> {
    out.push_str(&pattern(format)?);
    Ok(())
}

/// The groups of a match, by their letter.
struct Fields<'a> {
    found: regex::Captures<'a>,
}

impl Fields<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.found.name(name).map(|found| found.as_str())
    }
    fn number(&self, name: &str) -> Option<i64> {
        // Digits of any script match `\d`, and Python's int() reads them.
        let text = self.text(name)?;
        text.trim().chars().try_fold(0, |sum: i64, c| {
            let digit = crate::py::chars::digit(c)?;
            Some(sum * 10 + i64::from(digit))
        })
    }
    fn place(&self, name: &str, names: &[&'static str], shorten: bool) -> Option<i64> {
        let text = self.text(name)?;
        let known = |known: &&'static str| {
            let known = if shorten { short(known) } else { known };
            known.eq_ignore_ascii_case(text)
        };
        names.iter().position(known).map(|at| at as i64)
    }
}

fn read(fields: &Fields) -> Py<Parsed> {
    let mut year = match fields.number("y") {
        Some(short) if short <= 68 => Some(2000 + short),
        Some(short) => Some(1900 + short),
        None => fields.number("Y"),
    };
    let month = fields
        .number("m")
        .or(fields.place("B", &MONTHS, false).map(|at| at + 1))
        .or(fields.place("b", &MONTHS, true).map(|at| at + 1))
        .unwrap_or(1);
    let day_of_month = fields.number("d").unwrap_or(1);
    let weekday_told = fields
        .place("A", &WEEKDAYS, false)
        .or(fields.place("a", &WEEKDAYS, true))
        .or(fields.number("w").map(|sunday_first| (sunday_first + 6) % 7))
        .or(fields.number("u").map(|day| day - 1));
    let (offset, fraction) = (offset(fields)?, fraction(fields));
    let iso = (fields.number("G"), fields.number("V"));
    let week = fields
        .number("U")
        .map(|week| (week, false))
        .or(fields.number("W").map(|week| (week, true)));
    let mut julian = fields.number("j");
    check_iso(year, iso, week.is_some(), weekday_told, julian)?;

    // Without a year, the 29th of February needs a leap year to count in.
    let leap_day = year.is_none() && month == 2 && day_of_month == 29;
    let mut counted_year = *year.get_or_insert(if leap_day { 1904 } else { 1900 });
    if let (None, Some(weekday)) = (julian, weekday_told) {
        if let Some((week, monday)) = week {
            julian = Some(julian_of_week(counted_year, week, weekday, monday)?);
        } else if let (Some(iso_year), Some(iso_week)) = iso {
            let day = calendar::from_iso_calendar(iso_year, iso_week, weekday + 1)?;
            counted_year = civil(day).0;
            julian = Some(year_day(day));
        }
    }
    let day = match julian {
        None => calendar::date(counted_year, month, day_of_month)?,
        Some(julian) => calendar::checked(i128::from(calendar::date(counted_year, 1, 1)? + julian - 1))?,
    };
    if leap_day {
        // 1900 has no such day: the error that Python gives.
        calendar::date(1900, month, day_of_month)?;
    }
    Ok(Parsed {
        day,
        hour: hour(fields),
        minute: fields.number("M").unwrap_or(0),
        second: fields.number("S").unwrap_or(0),
        micro: fraction,
        offset,
        zone: fields.text("Z").map(str::to_owned),
    })
}

fn hour(fields: &Fields) -> i64 {
    let Some(hour) = fields.number("I") else {
        return fields.number("H").unwrap_or(0);
    };
    let afternoon = fields.text("p").is_some_and(|text| text.eq_ignore_ascii_case("pm"));
    hour % 12 + if afternoon { 12 } else { 0 }
}

fn fraction(fields: &Fields) -> i64 {
    let Some(text) = fields.text("f") else { return 0 };
    format!("{text:0<6}").parse().unwrap_or(0)
}

/// `%z` in microseconds.
fn offset(fields: &Fields) -> Py<Option<i64>> {
    let Some(text) = fields.text("z") else { return Ok(None) };
    if text == "Z" {
        return Ok(Some(0));
    }
    let colons = text.matches(':').count();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let whole = text.split('.').next().unwrap_or_default();
    let seconds_told = whole.chars().filter(char::is_ascii_digit).count() > 4;
    if seconds_told && colons == 1 {
        return Err(value_error(format!("Inconsistent use of : in {text}")));
    }
    let part = |from: usize, to: usize| -> i64 {
        digits
            .get(from..to.min(digits.len()))
            .and_then(|part| part.parse().ok())
            .unwrap_or(0)
    };
    let seconds = part(0, 2) * 3600 + part(2, 4) * 60 + part(4, 6);
    let micros = digits
        .get(6..)
        .filter(|part| !part.is_empty())
        .map_or(0, |part| format!("{part:0<6}").parse::<i64>().unwrap_or(0));
    let offset = seconds * 1_000_000 + micros;
    Ok(Some(if text.starts_with('-') { -offset } else { offset }))
}

fn check_iso(
    year: Option<i64>,
    iso: (Option<i64>, Option<i64>),
    week: bool,
    weekday: Option<i64>,
    julian: Option<i64>,
) -> Py<()> {
    let refuse = |text: &str| -> Py<()> { Err(value_error(text)) };
    if year.is_none() && iso.0.is_some() {
        if iso.1.is_none() || weekday.is_none() {
            return refuse(
                "ISO year directive '%G' must be used with the ISO week directive '%V' and a weekday directive ('%A', '%a', '%w', or '%u').",
            );
        }
        if julian.is_some() {
            return refuse("Day of the year directive '%j' is not compatible with ISO year directive '%G'. Use '%Y' instead.");
        }
    } else if !week && iso.1.is_some() {
        return refuse(if weekday.is_none() {
            "ISO week directive '%V' must be used with the ISO year directive '%G' and a weekday directive ('%A', '%a', '%w', or '%u')."
        } else {
            "ISO week directive '%V' is incompatible with the year directive '%Y'. Use the ISO year '%G' instead."
        });
    }
    Ok(())
}

/// The day of the year of a weekday in a week counted by `%U` or `%W`; may be before the year's first day.
fn julian_of_week(year: i64, week: i64, weekday: i64, monday: bool) -> Py<i64> {
    let mut first = self::weekday(calendar::date(year, 1, 1)?);
    let mut weekday = weekday;
    if !monday {
        first = (first + 1) % 7;
        weekday = (weekday + 1) % 7;
    }
    let length_of_week_0 = (7 - first) % 7;
    Ok(if week == 0 {
        1 + weekday - first
    } else {
        1 + length_of_week_0 + 7 * (week - 1) + weekday
    })
}
