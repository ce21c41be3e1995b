//! Runs as the writer moves them, and what moving them leaves to be written and told.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;

use super::super::chain;
use super::super::offload::{Large, is_large, shrink};
use super::super::rows::{self, Members, Owner, json};
use super::super::store::query::StoredHead;
use super::super::store::{Counted, Identity, State, StateRow, WaitRow, Writes};
use super::super::types::{Error, LiveRun, Metrics, Outcome};
use super::super::wakes::Wake;
use crate::clock::Micros;
use crate::ids::{LedgerSeq, RunId, RunRef, TenantId};
use crate::record::{RunStatus, StepRecord, WaitReason, WaitState};

/// A run in the writer's hands: as stored, with the changes of the commit that is being made.
#[derive(Debug)]
pub(crate) struct Head {
    pub at: RunRef,
    pub id: Identity,
    pub state: State,
    /// What is counted of the state as the database has it; None: it has none.
    pub counted: Option<Counted>,
    /// Open waits in the order they began.
    pub waits: Vec<WaitRow>,
    /// Effect ids of the waits as the database has them.
    pub stored_waits: Vec<u64>,
    /// The waits differ from the stored ones.
    pub waits_changed: bool,
    /// The state differs from the stored one, and the run is in [`Out::dirty`].
    pub dirty: bool,
}

/// What a commit leaves behind besides changed heads.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub writes: Writes,
    /// Runs whose heads are to be written.
    pub dirty: Vec<RunRef>,
    /// For subscribers: the new rows of each moved run and its status.
    pub news: IndexMap<RunRef, News>,
    /// Runs started in this commit, as their drivers will load them.
    pub fresh: Vec<LiveRun>,
    /// The names of these.
    pub born: Vec<(RunRef, RunId)>,
    /// For the runner.
    pub wakes: Vec<Wake>,
    /// The clock at the start of the commit.
    pub now: Micros,
    /// Earliest timer that this commit has armed.
    pub armed_until: Option<Micros>,
    /// A listener came to its first wait: events held back may go now.
    pub listener_armed: bool,
    /// Order number of the last wait that began.
    pub ord: i64,
    /// Bytes of a value in a row that the writer makes; 0 is no limit.
    pub max_inline_bytes: usize,
    /// New rows are chained by hashes.
    pub hash_chain: bool,
    /// Values that were too large for these rows; to be kept before the rows are.
    pub large: Vec<(TenantId, Large)>,
}

#[derive(Debug)]
pub(crate) struct News {
    pub first_seq: LedgerSeq,
    pub rows: Vec<Arc<str>>,
    pub status: RunStatus,
}

