//! The one clock of the host. Everything that needs the time asks here, so that cases can run in virtual time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Instant;

/// Microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Micros(pub i64);

impl Micros {
    /// ISO text with six digits of microseconds and `+00:00`: the one format on the wire, so that text order is time order.
    pub fn iso(self) -> String {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => t.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00").to_string(),
            Err(_) => "1970-01-01T00:00:00.000000+00:00".to_owned(),
        }
    }
    /// An ISO timestamp; without an offset it is UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(t) = text.parse::<jiff::Timestamp>() {
            return Some(Micros(t.as_microsecond()));
        }
        let naive = text.parse::<jiff::civil::DateTime>().ok()?;
        let zoned = naive.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Micros(zoned.timestamp().as_microsecond()))
    }
    pub fn plus(self, us: i64) -> Self {
        Micros(self.0.saturating_add(us))
    }
}

/// The machine's time, but never back: where that clock is set back, time goes on from where it was, at its pace, until the process ends
/// or the clock has caught up. So a sleep of a second lasts a second, whatever happens to the clock meanwhile.
struct Forward {
    began: Instant,
    /// By how many microseconds the machine's clock was ahead of the time since then, at most.
    ahead: AtomicI64,
}

impl Forward {
    fn new() -> Self {
        Forward {
            began: Instant::now(),
            ahead: AtomicI64::new(i64::MIN),
        }
    }

    /// The time when the machine's clock shows `machine`.
    fn at(&self, machine: i64) -> Micros {
        let since = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX);
        let ahead = machine.saturating_sub(since);
        Micros(since.saturating_add(ahead.max(self.ahead.fetch_max(ahead, Ordering::AcqRel))))
    }
}

static MACHINE: LazyLock<Forward> = LazyLock::new(Forward::new);

/// Tells the time: the machine's, or one that a test moves.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn system() -> Self {
        Clock(None)
    }
    /// A clock that only moves when told to.
    pub fn virtual_at(start: Micros) -> Self {
        Clock(Some(Arc::new(AtomicI64::new(start.0))))
    }
    pub fn is_virtual(&self) -> bool {
        self.0.is_some()
    }
    pub fn now(&self) -> Micros {
        match &self.0 {
            Some(t) => Micros(t.load(Ordering::SeqCst)),
            None => MACHINE.at(jiff::Timestamp::now().as_microsecond()),
        }
    }
    /// Moves a virtual clock forward to `to`; the machine's clock is not moved.
    pub fn advance_to(&self, to: Micros) {
        if let Some(t) = &self.0 {
            t.fetch_max(to.0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back_and_follows_a_clock_that_is_set_forward() {
        const HOUR: i64 = 3_600_000_000;
        let machine = Forward::new();
        let before = machine.at(10 * HOUR);
        assert!(before.0 >= 10 * HOUR);
        let back = machine.at(9 * HOUR);
        assert!(back >= before && back.0 < 11 * HOUR, "{back:?}");
        let forward = machine.at(12 * HOUR);
        assert!(forward.0 >= 12 * HOUR && forward.0 < 13 * HOUR, "{forward:?}");
    }
}
