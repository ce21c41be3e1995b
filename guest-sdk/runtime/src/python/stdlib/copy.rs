//! The module `copy`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::bind::{bind, need};
use super::collections;
use super::declare::declare;
use super::named::NamedTuple;
use crate::python::class;
use crate::python::depth;
use crate::python::error::{Py, type_error};
use crate::python::keyed;
use crate::python::names::Builtin;
use crate::python::object::{Args, Dict, DictKind, Exception, Obj, Set};
use crate::python::set::SetTable;
use crate::python::table::Table;
use crate::python::text::type_name;

declare! {
    "copy" {
        "copy" => copy,
        "deepcopy" => deepcopy,
    } {
        "Error" => Obj::Builtin(Builtin::Exception),
        "error" => Obj::Builtin(Builtin::Exception),
    }
}

/// What has state outside of what a copy could hold.
fn check(object: &Obj) -> Py<()> {
    match object {
        Obj::Generator(_) | Obj::Module(_) => Err(type_error(format!("cannot pickle '{}' object", type_name(object)))),
        _ => Ok(()),
    }
}

fn copy(args: &Args) -> Py {
    let [object] = bind("copy", args, ["x"], 1, 1)?;
    let object = need(object, "copy")?;
    check(object)?;
    if let Some(result) = class::call_special(object, "__copy__", &[]) {
        return result;
    }
    Ok(match object {
        Obj::List(list) => Obj::list(list.0.borrow().clone()),
        Obj::Dict(dict) => collections::of_kind(dict.table.borrow().clone(), kind(dict)),
        Obj::Set(set) if !set.frozen => Obj::set(set.table.borrow().clone(), false),
        Obj::Instance(instance) => made(instance, instance.attrs.borrow().clone()),
        Obj::Exception(exception) => {
            let attrs = exception.attrs.borrow().clone();
            let args = exception.args.borrow().clone();
            exception_of(exception, args, attrs)
        }
        _ => match object.as_native::<collections::Deque>() {
            Some(deque) => deque.with_items(deque.items()),
            None => object.clone(),
        },
    })
}

/// The kind of a dict, for its copy.
fn kind(dict: &Dict) -> DictKind {
    match &dict.kind {
        DictKind::Plain => DictKind::Plain,
        DictKind::Ordered => DictKind::Ordered,
        DictKind::Counter => DictKind::Counter,
        DictKind::Default(factory) => DictKind::Default(RefCell::new(factory.borrow().clone())),
    }
}

fn made(like: &class::Instance, attrs: Table<Obj>) -> Obj {
    Obj::Instance(Rc::new(class::Instance {
        class: like.class.clone(),
        attrs: RefCell::new(attrs),
        hash: Cell::new(0),
    }))
}

fn exception_of(like: &Exception, args: Vec<Obj>, attrs: Table<Obj>) -> Obj {
    Obj::Exception(Rc::new(Exception {
        class: like.class.clone(),
        args: RefCell::new(args),
        attrs: RefCell::new(attrs),
        cause: RefCell::new(like.cause.borrow().clone()),
    }))
}

fn deepcopy(args: &Args) -> Py {
    let [object, memo] = bind("deepcopy", args, ["x", "memo"], 1, 2)?;
    let memo = memo.filter(|memo| matches!(memo, Obj::Dict(_))).cloned();
    let mut copier = Copier {
        made: HashMap::new(),
        memo: memo.unwrap_or_else(|| Obj::dict(Table::default())),
    };
    copier.copy(need(object, "deepcopy")?)
}

/// A copy of an object, for the functions of modules.
pub fn deep(object: &Obj) -> Py {
    deepcopy(&Args::positional(std::slice::from_ref(object)))
}

/// A deep copy in progress.
struct Copier {
    /// Copies by the address of what they are copies of, which is kept alive.
    made: HashMap<usize, (Obj, Obj)>,
    /// What `__deepcopy__` of user classes gets.
    memo: Obj,
}

impl Copier {
    fn copy(&mut self, object: &Obj) -> Py {
        match object {
            Obj::List(_)
            | Obj::Tuple(_)
            | Obj::Dict(_)
            | Obj::Set(_)
            | Obj::Instance(_)
            | Obj::Exception(_)
            | Obj::Native(_)
            | Obj::Generator(_)
            | Obj::Module(_) => {}
            _ => return Ok(object.clone()),
        }
        check(object)?;
        let Some(address) = object.address() else {
            return Ok(object.clone());
        };
        if let Some((_, copy)) = self.made.get(&address) {
            return Ok(copy.clone());
        }
        let _level = depth::enter(" while copying an object")?;
        self.container(object, address)
    }

