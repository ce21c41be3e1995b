//! A driver's commit: compare, append, move.

use std::sync::Arc;

use super::super::rows::json;
use super::super::store::{Store, WaitRow, Watched};
use super::super::types::{Advance, Advanced, Error, Metrics, OpenWait, Outcome, Position};
use super::unit::Unit;
use super::{FinishedCall, Prepared, times};
use crate::ids::RunRef;
use crate::record::{RunStatus, WaitReason};

/// What a subworkflow wait's key starts with; the child's run id follows.
pub(crate) const SUBWORKFLOW: &str = "subworkflow:";

impl<S: Store> Unit<S> {
    /// Commits what a driver computed, if the run still stands where the driver took it up.
    pub(crate) async fn advance(&mut self, prepared: Prepared) -> Result<Advanced, Error> {
        let Prepared {
            advance,
            rows,
            metrics,
            artifacts,
        } = prepared;
        let at = advance.run;
        let (head, _) = self
            .head(at)
            .await?
            .ok_or_else(|| Error::UnknownRun(format!("#{}", at.run.0)))?;
        let s = &head.state;
        let consumed = s.inbox_consumed..=s.inbox_end;
        if s.status != RunStatus::Running
            || s.epoch != advance.epoch
            || s.own_seq() + 1 != advance.next_seq
            || !consumed.contains(&advance.inbox_consumed)
        {
            return Err(Error::Stale);
        }
        self.check_new(advance.children.iter())?;
        for artifact in artifacts {
            self.add_artifact(at.tenant, artifact);
        }
        self.take_over(advance, rows, metrics).await
    }

    /// From here on nothing is refused.
    async fn take_over(&mut self, advance: Advance, mut rows: Vec<Arc<str>>, metrics: Metrics) -> Result<Advanced, Error> {
        let Advance {
            run: at,
            ticks,
            inbox_consumed,
            last_time,
            snapshot,
            children,
            mut to,
            ..
        } = advance;
        let (head, out) = self.known_head(at).await?;
        if head.state.notes > 0 {
            let step = match &mut to {
                Position::Emitting { emit, .. } => Some(&mut emit.step),
                _ => None,
            };
            times::behind(&mut rows, step, &mut head.state.last_time)?;
        }
        head.append(out, rows, metrics);
        head.state.last_time = head.state.last_time.max(last_time);
        head.state.updated = head.state.last_time;
        if !ticks.is_empty() {
            head.state.history_pos += 1;
            out.writes
                .history
                .push((at, head.state.history_pos, format!("[{}]", ticks.join(","))));
        }
        if let Some(snapshot) = snapshot {
            out.writes.snapshots.push((at, head.state.history_pos, snapshot));
        }
        if inbox_consumed > head.state.inbox_consumed {
            head.state.inbox_consumed = inbox_consumed;
            out.writes.consumed.push((at, inbox_consumed));
        }
        let unread = head.state.inbox_end > inbox_consumed;
        let born = head.state.last_time;
        let children = children
            .into_iter()
            .map(|child| self.make(child, Some(at.run), born).run)
            .collect();

        let mut emitted = None;
        match to {
            Position::Running { node } => self.stand(at, node, None).await?,
            Position::Calling { node, calls } => self.stand(at, node, Some(json(&calls).get().into())).await?,
            Position::Waiting { node, waits } => self.wait(at, node, waits, unread).await?,
            Position::Emitting { node, emit } => {
                self.stand(at, node, None).await?;
                emitted = Some(self.emit(at, *emit).await?);
            }
            Position::Completed { node, output } => {
                let output: Box<str> = output.into();
                self.end(at, RunStatus::Completed, Some(node), Some(output.into()), None)
                    .await?;
            }
            Position::Failed { node, error } => self.end(at, RunStatus::Failed, Some(node), None, Some(error.into())).await?,
        }
        let (head, out) = self.known_head(at).await?;
        head.touch(out);
        Ok(Advanced {
            own_seq: head.state.own_seq(),
            last_time: head.state.last_time,
            children,
            emitted,
        })
    }

