//! `flowgate runner`: drives the runs of a data directory whose API is another process.

use std::process::ExitCode;

use super::Error;
use super::flags::ServerFlags;
use super::gateway::{Gateway, listen, log_notices};
use super::serve::tls;
use crate::{api, telemetry};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where another process drives the runs, wait and take over when it ends
    #[arg(long)]
    standby: bool,
    #[command(flatten)]
    settings: ServerFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.resolve()?;
    resolved.settings.runner.enabled = true;
    let settings = &resolved.settings;
    telemetry::init(&settings.log);
    log_notices(&resolved, &[]);
    let tls = tls(settings)?;
    let gateway = if args.standby {
        Gateway::stand_by(settings).await?
    } else {
        Gateway::open(settings).await?
    };
    if !gateway.drives() {
        return Err(Error::failed(format!(
            "another process drives the runs of {}",
            settings.data_dir.display()
        )));
    }
    tracing::info!(data_dir = %settings.data_dir.display(), "driving runs");
    match settings.runner.metrics_address {
        Some(address) => {
            let listener = listen(&address.ip().to_string(), address.port()).await?;
            tracing::info!(address = %listener.local_addr()?, "answering operators");
            gateway
                .serve(settings, (listener, api::operator_router), tls.as_ref(), gateway.ending())
                .await?;
        }
        None => gateway.ending().await,
    }
    tracing::info!("stopping");
    gateway.close().await?;
    Ok(ExitCode::SUCCESS)
}
