//! `functools.cached_property`.

use std::any::Any;

use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Name, Native, NativeType, Obj};
use crate::python::stdlib::bind::{bind, need};
use crate::python::{attr, call};

/// A property computed once: the instance keeps the value.
struct CachedProperty {
    function: Obj,
    name: Name,
}

static CACHED_PROPERTY: NativeType = NativeType {
    module: "functools",
    name: "cached_property",
    new,
    is_instance: |object| object.as_native::<CachedProperty>().is_some(),
    attribute: |_| None,
};

pub fn new(args: &Args) -> Py {
    let [function] = bind("cached_property", args, ["func"], 1, 1)?;
    let function = need(function, "cached_property")?;
    let Obj::Str(name) = attr::getattr(function, &Name::new("__name__"))? else {
        return Err(type_error("cached_property needs a named function"));
    };
    Ok(Obj::native(CachedProperty {
        function: function.clone(),
        name: Name::new(&name),
    }))
}

impl Native for CachedProperty {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &CACHED_PROPERTY
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((name == "func").then(|| self.function.clone()))
    }
    fn bind(&self, _this: &Obj, instance: Option<&Obj>, _class: &Obj) -> Option<Py> {
        let instance = instance?;
        Some(
            call::call(&self.function, &Args::positional(std::slice::from_ref(instance))).and_then(|value| {
                // From now on the instance's own attribute is found first.
                attr::setattr(instance, &self.name, &value)?;
                Ok(value)
            }),
        )
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools.cached_property object>".to_owned())
    }
}
