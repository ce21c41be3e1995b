//! Hearing of a run's new rows after they are committed, without reading the database for each.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::tail::PAGE_ROWS;
use crate::ids::{LedgerSeq, RunRef};
use crate::record::RunStatus;

/// Rows that a topic keeps for subscribers that are a moment late. Whoever is later reads the database.
const RING_ROWS: usize = 512;
/// Bytes that a topic keeps at most, so that a few large rows do not pin memory.
const RING_BYTES: usize = 256 * 1024;
/// Bytes that a subscriber is given at a time (or one row, if that is larger): all that a slow one can hold.
pub(super) const PAGE_BYTES: usize = 64 * 1024;

/// Pages that a topic keeps for all who are at the same row.
const PAGES: usize = 4;

/// Runs started a moment ago that are kept ready for their first listener.
const WARM: usize = 1024;
/// Bytes that a topic keeps while nobody listens.
const WARM_BYTES: usize = 32 * 1024;

/// How often the listeners of a run that many listen to are told of its rows, all together: what a delivery costs is the write to a
/// connection, however many rows are in it. The end of a run is told at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Pause between two deliveries, for each listener.
    pub each: Duration,
    pub longest: Duration,
    /// A shorter pause is none.
    pub shortest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            each: Duration::from_micros(25),
            longest: Duration::from_millis(50),
            shortest: Duration::from_millis(5),
        }
    }
}

/// The runs that somebody listens to, and the newest ones, whose first listener is likely on its way. Owned by the journal; the writer publishes into it after each commit, subscriptions take
/// themselves out when they are dropped. A run nobody listens to has no entry and costs one lookup a commit.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    map: Mutex<HashMap<RunRef, Arc<Topic>>>,
    /// Topics kept though nobody listens, oldest first. Locked before `map` where both are.
    warm: Mutex<VecDeque<RunRef>>,
    pub(super) pace: Pace,
}

#[derive(Debug)]
struct Topic {
    pace: Pace,
    state: Mutex<State>,
    changed: Notify,
    /// Held by the one subscriber that reads the database for all (see [`Subscription::turn`]).
    reading: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    /// Grows with each publication.
    version: u64,
    /// The version that listeners were told of; a subscription remembers the last it saw.
    announced: u64,
    told: Option<Instant>,
    /// How many rows listeners are shown until they are told of more.
    held: Option<LedgerSeq>,
    /// The last rows, oldest first, without gaps; the newest has the number `end`.
    ring: VecDeque<Arc<str>>,
    ring_bytes: usize,
    /// The last pages that were given out, with the cursors that they follow, while more than one listens. Rows never change, so a page that
    /// was right once is right.
    pages: VecDeque<(LedgerSeq, Arc<Page>)>,
    /// How many rows the run has; None: not known here.
    end: Option<LedgerSeq>,
    status: Option<RunStatus>,
    /// Subscriptions alive. The topic goes with the last, unless it is kept warm.
    subscribers: usize,
    warm: bool,
    closed: bool,
}

/// Rows after a cursor, and where the run stood when these were its last.
#[derive(Debug, Clone)]
pub struct Tail {
    /// The same page for all who listen. Empty: there is nothing new.
    pub rows: Arc<Page>,
    /// Meaningful when `rows` is empty: then nothing follows but what is committed from now on.
    pub status: RunStatus,
}

/// Rows that follow each other; each is the JSON text of a StepRecord.
#[derive(Debug, Default)]
pub struct Page {
    rows: Vec<Arc<str>>,
    bytes: usize,
    told: OnceLock<Bytes>,
}

impl Page {
    /// As many of `rows` as fit a page: one at least, if there are any.
    pub(super) fn of(rows: impl Iterator<Item = Arc<str>>) -> Self {
        let mut page = Page::default();
        for row in rows {
            if !page.rows.is_empty() && page.bytes + row.len() > PAGE_BYTES {
                break;
            }
            page.bytes += row.len();
            page.rows.push(row);
        }
        page
    }

    /// The rows as they are sent to those who listen: `write` makes that once for all of them.
    pub fn told(&self, write: impl FnOnce(&[Arc<str>]) -> Bytes) -> Bytes {
        self.told.get_or_init(|| write(&self.rows)).clone()
    }

    pub(super) fn into_rows(self) -> Vec<Arc<str>> {
        self.rows
    }
}

impl Deref for Page {
    type Target = [Arc<str>];

    fn deref(&self) -> &[Arc<str>] {
        &self.rows
    }
}

