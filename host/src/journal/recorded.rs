//! Everything that is kept of a run: what a replay compares and an upgrade tries.

use std::sync::Arc;

use serde_json::value::RawValue;
use sqlx::Row as _;

use super::chain::{self, Chain};
use super::handle::Handle;
use super::reader::load_row;
use super::scope::tenant_sql;
use super::store::query::{self, Columns};
use super::types::{Delivery, Error, LiveRun, Moved, Pin, Way};
use crate::clock::Micros;
use crate::ids::{Digest, LedgerSeq, RunId, RunKey, RunRef, TenantId};

/// A run with its whole past, as of one commit.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Without its `ticks`, which are in `history`.
    pub run: LiveRun,
    /// The history row after which the snapshot was taken.
    pub snapshot_pos: u64,
    /// Commits that have been recorded in history.
    pub history_pos: u64,
    /// The first of them that has not expired.
    pub history_horizon: u64,
    /// What is left of them, in order, as it is stored: a JSON list of ticks each.
    pub history: Vec<(u64, String)>,
    pub ledger: Vec<(LedgerSeq, Arc<str>)>,
    /// In order.
    pub moves: Vec<Moved>,
}

impl Recorded {
    /// What a driver would load.
    pub fn live(&self) -> Result<LiveRun, Error> {
        let mut run = self.run.clone();
        let after = self.history.iter().filter(|(pos, _)| *pos > self.snapshot_pos);
        for (_, ticks) in after {
            let ticks: Vec<Box<RawValue>> = query::parse(ticks)?;
            run.ticks
                .extend(ticks.into_iter().map(|tick| String::from(Box::<str>::from(tick))));
        }
        Ok(run)
    }
}

