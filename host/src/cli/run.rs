//! `flowgate run`: compiles a bundle and runs one of its flows here, on a journal in memory.

use std::path::PathBuf;
use std::process::ExitCode;

use super::flags::RunFlags;
use super::follow::{Answers, Ended, Follower, Style};
use super::gateway::{Gateway, asked_to_stop};
use super::terminal::Lines;
use super::{Error, out};
use crate::api::workflows::{ResolveError, ResolvedFlow, Target, Workflows as _};
use crate::clock::Clock;
use crate::ids::{RunId, TenantId};
use crate::journal::{RunRow, StartRun, rows};
use crate::record::{Json, RunStatus};
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A .flow file or bundle directory; `PATH:FLOW` names one of its flows
    #[arg(value_name = "BUNDLE[:FLOW]")]
    bundle: String,
    /// The run's input: a JSON object, or @FILE
    #[arg(long, default_value = "{}", value_name = "JSON")]
    input: String,
    /// Print ledger rows as they are stored, one JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: RunFlags,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut resolved = args.settings.resolve()?;
    if resolved
        .chosen
        .get("log.level")
        .is_some_and(|(_, origin)| *origin == crate::config::Origin::Default)
    {
        resolved.settings.log.level = "error".to_owned();
    }
    telemetry::init(&resolved.settings.log);
    let input = input(&args.input)?;
    let (path, flow_id) = split(&args.bundle);
    let gateway = Gateway::in_memory(&resolved.settings, Clock::system()).await?;
    let tenant = TenantId::LOCAL;
    let installed = gateway.registry.add_local(tenant, &path).await;
    let bundle = installed.map_err(|e| Error::failed(e.to_string()))?.bundle.clone();
    let reference = bundle.reference();
    let target = Target {
        bundle_id: Some(&reference),
        bundle_version: None,
        flow_id: flow_id.as_deref(),
    };
    let flow = gateway.registry.resolve(tenant, target).map_err(refused)?;
    let style = if args.json { Style::Json } else { Style::Text };
    let root = start(&gateway, tenant, &flow, input).await?;
    let mut follower = Follower::new(&gateway.journal, tenant, style, Answers::Lines(Lines::default()));
    let ended = tokio::select! {
        ended = follower.follow(&root) => ended?,
        () = asked_to_stop() => return Err(Error::failed(format!("interrupted; run {root} is not kept"))),
    };
    let code = report(&ended, style)?;
    gateway.close().await?;
    Ok(code)
}

/// Starts `flow` and its listeners.
pub async fn start(gateway: &Gateway, tenant: TenantId, flow: &ResolvedFlow, input: Json) -> Result<RunId, Error> {
    let run_id = RunId::fresh();
    let session_id = Some(run_id.as_str().to_owned());
    let actor_id = Some("gateway".to_owned());
    let host_vars = gateway.run_vars(tenant);
    let listener = |l: &crate::api::workflows::Listener| StartRun {
        tenant,
        run_id: RunId::fresh(),
        workflow_id: l.workflow_id.clone(),
        component: flow.component,
        entry: l.entry.clone(),
        input: rows::empty_object(),
        host_vars: host_vars.clone(),
        session_id: session_id.clone(),
        actor_id: actor_id.clone(),
        parent: Some(run_id.clone()),
        listeners: Vec::new(),
    };
    let start = StartRun {
        tenant,
        run_id: run_id.clone(),
        workflow_id: flow.workflow_id.clone(),
        component: flow.component,
        entry: flow.entry.clone(),
        input,
        host_vars: host_vars.clone(),
        session_id: session_id.clone(),
        actor_id: actor_id.clone(),
        parent: None,
        listeners: flow.listeners.iter().map(listener).collect(),
    };
    gateway.journal.start(start).await?;
    Ok(run_id)
}

/// Says how the run ended, and what that means for the exit code.
pub fn report(ended: &Ended, style: Style) -> Result<ExitCode, Error> {
    let text = |run: &RunRow| match (run.status, &run.output, &run.error) {
        (RunStatus::Completed, Some(output), _) => format!("completed: {}", output.get()),
        (status, _, Some(error)) => format!("{}: {error}", status.as_str()),
        (status, _, None) => status.as_str().to_owned(),
    };
    match ended {
        Ended::Terminal(run) => {
            if style == Style::Text {
                out::line(text(run))?;
            }
            let done = run.status == RunStatus::Completed;
            Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(1) })
        }
        Ended::Unanswered(run) => {
            let node = run.current_node.as_deref().unwrap_or("?");
            Err(Error::failed(format!(
                "the run still waits at node '{node}', but the input has ended"
            )))
        }
    }
}

/// The JSON object given as text, or in a file.
fn input(text: &str) -> Result<Json, Error> {
    let text = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|e| Error::usage(format!("--input {path}: {e}")))?,
        None => text.to_owned(),
    };
    if !text.trim_start().starts_with('{') {
        return Err(Error::usage("--input must be a JSON object"));
    }
    serde_json::from_str(&text).map_err(|e| Error::usage(format!("--input is not JSON: {e}")))
}

/// `PATH[:FLOW]`; a path that exists as a whole is not split.
pub fn split(text: &str) -> (PathBuf, Option<String>) {
    let whole = PathBuf::from(text);
    match text.rsplit_once(':') {
        Some((path, flow)) if !whole.exists() && !flow.contains(['/', '\\']) => (path.into(), Some(flow.to_owned())),
        _ => (whole, None),
    }
}

pub fn refused(error: ResolveError) -> Error {
    match error {
        ResolveError::NotCompiled { diagnostics, .. } => {
            let lines = diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>();
            Error::failed(format!("the flow does not compile: {}", lines.join("; ")))
        }
        other => Error::failed(other.to_string()),
    }
}
