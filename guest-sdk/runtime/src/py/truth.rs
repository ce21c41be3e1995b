//! Truth, as `if` and `bool()` see it.

use crate::value::Value;

/// Python's `bool(value)`: false for null, false, zero and what is empty. The text "false" is true.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Int(n) => *n != 0,
        Value::Big(_) => true,
        Value::Float(f) => *f != 0.0,
        Value::Str(s) => !s.is_empty(),
        Value::List(list) => !list.borrow().is_empty(),
        Value::Dict(dict) => !dict.borrow().is_empty(),
    }
}
