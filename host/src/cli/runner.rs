//! `flowgate runner`: drives the runs of a data directory whose API is another process.

use std::process::ExitCode;

use super::Error;
use super::flags::ServerFlags;
use super::gateway::{Gateway, asked_to_stop, log_notices};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: ServerFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.resolve()?;
    resolved.settings.runner.enabled = true;
    let settings = &resolved.settings;
    telemetry::init(&settings.log);
    log_notices(&resolved, &[]);
    let gateway = Gateway::open(settings).await?;
    if !gateway.drives() {
        return Err(Error::failed(format!(
            "another process drives the runs of {}",
            settings.data_dir.display()
        )));
    }
    tracing::info!(data_dir = %settings.data_dir.display(), "driving runs");
    asked_to_stop().await;
    tracing::info!("stopping");
    gateway.close().await?;
    Ok(ExitCode::SUCCESS)
}
