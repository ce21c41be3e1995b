//! Statements of schedules, dynamic workflows and deprecations. Rare, so each is one row.

use serde_json::value::RawValue;
use sqlx::sqlite::SqliteConnection;

use super::super::rows::patched;
use super::super::types::{DeprecationRow, DynamicWorkflow};
use super::Answer;
use super::query::{self, Columns};
use crate::clock::Micros;
use crate::ids::{RunRef, TenantId};
use crate::record::Json;

/// `flow_id` of a deprecation of all flows of a bundle.
pub(crate) const ALL: &str = "*";

pub(crate) async fn root_of(conn: &mut SqliteConnection, at: RunRef) -> Answer<Option<(RunRef, Json)>> {
    let sql = "WITH RECURSIVE line (run, parent, host_vars) AS (SELECT run, parent, host_vars FROM runs WHERE tenant = ?1 AND run = ?2 \
               UNION SELECT r.run, r.parent, r.host_vars FROM line l JOIN runs r ON r.tenant = ?1 AND r.run = l.parent) \
               SELECT ?1, l.run, l.host_vars, h.patch FROM line l LEFT JOIN host_patches h ON h.tenant = ?1 AND h.run = l.run \
               WHERE l.parent IS NULL";
    let row = sqlx::query(sql).bind(at.tenant.0).bind(at.run.0).fetch_optional(conn).await?;
    row.map(|row| {
        let mut c = Columns::of(&row);
        let (root, started) = (c.at()?, query::raw(c.get()?)?);
        let patch: Option<String> = c.get()?;
        Ok((
            root,
            match patch {
                Some(patch) => patched(&started, &query::raw(patch)?),
                None => started,
            },
        ))
    })
    .transpose()
}

pub(super) async fn put_host_patch(conn: &mut SqliteConnection, at: RunRef, patch: &RawValue) -> Answer<()> {
    let sql = "INSERT INTO host_patches (tenant, run, patch) VALUES (?1, ?2, ?3) \
               ON CONFLICT (tenant, run) DO UPDATE SET patch = excluded.patch";
    sqlx::query(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(patch.get())
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn put_dynamic_workflow(conn: &mut SqliteConnection, workflow: &DynamicWorkflow, at: Micros) -> Answer<()> {
    let sql = "INSERT INTO dynamic_workflows (tenant, workflow_id, document, component, entry, created_us) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    sqlx::query(sql)
        .bind(workflow.tenant.0)
        .bind(&workflow.workflow_id)
        .bind(workflow.document.get())
        .bind(workflow.component.0.to_vec())
        .bind(&workflow.entry)
        .bind(at.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn put_deprecation(conn: &mut SqliteConnection, tenant: TenantId, row: &DeprecationRow) -> Answer<()> {
    let sql = "INSERT INTO deprecations (tenant, bundle_id, flow_id, reason, deprecated_us) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT DO UPDATE SET reason = excluded.reason, deprecated_us = excluded.deprecated_us";
    sqlx::query(sql)
        .bind(tenant.0)
        .bind(&row.bundle_id)
        .bind(row.flow_id.as_deref().unwrap_or(ALL))
        .bind(&row.reason)
        .bind(row.at.0)
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn remove_deprecation(
    conn: &mut SqliteConnection,
    tenant: TenantId,
    (bundle_id, flow_id): (&str, Option<&str>),
) -> Answer<bool> {
    let sql = "DELETE FROM deprecations WHERE tenant = ?1 AND bundle_id = ?2 AND flow_id = ?3";
    let gone = sqlx::query(sql)
        .bind(tenant.0)
        .bind(bundle_id)
        .bind(flow_id.unwrap_or(ALL))
        .execute(conn)
        .await?;
    Ok(gone.rows_affected() > 0)
}
