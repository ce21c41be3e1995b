//! Members of enumerations: what operators and builtins make of them.

use std::any::Any;
use std::cmp::Ordering;

use super::{ENUM, Kind, Member};
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::builtins;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, raise, type_error};
use crate::python::hash;
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Name, Native, NativeType, Obj};
use crate::python::stdlib::made_class::{self, call_member};
use crate::python::stdlib::named::Items;
use crate::python::text::{repr, type_name};
use crate::python::{call, format, subscript, text};

impl Member {
    pub(super) fn object(&self) -> Obj {
        self.me.upgrade().map_or(Obj::None, |member| Obj::Native(member))
    }
    pub(super) fn class_object(&self) -> Obj {
        self.class
            .upgrade()
            .map_or(Obj::NativeType(&ENUM), |class| Obj::Native(class))
    }
    pub(super) fn mixed(&self) -> bool {
        self.shape.kind != Kind::Plain
    }
    /// An operand as its plain value, if it is a mixed member.
    pub(super) fn plain(object: &Obj) -> Obj {
        match object.as_native::<Member>() {
            Some(member) if member.mixed() => member.value.clone(),
            _ => object.clone(),
        }
    }
    /// Calls a special method of the class body.
    pub(super) fn special(&self, name: &str, args: &[Obj]) -> Option<Py> {
        let method = self.shape.attrs.get_str(name)?;
        Some(call_member(
            &method,
            Some(&self.object()),
            &self.class_object(),
            &Args::positional(args),
        ))
    }
    pub(super) fn special_text(&self, name: &str) -> Py<Option<String>> {
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
