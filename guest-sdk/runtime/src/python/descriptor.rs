//! `property`, `staticmethod` and `classmethod`: attributes of a class that act when they are read.

use std::any::Any;
use std::rc::Rc;

use super::call;
use super::class::Class;
use super::error::{Py, raise};
use super::names::Builtin;
use super::object::{Args, Bound, Native, NativeType, Obj};

/// A function of a class in one of the wrappers.
pub enum Wrapped {
    Static(Obj),
    Class(Obj),
    /// Getter, setter, deleter; `None` where absent.
    Property([Obj; 3]),
}

/// `staticmethod(function)`
pub fn static_method(function: &Obj) -> Obj {
    Obj::native(Wrapped::Static(function.clone()))
}

/// `classmethod(function)`
pub fn class_method(function: &Obj) -> Obj {
    Obj::native(Wrapped::Class(function.clone()))
}

/// `property(fget, fset, fdel)`; `Obj::None` where absent.
pub fn property(get: &Obj, set: &Obj, delete: &Obj) -> Obj {
    Obj::native(Wrapped::Property([get.clone(), set.clone(), delete.clone()]))
}

macro_rules! kind {
    ($kind:ident, $name:literal, $variant:pat, $new:expr) => {
        static $kind: NativeType = NativeType {
            module: "builtins",
            name: $name,
            new: $new,
            is_instance: |object| matches!(object.as_native::<Wrapped>(), Some($variant)),
            attribute: |_| None,
        };
    };
}

kind!(STATIC, "staticmethod", Wrapped::Static(_), |args| {
    args.expect("staticmethod", 1, 1, &[])?;
    Ok(static_method(&args.values[0]))
});
kind!(CLASS, "classmethod", Wrapped::Class(_), |args| {
    args.expect("classmethod", 1, 1, &[])?;
    Ok(class_method(&args.values[0]))
});
kind!(PROPERTY, "property", Wrapped::Property(_), new_property);

/// A call of `property`.
pub fn new_property(args: &Args) -> Py {
    args.expect("property", 0, 4, &["fget", "fset", "fdel", "doc"])?;
    let part = |at, name| args.get(at, name).cloned().unwrap_or_default();
    Ok(property(&part(0, "fget"), &part(1, "fset"), &part(2, "fdel")))
}

impl Wrapped {
    pub fn is_property(&self) -> bool {
        matches!(self, Wrapped::Property(_))
    }

    /// Sets or deletes through a property.
    pub fn assign(&self, object: &Obj, class: &Rc<Class>, name: &str, value: Option<&Obj>) -> Py<()> {
        let Wrapped::Property([_, set, delete]) = self else {
            return Ok(());
        };
        let (function, verb) = match value {
            Some(_) => (set, "setter"),
            None => (delete, "deleter"),
        };
        if function.is_none() {
            let text = format!("property '{name}' of '{}' object has no {verb}", class.qualname);
            return Err(raise(Builtin::AttributeError, text));
        }
        let mut args = vec![object.clone()];
        args.extend(value.cloned());
        call::call(function, &Args::positional(&args))?;
        Ok(())
    }

    /// The function, or the getter of a property.
    pub fn function(&self) -> &Obj {
        match self {
            Wrapped::Static(function) | Wrapped::Class(function) | Wrapped::Property([function, ..]) => function,
        }
    }
}

impl Native for Wrapped {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        match self {
            Wrapped::Static(_) => &STATIC,
            Wrapped::Class(_) => &CLASS,
            Wrapped::Property(_) => &PROPERTY,
        }
    }
    fn bind(&self, _this: &Obj, instance: Option<&Obj>, class: &Obj) -> Option<Py> {
        match (self, instance) {
            (Wrapped::Static(function), _) => Some(Ok(function.clone())),
            (Wrapped::Class(function), _) => Some(Ok(Obj::Bound(Rc::new(Bound {
                this: class.clone(),
                function: function.clone(),
            })))),
            (Wrapped::Property([get, ..]), Some(instance)) => Some(match get {
                Obj::None => Err(raise(Builtin::AttributeError, "property of object has no getter")),
                Obj::Function(get) => super::function::call(get, Some(instance), &Args::positional(&[])),
                _ => call::call(get, &Args::positional(std::slice::from_ref(instance))),
            }),
            (Wrapped::Property(_), None) => None,
        }
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match (self, name) {
            (Wrapped::Property([get, _, _]), "fget") => Some(get.clone()),
            (Wrapped::Property([_, set, _]), "fset") => Some(set.clone()),
            (Wrapped::Property([_, _, delete]), "fdel") => Some(delete.clone()),
            (_, "__func__") if !self.is_property() => Some(self.function().clone()),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        self.is_property() && matches!(name, "getter" | "setter" | "deleter")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let Wrapped::Property(parts) = self else {
            return Ok(None);
        };
        let at = match name {
            "getter" => 0,
            "setter" => 1,
            "deleter" => 2,
            _ => return Ok(None),
        };
        args.expect(name, 1, 1, &[])?;
        let mut parts = parts.clone();
        parts[at] = args.values.first().cloned().unwrap_or_default();
        Ok(Some(Obj::native(Wrapped::Property(parts))))
    }
    fn call(&self, args: &Args) -> Option<Py> {
        match self {
            Wrapped::Static(function) => Some(call::call(function, args)),
            _ => None,
        }
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("<{} object>", self.type_of().name))
    }
}

/// What reading a method of a module's making gives: bound to the instance, as a function of the program would be; itself from the class.
pub fn as_function(this: &Obj, instance: Option<&Obj>) -> Option<Py> {
    instance.map(|instance| {
        Ok(Obj::Bound(Rc::new(Bound {
            this: instance.clone(),
            function: this.clone(),
        })))
    })
}
