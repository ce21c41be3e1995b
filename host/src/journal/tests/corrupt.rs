//! Rows that no journal wrote: what cannot be read is an error that says so. It harms what it belongs to, and nothing panics.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::*;
use crate::fuzz::{Dice, Shown, check, mutate};

const TABLES: &[&str] = &[
    "runs",
    "run_state",
    "ledger",
    "history",
    "snapshots",
    "inbox",
    "waits",
    "commands",
    "blobs",
    "bundles",
    "components",
    "artifacts",
];

const INTEGERS: &[i64] = &[-1, 0, 1, 2, 7, 256, 1 << 32, (1 << 53) + 1, i64::MAX, i64::MIN];

const TEXTS: &[&str] = &[
    "",
    " ",
    "x",
    "{",
    "{}",
    "[]",
    "null",
    "1e999",
    "\"x\"",
    "\u{0}",
    "running",
    "waiting",
    "completed",
    "[1]",
    r#"{"reason":"user"}"#,
    r#"[{"effect_id":-1}]"#,
    "\"elapsed\"",
    r#"{"completed":}"#,
];

/// A database with a run of each kind: `w` waits for an answer and a timer, `p` for its child `c`, `i` has an outcome in its inbox, `e` has ended.
async fn written(path: &std::path::Path) {
    let rig = rig_with(at(path)).await;
    for id in ["w", "i", "e"] {
        rig.start(id).await;
    }
    rig.go("w", Position::Running { node: "a".to_owned() }).await.unwrap();
    let due = wait_on(2, WaitReason::Until, None, Some(T0.plus(1_000_000)));
    let mut waits = rig.waits("w", vec![user(1, "w"), due]).await;
    waits.snapshot = Some(br#"{"format": 1}"#.to_vec());
    rig.handle.advance(waits).await.unwrap();
    rig.wait("i", vec![user(1, "i")]).await;
    rig.command(CommandKind::Resume, "i", r#"{"payload": {"response": "yes"}}"#)
        .await;
    rig.complete("e", r#"{"a": 1}"#).await;
    rig.command(CommandKind::Resume, "e", "{}").await;
    rig.start("p").await;
    let child = StartRun {
        parent: Some(RunId::from("p")),
        ..start_run("c")
    };
    rig.handle.start(child).await.unwrap();
    rig.wait("p", vec![child_wait(1, "c")]).await;
    rig.handle.put_blob(LOCAL, b"bytes"[..].into()).await.unwrap();
    rig.handle.close().await.unwrap();
    rig.service.await.unwrap().unwrap();
}

fn at(path: &std::path::Path) -> Options {
    Options {
        path: Some(path.to_owned()),
        synchronous: Synchronous::Normal,
        // Heads are read from the database, not remembered.
        cached_runs: 1,
        ..Options::default()
    }
}

/// Changes one column of one table, in one row or in all. Says what was done.
async fn damage(conn: &mut SqliteConnection, dice: &mut Dice<'_>) -> String {
    let table = *dice.pick(TABLES);
    let columns = sqlx::query(AssertSqlSafe(format!(
        "SELECT name, type FROM pragma_table_info('{table}') WHERE pk = 0"
    )));
    let columns = columns.fetch_all(&mut *conn).await.unwrap();
    let column = dice.pick(&columns);
    let (name, kind): (String, String) = (column.get(0), column.get(1));
    let key: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT name FROM pragma_table_info('{table}') WHERE pk > 0"
    )))
    .fetch_all(&mut *conn)
    .await
    .unwrap();
    let key = key.join(", ");
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    // 0: all of them.
    let row = dice.below(rows as usize + 1);
    let old = sqlx::query_scalar::<_, Option<Vec<u8>>>(AssertSqlSafe(format!(
        "SELECT CAST({name} AS BLOB) FROM {table} ORDER BY {key} LIMIT 1 OFFSET {}",
        row.saturating_sub(1)
    )));
    let old = old.fetch_optional(&mut *conn).await.unwrap().flatten().unwrap_or_default();
    let only = match row {
        0 => String::new(),
        row => format!(
            " WHERE ({key}) = (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {})",
            row - 1
        ),
    };
    let sql = AssertSqlSafe(format!("UPDATE {table} SET {name} = ?1{only}"));
    let (query, value) = match kind.as_str() {
        "INTEGER" => {
            let value = *dice.pick(INTEGERS);
            (sqlx::query(sql).bind(value), value.to_string())
        }
        "TEXT" => {
            let value = match serde_json::from_slice(&old) {
                Ok(json) if !dice.once_in(3) => mutate::json(dice, json),
                _ => (*dice.pick(TEXTS)).to_owned(),
            };
            (sqlx::query(sql).bind(value.clone()), value)
        }
        _ => {
            let value = mutate::bytes(dice, old);
            (sqlx::query(sql).bind(value.clone()), format!("{value:?}"))
        }
    };
    // A column that must differ in each row is not changed to one value for all.
    let done = query.execute(conn).await.is_ok();
    format!("{table}.{name} of row {row} to {value} ({done})")
}

