//! Whether what a flow asks for keeps to the world's rules and the run's limits. A compiled flow always does; a component that somebody
//! wrote by hand may ask for anything.

use super::driver::Driver;
use crate::effects;
use crate::journal::Error;
use crate::sandbox::world;

/// What a run's children are counted with. The journal is asked once a tick, and only for a tick that may start some.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Family {
    /// Generations above the run, as far as they matter.
    above: Option<u32>,
    /// Runs of the tenant that have not ended.
    open: u64,
    /// Bytes that the tenant keeps.
    stored: u64,
}

impl Driver<'_> {
    /// Whether one tick asks for few enough effects, and gives up few enough: each costs the host work that is no part of the tick's fuel.
    ///
    /// # Errors
    /// Why the run is stopped.
    pub(super) fn not_too_many(&self, asked: &world::Blocked) -> Result<(), String> {
        let limit = self.context.settings.max_effects;
        match asked.effects.len().max(asked.abandoned.len()) {
            count if count > limit => Err(format!(
                "effect limit: one tick asks for or gives up {count} effects, more than {limit} (limits.max_effects)"
            )),
            _ => Ok(()),
        }
    }

    /// Whether a request may be made: under an id that means nothing else, and not with too many others.
    ///
    /// # Errors
    /// Why the run is stopped.
    pub(super) fn expected(&self, effect: &world::Effect) -> Result<(), String> {
        let (id, node) = (effect.id, &effect.node);
        if i64::try_from(id).is_err() {
            return Err(format!("node '{node}': the effect id {id} is larger than {}", i64::MAX));
        }
        if self.waits.contains(&id) || self.in_flight.contains(id) || self.batch.asks(id) {
            return Err(format!(
                "node '{node}': the effect id {id} is asked for again while it is outstanding"
            ));
        }
        let outstanding = self.waits.len() + self.in_flight.len() + self.batch.outstanding();
        let limit = self.context.settings.max_effects;
        if outstanding >= limit {
            return Err(format!(
                "node '{node}': effect limit: the flow waits for {outstanding} effects already, at most {limit} may be outstanding \
                 (limits.max_effects)"
            ));
        }
        Ok(())
    }

    /// Learns what the limits of children are compared with, if any of these may be one.
    ///
    /// # Errors
    /// Of the journal.
    pub(super) async fn look_at_family(&mut self, asked: &[world::Effect]) -> Result<(), Error> {
        if !asked.iter().any(|effect| effects::may_start_child(&effect.kind)) {
            return Ok(());
        }
        let (journal, run) = (&self.context.journal, &self.run.row);
        let above = match (self.family.above, &run.parent_run_id) {
            (Some(above), _) => above,
            (None, Some(_)) => journal.depth(run.at, self.context.settings.max_depth).await?,
            (None, None) => 0,
        };
        let open = journal.open_runs(run.at.tenant).await?;
        let stored = journal.stored_bytes(run.at.tenant).await?;
        self.family = Family {
            above: Some(above),
            open,
            stored,
        };
        Ok(())
    }

    /// Whether the run may start another child.
    ///
    /// # Errors
    /// The limit that forbids it: the effect fails with it.
    pub(super) fn may_start_child(&self) -> Result<(), String> {
        let settings = &self.context.settings;
        let limit = settings.max_children;
        if self.children >= limit {
            return Err(format!(
                "children limit: more than {limit} children without waiting (limits.max_children)"
            ));
        }
        let limit = settings.max_depth;
        if self.family.above.unwrap_or(0) >= limit {
            return Err(format!(
                "depth limit: more than {limit} generations of children (limits.max_depth)"
            ));
        }
        let (stored, limit) = (self.family.stored, settings.max_storage_bytes);
        if limit > 0 && stored >= limit {
            return Err(format!(
                "storage limit: {stored} bytes are kept, at most {limit} may be (limits.max_storage_bytes)"
            ));
        }
        let (open, limit) = (self.family.open + self.batch.children(), settings.max_runs);
        if open >= limit {
            return Err(format!(
                "run limit: {open} runs have not ended, at most {limit} may be (limits.max_runs)"
            ));
        }
        Ok(())
    }

    /// Whether the run's tenant keeps more than its runs may add: a tenth above what lets nothing new in.
    ///
    /// # Errors
    /// Of the journal.
    pub(super) async fn over_storage(&mut self) -> Result<Option<String>, Error> {
        let limit = self.context.settings.max_storage_bytes;
        if limit == 0 {
            return Ok(None);
        }
        let stored = self.context.journal.stored_bytes(self.run.row.at.tenant).await?;
        let most = limit.saturating_add(limit / 10);
        Ok((stored >= most).then(|| {
            format!(
                "storage limit: {stored} bytes are kept; runs go on up to {most}, a tenth more than may be kept (limits.max_storage_bytes)"
            )
        }))
    }

    /// What the flow's code printed in one tick, to the run's log.
    pub(super) fn print(&self, lines: Vec<world::Line>) {
        let run_id = self.run.row.run_id.as_str();
        let limit = self.context.settings.max_log_bytes;
        let mut printed = 0;
        for line in lines {
            printed += line.text.len() + line.node.len();
            if printed > limit {
                tracing::warn!(target: "flowgate::flow", run_id, node = %line.node,
                    "log limit: one tick prints more than {limit} bytes (limits.max_log_bytes); the rest is left out");
                return;
            }
            tracing::info!(target: "flowgate::flow", run_id, node = %line.node, "{}", line.text);
        }
    }
}
