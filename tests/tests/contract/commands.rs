//! Commands: what is taken, what counts once, and what each kind does to a run and its family.

use flowgate_tests::ledger::outline;
use flowgate_tests::{Gateway, random};
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::{asked, gate, listener, nap, question, tree};
use crate::target;

const COMMANDS: &str = "/api/gateway/commands";

#[tokio::test]
async fn a_command_is_taken_once() {
    let (target, checks) = (target::shared().await, Checks::of("commands"));
    let (gateway, id) = (&target.gateway, target.name("once"));
    let run = asked(gateway, &id).await;
    let key = random::unique();
    let answer = |text: &str| json!({"payload": {"response": text}});
    let first = checks.ok("first", &gateway.command_as(&key, "resume", &run, answer("yes")).await);
    checks.fields("first is accepted", &first, json!({"accepted": true, "duplicate": false}));
    checks.holds("seq is a number", first["seq"].is_u64(), || first.to_string());
    let again = gateway.command_as(&key, "cancel", "another", answer("no")).await;
    let wanted = json!({"accepted": false, "duplicate": true, "seq": first["seq"]});
    checks.answers("the same id again", &again, 200, wanted);
    checks.equal("the first counts", gateway.output(&run).await["answer"].clone(), "yes");

    let blank = async || {
        gateway
            .post(COMMANDS, &json!({"command_id": " ", "run_id": run, "type": "pause"}))
            .await
    };
    let (one, two) = (blank().await, blank().await);
    let accepted = |reply: &Value| reply["accepted"].clone();
    let both = json!([
        accepted(&checks.ok("blank id", &one)),
        accepted(&checks.ok("blank id again", &two))
    ]);
    checks.equal("blank ids are fresh", both, json!([true, true]));
    let nowhere = gateway.command("cancel", "no-such-run", json!({})).await;
    checks.fields(
        "a run that is not there",
        &checks.ok("for no run", &nowhere),
        json!({"accepted": true}),
    );
}

#[tokio::test]
async fn a_command_that_is_malformed_is_told_field_by_field() {
    let (target, checks) = (target::shared().await, Checks::of("command body"));
    let gateway = &target.gateway;
    let body = json!({"run_id": "r"});
    let missing = |field: &str| json!({"type": "missing", "loc": ["body", field], "msg": "Field required", "input": body});
    let reply = gateway.post(COMMANDS, &body).await;
    checks.invalid("missing fields", &reply, json!([missing("command_id"), missing("type")]));
    let known = "type must be one of pause|resume|cancel|emit_event|update_schedule|compact_memory";
    for kind in ["explode", "PAUSE", ""] {
        let reply = gateway.command(kind, "r", json!({})).await;
        checks.refused(&format!("unknown type {kind:?}"), &reply, 400, known);
    }
    let reply = gateway.command("pause", " ", json!({})).await;
    checks.refused(
        "no run",
        &reply,
        400,
        "Failed to append command: CommandRecord.run_id must be non-empty",
    );
    let reply = gateway
        .post(
            COMMANDS,
            &json!({"command_id": 1, "run_id": "r", "type": "pause", "payload": []}),
        )
        .await;
    let wanted = json!([
        {"type": "string_type", "loc": ["body", "command_id"], "msg": "Input should be a valid string", "input": 1},
        {"type": "dict_type", "loc": ["body", "payload"], "msg": "Input should be a valid dictionary", "input": []}
    ]);
    checks.invalid("wrong types", &reply, wanted);
}

#[tokio::test]
async fn an_answer_must_fit_the_wait() {
    let (target, checks) = (target::shared().await, Checks::of("resume"));
    let (gateway, id) = (&target.gateway, target.name("resume"));
    let run = asked(gateway, &id).await;
    let wrong = json!({"wait_key": "user:other:ask", "payload": {"response": "no"}});
    gateway.command("resume", &run, wrong).await.ok();
    let right = json!({"waitKey": format!("user:{run}:ask"), "payload": {"response": "yes"}});
    gateway.command("resume", &run, right).await.ok();
    checks.equal(
        "only the right key counts",
        gateway.output(&run).await["answer"].clone(),
        "yes",
    );
    let rows = gateway.ledger(&run).await;
    let resume = rows
        .iter()
        .find(|row| row["effect"]["type"] == "resume" && row["status"] == "completed");
    let wanted = json!({
        "wait_reason": "user", "wait_key": format!("user:{run}:ask"), "resume_to_node": "end", "result_key": "_temp.effects.ask",
        "payload": {"response": "yes"}
    });
    checks.equal(
        "row of the answer",
        resume.map_or(Value::Null, |row| row["effect"]["payload"].clone()),
        wanted,
    );
    let failed = rows.iter().any(|row| row["status"] == "failed");
    checks.holds("the wrong key is told in the ledger", failed, || {
        format!("{:#?}", outline(&rows))
    });
}

