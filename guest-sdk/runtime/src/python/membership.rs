//! `item in container`
//!
//! Items are compared by identity first, and never while the container is borrowed.

use super::arith::index;
use super::compare::{quick, same_item, truth};
use super::dunder::{self, Special};
use super::error::{Py, Raised, type_error, value_error};
use super::iter;
use super::keyed;
use super::object::{Obj, Range};
use super::text::type_name;

/// `item in container`
pub fn contains(container: &Obj, item: &Obj) -> Py<bool> {
    match container {
        Obj::Str(text) => match item {
            Obj::Str(part) => Ok(text.contains(part.text.as_str())),
            _ => Err(type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                type_name(item)
            ))),
        },
        Obj::List(list) => {
            let mut at = 0;
            loop {
                let known = {
                    let items = list.0.borrow();
                    while let Some(known) = items.get(at)
                        && quick(known, item) == Some(false)
                        && !matches!(known, Obj::Float(_))
                    {
                        at += 1;
                    }
                    match items.get(at) {
                        Some(known) => known.clone(),
                        None => return Ok(false),
                    }
                };
                if same_item(&known, item)? {
                    return Ok(true);
                }
                at += 1;
            }
        }
        Obj::Tuple(items) => {
            for known in items.iter() {
                if same_item(known, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Obj::Dict(dict) => keyed::dict_contains(dict, item),
        Obj::Set(set) => keyed::set_contains(set, item),
        Obj::Range(range) => match item {
            Obj::Int(n) => Ok(in_range(range, *n)),
            Obj::Bool(b) => Ok(in_range(range, i64::from(*b))),
            Obj::Float(f) => Ok(f.fract() == 0.0 && f.abs() < 9.3e18 && *f as i64 as f64 == *f && in_range(range, *f as i64)),
            Obj::Instance(_) | Obj::Native(_) => among(container, item),
            _ => Ok(false),
        },
        Obj::Bytes(bytes) => match item {
            Obj::Bytes(part) => Ok(part.is_empty() || bytes.windows(part.len()).any(|window| *window == **part)),
            Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => {
                let byte = index(item).ok().and_then(|n| u8::try_from(n).ok());
                let byte = byte.ok_or_else(|| value_error("byte must be in range(0, 256)"))?;
                Ok(bytes.contains(&byte))
            }
            _ => Err(type_error(format!(
                "a bytes-like object is required, not '{}'",
                type_name(item)
            ))),
        },
        Obj::Native(native) => {
            if let Some(answer) = native.contains(item) {
                return answer;
            }
            if native.iter(container).is_none() {
                return Err(not_iterable(container));
            }
            among(container, item)
        }
        Obj::Iter(_) | Obj::Generator(_) => among(container, item),
        Obj::Instance(_) => {
            if let Some(answer) = dunder::call(container, Special::Contains, std::slice::from_ref(item))? {
                return truth(&answer);
            }
            if !dunder::defines(container, Special::Iter) && !dunder::defines(container, Special::GetItem) {
                return Err(not_iterable(container));
            }
            among(container, item)
        }
        _ => Err(not_iterable(container)),
    }
}

fn not_iterable(container: &Obj) -> Raised {
    type_error(format!("argument of type '{}' is not iterable", type_name(container)))
}

/// Membership by iterating.
fn among(container: &Obj, item: &Obj) -> Py<bool> {
    let iterator = iter::iter(container)?;
    while let Some(known) = iter::next(&iterator)? {
        if same_item(&known, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

pub fn in_range(range: &Range, n: i64) -> bool {
    let inside = if range.step > 0 {
        range.start <= n && n < range.stop
    } else {
        range.stop < n && n <= range.start
    };
    inside && (i128::from(n) - i128::from(range.start)) % i128::from(range.step) == 0
}
