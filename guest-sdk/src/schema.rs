//! The start pins of a flow, from the JSON Schema of its input type.

use schemars::JsonSchema;
use serde_json::{Map, Value};

/// The JSON Schema of a type.
pub(crate) fn of<T: JsonSchema>() -> Value {
    let mut schema = schemars::SchemaGenerator::default().into_root_schema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("$schema");
    }
    schema
}

/// `[{"id", "type", "label", "description"?, "default"?, "schema"}]`: one for each member of the input, in order. A member that may be left
/// out has a default; it is `null` where the type says nothing else.
pub fn start_pins<I: JsonSchema>() -> String {
    let schema = of::<I>();
    let required = schema.get("required").and_then(Value::as_array);
    let definitions = schema.get("$defs");
    let members = schema.get("properties").and_then(Value::as_object);
    let pins = members.into_iter().flatten().map(|(id, member)| {
        let mut pin = Map::new();
        pin.insert("id".to_owned(), Value::from(id.as_str()));
        pin.insert("type".to_owned(), Value::from(pin_type(member, definitions)));
        let text = |key: &str| member.get(key).and_then(Value::as_str);
        let label = text("title").map_or_else(|| label(id), str::to_owned);
        pin.insert("label".to_owned(), Value::from(label));
        if let Some(description) = text("description") {
            pin.insert("description".to_owned(), Value::from(description));
        }
        let optional = !required.is_some_and(|names| names.iter().any(|name| name == id));
        if let Some(default) = member.get("default").cloned().or(optional.then_some(Value::Null)) {
            pin.insert("default".to_owned(), default);
        }
        let mut member = member.clone();
        if let (Some(object), Some(definitions)) = (member.as_object_mut(), definitions)
            && mentions_definition(object)
        {
            object.insert("$defs".to_owned(), definitions.clone());
        }
        pin.insert("schema".to_owned(), member);
        Value::Object(pin)
    });
    Value::Array(pins.collect()).to_string()
}

/// `snake_case` as people read it.
fn label(id: &str) -> String {
    let mut label = id.replace('_', " ");
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

/// The pin type that a graph would have for values of this schema.
fn pin_type(schema: &Value, definitions: Option<&Value>) -> &'static str {
    let ty = match schema.get("type") {
        Some(Value::String(ty)) => Some(ty.as_str()),
        // An optional value: the type beside null.
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).find(|ty| *ty != "null"),
        _ => None,
    };
    match ty {
        Some("string") => "string",
        Some("integer" | "number") => "number",
        Some("boolean") => "boolean",
        Some("array") => "array",
        Some("object") => "object",
        _ => {
            let name = schema
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|name| name.rsplit('/').next());
            let named = name.and_then(|name| definitions?.get(name));
            let several = ["anyOf", "oneOf", "allOf"]
                .into_iter()
                .find_map(|key| schema.get(key)?.as_array());
            let one = several.and_then(|all| all.iter().find(|s| s.get("type").is_none_or(|ty| ty != "null")));
            named.or(one).map_or("any", |inner| pin_type(inner, definitions))
        }
    }
}

fn mentions_definition(schema: &Map<String, Value>) -> bool {
    fn within(value: &Value) -> bool {
        match value {
            Value::Object(object) => mentions_definition(object),
            Value::Array(items) => items.iter().any(within),
            _ => false,
        }
    }
    schema.contains_key("$ref") || schema.values().any(within)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn pins_tell_what_may_be_left_out_and_of_which_type_each_is() {
        #[derive(Deserialize, JsonSchema)]
        #[allow(dead_code)]
        struct Address {
            city: String,
        }
        #[derive(Deserialize, JsonSchema)]
        #[allow(dead_code)]
        struct Input {
            /// What it is about.
            prompt: String,
            #[serde(default)]
            max_words: u32,
            to: Option<Address>,
            tags: Vec<String>,
            urgent: bool,
        }
        let pins: Value = serde_json::from_str(&start_pins::<Input>()).unwrap();
        let short: Vec<Value> = pins
            .as_array()
            .unwrap()
            .iter()
            .map(|p| json!([p["id"], p["type"], p["label"], p.get("default")]))
            .collect();
        let expected = json!([
            ["prompt", "string", "Prompt", null],
            ["max_words", "number", "Max words", 0],
            ["to", "object", "To", null],
            ["tags", "array", "Tags", null],
            ["urgent", "boolean", "Urgent", null],
        ]);
        assert_eq!(json!(short), expected);
        assert_eq!(pins[0]["description"], "What it is about.");
        assert!(pins[0].get("default").is_none());
        assert!(pins[2].get("default").is_some());
        assert_eq!(pins[2]["schema"]["$defs"]["Address"]["properties"]["city"]["type"], "string");
        assert!(pins[3]["schema"].get("$defs").is_none());
    }
}
