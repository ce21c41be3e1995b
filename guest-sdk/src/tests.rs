//! The executor under flows that do several things at once, give up, fail and panic.

use futures::future::{Either, join_all, select};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{join, select_biased};
use serde_json::json;

use crate::prelude::*;
use crate::testing::{End, Reply, Script};
use crate::world::{Around, Event, Flow, Outcome, Progress};

/// Each flow in a module of its own, as each makes an `Input`.
mod flows {
    use super::*;

    #[flowgate_guest::flow(id = "both")]
    pub async fn both(ctx: Ctx, _: serde_json::Value) -> Result<Vec<String>, Error> {
        let (a, b, said) = join!(ctx.ask_user("a"), ctx.ask_user("b").node("second"), ctx.answer_user("hello"));
        said?;
        let again = ctx.ask_user("c").node("second").await?;
        Ok(vec![a?, b?, again])
    }

    #[flowgate_guest::flow(id = "first")]
    pub async fn first(ctx: Ctx, _: serde_json::Value) -> Result<String, Error> {
        // The loser is dropped at the end of this statement.
        let answer = match select(ctx.ask_user("a"), ctx.ask_user("b")).await {
            Either::Left((answer, _)) | Either::Right((answer, _)) => answer?,
        };
        ctx.answer_user(&answer).await?;
        Ok(answer)
    }

    #[flowgate_guest::flow(id = "patient")]
    pub async fn patient(ctx: Ctx, _: serde_json::Value) -> Result<String, Error> {
        let answer = ctx.timeout(Duration::minutes(5), ctx.ask_user("still there?")).await;
        let waited = ctx.now();
        Ok(match answer {
            Some(answer) => answer?,
            None => format!("gave up at {waited}"),
        })
    }

    #[flowgate_guest::flow(id = "many")]
    pub async fn many(ctx: Ctx, count: u32) -> Result<Vec<String>, Error> {
        let mut all: FuturesUnordered<_> = (0..count).map(|n| ctx.ask_user(&n.to_string())).collect();
        let mut answers = Vec::new();
        while let Some(answer) = all.next().await {
            answers.push(answer?);
        }
        let ordered = join_all((0..3).map(|n| ctx.effect("probe", &json!({"n": n})).node("probe"))).await;
        for json in ordered {
            answers.push(json?.get().to_owned());
        }
        Ok(answers)
    }

    #[flowgate_guest::flow(id = "unseen")]
    pub async fn unseen(ctx: Ctx, _: serde_json::Value) -> Result<String, Error> {
        let mut question = ctx.ask_user("never seen");
        select_biased! {
            _ = futures::FutureExt::fuse(&mut question) => return Ok("asked".to_owned()),
            _ = futures::FutureExt::fuse(std::future::ready(())) => {}
        }
        drop(question);
        ctx.ask_user("seen").await
    }

    #[flowgate_guest::flow(id = "careful")]
    pub async fn careful(ctx: Ctx, _: serde_json::Value) -> Result<String, Error> {
        match ctx.effect("pay", &json!({"amount": 3.0})).await {
            Err(Error::Effect(failed)) if failed.message == "no money" => ctx.log(format!("{} {}", failed.node, failed.kind)),
            other => return Ok(format!("{other:?}")),
        }
        ctx.effect("pay", &json!({"amount": 4})).await?;
        Ok("paid".to_owned())
    }

    #[flowgate_guest::flow(id = "fragile")]
    pub async fn fragile(ctx: Ctx, _: serde_json::Value) -> Result<u32, Error> {
        let text = ctx.ask_user("A number?").await?;
        ctx.log("got it");
        if text == "none" {
            let empty: Vec<u32> = Vec::new();
            return Ok(empty[text.len()]);
        }
        Ok(text.parse::<u32>()?)
    }

    #[flowgate_guest::flow(id = "drifting")]
    pub async fn drifting(ctx: Ctx, _: serde_json::Value) -> Result<(), Error> {
        use std::sync::atomic::{AtomicU32, Ordering};
        static CALLS: AtomicU32 = AtomicU32::new(0);
        ctx.answer_user("hello").await?;
        ctx.answer_user(&format!("call {}", CALLS.fetch_add(1, Ordering::Relaxed)))
            .await
    }

    #[flowgate_guest::flow(id = "stuck")]
    pub async fn stuck(_: Ctx, _: serde_json::Value) -> Result<(), Error> {
        std::future::pending().await
    }

