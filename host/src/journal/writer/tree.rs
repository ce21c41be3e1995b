//! Pause, resume and cancel of whole run trees.
//!
//! A paused run is left alone by everything but its own resume and cancel: its waits are not matched, its timers rest, the end of its
//! child does not touch it. What it has missed is looked up when it is resumed: children that have ended answer then, events that
//! were on their way to it arrive then, and a timer that is over fires at once. So a pause needs no memory of its own.

use super::super::rows;
use super::super::store::Store;
use super::super::types::{Error, Outcome};
use super::super::wakes::Wake;
use super::unit::Unit;
use crate::ids::RunRef;
use crate::record::{RunStatus, WaitReason};

impl<S: Store> Unit<S> {
    /// The run and its descendants, breadth first.
    pub(crate) async fn family(&mut self, root: RunRef) -> Result<Vec<RunRef>, Error> {
        self.flush().await?;
        self.store.family(root).await
    }

    /// No effect on a run that has ended, is paused, or waits for a person (it stands still anyway).
    pub(crate) async fn pause(&mut self, at: RunRef, reason: Option<&str>) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        let asks =
            head.state.status == RunStatus::Waiting && head.waits.first().is_some_and(|w| w.wait.reason == WaitReason::User);
        if head.state.status.is_terminal() || head.state.pause.paused || asks {
            return Ok(());
        }
        let now = head.tick(out.now);
        head.state.updated = now;
        head.state.pause.paused = true;
        head.state.pause.paused_at = Some(now);
        head.state.pause.reason = reason.map(str::to_owned);
        head.state.epoch += 1;
        if head.state.status == RunStatus::Running {
            head.state.status = RunStatus::Waiting;
            head.state.pausing = true;
        }
        // Their `armed` flag changes.
        head.waits_changed = !head.waits.is_empty() || head.waits_changed;
        head.touch(out);
        out.wakes.push(Wake::Stopped(at));
        self.armed(at).await
    }

    pub(crate) async fn unpause(&mut self, at: RunRef) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        if head.state.status.is_terminal() || !head.state.pause.paused {
            return Ok(());
        }
        let now = head.tick(out.now);
        head.state.updated = now;
        head.state.pause.paused = false;
        head.state.pause.reason = None;
        head.state.pause.resumed_at = Some(now);
        if std::mem::take(&mut head.state.pausing) {
            head.state.status = RunStatus::Running;
            head.wake(out);
        }
        head.waits_changed = !head.waits.is_empty() || head.waits_changed;
        for wait in &head.waits {
            out.arm(wait.until);
        }
        head.touch(out);
        let claims: Vec<(u64, i64)> = head.waits.iter().filter_map(|w| Some((w.effect_id, w.claimed?))).collect();
        self.meet_children(at, i64::MIN).await?;
        // Their delivery may be done with now.
        self.deliveries_open |= !claims.is_empty();
        for (effect_id, delivery) in claims {
            self.arrive(at, effect_id, delivery).await?;
        }
        Ok(())
    }

    /// No effect on a run that has ended.
    pub(crate) async fn cancel(&mut self, at: RunRef, reason: &str) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        if head.state.status.is_terminal() {
            return Ok(());
        }
        head.state.epoch += 1;
        head.state.pause.paused = false;
        head.state.pause.reason = None;
        head.state.pausing = false;
        let (started, ended) = (head.tick(out.now), head.tick(out.now));
        head.state.updated = ended;
        let row = rows::status_row(head.owner(), head.state.node.as_deref(), RunStatus::Cancelled, started, ended);
        head.append_row(out, &row)?;
        out.wakes.push(Wake::Stopped(at));
        self.end(at, RunStatus::Cancelled, None, None, Some(reason.into())).await
    }

    /// Answers the first wait of a run, or the one with the key that is given. A run may have open waits while it runs. The inner error is the
    /// refusal's text.
    pub(crate) async fn answer(
        &mut self,
        at: RunRef,
        wait_key: Option<&str>,
        payload: crate::record::Json,
    ) -> Result<Result<(), String>, Error> {
        let (head, out) = self.known_head(at).await?;
        if head.state.pause.paused {
            return Ok(Err("Run is paused".to_owned()));
        }
        let Some(first) = head.waits.first() else {
            return Ok(Err("Run is not waiting".to_owned()));
        };
        // The wait with this key; where there is none, one without a key, which takes any.
        let named = |key: &str| {
            let with = |wanted: Option<&str>| head.waits.iter().find(|w| w.wait.wait_key.as_deref() == wanted);
            with(Some(key)).or_else(|| with(None))
        };
        let Some(wait) = wait_key.map_or(Some(first), named) else {
            let (expected, got) = (
                first.wait.wait_key.as_deref().unwrap_or_default(),
                wait_key.unwrap_or_default(),
            );
            return Ok(Err(format!("wait_key mismatch: expected '{expected}', got '{got}'")));
        };
        let effect_id = wait.effect_id;
        head.answer(out, effect_id, &Outcome::Completed(payload))?;
        Ok(Ok(()))
    }
}
