//! Reading, writing and deleting variables, wherever they are.

use super::Lowerer;
use crate::python::mir::{Arg, Op, Slot};
use crate::python::rt;
use crate::python::scope::{MODULE, Place, Variable};
use flow_rt::python::names::{BUILTINS, Builtin};

/// A variable as the function being written reaches it.
enum Home {
    Slot(Slot),
    /// A captured variable, and whether it belongs to a scope around this one.
    Cell(Slot, bool),
    Namespace(Slot),
    Global,
}

impl Lowerer<'_> {
    pub(super) fn mangled(&self, name: &str) -> String {
        self.scopes.mangled(self.frame.scope, name)
    }

    fn home(&self, mangled: &str) -> Home {
        match self.scopes.place(self.frame.scope, mangled) {
            Place::Variable(variable) => match self.frame.variables.get(&variable) {
                Some(slot) if self.scopes.is_cell(&variable) => Home::Cell(*slot, self.is_free(&variable)),
                Some(slot) => Home::Slot(*slot),
                None => Home::Global,
            },
            Place::Namespace => match self.frame.namespaces.get(&self.frame.scope) {
                Some(slot) => Home::Namespace(*slot),
                None => Home::Global,
            },
            Place::Global => Home::Global,
        }
    }

    /// Whether a name most likely has a value: a variable of a function, a builtin, or a global that the program assigns.
    pub(super) fn is_settled(&self, name: &str) -> bool {
        let name = self.mangled(name);
        match self.home(&name) {
            Home::Slot(_) | Home::Cell(..) => true,
            Home::Namespace(_) => false,
            Home::Global => self.scopes.globals.contains(&name) || builtin_number(&name).is_some(),
        }
    }

    /// Whether the variable is of a scope around this one. To CPython a comprehension and a class body are scopes like functions: it
    /// tells of a variable without a value in these words.
    fn is_free(&self, variable: &Variable) -> bool {
        variable.0 != self.frame.scope
    }

    /// Raises unless a variable's slot holds a value.
    fn checked(&mut self, slot: Slot, name: String) {
        let free = match self.scopes.place(self.frame.scope, &name) {
            Place::Variable(variable) => self.is_free(&variable),
            Place::Namespace | Place::Global => false,
        };
        self.frame.op(Op::Check { slot, name, free });
    }

    /// The builtin of this name, if no variable of the program can hide it.
    pub(super) fn builtin(&self, name: &str) -> Option<u32> {
        let hidden = self.scopes.place(self.frame.scope, name) != Place::Global
            || self.scopes.globals.contains(name)
            || self.scopes.dynamic;
        if hidden {
            return None;
        }
        builtin_number(name)
    }

    /// The slot of a plain local variable, which can be read in place: nothing assigns it within an expression.
    pub(super) fn local(&mut self, name: &str) -> Option<Slot> {
        let name = self.mangled(name);
        let Home::Slot(slot) = self.home(&name) else { return None };
        if self.scopes.walrus.contains(&name) {
            return None;
        }
        self.checked(slot, name);
        Some(slot)
    }

    /// The slot of a plain local variable that is about to be written.
    pub(super) fn local_target(&self, name: &str) -> Option<Slot> {
        match self.home(&self.mangled(name)) {
            Home::Slot(slot) => Some(slot),
            _ => None,
        }
    }

    pub(super) fn load(&mut self, dst: Slot, name: &str) {
        let name = self.mangled(name);
        match self.home(&name) {
            Home::Slot(slot) => {
                self.checked(slot, name);
                self.frame.copy(dst, slot);
            }
            Home::Cell(cell, free) => self.frame.rt(
                &rt::py_cell_get,
                [Arg::Slot(dst), Arg::Slot(cell), Arg::Text(name), Arg::Word(u32::from(free))],
            ),
            Home::Namespace(namespace) => {
                let (found, outside, after) = (self.frame.block(), self.frame.block(), self.frame.block());
                let mark = self.frame.mark();
                let (key, value) = (self.frame.temp(), self.frame.temp());
                self.frame.text(key, &name);
                let args = vec![Arg::Slot(value), Arg::Slot(namespace), Arg::Slot(key)];
                self.frame.test(&rt::py_namespace_get, args, found, outside);
                self.frame.start(found);
                self.frame.copy(dst, value);
                self.frame.jump(after);
                self.frame.start(outside);
                self.load_global(dst, &name);
                self.frame.start(after);
                self.frame.release(mark);
            }
            Home::Global => self.load_global(dst, &name),
        }
    }

    fn load_global(&mut self, dst: Slot, name: &str) {
        if !self.scopes.globals.contains(name) && !self.scopes.dynamic {
            if let Some(number) = builtin_number(name) {
                return self.frame.rt(&rt::py_builtin, [Arg::Slot(dst), Arg::Word(number)]);
            }
            match name {
                // What `exec` of a program in an empty namespace finds.
                "__name__" => return self.frame.text(dst, "builtins"),
                "__debug__" => return self.frame.op(Op::Bool(dst, true)),
                _ => {}
            }
        }
        let number = self.global(name);
        let hidden = builtin_number(name).filter(|_| !self.scopes.dynamic);
        let Some(builtin) = hidden else {
            return self.frame.rt(&rt::py_global_get, [Arg::Slot(dst), number]);
        };
        // A global hides the builtin of its name as long as it has a value.
        let (unset, after) = (self.frame.block(), self.frame.block());
        let args = vec![Arg::Slot(dst), number];
        self.frame.test(&rt::py_global_find, args, after, unset);
        self.frame.start(unset);
        self.frame.rt(&rt::py_builtin, [Arg::Slot(dst), Arg::Word(builtin)]);
        self.frame.start(after);
    }

    pub(super) fn store(&mut self, name: &str, src: Slot) {
        let name = self.mangled(name);
        match self.home(&name) {
            Home::Slot(slot) => self.frame.copy(slot, src),
            Home::Cell(cell, _) => self.frame.rt(&rt::py_cell_set, [Arg::Slot(cell), Arg::Slot(src)]),
            Home::Namespace(namespace) => {
                let mark = self.frame.mark();
                let key = self.frame.temp();
                self.frame.text(key, &name);
                self.frame
                    .rt(&rt::py_dict_set, [Arg::Slot(namespace), Arg::Slot(key), Arg::Slot(src)]);
                self.frame.release(mark);
            }
            Home::Global => {
                let number = self.global(&name);
                self.frame.rt(&rt::py_global_set, [number, Arg::Slot(src)]);
            }
        }
    }

    /// `del name`
    pub(super) fn delete(&mut self, name: &str) {
        let name = self.mangled(name);
        match self.home(&name) {
            Home::Slot(slot) => {
                self.checked(slot, name);
                self.frame.op(Op::Unbound(slot));
            }
            Home::Cell(cell, free) => self.frame.rt(
                &rt::py_cell_del,
                [Arg::Slot(cell), Arg::Text(name), Arg::Word(u32::from(free))],
            ),
            Home::Namespace(namespace) => {
                let mark = self.frame.mark();
                let key = self.frame.temp();
                self.frame.text(key, &name);
                self.frame.rt(&rt::py_delitem, [Arg::Slot(namespace), Arg::Slot(key)]);
                self.frame.release(mark);
            }
            Home::Global => {
                let number = self.global(&name);
                self.frame.rt(&rt::py_global_del, [number]);
            }
        }
    }

    /// A handler's variable at the handler's end: assigned first, so that it is there to be deleted.
    pub(super) fn unbind(&mut self, name: &str) {
        if let Some(slot) = self.local_target(name) {
            return self.frame.op(Op::Unbound(slot));
        }
        let mark = self.frame.mark();
        let none = self.frame.temp();
        self.frame.op(Op::None(none));
        self.store(name, none);
        self.delete(name);
        self.frame.release(mark);
    }

    /// Gives a variable of the function a slot, as a cell if another function captures it.
    pub(super) fn declare(&mut self, variable: Variable) -> Slot {
        let slot = self.frame.temp();
        self.adopt(variable, slot);
        slot
    }

    /// The variable is in this slot, which the caller has filled or which holds nothing.
    pub(super) fn adopt(&mut self, variable: Variable, slot: Slot) {
        if self.scopes.is_cell(&variable) {
            self.frame.rt(&rt::py_cell_new, [Arg::Slot(slot)]);
        }
        self.frame.variables.insert(variable, slot);
    }

    /// Slots for what the host itself binds beside its parameters.
    pub(super) fn prepare(&mut self) {
        let host = self.frame.host;
        let names: Vec<String> = self.scopes.scopes[host]
            .names
            .iter()
            .filter(|(_, symbol)| symbol.bound && !symbol.parameter)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names.into_iter().filter(|_| host != MODULE) {
            if self.scopes.place(host, &name) == Place::Variable((host, name.clone())) {
                self.declare((host, name));
            }
        }
    }
}

pub(super) fn builtin_number(name: &str) -> Option<u32> {
    Builtin::named(name)
        .filter(|builtin| builtin.nameable())
        .map(|builtin| builtin as u32)
        .filter(|number| (*number as usize) < BUILTINS.len())
}
