//! Times as text: the one ISO format of the wire, without a clock (time is always told).

/// Microseconds since the epoch as `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`.
pub fn iso_utc(us: i64) -> String {
    let (days, in_day) = (us.div_euclid(86_400_000_000), us.rem_euclid(86_400_000_000));
    let (year, month, day) = civil(days);
    let (seconds, micros) = (in_day / 1_000_000, in_day % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
}

/// As [`iso_utc`], cut to whole seconds: `YYYY-MM-DDTHH:MM:SS+00:00`.
pub fn iso_seconds(us: i64) -> String {
    let iso = iso_utc(us);
    let (date, _) = iso.split_once('.').unwrap_or((&iso, ""));
    format!("{date}+00:00")
}

/// For lists that people and models read: `YY/MM/DD HH:MM:SS`, UTC.
pub fn short(us: i64) -> String {
    let iso = iso_utc(us);
    let (date, clock) = iso.split_once('T').unwrap_or((&iso, ""));
    let clock = clock.split('.').next().unwrap_or_default();
    format!("{} {clock}", date.get(2..).unwrap_or_default().replace('-', "/"))
}

/// Reads an ISO date or timestamp; without an offset it is UTC.
pub fn parse_iso(text: &str) -> Option<i64> {
    let text = text.trim();
    let number = |part: Option<&str>| {
        part.filter(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))?
            .parse::<i64>()
            .ok()
    };
    let (year, month, day) = (number(text.get(0..4))?, number(text.get(5..7))?, number(text.get(8..10))?);
    if text.get(4..5)? != "-"
        || text.get(7..8)? != "-"
        || !(1..=12).contains(&month)
        || day < 1
        || day > month_length(year, month)
    {
        return None;
    }
    let mut us = days(year, month, day) * 86_400_000_000;
    let rest = text.get(10..)?;
    if rest.is_empty() {
        return Some(us);
    }
    if !matches!(rest.chars().next(), Some('T' | 't' | ' ')) {
        return None;
    }
    let rest = rest.get(1..)?;
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(zone_at);
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let mut parts = clock.split(':');
    let (hour, minute) = (number(parts.next())?, number(parts.next())?);
    let second = match parts.next() {
        Some(second) => number(Some(second))?,
        None => 0,
    };
    if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    us += ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
    let offset = match zone.as_bytes() {
        [] | [b'Z' | b'z'] => 0,
        [sign, ..] => {
            let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
            let (hours, minutes) = (number(digits.get(0..2))?, number(digits.get(2..4)).unwrap_or(0));
            let offset = (hours * 60 + minutes) * 60_000_000;
            if *sign == b'-' { -offset } else { offset }
        }
    };
    Some(us - offset)
}

/// Days since the epoch of a date of the proleptic Gregorian calendar (after Howard Hinnant's `days_from_civil`).
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date of a day since the epoch.
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

pub(crate) fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_microseconds_agree() {
        for (text, us) in [
            ("1970-01-01T00:00:00.000000+00:00", 0),
            ("2026-06-03T22:28:49.543322+00:00", 1_780_525_729_543_322),
            ("2024-02-29T23:59:59.999999+00:00", 1_709_251_199_999_999),
            ("1969-12-31T23:59:59.999999+00:00", -1),
        ] {
            assert_eq!(iso_utc(us), text);
            assert_eq!(parse_iso(text), Some(us), "{text}");
        }
    }

    #[test]
    fn a_timestamp_may_leave_out_what_python_lets_it() {
        assert_eq!(parse_iso("2026-06-03"), parse_iso("2026-06-03T00:00:00Z"));
        assert_eq!(parse_iso("2026-06-03T02:00:00+02:00"), parse_iso("2026-06-03 00:00"));
        assert_eq!(parse_iso("2026-13-01"), None);
        assert_eq!(parse_iso("15s"), None);
    }
}
