//! `field(…)`, `Field` and `MISSING`, and the fields that a class keeps.

use std::any::Any;
use std::rc::Rc;

use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::stdlib::bind::{bind, flag};
use crate::python::table::Table;
use crate::python::text::repr;

/// A field of a class, or the settings of one (`field(…)`).
#[derive(Clone)]
pub struct Field {
    pub name: Rc<Text>,
    /// The annotation as the author wrote it.
    pub annotation: Obj,
    pub default: Option<Obj>,
    pub factory: Option<Obj>,
    pub init: bool,
    pub repr: bool,
    pub compare: bool,
    pub keyword_only: bool,
    pub metadata: Obj,
}

pub static FIELD: NativeType = NativeType {
    module: "dataclasses",
    name: "Field",
    new: |_| Err(type_error("a Field is made by field()")),
    is_instance: |object| object.as_native::<Field>().is_some(),
    attribute: |_| None,
};

/// The marker of an absent default.
pub struct Missing;

pub static MISSING: NativeType = NativeType {
    module: "dataclasses",
    name: "_MISSING_TYPE",
    new: |_| Ok(missing()),
    is_instance: |object| object.as_native::<Missing>().is_some(),
    attribute: |_| None,
};

thread_local! {
    static ABSENT: Obj = Obj::native(Missing);
}

pub fn missing() -> Obj {
    ABSENT.with(Clone::clone)
}

impl Native for Missing {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &MISSING
    }
    fn repr(&self) -> Py<String> {
        Ok("<dataclasses._MISSING_TYPE object>".to_owned())
    }
}

impl Native for Field {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &FIELD
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "name" => Obj::Str(self.name.clone()),
            "type" => self.annotation.clone(),
            "default" => self.default.clone().unwrap_or_else(missing),
            "default_factory" => self.factory.clone().unwrap_or_else(missing),
            "init" => Obj::Bool(self.init),
            "repr" => Obj::Bool(self.repr),
            "compare" => Obj::Bool(self.compare),
            "kw_only" => Obj::Bool(self.keyword_only),
            "metadata" => self.metadata.clone(),
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!(
            "Field(name={},type={})",
            repr(&Obj::Str(self.name.clone()))?,
            repr(&self.annotation)?
        ))
    }
}

pub fn field(args: &Args) -> Py {
    let names = [
        "default",
        "default_factory",
        "init",
        "repr",
        "hash",
        "compare",
        "metadata",
        "kw_only",
    ];
    let [default, factory, init, shown, _, compared, metadata, keyword_only] = bind("field", args, names, 0, 0)?;
    let given = |value: Option<&Obj>| value.filter(|value| value.as_native::<Missing>().is_none()).cloned();
    let (default, factory) = (given(default), given(factory));
    if default.is_some() && factory.is_some() {
        return Err(value_error("cannot specify both default and default_factory"));
    }
    Ok(Obj::native(Field {
        name: Rc::new(Text::new("")),
        annotation: Obj::None,
        default,
        factory,
        init: flag(init, true)?,
        repr: flag(shown, true)?,
        compare: flag(compared, true)?,
        keyword_only: flag(keyword_only, false)?,
        metadata: metadata.cloned().unwrap_or_else(|| Obj::dict(Table::default())),
    }))
}

/// Fields of a class; an attribute of the class, found by those below it.
pub struct Layout {
    pub fields: Vec<Field>,
}

static LAYOUT: NativeType = NativeType {
    module: "dataclasses",
    name: "_FIELDS",
    new: |_| Err(type_error("cannot create '_FIELDS' instances")),
    is_instance: |object| object.as_native::<Layout>().is_some(),
    attribute: |_| None,
};

impl Native for Layout {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &LAYOUT
    }
    fn repr(&self) -> Py<String> {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.text.as_str()).collect();
        Ok(format!("<fields {}>", names.join(", ")))
    }
}

/// Where a class keeps its [`Layout`].
pub const LAYOUT_NAME: &str = "__dataclass_fields__";
