//! Damaged records of runs: whatever is kept of a run, its replay ends with a report, and bringing it back ends with a run or says why not.

use std::path::PathBuf;
use std::sync::Arc;

use super::audit::{Auditor, Verdict};
use super::replay;
use crate::cases::Cases;
use crate::clock::Micros;
use crate::fuzz::lab::Lab;
use crate::fuzz::{Dice, Shown, check, mutate, seeds};
use crate::ids::TenantId;
use crate::journal::{Delivery, Handle, Moved, Offline, Outcome, Pin, Recorded, Way};
use crate::record::RunStatus;
use crate::sandbox::Program;

/// Which recorded cases are run: every so many lines of a file, those that the outside takes part in.
const CASES: &[(&str, usize)] = &[
    ("control", 9),
    ("effects", 9),
    ("events", 9),
    ("agents", 9),
    ("entries", 1),
    ("absorbed", 9),
    ("time", 2),
];

/// The database has no larger ones.
const NUMBERS: &[u64] = &[0, 1, 2, 3, 5, 8, 256, 1 << 32, i64::MAX as u64];

/// No report of one of these runs is that long: what it shows is what is kept, and what the flow asks for now.
const LONGEST: usize = 16 << 20;

/// A run as it is kept, and what replays it.
struct Kept {
    journal: Handle,
    auditor: Arc<Auditor>,
    recorded: Recorded,
    program: Arc<Program>,
}

fn cases(lab: &Lab) -> Cases {
    let settings = super::Settings {
        max_live: 4,
        ..super::Settings::default()
    };
    Cases::new(lab.sandbox.clone(), settings)
}