impl Out {
    /// A wait with this due time is armed.
    pub(crate) fn arm(&mut self, until: Option<Micros>) {
        self.armed_until = match (self.armed_until, until) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

impl Head {
    /// As the database has it.
    pub(crate) fn of(tenant: TenantId, stored: StoredHead) -> Self {
        Head {
            at: RunRef { tenant, run: stored.run },
            id: stored.id,
            counted: Some(Counted::of(&stored.state)),
            state: stored.state,
            stored_waits: stored.waits.iter().map(|wait| wait.effect_id).collect(),
            waits: stored.waits,
            waits_changed: false,
            dirty: false,
        }
    }

    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner {
            run_id: &self.id.run_id,
            actor_id: self.id.actor_id.as_deref(),
            session_id: Some(&self.id.session_id),
        }
    }

    /// A new time of this run: the clock's, but always later than its last.
    pub(crate) fn tick(&mut self, now: Micros) -> Micros {
        self.state.last_time = now.max(self.state.last_time.plus(1));
        self.state.last_time
    }

    /// The head is to be written with this commit.
    pub(crate) fn touch(&mut self, out: &mut Out) {
        if !self.dirty {
            self.dirty = true;
            out.dirty.push(self.at);
        }
        match out.news.get_mut(&self.at) {
            Some(news) => news.status = self.state.status,
            None => {
                let news = News {
                    first_seq: self.state.last_seq + 1,
                    rows: Vec::new(),
                    status: self.state.status,
                };
                out.news.insert(self.at, news);
            }
        }
    }

    /// Appends rows that are text already, with what they count; chained, if the host does that or the run's rows are.
    pub(crate) fn append(&mut self, out: &mut Out, rows: impl IntoIterator<Item = Arc<str>>, metrics: Metrics) {
        self.touch(out);
        self.state.metrics += metrics;
        for row in rows {
            let linked = (out.hash_chain || self.state.chain.is_some()).then(|| chain::link(&row, self.state.chain));
            match linked.flatten() {
                Some((row, hash)) => {
                    self.state.chain = Some(hash);
                    self.push(out, row);
                }
                None => self.push(out, row),
            }
        }
    }

    /// Appends rows of another system as they are; a chain that they have goes on.
    pub(crate) fn append_kept(&mut self, out: &mut Out, rows: Vec<Arc<str>>, metrics: Metrics) {
        self.touch(out);
        self.state.metrics += metrics;
        self.state.chain = rows.last().and_then(|row| chain::hash_of(row));
        for row in rows {
            self.push(out, row);
        }
    }

    fn push(&mut self, out: &mut Out, row: Arc<str>) {
        self.state.last_seq += 1;
        out.writes.ledger.push((self.at, self.state.last_seq, Arc::clone(&row)));
        if let Some(news) = out.news.get_mut(&self.at) {
            news.rows.push(row);
        }
    }

    pub(crate) fn append_row(&mut self, out: &mut Out, row: &StepRecord) -> Result<(), Error> {
        let mut large = Vec::new();
        let shrunk = is_large(row, out.max_inline_bytes).then(|| {
            let mut row = row.clone();
            shrink(&mut row, out.max_inline_bytes, &mut large);
            row
        });
        out.large.extend(large.into_iter().map(|large| (self.at.tenant, large)));
        let text = serde_json::to_string(shrunk.as_ref().unwrap_or(row));
        let text = text.map_err(|e| Error::Corrupt(format!("a ledger row cannot be written as JSON: {e}")))?;
        self.append(out, [text.into()], Metrics::of(row));
        Ok(())
    }

    /// Appends a row that is not the run's own: a driver that is at work goes on as if it were not there.
    pub(crate) fn append_note(&mut self, out: &mut Out, row: &StepRecord) -> Result<(), Error> {
        self.append_row(out, row)?;
        self.state.notes += 1;
        Ok(())
    }

    /// Puts an outcome into the run's inbox.
    pub(crate) fn deliver(&mut self, out: &mut Out, effect_id: u64, outcome: &Outcome) -> Result<(), Error> {
        let text =
            serde_json::to_string(outcome).map_err(|e| Error::Corrupt(format!("an outcome cannot be written as JSON: {e}")))?;
        self.state.inbox_end += 1;
        out.writes.inbox.push((self.at, self.state.inbox_end, effect_id, text));
        self.touch(out);
        Ok(())
    }

    /// Tells the runner that the run wants a driver, if it does.
    pub(crate) fn wake(&self, out: &mut Out) {
        if self.runnable() {
            out.wakes.push(Wake::Ready(self.at));
        }
    }

    pub(crate) fn runnable(&self) -> bool {
        self.state.status == RunStatus::Running && !self.state.pause.paused && self.state.unarmed == 0
    }

    pub(crate) fn wait_of(&self, effect_id: u64) -> Option<&WaitRow> {
        self.waits.iter().find(|w| w.effect_id == effect_id)
    }

    /// Answers a wait: its `resume` row if it was answered with something (a timer leaves none), the outcome into the inbox, and the run is
    /// `running` and wants a driver. Its other waits stay open. False: the wait is not open.
    ///
    /// A run that runs already may have a driver at work: the row does not disturb it.
    ///
    /// Call it for runs that are not paused only.
    pub(crate) fn answer(&mut self, out: &mut Out, effect_id: u64, outcome: &Outcome) -> Result<bool, Error> {
        let Some(place) = self.waits.iter().position(|w| w.effect_id == effect_id) else {
            return Ok(false);
        };
        let answered = self.waits.remove(place);
        self.waits_changed = true;
        let driven = self.state.status == RunStatus::Running;
        self.state.status = RunStatus::Running;
        let started = self.tick(out.now);
        if let Outcome::Completed(payload) = outcome {
            let ended = self.tick(out.now);
            let row = rows::resume_row(
                self.owner(),
                self.state.node.as_deref(),
                &answered.wait,
                payload,
                started,
                ended,
            );
            match driven {
                true => self.append_note(out, &row)?,
                false => self.append_row(out, &row)?,
            }
        }
        self.state.updated = self.state.last_time;
        self.deliver(out, effect_id, outcome)?;
        self.wake(out);
        Ok(true)
    }

    /// Moves the due time of the timed waits.
    pub(crate) fn wait_until(&mut self, out: &mut Out, until: Micros) {
        for wait in self.waits.iter_mut().filter(|w| w.wait.reason == WaitReason::Until) {
            wait.until = Some(until);
            wait.wait.until = Some(until.iso());
            self.waits_changed = true;
        }
        if !self.state.pause.paused {
            out.arm(Some(until));
        }
    }

    pub(crate) fn clear_waits(&mut self) {
        if !self.waits.is_empty() {
            self.waits.clear();
            self.waits_changed = true;
        }
    }

    /// The wait that clients are shown: the pause of a run that was running, else the first open wait with the others in
    /// `details.also`. A run may have open waits while it does something else; they can be answered, so they are shown. None, too, for a
    /// single one, which is read where it is stored.
    pub(crate) fn shown(&self) -> Option<Arc<str>> {
        if self.state.status.is_terminal() {
            return None;
        }
        if self.state.pausing {
            return Some(json(&self.pause_wait()).get().into());
        }
        let (first, others) = self.waits.split_first()?;
        if others.is_empty() {
            return None;
        }
        let mut shown = first.wait.clone();
        let mut details = shown.details.as_deref().and_then(Members::of).unwrap_or_default();
        let also: Vec<&WaitState> = others.iter().map(|w| &w.wait).collect();
        details.set("also", json(&also));
        shown.details = Some(json(&details));
        Some(json(&shown).get().into())
    }

    pub(crate) fn pause_wait(&self) -> WaitState {
        #[derive(serde::Serialize)]
        struct Details {
            kind: &'static str,
        }
        WaitState {
            reason: WaitReason::User,
            wait_key: Some(format!("pause:{}", self.id.run_id)),
            until: None,
            resume_to_node: self.state.node.as_deref().map(str::to_owned),
            result_key: None,
            prompt: Some(json("Paused")),
            choices: None,
            allow_free_text: false,
            details: Some(json(&Details { kind: "pause" })),
        }
    }

    /// Hands the changes over to be written.
    pub(crate) fn flush(&mut self, writes: &mut Writes) {
        self.dirty = false;
        writes.states.push(StateRow {
            at: self.at,
            state: self.state.clone(),
            waiting: self.shown(),
            before: self.counted.replace(Counted::of(&self.state)),
        });
        if self.waits_changed {
            self.waits_changed = false;
            let armed = !self.state.pause.paused;
            let gone = self.stored_waits.iter().filter(|id| self.wait_of(**id).is_none());
            writes.waits_gone.extend(gone.map(|id| (self.at, *id)));
            writes.waits.extend(self.waits.iter().map(|w| (self.at, w.clone(), armed)));
            self.stored_waits = self.waits.iter().map(|w| w.effect_id).collect();
        }
    }
}

/// Heads kept between commits, so that a run in motion is read once: two generations, the older of which is dropped when the younger is
/// full. A run that was looked at since the last change of generations stays.
#[derive(Debug)]
pub(crate) struct Heads {
    young: HashMap<RunRef, Box<Head>>,
    old: HashMap<RunRef, Box<Head>>,
    /// Heads of a generation.
    room: usize,
}

impl Heads {
    pub(crate) fn new(capacity: usize) -> Self {
        Heads {
            young: HashMap::new(),
            old: HashMap::new(),
            room: (capacity / 2).max(1),
        }
    }

    pub(crate) fn get(&mut self, at: RunRef) -> Option<&mut Head> {
        if let Some(head) = self.old.remove(&at) {
            self.young.insert(at, head);
        }
        self.young.get_mut(&at).map(Box::as_mut)
    }

    pub(crate) fn insert(&mut self, head: Head) {
        self.young.insert(head.at, Box::new(head));
    }

    pub(crate) fn forget(&mut self, at: RunRef) {
        self.young.remove(&at);
        self.old.remove(&at);
    }

    /// Between commits, when no head has changes that are not written.
    pub(crate) fn age(&mut self) {
        if self.young.len() >= self.room {
            self.old = std::mem::take(&mut self.young);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}
