//! `functools.total_ordering`.

use std::any::Any;
use std::rc::Rc;

use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, raise, type_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Name, Native, NativeType, Obj, Text};
use crate::python::stdlib::declare::arg;
use crate::python::{call, descriptor};

/// The comparison that `total_ordering` derives from the one that a class has.
struct Derived {
    /// What the class has, and what this one answers.
    has: CompareOp,
    answers: CompareOp,
}

static DERIVED: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Derived>().is_some(),
    attribute: |_| None,
};

/// The one preferred first is derived from.
const ORDERINGS: [(&str, CompareOp); 4] = [
    ("__lt__", CompareOp::Lt),
    ("__le__", CompareOp::Le),
    ("__gt__", CompareOp::Gt),
    ("__ge__", CompareOp::Ge),
];

pub fn total_ordering(args: &Args) -> Py {
    args.expect("total_ordering", 1, 1, &[])?;
    let object = arg(args, 0, "total_ordering")?;
    let Obj::Class(class) = object else {
        return Err(type_error("total_ordering needs a class"));
    };
    let defined = ORDERINGS.iter().find(|(name, _)| class.find(name).is_some());
    let Some((_, has)) = defined else {
        return Err(raise(
            Builtin::ValueError,
            "must define at least one ordering operation: < > <= >=",
        ));
    };
    for (name, answers) in ORDERINGS {
        if class.find(name).is_none() {
            let derived = Obj::native(Derived { has: *has, answers });
            class.set(&Rc::new(Text::new(name)), &derived)?;
        }
    }
    Ok(object.clone())
}

impl Native for Derived {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DERIVED
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(args.expect("ordering", 2, 2, &[]).and_then(|()| {
            let (a, b) = (arg(args, 0, "ordering")?, arg(args, 1, "ordering")?);
            let name = ORDERINGS
                .iter()
                .find(|(_, op)| *op == self.has)
                .map_or("__lt__", |(name, _)| *name);
            let result = call::call_method(a, &Name::new(name), &Args::positional(std::slice::from_ref(b)))?;
            if matches!(result, Obj::NotImplemented) {
                return Ok(result);
            }
            let holds = compare::truth(&result)?;
            let equal = || compare::equals(a, b);
            use CompareOp::{Ge, Gt, Le, Lt};
            Ok(Obj::Bool(match (self.has, self.answers) {
                (Lt, Gt) | (Gt, Lt) => !holds && !equal()?,
                (Lt, Le) | (Gt, Ge) => holds || equal()?,
                (Le, Lt) | (Ge, Gt) => holds && !equal()?,
                (Le, Ge) | (Ge, Le) => !holds || equal()?,
                // The opposite: not less means greater or equal.
                _ => !holds,
            }))
        }))
    }
    fn bind(&self, this: &Obj, instance: Option<&Obj>, _class: &Obj) -> Option<Py> {
        descriptor::as_function(this, instance)
    }
    fn repr(&self) -> Py<String> {
        Ok("<function total_ordering>".to_owned())
    }
}
