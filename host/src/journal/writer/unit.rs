//! The work of one commit: heads, what is to be written, and the questions that rules ask of the database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::super::store::{CommandRow, Counters, Store};
use super::super::types::{Error, StartRun};
use super::head::{Head, Heads, Out};
use crate::blobs::Blobs;
use crate::clock::Micros;
use crate::ids::{Digest, RunKey, RunRef, TenantId};
use crate::telemetry::metrics::metrics;

/// What is known of the commands of a commit, by tenant and name.
#[derive(Default)]
struct Asked {
    runs: HashMap<(TenantId, Arc<str>), Option<RunKey>>,
    commands: HashMap<(TenantId, Arc<str>), Option<u64>>,
}

/// Everything the rules of the writer work on. Owned by the writer task for its life; its heads survive a commit, the rest is of
/// the commit being made.
pub(crate) struct Unit<S> {
    pub store: S,
    /// Where values go that the writer's own rows are too small for.
    blobs: Blobs,
    max_inline_bytes: usize,
    /// New rows are chained by hashes.
    pub hash_chain: bool,
    pub heads: Heads,
    pub out: Out,
    /// Last numbers given out. Read anew when another process has written.
    pub counters: Counters,
    /// `counters` as of the last commit.
    settled: Counters,
    /// Run ids of this commit's requests that the database has already; asked once for the whole commit.
    pub known: HashSet<(TenantId, Arc<str>)>,
    /// Runs made in this commit, by name.
    pub made: HashMap<(TenantId, Arc<str>), RunKey>,
    /// What this commit's commands name, asked once for the whole commit. None: it was not there.
    asked: Asked,
    /// There may be claimed waits to tell, or deliveries to forget.
    pub deliveries_open: bool,
    /// There may be commands that were stored and not applied.
    pub commands_open: bool,
    /// Not later than the earliest armed timer; None if there is none.
    pub next_due: Option<Micros>,
    /// `next_due` is to be read from the database.
    pub due_unknown: bool,
    /// Of this process as the runner; None where it only inserts.
    pub term: Option<i64>,
    /// The last core module that a component was stored with.
    pub runtime: Option<(Arc<[u8]>, Digest)>,
}

impl<S: Store> Unit<S> {
    pub(crate) fn new(
        store: S,
        (blobs, max_inline_bytes): (Blobs, usize),
        cached_runs: usize,
        counters: Counters,
        ord: i64,
    ) -> Self {
        let out = Out { ord, ..Out::default() };
        let heads = Heads::new(cached_runs);
        let (known, made) = (HashSet::new(), HashMap::new());
        Unit {
            store,
            blobs,
            max_inline_bytes,
            hash_chain: false,
            heads,
            out,
            counters,
            settled: counters,
            known,
            made,
            asked: Asked::default(),
            deliveries_open: true,
            commands_open: true,
            next_due: None,
            due_unknown: true,
            term: None,
            runtime: None,
        }
    }

    /// Begins a commit. True: another process has written since the last. [`Error::Deposed`]: that was another runner.
    pub(crate) async fn begin(&mut self, now: Micros) -> Result<bool, Error> {
        let ord = self.out.ord;
        self.out = Out {
            now,
            ord,
            max_inline_bytes: self.max_inline_bytes,
            hash_chain: self.hash_chain,
            ..Out::default()
        };
        self.known.clear();
        self.made.clear();
        self.asked = Asked::default();
        let foreign = self.store.begin().await?;
        if foreign {
            if self.term.is_some() && self.term != Some(self.store.term().await?) {
                return Err(Error::Deposed);
            }
            self.heads.clear();
            self.counters = self.store.counters().await?;
        }
        Ok(foreign)
    }

    pub(crate) async fn commit(&mut self) -> Result<(), Error> {
        self.gather().await?;
        if !self.out.writes.is_of_one() {
            self.store.apply(&mut self.out.writes).await?;
        }
        let began = Instant::now();
        self.store.commit(&mut self.out.writes).await?;
        metrics().sync_seconds.record(began.elapsed());
        self.settled = self.counters;
        Ok(())
    }

    /// Forgets what a failed commit has changed.
    pub(crate) async fn abort(&mut self) {
        self.heads.clear();
        self.counters = self.settled;
        (self.deliveries_open, self.commands_open, self.due_unknown) = (true, true, true);
        self.store.rollback().await;
    }

