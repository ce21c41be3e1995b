//! What expires goes whole, and nothing else goes.

use std::collections::HashMap;
use std::time::Duration;

use super::super::retention::{Chore, Done};
use super::*;
use crate::record::artifact::{NewArtifact, SESSION_MEMORY, artifact_id, session_memory_run};
use crate::schedules::MARK;

const HOUR: i64 = 3_600_000_000;

/// Runs and commands go after an hour.
fn hourly() -> Policy {
    Policy {
        finished_after: Some(Duration::from_secs(3600)),
        commands_after: Some(Duration::from_secs(3600)),
        ..Policy::default()
    }
}

fn rows(most: u64) -> Policy {
    Policy {
        max_rows: Some(most),
        ..Policy::default()
    }
}

fn keeper(rig: &Rig, policy: Policy) -> Keeper {
    let retention = Retention {
        all: policy,
        ..Retention::default()
    };
    Keeper::new(rig.handle.clone(), retention)
}

/// What a host does that has just been started.
async fn look(rig: &Rig, policy: Policy) {
    keeper(rig, policy).look().await.unwrap();
}

impl Rig {
    async fn exists(&self, id: &str) -> bool {
        self.handle.run(LOCAL, &RunId::from(id)).await.unwrap().is_some()
    }

    /// Two hours pass, and a run begins: the newest is never removed.
    async fn later(&self) {
        self.clock.advance_to(self.clock.now().plus(2 * HOUR));
        self.start(&uuid::Uuid::new_v4().to_string()).await;
    }

    async fn child(&self, id: &str, parent: &str) {
        let run = StartRun {
            parent: Some(RunId::from(parent)),
            ..start_run(id)
        };
        self.handle.start(run).await.unwrap();
    }

    /// Commits so many rows and a tick; `snapshot`: and a snapshot.
    async fn talk(&self, id: &str, rows: usize, snapshot: bool) {
        let mut advance = self.next(id, Position::Running { node: "n".to_owned() }).await;
        let at = advance.last_time;
        advance.rows = (0..rows).map(|n| step(id, "say", at.plus(n as i64))).collect();
        advance.last_time = at.plus(rows as i64 + 1);
        advance.snapshot = snapshot.then(|| b"state".to_vec());
        self.handle.advance(advance).await.unwrap();
    }

    async fn count(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        sqlx::query_scalar(sql).fetch_one(&mut *self.database().await).await.unwrap()
    }

    async fn page(&self, id: &str, after: u64) -> LedgerPage {
        self.handle.ledger(LOCAL, &RunId::from(id), after, 10_000).await.unwrap()
    }
}

#[tokio::test]
async fn a_tree_goes_when_all_of_it_has_ended_long_enough_ago() {
    let rig = rig().await;
    rig.start("p").await;
    rig.child("c", "p").await;
    rig.child("g", "c").await;
    rig.complete("c", "{}").await;
    rig.complete("p", "{}").await;
    rig.later().await;
    look(&rig, hourly()).await;
    assert!(rig.exists("p").await && rig.exists("c").await, "a grandchild goes on");
    rig.complete("g", "{}").await;
    rig.start("n").await;
    look(&rig, hourly()).await;
    assert!(rig.exists("p").await, "it has just ended");
    look(&rig, Policy::default()).await;
    rig.later().await;
    look(&rig, Policy::default()).await;
    assert!(rig.exists("p").await, "nothing expires without a policy");
    look(&rig, hourly()).await;
    for id in ["p", "c", "g"] {
        assert!(!rig.exists(id).await, "{id}");
        assert!(rig.page(id, 0).await.rows.is_empty());
    }
    assert!(rig.exists("n").await, "it goes on");
    // The names are free, and the numbers are not given out again.
    let newest = rig.start("p").await;
    assert_eq!(newest.run.0, 7);
}

#[tokio::test]
async fn one_keeper_finds_what_ends_after_its_first_look() {
    let rig = rig().await;
    let mut keeper = keeper(&rig, hourly());
    rig.start("p").await;
    rig.child("c", "p").await;
    rig.complete("p", "{}").await;
    rig.later().await;
    keeper.look().await.unwrap();
    rig.complete("c", "{}").await;
    rig.start("other").await;
    rig.complete("other", "{}").await;
    rig.later().await;
    keeper.look().await.unwrap();
    for id in ["p", "c", "other"] {
        assert!(!rig.exists(id).await, "{id}");
    }
}