/// Runs the cases on databases in `dir`. Each run comes to its ledger again while nobody has damaged it.
fn kept(lab: &Lab, dir: &std::path::Path) -> Vec<Kept> {
    let (cases, mut kept) = (cases(lab), Vec::new());
    for (file, step) in CASES {
        let text = std::fs::read_to_string(seeds::folder("tests/cases").join(format!("{file}.jsonl"))).unwrap();
        let lines = text.lines().filter(|line| line.contains(r#""script":[{"#));
        for (number, line) in lines.step_by(*step).enumerate() {
            let path = dir.join(format!("{file}-{number}.sqlite3"));
            lab.block_on(runs(lab, &cases, line, path, &mut kept));
        }
    }
    kept
}

/// The runs of one case.
async fn runs(lab: &Lab, cases: &Cases, line: &str, path: PathBuf, kept: &mut Vec<Kept>) {
    cases.keep(line, path.clone()).await.unwrap();
    let journal = Offline::open(&path).await.unwrap().handle;
    let auditor = Arc::new(Auditor::new(journal.clone(), lab.sandbox.clone(), 256 << 10));
    for at in journal.all_runs(TenantId::LOCAL).await.unwrap() {
        let recorded = journal.recorded(at).await.unwrap().unwrap();
        let report = auditor.examine(&recorded).await;
        assert_eq!(report.verdict, Verdict::Identical, "{line}: {report:?}");
        let component = recorded.run.row.component;
        let program = super::programs::program(&journal, &lab.sandbox, at.tenant, component)
            .await
            .unwrap();
        kept.push(Kept {
            journal: journal.clone(),
            auditor: Arc::clone(&auditor),
            recorded,
            program,
        });
    }
}

#[test]
fn a_damaged_record_of_a_run_is_reported_or_goes_on() {
    let (lab, dir) = (Lab::new(1000), tempfile::tempdir().unwrap());
    let kept = kept(&lab, dir.path());
    let ticks: usize = kept.iter().map(|run| run.recorded.history.len()).sum();
    assert!(kept.len() > 20 && ticks > 40, "{} runs, {ticks} commits", kept.len());
    assert!(kept.iter().any(|run| run.recorded.run.row.status == RunStatus::Waiting));
    check!(600, |dice: &mut Dice<'_>| {
        let run = dice.pick(&kept);
        let mut damaged = run.recorded.clone();
        let mut done = Vec::new();
        for _ in 0..=dice.below(3) {
            let other = dice.pick(&kept);
            done.push(damage(dice, &mut damaged, &other.recorded));
        }
        let _shown = Shown(
            "the damage",
            &format!("{}: {}", run.recorded.run.row.workflow_id, done.join("; ")),
        );
        lab.block_on(async {
            let report = run.auditor.examine(&damaged).await;
            let told = serde_json::to_string(&report).unwrap();
            assert!(told.len() < LONGEST, "{} bytes", told.len());
            assert_eq!(report.difference.is_some(), report.verdict == Verdict::Different, "{told}");
            if let Some(difference) = &report.difference {
                assert!(
                    !difference.text.trim().is_empty() && !difference.to_string().is_empty(),
                    "{told}"
                );
            }
            restored(&lab, run, &damaged).await;
            report.verdict == Verdict::Identical
        })
    });
}

/// Counted on from the largest number there is, the last row of a tick had a number that does not exist.
#[test]
fn a_number_at_its_end_is_another_one() {
    let (lab, dir) = (Lab::new(100), tempfile::tempdir().unwrap());
    let (cases, mut kept) = (cases(&lab), Vec::new());
    let text = std::fs::read_to_string(seeds::folder("tests/cases/effects.jsonl")).unwrap();
    let line = text.lines().next().unwrap();
    lab.block_on(runs(&lab, &cases, line, dir.path().join("effects.sqlite3"), &mut kept));
    let run = &kept[0];
    let numbers = regex::Regex::new(r#""seq":\[\d+,\d+\]"#).unwrap();
    for (from, to) in [(1, u64::MAX), (0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX, 0)] {
        let mut damaged = run.recorded.clone();
        for (_, ticks) in &mut damaged.history {
            *ticks = numbers.replace_all(ticks, format!(r#""seq":[{from},{to}]"#)).into_owned();
        }
        let report = lab.block_on(run.auditor.examine(&damaged));
        let found = report.difference.expect("the rows have other numbers");
        assert_eq!(found.what, "history", "{found:?}");
    }
}

/// As a driver brings it back.
async fn restored(lab: &Lab, run: &Kept, damaged: &Recorded) {
    let Ok(live) = damaged.live() else { return };
    if let Err(failure) = replay::restore(&lab.sandbox, &run.program, &live).await {
        let why = failure.explain(&run.journal, &live).await;
        assert!(
            !why.trim().is_empty() && why.len() < LONGEST,
            "{} bytes: {why:.1000}",
            why.len()
        );
    }
}

/// One change; says which.
fn damage(dice: &mut Dice<'_>, run: &mut Recorded, other: &Recorded) -> String {
    match dice.below(16) {
        0..=4 => format!("history: {}", rows(dice, &mut run.history, &other.history)),
        5..=8 => format!("ledger: {}", rows(dice, &mut run.ledger, &other.ledger)),
        9 => state(dice, run),
        10 => {
            let number = *dice.pick(NUMBERS);
            let column = dice.below(5);
            match column {
                0 => run.history_pos = number,
                1 => run.history_horizon = number,
                2 => run.snapshot_pos = number,
                3 => run.run.row.horizon = number,
                _ => run.run.row.own_seq = number,
            }
            format!("number {column} is {number}")
        }
        11 => {
            let outcome = match dice.below(3) {
                0 => Outcome::Elapsed,
                1 => Outcome::Failed("no".to_owned()),
                _ => Outcome::Completed(crate::journal::rows::empty_object()),
            };
            let effect_id = *dice.pick(NUMBERS);
            let said = format!("inbox: {outcome:?} of {effect_id}");
            run.run.inbox.push(Delivery { effect_id, outcome });
            said
        }
        12 => {
            run.run.waits = vec![*dice.pick(NUMBERS)];
            format!("waits: {:?}", run.run.waits)
        }
        13 => row(dice, run, other),
        14 => {
            run.run.row.component = other.run.row.component;
            "another run's component".to_owned()
        }
        _ => moved(dice, run, other),
    }
}

/// Rows that are missing, doubled, swapped, cut off, another run's, or changed within.
fn rows<T>(dice: &mut Dice<'_>, rows: &mut Vec<(u64, T)>, others: &[(u64, T)]) -> String
where
    T: Clone + AsRef<str> + From<String>,
{
    if rows.is_empty() {
        return "none".to_owned();
    }
    let (at, place) = (dice.below(rows.len()), dice.below(rows.len()));
    let text = match dice.below(12) {
        0 => {
            rows.remove(at);
            return format!("row {at} removed");
        }
        1 => {
            rows.insert(place, rows[at].clone());
            return format!("row {at} again at {place}");
        }
        2 => {
            rows.swap(at, place);
            return format!("rows {at} and {place} swapped with their numbers");
        }
        3 => {
            let (one, two) = (rows[at].1.clone(), rows[place].1.clone());
            (rows[at].1, rows[place].1) = (two, one);
            return format!("rows {at} and {place} swapped");
        }
        4 => {
            rows[at].0 = *dice.pick(NUMBERS);
            return format!("row {at} has number {}", rows[at].0);
        }
        5 => {
            rows.truncate(at);
            return format!("rows from {at} on removed");
        }
        6 if !others.is_empty() => dice.pick(others).1.as_ref().to_owned(),
        7 => {
            let bytes = mutate::bytes(dice, rows[at].1.as_ref().as_bytes().to_vec());
            String::from_utf8_lossy(&bytes).into_owned()
        }
        _ => match serde_json::from_str(rows[at].1.as_ref()) {
            Ok(value) => mutate::json(dice, value),
            Err(_) => String::new(),
        },
    };
    let said = format!("row {at} is {text}");
    rows[at].1 = T::from(text);
    said
}

fn state(dice: &mut Dice<'_>, run: &mut Recorded) -> String {
    let Some(old) = run.run.snapshot.take() else {
        return "no state".to_owned();
    };
    let new = match serde_json::from_slice(&old) {
        Ok(value) if !dice.once_in(3) => mutate::json(dice, value).into_bytes(),
        _ => mutate::bytes(dice, old),
    };
    let said = format!("state: {}", String::from_utf8_lossy(&new));
    run.run.snapshot = (!dice.once_in(8)).then_some(new);
    said
}

/// What is kept of the run itself.
fn row(dice: &mut Dice<'_>, run: &mut Recorded, other: &Recorded) -> String {
    let row = &mut run.run.row;
    match dice.below(6) {
        0 => row.entry = (*dice.pick(mutate::NAMES)).to_owned(),
        1 => row.workflow_id = (*dice.pick(mutate::NAMES)).to_owned(),
        2 => {
            let all = [
                RunStatus::Running,
                RunStatus::Waiting,
                RunStatus::Completed,
                RunStatus::Failed,
                RunStatus::Cancelled,
            ];
            row.status = *dice.pick(&all);
        }
        3 => row.output.clone_from(&other.run.row.output),
        4 => row.error = Some((*dice.pick(mutate::NAMES)).to_owned()),
        _ => run.run.input.clone_from(&other.run.input),
    }
    let row = &run.run.row;
    format!(
        "row: {:?} {:?} {:?} {:?} {:?}",
        row.entry, row.workflow_id, row.status, row.output, row.error
    )
}

/// A move that never was.
fn moved(dice: &mut Dice<'_>, run: &mut Recorded, other: &Recorded) -> String {
    let pin = |of: &Recorded| Pin {
        workflow_id: of.run.row.workflow_id.clone(),
        component: of.run.row.component,
    };
    let (mut from, mut to) = (pin(run), pin(run));
    match dice.below(3) {
        0 => from = pin(other),
        1 => to = pin(other),
        _ => {}
    }
    let moved = Moved {
        seq: *dice.pick(NUMBERS),
        pos: *dice.pick(NUMBERS),
        from,
        to,
        way: *dice.pick(&[Way::Start, Way::Snapshot, Way::Replay]),
        at: Micros(0),
    };
    let said = format!("{moved:?}");
    run.moves.push(moved);
    said
}
