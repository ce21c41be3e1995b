use super::*;

fn on(dir: &tempfile::TempDir) -> Options {
    Options {
        path: Some(dir.path().join("data/j.sqlite3")),
        ..Options::default()
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_with(on(&dir)).await;
    let at = rig.start("r").await;
    let due = wait_on(1, WaitReason::Until, None, Some(T0.plus(9)));
    let mut a = rig.waits("r", vec![due]).await;
    a.snapshot = Some(b"state".to_vec());
    rig.handle.advance(a).await.unwrap();
    rig.handle.close().await.unwrap();
    rig.service.await.unwrap().unwrap();
    assert!(matches!(rig.handle.start(start_run("x")).await, Err(Error::Closed)));
    drop(rig.handle);

    let rig = rig_with(on(&dir)).await;
    rig.handle.put_blob(LOCAL, (*b"x").into()).await.unwrap();
    assert_eq!(rig.handle.next_due(), Some(T0.plus(9)));
    assert_eq!(rig.handle.fire_due(T0.plus(9)).await.unwrap(), 1);
    let live = rig.load("r").await;
    assert_eq!(
        (live.row.at, live.snapshot.as_deref(), live.inbox.len()),
        (at, Some(&b"state"[..]), 1)
    );
    let next = rig.start("s").await;
    assert!(next.run > at.run);
}

#[tokio::test]
async fn a_database_of_a_newer_host_is_refused() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_with(on(&dir)).await;
    rig.handle.close().await.unwrap();
    let mut conn = store::connect::connect_options(&on(&dir), false).connect().await.unwrap();
    let later = "INSERT INTO _sqlx_migrations SELECT 999, 'later', installed_on, 1, checksum, execution_time FROM _sqlx_migrations LIMIT 1";
    sqlx::query(later).execute(&mut conn).await.unwrap();
    assert!(matches!(open(on(&dir)).await, Err(Error::Newer { found: 999, .. })));
}

#[tokio::test]
async fn the_file_is_made_as_the_design_says() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_with(on(&dir)).await;
    rig.start("r").await;
    let mut conn = store::connect::connect_options(&on(&dir), false).connect().await.unwrap();
    for (pragma, expected) in [
        ("auto_vacuum", "2"),
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("page_size", "8192"),
    ] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}"));
        let value: String = sqlx::query_scalar(sql).fetch_one(&mut conn).await.unwrap();
        assert_eq!(value, expected, "{pragma}");
    }
    // Every primary and unique key starts with the tenant.
    let sql = "SELECT m.name || '.' || i.name, c.name FROM sqlite_master m JOIN pragma_index_list(m.name) i \
               JOIN pragma_index_info(i.name) c ON c.seqno = 0 \
               WHERE m.type = 'table' AND i.\"unique\" = 1 AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'";
    let keys: Vec<(String, String)> = sqlx::query_as(sql).fetch_all(&mut conn).await.unwrap();
    assert!(keys.len() > 10);
    for (key, first) in keys {
        assert_eq!(first, "tenant", "{key}");
    }
}

/// Queries on hot paths find their rows by an index.
#[tokio::test]
async fn no_hot_query_scans_a_table() {
    use sqlx::{ConnectOptions as _, Row as _};
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_with(on(&dir)).await;
    rig.start("r").await;
    let mut conn = store::connect::connect_options(&on(&dir), false).connect().await.unwrap();
    for sql in [
        "SELECT run_id FROM runs WHERE tenant = ?1 AND run_id IN (SELECT value FROM json_each(?2))",
        "DELETE FROM waits WHERE (tenant, run, effect_id) IN (VALUES (?, ?, ?), (?, ?, ?))",
        "SELECT run FROM waits WHERE tenant = ?1 AND wait_key IN (?2, ?3) AND reason = 'event' AND armed = 1 ORDER BY ord LIMIT 9",
        "SELECT run FROM waits WHERE until_us IS NOT NULL AND armed = 1 AND until_us <= ?1 ORDER BY until_us, ord LIMIT ?2",
        "UPDATE waits SET claimed = 1 WHERE (tenant, run, effect_id) IN (SELECT ?1, value ->> 0, value ->> 1 FROM json_each(?2))",
        "SELECT min(until_us) FROM waits WHERE until_us IS NOT NULL AND armed = 1",
        "SELECT run FROM waits WHERE claimed IS NOT NULL AND armed = 1 ORDER BY claimed, ord LIMIT ?1",
        "SELECT seq FROM commands WHERE state = 'pending' AND seq > ?1 ORDER BY seq LIMIT ?2",
        "SELECT s.run FROM run_state s JOIN runs r USING (tenant, run) WHERE s.tenant = ?1 ORDER BY s.updated_us DESC, s.run DESC LIMIT ?5",
        "SELECT EXISTS (SELECT 1 FROM run_state s JOIN runs r USING (tenant, run) WHERE s.tenant = ?1 AND s.unarmed > 0 AND s.run <= ?3)",
        "WITH done (tenant, run, pos) AS (VALUES (?, ?, ?)) DELETE FROM inbox WHERE (tenant, run, pos) IN \
         (SELECT d.tenant, d.run, i.pos FROM done d JOIN inbox i ON i.tenant = d.tenant AND i.run = d.run AND i.pos <= d.pos)",
    ] {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(&mut conn)
            .await
            .unwrap();
        for line in plan {
            let line: String = line.get(3);
            let harmless = ["SCAN json_each", "SCAN d", "SCAN CONSTANT"]
                .iter()
                .any(|s| line.starts_with(s))
                || line.contains("VALUES");
            assert!(
                !line.starts_with("SCAN") || line.contains("USING") || harmless,
                "{sql}\n  {line}"
            );
        }
    }
}