/// What a commit made of one run.
#[derive(Debug)]
pub(crate) struct Published {
    pub run: RunRef,
    /// Sequence number of the first of `rows`.
    pub first_seq: LedgerSeq,
    pub rows: Vec<Arc<str>>,
    pub status: RunStatus,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn publish(&mut self, first_seq: LedgerSeq, rows: Vec<Arc<str>>) {
        if self.end.is_some_and(|end| end + 1 != first_seq) {
            self.forget_rows();
        }
        self.end = Some(first_seq - 1 + rows.len() as u64);
        for row in rows {
            self.ring_bytes += row.len();
            self.ring.push_back(row);
            let limit = if self.subscribers == 0 { WARM_BYTES } else { RING_BYTES };
            while self.ring.len() > RING_ROWS || self.ring_bytes > limit {
                match self.ring.pop_front() {
                    Some(old) => self.ring_bytes -= old.len(),
                    None => break,
                }
            }
        }
    }

    fn forget_rows(&mut self) {
        self.ring.clear();
        self.ring_bytes = 0;
        self.pages.clear();
    }

    /// A page that was given out before and is as good as a new one: it goes to the last row, or is as large as one read from the database.
    fn known(&self, after: LedgerSeq) -> Option<Arc<Page>> {
        let (_, page) = self.pages.iter().rev().find(|(at, _)| *at == after)?;
        let last = self.shown().is_none_or(|end| after + page.len() as u64 == end);
        let large = page.len() >= PAGE_ROWS as usize || page.bytes > PAGE_BYTES / 2;
        (last || large).then(|| Arc::clone(page))
    }

    /// How many rows listeners may see.
    fn shown(&self) -> Option<LedgerSeq> {
        self.held.or(self.end)
    }

    /// How long listeners are left alone with what they have.
    fn pause(&self, pace: &Pace) -> Option<Duration> {
        let listeners = u32::try_from(self.subscribers).unwrap_or(u32::MAX);
        let pause = pace.each.saturating_mul(listeners).min(pace.longest);
        let left = self.told.map_or(Duration::ZERO, |told| pause.saturating_sub(told.elapsed()));
        let has_ended = self.status.is_some_and(RunStatus::is_terminal);
        (pause >= pace.shortest && !left.is_zero() && !has_ended).then_some(left)
    }

    fn keep(&mut self, after: LedgerSeq, page: &Arc<Page>) {
        if self.subscribers > 1 && !page.is_empty() {
            self.pages.push_back((after, Arc::clone(page)));
            if self.pages.len() > PAGES {
                self.pages.pop_front();
            }
        }
    }
}

impl Topics {
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.map).is_empty()
    }

    pub(crate) fn has(&self, run: RunRef) -> bool {
        lock(&self.map).contains_key(&run)
    }

    /// Rows that this process has committed.
    pub(crate) fn publish(&self, news: Vec<Published>) {
        for item in news {
            let topic = lock(&self.map).get(&item.run).cloned();
            if let Some(topic) = topic {
                let mut state = lock(&topic.state);
                let before = state.end;
                state.publish(item.first_seq, item.rows);
                state.status = Some(item.status);
                state.version += 1;
                topic.tell(state, before);
            }
        }
    }

    /// Somebody else has committed something for these runs (for all of them: None). Subscribers go to the database.
    pub(crate) fn touch(&self, runs: Option<&[RunRef]>) {
        let touched: Vec<Arc<Topic>> = {
            let map = lock(&self.map);
            match runs {
                Some(runs) => runs.iter().filter_map(|r| map.get(r).cloned()).collect(),
                None => map.values().cloned().collect(),
            }
        };
        for topic in touched {
            let mut state = lock(&topic.state);
            state.forget_rows();
            state.end = None;
            state.status = None;
            state.version += 1;
            topic.tell_now(state);
        }
    }

    pub(crate) fn close(&self) {
        let all: Vec<Arc<Topic>> = lock(&self.map).values().cloned().collect();
        for topic in all {
            lock(&topic.state).closed = true;
            topic.changed.notify_waiters();
        }
    }

    /// Keeps topics for runs that have just been made; the oldest of those that nobody listens to go.
    pub(crate) fn warm(&self, runs: impl Iterator<Item = RunRef>) {
        let mut warm = lock(&self.warm);
        let mut map = lock(&self.map);
        for run in runs {
            map.insert(run, Arc::new(Topic::new(Some(RunStatus::Running), true, self.pace)));
            warm.push_back(run);
            if warm.len() > WARM
                && let Some(oldest) = warm.pop_front()
                && let Some(topic) = map.get(&oldest)
            {
                let mut state = lock(&topic.state);
                state.warm = false;
                let idle = state.subscribers == 0;
                drop(state);
                if idle {
                    map.remove(&oldest);
                }
            }
        }
    }

    pub(crate) fn subscribe(self: &Arc<Self>, run: RunRef) -> Subscription {
        let mut map = lock(&self.map);
        let topic = map.entry(run).or_insert_with(|| Arc::new(Topic::new(None, false, self.pace)));
        let mut state = lock(&topic.state);
        state.subscribers += 1;
        let seen = state.announced;
        drop(state);
        Subscription {
            topics: Arc::clone(self),
            topic: Arc::clone(topic),
            run,
            seen,
        }
    }
}

