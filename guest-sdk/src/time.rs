//! Points in time and lengths of it. There is no clock: [`Ctx::now`](crate::Ctx::now) is what the host told.

use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time in whole microseconds. May be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Duration(i64);

impl Duration {
    pub const fn micros(n: i64) -> Self {
        Duration(n)
    }
    pub const fn millis(n: i64) -> Self {
        Duration(n.saturating_mul(1_000))
    }
    pub const fn seconds(n: i64) -> Self {
        Duration(n.saturating_mul(1_000_000))
    }
    pub const fn minutes(n: i64) -> Self {
        Duration::seconds(n.saturating_mul(60))
    }
    pub const fn hours(n: i64) -> Self {
        Duration::minutes(n.saturating_mul(60))
    }
    pub const fn days(n: i64) -> Self {
        Duration::hours(n.saturating_mul(24))
    }
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

impl From<std::time::Duration> for Duration {
    fn from(other: std::time::Duration) -> Self {
        Duration(i64::try_from(other.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A point in time: microseconds since the Unix epoch, UTC. As JSON it is ISO text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The last microsecond of the year 9999, where the host's calendar ends.
const LATEST: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// Later than the year 9999 or earlier than the year 1 it is the last or first moment of that time.
    pub const fn from_micros(us: i64) -> Self {
        if us > LATEST {
            return Timestamp(LATEST);
        }
        if us < -62_135_596_800_000_000 {
            return Timestamp(-62_135_596_800_000_000);
        }
        Timestamp(us)
    }

    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, as everywhere in a ledger.
    pub fn iso(self) -> String {
        let (days, in_day) = (self.0.div_euclid(86_400_000_000), self.0.rem_euclid(86_400_000_000));
        let (year, month, day) = civil(days);
        let (seconds, micros) = (in_day / 1_000_000, in_day % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}+00:00")
    }

    /// Reads `YYYY-MM-DD`, or that with `THH:MM[:SS[.f…]]` and `Z` or an offset; without an offset it is UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, clock) = match text.split_once(['T', ' ']) {
            Some((date, clock)) => (date, Some(clock)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let (year, month, day) = (digits(parts.next()?)?, digits(parts.next()?)?, digits(parts.next()?)?);
        if parts.next().is_some() || !(1..=9999).contains(&year) || !(1..=12).contains(&month) {
            return None;
        }
        let days = days_from_civil(year, month, day);
        if civil(days) != (year, month, day) {
            return None;
        }
        let us = clock.map_or(Some(0), micros_of_day)?;
        Some(Timestamp::from_micros(days * 86_400_000_000 + us))
    }
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// `HH:MM[:SS[.f…]]` and an offset, in microseconds from midnight UTC.
fn micros_of_day(text: &str) -> Option<i64> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) if &text[at..] == "Z" => (&text[..at], 0),
        Some(at) => {
            let (hours, minutes) = text[at + 1..].split_once(':').unwrap_or((&text[at + 1..], "0"));
            let minutes = digits(hours)? * 60 + digits(minutes)?;
            (&text[..at], if text[at..].starts_with('-') { -minutes } else { minutes })
        }
        None => (text, 0),
    };
    let mut parts = clock.split(':');
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let (second, fraction) = parts.next().map_or(("0", ""), |s| s.split_once('.').unwrap_or((s, "")));
    let second = digits(second)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let micros = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Some((hour * 3600 + minute * 60 + second - offset * 60) * 1_000_000 + micros)
}

/// Year, month and day of a day since the epoch (H. Hinnant's algorithm).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let doy = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719_468
}

impl Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, by: Duration) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(by.0))
    }
}

impl Sub for Timestamp {
    type Output = Duration;
    fn sub(self, other: Timestamp) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.iso())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.iso())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("no ISO timestamp"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_ledger_has_them_and_read_back() {
        for (us, text) in [
            (0, "1970-01-01T00:00:00.000000+00:00"),
            (1_767_830_400_000_001, "2026-01-08T00:00:00.000001+00:00"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000+00:00"),
            (-1, "1969-12-31T23:59:59.999999+00:00"),
        ] {
            assert_eq!(Timestamp::from_micros(us).iso(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_micros(us)));
        }
    }

    #[test]
    fn other_spellings_of_a_time_are_read_and_nonsense_is_not() {
        let noon = Timestamp::parse("2026-01-08T12:00:00Z");
        assert!(noon.is_some());
        for same in ["2026-01-08T14:00+02:00", "2026-01-08 12:00", "2026-01-08T07:30:00.0-04:30"] {
            assert_eq!(Timestamp::parse(same), noon, "{same}");
        }
        for not in [
            "",
            "soon",
            "2026-13-01",
            "2026-02-30",
            "2026-01-08T25:00",
            "2026-01-08T12",
            "2026-01-08T12:00:00+",
        ] {
            assert_eq!(Timestamp::parse(not), None, "{not}");
        }
    }
}
