use super::*;
use crate::record::artifact::artifact_id;

/// A journal that keeps values above 400 bytes apart.
async fn small() -> Rig {
    rig_with(Options {
        max_inline_bytes: 400,
        ..Options::default()
    })
    .await
}

fn long() -> String {
    "long ".repeat(100)
}

#[tokio::test]
async fn a_large_value_of_a_driver_s_row_is_an_artifact_when_the_row_is_seen() {
    let rig = small().await;
    let at = rig.start("r1").await;
    let mut advance = rig.next("r1", Position::Running { node: "n".to_owned() }).await;
    advance.rows[0].result = Some(raw(&format!(r#"{{"text":"{}","n":3.0}}"#, long())));
    rig.handle.advance(advance).await.unwrap();
    let id = artifact_id("r1", long().as_bytes());
    let rows = rig.ledger("r1").await;
    assert_eq!(
        text(rows[0].result.as_ref()),
        format!(r#"{{"text":{{"$artifact":"{id}"}},"n":3.0}}"#)
    );
    let artifact = rig.handle.artifact(LOCAL, &RunId::from("r1"), &id).await.unwrap().unwrap();
    assert_eq!(artifact.tags["source"], "ledger_result_offload");
    assert_eq!(artifact.created_at, T0);
    let bytes = rig.handle.blobs().read(at.tenant, artifact.blob, 10_000).await.unwrap();
    assert_eq!(bytes, long().as_bytes());
}

#[tokio::test]
async fn a_refused_commit_makes_no_artifact() {
    let rig = small().await;
    rig.start("r1").await;
    let mut advance = rig.next("r1", Position::Running { node: "n".to_owned() }).await;
    advance.rows[0].result = Some(raw(&format!(r#"{{"text":"{}"}}"#, long())));
    advance.epoch += 1;
    assert!(matches!(rig.handle.advance(advance).await, Err(Error::Stale)));
    let totals = rig.handle.artifact_totals(LOCAL, &ArtifactFilter::default()).await.unwrap();
    assert_eq!(totals, (0, 0));
}

#[tokio::test]
async fn what_a_child_gives_its_parent_is_large_in_the_inbox_and_small_in_the_ledger() {
    let rig = small().await;
    rig.start("parent").await;
    let mut child = start_run("child");
    child.parent = Some(RunId::from("parent"));
    rig.handle.start(child).await.unwrap();
    rig.wait("parent", vec![child_wait(1, "child")]).await;
    rig.complete("child", &format!(r#"{{"text":"{}"}}"#, long())).await;
    let row = rig.ledger("parent").await.pop().unwrap();
    let id = artifact_id("parent", long().as_bytes());
    assert_eq!(
        resume_payload(&row)["payload"],
        serde_json::json!({"sub_run_id": "child", "output": {"text": {"$artifact": id}}})
    );
    let live = rig.load("parent").await;
    let Outcome::Completed(told) = &live.inbox[0].outcome else {
        panic!("{:?}", live.inbox)
    };
    assert!(told.get().contains(&long()));
    assert!(
        rig.handle
            .artifact(LOCAL, &RunId::from("parent"), &id)
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_start_and_its_artifacts_are_one_commit() {
    let rig = rig().await;
    // The first commit of a journal may be its own.
    rig.start("r0").await;
    let before = rig.handle.commits();
    let blob = rig.handle.blobs().put(LOCAL, "{}".into()).await.unwrap();
    let artifact = crate::record::artifact::NewArtifact {
        run_id: RunId::from("r1"),
        artifact_id: "a1".to_owned(),
        blob,
        size: 2,
        content_type: "application/json".to_owned(),
        tags: Default::default(),
    };
    rig.handle.start_with(start_run("r1"), vec![artifact.clone()]).await.unwrap();
    assert_eq!(rig.handle.commits(), before + 1);
    let found = rig.handle.artifact(LOCAL, &RunId::from("r1"), "a1").await.unwrap().unwrap();
    assert_eq!(found.is, artifact);
    let twice = rig.handle.start_with(start_run("r1"), vec![artifact]).await;
    assert!(matches!(twice, Err(Error::DuplicateRun(_))));
}

#[tokio::test]
async fn a_session_s_memory_is_as_old_as_the_session() {
    let rig = rig().await;
    let mut run = start_run("r1");
    run.session_id = Some("s".to_owned());
    rig.handle.start(run).await.unwrap();
    rig.clock.advance_to(T0.plus(5_000_000));
    rig.handle.make_session_memory(LOCAL, "s").await.unwrap();
    rig.handle.make_session_memory(LOCAL, "s").await.unwrap();
    let memory = rig.row("session_memory_s").await;
    assert_eq!((memory.created_at, memory.updated_at), (T0, T0));
    assert_eq!(memory.status, RunStatus::Completed);
}