#[tokio::test]
async fn a_failed_commit_answers_everyone_and_leaves_nothing_behind() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let mut rig = rig_with(on(&dir)).await;
    let at = rig.start("r").await;
    rig.woken().await;
    let mut conn = store::connect::connect_options(&on(&dir), false).connect().await.unwrap();
    sqlx::query("CREATE TRIGGER no BEFORE INSERT ON ledger BEGIN SELECT RAISE(ABORT, 'disk'); END")
        .execute(&mut conn)
        .await
        .unwrap();
    let advance = rig.next("r", Position::Running { node: "n".to_owned() }).await;
    let (a, b) = tokio::join!(rig.handle.advance(advance.clone()), rig.handle.start(start_run("s")));
    assert!(
        matches!((&a, &b), (Err(Error::NotStored(_)), Err(Error::NotStored(_)))),
        "{a:?} {b:?}"
    );
    sqlx::query("DROP TRIGGER no").execute(&mut conn).await.unwrap();
    assert_eq!(
        rig.wakes.next().await,
        Some(Wake::Ready(at)),
        "the run is not left without a driver"
    );
    assert!(rig.handle.run(LOCAL, &RunId::from("s")).await.unwrap().is_none());
    assert_eq!(rig.row("r").await.last_seq, 0);
    assert_eq!(rig.handle.advance(advance).await.unwrap().own_seq, 1);
    rig.start("s").await;
}

#[tokio::test]
async fn one_runner_a_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = RunnerLock::acquire(dir.path()).unwrap();
    assert!(first.is_some());
    assert!(RunnerLock::acquire(dir.path()).unwrap().is_none());
    drop(first);
    assert!(RunnerLock::acquire(dir.path()).unwrap().is_some());
    let text = std::fs::read_to_string(dir.path().join("gateway_runner.lock")).unwrap();
    assert!(text.starts_with(&format!("pid={}\n", std::process::id())));
}