#[tokio::test]
async fn one_keeper_finds_what_is_committed_late() {
    let rig = rig().await;
    let mut keeper = keeper(&rig, hourly());
    rig.start("late").await;
    let to = Position::Completed {
        node: "end".to_owned(),
        output: raw("{}"),
    };
    let late = rig.next("late", to).await;
    rig.clock.advance_to(T0.plus(10_000_000));
    rig.start("a").await;
    rig.complete("a", "{}").await;
    rig.later().await;
    keeper.look().await.unwrap();
    assert!(!rig.exists("a").await);
    // Its time is before that of what the keeper has seen.
    rig.handle.advance(late).await.unwrap();
    assert!(rig.row("late").await.updated_at < T0.plus(10_000_000));
    keeper.look().await.unwrap();
    assert!(!rig.exists("late").await);
}

#[tokio::test]
async fn the_newest_run_stays_so_that_its_number_is_not_used_again() {
    let rig = rig().await;
    rig.start("a").await;
    let b = rig.start("b").await;
    rig.complete("a", "{}").await;
    rig.complete("b", "{}").await;
    rig.clock.advance_to(T0.plus(2 * HOUR));
    look(&rig, hourly()).await;
    assert!(!rig.exists("a").await && rig.exists("b").await);
    assert!(rig.start("c").await.run > b.run);
    look(&rig, hourly()).await;
    assert!(!rig.exists("b").await);
}

/// Which trees go, of many that were made by chance.
#[tokio::test]
async fn of_an_unfinished_tree_nothing_goes_and_of_a_finished_one_everything() {
    let rig = rig().await;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |most: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % most
    };
    // Run -> its tree and whether it ends.
    let mut runs: Vec<(String, usize, bool)> = Vec::new();
    for tree in 0..40 {
        let size = 1 + below(8);
        let first = runs.len();
        let lively = 1 + below(12);
        for n in 0..size {
            let id = format!("{tree}-{n}");
            match n {
                0 => drop(rig.start(&id).await),
                _ => {
                    let parent = runs[first + below(n) as usize].0.clone();
                    rig.child(&id, &parent).await;
                }
            }
            runs.push((id, tree, below(lively) != 1));
        }
    }
    for (id, _, _) in runs.iter().filter(|(_, _, ends)| *ends) {
        rig.complete(id, "{}").await;
    }
    rig.later().await;
    look(&rig, hourly()).await;
    let mut alive: HashMap<usize, bool> = HashMap::new();
    for (_, tree, ends) in &runs {
        *alive.entry(*tree).or_default() |= !ends;
    }
    let finished = alive.values().filter(|alive| !**alive).count();
    assert!((5..35).contains(&finished), "{finished} of 40");
    for (id, tree, _) in &runs {
        assert_eq!(rig.exists(id).await, alive[tree], "{id}: {runs:?}");
    }
    let counted = rig.count("SELECT sum(runs) FROM run_counts").await;
    assert_eq!(counted, rig.count("SELECT count(*) FROM run_state").await);
    // What is left goes on to its end, and then goes.
    for (id, _, _) in runs.iter().filter(|(_, _, ends)| !ends) {
        rig.complete(id, "{}").await;
    }
    rig.later().await;
    look(&rig, hourly()).await;
    assert_eq!(rig.count("SELECT count(*) FROM runs").await, 2);
    assert_eq!(rig.count("SELECT count(*) FROM ledger").await, 0);
}

#[tokio::test]
async fn nothing_is_left_of_a_run_that_has_gone() {
    let rig = rig().await;
    let at = rig.start("r").await;
    rig.start("other").await;
    rig.talk("r", 3, true).await;
    rig.talk("other", 2, true).await;
    for run in ["r", "other"] {
        let artifact = NewArtifact {
            run_id: RunId::from(run),
            artifact_id: artifact_id(run, b"x"),
            blob: Digest::of(b"x"),
            size: 1,
            content_type: "text/plain".to_owned(),
            tags: Default::default(),
        };
        let put = PutArtifact {
            artifact,
            session_id: None,
        };
        rig.handle.put_artifact(LOCAL, put).await.unwrap();
    }
    rig.complete("r", "{}").await;
    rig.later().await;
    look(&rig, hourly()).await;
    let mut tables = 0;
    for column in ["run", "run_id"] {
        let sql = format!(
            "SELECT m.name FROM sqlite_master m WHERE m.type = 'table' AND m.name <> 'commands' \
             AND EXISTS (SELECT 1 FROM pragma_table_info(m.name) c WHERE c.name = '{column}')"
        );
        let names: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .fetch_all(&mut *rig.database().await)
            .await
            .unwrap();
        let source = include_str!("../store/retention.rs");
        for table in names {
            tables += 1;
            let value = if column == "run" {
                at.run.0.to_string()
            } else {
                "'r'".to_owned()
            };
            let left = rig
                .count(&format!("SELECT count(*) FROM {table} WHERE {column} = {value}"))
                .await;
            assert_eq!(left, 0, "{table}");
            // A new table of runs has a line there, too.
            assert!(
                source.contains(&format!("\"DELETE FROM {table} WHERE tenant = ?1 AND ")),
                "{table}"
            );
        }
    }
    assert!(tables > 9);
    assert_eq!(rig.page("other", 0).await.rows.len(), 2);
    assert_eq!(rig.count("SELECT count(*) FROM artifacts").await, 1);
    assert_eq!(rig.handle.named_blobs(LOCAL).await.unwrap().len(), 1);
}

