//! The recorded exchanges, sent again: status, headers and bodies must be what the reference answered, but for what differs from run to run
//! (ids, times, digests) and what [`differences`] explains.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use flowgate_tests::{Bundle, Flow, Gateway, Reply, Server, root};
use hyper::Method;
use serde_json::{Value, json};

use crate::differences::{self, PENDING};
use crate::flows::tree_giving;
use crate::normal::{Names, frames};
use crate::target;

/// How long a read may take to answer what was recorded: the recorder waited for it too.
const PATIENCE: Duration = Duration::from_secs(8);

/// Headers that are compared where the recording has them.
const HEADERS: [&str; 7] = [
    "content-type",
    "vary",
    "allow",
    "www-authenticate",
    "retry-after",
    "access-control-allow-origin",
    "access-control-expose-headers",
];

struct Exchange {
    name: String,
    request: Value,
    response: Value,
}

fn recorded() -> Vec<Exchange> {
    let text = std::fs::read_to_string(root().join("tests/transcripts.jsonl")).expect("the transcripts");
    let parse = |line: &str| {
        let mut exchange: Value = serde_json::from_str(line).expect("an exchange is JSON");
        Exchange {
            name: exchange["name"].as_str().expect("a name").to_owned(),
            request: exchange["request"].take(),
            response: exchange["response"].take(),
        }
    };
    text.lines().map(parse).collect()
}

#[tokio::test]
async fn the_recorded_exchanges_are_answered_as_they_were() {
    let Some(server) = target::own(target::with_files()).await else {
        return;
    };
    server.gateway().install(&seed()).await;
    let mut player = Player {
        gateway: server.gateway(),
        server: &server,
        names: Names::default(),
        used: BTreeSet::new(),
        wrong: Vec::new(),
    };
    for exchange in recorded() {
        player.play(&exchange).await;
    }
    player.verdict();
}

/// One difference: where in the answer, and both sides.
type Differs = (String, String);

struct Player<'a> {
    gateway: Gateway,
    server: &'a Server,
    /// The recorded ids and ours.
    names: Names,
    /// What of the known differences was seen.
    used: BTreeSet<(&'static str, &'static str)>,
    wrong: Vec<String>,
}