    async fn stand(&mut self, at: RunRef, node: String, calls: Option<Arc<str>>) -> Result<(), Error> {
        let (head, _) = self.known_head(at).await?;
        head.state.node = Some(node.into());
        head.state.calls = calls;
        Ok(())
    }

    /// Opens the waits of a run and gives up those it had. One whose outcome is in the inbox already is not opened, and as long as the
    /// flow has outcomes to be told, it runs.
    async fn wait(&mut self, at: RunRef, node: String, open: Vec<OpenWait>, unread: bool) -> Result<(), Error> {
        self.stand(at, node, None).await?;
        let answered = if unread {
            self.flush().await?;
            let (head, _) = self.known_head(at).await?;
            let consumed = head.state.inbox_consumed;
            self.store.inbox_after(at, consumed).await?
        } else {
            Vec::new()
        };
        let (head, out) = self.known_head(at).await?;
        let had = std::mem::take(&mut head.waits);
        for OpenWait { effect_id, wait, until } in open {
            if answered.contains(&effect_id) {
                continue;
            }
            let same = had
                .iter()
                .find(|w| w.effect_id == effect_id && w.wait.wait_key == wait.wait_key);
            let (ord, claimed) = same.map_or_else(
                || {
                    out.ord += 1;
                    (out.ord, None)
                },
                |w| (w.ord, w.claimed),
            );
            out.arm(until);
            head.waits.push(WaitRow {
                effect_id,
                ord,
                claimed,
                until,
                wait,
            });
        }
        head.waits_changed = true;
        if answered.is_empty() && !head.waits.is_empty() {
            head.state.status = RunStatus::Waiting;
        } else {
            head.wake(out);
        }
        self.armed(at).await?;
        self.meet_children(at).await
    }

    /// For each subworkflow wait of a run: if the child has ended, its answer; else the child is to tell when it ends.
    pub(crate) async fn meet_children(&mut self, at: RunRef) -> Result<(), Error> {
        let (head, _) = self.known_head(at).await?;
        let children: Vec<(u64, String)> = head
            .waits
            .iter()
            .filter(|w| w.wait.reason == WaitReason::Subworkflow)
            .filter_map(|w| Some((w.effect_id, w.wait.wait_key.as_deref()?.strip_prefix(SUBWORKFLOW)?.to_owned())))
            .collect();
        for (effect_id, child_id) in children {
            // A child of another host, or none: whoever knows answers by a command.
            let Some(child) = self.key_of(at.tenant, &child_id).await? else {
                continue;
            };
            let (child, out) = self.known_head(child).await?;
            let watched = if child.id.parent == Some(at.run) {
                Watched::Parent
            } else {
                Watched::Others
            };
            if child.state.status.is_terminal() {
                let payload = child.ending();
                let (head, out) = self.known_head(at).await?;
                head.answer(out, effect_id, &Outcome::Completed(payload))?;
            } else if child.state.watched < watched {
                child.state.watched = watched;
                child.touch(out);
            }
        }
        Ok(())
    }

    /// The result of an external effect whose driver has lost the run.
    pub(crate) async fn finish_call(&mut self, call: FinishedCall) -> Result<bool, Error> {
        let FinishedCall {
            run: at,
            effect_id,
            mut row,
            outcome,
        } = call;
        let Some((head, out)) = self.head(at).await? else {
            return Err(Error::UnknownRun(format!("#{}", at.run.0)));
        };
        let mut calls: Vec<super::super::types::OpenCall> = match &head.state.calls {
            Some(text) => super::super::store::query::parse(text)?,
            None => return Ok(false),
        };
        let before = calls.len();
        calls.retain(|c| c.effect_id != effect_id || c.step_id != row.step_id);
        if calls.len() == before {
            return Ok(false);
        }
        head.state.calls = (!calls.is_empty()).then(|| json(&calls).get().into());
        row.ended_at = Some(head.tick(out.now).iso());
        head.append_row(out, &row)?;
        head.state.updated = head.state.last_time;
        if !head.state.status.is_terminal() {
            head.deliver(out, effect_id, &outcome)?;
            head.wake(out);
        }
        Ok(true)
    }
}
