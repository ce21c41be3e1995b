//! The hash chain of a ledger (language section 9.7): each row names the hash of the one before and has one of its own, so that a row
//! that was changed, taken out or put in afterwards is found.
//!
//! `record_hash` is the SHA-256, in hexadecimal, of the row in canonical form: the row as a JSON object with `prev_hash` set and without
//! `record_hash` and `signature`; keys sorted by code point on every level, no spaces, non-ASCII text as it is, numbers as Python's
//! `json.dumps` writes them. `prev_hash` is the `record_hash` of the run's row before, or null if that has none. A value that Python
//! could not write (a number beyond all floats) counts with its text as it is stored.

use std::sync::Arc;

use flow_rt::json::{self, Style};
use serde_json::value::RawValue;

use super::rows::Members;
use crate::ids::{Digest, LedgerSeq};

/// How a row ends that is not chained.
const OPEN_END: &str = r#","prev_hash":null,"record_hash":null,"signature":null}"#;

/// The row with its place in the chain, and its hash. None: it has one already, or is no row of ours.
pub(crate) fn link(row: &str, before: Option<Digest>) -> Option<(Arc<str>, Digest)> {
    let members: Members = serde_json::from_str(row).ok()?;
    let start = row.strip_suffix(OPEN_END)?;
    let hash = hash(members, before);
    let before = before.map_or("null".to_owned(), |hash| format!("\"{}\"", hash.hex()));
    let row = format!(
        r#"{start},"prev_hash":{before},"record_hash":"{}","signature":null}}"#,
        hash.hex()
    );
    Some((row.into(), hash))
}

/// The hash that a row says it has.
pub(crate) fn hash_of(row: &str) -> Option<Digest> {
    Digest::parse(&serde_json::from_str::<Members>(row).ok()?.text("record_hash")?)
}

fn hash(mut row: Members, before: Option<Digest>) -> Digest {
    row.0.retain(|(key, _)| !matches!(key.as_str(), "record_hash" | "signature"));
    row.set("prev_hash", super::rows::json(&before.map(|hash| hash.hex())));
    let mut text = String::with_capacity(1024);
    object(&mut text, row);
    Digest::of(text.as_bytes())
}

/// The members of an object, the last of each name, sorted.
fn object(out: &mut String, members: Members) {
    let sorted: std::collections::BTreeMap<String, Box<RawValue>> = members.0.into_iter().collect();
    out.push('{');
    for (at, (key, value)) in sorted.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(super::rows::json(key).get());
        out.push(':');
        canonical(out, value);
    }
    out.push('}');
}

fn canonical(out: &mut String, value: &RawValue) {
    let style = Style {
        sort_keys: true,
        ..Style::COMPACT
    };
    let from = out.len();
    match json::parse(value.get()) {
        Ok(parsed) if json::write_styled(out, &parsed, &style).is_ok() => return,
        // A row wraps a few levels around what a flow may nest as deep as it is allowed to.
        Err(json::Error::Depth) => {
            if let Ok(members) = serde_json::from_str::<Members>(value.get()) {
                return object(out, members);
            }
            if let Ok(items) = serde_json::from_str::<Vec<Box<RawValue>>>(value.get()) {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    canonical(out, item);
                }
                return out.push(']');
            }
        }
        _ => {}
    }
    out.truncate(from);
    out.push_str(value.get());
}

/// What a chain shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chain {
    /// No row has a hash.
    None,
    /// Rows from the first to the last of these numbers are chained, and nothing is wrong.
    Whole {
        first: LedgerSeq,
        last: LedgerSeq,
    },
    Broken(Broken),
}

/// The first thing that is wrong with a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub seq: LedgerSeq,
    /// `prev_hash_mismatch`, `missing_record_hash`, `record_hash_mismatch`, `missing_row` or `not_json`.
    pub code: &'static str,
    pub text: String,
}

