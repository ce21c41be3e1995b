//! What a request of the wrong shape is answered.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::{Gateway, request};

const START: &str = "/api/gateway/runs/start";
const COMMANDS: &str = "/api/gateway/commands";
const BATCH: &str = "/api/gateway/runs/ledger/batch";

#[tokio::test]
async fn bodies_of_the_wrong_shape_are_told_every_finding() {
    let gateway = Gateway::new().await;
    let string = |loc: Value, input: Value| json!({"type": "string_type", "loc": loc, "msg": "Input should be a valid string", "input": input});
    let missing =
        |name: &str, input: Value| json!({"type": "missing", "loc": ["body", name], "msg": "Field required", "input": input});
    let model = |loc: Value, input: Value| json!({"type": "model_attributes_type", "loc": loc, "msg": "Input should be a valid dictionary or object to extract fields from", "input": input});
    let cases = [
        (
            START,
            "{nope",
            json!([{"type": "json_invalid", "loc": ["body", 1], "msg": "JSON decode error", "input": {},
                "ctx": {"error": "Expecting property name enclosed in double quotes"}}]),
        ),
        (
            START,
            "",
            json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]),
        ),
        (
            START,
            "null",
            json!([{"type": "missing", "loc": ["body"], "msg": "Field required", "input": null}]),
        ),
        (START, "[1]", json!([model(json!(["body"]), json!([1]))])),
        (
            START,
            r#"{"bundle_id": 7, "input_data": []}"#,
            json!([string(json!(["body", "bundle_id"]), json!(7)),
                {"type": "dict_type", "loc": ["body", "input_data"], "msg": "Input should be a valid dictionary", "input": []}]),
        ),
        (
            START,
            r#"{"input_data": null, "flow_id": null}"#,
            json!([{"type": "dict_type", "loc": ["body", "input_data"], "msg": "Input should be a valid dictionary", "input": null}]),
        ),
        (
            COMMANDS,
            r#"{"run_id": "r"}"#,
            json!([
                missing("command_id", json!({"run_id": "r"})),
                missing("type", json!({"run_id": "r"}))
            ]),
        ),
        (
            COMMANDS,
            r#"{"command_id": "c", "run_id": "r", "type": null}"#,
            json!([string(json!(["body", "type"]), Value::Null)]),
        ),
        (
            BATCH,
            r#"{"runs": [{"after": -1}, 5], "limit": 2.5}"#,
            json!([{"type": "missing", "loc": ["body", "runs", 0, "run_id"], "msg": "Field required", "input": {"after": -1}},
                {"type": "greater_than_equal", "loc": ["body", "runs", 0, "after"], "msg": "Input should be greater than or equal to 0", "input": -1, "ctx": {"ge": 0}},
                model(json!(["body", "runs", 1]), json!(5)),
                {"type": "int_from_float", "loc": ["body", "limit"], "msg": "Input should be a valid integer, got a number with a fractional part", "input": 2.5}]),
        ),
    ];
    for (path, body, detail) in cases {
        let answer = gateway.post(path, body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (422, json!({ "detail": detail })),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_by_its_type_or_bytes_is_refused() {
    let gateway = Gateway::new().await;
    let form = request(Method::POST, START)
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let answer = gateway.send(form).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["detail"][0]["input"]),
        (422, &json!("{}"))
    );
    let bytes = request(Method::POST, START)
        .body(Body::from(&b"{\"a\": \"\xff\"}"[..]))
        .unwrap();
    gateway.send(bytes).await.refused(400, "There was an error parsing the body");
    let half = gateway.post(START, r#"{"flow_id": "\ud800"}"#).await;
    assert_eq!(half.status, 422);
    assert!(half.text.contains("string_unicode"), "{}", half.text);
    gateway
        .post(
            START,
            r#"{"bundle_id": "demo", "input_data": {"a": "\\ud800 \ud83d\ude00 \ud800"}}"#,
        )
        .await
        .refused(
            400,
            "Failed to start run: input_data holds half of a surrogate pair (\\ud800), which is no text",
        );
}

#[tokio::test]
async fn queries_out_of_bounds_are_refused() {
    let gateway = Gateway::new().await;
    for (path, kind, input) in [
        ("/runs?limit=0", "greater_than_equal", "0"),
        ("/runs?limit=501", "less_than_equal", "501"),
        ("/runs?root_only=perhaps", "bool_parsing", "perhaps"),
        ("/runs/x/ledger?after=-1", "greater_than_equal", "-1"),
        ("/runs/x/ledger?limit=many", "int_parsing", "many"),
        ("/runs/x/ledger/stream?heartbeat_s=0.1", "greater_than", "0.1"),
        ("/runs/x/ledger/stream?heartbeat_s=61", "less_than_equal", "61"),
        ("/runs/x/ledger/stream?heartbeat_s=", "float_parsing", ""),
    ] {
        let answer = gateway.get(&format!("/api/gateway{path}")).await;
        let finding = &answer.json()["detail"][0];
        assert_eq!(
            (answer.status.as_u16(), &finding["type"], &finding["input"]),
            (422, &json!(kind), &json!(input)),
            "{path}"
        );
    }
    gateway
        .get("/api/gateway/runs?status=weird")
        .await
        .refused(400, "Invalid status (expected: running|waiting|completed|failed|cancelled)");
}

#[tokio::test]
async fn values_nested_too_deep_are_refused_by_name() {
    let gateway = Gateway::new().await;
    let deep = |name: &str, levels: usize| {
        format!(
            r#"{{"{name}": {{"a": {}1{}}}"#,
            "[".repeat(levels - 1),
            "]".repeat(levels - 1)
        )
    };
    let start = deep("input_data", 129) + r#", "bundle_id": "demo"}"#;
    gateway.post(START, &start).await.refused(
        400,
        "Failed to start run: JSON nesting too deep: input_data is nested 129 levels deep, the limit is 128",
    );
    let command = deep("payload", 129) + r#", "command_id": "c", "run_id": "r", "type": "resume"}"#;
    gateway.post(COMMANDS, &command).await.refused(
        400,
        "Failed to append command: JSON nesting too deep: payload is nested 129 levels deep, the limit is 128",
    );
    // Beside a value that is kept, depth costs nothing.
    let ignored = format!(r#"{{"bundle_id": "none", "x": {}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    gateway.post(START, &ignored).await.refused(404, "Bundle 'none' not found");
}
