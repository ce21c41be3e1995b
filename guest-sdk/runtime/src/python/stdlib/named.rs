//! Named tuples: their classes, made while the program runs, and their instances.

use std::any::Any;
use std::cmp::Ordering;
use std::rc::{Rc, Weak};

use crate::python::arith::{self, BinaryOp};
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, index_error, type_error, value_error};
use crate::python::object::{Advance, Args, Dict, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::{call, hash, iter, release, subscript, text};

/// A class of named tuples.
pub struct Class {
    /// Itself: instances refer to their class.
    me: Weak<Class>,
    /// Named in `repr` before the class's own name.
    module: Option<&'static str>,
    name: String,
    fields: Vec<Rc<Text>>,
    /// Defaults of the last fields.
    defaults: Vec<Obj>,
    /// What a class body added (`class Point(NamedTuple)`).
    namespace: Option<Rc<Dict>>,
}

/// An instance: a tuple whose items have names.
pub struct NamedTuple {
    class: Rc<Class>,
    items: Rc<[Obj]>,
}

/// What both are to `type()` beside their own class.
pub static NAMED_TUPLE: NativeType = NativeType {
    module: "collections",
    name: "namedtuple",
    new: |_| Err(type_error("cannot create 'namedtuple' instances")),
    is_instance: |object| object.as_native::<NamedTuple>().is_some(),
    attribute: |_| None,
};

static CLASS: NativeType = NativeType {
    module: "builtins",
    name: "type",
    new: |_| Err(type_error("cannot create 'type' instances")),
    is_instance: |object| object.as_native::<Class>().is_some(),
    attribute: |_| None,
};

/// Words that cannot name a field.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
    "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
    "return", "try", "while", "with", "yield",
];

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic()) && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// `collections.namedtuple`
pub fn namedtuple(args: &Args) -> Py {
    let [name, fields, rename, defaults, _module] = super::bind::bind(
        "namedtuple",
        args,
        ["typename", "field_names", "rename", "defaults", "module"],
        2,
        2,
    )?;
    let name = text::str(super::bind::need(name, "namedtuple")?)?;
    let mut fields = field_names(super::bind::need(fields, "namedtuple")?)?;
    if super::bind::flag(rename, false)? {
        for at in 0..fields.len() {
            let (before, rest) = fields.split_at_mut(at);
            let Some(field) = rest.first_mut() else { continue };
            let usable = is_identifier(field) && !KEYWORDS.contains(&field.as_str()) && !field.starts_with('_');
            if !usable || before.contains(field) {
                *field = format!("_{at}");
            }
        }
    } else {
        check_names(&name, &fields)?;
    }
    let defaults = match super::bind::unless_none(defaults) {
        Some(defaults) => iter::collect(defaults)?,
        None => Vec::new(),
    };
    if defaults.len() > fields.len() {
        return Err(type_error("Got more default values than field names"));
    }
    Ok(class(None, &name, fields.iter().map(String::as_str), defaults, None))
}

/// A sequence of names, or a text with names between commas or blanks.
fn field_names(value: &Obj) -> Py<Vec<String>> {
    if let Obj::Str(names) = value {
        let names = names.replace(',', " ");
        return Ok(names.split_whitespace().map(str::to_owned).collect());
    }
    iter::collect(value)?
        .iter()
        .map(|name| Ok((**text::str(name)?).to_owned()))
        .collect()
}

fn check_names(name: &str, fields: &[String]) -> Py<()> {
    for name in std::iter::once(name).chain(fields.iter().map(String::as_str)) {
        if !is_identifier(name) {
            return Err(value_error(format!(
                "Type names and field names must be valid identifiers: {}",
                text::repr(&Obj::str(name))?
            )));
        }
        if KEYWORDS.contains(&name) {
            return Err(value_error(format!(
                "Type names and field names cannot be a keyword: '{name}'"
            )));
        }
    }
    for (at, field) in fields.iter().enumerate() {
        if field.starts_with('_') {
            return Err(value_error(format!("Field names cannot start with an underscore: '{field}'")));
        }
        if fields.iter().take(at).any(|known| known == field) {
            return Err(value_error(format!("Encountered duplicate field name: '{field}'")));
        }
    }
    Ok(())
}

