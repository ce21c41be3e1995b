//! The module `enum`: `Enum`, `IntEnum`, `StrEnum` and enumerations mixed with `str` or `int`.
//!
//! An enumeration is an object of its own, not a class of the program: its members are made once, when the `class` statement runs.
//! Members know what the class body defined, but hold their enumeration weakly, since it holds them.

mod member;

use std::any::Any;
use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::bind::{bind, need};
use super::declare::{arg, declare};
use super::made_class::{self, call_member};
use super::named::Items;
use crate::python::arith::{self, BinaryOp};
use crate::python::compare;
use crate::python::error::{Py, raise, type_error, value_error};
use crate::python::hash;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::{repr, type_name};

declare! {
    "enum" {
        "unique" => unique,
    } {
        "Enum" => Obj::NativeType(&ENUM),
        "IntEnum" => Obj::NativeType(&INT_ENUM),
        "StrEnum" => Obj::NativeType(&STR_ENUM),
        "auto" => Obj::NativeType(&AUTO),
    }
}

/// What members are beside members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// The value itself, too: members of `class Color(str, Enum)`.
    Mixed,
    /// As [`Kind::Mixed`], and shown as their value (`IntEnum`, `StrEnum`).
    Value,
}

macro_rules! base {
    ($type:ident, $name:literal, $kind:pat) => {
        static $type: NativeType = NativeType {
            module: "enum",
            name: $name,
            new: |_| {
                Err(type_error(
                    "making an enumeration by a call is not supported: write a class statement",
                ))
            },
            is_instance: |object| {
                object
                    .as_native::<Member>()
                    .is_some_and(|member| matches!(member.shape.kind, $kind))
            },
            attribute: |_| None,
        };
    };
}

base!(ENUM, "Enum", _);
base!(INT_ENUM, "IntEnum", Kind::Value);
base!(STR_ENUM, "StrEnum", Kind::Value);

/// What all members of an enumeration share.
struct Shape {
    name: String,
    /// The name after those that it is defined in.
    qualname: String,
    kind: Kind,
    /// What the class body defined beside members, and what its bases had.
    attrs: Table<Obj>,
}

/// An enumeration.
pub struct Class {
    me: Weak<Class>,
    shape: Rc<Shape>,
    /// Names, aliases too, and members in the order of their definition.
    members: RefCell<Vec<(Rc<Text>, Obj)>>,
}

/// A member of an enumeration.
pub struct Member {
    me: Weak<Member>,
    class: Weak<Class>,
    shape: Rc<Shape>,
    name: Rc<Text>,
    value: Obj,
    /// What `__init__` has set.
    attrs: RefCell<Table<Obj>>,
}

static CLASS: NativeType = NativeType {
    module: "enum",
    name: "EnumType",
    new: |_| Err(type_error("cannot create 'EnumType' instances")),
    is_instance: |object| object.as_native::<Class>().is_some(),
    attribute: |_| None,
};

/// `auto()`: a value that the enumeration chooses.
struct Auto;

static AUTO: NativeType = NativeType {
    module: "enum",
    name: "auto",
    new: |args| {
        args.expect("auto", 0, 0, &[])?;
        Ok(Obj::native(Auto))
    },
    is_instance: |object| object.as_native::<Auto>().is_some(),
    attribute: |_| None,
};

impl Native for Auto {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &AUTO
    }
    fn repr(&self) -> Py<String> {
        Ok("<enum.auto>".to_owned())
    }
}

/// Whether a type is one that enumerations derive from.
pub fn is_base(kind: &'static NativeType) -> bool {
    [&ENUM, &INT_ENUM, &STR_ENUM].iter().any(|base| std::ptr::eq(*base, kind))
}

