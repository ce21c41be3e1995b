//! `super()`, and the methods that every object has from `object` or its builtin exception class.

use std::any::Any;
use std::rc::Rc;

use super::{Class, bind, default_repr, derives, of, remove_entry, set_entry, special, text_of};
use crate::python::call;
use crate::python::error::{Py, attribute_error, raise, type_error};
use crate::python::exception;
use crate::python::names::Builtin;
use crate::python::object::{Args, Name, Native, NativeType, Obj, Text};
use crate::python::text;

/// `super()`: attributes of what comes after a class in the order of an object's class.
pub struct Super {
    class: Rc<Class>,
    this: Obj,
}

static SUPER: NativeType = NativeType {
    module: "builtins",
    name: "super",
    new: |_| Err(raise(Builtin::RuntimeError, "super(): no arguments")),
    is_instance: |object| object.as_native::<Super>().is_some(),
    attribute: |_| None,
};

/// `super()` inside a method of `class`.
pub fn super_of(class: &Obj, this: &Obj) -> Py {
    let Obj::Class(class) = class else {
        return Err(raise(Builtin::RuntimeError, "super(): empty __class__ cell"));
    };
    let fits = match this {
        Obj::Class(below) => derives(below, class),
        _ => of(this).is_some_and(|(below, _)| derives(below, class)),
    };
    if !fits {
        return Err(type_error("super(type, obj): obj must be an instance or subtype of type"));
    }
    Ok(Obj::native(Super {
        class: class.clone(),
        this: this.clone(),
    }))
}

impl Super {
    fn own_class(&self) -> &Rc<Class> {
        match &self.this {
            Obj::Class(class) => class,
            other => of(other).map_or(&self.class, |(class, _)| class),
        }
    }

    fn find(&self, name: &Rc<Text>) -> Option<Obj> {
        let class = self.own_class();
        let skip = match Rc::ptr_eq(class, &self.class) {
            true => 0,
            false => {
                1 + class
                    .above
                    .iter()
                    .position(|c| matches!(c, Obj::Class(c) if Rc::ptr_eq(c, &self.class)))?
            }
        };
        class.above.iter().skip(skip).find_map(|class| match class {
            Obj::Class(class) => class.attrs.borrow().get_text(name).cloned(),
            _ => None,
        })
    }

    fn instance(&self) -> Option<&Obj> {
        (!matches!(self.this, Obj::Class(_))).then_some(&self.this)
    }
}

impl Native for Super {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &SUPER
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        match self.find(&Rc::new(Text::new(name))) {
            Some(value) => match (self.instance(), &value) {
                // A classmethod or function called through the class: bound to the class below.
                (None, Obj::Native(_)) => bind(&value, None, self.own_class()).map(Some),
                (instance, _) => bind(&value, instance, self.own_class()).map(Some),
            },
            None => Ok(None),
        }
    }
    fn has_method(&self, name: &str) -> bool {
        match &self.this {
            Obj::Exception(_) => exception::has_method(name),
            _ => is_object_method(name),
        }
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if let Some(found) = self.find(&Rc::new(Text::new(name))) {
            if let (Obj::Function(function), Some(instance)) = (&found, self.instance()) {
                return crate::python::function::call(function, Some(instance), args).map(Some);
            }
            let bound = bind(&found, self.instance(), self.own_class())?;
            return call::call(&bound, args).map(Some);
        }
        object_method(&self.this, &Name::new(name), args)
    }
    fn repr(&self) -> Py<String> {
        Ok(format!(
            "<super: <class '{}'>, <{} object>>",
            self.class.name,
            self.own_class().name
        ))
    }
}

fn is_object_method(name: &str) -> bool {
    matches!(
        name,
        "__init__"
            | "__str__"
            | "__repr__"
            | "__eq__"
            | "__ne__"
            | "__hash__"
            | "__setattr__"
            | "__getattribute__"
            | "__delattr__"
    )
}

/// A method that every object has from `object` or its builtin exception class. `None` when there is none of that name.
pub fn object_method(this: &Obj, name: &Name, args: &Args) -> Py<Option<Obj>> {
    if let Obj::Exception(exception) = this
        && let Some(result) = exception::method(exception, name, args)?
    {
        return Ok(Some(result));
    }
    Ok(Some(match (&*name.text.text, args.values) {
        ("__init__", []) => Obj::None,
        ("__init__", _) => {
            return Err(type_error(
                "object.__init__() takes exactly one argument (the instance to initialize)",
            ));
        }
        ("__str__", []) => match special(this, "__repr__") {
            Some(method) => Obj::Str(text_of(this, &method, "__repr__")?),
            None => Obj::str(default_repr(this)),
        },
        ("__repr__", []) => Obj::str(default_repr(this)),
        ("__eq__", [other]) if this.is(other) => Obj::Bool(true),
        ("__eq__" | "__ne__", [_]) => Obj::NotImplemented,
        ("__hash__", []) => Obj::Int(crate::python::hash::identity(this)),
        ("__setattr__", [Obj::Str(name), value]) => {
            if let Some((_, attrs)) = of(this) {
                set_entry(attrs, name, value.clone())?;
            }
            Obj::None
        }
        ("__delattr__", [Obj::Str(name)]) => {
            if let Some((_, attrs)) = of(this)
                && !remove_entry(attrs, name)?
            {
                return Err(attribute_error(&text::type_name(this), &name.text));
            }
            Obj::None
        }
        ("__getattribute__", [Obj::Str(name)]) => crate::python::attr::getattr(this, &Name::new(&name.text))?,
        _ => return Ok(None),
    }))
}