/// Checks the rows of a ledger, in order, with their numbers. `newest` is the hash that the run says its last row has, `last_seq` the
/// number of that row; `expired` is the first row that is still kept, and the hash of the one before.
pub(crate) fn verify<'a>(
    (horizon, expired): (LedgerSeq, Option<Digest>),
    rows: impl Iterator<Item = (LedgerSeq, &'a str)>,
    (last_seq, newest): (LedgerSeq, Option<Digest>),
) -> Chain {
    let broken = |seq, code, text: String| Chain::Broken(Broken { seq, code, text });
    let (mut before, mut first, mut last) = (expired, None, Some(horizon - 1).filter(|last| *last > 0));
    for (seq, text) in rows {
        if let Some(last) = last.filter(|last| last + 1 != seq) {
            return broken(last + 1, "missing_row", format!("the row after {last} is {seq}"));
        }
        last = Some(seq);
        let Ok(row) = serde_json::from_str::<Members>(text) else {
            return broken(seq, "not_json", "the row is not a JSON object".to_owned());
        };
        let said = |key: &str| row.text(key);
        let Some(hash) = said("record_hash") else {
            if before.is_some() || said("prev_hash").is_some() {
                return broken(
                    seq,
                    "missing_record_hash",
                    "the row has no record_hash, the one before has".to_owned(),
                );
            }
            continue;
        };
        let prev = said("prev_hash");
        if prev != before.map(|hash| hash.hex()) {
            let before = before.map_or("null".to_owned(), |hash| hash.hex());
            let prev = prev.unwrap_or_else(|| "null".to_owned());
            let text = format!("prev_hash is {prev}, the row before has {before}");
            return broken(seq, "prev_hash_mismatch", text);
        }
        let computed = self::hash(row, before);
        if computed.hex() != hash {
            let text = format!("record_hash is {hash}, the row hashes to {}", computed.hex());
            return broken(seq, "record_hash_mismatch", text);
        }
        first = first.or(Some(seq));
        before = Some(computed);
    }
    let end = last.unwrap_or_default();
    if newest.is_some() && end != last_seq {
        return broken(
            end + 1,
            "missing_row",
            format!("the ledger had {last_seq} rows and ends with {end}"),
        );
    }
    if newest != before {
        let is = |hash: Option<Digest>| hash.map_or("no hash".to_owned(), |hash| hash.hex());
        let text = format!(
            "the run says that its last row has {}, the row has {}",
            is(newest),
            is(before)
        );
        return broken(end, "record_hash_mismatch", text);
    }
    match first {
        Some(first) => Chain::Whole { first, last: end },
        None => Chain::None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{raw, step};
    use super::*;
    use crate::clock::Micros;

    fn chained(count: usize) -> Vec<(LedgerSeq, Arc<str>)> {
        let mut before = None;
        let rows = (1..=count).map(|n| {
            let mut row = step("r", &format!("n{n}"), Micros(n as i64));
            row.step_id = format!("s{n}");
            row.result = Some(raw(
                r#"{"b":1.0,"a":[1e16,"é\u00e9\u0001"],"big":123456789012345678901234567890}"#,
            ));
            let (text, hash) = link(&serde_json::to_string(&row).unwrap(), before).unwrap();
            before = Some(hash);
            (n as u64, text)
        });
        rows.collect()
    }

    fn look(rows: &[(LedgerSeq, Arc<str>)], newest: Option<Digest>, last: LedgerSeq) -> Chain {
        verify((1, None), rows.iter().map(|(seq, text)| (*seq, &**text)), (last, newest))
    }

    #[test]
    fn a_row_is_hashed_as_the_language_says() {
        let rows = chained(2);
        // python3: hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()
        // with row = json.loads(text); row.pop("record_hash"); row.pop("signature")
        let hashes: Vec<String> = rows.iter().map(|(_, row)| hash_of(row).unwrap().hex()).collect();
        assert_eq!(hashes, EXPECTED);
        let second: serde_json::Value = serde_json::from_str(&rows[1].1).unwrap();
        assert_eq!(second["prev_hash"], hashes[0]);
    }

    const EXPECTED: [&str; 2] = [
        "e64fd89130d32dfae056e4c2399c388bc99419b492967a3c90e687619554e6a2",
        "071a78a2a55e29689824dd48cc96723e6aaab13e3422fc0392c1959552b177b6",
    ];

    #[test]
    fn a_chain_shows_what_was_done_to_it() {
        let rows = chained(4);
        let newest = hash_of(&rows[3].1);
        assert_eq!(look(&rows, newest, 4), Chain::Whole { first: 1, last: 4 });
        assert_eq!(look(&[], None, 0), Chain::None);
        let broken = |rows: &[(LedgerSeq, Arc<str>)], newest, last| match look(rows, newest, last) {
            Chain::Broken(broken) => (broken.seq, broken.code),
            other => panic!("{other:?}"),
        };
        let mut changed = rows.clone();
        changed[1].1 = changed[1].1.replace("Hello World", "Hello there").into();
        assert_eq!(broken(&changed, newest, 4), (2, "record_hash_mismatch"));
        let mut without = rows.clone();
        without.remove(2);
        assert_eq!(broken(&without, newest, 4), (3, "missing_row"));
        without[2].0 = 3;
        assert_eq!(broken(&without, newest, 3), (3, "prev_hash_mismatch"));
        assert_eq!(broken(&rows[..3], newest, 4), (4, "missing_row"));
        assert_eq!(broken(&rows[..3], newest, 3), (3, "record_hash_mismatch"));
        let mut bare = rows.clone();
        let plain = step("r", "n", Micros(9));
        bare[2].1 = serde_json::to_string(&plain).unwrap().into();
        assert_eq!(broken(&bare, newest, 4), (3, "missing_record_hash"));
        // Rows from before the chain was switched on are none of its.
        let mut later = vec![(1, bare[2].1.clone())];
        later.extend(rows.iter().map(|(seq, text)| (seq + 1, text.clone())));
        assert_eq!(look(&later, newest, 5), Chain::Whole { first: 2, last: 5 });
    }

    #[test]
    fn a_row_nested_as_deep_as_it_may_be_has_a_hash_of_its_sorted_form() {
        let deep = format!("{}[1, 2.50]{}", r#"{"z":0,"a":"#.repeat(127), "}".repeat(127));
        let mut row = step("r", "n", Micros(1));
        row.result = Some(raw(&format!(r#"{{"completed":true,"output":{deep}}}"#)));
        let (linked, hash) = link(&serde_json::to_string(&row).unwrap(), None).unwrap();
        assert_eq!(look(&[(1, linked)], Some(hash), 1), Chain::Whole { first: 1, last: 1 });
        let mut out = String::new();
        canonical(&mut out, row.result.as_ref().unwrap());
        // 127 levels of two members, each sorted: what was inside comes first.
        let sorted = format!("{}[1,2.5]{}", r#"{"a":"#.repeat(127), r#","z":0}"#.repeat(127));
        assert_eq!(out, format!(r#"{{"completed":true,"output":{sorted}}}"#));
    }
}