#[tokio::test]
async fn executions_go_while_their_schedule_goes_on() {
    let rig = rig().await;
    let wrapper = StartRun {
        workflow_id: "scheduled:s".to_owned(),
        ..start_run("s")
    };
    let workflow = DynamicWorkflow {
        tenant: LOCAL,
        workflow_id: "scheduled:s".to_owned(),
        document: raw("{}"),
        component: rig.component(b"component").await,
        entry: "begin".to_owned(),
    };
    rig.handle.start_dynamic(workflow, wrapper).await.unwrap();
    for (execution, leaf) in [("e1", "l1"), ("e2", "l2")] {
        rig.child(execution, "s").await;
        rig.child(leaf, execution).await;
    }
    for id in ["e1", "l1", "e2"] {
        rig.complete(id, "{}").await;
    }
    rig.later().await;
    look(&rig, hourly()).await;
    let left = async || {
        let mut left = Vec::new();
        for id in ["s", "e1", "l1", "e2", "l2"] {
            if rig.exists(id).await {
                left.push(id);
            }
        }
        left
    };
    assert_eq!(left().await, ["s", "e2", "l2"], "one execution has ended, one has not");
    rig.complete("s", "{}").await;
    rig.later().await;
    look(&rig, hourly()).await;
    assert_eq!(left().await, ["s", "e2", "l2"]);
    rig.complete("l2", "{}").await;
    rig.later().await;
    look(&rig, hourly()).await;
    assert!(left().await.is_empty());
    assert_eq!(rig.count("SELECT count(*) FROM dynamic_workflows").await, 0);
}

#[tokio::test]
async fn a_component_that_was_made_for_schedules_goes_with_the_last_of_them() {
    let rig = rig().await;
    let made = rig.component(&[&b"wrapper"[..], MARK].concat()).await;
    let older = rig.component(b"older wrapper").await;
    let schedule = async |id: &str, component: Digest| {
        let workflow = DynamicWorkflow {
            tenant: LOCAL,
            workflow_id: format!("scheduled:{id}"),
            document: raw("{}"),
            component,
            entry: "begin".to_owned(),
        };
        let run = StartRun {
            workflow_id: workflow.workflow_id.clone(),
            component,
            ..start_run(id)
        };
        rig.handle.start_dynamic(workflow, run).await
    };
    for (id, component) in [("one", made), ("two", made), ("old", older)] {
        schedule(id, component).await.unwrap();
    }
    rig.start("newest").await;
    let kept = async |digest: Digest| rig.handle.component(LOCAL, digest).await.unwrap().is_some();
    for (ended, stays) in [("one", true), ("two", false), ("old", false)] {
        rig.complete(ended, "{}").await;
        rig.later().await;
        look(&rig, hourly()).await;
        assert!(!rig.exists(ended).await);
        assert_eq!((kept(made).await, kept(older).await), (stays, true), "after {ended}");
    }
    assert_eq!(rig.count("SELECT count(*) FROM blobs").await, 1);
    // Who has compiled the same wrapper just before compiles it again.
    let late = schedule("late", made).await;
    assert!(late.as_ref().is_err_and(Error::is_of_the_disk), "{late:?}");
    assert!(!rig.exists("late").await);
}

