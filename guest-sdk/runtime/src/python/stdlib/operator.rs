//! The module `operator`: operators as functions, and getters.

use std::any::Any;
use std::rc::Rc;

use super::declare::{arg, declare};
use crate::python::arith::{self, BinaryOp, UnaryOp};
use crate::python::builtins;
use crate::python::compare::{self, CompareOp};
use crate::python::error::{Py, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Name, Native, NativeType, Obj, Text};
use crate::python::text::{repr, type_name};
use crate::python::{attr, call, iter, subscript};

/// A function of two operands.
macro_rules! of_two {
    ($name:literal, $work:expr) => {
        |args: &Args| -> Py {
            args.expect(concat!("_operator.", $name), 2, 2, &[])?;
            let work: fn(&Obj, &Obj) -> Py = $work;
            work(arg(args, 0, $name)?, arg(args, 1, $name)?)
        }
    };
}

macro_rules! binary {
    ($name:literal, $op:ident) => {
        of_two!($name, |a, b| arith::binary(BinaryOp::$op, false, a, b))
    };
}

macro_rules! inplace {
    ($name:literal, $op:ident) => {
        of_two!($name, |a, b| arith::binary(BinaryOp::$op, true, a, b))
    };
}

macro_rules! compared {
    ($name:literal, $op:ident) => {
        of_two!($name, |a, b| compare::compare(CompareOp::$op, a, b))
    };
}

/// A function of one operand.
macro_rules! of_one {
    ($name:literal, $work:expr) => {
        |args: &Args| -> Py {
            args.expect(concat!("_operator.", $name), 1, 1, &[])?;
            let work: fn(&Obj) -> Py = $work;
            work(arg(args, 0, $name)?)
        }
    };
}

declare! {
    "operator" {
        "add" => binary!("add", Add),
        "sub" => binary!("sub", Sub),
        "mul" => binary!("mul", Mul),
        "truediv" => binary!("truediv", TrueDiv),
        "floordiv" => binary!("floordiv", FloorDiv),
        "mod" => binary!("mod", Mod),
        "pow" => binary!("pow", Pow),
        "and_" => binary!("and_", And),
        "or_" => binary!("or_", Or),
        "xor" => binary!("xor", Xor),
        "lshift" => binary!("lshift", LShift),
        "rshift" => binary!("rshift", RShift),
        "matmul" => binary!("matmul", MatMul),
        "concat" => of_two!("concat", |a, b| concatenated(a, b, false)),
        "iadd" => inplace!("iadd", Add),
        "isub" => inplace!("isub", Sub),
        "imul" => inplace!("imul", Mul),
        "itruediv" => inplace!("itruediv", TrueDiv),
        "ifloordiv" => inplace!("ifloordiv", FloorDiv),
        "imod" => inplace!("imod", Mod),
        "ipow" => inplace!("ipow", Pow),
        "iand" => inplace!("iand", And),
        "ior" => inplace!("ior", Or),
        "ixor" => inplace!("ixor", Xor),
        "ilshift" => inplace!("ilshift", LShift),
        "irshift" => inplace!("irshift", RShift),
        "iconcat" => of_two!("iconcat", |a, b| concatenated(a, b, true)),
        "eq" => compared!("eq", Eq),
        "ne" => compared!("ne", Ne),
        "lt" => compared!("lt", Lt),
        "le" => compared!("le", Le),
        "gt" => compared!("gt", Gt),
        "ge" => compared!("ge", Ge),
        "is_" => of_two!("is_", |a, b| Ok(Obj::Bool(a.is(b)))),
        "is_not" => of_two!("is_not", |a, b| Ok(Obj::Bool(!a.is(b)))),
        "contains" => of_two!("contains", |a, b| Ok(Obj::Bool(compare::contains(a, b)?))),
        "getitem" => of_two!("getitem", subscript::getitem),
        "delitem" => of_two!("delitem", |a, b| subscript::delitem(a, b).map(|()| Obj::None)),
        "setitem" => setitem,
        "countOf" => of_two!("countOf", count_of),
        "indexOf" => of_two!("indexOf", index_of),
        "not_" => of_one!("not_", |a| Ok(Obj::Bool(!compare::truth(a)?))),
        "truth" => of_one!("truth", |a| Ok(Obj::Bool(compare::truth(a)?))),
        "neg" => of_one!("neg", |a| arith::unary(UnaryOp::Neg, a)),
        "pos" => of_one!("pos", |a| arith::unary(UnaryOp::Pos, a)),
        "invert" => of_one!("invert", |a| arith::unary(UnaryOp::Invert, a)),
        "inv" => of_one!("inv", |a| arith::unary(UnaryOp::Invert, a)),
        "abs" => of_one!("abs", |a| builtins::call(Builtin::Abs, &Args::positional(std::slice::from_ref(a)))),
        "index" => of_one!("index", index),
    } {
        "itemgetter" => Obj::NativeType(&ITEMGETTER),
        "attrgetter" => Obj::NativeType(&ATTRGETTER),
        "methodcaller" => Obj::NativeType(&METHODCALLER),
    }
}

