//! What a client does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};

use super::flows::{EVENTS, EXECUTIONS, FILES};
use super::{Attached, Kind, Load, Note, lock};
use crate::random::Random;

impl Load {
    /// One client: starts runs until told to stop, and sees each to its end.
    pub(super) async fn work(self: Arc<Self>, mut random: Random) {
        while !self.stopped() {
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            if random.one_in(8) {
                self.attach(n, &mut random).await;
            }
            let kind = *random.pick(self.kinds);
            let Some(note) = self.start(kind, n).await else {
                self.pause("start").await;
                continue;
            };
            lock(&self.started).push(note.clone());
            let left_alone = random.one_in(2);
            match kind {
                Kind::Ask => {
                    self.until_waiting(&note, "user").await;
                    let key = format!("user:{}:ask", note.run);
                    let answer = json!({"wait_key": key, "payload": {"response": format!("answer {n}")}});
                    self.command("resume", &note.run, answer).await;
                }
                Kind::Gate => {
                    self.until_waiting(&note, "event").await;
                    if random.one_in(3) {
                        self.pause_and_resume(&note).await;
                    }
                    self.emit(&note, &format!("gate-{n}"), json!({"n": n})).await;
                }
                Kind::Count => self.count(&note).await,
                Kind::File => {
                    self.until_waiting(&note, "user").await;
                    let path = self.file(n);
                    let written = std::fs::read_to_string(&path).expect("the flow's file");
                    assert_eq!(written, n.to_string(), "{note:?}");
                    // Whoever writes it again is found out.
                    std::fs::write(&path, format!("seen {n}")).expect("the file is written");
                    self.command("resume", &note.run, json!({"payload": {"response": format!("answer {n}")}}))
                        .await;
                }
                Kind::Cancel => {
                    if !left_alone {
                        self.until_waiting(&note, "subworkflow").await;
                    }
                    self.command("cancel", &note.run, json!({})).await;
                    self.until(&note, |run| run["status"] == "cancelled").await;
                    continue;
                }
                // These find their end by themselves; some clients look on, others leave them to it.
                Kind::Nap | Kind::Tree | Kind::Talk | Kind::Schedule if left_alone => continue,
                Kind::Nap | Kind::Tree | Kind::Talk | Kind::Schedule => {}
            }
            self.until(&note, |run| run["status"] == "completed").await;
        }
    }

    /// Starts a run once. None: nobody knows whether it was started.
    async fn start(&self, kind: Kind, n: usize) -> Option<Note> {
        let input = json!({"n": n, "path": format!("{n}.txt"), "workspace_root": FILES});
        let mut body = json!({"bundle_id": "load", "flow_id": kind.flow(), "input_data": input, "session_id": Load::session(n)});
        let mut path = "/api/gateway/runs/start";
        if kind == Kind::Schedule {
            path = "/api/gateway/runs/schedule";
            body["interval"] = json!("40ms");
            body["repeat_count"] = json!(EXECUTIONS);
            body["share_context"] = json!(false);
        }
        let reply = self.gateway.try_post(path, &body).await.ok()?;
        if reply.status == 503 {
            return None;
        }
        let run = reply.ok()["run_id"].as_str().expect("a run id").to_owned();
        Some(Note { run, kind, n })
    }

    async fn pause_and_resume(&self, note: &Note) {
        self.command("pause", &note.run, json!({"reason": "a test"})).await;
        self.until(note, |run| run["paused"] == true).await;
        self.command("resume", &note.run, json!({})).await;
        self.until(note, |run| run["paused"] == false).await;
    }

    /// Emits each event when the run waits for it: one that is told twice is told in the place of the next.
    async fn count(&self, note: &Note) {
        for told in 0..EVENTS {
            loop {
                self.until_waiting(note, "event").await;
                let rows = self.ledger(&note.run).await;
                let resumed = rows.iter().filter(|row| row["effect"]["type"] == "resume").count();
                assert!(resumed <= told, "{note:?}: an event was told twice");
                if resumed == told && rows.last().is_some_and(|row| row["status"] == "waiting") {
                    break;
                }
            }
            self.emit(note, &format!("count-{}", note.n), json!({"told": told})).await;
        }
    }

    async fn emit(&self, note: &Note, name: &str, payload: Value) {
        let event = json!({"name": name, "scope": "global", "payload": payload});
        self.command("emit_event", &note.run, event).await;
    }

    /// Uploads a file that is like no other. It may be lost with the server: nobody has heard of it then.
    async fn attach(&self, n: usize, random: &mut Random) {
        let bytes: Vec<u8> = (0..600).flat_map(|_| random.number().to_le_bytes()).collect();
        let sent = self.gateway.try_attach(&Load::session(n), &format!("{n}.bin"), &bytes).await;
        if let Ok(reply) = sent
            && reply.status != 503
        {
            let artifact = reply.ok()["artifact"].clone();
            lock(&self.attached).push(Attached { artifact, bytes });
        }
    }

    /// Follows one run's stream after the other through all trouble, reconnecting as a browser does, and compares what came with the ledger.
    pub(super) async fn follow(self: Arc<Self>) {
        while !self.stopped() {
            let body = json!({"bundle_id": "load", "flow_id": "ticks", "input_data": {"n": 0}});
            let Ok(reply) = self.gateway.try_post("/api/gateway/runs/start", &body).await else {
                self.pause("start").await;
                continue;
            };
            if reply.status == 503 {
                self.pause("start").await;
                continue;
            }
            let run = reply.ok()["run_id"].as_str().expect("a run id").to_owned();
            let seen = self.stream(&run).await;
            self.followed.fetch_add(seen.len(), Ordering::Relaxed);
            let seen: Vec<Value> = seen.into_values().collect();
            assert_eq!(seen, self.ledger(&run).await, "the stream and the ledger differ");
        }
    }

    async fn stream(&self, run: &str) -> BTreeMap<u64, Value> {
        let mut seen = BTreeMap::new();
        let path = format!("/api/gateway/runs/{run}/ledger/stream?heartbeat_s=0.5");
        loop {
            let last = seen.keys().next_back().copied();
            let Ok(Ok(mut stream)) = self.gateway.try_stream(&path, last).await else {
                self.pause("stream").await;
                continue;
            };
            loop {
                match stream.event(Duration::from_secs(2)).await {
                    Ok((Some(cursor), _, data)) => {
                        assert_eq!(cursor, seen.keys().next_back().map_or(1, |last| last + 1), "the cursor jumps");
                        seen.insert(cursor, data["record"].clone());
                    }
                    Ok((None, event, _)) if event == "done" => return seen,
                    Ok(other) => panic!("not a frame of this stream: {other:?}"),
                    Err(_) => break,
                }
            }
            assert!(!self.overdue(), "the stream of {run} does not end: {} rows", seen.len());
        }
    }
}
