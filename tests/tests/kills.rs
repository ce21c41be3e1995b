//! What a kill may change of a run: nothing. Flows run once undisturbed and once while their host is killed at every commit and recovers
//! from its database; both must come out the same, to the last row of the ledger.
//!
//! Most of it is `flowgate cases --kill-at-every-commit`, where a host lives and dies within a process in virtual time; a few flows run
//! on a real server that gets SIGKILL. `FLOWGATE_SEED` has the flows of an earlier run again, `FLOWGATE_KILL_FLOWS` sets how many there
//! are.

use std::path::PathBuf;
use std::time::Duration;

use flowgate_tests::cases::{difference, first_difference, killed};
use flowgate_tests::ledger::{as_case, comparable};
use flowgate_tests::random::Random;
use flowgate_tests::random_flow::{self, World};
use flowgate_tests::{Bundle, Flow, Gateway, Server, example, root};
use serde_json::{Value, json};

/// How many random flows are killed if nothing else is asked for.
const FLOWS: u64 = 60;

/// How many flows are asked for.
fn flows(default: u64) -> u64 {
    std::env::var("FLOWGATE_KILL_FLOWS").map_or(default, |text| text.parse().expect("FLOWGATE_KILL_FLOWS is a number"))
}

/// Fails with the cases that differ, which are kept in a file; says what was done.
fn judge(what: &str, cases: &[Value], answers: &[Value]) {
    let refused: Vec<&Value> = answers.iter().filter(|a| !a["got"]["compile_error"].is_null()).collect();
    assert!(refused.is_empty(), "flows that do not compile: {refused:?}");
    let differ: Vec<(&Value, String)> = cases
        .iter()
        .zip(answers)
        .filter_map(|(case, answer)| Some((case, difference(answer)?)))
        .collect();
    let ended = |status: &str| answers.iter().filter(|a| a["got"]["status"] == status).count();
    let kills: u64 = answers.iter().filter_map(|a| a["kills"].as_u64()).sum();
    eprintln!(
        "{what}: {} flows, {} completed, {} failed, {} left waiting, {kills} kills",
        answers.len(),
        ended("completed"),
        ended("failed") + ended("error"),
        ended("waiting"),
    );
    if differ.is_empty() {
        return;
    }
    let kept = std::env::temp_dir().join(format!("flowgate-{}.jsonl", what.replace(' ', "-")));
    let lines: Vec<String> = differ.iter().map(|(case, _)| case.to_string() + "\n").collect();
    std::fs::write(&kept, lines.concat()).expect("the cases are kept");
    let shown: Vec<String> = differ.iter().map(|(case, how)| format!("{}: {how}", case["name"])).collect();
    panic!(
        "{} runs differ; their cases are in {}:\n{}",
        differ.len(),
        kept.display(),
        shown.join("\n")
    );
}

#[tokio::test]
async fn a_random_flow_comes_out_the_same_when_its_host_is_killed_at_every_commit() {
    let count = flows(FLOWS);
    let seed = match std::env::var("FLOWGATE_SEED") {
        Ok(text) => text.parse().expect("FLOWGATE_SEED is a number"),
        // Always the same, so that a change is judged by what it changes; other seeds look for what is not known yet.
        Err(_) => 1,
    };
    // The name says how to have this one flow again: FLOWGATE_SEED=… FLOWGATE_KILL_FLOWS=1.
    let case = |seed: u64| random_flow::case(&seed.to_string(), &mut Random::of(seed), World::Cases);
    let cases: Vec<Value> = (seed..seed + count).map(case).collect();
    let half = cases.len() / 2;
    // Short ticks make many commits' worth of history of what is one tick otherwise.
    let (whole, short) = tokio::join!(killed(&cases[..cases.len() - half], seed, &[]), async {
        if half == 0 {
            return Vec::new();
        }
        killed(&cases[cases.len() - half..], seed, &["--tick-max-steps", "3"]).await
    });
    judge("long ticks", &cases[..cases.len() - half], &whole);
    judge("short ticks", &cases[cases.len() - half..], &short);
}

