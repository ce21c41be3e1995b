//! Brings a data directory of the reference (AbstractGateway) in: runs with their ledgers and states, commands.
//!
//! [`Source`] reads what is there and changes nothing; [`RunDocument`] turns one run into what the journal takes in. Each
//! run is one commit, and a run that is there already is left alone, so a migration that was cut off is simply begun again.
//!
//! A run that waits, or was between two steps, goes on here: its variables are laid out as a compiled flow's are (language
//! section 6), so they become the snapshot that the flow is restored from. That needs the flow: a run that has not ended and whose
//! workflow is not installed is left where it is and named in the [`Report`].

mod document;
mod files;
mod source;
mod sqlite;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use document::RunDocument;
pub use source::{Source, StoredCommand, StoredRun};

use crate::bundles::Registry;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, Command, CommandKind, Handle};

/// What became of a migration.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Runs that have been taken in and had ended.
    pub ended: u64,
    /// Runs that have been taken in and go on here.
    pub going_on: u64,
    /// Runs and commands that were there already.
    pub known: u64,
    pub ledger_rows: u64,
    pub commands: u64,
    /// Commands that nobody had applied yet; the runner does.
    pub pending_commands: u64,
    /// What was left out, and why: one sentence each.
    pub left_out: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source is not what it should be: which file, and why.
    #[error("{0}")]
    Source(String),
    #[error("journal: {0}")]
    Journal(#[from] journal::Error),
}

/// Takes in everything of `source` for `tenant`; nothing is written if `dry_run`.
///
/// # Errors
/// The source cannot be read, or the journal does not take it. What was taken in by then stays; begin again.
pub async fn migrate(
    source: &mut Source,
    journal: &Handle,
    registry: &Registry,
    tenant: TenantId,
    dry_run: bool,
) -> Result<Report, Error> {
    let mut report = Report::default();
    // Parents first: a child names its parent.
    let order = source.run_ids().await?;
    let names: HashSet<&str> = order.iter().map(String::as_str).collect();
    for run_id in &order {
        let stored = source.run(run_id).await?;
        take_run(stored, (journal, registry, tenant), dry_run, &names, &mut report).await?;
    }
    take_commands(source, (journal, tenant), dry_run, &mut report).await?;
    Ok(report)
}

async fn take_run(
    stored: StoredRun,
    (journal, registry, tenant): (&Handle, &Registry, TenantId),
    dry_run: bool,
    names: &HashSet<&str>,
    report: &mut Report,
) -> Result<(), Error> {
    let document = match RunDocument::parse(&stored.run) {
        Ok(document) => document,
        Err(text) => {
            report.left_out.push(format!("run {}: {text}", stored.run_id));
            return Ok(());
        }
    };
    if let Some(parent) = document.parent_run_id.as_deref().filter(|parent| !names.contains(parent)) {
        let text = format!(
            "run {}: its parent {parent} is not there; it is taken in without one",
            stored.run_id
        );
        report.left_out.push(text);
    }
    let flow = registry.find_workflow(tenant, &document.workflow_id).await;
    let ended = document.status.is_terminal();
    let imported = match (&flow, ended) {
        (Some(flow), _) => document.import(tenant, flow.component, &flow.entry, &flow.flow_id),
        // Kept to be read; nothing will ever ask for its component.
        (None, true) => document.import(tenant, Digest::of(b""), "", ""),
        (None, false) => Err(format!(
            "it has not ended, and its workflow '{}' is not installed here",
            document.workflow_id
        )),
    };
    let mut imported = match imported {
        Ok(imported) => imported,
        Err(text) => {
            report.left_out.push(format!("run {}: {text}", stored.run_id));
            return Ok(());
        }
    };
    for (at, bad) in &stored.bad_rows {
        report.left_out.push(format!("run {}, ledger row {at}: {bad}", stored.run_id));
    }
    let rows = stored.rows.len() as u64;
    (imported.rows, imported.metrics) = (stored.rows, stored.metrics);
    if !dry_run && !journal.import_run(imported).await? {
        report.known += 1;
        return Ok(());
    }
    report.ledger_rows += rows;
    if ended {
        report.ended += 1;
    } else {
        report.going_on += 1;
    }
    Ok(())
}

async fn take_commands(
    source: &mut Source,
    (journal, tenant): (&Handle, TenantId),
    dry_run: bool,
    report: &mut Report,
) -> Result<(), Error> {
    let cursor = source.command_cursor().await?;
    for stored in source.commands().await? {
        let Some(kind) = CommandKind::parse(&stored.kind) else {
            let text = format!("command {}: unknown type '{}'", stored.command_id, stored.kind);
            report.left_out.push(text);
            continue;
        };
        let applied = stored.seq <= cursor;
        let command = Command {
            tenant,
            command_id: stored.command_id,
            run_id: RunId::from(stored.run_id),
            kind,
            payload: stored.payload,
            ts: stored.ts,
            client_id: stored.client_id,
        };
        let taken = match (dry_run, applied) {
            (true, _) => true,
            (false, true) => journal.import_command(command).await?,
            (false, false) => journal.command(command).await?.accepted,
        };
        match (taken, applied) {
            (false, _) => report.known += 1,
            (true, true) => report.commands += 1,
            (true, false) => report.pending_commands += 1,
        }
    }
    Ok(())
}
