//! Recomputes a run from its last snapshot and the history after it.

use serde_json::value::RawValue;

use super::history::{self, Tick, Told};
use crate::journal::{self, LiveRun, rows};
use crate::record::{Json, StepStatus};
use crate::sandbox::{Instance, Program, Sandbox, Stop, world};

/// Bytes of a request that a diagnosis shows.
const SHOWN: usize = 64 << 10;

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

/// Why a run could not be brought back.
pub(super) enum Failure {
    /// The snapshot does not fit, or a tick could not be repeated.
    Text(String),
    /// A tick asked for something else than it did when it was recorded.
    Differs(Box<Difference>),
}

/// The first request that is not the recorded one.
pub(super) struct Difference {
    /// Of the ticks since the snapshot, from 0.
    tick: usize,
    /// Of the tick's requests, from 0.
    place: usize,
    /// As it is made now. None: the flow asks for less.
    now: Option<world::Effect>,
    /// Whether history has a request in this place.
    recorded: bool,
}

impl<E: ToString> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Text(error.to_string())
    }
}

/// An instance in the state of the last commit.
///
/// # Errors
/// The run cannot be brought back.
pub(super) async fn restore(sandbox: &Sandbox, program: &Program, run: &LiveRun) -> Result<Restored, Failure> {
    let mut instance = sandbox.instantiate(program).await?;
    if let Some(snapshot) = &run.snapshot {
        instance
            .restore(snapshot)
            .await?
            .map_err(|e| format!("the snapshot does not fit the flow: {e}"))?;
    }
    let mut next = None;
    for (at, text) in run.ticks.iter().enumerate() {
        let tick: Tick = serde_json::from_str(text).map_err(|e| format!("history, tick {at}: {e}"))?;
        let progress = repeat(&mut instance, run, &tick).await;
        let progress = progress.map_err(|e| format!("replay, tick {at}: {e}"))?;
        agree(at, &tick, progress)?;
        next = tick.next;
    }
    Ok(Restored {
        instance,
        next,
        begun: run.snapshot.is_some() || !run.ticks.is_empty(),
        ticks: run.ticks.len(),
    })
}

/// Ticks the flow as it was ticked then.
pub(super) async fn repeat(instance: &mut Instance, run: &LiveRun, tick: &Tick) -> Result<world::Progress, Stop> {
    let around = around(run, tick);
    let event = tick.event.event(&run.row.entry, run.input.get());
    let (progress, _) = instance.tick(&around, &event, tick.steps).await?;
    Ok(progress)
}

/// What a flow asks for in this progress.
pub(super) fn requests(progress: &world::Progress) -> &[world::Effect] {
    match progress {
        world::Progress::Blocked(blocked) => &blocked.effects,
        _ => &[],
    }
}

/// Whether a flow that went on after this tick goes on now, and asks for what it asked for then. `at`: the tick's number since the
/// snapshot, from 0.
fn agree(at: usize, tick: &Tick, progress: world::Progress) -> Result<(), Failure> {
    let effects = match progress {
        world::Progress::Blocked(blocked) => blocked.effects,
        other => {
            goes_on(&other).map_err(|why| format!("replay, tick {at}: {why}"))?;
            Vec::new()
        }
    };
    let count = effects.len().max(tick.effects.len());
    let mut effects = effects.into_iter();
    for place in 0..count {
        let (now, recorded) = (effects.next(), tick.effects.get(place));
        if now.as_ref().map(history::digest).as_ref() != recorded {
            return Err(Failure::Differs(Box::new(Difference {
                tick: at,
                place,
                now,
                recorded: recorded.is_some(),
            })));
        }
    }
    Ok(())
}

/// That a flow has not ended, as it had not when the tick was recorded; else how it ends.
pub(super) fn goes_on(progress: &world::Progress) -> Result<(), String> {
    match progress {
        world::Progress::Blocked(_) | world::Progress::Yielded(_) => Ok(()),
        world::Progress::Completed(ended) => Err(format!(
            "the flow ends at node '{}', but it went on when it was recorded",
            ended.node
        )),
        world::Progress::Failed(failed) => Err(format!(
            "the flow fails at node '{}', but it went on when it was recorded: {}",
            failed.node, failed.message
        )),
    }
}

