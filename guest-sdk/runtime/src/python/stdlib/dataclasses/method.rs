//! The methods that a dataclass is given.

use std::any::Any;
use std::rc::Rc;

use super::field::{Field, Layout};
use crate::python::class;
use crate::python::compare::{self, CompareOp};
use crate::python::depth;
use crate::python::error::{Py, Raised, type_error};
use crate::python::hash;
use crate::python::object::{Args, Name, Native, NativeType, Obj};
use crate::python::stdlib::bind::listed;
use crate::python::text::{repr, type_name};
use crate::python::{attr, call, descriptor};

/// What a method does.
#[derive(Clone, Copy)]
pub enum Kind {
    Init,
    Repr,
    Eq,
    Order(CompareOp),
    Hash,
}

/// A method of a dataclass.
pub struct Method {
    pub kind: Kind,
    /// The [`Layout`].
    pub layout: Obj,
    pub class: Rc<str>,
}

static METHOD: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Method>().is_some(),
    attribute: |_| None,
};

impl Native for Method {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &METHOD
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(self.run(args))
    }
    fn bind(&self, this: &Obj, instance: Option<&Obj>, _class: &Obj) -> Option<Py> {
        descriptor::as_function(this, instance)
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("<function {}>", self.class))
    }
}

impl Method {
    fn fields(&self) -> &[Field] {
        self.layout.as_native::<Layout>().map_or(&[], |layout| &layout.fields)
    }

    fn run(&self, args: &Args) -> Py {
        let Some((this, _)) = args.values.split_first() else {
            return Err(type_error(format!("{} method needs an instance", self.class)));
        };
        let rest = Args {
            values: args.values.get(1..).unwrap_or_default(),
            names: args.names,
        };
        if let Kind::Init = self.kind {
            self.init(this, &rest)?;
            return Ok(Obj::None);
        }
        let other = rest.values.first();
        match (self.kind, other) {
            (Kind::Repr, _) => self.show(this).map(Obj::str),
            (Kind::Hash, _) => Ok(Obj::Int(hash::hash(&compared(this, self.fields())?)?)),
            (Kind::Eq, Some(other)) if attr::type_of(this).is(&attr::type_of(other)) => {
                let same = compare::equals(&compared(this, self.fields())?, &compared(other, self.fields())?)?;
                Ok(Obj::Bool(same))
            }
            (Kind::Order(op), Some(other)) if attr::type_of(this).is(&attr::type_of(other)) => {
                compare::compare(op, &compared(this, self.fields())?, &compared(other, self.fields())?)
            }
            _ => Ok(Obj::NotImplemented),
        }
    }

    fn error(&self, text: String) -> Raised {
        type_error(format!("{}.__init__() {text}", self.class))
    }

    fn init(&self, this: &Obj, args: &Args) -> Py<()> {
        let fields = self.fields();
        let positional: Vec<usize> = (0..fields.len())
            .filter(|at| fields.get(*at).is_some_and(|field| field.init && !field.keyword_only))
            .collect();
        let plain = args.plain();
        if plain.len() > positional.len() {
            let most = positional.len() + 1;
            let optional = positional
                .iter()
                .filter_map(|at| fields.get(*at))
                .filter(|field| field.default.is_some() || field.factory.is_some())
                .count();
            let takes = if optional > 0 {
                format!("from {} to {most} positional arguments", most - optional)
            } else {
                format!("{most} positional argument{}", if most == 1 { "" } else { "s" })
            };
            return Err(self.error(format!("takes {takes} but {} were given", plain.len() + 1)));
        }
        let mut values: Vec<Option<Obj>> = vec![None; fields.len()];
        for (at, value) in positional.iter().zip(plain) {
            if let Some(place) = values.get_mut(*at) {
                *place = Some(value.clone());
            }
        }
        for (name, value) in args.names.iter().zip(args.values.iter().skip(plain.len())) {
            let at = fields.iter().position(|field| field.init && field.name.text == name.text);
            match at.and_then(|at| values.get_mut(at)) {
                None => return Err(self.error(format!("got an unexpected keyword argument '{}'", name.text))),
                Some(Some(_)) => return Err(self.error(format!("got multiple values for argument '{}'", name.text))),
                Some(place) => *place = Some(value.clone()),
            }
        }
        self.check_missing(fields, &values)?;
        let Some((_, attrs)) = class::of(this) else {
            return Err(type_error("__init__ needs an instance"));
        };
        for (field, value) in fields.iter().zip(values) {
            let value = match (value, &field.factory, &field.default) {
                (Some(value), _, _) => value,
                (None, Some(factory), _) => call::call(factory, &Args::positional(&[]))?,
                (None, None, Some(default)) => default.clone(),
                (None, None, None) => continue,
            };
            let name = Name {
                text: field.name.clone(),
                method: None,
            };
            class::set_own(this, attrs, &name, Some(&value))?;
        }
        match class::call_special(this, "__post_init__", &[]) {
            Some(result) => result.map(drop),
            None => Ok(()),
        }
    }

    /// Refuses a call that leaves out fields without a default.
    fn check_missing(&self, fields: &[Field], values: &[Option<Obj>]) -> Py<()> {
        let lacks = |keyword_only: bool| -> Vec<&str> {
            fields
                .iter()
                .zip(values)
                .filter(|(field, value)| {
                    let required = field.init && field.default.is_none() && field.factory.is_none();
                    required && value.is_none() && field.keyword_only == keyword_only
                })
                .map(|(field, _)| field.name.text.as_str())
                .collect()
        };
        for (keyword_only, what) in [(false, "positional"), (true, "keyword-only")] {
            let names = lacks(keyword_only);
            if !names.is_empty() {
                let plural = if names.len() == 1 { "" } else { "s" };
                return Err(self.error(format!(
                    "missing {} required {what} argument{plural}: {}",
                    names.len(),
                    listed(&names)
                )));
            }
        }
        Ok(())
    }

    fn show(&self, this: &Obj) -> Py<String> {
        let _level = depth::enter(" while getting the repr of an object")?;
        let mut parts = Vec::new();
        for field in self.fields().iter().filter(|field| field.repr) {
            let value = value_of(this, field)?;
            // As CPython shows what contains itself.
            let shown = if value.is(this) { "...".to_owned() } else { repr(&value)? };
            parts.push(format!("{}={shown}", field.name.text));
        }
        let name = class::of(this).map_or_else(|| type_name(this), |(class, _)| class.qualname.clone());
        Ok(format!("{name}({})", parts.join(", ")))
    }
}

pub fn value_of(this: &Obj, field: &Field) -> Py {
    attr::getattr(
        this,
        &Name {
            text: field.name.clone(),
            method: None,
        },
    )
}

/// The values that comparisons look at.
fn compared(this: &Obj, fields: &[Field]) -> Py {
    let values: Vec<Obj> = fields
        .iter()
        .filter(|field| field.compare)
        .map(|field| value_of(this, field))
        .collect::<Py<_>>()?;
    Ok(Obj::tuple(values))
}
