//! Replaying a run: what its flow asks for must be what it asked for. Moving one: it must stand where the flow knows it stands.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::history::Tick;
use super::replay::{self, Failure};
use super::{Catalog, Found, Move, Runner, Settings, Trial};
use crate::effects::Handlers;
use crate::ids::{Digest, RunId, TenantId};
use crate::journal::{self, Component, Fuse, LiveRun, Moment, StartRun};
use crate::record::RunStatus;
use crate::sandbox::{self, Sandbox};

const FLOW: &str = r#"{"id": "f", "entryNode": "start", "nodes": [
  {"id": "start", "type": "on_flow_start", "data": {"outputs": [{"id": "exec-out", "type": "execution"}]}},
  {"id": "say", "type": "answer_user", "data": {"inputs": [{"id": "exec-in", "type": "execution"}, {"id": "message", "type": "string"}],
    "outputs": [{"id": "exec-out", "type": "execution"}], "pinDefaults": {"message": "hello"}}},
  {"id": "ask", "type": "ask_user", "data": {"inputs": [{"id": "exec-in", "type": "execution"}, {"id": "prompt", "type": "string"}],
    "outputs": [{"id": "exec-out", "type": "execution"}], "pinDefaults": {"prompt": "Well?"}}}],
  "edges": [{"id": "a", "source": "start", "sourceHandle": "exec-out", "target": "say", "targetHandle": "exec-in"},
            {"id": "b", "source": "say", "sourceHandle": "exec-out", "target": "ask", "targetHandle": "exec-in"}]}"#;

/// Knows no workflow.
struct Nothing;

impl Catalog for Nothing {
    fn workflow<'a>(&'a self, _tenant: TenantId, _workflow_id: &'a str) -> BoxFuture<'a, Option<Arc<Found>>> {
        Box::pin(std::future::ready(None))
    }
}

/// A run of the component, without input.
fn start_of(run_id: RunId, component: Digest) -> StartRun {
    let empty = crate::journal::rows::empty_object;
    StartRun {
        tenant: TenantId::LOCAL,
        run_id,
        workflow_id: "f".to_owned(),
        component,
        entry: "start".to_owned(),
        input: empty(),
        host_vars: empty(),
        session_id: None,
        actor_id: None,
        parent: None,
        listeners: Vec::new(),
    }
}

#[tokio::test]
async fn a_request_that_differs_is_shown_with_the_recorded_one() {
    use flowgate_compiler::{Link, compile, graph, visualflow::Document};
    let graph = graph::build(&Document::parse(FLOW.as_bytes(), 1 << 20).unwrap()).unwrap();
    let bytes: Arc<[u8]> = compile(&graph, Link::Shared).unwrap().bytes.into();
    let digest = Digest::of(&bytes);
    let sandbox = Sandbox::new(sandbox::Settings {
        max_live: 4,
        cache: Some(std::env::temp_dir().join("flowgate-tests-code-cache")),
        ..sandbox::Settings::default()
    });
    let sandbox = sandbox.unwrap();
    let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let component = Component {
        digest,
        bytes: bytes.clone(),
        runtime: None,
    };
    journal.put_component(TenantId::LOCAL, component).await.unwrap();
    let settings = Settings {
        max_live: 4,
        ..Settings::default()
    };
    let runner = Runner::start(
        settings,
        journal.clone(),
        sandbox.clone(),
        Arc::new(Nothing),
        Handlers::default(),
    );
    let runner = runner.await.unwrap();
    let run_id = RunId::fresh();
    let start = start_of(run_id.clone(), digest);
    let at = journal.start(start).await.unwrap().run;
    while journal.run(TenantId::LOCAL, &run_id).await.unwrap().unwrap().status != RunStatus::Waiting {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let program = sandbox.prepare(digest, bytes, None).await.unwrap();
    let live = journal.load(at).await.unwrap().unwrap();
    let history = journal.history(at).await.unwrap();
    // As if the flow gave no snapshots: it is recomputed from its start.
    let whole = LiveRun {
        snapshot: None,
        ticks: history.clone(),
        ..live.clone()
    };
    let restored = replay::restore(&sandbox, &program, &whole).await;
    assert!(restored.is_ok_and(|restored| restored.begun && restored.ticks == history.len()));

    let other = |place: usize, effects: Vec<String>| {
        let mut ticks = history.clone();
        let mut tick: Tick = serde_json::from_str(&ticks[place]).unwrap();
        tick.effects = effects;
        ticks[place] = serde_json::to_string(&tick).unwrap();
        LiveRun { ticks, ..whole.clone() }
    };
    let explained = async |run: LiveRun| match replay::restore(&sandbox, &program, &run).await {
        Ok(_) => panic!("it is replayed all the same"),
        Err(failure @ Failure::Differs(_)) => failure.explain(&journal, &run).await,
        Err(Failure::Text(text)) => panic!("{text}"),
    };
    let second = history.len() - 1;
    let differs = explained(other(second, vec!["0".repeat(32)])).await;
    let request = "ask_user of node 'ask' with {";
    assert!(
        differs.starts_with(&format!("replay, tick {second}: the flow asks for {request}")),
        "{differs}"
    );
    assert!(
        differs.contains(&format!("but when it was recorded it asked for {request}")),
        "{differs}"
    );
    assert_eq!(differs.matches("Well?").count(), 2, "both in full: {differs}");
    let fewer = explained(other(second, Vec::new())).await;
    assert!(fewer.ends_with("but when it was recorded it asked for nothing"), "{fewer}");
    let tick: Tick = serde_json::from_str(&history[0]).unwrap();
    let more = explained(other(0, [tick.effects, vec!["0".repeat(32)]].concat())).await;
    assert!(
        more.contains("the flow asks for nothing, but when it was recorded it asked for"),
        "{more}"
    );
    runner.stop().await;
}

/// A flow that says something so often that it takes more than one commit.
fn talkative() -> String {
    let says: Vec<String> = (0..150).map(|n| format!("say{n}")).collect();
    let node = |id: &String| {
        format!(
            r#"{{"id": "{id}", "type": "answer_user", "data": {{"inputs": [{{"id": "exec-in", "type": "execution"}}, {{"id": "message", "type": "string"}}],
            "outputs": [{{"id": "exec-out", "type": "execution"}}], "pinDefaults": {{"message": "{id}"}}}}}}"#
        )
    };
    let nodes: Vec<String> = says.iter().map(node).collect();
    let ids: Vec<&str> = std::iter::once("start").chain(says.iter().map(String::as_str)).collect();
    let edge = |pair: &[&str]| {
        let [from, to] = pair else { panic!("two nodes") };
        format!(
            r#"{{"id": "{to}", "source": "{from}", "sourceHandle": "exec-out", "target": "{to}", "targetHandle": "exec-in"}}"#
        )
    };
    let edges: Vec<String> = ids.windows(2).map(edge).collect();
    format!(
        r#"{{"id": "f", "entryNode": "start", "nodes": [
        {{"id": "start", "type": "on_flow_start", "data": {{"outputs": [{{"id": "exec-out", "type": "execution"}}]}}}}, {}], "edges": [{}]}}"#,
        nodes.join(", "),
        edges.join(", ")
    )
}

