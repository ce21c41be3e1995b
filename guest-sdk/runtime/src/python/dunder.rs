//! Special methods of user classes, as operators and builtins call them: looked up in the class, never in the instance.

use super::attr;
use super::call;
use super::error::Py;
use super::names::Builtin;
use super::object::{Args, Name, Obj};

macro_rules! specials {
    ($($variant:ident $name:literal,)*) => {
        /// A special method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Special { $($variant),* }

        thread_local! {
            static NAMES: Vec<Name> = vec![$(Name::new($name)),*];
        }
    };
}

specials! {
    Eq "__eq__", Ne "__ne__", Lt "__lt__", Le "__le__", Gt "__gt__", Ge "__ge__", Hash "__hash__", Bool "__bool__", Len "__len__",
    Contains "__contains__", Iter "__iter__", GetItem "__getitem__", SetItem "__setitem__", DelItem "__delitem__", Missing "__missing__",
    Repr "__repr__", Str "__str__", Format "__format__", Index "__index__", Int "__int__", Float "__float__",
    Neg "__neg__", Pos "__pos__", Invert "__invert__",
    Add "__add__", RAdd "__radd__", IAdd "__iadd__", Sub "__sub__", RSub "__rsub__", ISub "__isub__",
    Mul "__mul__", RMul "__rmul__", IMul "__imul__", TrueDiv "__truediv__", RTrueDiv "__rtruediv__", ITrueDiv "__itruediv__",
    FloorDiv "__floordiv__", RFloorDiv "__rfloordiv__", IFloorDiv "__ifloordiv__", Mod "__mod__", RMod "__rmod__", IMod "__imod__",
    Pow "__pow__", RPow "__rpow__", IPow "__ipow__", And "__and__", RAnd "__rand__", IAnd "__iand__",
    Or "__or__", ROr "__ror__", IOr "__ior__", Xor "__xor__", RXor "__rxor__", IXor "__ixor__",
    LShift "__lshift__", RLShift "__rlshift__", ILShift "__ilshift__", RShift "__rshift__", RRShift "__rrshift__", IRShift "__irshift__",
    MatMul "__matmul__", RMatMul "__rmatmul__", IMatMul "__imatmul__", Name "__name__",
}

impl Special {
    pub fn name(self) -> Name {
        NAMES.with(|names| names.get(self as usize).cloned().unwrap_or_else(|| Name::new("")))
    }
}

/// Whether an object's class is one of the program.
pub fn is_user(object: &Obj) -> bool {
    match object {
        Obj::Instance(_) => true,
        Obj::Exception(exception) => matches!(exception.class, Obj::Class(_)),
        _ => false,
    }
}

/// Calls a special method; `None` when the object is of no user class, or its class has no such method.
pub fn call(object: &Obj, special: Special, args: &[Obj]) -> Py<Option<Obj>> {
    match find(object, special)? {
        Some(method) => call::call(&method, &Args::positional(args)).map(Some),
        None => Ok(None),
    }
}

/// The bound special method.
pub fn find(object: &Obj, special: Special) -> Py<Option<Obj>> {
    if !is_user(object) {
        return Ok(None);
    }
    match attr::getattr(object, &special.name()) {
        Ok(method) => Ok(Some(method)),
        Err(raised) if matches!(raised.0.class, Obj::Builtin(Builtin::AttributeError)) => Ok(None),
        Err(raised) => Err(raised),
    }
}

/// Whether the object is of a user class that has the special method.
pub fn defines(object: &Obj, special: Special) -> bool {
    matches!(find(object, special), Ok(Some(_)))
}

/// Whether the class of `object` is a user class derived from (and not the same as) that of `base`.
pub fn is_derived(object: &Obj, base: &Obj) -> bool {
    if !is_user(object) {
        return false;
    }
    let (class, of) = (attr::type_of(object), attr::type_of(base));
    !class.is(&of) && attr::is_subclass(&class, &of).unwrap_or(false)
}
