//! The module `dataclasses`: `@dataclass` gives a class of the program its `__init__`, `__repr__`, `__eq__` and so on.
//!
//! Fields are the names that the class body annotates, in order (`__annotations__`, where the compiler keeps annotations as texts).
//! The methods are objects of this module that bind like functions.

mod field;
mod inspect;
mod method;

use std::any::Any;
use std::rc::Rc;

use self::field::{FIELD, Field, LAYOUT_NAME, Layout, missing};
use self::method::{Kind, Method};
use super::bind::{bind, flag};
use super::declare::{arg, declare};
use crate::python::attr;
use crate::python::class::Class;
use crate::python::compare::CompareOp;
use crate::python::error::{Py, Raised, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::{repr, type_name};

declare! {
    "dataclasses" {
        "dataclass" => dataclass,
        "field" => field::field,
        "fields" => inspect::fields,
        "asdict" => inspect::asdict,
        "astuple" => inspect::astuple,
        "replace" => inspect::replace,
        "is_dataclass" => inspect::is_dataclass,
    } {
        "Field" => Obj::NativeType(&FIELD),
        "FrozenInstanceError" => Obj::Builtin(Builtin::FrozenInstanceError),
        "MISSING" => missing(),
    }
}

/// What `@dataclass(…)` is told.
#[derive(Clone, Copy)]
struct Options {
    init: bool,
    repr: bool,
    eq: bool,
    order: bool,
    hash: bool,
    frozen: bool,
    keyword_only: bool,
}

/// `dataclass(…)` waiting for its class.
struct Decorator(Options);

static DECORATOR: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Decorator>().is_some(),
    attribute: |_| None,
};

impl Native for Decorator {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DECORATOR
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(arg(args, 0, "wrap").and_then(|class| apply(class, self.0)))
    }
    fn repr(&self) -> Py<String> {
        Ok("<function dataclass.<locals>.wrap>".to_owned())
    }
}

fn dataclass(args: &Args) -> Py {
    let names = [
        "cls",
        "init",
        "repr",
        "eq",
        "order",
        "unsafe_hash",
        "frozen",
        "match_args",
        "kw_only",
        "slots",
        "weakref_slot",
    ];
    let [class, init, shown, eq, order, hash, frozen, _, keyword_only, _, _] = bind("dataclass", args, names, 0, 1)?;
    let options = Options {
        init: flag(init, true)?,
        repr: flag(shown, true)?,
        eq: flag(eq, true)?,
        order: flag(order, false)?,
        hash: flag(hash, false)?,
        frozen: flag(frozen, false)?,
        keyword_only: flag(keyword_only, false)?,
    };
    match class {
        None | Some(Obj::None) => Ok(Obj::native(Decorator(options))),
        Some(class) => apply(class, options),
    }
}

/// Makes a class a dataclass; gives the class.
fn apply(object: &Obj, options: Options) -> Py {
    let Obj::Class(class) = object else {
        return Err(type_error(format!(
            "dataclass() should be called on a class, not on '{}' object",
            type_name(object)
        )));
    };
    let mut fields = inherited(class);
    for field in own_fields(class, options)? {
        match fields.iter_mut().find(|known| known.name.text == field.name.text) {
            Some(known) => *known = field,
            None => fields.push(field),
        }
    }
    let mut defaulted = None;
    for field in fields.iter().filter(|field| field.init && !field.keyword_only) {
        let has_default = field.default.is_some() || field.factory.is_some();
        if has_default {
            defaulted = Some(());
        } else if defaulted.is_some() {
            return Err(type_error(format!(
                "non-default argument '{}' follows default argument",
                field.name.text
            )));
        }
    }
    let matched: Vec<Obj> = fields
        .iter()
        .filter(|field| field.init && !field.keyword_only)
        .map(|field| Obj::Str(field.name.clone()))
        .collect();
    let layout = Obj::native(Layout { fields });
    class.set(&Rc::new(Text::new(LAYOUT_NAME)), &layout)?;
    let own = |name: &str| class.attrs.borrow().get_str(name).is_some();
    let add = |name: &'static str, kind: Kind| -> Py<()> {
        let method = Obj::native(Method {
            kind,
            layout: layout.clone(),
            class: class.qualname.clone(),
        });
        class.set(&Rc::new(Text::new(name)), &method)
    };
    if !own("__match_args__") {
        class.set(&Rc::new(Text::new("__match_args__")), &Obj::tuple(matched))?;
    }
    if options.init && !own("__init__") {
        add("__init__", Kind::Init)?;
    }
    if options.repr && !own("__repr__") {
        add("__repr__", Kind::Repr)?;
    }
    let defines_eq = own("__eq__");
    if options.eq && !defines_eq {
        add("__eq__", Kind::Eq)?;
    }
    if options.order {
        if !options.eq {
            return Err(value_error("eq must be true if order is true"));
        }
        let all = [
            ("__lt__", CompareOp::Lt),
            ("__le__", CompareOp::Le),
            ("__gt__", CompareOp::Gt),
            ("__ge__", CompareOp::Ge),
        ];
        for (name, op) in all {
            if own(name) {
                return Err(type_error(format!(
                    "Cannot overwrite attribute {name} in class {}. Consider using functools.total_ordering",
                    class.name
                )));
            }
            add(name, Kind::Order(op))?;
        }
    }
    if (options.hash || options.eq && options.frozen) && !own("__hash__") {
        add("__hash__", Kind::Hash)?;
    }
    if options.frozen {
        class.frozen.set(true);
    }
    Ok(object.clone())
}

