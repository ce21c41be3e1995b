//! Reads over a session and over a run's whole tree, for the history of a run.

use super::handle::Handle;
use super::scope::tenant_sql;
use super::store::query::{self, Columns};
use super::types::{Error, Metrics};
use crate::clock::Micros;
use crate::ids::{RunId, RunRef, TenantId};

/// A run that a client started in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRoot {
    pub run_id: RunId,
    /// It starts others by a schedule.
    pub scheduled: bool,
    /// Its input carries a conversation: `context.messages` is a list.
    pub chat: bool,
}

/// A run and all its descendants together.
#[derive(Debug, Clone, Copy)]
pub struct TreeSum {
    pub metrics: Metrics,
    /// When one of them last moved.
    pub updated_at: Micros,
}

impl SessionRoot {
    /// `chat`, `scheduled` or `run`.
    pub fn kind(&self) -> &'static str {
        match (self.scheduled, self.chat) {
            (true, _) => "scheduled",
            (_, true) => "chat",
            _ => "run",
        }
    }
}

impl Handle {
    /// The newest runs of a session that have no parent, are not the host's own (`__…`) and were made up to `until`; newest first.
    pub async fn session_roots(
        &self,
        tenant: TenantId,
        session_id: &str,
        until: Micros,
        limit: u32,
    ) -> Result<Vec<SessionRoot>, Error> {
        let sql = tenant_sql!(
            r"SELECT r.run_id, r.workflow_id LIKE 'scheduled:%' OR json_type(r.host_vars, '$._meta.schedule') IS 'object',
            json_type(r.input, '$.context.messages') IS 'array' FROM runs r WHERE r.tenant = ?1 AND r.run IN
            (SELECT run FROM runs WHERE tenant = ?1 AND session_id = ?2 UNION ALL
            SELECT run FROM runs WHERE tenant = ?1 AND run_id = ?2 AND session_id IS NULL)
            AND r.parent IS NULL AND r.created_us <= ?3 AND r.workflow_id NOT LIKE '\_\_%' ESCAPE '\' ORDER BY r.run DESC LIMIT ?4"
        );
        let mut rows = self.reads().of(tenant).await?;
        let found = rows
            .query(sql)
            .bind(session_id.to_owned())
            .bind(until.0)
            .bind(limit)
            .all()
            .await?;
        found
            .iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(SessionRoot {
                    run_id: RunId::from(c.get::<&str>()?),
                    scheduled: c.get()?,
                    chat: c.get()?,
                })
            })
            .collect()
    }

    /// What a run and its descendants have done so far.
    pub async fn tree_sum(&self, root: RunRef) -> Result<TreeSum, Error> {
        let sql = tenant_sql!(
            "WITH RECURSIVE family (run) AS (VALUES (?2) UNION SELECT r.run FROM family f JOIN runs r ON r.tenant = ?1 AND r.parent = f.run) \
             SELECT sum(s.steps), sum(s.llm_calls), sum(s.tool_calls), CAST(total(s.tokens_in) AS INTEGER), \
             CAST(total(s.tokens_out) AS INTEGER), CAST(total(s.tokens) AS INTEGER), max(s.updated_us) FROM family f JOIN run_state s ON s.tenant = ?1 AND s.run = f.run"
        );
        let mut rows = self.reads().of(root.tenant).await?;
        let Some(row) = rows.query(sql).bind(root.run.0).one().await? else {
            return Err(Error::UnknownRun(format!("#{}", root.run.0)));
        };
        let mut c = Columns::of(&row);
        Ok(TreeSum {
            metrics: query::metrics(&mut c)?,
            updated_at: Micros(c.get()?),
        })
    }
}
