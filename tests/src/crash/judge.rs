//! Compares what was acknowledged with what the server has.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::flows::{EVENTS, EXECUTIONS};
use super::{A_SESSION, Kind, Load, Note, Sum, lock};
use crate::ledger::outline;

impl Load {
    /// Every acknowledged run is there, has come to its end, and did each of its steps once; every file that was taken in is whole.
    pub(super) async fn judge(&self) -> Sum {
        let notes = lock(&self.started).clone();
        let mut sum = Sum {
            runs: notes.len(),
            rows: 0,
            files: 0,
            repeated: 0,
            frames: self.followed.load(Ordering::Relaxed),
            orphans: 0,
        };
        let mut known = HashSet::new();
        for note in &notes {
            assert!(known.insert(note.run.clone()), "{note:?}: one run id twice");
            let end = if note.kind == Kind::Cancel { "cancelled" } else { "completed" };
            self.until(note, |run| run["status"] == end).await;
            let rows = self.ledger(&note.run).await;
            sum.rows += rows.len();
            sum.repeated += rows.len() - uninterrupted(&rows).len();
            check_steps(&rows);
            self.judge_run(note, &rows).await;
        }
        let attached = std::mem::take(&mut *lock(&self.attached));
        for file in &attached {
            let name = |key: &str| file.artifact[key].as_str().expect("a name").to_owned();
            let path = format!(
                "/api/gateway/runs/{}/artifacts/{}/content",
                name("run_id"),
                name("artifact_id")
            );
            let reply = self.gateway.get(&path).await;
            assert_eq!(reply.status, 200, "{}: {}", file.artifact, reply.text());
            assert!(reply.body == file.bytes[..], "other bytes of {}", file.artifact);
        }
        sum.files = attached.len();
        sum.orphans = self.unacknowledged(&notes, &mut known).await;
        sum
    }

    async fn judge_run(&self, note: &Note, rows: &[Value]) {
        let n = note.n;
        if let Some(expected) = note.kind.rows() {
            let made: Vec<Value> = uninterrupted(rows);
            assert_eq!(outline(&made), expected, "{note:?}");
            let output = &rows[rows.len() - 2]["result"]["output"];
            assert_eq!(output["n"], json!(n), "{note:?}: {output}");
            if matches!(note.kind, Kind::Ask | Kind::File) {
                assert_eq!(output["answer"], format!("answer {n}"));
            }
            if note.kind == Kind::Gate {
                assert_eq!(output["event"]["payload"], json!({"n": n}));
            }
        }
        match note.kind {
            Kind::File => {
                let text = std::fs::read_to_string(self.file(n)).expect("the flow's file");
                assert_eq!(text, format!("seen {n}"), "{note:?}: a completed step was done again");
            }
            Kind::Count => {
                let told: Vec<&Value> = rows.iter().filter(|row| row["effect"]["type"] == "resume").collect();
                for (number, row) in told.iter().enumerate() {
                    let told = format!("\"told\":{number}");
                    assert!(row.to_string().contains(&told), "{note:?}: not event {number}: {row}");
                }
                assert_eq!(told.len(), EVENTS);
            }
            Kind::Cancel => self.judge_cancelled(note, rows).await,
            Kind::Schedule => self.judge_schedule(note, rows).await,
            _ => {}
        }
    }

    /// A tree that was cancelled ended once, as a whole.
    async fn judge_cancelled(&self, note: &Note, rows: &[Value]) {
        let mut family = vec![rows.to_vec()];
        for child in children(rows) {
            family.push(self.ledger(&child).await);
            assert_eq!(self.run(&child).await["status"], "cancelled", "{note:?}");
        }
        for rows in family {
            let ends = rows
                .iter()
                .filter(|row| row["effect"]["payload"]["name"] == "abstract.status");
            let ends: Vec<&Value> = ends.map(|row| &row["result"]["payload"]["text"]).collect();
            assert_eq!(ends, ["cancelled"], "{note:?}: {rows:#?}");
        }
    }

