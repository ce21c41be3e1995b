use super::*;
use crate::journal::{ArtifactFilter, ArtifactPart, Options, RunFilter};
use crate::record::RunStatus;

const LOCAL: TenantId = TenantId::LOCAL;

async fn store_on(options: Options) -> (Store, journal::Handle) {
    let (journal, service) = journal::open(options).await.unwrap();
    tokio::spawn(service.run());
    (Store::new(journal.clone()), journal)
}

fn meta(content_type: &str, tags: &[(&str, &str)]) -> Meta {
    Meta {
        content_type: content_type.to_owned(),
        tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    }
}

#[tokio::test]
async fn an_artifact_of_a_session_makes_the_session_s_memory_once() {
    let (store, journal) = store_on(Options::default()).await;
    let tags = [("kind", "attachment"), ("session_id", "s1")];
    let first = store.put(
        LOCAL,
        Owner::Session("s1"),
        Bytes::from_static(b"one"),
        meta("text/plain", &tags),
    );
    let second = store.put(
        LOCAL,
        Owner::Session("s1"),
        Bytes::from_static(b"two"),
        meta("text/plain", &tags),
    );
    let (first, second) = tokio::join!(first, second);
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!(first.run_id.as_str(), "session_memory_s1");
    assert_ne!(first.artifact_id, second.artifact_id);
    let run = journal.run(LOCAL, &first.run_id).await.unwrap().unwrap();
    assert_eq!(
        (
            run.workflow_id.as_str(),
            run.status,
            run.current_node.as_deref(),
            run.actor_id
        ),
        ("__session_memory__", RunStatus::Completed, Some("done"), None)
    );
    assert_eq!(run.session_id.as_deref(), Some("s1"));
    let all = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    assert_eq!(journal.runs(LOCAL, all).await.unwrap().len(), 1);
    assert_eq!(journal.runnable().await.unwrap(), []);
    let found = store.find(LOCAL, None, &first.artifact_id).await.unwrap().unwrap();
    assert_eq!(found.is, first.is);
    assert_eq!(found.tags["sha256"], first.blob.hex());
    assert_eq!(store.read(LOCAL, &found, 100).await.unwrap(), b"one");
}

