//! Another reference to an object, and one less: what every read and write of a variable does. Both are a look at the tag and a count.
//!
//! All references of [`Obj`] are counted by an [`Rc`], and an `Rc` counts at the beginning of what it points to, whatever that is. So
//! one piece of code serves them all; matching on the kind of the object would be a jump through a table each time.
#![allow(unsafe_code)] // The count is reached, and the copy made, without asking what kind of object it is.

use std::mem::{ManuallyDrop, MaybeUninit, forget};
use std::rc::Rc;

use super::object::{IMMEDIATE, Obj};

/// How every [`Obj`] begins whose tag is not below [`IMMEDIATE`]: `Obj` is `repr(u32)`, which is laid out like this.
#[repr(C)]
struct Counted {
    tag: u32,
    /// What it points to has its counts where this one has them; nothing else of it is touched.
    reference: ManuallyDrop<Rc<()>>,
}

/// The count of an object that has one.
#[inline(always)]
fn counted(object: &Obj) -> Option<&Rc<()>> {
    let object: *const Obj = object;
    // SAFETY: an enum that is `repr(u32)` begins with its tag.
    if unsafe { object.cast::<u32>().read() } < IMMEDIATE {
        return None;
    }
    // SAFETY: from `IMMEDIATE` on all kinds hold an `Rc` and nothing before it, so the object begins as `Counted` says. The standard
    // library lays out what an `Rc` points to as two counts and then the value (`repr(C)`), and a pointer to something unsized begins
    // with the address; the test below looks at every kind.
    Some(unsafe { &(*object.cast::<Counted>()).reference })
}

/// Whether it is more than an immediate.
#[inline(always)]
pub fn is_counted(object: &Obj) -> bool {
    counted(object).is_some()
}

/// An object in the pieces in which objects are written: the tag, what stands beside it, what stands at 8. Copied otherwise, a piece is
/// read that several writes have made, and the processor waits until they are all in memory: longer than most operations take.
#[repr(C)]
pub struct Words {
    tag: MaybeUninit<u32>,
    beside: MaybeUninit<u32>,
    rest: [MaybeUninit<u64>; REST],
}

const REST: usize = (size_of::<Obj>() - 8) / 8;

/// A copy of an object, counted; it belongs into a place of its own ([`Words::replace`]).
#[inline(always)]
pub fn words(object: &Obj) -> Words {
    if let Some(count) = counted(object) {
        forget(count.clone());
    }
    let from = std::ptr::from_ref(object).cast::<Words>();
    // SAFETY: an object is as large as its words and at least as much aligned; any bytes are words.
    unsafe {
        Words {
            tag: (&raw const (*from).tag).read(),
            beside: (&raw const (*from).beside).read(),
            rest: (&raw const (*from).rest).read(),
        }
    }
}

impl Words {
    /// Puts the object into a place and lets go of what was there.
    #[inline(always)]
    pub fn replace(self, place: &mut Obj) {
        if is_counted(place) {
            let_go(std::mem::take(place));
        }
        let to = std::ptr::from_mut(place).cast::<Words>();
        // SAFETY: the words are those of an object that was counted for this copy, and what was in the place is an immediate now.
        unsafe {
            (&raw mut (*to).tag).write(self.tag);
            (&raw mut (*to).beside).write(self.beside);
            (&raw mut (*to).rest).write(self.rest);
        }
    }
}

impl Clone for Obj {
    #[inline(always)]
    fn clone(&self) -> Obj {
        let words = words(self);
        const { assert!(size_of::<Words>() == size_of::<Obj>()) };
        // SAFETY: an immediate is plain data; everything else is a reference whose count has been raised for this copy.
        unsafe { std::mem::transmute::<Words, Obj>(words) }
    }
}

/// As `drop`, without a call where there is nothing to do but count.
#[inline(always)]
pub fn let_go(object: Obj) {
    let Some(count) = counted(&object) else {
        return forget(object);
    };
    if Rc::strong_count(count) > 1 {
        // SAFETY: the object's own reference, which is forgotten: it is given up once. Others remain, so nothing is freed.
        drop(unsafe { std::ptr::read(count) });
        return forget(object);
    }
    end(object);
}

