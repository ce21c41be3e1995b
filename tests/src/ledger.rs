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
