//! The functions of the runtime that compiled Python calls (`flow-rt`, `python/abi.rs`).
//!
//! Arguments are slots unless the comment says otherwise; one that is only read may be a constant object. Each gives a status: 0, or 1 when an exception is pending; those under
//! "tests" give 1 (yes), 0 (no) or 2 (raised). `n` counts consecutive slots, which the function takes: they hold `None` afterwards. "text" is a constant; "names" a constant list of texts.

use crate::codegen::Import;

macro_rules! runtime {
    ($($(#[$doc:meta])* $name:ident($params:literal);)*) => {
        $($(#[$doc])* #[allow(non_upper_case_globals)] // Named as the runtime exports them.
        pub static $name: Import = Import { name: stringify!($name), params: $params, result: true };)*
    };
}

runtime! {
    /// (dst, number) A global variable; `NameError` when unset.
    py_global_get(2);
    /// (number, src)
    py_global_set(2);
    /// (number) `del` of a global.
    py_global_del(1);
    /// (dst, builtin: index in `flow_rt::python::names::BUILTINS`)
    py_builtin(2);
    /// (dst, module: index in `flow_rt::python::names::MODULES`)
    py_module(2);

    /// (slot) The slot becomes a new cell that holds what the slot held (nothing, if it was unbound).
    py_cell_new(1);
    /// (dst, cell, text name, free: 1 if it belongs to a scope around) `UnboundLocalError` when empty, `NameError` if free.
    py_cell_get(4);
    /// (cell, src)
    py_cell_set(2);
    /// (cell, text name, free) Empties it; raises as [`py_cell_get`] when it was.
    py_cell_del(3);

    /// (dst, object, key)
    py_getitem(3);
    /// (object, key, value)
    py_setitem(3);
    /// (object, key)
    py_delitem(2);
    /// (dst, from) A slice object from three slots: start, stop, step, `None` where absent.
    py_slice(2);
    /// (dst, object, text name)
    py_getattr(3);
    /// (object, text name, value)
    py_setattr(3);
    /// (object, text name)
    py_delattr(2);

    /// (dst, callee, args, n, names or absent) The last of the `n` arguments have these names.
    py_call(5);
    /// (dst, builtin number, args, n, names or absent) As [`py_call`] of a builtin that no variable hides.
    py_call_builtin(5);
    /// (dst, object, text name, args, n, names or absent) `object.name(…)` without making the bound method.
    py_call_method(6);
    /// (object, text name) `AttributeError` when the object has no such method: before the arguments of its call are evaluated.
    py_require(2);
    /// (dst, builtin number, a) A call with one argument, which stays in its slot.
    py_builtin1(3);
    /// (dst, builtin number, a, b)
    py_builtin2(4);
    /// (dst, object, text name, method: index in `flow_rt::python::names::METHODS`) As [`py_call_method`]; the arguments of these
    /// stay in their slots.
    py_method0(4);
    /// (dst, object, text name, method, a)
    py_method1(5);
    /// (dst, object, text name, method, a, b)
    py_method2(6);
    /// (dst, callee, list, dict or absent) A call with stars: positional arguments in an iterable, named ones in a dict.
    py_call_star(4);

    /// (dst, from, n)
    py_list(3);
    py_tuple(3);
    py_set(3);
    /// (dst, from, n pairs) Key, value, key, value …
    py_dict(3);
    /// (dst, names, from) A dict of these keys, which differ, and as many values.
    py_record(3);
    /// (list, item)
    py_list_append(2);
    /// (list, iterable)
    py_list_extend(2);
    /// (dst, list) A tuple of its items.
    py_list_to_tuple(2);
    /// (set, item)
    py_set_add(2);
    /// (set, iterable)
    py_set_update(2);
    /// (dst, set, whole: 1 for a set of its own, 0 for one that is only walked over) The set of a display of constants, in CPython's order.
    py_set_constant(3);
    /// (dict, key, value)
    py_dict_set(3);
    /// (dict, mapping) `{**mapping}`
    py_dict_update(2);
    /// (dict, mapping, callee) Named arguments of a call: a key twice, or that is no text, is a `TypeError`.
    py_dict_merge(3);

    /// (dst, iterable)
    py_iter(2);
    /// (counter, args, n) Four slots for a counting loop from the 1 to 3 arguments of `range`; the fourth is for [`py_range_more`].
    py_range(3);
    /// (from, source, n) Unpacks exactly `n` items.
    py_unpack(3);
    /// (from, source, before, after) Unpacks around a star: `before` items, a list, `after` items.
    py_unpack_star(4);

    /// (dst, value, conversion: 0 none, 1 str, 2 repr, 3 ascii; spec slot or absent) One replacement field of an f-string.
    py_format(4);
    /// (dst, from, n) Joins texts.
    py_join(3);

    /// (dst, manager) `with`: its `__exit__`; `TypeError` when it is no context manager.
    py_context(2);

    /// (dst, text name, bases, n, namespace dict)
    py_class(5);
    /// (dst, class cell, self) `super()` inside a method.
    py_super(3);

    /// (exception or class, cause or absent) Always gives 1.
    py_raise(2);
    /// (dst) The pending exception becomes the value of the slot and is no longer pending.
    py_catch(1);
    /// (slot) The caught exception in the slot is pending again; always gives 1.
    py_reraise(1);
    /// (slot) As [`py_reraise`], out of a generator: a `StopIteration` becomes a `RuntimeError`.
    py_reraise_ended(1);
    /// (message slot or absent) `AssertionError`; always gives 1.
    py_assert_failed(1);
}

// Tests: 1 yes, 0 no, 2 raised.
runtime! {
    /// (exception, class or tuple of classes)
    py_exception_matches(2);
    /// (dst, number) A global variable, if it is set.
    py_global_find(2);
    /// (dst, counter) Whether a counting loop goes on whose numbers are beyond 64 bits; the next one.
    py_range_more(2);
    /// (dst, iterator, sent) `yield from`: what the iterator gives for what was sent; or (no) what it returned at its end.
    py_delegate(3);
    /// (dst, iterator, exception) As [`py_delegate`], for an exception that was thrown in.
    py_delegate_throw(3);
    /// (dst, dict, key) A name in a class body: found, or to be looked for outside.
    py_namespace_get(3);
    /// (subject) `match`: a sequence that is no text or bytes.
    py_is_sequence(1);
    /// (subject)
    py_is_mapping(1);
    /// (dst, subject, key) `match`: the value of a mapping's key, if it has it.
    py_mapping_get(3);
}