#[inline(never)]
fn end(mut object: Obj) {
    // What ends most often.
    if let Obj::Str(text) = object {
        return drop(text);
    }
    if let Obj::Tuple(items) = &mut object
        && let Some(items) = Rc::get_mut(items)
    {
        items.iter_mut().map(std::mem::take).for_each(let_go);
    }
    drop(object);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::error::exception;
    use super::super::names::{Builtin, Module};
    use super::super::object::{Bound, BuiltinMethod, Iter, Name, Range, Slice};
    use super::super::set::SetTable;
    use super::super::{class, table};
    use super::*;

    /// One object of every counted kind that can be made without a program.
    fn samples() -> Vec<Obj> {
        let class = class::Class::new("C", &[], table::Table::default()).unwrap();
        let instance = super::super::call::call(&Obj::Class(class.clone()), &super::super::object::Args::positional(&[]));
        vec![
            Obj::big(num_bigint::BigInt::from(10).pow(30)),
            Obj::str("text"),
            Obj::Bytes(Rc::new([1, 2])),
            Obj::list(vec![Obj::None]),
            Obj::tuple([Obj::Int(1), Obj::Int(2)]),
            Obj::dict(table::Table::default()),
            Obj::set(SetTable::default(), false),
            Obj::Range(Rc::new(Range {
                start: 0,
                stop: 1,
                step: 1,
            })),
            Obj::Slice(Rc::new(Slice {
                start: Obj::None,
                stop: Obj::None,
                step: Obj::None,
            })),
            Obj::Iter(Rc::new(Iter::Other(RefCell::new(None)))),
            Obj::Bound(Rc::new(Bound {
                this: Obj::None,
                function: Obj::None,
            })),
            Obj::BuiltinMethod(Rc::new(BuiltinMethod {
                this: Obj::None,
                name: Name::new("append"),
            })),
            super::super::iter::iter(&Obj::str("ab")).unwrap(),
            super::super::builtins::call(Builtin::Object, &super::super::object::Args::positional(&[])).unwrap(),
            Obj::Class(class),
            instance.unwrap(),
            Obj::Exception(exception(Builtin::ValueError, Vec::new())),
            Obj::Cell(Rc::new(RefCell::new(Obj::None))),
        ]
    }

    /// How many references an object of a kind has, as its own `Rc` says.
    fn references(object: &Obj) -> Option<usize> {
        Some(match object {
            Obj::Big(x) => Rc::strong_count(x),
            Obj::Str(x) => Rc::strong_count(x),
            Obj::Bytes(x) => Rc::strong_count(x),
            Obj::List(x) => Rc::strong_count(x),
            Obj::Tuple(x) => Rc::strong_count(x),
            Obj::Dict(x) => Rc::strong_count(x),
            Obj::Set(x) => Rc::strong_count(x),
            Obj::Range(x) => Rc::strong_count(x),
            Obj::Slice(x) => Rc::strong_count(x),
            Obj::Iter(x) => Rc::strong_count(x),
            Obj::Generator(x) => Rc::strong_count(x),
            Obj::Function(x) => Rc::strong_count(x),
            Obj::Bound(x) => Rc::strong_count(x),
            Obj::BuiltinMethod(x) => Rc::strong_count(x),
            Obj::Native(x) => Rc::strong_count(x),
            Obj::Class(x) => Rc::strong_count(x),
            Obj::Instance(x) => Rc::strong_count(x),
            Obj::Exception(x) => Rc::strong_count(x),
            Obj::Cell(x) => Rc::strong_count(x),
            Obj::None | Obj::Bool(_) | Obj::Int(_) | Obj::Float(_) | Obj::Unbound => return None,
            Obj::Builtin(_) | Obj::NativeFn(_) | Obj::NativeType(_) | Obj::Module(_) => return None,
            Obj::Ellipsis | Obj::NotImplemented => return None,
        })
    }

    #[test]
    fn copies_are_counted_whatever_the_kind() {
        for object in samples() {
            let before = references(&object).unwrap();
            let copies = [object.clone(), object.clone()];
            assert_eq!(references(&object), Some(before + 2));
            assert!(copies.iter().all(|copy| copy.address() == object.address()));
            copies.into_iter().for_each(let_go);
            assert_eq!(references(&object), Some(before));
        }
    }

    #[test]
    fn immediates_have_no_count() {
        let immediates = [
            Obj::None,
            Obj::Bool(true),
            Obj::Int(1),
            Obj::Float(1.5),
            Obj::Unbound,
            Obj::Builtin(Builtin::Len),
            Obj::Module(Module::Math),
            Obj::Ellipsis,
            Obj::NotImplemented,
        ];
        for object in immediates {
            assert!(counted(&object).is_none() && references(&object).is_none());
            let_go(object.clone());
        }
    }

    #[test]
    fn the_last_reference_frees() {
        let text = Rc::new(super::super::object::Text::new("text"));
        let list = Obj::list(vec![Obj::Str(text.clone())]);
        let other = list.clone();
        let_go(list);
        assert_eq!(Rc::strong_count(&text), 2);
        let_go(other);
        assert_eq!(Rc::strong_count(&text), 1);
    }
}