impl Topic {
    fn new(status: Option<RunStatus>, warm: bool, pace: Pace) -> Self {
        let state = State {
            version: 0,
            announced: 0,
            told: None,
            held: None,
            ring: VecDeque::new(),
            ring_bytes: 0,
            pages: VecDeque::new(),
            end: warm.then_some(0),
            status,
            subscribers: 0,
            warm,
            closed: false,
        };
        Topic {
            pace,
            state: Mutex::new(state),
            changed: Notify::new(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// There is something new, behind the first `before` rows.
    fn tell(self: &Arc<Self>, mut state: MutexGuard<'_, State>, before: Option<LedgerSeq>) {
        match (state.pause(&self.pace), state.held, before) {
            (Some(_), Some(_), _) => {}
            (Some(pause), None, Some(before)) => {
                state.held = Some(before);
                drop(state);
                let topic = Arc::clone(self);
                tokio::spawn(async move {
                    tokio::time::sleep(pause).await;
                    topic.tell_now(lock(&topic.state));
                });
            }
            _ => self.tell_now(state),
        }
    }

    fn tell_now(&self, mut state: MutexGuard<'_, State>) {
        state.held = None;
        state.announced = state.version;
        if state.subscribers > 0 {
            state.told = Some(Instant::now());
        }
        drop(state);
        self.changed.notify_waiters();
    }
}

/// One listener of one run. Subscribe first, then take the rows with [`Handle::tail`](super::Handle::tail) until there are none, and
/// again whenever [`changed`](Self::changed) returns: nothing is missed. Costs a few words; dropping it forgets it.
#[derive(Debug)]
pub struct Subscription {
    topics: Arc<Topics>,
    topic: Arc<Topic>,
    run: RunRef,
    seen: u64,
}

impl Subscription {
    /// Returns when something was committed for the run since the last call (or since the subscription was made), at once if that
    /// has happened already. False: the journal is closed, nothing will come. Cancel safe.
    pub async fn changed(&mut self) -> bool {
        loop {
            let notified = self.topic.changed.notified();
            tokio::pin!(notified);
            notified.as_mut().enable();
            {
                let state = lock(&self.topic.state);
                if state.announced != self.seen {
                    self.seen = state.announced;
                    return true;
                }
                if state.closed {
                    return false;
                }
            }
            notified.await;
        }
    }

    /// What memory knows of the rows after `after` (the number of rows the caller has); None: ask the database.
    pub(super) fn peek(&self, after: LedgerSeq) -> Option<Tail> {
        let mut state = lock(&self.topic.state);
        if let Some(rows) = state.known(after) {
            let status = state.status.unwrap_or(RunStatus::Running);
            return Some(Tail { rows, status });
        }
        let (end, shown, status) = (state.end?, state.shown()?, state.status?);
        // The first that memory still has.
        let first = end + 1 - state.ring.len() as u64;
        let rows = match after {
            _ if after >= shown => Arc::default(),
            _ if after + 1 < first => return None,
            _ => {
                let rows = state.ring.iter().skip((after + 1 - first) as usize);
                Arc::new(Page::of(rows.take((shown - after) as usize).cloned()))
            }
        };
        state.keep(after, &rows);
        Some(Tail { rows, status })
    }

    /// To be held while the database is read for what memory does not have. Those who listen to the same run and were woken with the
    /// caller wait here, and find in memory what it has [offered](Self::offer).
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.topic.reading.lock().await
    }

    pub(super) fn run(&self) -> RunRef {
        self.run
    }

    /// Counts publications: an [offer](Self::offer) that was read before one is not taken.
    pub(super) fn version(&self) -> u64 {
        lock(&self.topic.state).version
    }

    /// The rows after `after`, read from the database after `version` was looked at; `end` is how many the run has.
    pub(super) fn offer(&self, version: u64, (after, end): (LedgerSeq, LedgerSeq), tail: &Tail) {
        let mut state = lock(&self.topic.state);
        let last = after + tail.rows.len() as u64 == end;
        if last && state.version == version && state.end.is_none() {
            state.publish(after + 1, tail.rows.to_vec());
            state.status = Some(tail.status);
        }
        state.keep(after, &tail.rows);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut map = lock(&self.topics.map);
        let mut state = lock(&self.topic.state);
        state.subscribers -= 1;
        if state.subscribers == 0 && !state.warm {
            drop(state);
            map.remove(&self.run);
        }
    }
}
