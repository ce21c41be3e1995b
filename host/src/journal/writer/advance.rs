//! A driver's commit: compare, append, move.

use std::sync::Arc;

use super::super::rows::json;
use super::super::store::{Store, WaitRow, Watched};
use super::super::types::{Advance, Advanced, EmitEvent, Error, Metrics, OpenWait, Outcome, Position};
use super::unit::Unit;
use super::{FinishedCall, Prepared, times};
use crate::clock::Micros;
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
        let unknown = || Error::UnknownRun(advance.run_id.to_string());
        let (head, _) = self.head(at).await?.ok_or_else(unknown)?;
        if *head.id.run_id != *advance.run_id.as_str() {
            return Err(unknown());
        }
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
    async fn take_over(&mut self, advance: Advance, rows: Vec<Arc<str>>, metrics: Metrics) -> Result<Advanced, Error> {
        let Advance {
            run: at,
            ticks,
            inbox_consumed,
            last_time,
            snapshot,
            children,
            opened,
            abandoned,
            calls,
            emits,
            to,
            ..
        } = advance;
        let (head, out) = self.known_head(at).await?;
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
        head.state.calls = (!calls.is_empty()).then(|| json(&calls).get().into());
        let node = match &to {
            Position::Running { node }
            | Position::Waiting { node }
            | Position::Completed { node, .. }
            | Position::Failed { node, .. } => node,
        };
        head.state.node = Some(node.as_str().into());
        self.append_and_emit(at, (rows, metrics), emits).await?;
        let (head, _) = self.known_head(at).await?;
        head.state.last_time = head.state.last_time.max(last_time);
        head.state.updated = head.state.last_time;
        let born = head.state.last_time;
        let children = children
            .into_iter()
            .map(|child| self.make(child, Some(at.run), born).run)
            .collect();
        self.change_waits(at, opened, &abandoned).await?;

        match to {
            Position::Running { .. } => {}
            Position::Waiting { .. } => self.wait(at).await?,
            Position::Completed { node, output } => {
                let output: Box<str> = output.into();
                self.end(at, RunStatus::Completed, Some(node), Some(output.into()), None)
                    .await?;
            }
            Position::Failed { node, error } => self.end(at, RunStatus::Failed, Some(node), None, Some(error.into())).await?,
        }
        let (head, out) = self.known_head(at).await?;
        head.touch(out);
        let (own_seq, last_time) = (head.state.own_seq(), head.state.last_time);
        let inbox = match head.state.inbox_end > inbox_consumed {
            true => {
                self.flush().await?;
                self.store.inbox_after(at, inbox_consumed).await?
            }
            false => Vec::new(),
        };
        Ok(Advanced {
            own_seq,
            last_time,
            children,
            inbox,
        })
    }

    /// Appends the rows of a commit with those of its events between them. Rows that the driver did not know of when it stamped its own come
    /// before these in time, too.
    async fn append_and_emit(
        &mut self,
        at: RunRef,
        (rows, metrics): (Vec<Arc<str>>, Metrics),
        emits: Vec<EmitEvent>,
    ) -> Result<(), Error> {
        let (head, _) = self.known_head(at).await?;
        let mut unknown = head.state.notes > 0;
        let (mut rows, mut appended) = (rows.into_iter(), 0);
        for mut emit in emits {
            let mut before: Vec<_> = rows.by_ref().take(emit.after_rows.saturating_sub(appended)).collect();
            appended += before.len();
            let (head, out) = self.known_head(at).await?;
            if unknown {
                times::behind(&mut before, Some(&mut emit.step), &mut head.state.last_time)?;
            }
            let started = Micros::parse(&emit.step.started_at).unwrap_or_default();
            head.state.last_time = head.state.last_time.max(started);
            head.append(out, before, Metrics::default());
            self.emit(at, emit).await?;
            unknown = true;
        }
        let (head, out) = self.known_head(at).await?;
        let mut rest: Vec<_> = rows.collect();
        if unknown {
            times::behind(&mut rest, None, &mut head.state.last_time)?;
        }
        head.append(out, rest, metrics);
        Ok(())
    }

    /// Closes waits that are no longer wanted, and opens new ones behind those that are open.
    async fn change_waits(&mut self, at: RunRef, opened: Vec<OpenWait>, abandoned: &[u64]) -> Result<(), Error> {
        if opened.is_empty() && abandoned.is_empty() {
            return Ok(());
        }
        let (head, out) = self.known_head(at).await?;
        let before = out.ord;
        head.waits
            .retain(|wait| !abandoned.contains(&wait.effect_id) && opened.iter().all(|new| new.effect_id != wait.effect_id));
        for OpenWait { effect_id, wait, until } in opened.into_iter().filter(|new| !abandoned.contains(&new.effect_id)) {
            out.ord += 1;
            out.arm(until);
            head.waits.push(WaitRow {
                effect_id,
                ord: out.ord,
                claimed: None,
                until,
                wait,
            });
        }
        head.waits_changed = true;
        self.meet_children(at, before).await
    }

    /// The flow has nothing to do. As long as it has outcomes to be told, it runs.
    async fn wait(&mut self, at: RunRef) -> Result<(), Error> {
        let (head, out) = self.known_head(at).await?;
        if head.state.inbox_end == head.state.inbox_consumed && !head.waits.is_empty() {
            head.state.status = RunStatus::Waiting;
        } else {
            head.wake(out);
        }
        self.armed(at).await
    }

    /// For each subworkflow wait of a run that began after `since`: if the child has ended, its answer; else the child is to tell when it
    /// ends.
    pub(crate) async fn meet_children(&mut self, at: RunRef, since: i64) -> Result<(), Error> {
        let (head, _) = self.known_head(at).await?;
        let children: Vec<(u64, String)> = head
            .waits
            .iter()
            .filter(|w| w.ord > since && w.wait.reason == WaitReason::Subworkflow)
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
