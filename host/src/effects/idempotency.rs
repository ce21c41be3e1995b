//! The key that makes an effect happen once (language section 8.4 and appendix B).

use flow_rt::json::{self, Sink, Style};
use flow_rt::value::{Map, Value};
use sha2::{Digest, Sha256};

use super::Request;

/// The first 32 hex digits of SHA-256 over `{run_id, node_id, effect_type, effect_payload, seq}`: compact, keys sorted, ASCII.
///
/// # Errors
/// The payload is nested too deep.
pub fn key(run_id: &str, request: &Request) -> Result<String, String> {
    let payload = json::parse(request.payload.get()).map_err(|e| e.to_string())?;
    let seed = Value::dict(Map::from_iter([
        ("run_id".into(), Value::str(run_id)),
        ("node_id".into(), Value::str(request.node.as_str())),
        ("effect_type".into(), Value::str(request.kind.as_str())),
        ("effect_payload".into(), payload),
        ("seq".into(), Value::Int(request.ordinal as i64)),
    ]));
    let mut hash = Hash(Sha256::new());
    json::write_styled(
        &mut hash,
        &seed,
        &Style {
            sort_keys: true,
            ..Style::COMPACT
        },
    )
    .map_err(|e| e.to_string())?;
    let mut key = hex::encode(hash.0.finalize());
    key.truncate(32);
    Ok(key)
}

/// Hashes text with everything beyond ASCII escaped.
struct Hash(Sha256);

impl Sink for Hash {
    fn text(&mut self, text: &str) {
        if text.is_ascii() {
            return self.0.update(text);
        }
        for c in text.chars() {
            if c.is_ascii() {
                self.0.update([c as u8]);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    self.0.update(format!("\\u{unit:04x}"));
                }
            }
        }
    }
    fn ascii(&mut self, byte: u8) {
        self.0.update([byte]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_references() {
        // python3: hashlib.sha256(json.dumps({...}, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:32]
        let payload =
            serde_json::value::RawValue::from_string(r#"{"message":"é😀","level":"x","n":[1,2.0,1e16]}"#.to_owned()).unwrap();
        let request = Request {
            id: 1,
            node: "n".into(),
            kind: "answer_user".into(),
            payload,
            ordinal: 3,
            result_key: None,
            next_node: None,
        };
        assert_eq!(key("r", &request).unwrap(), EXPECTED);
    }

    const EXPECTED: &str = "6772a6d7d094627a0ddd9e7e5ee8dba8";
}
