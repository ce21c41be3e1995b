//! Slows down whoever guesses tokens: each failure from the threshold on locks the address for twice as long as the last one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Client;

/// Addresses remembered. Beyond it, [`FORGET`] arbitrary ones are forgotten.
const MAX_CLIENTS: usize = 10_000;
const FORGET: usize = 1_000;

#[derive(Debug)]
pub(super) struct Lockout {
    after: u32,
    base_s: f64,
    max_s: f64,
    /// Whether `clients` has anybody: a request of an honest deployment takes no lock.
    any: AtomicBool,
    clients: Mutex<HashMap<Client, Failures>>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    until: Option<Instant>,
}

impl Lockout {
    pub(super) fn new(after: u32, base_s: f64, max_s: f64) -> Self {
        Lockout {
            after,
            base_s,
            max_s,
            any: AtomicBool::new(false),
            clients: Mutex::default(),
        }
    }

    fn clients(&self) -> std::sync::MutexGuard<'_, HashMap<Client, Failures>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whole seconds that the client is still locked out; under one second it is not.
    pub(super) fn seconds_left(&self, client: &Client, now: Instant) -> Option<u64> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let until = self.clients().get(client)?.until?;
        Some(until.saturating_duration_since(now).as_secs()).filter(|seconds| *seconds > 0)
    }

    /// Counts a failure; answers the lock that follows, in whole seconds, if there is one of at least a second.
    pub(super) fn fail(&self, client: &Client, now: Instant) -> Option<u64> {
        let mut clients = self.clients();
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(client) {
            let forgotten: Vec<Client> = clients.keys().take(FORGET).cloned().collect();
            for client in forgotten {
                clients.remove(&client);
            }
        }
        self.any.store(true, Ordering::Relaxed);
        let failures = clients.entry(client.clone()).or_default();
        failures.count = failures.count.saturating_add(1);
        if failures.count < self.after {
            return None;
        }
        let doublings = i32::try_from(failures.count - self.after).unwrap_or(i32::MAX);
        let seconds = (self.base_s * 2f64.powi(doublings)).min(self.max_s).max(0.0);
        let lock = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        failures.until = Some(now + lock);
        Some(lock.as_secs()).filter(|seconds| *seconds > 0)
    }

    /// A success forgets the failures.
    pub(super) fn succeed(&self, client: &Client) {
        if self.any.load(Ordering::Relaxed) {
            let mut clients = self.clients();
            clients.remove(client);
            self.any.store(!clients.is_empty(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_double_from_the_threshold_up_to_the_longest() {
        let lockout = Lockout::new(5, 1.0, 60.0);
        let client = Client::Text("x".into());
        let now = Instant::now();
        let locks: Vec<_> = (0..13).map(|_| lockout.fail(&client, now)).collect();
        let some = |n| Some(n);
        assert_eq!(locks[..4], [None; 4]);
        assert_eq!(
            locks[4..],
            [
                some(1),
                some(2),
                some(4),
                some(8),
                some(16),
                some(32),
                some(60),
                some(60),
                some(60)
            ]
        );
        assert_eq!(lockout.seconds_left(&client, now), Some(60));
        // The last second of a lock does not block: what is left is floored.
        assert_eq!(lockout.seconds_left(&client, now + Duration::from_millis(59_100)), None);
        lockout.succeed(&client);
        assert_eq!(lockout.seconds_left(&client, now), None);
        assert_eq!(lockout.fail(&client, now), None);
    }

    #[test]
    fn many_addresses_do_not_fill_memory() {
        let lockout = Lockout::new(1, 1.0, 60.0);
        for n in 0..(MAX_CLIENTS + 10) {
            lockout.fail(&Client::Text(n.to_string()), Instant::now());
        }
        assert!(lockout.clients().len() <= MAX_CLIENTS);
    }
}