#[tokio::test]
async fn a_run_that_is_not_there_owns_nothing() {
    let (store, _journal) = store_on(Options::default()).await;
    let nobody = RunId::from("nobody");
    let refused = store
        .put(LOCAL, Owner::Run(&nobody), Bytes::from_static(b"x"), Meta::default())
        .await;
    assert!(matches!(refused, Err(Error::UnknownRun(id)) if id == "nobody"));
    let other = store.find(TenantId(2), None, "x").await.unwrap();
    assert!(other.is_none());
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_and_a_sweep_leaves_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options {
        path: Some(dir.path().join("gateway.sqlite3")),
        ..Options::default()
    };
    let (store, journal) = store_on(options()).await;
    let mut incoming = store.begin(LOCAL).await.unwrap();
    incoming.write(b"bytes").await.unwrap();
    let kept = store
        .keep(Owner::Session("s"), incoming, meta("application/x-y", &[]))
        .await
        .unwrap();
    journal.blobs().put(LOCAL, Bytes::from_static(b"waste")).await.unwrap();
    journal.close().await.unwrap();

    let (store, _journal) = store_on(options()).await;
    let swept = store.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(swept, Swept { removed: 1, bytes: 5 });
    let found = store
        .find(LOCAL, Some(&kept.run_id), &kept.artifact_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.size, found.created_at), (5, kept.created_at));
    assert_eq!(store.read(LOCAL, &found, 100).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn artifacts_are_found_by_what_they_are_and_counted_by_it() {
    let (store, journal) = store_on(Options::default()).await;
    for (session, name, content_type, kind) in [
        ("s1", "Plan.md", "text/markdown", "attachment"),
        ("s1", "a.png", "image/png", "attachment"),
        ("s2", "main.py", "text/x-python", "source_code"),
    ] {
        let tags = [("kind", kind), ("filename", name), ("session_id", session)];
        let bytes = Bytes::from(name.to_owned());
        store
            .put(LOCAL, Owner::Session(session), bytes, meta(content_type, &tags))
            .await
            .unwrap();
    }
    let names = async |filter: ArtifactFilter| -> Vec<String> {
        let part = ArtifactPart {
            oldest_first: true,
            offset: 0,
            limit: 10,
            after: None,
        };
        let page = journal.artifacts(LOCAL, &filter, &part).await.unwrap();
        let total = journal.artifact_totals(LOCAL, &filter).await.unwrap().0;
        assert_eq!(total, page.items.len() as u64);
        page.items.iter().map(|a| a.tags["filename"].clone()).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    let any = ArtifactFilter::default;
    let cases = [
        (any(), vec!["Plan.md", "a.png", "main.py"]),
        (
            ArtifactFilter {
                session_id: some("s1"),
                ..any()
            },
            vec!["Plan.md", "a.png"],
        ),
        (
            ArtifactFilter {
                run_id: Some(RunId::from("session_memory_s2")),
                ..any()
            },
            vec!["main.py"],
        ),
        (
            ArtifactFilter {
                content_type: some("IMAGE/*"),
                ..any()
            },
            vec!["a.png"],
        ),
        (
            ArtifactFilter {
                content_type: some("text/markdown"),
                ..any()
            },
            vec!["Plan.md"],
        ),
        (
            ArtifactFilter {
                semantic_kinds: vec!["code".into()],
                ..any()
            },
            vec!["main.py"],
        ),
        (
            ArtifactFilter {
                render_kind: some("image"),
                ..any()
            },
            vec!["a.png"],
        ),
        (
            ArtifactFilter {
                text: some("pLAN"),
                ..any()
            },
            vec!["Plan.md"],
        ),
        (
            ArtifactFilter {
                text: some("%"),
                ..any()
            },
            vec![],
        ),
        (
            ArtifactFilter {
                tags: Tags::from([("kind".to_owned(), "source_code".to_owned())]),
                ..any()
            },
            vec!["main.py"],
        ),
        (
            ArtifactFilter {
                created_before: Some(crate::clock::Micros(0)),
                ..any()
            },
            vec![],
        ),
    ];
    for (filter, wanted) in cases {
        assert_eq!(names(filter.clone()).await, wanted, "{filter:?}");
    }
    let stats = journal.artifact_stats(LOCAL, &any()).await.unwrap();
    assert_eq!((stats.total, stats.bytes), (3, 19));
    let of = |name: &str| stats.facets.iter().find(|f| f.name == name).unwrap().values.clone();
    assert_eq!(of("semantic_kind"), [("attachment".to_owned(), 2), ("code".to_owned(), 1)]);
    assert_eq!(of("node_id"), [(String::new(), 3)]);
}

#[tokio::test]
async fn a_page_goes_on_where_its_cursor_says() {
    let (store, journal) = store_on(Options::default()).await;
    for n in 0..5 {
        let bytes = Bytes::from(format!("{n}"));
        store.put(LOCAL, Owner::Session("s"), bytes, Meta::default()).await.unwrap();
    }
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let part = ArtifactPart {
            oldest_first: false,
            offset: 0,
            limit: 2,
            after,
        };
        let page = journal.artifacts(LOCAL, &ArtifactFilter::default(), &part).await.unwrap();
        seen.extend(page.items.iter().map(|a| a.artifact_id.clone()));
        after = page.items.last().map(|a| (a.created_at, a.artifact_id.clone()));
        if !page.more {
            break;
        }
    }
    assert_eq!(seen.len(), 5);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn looks_are_counted() {
    let (store, journal) = store_on(Options::default()).await;
    let kept = store
        .put(LOCAL, Owner::Session("s"), Bytes::from_static(b"x"), Meta::default())
        .await
        .unwrap();
    let shown = store.note(LOCAL, kept.clone(), Action::Metadata, Some("a"));
    let shown = store.note(LOCAL, shown, Action::Download, None);
    assert_eq!((shown.access.total(), shown.access.count(Action::Download)), (2, 1));
    // A later request is served after the notes.
    journal.make_session_memory(LOCAL, "t").await.unwrap();
    let found = store.find(LOCAL, None, &kept.artifact_id).await.unwrap().unwrap();
    assert_eq!(found.access, shown.access);
}