/// Everything that is told of runs, and everything that may be done with them. Says whether every run could be read.
async fn used(handle: &Handle) -> bool {
    let mut read = true;
    for id in ["w", "i", "e", "p", "c"] {
        let run = RunId::from(id);
        read &= matches!(handle.run(LOCAL, &run).await, Ok(Some(_)));
        let _ = handle.input(LOCAL, &run).await;
        let _ = handle.ledger(LOCAL, &run, 0, 100).await;
        let _ = handle.ledger_len(LOCAL, &run).await;
        let _ = handle.children(LOCAL, &run).await;
        let _ = handle.descendants(LOCAL, &run, 10).await;
        if let Ok(Some(at)) = handle.locate(LOCAL, &run).await {
            read &= handle.load(at).await.is_ok();
            let _ = handle.inbox(at, 0).await;
            let _ = handle.history(at).await;
            let _ = handle.last_own_row(at).await;
            let _ = handle.rows_before(at, 5).await;
            let _ = handle.tail(&handle.subscribe(at), 0).await;
            let _ = handle.tree_sum(at).await;
        }
    }
    let _ = handle
        .runs(
            LOCAL,
            RunFilter {
                limit: 10,
                ..RunFilter::default()
            },
        )
        .await;
    let _ = handle.runnable().await;
    let _ = handle.bundles(LOCAL).await;
    let _ = handle.component(LOCAL, Digest::of(b"component")).await;
    let _ = handle.blob(LOCAL, Digest::of(b"bytes")).await;
    for id in ["w", "i", "e", "p"] {
        for (kind, payload) in [
            (CommandKind::EmitEvent, r#"{"name": "n"}"#),
            (CommandKind::Pause, "{}"),
            (CommandKind::Resume, "{}"),
            (CommandKind::Resume, r#"{"payload": {"response": "yes"}}"#),
            (CommandKind::UpdateSchedule, r#"{"interval": "1h"}"#),
            (CommandKind::Cancel, "{}"),
        ] {
            let command_id = uuid::Uuid::new_v4().to_string();
            if handle.command(command(&command_id, kind, id, payload)).await.is_ok() {
                let _ = handle.command_state(LOCAL, &command_id).await;
            }
        }
    }
    let _ = handle.fire_due(T0.plus(i64::from(u32::MAX))).await;
    read
}

#[test]
fn a_damaged_row_is_an_error_and_harms_no_other_run() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (whole, path) = (dir.path().join("whole/j.sqlite3"), dir.path().join("damaged/j.sqlite3"));
    runtime.block_on(written(&whole));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    check!(60, |dice: &mut Dice<'_>| {
        for end in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
        std::fs::copy(&whole, &path).unwrap();
        runtime.block_on(async {
            let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
            let done = damage(&mut conn, dice).await;
            conn.close().await.unwrap();
            let _shown = Shown("damaged", &done);
            let opened = open(Options {
                clock: Clock::virtual_at(T0),
                ..at(&path)
            })
            .await;
            let Ok((handle, service)) = opened else { return false };
            let service = tokio::spawn(service.run());
            let read = used(&handle).await;
            let started = handle.start(start_run("new")).await;
            assert!(started.is_ok(), "another run cannot be started: {started:?}");
            handle.close().await.unwrap();
            service.await.unwrap().unwrap();
            read
        })
    });
}

/// Everything is asked at once, so that one commit takes it: the next of `bad` and of `good`, and a start.
async fn asked_at_once(rig: &Rig, new: &str) -> [Result<(), Error>; 3] {
    let running = || Position::Running { node: "a".to_owned() };
    let (bad, good) = (rig.next("bad", running()).await, rig.next("good", running()).await);
    let done = tokio::join!(
        rig.handle.advance(bad),
        rig.handle.advance(good),
        rig.handle.start(start_run(new))
    );
    [done.0.map(drop), done.1.map(drop), done.2.map(drop)]
}

/// A row lies where the next one of `bad` is to go. Only the database sees that, when all rows of a commit are written.
#[tokio::test]
async fn a_request_that_cannot_be_committed_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j/j.sqlite3");
    let rig = rig_with(Options {
        cached_runs: 100,
        ..at(&path)
    })
    .await;
    for id in ["bad", "good"] {
        rig.start(id).await;
    }
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let row = "INSERT INTO ledger (tenant, run, seq, record) SELECT tenant, run, 1, '{}' FROM runs WHERE run_id = 'bad'";
    sqlx::query(row).execute(&mut conn).await.unwrap();
    let [bad, good, new] = asked_at_once(&rig, "first").await;
    assert!(matches!(bad, Err(Error::NotStored(_))), "{bad:?}");
    for beside in [&good, &new] {
        assert!(
            beside.as_ref().is_err_and(Error::is_of_the_disk),
            "they are to ask again: {beside:?}"
        );
    }
    for new in ["first", "second", "third"] {
        let [bad, good, new] = asked_at_once(&rig, new).await;
        assert!(matches!(bad, Err(Error::Corrupt(_))), "{bad:?}");
        assert!(good.is_ok() && new.is_ok(), "{good:?} {new:?}");
    }
    // Mended, it goes on, and shares commits again.
    sqlx::query("DELETE FROM ledger WHERE record = '{}'")
        .execute(&mut conn)
        .await
        .unwrap();
    for new in ["fourth", "fifth"] {
        let done = asked_at_once(&rig, new).await;
        assert!(done.iter().all(Result::is_ok), "{done:?}");
    }
    assert_eq!((rig.row("bad").await.last_seq, rig.row("good").await.last_seq), (2, 5));
}

#[tokio::test]
async fn a_run_whose_state_cannot_be_read_harms_no_commit() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("j/j.sqlite3");
    let rig = rig_with(at(&path)).await;
    for id in ["bad", "good"] {
        rig.start(id).await;
    }
    let running = || Position::Running { node: "a".to_owned() };
    let bad = rig.next("bad", running()).await;
    let mut conn = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    let damage = "UPDATE run_state SET status = 'x' WHERE run = (SELECT run FROM runs WHERE run_id = 'bad')";
    sqlx::query(damage).execute(&mut conn).await.unwrap();
    for new in ["first", "second"] {
        let good = rig.next("good", running()).await;
        let done = tokio::join!(
            rig.handle.start(start_run(new)),
            rig.handle.advance(bad.clone()),
            rig.handle.advance(good)
        );
        assert!(matches!(done.1, Err(Error::Corrupt(_))), "{:?}", done.1);
        assert!(done.0.is_ok() && done.2.is_ok(), "{:?} {:?}", done.0, done.2);
    }
}
