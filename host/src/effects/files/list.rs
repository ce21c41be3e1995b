//! `list_folder_files`: the files of a folder, by kind and extension.

use flow_rt::py;
use flow_rt::value::{Map, Value};

use super::{Files, object, rejected};
use crate::workspace::{Error, Want, family};

pub(super) fn list_folder_files(files: &Files<'_>) -> Result<Map, String> {
    let (path, _) = files.find("folder_path")?;
    let flag = |name: &str| files.fields.value(name).as_ref().is_some_and(py::truthy);
    let family = files
        .fields
        .value("family")
        .filter(py::truthy)
        .and_then(|value| py::str(&value).ok());
    let want = Want {
        recursive: flag("recursive"),
        folders: flag("include_directories"),
        family: family.map_or_else(|| "any".to_owned(), |family| family.trim().to_lowercase()),
        extensions: extensions(files.fields.value("extensions")),
        limit: number(files, "limit").map_or(500, |limit| limit.clamp(1, 5000)),
        max_depth: number(files, "max_depth").unwrap_or_default(),
        named_folder: true,
        ..Want::default()
    };
    let listing = files.scope.list(&path, &want).map_err(|error| match error {
        Error::NotFound => format!("Folder not found: {path}"),
        Error::NotAFolder => format!("Not a folder: {path}"),
        other => rejected("list_folder_files", &other),
    })?;
    let named = listing.items.iter().filter(|entry| entry.kind == "file");
    let names: Vec<Value> = named.map(|entry| Value::str(entry.path.as_str())).collect();
    let entries = listing.items.into_iter().map(|entry| {
        let mut fields = object([
            ("path", Value::str(entry.path)),
            ("name", Value::str(entry.name)),
            ("kind", Value::str(entry.kind)),
            ("family", Value::str(entry.family)),
        ]);
        if let Some(bytes) = entry.size_bytes {
            fields.insert("size_bytes".into(), Value::Int(bytes as i64));
        }
        Value::dict(fields)
    });
    let entries = Value::list(entries.collect());
    Ok(object([
        ("count", Value::Int(names.len() as i64)),
        ("files", Value::list(names)),
        ("entries", entries),
        ("truncated", Value::Bool(listing.truncated)),
        ("folder_path", Value::str(listing.folder_path)),
    ]))
}

/// A number as Python's `int` reads it, not below 0; none where it reads none.
fn number(files: &Files<'_>, name: &str) -> Option<usize> {
    let number = py::to_index(&files.fields.value(name)?).ok()?;
    Some(usize::try_from(number).unwrap_or_default())
}

/// A list, or one text with commas or lines.
fn extensions(value: Option<Value>) -> Vec<String> {
    let texts: Vec<Value> = match value {
        Some(value) => match value.as_list() {
            Some(list) => list.borrow().clone(),
            None => vec![value],
        },
        None => Vec::new(),
    };
    let texts = texts
        .iter()
        .filter(|item| py::truthy(item))
        .filter_map(|item| py::str(item).ok());
    texts.flat_map(|text| family::extensions(&text)).collect()
}
