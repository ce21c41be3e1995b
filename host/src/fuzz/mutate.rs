//! Changes to good inputs: few enough that most of the input still means something.

use serde_json::{Map, Value};

use super::Dice;

/// Stands in a document for text that a [`Value`] cannot hold; the text comes in its place when the document is written.
const MARK: &str = "\u{e000}odd ";

/// JSON text of `value` with one to four changes: parts deleted, doubled, renamed, wrapped, taken from elsewhere in it, or replaced by
/// what its reader may not expect, text that is no JSON included.
pub fn json(dice: &mut Dice<'_>, mut value: Value) -> String {
    let mut odd = Vec::new();
    for _ in 0..=dice.below(4) {
        change(dice, &mut value, &mut odd);
    }
    let mut text = value.to_string();
    for (at, raw) in odd.iter().enumerate() {
        text = text.replace(&format!("\"{MARK}{at}\""), raw);
    }
    text
}

fn change(dice: &mut Dice<'_>, value: &mut Value, odd: &mut Vec<String>) {
    let mut places = Vec::new();
    list(value, String::new(), &mut places);
    if places.is_empty() {
        return;
    }
    let place = dice.pick(&places).clone();
    match dice.below(9) {
        0 => part(value, &place, |_, _| None),
        1 => part(value, &place, |name, old| Some((format!("{name}2"), old))),
        2 => {
            let other = dice.pick(&places).rsplit('/').next().unwrap_or_default().to_owned();
            let name = if dice.once_in(4) {
                dice.pick(NAMES).to_string()
            } else {
                other
            };
            part(value, &place, move |_, old| Some((name, old)));
        }
        3 | 4 => {
            odd.push(oddity(dice));
            put(value, &place, Value::String(format!("{MARK}{}", odd.len() - 1)));
        }
        5 => {
            let other = value.pointer(dice.pick::<String>(&places)).cloned().unwrap_or_default();
            put(value, &place, other);
        }
        6 => {
            let old = value.pointer(&place).cloned().unwrap_or_default();
            let wrapped = match dice.below(3) {
                0 => Value::Array(vec![old]),
                1 => Value::Object(Map::from_iter([("x".to_owned(), old)])),
                _ => Value::String(old.to_string()),
            };
            put(value, &place, wrapped);
        }
        7 => {
            let old = value.pointer(&place).and_then(Value::as_str).unwrap_or_default().to_owned();
            put(value, &place, Value::String(text(dice, &old, NAMES)));
        }
        _ => {
            let plain = [
                Value::Null,
                true.into(),
                0.into(),
                (-1).into(),
                "".into(),
                Value::Array(vec![]),
                Value::Object(Map::new()),
            ];
            let new = dice.pick(&plain).clone();
            put(value, &place, new);
        }
    }
}

