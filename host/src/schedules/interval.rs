//! Spans of time as clients write them.

/// Longest interval: what is later than that is not a schedule, and every due time stays within the calendar.
const LONGEST_DAYS: f64 = 36_500.0;

/// `<number>(ms|s|m|h|d)`, such as `20ms`, `1.5h` or `30 s`. The grammar is that of the `on_schedule` node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval(i64);

impl Interval {
    /// The error completes "Invalid interval: ".
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is no interval: expected a number and a unit (ms, s, m, h or d), like '30s', '5m' or '1h'");
        let lower = text.trim().to_ascii_lowercase();
        let split = lower.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
        let (number, unit) = lower.split_at(split);
        let number = number.trim_end();
        let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.') && !number.starts_with('.') && !number.ends_with('.');
        let number: f64 = number.parse().ok().filter(|_| digits).ok_or_else(wrong)?;
        let unit_us: f64 = match unit {
            "ms" => 1e3,
            "s" => 1e6,
            "m" => 60e6,
            "h" => 3600e6,
            "d" => 86400e6,
            _ => return Err(wrong()),
        };
        let us = number * unit_us;
        if us > LONGEST_DAYS * 86400e6 {
            return Err(format!("'{text}' is longer than {LONGEST_DAYS} days"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "at most 36 500 days, which is far below 2^63 microseconds"
        )]
        Ok(Interval(us.round() as i64))
    }

    /// In microseconds.
    pub fn micros(self) -> i64 {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_a_number_and_a_unit() {
        for (text, us) in [
            ("20ms", 20_000),
            ("0s", 0),
            (" 1.5 S ", 1_500_000),
            ("2m", 120_000_000),
            ("1h", 3_600_000_000),
            ("1d", 86_400_000_000),
        ] {
            assert_eq!(Interval::parse(text).map(Interval::micros), Ok(us), "{text}");
        }
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1w",
            ".5s",
            "5.s",
            "1..5s",
            "1e3s",
            "1 s 2",
            "99999999999d",
            "١s",
        ] {
            assert!(Interval::parse(text).is_err(), "{text}");
        }
    }
}
