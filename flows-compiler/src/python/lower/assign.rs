//! Assignment, augmented assignment, unpacking, `del`.

use ruff_python_ast::{self as ast, Expr};
use ruff_text_size::Ranged;

use super::Lowerer;
use super::expressions::{binary, writes_last};
use crate::python::mir::{Arg, Op, Operand, Slot};
use crate::python::rt;

impl Lowerer<'_> {
    /// `target = … = value`
    pub(super) fn assignment(&mut self, targets: &[Expr], value: &Expr) {
        let mark = self.frame.mark();
        if let [Expr::Name(name)] = targets
            && let Some(slot) = self.local_target(name.id.as_str())
            && writes_last(value)
        {
            self.into(slot, value);
        } else if let ([Expr::Tuple(to)], Expr::Tuple(from)) = (targets, value)
            && to.elts.len() == from.elts.len()
            && !to.elts.iter().chain(&from.elts).any(Expr::is_starred_expr)
        {
            // All values first, then all targets: no tuple is needed.
            let values = self.consecutive(from.elts.iter());
            for (slot, target) in (values..).zip(&to.elts) {
                self.assign(target, slot);
            }
        } else {
            // A variable that a target assigns must not be read in place after it.
            let slot = self.frame.temp();
            self.into(slot, value);
            for target in targets {
                self.assign(target, slot);
            }
        }
        self.frame.release(mark);
    }

    /// Assigns a slot's value, which stays.
    pub(super) fn assign(&mut self, target: &Expr, value: Slot) {
        let mark = self.frame.mark();
        match target {
            Expr::Name(name) => self.store(name.id.as_str(), value),
            Expr::Attribute(attribute) => {
                let object = self.slot(&attribute.value);
                let name = self.mangled(attribute.attr.as_str());
                self.frame
                    .rt(&rt::py_setattr, [Arg::Slot(object), Arg::Text(name), Arg::Slot(value)]);
            }
            Expr::Subscript(subscript) => {
                let object = self.slot(&subscript.value);
                let key = self.argument(&subscript.slice);
                self.frame.rt(&rt::py_setitem, [Arg::Slot(object), key, Arg::Slot(value)]);
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => self.unpack(elts, value),
            _ => self.refuse(target.range(), "cannot assign to this"),
        }
        self.frame.release(mark);
    }

    fn unpack(&mut self, targets: &[Expr], value: Slot) {
        let variables = self.consecutive_variables(targets);
        let from = variables.unwrap_or_else(|| self.frame.temps(targets.len()));
        match targets.iter().position(Expr::is_starred_expr) {
            None => self.frame.rt(
                &rt::py_unpack,
                [Arg::Slot(from), Arg::Slot(value), Arg::Word(targets.len() as u32)],
            ),
            Some(star) => {
                let after = targets.len() - star - 1;
                self.frame.rt(
                    &rt::py_unpack_star,
                    [
                        Arg::Slot(from),
                        Arg::Slot(value),
                        Arg::Word(star as u32),
                        Arg::Word(after as u32),
                    ],
                );
            }
        }
        if variables.is_none() {
            for (slot, target) in (from..).zip(targets) {
                self.assign(plain(target), slot);
            }
        }
    }

    /// The first slot of targets that are plain variables one after the other, as those of `for key, value in …` mostly are.
    fn consecutive_variables(&self, targets: &[Expr]) -> Option<Slot> {
        let slot = |target: &Expr| match plain(target) {
            Expr::Name(name) => self.local_target(name.id.as_str()),
            _ => None,
        };
        let first = slot(targets.first()?)?;
        let consecutive = (first..).zip(targets).all(|(at, target)| slot(target) == Some(at));
        consecutive.then_some(first)
    }

    /// `target op= value`
    pub(super) fn augmented(&mut self, stmt: &ast::StmtAugAssign) {
        let mark = self.frame.mark();
        match &*stmt.target {
            Expr::Name(name) => {
                let name = name.id.as_str();
                match self.local(name) {
                    Some(slot) => self.operate(slot, slot, stmt),
                    None => {
                        let old = self.frame.temp();
                        self.load(old, name);
                        self.operate(old, old, stmt);
                        self.store(name, old);
                    }
                }
            }
            Expr::Attribute(attribute) => {
                let object = self.slot(&attribute.value);
                let name = self.mangled(attribute.attr.as_str());
                let old = self.frame.temp();
                self.attribute(old, object, &name);
                self.operate(old, old, stmt);
                self.frame
                    .rt(&rt::py_setattr, [Arg::Slot(object), Arg::Text(name), Arg::Slot(old)]);
            }
            Expr::Subscript(subscript) => {
                let object = self.slot(&subscript.value);
                let key = self.argument(&subscript.slice);
                let old = self.frame.temp();
                self.frame
                    .rt(&rt::py_getitem, [Arg::Slot(old), Arg::Slot(object), key.clone()]);
                self.operate(old, old, stmt);
                self.frame.rt(&rt::py_setitem, [Arg::Slot(object), key, Arg::Slot(old)]);
            }
            target => self.refuse(target.range(), "cannot assign to this"),
        }
        self.frame.release(mark);
    }

    fn operate(&mut self, dst: Slot, old: Slot, stmt: &ast::StmtAugAssign) {
        let b = self.operand(&stmt.value);
        self.frame.op(Op::Binary {
            op: binary(stmt.op),
            inplace: true,
            dst,
            a: Operand::Slot(old),
            b,
        });
    }

    pub(super) fn delete_target(&mut self, target: &Expr) {
        let mark = self.frame.mark();
        match target {
            Expr::Name(name) => self.delete(name.id.as_str()),
            Expr::Attribute(attribute) => {
                let object = self.slot(&attribute.value);
                let name = self.mangled(attribute.attr.as_str());
                self.frame.rt(&rt::py_delattr, [Arg::Slot(object), Arg::Text(name)]);
            }
            Expr::Subscript(subscript) => {
                let (object, key) = (self.slot(&subscript.value), self.slot(&subscript.slice));
                self.frame.rt(&rt::py_delitem, [Arg::Slot(object), Arg::Slot(key)]);
            }
            Expr::Tuple(ast::ExprTuple { elts, .. }) | Expr::List(ast::ExprList { elts, .. }) => {
                elts.iter().for_each(|target| self.delete_target(target));
            }
            _ => self.refuse(target.range(), "cannot delete this"),
        }
        self.frame.release(mark);
    }
}

/// A target without its star.
fn plain(target: &Expr) -> &Expr {
    match target {
        Expr::Starred(starred) => &starred.value,
        target => target,
    }
}
