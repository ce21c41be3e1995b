//! The ledger's stream.

use std::time::Duration;

use flowgate_tests::Gateway;
use flowgate_tests::sse::Frame;
use serde_json::{Value, json};

use crate::checks::Checks;
use crate::flows::question;
use crate::target;

const PATIENCE: Duration = Duration::from_secs(10);

async fn asked(gateway: &Gateway, bundle: &str) -> String {
    gateway.install(&question(bundle, "1.0.0")).await;
    let run = gateway.start(bundle, json!({})).await;
    gateway.until_status(&run, "waiting").await;
    run
}

#[tokio::test]
async fn a_stream_has_every_row_once_and_ends_with_done() {
    let (target, checks) = (target::shared().await, Checks::of("stream"));
    let gateway = &target.gateway;
    let run = asked(gateway, &target.name("stream")).await;
    let live = gateway.stream(&run, "", None).await.expect("the stream opens");
    checks.equal(
        "type",
        live.headers["content-type"].to_str().unwrap_or_default(),
        "text/event-stream; charset=utf-8",
    );
    checks.equal("names its request", live.headers.contains_key("x-request-id"), true);
    let reading = tokio::spawn(live.to_end());
    gateway.answer(&run, "yes").await.ok();
    let (records, done) = reading.await.expect("the stream is read");
    checks.equal("rows are the ledger's", records.clone(), gateway.ledger(&run).await);
    checks.equal("done", done, json!({"run_id": run, "cursor": 5, "status": "terminal"}));

    let read = async |query: &str, last: Option<u64>| -> (Vec<Value>, Value) {
        gateway
            .stream(&run, query, last)
            .await
            .expect("the stream opens")
            .to_end()
            .await
    };
    let (rest, _) = read("?after=3", None).await;
    checks.equal("after", rest, &records[3..]);
    let (rest, done) = read("?after=99", None).await;
    checks.equal("beyond the end", json!([rest, done["cursor"]]), json!([[], 99]));
    let (rest, _) = read("?after=0", Some(4)).await;
    checks.equal("Last-Event-ID", rest, &records[4..]);
    let (rest, _) = read("?after=4", Some(2)).await;
    checks.equal("the greater of both", rest, &records[4..]);
}

#[tokio::test]
async fn a_waiting_run_keeps_its_stream_open() {
    let (target, checks) = (target::shared().await, Checks::of("stream open"));
    let gateway = &target.gateway;
    let run = asked(gateway, &target.name("open")).await;
    let mut stream = gateway
        .stream(&run, "?after=1&heartbeat_s=0.2", None)
        .await
        .expect("the stream opens");
    let first = stream.frame(PATIENCE).await.expect("a frame");
    let is_step = matches!(&first, Frame::Event { id: Some(2), event, .. } if event == "step");
    checks.holds("the row after the cursor", is_step, || format!("{first:?}"));
    for _ in 0..2 {
        let breath = stream.frame(PATIENCE).await.expect("a frame");
        checks.holds("keep-alive", breath == Frame::Comment("keep-alive".into()), || {
            format!("{breath:?}")
        });
    }
    drop(stream);
    let refused = async |query: &str| *gateway.stream(&run, query, None).await.expect_err("no stream");
    let bound = |kind: &str, input: &str, msg: &str, ctx: Value| json!([{"type": kind, "loc": ["query", "heartbeat_s"], "msg": msg, "input": input, "ctx": ctx}]);
    let low = bound("greater_than", "0.1", "Input should be greater than 0.1", json!({"gt": 0.1}));
    checks.invalid("too quick a breath", &refused("?heartbeat_s=0.1").await, low);
    let high = bound(
        "less_than_equal",
        "61",
        "Input should be less than or equal to 60",
        json!({"le": 60.0}),
    );
    checks.invalid("too slow a breath", &refused("?heartbeat_s=61").await, high);
    let after = json!([{
        "type": "greater_than_equal", "loc": ["query", "after"], "msg": "Input should be greater than or equal to 0", "input": "-1",
        "ctx": {"ge": 0}
    }]);
    checks.invalid("after too low", &refused("?after=-1").await, after);
    let unknown = gateway.stream("none", "", None).await.expect_err("no stream");
    checks.refused("unknown run", &unknown, 404, "Run 'none' not found");
}