/// A class of named tuples. `defaults` belong to the last fields.
pub fn class<'a>(
    module: Option<&'static str>,
    name: &str,
    fields: impl IntoIterator<Item = &'a str>,
    defaults: Vec<Obj>,
    namespace: Option<Rc<Dict>>,
) -> Obj {
    Obj::Native(Rc::new_cyclic(|me| Class {
        me: me.clone(),
        module,
        name: name.to_owned(),
        fields: fields.into_iter().map(|field| Rc::new(Text::new(field))).collect(),
        defaults,
        namespace,
    }))
}

/// A class derived from one of named tuples.
pub fn derived(base: &Class, name: &str, namespace: Rc<Dict>) -> Obj {
    class(
        None,
        name,
        base.fields.iter().map(|field| &***field),
        base.defaults.clone(),
        Some(namespace),
    )
}

/// An instance of a class made by [`class`], with exactly its fields.
pub fn instance(class: &Obj, items: Vec<Obj>) -> Obj {
    match class.as_native::<Class>().and_then(|class| class.me.upgrade()) {
        Some(class) => Obj::native(NamedTuple {
            class,
            items: items.into(),
        }),
        None => Obj::tuple(items),
    }
}

impl Class {
    fn make(&self, items: Vec<Obj>) -> Py {
        match self.me.upgrade() {
            Some(class) => Ok(Obj::native(NamedTuple {
                class,
                items: items.into(),
            })),
            None => Err(type_error("the class is gone")),
        }
    }
    fn place(&self, field: &str) -> Option<usize> {
        self.fields.iter().position(|known| &***known == field)
    }
    fn fields_tuple(&self) -> Obj {
        Obj::tuple(self.fields.iter().map(|field| Obj::Str(field.clone())).collect::<Vec<_>>())
    }
    /// Items by position and name, with CPython's words for what is wrong.
    fn bind(&self, args: &Args) -> Py<Vec<Obj>> {
        let function = format!("{}.__new__", self.name);
        let plain = args.plain();
        let (most, least) = (self.fields.len(), self.fields.len() - self.defaults.len());
        if plain.len() > most {
            let takes = if least < most {
                format!("from {} to {} positional arguments", least + 1, most + 1)
            } else {
                format!("{} positional argument{}", most + 1, if most == 0 { "" } else { "s" })
            };
            let given = plain.len() + 1;
            return Err(type_error(format!("{function}() takes {takes} but {given} were given")));
        }
        let mut items: Vec<Option<Obj>> = plain.iter().cloned().map(Some).collect();
        items.resize(most, None);
        for (name, value) in args.names.iter().zip(args.values.iter().skip(plain.len())) {
            match self.place(name).and_then(|at| items.get_mut(at)) {
                None => {
                    return Err(type_error(format!(
                        "{function}() got an unexpected keyword argument '{}'",
                        &***name
                    )));
                }
                Some(Some(_)) => {
                    return Err(type_error(format!(
                        "{function}() got multiple values for argument '{}'",
                        &***name
                    )));
                }
                Some(place) => *place = Some(value.clone()),
            }
        }
        for (place, default) in items.iter_mut().skip(least).zip(&self.defaults) {
            place.get_or_insert_with(|| default.clone());
        }
        let missing: Vec<&str> = items
            .iter()
            .zip(&self.fields)
            .filter(|(item, _)| item.is_none())
            .map(|(_, field)| &***field)
            .collect();
        if !missing.is_empty() {
            let plural = if missing.len() == 1 { "" } else { "s" };
            return Err(type_error(format!(
                "{function}() missing {} required positional argument{plural}: {}",
                missing.len(),
                super::bind::listed(&missing)
            )));
        }
        Ok(items.into_iter().flatten().collect())
    }
    /// Itself as an object.
    fn object(&self) -> Obj {
        self.me.upgrade().map_or(Obj::None, |class| Obj::Native(class))
    }
    /// What the class body defined under a name.
    fn defined(&self, name: &str) -> Option<Obj> {
        self.namespace.as_ref()?.table.borrow().get_str(name)
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
        Some(&self.name)
    }
    fn is_class_of(&self, object: &Obj) -> bool {
        object
            .as_native::<NamedTuple>()
            .is_some_and(|tuple| std::ptr::eq(&*tuple.class, self))
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "_fields" => Some(self.fields_tuple()),
            "__name__" | "__qualname__" => Some(Obj::str(self.name.as_str())),
            "_field_defaults" => {
                let mut defaults = Table::default();
                let first = self.fields.len() - self.defaults.len();
                for (field, default) in self.fields.iter().skip(first).zip(&self.defaults) {
                    defaults.insert(Obj::Str(field.clone()), default.clone())?;
                }
                Some(Obj::dict(defaults))
            }
            _ => match self.defined(name) {
                Some(value) => Some(super::made_class::bind(&value, None, &self.object())?),
                None => None,
            },
        })
    }
    fn has_method(&self, name: &str) -> bool {
        name == "_make"
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if name != "_make" {
            return Ok(None);
        }
        let items = iter::collect(super::declare::arg(args, 0, "_make")?)?;
        if items.len() != self.fields.len() {
            return Err(type_error(format!(
                "Expected {} arguments, got {}",
                self.fields.len(),
                items.len()
            )));
        }
        self.make(items).map(Some)
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(self.bind(args).and_then(|items| self.make(items)))
    }
    fn repr(&self) -> Py<String> {
        let module = self.module.unwrap_or("__main__");
        Ok(format!("<class '{module}.{}'>", self.name))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Class>().map(|other| std::ptr::eq(self, other)))
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}

