//! Where the middle and the tail of many times lie.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Times between a microsecond and an hour, to three digits.
#[derive(Debug, Clone)]
pub struct Spread(Histogram<u64>);

const LONGEST: u64 = 3_600_000_000;

impl Default for Spread {
    fn default() -> Self {
        Spread(Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that make sense"))
    }
}

impl Spread {
    pub fn add(&mut self, time: Duration) {
        self.0
            .saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST).clamp(1, LONGEST));
    }

    pub fn join(&mut self, other: &Spread) {
        self.0.add(&other.0).expect("the same bounds");
    }

    /// How many times.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that this share of all does not exceed; 0.5 is the median.
    pub fn at(&self, share: f64) -> Duration {
        Duration::from_micros(self.0.value_at_quantile(share))
    }

    pub fn most(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }

    /// As a JSON object, times in microseconds.
    pub fn figures(&self) -> Value {
        let at = |share| self.0.value_at_quantile(share);
        json!({"count": self.count(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "most": self.0.max()})
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |share| ms(self.at(share));
        write!(
            f,
            "p50 {}, p90 {}, p99 {}, most {} ({} times)",
            at(0.5),
            at(0.9),
            at(0.99),
            ms(self.most()),
            self.count()
        )
    }
}

/// Milliseconds as tables have them.
pub fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
