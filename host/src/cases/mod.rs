//! Runs conformance cases through the real path: compiled component, sandbox, runner, a journal, virtual time.
//!
//! A case is `{"name", "flows": {id: VisualFlow}, "root": id, "input": {...}, "script": [...]}`; the answer is
//! `{"name", "got": {"status", "output", "error", "waiting", "ledger"}}` with stable names in place of what changes from run to
//! run. [`script`] says how a case answers what the run asks of the outside. Further members are optional:
//! `"listeners": true` starts the listeners of the root's `on_event` nodes with it, as a gateway does; `"once": [kind]`
//! names effects that may not be made again when a host died while they were made; `"components": {id: path}` are flows that are not
//! compiled here, in files; `"around": {"now": time, "seed": number}` fixes what the flow is told of clock and randomness.
//!
//! Every run that a case makes is replayed at its end and must come to its ledger again.
//!
//! [`Cases::run_killed`] runs a case once more on a database on disk while the host dies at every commit ([`lives`]).

mod lives;
mod normalise;
mod outside;
mod report;
mod script;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use flow_rt::value::{Map, Value};
use flowgate_compiler::Link;
use futures::future::BoxFuture;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::host_vars::limit_vars;
use crate::bundles;
use crate::clock::{Clock, Micros};
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, StartRun};
use crate::runner::{Auditor, Catalog, Found, Runner, is_host_key};
use crate::sandbox::Sandbox;
use outside::Outside;
use report::Rows;
use script::Script;

/// A flow larger than this is refused.
const MAX_FLOW_BYTES: usize = 64 << 20;

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
    #[serde(default)]
    flows: IndexMap<String, Box<RawValue>>,
    #[serde(default)]
    components: IndexMap<String, PathBuf>,
    root: String,
    #[serde(default)]
    input: IndexMap<String, Box<RawValue>>,
    #[serde(default)]
    script: Vec<script::Entry>,
    #[serde(default)]
    listeners: bool,
    #[serde(default)]
    once: Vec<String>,
    #[serde(default)]
    around: Around,
}

/// What a case fixes of what flows are told beside the event.
#[derive(Deserialize, Default)]
struct Around {
    /// ISO time at which the case begins; its clock stands still but for timers.
    now: Option<String>,
    seed: Option<u64>,
}

/// A case with its flows compiled: it can be run any number of times.
struct Ready {
    components: Vec<journal::Component>,
    flows: Flows,
    root: Arc<Found>,
    /// Listeners to be started with the root.
    listeners: Vec<Found>,
    own: Box<RawValue>,
    host: Box<RawValue>,
    script: Vec<script::Entry>,
    once: Vec<String>,
    now: Option<Micros>,
    settings: crate::runner::Settings,
    sandbox: Sandbox,
}

