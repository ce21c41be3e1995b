//! Types that only name what values are like: the modules `typing`, `collections.abc`, `abc`, `types` and `__future__`.

use std::any::Any;
use std::cell::RefCell;

use super::bind::{bind, need};
use super::declare::{arg, function};
use crate::python::error::{Py, type_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, DictKind, Native, NativeType, Obj};
use crate::python::table::Table;
use crate::python::text::repr;
use crate::python::{attr, call, class, compare};

/// Whether a value has a special method: its own class's, or that of a builtin type as `builtin` says.
fn has(value: &Obj, method: &str, builtin: fn(&Obj) -> bool) -> bool {
    builtin(value) || class::special(value, method).is_some()
}

fn is_iterator(value: &Obj) -> bool {
    has(value, "__next__", |value| matches!(value, Obj::Iter(_) | Obj::Generator(_)))
}

fn is_iterable(value: &Obj) -> bool {
    has(value, "__iter__", |value| match value {
        Obj::Str(_) | Obj::Bytes(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Dict(_) | Obj::Set(_) => true,
        Obj::Range(_) | Obj::Iter(_) | Obj::Generator(_) => true,
        Obj::Native(native) => native.iter(value).is_some(),
        _ => false,
    })
}

fn is_sized(value: &Obj) -> bool {
    has(value, "__len__", |value| match value {
        Obj::Str(_) | Obj::Bytes(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Dict(_) | Obj::Set(_) | Obj::Range(_) => true,
        Obj::Native(native) => native.len().is_some(),
        _ => false,
    })
}

fn is_container(value: &Obj) -> bool {
    has(value, "__contains__", is_sized)
}

fn is_sequence(value: &Obj) -> bool {
    match value {
        Obj::Str(_) | Obj::Bytes(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Range(_) => true,
        Obj::Native(native) => native.as_tuple().is_some() || native.type_of().name == "deque",
        _ => false,
    }
}

fn is_mutable_sequence(value: &Obj) -> bool {
    match value {
        Obj::List(_) => true,
        Obj::Native(native) => native.type_of().name == "deque",
        _ => false,
    }
}

fn is_dict(value: &Obj) -> bool {
    match value {
        Obj::Dict(_) => true,
        Obj::Native(native) => native.type_of().name == "ChainMap",
        _ => false,
    }
}

fn is_set(value: &Obj) -> bool {
    match value {
        Obj::Set(_) => true,
        Obj::Native(native) => matches!(native.type_of().name, "dict_keys" | "dict_items"),
        _ => false,
    }
}

fn is_mutable_set(value: &Obj) -> bool {
    matches!(value, Obj::Set(set) if !set.frozen)
}

fn is_hashable(value: &Obj) -> bool {
    match value {
        Obj::List(_) | Obj::Dict(_) => false,
        Obj::Set(set) => set.frozen,
        Obj::Native(native) => native.hash().is_some(),
        _ => class::special(value, "__eq__").is_none() || class::special(value, "__hash__").is_some(),
    }
}

fn never(_: &Obj) -> bool {
    false
}

/// Types of a module: `types! { "module" { "Name" => predicate, … } }` gives a lookup.
macro_rules! types {
    ($lookup:ident $names:ident $module:literal { $($name:literal => $is:expr,)* }) => {
        const $names: &[&str] = &[$($name),*];
        fn $lookup(name: &str) -> Option<Obj> {
            match name {
                $($name => {
                    static TYPE: NativeType = NativeType {
                        module: $module,
                        name: $name,
                        new: |_| Err(type_error(concat!("Type ", $name, " cannot be instantiated"))),
                        is_instance: $is,
                        attribute: |_| None,
                    };
                    Some(Obj::NativeType(&TYPE))
                })*
                _ => None,
            }
        }
    };
}

types! { abc_type ABC_TYPES "collections.abc" {
    "Awaitable" => never,
    "Callable" => call::is_callable,
    "Collection" => |value| is_sized(value) && is_iterable(value) && is_container(value),
    "Container" => is_container,
    "Generator" => |value| matches!(value, Obj::Generator(_)),
    "Hashable" => is_hashable,
    "ItemsView" => |value| matches!(value, Obj::Native(native) if native.type_of().name == "dict_items"),
    "Iterable" => is_iterable,
    "Iterator" => is_iterator,
    "KeysView" => |value| matches!(value, Obj::Native(native) if native.type_of().name == "dict_keys"),
    "Mapping" => is_dict,
    "MutableMapping" => is_dict,
    "MutableSequence" => is_mutable_sequence,
    "MutableSet" => is_mutable_set,
    "Reversible" => |value| is_sequence(value) || is_dict(value),
    "Sequence" => is_sequence,
    "Set" => is_set,
    "Sized" => is_sized,
    "ValuesView" => |value| matches!(value, Obj::Native(native) if native.type_of().name == "dict_values"),
} }

/// The names of `collections.abc`.
pub static ABSTRACT: &[&str] = ABC_TYPES;

/// A member of `collections.abc`.
pub fn abstract_attribute(name: &str) -> Option<Obj> {
    abc_type(name)
}

types! { typing_type TYPING_TYPES "typing" {
    "AbstractSet" => is_set,
    "Annotated" => never,
    "Any" => never,
    "AnyStr" => never,
    "Callable" => call::is_callable,
    "ClassVar" => never,
    "Collection" => |value| is_sized(value) && is_iterable(value),
    "Concatenate" => never,
    "Container" => is_container,
    "Counter" => |value| matches!(value, Obj::Dict(dict) if matches!(dict.kind, DictKind::Counter)),
    "DefaultDict" => |value| matches!(value, Obj::Dict(dict) if matches!(dict.kind, DictKind::Default(_))),
    "Deque" => |value| matches!(value, Obj::Native(native) if native.type_of().name == "deque"),
    "Dict" => |value| matches!(value, Obj::Dict(_)),
    "Final" => never,
    "FrozenSet" => |value| matches!(value, Obj::Set(set) if set.frozen),
    "Generator" => |value| matches!(value, Obj::Generator(_)),
    "Generic" => never,
    "Hashable" => is_hashable,
    "Iterable" => is_iterable,
    "Iterator" => is_iterator,
    "List" => |value| matches!(value, Obj::List(_)),
    "Literal" => never,
    "LiteralString" => never,
    "Mapping" => is_dict,
    "MutableMapping" => is_dict,
    "MutableSequence" => is_mutable_sequence,
    "MutableSet" => is_mutable_set,
    "NamedTuple" => |value| matches!(value, Obj::Native(native) if native.as_tuple().is_some()),
    "Never" => never,
    "NoReturn" => never,
    "NotRequired" => never,
    "Optional" => never,
    "OrderedDict" => |value| matches!(value, Obj::Dict(dict) if matches!(dict.kind, DictKind::Ordered)),
    "ParamSpec" => never,
    "Protocol" => never,
    "Required" => never,
    "Self" => never,
    "Sequence" => is_sequence,
    "Set" => is_mutable_set,
    "Sized" => is_sized,
    "SupportsFloat" => |value| matches!(value, Obj::Float(_) | Obj::Int(_) | Obj::Bool(_)),
    "SupportsInt" => |value| matches!(value, Obj::Float(_) | Obj::Int(_) | Obj::Bool(_)),
    "Text" => |value| matches!(value, Obj::Str(_)),
    "Tuple" => |value| matches!(value, Obj::Tuple(_)),
    "Type" => |value| matches!(value, Obj::Class(_) | Obj::NativeType(_)),
    "TypeAlias" => never,
    "TypeGuard" => never,
    "TypedDict" => never,
    "Union" => never,
} }

/// Functions of `typing` that give what they are given, or nothing of importance.
const TYPING_FUNCTIONS: &[&str] = &[
    "TYPE_CHECKING",
    "NewType",
    "TypeVar",
    "cast",
    "final",
    "get_args",
    "no_type_check",
    "overload",
    "override",
    "runtime_checkable",
];

const TYPING_NAMES: [&str; TYPING_TYPES.len() + TYPING_FUNCTIONS.len()] = {
    let mut names = [""; TYPING_TYPES.len() + TYPING_FUNCTIONS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = if at < TYPING_TYPES.len() {
            TYPING_TYPES[at]
        } else {
            TYPING_FUNCTIONS[at - TYPING_TYPES.len()]
        };
        at += 1;
    }
    names
};

/// The names of `typing`.
pub static TYPING: &[&str] = &TYPING_NAMES;

/// A decorator that changes nothing.
fn same(args: &Args) -> Py {
    args.expect("decorator", 1, 1, &[])?;
    arg(args, 0, "decorator").cloned()
}

/// A member of `typing`.
pub fn typing_attribute(name: &str) -> Option<Obj> {
    if let Some(found) = typing_type(name) {
        return Some(found);
    }
    Some(match name {
        "TYPE_CHECKING" => Obj::Bool(false),
        "cast" => function!("typing", "cast", |args| {
            let [_, value] = bind("cast", args, ["typ", "val"], 2, 2)?;
            need(value, "cast").cloned()
        }),
        // A new type is a function that gives what it is given.
        "NewType" => function!("typing", "NewType", |_| Ok(function!("typing", "NewType", same))),
        "TypeVar" => function!("typing", "TypeVar", |_| Ok(typing_type("Any").unwrap_or_default())),
        "get_args" => function!("typing", "get_args", |_| Ok(Obj::tuple([]))),
        "final" | "no_type_check" | "overload" | "override" | "runtime_checkable" => {
            function!("typing", "overload", same)
        }
        _ => return None,
    })
}

types! { abc_base ABC_BASES "abc" {
    "ABC" => never,
} }

/// The names of `abc`.
pub static ABC: &[&str] = &["ABC", "abstractmethod"];

/// A member of `abc`.
pub fn abc_attribute(name: &str) -> Option<Obj> {
    if ABC_BASES.contains(&name) {
        return abc_base(name);
    }
    match name {
        "abstractmethod" => Some(function!("abc", "abstractmethod", abstract_method)),
        _ => None,
    }
}

/// Marks a function: a class that still has it makes no instances.
fn abstract_method(args: &Args) -> Py {
    let function = same(args)?;
    // What cannot be marked (a property) is left as it is.
    let _ = attr::setattr(
        &function,
        &crate::python::object::Name::new("__isabstractmethod__"),
        &Obj::Bool(true),
    );
    Ok(function)
}

/// Names of `__future__`: importing them changes nothing.
pub static FUTURE: &[&str] = &[
    "absolute_import",
    "annotations",
    "barry_as_FLUFL",
    "division",
    "generator_stop",
    "generators",
    "nested_scopes",
    "print_function",
    "unicode_literals",
    "with_statement",
];

/// A member of `__future__`.
pub fn future_attribute(name: &str) -> Option<Obj> {
    FUTURE.contains(&name).then_some(Obj::None)
}

/// The names of `types`.
pub static TYPES: &[&str] = &[
    "BuiltinFunctionType",
    "EllipsisType",
    "FunctionType",
    "GeneratorType",
    "LambdaType",
    "MappingProxyType",
    "MethodType",
    "ModuleType",
    "NoneType",
    "SimpleNamespace",
];

/// A member of `types`.
pub fn types_attribute(name: &str) -> Option<Obj> {
    Some(match name {
        "BuiltinFunctionType" => Obj::Builtin(Builtin::BuiltinFunction),
        "EllipsisType" => Obj::Builtin(Builtin::EllipsisType),
        "FunctionType" | "LambdaType" => Obj::Builtin(Builtin::Function),
        "GeneratorType" => Obj::Builtin(Builtin::Generator),
        "MethodType" => Obj::Builtin(Builtin::BoundMethod),
        "ModuleType" => Obj::Builtin(Builtin::Module),
        "NoneType" => Obj::Builtin(Builtin::NoneType),
        // Read-only in CPython; here the mapping itself, which says the same.
        "MappingProxyType" => function!("types", "MappingProxyType", same),
        "SimpleNamespace" => Obj::NativeType(&NAMESPACE),
        _ => return None,
    })
}

/// `types.SimpleNamespace`: an object with the attributes that it is given.
struct Namespace(RefCell<Table<Obj>>);

static NAMESPACE: NativeType = NativeType {
    module: "types",
    name: "SimpleNamespace",
    new: |args| {
        if !args.plain().is_empty() {
            return Err(type_error("no positional arguments expected"));
        }
        let mut table = Table::default();
        for (name, value) in args.names.iter().zip(args.values) {
            table.insert(Obj::Str(name.clone()), value.clone())?;
        }
        Ok(Obj::native(Namespace(RefCell::new(table))))
    },
    is_instance: |object| object.as_native::<Namespace>().is_some(),
    attribute: |_| None,
};

impl Namespace {
    fn dict(&self) -> Obj {
        Obj::dict(self.0.borrow().clone())
    }
}

impl Native for Namespace {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &NAMESPACE
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        if name == "__dict__" {
            return Ok(Some(self.dict()));
        }
        Ok(self.0.borrow().get_str(name))
    }
    fn set_attribute(&self, name: &str, value: &Obj) -> Py<bool> {
        let before = self.0.borrow_mut().insert(Obj::str(name), value.clone())?;
        drop(before);
        Ok(true)
    }
    fn has_method(&self, name: &str) -> bool {
        // An attribute that can be called is called as one.
        self.0.borrow().get_str(name).is_some()
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let value = self.0.borrow().get_str(name);
        value.map(|value| call::call(&value, args)).transpose()
    }
    fn repr(&self) -> Py<String> {
        let attrs: Vec<(Obj, Obj)> = iter::collect(&self.dict())?
            .into_iter()
            .zip(self.0.borrow().iter().map(|(_, value)| value.clone()))
            .collect();
        let mut parts = Vec::with_capacity(attrs.len());
        for (name, value) in attrs {
            parts.push(format!("{}={}", name.as_str().unwrap_or_default(), repr(&value)?));
        }
        Ok(format!("namespace({})", parts.join(", ")))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        match other.as_native::<Namespace>() {
            Some(other) => compare::equals(&self.dict(), &other.dict()).map(Some),
            None => Ok(None),
        }
    }
}
