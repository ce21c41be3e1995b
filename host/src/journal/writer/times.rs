//! Times within a run: they strictly increase from row to row. A row's time is that of its end, and of its start while it has none.
//!
//! A driver stamps its rows when it computes them. The writer may have written a row in between that the driver does not know: the note of
//! a command that came to nothing. The driver's rows are then later in the ledger but earlier in time, and are moved behind the note.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::rows::json;
use super::super::types::Error;
use crate::clock::Micros;
use crate::record::StepRecord;

/// Moves a driver's rows behind `last`, which becomes the time of the newest: `rows`, which are text already, and the `step` that is
/// appended after them. Nothing is done when they are later already.
pub(super) fn behind(rows: &mut [Arc<str>], step: Option<&mut StepRecord>, last: &mut Micros) -> Result<(), Error> {
    // New starts, by step: both rows of a step have the same.
    let mut starts = HashMap::new();
    for text in rows {
        let mut row: StepRecord =
            serde_json::from_str(text).map_err(|e| Error::Corrupt(format!("a ledger row cannot be read: {e}")))?;
        let in_time = !put_behind(&mut row, &mut starts, last);
        if in_time && starts.is_empty() {
            return Ok(());
        }
        *text = json(&row).get().into();
    }
    if let Some(step) = step {
        put_behind(step, &mut starts, last);
    }
    Ok(())
}

/// Whether the row had to be changed.
fn put_behind(row: &mut StepRecord, starts: &mut HashMap<String, String>, last: &mut Micros) -> bool {
    let own = row.ended_at.as_ref().unwrap_or(&row.started_at);
    let own = Micros::parse(own).unwrap_or(*last);
    let moved = own <= *last;
    *last = own.max(last.plus(1));
    match (&mut row.ended_at, starts.get(&row.step_id)) {
        (None, _) if moved => {
            row.started_at = last.iso();
            starts.insert(row.step_id.clone(), row.started_at.clone());
        }
        (Some(ended), start) => {
            if moved {
                *ended = last.iso();
            }
            if let Some(start) = start {
                row.started_at.clone_from(start);
            }
        }
        (None, _) => {}
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::step;

    fn row(id: &str, started: i64, ended: Option<i64>) -> StepRecord {
        StepRecord {
            step_id: id.to_owned(),
            started_at: Micros(started).iso(),
            ended_at: ended.map(|at| Micros(at).iso()),
            ..step("r", "n", Micros(0))
        }
    }

    fn moved(rows: &[StepRecord], last: i64) -> Vec<(String, Option<String>)> {
        let mut texts: Vec<Arc<str>> = rows.iter().map(|row| json(row).get().into()).collect();
        behind(&mut texts, None, &mut Micros(last)).unwrap();
        let read = |text: &Arc<str>| serde_json::from_str::<StepRecord>(text).unwrap();
        texts.iter().map(read).map(|row| (row.started_at, row.ended_at)).collect()
    }

    #[test]
    fn rows_are_moved_behind_what_was_written_meanwhile() {
        let iso = |us: i64| Micros(us).iso();
        let rows = [row("a", 10, None), row("a", 10, Some(11)), row("b", 30, None)];
        assert_eq!(moved(&rows, 20), [(iso(21), None), (iso(21), Some(iso(22))), (iso(30), None)]);
        // Later already; and a call that began before keeps its beginning.
        assert_eq!(moved(&rows[..1], 9), [(iso(10), None)]);
        assert_eq!(moved(&[row("c", 5, Some(8))], 20), [(iso(5), Some(iso(21)))]);
        assert_eq!(moved(&[row("c", 5, Some(25))], 20), [(iso(5), Some(iso(25)))]);
    }
}