/// The enumeration of a `class` statement.
pub fn define(name: &str, bases: &[Obj], body: &Table<Obj>) -> Py {
    let mut kind = Kind::Plain;
    let mut text_values = false;
    let mut attrs = Table::default();
    for base in bases {
        match base {
            Obj::NativeType(base) if std::ptr::eq(*base, &STR_ENUM) => (kind, text_values) = (Kind::Value, true),
            Obj::NativeType(base) if std::ptr::eq(*base, &INT_ENUM) => kind = Kind::Value,
            Obj::Builtin(Builtin::Str) => (kind, text_values) = (Kind::Mixed, true),
            Obj::Builtin(Builtin::Int | Builtin::Float | Builtin::Bytes | Builtin::Tuple) => kind = Kind::Mixed,
            Obj::Class(class) => inherit(&mut attrs, &class.attrs.borrow())?,
            _ => {
                if let Some(base) = base.as_native::<Class>() {
                    if !base.members.borrow().is_empty() {
                        let text = format!("<enum '{name}'> cannot extend {}", base.repr()?);
                        return Err(type_error(text));
                    }
                    kind = base.shape.kind;
                    inherit(&mut attrs, &base.shape.attrs)?;
                }
            }
        }
    }
    let mut members = Vec::new();
    let qualname = body.get_str("__qualname__");
    for (key, value) in body.iter() {
        let Some(key_text) = key.as_str() else { continue };
        if is_member(key_text, value) {
            members.push((Rc::new(Text::new(key_text)), value.clone()));
        } else {
            attrs.insert(key.clone(), value.clone())?;
        }
    }
    let shape = Rc::new(Shape {
        name: name.to_owned(),
        qualname: qualname.as_ref().and_then(Obj::as_str).unwrap_or(name).to_owned(),
        kind,
        attrs,
    });
    let class = Rc::new_cyclic(|me| Class {
        me: me.clone(),
        shape,
        members: RefCell::default(),
    });
    for (name, value) in members {
        class.add(name, value, text_values)?;
    }
    Ok(Obj::Native(class))
}

fn inherit(attrs: &mut Table<Obj>, from: &Table<Obj>) -> Py<()> {
    for (name, value) in from.iter() {
        attrs.insert(name.clone(), value.clone())?;
    }
    Ok(())
}

/// Whether a name of the class body is a member: neither private, nor a function or anything else that acts when it is read.
fn is_member(name: &str, value: &Obj) -> bool {
    let acts = match value {
        Obj::Function(_) => true,
        Obj::Native(_) => ["property", "staticmethod", "classmethod", "cached_property"].contains(&&*type_name(value)),
        _ => false,
    };
    !name.starts_with('_') && !acts
}

impl Class {
    fn object(&self) -> Obj {
        self.me.upgrade().map_or(Obj::None, |class| Obj::Native(class))
    }
    fn find(&self, name: &str) -> Option<Obj> {
        let members = self.members.borrow();
        members
            .iter()
            .find(|(known, _)| ***known == *name)
            .map(|(_, member)| member.clone())
    }
    /// The member of a value.
    fn of_value(&self, value: &Obj) -> Py<Option<Obj>> {
        let members = self.members.borrow().clone();
        for (_, member) in members {
            let same = match member.as_native::<Member>() {
                Some(known) => known.value.is(value) || compare::equals(&known.value, value)?,
                None => false,
            };
            if same {
                return Ok(Some(member));
            }
        }
        Ok(None)
    }
    /// Members without aliases.
    fn members(&self) -> Vec<Obj> {
        let members = self.members.borrow();
        let own =
            |(name, member): &&(Rc<Text>, Obj)| member.as_native::<Member>().is_some_and(|known| known.name.text == name.text);
        members.iter().filter(own).map(|(_, member)| member.clone()).collect()
    }
    fn add(&self, name: Rc<Text>, value: Obj, text_values: bool) -> Py<()> {
        if self.find(&name).is_some() {
            return Err(type_error(format!("'{}' already defined as {}", name.text, self.repr()?)));
        }
        let value = match value.as_native::<Auto>() {
            Some(_) if text_values => Obj::str(name.to_lowercase()),
            Some(_) => self.next_value()?,
            None => value,
        };
        let init = self.shape.attrs.get_str("__init__");
        let known = self.of_value(&value)?;
        let member = match known {
            Some(known) => known,
            None => {
                let member = Rc::new_cyclic(|me| Member {
                    me: me.clone(),
                    class: self.me.clone(),
                    shape: self.shape.clone(),
                    name: name.clone(),
                    value: value.clone(),
                    attrs: RefCell::default(),
                });
                let member = Obj::Native(member);
                if let Some(init) = init {
                    let args = match &value {
                        Obj::Tuple(items) => items.to_vec(),
                        other => vec![other.clone()],
                    };
                    call_member(&init, Some(&member), &self.object(), &Args::positional(&args))?;
                }
                member
            }
        };
        self.members.borrow_mut().push((name, member));
        Ok(())
    }
    /// One more than the largest value so far.
    fn next_value(&self) -> Py {
        let mut largest = Obj::Int(0);
        for member in self.members() {
            let Some(member) = member.as_native::<Member>() else {
                continue;
            };
            if matches!(member.value, Obj::Int(_) | Obj::Big(_) | Obj::Float(_)) && compare::less(&largest, &member.value)? {
                largest = member.value.clone();
            }
        }
        arith::binary(BinaryOp::Add, false, &largest, &Obj::Int(1))
    }
}

