//! Values of the flow as Python objects, and back.
//!
//! Lists and objects of a flow are shared by reference, and a code node that changes its input changes it for every reader. So each
//! container is lifted once, and what the program has changed is written back into the flow's own container; what it returns
//! unchanged is the flow's own value again.

use std::collections::HashMap;
use std::rc::Rc;

use rustc_hash::FxBuildHasher;

use super::object::Obj;
use super::table::Table;
use super::text;
use crate::json::MAX_DEPTH;
use crate::value::{Map, Value};

/// Both directions of one call.
#[derive(Default)]
pub struct Bridge {
    /// Objects of the flow's containers, by the container's address.
    lifted: HashMap<usize, Obj, FxBuildHasher>,
    /// The flow's values of containers that have one, by the object's address; the object is held so that the address stays its own.
    lowered: HashMap<usize, (Obj, Value), FxBuildHasher>,
    /// Every container that was lifted.
    inputs: Vec<(Value, Obj)>,
    /// A number that JSON cannot hold was lowered.
    pub non_finite: bool,
}

/// Why an object is no value of a flow: the path to what cannot be sent, and its kind.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    Kind { path: String, kind: String },
    Depth,
}

impl Refusal {
    /// The reference's text.
    pub fn text(&self, function: &str) -> String {
        match self {
            Refusal::Kind { path, kind } => format!(
                "{function} returned a value that cannot be sent as JSON: {kind} at {path}. \
                 Return data: str, int, float, bool, None, lists and dicts of those."
            ),
            Refusal::Depth => format!("{function} returned a value that is nested too deep (more than {MAX_DEPTH} levels)"),
        }
    }

    fn kind(path: &Path, kind: String) -> Self {
        Refusal::Kind {
            path: format!("output{}", path.text()),
            kind,
        }
    }
}

/// Where a value stands, from the inside out.
enum Path<'a> {
    Top,
    Item(&'a Path<'a>, usize),
    Key(&'a Path<'a>, &'a Obj),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Path::Top => String::new(),
            Path::Item(above, at) => format!("{}[{at}]", above.text()),
            Path::Key(above, key) => format!("{}[{}]", above.text(), text::repr(key).unwrap_or_default()),
        }
    }
}

fn address(value: &Value) -> Option<usize> {
    match value {
        Value::List(list) => Some(list.address()),
        Value::Dict(dict) => Some(dict.address()),
        _ => None,
    }
}

impl Bridge {
    /// The object of a value.
    pub fn lift(&mut self, value: &Value) -> Obj {
        let first = self.inputs.len();
        let object = self.shell(value);
        // Containers are filled one by one, not by recursion: a value may be deeper than the stack, or hold itself.
        let mut at = first;
        while let Some((value, object)) = self.inputs.get(at).cloned() {
            self.fill(&value, &object);
            at += 1;
        }
        object
    }

    /// The object of a value; that of a container may still be empty.
    fn shell(&mut self, value: &Value) -> Obj {
        let (key, object) = match value {
            Value::Null => return Obj::None,
            Value::Bool(b) => return Obj::Bool(*b),
            Value::Int(n) => return Obj::Int(*n),
            Value::Big(n) => return Obj::Big(n.clone()),
            Value::Float(f) => return Obj::Float(*f),
            Value::Str(text) => return Obj::str(&**text),
            Value::List(list) => (list.address(), Obj::list(Vec::new())),
            Value::Dict(dict) => (dict.address(), Obj::dict(Table::default())),
        };
        if let Some(known) = self.lifted.get(&key) {
            return known.clone();
        }
        self.lifted.insert(key, object.clone());
        if let Some(place) = object.address() {
            self.lowered.insert(place, (object.clone(), value.clone()));
        }
        self.inputs.push((value.clone(), object.clone()));
        object
    }

    fn fill(&mut self, value: &Value, object: &Obj) {
        match (value, object) {
            (Value::List(list), Obj::List(items)) => {
                let lifted = list.borrow().iter().map(|item| self.shell(item)).collect();
                *items.0.borrow_mut() = lifted;
            }
            (Value::Dict(dict), Obj::Dict(entries)) => {
                let dict = dict.borrow();
                let mut table = Table::with_capacity(dict.len());
                for (key, value) in dict.iter() {
                    // A text is always hashable.
                    let _ = table.insert(Obj::str(&**key), self.shell(value));
                }
                *entries.table.borrow_mut() = table;
            }
            _ => {}
        }
    }

    /// Writes what the program has changed in its input back into the flow's containers. All that can be written is, whatever else
    /// is refused.
    pub fn write_back(&mut self) -> Result<(), Refusal> {
        let mut refused = Ok(());
        for at in 0..self.inputs.len() {
            let Some((value, object)) = self.inputs.get(at).cloned() else {
                break;
            };
            if self.is_unchanged(&value, &object) {
                continue;
            }
            match (&value, &object) {
                (Value::List(list), Obj::List(items)) => {
                    let items = items.0.borrow().clone();
                    match self.lower_all(&items, &Path::Top, 1) {
                        Ok(items) => *list.borrow_mut() = items,
                        Err(refusal) => refused = refused.and(Err(refusal)),
                    }
                }
                (Value::Dict(dict), Obj::Dict(entries)) => {
                    let entries: Vec<(Obj, Obj)> = {
                        let table = entries.table.borrow();
                        table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
                    };
                    match self.lower_entries(&entries, &Path::Top, 1) {
                        Ok(entries) => *dict.borrow_mut() = entries,
                        Err(refusal) => refused = refused.and(Err(refusal)),
                    }
                }
                _ => {}
            }
        }
        refused
    }

