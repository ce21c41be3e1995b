//! What compiled Python calls. Each function is a few words around a rule of the runtime.
//!
//! Arguments are addresses of slots, numbers, or indices of constants (`u32::MAX`: absent), as `flowgate-compiler`'s `python/rt.rs`
//! says. A status is 0, or 1 when an exception is pending; a test answers 1 (yes), 0 (no) or 2 (an exception is pending).
#![allow(unsafe_code)] // Exporting under a fixed name, and reading slots that compiled code names.

use super::arith::{self, BinaryOp, UnaryOp};
use super::compare::{self, CompareOp};
use super::delegate::{self, Delegated};
use super::error::{Py, raise};
use super::names::Builtin;
use super::object::{Iter, Obj};
use super::share::{Words, words};
use super::state::{self, ABSENT};
use super::{attr, class, generator, iter, ops, quick, stack, subscript};

/// Runs a compiled function over its frame: 0 it returned, 1 it raised, 2 + k it yielded and goes on in state k.
#[cfg(target_arch = "wasm32")]
#[inline]
pub fn invoke(table: u32, frame: u32, state: u32) -> i32 {
    let function = (state::base() + table) as usize;
    // SAFETY: a function pointer is a table index on wasm32; the flow's start function put functions of this type there, and a
    // wrong entry is a clean trap of the sandbox.
    let function: extern "C" fn(u32, u32) -> i32 = unsafe { std::mem::transmute(function) };
    function(frame, state)
}

