//! The module `enum`: `Enum`, `IntEnum`, `StrEnum` and enumerations mixed with `str` or `int`.
//!
//! An enumeration is an object of its own, not a class of the program: its members are made once, when the `class` statement runs.
//! Members know what the class body defined, but hold their enumeration weakly, since it holds them.

use std::any::Any;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::rc::{Rc, Weak};

use super::bind::{bind, need};
use super::declare::{arg, declare};
use super::made_class::{self, call_member};
use super::named::Items;
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::builtins;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, raise, type_error, value_error};
use crate::python::hash;
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Name, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::{repr, type_name};
use crate::python::{call, format, subscript, text};

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
            Err(value_error(format!("{shown} is not a valid {}", self.shape.name)))
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

impl Member {
    fn object(&self) -> Obj {
        self.me.upgrade().map_or(Obj::None, |member| Obj::Native(member))
    }
    fn class_object(&self) -> Obj {
        self.class
            .upgrade()
            .map_or(Obj::NativeType(&ENUM), |class| Obj::Native(class))
    }
    fn mixed(&self) -> bool {
        self.shape.kind != Kind::Plain
    }
    /// An operand as its plain value, if it is a mixed member.
    fn plain(object: &Obj) -> Obj {
        match object.as_native::<Member>() {
            Some(member) if member.mixed() => member.value.clone(),
            _ => object.clone(),
        }
    }
    /// Calls a special method of the class body.
    fn special(&self, name: &str, args: &[Obj]) -> Option<Py> {
        let method = self.shape.attrs.get_str(name)?;
        Some(call_member(
            &method,
            Some(&self.object()),
            &self.class_object(),
            &Args::positional(args),
        ))
    }
    fn special_text(&self, name: &str) -> Py<Option<String>> {
        match self.special(name, &[]).transpose()? {
            None => Ok(None),
            Some(Obj::Str(text)) => Ok(Some((**text).to_owned())),
            Some(other) => Err(type_error(format!("{name} returned non-string (type {})", type_name(&other)))),
        }
    }
}

