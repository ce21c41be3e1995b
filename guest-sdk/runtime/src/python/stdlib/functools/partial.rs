//! `functools.partial`.

use std::any::Any;
use std::rc::Rc;

use crate::python::call;
use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::repr;

/// `partial`: a callable with some of its arguments.
pub struct Partial {
    function: Obj,
    values: Vec<Obj>,
    named: Vec<(Rc<Text>, Obj)>,
}

pub static PARTIAL: NativeType = NativeType {
    module: "functools",
    name: "partial",
    new,
    is_instance: |object| object.as_native::<Partial>().is_some(),
    attribute: |_| None,
};

pub fn new(args: &Args) -> Py {
    let Some((function, values)) = args.plain().split_first() else {
        return Err(type_error("type 'partial' takes at least one argument"));
    };
    if !call::is_callable(function) {
        return Err(type_error("the first argument must be callable"));
    }
    let given = named_values(args);
    Ok(Obj::native(match function.as_native::<Partial>() {
        // A partial of a partial is one.
        Some(inner) => Partial {
            function: inner.function.clone(),
            values: inner.values.iter().chain(values).cloned().collect(),
            named: overlaid(&inner.named, given),
        },
        None => Partial {
            function: function.clone(),
            values: values.to_vec(),
            named: given,
        },
    }))
}

fn named_values(args: &Args) -> Vec<(Rc<Text>, Obj)> {
    let values = args.values.iter().skip(args.plain().len());
    args.names.iter().cloned().zip(values.cloned()).collect()
}

/// Named arguments with others over them.
fn overlaid(under: &[(Rc<Text>, Obj)], over: Vec<(Rc<Text>, Obj)>) -> Vec<(Rc<Text>, Obj)> {
    let mut all = under.to_vec();
    for (name, value) in over {
        match all.iter_mut().find(|(known, _)| known.text == name.text) {
            Some((_, place)) => *place = value,
            None => all.push((name, value)),
        }
    }
    all
}

impl Native for Partial {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &PARTIAL
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "func" => Some(self.function.clone()),
            "args" => Some(Obj::tuple(self.values.clone())),
            "keywords" => {
                let mut table = Table::default();
                for (name, value) in &self.named {
                    table.insert(Obj::Str(name.clone()), value.clone())?;
                }
                Some(Obj::dict(table))
            }
            _ => None,
        })
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        let named = overlaid(&self.named, named_values(args));
        let mut values: Vec<Obj> = self.values.iter().chain(args.plain()).cloned().collect();
        let (names, named): (Vec<_>, Vec<_>) = named.into_iter().unzip();
        values.extend(named);
        Some(call::call(
            &self.function,
            &Args {
                values: &values,
                names: &names,
            },
        ))
    }
    fn repr(&self) -> Py<String> {
        let mut parts = vec![repr(&self.function)?];
        for value in &self.values {
            parts.push(repr(value)?);
        }
        for (name, value) in &self.named {
            parts.push(format!("{}={}", name.text, repr(value)?));
        }
        Ok(format!("functools.partial({})", parts.join(", ")))
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}
