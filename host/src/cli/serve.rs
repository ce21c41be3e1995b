//! `flowgate serve`: the gateway on a port.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use super::Error;
use super::flags::ServerFlags;
use super::gateway::{self, Gateway, log_notices};
use crate::api::{self, Tls};
use crate::config::{Settings, startup, token};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    settings: ServerFlags,
}

#[cfg(test)]
impl Args {
    pub fn settings(&self) -> &ServerFlags {
        &self.settings
    }
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.resolve()?;
    let verdict = startup::check(&resolved.settings)?;
    telemetry::init(&resolved.settings.log);
    log_notices(&resolved, &verdict.warnings);
    let settings = &mut resolved.settings;
    let tls = tls(settings)?;
    // Before the data directory is touched: a second server that was started by mistake does nothing.
    let listener = gateway::listen(&settings.host, settings.port).await?;
    let gateway = Gateway::open(settings).await?;
    if verdict.make_token {
        own_token(settings)?;
    }
    let address = listener.local_addr()?;
    tracing::info!(%address, data_dir = %settings.data_dir.display(), drives_runs = gateway.drives(), "serving");
    if std::io::stderr().is_terminal() {
        let scheme = if tls.is_some() { "https" } else { "http" };
        eprintln!("Flowgate serves {scheme}://{address}/api/gateway (Ctrl-C stops it)");
    }
    let reloads = tls.clone().map(|tls| tokio::spawn(reload_on_hangup(tls)));
    gateway
        .serve(settings, (listener, api::router), tls.as_ref(), gateway.ending())
        .await?;
    if let Some(reloads) = reloads {
        reloads.abort();
    }
    tracing::info!("stopping");
    gateway.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// The certificate and key of the settings, if they name some.
pub(super) fn tls(settings: &Settings) -> Result<Option<Tls>, Error> {
    let tls = settings.tls.is_on().then(|| Tls::load(&settings.tls.cert, &settings.tls.key));
    tls.transpose().map_err(Error::usage)
}

/// SIGHUP: the certificate has been renewed.
async fn reload_on_hangup(tls: Tls) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            return;
        };
        while hangup.recv().await.is_some() {
            match tls.reload() {
                Ok(()) => tracing::info!("the certificate was read again"),
                Err(error) => tracing::error!(%error, "the certificate stays as it was"),
            }
        }
    }
    #[cfg(not(unix))]
    drop(tls);
}

/// Gives the server the token of its data directory and tells its owner: a terminal is shown the token, anything else, which may
/// be kept and read by others, only where it lies.
fn own_token(settings: &mut Settings) -> Result<(), Error> {
    let path = token::path(&settings.data_dir);
    let token = token::load_or_make(&settings.data_dir);
    let token = token.map_err(|e| Error::failed(format!("the token file {}: {e}", path.display())))?;
    if std::io::stderr().is_terminal() {
        eprintln!("Token (kept in {}): {}", path.display(), token.reveal());
    } else {
        tracing::info!(file = %path.display(), "no token was set; clients must send the one in this file");
    }
    settings.tokens.push(token);
    Ok(())
}
