//! The writer: one task, one write connection, group commit.
//!
//! # The commit protocol
//!
//! 1. Take everything that waits in the queue, up to [`Options::max_group`].
//! 2. `BEGIN IMMEDIATE`. If another process has written since our last commit, drop what is cached.
//! 3. Serve each request: check first, then change. The change is made to [heads](head) in memory and to lists of rows to be written;
//!    the database is read only for what memory does not hold. A refusal ([`Error::Stale`], [`Error::DuplicateRun`], …) has changed
//!    nothing and is that request's answer; the others do not notice.
//! 4. Do what is left from earlier: deliveries too long for one commit, stored commands, due timers.
//! 5. Write all rows of all requests, in few statements, and `COMMIT`. Drivers of the runs that the commit makes begin meanwhile.
//! 6. Only now tell: subscribers, the runner, the callers. Nothing of a commit is visible before it is durable, and what a driver has
//!    computed ahead is refused if the commit with its run has failed.
//!
//! A database error anywhere in 2 to 5 fails the whole commit: every caller gets the error, the cached heads are dropped (they
//! have changes that were never written), and the next commit starts from what the disk says. The writer tries again by itself, after a pause
//! that grows while commits fail ([`trouble`]); runs whose drivers were answered like that are woken when one has succeeded.
//!
//! What one request brings about harms it alone ([`culprit`]).
//!
//! One runner moves the runs of a database. The file lock sees to that; should it fail, the term does: a process that begins to drive takes the
//! next one, and a runner that finds another term than its own at the beginning of a commit refuses everything and ends.
//!
//! What has expired goes in [commits of its own](retention), after those who wait have been answered.
//!
//! WASM never runs here, nor does anything that waits for the network.

mod advance;
mod artifact;
mod bundle;
mod checkpoint;
mod command;
mod culprit;
mod ending;
mod event;
mod head;
mod import;
mod moving;
mod request;
mod retention;
mod schedule;
mod serve;
mod start;
mod timer;
mod times;
mod tree;
mod trouble;
mod unit;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::fuse::Fuse;
use super::handle::{Handle, Shared};
use super::nudge::{Heard, Nudge};
use super::options::{Options, Role};
use super::scope::Reads;
use super::store::connect::connect_options;
use super::store::sqlite::Sqlite;
use super::store::{Store, Writes};
use super::subscribe::Published;
use super::types::Error;
use super::wakes::Wake;
use crate::clock::{Clock, Micros};
use crate::ids::{Digest, RunRef};
use crate::telemetry::metrics::metrics;

use self::checkpoint::Checkpoints;
use self::culprit::Suspects;
pub use self::import::ImportedRun;
pub use self::request::{Component, FinishedCall, PutArtifact, Started};
pub(crate) use self::request::{NoteAccess, Prepared, Queued, Reply, Request, shrink_rows};
use self::request::{Pending, copy, pending};
use self::trouble::Trouble;
use self::unit::Unit;

/// The longest sleep while a timer is armed: the machine's clock may be set or the machine may sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// The writer task. Owns the write connection; ends when all [handles](Handle) are dropped or one is closed.
pub struct Service {
    requests: mpsc::Receiver<Queued>,
    writer: Writer<Sqlite>,
    max_group: usize,
    /// The other processes of this database, in split mode.
    nudge: Option<Nudge>,
    checkpoints: Checkpoints,
}

/// A [spawned](Service::spawn) service. Dropping it stops nothing.
pub struct Running(oneshot::Receiver<Result<(), Error>>);

impl Running {
    /// Waits for the end of the service.
    ///
    /// # Errors
    /// As [`Service::run`]; [`Error::Closed`] if it broke off.
    pub async fn ended(self) -> Result<(), Error> {
        self.0.await.unwrap_or(Err(Error::Closed))
    }
}

/// What the service does its work with.
struct Writer<S> {
    unit: Unit<S>,
    /// Where committed news go and what handles ask without the writer.
    shared: Arc<Shared>,
    clock: Clock,
    role: Role,
    /// Answers of the commit being made.
    answers: Vec<Pending>,
    /// What is to be done when everybody else has been answered.
    chores: Vec<Request>,
    /// Runs that the last commit has moved, for other processes.
    moved: Vec<RunRef>,
    /// Ledger rows of the last commits.
    rows: usize,
    trouble: Trouble,
    suspects: Suspects,
    /// The caller that asked to close.
    closing: Option<Reply<()>>,
    fuse: Option<Fuse>,
}

