//! What a client may ask for, and what it comes to.

use super::{Interval, MAX_EXECUTIONS};
use crate::clock::Micros;

/// When and how often, as a client writes it: trimmed, blank values already `None`.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub start_at: Option<String>,
    pub interval: Option<String>,
    pub repeat_count: Option<i64>,
    pub repeat_until: Option<String>,
}

/// When and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub start: Start,
    pub rhythm: Rhythm,
    /// As it was asked for, or as it follows from `repeat_until`; None also where neither was said.
    pub repeat_count: Option<i64>,
    /// As it was asked for.
    pub repeat_until: Option<String>,
}

/// When the first execution begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    Now,
    /// An ISO time or an interval, as it was asked for.
    At(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rhythm {
    Once,
    /// At least two executions, at most [`MAX_EXECUTIONS`].
    Counted {
        interval: String,
        count: i64,
    },
    Forever {
        interval: String,
    },
}

/// Why there is no plan; the text is the wire's.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

fn refuse<T>(text: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal(text.into()))
}

impl Plan {
    /// Checks what is asked for; `now` is where a start without a time lies.
    pub fn of(asked: Asked, now: Micros) -> Result<Self, Refusal> {
        let Asked {
            start_at,
            interval,
            mut repeat_count,
            repeat_until,
        } = asked;
        if repeat_count.is_some_and(|count| count < 1) {
            return refuse("repeat_count must be >= 1");
        }
        if repeat_count.is_some_and(|count| count > 1) && interval.is_none() {
            return refuse("repeat_count > 1 requires interval");
        }
        if repeat_until.is_some() && repeat_count.is_some() {
            return refuse("repeat_until cannot be combined with repeat_count");
        }
        if repeat_until.is_some() && interval.is_none() {
            return refuse("repeat_until requires interval");
        }
        let start = match start_at {
            Some(text) if !text.eq_ignore_ascii_case("now") => Start::At(text),
            _ => Start::Now,
        };
        let until = match &repeat_until {
            None => None,
            Some(text) => match time(text) {
                Some(until) => Some(until),
                None => return refuse(format!("Invalid repeat_until: '{text}' is no ISO timestamp")),
            },
        };
        let begins = begins(&start, now)?;
        if until.is_some_and(|until| until < begins) {
            return refuse("repeat_until must be >= start_at");
        }
        let every = match &interval {
            None => None,
            Some(text) => Some(Interval::parse(text).or_else(|error| refuse(format!("Invalid interval: {error}")))?),
        };
        if let (Some(until), Some(every)) = (until, every) {
            if every.is_zero() {
                return refuse("Invalid interval: repeat_until needs one above 0");
            }
            let count = 1 + (until.0 - begins.0) / every.micros();
            if count > MAX_EXECUTIONS {
                return refuse(format!("repeat_until implies too many executions (max {MAX_EXECUTIONS})"));
            }
            repeat_count = Some(count);
        }
        let rhythm = match (interval, repeat_count) {
            (None, _) | (_, Some(1)) => Rhythm::Once,
            (Some(_), Some(count)) if count > MAX_EXECUTIONS => {
                return refuse(format!(
                    "Failed to build schedule wrapper: repeat_count is too large (max {MAX_EXECUTIONS})"
                ));
            }
            (Some(interval), Some(count)) => Rhythm::Counted { interval, count },
            (Some(_), None) if every.is_some_and(Interval::is_zero) => {
                return refuse("Invalid interval: a schedule without an end needs one above 0");
            }
            (Some(interval), None) => Rhythm::Forever { interval },
        };
        Ok(Plan {
            start,
            rhythm,
            repeat_count,
            repeat_until,
        })
    }
}

/// The time of the first execution.
fn begins(start: &Start, now: Micros) -> Result<Micros, Refusal> {
    let Start::At(text) = start else { return Ok(now) };
    if let Ok(delay) = Interval::parse(text) {
        return Ok(now.plus(delay.micros()));
    }
    match time(text) {
        Some(at) => Ok(at),
        None => refuse(format!(
            "Invalid start_at: '{text}' is neither an ISO timestamp nor a delay like '30s', '5m' or '1h'"
        )),
    }
}

/// As the flow itself will read it.
fn time(text: &str) -> Option<Micros> {
    flow_rt::time::parse_iso(text).map(Micros)
}