impl Native for Class {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &CLASS
    }
    fn class_name(&self) -> Option<&str> {
        Some(&self.shape.name)
    }
    fn is_class_of(&self, object: &Obj) -> bool {
        object
            .as_native::<Member>()
            .is_some_and(|member| std::ptr::eq(member.class.as_ptr(), self))
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        if let Some(member) = self.find(name) {
            return Ok(Some(member));
        }
        match name {
            "__members__" => {
                let mut table = Table::default();
                for (name, member) in self.members.borrow().iter() {
                    table.insert(Obj::Str(name.clone()), member.clone())?;
                }
                return Ok(Some(Obj::dict(table)));
            }
            "__name__" | "__qualname__" => return Ok(Some(Obj::str(self.shape.name.as_str()))),
            _ => {}
        }
        match self.shape.attrs.get_str(name) {
            Some(value) => made_class::bind(&value, None, &self.object()).map(Some),
            None if name.starts_with("__") => Ok(None),
            None => Err(raise(Builtin::AttributeError, name)),
        }
    }
    fn set_attribute(&self, name: &str, _value: &Obj) -> Py<bool> {
        match self.find(name) {
            Some(_) => Err(raise(Builtin::AttributeError, format!("cannot reassign member '{name}'"))),
            None => Ok(false),
        }
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(bind("EnumType.__call__", args, ["value"], 1, 1).and_then(|[value]| {
            let value = need(value, "EnumType.__call__")?;
            if self.is_class_of(value) {
                return Ok(value.clone());
            }
            if let Some(member) = self.of_value(value)? {
                return Ok(member);
            }
            if let Some(missing) = self.shape.attrs.get_str("_missing_") {
                let class = self.object();
                let member = call_member(&missing, None, &class, &Args::positional(std::slice::from_ref(value)))?;
                if self.is_class_of(&member) {
                    return Ok(member);
                }
            }
            let shown = repr(value)?;
            Err(value_error(format!("{shown} is not a valid {}", self.shape.qualname)))
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("<enum '{}'>", self.shape.name))
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(Ok(self.members().len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(Items {
            items: self.members().into(),
            at: 0,
        })))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        let member = key.as_str().and_then(|name| self.find(name));
        Some(member.ok_or_else(|| crate::python::error::key_error(key.clone())))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(match item.as_native::<Member>() {
            Some(_) => Ok(self.is_class_of(item)),
            None => Err(type_error(format!(
                "unsupported operand type(s) for 'in': '{}' and 'EnumType'",
                type_name(item)
            ))),
        })
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Class>().map(|other| std::ptr::eq(self, other)))
    }
    fn hash(&self) -> Option<i64> {
        Some(hash::str(&self.shape.name) as i64)
    }
}

/// `@unique`: refuses aliases.
fn unique(args: &Args) -> Py {
    args.expect("unique", 1, 1, &[])?;
    let object = arg(args, 0, "unique")?;
    let Some(class) = object.as_native::<Class>() else {
        return Ok(object.clone());
    };
    let members = class.members.borrow();
    let aliases: Vec<String> = members
        .iter()
        .filter_map(|(name, member)| {
            let own = &member.as_native::<Member>()?.name;
            (own.text != name.text).then(|| format!("{} -> {}", name.text, own.text))
        })
        .collect();
    if aliases.is_empty() {
        return Ok(object.clone());
    }
    Err(value_error(format!(
        "duplicate values found in {}: {}",
        class.repr()?,
        aliases.join(", ")
    )))
}