/// The flows of one case, as a catalogue for child runs.
#[derive(Default, Clone)]
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
        let got = match self.ready(case)? {
            Ok(ready) => ready.run(Rows::Recorded).await?,
            Err(text) => compile_error(text),
        };
        line_of([("name", Value::str(name)), ("got", got)])
    }

    /// Runs one case undisturbed, and again while the host is killed at every commit and recovers from its database; `pattern` chooses
    /// on which side of each commit it dies. Answers with `{"name", "got", "kills", "killed"}`: `killed` is what came of it in spite of
    /// so many `kills`, and the rows of both ledgers also have `key`, `step` and `attempt`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_killed(&self, line: &str, pattern: u64) -> Result<String, Error> {
        let case: Case = serde_json::from_str(line)?;
        let name = case.name.clone();
        let ready = match self.ready(case)? {
            Ok(ready) => ready,
            Err(why) => return line_of([("name", Value::str(name)), ("got", compile_error(why))]),
        };
        let got = ready.run(Rows::Full).await?;
        // Values stay on their thread; text may leave it.
        let lives = tokio::task::spawn_blocking(move || {
            let (killed, kills) = lives::run(&ready, pattern)?;
            Ok::<_, Error>((text(&killed)?, kills))
        });
        let (killed, kills) = lives.await.map_err(|e| Error::Other(e.to_string()))??;
        let killed = flow_rt::json::parse(&killed).map_err(|e| Error::Other(e.to_string()))?;
        line_of([
            ("name", Value::str(name)),
            ("got", got),
            ("kills", Value::Int(kills)),
            ("killed", killed),
        ])
    }

    /// Runs one case on the database at `path`, which stays.
    ///
    /// # Errors
    /// As [`run`](Self::run); also what is wrong with a flow.
    #[cfg(test)]
    pub(crate) async fn keep(&self, line: &str, path: PathBuf) -> Result<(), Error> {
        let ready = self.ready(serde_json::from_str(line)?)?.map_err(Error::Other)?;
        let options = journal::Options {
            path: Some(path),
            ..journal::Options::default()
        };
        ready.live(&mut ready.outside(), options, Rows::Recorded).await.map(drop)
    }

    /// The inner error is what is wrong with a flow.
    fn ready(&self, case: Case) -> Result<Result<Ready, String>, Error> {
        let (mut components, mut flows, mut listeners) = (Vec::new(), Flows::default(), Vec::new());
        for (id, document) in &case.flows {
            let flow = match compile(document.get().as_bytes()) {
                Ok(flow) => flow,
                Err(text) => return Ok(Err(text)),
            };
            let digest = Digest::of(&flow.bytes);
            let found = |workflow_id: String, entry: String| Found {
                workflow_id,
                component: digest,
                entry,
            };
            if case.listeners && *id == case.root {
                let listener = |node: &String| found(bundles::listener_id(id, node), node.clone());
                listeners.extend(flow.listeners.iter().map(listener));
            }
            flows.0.insert(id.clone(), Arc::new(found(id.clone(), flow.entry)));
            components.push(journal::Component {
                digest,
                bytes: flow.bytes.into(),
                runtime: None,
            });
        }
        for (id, path) in &case.components {
            let bytes = std::fs::read(path);
            let bytes = bytes.map_err(|e| Error::Other(format!("case '{}': {}: {e}", case.name, path.display())))?;
            let found = Found {
                workflow_id: id.clone(),
                component: Digest::of(&bytes),
                // The runner asks the component.
                entry: String::new(),
            };
            components.push(journal::Component {
                digest: found.component,
                bytes: bytes.into(),
                runtime: None,
            });
            flows.0.insert(id.clone(), Arc::new(found));
        }
        let Some(root) = flows.0.get(&case.root).cloned() else {
            return Err(Error::Other(format!("case '{}' has no flow '{}'", case.name, case.root)));
        };
        let now = match case.around.now.as_deref() {
            Some(text) => {
                Some(Micros::parse(text).ok_or_else(|| Error::Other(format!("case '{}': '{text}' is no time", case.name)))?)
            }
            None => None,
        };
        let (mut host, own): (IndexMap<_, _>, IndexMap<_, _>) = case.input.into_iter().partition(|(key, _)| is_host_key(key));
        host.entry("_limits".to_owned()).or_insert_with(|| limit_vars(None));
        Ok(Ok(Ready {
            components,
            flows,
            root,
            listeners,
            own: serde_json::value::to_raw_value(&own)?,
            host: serde_json::value::to_raw_value(&host)?,
            script: case.script,
            once: case.once,
            now,
            settings: crate::runner::Settings {
                seed: case.around.seed,
                ..self.settings.clone()
            },
            sandbox: self.sandbox.clone(),
        }))
    }
}

impl Ready {
    /// Runs the case on a journal in memory.
    async fn run(&self, rows: Rows) -> Result<Value, Error> {
        let mut outside = self.outside();
        self.live(&mut outside, journal::Options::default(), rows).await
    }

