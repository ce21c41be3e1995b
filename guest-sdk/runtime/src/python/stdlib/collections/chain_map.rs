//! `ChainMap`: several mappings seen as one.

use std::any::Any;

use crate::python::error::{Py, key_error, raise};
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Native, NativeType, Obj};
use crate::python::stdlib::declare::arg;
use crate::python::stdlib::named::Items;
use crate::python::table::Table;
use crate::python::text::repr;
use crate::python::{compare, iter, subscript};

pub struct ChainMap {
    /// A list of mappings, the first of which takes what is written.
    maps: Obj,
}

pub static CHAIN_MAP: NativeType = NativeType {
    module: "collections",
    name: "ChainMap",
    new: |args| {
        args.expect("ChainMap", 0, usize::MAX, &[])?;
        let maps = args.plain().to_vec();
        Ok(ChainMap::object(if maps.is_empty() {
            vec![Obj::dict(Table::default())]
        } else {
            maps
        }))
    },
    is_instance: |object| object.as_native::<ChainMap>().is_some(),
    attribute: |_| None,
};

impl ChainMap {
    fn object(maps: Vec<Obj>) -> Obj {
        Obj::native(ChainMap { maps: Obj::list(maps) })
    }
    fn maps(&self) -> Py<Vec<Obj>> {
        iter::collect(&self.maps)
    }
    fn first(&self) -> Py {
        Ok(self.maps()?.into_iter().next().unwrap_or_default())
    }
    fn get(&self, key: &Obj) -> Py<Option<Obj>> {
        for map in self.maps()? {
            if compare::contains(&map, key)? {
                return subscript::getitem(&map, key).map(Some);
            }
        }
        Ok(None)
    }
    /// All entries; keys in the order of the last mapping first, as CPython has them.
    fn entries(&self) -> Py<Vec<(Obj, Obj)>> {
        let mut all = Table::default();
        for map in self.maps()?.iter().rev() {
            for key in iter::collect(map)? {
                let value = subscript::getitem(map, &key)?;
                all.insert(key, value)?;
            }
        }
        let entries = all.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Ok(entries)
    }
}

impl Native for ChainMap {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &CHAIN_MAP
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(match name {
            "maps" => Some(self.maps.clone()),
            "parents" => Some(ChainMap::object(self.maps()?.into_iter().skip(1).collect())),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "get" | "keys" | "values" | "items" | "new_child" | "pop" | "update")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "get" => {
                args.expect("get", 1, 2, &[])?;
                let default = args.plain().get(1).cloned().unwrap_or_default();
                self.get(arg(args, 0, "get")?)?.unwrap_or(default)
            }
            "keys" => Obj::list(self.entries()?.into_iter().map(|(key, _)| key).collect()),
            "values" => Obj::list(self.entries()?.into_iter().map(|(_, value)| value).collect()),
            "items" => Obj::list(
                self.entries()?
                    .into_iter()
                    .map(|(key, value)| Obj::tuple([key, value]))
                    .collect(),
            ),
            "new_child" => {
                let child = args.get(0, "m").filter(|map| !map.is_none()).cloned();
                let mut maps = vec![child.unwrap_or_else(|| Obj::dict(Table::default()))];
                maps.extend(self.maps()?);
                ChainMap::object(maps)
            }
            "pop" | "update" => {
                let name = crate::python::object::Name::new(name);
                crate::python::call::call_method(&self.first()?, &name, args)?
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        let maps: Vec<String> = self.maps()?.iter().map(repr).collect::<Py<_>>()?;
        Ok(format!("ChainMap({})", maps.join(", ")))
    }
    fn truth(&self) -> Py<bool> {
        for map in self.maps()? {
            if compare::truth(&map)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
    fn len(&self) -> Option<Py<usize>> {
        Some(self.entries().map(|entries| entries.len()))
    }
    fn iter(&self, _this: &Obj) -> Option<Py<Box<dyn Advance>>> {
        Some(self.entries().map(|entries| -> Box<dyn Advance> {
            let keys: Vec<Obj> = entries.into_iter().map(|(key, _)| key).collect();
            Box::new(Items {
                items: keys.into(),
                at: 0,
            })
        }))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        Some(match self.get(key) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(key_error(key.clone())),
            Err(raised) => Err(raised),
        })
    }
    fn setitem(&self, key: &Obj, value: &Obj) -> Option<Py<()>> {
        Some(self.first().and_then(|first| subscript::setitem(&first, key, value)))
    }
    fn delitem(&self, key: &Obj) -> Option<Py<()>> {
        Some(self.first().and_then(|first| {
            if compare::contains(&first, key)? {
                return subscript::delitem(&first, key);
            }
            let text = format!("Key not found in the first mapping: {}", repr(key)?);
            Err(raise(Builtin::KeyError, text))
        }))
    }
    fn contains(&self, item: &Obj) -> Option<Py<bool>> {
        Some(self.get(item).map(|found| found.is_some()))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        let mut table = Table::default();
        for (key, value) in self.entries()? {
            table.insert(key, value)?;
        }
        let other = match other.as_native::<ChainMap>() {
            Some(other) => {
                let mut table = Table::default();
                for (key, value) in other.entries()? {
                    table.insert(key, value)?;
                }
                Obj::dict(table)
            }
            None => other.clone(),
        };
        compare::equals(&Obj::dict(table), &other).map(Some)
    }
}