impl Rhythm {
    pub fn interval(&self) -> Option<&str> {
        match self {
            Rhythm::Once => None,
            Rhythm::Counted { interval, .. } | Rhythm::Forever { interval } => Some(interval),
        }
    }
}

impl Start {
    /// None: at once.
    pub fn text(&self) -> Option<&str> {
        match self {
            Start::Now => None,
            Start::At(text) => Some(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T12:00:00Z
    const NOON: Micros = Micros(1_795_348_800_000_000);

    fn plan(start: &str, interval: &str, count: i64, until: &str) -> Result<Plan, String> {
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let asked = Asked {
            start_at: word(start),
            interval: word(interval),
            repeat_count: (count != i64::MIN).then_some(count),
            repeat_until: word(until),
        };
        Plan::of(asked, NOON).map_err(|refusal| refusal.0)
    }

    const ANY: i64 = i64::MIN;

    fn counted(interval: &str, count: i64) -> Rhythm {
        let interval = interval.to_owned();
        Rhythm::Counted { interval, count }
    }

    #[test]
    fn what_is_asked_for_comes_to_a_rhythm() {
        for (start, interval, count, until, rhythm) in [
            ("", "", ANY, "", Rhythm::Once),
            ("", "1s", 1, "", Rhythm::Once),
            ("now", "", 1, "", Rhythm::Once),
            ("", "0s", 3, "", counted("0s", 3)),
            ("", "1m", 10_000, "", counted("1m", 10_000)),
            ("", "1h", ANY, "", Rhythm::Forever { interval: "1h".into() }),
            ("", "20m", ANY, "2026-11-22T13:00:00Z", counted("20m", 4)),
            (
                "2026-11-22T12:30:00+00:00",
                "20m",
                ANY,
                "2026-11-22T13:00:00Z",
                counted("20m", 2),
            ),
            ("30m", "20m", ANY, "2026-11-22T13:00:00", counted("20m", 2)),
            ("", "2h", ANY, "2026-11-22T13:00:00Z", Rhythm::Once),
        ] {
            let made = plan(start, interval, count, until).unwrap();
            assert_eq!(made.rhythm, rhythm, "{start} {interval} {count} {until}");
        }
        assert_eq!(plan(" Now ".trim(), "", ANY, "").unwrap().start, Start::Now);
        assert_eq!(plan("5m", "", ANY, "").unwrap().start, Start::At("5m".into()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_contract_s_texts() {
        for (start, interval, count, until, text) in [
            ("", "", 0, "", "repeat_count must be >= 1"),
            ("", "", 3, "", "repeat_count > 1 requires interval"),
            (
                "",
                "1h",
                3,
                "2030-01-01T00:00:00Z",
                "repeat_until cannot be combined with repeat_count",
            ),
            ("", "", ANY, "2030-01-01T00:00:00Z", "repeat_until requires interval"),
            ("", "1h", ANY, "later", "Invalid repeat_until: 'later' is no ISO timestamp"),
            ("", "1h", ANY, "2026-11-22T11:59:59Z", "repeat_until must be >= start_at"),
            ("2h", "1h", ANY, "2026-11-22T13:00:00Z", "repeat_until must be >= start_at"),
            (
                "soon",
                "",
                ANY,
                "",
                "Invalid start_at: 'soon' is neither an ISO timestamp nor a delay like '30s', '5m' or '1h'",
            ),
            (
                "",
                "1s",
                ANY,
                "2026-11-22T16:00:00Z",
                "repeat_until implies too many executions (max 10000)",
            ),
            (
                "",
                "1s",
                10_001,
                "",
                "Failed to build schedule wrapper: repeat_count is too large (max 10000)",
            ),
            (
                "",
                "0s",
                ANY,
                "",
                "Invalid interval: a schedule without an end needs one above 0",
            ),
            (
                "",
                "0ms",
                ANY,
                "2030-01-01T00:00:00Z",
                "Invalid interval: repeat_until needs one above 0",
            ),
        ] {
            assert_eq!(plan(start, interval, count, until), Err(text.into()));
        }
        let often = plan("", "often", ANY, "").unwrap_err();
        assert!(often.starts_with("Invalid interval: 'often' is no interval"), "{often}");
    }
}