/// Elsewhere there is no compiled code; tests give functions of their own.
#[cfg(not(target_arch = "wasm32"))]
pub fn invoke(table: u32, frame: u32, state: u32) -> i32 {
    match native::function(table) {
        Some(function) => function(frame, state),
        None => {
            state::set_pending(raise(Builtin::SystemError, "no such function"));
            1
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
pub mod native {
    //! Functions that stand in for compiled ones.
    use std::cell::RefCell;

    pub type Compiled = fn(u32, u32) -> i32;

    thread_local! {
        static TABLE: RefCell<Vec<Compiled>> = const { RefCell::new(Vec::new()) };
    }

    pub fn function(at: u32) -> Option<Compiled> {
        TABLE.with(|table| table.borrow().get(at as usize).copied())
    }

    /// Gives the function's place in the table.
    pub fn add(function: Compiled) -> u32 {
        TABLE.with(|table| {
            let mut table = table.borrow_mut();
            table.push(function);
            (table.len() - 1) as u32
        })
    }
}

/// The object in a slot of the caller's frame, or a constant one: addresses of slots are even.
#[inline(always)]
fn at<'a>(address: u32) -> &'a Obj {
    if address & 1 != 0 {
        return state::operand(address);
    }
    // SAFETY: the address is an operand of the export that is running; it ends with this use before it writes its result, and the
    // caller's code does not run meanwhile.
    unsafe { stack::slot(address) }
}

/// As [`at`], for an operand that may be absent.
fn maybe<'a>(address: u32) -> Option<&'a Obj> {
    (address != ABSENT).then(|| at(address))
}

/// The objects in consecutive slots of the caller's frame.
fn all<'a>(address: u32, count: u32) -> &'a [Obj] {
    // SAFETY: as in `at`.
    unsafe { stack::slots(address, count) }
}

#[cold]
fn raised(raised: super::error::Raised) -> i32 {
    state::set_pending(raised);
    1
}

/// A copy goes to its slot.
#[inline(always)]
fn put(dst: u32, value: Words) -> i32 {
    stack::put_words(dst, value);
    0
}

/// A result goes to its slot.
#[inline(always)]
fn give(dst: u32, result: Py) -> i32 {
    match result {
        Ok(value) => {
            stack::put(dst, value);
            0
        }
        Err(error) => raised(error),
    }
}

fn done(result: Py<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(error) => raised(error),
    }
}

#[inline]
fn answer(result: Py<bool>) -> i32 {
    match result {
        Ok(yes) => i32::from(yes),
        Err(error) => 1 + raised(error),
    }
}

/// An item goes to its slot: 1; there is none: 0.
#[inline]
fn found(dst: u32, result: Py<Option<Obj>>) -> i32 {
    match result {
        Ok(Some(value)) => {
            stack::put(dst, value);
            1
        }
        Ok(None) => 0,
        Err(error) => 1 + raised(error),
    }
}

/// An inner iterator's item goes to the slot: 1; or what it returned: 0.
fn delegated(dst: u32, result: Py<Delegated>) -> i32 {
    match result {
        Ok(Delegated::Given(item)) => {
            stack::put(dst, item);
            1
        }
        Ok(Delegated::Ended(value)) => {
            stack::put(dst, value);
            0
        }
        Err(error) => 1 + raised(error),
    }
}

fn spread(from: u32, items: Py<impl IntoIterator<Item = Obj>>) -> i32 {
    match items {
        Ok(items) => {
            for (offset, item) in items.into_iter().enumerate() {
                stack::put(stack::after(from, offset as u32), item);
            }
            0
        }
        Err(error) => raised(error),
    }
}

/// `object.name(…)` by the general rule.
#[inline(never)]
fn method(dst: u32, object: &Obj, name: u32, args: &[Obj]) -> i32 {
    give(dst, ops::call_known(object, name, args))
}

/// A call of a builtin by the general rule.
#[inline(never)]
fn builtin(dst: u32, builtin: u32, args: &[Obj]) -> i32 {
    give(dst, ops::call_known_builtin(builtin, args))
}

#[inline(never)]
fn getitem(dst: u32, object: &Obj, key: &Obj) -> i32 {
    give(dst, subscript::getitem(object, key))
}

#[inline(never)]
fn setitem(object: &Obj, key: &Obj, value: &Obj) -> i32 {
    done(subscript::setitem(object, key, value))
}

#[inline(never)]
fn next(dst: u32, iterator: &Obj) -> i32 {
    found(dst, iter::next(iterator))
}

fn no_operator() -> super::error::Raised {
    raise(Builtin::SystemError, "no such operator")
}

/// `op` is the operator's number; 256 is added for an augmented assignment.
#[inline(always)]
fn binary(op: u32, dst: u32, a: u32, b: u32) -> i32 {
    let Some(operator) = BinaryOp::at(op & 0xff) else {
        return raised(no_operator());
    };
    if operator == BinaryOp::Add
        && let (Obj::Str(_), Obj::Str(_)) = (at(a), at(b))
    {
        return add_texts(dst, a, b);
    }
    give(dst, arith::binary(operator, op > 0xff, at(a), at(b)))
}

/// `dst = a + b` of texts.
#[inline(never)]
fn add_texts(dst: u32, a: u32, b: u32) -> i32 {
    if dst == a && a != b {
        // SAFETY: a slot, since something can be written to it, and the other operand is another slot or a constant.
        let left = unsafe { stack::slot_mut(a) };
        // The old value is overwritten, so it need not be kept.
        match arith::grow(left, at(b)) {
            Ok(true) => return 0,
            Ok(false) => {}
            Err(error) => return raised(error),
        }
    }
    match quick::add_texts(at(a), at(b)) {
        Some(text) => give(dst, Ok(text)),
        None => give(dst, arith::binary(BinaryOp::Add, false, at(a), at(b))),
    }
}

fn compared(op: u32, work: impl FnOnce(CompareOp) -> i32) -> i32 {
    match CompareOp::at(op) {
        Some(operator) => work(operator),
        None => 1 + raised(no_operator()),
    }
}

fn range_next(dst: u32, counter: u32) -> i32 {
    match ops::range_next(all(counter, 3)) {
        Some((number, next)) => {
            stack::put(counter, Obj::Int(next));
            stack::put(dst, Obj::Int(number));
            1
        }
        None => 0,
    }
}

fn range(counter: u32, args: u32, count: u32) -> i32 {
    let numbers = ops::range(all(args, count));
    stack::clear(args, count);
    spread(counter, numbers)
}

fn taken(slots: u32, count: u32, work: impl FnOnce(&[Obj]) -> Py) -> Py {
    let result = work(all(slots, count));
    stack::clear(slots, count);
    result
}

macro_rules! exports {
    ($(fn $name:ident($($arg:ident),*) = $body:expr;)*) => {
        $(#[unsafe(no_mangle)]
        pub extern "C" fn $name($($arg: u32),*) -> i32 { $body })*
        /// Names of the exports, for the check against the compiler's own table.
        pub const EXPORTED: &[&str] = &[$(stringify!($name)),*];
    };
}

exports! {
    fn py_clear(slot) = { stack::put(slot, Obj::None); 0 };
    fn py_copy(dst, src) = put(dst, words(at(src)));
    fn py_text(dst, text) = put(dst, words(state::text(text)));
    fn py_big(dst, number) = { stack::put(dst, state::big(number)); 0 };
    fn py_bytes(dst, bytes) = { stack::put(dst, ops::bytes(bytes)); 0 };
    fn py_function(dst, function, from) = give(dst, ops::function(function, |count| all(from, count).to_vec()));
    fn py_unbound(name, free) = raised(ops::unbound(name, free));

    fn py_binary(op, dst, a, b) = binary(op, dst, a, b);
    fn py_unary(op, dst, a) = match UnaryOp::at(op) {
        Some(op) => give(dst, arith::unary(op, at(a))),
        None => raised(no_operator()),
    };
    fn py_compare(op, dst, a, b) = compared(op, |op| give(dst, compare::compare(op, at(a), at(b))));
    fn py_compare_test(op, a, b) = compared(op, |op| answer(compare::test(op, at(a), at(b))));
    fn py_truth(slot) = answer(compare::truth(at(slot)));

    fn py_global_get(dst, number) = give(dst, state::global(number));
    fn py_global_set(number, src) = { state::set_global(number, at(src).clone()); 0 };
    fn py_global_del(number) = done(state::delete_global(number));
    fn py_builtin(dst, builtin) = give(dst, ops::builtin(builtin));
    fn py_module(dst, module) = give(dst, ops::module(module));

    fn py_cell_new(slot) = { stack::put(slot, ops::cell(at(slot).clone())); 0 };
    fn py_cell_get(dst, cell, name, free) = give(dst, ops::cell_get(at(cell), name, free));
    fn py_cell_set(cell, src) = done(ops::cell_set(at(cell), at(src).clone()));
    fn py_cell_del(cell, name, free) = done(ops::cell_del(at(cell), name, free));

    fn py_getitem(dst, object, key) = match quick::getitem(at(object), at(key)) {
        Some(item) => put(dst, item),
        None => getitem(dst, at(object), at(key)),
    };
    fn py_setitem(object, key, value) = match quick::setitem(at(object), at(key), at(value)) {
        true => 0,
        false => setitem(at(object), at(key), at(value)),
    };
    fn py_delitem(object, key) = done(subscript::delitem(at(object), at(key)));
    fn py_slice(dst, from) = give(dst, ops::slice(all(from, 3)));
    fn py_getattr(dst, object, name) = give(dst, ops::getattr(at(object), name));
    fn py_setattr(object, name, value) = done(attr::setattr(at(object), state::name(name), at(value)));
    fn py_delattr(object, name) = done(attr::delattr(at(object), state::name(name)));

    fn py_call(dst, callee, args, n, names) = give(dst, ops::call(at(callee), args, n, names, || all(args, n)));
    fn py_call_builtin(dst, builtin, args, n, names) = give(dst, ops::call_builtin(builtin, args, n, names, || all(args, n)));
    fn py_call_method(dst, object, name, args, n, names) =
        give(dst, ops::call_method(at(object), name, args, n, names, || all(args, n)));
    fn py_require(object, name) = match quick::has(at(object), state::name(name)) {
        true => 0,
        false => done(attr::require(at(object), state::name(name))),
    };
    fn py_method0(dst, object, name, _number) = method(dst, at(object), name, &[]);
    fn py_method1(dst, object, name, number, a) = match quick::method1(at(object), number, at(a)) {
        Some(result) => put(dst, result),
        None => method(dst, at(object), name, std::slice::from_ref(at(a))),
    };
    fn py_method2(dst, object, name, number, a, b) = match quick::method2(at(object), number, at(a), at(b)) {
        Some(result) => put(dst, result),
        None => method(dst, at(object), name, &[at(a).clone(), at(b).clone()]),
    };
    fn py_builtin1(dst, number, a) = match quick::builtin1(number, at(a)) {
        Some(result) => give(dst, result),
        None => builtin(dst, number, std::slice::from_ref(at(a))),
    };
    fn py_builtin2(dst, number, a, b) = match quick::builtin2(number, at(a), at(b)) {
        Some(result) => give(dst, result),
        None => builtin(dst, number, &[at(a).clone(), at(b).clone()]),
    };
    fn py_call_star(dst, callee, list, dict) = give(dst, ops::call_star(at(callee), at(list), maybe(dict)));

    fn py_list(dst, from, n) = {
        let items = if n == 0 { Vec::new() } else { stack::take_all(from, n).collect() };
        stack::put(dst, Obj::list(items));
        0
    };
    fn py_tuple(dst, from, n) = { let items = stack::take_all(from, n).collect(); stack::put(dst, Obj::Tuple(items)); 0 };
    fn py_set(dst, from, n) = give(dst, ops::set(stack::take_all(from, n).collect()));
    fn py_dict(dst, from, n) = give(dst, ops::dict(stack::take_all(from, n.saturating_mul(2)).collect()));
    fn py_record(dst, names, from) = {
        let names = state::names(names);
        stack::put(dst, ops::record(names, stack::take_all(from, names.len() as u32)));
        0
    };
    fn py_list_append(list, item) = { quick::append(at(list), at(item)); 0 };
    fn py_list_extend(list, items) = done(ops::list_extend(at(list), at(items)));
    fn py_list_to_tuple(dst, list) = give(dst, ops::list_to_tuple(at(list)));
    fn py_set_add(set, item) = done(ops::set_add(at(set), at(item)));
    fn py_set_update(set, items) = done(ops::set_update(at(set), at(items)));
    fn py_set_constant(dst, set, whole) = give(dst, ops::set_constant(at(set), whole != 0));
    fn py_dict_set(dict, key, value) = done(ops::dict_set(at(dict), at(key), at(value)));
    fn py_dict_update(dict, mapping) = done(ops::dict_update(at(dict), at(mapping)));
    fn py_dict_merge(dict, mapping, callee) = done(ops::dict_merge(at(dict), at(mapping), at(callee)));

    fn py_iter(dst, iterable) = give(dst, iter::iter(at(iterable)));
    fn py_next(dst, iterator) = {
        if let Obj::Iter(iter) = at(iterator)
            && let Iter::List(list, at) = &**iter
        {
            match quick::next_of_list(list, at) {
                Some(item) => {
                    stack::put_words(dst, item);
                    1
                }
                None => 0,
            }
        } else {
            next(dst, at(iterator))
        }
    };
    fn py_range(counter, args, n) = range(counter, args, n);
    fn py_range_next(dst, counter) = range_next(dst, counter);
    fn py_unpack(from, source, n) = match at(source) {
        // The items of a tuple cannot change while they are copied.
        Obj::Tuple(items) if items.len() == n as usize => {
            let items = items.clone();
            spread(from, Ok(items.iter().cloned()))
        }
        other => spread(from, ops::unpack(other, n as usize)),
    };
    fn py_unpack_star(from, source, before, after) =
        spread(from, ops::unpack_star(at(source), before as usize, after as usize));

    fn py_format(dst, value, conversion, spec) = give(dst, ops::format(at(value), conversion, maybe(spec)));
    fn py_join(dst, from, n) = give(dst, taken(from, n, ops::join));

    fn py_context(dst, manager) = give(dst, class::context(at(manager)));

    fn py_class(dst, name, bases, n, namespace) = give(dst, taken(bases, n, |bases| ops::class(name, bases, at(namespace))));
    fn py_super(dst, class, this) = give(dst, ops::super_of(at(class), at(this)));

    fn py_raise(exception, cause) = raised(ops::raised(at(exception), maybe(cause)));
    fn py_catch(dst) = { stack::put(dst, Obj::Exception(state::take_pending().0)); 0 };
    fn py_reraise(exception) = raised(ops::raised(at(exception), None));
    fn py_reraise_ended(exception) = raised(generator::unstopped(ops::raised(at(exception), None)));
    fn py_assert_failed(message) = raised(ops::assertion(maybe(message)));

    fn py_exception_matches(exception, class) = answer(ops::exception_matches(at(exception), at(class)));
    fn py_global_find(dst, number) = found(dst, Ok(state::global_if_set(number)));
    fn py_range_more(dst, counter) = found(dst, ops::range_more(all(counter, 4)));
    fn py_delegate(dst, iterator, sent) = delegated(dst, delegate::send(at(iterator), at(sent)));
    fn py_delegate_throw(dst, iterator, exception) = delegated(dst, delegate::throw(at(iterator), at(exception)));
    fn py_namespace_get(dst, namespace, key) = found(dst, ops::namespace_get(at(namespace), at(key)));
    fn py_is_sequence(subject) = answer(Ok(ops::is_sequence(at(subject))));
    fn py_is_mapping(subject) = answer(Ok(ops::is_mapping(at(subject))));
    fn py_mapping_get(dst, subject, key) = found(dst, ops::mapping_get(at(subject), at(key)));
}