/// A host dies when it has stored what came of a request, and before it has told the flow: what the flow knows and what is stored are not
/// the same then.
#[tokio::test]
async fn a_run_that_was_killed_between_an_outcome_and_hearing_it_is_not_moved() {
    use flowgate_compiler::{Link, compile, graph, visualflow::Document};
    let graph = graph::build(&Document::parse(talkative().as_bytes(), 1 << 20).unwrap()).unwrap();
    let bytes: Arc<[u8]> = compile(&graph, Link::Shared).unwrap().bytes.into();
    let digest = Digest::of(&bytes);
    let sandbox = sandbox::Settings {
        max_live: 4,
        cache: Some(std::env::temp_dir().join("flowgate-tests-code-cache")),
        ..sandbox::Settings::default()
    };
    let sandbox = Sandbox::new(sandbox).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let fuse = Fuse::new(2, Moment::After);
    let options = journal::Options {
        path: Some(dir.path().join("j.sqlite3")),
        ..journal::Options::default()
    };
    let run_id = RunId::fresh();
    let dying = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (to_die, life) = (
        fuse.clone(),
        journal::Options {
            fuse: Some(fuse.clone()),
            ..options.clone()
        },
    );
    let (killed_in, killed_id) = (sandbox.clone(), run_id.clone());
    dying
        .spawn(async move {
            let (journal, service) = journal::open(life).await.unwrap();
            tokio::spawn(service.run());
            let component = Component {
                digest,
                bytes,
                runtime: None,
            };
            journal.put_component(TenantId::LOCAL, component).await.unwrap();
            let settings = Settings {
                max_live: 4,
                ..Settings::default()
            };
            let nothing = (Arc::new(Nothing), Handlers::default());
            let _runner = Runner::start(settings, journal.clone(), killed_in, nothing.0, nothing.1)
                .await
                .unwrap();
            let start = start_of(killed_id, digest);
            let _heard = journal.start(start).await;
            to_die.blown().await;
        })
        .await
        .unwrap();
    dying.shutdown_background();

    let (journal, service) = journal::open(options).await.unwrap();
    tokio::spawn(service.run());
    let row = journal.run(TenantId::LOCAL, &run_id).await.unwrap().unwrap();
    assert_eq!(row.status, RunStatus::Running);
    let live = journal.load(row.at).await.unwrap().unwrap();
    let last: Tick = serde_json::from_str(live.ticks.last().expect("a commit of ticks")).unwrap();
    assert!(last.next.is_some(), "the flow was to be told something: {last:?}");
    let trial = Trial::new(journal.clone(), sandbox);
    let to = journal::Pin {
        workflow_id: "g".to_owned(),
        component: digest,
    };
    match trial.of(row.at, &to).await.unwrap() {
        Some(Move::Cannot(obstacle)) => assert_eq!(
            obstacle.reason,
            "the run was interrupted at its work: let a server bring it to its next wait first"
        ),
        other => panic!("it is moved all the same: {other:?}"),
    }
    assert_eq!(journal.run(TenantId::LOCAL, &run_id).await.unwrap().unwrap().workflow_id, "f");
}
