//! `flowgate cases`: conformance cases through the real path.

use std::path::PathBuf;
use std::process::ExitCode;

use super::flags::RunFlags;
use super::{Error, out};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files of cases, one JSON object a line
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    settings: RunFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let resolved = args.settings.resolve()?;
    telemetry::init(&resolved.settings.log);
    for file in &args.files {
        let text = std::fs::read_to_string(file).map_err(|e| Error::failed(format!("{}: {e}", file.display())))?;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let got = crate::cases::run(line, &resolved.settings).await;
            let got = got.map_err(|e| Error::failed(format!("{}, line {}: {e}", file.display(), number + 1)))?;
            out::line(got)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