    fn is_unchanged(&self, value: &Value, object: &Obj) -> bool {
        match (value, object) {
            (Value::List(list), Obj::List(items)) => {
                let (list, items) = (list.borrow(), items.0.borrow());
                list.len() == items.len() && list.iter().zip(items.iter()).all(|(value, item)| self.is_same(value, item))
            }
            (Value::Dict(dict), Obj::Dict(entries)) => {
                let (dict, entries) = (dict.borrow(), entries.table.borrow());
                dict.len() == entries.len()
                    && dict
                        .iter()
                        .zip(entries.iter())
                        .all(|((key, value), (name, item))| name.as_str() == Some(key) && self.is_same(value, item))
            }
            _ => true,
        }
    }

    fn is_same(&self, value: &Value, object: &Obj) -> bool {
        match (value, object) {
            (Value::Null, Obj::None) => true,
            (Value::Bool(a), Obj::Bool(b)) => a == b,
            (Value::Int(a), Obj::Int(b)) => a == b,
            (Value::Big(a), Obj::Big(b)) => a == b,
            (Value::Float(a), Obj::Float(b)) => a.to_bits() == b.to_bits(),
            (Value::Str(a), Obj::Str(b)) => **a == *b.text,
            (Value::List(_) | Value::Dict(_), Obj::List(_) | Obj::Dict(_)) => {
                let known = address(value).and_then(|address| self.lifted.get(&address));
                known.is_some_and(|known| known.is(object))
            }
            _ => false,
        }
    }

    /// The value of an object. Call [`Bridge::write_back`] first: the flow's own containers are given as they are then.
    pub fn lower(&mut self, object: &Obj) -> Result<Value, Refusal> {
        self.lower_at(object, &Path::Top, 0)
    }

    fn lower_at(&mut self, object: &Obj, path: &Path, depth: usize) -> Result<Value, Refusal> {
        Ok(match object {
            Obj::None => Value::Null,
            Obj::Bool(b) => Value::Bool(*b),
            Obj::Int(n) => Value::Int(*n),
            Obj::Big(n) => Value::Big(n.clone()),
            Obj::Float(f) => {
                self.non_finite |= !f.is_finite();
                Value::Float(*f)
            }
            Obj::Str(text) => Value::str(text.text.as_str()),
            Obj::List(_) | Obj::Dict(_) | Obj::Tuple(_) | Obj::Native(_) => return self.lower_container(object, path, depth),
            other => return Err(Refusal::kind(path, kind_of(other))),
        })
    }

    #[inline(never)]
    fn lower_container(&mut self, object: &Obj, path: &Path, depth: usize) -> Result<Value, Refusal> {
        if depth >= MAX_DEPTH {
            return Err(Refusal::Depth);
        }
        if let Obj::Native(native) = object
            && let Some(plain) = native.as_plain()
        {
            return self.lower_at(plain, path, depth + 1);
        }
        let place = object.address().unwrap_or(0);
        if let Some((_, known)) = self.lowered.get(&place) {
            return Ok(known.clone());
        }
        let value = match object {
            Obj::List(list) => {
                let items = list.0.borrow().clone();
                Value::list(self.lower_all(&items, path, depth + 1)?)
            }
            Obj::Tuple(items) => Value::list(self.lower_all(items, path, depth + 1)?),
            Obj::Dict(dict) => {
                let entries: Vec<(Obj, Obj)> = {
                    let table = dict.table.borrow();
                    table.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
                };
                Value::dict(self.lower_entries(&entries, path, depth + 1)?)
            }
            Obj::Native(native) => match native.as_tuple() {
                Some(items) => Value::list(self.lower_all(items, path, depth + 1)?),
                None => return Err(Refusal::kind(path, kind_of(object))),
            },
            other => return Err(Refusal::kind(path, kind_of(other))),
        };
        self.lowered.insert(place, (object.clone(), value.clone()));
        Ok(value)
    }

    fn lower_all(&mut self, items: &[Obj], path: &Path, depth: usize) -> Result<Vec<Value>, Refusal> {
        let lowered = items.iter().enumerate();
        lowered
            .map(|(at, item)| self.lower_at(item, &Path::Item(path, at), depth))
            .collect()
    }