/// Fields of the classes above, those of the farthest first.
fn inherited(class: &Class) -> Vec<Field> {
    let mut fields: Vec<Field> = Vec::new();
    for above in class.above.iter().rev() {
        let Obj::Class(above) = above else { continue };
        let Some(layout) = above.attrs.borrow().get_str(LAYOUT_NAME) else {
            continue;
        };
        for field in layout.as_native::<Layout>().map_or(&[][..], |layout| &layout.fields) {
            match fields.iter_mut().find(|known| known.name.text == field.name.text) {
                Some(known) => *known = field.clone(),
                None => fields.push(field.clone()),
            }
        }
    }
    fields
}

/// The fields that a class body annotates; their defaults stay attributes of the class, factories do not.
fn own_fields(class: &Rc<Class>, options: Options) -> Py<Vec<Field>> {
    let Some(Obj::Dict(annotations)) = class.attrs.borrow().get_str("__annotations__") else {
        return Ok(Vec::new());
    };
    let annotations: Vec<(Obj, Obj)> = annotations
        .table
        .borrow()
        .iter()
        .map(|(name, annotation)| (name.clone(), annotation.clone()))
        .collect();
    let mut fields = Vec::with_capacity(annotations.len());
    let mut keyword_only = options.keyword_only;
    for (name, annotation) in annotations {
        let Obj::Str(name) = name else { continue };
        let written = annotation.as_str().unwrap_or_default();
        let bare = written.rsplit_once('.').map_or(written, |(_, last)| last);
        if bare == "KW_ONLY" {
            keyword_only = true;
            continue;
        }
        if written.starts_with("ClassVar") || written.starts_with("typing.ClassVar") {
            continue;
        }
        let value = class.attrs.borrow().get_str(&name);
        let told = value.as_ref().and_then(|value| value.as_native::<Field>()).cloned();
        let mut field = match told {
            Some(told) => {
                match &told.default {
                    Some(default) => class.set(&name, default)?,
                    None => drop(class.attrs.borrow_mut().remove(&Obj::Str(name.clone()))?),
                }
                told
            }
            None => Field {
                name: name.clone(),
                annotation: Obj::None,
                default: value,
                factory: None,
                init: true,
                repr: true,
                compare: true,
                keyword_only: false,
                metadata: Obj::dict(Table::default()),
            },
        };
        if let Some(default @ (Obj::List(_) | Obj::Dict(_) | Obj::Set(_))) = &field.default {
            return Err(value_error(format!(
                "mutable default {} for field {} is not allowed: use default_factory",
                repr(&attr::type_of(default))?,
                name.text
            )));
        }
        field.name = name;
        field.annotation = annotation;
        field.keyword_only |= keyword_only;
        fields.push(field);
    }
    Ok(fields)
}

/// What setting an attribute of a frozen instance raises.
pub fn frozen(verb: &str, name: &str) -> Raised {
    raise(Builtin::FrozenInstanceError, format!("cannot {verb} field '{name}'"))
}
