//! What the clients run.

use serde_json::json;

use crate::{Bundle, Flow};

/// Events that one run of [`Kind::Count`] waits for.
pub const EVENTS: usize = 3;
/// Executions of one [`Kind::Schedule`].
pub const EXECUTIONS: usize = 3;

/// The folder of the workspace in which the flows write.
pub const FILES: &str = "flows";

/// What a client does with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Says something, asks, and says something again.
    Ask,
    /// Sleeps for 0.2 s.
    Nap,
    /// Hands its number to a child that says something and sleeps.
    Tree,
    /// Waits for an event that only it waits for. Now and then it is paused and resumed meanwhile.
    Gate,
    /// Says something 80 times: more than one commit takes.
    Talk,
    /// Waits for one event after another.
    Count,
    /// Writes a file, which its client changes then, and asks.
    File,
    /// Calls a child that sleeps for an hour, and is cancelled.
    Cancel,
    /// A schedule whose executions nap.
    Schedule,
}

impl Kind {
    pub const ALL: [Kind; 9] = [
        Kind::Ask,
        Kind::Nap,
        Kind::Tree,
        Kind::Gate,
        Kind::Talk,
        Kind::Count,
        Kind::File,
        Kind::Cancel,
        Kind::Schedule,
    ];

    pub fn flow(self) -> &'static str {
        match self {
            Kind::Ask => "ask",
            Kind::Nap => "nap",
            Kind::Tree => "tree",
            Kind::Gate => "gate",
            Kind::Talk => "talk",
            Kind::Count => "count",
            Kind::File => "file",
            Kind::Cancel => "long",
            Kind::Schedule => "leaf",
        }
    }

    /// Every row that a run of this kind leaves when it is not interrupted, in order. None where that depends on the moment.
    pub fn rows(self) -> Option<Vec<String>> {
        let done = |node: &str, effect: &str| [format!("{node} started {effect}"), format!("{node} completed {effect}")];
        let said = |node: &str| done(node, "answer_user");
        let waited = |node: &str, effect: &str| {
            [
                format!("{node} started {effect}"),
                format!("{node} waiting {effect}"),
                format!("{node} completed resume"),
            ]
        };
        let mut rows = Vec::new();
        match self {
            Kind::Ask => {
                rows.extend(said("before"));
                rows.extend(waited("ask", "ask_user"));
                rows.extend(said("after"));
            }
            // A timer's end leaves no row.
            Kind::Nap => rows.extend(waited("sleep", "wait_until").into_iter().take(2)),
            Kind::Tree => rows.extend(waited("sub", "start_subworkflow")),
            Kind::Gate => rows.extend(waited("wait", "wait_event")),
            Kind::Talk => (0..80).for_each(|_| rows.extend(said("say"))),
            Kind::Count => (0..EVENTS).for_each(|_| rows.extend(waited("wait", "wait_event"))),
            Kind::File => {
                rows.extend(done("write", "write_file"));
                rows.extend(waited("ask", "ask_user"));
            }
            Kind::Cancel | Kind::Schedule => return None,
        }
        rows.extend(["end completed -".to_owned(), "end completed emit_event".to_owned()]);
        Some(rows)
    }
}

/// All of them in one bundle, `load`.
pub fn bundle() -> Bundle {
    let ask = Flow::new("ask")
        .start(&["n"])
        .say("before", "before")
        .ask("ask", "Well?", &[])
        .say("after", "after")
        .end("end", &["n", "answer"])
        .exec("start -> before -> ask -> after -> end")
        .wire("start.n -> end.n")
        .wire("ask.response -> end.answer");
    let nap = Flow::new("nap")
        .start(&["n"])
        .sleep("sleep", 0.2)
        .end("end", &["n"])
        .exec("start -> sleep -> end")
        .wire("start.n -> end.n");
    let tree = Flow::new("tree")
        .start(&["n"])
        .subflow("sub", "leaf", &["n"])
        .end("end", &["n"])
        .exec("start -> sub -> end")
        .wire("start.n -> sub.n")
        .wire("sub.output -> end.n");
    let leaf = Flow::new("leaf")
        .start(&["n"])
        .say("say", "leaf")
        .sleep("sleep", 0.05)
        .end("end", &["result"])
        .exec("start -> say -> sleep -> end")
        .wire("start.n -> end.result");
    let gate = Flow::new("gate")
        .start(&["n"])
        .object("parts", &["n"])
        .template("key", "evt:global:global:gate-{{n}}")
        .wait_event("wait", "")
        .end("end", &["n", "event"])
        .exec("start -> wait -> end")
        .wire("start.n -> parts.n")
        .wire("parts.result -> key.vars")
        .wire("key.result -> wait.event_key")
        .wire("start.n -> end.n")
        .wire("wait.event_data -> end.event");
    let talk = repeated("talk", 80).say("say", "again").exec("each.loop -> say");
    let count = repeated("count", EVENTS)
        .object("parts", &["n"])
        .template("key", "evt:global:global:count-{{n}}")
        .wait_event("wait", "")
        .exec("each.loop -> wait")
        .wire("start.n -> parts.n")
        .wire("parts.result -> key.vars")
        .wire("key.result -> wait.event_key");
    let file = Flow::new("file")
        .start(&["n", "path"])
        .node("write", "write_file", &["file_path", "content"], &["bytes"], json!({}))
        .ask("ask", "Seen?", &[])
        .end("end", &["n", "answer"])
        .exec("start -> write -> ask -> end")
        .wire("start.path -> write.file_path")
        .wire("start.n -> write.content")
        .wire("start.n -> end.n")
        .wire("ask.response -> end.answer");
    let hour = Flow::new("hour")
        .start(&[])
        .say("say", "asleep")
        .sleep("sleep", 3600.0)
        .end("end", &[])
        .exec("start -> say -> sleep -> end");
    let long = Flow::new("long")
        .start(&["n"])
        .subflow("sub", "hour", &[])
        .end("end", &[])
        .exec("start -> sub -> end");
    let ticks = repeated("ticks", 20)
        .say("say", "still here")
        .sleep("sleep", 0.04)
        .exec("each.loop -> say -> sleep");
    let flows = [ask, nap, tree, leaf, gate, talk, count, file, hour, long, ticks];
    flows.into_iter().fold(Bundle::new("load", "1.0.0"), Bundle::flow)
}

/// Does what is wired to `each.loop` so many times and ends with its number.
fn repeated(id: &str, times: usize) -> Flow {
    let items: Vec<usize> = (0..times).collect();
    Flow::new(id)
        .start(&["n"])
        .node("items", "literal_array", &[], &["value"], json!({"literalValue": items}))
        .node("each", "loop", &["items"], &["item", "index", "total"], json!({}))
        .end("end", &["n"])
        .exec("start -> each")
        .exec("each.done -> end")
        .wire("items.value -> each.items")
        .wire("start.n -> end.n")
}
