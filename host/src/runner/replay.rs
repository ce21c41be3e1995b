//! Recomputes a run from its last snapshot and the history after it.

use serde_json::value::RawValue;

use super::history::{self, Tick, Told};
use crate::journal::{LiveRun, rows};
use crate::sandbox::{Instance, Program, Sandbox, world};

/// A run brought back to where its last commit left it.
pub(super) struct Restored {
    pub instance: Instance,
    /// What the flow is to be told first, when history says it.
    pub next: Option<Told>,
    /// Whether the flow has been ticked before.
    pub begun: bool,
    /// Ticks since the snapshot.
    pub ticks: usize,
}

/// An instance in the state of the last commit.
///
/// # Errors
/// The snapshot does not fit, a tick could not be repeated, or it asked for something else than it did before: then the text
/// shows both.
pub(super) async fn restore(sandbox: &Sandbox, program: &Program, run: &LiveRun) -> Result<Restored, String> {
    let mut instance = sandbox.instantiate(program).await.map_err(|e| e.to_string())?;
    if let Some(snapshot) = &run.snapshot {
        instance
            .restore(snapshot)
            .await
            .map_err(|e| e.to_string())?
            .map_err(|e| format!("the snapshot does not fit the flow: {e}"))?;
    }
    let mut next = None;
    for (at, text) in run.ticks.iter().enumerate() {
        let tick: Tick = serde_json::from_str(text).map_err(|e| format!("history, tick {at}: {e}"))?;
        next = tick.next.clone();
        repeat(&mut instance, run, at, &tick).await?;
    }
    Ok(Restored {
        instance,
        next,
        begun: run.snapshot.is_some() || !run.ticks.is_empty(),
        ticks: run.ticks.len(),
    })
}

async fn repeat(instance: &mut Instance, run: &LiveRun, at: usize, tick: &Tick) -> Result<(), String> {
    let around = around(run, tick.now, tick.seed, tick.patch.as_deref());
    let event = tick.event.event(&run.row.entry, run.input.get());
    let (progress, _) = instance
        .tick(&around, &event, tick.steps)
        .await
        .map_err(|e| format!("replay, tick {at}: {e}"))?;
    let effects = match &progress {
        world::Progress::Blocked(blocked) => blocked.effects.as_slice(),
        _ => &[],
    };
    let now: Vec<String> = effects.iter().map(history::digest).collect();
    if now != tick.effects {
        let shown: Vec<String> = effects
            .iter()
            .map(|e| format!("{} {} {}", e.node, e.kind, e.payload))
            .collect();
        return Err(format!(
            "replay, tick {at}: the flow asks for {now:?} ({}), but history has {:?} (ledger rows {:?})",
            shown.join("; "),
            tick.effects,
            tick.seq
        ));
    }
    Ok(())
}

/// What a flow is told beside the event. `patch`: of the host's variables, since the run's start.
pub(super) fn around(run: &LiveRun, now_us: i64, seed: u64, patch: Option<&RawValue>) -> world::Around {
    let row = &run.row;
    let started = row.host_patch.as_ref().map_or(&row.host_vars, |changed| &changed.started);
    let now = row.host_patch.as_ref().map(|changed| &*changed.patch);
    let host_vars = match patch {
        patch if patch.map(RawValue::get) == now.map(RawValue::get) => row.host_vars.get().to_owned(),
        Some(patch) => rows::patched(started, patch).get().to_owned(),
        None => started.get().to_owned(),
    };
    world::Around {
        now_us,
        seed,
        run_id: row.run_id.to_string(),
        workflow_id: row.workflow_id.clone(),
        session_id: row.session_id.clone(),
        parent_run_id: row.parent_run_id.as_ref().map(ToString::to_string),
        host_vars,
        host: "{}".to_owned(),
    }
}
