//! The module `functools`.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::rc::Rc;

use super::bind::{bind, need};
use super::declare::{arg, declare, function};
use super::named;
use crate::python::arith;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, raise, type_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Bound, Name, Native, NativeType, Obj, Text};
use crate::python::table::Table;
use crate::python::text::repr;
use crate::python::{attr, call};

declare! {
    "functools" {
        "reduce" => reduce,
        "cmp_to_key" => cmp_to_key,
        "lru_cache" => lru_cache,
        "cache" => cache,
        "wraps" => wraps,
        "update_wrapper" => update_wrapper,
        "total_ordering" => total_ordering,
        "cached_property" => cached_property,
    } {
        "partial" => Obj::NativeType(&PARTIAL),
    }
}

fn reduce(args: &Args) -> Py {
    args.expect("reduce", 2, 3, &[])?;
    let function = arg(args, 0, "reduce")?;
    let items = iter::iter(arg(args, 1, "reduce")?)?;
    let mut total = args.plain().get(2).cloned();
    while let Some(item) = iter::next(&items)? {
        total = Some(match total {
            None => item,
            Some(total) => call::call(function, &Args::positional(&[total, item]))?,
        });
    }
    total.ok_or_else(|| type_error("reduce() of empty iterable with no initial value"))
}

/// `partial`: a callable with some of its arguments.
pub struct Partial {
    function: Obj,
    values: Vec<Obj>,
    named: Vec<(Rc<Text>, Obj)>,
}

pub static PARTIAL: NativeType = NativeType {
    module: "functools",
    name: "partial",
    new: new_partial,
    is_instance: |object| object.as_native::<Partial>().is_some(),
    attribute: |_| None,
};

fn new_partial(args: &Args) -> Py {
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

/// What `cmp_to_key` gives: makes keys of items.
struct ToKey(Obj);

/// A key: an item and the function that compares it.
struct Key {
    compare: Obj,
    item: Obj,
}

static KEY: NativeType = NativeType {
    module: "functools",
    name: "KeyWrapper",
    new: |_| Err(type_error("cannot create 'functools.KeyWrapper' instances")),
    is_instance: |object| object.as_native::<Key>().is_some() || object.as_native::<ToKey>().is_some(),
    attribute: |_| None,
};

fn cmp_to_key(args: &Args) -> Py {
    let [function] = bind("cmp_to_key", args, ["mycmp"], 1, 1)?;
    Ok(Obj::native(ToKey(need(function, "cmp_to_key")?.clone())))
}

impl Native for ToKey {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &KEY
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(bind("K", args, ["obj"], 1, 1).and_then(|[item]| {
            Ok(Obj::native(Key {
                compare: self.0.clone(),
                item: need(item, "K")?.clone(),
            }))
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools.KeyWrapper object>".to_owned())
    }
}

impl Native for Key {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &KEY
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok((name == "obj").then(|| self.item.clone()))
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools.KeyWrapper object>".to_owned())
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        let Some(other) = other.as_native::<Key>() else {
            return Err(type_error("other argument must be K instance"));
        };
        let sign = call::call(&self.compare, &Args::positional(&[self.item.clone(), other.item.clone()]))?;
        let zero = Obj::Int(0);
        let holds = |op| compare::truth(&compare::compare(op, &sign, &zero)?);
        Ok(Some(if holds(CompareOp::Lt)? {
            Ordering::Less
        } else if holds(CompareOp::Gt)? {
            Ordering::Greater
        } else {
            Ordering::Equal
        }))
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        match other.as_native::<Key>() {
            Some(_) => Ok(self.order(other)?.map(|order| order == Ordering::Equal)),
            None => Ok(None),
        }
    }
}

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

fn cache(args: &Args) -> Py {
    let [function] = bind("cache", args, ["user_function"], 1, 1)?;
    Ok(cached(need(function, "cache")?, None, false))
}

fn lru_cache(args: &Args) -> Py {
    let [most, typed] = bind("lru_cache", args, ["maxsize", "typed"], 0, 2)?;
    let typed = super::bind::flag(typed, false)?;
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
        instance.map(|instance| {
            Ok(Obj::Bound(Rc::new(Bound {
                this: instance.clone(),
                function: this.clone(),
            })))
        })
    }
    fn repr(&self) -> Py<String> {
        Ok("<functools._lru_cache_wrapper object>".to_owned())
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}

/// Attributes that a wrapper takes over from what it wraps.
const WRAPPED: [&str; 4] = ["__module__", "__name__", "__qualname__", "__doc__"];

fn update_wrapper(args: &Args) -> Py {
    let [wrapper, wrapped, _, _] = bind("update_wrapper", args, ["wrapper", "wrapped", "assigned", "updated"], 2, 4)?;
    let (wrapper, wrapped) = (need(wrapper, "update_wrapper")?, need(wrapped, "update_wrapper")?);
    for name in WRAPPED.map(Name::new) {
        // What either of the two lacks is left out, as CPython does.
        if let Ok(value) = attr::getattr(wrapped, &name) {
            let _ = attr::setattr(wrapper, &name, &value);
        }
    }
    let _ = attr::setattr(wrapper, &Name::new("__wrapped__"), wrapped);
    Ok(wrapper.clone())
}

fn wraps(args: &Args) -> Py {
    let [wrapped, _, _] = bind("wraps", args, ["wrapped", "assigned", "updated"], 1, 3)?;
    let update = function!("functools", "update_wrapper", |args| {
        args.expect("update_wrapper", 2, 2, &[])?;
        // The partial gives the wrapped function first.
        let swapped = [
            arg(args, 1, "update_wrapper")?.clone(),
            arg(args, 0, "update_wrapper")?.clone(),
        ];
        update_wrapper(&Args::positional(&swapped))
    });
    new_partial(&Args::positional(&[update, need(wrapped, "wraps")?.clone()]))
}

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

fn total_ordering(args: &Args) -> Py {
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
        instance.map(|instance| {
            Ok(Obj::Bound(Rc::new(Bound {
                this: instance.clone(),
                function: this.clone(),
            })))
        })
    }
    fn repr(&self) -> Py<String> {
        Ok("<function total_ordering>".to_owned())
    }
}

/// A property computed once: the instance keeps the value.
struct CachedProperty {
    function: Obj,
    name: Name,
}

static CACHED_PROPERTY: NativeType = NativeType {
    module: "functools",
    name: "cached_property",
    new: cached_property,
    is_instance: |object| object.as_native::<CachedProperty>().is_some(),
    attribute: |_| None,
};

fn cached_property(args: &Args) -> Py {
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