#[tokio::test]
async fn a_run_that_somebody_waits_for_stays() {
    let rig = rig().await;
    rig.start("watcher").await;
    rig.start("d").await;
    rig.wait("watcher", vec![child_wait(5, "d")]).await;
    rig.command(CommandKind::Pause, "watcher", "{}").await;
    rig.complete("d", r#"{"answer":42}"#).await;
    rig.later().await;
    look(&rig, hourly()).await;
    assert!(rig.exists("d").await);
    rig.command(CommandKind::Resume, "watcher", "{}").await;
    let Outcome::Completed(payload) = &rig.load("watcher").await.inbox[0].outcome else {
        panic!()
    };
    assert!(payload.get().contains("42"), "{payload}");
    look(&rig, hourly()).await;
    assert!(!rig.exists("d").await);
}

#[tokio::test]
async fn the_memory_of_a_session_goes_with_its_last_run() {
    let rig = rig().await;
    let attach = async |bytes: &'static [u8]| {
        let run_id = session_memory_run("s");
        let artifact = NewArtifact {
            artifact_id: artifact_id(run_id.as_str(), bytes),
            run_id,
            blob: Digest::of(bytes),
            size: bytes.len() as u64,
            content_type: "text/plain".to_owned(),
            tags: Default::default(),
        };
        let session_id = Some("s".to_owned());
        rig.handle
            .put_artifact(LOCAL, PutArtifact { artifact, session_id })
            .await
            .unwrap();
    };
    attach(b"before the first run").await;
    let run = StartRun {
        session_id: Some("s".to_owned()),
        ..start_run("r")
    };
    rig.handle.start(run).await.unwrap();
    rig.later().await;
    let memory = session_memory_run("s");
    look(&rig, hourly()).await;
    assert!(rig.exists(memory.as_str()).await, "the session has a run");
    rig.complete("r", "{}").await;
    rig.later().await;
    attach(b"for the next turn").await;
    look(&rig, hourly()).await;
    assert!(!rig.exists("r").await);
    assert!(rig.exists(memory.as_str()).await, "an attachment is young");
    rig.later().await;
    look(&rig, hourly()).await;
    assert!(!rig.exists(memory.as_str()).await);
    assert_eq!(rig.count("SELECT count(*) FROM artifacts").await, 0);
    assert_eq!(SESSION_MEMORY, "__session_memory__", "statements have it as text");
}

#[tokio::test]
async fn a_long_ledger_goes_in_steps() {
    let rig = rig().await;
    let at = rig.start("r").await;
    rig.talk("r", 2400, false).await;
    rig.complete("r", "{}").await;
    let trim = || Chore::Trim {
        tenant: LOCAL,
        runs: vec![(at.run, u64::MAX)],
        whole: true,
    };
    rig.later().await;
    let done = rig.handle.chore(trim()).await.unwrap();
    assert_eq!(
        (done.rows, done.left),
        (1002, true),
        "the step of the history has its two rows"
    );
    let (row, page) = (rig.row("r").await, rig.page("r", 0).await);
    assert_eq!((row.horizon, page.horizon, page.rows.len()), (1001, 1001, 0));
    // A host that died here finds it again.
    look(&rig, hourly()).await;
    assert!(!rig.exists("r").await);
    assert_eq!(rig.count("SELECT count(*) FROM ledger").await, 0);
}

#[tokio::test]
async fn a_run_that_goes_on_is_not_removed_by_a_chore_that_comes_too_late() {
    let rig = rig().await;
    let at = rig.start("r").await;
    rig.talk("r", 5, true).await;
    rig.later().await;
    let chores = [
        Chore::Trim {
            tenant: LOCAL,
            runs: vec![(at.run, u64::MAX)],
            whole: true,
        },
        Chore::Remove {
            tenant: LOCAL,
            runs: vec![at.run],
            before: rig.clock.now(),
        },
    ];
    for chore in chores {
        assert_eq!(rig.handle.chore(chore).await.unwrap(), Done::default());
    }
    assert_eq!(rig.page("r", 0).await.rows.len(), 5);
}

