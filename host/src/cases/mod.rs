//! Runs conformance cases through the real path: compiled component, sandbox, runner, a journal in memory, virtual time.
//!
//! A case is `{"name", "flows": {id: VisualFlow}, "root": id, "input": {...}, "script": [...]}`; the answer is
//! `{"name", "got": {"status", "output", "error", "waiting", "ledger"}}` with stable names in place of what changes from run to
//! run. The script answers what the run asks of the outside, in order, one queue a kind.

mod normalise;
mod script;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use flow_rt::value::{Map, Value};
use flowgate_compiler::{Link, graph, visualflow};
use futures::future::BoxFuture;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::clock::{Clock, Micros};
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, Command, CommandKind, RunFilter, RunRow, StartRun};
use crate::record::{RunStatus, WaitReason};
use crate::runner::{Catalog, Found, Runner, is_host_key};
use crate::sandbox::Sandbox;
use normalise::Names;
use script::Script;

/// A flow larger than this is refused.
const MAX_FLOW_BYTES: usize = 64 << 20;
/// Rounds of answers after which a case is given up.
const MAX_ROUNDS: usize = 400;

/// Runs cases one after another on one sandbox.
pub struct Cases {
    sandbox: Sandbox,
    settings: crate::runner::Settings,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not a case: {0}")]
    Case(#[from] serde_json::Error),
    #[error(transparent)]
    Journal(#[from] journal::Error),
    #[error(transparent)]
    Sandbox(#[from] crate::sandbox::Error),
    #[error("{0}")]
    Other(String),
}

#[derive(Deserialize)]
struct Case {
    name: String,
    flows: IndexMap<String, Box<RawValue>>,
    root: String,
    #[serde(default)]
    input: IndexMap<String, Box<RawValue>>,
    #[serde(default)]
    script: Vec<script::Entry>,
}

/// The flows of one case, as a catalogue for child runs.
#[derive(Default)]
struct Flows(HashMap<String, Arc<Found>>);

impl Catalog for Flows {
    fn workflow<'a>(&'a self, _tenant: TenantId, workflow_id: &'a str) -> BoxFuture<'a, Option<Arc<Found>>> {
        Box::pin(std::future::ready(self.0.get(workflow_id).cloned()))
    }
}

impl Cases {
    pub fn new(sandbox: Sandbox, settings: crate::runner::Settings) -> Self {
        Cases { sandbox, settings }
    }

    /// Runs one case, given as its line; answers with one JSON line.
    ///
    /// # Errors
    /// The line is no case, or the host itself failed. What is wrong with a flow is part of the answer.
    pub async fn run(&self, line: &str) -> Result<String, Error> {
        let case: Case = serde_json::from_str(line)?;
        let name = case.name.clone();
        let got = self.got(case).await?;
        let answer = Value::dict(Map::from_iter([("name".into(), Value::str(name)), ("got".into(), got)]));
        flow_rt::json::to_string(&answer).map_err(|e| Error::Other(e.to_string()))
    }

    async fn got(&self, case: Case) -> Result<Value, Error> {
        let mut compiled = Vec::new();
        for (id, document) in &case.flows {
            match compile(document.get().as_bytes()) {
                Ok(flow) => compiled.push((id, flow)),
                Err(text) => return Ok(Value::dict(Map::from_iter([("compile_error".into(), Value::str(text))]))),
            }
        }
        let clock = Clock::virtual_at(Clock::system().now());
        let (journal, service) = journal::open(journal::Options {
            clock: clock.clone(),
            ..journal::Options::default()
        })
        .await?;
        let service = tokio::spawn(service.run());
        let mut flows = Flows::default();
        for (id, flow) in compiled {
            let digest = Digest::of(&flow.bytes);
            journal
                .put_component(
                    TenantId::LOCAL,
                    journal::Component {
                        digest,
                        bytes: flow.bytes.into(),
                        runtime: None,
                    },
                )
                .await?;
            flows.0.insert(
                id.clone(),
                Arc::new(Found {
                    workflow_id: id.clone(),
                    component: digest,
                    entry: flow.entry,
                }),
            );
        }
        let Some(root) = flows.0.get(&case.root).cloned() else {
            return Err(Error::Other(format!("case '{}' has no flow '{}'", case.name, case.root)));
        };
        let script = Script::new(case.script);
        let runner = Runner::start(
            self.settings.clone(),
            journal.clone(),
            self.sandbox.clone(),
            Arc::new(flows),
            script.handlers(),
        )
        .await?;
        let got = play(&journal, &clock, &root, case.input, &script).await;
        runner.stop().await;
        journal.close().await?;
        drop(journal);
        if let Err(error) = service.await {
            tracing::error!(%error, "the journal of a case ended badly");
        }
        got
    }
}

struct Compiled {
    bytes: Vec<u8>,
    entry: String,
}

fn compile(document: &[u8]) -> Result<Compiled, String> {
    let all = |found: Vec<flowgate_compiler::diagnostic::Diagnostic>| {
        found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let document = visualflow::Document::parse(document, MAX_FLOW_BYTES).map_err(|e| e.to_string())?;
    // The reference refuses a code node's program when it runs the node; so does a case.
    let graph = graph::build_with(&document, graph::RefusedCode::FailAtRun).map_err(all)?;
    let component = flowgate_compiler::compile(&graph, Link::Shared).map_err(all)?;
    Ok(Compiled {
        bytes: component.bytes,
        entry: graph.node(graph.entry).id.clone(),
    })
}

/// Starts the root and answers what is asked until nothing moves any more.
async fn play(
    journal: &journal::Handle,
    clock: &Clock,
    flow: &Found,
    input: IndexMap<String, Box<RawValue>>,
    script: &Script,
) -> Result<Value, Error> {
    let (host, own): (IndexMap<_, _>, IndexMap<_, _>) = input.into_iter().partition(|(key, _)| is_host_key(key));
    let root = RunId::fresh();
    let start = StartRun {
        tenant: TenantId::LOCAL,
        run_id: root.clone(),
        workflow_id: flow.workflow_id.clone(),
        component: flow.component,
        entry: flow.entry.clone(),
        input: serde_json::value::to_raw_value(&own)?,
        host_vars: serde_json::value::to_raw_value(&host)?,
        session_id: Some("S".to_owned()),
        actor_id: None,
        parent: None,
        listeners: Vec::new(),
    };
    journal.start(start).await?;
    let mut runs = Vec::new();
    for _ in 0..MAX_ROUNDS {
        runs = settled(journal).await?;
        let over = runs.iter().any(|r| r.run_id == root && r.status.is_terminal());
        if over || !answer(journal, clock, &runs, script).await? {
            break;
        }
    }
    report(journal, &root, &runs).await
}

/// All runs in the order they were started, once none of them is running.
async fn settled(journal: &journal::Handle) -> Result<Vec<RunRow>, Error> {
    loop {
        let mut runs = journal
            .runs(
                TenantId::LOCAL,
                RunFilter {
                    limit: 10_000,
                    ..RunFilter::default()
                },
            )
            .await?;
        if runs.iter().all(|r| r.status != RunStatus::Running) {
            runs.sort_by_key(|r| r.at);
            return Ok(runs);
        }
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
}

/// Answers every wait that can be answered. False: nothing was left to answer.
async fn answer(journal: &journal::Handle, clock: &Clock, runs: &[RunRow], script: &Script) -> Result<bool, Error> {
    let mut moved = false;
    for run in runs {
        let Some(wait) = &run.waiting else { continue };
        if !matches!(wait.reason, WaitReason::User | WaitReason::Event | WaitReason::Job) {
            continue;
        }
        let Some(payload) = script.resume() else { continue };
        let command = Command {
            tenant: TenantId::LOCAL,
            command_id: String::new(),
            run_id: run.run_id.clone(),
            kind: CommandKind::Resume,
            payload: RawValue::from_string(format!("{{\"payload\":{}}}", payload.get()))?,
            ts: None,
            client_id: None,
        };
        journal.command(command).await?;
        moved = true;
    }
    let timed = runs
        .iter()
        .any(|run| run.waiting.as_ref().is_some_and(|wait| wait.reason == WaitReason::Until));
    if !moved && timed {
        // A commit can be read a moment before the journal announces its due time, and the runner's own sleeper may fire first.
        // Either way the runs have to be looked at again.
        match journal.next_due() {
            Some(due) => {
                clock.advance_to(due.max(clock.now()));
                journal.fire_due(clock.now().max(Micros(due.0))).await?;
            }
            None => tokio::time::sleep(Duration::from_micros(300)).await,
        }
        moved = true;
    }
    Ok(moved)
}

/// What happened, under stable names.
async fn report(journal: &journal::Handle, root: &RunId, runs: &[RunRow]) -> Result<Value, Error> {
    let names = Names::new(runs.iter().map(|r| r.run_id.as_str()));
    let mut ledger = Vec::new();
    let mut excepted = false;
    for run in runs {
        let page = journal.ledger(TenantId::LOCAL, &run.run_id, 0, u32::MAX).await?;
        for row in &page.rows {
            let row = flow_rt::json::parse(row).map_err(|e| Error::Other(e.to_string()))?;
            // An exception that leaves a tick ends a case: what a gateway writes after it is not listed.
            if normalise::is_exception(&row) {
                excepted |= run.run_id == *root;
                break;
            }
            ledger.push(names.row(&run.run_id, &row));
        }
    }
    let Some(run) = runs.iter().find(|r| r.run_id == *root) else {
        return Err(Error::Other("the root run is gone".to_owned()));
    };
    let parsed = |text: &str| flow_rt::json::parse(text).unwrap_or_default();
    let output = run.output.as_ref().map(|o| names.value(&parsed(o.get()))).unwrap_or_default();
    let waiting = run
        .waiting
        .as_ref()
        .map(|w| names.value(&normalise::wait(w)))
        .unwrap_or_default();
    let status = if excepted { "error" } else { run.status.as_str() };
    Ok(Value::dict(Map::from_iter([
        ("status".into(), Value::str(status)),
        ("output".into(), output),
        (
            "error".into(),
            run.error.as_deref().map(|e| names.value(&Value::str(e))).unwrap_or_default(),
        ),
        ("waiting".into(), waiting),
        ("ledger".into(), Value::list(ledger)),
    ])))
}
