//! Random commands and commits, in any order, keep what must always hold.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Start(u8, Option<u8>),
    Run(u8),
    Stale(u8),
    WaitUser(u8),
    WaitEvent(u8),
    WaitTime(u8, i64),
    WaitChild(u8, u8),
    /// Waits are opened by a driver that goes on.
    Open(u8),
    /// Some waits are given up for another.
    Abandon(u8),
    Emit(u8),
    End(u8),
    Fail(u8),
    Pause(u8),
    Resume(u8),
    Answer(u8),
    Cancel(u8),
    Event,
    Time(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let run = 0..6u8;
    prop_oneof![
        3 => (run.clone(), proptest::option::of(run.clone())).prop_map(|(a, b)| Act::Start(a, b)),
        4 => run.clone().prop_map(Act::Run),
        1 => run.clone().prop_map(Act::Stale),
        2 => run.clone().prop_map(Act::WaitUser),
        3 => run.clone().prop_map(Act::WaitEvent),
        2 => (run.clone(), 0..5000i64).prop_map(|(a, t)| Act::WaitTime(a, t)),
        3 => (run.clone(), run.clone()).prop_map(|(a, b)| Act::WaitChild(a, b)),
        2 => run.clone().prop_map(Act::Open),
        2 => run.clone().prop_map(Act::Abandon),
        2 => run.clone().prop_map(Act::Emit),
        2 => run.clone().prop_map(Act::End),
        1 => run.clone().prop_map(Act::Fail),
        2 => run.clone().prop_map(Act::Pause),
        3 => run.clone().prop_map(Act::Resume),
        3 => run.clone().prop_map(Act::Answer),
        1 => run.prop_map(Act::Cancel),
        2 => Just(Act::Event),
        2 => (0..5000i64).prop_map(Act::Time),
    ]
}

fn name(run: u8) -> String {
    format!("r{run}")
}