#[tokio::test]
async fn a_recorded_case_comes_out_the_same_when_its_host_is_killed_at_every_commit() {
    for name in ["control", "effects", "examples", "events", "time", "entries", "around"] {
        let file = root().join(format!("tests/cases/{name}.jsonl"));
        let text = std::fs::read_to_string(&file).expect("the cases are there");
        let cases: Vec<Value> = text
            .lines()
            .map(|line| with_flows(serde_json::from_str(line).expect("JSON")))
            .filter(|case| case["expect"]["compile_error"].is_null())
            .collect();
        judge(name, &cases, &killed(&cases, 1, &[]).await);
    }
}

#[tokio::test]
async fn what_was_drawn_before_a_kill_is_not_drawn_again() {
    let flow = Flow::new("draws")
        .start(&[])
        .node(
            "each",
            "loop",
            &["items"],
            &["item"],
            json!({"pinDefaults": {"items": [1, 2, 3, 4]}}),
        )
        .node(
            "draw",
            "random_int",
            &["max"],
            &["result"],
            json!({"pinDefaults": {"max": 1_000_000_000}}),
        )
        .node(
            "last",
            "get_var",
            &["name"],
            &["value"],
            json!({"pinDefaults": {"name": "last"}}),
        )
        .node(
            "drawn",
            "get_var",
            &["name"],
            &["value"],
            json!({"pinDefaults": {"name": "drawn"}}),
        )
        .node(
            "or_none",
            "coalesce",
            &["a", "b"],
            &["result"],
            json!({"pinDefaults": {"b": []}}),
        )
        .node("more", "array_append", &["array", "item"], &["result"], json!({}))
        .node(
            "keep",
            "set_var",
            &["name", "value"],
            &[],
            json!({"pinDefaults": {"name": "last"}}),
        )
        .node(
            "note",
            "set_var",
            &["name", "value"],
            &[],
            json!({"pinDefaults": {"name": "drawn"}}),
        )
        .say("say", "")
        .ask("ask", "Go on?", &[])
        .end("end", &["drawn"])
        .exec("start -> each")
        .exec("each.loop -> keep -> note -> say -> ask")
        .exec("each.done -> end")
        .wire("draw.result -> keep.value")
        .wire("drawn.value -> or_none.a")
        .wire("or_none.result -> more.array")
        .wire("last.value -> more.item")
        .wire("more.result -> note.value")
        .wire("last.value -> say.message")
        .wire("drawn.value -> end.drawn");
    // No seed: each life of the host draws other numbers.
    let script = vec![json!({"resume": {"response": "yes"}}); 4];
    let case = json!({"name": "draws", "flows": {"draws": flow.json()}, "root": "draws", "input": {}, "script": script});
    for (pattern, settings) in [
        (1, [].as_slice()),
        (2, &["--tick-max-steps", "2"]),
        (3, &["--tick-max-steps", "1"]),
    ] {
        let answers = killed(std::slice::from_ref(&case), pattern, settings).await;
        let (killed, kills) = (&answers[0]["killed"], answers[0]["kills"].as_u64());
        assert!(kills >= Some(8), "{kills:?} kills");
        let rows = killed["ledger"].as_array().expect("rows").iter();
        let said = rows.filter(|row| row["node"] == "say" && row["status"] == "completed");
        let said: Vec<String> = said
            .map(|row| row["result"]["message"].as_str().expect("a text").to_owned())
            .collect();
        let drawn = killed["output"]["drawn"].as_array().expect("numbers");
        let drawn: Vec<String> = drawn.iter().map(Value::to_string).collect();
        assert_eq!(said, drawn);
        assert_eq!(said.len(), 4);
    }
}

