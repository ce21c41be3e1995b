//! What clients are told of ledger rows that have expired.

use axum::body::Body;
use axum::http::Method;
use futures::StreamExt;

use super::{Gateway, request};
use crate::journal::{Keeper, Policy, Position, Retention};

/// A run that goes on, with 30 rows of which the first 20 have expired.
async fn shortened(gateway: &Gateway) -> String {
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    talk(gateway, &run, 30).await;
    shorten(gateway, 10).await;
    run
}

async fn talk(gateway: &Gateway, run: &str, rows: usize) {
    let to = Position::Running { node: "n".into() };
    gateway.advance(run, &vec!["says"; rows], to).await;
}

async fn shorten(gateway: &Gateway, max_rows: u64) {
    let all = Policy {
        max_rows: Some(max_rows),
        ..Policy::default()
    };
    let retention = Retention {
        all,
        ..Retention::default()
    };
    Keeper::new(gateway.journal.clone(), retention).look().await.unwrap();
}

fn gone(run: &str) -> String {
    format!(r#"{{"detail":"Ledger rows of run '{run}' before 21 have expired","horizon":21}}"#)
}

#[tokio::test]
async fn a_page_below_the_horizon_is_gone_and_names_it() {
    let gateway = Gateway::new().await;
    let run = shortened(&gateway).await;
    let path = |after: u32| format!("/api/gateway/runs/{run}/ledger?after={after}");
    for after in [0, 19] {
        gateway.get(&path(after)).await.expect(410, &gone(&run));
    }
    let page = gateway.get(&path(20)).await.json();
    assert_eq!(
        (page["items"].as_array().unwrap().len(), &page["next_after"]),
        (10, &30.into())
    );
    assert!(page.get("horizon").is_none(), "{page}");
    let beyond = gateway.get(&path(99)).await;
    beyond.expect(200, r#"{"items":[],"next_after":99}"#);
}

#[tokio::test]
async fn a_batch_says_for_each_run_where_its_ledger_begins() {
    let gateway = Gateway::new().await;
    let (run, other) = (shortened(&gateway).await, gateway.start(r#"{"bundle_id": "demo"}"#).await);
    let body = format!(r#"{{"runs": [{{"run_id": "{run}", "after": 3}}, {{"run_id": "{other}"}}]}}"#);
    let expected =
        format!(r#"{{"runs":{{"{run}":{{"items":[],"next_after":20,"horizon":21}},"{other}":{{"items":[],"next_after":0}}}}}}"#);
    let answer = gateway.post("/api/gateway/runs/ledger/batch", &body).await;
    answer.expect(200, &expected);
}

#[tokio::test]
async fn a_stream_from_below_the_horizon_does_not_begin() {
    let gateway = Gateway::new().await;
    let run = shortened(&gateway).await;
    let at = gateway.run(&run).await.at;
    let path = format!("/api/gateway/runs/{run}/ledger/stream");
    // Memory may have rows that the database has no more.
    gateway.journal.forget_tails(at);
    gateway.get(&path).await.expect(410, &gone(&run));
    let old = request(Method::GET, &path).header("last-event-id", "19");
    gateway.send(old.body(Body::empty()).unwrap()).await.expect(410, &gone(&run));
    let recent = request(Method::GET, &path).header("last-event-id", "20");
    let response = tower::ServiceExt::oneshot(gateway.router.clone(), recent.body(Body::empty()).unwrap());
    let mut stream = response.await.unwrap().into_body().into_data_stream();
    let first = stream.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"id: 21\n"), "{first:?}");
}

#[tokio::test]
async fn a_reader_that_falls_behind_the_horizon_is_told() {
    let gateway = Gateway::new().await;
    let run = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    talk(&gateway, &run, 4).await;
    let path = format!("/api/gateway/runs/{run}/ledger/stream");
    let stream = request(Method::GET, &path).body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(gateway.router.clone(), stream).await.unwrap();
    let mut stream = response.into_body().into_data_stream();
    talk(&gateway, &run, 26).await;
    shorten(&gateway, 10).await;
    gateway.journal.forget_tails(gateway.run(&run).await.at);
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text += std::str::from_utf8(&chunk.unwrap()).unwrap();
    }
    let last = "id: 4\nevent: step\n";
    assert!(text.contains(last) && !text.contains("id: 5\n"), "{text}");
    let end = format!("event: expired\ndata: {{\"run_id\": \"{run}\", \"cursor\": 4, \"horizon\": 21}}\n\n");
    assert!(text.ends_with(&end), "{text}");
}

#[tokio::test]
async fn summaries_lists_and_histories_say_where_a_ledger_begins() {
    let gateway = Gateway::new().await;
    let run = shortened(&gateway).await;
    let other = gateway.start(r#"{"bundle_id": "demo"}"#).await;
    let summary = gateway.get(&format!("/api/gateway/runs/{run}")).await.json();
    assert_eq!(summary["ledger_horizon"], 21);
    let whole = gateway.get(&format!("/api/gateway/runs/{other}")).await.json();
    assert!(whole.get("ledger_horizon").is_none(), "{whole}");
    let list = gateway.get("/api/gateway/runs").await.json();
    let item = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["run_id"] == run.as_str());
    let item = item.unwrap();
    assert_eq!((&item["ledger_horizon"], &item["ledger_len"]), (&21.into(), &30.into()));
    for query in ["?ledger_mode=full", "?ledger_max_items=25"] {
        let bundle = gateway
            .get(&format!("/api/gateway/runs/{run}/history_bundle{query}"))
            .await
            .json();
        let ledger = &bundle["ledgers"][&run];
        for (key, value) in [("total", 30), ("horizon", 21), ("cursor_start", 21), ("cursor_end", 30)] {
            assert_eq!(ledger[key], value, "{key}: {ledger}");
        }
        assert_eq!(ledger["items"].as_array().unwrap().len(), 10);
        assert_eq!(ledger["items"][0]["cursor"], 21);
        assert_eq!(bundle["timeline"].as_array().unwrap().len(), 10);
    }
}