fn setitem(args: &Args) -> Py {
    args.expect("_operator.setitem", 3, 3, &[])?;
    subscript::setitem(arg(args, 0, "setitem")?, arg(args, 1, "setitem")?, arg(args, 2, "setitem")?)?;
    Ok(Obj::None)
}

fn concatenated(a: &Obj, b: &Obj, inplace: bool) -> Py {
    let is_sequence = matches!(
        a,
        Obj::Str(_) | Obj::Bytes(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Native(_) | Obj::Instance(_)
    );
    if !is_sequence {
        return Err(type_error(format!("'{}' object can't be concatenated", type_name(a))));
    }
    arith::binary(BinaryOp::Add, inplace, a, b)
}

fn count_of(container: &Obj, item: &Obj) -> Py {
    let mut count = 0;
    let items = iter::iter(container).map_err(|raised| match container {
        Obj::Instance(_) => raised,
        _ => type_error(format!("argument of type '{}' is not iterable", type_name(container))),
    })?;
    iter::each(&items, |known| {
        count += i64::from(known.is(item) || compare::equals(&known, item)?);
        Ok(true)
    })?;
    Ok(Obj::Int(count))
}

fn index_of(container: &Obj, item: &Obj) -> Py {
    let (mut at, mut found) = (0, false);
    iter::each(container, |known| {
        found = known.is(item) || compare::equals(&known, item)?;
        at += i64::from(!found);
        Ok(!found)
    })?;
    if found {
        Ok(Obj::Int(at))
    } else {
        Err(value_error("sequence.index(x): x not in sequence"))
    }
}

fn index(value: &Obj) -> Py {
    match arith::as_big(value) {
        Some(number) => Ok(Obj::big(number)),
        None => arith::index(value).map(Obj::Int),
    }
}

/// `itemgetter`: one item, or a tuple of several.
struct ItemGetter(Vec<Obj>);

/// `attrgetter`: the same of attributes, each a path of names.
struct AttrGetter(Vec<Vec<Name>>);

struct MethodCaller {
    name: Name,
    values: Vec<Obj>,
    names: Vec<Rc<Text>>,
}

static ITEMGETTER: NativeType = NativeType {
    module: "operator",
    name: "itemgetter",
    new: |args| {
        if args.plain().is_empty() {
            return Err(type_error("itemgetter expected 1 argument, got 0"));
        }
        args.expect("itemgetter", 1, usize::MAX, &[])?;
        Ok(Obj::native(ItemGetter(args.plain().to_vec())))
    },
    is_instance: |object| object.as_native::<ItemGetter>().is_some(),
    attribute: |_| None,
};

static ATTRGETTER: NativeType = NativeType {
    module: "operator",
    name: "attrgetter",
    new: |args| {
        args.expect("attrgetter", 1, usize::MAX, &[])?;
        let mut paths = Vec::new();
        for path in args.plain() {
            let Obj::Str(path) = path else {
                return Err(type_error("attribute name must be a string"));
            };
            paths.push(path.split('.').map(Name::new).collect());
        }
        Ok(Obj::native(AttrGetter(paths)))
    },
    is_instance: |object| object.as_native::<AttrGetter>().is_some(),
    attribute: |_| None,
};

static METHODCALLER: NativeType = NativeType {
    module: "operator",
    name: "methodcaller",
    new: |args| {
        let Some((name, values)) = args.values.split_first().filter(|_| !args.plain().is_empty()) else {
            return Err(type_error("methodcaller needs at least one argument, the method name"));
        };
        let Obj::Str(name) = name else {
            return Err(type_error("method name must be a string"));
        };
        Ok(Obj::native(MethodCaller {
            name: Name::new(name),
            values: values.to_vec(),
            names: args.names.to_vec(),
        }))
    },
    is_instance: |object| object.as_native::<MethodCaller>().is_some(),
    attribute: |_| None,
};

/// One value alone, several as a tuple.
fn one_or_tuple(mut values: Vec<Obj>) -> Obj {
    match values.len() {
        1 => values.pop().unwrap_or_default(),
        _ => Obj::tuple(values),
    }
}

impl Native for ItemGetter {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &ITEMGETTER
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(args.expect("itemgetter", 1, 1, &[]).and_then(|()| {
            let object = arg(args, 0, "itemgetter")?;
            if let [key] = self.0.as_slice() {
                return subscript::getitem(object, key);
            }
            let values = self
                .0
                .iter()
                .map(|key| subscript::getitem(object, key))
                .collect::<Py<Vec<_>>>()?;
            Ok(one_or_tuple(values))
        }))
    }
    fn repr(&self) -> Py<String> {
        let keys: Vec<String> = self.0.iter().map(repr).collect::<Py<_>>()?;
        Ok(format!("operator.itemgetter({})", keys.join(", ")))
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}

impl Native for AttrGetter {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &ATTRGETTER
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(args.expect("attrgetter", 1, 1, &[]).and_then(|()| {
            let object = arg(args, 0, "attrgetter")?;
            let get = |path: &Vec<Name>| {
                path.iter()
                    .try_fold(object.clone(), |object, name| attr::getattr(&object, name))
            };
            Ok(one_or_tuple(self.0.iter().map(get).collect::<Py<Vec<_>>>()?))
        }))
    }
    fn repr(&self) -> Py<String> {
        let path = |names: &Vec<Name>| {
            let names: Vec<&str> = names.iter().map(|name| name.text.text.as_str()).collect();
            repr(&Obj::str(names.join(".")))
        };
        let paths: Vec<String> = self.0.iter().map(path).collect::<Py<_>>()?;
        Ok(format!("operator.attrgetter({})", paths.join(", ")))
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}

impl Native for MethodCaller {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &METHODCALLER
    }
    fn callable(&self) -> bool {
        true
    }
    fn call(&self, args: &Args) -> Option<Py> {
        Some(args.expect("methodcaller", 1, 1, &[]).and_then(|()| {
            let given = Args {
                values: &self.values,
                names: &self.names,
            };
            call::call_method(arg(args, 0, "methodcaller")?, &self.name, &given)
        }))
    }
    fn repr(&self) -> Py<String> {
        let mut parts = vec![repr(&Obj::Str(self.name.text.clone()))?];
        let plain = self.values.len() - self.names.len().min(self.values.len());
        for value in self.values.iter().take(plain) {
            parts.push(repr(value)?);
        }
        for (name, value) in self.names.iter().zip(self.values.iter().skip(plain)) {
            parts.push(format!("{}={}", name.text, repr(value)?));
        }
        Ok(format!("operator.methodcaller({})", parts.join(", ")))
    }
    fn hash(&self) -> Option<i64> {
        Some(std::ptr::from_ref(self).addr() as i64)
    }
}