impl Drop for NamedTuple {
    fn drop(&mut self) {
        release::shared(&mut self.items);
    }
}

impl NamedTuple {
    pub fn items(&self) -> &[Obj] {
        &self.items
    }
    /// One of the same class.
    pub fn with_items(&self, items: Vec<Obj>) -> Obj {
        Obj::native(NamedTuple {
            class: self.class.clone(),
            items: items.into(),
        })
    }
    /// Itself as an object: one of the same class with the same items.
    fn object(&self) -> Obj {
        self.with_items(self.items.to_vec())
    }
    /// What a special method of the class body gives, as a text.
    fn special_text(&self, name: &str) -> Py<Option<String>> {
        let Some(method) = self.class.defined(name) else {
            return Ok(None);
        };
        let result = super::made_class::call_member(&method, Some(&self.object()), &self.class.object(), &Args::positional(&[]))?;
        match result {
            Obj::Str(text) => Ok(Some((**text).to_owned())),
            other => Err(type_error(format!(
                "{name} returned non-string (type {})",
                text::type_name(&other)
            ))),
        }
    }
    fn tuple(&self) -> Obj {
        Obj::Tuple(self.items.clone())
    }
    fn replaced(&self, args: &Args) -> Py {
        args.expect("_replace", 0, 0, &args.names.iter().map(|name| &***name).collect::<Vec<_>>())?;
        let mut items = self.items.to_vec();
        let mut unknown = Vec::new();
        for (name, value) in args.names.iter().zip(args.values) {
            match self.class.place(name).and_then(|at| items.get_mut(at)) {
                Some(item) => *item = value.clone(),
                None => unknown.push(Obj::Str(name.clone())),
            }
        }
        if !unknown.is_empty() {
            return Err(value_error(format!(
                "Got unexpected field names: {}",
                text::repr(&Obj::list(unknown))?
            )));
        }
        self.class.make(items)
    }
    fn as_dict(&self) -> Py {
        let mut table = Table::default();
        for (field, item) in self.class.fields.iter().zip(self.items.iter()) {
            table.insert(Obj::Str(field.clone()), item.clone())?;
        }
        Ok(Obj::dict(table))
    }
    /// The other operand as a tuple.
    fn other(object: &Obj) -> Option<Obj> {
        match object {
            Obj::Tuple(_) => Some(object.clone()),
            _ => object.as_native::<NamedTuple>().map(NamedTuple::tuple),
        }
    }
}

