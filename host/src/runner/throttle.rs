//! How often one run may go on, so that runs which wake each other for ever do not keep disk and processor to themselves.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::ids::RunRef;

/// How much of its rate a run may use at once.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Runs that are remembered before those are forgotten that have not been busy.
const FEW: usize = 1024;

/// When each run will have used up what it took. Runs that are not here have used nothing.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    runs: HashMap<RunRef, Used>,
    /// Runs at which the next look for idle ones is worth it.
    sweep_at: usize,
}

#[derive(Debug, Clone, Copy)]
struct Used {
    /// At the allowed rate, what the run has had so far lasts until then.
    until: Instant,
    /// The log has said that it is slowed down.
    told: bool,
}

impl Throttle {
    /// How long an activation of a run is put off. `rate`: activations a second; 0: no limit.
    pub fn pause(&self, run: RunRef, rate: u32) -> Option<Duration> {
        self.pause_at(run, rate, Instant::now())
    }

    fn pause_at(&self, run: RunRef, rate: u32, now: Instant) -> Option<Duration> {
        let each = Duration::from_secs(1).checked_div(rate)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.sweep(now);
        let used = known.runs.entry(run).or_insert(Used { until: now, told: false });
        used.until = used.until.max(now) + each;
        let pause = used
            .until
            .duration_since(now)
            .checked_sub(AT_ONCE)
            .filter(|pause| !pause.is_zero())?;
        if !std::mem::replace(&mut used.told, true) {
            tracing::warn!(
                tenant = run.tenant.0,
                run_key = run.run.0,
                "wake limit: a run is woken more often than {rate} times a second (limits.wakes_per_second) and is slowed down"
            );
        }
        // Had the run been put off before, it would not have used that time again.
        used.until = used.until.min(now + AT_ONCE + each);
        Some(pause)
    }
}

impl Known {
    fn sweep(&mut self, now: Instant) {
        if self.runs.len() < self.sweep_at.max(FEW) {
            return;
        }
        self.runs.retain(|_, used| used.until > now);
        self.sweep_at = 2 * self.runs.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{RunKey, TenantId};

    fn run(key: i64) -> RunRef {
        RunRef {
            tenant: TenantId::LOCAL,
            run: RunKey(key),
        }
    }

    #[test]
    fn a_run_has_ten_seconds_worth_at_once_and_its_rate_from_then_on() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for _ in 0..40 {
            assert_eq!(throttle.pause_at(run(1), 4, start), None);
        }
        assert_eq!(throttle.pause_at(run(1), 4, start), Some(Duration::from_millis(250)));
        assert_eq!(throttle.pause_at(run(2), 4, start), None, "another run has its own");
        assert_eq!(throttle.pause_at(run(1), 0, start), None, "no rate, no limit");
        // It waited as it was told, and is woken at once again.
        let mut now = start;
        for _ in 0..8 {
            now += Duration::from_millis(250);
            assert_eq!(throttle.pause_at(run(1), 4, now), Some(Duration::from_millis(250)));
        }
        now += Duration::from_secs(60);
        assert_eq!(throttle.pause_at(run(1), 4, now), None, "what it did not use comes back");
    }

    #[test]
    fn runs_that_were_not_busy_are_forgotten() {
        let (throttle, mut now) = (Throttle::default(), Instant::now());
        for key in 0..10_000 {
            now += Duration::from_millis(10);
            assert_eq!(throttle.pause_at(run(key), 4, now), None);
        }
        assert!(throttle.0.lock().unwrap().runs.len() <= FEW);
    }
}
