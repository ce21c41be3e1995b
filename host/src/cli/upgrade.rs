//! `flowgate upgrade`: runs that have not ended go on with another version of their workflow.
//!
//! Each run is tried first and moved in one commit of its own. No other process may drive the runs meanwhile: the runner's lock is held,
//! but for `--dry-run`, which writes nothing of any run.

use std::process::ExitCode;

use serde_json::json;

use super::flags::ServerFlags;
use super::gateway::Gateway;
use super::{Error, kept, out};
use crate::bundles::Origin;
use crate::ids::{RunRef, TenantId};
use crate::journal::{self, Pin, RunnerLock};
use crate::runner::{Move, Obstacle, Trial};
use crate::sandbox::Sandbox;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Runs by their ids; they go to the latest version of their bundle, or to the one of `--to`
    #[arg(value_name = "RUN", required_unless_present = "bundle", conflicts_with = "bundle")]
    runs: Vec<String>,
    /// Every run of one version of a bundle that has not ended: `approval@1.0.0..approval@1.1.0`
    #[arg(long, value_name = "ID@FROM..ID@TO")]
    bundle: Option<String>,
    /// The version that single runs go to
    #[arg(long, value_name = "VERSION", conflicts_with = "bundle")]
    to: Option<String>,
    /// Only say which runs can move, and why others cannot; works beside a running server
    #[arg(long)]
    dry_run: bool,
    /// One JSON object a run
    #[arg(long)]
    json: bool,
    /// Only runs of this tenant
    #[arg(long, value_name = "NAME", default_value = "local")]
    tenant: String,
    #[command(flatten)]
    settings: ServerFlags,
}

/// A bundle and two of its versions.
struct Range {
    bundle_id: String,
    from: String,
    to: String,
}

/// A run with its workflow, or why it has none in the other version.
struct Wanted {
    at: RunRef,
    run_id: String,
    from: String,
    to: Result<Pin, String>,
}

pub async fn run(args: Args) -> Result<ExitCode, Error> {
    let range = args.bundle.as_deref().map(Range::parse).transpose()?;
    let settings = args.settings.resolve()?.settings;
    kept::exists(settings.database())?;
    let _lock = if args.dry_run { None } else { Some(lock(&settings.data_dir)?) };
    let gateway = Gateway::open_idle(&settings).await?;
    let done = upgrade(&args, range.as_ref(), &gateway, settings.sandbox(true)).await;
    gateway.close().await?;
    done
}

fn lock(dir: &std::path::Path) -> Result<RunnerLock, Error> {
    let lock = RunnerLock::acquire(dir).map_err(|e| Error::failed(format!("{} cannot be locked: {e}", dir.display())))?;
    lock.ok_or_else(|| {
        let dir = dir.display();
        Error::failed(format!(
            "another process drives the runs of {dir}: stop it first, or look with --dry-run"
        ))
    })
}

async fn upgrade(
    args: &Args,
    range: Option<&Range>,
    gateway: &Gateway,
    sandbox: crate::sandbox::Settings,
) -> Result<ExitCode, Error> {
    let (journal, registry) = (&gateway.journal, &gateway.registry);
    let tenants = kept::tenants(journal, Some(&args.tenant)).await?;
    let mut wanted = Vec::new();
    for tenant in &tenants {
        registry.load(*tenant).await?;
        match range {
            Some(range) => wanted.extend(of_bundle(gateway, *tenant, range).await?),
            None => wanted.extend(named(gateway, *tenant, &args.runs, args.to.as_deref()).await?),
        }
    }
    let sandbox = Sandbox::new(sandbox).map_err(|e| Error::failed(e.to_string()))?;
    let trial = Trial::new(journal.clone(), sandbox);
    let mut stay = 0_u64;
    let count = wanted.len();
    for run in wanted {
        let obstacle = one(args, gateway, &trial, &run).await?;
        stay += u64::from(obstacle.is_some());
        if let Some(obstacle) = obstacle {
            show_obstacle(args.json, &run, &obstacle)?;
        }
    }
    if !args.json {
        let can = if args.dry_run { "can move" } else { "moved" };
        out::line(format_args!("{} of {count} runs {can}", count as u64 - stay))?;
    }
    Ok(ExitCode::from(u8::from(stay > 0)))
}