/// The items of a tuple, one after the other.
pub struct Items {
    pub items: Rc<[Obj]>,
    pub at: usize,
}

impl Advance for Items {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let item = self.items.get(self.at).cloned();
        self.at += 1;
        Ok(item)
    }
    fn type_name(&self) -> &'static str {
        "tuple_iterator"
    }
}

impl Native for NamedTuple {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &NAMED_TUPLE
    }
    fn class(&self) -> Option<Obj> {
        Some(Obj::Native(self.class.clone()))
    }
    fn as_tuple(&self) -> Option<&Rc<[Obj]>> {
        Some(&self.items)
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        if let Some(at) = self.class.place(name) {
            return Ok(self.items.get(at).cloned());
        }
        match self.class.defined(name) {
            Some(value) => super::made_class::bind(&value, Some(&self.object()), &self.class.object()).map(Some),
            None => self.class.attribute(name),
        }
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "_asdict" | "_replace" | "_make" | "index" | "count")
    }
    fn method(&self, this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        match name {
            "_asdict" => {
                args.expect("_asdict", 0, 0, &[])?;
                self.as_dict().map(Some)
            }
            "_replace" => self.replaced(args).map(Some),
            "_make" => self.class.method(this, name, args),
            "index" | "count" => {
                args.expect(name, 1, if name == "index" { 3 } else { 1 }, &[])?;
                call::call_method(&self.tuple(), &crate::python::object::Name::new(name), args).map(Some)
            }
            _ => match self.class.defined(name) {
                Some(value) => super::made_class::call_member(&value, Some(this), &self.class.object(), args).map(Some),
                None => Ok(None),
            },
        }
    }
    fn str(&self) -> Py<String> {
        match self.special_text("__str__")? {
            Some(text) => Ok(text),
            None => self.repr(),
        }
    }
    fn repr(&self) -> Py<String> {
        if let Some(text) = self.special_text("__repr__")? {
            return Ok(text);
        }
        let mut out = match self.class.module {
            Some(module) => format!("{module}.{}(", self.class.name),
            None => format!("{}(", self.class.name),
        };
        for (at, (field, item)) in self.class.fields.iter().zip(self.items.iter()).enumerate() {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(field);
            out.push('=');
            out.push_str(&text::repr(item)?);
        }
        out.push(')');
        Ok(out)
    }
    fn truth(&self) -> Py<bool> {
        Ok(!self.items.is_empty())
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(Ok(self.items.len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(Ok(Box::new(Items {
            items: self.items.clone(),
            at: 0,
        })))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        if let Obj::Int(at) = key {
            let len = self.items.len() as i64;
            let place = if *at < 0 { at + len } else { *at };
            let item = usize::try_from(place).ok().and_then(|place| self.items.get(place));
            return Some(item.cloned().ok_or_else(|| index_error("tuple index out of range")));
        }
        Some(subscript::getitem(&self.tuple(), key))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(compare::contains(&self.tuple(), item))
    }
    fn binary(&self, op: BinaryOp, other: &Obj, reflected: bool) -> Py<Option<Obj>> {
        let other = match (op, Self::other(other)) {
            (BinaryOp::Add, Some(other)) => other,
            (BinaryOp::Mul, None) => other.clone(),
            _ => return Ok(None),
        };
        let (a, b) = if reflected {
            (other, self.tuple())
        } else {
            (self.tuple(), other)
        };
        arith::binary(op, false, &a, &b).map(Some)
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Self::other(other)
            .map(|other| compare::equals(&self.tuple(), &other))
            .transpose()
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        let Some(other) = Self::other(other) else { return Ok(None) };
        let this = self.tuple();
        let holds = |op| compare::truth(&compare::compare(op, &this, &other)?);
        Ok(Some(if holds(CompareOp::Lt)? {
            Ordering::Less
        } else if holds(CompareOp::Eq)? {
            Ordering::Equal
        } else {
            Ordering::Greater
        }))
    }
    fn hash(&self) -> Option<i64> {
        hash::hash(&self.tuple()).ok()
    }
}
