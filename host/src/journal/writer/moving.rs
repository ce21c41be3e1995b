//! Runs that go on with another component.

use super::super::rows;
use super::super::store::Store;
use super::super::types::{Error, MoveRun, Moved};
use super::unit::Unit;

impl<S: Store> Unit<S> {
    /// Pins a run to another component, if it still stands where the move was tried: nothing of it changes but what computes it from now
    /// on. Its epoch is raised, and a row of its ledger tells of it.
    pub(crate) async fn move_run(&mut self, run: MoveRun) -> Result<Moved, Error> {
        let at = run.run;
        let Some((head, _)) = self.head(at).await? else {
            return Err(Error::UnknownRun(format!("#{}", at.run.0)));
        };
        let s = &head.state;
        let stands = (s.epoch, s.own_seq(), s.history_pos) == (run.epoch, run.own_seq, run.history_pos);
        if !stands || s.status.is_terminal() {
            return Err(Error::Stale);
        }
        // The run may have been made in this commit.
        self.flush().await?;
        let from = self.store.pin_of(at).await?;
        let (head, out) = self.known_head(at).await?;
        let now = head.tick(out.now);
        let row = rows::moved_row(head.owner(), head.state.node.as_deref(), (&from, &run.to), run.way, now);
        head.append_note(out, &row)?;
        head.state.epoch += 1;
        head.state.updated = now;
        let moved = Moved {
            seq: head.state.last_seq,
            pos: head.state.history_pos,
            from,
            to: run.to,
            way: run.way,
            at: now,
        };
        let keeps_state = run.snapshot.is_some();
        if let Some(state) = run.snapshot {
            out.writes.snapshots.push((at, head.state.history_pos, state));
        }
        head.wake(out);
        self.store.move_run(at, &moved, keeps_state).await?;
        Ok(moved)
    }
}
