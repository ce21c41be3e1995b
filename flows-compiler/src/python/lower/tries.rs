//! `try`, `except`, `else`, `finally` and `with`.

use ruff_python_ast::{self as ast, ExceptHandler, Stmt, WithItem};

use super::Lowerer;
use super::exits::{Context, Finally};
use crate::python::mir::{Arg, BlockId, End, Op, Slot};
use crate::python::rt;

/// How a `finally` was reached, in its completion slot; from [`FIRST_EXIT`] on, by a jump.
const NORMAL: i64 = 0;
const RAISED: i64 = 1;
const FIRST_EXIT: i64 = 2;

impl Lowerer<'_> {
    pub(super) fn try_statement(&mut self, stmt: &ast::StmtTry) {
        if stmt.finalbody.is_empty() {
            return self.guarded(stmt);
        }
        let mark = self.frame.mark();
        let (entry, raised, after, rethrow) = (self.frame.block(), self.frame.block(), self.frame.block(), self.frame.block());
        let (completion, value, exception) = (self.frame.temp(), self.frame.temp(), self.frame.temp());
        self.frame.contexts.push(Context::Finally(Finally {
            entry,
            completion,
            value,
            exits: Vec::new(),
            first: FIRST_EXIT,
        }));
        let outer = self.frame.unwind.replace(raised);
        self.frame.cut();
        self.guarded(stmt);
        self.frame.unwind = outer;
        let Some(Context::Finally(finally)) = self.frame.contexts.pop() else {
            return;
        };
        self.frame.cut();
        self.frame.op(Op::Int(completion, NORMAL));
        self.frame.jump(entry);
        self.frame.catch(raised, exception);
        self.frame.op(Op::Int(completion, RAISED));
        self.frame.jump(entry);

        self.frame.start(entry);
        self.body(&stmt.finalbody);
        let mut targets = vec![after, rethrow];
        targets.extend(finally.exits.iter().map(|(_, block)| *block));
        self.frame.end(End::Switch {
            slot: completion,
            targets,
        });
        self.frame.start(rethrow);
        self.frame.reraise(exception);
        self.go_on(&finally);
        self.frame.start(after);
        self.frame.release(mark);
    }

    /// The part without `finally`.
    fn guarded(&mut self, stmt: &ast::StmtTry) {
        if stmt.handlers.is_empty() {
            self.body(&stmt.body);
            return self.body(&stmt.orelse);
        }
        let mark = self.frame.mark();
        let (raised, after) = (self.frame.block(), self.frame.block());
        let exception = self.frame.temp();
        let outer = self.frame.unwind.replace(raised);
        self.frame.cut();
        self.body(&stmt.body);
        self.frame.unwind = outer;
        self.frame.cut();
        self.body(&stmt.orelse);
        self.frame.jump(after);

        self.frame.catch(raised, exception);
        for handler in &stmt.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            let next = self.frame.block();
            if let Some(ty) = &handler.type_ {
                let matches = self.frame.block();
                let inner = self.frame.mark();
                let class = self.slot(ty);
                let args = vec![Arg::Slot(exception), Arg::Slot(class)];
                self.frame.test(&rt::py_exception_matches, args, matches, next);
                self.frame.release(inner);
                self.frame.start(matches);
            }
            self.handler(handler, exception, after);
            self.frame.start(next);
            if handler.type_.is_none() {
                // Nothing comes past a handler of everything.
                break;
            }
        }
        if self.frame.is_reached() {
            self.frame.reraise(exception);
        }
        self.frame.start(after);
        self.frame.release(mark);
    }

    fn handler(&mut self, handler: &ast::ExceptHandlerExceptHandler, exception: Slot, after: BlockId) {
        self.frame.handled.push(exception);
        match &handler.name {
            None => self.body(&handler.body),
            Some(name) => {
                let name = name.as_str().to_owned();
                self.store(&name, exception);
                // However the handler is left, its variable goes.
                let (raised, again) = (self.frame.block(), self.frame.temp());
                let outer = self.frame.unwind.replace(raised);
                self.frame.contexts.push(Context::Name(name.clone()));
                self.frame.cut();
                self.body(&handler.body);
                self.frame.contexts.pop();
                self.frame.unwind = outer;
                self.frame.cut();
                self.unbind(&name);
                self.frame.jump(after);
                self.frame.catch(raised, again);
                self.unbind(&name);
                self.frame.reraise(again);
            }
        }
        self.frame.jump(after);
        self.frame.handled.pop();
    }

    pub(super) fn with(&mut self, items: &[WithItem], body: &[Stmt]) {
        let Some((item, rest)) = items.split_first() else {
            return self.body(body);
        };
        let mark = self.frame.mark();
        let manager = self.slot(&item.context_expr);
        let (leave, entered) = (self.frame.temp(), self.frame.temp());
        self.frame.rt(&rt::py_context, [Arg::Slot(leave), Arg::Slot(manager)]);
        let none = self.frame.temps(3);
        self.frame.rt(
            &rt::py_call_method,
            [
                Arg::Slot(entered),
                Arg::Slot(manager),
                Arg::Text("__enter__".to_owned()),
                Arg::Slot(none),
                Arg::Word(0),
                Arg::Absent,
            ],
        );
        let (entry, raised, after) = (self.frame.block(), self.frame.block(), self.frame.block());
        let (completion, value, exception) = (self.frame.temp(), self.frame.temp(), self.frame.temp());
        self.frame.contexts.push(Context::Finally(Finally {
            entry,
            completion,
            value,
            exits: Vec::new(),
            first: FIRST_EXIT - 1,
        }));
        let outer = self.frame.unwind.replace(raised);
        self.frame.cut();
        if let Some(target) = &item.optional_vars {
            self.assign(target, entered);
        }
        self.with(rest, body);
        self.frame.unwind = outer;
        let Some(Context::Finally(finally)) = self.frame.contexts.pop() else {
            return;
        };
        self.frame.cut();
        self.frame.op(Op::Int(completion, NORMAL));
        self.frame.jump(entry);

        // An exception: `__exit__(type, exception, None)`, and what it answers decides.
        let (again, result) = (self.frame.block(), self.frame.temp());
        self.frame.catch(raised, exception);
        let args = self.frame.temps(3);
        self.frame.copy(args + 1, exception);
        let of = self.frame.temp();
        self.frame.copy(of, exception);
        self.call_builtin(args, "type", of, 1);
        self.none(args + 2);
        self.call_slots(result, leave, args, 3);
        self.frame.truth(result, after, again);
        self.frame.start(again);
        self.frame.reraise(exception);

        // No exception: `__exit__(None, None, None)`.
        self.frame.start(entry);
        for slot in none..none + 3 {
            self.none(slot);
        }
        self.call_slots(result, leave, none, 3);
        let mut targets = vec![after];
        targets.extend(finally.exits.iter().map(|(_, block)| *block));
        self.frame.end(End::Switch {
            slot: completion,
            targets,
        });
        self.go_on(&finally);
        self.frame.start(after);
        self.frame.release(mark);
    }
}
