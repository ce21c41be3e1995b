//! Another reference to an object: what every read of a variable does, so it is a count and a copy of sixteen bytes.
#![allow(unsafe_code)] // The copy is made bit by bit, once the object knows of it.

use std::mem::forget;

use super::object::Obj;

impl Clone for Obj {
    #[inline]
    fn clone(&self) -> Obj {
        count(self);
        // SAFETY: an immediate, a static reference or a number is plain data; everything else is a reference-counted pointer, whose
        // count has just been raised for this copy.
        unsafe { std::ptr::read(self) }
    }
}

/// Counts one more reference. All arms do the same to the pointer in the same place, which the compiler sees.
#[inline]
fn count(object: &Obj) {
    match object {
        Obj::None | Obj::Bool(_) | Obj::Int(_) | Obj::Float(_) | Obj::Unbound => {}
        Obj::Builtin(_) | Obj::NativeFn(_) | Obj::NativeType(_) | Obj::Module(_) | Obj::Ellipsis | Obj::NotImplemented => {}
        Obj::Big(x) => forget(x.clone()),
        Obj::Str(x) => forget(x.clone()),
        Obj::Bytes(x) => forget(x.clone()),
        Obj::List(x) => forget(x.clone()),
        Obj::Tuple(x) => forget(x.clone()),
        Obj::Dict(x) => forget(x.clone()),
        Obj::Set(x) => forget(x.clone()),
        Obj::Range(x) => forget(x.clone()),
        Obj::Slice(x) => forget(x.clone()),
        Obj::Iter(x) => forget(x.clone()),
        Obj::Generator(x) => forget(x.clone()),
        Obj::Function(x) => forget(x.clone()),
        Obj::Bound(x) => forget(x.clone()),
        Obj::BuiltinMethod(x) => forget(x.clone()),
        Obj::Native(x) => forget(x.clone()),
        Obj::Class(x) => forget(x.clone()),
        Obj::Instance(x) => forget(x.clone()),
        Obj::Exception(x) => forget(x.clone()),
        Obj::Cell(x) => forget(x.clone()),
    }
}
