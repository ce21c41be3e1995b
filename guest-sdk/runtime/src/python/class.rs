//! Classes of the program and their instances.
//!
//! A class may derive from other classes of the program and from builtin exception classes. Attribute lookup follows CPython: data
//! descriptors of the class, the instance, then the class.

mod above;
mod order;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use self::order::linearise;
use super::call;
use super::descriptor::Wrapped;
use super::error::{Py, Raised, attribute_error, type_error};
use super::exception;
use super::names::Builtin;
use super::object::{Args, Exception, Name, NativeType, Obj, Text};
use super::table::Table;
use super::text;

pub use self::above::{object_method, super_of};

pub struct Class {
    pub name: Rc<str>,
    /// The name after those that it is defined in (`transform.<locals>.Point`).
    pub qualname: Rc<str>,
    pub bases: Vec<Obj>,
    /// The method resolution order after the class itself; ends with `object`.
    pub above: Vec<Obj>,
    pub attrs: RefCell<Table<Obj>>,
    /// The nearest builtin exception class above it: its instances are exceptions.
    pub exception: Option<Builtin>,
    /// Whether it or a class above has attributes that act on being read, which go before an instance's own.
    descriptors: Cell<bool>,
    /// Whether attributes of its instances may not be set (`@dataclass(frozen=True)`).
    pub frozen: Cell<bool>,
    /// Abstract methods that it does not override (`abc.abstractmethod`), sorted: it makes no instances as long as there are any.
    abstract_methods: Vec<Rc<str>>,
}

pub struct Instance {
    pub class: Rc<Class>,
    pub attrs: RefCell<Table<Obj>>,
    /// The hash under which tables keep it (`hash`): what its `__hash__` said last, or its number; 0 as long as it has none.
    pub hash: Cell<i64>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        super::release::table(self.attrs.get_mut());
    }
}

/// The value of a text key.
pub fn entry(table: &RefCell<Table<Obj>>, name: &Rc<Text>) -> Option<Obj> {
    table.borrow().get_text(name).cloned()
}

fn set_entry(table: &RefCell<Table<Obj>>, name: &Rc<Text>, value: Obj) -> Py<()> {
    let old = table.borrow_mut().insert(Obj::Str(name.clone()), value)?;
    drop(old);
    Ok(())
}

fn remove_entry(table: &RefCell<Table<Obj>>, name: &Rc<Text>) -> Py<bool> {
    let old = table.borrow_mut().remove(&Obj::Str(name.clone()))?;
    Ok(old.is_some())
}

impl Class {
    /// A new class; `TypeError` for bases that do not go together.
    pub fn new(name: &str, bases: &[Obj], mut attrs: Table<Obj>) -> Py<Rc<Class>> {
        let mut bases = bases.to_vec();
        if bases.is_empty() {
            bases.push(Obj::Builtin(Builtin::Object));
        }
        for (at, base) in bases.iter().enumerate() {
            acceptable(base)?;
            if bases[..at].iter().any(|other| other.is(base)) {
                return Err(type_error(format!("duplicate base class {}", base_name(base))));
            }
        }
        let above = linearise(&bases)?;
        let exception = above.iter().find_map(|class| match class {
            Obj::Builtin(class) if class.is_exception() => Some(*class),
            _ => None,
        });
        let acts = attrs.iter().any(|(_, value)| matches!(value, Obj::Native(_)))
            || above
                .iter()
                .any(|class| matches!(class, Obj::Class(class) if class.descriptors.get()));
        let qualname = attrs.remove(&Obj::str("__qualname__"))?;
        let mut class = Class {
            name: Rc::from(name),
            qualname: Rc::from(qualname.as_ref().and_then(Obj::as_str).unwrap_or(name)),
            bases,
            above,
            attrs: RefCell::new(attrs),
            exception,
            descriptors: Cell::new(acts),
            frozen: Cell::new(false),
            abstract_methods: Vec::new(),
        };
        class.abstract_methods = class.find_abstract();
        let class = Rc::new(class);
        super::state::remember_class(&class);
        Ok(class)
    }

