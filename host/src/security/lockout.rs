//! Slows down whoever guesses tokens: each failure from the threshold on locks the address for twice as long as the last one.
//!
//! A lock holds to its end. What a client is told (`Retry-After`) is whole seconds, rounded up, so that one who waits so long is let in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Client;

/// Addresses remembered. Beyond it those that are not locked are forgotten, and if that is not enough, [`FORGET`] arbitrary ones.
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

    /// Whole seconds that the client is still locked out, rounded up.
    pub(super) fn seconds_left(&self, client: &Client, now: Instant) -> Option<u64> {
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let until = self.clients().get(&prefix(client))?.until?;
        whole_seconds(until.saturating_duration_since(now))
    }

    /// Counts a failure; answers the lock that follows, in whole seconds, if there is one.
    pub(super) fn fail(&self, client: &Client, now: Instant) -> Option<u64> {
        let client = prefix(client);
        let mut clients = self.clients();
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&client) {
            clients.retain(|_, failures| failures.until.is_some_and(|until| until > now));
            let surplus = (clients.len() + 1).saturating_sub(MAX_CLIENTS);
            let forgotten = if surplus > 0 { FORGET } else { 0 };
            let forgotten: Vec<Client> = clients.keys().take(forgotten).cloned().collect();
            for client in forgotten {
                clients.remove(&client);
            }
        }
        self.any.store(true, Ordering::Relaxed);
        let failures = clients.entry(client).or_default();
        failures.count = failures.count.saturating_add(1);
        if failures.count < self.after {
            return None;
        }
        let doublings = i32::try_from(failures.count - self.after).unwrap_or(i32::MAX);
        let seconds = (self.base_s * 2f64.powi(doublings)).min(self.max_s).max(0.0);
        let lock = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        failures.until = now.checked_add(lock);
        whole_seconds(lock)
    }

    /// A success forgets the failures.
    pub(super) fn succeed(&self, client: &Client) {
        if self.any.load(Ordering::Relaxed) {
            let mut clients = self.clients();
            clients.remove(&prefix(client));
            self.any.store(!clients.is_empty(), Ordering::Relaxed);
        }
    }
}

/// Seconds rounded up; None for no time at all.
fn whole_seconds(time: Duration) -> Option<u64> {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    Some(whole).filter(|seconds| *seconds > 0)
}

/// Who is locked together: an IPv6 client has all addresses of its /64.
fn prefix(client: &Client) -> Client {
    match client {
        Client::Ip(IpAddr::V6(ip)) if !ip.is_loopback() => {
            Client::Ip(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into())
        }
        other => other.clone(),
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
        // A lock holds to its end, its last second included.
        assert_eq!(lockout.seconds_left(&client, now + Duration::from_millis(58_100)), Some(2));
        assert_eq!(lockout.seconds_left(&client, now + Duration::from_millis(59_999)), Some(1));
        assert_eq!(lockout.seconds_left(&client, now + Duration::from_secs(60)), None);
        lockout.succeed(&client);
        assert_eq!(lockout.seconds_left(&client, now), None);
        assert_eq!(lockout.fail(&client, now), None);
    }

    #[test]
    fn a_lock_of_less_than_a_second_locks_and_none_does_not() {
        let now = Instant::now();
        for (base, told) in [(0.4, Some(1)), (1.5, Some(2)), (0.0, None)] {
            let lockout = Lockout::new(1, base, 60.0);
            let client = Client::Text("x".into());
            assert_eq!(lockout.fail(&client, now), told, "{base}");
            assert_eq!(lockout.seconds_left(&client, now), told, "{base}");
        }
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_locked_together() {
        let lockout = Lockout::new(2, 1.0, 60.0);
        let ip = |text: &str| Client::Ip(text.parse().unwrap());
        let now = Instant::now();
        assert_eq!(lockout.fail(&ip("2001:db8::1"), now), None);
        assert_eq!(lockout.fail(&ip("2001:db8::ffff:2"), now), Some(1));
        assert_eq!(lockout.seconds_left(&ip("2001:db8:0:1::1"), now), None);
        assert_eq!(lockout.fail(&ip("192.0.2.1"), now), None);
        assert_eq!(lockout.fail(&ip("192.0.2.2"), now), None);
    }

    #[test]
    fn many_addresses_do_not_fill_memory_and_do_not_free_who_is_locked() {
        let lockout = Lockout::new(2, 60.0, 60.0);
        let (now, locked) = (Instant::now(), Client::Text("locked".into()));
        lockout.fail(&locked, now);
        lockout.fail(&locked, now);
        for n in 0..(2 * MAX_CLIENTS) {
            lockout.fail(&Client::Text(n.to_string()), now);
        }
        assert!(lockout.clients().len() <= MAX_CLIENTS);
        assert_eq!(lockout.seconds_left(&locked, now), Some(60));
    }

    #[test]
    fn many_locked_addresses_do_not_fill_memory() {
        let lockout = Lockout::new(1, 1.0, 60.0);
        for n in 0..(MAX_CLIENTS + 10) {
            lockout.fail(&Client::Text(n.to_string()), Instant::now());
        }
        assert!(lockout.clients().len() <= MAX_CLIENTS);
    }
}
