//! `flowgate cases`: conformance cases through the real path.

use std::path::PathBuf;
use std::process::ExitCode;

use super::flags::RunFlags;
use super::{Error, out};
use crate::cases::Cases;
use crate::sandbox::Sandbox;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of cases, one JSON object a line
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Runs each case a second time on a database on disk while the host is killed at every commit and recovers, and shows what came of
    /// both; the number chooses on which side of each commit it dies
    #[arg(long, value_name = "NUMBER")]
    kill_at_every_commit: Option<u64>,
    #[command(flatten)]
    settings: RunFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let resolved = args.settings.resolve()?;
    telemetry::init(&resolved.settings.log);
    let settings = &resolved.settings;
    let sandbox = Sandbox::new(settings.sandbox(false)).map_err(|e| Error::failed(e.to_string()))?;
    let cases = Cases::new(sandbox, settings.budgets(false));
    for file in &args.files {
        let text = std::fs::read_to_string(file).map_err(|e| Error::failed(format!("{}: {e}", file.display())))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let got = match args.kill_at_every_commit {
                Some(pattern) => cases.run_killed(line, pattern).await,
                None => cases.run(line).await,
            };
            let got = got.map_err(|e| Error::failed(format!("{}, line {}: {e}", file.display(), number + 1)))?;
            out::line(got)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