/// Opens the database, bringing its schema up to date.
///
/// # Errors
/// [`Error::Newer`] for a database of a newer host; otherwise what the database says.
pub async fn open(options: Options) -> Result<(Handle, Service), Error> {
    let mut store = Sqlite::open(&options).await?;
    let checkpoints = Checkpoints::new(options.path.is_some().then(|| connect_options(&options, false)));
    let reads = Reads::open(&options, &store).await?;
    store.begin().await?;
    let (counters, ord) = (store.counters().await?, store.last_ord().await?);
    let term = match options.role {
        Role::Runner => Some(store.take_over().await?),
        Role::Api => None,
    };
    store.commit(&mut Writes::default()).await?;
    let shared = Arc::new(Shared::new(&options, reads));
    let blobs = shared.blobs.clone();
    let (sender, requests) = mpsc::channel(options.queue.max(1));
    let handle = Handle::new(sender, Arc::clone(&shared));
    let mut unit = Unit::new(store, (blobs, options.max_inline_bytes), options.cached_runs, counters, ord);
    unit.hash_chain = options.hash_chain;
    unit.term = term;
    let writer = Writer {
        unit,
        shared,
        clock: options.clock,
        role: options.role,
        answers: Vec::new(),
        chores: Vec::new(),
        moved: Vec::new(),
        rows: 0,
        trouble: Trouble::default(),
        suspects: Suspects::default(),
        closing: None,
        fuse: options.fuse.clone(),
    };
    let nudge = options
        .path
        .as_deref()
        .and_then(Path::parent)
        .filter(|_| options.nudge)
        .map(|dir| Nudge::open(dir, options.role));
    Ok((
        handle,
        Service {
            requests,
            writer,
            max_group: options.max_group.max(1),
            nudge,
            checkpoints,
        },
    ))
}

impl Service {
    /// Runs on a thread of its own. As one of many tasks of a busy runtime it would stand in line after each statement, and everybody waits for
    /// its commits.
    ///
    /// # Errors
    /// There can be no such thread.
    pub fn spawn(self) -> io::Result<Running> {
        // What waits for sockets does so in the runtime that made them.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (ended, running) = oneshot::channel();
        let work = move || {
            let _gone = ended.send(runtime.block_on(self.run()));
        };
        std::thread::Builder::new().name("journal".to_owned()).spawn(work)?;
        Ok(Running(running))
    }

    /// Runs until the last handle is dropped or one is closed.
    ///
    /// # Errors
    /// [`Error::Deposed`], or the last checkpoint failed; everything that was answered is durable all the same.
    pub async fn run(mut self) -> Result<(), Error> {
        let (mut batch, mut taken) = (Vec::new(), Vec::new());
        // What an earlier process has left: deliveries, commands, timers.
        self.commit(&mut batch).await;
        while self.writer.closing.is_none() && !self.writer.trouble.is_deposed() {
            let sleep = self.writer.sleep();
            tokio::select! {
                count = self.requests.recv_many(&mut taken, self.max_group) => if count == 0 { break },
                heard = wait_for(&mut self.nudge) => match heard {
                    Heard::Look => {}
                    Heard::Everything => {
                        self.writer.shared.topics.touch(None);
                        continue;
                    }
                    Heard::Runs(runs) => {
                        self.writer.shared.topics.touch(Some(&runs));
                        continue;
                    }
                },
                () = asleep(sleep) => {}
            }
            self.writer.take(&mut taken, &mut batch);
            self.commit(&mut batch).await;
        }
        self.requests.close();
        while self.requests.recv_many(&mut taken, self.max_group).await > 0 {
            self.writer.take(&mut taken, &mut batch);
            self.commit(&mut batch).await;
        }
        self.writer.shared.topics.close();
        self.writer.shared.wakes.close();
        self.checkpoints.end().await;
        let done = match self.writer.trouble.is_deposed() {
            true => Err(Error::Deposed),
            false => self.writer.unit.store.checkpoint().await,
        };
        if let Some(reply) = self.writer.closing.take() {
            let _gone = reply.send(done.as_ref().copied().map_err(copy));
        }
        done
    }
}

impl Service {
    /// Makes a commit and tells the other processes of it.
    async fn commit(&mut self, batch: &mut Vec<Request>) {
        let asked = !batch.is_empty();
        self.writer.commit(batch).await;
        let rows = std::mem::take(&mut self.writer.rows);
        if self.checkpoints.committed(rows).await
            && let Err(error) = self.writer.unit.store.restart_log().await
        {
            tracing::warn!(%error, "the write-ahead log could not begin again");
        }
        self.writer.tidy().await;
        if let Some(nudge) = &mut self.nudge {
            nudge.committed(asked, &self.writer.moved);
        }
        self.writer.moved.clear();
    }
}

async fn wait_for(nudge: &mut Option<Nudge>) -> Heard {
    match nudge {
        Some(nudge) => nudge.heard().await,
        None => std::future::pending().await,
    }
}

async fn asleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

