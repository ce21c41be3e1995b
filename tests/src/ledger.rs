//! Comparing ledger rows without what differs from run to run.

use serde_json::Value;

/// Rows in a short form that a person can read in a failed test: `node status effect`.
pub fn outline(rows: &[Value]) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    rows.iter()
        .map(|row| {
            format!(
                "{} {} {}",
                text(&row["node_id"]),
                text(&row["status"]),
                text(&row["effect"]["type"])
            )
        })
        .collect()
}

/// Rows with stable names in place of run ids, step ids, times and keys: `R`, `S1`…, `T`, `K`. Further ids can be named.
pub fn stable(rows: &[Value], names: &[(&str, &str)]) -> Vec<Value> {
    let mut steps: Vec<String> = Vec::new();
    let mut stable = Vec::new();
    for row in rows {
        let mut row = replace(row, names);
        let step = row["step_id"].as_str().expect("a row has a step id").to_owned();
        let number = steps.iter().position(|known| *known == step).unwrap_or_else(|| {
            steps.push(step);
            steps.len() - 1
        });
        row["step_id"] = format!("S{}", number + 1).into();
        for key in ["started_at", "ended_at"] {
            if let Some(time) = row[key].as_str() {
                assert!(is_timestamp(time), "{key} {time:?} is not microseconds with +00:00");
                row[key] = "T".into();
            }
        }
        if let Some(key) = row["idempotency_key"].as_str().filter(|key| !key.starts_with("system:")) {
            assert!(
                key.len() == 32 && key.bytes().all(|b| b.is_ascii_hexdigit()),
                "idempotency key {key:?} is not 32 hex digits"
            );
            row["idempotency_key"] = "K".into();
        }
        stable.push(row);
    }
    stable
}

/// `value` with each of these texts replaced, also inside longer strings.
pub fn replace(value: &Value, names: &[(&str, &str)]) -> Value {
    match value {
        Value::String(text) => names
            .iter()
            .fold(text.clone(), |text, (from, to)| text.replace(from, to))
            .into(),
        Value::Array(items) => items.iter().map(|item| replace(item, names)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| (key.clone(), replace(item, names))).collect(),
        other => other.clone(),
    }
}

/// `2026-11-22T10:56:19.472462+00:00`
pub fn is_timestamp(text: &str) -> bool {
    let shape = b"dddd-dd-ddTdd:dd:dd.dddddd+00:00";
    text.len() == shape.len()
        && text.bytes().zip(shape).all(|(byte, expected)| {
            if *expected == b'd' {
                byte.is_ascii_digit()
            } else {
                byte == *expected
            }
        })
}

/// Keys of an object in their order.
pub fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .map(|fields| fields.keys().map(String::as_str).collect())
        .unwrap_or_default()
}

/// Rows as `flowgate cases` lists them in full, ready to be compared with those of another run of the same flow: `started` rows that a
/// later attempt of the same key has superseded are left out, and what differs from run to run (step, key, attempt) is numbered.
pub fn comparable(rows: &[Value]) -> Vec<Value> {
    let superseded = |(at, row): (usize, &Value)| {
        let again = |later: &Value| {
            later["run"] == row["run"] && later["key"] == row["key"] && later["attempt"].as_u64() > row["attempt"].as_u64()
        };
        row["status"] == "started" && !row["key"].is_null() && rows[at + 1..].iter().any(again)
    };
    let (mut steps, mut keys) = (Vec::new(), Vec::new());
    let number = |known: &mut Vec<Value>, value: &Value| -> Value {
        let place = known.iter().position(|k| k == value).unwrap_or_else(|| {
            known.push(value.clone());
            known.len() - 1
        });
        place.into()
    };
    let kept = rows.iter().enumerate().filter(|(at, row)| !superseded((*at, row)));
    kept.map(|(_, row)| {
        let mut row = row.clone();
        row["step"] = number(&mut steps, &row["step"]);
        row["attempt"] = Value::Null;
        if !row["key"].as_str().is_none_or(|key| key.starts_with("system:")) {
            row["key"] = number(&mut keys, &row["key"]);
        }
        row
    })
    .collect()
}

/// Rows of a server's ledger as `flowgate cases` lists them in full: run ids and times get stable names.
pub fn as_case(rows: &[Value]) -> Vec<Value> {
    let mut ids = Vec::new();
    let rows = rows.iter().map(|row| {
        serde_json::json!({
            "run": row["run_id"], "node": row["node_id"], "status": row["status"],
            "effect": {"type": row["effect"]["type"], "payload": row["effect"]["payload"]},
            "result": row["result"], "error": row["error"],
            "key": row["idempotency_key"], "step": row["step_id"], "attempt": row["attempt"],
        })
    });
    rows.map(|row| anonymous(&row, &mut ids)).collect()
}

/// A value with ids numbered in the order of their first appearance and times taken out, inside longer strings too.
fn anonymous(value: &Value, ids: &mut Vec<String>) -> Value {
    match value {
        Value::String(text) => anonymous_text(text, ids).into(),
        Value::Array(items) => items.iter().map(|item| anonymous(item, ids)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, item)| (key.clone(), anonymous(item, ids))).collect(),
        other => other.clone(),
    }
}

fn anonymous_text(text: &str, ids: &mut Vec<String>) -> String {
    const TIME: usize = "2026-11-22T10:56:19.472462+00:00".len();
    let (mut out, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        if let Some(time) = rest.get(..TIME).filter(|part| is_timestamp(part)) {
            out.push_str("<time>");
            rest = &rest[time.len()..];
        } else if let Some(id) = rest.get(..36).filter(|part| is_id(part)) {
            let number = ids.iter().position(|known| known == id).unwrap_or_else(|| {
                ids.push(id.to_owned());
                ids.len() - 1
            });
            out.push_str(&format!("<id {number}>"));
            rest = &rest[id.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

/// A UUID or `msg_` and as many hex digits.
fn is_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_uuid = text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    is_uuid || text.strip_prefix("msg_").is_some_and(hex)
}
