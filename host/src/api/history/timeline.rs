//! The timeline of a history bundle: each row's place, kind and times, without what it carries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::super::AppState;
use super::super::pieces::{Broken, Pieces};
use super::{Rows, Window};
use crate::clock::Micros;
use crate::ids::LedgerSeq;

/// What is read of a row.
#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    node_id: Cow<'a, str>,
    #[serde(borrow)]
    status: &'a RawValue,
    #[serde(borrow)]
    effect: Option<Effect<'a>>,
    #[serde(borrow)]
    started_at: Cow<'a, str>,
    #[serde(borrow)]
    ended_at: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Effect<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    run_id: &'a str,
    cursor: LedgerSeq,
    node_id: Option<&'a str>,
    status: &'a RawValue,
    effect_type: Option<&'a str>,
    started_at: &'a str,
    /// A row that does not say when it ended ended at once.
    ended_at: &'a str,
    /// Milliseconds to two places; null where a time cannot be read.
    duration_ms: Option<f64>,
}

/// Writes an entry for each row of the window. `first`: none has been written yet.
pub(super) async fn write(app: &AppState, out: &mut Pieces, window: &Window, first: &mut bool) -> Result<(), Broken> {
    let mut rows = Rows::of(app, window);
    while let Some(page) = rows.next().await? {
        for (cursor, text) in page {
            let row: Row<'_> = serde_json::from_str(&text)?;
            let ended_at = row.ended_at.as_deref().unwrap_or(&row.started_at);
            let entry = Entry {
                run_id: window.run_id.as_str(),
                cursor,
                node_id: Some(&*row.node_id).filter(|node| !node.is_empty()),
                status: row.status,
                effect_type: row.effect.as_ref().map(|effect| &*effect.kind),
                started_at: &row.started_at,
                ended_at,
                duration_ms: duration(&row.started_at, ended_at),
            };
            if !std::mem::take(first) {
                out.put(",").await?;
            }
            out.value(&entry).await?;
        }
    }
    Ok(())
}

fn duration(started: &str, ended: &str) -> Option<f64> {
    let micros = Micros::parse(ended)?.0.saturating_sub(Micros::parse(started)?.0).max(0);
    #[expect(clippy::cast_precision_loss, reason = "hundredths of milliseconds, far below 2^52")]
    let hundredths = (micros as f64 / 10.0).round();
    Some(hundredths / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_milliseconds_to_two_places() {
        let at = |time: &str| format!("2026-11-22T10:56:{time}+00:00");
        for (started, ended, expected) in [
            ("19.472462", "19.472765", Some(0.3)),
            ("20.225461", "20.225671", Some(0.21)),
            ("20.225461", "21.225461", Some(1000.0)),
            ("20.2", "20.1", Some(0.0)),
            ("noon", "20.1", None),
        ] {
            assert_eq!(duration(&at(started), &at(ended)), expected, "{started} {ended}");
        }
    }
}
