//! `write_file`: a text, or a value as JSON.

use flow_rt::value::{Map, Value};
use flow_rt::{json, py};

use super::{Files, indented, object, rejected};
use crate::ids::Digest;
use crate::workspace::{Error, How};

pub(super) fn write_file(files: &Files<'_>) -> Result<Map, String> {
    let (path, found) = files.find("file_path")?;
    let text = text(found.file_name(), files.fields.value("content"))?;
    let name = put(files, found, &path, text.as_bytes())?;
    Ok(object([
        ("bytes", Value::Int(text.len() as i64)),
        ("file_path", Value::str(name)),
    ]))
}

/// Writes a whole file, makes the folders that it lies in, and gives its name.
pub(super) fn put(files: &Files<'_>, found: crate::workspace::Found, path: &str, bytes: &[u8]) -> Result<String, String> {
    let how = How {
        key: &Digest::of(files.call.idempotency_key.as_bytes()).hex()[..32],
        make_folders: true,
        overwrite: true,
    };
    files.scope.write(found, bytes, how).map_err(|error| match error {
        Error::NotAFile => format!("Not a file: {path}"),
        Error::NotAFolder => format!("Not a folder on the way: {path}"),
        Error::TooLarge { .. } | Error::Full { .. } => format!("Cannot write '{path}': {error}"),
        other => rejected(&files.call.kind, &other),
    })
}

/// What a file of this name holds for `content`.
fn text(name: &str, content: Option<Value>) -> Result<String, String> {
    if name.to_lowercase().ends_with(".json") {
        let value = match content {
            Some(Value::Str(text)) => {
                json::parse(&text).map_err(|error| format!("write_file JSON content must be valid JSON: {error}"))?
            }
            Some(value) => value,
            None => Value::Null,
        };
        return Ok(indented(&value)? + "\n");
    }
    match content {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.to_string()),
        Some(value) if value.as_dict().is_some() || value.as_list().is_some() => indented(&value),
        Some(value) => py::str(&value)
            .map(|text| text.to_string())
            .map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_written_as_python_writes_it() {
        for (name, content, wanted) in [
            ("a.txt", "null", ""),
            ("a.txt", "\"é\\n\"", "é\n"),
            ("a.txt", "true", "True"),
            ("a.txt", "1.0", "1.0"),
            ("a.txt", "1e16", "1e+16"),
            (
                "a.txt",
                r#"{"é":[1,2.0],"e":[]}"#,
                "{\n  \"é\": [\n    1,\n    2.0\n  ],\n  \"e\": []\n}",
            ),
            ("a.JSON", r#"" [1] ""#, "[\n  1\n]\n"),
            ("a.json", "null", "null\n"),
            ("a.json", "true", "true\n"),
        ] {
            let content = Some(json::parse(content).unwrap()).filter(|value| !value.is_null());
            assert_eq!(text(name, content).unwrap(), wanted, "{name}");
        }
        assert!(
            text("a.json", Some(Value::str("{")))
                .unwrap_err()
                .starts_with("write_file JSON content must be valid JSON: ")
        );
    }
}
