//! `flowgate migrate`: brings a data directory of the reference in.

use std::path::PathBuf;
use std::process::ExitCode;

use super::Error;
use super::flags::ServerFlags;
use super::gateway::Gateway;
use super::out;
use crate::ids::TenantId;
use crate::migrate::{self, Report, Source};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Data directory of an AbstractGateway (file or SQLite stores); stop that gateway first
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Say what would be taken in, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: ServerFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.or("log.level", "warn").resolve()?;
    // Only inserts: a runner of this data directory, now or later, goes on with the runs.
    resolved.settings.runner.enabled = false;
    let settings = &resolved.settings;
    telemetry::init(&settings.log);
    let mut source = Source::open(&args.from).await.map_err(|e| Error::failed(e.to_string()))?;
    if same_dir(&args.from, &settings.data_dir) {
        return Err(Error::usage(format!(
            "{} is both the source and the data directory; choose another --data-dir",
            args.from.display()
        )));
    }
    let gateway = Gateway::open(settings).await?;
    let report = migrate::migrate(
        &mut source,
        &gateway.journal,
        &gateway.registry,
        TenantId::LOCAL,
        args.dry_run,
    )
    .await;
    gateway.close().await?;
    let report = report.map_err(|e| Error::failed(e.to_string()))?;
    print(&report, args.dry_run)?;
    Ok(if report.left_out.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn same_dir(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn print(report: &Report, dry_run: bool) -> Result<(), Error> {
    let verb = if dry_run { "would be taken in" } else { "taken in" };
    out::line(format!(
        "{} runs {verb}: {} ended, {} go on here; {} ledger rows",
        report.ended + report.going_on,
        report.ended,
        report.going_on,
        report.ledger_rows
    ))?;
    out::line(format!(
        "{} artifacts and {} deprecations {verb}",
        report.artifacts, report.deprecations
    ))?;
    out::line(format!(
        "{} commands {verb}, {} of them not applied yet",
        report.commands + report.pending_commands,
        report.pending_commands
    ))?;
    out::line(format!(
        "{} runs, artifacts, deprecations and commands were there already",
        report.known
    ))?;
    for text in &report.left_out {
        out::line(format!("left out: {text}"))?;
    }
    Ok(())
}