#[tokio::test]
async fn a_call_that_may_not_be_repeated_fails_when_its_host_dies_while_it_is_made() {
    let flow = Flow::new("calls")
        .start(&[])
        .say("say", "before")
        .node(
            "call",
            "llm_call",
            &["prompt"],
            &["response"],
            json!({"pinDefaults": {"prompt": "p"}}),
        )
        .end("end", &["r"])
        .exec("start -> say -> call -> end")
        .wire("call.response -> end.r");
    let script = json!([{"effect": "llm_call", "result": {"content": "said"}}]);
    let case = json!({"name": "calls", "flows": {"calls": flow.json()}, "root": "calls", "input": {}, "script": script, "once": ["llm_call"]});
    // On either side of the commits the call is in flight when the host dies: before it was made, and after.
    for pattern in 1..5 {
        let answers = killed(std::slice::from_ref(&case), pattern, &[]).await;
        assert_eq!(
            answers[0]["got"]["output"],
            json!({"r": "said", "success": true}),
            "{answers:?}"
        );
        let killed = &answers[0]["killed"];
        assert_eq!(killed["status"], "failed", "{killed}");
        assert_eq!(killed["error"], "Effect failed after 1 attempts: interrupted");
        let rows = killed["ledger"].as_array().expect("rows");
        let call: Vec<&Value> = rows
            .iter()
            .filter(|row| row["node"] == "call" && !row["key"].is_null() && row["effect"]["type"] == "llm_call")
            .collect();
        assert_eq!(
            call.iter().map(|row| &row["status"]).collect::<Vec<_>>(),
            ["started", "failed"]
        );
        assert_eq!((&call[0]["step"], &call[1]["attempt"]), (&call[1]["step"], &json!(1)));
    }
}

/// Flows that a server runs while it gets SIGKILL.
const ON_A_SERVER: u64 = 10;

#[tokio::test]
async fn a_random_flow_comes_out_the_same_when_its_server_gets_sigkill() {
    let mut random = Random::seeded();
    let mut server = Server::start().await;
    let (mut kills, mut rows) = (0, 0);
    for number in 0..flows(ON_A_SERVER) {
        let seed = random.number() >> 24;
        let case = random_flow::case("server", &mut Random::of(seed), World::Server);
        let mut bundle = Bundle::new(&format!("random{number}"), "1.0.0");
        for (id, flow) in case["flows"].as_object().expect("flows") {
            bundle = bundle.document(id, flow.to_string().into_bytes());
        }
        server.gateway().install(&bundle).await;
        let undisturbed = on_server(&mut server, bundle.id(), &case, None).await;
        let (status, ledger) = on_server(&mut server, bundle.id(), &case, Some((&mut random, &mut kills))).await;
        assert_eq!(status, undisturbed.0, "flow {seed}");
        let (ledger, undisturbed) = (comparable(&as_case(&ledger)), comparable(&as_case(&undisturbed.1)));
        if let Some(how) = first_difference(&undisturbed, &ledger) {
            panic!("flow {seed}, {how}");
        }
        rows += ledger.len();
    }
    eprintln!("on a server: {kills} kills, {rows} rows");
    server.stop_and_replay().await;
}

