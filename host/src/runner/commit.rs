//! How what a driver has computed becomes durable, and what is kept when the run is taken from it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::driver::Driver;
use super::{Context, RETRY};
use crate::journal::{Advance, Delivery, Error, FinishedCall, Outcome, Position};
use crate::sandbox::{Instance, Stop};
use crate::telemetry::metrics::{self, metrics};

/// How long a host that stops waits for calls of the outside.
const GRACE: Duration = Duration::from_secs(5);
/// A larger state is written only every few waits; between them history is replayed.
const LARGE_SNAPSHOT: usize = 256 << 10;
/// Ticks after which a large state is written all the same.
const TICKS_BETWEEN_LARGE: usize = 16;

impl Driver<'_> {
    /// The state to store with this commit. None: history stands in for it.
    pub(super) async fn state(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        let Some(instance) = self.instance.as_mut() else {
            return Ok(None);
        };
        let state = instance.snapshot().await?;
        self.replayed = state.is_none();
        let due = self.ticks_since_snapshot >= TICKS_BETWEEN_LARGE;
        Ok(state.filter(|s| s.len() <= LARGE_SNAPSHOT || due))
    }

    /// Commits the batch, and then makes the calls whose `started` rows are in it. Gives what is in the run's inbox and was not told.
    /// [`Error::Stale`]: the run has been taken away and nothing was written.
    pub(super) async fn commit(&mut self, to: Position, snapshot: Option<Vec<u8>>) -> Result<Vec<Delivery>, Error> {
        let next_seq = self.batch.next_seq();
        let taken = self.batch.take();
        self.history_bytes += taken.ticks.iter().map(String::len).sum::<usize>();
        if let Some(state) = &snapshot {
            self.snapshot = Some(state.clone());
            (self.ticks_since_snapshot, self.history_bytes) = (0, 0);
        }
        let emitted: Vec<u64> = taken.emits.iter().map(|emit| emit.effect_id).collect();
        let calls = self.in_flight.open().chain(&taken.starting).cloned().collect();
        let advance = Advance {
            run: self.run.row.at,
            run_id: self.run.row.run_id.clone(),
            epoch: self.epoch,
            next_seq,
            rows: taken.rows,
            ticks: taken.ticks,
            inbox_consumed: self.consumed,
            last_time: self.batch.last_time,
            snapshot,
            children: taken.children,
            opened: taken.opened,
            abandoned: taken.abandoned,
            calls,
            emits: taken.emits,
            to,
        };
        let advanced = self.context.journal.advance(advance).await?;
        self.finished.clear();
        self.batch.own_seq = advanced.own_seq;
        self.batch.last_time = advanced.last_time.max(self.batch.last_time);
        for delivery in advanced.inbox.iter().filter(|delivery| emitted.contains(&delivery.effect_id)) {
            let failed = matches!(delivery.outcome, Outcome::Failed(_));
            let counted = if failed {
                metrics::Outcome::Failed
            } else {
                metrics::Outcome::Completed
            };
            metrics().effect("emit_event", counted);
        }
        self.launch(taken.starting);
        Ok(advanced.inbox)
    }

    /// The run was taken away, or cannot be committed. What it computed is computed again, but what the outside did is kept, also what it is
    /// still doing.
    pub(super) async fn hand_over(&mut self) -> Result<(), Error> {
        let stopping = self.stopping;
        let stopped = async {
            stopping.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::pin!(stopped);
        loop {
            for call in std::mem::take(&mut self.finished) {
                keep_call(self.context, stopping, call).await?;
            }
            if self.in_flight.is_empty() {
                return Ok(());
            }
            let ended = tokio::select! {
                ended = self.in_flight.ended() => ended,
                // These calls are made again when the host starts.
                () = &mut stopped => return Ok(()),
            };
            for (call, result) in ended {
                self.finish(&call, &result);
            }
        }
    }

    /// Whether the outside has done something that is not committed, or is doing something.
    pub(super) fn has_calls(&self) -> bool {
        !self.finished.is_empty() || !self.in_flight.is_empty()
    }

    /// An instance in the state of the last snapshot.
    pub(super) async fn revive(&mut self) -> Result<Instance, Error> {
        let corrupt = |e: String| Error::Corrupt(format!("run {}: {e}", self.run.row.run_id));
        let mut instance = self
            .context
            .sandbox
            .instantiate(&self.program)
            .await
            .map_err(|e| corrupt(e.to_string()))?;
        let snapshot = self.snapshot.as_deref().unwrap_or_default();
        instance
            .restore(snapshot)
            .await
            .map_err(|e| corrupt(e.to_string()))?
            .map_err(corrupt)?;
        Ok(instance)
    }
}

/// Keeps the end of a call, when the disk takes it.
async fn keep_call(context: &Context, stopping: &CancellationToken, call: FinishedCall) -> Result<(), Error> {
    loop {
        match context.journal.finish_call(call.clone()).await {
            Err(error) if error.is_of_the_disk() && !stopping.is_cancelled() => {
                tokio::select! {
                    () = tokio::time::sleep(RETRY) => {}
                    () = stopping.cancelled() => {}
                }
            }
            kept => return kept.map(|_| ()),
        }
    }
}
