//! A JSON object taken apart where it lies.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An object's keys and values, in order; the values are unparsed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Object<'a>(pub IndexMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Object<'a> {
    /// `None` when the value is no object (or a key of it is no text).
    pub fn of(value: &'a RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok()
    }
    pub fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0.get(name).copied()
    }
    /// The members that are wanted, by name.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let members = self.0.iter().filter(|(name, _)| wanted(name));
        Object(members.map(|(name, value)| (name.clone(), *value)).collect())
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                // A repeated key keeps its first place and takes the last value.
                let mut pairs = IndexMap::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    pairs.insert(key, value);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