impl Handle {
    /// The tenants by their names.
    pub async fn tenant_names(&self) -> Result<Vec<(TenantId, String)>, Error> {
        let sql = "SELECT tenant, name FROM tenants ORDER BY tenant";
        let rows = self.reads().host_wide().await?.query(sql).all().await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((TenantId(c.get()?), c.get()?))
            })
            .collect()
    }

    /// Every run of a tenant, in the order of their starts.
    pub async fn all_runs(&self, tenant: TenantId) -> Result<Vec<RunRef>, Error> {
        let sql = tenant_sql!("SELECT run FROM runs WHERE tenant = ?1 ORDER BY run");
        let rows = self.reads().of(tenant).await?.query(sql).all().await?;
        let run = |row: &sqlx::sqlite::SqliteRow| {
            Ok(RunRef {
                tenant,
                run: RunKey(row.try_get(0)?),
            })
        };
        rows.iter().map(run).collect()
    }

    /// What a run is called.
    pub async fn name_of(&self, at: RunRef) -> Result<Option<String>, Error> {
        let sql = tenant_sql!("SELECT run_id FROM runs WHERE tenant = ?1 AND run = ?2");
        self.reads().of(at.tenant).await?.query(sql).bind(at.run.0).value().await
    }

    /// The runs of a tenant that have not ended, in the order of their starts, with their names and workflows.
    pub async fn unended(&self, tenant: TenantId) -> Result<Vec<(RunRef, RunId, String)>, Error> {
        let sql = tenant_sql!(
            "SELECT r.tenant, r.run, r.run_id, r.workflow_id FROM run_state s JOIN runs r USING (tenant, run) \
             WHERE s.tenant = ?1 AND s.status IN ('running', 'waiting') ORDER BY r.run"
        );
        let rows = self.reads().of(tenant).await?.query(sql).all().await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok((c.at()?, RunId::from(c.get::<&str>()?), c.get()?))
            })
            .collect()
    }

    /// Everything that is kept of a run. It is all read into memory.
    pub async fn recorded(&self, at: RunRef) -> Result<Option<Recorded>, Error> {
        let mut rows = self.reads().of(at.tenant).await?;
        let mut rows = rows.at_one_commit().await?;
        let Some((mut run, _)) = load_row(&mut rows, at).await? else {
            return Ok(None);
        };
        let sql = tenant_sql!("SELECT pos, state FROM snapshots WHERE tenant = ?1 AND run = ?2");
        let mut snapshot_pos = 0;
        if let Some(row) = rows.query(sql).bind(at.run.0).one().await? {
            let mut c = Columns::of(&row);
            snapshot_pos = c.u64()?;
            run.snapshot = Some(c.get()?);
        }
        let sql = tenant_sql!("SELECT effect_id, outcome FROM inbox WHERE tenant = ?1 AND run = ?2 AND pos > ?3 ORDER BY pos");
        let consumed = i64::try_from(run.inbox_consumed).unwrap_or(i64::MAX);
        for row in rows.query(sql).bind(at.run.0).bind(consumed).all().await? {
            let mut c = Columns::of(&row);
            run.inbox.push(Delivery {
                effect_id: c.u64()?,
                outcome: query::parse(c.get()?)?,
            });
        }
        let sql = tenant_sql!("SELECT history_pos, history_horizon FROM run_state WHERE tenant = ?1 AND run = ?2");
        let (mut history_pos, mut history_horizon) = (0, 1);
        if let Some(row) = rows.query(sql).bind(at.run.0).one().await? {
            let mut c = Columns::of(&row);
            (history_pos, history_horizon) = (c.u64()?, c.u64()?);
        }
        let sql = tenant_sql!("SELECT pos, ticks FROM history WHERE tenant = ?1 AND run = ?2 ORDER BY pos");
        let found = rows.query(sql).bind(at.run.0).all().await?;
        let history = found.iter().map(|row| {
            let mut c = Columns::of(row);
            Ok((c.u64()?, c.get()?))
        });
        let history = history.collect::<Result<_, Error>>()?;
        let sql = tenant_sql!("SELECT seq, record FROM ledger WHERE tenant = ?1 AND run = ?2 ORDER BY seq");
        let found = rows.query(sql).bind(at.run.0).all().await?;
        let ledger = found.iter().map(|row| {
            let mut c = Columns::of(row);
            Ok((c.u64()?, c.get::<&str>()?.into()))
        });
        let ledger = ledger.collect::<Result<_, Error>>()?;
        let sql = tenant_sql!(
            "SELECT seq, pos, from_workflow, from_component, to_workflow, to_component, way, moved_us FROM moves \
             WHERE tenant = ?1 AND run = ?2 ORDER BY seq"
        );
        let found = rows.query(sql).bind(at.run.0).all().await?;
        let moves = found.iter().map(moved).collect::<Result<_, Error>>()?;
        Ok(Some(Recorded {
            run,
            snapshot_pos,
            history_pos,
            history_horizon,
            history,
            ledger,
            moves,
        }))
    }

    /// Checks the hash chain of a run's ledger.
    pub async fn verify(&self, at: RunRef) -> Result<Chain, Error> {
        let mut rows = self.reads().of(at.tenant).await?;
        let mut rows = rows.at_one_commit().await?;
        let sql = tenant_sql!("SELECT last_seq, chain, horizon, horizon_hash FROM run_state WHERE tenant = ?1 AND run = ?2");
        let Some(row) = rows.query(sql).bind(at.run.0).one().await? else {
            return Err(Error::UnknownRun(format!("#{}", at.run.0)));
        };
        let mut c = Columns::of(&row);
        let said: (LedgerSeq, Option<Digest>) = (c.u64()?, c.get::<Option<&[u8]>>()?.map(query::digest).transpose()?);
        let horizon = c.u64()?.max(1);
        let expired = (horizon, c.get::<Option<&[u8]>>()?.map(query::digest).transpose()?);
        let sql = tenant_sql!("SELECT seq, record FROM ledger WHERE tenant = ?1 AND run = ?2 ORDER BY seq");
        let found = rows.query(sql).bind(at.run.0).all().await?;
        let ledger = found.iter().map(|row| {
            let mut c = Columns::of(row);
            Ok((c.u64()?, c.get::<&str>()?))
        });
        let ledger: Vec<(LedgerSeq, &str)> = ledger.collect::<Result<_, Error>>()?;
        Ok(chain::verify(expired, ledger.into_iter(), said))
    }
}

/// `seq, pos, from_workflow, from_component, to_workflow, to_component, way, moved_us`
fn moved(row: &sqlx::sqlite::SqliteRow) -> Result<Moved, Error> {
    let mut c = Columns::of(row);
    let (seq, pos) = (c.u64()?, c.u64()?);
    let mut pin = || {
        Ok::<_, Error>(Pin {
            workflow_id: c.get()?,
            component: query::digest(c.get()?)?,
        })
    };
    let (from, to) = (pin()?, pin()?);
    let way: &str = c.get()?;
    Ok(Moved {
        seq,
        pos,
        from,
        to,
        way: Way::parse(way).ok_or_else(|| Error::Corrupt(format!("unknown way '{way}' of a move")))?,
        at: Micros(c.get()?),
    })
}
