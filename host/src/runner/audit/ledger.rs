//! The rows of a run as they are stored, and which of them a replay has made again.
//!
//! A row is made again when the text is the same to the last character but for what cannot be known: ids of steps, times, and the chain.
//! These are taken as recorded; that times never go back and that the rows of a step belong together is looked at all the same. Rows
//! that drivers write come in the one order; the answer to a wait and the result of a call come when they come, so these are looked for
//! among the rows after the one that asked. Rows that are not the run's own, such as those of refused commands, are left out.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use super::report::Difference;
use crate::clock::Micros;
use crate::ids::LedgerSeq;
use crate::journal::shrink;
use crate::record::{COMMAND, StepRecord, StepStatus};

/// Where a row comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// A driver's, in order.
    Step,
    /// The answer to a wait.
    Answer,
    /// The result of a call, or the call being made again.
    Call,
}

#[derive(Debug)]
struct Stored {
    seq: LedgerSeq,
    text: Arc<str>,
    row: StepRecord,
    class: Class,
    taken: bool,
}

/// Rows are named by their place among the run's own, from 0.
pub(super) struct Ledger {
    rows: Vec<Stored>,
    /// Rows of one step, by its id.
    steps: HashMap<String, Vec<usize>>,
    /// `started` rows of calls that are made again, by their idempotency key.
    again: HashMap<String, Vec<usize>>,
    /// Rows of answers.
    answers: Vec<usize>,
    /// Rows below it are not looked at: what made them is not kept.
    from: usize,
    /// No row below it is a driver's that has not been made again.
    next: usize,
    /// Limits of a value in a row that the host may have had; the configured one first.
    limits: [usize; 2],
    taken: u64,
    /// The time of the newest row that was made again.
    time: Micros,
}

type Check<T> = Result<T, Box<Difference>>;

/// Whether a row is not the run's own: it tells of a command that came to nothing, or of a move. A flow's own request has a key of hex digits.
pub(super) fn is_note(row: &StepRecord) -> bool {
    let is_command = row.effect.as_ref().is_some_and(|effect| effect.kind == COMMAND);
    is_command && row.idempotency_key.as_ref().is_none_or(|key| key.starts_with("command:"))
}

fn class(row: &StepRecord) -> Class {
    let resumes = row.effect.as_ref().is_some_and(|effect| effect.kind == "resume");
    match resumes && row.idempotency_key.is_none() {
        true => Class::Answer,
        false => Class::Step,
    }
}

impl Ledger {
    pub(super) fn of(rows: &[(LedgerSeq, Arc<str>)], max_inline_bytes: usize) -> Check<Self> {
        let mut ledger = Ledger {
            rows: Vec::with_capacity(rows.len()),
            steps: HashMap::new(),
            again: HashMap::new(),
            answers: Vec::new(),
            from: 0,
            next: 0,
            limits: [max_inline_bytes, crate::journal::Options::default().max_inline_bytes],
            taken: 0,
            time: Micros::default(),
        };
        let mut time = String::new();
        for (seq, text) in rows {
            let row: StepRecord = serde_json::from_str(text).map_err(|e| {
                let found = Difference::new("row", format!("the row is not one of a ledger: {e}"));
                found.row(*seq).recorded(&**text)
            })?;
            if is_note(&row) {
                continue;
            }
            let at = own_time(&row);
            if *at < *time {
                let text = format!("the row's time {at} is before that of the row before it, {time}");
                return Err(Difference::new("row", text).row(*seq).recorded(&row));
            }
            time = at.to_owned();
            ledger.add(*seq, text, row);
        }
        Ok(ledger)
    }

    fn add(&mut self, seq: LedgerSeq, text: &Arc<str>, row: StepRecord) {
        let (at, class) = (self.rows.len(), class(&row));
        if class == Class::Answer {
            self.answers.push(at);
        }
        if let (StepStatus::Started, Some(key)) = (row.status, row.idempotency_key.as_ref().filter(|_| row.attempt > 1)) {
            self.again.entry(key.clone()).or_default().push(at);
        }
        self.steps.entry(row.step_id.clone()).or_default().push(at);
        self.rows.push(Stored {
            seq,
            text: Arc::clone(text),
            row,
            class,
            taken: false,
        });
    }