impl Native for Member {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &ENUM
    }
    fn class(&self) -> Option<Obj> {
        Some(self.class_object())
    }
    fn as_plain(&self) -> Option<&Obj> {
        self.mixed().then_some(&self.value)
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        match name {
            "name" | "_name_" => return Ok(Some(Obj::Str(self.name.clone()))),
            "value" | "_value_" => return Ok(Some(self.value.clone())),
            _ => {}
        }
        if let Some(value) = self.attrs.borrow().get_str(name) {
            return Ok(Some(value));
        }
        if let Some(value) = self.shape.attrs.get_str(name) {
            return made_class::bind(&value, Some(&self.object()), &self.class_object()).map(Some);
        }
        if let Some(member) = self.class.upgrade().and_then(|class| class.find(name)) {
            return Ok(Some(member));
        }
        if self.mixed() && !name.starts_with("__") {
            return crate::python::attr::getattr(&self.value, &Name::new(name)).map(Some);
        }
        Ok(None)
    }
    fn set_attribute(&self, name: &str, value: &Obj) -> Py<bool> {
        if matches!(name, "name" | "value") {
            return Err(raise(
                Builtin::AttributeError,
                format!("<enum '{}'> cannot set attribute '{name}'", self.shape.name),
            ));
        }
        let before = self.attrs.borrow_mut().insert(Obj::str(name), value.clone())?;
        drop(before);
        Ok(true)
    }
    fn has_method(&self, name: &str) -> bool {
        let number = self.mixed() && matches!(self.value, Obj::Int(_) | Obj::Big(_) | Obj::Bool(_) | Obj::Float(_));
        number && matches!(name, "__int__" | "__float__" | "__abs__" | "__round__")
    }
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if self.has_method(name) {
            let builtin = match name {
                "__int__" => Builtin::Int,
                "__float__" => Builtin::Float,
                "__abs__" => Builtin::Abs,
                _ => Builtin::Round,
            };
            let mut values = vec![self.value.clone()];
            values.extend_from_slice(args.plain());
            return builtins::call(builtin, &Args::positional(&values)).map(Some);
        }
        if let Some(value) = self.shape.attrs.get_str(name) {
            return call_member(&value, Some(this), &self.class_object(), args).map(Some);
        }
        if self.mixed() && self.attrs.borrow().get_str(name).is_none() && !matches!(name, "name" | "value") {
            return call::call_method(&self.value, &Name::new(name), args).map(Some);
        }
        Ok(None)
    }
    fn repr(&self) -> Py<String> {
        if let Some(text) = self.special_text("__repr__")? {
            return Ok(text);
        }
        Ok(format!("<{}.{}: {}>", self.shape.name, self.name.text, repr(&self.value)?))
    }
    fn str(&self) -> Py<String> {
        if let Some(text) = self.special_text("__str__")? {
            return Ok(text);
        }
        Ok(match self.shape.kind {
            Kind::Value => (**text::str(&self.value)?).to_owned(),
            _ => format!("{}.{}", self.shape.name, self.name.text),
        })
    }
    fn format(&self, spec: &str) -> Option<Py<String>> {
        Some(match self.shape.kind {
            Kind::Value => format::format(&self.value, spec),
            _ => self.str().and_then(|text| format::format(&Obj::str(text), spec)),
        })
    }
    fn truth(&self) -> Py<bool> {
        match self.special("__bool__", &[]) {
            Some(result) => compare::truth(&result?),
            None if self.mixed() => compare::truth(&self.value),
            None => Ok(true),
        }
    }
    fn len(&self) -> Option<Py<usize>> {
        self.mixed().then(|| iter::length(&self.value))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        if !self.mixed() {
            return None;
        }
        Some(iter::collect(&self.value).map(|items| -> Box<dyn Advance> {
            Box::new(Items {
                items: items.into(),
                at: 0,
            })
        }))
    }
    fn call(&self, args: &Args) -> Option<Py> {
        let method = self.shape.attrs.get_str("__call__")?;
        Some(call_member(&method, Some(&self.object()), &self.class_object(), args))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        self.mixed().then(|| subscript::getitem(&self.value, key))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        self.mixed().then(|| compare::contains(&self.value, &Member::plain(item)))
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        if !self.mixed() {
            return Ok(None);
        }
        let other = Member::plain(other);
        let (a, b) = if reflected {
            (&other, &self.value)
        } else {
            (&self.value, &other)
        };
        arith::binary(op, false, a, b).map(Some)
    }
    fn unary(&self, op: UnaryOp) -> Option<Py> {
        self.mixed().then(|| arith::unary(op, &self.value))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        if let Some(other) = other.as_native::<Member>()
            && std::ptr::eq(self, other)
        {
            return Ok(Some(true));
        }
        if let Some(result) = self.special("__eq__", std::slice::from_ref(other)) {
            let result = result?;
            if !matches!(result, Obj::NotImplemented) {
                return compare::truth(&result).map(Some);
            }
        }
        if self.mixed() {
            return compare::equals(&self.value, &Member::plain(other)).map(Some);
        }
        Ok(other.as_native::<Member>().map(|_| false))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        if self.mixed() {
            let other = Member::plain(other);
            let holds = |op| compare::truth(&compare::compare(op, &self.value, &other)?);
            return Ok(Some(if holds(CompareOp::Lt)? {
                Ordering::Less
            } else if holds(CompareOp::Eq)? {
                Ordering::Equal
            } else {
                Ordering::Greater
            }));
        }
        // The class body's comparisons: less, or else the other way round.
        let Some(less) = self.special("__lt__", std::slice::from_ref(other)) else {
            return Ok(None);
        };
        if compare::truth(&less?)? {
            return Ok(Some(Ordering::Less));
        }
        let equal = self.equals(other)? == Some(true);
        Ok(Some(if equal { Ordering::Equal } else { Ordering::Greater }))
    }
    fn hash(&self) -> Option<i64> {
        if self.mixed() {
            return hash::hash(&self.value).ok();
        }
        Some(hash::str(&self.name) as i64)
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
