//! Keeps ledger rows small: a value in a row that is larger than the limit becomes `{"$artifact": "<id>"}`, and its bytes become an
//! artifact of the run. Only rows are shrunk; flows go on with the real values, and history has them.
//!
//! The rule is the reference's: a text of more bytes than the limit is kept as `text/plain`; of a list or an object first what is in it is
//! looked at, and if it is still too large it is kept whole as `application/json`. An effect and a result stay objects.

use bytes::Bytes;
use indexmap::IndexMap;
use serde_json::value::RawValue;

use super::rows::json;
use crate::ids::{Digest, RunId};
use crate::record::artifact::{NewArtifact, Tags, artifact_id};
use crate::record::{Json, StepRecord};

/// Longest path kept of a value; keys are a flow's own and may be long.
const PATH: usize = 512;

/// A value that was taken out of a row.
#[derive(Debug)]
pub(crate) struct Large {
    pub artifact: NewArtifact,
    pub bytes: Bytes,
}

/// Whether a row may hold a value above `limit` bytes; 0 is no limit.
pub(crate) fn is_large(row: &StepRecord, limit: usize) -> bool {
    let over = |json: &Json| json.get().len() > limit;
    limit > 0 && (row.effect.as_ref().is_some_and(|effect| over(&effect.payload)) || row.result.as_ref().is_some_and(over))
}

/// Takes what is above `limit` out of a row.
pub(crate) fn shrink(row: &mut StepRecord, limit: usize, large: &mut Vec<Large>) {
    if !is_large(row, limit) {
        return;
    }
    let mut shrink = Shrink {
        run_id: &row.run_id,
        source: "ledger_effect_offload",
        limit,
        large,
    };
    if let Some(effect) = &mut row.effect
        && let Some(smaller) = shrink.value(&effect.payload, "ledger.effect.payload", true)
    {
        effect.payload = smaller;
    }
    shrink.source = "ledger_result_offload";
    if let Some(result) = &mut row.result
        && let Some(smaller) = shrink.value(result, "ledger.result", false)
    {
        *result = smaller;
    }
}

struct Shrink<'a> {
    run_id: &'a str,
    source: &'static str,
    limit: usize,
    large: &'a mut Vec<Large>,
}

