//! `strftime`: the directives of the C library in its C locale.

use std::fmt::Write as _;

use super::calendar::{clock_parts, iso_calendar, month_name, short, week_of_year, weekday, weekday_name, year_day};
use super::zone::offset_text;
use crate::time::civil;

/// A point in time as `strftime` sees it.
pub struct Point {
    /// Days since 1970.
    pub day: i64,
    /// Microseconds since midnight.
    pub micros: i64,
    /// Offset and name of the zone, if there is one.
    pub zone: Option<(i64, String)>,
}

/// What stands between `%` and the letter: padding, case, width.
#[derive(Clone, Copy, Default)]
struct Flags {
    pad: Option<char>,
    upper: bool,
    swap: bool,
    width: Option<usize>,
}

/// A width beyond this one is an author's mistake; the text would only be filled up.
const WIDEST: usize = 1000;

pub fn strftime(format: &str, at: &Point) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    directives(&mut out, format, at);
    out
}

fn directives(out: &mut String, format: &str, at: &Point) {
    let mut rest = format;
    while let Some(found) = rest.find('%') {
        let (before, from) = rest.split_at(found);
        out.push_str(before);
        let (flags, letter, used) = flags(from);
        let (directive, after) = from.split_at(used);
        let known = letter.is_some_and(|letter| directive_text(out, letter, flags, at));
        if !known {
            out.push_str(directive);
        }
        rest = after;
    }
    out.push_str(rest);
}

/// The flags after `%`, the letter, and the bytes that all take.
fn flags(from: &str) -> (Flags, Option<char>, usize) {
    let mut flags = Flags::default();
    for (at, c) in from.char_indices().skip(1) {
        match c {
            '-' | '_' => flags.pad = Some(c),
            '0' if flags.width.is_none() => flags.pad = Some('0'),
            '^' => flags.upper = true,
            '#' => flags.swap = true,
            '0'..='9' => {
                let digit = c.to_digit(10).unwrap_or_default() as usize;
                flags.width = Some((flags.width.unwrap_or_default() * 10 + digit).min(WIDEST));
            }
            // The alternatives of other locales.
            'E' | 'O' => {}
            letter => return (flags, Some(letter), at + letter.len_utf8()),
        }
    }
    (flags, None, from.len())
}

/// Writes one directive; false when there is none of this letter.
fn directive_text(out: &mut String, letter: char, flags: Flags, at: &Point) -> bool {
    let (year, month, day) = civil(at.day);
    let (hour, minute, second, micro) = clock_parts(at.micros);
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let weekday = weekday(at.day);
    let number = |out: &mut String, value: i64, width: usize, pad: char| pad_number(out, value, width, pad, flags);
    match letter {
        'Y' => number(out, year, 0, '0'),
        'C' => number(out, year.div_euclid(100), if year < 1000 { 0 } else { 2 }, '0'),
        'y' => number(out, year.rem_euclid(100), 2, '0'),
        'm' => number(out, month, 2, '0'),
        'd' => number(out, day, 2, '0'),
        'e' => number(out, day, 2, ' '),
        'H' => number(out, hour, 2, '0'),
        'k' => number(out, hour, 2, ' '),
        'I' => number(out, hour12, 2, '0'),
        'l' => number(out, hour12, 2, ' '),
        'M' => number(out, minute, 2, '0'),
        'S' => number(out, second, 2, '0'),
        'f' => number(out, micro, 6, '0'),
        'j' => number(out, year_day(at.day), 3, '0'),
        'U' => number(out, week_of_year(at.day, false), 2, '0'),
        'W' => number(out, week_of_year(at.day, true), 2, '0'),
        'V' => number(out, iso_calendar(at.day).1, 2, '0'),
        'G' => number(out, iso_calendar(at.day).0, 0, '0'),
        'g' => number(out, iso_calendar(at.day).0.rem_euclid(100), 2, '0'),
        'u' => number(out, weekday + 1, 1, '0'),
        'w' => number(out, (weekday + 1) % 7, 1, '0'),
        // As the C library: local time, which is UTC here, whatever the zone.
        's' => number(out, at.day * 86_400 + at.micros / 1_000_000, 0, '0'),
        'A' => pad_text(out, weekday_name(weekday), flags),
        'a' => pad_text(out, short(weekday_name(weekday)), flags),
        'B' => pad_text(out, month_name(month), flags),
        'b' | 'h' => pad_text(out, short(month_name(month)), flags),
        'p' => {
            let text = if hour < 12 { "AM" } else { "PM" };
            if flags.swap {
                pad_text(out, &text.to_lowercase(), Flags { swap: false, ..flags });
            } else {
                pad_text(out, text, flags);
            }
        }
        'P' => pad_text(out, if hour < 12 { "am" } else { "pm" }, flags),
        'Z' => pad_text(
            out,
            at.zone.as_ref().map_or("", |(_, name)| name.as_str()),
            Flags { swap: false, ..flags },
        ),
        'z' => {
            if let Some((offset, _)) = &at.zone {
                out.push_str(&offset_text(*offset, ""));
            }
        }
        '%' => out.push('%'),
        'n' => out.push('\n'),
        't' => out.push('\t'),
        'c' => directives(out, "%a %b %e %H:%M:%S %Y", at),
        'x' | 'D' => directives(out, "%m/%d/%y", at),
        'X' | 'T' => directives(out, "%H:%M:%S", at),
        'F' => directives(out, "%Y-%m-%d", at),
        'R' => directives(out, "%H:%M", at),
        'r' => directives(out, "%I:%M:%S %p", at),
        _ => return false,
    }
    true
}

fn pad_number(out: &mut String, value: i64, width: usize, pad: char, flags: Flags) {
    let pad = match flags.pad {
        Some('-') => None,
        Some('_') => Some(' '),
        Some(_) => Some('0'),
        None => Some(pad),
    };
    let width = flags.width.unwrap_or(width);
    let _ = match pad {
        None => write!(out, "{value}"),
        Some(' ') => write!(out, "{value:width$}"),
        Some(_) => write!(out, "{value:0width$}"),
    };
}

fn pad_text(out: &mut String, text: &str, flags: Flags) {
    let text = if flags.upper || flags.swap {
        text.to_uppercase()
    } else {
        text.to_owned()
    };
    let missing = flags.width.unwrap_or_default().saturating_sub(text.chars().count());
    let pad = if flags.pad == Some('0') { '0' } else { ' ' };
    out.extend(std::iter::repeat_n(pad, missing));
    out.push_str(&text);
}