/// JSON pointers of everything inside `value`.
fn list(value: &Value, at: String, into: &mut Vec<String>) {
    if !at.is_empty() {
        into.push(at.clone());
    }
    match value {
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                list(item, format!("{at}/{n}"), into);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                list(member, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        _ => {}
    }
}

fn put(value: &mut Value, place: &str, new: Value) {
    if let Some(old) = value.pointer_mut(place) {
        *old = new;
    }
}

/// Takes the part at `place` away. What `then` makes of its name and itself is put beside the others: a second one of an item, or a member
/// of a new name; what `then` keeps of the name stays too.
fn part(value: &mut Value, place: &str, then: impl FnOnce(&str, Value) -> Option<(String, Value)>) {
    let Some((above, last)) = place.rsplit_once('/') else { return };
    match value.pointer_mut(above) {
        Some(Value::Array(items)) => {
            let Some((at, old)) = last.parse().ok().and_then(|at: usize| Some((at, items.get(at)?.clone()))) else {
                return;
            };
            match then(last, old) {
                Some((_, again)) => items.insert(at, again),
                None => drop(items.remove(at)),
            }
        }
        Some(Value::Object(members)) => {
            let name = last.replace("~1", "/").replace("~0", "~");
            let Some(old) = members.get(&name).cloned() else { return };
            match then(&name, old) {
                Some((new, member)) => {
                    if !new.starts_with(&name) {
                        members.shift_remove(&name);
                    }
                    members.insert(new, member);
                }
                None => drop(members.shift_remove(&name)),
            }
        }
        _ => {}
    }
}

/// Names that mean something to some reader, and texts that are hard to read.
pub const NAMES: &[&str] = &[
    "",
    " ",
    "exec-in",
    "exec-out",
    "id",
    "type",
    "_temp",
    "_runtime",
    "_meta",
    "__proto__",
    "../../x",
    "C:\\x",
    "a\u{0}b",
    "é😀\u{202e}",
    "\u{feff}",
    "{0.__class__}",
    "{{",
    "%s%n",
    "99999999999999999999",
    "NaN",
    "on_flow_start",
    "subflow",
    "loop",
    "code",
];

/// A JSON value that is rarely sent, or text that is none.
fn oddity(dice: &mut Dice<'_>) -> String {
    const ODD: &[&str] = &[
        "-0",
        "-0.0",
        "0.1",
        "1E5",
        "1e308",
        "1e999",
        "-1e999",
        "1e-400",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "123456789012345678901234567890",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "{\"a\":1,\"a\":2}",
        "{\"\":[]}",
        "[[],{},[null]]",
        "NaN",
        "[1,]",
        "\"\n\"",
        "",
    ];
    match dice.below(ODD.len() + 5) {
        0 => nested(127),
        1 => nested(129),
        2 => nested(3000),
        3 => format!("\"{}\"", "long ".repeat(20_000)),
        4 => format!("1{}", "0".repeat(5000)),
        n => ODD[n - 5].to_owned(),
    }
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// `seed` with one to six changes: stretches cut out, doubled or moved, lines indented, `pieces` put in.
pub fn text(dice: &mut Dice<'_>, seed: &str, pieces: &[&str]) -> String {
    let mut text: Vec<char> = seed.chars().collect();
    for _ in 0..=dice.below(6) {
        let at = dice.below(text.len() + 1);
        let end = (at + dice.below(12)).min(text.len());
        match dice.below(8) {
            0 => drop(text.drain(at..end)),
            1 => {
                let again: Vec<char> = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            2 => {
                let moved: Vec<char> = text.drain(at..end).collect();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, moved);
            }
            3 => {
                let line = text[..at].iter().rposition(|c| *c == '\n').map_or(0, |n| n + 1);
                match dice.below(3) {
                    0 if text.get(line) == Some(&' ') => drop(text.remove(line)),
                    1 => text.insert(line, '\t'),
                    _ => drop(text.splice(line..line, "    ".chars())),
                }
            }
            4 => {
                let again: Vec<char> = text[at..end].repeat(1 + dice.below(300));
                text.splice(at..at, again);
            }
            n => {
                let piece = *dice.pick(pieces);
                let end = if n == 5 { end } else { at };
                text.splice(at..end, piece.chars());
            }
        }
    }
    text.into_iter().collect()
}

/// `seed` with one to eight bytes changed, left out or put in.
pub fn bytes(dice: &mut Dice<'_>, mut seed: Vec<u8>) -> Vec<u8> {
    for _ in 0..=dice.below(8) {
        if seed.is_empty() {
            break;
        }
        let at = dice.below(seed.len());
        match dice.below(6) {
            0 => drop(seed.remove(at)),
            1 => seed.insert(at, seed[at]),
            2 => seed[at] = 0xff,
            3 => seed[at] = seed[at].wrapping_add(1),
            4 => seed[at] ^= 1 << dice.below(8),
            _ => {
                let end = (at + 1 + dice.below(64)).min(seed.len());
                let to = dice.below(seed.len());
                let copied = seed[at..end].to_vec();
                let room = copied.len().min(seed.len() - to);
                seed[to..to + room].copy_from_slice(&copied[..room]);
            }
        }
    }
    if dice.once_in(8) {
        seed.truncate(dice.below(seed.len() + 1));
    }
    seed
}

/// `seed` with one to three bytes changed in their places, so that every length still holds.
pub fn in_place(dice: &mut Dice<'_>, mut seed: Vec<u8>) -> Vec<u8> {
    for _ in 0..=dice.below(3) {
        let at = dice.below(seed.len());
        seed[at] = match dice.below(3) {
            0 => seed[at] ^ (1 << dice.below(8)),
            1 => seed[at].wrapping_add(1),
            _ => seed[dice.below(seed.len())],
        };
    }
    seed
}

#[test]
fn a_change_is_told_by_the_dice_alone_and_leaves_most_as_it_was() {
    let seed: Value = serde_json::json!({"a": [1, {"b/c": "text"}], "d": {"e": null}});
    let made: Vec<String> = (0..200).map(|n| json(&mut Dice(&super::throw(n)), seed.clone())).collect();
    let again: Vec<String> = (0..200).map(|n| json(&mut Dice(&super::throw(n)), seed.clone())).collect();
    assert_eq!(made, again);
    let still = made.iter().filter(|text| serde_json::from_str::<Value>(text).is_ok()).count();
    let plain = seed.to_string();
    let changed = made.iter().filter(|text| **text != plain).count();
    assert!(still > 120 && changed > 180, "{still} are JSON, {changed} are changed");
}
