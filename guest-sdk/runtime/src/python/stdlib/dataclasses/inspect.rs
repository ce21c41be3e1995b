//! What programs ask of dataclasses: `fields`, `asdict`, `astuple`, `replace`, `is_dataclass`.

use std::rc::Rc;

use super::field::{Field, LAYOUT_NAME, Layout};
use super::method::value_of;
use crate::python::depth;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Obj, Text};
use crate::python::stdlib::bind::{bind, need};
use crate::python::stdlib::copy;
use crate::python::stdlib::declare::arg;
use crate::python::table::Table;
use crate::python::{attr, call, class};

/// The layout of a dataclass or an instance of one.
fn layout_of(object: &Obj) -> Option<Obj> {
    match object {
        Obj::Class(class) => class.find(LAYOUT_NAME),
        _ => class::of(object)?.0.find(LAYOUT_NAME),
    }
}

fn fields_of(object: &Obj) -> Option<Vec<Field>> {
    Some(layout_of(object)?.as_native::<Layout>()?.fields.clone())
}

pub fn is_dataclass(args: &Args) -> Py {
    args.expect("is_dataclass", 1, 1, &[])?;
    Ok(Obj::Bool(layout_of(arg(args, 0, "is_dataclass")?).is_some()))
}

pub fn fields(args: &Args) -> Py {
    let [object] = bind("fields", args, ["class_or_instance"], 1, 1)?;
    match fields_of(need(object, "fields")?) {
        Some(fields) => Ok(Obj::tuple(fields.into_iter().map(Obj::native).collect::<Vec<_>>())),
        None => Err(type_error("must be called with a dataclass type or instance")),
    }
}

/// The instance that `asdict` and `astuple` are called with.
fn instance<'a>(args: &Args<'a>, function: &str) -> Py<(&'a Obj, Option<&'a Obj>)> {
    let names = [
        "obj",
        if function == "asdict" {
            "dict_factory"
        } else {
            "tuple_factory"
        },
    ];
    let [object, factory] = bind(function, args, names, 1, 1)?;
    let object = need(object, function)?;
    match object {
        Obj::Class(_) => {}
        _ if layout_of(object).is_some() => return Ok((object, factory)),
        _ => {}
    }
    Err(type_error(format!("{function}() should be called on dataclass instances")))
}

pub fn asdict(args: &Args) -> Py {
    let (object, factory) = instance(args, "asdict")?;
    converted(object, &|entries| match factory {
        Some(factory) => {
            let pairs = entries.into_iter().map(|(name, value)| Obj::tuple([name, value])).collect();
            call::call(factory, &Args::positional(&[Obj::list(pairs)]))
        }
        None => {
            let mut table = Table::default();
            for (name, value) in entries {
                table.insert(name, value)?;
            }
            Ok(Obj::dict(table))
        }
    })
}

pub fn astuple(args: &Args) -> Py {
    let (object, factory) = instance(args, "astuple")?;
    converted(object, &|entries| {
        let values: Vec<Obj> = entries.into_iter().map(|(_, value)| value).collect();
        match factory {
            Some(factory) => call::call(factory, &Args::positional(&[Obj::list(values)])),
            None => Ok(Obj::tuple(values)),
        }
    })
}

/// Dataclass instances by `make`, containers with what is in them, everything else as a deep copy.
fn converted(object: &Obj, make: &dyn Fn(Vec<(Obj, Obj)>) -> Py) -> Py {
    let _level = depth::enter(" while converting a dataclass")?;
    if !matches!(object, Obj::Class(_))
        && let Some(fields) = fields_of(object)
    {
        let mut entries = Vec::with_capacity(fields.len());
        for field in &fields {
            entries.push((Obj::Str(field.name.clone()), converted(&value_of(object, field)?, make)?));
        }
        return make(entries);
    }
    match object {
        Obj::List(list) => {
            let items = list.0.borrow().clone();
            let items = items.iter().map(|item| converted(item, make)).collect::<Py<Vec<_>>>()?;
            Ok(Obj::list(items))
        }
        Obj::Tuple(items) => {
            let items = items.iter().map(|item| converted(item, make)).collect::<Py<Vec<_>>>()?;
            Ok(Obj::tuple(items))
        }
        Obj::Dict(dict) => {
            let entries: Vec<(Obj, Obj)> = dict
                .table
                .borrow()
                .iter()
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let mut table = Table::default();
            for (key, value) in entries {
                table.insert(converted(&key, make)?, converted(&value, make)?)?;
            }
            Ok(Obj::dict(table))
        }
        other => copy::deep(other),
    }
}

pub fn replace(args: &Args) -> Py {
    args.expect(
        "replace",
        1,
        1,
        &args.names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>(),
    )?;
    let object = arg(args, 0, "replace")?;
    let fields = match object {
        Obj::Class(_) => None,
        _ => fields_of(object),
    };
    let Some(fields) = fields else {
        return Err(type_error("replace() should be called on dataclass instances"));
    };
    let mut names: Vec<Rc<Text>> = args.names.to_vec();
    let mut values: Vec<Obj> = args.values.iter().skip(args.plain().len()).cloned().collect();
    for field in &fields {
        let told = names.iter().any(|name| name.text == field.name.text);
        if !field.init {
            if told {
                return Err(value_error(format!(
                    "field {} is declared with init=False, it cannot be specified with replace()",
                    field.name.text
                )));
            }
        } else if !told {
            names.push(field.name.clone());
            values.push(value_of(object, field)?);
        }
    }
    call::call(
        &attr::type_of(object),
        &Args {
            values: &values,
            names: &names,
        },
    )
}
