//! What the commands share that look into a data directory without serving it: opening its database to read, naming runs and tenants.

#[cfg(test)]
mod tests;

use std::path::Path;

use super::Error;
use super::flags::ServerFlags;
use crate::ids::{RunId, RunRef, TenantId};
use crate::journal::{self, Handle, Offline};

/// Which runs.
#[derive(Debug, clap::Args)]
pub struct Runs {
    /// Runs by their ids
    #[arg(value_name = "RUN", required_unless_present = "all", conflicts_with = "all")]
    pub runs: Vec<String>,
    /// Every run
    #[arg(long)]
    pub all: bool,
    /// Only runs of this tenant
    #[arg(long, value_name = "NAME")]
    pub tenant: Option<String>,
}

/// What `replay` and `verify` are told.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub runs: Runs,
    /// One JSON object a run
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub settings: ServerFlags,
}

/// Opens the database at `path` for reading; others may be using it.
pub async fn open(path: &Path) -> Result<Offline, Error> {
    exists(path)?;
    Ok(Offline::open(path).await?)
}

pub fn exists(path: &Path) -> Result<(), Error> {
    if path.is_file() {
        return Ok(());
    }
    Err(Error::failed(format!("there is no database at {}", path.display())))
}

/// The tenants of this name, or all.
pub async fn tenants(journal: &Handle, name: Option<&str>) -> Result<Vec<TenantId>, Error> {
    let all = journal.tenant_names().await?;
    let wanted = all.into_iter().filter(|(_, known)| name.is_none_or(|name| name == known));
    let found: Vec<TenantId> = wanted.map(|(tenant, _)| tenant).collect();
    match (found.is_empty(), name) {
        (true, Some(name)) => Err(Error::failed(format!("there is no tenant '{name}'"))),
        _ => Ok(found),
    }
}

/// The run of this name.
pub async fn find(journal: &Handle, tenants: &[TenantId], run: &str) -> Result<RunRef, Error> {
    let id = RunId::from(run);
    for tenant in tenants {
        if let Some(at) = journal.locate(*tenant, &id).await? {
            return Ok(at);
        }
    }
    Err(journal::Error::UnknownRun(run.to_owned()).into())
}

impl Runs {
    pub async fn find(&self, journal: &Handle) -> Result<Vec<RunRef>, Error> {
        let tenants = tenants(journal, self.tenant.as_deref()).await?;
        let mut found = Vec::new();
        if self.all {
            for tenant in tenants {
                found.extend(journal.all_runs(tenant).await?);
            }
            return Ok(found);
        }
        for run in &self.runs {
            found.push(find(journal, &tenants, run).await?);
        }
        Ok(found)
    }
}
