//! Reading single fields of an effect's payload without parsing the rest of it.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// The top-level fields of a JSON object, each as text.
pub struct Fields<'a>(HashMap<std::borrow::Cow<'a, str>, &'a RawValue>);

impl<'a> Fields<'a> {
    /// The fields of `json`; none when it is not an object.
    pub fn of(json: &'a RawValue) -> Self {
        #[derive(serde::Deserialize)]
        struct Borrowed<'a>(#[serde(borrow)] HashMap<Key<'a>, &'a RawValue>);
        #[derive(serde::Deserialize, PartialEq, Eq, Hash)]
        struct Key<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);
        let fields: Result<Borrowed<'a>, _> = serde_json::from_str(json.get());
        Fields(
            fields
                .map(|f| f.0.into_iter().map(|(k, v)| (k.0, v)).collect())
                .unwrap_or_default(),
        )
    }

    pub fn raw(&self, key: &str) -> Option<&'a RawValue> {
        self.0.get(key).copied().filter(|raw| raw.get() != "null")
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