    /// The time of the first row.
    pub(super) fn first_time(&self) -> Option<Micros> {
        Micros::parse(own_time(&self.rows.first()?.row))
    }

    /// Rows up to this time are not to be made again, nor what ends their steps later.
    pub(super) fn begin_after(&mut self, time: Micros) {
        let time = time.iso();
        let from = self.rows.partition_point(|row| *own_time(&row.row) <= *time);
        self.from = from;
        self.rows.iter_mut().take(from).for_each(|row| row.taken = true);
        let key = |row: &StepRecord| {
            let key = row.idempotency_key.clone();
            key.filter(|key| key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let begun = |row: &&Stored| row.row.status == StepStatus::Started && row.row.attempt == 1;
        let asked = self.rows.iter().skip(from).filter(begun);
        let asked: HashSet<String> = asked.filter_map(|row| key(&row.row)).collect();
        for row in self.rows.iter_mut().skip(from) {
            if key(&row.row).is_some_and(|key| !asked.contains(&key)) {
                row.class = Class::Call;
            }
        }
    }

    /// Where the rows begin that are looked at.
    pub(super) fn first_seq(&self) -> LedgerSeq {
        let first = self.rows.get(self.from);
        first.map_or(self.rows.last().map_or(1, |row| row.seq + 1), |row| row.seq)
    }

    pub(super) fn is_whole(&self) -> bool {
        self.from == 0
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    fn next_step(&self) -> Option<usize> {
        let left = self.rows.iter().enumerate().skip(self.next);
        left.filter(|(_, row)| !row.taken && row.class == Class::Step)
            .map(|(at, _)| at)
            .next()
    }

    /// The next row of a driver that has not been made again.
    pub(super) fn peek(&self) -> Option<(LedgerSeq, &StepRecord)> {
        self.next_step().map(|at| (self.rows[at].seq, &self.rows[at].row))
    }

    /// The rows that may show what a driver was told last when it made its next row: the one before, and answers.
    pub(super) fn before_next(&self) -> impl Iterator<Item = &str> {
        let next = self.next_step().unwrap_or(self.rows.len());
        let answers = self.answers.iter().rev().filter(move |at| **at < next);
        let before = next.checked_sub(1);
        before.into_iter().chain(answers.copied()).map(|at| &*self.rows[at].text)
    }

    /// Whether the numbers of a tick's rows, as history has them, fit these rows: the first of them and how many they are. History does not
    /// count answers that came while a driver was at work.
    pub(super) fn are_numbered(&self, (first, count): (usize, u64), (from, to): (u64, u64)) -> bool {
        let highest = first as u64 + 1;
        let answers = self.answers.partition_point(|at| *at < first) as u64;
        let ends = to.checked_sub(from).is_some_and(|more| Some(more) == count.checked_sub(1));
        from <= highest && highest - from <= answers && ends
    }

    /// Whether a stored row is the expected one.
    fn fits(&self, stored: &Stored, expected: &StepRecord) -> bool {
        let mut expected = as_recorded(stored, expected);
        let text = |row: &StepRecord| serde_json::to_string(row).unwrap_or_default();
        if text(&expected) == *stored.text {
            return true;
        }
        let whole = expected.clone();
        stored.text.contains("\"$artifact\"")
            && self.limits.iter().any(|limit| {
                expected = whole.clone();
                shrink(&mut expected, *limit, &mut Vec::new());
                text(&expected) == *stored.text
            })
    }

    pub(super) fn time(&self) -> Micros {
        self.time
    }

    fn take(&mut self, at: usize) -> &StepRecord {
        self.taken += 1;
        self.rows[at].taken = true;
        while self
            .rows
            .get(self.next)
            .is_some_and(|row| row.taken || row.class != Class::Step)
        {
            self.next += 1;
        }
        let row = &self.rows[at].row;
        self.time = self.time.max(Micros::parse(own_time(row)).unwrap_or_default());
        row
    }

    /// The next row of a driver must be this one. Gives it as it is stored, with its place.
    pub(super) fn step(&mut self, expected: &StepRecord) -> Check<(StepRecord, usize)> {
        let Some(at) = self.next_step() else {
            let text = format!("a row of node '{}' is missing: the ledger ends before it", expected.node_id);
            return Err(Difference::new("row", text).replayed(expected));
        };
        if !self.fits(&self.rows[at], expected) {
            return Err(self.differs(at, expected));
        }
        Ok((self.take(at).clone(), at))
    }

    /// The row after the first one of a step: of the same step, begun at the same time.
    pub(super) fn step_end(&mut self, expected: &StepRecord) -> Check<()> {
        if let Some(at) = self.next_step() {
            let row = &self.rows[at].row;
            if (&row.step_id, &row.started_at) != (&expected.step_id, &expected.started_at) {
                return Err(self.differs(at, expected));
            }
        }
        self.step(expected).map(drop)
    }

    /// The second row of an event's step, whose result only the journal knew; its place.
    pub(super) fn emitted(&mut self, started: &StepRecord) -> Check<usize> {
        let stored = self.next_step().map(|at| (at, &self.rows[at].row));
        let Some((at, row)) = stored.filter(|(_, row)| row.status != StepStatus::Started) else {
            let text = format!("the row that ends the event of node '{}' is missing", started.node_id);
            return Err(Difference::new("row", text).replayed(started));
        };
        let expected = told_by_nobody(row, started);
        self.step_end(&expected).map(|()| at)
    }

    /// A row that was taken as it is must be this one after all.
    pub(super) fn was(&self, at: usize, expected: &StepRecord) -> Check<()> {
        match self.fits(&self.rows[at], expected) {
            true => Ok(()),
            false => Err(self.differs(at, expected)),
        }
    }

    fn differs(&self, at: usize, expected: &StepRecord) -> Box<Difference> {
        let stored = &self.rows[at];
        let text = format!("the row of node '{}' is another one", stored.row.node_id);
        let expected = as_recorded(stored, expected);
        let found = Difference::new("row", text).row(stored.seq);
        match RawValue::from_string(stored.text.to_string()) {
            Ok(recorded) => found.recorded(&recorded).replayed(&expected),
            Err(_) => found.recorded(&stored.row).replayed(&expected),
        }
    }

    /// The answer to a wait whose row is at `asked`. Where the run stood when it came is as recorded, if `stood` knows the node.
    pub(super) fn answer(&mut self, expected: &StepRecord, stood: impl Fn(&str) -> bool, asked: usize) -> Check<()> {
        let fits = |at: &usize| {
            let stored = &self.rows[*at];
            let expected = StepRecord {
                node_id: stored.row.node_id.clone(),
                ..expected.clone()
            };
            stood(&expected.node_id) && self.fits(stored, &expected)
        };
        let mut open = self.answers.iter().filter(|at| **at > asked && !self.rows[**at].taken);
        let first = open.clone().next().copied();
        let found = open.find(|at| fits(at)).copied();
        match (found, first) {
            (Some(at), _) => {
                self.take(at);
                Ok(())
            }
            (None, Some(at)) => Err(self.differs(at, expected)),
            (None, None) => {
                let text = format!("the row that shows the answer at node '{}' is missing", expected.node_id);
                Err(Difference::new("row", text).replayed(expected))
            }
        }
    }

    /// The rows that belong to a call whose first row is this one are not expected in a driver's order.
    pub(super) fn is_call(&mut self, first: &StepRecord) {
        let key = first.idempotency_key.as_ref();
        let again: Vec<usize> = key.and_then(|key| self.again.get(key)).cloned().unwrap_or_default();
        let attempts = again.iter().map(|at| &self.rows[*at].row.step_id);
        let steps = std::iter::once(&first.step_id).chain(attempts);
        let ended: Vec<usize> = steps.filter_map(|step| self.steps.get(step)).flatten().copied().collect();
        for at in ended {
            let row = &mut self.rows[at];
            if !row.taken {
                row.class = Class::Call;
            }
        }
    }

    /// The row of a call that comes after this one of it: its result, or its being made again.
    fn after(&self, started: &StepRecord) -> Option<usize> {
        let open = |at: &&usize| !self.rows[**at].taken && self.rows[**at].class == Class::Call;
        let of_step = self.steps.get(&started.step_id).into_iter().flatten();
        let key = started.idempotency_key.as_ref();
        let again = key.and_then(|key| self.again.get(key)).into_iter().flatten();
        let next = |at: &&usize| self.rows[**at].row.attempt == started.attempt + 1;
        of_step.filter(open).chain(again.filter(open).filter(next)).next().copied()
    }

    /// Whether the newest row of a call, whose first one is this, ends it with this error.
    pub(super) fn ends_with(&self, first: &StepRecord, error: &str) -> bool {
        let key = first.idempotency_key.as_ref();
        let again = key.and_then(|key| self.again.get(key)).into_iter().flatten();
        let again = again.map(|at| &self.rows[*at].row.step_id);
        let mut steps = std::iter::once(&first.step_id).chain(again);
        steps.any(|step| {
            let mut rows = self.steps.get(step).into_iter().flatten().map(|at| &self.rows[*at]);
            rows.any(|row| !row.taken && row.class == Class::Call && row.row.error.as_deref() == Some(error))
        })
    }

    /// A call was made, maybe again after its host died, and its result is `ended` when it is known: `ended` makes the result row from the
    /// `started` row. Without a result there may be such a row all the same, which nobody was told of. Gives the place of the result row.
    pub(super) fn call(&mut self, first: &StepRecord, ended: Option<&dyn Fn(&StepRecord) -> StepRecord>) -> Check<Option<usize>> {
        let mut started = first.clone();
        loop {
            let Some(at) = self.after(&started) else {
                if let Some(ended) = ended {
                    let text = format!("the result row of the call of node '{}' is missing", first.node_id);
                    return Err(Difference::new("row", text).replayed(&ended(&started)));
                }
                return Ok(None);
            };
            let stored = &self.rows[at];
            let expected = match (stored.row.status, ended) {
                (StepStatus::Started, _) => StepRecord {
                    attempt: started.attempt + 1,
                    ..first.clone()
                },
                (_, Some(ended)) => ended(&started),
                (_, None) => told_by_nobody(&stored.row, &started),
            };
            if !self.fits(stored, &expected) {
                return Err(self.differs(at, &expected));
            }
            started = self.take(at).clone();
            if started.status != StepStatus::Started {
                return Ok(Some(at));
            }
        }
    }

    /// Nothing must be left.
    pub(super) fn end(&self) -> Check<()> {
        let left = |row: &&Stored| !row.taken && (self.is_whole() || row.class == Class::Step);
        match self.rows.iter().find(left) {
            None => Ok(()),
            Some(row) => {
                let text = format!("a row of node '{}' that the run does not come to", row.row.node_id);
                Err(Difference::new("row", text).row(row.seq).recorded(&row.row))
            }
        }
    }
}

/// A row's time is that of its end, and of its start while it has none.
fn own_time(row: &StepRecord) -> &str {
    row.ended_at.as_deref().unwrap_or(&row.started_at)
}

/// The expected row with what cannot be known as it is recorded.
fn as_recorded(stored: &Stored, expected: &StepRecord) -> StepRecord {
    let kept = &stored.row;
    StepRecord {
        step_id: kept.step_id.clone(),
        started_at: kept.started_at.clone(),
        ended_at: expected
            .ended_at
            .as_ref()
            .map(|at| kept.ended_at.clone().unwrap_or_else(|| at.clone())),
        prev_hash: kept.prev_hash.clone(),
        record_hash: kept.record_hash.clone(),
        signature: kept.signature.clone(),
        ..expected.clone()
    }
}

/// The second row of a step with its end as it is stored.
fn told_by_nobody(stored: &StepRecord, started: &StepRecord) -> StepRecord {
    StepRecord {
        status: stored.status,
        result: stored.result.clone(),
        error: stored.error.clone(),
        ended_at: stored.ended_at.clone(),
        ..started.clone()
    }
}
