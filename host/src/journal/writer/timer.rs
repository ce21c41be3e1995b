//! Timers: rows with a due time, and one sleeper for the earliest.

use super::super::store::Store;
use super::super::types::{Error, Outcome};
use super::unit::Unit;
use crate::clock::Micros;

/// Timers that one commit fires.
pub(crate) const AT_ONCE: u32 = 256;

impl<S: Store> Unit<S> {
    /// Fires the timers due by `now`, earliest first, at most `limit`: the flow is told `elapsed`, the ledger gets no row. Returns how
    /// many.
    pub(crate) async fn fire_due(&mut self, now: Micros, limit: u32) -> Result<u64, Error> {
        self.flush().await?;
        let due = self.store.due(now, limit).await?;
        let mut fired = 0;
        for found in &due {
            let (head, out) = self.known_head(found.at).await?;
            fired += u64::from(head.answer(out, found.effect_id, &Outcome::Elapsed)?);
        }
        self.flush().await?;
        self.next_due = self.store.next_due().await?;
        self.out.armed_until = None;
        Ok(fired)
    }

    /// All timers due by `now`, for a clock that a test moves.
    pub(crate) async fn fire_all_due(&mut self, now: Micros) -> Result<u64, Error> {
        self.out.now = self.out.now.max(now);
        let mut fired = 0;
        loop {
            let some = self.fire_due(now, AT_ONCE).await?;
            fired += some;
            if some < u64::from(AT_ONCE) {
                return Ok(fired);
            }
        }
    }
}