impl Player<'_> {
    async fn play(&mut self, exchange: &Exchange) {
        let pending = !target::is_reference() && PENDING.contains(&exchange.name.as_str());
        let is_read = exchange.request["method"] == "GET";
        let deadline = Instant::now() + if pending { Duration::ZERO } else { PATIENCE };
        loop {
            let (reply, mut names) = (self.send(exchange).await, self.names.clone());
            let found = compare(&exchange.response, &reply, &mut names);
            let unknown: Vec<&Differs> = found.iter().filter(|(at, _)| !self.explained(&exchange.name, at)).collect();
            if unknown.is_empty() || !is_read || unknown[0].0 == "status" || Instant::now() > deadline {
                if pending && unknown.is_empty() {
                    self.wrong
                        .push(format!("{} is pending, but it is answered as recorded", exchange.name));
                } else if !pending {
                    let lines = unknown.iter().map(|(at, what)| format!("{} | {at} | {what}", exchange.name));
                    self.wrong.extend(lines);
                }
                for (at, _) in &found {
                    self.used.extend(differences::recorded(&exchange.name, at));
                }
                self.names = names;
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn explained(&self, name: &str, at: &str) -> bool {
        differences::recorded(name, at).is_some()
    }

    async fn send(&self, exchange: &Exchange) -> Reply {
        let request = &exchange.request;
        let method: Method = request["method"].as_str().expect("a method").parse().expect("a method");
        let path = self.names.ours_in(request["path"].as_str().expect("a path"));
        let gateway = match exchange.name.as_str() {
            "wrong token" => self.gateway.with_token(Some("another-token-of-some-length")),
            _ if request["auth"] == false => self.gateway.with_token(None),
            _ => self.gateway.clone(),
        };
        let mut sent = gateway.request(method, &path);
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            sent = sent.header(name, value.as_str().unwrap_or_default());
        }
        let body = match (&request["body"], body_of(&exchange.name)) {
            (_, Some(bytes)) => bytes,
            (Value::Null, None) => Vec::new(),
            (body, None) => {
                sent = sent.header("content-type", "application/json");
                self.names.ours(body).to_string().into_bytes()
            }
        };
        let answered = gateway.send(sent.body(body.into()).expect("a request")).await;
        answered.unwrap_or_else(|error| panic!("{}: {error:?}\n{}", exchange.name, self.server.log()))
    }

    fn verdict(self) {
        let mut wrong = self.wrong;
        let unused = differences::all_recorded()
            .into_iter()
            .filter(|known| !self.used.contains(known) && !PENDING.contains(&known.0));
        wrong.extend(unused.map(|(name, at)| format!("{name} | {at} | is listed as a difference, and there is none")));
        assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    }
}

/// What of an answer is not as recorded.
fn compare(recorded: &Value, reply: &Reply, names: &mut Names) -> Vec<Differs> {
    let mut found = BTreeMap::new();
    let (wanted, got) = (&recorded["status"], json!(reply.status));
    if *wanted != got {
        let text = reply.text();
        found.insert(
            "status".to_owned(),
            format!("recorded {wanted}, got {got} {}", text.get(..300).unwrap_or(&text)),
        );
        return found.into_iter().collect();
    }
    for name in HEADERS {
        let wanted = recorded["headers"][name].as_str().unwrap_or_default();
        let got = reply.header(name);
        // The recorder kept no more than these of a preflight.
        if got != wanted && !(wanted.is_empty() && name == "access-control-expose-headers") {
            found.insert(format!("header {name}"), format!("recorded {wanted:?}, got {got:?}"));
        }
    }
    let is_stream = reply.header("content-type").starts_with("text/event-stream");
    let got = match serde_json::from_slice(&reply.body) {
        Ok(body) => body,
        Err(_) if is_stream => frames(&reply.text()),
        Err(_) => Value::String(reply.text()),
    };
    // The tail of the audit log is what was done just before, mid-line and all.
    let (mut got, mut wanted) = (got, recorded["body"].clone());
    if got["content"].is_string() && wanted["truncated"] == true {
        (got["content"], wanted["content"]) = (Value::Null, Value::Null);
    }
    match &wanted {
        Value::String(text) if is_stream => names.differences(&frames(text), &got, "body", &mut found),
        body => names.differences(body, &got, "body", &mut found),
    }
    found.into_iter().collect()
}

/// What was sent where the recording says `<bytes>`.
fn body_of(name: &str) -> Option<Vec<u8>> {
    let form = |bytes: &[u8], fields: &[(&str, &str)], file: &str| {
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!("------b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!("------b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file}\"\r\n");
        body.extend_from_slice(head.as_bytes());
        let kind = if file.ends_with(".txt") {
            "text/plain"
        } else {
            "application/octet-stream"
        };
        body.extend_from_slice(format!("Content-Type: {kind}\r\n\r\n").as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n------b--\r\n");
        Some(body)
    };
    match name {
        "upload" | "upload again" => form(&demo("1.0.0").zip(), &[], "b.flow"),
        "upload no zip" => form(b"not a zip", &[], "b.flow"),
        "upload second version" => form(&demo("1.1.0").zip(), &[], "b.flow"),
        "upload parent" => form(&tree().zip(), &[], "b.flow"),
        "upload listener" => form(&listen().zip(), &[], "b.flow"),
        "upload sleeper" => form(&nap().zip(), &[], "b.flow"),
        "upload waiter" => form(&gate().zip(), &[], "b.flow"),
        "attachment" => form(b"hello attachment", &[("session_id", "sess-1")], "note.txt"),
        "start bad json" => Some(b"{not json".to_vec()),
        "too large" => Some(large()),
        _ => None,
    }
}

/// 300 042 bytes.
fn large() -> Vec<u8> {
    let (head, tail) = (r#"{"bundle_id":"demo","input_data":{"x":""#, r#""}}"#);
    format!("{head}{}{tail}", "x".repeat(300_042 - head.len() - tail.len())).into_bytes()
}

// --- the bundles of the recording -------------------------------------------------------------------------------------------------

fn bundle(id: &str, version: &str, flow: Flow) -> Bundle {
    recorded_entry(Bundle::new(id, version).flow(flow))
}

fn recorded_entry(mut bundle: Bundle) -> Bundle {
    bundle.manifest["entrypoints"][0]["name"] = json!("main");
    bundle.manifest["entrypoints"][0]["description"] = json!("d");
    bundle
}

/// The flow is in the recording itself.
fn demo(version: &str) -> Bundle {
    let exchanges = recorded();
    let shown = exchanges
        .iter()
        .find(|exchange| exchange.name == "bundle flow")
        .expect("the flow was shown");
    let flow = shown.response["body"]["flow"].to_string();
    recorded_entry(Bundle::new("demo", version).document("approve", flow.into_bytes()))
}

fn seed() -> Bundle {
    bundle(
        "seed",
        "0.1.0",
        Flow::new("root").start(&[]).end("end", &[]).exec("start -> end"),
    )
}

fn tree() -> Bundle {
    recorded_entry(tree_giving("tree", "answer", "ask.response -> end.answer"))
}

fn listen() -> Bundle {
    let config = json!({"eventConfig": {"name": "ping", "scope": "session"}});
    let flow = Flow::new("root")
        .start(&[])
        .ask("ask", "wait", &[])
        .end("end", &[])
        .node("ev", "on_event", &[], &["event"], config)
        .say("say", "got ping")
        .exec("start -> ask -> end")
        .exec("ev -> say");
    bundle("listen", "1.0.0", flow)
}

fn nap() -> Bundle {
    let flow = Flow::new("root")
        .start(&["x"])
        .sleep("z", 1.5)
        .end("end", &["x"])
        .exec("start -> z -> end")
        .wire("start.x -> end.x");
    bundle("nap", "1.0.0", flow)
}

fn gate() -> Bundle {
    let flow = Flow::new("root")
        .start(&[])
        .wait_event("w", "evt:global:global:go")
        .end("end", &["data"])
        .exec("start -> w -> end")
        .wire("w.event_data -> end.data");
    bundle("gate", "1.0.0", flow)
}