    /// Abstract methods of a class below `abc.ABC`.
    fn find_abstract(&self) -> Vec<Rc<str>> {
        let is_abc = |class: &Obj| matches!(class, Obj::NativeType(kind) if kind.module == "abc");
        if !self.above.iter().any(is_abc) {
            return Vec::new();
        }
        let names = |class: &Class| -> Vec<Obj> { class.attrs.borrow().keys().cloned().collect() };
        let mut all = names(self);
        for class in &self.above {
            if let Obj::Class(class) = class {
                all.extend(names(class));
            }
        }
        let mut found: Vec<Rc<str>> = all
            .iter()
            .filter_map(Obj::as_str)
            .filter(|name| self.find(name).is_some_and(|value| is_abstract(&value)))
            .map(Rc::from)
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// An attribute of the class or those above it, as it was set.
    pub fn find(&self, name: &str) -> Option<Obj> {
        if let Some(value) = self.attrs.borrow().get_str(name) {
            return Some(value);
        }
        self.above.iter().find_map(|class| match class {
            Obj::Class(class) => class.attrs.borrow().get_str(name),
            _ => None,
        })
    }

    /// As [`Class::find`], with a name whose hash is kept.
    pub fn find_name(&self, name: &Rc<Text>) -> Option<Obj> {
        let get = |class: &Class| class.attrs.borrow().get_text(name).cloned();
        get(self).or_else(|| {
            self.above.iter().find_map(|class| match class {
                Obj::Class(class) => get(class),
                _ => None,
            })
        })
    }

    /// Sets an attribute of the class.
    pub fn set(&self, name: &Rc<Text>, value: &Obj) -> Py<()> {
        if matches!(value, Obj::Native(_)) {
            self.descriptors.set(true);
        }
        set_entry(&self.attrs, name, value.clone())
    }
}

/// Whether a class is `of` or below it.
pub fn derives(class: &Rc<Class>, of: &Rc<Class>) -> bool {
    Rc::ptr_eq(class, of)
        || class
            .above
            .iter()
            .any(|above| matches!(above, Obj::Class(above) if Rc::ptr_eq(above, of)))
}

fn base_name(base: &Obj) -> Rc<str> {
    match base {
        Obj::Class(class) => class.name.clone(),
        Obj::Builtin(builtin) => Rc::from(builtin.name()),
        Obj::NativeType(kind) => Rc::from(kind.name),
        other => text::type_name(other),
    }
}

/// Classes of modules that only mark what derives from them.
pub fn marks(kind: &NativeType) -> bool {
    matches!(kind.module, "abc" | "typing" | "collections.abc")
}

fn acceptable(base: &Obj) -> Py<()> {
    match base {
        Obj::Class(_) => Ok(()),
        Obj::Builtin(Builtin::Object) => Ok(()),
        Obj::Builtin(class) if class.is_exception() => Ok(()),
        Obj::NativeType(kind) if marks(kind) => Ok(()),
        Obj::Builtin(class) if text::is_type(*class) => Err(type_error(format!(
            "deriving from '{}' is not supported: a class may derive from classes of the program and from exceptions",
            class.name()
        ))),
        Obj::NativeType(kind) => Err(type_error(format!(
            "type '{}.{}' is not an acceptable base type",
            kind.module, kind.name
        ))),
        other => Err(type_error(format!(
            "a class may not derive from '{}' object",
            text::type_name(other)
        ))),
    }
}

thread_local! {
    static INIT: Rc<Text> = Rc::new(Text::new("__init__"));
}

/// Whether a member of a class is marked by `abc.abstractmethod`, or wraps a function that is.
fn is_abstract(value: &Obj) -> bool {
    match value {
        Obj::Function(function) => function.attr(&Rc::new(Text::new("__isabstractmethod__"))).is_some(),
        Obj::Native(_) => value
            .as_native::<Wrapped>()
            .is_some_and(|wrapped| is_abstract(wrapped.function())),
        _ => false,
    }
}

#[cold]
fn no_instances(class: &Class) -> Raised {
    let plural = if class.abstract_methods.len() == 1 { "" } else { "s" };
    type_error(format!(
        "Can't instantiate abstract class {} with abstract method{plural} {}",
        class.name,
        class.abstract_methods.join(", ")
    ))
}

/// A call of a class.
pub fn instantiate(class: &Rc<Class>, args: &Args) -> Py {
    if !class.abstract_methods.is_empty() {
        return Err(no_instances(class));
    }
    let made = match class.exception {
        Some(_) => Obj::Exception(exception::bare(Obj::Class(class.clone()), args.plain().to_vec())),
        None => Obj::Instance(Rc::new(Instance {
            class: class.clone(),
            attrs: RefCell::default(),
            hash: Cell::default(),
        })),
    };
    match INIT.with(|name| class.find_name(name)) {
        Some(Obj::Function(init)) => {
            let result = super::function::call(&init, Some(&made), args)?;
            if !result.is_none() {
                let kind = text::type_name(&result);
                return Err(type_error(format!("__init__() should return None, not '{kind}'")));
            }
        }
        Some(init) => {
            let init = bind(&init, Some(&made), class)?;
            call::call(&init, args)?;
        }
        None if class.exception.is_some() && !args.names.is_empty() => {
            return Err(type_error(format!("{}() takes no keyword arguments", class.name)));
        }
        None if class.exception.is_none() && !args.values.is_empty() => {
            return Err(type_error(format!("{}() takes no arguments", class.name)));
        }
        None => {}
    }
    Ok(made)
}

/// What reading an attribute of a class gives, through an instance or the class itself.
pub fn bind(value: &Obj, instance: Option<&Obj>, class: &Rc<Class>) -> Py {
    match (value, instance) {
        (Obj::Function(_), Some(instance)) => Ok(Obj::Bound(Rc::new(super::object::Bound {
            this: instance.clone(),
            function: value.clone(),
        }))),
        (Obj::Native(native), _) => match native.bind(value, instance, &Obj::Class(class.clone())) {
            Some(bound) => bound,
            None => Ok(value.clone()),
        },
        _ => Ok(value.clone()),
    }
}

/// The class of the program that an object is of, and its own attributes.
pub fn of(object: &Obj) -> Option<(&Rc<Class>, &RefCell<Table<Obj>>)> {
    match object {
        Obj::Instance(instance) => Some((&instance.class, &instance.attrs)),
        Obj::Exception(exception) => match &exception.class {
            Obj::Class(class) => Some((class, &exception.attrs)),
            _ => None,
        },
        _ => None,
    }
}

/// A special method (`__eq__`) of an object's class, not bound; `None` when its class is not the program's or has none.
pub fn special(object: &Obj, name: &str) -> Option<Obj> {
    of(object)?.0.find(name)
}

/// Calls a special method of an object's class; `None` when there is none.
pub fn call_special(object: &Obj, name: &str, args: &[Obj]) -> Option<Py> {
    let (class, _) = of(object)?;
    let method = class.find(name)?;
    Some(call_found(object, class, &method, &Args::positional(args)))
}

/// As [`call_special`], with named arguments too.
pub fn call_found_special(object: &Obj, name: &str, args: &Args) -> Option<Py> {
    let (class, _) = of(object)?;
    let method = class.find(name)?;
    Some(call_found(object, class, &method, args))
}

/// Calls an attribute found in the class of `object` as its method.
pub fn call_found(object: &Obj, class: &Rc<Class>, method: &Obj, args: &Args) -> Py {
    match method {
        Obj::Function(function) => super::function::call(function, Some(object), args),
        _ => call::call(&bind(method, Some(object), class)?, args),
    }
}

/// `with manager`: its `__exit__`.
pub fn context(manager: &Obj) -> Py {
    let has = |name: &str| match manager {
        Obj::Native(native) => native.has_method(name),
        _ => special(manager, name).is_some(),
    };
    let missed = match (has("__enter__"), has("__exit__")) {
        (true, true) => return super::attr::getattr(manager, &Name::new("__exit__")),
        (true, false) => " (missed __exit__ method)",
        (false, _) => "",
    };
    let kind = text::type_name(manager);
    Err(type_error(format!(
        "'{kind}' object does not support the context manager protocol{missed}"
    )))
}

/// What `__str__`, `__repr__` or `__format__` of a class gives.
pub fn text_of(object: &Obj, method: &Obj, name: &str) -> Py<Rc<Text>> {
    let Some((class, _)) = of(object) else {
        return Err(type_error(format!("{name} is not of a class")));
    };
    match call_found(object, class, method, &Args::positional(&[]))? {
        Obj::Str(text) => Ok(text),
        other => Err(type_error(format!(
            "{name} returned non-string (type {})",
            text::type_name(&other)
        ))),
    }
}

/// `object.name` for an object of a class of the program; `None` when neither it nor its class has it.
pub fn getattr(object: &Obj, name: &Name) -> Py<Option<Obj>> {
    let Some((class, attrs)) = of(object) else {
        return Ok(None);
    };
    let mut found = None;
    if class.descriptors.get() {
        found = class.find_name(&name.text);
        if let Some(value @ Obj::Native(_)) = &found
            && value.as_native::<Wrapped>().is_some_and(Wrapped::is_property)
        {
            return bind(value, Some(object), class).map(Some);
        }
    }
    if let Some(value) = entry(attrs, &name.text) {
        return Ok(Some(value));
    }
    if found.is_none() && !class.descriptors.get() {
        found = class.find_name(&name.text);
    }
    match found {
        Some(value) => bind(&value, Some(object), class).map(Some),
        None => Ok(None),
    }
}

/// Sets or (without a value) deletes an attribute of an object of a class of the program.
pub fn setattr(object: &Obj, name: &Name, value: Option<&Obj>) -> Py<()> {
    let Some((class, attrs)) = of(object) else {
        return Err(attribute_error(&text::type_name(object), &name.text.text));
    };
    if class.descriptors.get()
        && let Some(found @ Obj::Native(_)) = class.find_name(&name.text)
        && let Some(property) = found.as_native::<Wrapped>()
        && property.is_property()
    {
        return property.assign(object, class, &name.text.text, value);
    }
    if class.frozen.get() {
        let verb = if value.is_some() { "assign to" } else { "delete" };
        return Err(super::stdlib::dataclasses::frozen(verb, &name.text.text));
    }
    set_own(object, attrs, name, value)
}

/// As [`setattr`], past properties and frozen classes (`object.__setattr__`).
pub fn set_own(object: &Obj, attrs: &RefCell<Table<Obj>>, name: &Name, value: Option<&Obj>) -> Py<()> {
    match value {
        Some(value) => set_entry(attrs, &name.text, value.clone()),
        None if remove_entry(attrs, &name.text)? => Ok(()),
        None => Err(attribute_error(&text::type_name(object), &name.text.text)),
    }
}

/// `Class.name`
pub fn class_attribute(class: &Rc<Class>, name: &Name) -> Py<Option<Obj>> {
    if let Some(value) = class.find_name(&name.text) {
        return bind(&value, None, class).map(Some);
    }
    Ok(Some(match &*name.text.text {
        "__name__" => Obj::str(&*class.name),
        "__qualname__" => Obj::str(&*class.qualname),
        "__module__" => Obj::str("__main__"),
        "__doc__" => Obj::None,
        "__class__" => Obj::Builtin(Builtin::Type),
        "__bases__" => Obj::tuple(class.bases.clone()),
        "__mro__" => {
            let mut order = vec![Obj::Class(class.clone())];
            order.extend(class.above.iter().cloned());
            Obj::tuple(order)
        }
        _ => return Ok(None),
    }))
}

/// Deletes an attribute of the class itself.
pub fn delete_class_attribute(class: &Rc<Class>, name: &Name) -> Py<bool> {
    remove_entry(&class.attrs, &name.text)
}

/// `repr()` of an object whose class says nothing of it.
pub fn default_repr(object: &Obj) -> String {
    format!("<__main__.{} object at {}>", text::type_name(object), text::ADDRESS)
}

/// The class above which an exception's class is the program's, for `isinstance`.
pub fn of_exception(exception: &Exception) -> Option<&Rc<Class>> {
    match &exception.class {
        Obj::Class(class) => Some(class),
        _ => None,
    }
}