#[tokio::test]
async fn a_runner_that_another_has_followed_moves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = rig_with(on(&dir)).await;
    first.start("r").await;
    let advance = first.next("r", Position::Running { node: "n".to_owned() }).await;
    let second = rig_with(on(&dir)).await;
    assert!(matches!(first.handle.advance(advance.clone()).await, Err(Error::Closed)));
    assert!(matches!(first.handle.start(start_run("s")).await, Err(Error::Closed)));
    first.handle.closed().await;
    assert_eq!(second.handle.advance(advance).await.unwrap().own_seq, 1);
    assert!(second.handle.run(LOCAL, &RunId::from("s")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_journal_that_cannot_commit_refuses_at_once_and_goes_on_by_itself() {
    use sqlx::ConnectOptions as _;
    let dir = tempfile::tempdir().unwrap();
    let rig = rig_with(on(&dir)).await;
    let mut conn = store::connect::connect_options(&on(&dir), false).connect().await.unwrap();
    for sql in [
        "CREATE TRIGGER no BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'disk'); END",
        "CREATE TRIGGER none BEFORE UPDATE ON probe BEGIN SELECT RAISE(ABORT, 'disk'); END",
        "INSERT INTO probe (one, at_us) VALUES (1, 0)",
    ] {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
    }
    for number in 0..8 {
        let refused = rig.handle.start(start_run(&format!("r{number}"))).await;
        assert!(matches!(refused, Err(Error::NotStored(_))), "{refused:?}");
    }
    assert_eq!(rig.handle.check().await, Err(Unwell::Failing));
    sqlx::query("DROP TRIGGER none; DROP TRIGGER no")
        .execute(&mut conn)
        .await
        .unwrap();
    while rig.handle.check().await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    rig.start("r").await;
}

#[tokio::test]
async fn bundles_and_components_are_kept_by_content() {
    let rig = rig().await;
    let bytes: std::sync::Arc<[u8]> = (*b"zip").into();
    let bundle = BundleRow {
        tenant: LOCAL,
        bundle_id: "b".to_owned(),
        bundle_version: "1.0.0".to_owned(),
        digest: Digest::of(&bytes),
        bytes: bytes.clone(),
        installed_at: T0,
    };
    rig.handle.install_bundle(bundle.clone(), false).await.unwrap();
    assert!(matches!(rig.handle.install_bundle(bundle.clone(), false).await, Err(Error::DuplicateBundle(id)) if id == "b@1.0.0"));
    rig.handle.install_bundle(bundle, true).await.unwrap();
    let all = rig.handle.bundles(LOCAL).await.unwrap();
    assert_eq!((all.len(), all[0].digest), (1, Digest::of(&bytes)));
    let compiled = Compiled {
        bundle: Digest::of(&bytes),
        build: "1".to_owned(),
        outcome: "{}".to_owned(),
    };
    rig.handle.keep_compiled(LOCAL, compiled).await.unwrap();
    assert!(rig.handle.remove_bundle(LOCAL, "b", "1.0.0").await.unwrap());
    let kept = rig.handle.compiled(LOCAL, "1", &[Digest::of(&bytes)]).await.unwrap();
    assert!(kept.is_empty(), "what a bundle came to goes with it");
    assert!(!rig.handle.remove_bundle(LOCAL, "b", "1.0.0").await.unwrap());
    assert_eq!(rig.handle.blob(LOCAL, Digest::of(&bytes)).await.unwrap(), Some(bytes.clone()));
    assert_eq!(rig.handle.blob(TenantId(2), Digest::of(&bytes)).await.unwrap(), None);

    let runtime: std::sync::Arc<[u8]> = (*b"rt").into();
    let component = Component {
        digest: Digest::of(b"wasm"),
        bytes: (*b"wasm").into(),
        runtime: Some(runtime.clone()),
    };
    rig.handle.put_component(LOCAL, component.clone()).await.unwrap();
    rig.handle.put_component(LOCAL, component).await.unwrap();
    let (bytes, rt) = rig.handle.component(LOCAL, Digest::of(b"wasm")).await.unwrap().unwrap();
    assert_eq!((&bytes[..], rt), (&b"wasm"[..], Some(Digest::of(b"rt"))));
    assert_eq!(rig.handle.blob(LOCAL, Digest::of(b"rt")).await.unwrap(), Some(runtime));
}

#[tokio::test]
async fn the_service_ends_with_the_last_handle() {
    let Rig {
        handle,
        service,
        mut wakes,
        ..
    } = rig().await;
    let other = handle.clone();
    drop(handle);
    other.start(start_run("r")).await.unwrap();
    drop(other);
    service.await.unwrap().unwrap();
    assert!(wakes.next().await.is_some());
    assert!(wakes.next().await.is_none());
}

/// With the machine's clock the writer's sleeper fires timers by itself.
#[tokio::test]
async fn a_timer_fires_by_itself() {
    let (handle, service) = open(Options::default()).await.unwrap();
    tokio::spawn(service.run());
    let mut wakes = handle.wakes().unwrap();
    let rig = Rig {
        wakes: wakes_of_another().await,
        clock: Clock::system(),
        service: tokio::spawn(async { Ok(()) }),
        handle,
    };
    let at = rig.start("r").await;
    assert_eq!(wakes.next().await, Some(Wake::Ready(at)));
    let due = rig.clock.now().plus(30_000);
    rig.wait("r", vec![wait_on(1, WaitReason::Until, None, Some(due))]).await;
    assert_eq!(wakes.next().await, Some(Wake::Ready(at)));
    assert!(rig.clock.now() >= due);
    assert_eq!(rig.load("r").await.inbox.len(), 1);
}

async fn wakes_of_another() -> Wakes {
    open(Options::default()).await.unwrap().0.wakes().unwrap()
}