impl<S: Store> Writer<S> {
    /// How long to sleep if nobody asks for anything: None, until somebody does.
    fn sleep(&self) -> Option<Duration> {
        if let Some(left) = self.trouble.left() {
            return Some(left);
        }
        if self.role != Role::Runner {
            return None;
        }
        if self.unit.deliveries_open || self.unit.commands_open {
            return Some(Duration::ZERO);
        }
        let due = self.unit.next_due.filter(|_| !self.clock.is_virtual())?;
        let left = due.0.saturating_sub(self.clock.now().0).max(0);
        Some(Duration::from_micros(left as u64).min(LONGEST_SLEEP))
    }

    /// Takes requests off the queue; the first is the oldest that nobody has answered.
    fn take(&mut self, taken: &mut Vec<Queued>, batch: &mut Vec<Request>) {
        let chores = taken.extract_if(.., |queued| matches!(queued.request, Request::Chore(..)));
        self.chores.extend(chores.map(|queued| queued.request));
        if let Some(oldest) = taken.first() {
            metrics().queue_seconds.record(oldest.at.elapsed());
            self.shared.vital.begin(oldest.at);
        }
        batch.extend(taken.drain(..).map(|queued| queued.request));
    }

    /// One commit with everything in `batch`; further ones, if something in it must not share a commit.
    async fn commit(&mut self, batch: &mut Vec<Request>) {
        if self.refuse(batch).await {
            return;
        }
        let alone = self.suspects.taken_from(batch);
        self.commit_together(batch).await;
        // What was behind a request that could not be served.
        while !batch.is_empty() {
            self.commit_together(batch).await;
        }
        for request in alone {
            batch.push(request);
            self.commit_together(batch).await;
        }
    }

    async fn commit_together(&mut self, batch: &mut Vec<Request>) {
        let (began, requests) = (Instant::now(), batch.len());
        let driven: Vec<RunRef> = batch.iter().filter_map(Request::driven).collect();
        match self.make(batch).await {
            Ok(()) => {
                let rows = self.unit.out.news.values().map(|news| news.rows.len()).sum::<usize>();
                self.rows += rows;
                let stranded = self.trouble.over();
                self.shared.wakes.add(stranded.into_iter().map(Wake::Ready));
                if requests > 0 {
                    metrics().commit_requests.record(requests as f64);
                    metrics().commit_rows.record(rows as f64);
                    metrics().commit_seconds.record(began.elapsed());
                }
                metrics().commits.increment(1);
                self.shared.vital.committed(requests > 0);
                self.tell();
                if self.answers.len() == 1 {
                    self.suspects.clear(&driven);
                }
                for answer in self.answers.drain(..) {
                    answer(None);
                }
            }
            Err(error) => {
                tracing::error!(%error, requests, "a commit failed");
                metrics().commits_failed.increment(1);
                self.shared.vital.failed();
                self.shared.fresh.forget(self.unit.out.born.iter().map(|(at, _)| at));
                self.unit.abort().await;
                // Before the first request is served, no request is to blame, and all of them are still in the batch.
                let is_of_one = culprit::is_of_one(&error) && (batch.is_empty() || self.suspects.last_is_known);
                if is_of_one {
                    self.answer_one(&error);
                    self.suspects.add(&driven);
                } else {
                    for answer in self.answers.drain(..) {
                        answer(Some(&error));
                    }
                    // Dropping a request tells its caller too, but not why.
                    for request in batch.drain(..) {
                        request.refuse(&error);
                    }
                }
                self.trouble.add(&error, driven);
            }
        }
    }

    /// Steps 2 to 5. Requests are taken out of `batch` as they are served.
    async fn make(&mut self, batch: &mut Vec<Request>) -> Result<(), Error> {
        self.suspects.last_is_known = false;
        let now = self.clock.now();
        let newest = self.unit.counters.run;
        if self.unit.begin(now).await? {
            self.unit.commands_open = true;
            if self.role == Role::Runner {
                let runs = self.unit.store.started_after(newest).await?;
                self.unit.out.wakes.extend(runs.into_iter().map(Wake::Ready));
            }
        }
        if self.trouble.left().is_some() {
            // An empty commit would succeed on any disk.
            self.unit.store.probe(now).await?;
        }
        self.look_up(batch).await?;
        self.weed(batch).await?;
        let mut requests = std::mem::take(batch).into_iter();
        while let Some(request) = requests.next() {
            if let Err(error) = self.serve(request).await {
                self.suspects.last_is_known = true;
                batch.extend(requests);
                return Err(error);
            }
        }
        if self.role == Role::Runner {
            self.catch_up(now).await?;
        }
        let (drives, troubled) = (self.role == Role::Runner, self.trouble.left().is_some());
        if drives && !troubled {
            self.keep_new(true);
        }
        let fuse = self.fuse.as_ref().filter(|_| !self.unit.out.news.is_empty());
        if let Some(fuse) = fuse {
            fuse.before().await;
        }
        self.unit.commit().await?;
        if let Some(fuse) = fuse {
            fuse.after().await;
        }
        if drives && troubled {
            self.keep_new(false);
        }
        Ok(())
    }
}
