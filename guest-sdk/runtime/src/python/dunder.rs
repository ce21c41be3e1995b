//! Special methods of user classes, as operators and builtins call them: looked up in the class, never in the instance.

use std::rc::Rc;

use super::attr;
use super::class;
use super::error::Py;
use super::object::{Args, Obj, Text};

macro_rules! specials {
    ($($variant:ident $name:literal,)*) => {
        /// A special method.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Special { $($variant),* }

        thread_local! {
            static NAMES: Vec<Rc<Text>> = vec![$(Rc::new(Text::new($name))),*];
        }
    };
}

specials! {
    Eq "__eq__", Ne "__ne__", Lt "__lt__", Le "__le__", Gt "__gt__", Ge "__ge__", Hash "__hash__", Bool "__bool__", Len "__len__",
    Contains "__contains__", Iter "__iter__", GetItem "__getitem__", SetItem "__setitem__", DelItem "__delitem__",
    Repr "__repr__", Str "__str__", Format "__format__", Index "__index__", Int "__int__", Float "__float__",
    Neg "__neg__", Pos "__pos__", Invert "__invert__",
    Add "__add__", RAdd "__radd__", IAdd "__iadd__", Sub "__sub__", RSub "__rsub__", ISub "__isub__",
    Mul "__mul__", RMul "__rmul__", IMul "__imul__", TrueDiv "__truediv__", RTrueDiv "__rtruediv__", ITrueDiv "__itruediv__",
    FloorDiv "__floordiv__", RFloorDiv "__rfloordiv__", IFloorDiv "__ifloordiv__", Mod "__mod__", RMod "__rmod__", IMod "__imod__",
    Pow "__pow__", RPow "__rpow__", IPow "__ipow__", And "__and__", RAnd "__rand__", IAnd "__iand__",
    Or "__or__", ROr "__ror__", IOr "__ior__", Xor "__xor__", RXor "__rxor__", IXor "__ixor__",
    LShift "__lshift__", RLShift "__rlshift__", ILShift "__ilshift__", RShift "__rshift__", RRShift "__rrshift__", IRShift "__irshift__",
    MatMul "__matmul__", RMatMul "__rmatmul__", IMatMul "__imatmul__",
}

/// Whether an object's class is one of the program.
pub fn is_user(object: &Obj) -> bool {
    match object {
        Obj::Instance(_) => true,
        Obj::Exception(exception) => matches!(exception.class, Obj::Class(_)),
        _ => false,
    }
}

/// What the class of the object has under the name of the special method, not bound.
fn find(object: &Obj, special: Special) -> Option<Obj> {
    let (class, _) = class::of(object)?;
    let name = NAMES.with(|names| names.get(special as usize).cloned())?;
    class.find_name(&name)
}

/// Calls a special method; `None` when the object is of no user class, or its class has no such method.
pub fn call(object: &Obj, special: Special, args: &[Obj]) -> Py<Option<Obj>> {
    match (find(object, special), class::of(object)) {
        (Some(method), Some((class, _))) => class::call_found(object, class, &method, &Args::positional(args)).map(Some),
        _ => Ok(None),
    }
}

/// Whether the object is of a user class that has the special method. One that is set to `None` is said not to be there.
pub fn defines(object: &Obj, special: Special) -> bool {
    find(object, special).is_some_and(|method| !method.is_none())
}

/// Whether the class of `object` is a user class derived from (and not the same as) that of `base`.
pub fn is_derived(object: &Obj, base: &Obj) -> bool {
    let (Some((class, _)), Some((of, _))) = (class::of(object), class::of(base)) else {
        return is_user(object) && attr::is_instance(object, &attr::type_of(base)).unwrap_or(false);
    };
    !Rc::ptr_eq(class, of) && class::derives(class, of)
}