impl Shrink<'_> {
    /// The value made smaller; none when it stays as it is. `whole`: it may become a reference itself.
    fn value(&mut self, value: &RawValue, path: &str, whole: bool) -> Option<Json> {
        let text = value.get();
        if text.len() <= self.limit {
            return None;
        }
        let smaller = match text.as_bytes().first() {
            Some(b'"') => {
                let text: String = serde_json::from_str(text).ok()?;
                let large = whole && text.len() > self.limit;
                return large.then(|| self.take(text.into(), "text/plain", "text", path));
            }
            Some(b'{') => {
                let members: IndexMap<String, &RawValue> = serde_json::from_str(text).ok()?;
                if members.contains_key("$artifact") {
                    return None;
                }
                let mut new = IndexMap::new();
                for (key, member) in &members {
                    if let Some(smaller) = self.value(member, &format!("{path}.{key}"), true) {
                        new.insert(key.as_str(), smaller);
                    }
                }
                let object: IndexMap<&str, &RawValue> = members
                    .iter()
                    .map(|(key, member)| (key.as_str(), new.get(key.as_str()).map_or(*member, |json| json)))
                    .collect();
                (!new.is_empty()).then(|| json(&object))
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
                let new: Vec<Option<Json>> = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| self.value(item, &format!("{path}[{at}]"), true))
                    .collect();
                let list: Vec<&RawValue> = items
                    .iter()
                    .zip(&new)
                    .map(|(item, new)| new.as_deref().unwrap_or(item))
                    .collect();
                new.iter().any(Option::is_some).then(|| json(&list))
            }
            // A number of that length.
            _ => None,
        };
        let left = smaller.as_deref().unwrap_or(value);
        if whole && left.get().len() > self.limit {
            return Some(self.take(left.get().to_owned().into(), "application/json", "json", path));
        }
        smaller
    }

    /// Makes an artifact of some bytes and gives the reference to it.
    fn take(&mut self, bytes: Bytes, content_type: &str, kind: &str, path: &str) -> Json {
        let id = artifact_id(self.run_id, &bytes);
        #[derive(serde::Serialize)]
        struct Reference<'a> {
            #[serde(rename = "$artifact")]
            artifact: &'a str,
        }
        let reference = json(&Reference { artifact: &id });
        if self.large.iter().any(|known| known.artifact.artifact_id == id) {
            return reference;
        }
        let path: String = path.chars().take(PATH).collect();
        let tags = [("source", self.source), ("path", path.as_str()), ("kind", kind)];
        self.large.push(Large {
            artifact: NewArtifact {
                run_id: RunId::from(self.run_id),
                artifact_id: id,
                blob: Digest::of(&bytes),
                size: bytes.len() as u64,
                content_type: content_type.to_owned(),
                tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<Tags>(),
            },
            bytes,
        });
        reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 100;

    /// The result and what was taken out of it: content type, path, bytes.
    fn shrunk(result: &str) -> (String, Vec<(String, String, String)>) {
        let mut row = super::super::tests::step("r", "n", crate::clock::Micros(0));
        row.effect = None;
        row.result = Some(RawValue::from_string(result.to_owned()).unwrap());
        let mut large = Vec::new();
        shrink(&mut row, LIMIT, &mut large);
        let taken = large.iter().map(|l| {
            assert_eq!(l.artifact.artifact_id, artifact_id("r", &l.bytes));
            let bytes = String::from_utf8(l.bytes.to_vec()).unwrap();
            (l.artifact.content_type.clone(), l.artifact.tags["path"].clone(), bytes)
        });
        let taken = taken.collect();
        (row.result.unwrap().get().to_owned(), taken)
    }

    fn reference(text: &str) -> String {
        format!("{{\"$artifact\":\"{}\"}}", artifact_id("r", text.as_bytes()))
    }

    #[test]
    fn a_long_text_goes_and_its_neighbours_stay_as_they_are() {
        let long = format!("{}ä", "x".repeat(LIMIT));
        let escaped = long.replace('ä', "\\u00e4");
        let (row, taken) = shrunk(&format!(
            r#"{{"n": 3.0, "big": 123456789012345678901234567890,"l":["{escaped}",1]}}"#
        ));
        assert_eq!(
            row,
            format!(
                r#"{{"n":3.0,"big":123456789012345678901234567890,"l":[{},1]}}"#,
                reference(&long)
            )
        );
        assert_eq!(taken, [("text/plain".to_owned(), "ledger.result.l[0]".to_owned(), long)]);
    }

    #[test]
    fn a_list_of_many_small_values_goes_whole_and_a_result_stays_an_object() {
        let list = format!("[{}]", vec!["1234"; 30].join(","));
        let (row, taken) = shrunk(&format!(r#"{{"a":{{"list":{list}}}}}"#));
        assert_eq!(row, format!(r#"{{"a":{{"list":{}}}}}"#, reference(&list)));
        assert_eq!(
            taken,
            [("application/json".to_owned(), "ledger.result.a.list".to_owned(), list)]
        );
        let wide: Vec<String> = (0..30).map(|n| format!("\"k{n}\":{n}")).collect();
        let wide = format!("{{{}}}", wide.join(","));
        assert_eq!(shrunk(&wide), (wide.clone(), Vec::new()));
    }

    #[test]
    fn the_same_value_is_taken_once_and_a_small_row_is_not_touched() {
        let long = "y".repeat(LIMIT + 1);
        let (row, taken) = shrunk(&format!(r#"{{"a":"{long}","b":"{long}"}}"#));
        let reference = reference(&long);
        assert_eq!(row, format!(r#"{{"a":{reference},"b":{reference}}}"#));
        assert_eq!(taken.len(), 1);
        let exact = format!(r#"{{"a":  "{}"}}"#, "z".repeat(LIMIT));
        assert_eq!(shrunk(&exact), (exact, Vec::new()));
    }
}
