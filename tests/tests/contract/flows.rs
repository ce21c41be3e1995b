//! Small bundles that the checks run.

use flowgate_tests::{Bundle, Flow, Gateway};
use serde_json::json;

/// Asks `Publish?` and ends with the answer. One pin `title` with the default `Report`.
pub fn question(bundle: &str, version: &str) -> Bundle {
    let flow = Flow::new("approve")
        .node(
            "start",
            "on_flow_start",
            &[],
            &["title"],
            json!({"pinDefaults": {"title": "Report"}}),
        )
        .ask("ask", "Publish?", &["yes", "no"])
        .end("end", &["answer"])
        .exec("start -> ask -> end")
        .wire("ask.response -> end.answer");
    Bundle::new(bundle, version).flow(flow)
}

/// Installs [`question`] under this name and starts a run, which waits for its answer then.
pub async fn asked(gateway: &Gateway, bundle: &str) -> String {
    gateway.install(&question(bundle, "1.0.0")).await;
    let run = gateway.start(bundle, json!({})).await;
    gateway.until_status(&run, "waiting").await;
    run
}

/// Ends at once with its pin `x`.
pub fn echo(bundle: &str, version: &str) -> Bundle {
    let flow = Flow::new("root")
        .start(&["x"])
        .end("end", &["x"])
        .exec("start -> end")
        .wire("start.x -> end.x");
    Bundle::new(bundle, version).flow(flow)
}

/// `root` gives `x` to `child`, which asks and gives it back; both have the pin `x`.
pub fn tree(bundle: &str) -> Bundle {
    tree_giving(bundle, "x", "start.x -> end.x")
}

/// As [`tree`], but what `child` gives back is another pin and has another wire.
pub fn tree_giving(bundle: &str, pin: &str, wire: &str) -> Bundle {
    let root = Flow::new("root")
        .start(&["x"])
        .subflow("sub", "child", &["x"])
        .end("end", &["out"])
        .exec("start -> sub -> end")
        .wire("start.x -> sub.x")
        .wire("sub.output -> end.out");
    let child = Flow::new("child")
        .start(&["x"])
        .ask("ask", "who are you?", &["a", "b"])
        .end("end", &[pin])
        .exec("start -> ask -> end")
        .wire(wire);
    Bundle::new(bundle, "1.0.0").flow(root).flow(child)
}

/// Sleeps.
pub fn nap(bundle: &str, seconds: f64) -> Bundle {
    let flow = Flow::new("root")
        .start(&["x"])
        .sleep("z", seconds)
        .end("end", &["x"])
        .exec("start -> z -> end")
        .wire("start.x -> end.x");
    Bundle::new(bundle, "1.0.0").flow(flow)
}

/// Waits for the event of a key.
pub fn gate(bundle: &str, key: &str) -> Bundle {
    let flow = Flow::new("root")
        .start(&[])
        .wait_event("w", key)
        .end("end", &["data"])
        .exec("start -> w -> end")
        .wire("w.event_data -> end.data");
    Bundle::new(bundle, "1.0.0").flow(flow)
}

/// Waits for an answer while a listener says something at each event `ping` of `scope`.
pub fn listener(bundle: &str, scope: &str) -> Bundle {
    let config = json!({"eventConfig": {"name": "ping", "scope": scope}});
    let flow = Flow::new("root")
        .start(&[])
        .ask("ask", "wait", &[])
        .end("end", &[])
        .node("ev", "on_event", &[], &["event"], config)
        .say("say", "got ping")
        .exec("start -> ask -> end")
        .exec("ev -> say");
    Bundle::new(bundle, "1.0.0").flow(flow)
}

/// A bundle with two entrypoints and no default.
pub fn two_doors(bundle: &str) -> Bundle {
    let flow = |id: &str| Flow::new(id).start(&[]).end("end", &[]).exec("start -> end");
    let entry = |id: &str| json!({"flow_id": id, "name": id, "description": "", "interfaces": []});
    let mut made = Bundle::new(bundle, "1.0.0").flow(flow("left")).flow(flow("right"));
    made.manifest["entrypoints"] = json!([entry("left"), entry("right")]);
    if let Some(manifest) = made.manifest.as_object_mut() {
        manifest.remove("default_entrypoint");
    }
    made
}
