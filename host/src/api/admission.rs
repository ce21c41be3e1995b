//! Whether a tenant may start another run, or bring in something else that is kept: how many runs have not ended, how many starts a second,
//! how many bytes.
//!
//! Runs that have not ended are counted by the journal. That number is asked for at most once a second; what is started here since is
//! added to it, so that a burst does not slip through. Starts a second are a bucket that holds a second's worth.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::http::StatusCode;

use super::Error;
use crate::clock::Micros;
use crate::ids::TenantId;
use crate::journal;

/// How long a count of the journal is taken for true.
const COUNT_LASTS: i64 = 1_000_000;

/// What one tenant may start and keep. The default: anything.
#[derive(Debug, Clone, Copy)]
pub struct Starts {
    /// Runs that have not ended.
    pub max_runs: u64,
    /// Starts a second; 0: as many as it likes.
    pub per_second: u32,
    /// Bytes that the tenant keeps; 0: as many as the disk takes.
    pub max_storage_bytes: u64,
}

impl Default for Starts {
    fn default() -> Self {
        Starts {
            max_runs: u64::MAX,
            per_second: 0,
            max_storage_bytes: 0,
        }
    }
}

/// Lets starts in. One for the whole API.
#[derive(Debug, Default)]
pub struct Admission {
    all: Starts,
    own: HashMap<TenantId, Starts>,
    /// A std mutex: held for arithmetic, never across an await.
    tenants: Mutex<HashMap<TenantId, Counted>>,
}

/// What is known of a tenant's starts.
#[derive(Debug, Default)]
struct Counted {
    /// Runs that have not ended, those started here since included.
    open: u64,
    /// When the journal was asked. None: never.
    asked: Option<Micros>,
    /// Starts left in the bucket, in millionths, as of `filled`.
    bucket: u64,
    filled: Option<Micros>,
}

impl Counted {
    /// Takes a start out of the bucket; false when it is empty.
    fn take(&mut self, per_second: u32, now: Micros) -> bool {
        let full = u64::from(per_second) * 1_000_000;
        let since = self
            .filled
            .map_or(1_000_000, |at| now.0.saturating_sub(at.0).clamp(0, 1_000_000));
        self.bucket = full.min(self.bucket + since.unsigned_abs() * u64::from(per_second));
        self.filled = Some(now);
        match self.bucket.checked_sub(1_000_000) {
            Some(left) => {
                self.bucket = left;
                true
            }
            None => false,
        }
    }
}

impl Admission {
    /// `own`: tenants for which something else is set than for `all`.
    pub fn new(all: Starts, own: HashMap<TenantId, Starts>) -> Self {
        Admission {
            all,
            own,
            tenants: Mutex::default(),
        }
    }

    /// Lets one start in, or refuses it with 429 and the limit's name.
    pub(super) async fn admit(&self, journal: &journal::Handle, tenant: TenantId) -> Result<(), Error> {
        self.admit_bytes(journal, tenant).await?;
        let limits = self.of(tenant);
        let now = journal.clock().now();
        if limits.per_second > 0 && !self.counted(tenant, |counted| counted.take(limits.per_second, now)) {
            let limit = limits.per_second;
            return Err(refusal(format!(
                "Too Many Requests (start limit: at most {limit} starts a second; limits.starts_per_second)"
            )));
        }
        let known = self.counted(tenant, |counted| {
            let fresh = counted.asked.is_some_and(|at| now.0.saturating_sub(at.0) < COUNT_LASTS);
            counted.open = counted.open.saturating_add(1);
            fresh.then_some(counted.open)
        });
        let open = match known {
            Some(open) => open,
            None => {
                let open = journal.open_runs(tenant).await?.saturating_add(1);
                self.counted(tenant, |counted| (counted.open, counted.asked) = (open, Some(now)));
                open
            }
        };
        if open > limits.max_runs {
            self.counted(tenant, |counted| counted.open = counted.open.saturating_sub(1));
            let (open, limit) = (open - 1, limits.max_runs);
            return Err(refusal(format!(
                "Too Many Requests (run limit: {open} runs have not ended, at most {limit} may be; limits.max_runs)"
            )));
        }
        Ok(())
    }

    /// Lets something in that is to be kept, or refuses it with 507 and the limit's name. What is kept is looked up once a second, so that
    /// some more may slip in.
    pub(super) async fn admit_bytes(&self, journal: &journal::Handle, tenant: TenantId) -> Result<(), Error> {
        let limit = self.of(tenant).max_storage_bytes;
        if limit == 0 {
            return Ok(());
        }
        let kept = journal.stored_bytes(tenant).await?;
        match kept < limit {
            true => Ok(()),
            false => Err(Error::Status(
                StatusCode::INSUFFICIENT_STORAGE,
                format!(
                    "Insufficient Storage (storage limit: {kept} bytes are kept, at most {limit} may be; limits.max_storage_bytes)"
                ),
            )),
        }
    }

    fn of(&self, tenant: TenantId) -> &Starts {
        self.own.get(&tenant).unwrap_or(&self.all)
    }

    fn counted<T>(&self, tenant: TenantId, look: impl FnOnce(&mut Counted) -> T) -> T {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        look(tenants.entry(tenant).or_default())
    }
}

fn refusal(detail: String) -> Error {
    Error::Status(StatusCode::TOO_MANY_REQUESTS, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_a_seconds_worth_and_fills_evenly() {
        let mut counted = Counted::default();
        let mut taken = |at: i64, times: usize| (0..times).filter(|_| counted.take(4, Micros(at))).count();
        assert_eq!(taken(0, 10), 4, "a full bucket at first");
        assert_eq!(taken(249_999, 1), 0);
        assert_eq!(taken(250_000, 2), 1, "a quarter of a second later, one more");
        assert_eq!(taken(60_000_000, 10), 4, "never more than a second's worth");
        assert_eq!(taken(59_000_000, 1), 0, "a clock that goes back gives nothing");
    }
}
