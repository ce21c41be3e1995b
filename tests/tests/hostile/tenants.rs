//! Limits of a tenant: what is beyond them is refused by name, and nothing of it is left.

use flowgate_tests::{Flow, Options, Reply};
use serde_json::{Value, json};

use super::{ENDLESS, Neighbour, bundle_of, failed_by, program, stayed_small};

#[tokio::test]
async fn a_tenant_has_no_more_live_runs_than_it_may() {
    let server = Options::new()
        .env("FLOWGATE_MAX_TENANT_LIVE", 2)
        .env("FLOWGATE_TICK_FUEL", u64::MAX / 4)
        .env("FLOWGATE_TICK_TIMEOUT", "1h")
        .start()
        .await;
    let neighbour = Neighbour::new(&server).await;
    let gateway = server.gateway();
    let code = program("code", ENDLESS);
    gateway.install(&bundle_of("code", code)).await;
    let loops = [gateway.start("code", json!({})).await, gateway.start("code", json!({})).await];
    while !gateway.get("/metrics").await.text().contains("\nflowgate_drivers 2\n") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let late = neighbour.gateway.start("neighbour", json!({"n": 1})).await;
    // It is taken, and does nothing while the others have all there is.
    assert_eq!(gateway.run(&late).await["status"], "running");
    assert_eq!(gateway.ledger(&late).await, Vec::<Value>::new());
    gateway.command("cancel", &loops[0], json!({})).await.ok();
    assert_eq!(gateway.output(&late).await, json!({"n": 1, "success": true}));
    assert_eq!(gateway.run(&loops[1]).await["status"], "running");
}

#[tokio::test]
async fn starts_beyond_a_limit_are_refused_by_name_and_leave_nothing() {
    let server = Options::new().env("FLOWGATE_STARTS_PER_SECOND", 1).start().await;
    let gateway = server.gateway();
    let waits = Flow::new("waits").start(&[]).ask("ask", "Well?", &[]).exec("start -> ask");
    gateway.install(&bundle_of("waits", waits.clone())).await;
    let body = json!({"bundle_id": "waits", "input_data": {}});
    let mut started = 0;
    let mut refused = 0;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let (gateway, body) = (gateway.clone(), body.clone());
        tasks.spawn(async move { gateway.post("/api/gateway/runs/start", &body).await });
    }
    while let Some(reply) = tasks.join_next().await {
        let reply = reply.expect("an answer");
        match reply.status {
            200 => started += 1,
            _ => {
                reply.refused(
                    429,
                    "Too Many Requests (start limit: at most 1 starts a second; limits.starts_per_second)",
                );
                assert_eq!(reply.header("retry-after"), "1");
                refused += 1;
            }
        }
    }
    assert!(started >= 1 && refused >= 1, "{started} started, {refused} refused");
    let runs = gateway.get("/api/gateway/runs?limit=100").await.ok();
    assert_eq!(runs["items"].as_array().expect("items").len(), started);

    let server = Options::new().env("FLOWGATE_MAX_RUNS", 2).start().await;
    let gateway = server.gateway();
    gateway.install(&bundle_of("waits", waits)).await;
    let first = gateway.start("waits", json!({})).await;
    gateway.start("waits", json!({})).await;
    let reply = gateway.post("/api/gateway/runs/start", &body).await;
    reply.refused(
        429,
        "Too Many Requests (run limit: 2 runs have not ended, at most 2 may be; limits.max_runs)",
    );
    gateway.until_status(&first, "waiting").await;
    gateway.answer(&first, "x").await.ok();
    gateway.until_status(&first, "completed").await;
    // The number is looked at again within a second.
    for attempt in 0.. {
        let reply = gateway.post("/api/gateway/runs/start", &body).await;
        if reply.status == 200 {
            break;
        }
        assert!(reply.status == 429 && attempt < 200, "{}", reply.text());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_tenant_that_keeps_too_much_brings_in_nothing_new() {
    let server = Options::new().env("FLOWGATE_MAX_STORAGE_BYTES", "1MiB").start().await;
    let gateway = server.gateway();
    let waits = Flow::new("waits").start(&[]).ask("ask", "Well?", &[]).exec("start -> ask");
    gateway.install(&bundle_of("waits", waits.clone())).await;
    let waiting = gateway.start("waits", json!({})).await;
    gateway.until_status(&waiting, "waiting").await;
    let hoard = Flow::new("hoard")
        .start(&[])
        .say("say", &"x".repeat(200))
        .exec("start -> say -> say");
    gateway.install(&bundle_of("hoard", hoard)).await;
    let run = gateway.start("hoard", json!({})).await;
    failed_by(&gateway, &run, "limits.max_storage_bytes").await;
    let refused = |reply: Reply| {
        assert_eq!(reply.status, 507, "{}", reply.text());
        let detail = reply.detail();
        assert!(
            detail.starts_with("Insufficient Storage (storage limit: ") && detail.ends_with("limits.max_storage_bytes)"),
            "{detail}"
        );
    };
    let body = json!({"bundle_id": "waits", "input_data": {}});
    refused(gateway.post("/api/gateway/runs/start", &body).await);
    refused(gateway.upload_file(&bundle_of("more", waits).zip(), &[]).await);
    refused(gateway.attach("s", "note.txt", b"more").await);
    // What is there can be read; a run that goes on comes to the same limit.
    assert_eq!(gateway.run(&waiting).await["status"], "waiting");
    gateway.answer(&waiting, "x").await.ok();
    failed_by(&gateway, &waiting, "limits.max_storage_bytes").await;
    stayed_small(&server);
}

#[tokio::test]
async fn files_of_earlier_runs_count_and_those_that_are_deleted_do_not() {
    let mut server = Options::new().env("FLOWGATE_MAX_STORAGE_BYTES", "6MiB").start().await;
    let waits = Flow::new("waits").start(&[]).ask("ask", "Well?", &[]).exec("start -> ask");
    server.gateway().install(&bundle_of("waits", waits)).await;
    let folder = server.data_dir().join("workspaces").join("0a".repeat(16));
    std::fs::create_dir_all(&folder).expect("a run's folder");
    std::fs::write(folder.join("large.bin"), vec![0; 4 << 20]).expect("a file");
    server.stop().await;
    server.restart().await;
    let gateway = server.gateway();
    let body = json!({"bundle_id": "waits", "input_data": {}});
    // They are measured beside the first requests.
    for attempt in 0.. {
        let reply = gateway.post("/api/gateway/runs/start", &body).await;
        if reply.status == 507 {
            assert!(reply.detail().contains("limits.max_storage_bytes"), "{}", reply.text());
            break;
        }
        assert!(reply.status == 200 && attempt < 200, "{}", reply.text());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    std::fs::remove_file(folder.join("large.bin")).expect("the file goes");
    server.stop().await;
    server.restart().await;
    server.gateway().start("waits", json!({})).await;
}