    #[flowgate_guest::flow(id = "told")]
    pub async fn told(ctx: Ctx, _: serde_json::Value) -> Result<serde_json::Value, Error> {
        let first = (ctx.now(), ctx.random(), ctx.random());
        ctx.sleep(Duration::seconds(90)).await?;
        let second = (ctx.now(), ctx.random());
        let limits: Option<serde_json::Value> = ctx.host_var("_limits");
        let unit = ctx.random_unit();
        Ok(json!({
            "slept": (second.0 - first.0) >= Duration::seconds(90), "differ": first.1 != first.2 && first.2 != second.1,
            "unit": (0.0..1.0).contains(&unit), "limits": limits, "run": ctx.run_id(), "session": ctx.session_id(),
        }))
    }

    #[flowgate_guest::flow(id = "all-kinds")]
    pub async fn kinds(ctx: Ctx, _: serde_json::Value) -> Result<serde_json::Value, Error> {
        let event = ctx.wait_event("seen").scope(Scope::Global).prompt("Seen?").await?;
        let by: serde_json::Value = event.payload()?;
        let none = ctx.wait_key("some:key").until(ctx.now() + Duration::hours(1)).await?;
        let told = ctx.emit_event("done", &5).scope(Scope::Run).await?.delivered;
        let child: serde_json::Value = ctx.child("notify", &json!({"who": "Ann"})).await?;
        let failed = ctx
            .child::<serde_json::Value>("other@1.0.0:notify", &json!({}))
            .await
            .map_err(|e| e.message().to_owned());
        let text = ctx.llm_call("Hi").system("Be brief").temperature(0.0).model("p", "m").await?;
        let sum: u32 = ctx.llm_call("1 + 1?").json().await?;
        let call = ctx.tool("search", &json!({"for": "x"}));
        let found = ctx.tool_calls([call]).allowed(["search"]).await?.len();
        let output = ctx.call_tool("fetch", &json!({})).await.map_err(|e| e.message().to_owned());
        let note = ctx.read_file("note.txt").await?;
        let list: Vec<u32> = ctx.read_file("list.json").json().await?;
        let bytes = ctx.write_file("out.txt", &note).await?.bytes;
        Ok(json!([
            event.name,
            by,
            none.is_none(),
            told,
            child,
            failed,
            text,
            sum,
            found,
            output.err(),
            note,
            list,
            bytes
        ]))
    }
}

use flows::*;

#[test]
fn joined_effects_are_asked_together_in_order_and_answered_in_any() {
    let script = Script::new()
        .on_after("ask_user#1", Duration::hours(2), json!({"response": "late"}))
        .on("second", json!({"response": "early"}))
        .on("second", json!("again"));
    let run = script.run::<both>(json!({})).check().unwrap();
    assert_eq!(run.nodes(), ["ask_user#1", "second", "answer_user#1", "second"]);
    assert_eq!(run.requests()[3].ordinal, 1);
    assert_eq!(run.requests()[1].result_key.as_deref(), Some("_temp.effects.second"));
    assert_eq!(run.requests()[0].result_key, None);
    assert_eq!(run.json(), json!({"result": ["late", "early", "again"]}));
    assert_eq!(run.ticks(), 4);
}

#[test]
fn the_loser_of_a_race_is_abandoned_whichever_it_is() {
    for (slow, won) in [("ask_user#1", "b"), ("ask_user#2", "a")] {
        let script = Script::new()
            .never(slow)
            .on("ask_user#1", json!({"response": "a"}))
            .on("ask_user#2", json!({"response": "b"}));
        let run = script.run::<first>(json!({})).check().unwrap();
        assert_eq!(run.abandoned(), [slow]);
        assert_eq!(run.json(), json!({"result": won}));
    }
}

