//! List, tuple, set and dict displays.

use std::collections::HashSet;

use ruff_python_ast::{DictItem, Expr, Operator};

use super::Lowerer;
use super::expressions::small_int;
use crate::codegen::Import;
use crate::python::mir::{Arg, Slot};
use crate::python::rt;

/// Displays up to this length are made of consecutive slots at once; longer ones grow, to keep frames small.
const AT_ONCE: usize = 32;

impl Lowerer<'_> {
    /// Evaluates into consecutive new slots.
    pub(super) fn consecutive<'e>(&mut self, items: impl ExactSizeIterator<Item = &'e Expr>) -> Slot {
        let first = self.frame.temps(items.len());
        for (slot, item) in (first..).zip(items) {
            self.into(slot, item);
        }
        first
    }

    pub(super) fn list(&mut self, dst: Slot, items: &[Expr]) {
        self.collect(dst, items, &rt::py_list, &rt::py_list_append, &rt::py_list_extend);
    }

    pub(super) fn set(&mut self, dst: Slot, items: &[Expr]) {
        if items.len() < 3 || !items.iter().all(is_constant) {
            return self.collect(dst, items, &rt::py_set, &rt::py_set_add, &rt::py_set_update);
        }
        self.constant_set(dst, items, true);
    }

    /// CPython makes a frozen set of constants when it compiles a program. The order of a set depends on how it came about, so the same
    /// is done here; `whole` if a new set gets its items, which is not so where one is only walked over.
    fn constant_set(&mut self, dst: Slot, items: &[Expr], whole: bool) {
        let set = self.frame.temp();
        self.collect(set, items, &rt::py_set, &rt::py_set_add, &rt::py_set_update);
        let whole = Arg::Word(u32::from(whole));
        self.frame.rt(&rt::py_set_constant, [Arg::Slot(dst), Arg::Slot(set), whole]);
    }

    /// Evaluates what a loop walks over.
    pub(super) fn walked(&mut self, iterable: &Expr) -> Slot {
        match iterable {
            Expr::Set(set) if set.elts.iter().all(is_constant) => {
                let slot = self.frame.temp();
                self.constant_set(slot, &set.elts, false);
                slot
            }
            _ => self.slot(iterable),
        }
    }

    pub(super) fn tuple(&mut self, dst: Slot, items: &[Expr]) {
        if is_plain(items) {
            return self.make(dst, items, &rt::py_tuple);
        }
        let list = self.frame.temp();
        self.list(list, items);
        self.frame.rt(&rt::py_list_to_tuple, [Arg::Slot(dst), Arg::Slot(list)]);
    }

    fn make(&mut self, dst: Slot, items: &[Expr], make: &'static Import) {
        let from = self.consecutive(items.iter());
        self.frame
            .rt(make, [Arg::Slot(dst), Arg::Slot(from), Arg::Word(items.len() as u32)]);
    }

    fn collect(&mut self, dst: Slot, items: &[Expr], make: &'static Import, add: &'static Import, extend: &'static Import) {
        if is_plain(items) {
            return self.make(dst, items, make);
        }
        let whole = self.frame.temp();
        let plain = items.iter().take(AT_ONCE).take_while(|item| !item.is_starred_expr()).count();
        let (first, rest) = items.split_at(plain);
        let mark = self.frame.mark();
        self.make(whole, first, make);
        self.frame.release(mark);
        for item in rest {
            let mark = self.frame.mark();
            let (value, import) = match item {
                Expr::Starred(starred) => (&*starred.value, extend),
                _ => (item, add),
            };
            let slot = self.slot(value);
            self.frame.rt(import, [Arg::Slot(whole), Arg::Slot(slot)]);
            self.frame.release(mark);
        }
        self.frame.copy(dst, whole);
    }

    /// A dict whose keys are constant texts that differ: only its values are evaluated. False when it is another one.
    fn record(&mut self, dst: Slot, items: &[DictItem]) -> bool {
        let key = |item: &DictItem| match &item.key {
            Some(Expr::StringLiteral(literal)) => Some(literal.value.to_str().to_owned()),
            _ => None,
        };
        let Some(keys) = items.iter().map(key).collect::<Option<Vec<_>>>() else {
            return false;
        };
        let differ = keys.iter().collect::<HashSet<_>>().len() == keys.len();
        if keys.is_empty() || keys.len() > AT_ONCE || !differ {
            return false;
        }
        let values: Vec<&Expr> = items.iter().map(|item| &item.value).collect();
        let from = self.consecutive(values.into_iter());
        self.frame
            .rt(&rt::py_record, [Arg::Slot(dst), Arg::Names(keys), Arg::Slot(from)]);
        true
    }

    pub(super) fn dict(&mut self, dst: Slot, items: &[DictItem]) {
        if self.record(dst, items) {
            return;
        }
        let pairs = items.iter().take(AT_ONCE / 2).take_while(|item| item.key.is_some()).count();
        let (first, rest) = items.split_at(pairs);
        let whole = if rest.is_empty() { dst } else { self.frame.temp() };
        let mark = self.frame.mark();
        let from = self.frame.temps(pairs * 2);
        let keys_and_values = first.iter().flat_map(|item| item.key.iter().chain([&item.value]));
        for (slot, expr) in (from..).zip(keys_and_values) {
            self.into(slot, expr);
        }
        self.frame
            .rt(&rt::py_dict, [Arg::Slot(whole), Arg::Slot(from), Arg::Word(pairs as u32)]);
        self.frame.release(mark);
        for item in rest {
            let mark = self.frame.mark();
            match &item.key {
                Some(key) => {
                    let (key, value) = (self.slot(key), self.slot(&item.value));
                    self.frame
                        .rt(&rt::py_dict_set, [Arg::Slot(whole), Arg::Slot(key), Arg::Slot(value)]);
                }
                None => {
                    let mapping = self.slot(&item.value);
                    self.frame.rt(&rt::py_dict_update, [Arg::Slot(whole), Arg::Slot(mapping)]);
                }
            }
            self.frame.release(mark);
        }
        self.frame.copy(dst, whole);
    }
}

/// Whether CPython knows the value when it compiles the program.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Tuple(tuple) => tuple.elts.iter().all(is_constant),
        Expr::UnaryOp(operation) => is_constant(&operation.operand),
        Expr::BinOp(operation) => {
            let (left, right) = (&*operation.left, &*operation.right);
            is_constant(left) && is_constant(right) && is_short(operation.op, small_int(left), small_int(right))
        }
        expr => expr.is_literal_expr(),
    }
}

/// Powers, shifts and products that have more than 128 bits are left for the run.
fn is_short(op: Operator, left: Option<i64>, right: Option<i64>) -> bool {
    let bits = |number: i64| u64::from(64 - number.unsigned_abs().leading_zeros());
    match (op, left, right) {
        (Operator::Pow, Some(left), Some(right)) => bits(left).saturating_mul(right.unsigned_abs()) <= 128,
        (Operator::LShift, Some(left), Some(right)) => bits(left).saturating_add(right.unsigned_abs()) <= 128,
        (Operator::Mult, Some(left), Some(right)) => bits(left) + bits(right) <= 128,
        (Operator::Pow | Operator::LShift | Operator::Mult, ..) => false,
        _ => true,
    }
}

fn is_plain(items: &[Expr]) -> bool {
    items.len() <= AT_ONCE && !items.iter().any(Expr::is_starred_expr)
}