    /// Writes what has been gathered, so that queries see it.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.gather().await?;
        self.store.apply(&mut self.out.writes).await
    }

    /// Adds what is only in memory to what is to be written.
    async fn gather(&mut self) -> Result<(), Error> {
        for (tenant, large) in std::mem::take(&mut self.out.large) {
            self.blobs.put(tenant, large.bytes).await?;
            self.add_artifact(tenant, large.artifact);
        }
        for at in std::mem::take(&mut self.out.dirty) {
            if let Some(head) = self.heads.get(at) {
                head.flush(&mut self.out.writes);
            }
        }
        Ok(())
    }

    /// Asks for those of `runs` (and theirs) that exist, before any of them is made.
    pub(crate) async fn look_up_ids<'a>(&mut self, runs: impl Iterator<Item = &'a StartRun>) -> Result<(), Error> {
        let mut by_tenant: HashMap<TenantId, Vec<Arc<str>>> = HashMap::new();
        for run in runs {
            for one in std::iter::once(run).chain(&run.listeners) {
                by_tenant.entry(one.tenant).or_default().push(one.run_id.as_str().into());
            }
        }
        for (tenant, ids) in by_tenant {
            let found = self.store.existing(tenant, ids).await?;
            self.known.extend(found.into_iter().map(|id| (tenant, id)));
        }
        Ok(())
    }

    /// Asks for the commands of these ids and the runs of these names, and reads the runs' heads, before any command is served.
    pub(crate) async fn look_up_commands<'a>(
        &mut self,
        commands: impl Iterator<Item = (TenantId, &'a str, &'a str)>,
    ) -> Result<(), Error> {
        let mut by_tenant: HashMap<TenantId, (Vec<&str>, Vec<&str>)> = HashMap::new();
        for (tenant, command_id, run_id) in commands {
            let (commands, runs) = by_tenant.entry(tenant).or_default();
            commands.push(command_id);
            runs.push(run_id);
        }
        for (tenant, (commands, runs)) in by_tenant {
            // One alone is asked for when it is needed, if it is.
            if commands.len() < 2 {
                continue;
            }
            let Asked {
                runs: keys,
                commands: seqs,
            } = &mut self.asked;
            keys.extend(runs.iter().map(|id| ((tenant, Arc::from(*id)), None)));
            seqs.extend(commands.iter().map(|id| ((tenant, Arc::from(*id)), None)));
            let found = self.store.keys_of(tenant, &runs).await?;
            if self.term.is_some() {
                let heads = &mut self.heads;
                let is_new = |run: &RunKey| heads.get(RunRef { tenant, run: *run }).is_none();
                let new: Vec<RunKey> = found.iter().map(|(_, run)| *run).filter(is_new).collect();
                for stored in self.store.heads(tenant, &new).await? {
                    self.heads.insert(Head::of(tenant, stored));
                }
            }
            keys.extend(found.into_iter().map(|(id, run)| ((tenant, id), Some(run))));
            let found = self.store.command_seqs(tenant, &commands).await?;
            seqs.extend(found.into_iter().map(|(id, seq)| ((tenant, id), Some(seq))));
        }
        Ok(())
    }

    /// From now on there is a command of this id.
    pub(crate) fn remember_command(&mut self, row: &CommandRow) {
        let name = (row.tenant, Arc::from(row.command_id.as_str()));
        self.asked.commands.insert(name, Some(row.seq));
    }

    /// The sequence number of a command that is stored already, by this commit or an earlier one.
    pub(crate) async fn command_seq(&mut self, tenant: TenantId, command_id: &str) -> Result<Option<u64>, Error> {
        match self.asked.commands.get(&(tenant, Arc::from(command_id))) {
            Some(answer) => Ok(*answer),
            None => self.store.command_seq(tenant, command_id).await,
        }
    }

    /// The key of a run by its name.
    pub(crate) async fn key_of(&mut self, tenant: TenantId, run_id: &str) -> Result<Option<RunRef>, Error> {
        let name = (tenant, Arc::from(run_id));
        let run = match (self.made.get(&name), self.asked.runs.get(&name)) {
            (Some(run), _) => Some(*run),
            (None, Some(answer)) => *answer,
            (None, None) => self.store.key_of(tenant, run_id).await?,
        };
        Ok(run.map(|run| RunRef { tenant, run }))
    }

    /// A run's head, from memory or the database; None: there is no such run.
    pub(crate) async fn head(&mut self, at: RunRef) -> Result<Option<(&mut Head, &mut Out)>, Error> {
        if self.heads.get(at).is_none() {
            // A run made in this commit is in memory, so nothing that is not yet written is missed here.
            match self.store.head(at).await? {
                Some(stored) => self.heads.insert(Head::of(at.tenant, stored)),
                None => return Ok(None),
            }
        }
        Ok(self.heads.get(at).map(|head| (head, &mut self.out)))
    }

    /// A head that must be there, because something refers to it.
    pub(crate) async fn known_head(&mut self, at: RunRef) -> Result<(&mut Head, &mut Out), Error> {
        self.head(at)
            .await?
            .ok_or_else(|| Error::Corrupt(format!("run {} of tenant {} is missing", at.run.0, at.tenant.0)))
    }
}