#[test]
fn of_two_outcomes_of_one_tick_the_first_told_wins() {
    let mut instance = first::instance();
    let around = Around::default();
    instance.tick(
        around.clone(),
        Event::Start {
            entry: "start".to_owned(),
            input: "null".to_owned(),
        },
    );
    let answer = |text: &str| Outcome::Completed(format!("{{\"response\":\"{text}\"}}"));
    let progress = instance.tick(around, Event::Resolved(vec![(2, answer("b")), (1, answer("a"))]));
    let Progress::Blocked { effects, abandoned, .. } = progress else {
        panic!("{progress:?}")
    };
    assert!(effects[0].payload.contains(r#""message":"b""#), "{effects:?}");
    assert_eq!(abandoned, [1]);
}

#[test]
fn a_timeout_gives_up_when_its_time_has_come_and_not_before() {
    let answered = Script::new().on_after("ask_user", Duration::minutes(4), json!({"response": "yes"}));
    let run = answered.run::<patient>(json!({})).check().unwrap();
    assert_eq!(run.json(), json!({"result": "yes"}));
    let run = Script::new().never("ask_user").run::<patient>(json!({})).check().unwrap();
    assert_eq!(run.json(), json!({"result": "gave up at 2026-01-08T00:05:00.000000+00:00"}));
    let late = Script::new().on_after("ask_user", Duration::minutes(6), json!({"response": "yes"}));
    assert_eq!(late.run::<patient>(json!({})).json(), run.json());
}

#[test]
fn a_hundred_waits_are_answered_as_they_come() {
    let script = Script::new()
        .with("ask_user", |asked| {
            Reply::Completed(json!({"response": asked.payload()["prompt"]}))
        })
        .with("probe", |asked| Reply::Completed(json!({"seen": asked.payload()["n"]})));
    let run = script.run::<many>(json!(100)).check().unwrap();
    let answers: Vec<String> = serde_json::from_value(run.json()["result"].clone()).unwrap();
    assert_eq!(answers.len(), 103);
    assert_eq!(answers[..2], ["0", "1"]);
    assert_eq!(answers[102], r#"{"seen":2}"#);
    let probes: Vec<u64> = run.requests()[100..].iter().map(|asked| asked.ordinal).collect();
    assert_eq!(probes, [0, 1, 2]);
}

#[test]
fn a_request_that_is_dropped_in_the_tick_that_made_it_is_never_seen() {
    let run = Script::new()
        .on("ask_user", json!({"response": "x"}))
        .run::<unseen>(json!({}))
        .check()
        .unwrap();
    assert_eq!(run.nodes(), ["ask_user#2"]);
    assert!(run.abandoned().is_empty());
}

#[test]
fn a_failed_effect_is_the_flows_to_handle_and_else_the_runs_end() {
    let run = Script::new()
        .fails("pay#1", "no money")
        .on("pay", json!(null))
        .run::<careful>(json!({}))
        .check()
        .unwrap();
    assert_eq!((run.json(), run.log()), (json!({"result": "paid"}), vec!["pay#1 pay"]));
    assert_eq!(run.requests()[0].payload, r#"{"amount":3.0}"#);
    let run = Script::new()
        .fails("pay#1", "no money")
        .fails("pay#2", "still none")
        .run::<careful>(json!({}))
        .check()
        .unwrap();
    let failed = run.failure().unwrap();
    assert_eq!(
        (failed.code, failed.node.as_str(), failed.message.as_str()),
        ("effect_failed", "pay#2", "still none")
    );
}

#[test]
fn a_panic_fails_the_run_with_its_message_and_place() {
    let run = Script::new()
        .on("ask_user", json!("none"))
        .run::<fragile>(json!({}))
        .check()
        .unwrap();
    let failed = run.failure().unwrap();
    assert_eq!((failed.code, failed.node.as_str()), ("panic", "ask_user#1"));
    assert!(
        failed
            .message
            .starts_with("index out of bounds: the len is 0 but the index is 4, at "),
        "{failed}"
    );
    assert!(failed.message.contains("tests.rs:"), "{failed}");
    assert_eq!(run.log(), ["got it"]);
}

#[test]
fn an_error_of_the_flows_own_and_wrong_input_say_what_is_wrong() {
    let run = Script::new().on("ask_user", json!("x")).run::<fragile>(json!({}));
    assert_eq!(
        run.failure().unwrap().to_string(),
        "flow_error at 'ask_user#1': invalid digit found in string"
    );
    let run = Script::new().run::<many>(json!("three"));
    let failed = run.failure().unwrap();
    assert_eq!(failed.code, "bad_input");
    assert!(failed.message.starts_with("input: invalid type: string"), "{failed}");
    let run = Script::new().run::<stuck>(json!({}));
    assert_eq!(run.failure().unwrap().code, "stuck");
    let run = Script::new().run::<first>(json!({}));
    assert!(matches!(run.end(), End::Waiting(asked) if asked.len() == 2));
}

#[test]
fn a_flow_that_asks_for_something_else_at_a_replay_is_found_with_both_shown() {
    let run = Script::new().run::<drifting>(json!({}));
    let divergence = run.replay().unwrap_err();
    assert_eq!(divergence.tick, 1);
    assert!(
        divergence.recorded.contains("call 0") && divergence.now.contains("call 1"),
        "{divergence}"
    );
}

#[test]
fn time_randomness_and_names_are_what_the_host_told() {
    let script = Script::new()
        .host_vars(&json!({"_limits": {"max": 3}}))
        .named("r", "b@1:f", None);
    let run = script.run::<told>(json!({})).check().unwrap();
    let expected = json!({"slept": true, "differ": true, "unit": true, "limits": {"max": 3}, "run": "r", "session": null});
    assert_eq!(run.json(), expected);
}

#[test]
fn every_kind_of_effect_asks_as_a_graph_does_and_reads_what_the_host_gives() {
    let envelope = json!({"event_id": "e", "name": "seen", "scope": "global", "payload": {"by": "Ann"}});
    let executed = |output: serde_json::Value| json!({"mode": "executed", "results": [output]});
    let run = Script::new()
        .on("wait_event#1", envelope)
        .on("child#1", json!({"sub_run_id": "c", "output": {"sent": 1}}))
        .on(
            "child#2",
            json!({"sub_run_id": "d", "output": {"success": false, "error": "broken"}}),
        )
        .on("llm_call", json!({"content": "Hello"}))
        .on("llm_call", json!({"content": "", "data": 2}))
        .on(
            "tool_calls#1",
            executed(json!({"name": "search", "success": true, "output": []})),
        )
        .on(
            "call_tool#1",
            executed(json!({"name": "fetch", "success": false, "error": "not found"})),
        )
        .on("read_file#1", json!({"content": "a note", "file_path": "note.txt"}))
        .on("read_file#2", json!({"content": [1, 2], "file_path": "list.json"}))
        .on("write_file", json!({"bytes": 6, "file_path": "out.txt"}))
        .run::<kinds>(json!({}))
        .check()
        .unwrap();
    let expected = json!({"result": [
        "seen", {"by": "Ann"}, true, 0, {"sent": 1}, {"Err": "child run d: broken"}, "Hello", 2, 1, "not found", "a note", [1, 2], 6,
    ]});
    assert_eq!(run.json(), expected);
    let payloads: Vec<&str> = run.requests().iter().map(|asked| asked.payload.as_str()).collect();
    let asked = [
        r#"{"type":"wait_event","scope":"global","name":"seen","allow_free_text":true,"prompt":"Seen?","resume_to_node":null}"#,
        r#"{"type":"wait_event","wait_key":"some:key","allow_free_text":true,"until":"2026-01-08T01:00:00.000001+00:00","resume_to_node":null}"#,
        r#"{"scope":"run","name":"done","payload":{"value":5},"event_id":"run-1:emit_event#1:1","max_steps":0}"#,
        r#"{"type":"start_subworkflow","workflow_id":"bundle@0.0.0:notify","vars":{"who":"Ann"},"async":true,"wait":true,"resume_to_node":null}"#,
    ];
    assert_eq!(payloads[..4], asked);
    assert!(payloads[4].contains("\"other@1.0.0:notify\""));
    let model = r#""params":{"temperature":0.0},"include_context":false,"provider":"p","model":"m","resume_to_node":null}"#;
    assert!(payloads[5].ends_with(model), "{}", payloads[5]);
    assert!(
        payloads[6].contains(r#""response_schema":{"type":"integer","format":"uint32""#),
        "{}",
        payloads[6]
    );
    assert!(
        payloads[7].ends_with(r#""allowed_tools":["search"],"resume_to_node":null}"#),
        "{}",
        payloads[7]
    );
    assert_eq!(payloads[9], r#"{"file_path":"note.txt"}"#);
}

#[test]
fn a_description_has_the_flows_names_and_pins() {
    mod described {
        use super::*;
        #[flowgate_guest::flow(id = "d", start = "first", inputs(/// Whom to greet.
            name: String = "World", times: u32 = 2u32))]
        pub async fn greet(ctx: Ctx, input: Input) -> Result<(), Error> {
            ctx.answer_user(&format!("{} {}", input.name, input.times)).await
        }
    }
    let description = described::greet::describe();
    assert_eq!((description.flow_id.as_str(), description.entry.as_str()), ("d", "first"));
    let pins: serde_json::Value = serde_json::from_str(&description.start_pins).unwrap();
    assert_eq!(
        (&pins[0]["default"], &pins[0]["description"]),
        (&json!("World"), &json!("Whom to greet."))
    );
    let nodes: serde_json::Value = serde_json::from_str(&description.node_index).unwrap();
    assert_eq!(nodes["first"]["type"], "on_flow_start");
    let run = Script::new().run::<described::greet>(json!({"name": "Ann"})).check().unwrap();
    assert_eq!(run.requests()[0].payload()["message"], "Ann 2");
    assert_eq!(run.json(), json!({}));
}
