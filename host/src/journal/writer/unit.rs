//! The work of one commit: heads, what is to be written, and the questions that rules ask of the database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::super::store::{Counters, Store};
use super::super::types::{Error, StartRun};
use super::head::{Head, Heads, Out};
use crate::blobs::Blobs;
use crate::clock::Micros;
use crate::ids::{Digest, RunKey, RunRef, TenantId};
use crate::telemetry::metrics::metrics;

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
        self.flush().await?;
        let began = Instant::now();
        self.store.commit().await?;
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
        for (tenant, large) in std::mem::take(&mut self.out.large) {
            self.blobs.put(tenant, large.bytes).await?;
            self.add_artifact(tenant, large.artifact);
        }
        for at in std::mem::take(&mut self.out.dirty) {
            if let Some(head) = self.heads.get(at) {
                head.flush(&mut self.out.writes);
            }
        }
        self.store.apply(&mut self.out.writes).await
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

    /// The key of a run by its name.
    pub(crate) async fn key_of(&mut self, tenant: TenantId, run_id: &str) -> Result<Option<RunRef>, Error> {
        let run = match self.made.get(&(tenant, Arc::from(run_id))) {
            Some(run) => Some(*run),
            None => self.store.key_of(tenant, run_id).await?,
        };
        Ok(run.map(|run| RunRef { tenant, run }))
    }

    /// A run's head, from memory or the database; None: there is no such run.
    pub(crate) async fn head(&mut self, at: RunRef) -> Result<Option<(&mut Head, &mut Out)>, Error> {
        if self.heads.get(at).is_none() {
            // A run made in this commit is in memory, so nothing that is not yet written is missed here.
            let Some((id, state, waits)) = self.store.head(at).await? else {
                return Ok(None);
            };
            let stored_waits = waits.iter().map(|w| w.effect_id).collect();
            self.heads.insert(Head {
                at,
                id,
                state,
                waits,
                stored_waits,
                waits_changed: false,
                dirty: false,
            });
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
