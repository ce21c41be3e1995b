//! The format mini-language, `str.format` and `%`.

use super::error::{Py, type_error};
use super::object::{Args, Obj};

/// `format(value, spec)`
pub fn format(value: &Obj, spec: &str) -> Py<String> {
    let _ = (value, spec);
    Err(type_error("not built"))
}
/// `template % values`
pub fn percent(template: &str, values: &Obj) -> Py<String> {
    let _ = (template, values);
    Err(type_error("not built"))
}
/// `template.format(*args, **names)`
pub fn template(template: &str, args: &Args) -> Py<String> {
    let _ = (template, args);
    Err(type_error("not built"))
}
/// `template.format_map(mapping)`
pub fn template_map(template: &str, mapping: &Obj) -> Py<String> {
    let _ = (template, mapping);
    Err(type_error("not built"))
}