    fn keep(&mut self, address: usize, object: &Obj, copy: &Obj) {
        self.made.insert(address, (object.clone(), copy.clone()));
    }

    fn all(&mut self, items: &[Obj]) -> Py<Vec<Obj>> {
        items.iter().map(|item| self.copy(item)).collect()
    }

    fn entries(&mut self, from: &RefCell<Table<Obj>>, into: &Rc<Dict>) -> Py<()> {
        let entries: Vec<(Obj, Obj)> = from
            .borrow()
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        for (key, value) in entries {
            let (key, value) = (self.copy(&key)?, self.copy(&value)?);
            keyed::dict_set(into, key, value)?;
        }
        Ok(())
    }

    fn attrs(&mut self, from: &RefCell<Table<Obj>>, into: &RefCell<Table<Obj>>) -> Py<()> {
        let attrs: Vec<(Obj, Obj)> = from
            .borrow()
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in attrs {
            let value = self.copy(&value)?;
            into.borrow_mut().insert(name, value)?;
        }
        Ok(())
    }

    fn container(&mut self, object: &Obj, address: usize) -> Py {
        match object {
            Obj::List(list) => {
                let copy = Obj::list(Vec::new());
                self.keep(address, object, &copy);
                let items = list.0.borrow().clone();
                for item in &items {
                    let item = self.copy(item)?;
                    if let Obj::List(copy) = &copy {
                        copy.0.borrow_mut().push(item);
                    }
                }
                Ok(copy)
            }
            Obj::Tuple(items) => {
                let copies = self.all(items)?;
                // A tuple that contains itself has been copied on the way.
                if let Some((_, copy)) = self.made.get(&address) {
                    return Ok(copy.clone());
                }
                let same = copies.iter().zip(items.iter()).all(|(copy, item)| copy.is(item));
                let copy = if same { object.clone() } else { Obj::tuple(copies) };
                self.keep(address, object, &copy);
                Ok(copy)
            }
            Obj::Dict(dict) => {
                let copy = Rc::new(Dict {
                    table: RefCell::default(),
                    kind: kind(dict),
                });
                self.keep(address, object, &Obj::Dict(copy.clone()));
                self.entries(&dict.table, &copy)?;
                Ok(Obj::Dict(copy))
            }
            Obj::Set(set) => {
                let copy = Rc::new(Set {
                    table: RefCell::new(SetTable::default()),
                    frozen: set.frozen,
                });
                let items: Vec<Obj> = set.table.borrow().iter().cloned().collect();
                for item in &items {
                    let item = self.copy(item)?;
                    keyed::set_add(&copy, item)?;
                }
                self.keep(address, object, &Obj::Set(copy.clone()));
                Ok(Obj::Set(copy))
            }
            Obj::Instance(instance) => {
                if let Some(result) = class::call_special(object, "__deepcopy__", std::slice::from_ref(&self.memo)) {
                    let copy = result?;
                    self.keep(address, object, &copy);
                    return Ok(copy);
                }
                let copy = made(instance, Table::default());
                self.keep(address, object, &copy);
                if let Obj::Instance(copy) = &copy {
                    self.attrs(&instance.attrs, &copy.attrs)?;
                }
                Ok(copy)
            }
            Obj::Exception(exception) => {
                let items = exception.args.borrow().clone();
                let items = self.all(&items)?;
                let copy = exception_of(exception, items, Table::default());
                self.keep(address, object, &copy);
                if let Obj::Exception(copy) = &copy {
                    self.attrs(&exception.attrs, &copy.attrs)?;
                }
                Ok(copy)
            }
            _ => self.native(object, address),
        }
    }

    /// Objects of modules: those that hold others are copied with them, all others never change.
    fn native(&mut self, object: &Obj, address: usize) -> Py {
        let copy = if let Some(deque) = object.as_native::<collections::Deque>() {
            deque.with_items(self.all(&deque.items())?)
        } else if let Some(tuple) = object.as_native::<NamedTuple>() {
            tuple.with_items(self.all(tuple.items())?)
        } else {
            object.clone()
        };
        self.keep(address, object, &copy);
        Ok(copy)
    }
}