#[tokio::test]
async fn a_run_that_goes_on_keeps_its_newest_rows_and_its_cursors() {
    let rig = rig().await;
    rig.start("r").await;
    rig.talk("r", 20, false).await;
    rig.talk("r", 9, true).await;
    rig.talk("r", 1, false).await;
    let before = rig.load("r").await;
    let all = rig.page("r", 0).await;
    look(&rig, rows(28)).await;
    assert_eq!(rig.row("r").await.horizon, 1, "a tenth more may be there");
    look(&rig, rows(10)).await;
    let page = rig.page("r", 20).await;
    assert_eq!((page.rows.as_slice(), page.next_after), (&all.rows[20..], 30));
    for after in [0, 19] {
        let page = rig.page("r", after).await;
        assert_eq!((page.rows.len(), page.next_after, page.horizon), (0, 20, 21));
        assert!(page.has_expired(after) && !page.has_expired(20));
    }
    let row = rig.row("r").await;
    assert_eq!((row.horizon, row.last_seq, row.metrics.steps), (21, 30, 30));
    // History that the snapshot holds is gone, what brings the run back is there.
    assert_eq!(rig.handle.history(row.at).await.unwrap().len(), 1);
    let live = rig.load("r").await;
    assert_eq!((live.ticks, live.snapshot), (before.ticks, before.snapshot));
    let news = rig.handle.subscribe(row.at);
    rig.handle.forget_tails(row.at);
    assert!(matches!(rig.handle.tail(&news, 5).await, Err(Error::Expired { horizon: 21 })));
    assert_eq!(rig.handle.rows_before(row.at, 31).await.unwrap().len(), 10);
    // It goes on as before.
    rig.wait("r", vec![user(1, "r")]).await;
    let answer = r#"{"payload":{"response":"yes"}}"#;
    assert_eq!(rig.command(CommandKind::Resume, "r", answer).await, CommandState::Applied);
    rig.complete("r", "{}").await;
    assert_eq!(rig.page("r", 30).await.next_after, 33);
    assert_eq!(rig.row("r").await.horizon, 21);
}

#[tokio::test]
async fn a_run_without_snapshots_keeps_its_history() {
    let rig = rig().await;
    let at = rig.start("r").await;
    for _ in 0..5 {
        rig.talk("r", 10, false).await;
    }
    let whole = rig.load("r").await.ticks;
    look(&rig, rows(10)).await;
    assert_eq!((rig.row("r").await.horizon, whole.len()), (41, 5));
    assert_eq!(rig.load("r").await.ticks, whole);
    assert_eq!(rig.handle.history(at).await.unwrap(), whole);
}

#[tokio::test]
async fn old_rows_go_and_the_newest_stays() {
    let rig = rig().await;
    let policy = Policy {
        max_age: Some(Duration::from_secs(3600)),
        ..Policy::default()
    };
    rig.start("r").await;
    rig.talk("r", 1200, true).await;
    rig.clock.advance_to(T0.plus(2 * HOUR));
    rig.start("new").await;
    rig.talk("r", 3, true).await;
    rig.talk("new", 3, true).await;
    look(&rig, policy).await;
    assert_eq!((rig.row("r").await.horizon, rig.row("new").await.horizon), (1201, 1));
    rig.clock.advance_to(T0.plus(4 * HOUR));
    look(&rig, policy).await;
    assert_eq!((rig.row("r").await.horizon, rig.row("new").await.horizon), (1203, 3));
    assert!(rig.handle.last_own_row(rig.row("r").await.at).await.unwrap().is_some());
}