    /// The outside of a run of this case that has not begun.
    fn outside(&self) -> Outside {
        let clock = Clock::virtual_at(self.now.unwrap_or_else(|| Clock::system().now()));
        let run_id = RunId::fresh();
        let start = |found: &Found, parent: Option<RunId>| StartRun {
            tenant: TenantId::LOCAL,
            run_id: RunId::fresh(),
            workflow_id: found.workflow_id.clone(),
            component: found.component,
            entry: found.entry.clone(),
            input: crate::journal::rows::empty_object(),
            host_vars: self.host.clone(),
            session_id: Some("S".to_owned()),
            actor_id: None,
            parent,
            listeners: Vec::new(),
        };
        let listeners = self.listeners.iter().map(|found| start(found, Some(run_id.clone())));
        let root = StartRun {
            listeners: listeners.collect(),
            input: self.own.clone(),
            run_id: run_id.clone(),
            ..start(&self.root, None)
        };
        Outside::new(clock, root, Script::new(self.script.clone(), &self.once))
    }

    /// One life of a host on this journal: the run goes on from wherever the life before left it, until nothing moves any more.
    async fn live(&self, outside: &mut Outside, options: journal::Options, rows: Rows) -> Result<Value, Error> {
        let (journal, service) = journal::open(journal::Options {
            clock: outside.clock().clone(),
            ..options
        })
        .await?;
        let service = tokio::spawn(service.run());
        for component in &self.components {
            if journal.component(TenantId::LOCAL, component.digest).await?.is_none() {
                journal.put_component(TenantId::LOCAL, component.clone()).await?;
            }
        }
        let catalog = Arc::new(self.flows.clone());
        let handlers = outside.handlers();
        let runner = Runner::start(
            self.settings.clone(),
            journal.clone(),
            self.sandbox.clone(),
            catalog,
            handlers,
        )
        .await?;
        let got = match outside.play(&journal).await {
            Ok(runs) => report::report(&journal, outside.root(), &runs, rows).await,
            Err(error) => Err(error),
        };
        runner.stop().await;
        let replayed = self.replay(&journal).await;
        journal.close().await?;
        drop(journal);
        if let Err(error) = service.await {
            tracing::error!(%error, "the journal of a case ended badly");
        }
        replayed.and(got)
    }

    /// Every run of the case must come to its ledger again.
    async fn replay(&self, journal: &journal::Handle) -> Result<(), Error> {
        let max_inline_bytes = journal::Options::default().max_inline_bytes;
        let auditor = Auditor::new(journal.clone(), self.sandbox.clone(), max_inline_bytes);
        for at in journal.all_runs(TenantId::LOCAL).await? {
            let Some(report) = auditor.replay(at).await? else { continue };
            if let Some(difference) = report.difference {
                let workflow = report.workflow_id;
                return Err(Error::Other(format!(
                    "a run of '{workflow}' does not come to its ledger again: {difference}"
                )));
            }
        }
        Ok(())
    }
}

fn compile_error(text: String) -> Value {
    Value::dict(Map::from_iter([("compile_error".into(), Value::str(text))]))
}

fn line_of<const N: usize>(members: [(&str, Value); N]) -> Result<String, Error> {
    let members = members.into_iter().map(|(key, value)| (key.into(), value));
    text(&Value::dict(members.collect()))
}

fn text(value: &Value) -> Result<String, Error> {
    flow_rt::json::to_string(value).map_err(|e| Error::Other(e.to_string()))
}

fn compile(document: &[u8]) -> Result<Compiled, String> {
    use flowgate_compiler::{diagnostic::Diagnostic, graph, visualflow};
    let all = |found: Vec<Diagnostic>| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let document = visualflow::Document::parse(document, MAX_FLOW_BYTES).map_err(|e| e.to_string())?;
    // The reference refuses a code node's program when it runs the node; so does a case.
    let graph = graph::build_with(&document, graph::RefusedCode::FailAtRun).map_err(all)?;
    let component = flowgate_compiler::compile(&graph, Link::Shared).map_err(all)?;
    let id = |node: &graph::NodeIx| graph.node(*node).id.clone();
    Ok(Compiled {
        bytes: component.bytes,
        entry: id(&graph.entry),
        listeners: graph.listeners.iter().map(id).collect(),
    })
}

struct Compiled {
    bytes: Vec<u8>,
    entry: String,
    listeners: Vec<String>,
}
