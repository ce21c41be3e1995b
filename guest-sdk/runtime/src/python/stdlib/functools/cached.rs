//! `functools.cache` and `functools.lru_cache`.

use std::any::Any;
use std::cell::{Cell, RefCell};

use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Name, Native, NativeType, Obj};
use crate::python::stdlib::bind::{bind, flag, need};
use crate::python::stdlib::declare::arg;
use crate::python::stdlib::named;
use crate::python::table::Table;
use crate::python::{arith, attr, call, descriptor};

/// A function whose results are kept by its arguments.
struct Cached {
    function: Obj,
    results: RefCell<Table<Obj>>,
    /// How many results are kept; `None`: all.
    most: Option<usize>,
    typed: bool,
    hits: Cell<i64>,
    misses: Cell<i64>,
}

static CACHED: NativeType = NativeType {
    module: "functools",
    name: "_lru_cache_wrapper",
    new: |_| Err(type_error("cannot create '_lru_cache_wrapper' instances")),
    is_instance: |object| object.as_native::<Cached>().is_some(),
    attribute: |_| None,
};

/// `lru_cache(…)` with its settings, waiting for the function.
struct Decorator {
    most: Option<usize>,
    typed: bool,
}

static DECORATOR: NativeType = NativeType {
    module: "builtins",
    name: "function",
    new: |_| Err(type_error("cannot create 'function' instances")),
    is_instance: |object| object.as_native::<Decorator>().is_some(),
    attribute: |_| None,
};

thread_local! {
    static CACHE_INFO: Obj =
        named::class(None, "CacheInfo", ["hits", "misses", "maxsize", "currsize"], Vec::new(), None);
}

const DEFAULT_SIZE: usize = 128;

fn cached(function: &Obj, most: Option<usize>, typed: bool) -> Obj {
    Obj::native(Cached {
        function: function.clone(),
        results: RefCell::default(),
        most,
        typed,
        hits: Cell::new(0),
        misses: Cell::new(0),
    })
}

pub fn cache(args: &Args) -> Py {
    let [function] = bind("cache", args, ["user_function"], 1, 1)?;
    Ok(cached(need(function, "cache")?, None, false))
}

pub fn lru_cache(args: &Args) -> Py {
    let [most, typed] = bind("lru_cache", args, ["maxsize", "typed"], 0, 2)?;
    let typed = flag(typed, false)?;
    let most = match most {
        None => Some(DEFAULT_SIZE),
        Some(Obj::None) => None,
        Some(number @ (Obj::Int(_) | Obj::Bool(_) | Obj::Big(_))) => Some(usize::try_from(arith::index(number)?).unwrap_or(0)),
        // `@lru_cache` without parentheses.
        Some(
            function @ (Obj::Function(_) | Obj::Bound(_) | Obj::Native(_) | Obj::Builtin(_) | Obj::NativeFn(_) | Obj::Class(_)),
        ) => {
            return Ok(cached(function, Some(DEFAULT_SIZE), typed));
        }
        Some(_) => {
            return Err(type_error("Expected first argument to be an integer, a callable, or None"));
        }
    };
    Ok(Obj::native(Decorator { most, typed }))
}

impl Native for Decorator {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &DECORATOR
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(arg(args, 0, "decorating_function").map(|function| cached(function, self.most, self.typed)))
    }
    fn repr(&self) -> Py<String> {
        Ok("<function lru_cache.<locals>.decorating_function>".to_owned())
    }
}

impl Cached {
    /// What stands for the arguments: a single text or integer itself, otherwise a tuple.
    fn key(&self, args: &Args) -> Obj {
        if let ([only @ (Obj::Str(_) | Obj::Int(_))], [], false) = (args.values, args.names, self.typed) {
            return only.clone();
        }
        let plain = args.plain();
        let mut key: Vec<Obj> = plain.to_vec();
        if !args.names.is_empty() {
            // Stands between positional arguments and named ones; no program can make an equal one.
            key.push(Obj::NativeType(&CACHED));
            for (name, value) in args.names.iter().zip(args.values.iter().skip(plain.len())) {
                key.push(Obj::Str(name.clone()));
                key.push(value.clone());
            }
        }
        if self.typed {
            key.extend(args.values.iter().map(attr::type_of));
        }
        // One more than the arguments: a tuple that is the only argument stays different from its items as arguments.
        key.push(Obj::NativeType(&CACHED));
        Obj::tuple(key)
    }
    fn result(&self, args: &Args) -> Py {
        if self.most == Some(0) {
            self.misses.set(self.misses.get() + 1);
            return call::call(&self.function, args);
        }
        let key = self.key(args);
        let known = self.results.borrow().get(&key)?;
        if let Some(known) = known {
            self.hits.set(self.hits.get() + 1);
            if self.most.is_some() {
                self.results.borrow_mut().move_key(&key, true)?;
            }
            return Ok(known);
        }
        self.misses.set(self.misses.get() + 1);
        let result = call::call(&self.function, args)?;
        let dropped = {
            let mut results = self.results.borrow_mut();
            let full = self.most.is_some_and(|most| results.len() >= most);
            let known = results.get(&key)?.is_some();
            let oldest = if full && !known { results.pop_first() } else { None };
            (results.insert(key, result.clone())?, oldest)
        };
        drop(dropped);
        Ok(result)
    }
}

impl Native for Cached {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &CACHED
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        match name {
            "__wrapped__" => Ok(Some(self.function.clone())),
            "__name__" | "__qualname__" | "__doc__" | "__module__" => attr::getattr(&self.function, &Name::new(name)).map(Some),
            _ => Ok(None),
        }
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "cache_info" | "cache_clear")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        args.expect(name, 0, 0, &[])?;
        if name == "cache_info" {
            let items = vec![
                Obj::Int(self.hits.get()),
                Obj::Int(self.misses.get()),
                self.most.map_or(Obj::None, |most| Obj::Int(most as i64)),
                Obj::Int(self.results.borrow().len() as i64),
            ];
            return Ok(Some(CACHE_INFO.with(|class| named::instance(class, items))));
        }
        let results = self.results.take();
        drop(results);
        self.hits.set(0);
        self.misses.set(0);
        Ok(Some(Obj::None))
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(self.result(args))
    }
    fn bind(&self, this: &Obj, instance: Option<&Obj>, _class: &Obj) -> Option<Py> {
        descriptor::as_function(this, instance)
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools._lru_cache_wrapper object>".to_owned())
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}
