//! `flowgate demo`: a server on this machine, an example in it, its ledger live.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::flags::ServerFlags;
use super::follow::{Answers, Follower, Style};
use super::gateway::{self, Gateway, asked_to_stop};
use super::terminal::{self, Lines};
use super::{Error, out, run};
use crate::api;
use crate::api::workflows::{Target, Workflows as _};
use crate::config::{Origin, Resolved, startup, token};
use crate::ids::TenantId;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// End with the run, instead of serving until Ctrl-C
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    settings: ServerFlags,
}

/// A bundle that is part of the binary: its manifest and its flows.
struct Example {
    manifest: &'static str,
    members: &'static [(&'static str, &'static [u8])],
}

/// What the demo runs, and one to go on with.
const EXAMPLES: [Example; 2] = [
    Example {
        manifest: include_str!("../../../examples/approval/manifest.json"),
        members: &[
            (
                "flows/approve.json",
                include_bytes!("../../../examples/approval/flows/approve.json"),
            ),
            (
                "flows/notify.json",
                include_bytes!("../../../examples/approval/flows/notify.json"),
            ),
        ],
    },
    Example {
        manifest: include_str!("../../../examples/hello/manifest.json"),
        members: &[("flows/hello.json", include_bytes!("../../../examples/hello/flows/hello.json"))],
    },
];

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.or("log.level", "warn").resolve()?;
    let verdict = startup::check(&resolved.settings)?;
    let home = Home::of(&mut resolved);
    telemetry::init(&resolved.settings.log);
    let gateway = Gateway::open(&resolved.settings).await?;
    let settings = &mut resolved.settings;
    if verdict.make_token {
        settings.tokens.push(token::load_or_make(&settings.data_dir)?);
    }
    let listener = free_port(&settings.host, settings.port).await?;
    let address = listener.local_addr()?;
    let token = settings.tokens.first().map(|t| t.reveal().to_owned()).unwrap_or_default();
    out::line(format_args!("Flowgate serves http://{address}/api/gateway\nToken: {token}\n"))?;

    let stop = CancellationToken::new();
    let serving = gateway.serve(settings, (listener, api::router), None, stop.clone().cancelled_owned());
    let showing = async {
        let code = show(&gateway).await?;
        if !args.once {
            out::text(&next_steps(address, &token))?;
            asked_to_stop().await;
        }
        stop.cancel();
        Ok(code)
    };
    let interrupted = async {
        asked_to_stop().await;
        stop.cancel();
    };
    let shown = async {
        tokio::select! {
            code = showing => code,
            () = interrupted => Ok(ExitCode::SUCCESS),
        }
    };
    let (served, code) = tokio::join!(serving, async {
        let code = shown.await;
        stop.cancel();
        code
    });
    served?;
    gateway.close().await?;
    drop(home);
    code
}

/// Installs the examples, runs the first, and shows it to its end.
async fn show(gateway: &Gateway) -> Result<ExitCode, Error> {
    let tenant = TenantId::LOCAL;
    for example in &EXAMPLES {
        let file = crate::bundles::pack(example.manifest, example.members).map_err(Error::failed)?;
        let installed = gateway.registry.upload(tenant, Bytes::from(file), true).await;
        installed.map_err(|e| Error::failed(e.to_string()))?;
    }
    let target = Target {
        bundle_id: Some("approval"),
        ..Target::default()
    };
    let flow = gateway.registry.resolve(tenant, target).map_err(run::refused)?;
    let input = r#"{"title": "Road map", "author": "Kim"}"#;
    let input = RawValue::from_string(input.to_owned()).map_err(|e| Error::failed(e.to_string()))?;
    let run_id = run::start(gateway, tenant, &flow, input).await?;
    out::line(format_args!("Run {run_id} of {}; its ledger:\n", flow.workflow_id))?;
    let lines = terminal::is_interactive().then(|| Answers::Lines(Lines::default()));
    let mut follower = Follower::new(&gateway.journal, tenant, Style::Text, lines.unwrap_or(Answers::FirstChoice));
    let ended = follower.follow(&run_id).await?;
    run::report(&ended, Style::Text)
}

/// The wanted port, or any when it is taken: a demo should not fail over that.
async fn free_port(host: &str, port: u16) -> Result<TcpListener, Error> {
    match gateway::listen(host, port).await {
        Ok(listener) => Ok(listener),
        Err(_) => gateway::listen(host, 0).await,
    }
}

fn next_steps(address: SocketAddr, token: &str) -> String {
    let base = format!("http://{address}/api/gateway");
    let auth = format!("-H 'Authorization: Bearer {token}'");
    let json = "-H 'Content-Type: application/json'";
    format!(
        "\nThe server stays until Ctrl-C. To go on:\n\n\
         # what is installed\n\
         curl -s {auth} {base}/bundles\n\n\
         # start another run; the answer names it\n\
         curl -s {auth} {json} -d '{{\"bundle_id\":\"hello\",\"input_data\":{{\"name\":\"Ann\"}}}}' {base}/runs/start\n\n\
         # its ledger, live\n\
         curl -sN {auth} {base}/runs/RUN_ID/ledger/stream\n"
    )
}

/// Where the demo keeps things: a directory of its own that goes with it, unless the settings name one.
struct Home(Option<PathBuf>);

impl Home {
    fn of(resolved: &mut Resolved) -> Self {
        let by_default = |key: &str| resolved.chosen.get(key).is_none_or(|(_, origin)| *origin == Origin::Default);
        let (own_dir, own_flows) = (by_default("data_dir"), by_default("flows_dir"));
        let settings = &mut resolved.settings;
        if !own_dir {
            if own_flows {
                settings.flows_dir = settings.data_dir.join("flows");
            }
            return Home(None);
        }
        let dir = std::env::temp_dir().join(format!("flowgate-demo-{}", uuid::Uuid::new_v4()));
        move_to(settings, &dir, own_flows);
        Home(Some(dir))
    }
}

fn move_to(settings: &mut crate::config::Settings, dir: &Path, flows_too: bool) {
    settings.data_dir = dir.to_owned();
    settings.journal.path = dir.join("flowgate.sqlite3");
    if flows_too {
        settings.flows_dir = dir.join("flows");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            // A demo that leaves its directory behind does no harm.
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}
