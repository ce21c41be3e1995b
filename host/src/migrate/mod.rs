//! Brings a data directory of the reference (AbstractGateway) in: runs with their ledgers and states, artifacts, schedules, deprecations,
//! commands.
//!
//! [`Source`] reads what is there and changes nothing; [`RunDocument`] turns one run into what the journal takes in. Each
//! run is one commit, and what is there already is left alone, so a migration that was cut off is simply begun again.
//!
//! A run that waits, or was between two steps, goes on here: its variables are laid out as a compiled flow's are (language
//! section 6), so they become the snapshot that the flow is restored from. That needs the flow: a run that has not ended and whose
//! workflow is not installed is left where it is and named in the [`Report`]. The workflow of a schedule comes with its run.

mod artifacts;
mod deprecations;
mod document;
mod dynamic;
mod files;
mod source;
mod sqlite;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

pub use document::RunDocument;
pub use source::{Source, StoredCommand, StoredRun};

use self::dynamic::Dynamic;
use crate::bundles::Registry;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, Command, CommandKind, Handle, ImportedRun};
use crate::schedules;

/// What became of a migration.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Report {
    /// Runs that have been taken in and had ended.
    pub ended: u64,
    /// Runs that have been taken in and go on here.
    pub going_on: u64,
    pub ledger_rows: u64,
    pub artifacts: u64,
    pub deprecations: u64,
    pub commands: u64,
    /// Commands that nobody had applied yet; the runner does.
    pub pending_commands: u64,
    /// Runs, artifacts, deprecations and commands that were there already.
    pub known: u64,
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

/// A migration under way.
struct Migration<'a> {
    journal: &'a Handle,
    registry: &'a Registry,
    tenant: TenantId,
    dry_run: bool,
    /// The runs of the source.
    names: HashSet<String>,
    report: Report,
}

/// Takes in everything of `source` for `tenant`. With `dry_run` no run, artifact, deprecation or command is written, and the report says
/// what would be.
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
    // Parents first: a child names its parent.
    let order = source.run_ids().await?;
    let dynamic = Dynamic::open(&source.dir)?;
    let mut migration = Migration {
        journal,
        registry,
        tenant,
        dry_run,
        names: order.iter().cloned().collect(),
        report: Report::default(),
    };
    migration.take_artifacts(&source.dir).await?;
    for run_id in &order {
        let stored = source.run(run_id).await?;
        migration.take_run(stored, &dynamic).await?;
    }
    migration.take_deprecations(&source.dir).await?;
    migration.take_commands(source).await?;
    Ok(migration.report)
}

impl Migration<'_> {
    async fn take_run(&mut self, stored: StoredRun, dynamic: &Dynamic) -> Result<(), Error> {
        let run_id = RunId::from(stored.run_id.as_str());
        if self.journal.run(self.tenant, &run_id).await?.is_some() {
            self.report.known += 1;
            return Ok(());
        }
        let document = match RunDocument::parse(&stored.run) {
            Ok(document) => document,
            Err(text) => {
                self.leave(&run_id, &text);
                return Ok(());
            }
        };
        if let Some(parent) = document
            .parent_run_id
            .as_deref()
            .filter(|parent| !self.names.contains(*parent))
        {
            self.leave(
                &run_id,
                &format!("its parent {parent} is not there; it is taken in without one"),
            );
        }
        let mut imported = match self.imported(&document, dynamic).await? {
            Ok(imported) => imported,
            Err(text) => {
                self.leave(&run_id, &text);
                return Ok(());
            }
        };
        for (at, bad) in &stored.bad_rows {
            self.leave(&run_id, &format!("ledger row {at}: {bad}"));
        }
        self.report.ledger_rows += stored.rows.len() as u64;
        if document.status.is_terminal() {
            self.report.ended += 1;
        } else {
            self.report.going_on += 1;
        }
        (imported.rows, imported.metrics) = (stored.rows, stored.metrics);
        if !self.dry_run {
            self.journal.import_run(imported).await?;
        }
        Ok(())
    }

    fn leave(&mut self, run_id: &RunId, text: &str) {
        self.report.left_out.push(format!("run {run_id}: {text}"));
    }

    /// The run as the journal takes it in, less its ledger. The inner error says why it is left out.
    async fn imported(&self, document: &RunDocument, dynamic: &Dynamic) -> Result<Result<ImportedRun, String>, Error> {
        let (tenant, ended) = (self.tenant, document.status.is_terminal());
        if let Some(flow) = self.registry.find_workflow(tenant, &document.workflow_id).await {
            return Ok(document.import(tenant, flow.component, &flow.entry, &flow.flow_id));
        }
        let wrapper = self.wrapper(dynamic, &document.workflow_id).await?;
        Ok(match wrapper {
            Some(Ok(made)) => document
                .import(tenant, made.component, &made.entry, schedules::FLOW_ID)
                .map(|run| ImportedRun {
                    workflow: Some(made),
                    ..run
                }),
            // Kept to be read; nothing will ever ask for its component.
            _ if ended => document.import(tenant, Digest::of(b""), "", ""),
            Some(Err(text)) => Err(text),
            None => Err(format!(
                "it has not ended, and its workflow '{}' is not installed here",
                document.workflow_id
            )),
        })
    }

    async fn take_commands(&mut self, source: &mut Source) -> Result<(), Error> {
        let cursor = source.command_cursor().await?;
        for stored in source.commands().await? {
            let Some(kind) = CommandKind::parse(&stored.kind) else {
                let text = format!("command {}: unknown type '{}'", stored.command_id, stored.kind);
                self.report.left_out.push(text);
                continue;
            };
            if self.journal.command_state(self.tenant, &stored.command_id).await?.is_some() {
                self.report.known += 1;
                continue;
            }
            let applied = stored.seq <= cursor;
            let command = Command {
                tenant: self.tenant,
                command_id: stored.command_id,
                run_id: RunId::from(stored.run_id),
                kind,
                payload: stored.payload,
                ts: stored.ts,
                client_id: stored.client_id,
            };
            if applied {
                self.report.commands += 1;
            } else {
                self.report.pending_commands += 1;
            }
            if self.dry_run {
                continue;
            }
            if applied {
                self.journal.import_command(command).await?;
            } else {
                self.journal.command(command).await?;
            }
        }
        Ok(())
    }
}
