//! `read_file`: a text, or the value of a JSON file.

use flow_rt::json;
use flow_rt::value::{Map, Value};

use super::{Files, object};
use crate::workspace::universal;

pub(super) fn read_file(files: &Files<'_>) -> Result<Map, String> {
    let (path, found) = files.find("file_path")?;
    let bytes = files.read(&path, &found)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("Cannot read '{path}' as UTF-8: invalid byte at position {at}")
    })?;
    let content = content(found.file_name(), universal(text)).map_err(|error| format!("Invalid JSON in '{path}': {error}"))?;
    Ok(object([("content", content), ("file_path", Value::str(found.name))]))
}

/// A `.json` file must be JSON; another one that looks like it is read as JSON if it is.
fn content(name: &str, text: String) -> Result<Value, json::Error> {
    // In a result it lies one level deeper.
    let parsed = |text: &str| {
        let value = json::parse(text)?;
        json::to_string(&Value::list(vec![value.clone()]))?;
        Ok(value)
    };
    if name.to_lowercase().ends_with(".json") {
        return parsed(&text);
    }
    let value = text.trim_start().starts_with(['{', '[']).then(|| parsed(&text).ok());
    Ok(value.flatten().unwrap_or_else(|| Value::str(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_told_by_name_or_by_look() {
        let text = |name: &str, text: &str| content(name, text.to_owned()).map(|value| json::to_string(&value).unwrap());
        assert_eq!(
            text("a.JSON", " [1.0, 12345678901234567890123]").unwrap(),
            "[1.0,12345678901234567890123]"
        );
        assert_eq!(text("a.json", "\"x\"").unwrap(), "\"x\"");
        assert!(text("a.json", "x").is_err());
        assert!(
            text("a.json", &format!("{}{}", "[".repeat(128), "]".repeat(128))).is_err(),
            "its result would be too deep"
        );
        assert_eq!(text("a.txt", " {\"a\": 1}").unwrap(), "{\"a\":1}");
        assert_eq!(text("a.txt", "{a").unwrap(), "\"{a\"");
        assert_eq!(text("a.txt", "1").unwrap(), "\"1\"");
    }
}