async fn play(rig: &Rig, act: Act) {
    let exists = async |run: u8| rig.handle.run(LOCAL, &RunId::from(name(run))).await.unwrap().is_some();
    let go = async |run: u8, to: Position| {
        if exists(run).await {
            match rig.go(&name(run), to).await {
                Ok(_) | Err(Error::Stale) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    let wait = async |run: u8, waits: Vec<OpenWait>| {
        if exists(run).await {
            match rig.handle.advance(rig.waits(&name(run), waits).await).await {
                Ok(_) | Err(Error::Stale) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    let command = async |kind, run: u8, payload: &str| {
        rig.command(kind, &name(run), payload).await;
    };
    match act {
        Act::Start(run, parent) => {
            let parent = parent.map(|p| RunId::from(name(p)));
            match rig
                .handle
                .start(StartRun {
                    parent,
                    ..start_run(&name(run))
                })
                .await
            {
                Ok(_) | Err(Error::DuplicateRun(_) | Error::UnknownRun(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        Act::Run(run) => go(run, Position::Running { node: "n".to_owned() }).await,
        Act::Stale(run) => {
            if exists(run).await {
                let next = rig.next(&name(run), Position::Running { node: "n".to_owned() }).await;
                let stale = Advance {
                    next_seq: next.next_seq + 1,
                    ..next
                };
                assert!(matches!(rig.handle.advance(stale).await, Err(Error::Stale)));
            }
        }
        Act::WaitUser(run) => wait(run, vec![user(1, &name(run))]).await,
        Act::WaitEvent(run) => {
            let waits = vec![event(2, "evt:global:global:go"), event(3, "evt:global:global:*")];
            wait(run, waits).await;
        }
        Act::WaitTime(run, after) => {
            let due = rig.clock.now().plus(after);
            wait(run, vec![wait_on(4, WaitReason::Until, None, Some(due))]).await;
        }
        Act::Open(run) => {
            if exists(run).await {
                let mut next = rig.next(&name(run), Position::Running { node: "n".to_owned() }).await;
                next.opened = vec![user(7, &name(run)), event(8, "evt:global:global:go")];
                match rig.handle.advance(next).await {
                    Ok(_) | Err(Error::Stale) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
        Act::Abandon(run) => {
            if exists(run).await {
                let mut next = rig.waits(&name(run), Vec::new()).await;
                next.abandoned = vec![1, 2, 3, 7];
                // A driver whose flow waits for nothing more does not do this.
                next.opened = vec![user(9, &name(run))];
                match rig.handle.advance(next).await {
                    Ok(_) | Err(Error::Stale) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
        Act::WaitChild(run, child) => {
            // A driver makes the child first; the end of a run that is made later is nobody's business.
            if exists(child).await {
                wait(run, vec![child_wait(5, &name(child)), user(6, &name(run))]).await;
            }
        }
        Act::Emit(run) => {
            if exists(run).await && rig.status(&name(run)).await == RunStatus::Running {
                super::waits::emit(rig, &name(run), "go").await;
            }
        }
        Act::End(run) => {
            go(
                run,
                Position::Completed {
                    node: "e".to_owned(),
                    output: raw("{}"),
                },
            )
            .await
        }
        Act::Fail(run) => {
            go(
                run,
                Position::Failed {
                    node: "e".to_owned(),
                    error: "x".to_owned(),
                },
            )
            .await
        }
        Act::Pause(run) => command(CommandKind::Pause, run, "{}").await,
        Act::Resume(run) => command(CommandKind::Resume, run, "{}").await,
        Act::Answer(run) => command(CommandKind::Resume, run, r#"{"payload":{}}"#).await,
        Act::Cancel(run) => command(CommandKind::Cancel, run, "{}").await,
        Act::Event => command(CommandKind::EmitEvent, 0, r#"{"name":"go","scope":"global"}"#).await,
        Act::Time(after) => {
            rig.handle.fire_due(rig.clock.now().plus(after)).await.unwrap();
        }
    }
}

/// What always holds, of every run.
async fn check(rig: &Rig) {
    let mut counts = BTreeMap::new();
    for row in rig
        .handle
        .runs(
            LOCAL,
            RunFilter {
                limit: 100,
                ..RunFilter::default()
            },
        )
        .await
        .unwrap()
    {
        let id = row.run_id.as_str().to_owned();
        let live = rig.load(&id).await;
        let rows = rig.ledger(&id).await;
        assert_eq!(rows.len() as u64, row.last_seq, "{id}: numbers without gaps");
        let times: Vec<&String> = rows
            .iter()
            .filter(|r| r.status != StepStatus::Started)
            .map(|r| r.ended_at.as_ref().unwrap())
            .collect();
        assert!(times.windows(2).all(|t| t[0] < t[1]), "{id}: time goes forward: {times:?}");
        if let Some(last) = times.last() {
            assert!(**last <= row.last_time.iso(), "{id}");
        }
        let shows = match row.status {
            RunStatus::Waiting => true,
            RunStatus::Running => !live.waits.is_empty(),
            _ => false,
        };
        assert_eq!(shows, row.waiting.is_some(), "{id}: {:?} shows {:?}", row.status, row.waiting);
        let mut told: Vec<u64> = live.inbox.iter().map(|delivery| delivery.effect_id).collect();
        told.extend(&live.waits);
        told.retain(|id| *id != 77);
        let count = told.len();
        told.sort_unstable();
        told.dedup();
        assert_eq!(count, told.len(), "{id}: an effect is told twice, or told and open: {told:?}");
        let pausing = row
            .waiting
            .as_ref()
            .is_some_and(|w| w.wait_key.as_deref() == Some(&*format!("pause:{id}")));
        assert!(
            !pausing || row.paused.paused,
            "{id}: a pause is shown of a run that is not paused"
        );
        assert!(
            !(row.paused.paused && row.status == RunStatus::Running),
            "{id}: paused and running"
        );
        assert!(!(row.status.is_terminal() && row.paused.paused), "{id}: ended and paused");
        assert!(
            live.inbox.is_empty() || row.status != RunStatus::Waiting || pausing,
            "{id}: it waits and has something to be told"
        );
        assert_eq!(row.status == RunStatus::Completed, live.row.output.is_some(), "{id}");
        let completed = rows.iter().filter(|row| row.status == StepStatus::Completed).count();
        assert_eq!(row.metrics.steps, completed as u64, "{id}");
        assert_eq!(
            matches!(row.status, RunStatus::Failed | RunStatus::Cancelled),
            row.error.is_some(),
            "{id}"
        );
        *counts.entry(row.status.as_str()).or_insert(0u64) += 1;
        // Nobody waits for a run that has ended, unless paused.
        if let Some(wait) = row
            .waiting
            .as_ref()
            .filter(|w| w.reason == WaitReason::Subworkflow && !row.paused.paused)
        {
            let child = wait
                .wait_key
                .as_ref()
                .unwrap()
                .strip_prefix("subworkflow:")
                .unwrap()
                .to_owned();
            if let Some(child) = rig.handle.run(LOCAL, &RunId::from(child)).await.unwrap() {
                assert!(!child.status.is_terminal(), "{id} waits for {} which has ended", child.run_id);
            }
        }
    }
    let mut counted = rig.handle.run_counts().await.unwrap();
    counted.retain(|(_, runs)| *runs > 0);
    assert_eq!(counted.into_iter().collect::<BTreeMap<_, u64>>(), counts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_must_hold_holds_whatever_happens(acts in proptest::collection::vec(act(), 1..80), cached in prop_oneof![Just(1usize), Just(1000)]) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rig = rig_with(Options { cached_runs: cached, ..Options::default() }).await;
            for act in acts {
                play(&rig, act).await;
                check(&rig).await;
            }
        });
    }
}