#[tokio::test]
async fn what_was_taken_out_of_rows_goes_with_them() {
    let rig = rig_with(Options {
        max_inline_bytes: 1000,
        ..Options::default()
    })
    .await;
    rig.start("r").await;
    for n in 0..4 {
        rig.clock.advance_to(T0.plus(n * 1_000_000));
        let mut advance = rig.next("r", Position::Running { node: "n".to_owned() }).await;
        advance.rows[0].result = Some(raw(&format!(r#"{{"text":"{}"}}"#, n.to_string().repeat(2000))));
        rig.handle.advance(advance).await.unwrap();
    }
    assert_eq!(rig.count("SELECT count(*) FROM artifacts").await, 4);
    look(&rig, rows(2)).await;
    let left = rig.count("SELECT count(*) FROM artifacts").await;
    assert_eq!(
        (rig.row("r").await.horizon, left),
        (3, 3),
        "those before the last row that went"
    );
}

#[tokio::test]
async fn a_chain_that_has_lost_its_beginning_says_where_it_goes_on() {
    let rig = rig().await;
    rig.start("r").await;
    let hash = Digest::of(b"row 2").hex();
    for n in 0..4 {
        let mut advance = rig.next("r", Position::Running { node: "n".to_owned() }).await;
        advance.rows[0].record_hash = (n == 1).then(|| hash.clone());
        rig.handle.advance(advance).await.unwrap();
    }
    look(&rig, rows(2)).await;
    let kept = format!("SELECT count(*) FROM run_state WHERE horizon = 3 AND hex(horizon_hash) = upper('{hash}')");
    assert_eq!(rig.count(&kept).await, 1);
}

#[tokio::test]
async fn commands_are_remembered_as_long_as_the_policy_says() {
    let rig = rig().await;
    rig.start("r").await;
    let send = async |id: &str| {
        let receipt = rig.handle.command(command(id, CommandKind::Pause, "r", "{}")).await.unwrap();
        (receipt.accepted, receipt.seq)
    };
    assert_eq!((send("a").await, send("b").await), ((true, 1), (true, 2)));
    look(&rig, hourly()).await;
    assert_eq!(send("a").await, (false, 1));
    rig.later().await;
    look(&rig, hourly()).await;
    assert_eq!(send("b").await, (false, 2), "the last number is not given out again");
    assert_eq!(send("a").await, (true, 3));
    look(&rig, hourly()).await;
    assert_eq!(send("a").await, (false, 3));
}

mod on_a_file {
    use super::*;
    use sqlx::ConnectOptions as _;

    async fn connect(dir: &tempfile::TempDir) -> sqlx::SqliteConnection {
        let options = store::connect::connect_options(&on(dir), false);
        options.connect().await.unwrap()
    }

    fn on(dir: &tempfile::TempDir) -> Options {
        Options {
            path: Some(dir.path().join("j.sqlite3")),
            ..Options::default()
        }
    }

    /// Six MiB in rows.
    async fn fill(rig: &Rig, id: &str) {
        rig.start(id).await;
        let big = raw(&format!("\"{}\"", "x".repeat(100_000)));
        let mut advance = rig.next(id, Position::Running { node: "n".to_owned() }).await;
        let row = advance.rows.remove(0);
        advance.rows = (0..60)
            .map(|_| StepRecord {
                result: Some(big.clone()),
                ..row.clone()
            })
            .collect();
        rig.handle.advance(advance).await.unwrap();
    }

    #[tokio::test]
    async fn space_goes_back_to_the_file_system_a_step_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let rig = rig_with(on(&dir)).await;
        for id in ["a", "b"] {
            fill(&rig, id).await;
            rig.complete(id, "{}").await;
        }
        rig.later().await;
        look(&rig, hourly()).await;
        let mut conn = connect(&dir).await;
        let pages = async |conn: &mut sqlx::SqliteConnection| {
            let sql = "SELECT f.freelist_count, p.page_count FROM pragma_freelist_count f, pragma_page_count p";
            sqlx::query_as::<_, (i64, i64)>(sql).fetch_one(conn).await.unwrap()
        };
        // Twelve MiB were in use. Eight may stay free, and an eighth of the file.
        let (free, all) = pages(&mut conn).await;
        assert!((900..=1024).contains(&free) && all > free, "{free} of {all}");
        let done = rig.handle.chore(Chore::Vacuum { pages: 100 }).await.unwrap();
        assert_eq!(done.pages, 100);
        let (left, now) = pages(&mut conn).await;
        assert!(left == free - 100 && now <= all - 100, "{left} of {now}");
        rig.handle.close().await.unwrap();
        let size = std::fs::metadata(dir.path().join("j.sqlite3")).unwrap().len();
        assert_eq!(size, now as u64 * 8192);
        let sound: String = sqlx::query_scalar("PRAGMA integrity_check")
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(sound, "ok");
    }

    #[tokio::test]
    async fn a_reader_does_not_make_the_log_grow_for_ever() {
        let dir = tempfile::tempdir().unwrap();
        let rig = rig_with(on(&dir)).await;
        rig.start("r").await;
        let mut reader = connect(&dir).await;
        let begin = "BEGIN; SELECT count(*) FROM runs";
        sqlx::query(begin).fetch_all(&mut reader).await.unwrap();
        fill(&rig, "a").await;
        // It is in the way, and nobody waits for it.
        rig.handle.chore(Chore::RestartLog).await.unwrap();
        rig.start("b").await;
        sqlx::query("COMMIT").execute(&mut reader).await.unwrap();
        let log = rig.handle.file_sizes().unwrap().1;
        assert!(log > 6_000_000, "{log} bytes");
        rig.handle.chore(Chore::RestartLog).await.unwrap();
        rig.start("c").await;
        let sql = "PRAGMA wal_checkpoint(PASSIVE)";
        let (_, pages, _): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(&mut reader).await.unwrap();
        assert!((1..50).contains(&pages), "{pages} pages since it began again");
    }
}