/// Runs a case on a server, which is killed soon after the start and each answer, to where nothing moves any more. Answers with the root's
/// status and the rows of all its runs.
async fn on_server(
    server: &mut Server,
    bundle: &str,
    case: &Value,
    mut kill: Option<(&mut Random, &mut u64)>,
) -> (String, Vec<Value>) {
    let gateway = server.gateway();
    let root = gateway.start(bundle, case["input"].clone()).await;
    // An event passes a run by that is paused.
    let pausable = !case["flows"].to_string().contains("_event\"");
    let mut answers = case["script"]
        .as_array()
        .expect("a script")
        .iter()
        .filter_map(|entry| entry.get("resume"));
    loop {
        if let Some((random, kills)) = &mut kill {
            // What is paused and resumed comes out the same too: a pause leaves no rows, and what it interrupts is computed again.
            let paused = pausable && random.between(0, 1) == 0;
            tokio::time::sleep(Duration::from_micros(random.between(0, 4000))).await;
            if paused {
                gateway.command("pause", &root, json!({})).await.ok();
            }
            tokio::time::sleep(Duration::from_micros(random.between(0, 4000))).await;
            server.kill().await;
            server.restart().await;
            **kills += 1;
            if paused {
                gateway.command("resume", &root, json!({})).await.ok();
            }
        }
        // The one run that asks: the root, or the child that it waits for.
        let asking = loop {
            let mut run = gateway.run(&root).await;
            while let Some(child) = run["waiting"]["details"]["sub_run_id"].as_str() {
                run = gateway.run(child).await;
            }
            let asks = matches!(run["waiting"]["reason"].as_str(), Some("user" | "event"));
            if asks || (run["run_id"] == *root && !matches!(run["status"].as_str(), Some("running" | "waiting"))) {
                break run;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let answer = answers.next().filter(|_| asking["status"] == "waiting");
        let Some(answer) = answer else {
            let status = gateway.run(&root).await["status"].as_str().expect("a status").to_owned();
            return (status, family(&gateway, &root).await);
        };
        let run = asking["run_id"].as_str().expect("a run id");
        gateway.command("resume", run, json!({"payload": answer})).await.ok();
    }
}

#[tokio::test]
async fn a_tree_that_is_cancelled_while_its_server_gets_sigkill_ends_once() {
    let nap = Flow::new("nap")
        .start(&[])
        .node(
            "each",
            "loop",
            &["items"],
            &["item"],
            json!({"pinDefaults": {"items": [1, 2, 3, 4, 5, 6, 7, 8]}}),
        )
        .say("say", "still here")
        .sleep("sleep", 0.02)
        .end("end", &[])
        .exec("start -> each")
        .exec("each.loop -> say -> sleep")
        .exec("each.done -> end");
    let calls = Flow::new("calls")
        .start(&[])
        .subflow("call", "nap", &[])
        .end("end", &[])
        .exec("start -> call -> end");
    let mut random = Random::seeded();
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&Bundle::new("tree", "1.0.0").flow(calls).flow(nap)).await;
    for number in 0..6 {
        let root = gateway.start_with(json!({"bundle_id": "tree", "flow_id": "calls"})).await;
        tokio::time::sleep(Duration::from_micros(random.between(0, 60_000))).await;
        let id = format!("cancel-{number}");
        // It may be lost with the server; whoever hears nothing sends it again under the same id.
        let first = gateway.command_as(&id, "cancel", &root, json!({}));
        let _heard = tokio::time::timeout(Duration::from_micros(random.between(0, 8000)), first).await;
        server.kill().await;
        server.restart().await;
        gateway.command_as(&id, "cancel", &root, json!({})).await.ok();
        gateway
            .until(&root, "the end", |run| {
                run["status"] == "cancelled" || run["status"] == "completed"
            })
            .await;
        let rows = family(&gateway, &root).await;
        let runs: std::collections::BTreeSet<&str> = rows.iter().filter_map(|row| row["run_id"].as_str()).collect();
        for run in runs {
            let status = gateway.run(run).await["status"].clone();
            assert!(status == "cancelled" || status == "completed", "{run} is {status}");
            let own: Vec<&Value> = rows.iter().filter(|row| row["run_id"] == run).collect();
            let ends = |row: &&&Value| row["effect"]["payload"]["name"] == "abstract.status";
            assert_eq!(own.iter().filter(ends).count(), 1, "{own:?}");
            let last = own.last().expect("rows");
            assert_eq!(last["result"]["payload"]["text"], status);
        }
    }
    server.stop_and_replay().await;
}

/// The rows of a run and of all the runs it called.
async fn family(gateway: &Gateway, root: &str) -> Vec<Value> {
    let (mut rows, mut next) = (Vec::new(), vec![root.to_owned()]);
    while let Some(run) = next.pop() {
        let own = gateway.ledger(&run).await;
        let called = own
            .iter()
            .filter_map(|row| row["result"]["wait"]["details"]["sub_run_id"].as_str());
        next.extend(called.map(str::to_owned));
        rows.extend(own);
    }
    rows
}

/// A case may name a bundle of `examples/` in place of its flows.
fn with_flows(mut case: Value) -> Value {
    let Some(bundle) = case["bundle"].as_str().map(example) else {
        return case;
    };
    let json = |path: PathBuf| serde_json::from_slice::<Value>(&std::fs::read(path).expect("an example is there")).expect("JSON");
    let manifest = json(bundle.join("manifest.json"));
    let flows = manifest["flows"].as_object().expect("flows").iter();
    case["flows"] = flows
        .map(|(id, path)| (id.clone(), json(bundle.join(path.as_str().expect("a path")))))
        .collect();
    case["script"] = case.get("script").cloned().unwrap_or_else(|| json!([]));
    case
}