impl Failure {
    /// What is wrong, for people. Of a request that differs both are shown, the recorded one from the ledger.
    pub(super) async fn explain(&self, journal: &journal::Handle, run: &LiveRun) -> String {
        let differs = match self {
            Failure::Text(text) => return text.clone(),
            Failure::Differs(differs) => differs,
        };
        let now = match &differs.now {
            Some(now) => format!(
                "the flow asks for {} (effect {}, ordinal {}, result key {:?}, next node {:?})",
                request(&now.node, &now.kind, &now.payload),
                now.id,
                now.ordinal,
                now.result_key,
                now.next_node
            ),
            None => "the flow asks for nothing".to_owned(),
        };
        let recorded = match differs.recorded {
            false => "nothing".to_owned(),
            true => match differs.recorded(journal, run).await {
                Ok(Some(row)) => row,
                Ok(None) => "a request that is not in the ledger".to_owned(),
                Err(error) => format!("a request that cannot be read: {error}"),
            },
        };
        format!(
            "replay, tick {}: {now}, but when it was recorded it asked for {recorded}",
            differs.tick
        )
    }
}

impl Difference {
    /// The recorded request, as the ledger shows it.
    async fn recorded(&self, journal: &journal::Handle, run: &LiveRun) -> Result<Option<String>, journal::Error> {
        #[derive(serde::Deserialize)]
        struct Asked {
            #[serde(default)]
            effects: Vec<serde::de::IgnoredAny>,
        }
        #[derive(serde::Deserialize)]
        struct Row {
            node_id: String,
            status: StepStatus,
            effect: Option<Effect>,
            attempt: u32,
        }
        #[derive(serde::Deserialize)]
        struct Effect {
            #[serde(rename = "type")]
            kind: String,
            payload: Json,
        }
        let history = journal.history(run.row.at).await?;
        let before = history.len().saturating_sub(run.ticks.len()) + self.tick;
        let asked = history
            .iter()
            .take(before)
            .filter_map(|tick| serde_json::from_str::<Asked>(tick).ok());
        // Each request has one `started` row of a first attempt, in the order of the requests.
        let mut left = asked.map(|tick| tick.effects.len()).sum::<usize>() + self.place;
        let mut after = 0;
        loop {
            let page = journal.ledger(run.row.at.tenant, &run.row.run_id, after, 1000).await?;
            for row in &page.rows {
                let Ok(row) = serde_json::from_str::<Row>(row) else { continue };
                let (StepStatus::Started, 1, Some(effect)) = (row.status, row.attempt, row.effect) else {
                    continue;
                };
                if left == 0 {
                    return Ok(Some(request(&row.node_id, &effect.kind, effect.payload.get())));
                }
                left -= 1;
            }
            if page.rows.is_empty() {
                return Ok(None);
            }
            after = page.next_after;
        }
    }
}

/// A request in full, as far as that is for people.
fn request(node: &str, kind: &str, payload: &str) -> String {
    let end = (0..=SHOWN.min(payload.len())).rev().find(|at| payload.is_char_boundary(*at));
    let shown = &payload[..end.unwrap_or(0)];
    let more = if shown.len() < payload.len() {
        format!("… ({} bytes)", payload.len())
    } else {
        String::new()
    };
    format!("{kind} of node '{node}' with {shown}{more}")
}

/// What a flow is told with a tick beside the event.
pub(super) fn around(run: &LiveRun, tick: &Tick) -> world::Around {
    let (row, patch) = (&run.row, tick.patch.as_deref());
    let workflow_id = tick.workflow.as_ref().or(run.moved_from.as_ref());
    let started = row.host_patch.as_ref().map_or(&row.host_vars, |changed| &changed.started);
    let now = row.host_patch.as_ref().map(|changed| &*changed.patch);
    let host_vars = match patch {
        patch if patch.map(RawValue::get) == now.map(RawValue::get) => row.host_vars.get().to_owned(),
        Some(patch) => rows::patched(started, patch).get().to_owned(),
        None => started.get().to_owned(),
    };
    world::Around {
        now_us: tick.now,
        seed: tick.seed,
        run_id: row.run_id.to_string(),
        workflow_id: workflow_id.unwrap_or(&row.workflow_id).clone(),
        session_id: row.session_id.clone(),
        parent_run_id: row.parent_run_id.as_ref().map(ToString::to_string),
        host_vars,
        host: "{}".to_owned(),
    }
}