    /// A schedule ran its target as often as it was asked to.
    async fn judge_schedule(&self, note: &Note, rows: &[Value]) {
        let outline = outline(rows);
        let targets: Vec<&String> = outline.iter().filter(|row| row.starts_with("run_target ")).collect();
        let once = [
            "run_target started start_subworkflow",
            "run_target waiting start_subworkflow",
            "run_target completed resume",
        ];
        assert_eq!(targets, [once; EXECUTIONS].concat(), "{note:?}");
        let children = children(rows);
        assert_eq!(
            children.iter().collect::<BTreeSet<_>>().len(),
            EXECUTIONS,
            "{note:?}: {children:?}"
        );
        for child in &children {
            let run = self.run(child).await;
            assert_eq!(
                (&run["status"], &run["parent_run_id"]),
                (&json!("completed"), &json!(note.run))
            );
            assert_eq!(
                self.ledger(child).await.last().map(|row| &row["status"]),
                Some(&json!("completed"))
            );
        }
    }

    /// Runs whose start nobody heard of: each `n` at most once, and those that need nobody come to their end too.
    async fn unacknowledged(&self, notes: &[Note], known: &mut HashSet<String>) -> usize {
        let acknowledged: HashSet<usize> = notes.iter().map(|note| note.n).collect();
        let mut orphans = HashSet::new();
        for session in 0..=self.next.load(Ordering::Relaxed) / A_SESSION {
            let session = Load::session(session * A_SESSION);
            let list = self
                .get(&format!("/api/gateway/runs?limit=500&root_only=true&session_id={session}"))
                .await;
            for item in list["items"].as_array().expect("items") {
                let run = item["run_id"].as_str().expect("a run id").to_owned();
                if !known.insert(run.clone()) {
                    continue;
                }
                let input = self.get(&format!("/api/gateway/runs/{run}/input_data")).await;
                // The session's own run, which holds its artifacts, has none.
                let Some(n) = input["input_data"]["n"].as_u64() else {
                    continue;
                };
                let n = n as usize;
                assert!(!acknowledged.contains(&n), "{n} was started twice");
                assert!(orphans.insert(n), "{n} was started twice");
                let needs_somebody = |run: &Value| {
                    let reason = run["waiting"]["reason"].as_str();
                    matches!(reason, Some("user" | "event")) || run["workflow_id"] == "load@1.0.0:long"
                };
                let note = Note { run, kind: Kind::Ask, n };
                self.until(&note, |run| run["status"] == "completed" || needs_somebody(run))
                    .await;
            }
        }
        orphans.len()
    }
}

/// The children that a run has called, by its rows.
fn children(rows: &[Value]) -> Vec<String> {
    rows.iter()
        .filter_map(|row| row["result"]["wait"]["details"]["sub_run_id"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The rows without those of calls that were cut off by a death and made again.
fn uninterrupted(rows: &[Value]) -> Vec<Value> {
    let again = |row: &Value| row["status"] == "started" && row["attempt"].as_u64() > Some(1);
    rows.iter().filter(|row| !again(row)).cloned().collect()
}

/// No step is completed twice, no key is used by two steps but for further attempts, and times never go back.
pub fn check_steps(rows: &[Value]) {
    let (mut keys, mut ended) = (BTreeMap::new(), HashSet::new());
    for row in rows {
        let Some(key) = row["idempotency_key"].as_str() else {
            continue;
        };
        if row["attempt"].as_u64() == Some(1) {
            let step = keys.entry(key).or_insert(&row["step_id"]);
            assert_eq!(*step, &row["step_id"], "one key for two steps: {rows:#?}");
        }
        if row["status"] == "completed" && row["effect"]["type"] != "resume" {
            assert!(ended.insert(key), "a step was completed twice: {rows:#?}");
        }
    }
    let in_order = |pair: &[Value]| pair[0]["started_at"].as_str() <= pair[1]["started_at"].as_str();
    assert!(rows.windows(2).all(in_order), "times go back: {rows:#?}");
}