#[tokio::test]
async fn a_pause_holds_a_timer_and_leaves_a_question_alone() {
    let (target, checks) = (target::shared().await, Checks::of("pause"));
    let (gateway, asks, naps) = (&target.gateway, target.name("asks"), target.name("naps"));
    gateway.install(&question(&asks, "1.0.0")).await;
    gateway.install(&nap(&naps, 0.5)).await;
    let run = gateway.start(&asks, json!({})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("pause", &run, json!({"reason": "look"})).await.ok();
    gateway.answer(&run, "yes").await.ok();
    checks.equal(
        "a question is not paused",
        gateway.output(&run).await["answer"].clone(),
        "yes",
    );
    checks.fields(
        "nor marked",
        &gateway.run(&run).await,
        json!({"paused": false, "paused_at": null}),
    );

    let run = gateway.start(&naps, json!({"x": 1})).await;
    gateway.until_status(&run, "waiting").await;
    gateway.command("pause", &run, json!({"reason": "later"})).await.ok();
    let paused = gateway.until(&run, "paused", |run| run["paused"] == true).await;
    let said = json!({"status": "waiting", "pause_reason": "later", "resumed_at": null});
    checks.fields("a timer is paused", &paused, said);
    checks.equal("its wait stays", paused["waiting"]["reason"].clone(), "until");
    gateway.command("resume", &run, json!({})).await.ok();
    let done = gateway.until_status(&run, "completed").await;
    checks.fields("after the resume", &done, json!({"paused": false}));
    checks.holds(
        "both times stay",
        done["paused_at"].is_string() && done["resumed_at"].is_string(),
        || done.to_string(),
    );
}

#[tokio::test]
async fn cancel_and_pause_take_the_family() {
    let (target, checks) = (target::shared().await, Checks::of("family"));
    let (gateway, id) = (&target.gateway, target.name("family"));
    gateway.install(&tree(&id)).await;
    let born = async || -> (String, String) {
        let parent = gateway.start(&id, json!({"x": 1})).await;
        let waiting = gateway.until_status(&parent, "waiting").await;
        let child = waiting["waiting"]["details"]["sub_run_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        gateway.until_status(&child, "waiting").await;
        (parent, child)
    };
    let (parent, child) = born().await;
    gateway.command("pause", &parent, json!({"reason": "hold"})).await.ok();
    let paused = gateway.until(&parent, "paused", |run| run["paused"] == true).await;
    checks.fields(
        "the parent is paused",
        &paused,
        json!({"pause_reason": "hold", "status": "waiting"}),
    );
    checks.fields(
        "the child asks a person",
        &gateway.run(&child).await,
        json!({"paused": false}),
    );
    gateway.command("resume", &parent, json!({})).await.ok();
    gateway.until(&parent, "not paused", |run| run["paused"] == false).await;
    gateway.answer(&child, "a").await.ok();
    gateway.until_status(&parent, "completed").await;
    let wanted = [
        "sub started start_subworkflow",
        "sub waiting start_subworkflow",
        "sub completed resume",
        "end completed -",
        "end completed emit_event",
    ];
    checks.equal("rows of the parent", outline(&gateway.ledger(&parent).await), json!(wanted));

    let (parent, child) = born().await;
    gateway.command("cancel", &parent, json!({"reason": "enough"})).await.ok();
    for (what, run) in [("parent", &parent), ("child", &child)] {
        let cancelled = gateway.until_status(run, "cancelled").await;
        checks.fields(
            &format!("cancelled {what}"),
            &cancelled,
            json!({"error": "enough", "waiting": null}),
        );
        let last = gateway.ledger(run).await.pop().unwrap_or_default();
        checks.equal(
            &format!("mark of the {what}"),
            last["idempotency_key"].clone(),
            "system:terminal_status:cancelled",
        );
    }
    gateway
        .command("resume", &parent, json!({"payload": {"response": "late"}}))
        .await
        .ok();
    let (parent, child) = born().await;
    gateway.command("cancel", &child, json!({})).await.ok();
    gateway.until_status(&parent, "completed").await;
    let output = gateway.ledger(&parent).await[2]["effect"]["payload"]["payload"]["output"].clone();
    checks.fields(
        "a cancelled child resumes its parent",
        &output,
        json!({"success": false, "cancelled": true}),
    );
}

#[tokio::test]
async fn an_event_goes_to_its_scope() {
    let (target, checks) = (target::shared().await, Checks::of("events"));
    let (gateway, word) = (&target.gateway, target.name("go"));
    let session = target.name("session");
    let key = |scope: &str, id: &str| format!("evt:{scope}:{id}:{word}");
    let gates = [
        ("global", key("global", "global"), json!({"scope": "global"})),
        (
            "session",
            key("session", &session),
            json!({"scope": "session", "session_id": session}),
        ),
        ("session by default", key("session", &session), json!({"sessionId": session})),
        (
            "workflow",
            key("workflow", "w-1"),
            json!({"scope": "workflow", "workflow_id": "w-1"}),
        ),
        ("run", key("run", "r-1"), json!({"scope": "run", "run_id": "r-1"})),
    ];
    for (what, key, fields) in gates {
        let id = target.name("gate");
        gateway.install(&gate(&id, &key)).await;
        let run = gateway.start(&id, json!({})).await;
        gateway.until_status(&run, "waiting").await;
        let mut payload = fields;
        payload["name"] = json!(word);
        payload["payload"] = json!(7);
        gateway.command("emit_event", &run, payload).await.ok();
        let data = gateway.output(&run).await["data"].clone();
        let emitter = json!({"source": "external", "client_id": "tests"});
        let wanted = json!({"name": word, "payload": {"value": 7}, "emitter": emitter});
        checks.fields(what, &data, wanted);
    }
    // The run that a command names stands for the session where none is said.
    let id = target.name("hears");
    gateway.install(&listener(&id, "session")).await;
    let root = gateway.start_with(json!({"bundle_id": id, "session_id": session})).await;
    gateway.until_status(&root, "waiting").await;
    let child = child_of(gateway, &session, &root).await;
    for n in 1..=2 {
        gateway
            .command("emit_event", &session, json!({"name": "ping", "payload": {"n": n}}))
            .await
            .ok();
        let heard = async || {
            let rows = gateway.ledger(&child).await;
            rows.iter()
                .filter(|row| row["effect"]["type"] == "answer_user" && row["status"] == "completed")
                .count()
        };
        while heard().await < n {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        gateway.until_status(&child, "waiting").await;
    }
    let rows = gateway.ledger(&child).await;
    let resume = rows
        .iter()
        .find(|row| row["effect"]["type"] == "resume")
        .cloned()
        .unwrap_or_default();
    let wanted = json!({
        "event_id": null, "name": "ping", "scope": "session", "session_id": session, "payload": {"n": 1}, "emitted_at": null,
        "emitter": {"source": "external", "client_id": "tests"}
    });
    checks.equal("envelope", resume["effect"]["payload"]["payload"].clone(), wanted);
}

async fn child_of(gateway: &Gateway, session: &str, parent: &str) -> String {
    let list = gateway.get(&format!("/api/gateway/runs?session_id={session}")).await.ok();
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let child = items.iter().find(|item| item["parent_run_id"] == parent);
    child.and_then(|child| child["run_id"].as_str()).expect("a child").to_owned()
}

#[tokio::test]
async fn a_paused_match_does_not_keep_an_event_from_the_others() {
    let (target, checks) = (target::shared().await, Checks::of("events paused"));
    let (gateway, word, id) = (&target.gateway, target.name("go"), target.name("gate"));
    gateway.install(&gate(&id, &format!("evt:global:global:{word}"))).await;
    let runs = [
        gateway.start(&id, json!({})).await,
        gateway.start(&id, json!({})).await,
        gateway.start(&id, json!({})).await,
    ];
    for run in &runs {
        gateway.until_status(run, "waiting").await;
    }
    gateway.command("pause", &runs[1], json!({})).await.ok();
    gateway.until(&runs[1], "paused", |run| run["paused"] == true).await;
    gateway
        .command("emit_event", &runs[0], json!({"name": word, "scope": "global"}))
        .await
        .ok();
    // Whichever order they are asked in, one of these comes after the paused one; a reference that stops there leaves it waiting.
    let marker = gateway
        .command(
            "emit_event",
            &runs[0],
            json!({"name": target.name("other"), "scope": "global"}),
        )
        .await;
    checks.ok("another event", &marker);
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
    let mut ended = Vec::new();
    while std::time::Instant::now() < deadline && ended.len() < 2 {
        ended.clear();
        for run in [&runs[0], &runs[2]] {
            if gateway.run(run).await["status"] == "completed" {
                ended.push(run);
            }
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    checks.equal("runs that are not paused hear it", ended.len(), 2);
    checks.fields(
        "the paused one still waits",
        &gateway.run(&runs[1]).await,
        json!({"status": "waiting", "paused": true}),
    );
}

#[tokio::test]
async fn a_command_that_fails_leaves_a_row_that_says_why() {
    let (target, checks) = (target::shared().await, Checks::of("failed commands"));
    let (gateway, id) = (&target.gateway, target.name("fails"));
    let run = asked(gateway, &id).await;
    let cases: &[(&str, &str, Value)] = &[
        (
            "resume with the wrong key",
            "resume",
            json!({"wait_key": "x", "payload": {"response": "no"}}),
        ),
        ("resume with a payload that is no object", "resume", json!({"payload": 5})),
        ("an event without a name", "emit_event", json!({})),
        (
            "an event of an unknown scope",
            "emit_event",
            json!({"name": "x", "scope": "galaxy"}),
        ),
        ("a schedule that is none", "update_schedule", json!({"interval": "1h"})),
        ("memory without a model", "compact_memory", json!({})),
    ];
    for (what, kind, payload) in cases {
        let before = gateway.ledger(&run).await.len();
        gateway.command(kind, &run, payload.clone()).await.ok();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(3);
        let mut row = Value::Null;
        while row.is_null() && std::time::Instant::now() < deadline {
            row = gateway.ledger(&run).await.get(before).cloned().unwrap_or_default();
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let says = row["status"] == "failed" && row["error"].as_str().is_some_and(|error| !error.is_empty());
        checks.holds(what, says, || format!("row {row}"));
    }
    checks.fields(
        "and the run goes on waiting",
        &gateway.run(&run).await,
        json!({"status": "waiting"}),
    );
}
