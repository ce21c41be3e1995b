//! Statements of runs that are moved to another component. Rare, so each is one row.

use sqlx::sqlite::SqliteConnection;

use super::super::types::{Moved, Pin};
use super::Answer;
use super::query::{self, Columns};
use crate::ids::RunRef;

pub(super) async fn pin_of(conn: &mut SqliteConnection, at: RunRef) -> Answer<Pin> {
    let sql = "SELECT workflow_id, component FROM runs WHERE tenant = ?1 AND run = ?2";
    let row = sqlx::query(sql).bind(at.tenant.0).bind(at.run.0).fetch_one(conn).await?;
    let mut c = Columns::of(&row);
    Ok(Pin {
        workflow_id: c.get()?,
        component: query::digest(c.get()?)?,
    })
}

pub(super) async fn move_run(conn: &mut SqliteConnection, at: RunRef, moved: &Moved, keeps_state: bool) -> Answer<()> {
    sqlx::query("UPDATE runs SET workflow_id = ?3, component = ?4 WHERE tenant = ?1 AND run = ?2")
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(&moved.to.workflow_id)
        .bind(moved.to.component.0.to_vec())
        .execute(&mut *conn)
        .await?;
    if !keeps_state {
        sqlx::query("DELETE FROM snapshots WHERE tenant = ?1 AND run = ?2")
            .bind(at.tenant.0)
            .bind(at.run.0)
            .execute(&mut *conn)
            .await?;
    }
    let sql = "INSERT INTO moves (tenant, run, seq, pos, from_workflow, from_component, to_workflow, to_component, way, moved_us) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    sqlx::query(sql)
        .bind(at.tenant.0)
        .bind(at.run.0)
        .bind(moved.seq as i64)
        .bind(moved.pos as i64)
        .bind(&moved.from.workflow_id)
        .bind(moved.from.component.0.to_vec())
        .bind(&moved.to.workflow_id)
        .bind(moved.to.component.0.to_vec())
        .bind(moved.way.as_str())
        .bind(moved.at.0)
        .execute(&mut *conn)
        .await?;
    Ok(())
}
