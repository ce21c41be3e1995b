//! What the command line accepts, and what a typed answer means.

#![allow(clippy::unwrap_used, clippy::panic)]

use clap::{CommandFactory as _, Parser as _};
use serde_json::json;

use super::question::{Answer, Question};
use super::{Cli, Command, show};
use crate::config::Settings;
use crate::journal::{Pause, RunRow};
use crate::record::{Json, RunStatus, StepRecord, WaitReason, WaitState};

fn parse(line: &str) -> Result<Command, clap::Error> {
    Cli::try_parse_from(std::iter::once("flowgate").chain(line.split_whitespace())).map(|cli| cli.command)
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn settings_are_flags_of_serve() {
    let settings = |line: &str| -> Settings {
        match parse(line).unwrap() {
            Command::Serve(args) => args.settings().resolve().unwrap().settings,
            other => panic!("{other:?}"),
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let base = format!("serve --data-dir {}", dir.path().display());
    let plain = settings(&base);
    assert_eq!(plain.data_dir, dir.path());
    assert!(plain.runner.enabled);
    let full = settings(&format!(
        "{base} --host ::1 --port 0 --flows-dir x --no-runner --max-live 5 --log-format json"
    ));
    assert_eq!((full.host.as_str(), full.port, full.runner.enabled), ("::1", 0, false));
    assert_eq!((full.runner.max_live, full.flows_dir.to_str()), (5, Some("x")));
}

#[test]
fn every_command_says_what_it_lacks() {
    for (line, ok) in [
        ("serve", true),
        ("runner --data-dir d", true),
        ("compile a.json -o a.wasm", true),
        ("compile a.json -o a.wasm --link shared", true),
        ("compile a.json -o a.wasm --link static", false),
        ("compile a.json", false),
        ("pack dir -o x.flow", true),
        ("pack dir", false),
        ("new guest hello", true),
        ("new guest hello --sdk ../sdk", true),
        ("new guest", false),
        ("new hello", false),
        ("run x.flow:f --input {}", true),
        ("run x.flow --port 1", false),
        ("run", false),
        ("demo --once", true),
        ("nodes --json", true),
        ("config", true),
        ("serve --auth-token t", false),
        ("", false),
    ] {
        assert_eq!(parse(line).is_ok(), ok, "{line}");
    }
}

fn raw(value: serde_json::Value) -> Json {
    serde_json::value::to_raw_value(&value).unwrap()
}

fn waiting(reason: WaitReason, key: &str, choices: &[&str], free_text: bool) -> RunRow {
    let id = crate::ids::RunId::from("r");
    RunRow {
        at: crate::ids::RunRef {
            tenant: crate::ids::TenantId::LOCAL,
            run: crate::ids::RunKey(1),
        },
        run_id: id,
        workflow_id: "b@1:f".to_owned(),
        component: crate::ids::Digest([0; 32]),
        entry: "start".to_owned(),
        status: RunStatus::Waiting,
        current_node: Some("ask".to_owned()),
        waiting: Some(WaitState {
            reason,
            wait_key: Some(key.to_owned()),
            until: None,
            resume_to_node: None,
            result_key: None,
            prompt: Some(raw(json!("Publish?"))),
            choices: Some(raw(json!(choices))),
            allow_free_text: free_text,
            details: None,
        }),
        output: None,
        error: None,
        created_at: Default::default(),
        updated_at: Default::default(),
        actor_id: None,
        session_id: Some("s:1".to_owned()),
        parent_run_id: None,
        paused: Pause::default(),
        host_vars: raw(json!({})),
        host_patch: None,
        epoch: 0,
        last_seq: 1,
        own_seq: 1,
        last_time: Default::default(),
        metrics: Default::default(),
        horizon: 1,
    }
}

#[test]
fn a_typed_line_is_an_answer_or_says_why_not() {
    let closed = Question::of(&waiting(WaitReason::User, "user:r:ask", &["approve", "reject"], false)).unwrap();
    let said = |q: &Question, line: &str| match q.answer(line) {
        Ok(Answer::Response(text)) => text,
        other => format!("{other:?}"),
    };
    assert!(
        closed.text().contains("Publish?") && closed.text().contains("2) reject"),
        "{}",
        closed.text()
    );
    assert_eq!(said(&closed, "2"), "reject");
    assert_eq!(said(&closed, " APPROVE "), "approve");
    assert!(closed.answer("3").is_err() && closed.answer("").is_err());
    assert_eq!(closed.default_answer(), Some(Answer::Response("approve".to_owned())));
    let open = Question::of(&waiting(WaitReason::User, "user:r:ask", &["a", "b"], true)).unwrap();
    assert_eq!(said(&open, "something else"), "something else");
    let mut paused = waiting(WaitReason::User, "user:r:ask", &[], true);
    paused.paused.paused = true;
    assert_eq!(Question::of(&paused), None);
    assert_eq!(Question::of(&waiting(WaitReason::Until, "", &[], true)), None);
}

#[test]
fn an_awaited_event_can_be_sent() {
    for (key, event) in [
        (
            "evt:session:s:1:ready:now",
            json!({"name": "ready:now", "scope": "session", "session_id": "s:1", "payload": {"n": 1}}),
        ),
        (
            "evt:workflow:b@1:f:go",
            json!({"name": "go", "scope": "workflow", "workflow_id": "b@1:f", "payload": {"n": 1}}),
        ),
        (
            "evt:global:global:go",
            json!({"name": "go", "scope": "global", "payload": {"n": 1}}),
        ),
    ] {
        let question = Question::of(&waiting(WaitReason::Event, key, &[], true)).unwrap();
        assert_eq!(question.answer("{\"n\": 1}"), Ok(Answer::Event(event)), "{key}");
        assert!(question.answer("{").is_err());
        assert_eq!(question.default_answer(), None);
    }
}

#[test]
fn a_row_is_one_readable_line() {
    let row = json!({
        "run_id": "r", "step_id": "s", "node_id": "greet", "status": "completed",
        "effect": {"type": "answer_user", "payload": {"message": "Hello,\nAnn"}, "result_key": null},
        "result": {"message": "Hello"}, "error": null, "started_at": "2026-01-08T10:11:12.131415+00:00",
        "ended_at": null, "actor_id": null, "session_id": null, "attempt": 1, "idempotency_key": null,
        "prev_hash": null, "record_hash": null, "signature": null,
    });
    let record: StepRecord = serde_json::from_str(&row.to_string()).unwrap();
    let line = show::row("hello", &record);
    assert!(line.starts_with("10:11:12.131  hello"), "{line}");
    assert!(line.ends_with("completed  Hello, Ann"), "{line}");
}
