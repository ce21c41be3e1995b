//! Reading single fields of an effect's payload without parsing the rest of it.

use std::borrow::Cow;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The top-level fields of a JSON object, each as text. Payloads have few: a list is searched faster than it is hashed.
pub struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// Reads an object's fields in their order.
struct Members;

impl<'a> Visitor<'a> for Members {
    type Value = Vec<(Cow<'a, str>, &'a RawValue)>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        #[derive(serde::Deserialize)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
        let mut fields = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            fields.push((key, value));
        }
        Ok(fields)
    }
}

impl<'a> Fields<'a> {
    /// The fields of `json`; none when it is not an object.
    pub fn of(json: &'a RawValue) -> Self {
        let mut reader = serde_json::Deserializer::from_str(json.get());
        Fields(reader.deserialize_map(Members).unwrap_or_default())
    }

    /// A field that is not null; of several with one name the last.
    pub fn raw(&self, key: &str) -> Option<&'a RawValue> {
        let (_, raw) = self.0.iter().rev().find(|(name, _)| name == key)?;
        Some(*raw).filter(|raw| raw.get() != "null")
    }

    /// A text field; none when it is absent or something else.
    pub fn text(&self, key: &str) -> Option<String> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// A text field that is not blank, trimmed.
    pub fn name(&self, key: &str) -> Option<String> {
        self.text(key).map(|t| t.trim().to_owned()).filter(|t| !t.is_empty())
    }

    pub fn bool(&self, key: &str) -> Option<bool> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }

    /// The field with Python's semantics.
    pub fn value(&self, key: &str) -> Option<flow_rt::value::Value> {
        flow_rt::json::parse(self.raw(key)?.get()).ok()
    }

    pub fn list(&self, key: &str) -> Option<Vec<&'a RawValue>> {
        serde_json::from_str(self.raw(key)?.get()).ok()
    }
}