/// Tries a run, moves it, and says so; else why not.
async fn one(args: &Args, gateway: &Gateway, trial: &Trial, run: &Wanted) -> Result<Option<Obstacle>, Error> {
    let to = match &run.to {
        Ok(to) => to,
        Err(reason) => return Ok(Some(reason.clone().into())),
    };
    let plan = match trial.of(run.at, to).await? {
        None => return Err(journal::Error::UnknownRun(run.run_id.clone()).into()),
        Some(Move::Cannot(obstacle)) => return Ok(Some(*obstacle)),
        Some(Move::Can(plan)) => *plan,
    };
    let way = plan.way;
    let seq = match args.dry_run {
        true => None,
        false => match gateway.journal.move_run(plan).await {
            Ok(moved) => Some(moved.seq),
            Err(journal::Error::Stale) => return Ok(Some("the run has moved on meanwhile".to_owned().into())),
            Err(other) => return Err(other.into()),
        },
    };
    let verdict = if args.dry_run { "can move" } else { "moved" };
    if args.json {
        out::line(json!({
            "run_id": run.run_id, "verdict": verdict, "from": run.from, "to": to.workflow_id, "component": to.component.hex(),
            "way": way, "seq": seq,
        }))?;
    } else {
        let (id, from, to, way) = (&run.run_id, &run.from, &to.workflow_id, way.as_str());
        out::line(format_args!("{verdict}  {id}  {from} -> {to}, by {way}"))?;
    }
    Ok(None)
}

fn show_obstacle(as_json: bool, run: &Wanted, obstacle: &Obstacle) -> Result<(), Error> {
    let Obstacle { reason, difference } = obstacle;
    if as_json {
        return Ok(out::line(json!({
            "run_id": run.run_id, "verdict": "stays", "from": run.from, "reason": reason, "difference": difference,
        }))?);
    }
    out::line(format_args!("stays  {}  {}: {reason}", run.run_id, run.from))?;
    match difference {
        Some(difference) => Ok(out::line(format_args!("  {difference}"))?),
        None => Ok(()),
    }
}

/// Runs by their names.
async fn named(gateway: &Gateway, tenant: TenantId, runs: &[String], to: Option<&str>) -> Result<Vec<Wanted>, Error> {
    let mut wanted = Vec::new();
    for run in runs {
        let at = kept::find(&gateway.journal, &[tenant], run).await?;
        let row = gateway.journal.run(tenant, &run.as_str().into()).await?;
        let Some(row) = row else { continue };
        let origin = gateway.registry.origin(tenant, &row.workflow_id, None);
        wanted.push(Wanted {
            at,
            run_id: run.clone(),
            to: target(gateway, tenant, &row.workflow_id, origin.as_ref(), to),
            from: row.workflow_id,
        });
    }
    Ok(wanted)
}

/// The runs of a version that have not ended, listeners included.
async fn of_bundle(gateway: &Gateway, tenant: TenantId, range: &Range) -> Result<Vec<Wanted>, Error> {
    let from = (range.bundle_id.as_str(), range.from.as_str());
    let mut wanted = Vec::new();
    for (at, run_id, workflow_id) in gateway.journal.unended(tenant).await? {
        let origin = gateway.registry.origin(tenant, &workflow_id, Some(from));
        let Some(origin) = origin.filter(|origin| (origin.bundle_id.as_str(), origin.version.as_str()) == from) else {
            continue;
        };
        wanted.push(Wanted {
            at,
            run_id: run_id.to_string(),
            to: target(gateway, tenant, &workflow_id, Some(&origin), Some(&range.to)),
            from: workflow_id,
        });
    }
    Ok(wanted)
}

fn target(
    gateway: &Gateway,
    tenant: TenantId,
    workflow_id: &str,
    origin: Option<&Origin>,
    to: Option<&str>,
) -> Result<Pin, String> {
    let origin = origin.ok_or_else(|| format!("'{workflow_id}' is of no installed bundle"))?;
    let workflow = gateway.registry.in_version(tenant, origin, to)?;
    Ok(Pin {
        workflow_id: workflow.workflow_id.clone(),
        component: workflow.component,
    })
}

impl Range {
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::usage(format!(
                "--bundle {text}: two versions of one bundle are meant, as in approval@1.0.0..approval@1.1.0"
            ))
        };
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        let (from_id, from) = from.split_once('@').ok_or_else(wrong)?;
        let (to_id, to) = to.split_once('@').ok_or_else(wrong)?;
        if from_id != to_id || [from_id, from, to].contains(&"") {
            return Err(wrong());
        }
        Ok(Range {
            bundle_id: from_id.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        })
    }
}
