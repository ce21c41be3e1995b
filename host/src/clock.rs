//! The one clock of the host. Everything that needs the time asks here, so that cases can run in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
            None => Micros(jiff::Timestamp::now().as_microsecond()),
        }
    }
    /// Moves a virtual clock forward to `to`; the machine's clock is not moved.
    pub fn advance_to(&self, to: Micros) {
        if let Some(t) = &self.0 {
            t.fetch_max(to.0, Ordering::SeqCst);
        }
    }
}
