//! Comparing answers of two servers: what names something made at run time (ids, digests, times) is matched, not compared.

use std::collections::{BTreeMap, HashMap};

use flowgate_tests::ledger::is_timestamp;
use serde_json::{Value, json};

/// Numbers that measure rather than say.
const MEASURES: [&str; 4] = ["duration_ms", "size_bytes", "total_bytes", "ttl_s"];

/// Which recorded name stands for which of ours.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<String, String>);

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// A UUID, 32 or 64 hex digits: matched, the same one wherever it stands.
    Id,
    Time,
}

impl Names {
    /// Our name in place of each recorded one that is known.
    pub fn ours_in(&self, text: &str) -> String {
        let pieces = pieces(text).into_iter().map(|(_, piece)| match self.0.get(piece) {
            Some(ours) => ours.as_str(),
            None => piece,
        });
        pieces.collect()
    }

    pub fn ours(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.ours_in(text).into(),
            Value::Array(items) => items.iter().map(|item| self.ours(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(key, item)| (key.clone(), self.ours(item))).collect(),
            other => other.clone(),
        }
    }

    /// Adds what of `got` is not as `recorded` to `found`, by place; learns names on the way.
    pub fn differences(&mut self, recorded: &Value, got: &Value, at: &str, found: &mut BTreeMap<String, String>) {
        match (recorded, got) {
            (Value::String(recorded_text), Value::String(got_text)) => {
                if !self.same_text(recorded_text, got_text) {
                    found.insert(at.to_owned(), format!("recorded {recorded_text:?}, got {got_text:?}"));
                }
            }
            (Value::Array(items), Value::Array(others)) => {
                for (n, pair) in items.iter().zip(others).enumerate() {
                    self.differences(pair.0, pair.1, &format!("{at}.{n}"), found);
                }
                if items.len() != others.len() {
                    let (wanted, had) = (items.len(), others.len());
                    found.insert(format!("{at}.length"), format!("recorded {wanted}, got {had}"));
                }
            }
            (Value::Object(fields), Value::Object(others)) => {
                let mut left: BTreeMap<&String, &Value> = others.iter().collect();
                for (key, wanted) in fields {
                    // A key may be an id, as in the ledgers of a history.
                    let ours = self.ours_in(key);
                    match left.remove(&ours) {
                        Some(had) => self.differences(wanted, had, &format!("{at}.{}", plain(key)), found),
                        None => {
                            found.insert(format!("{at}.{}", plain(key)), format!("recorded {wanted}, got nothing"));
                        }
                    }
                }
                for (key, had) in left {
                    found.insert(format!("{at}.{}", plain(key)), format!("recorded nothing, got {had}"));
                }
            }
            (recorded, got) if recorded == got => {}
            (Value::Number(_), Value::Number(_)) if MEASURES.iter().any(|name| at.ends_with(name)) => {}
            (recorded, got) => {
                found.insert(at.to_owned(), format!("recorded {recorded}, got {got}"));
            }
        }
    }

    fn same_text(&mut self, recorded: &str, got: &str) -> bool {
        let (wanted, had) = (pieces(recorded), pieces(got));
        let same = wanted.len() == had.len() && wanted.iter().zip(&had).all(|(a, b)| self.same_piece(*a, *b));
        // Folders of the recorder.
        same || wanted
            .iter()
            .any(|(_, piece)| piece.contains("<data>") || piece.contains("<workspace>") || piece.contains("<flows>"))
            && ends_alike(recorded, got)
    }

    fn same_piece(&mut self, (kind, wanted): (Kind, &str), (other, had): (Kind, &str)) -> bool {
        match kind {
            _ if kind != other => false,
            Kind::Text => wanted == had,
            Kind::Time => wanted.len() == had.len(),
            // Digests of what was recorded differ where the bytes did; the same one must be the same everywhere.
            Kind::Id => wanted.len() == had.len() && self.0.entry(wanted.to_owned()).or_insert_with(|| had.to_owned()) == had,
        }
    }
}

/// After the folder, the rest of the path is the same but for its ids.
fn ends_alike(recorded: &str, got: &str) -> bool {
    let rest = recorded.split_once('>').map_or("", |(_, rest)| rest);
    let shape = |text: &str| -> String {
        let pieces = pieces(text).into_iter().map(|(kind, piece)| match kind {
            Kind::Text => piece.to_owned(),
            _ => "*".to_owned(),
        });
        pieces.collect()
    };
    shape(got).ends_with(&shape(rest))
}

/// A key as it is listed: ids are `*`.
fn plain(key: &str) -> &str {
    match pieces(key)[..] {
        [(Kind::Id, _)] => "*",
        _ => key,
    }
}

/// Text cut into ids, times and what is between.
fn pieces(text: &str) -> Vec<(Kind, &str)> {
    let mut found = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        match special(rest) {
            Some((kind, length)) if !text[..at].ends_with(|c: char| c.is_ascii_hexdigit()) => {
                if plain < at {
                    found.push((Kind::Text, &text[plain..at]));
                }
                found.push((kind, &rest[..length]));
                at += length;
                plain = at;
            }
            _ => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    if plain < text.len() {
        found.push((Kind::Text, &text[plain..]));
    }
    found
}

/// What of a run's making `text` begins with, and how long it is.
fn special(text: &str) -> Option<(Kind, usize)> {
    let ends = |length: usize| !text.as_bytes().get(length).is_some_and(u8::is_ascii_hexdigit);
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let times = [
        ("2026-11-22T10:56:19.472462+00:00".len(), "dddd-dd-ddTdd:dd:dd.dddddd+00:00"),
        ("2026-11-22T10:56:19.472462Z".len(), "dddd-dd-ddTdd:dd:dd.ddddddZ"),
        ("2026-11-22T10:56:25+00:00".len(), "dddd-dd-ddTdd:dd:dd+00:00"),
    ];
    for (length, shape) in times {
        if text
            .get(..length)
            .is_some_and(|part| is_timestamp(part) || shaped(part, shape))
        {
            return Some((Kind::Time, length));
        }
    }
    let uuid = text.get(..36).is_some_and(|part| {
        let dashes = part
            .bytes()
            .enumerate()
            .all(|(n, byte)| (byte == b'-') == [8, 13, 18, 23].contains(&n));
        dashes && hex(&part.replace('-', ""))
    });
    if uuid {
        return Some((Kind::Id, 36));
    }
    // A token's fingerprint and a drawn flow's name too.
    [64, 32, 12, 8]
        .into_iter()
        .find(|length| {
            text.get(..*length).is_some_and(hex) && ends(*length) && text[..*length].bytes().any(|b| b.is_ascii_digit())
        })
        .map(|length| (Kind::Id, length))
}

fn shaped(text: &str, shape: &str) -> bool {
    text.bytes().zip(shape.bytes()).all(|(byte, expected)| match expected {
        b'd' => byte.is_ascii_digit(),
        expected => byte == expected,
    })
}

/// A stream's text as JSON: id, event and data of each frame.
pub fn frames(text: &str) -> Value {
    let blocks = text
        .split("\n\n")
        .filter(|block| !block.trim().is_empty() && !block.starts_with(':'));
    let frames = blocks.map(|block| {
        let mut frame = json!({});
        for (name, value) in block.lines().filter_map(|line| line.split_once(": ")) {
            frame[name] = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
        }
        frame
    });
    frames.collect()
}