    fn lower_entries(&mut self, entries: &[(Obj, Obj)], path: &Path, depth: usize) -> Result<Map, Refusal> {
        let mut map = Map::with_capacity_and_hasher(entries.len(), FxBuildHasher);
        for (key, value) in entries {
            let Some(name) = key_text(key) else {
                return Err(Refusal::Kind {
                    path: format!("output{} (key {})", path.text(), text::repr(key).unwrap_or_default()),
                    kind: text::own_name(key).to_string(),
                });
            };
            let value = self.lower_at(value, &Path::Key(path, key), depth)?;
            map.insert(name, value);
        }
        Ok(map)
    }
}

/// A key as Python's `json.dumps` writes it.
fn key_text(key: &Obj) -> Option<Rc<str>> {
    Some(match key {
        Obj::Str(text) => Rc::from(text.text.as_str()),
        Obj::None => Rc::from("null"),
        Obj::Bool(true) => Rc::from("true"),
        Obj::Bool(false) => Rc::from("false"),
        Obj::Int(_) | Obj::Big(_) | Obj::Float(_) => Rc::from(text::repr(key).ok()?),
        _ => return None,
    })
}

/// A kind of object as the reference's message names it.
fn kind_of(object: &Obj) -> String {
    match object {
        Obj::Module(module) => format!("module '{}'", module.name()),
        Obj::Function(function) => format!("function '{}'", function.code.name.text),
        Obj::Builtin(builtin) if !text::is_type(*builtin) => format!("function '{}'", builtin.name()),
        Obj::NativeFn(function) => format!("function '{}'", function.name),
        Obj::BuiltinMethod(method) => format!("function '{}'", method.name.text.text),
        Obj::Bound(bound) => match &bound.function {
            Obj::Function(function) => format!("function '{}'", function.code.name.text),
            _ => "function '?'".to_owned(),
        },
        other => text::own_name(other).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn value(text: &str) -> Value {
        json::parse(text).unwrap()
    }

    fn shown(value: &Value) -> String {
        json::to_string(value).unwrap()
    }

    #[test]
    fn a_value_lifted_and_lowered_is_the_same_value() {
        let given = value(r#"{"a": [1, 2.5, null, true, "x", 123456789012345678901234567890], "b": {"c": []}}"#);
        let mut bridge = Bridge::default();
        let object = bridge.lift(&given);
        bridge.write_back().unwrap();
        let back = bridge.lower(&object).unwrap();
        assert!(back.as_dict().unwrap().is(given.as_dict().unwrap()));
        // What is inside keeps its identity too, as a part of something new.
        let Obj::Dict(dict) = &object else { panic!() };
        let part = dict.table.borrow().get_str("a").unwrap();
        let back = bridge.lower(&Obj::list(vec![part])).unwrap();
        let inner = back.as_list().unwrap().borrow()[0].clone();
        let own = given.as_dict().unwrap().get("a").unwrap();
        assert!(inner.as_list().unwrap().is(own.as_list().unwrap()));
    }

    #[test]
    fn what_the_program_changes_in_its_input_every_reader_sees() {
        let given = value(r#"{"a": [1], "b": {"k": 1}}"#);
        let reader = given.as_dict().unwrap().get("a").unwrap();
        let mut bridge = Bridge::default();
        let object = bridge.lift(&given);
        let Obj::Dict(dict) = &object else { panic!() };
        let Some(Obj::List(list)) = dict.table.borrow().get_str("a") else {
            panic!()
        };
        let inner = dict.table.borrow().get_str("b").unwrap();
        list.0.borrow_mut().push(inner);
        list.0.borrow_mut().push(Obj::Tuple(Rc::new([Obj::Int(1)])));
        bridge.write_back().unwrap();
        assert_eq!(shown(&reader), r#"[1,{"k":1},[1]]"#);
        let own = given.as_dict().unwrap().get("b").unwrap();
        let seen = reader.as_list().unwrap().borrow()[1].clone();
        assert!(seen.as_dict().unwrap().is(own.as_dict().unwrap()));
    }

    #[test]
    fn keys_become_their_json_text() {
        let mut table = Table::default();
        for (at, key) in [Obj::Int(1), Obj::Float(2.5), Obj::None, Obj::Bool(false)]
            .into_iter()
            .enumerate()
        {
            table.insert(key, Obj::Int(at as i64)).unwrap();
        }
        let lowered = Bridge::default().lower(&Obj::dict(table)).unwrap();
        assert_eq!(shown(&lowered), r#"{"1":0,"2.5":1,"null":2,"false":3}"#);
    }

    #[test]
    fn what_json_cannot_hold_is_refused_with_its_path() {
        let mut table = Table::default();
        table
            .insert(Obj::str("k"), Obj::list(vec![Obj::Int(1), Obj::Ellipsis]))
            .unwrap();
        let refusal = Bridge::default().lower(&Obj::dict(table)).unwrap_err();
        assert_eq!(
            refusal.text("transform"),
            "transform returned a value that cannot be sent as JSON: ellipsis at output['k'][1]. \
             Return data: str, int, float, bool, None, lists and dicts of those."
        );
        let own = Obj::list(Vec::new());
        if let Obj::List(list) = &own {
            list.0.borrow_mut().push(own.clone());
        }
        assert_eq!(Bridge::default().lower(&own).unwrap_err(), Refusal::Depth);
    }
}
