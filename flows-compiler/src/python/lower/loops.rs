//! `for` and `while`.

use ruff_python_ast::{Expr, StmtFor, StmtWhile};

use super::Lowerer;
use super::comprehensions::Source;
use super::conditions::constant;
use super::exits::Context;
use crate::python::mir::{Arg, BlockId, End};
use crate::python::rt;

impl Lowerer<'_> {
    pub(super) fn for_loop(&mut self, stmt: &StmtFor) {
        let mark = self.frame.mark();
        let source = self.source(&stmt.iter);
        let (again, body, done, leave) = (self.frame.block(), self.frame.block(), self.frame.block(), self.frame.block());
        self.frame.loops += 1;
        self.frame.start(again);
        self.advance(source, &stmt.target, body, done);
        self.frame.contexts.push(Context::Loop { leave, again });
        self.body(&stmt.body);
        self.frame.contexts.pop();
        self.frame.jump(again);
        self.frame.loops -= 1;
        self.frame.start(done);
        self.body(&stmt.orelse);
        self.frame.start(leave);
        self.frame.release(mark);
    }

    pub(super) fn while_loop(&mut self, stmt: &StmtWhile) {
        let (again, body, done, leave) = (self.frame.block(), self.frame.block(), self.frame.block(), self.frame.block());
        self.frame.loops += 1;
        self.frame.start(again);
        match constant(&stmt.test) {
            Some(true) => self.frame.jump(body),
            _ => self.condition(&stmt.test, body, done),
        }
        self.frame.start(body);
        self.frame.contexts.push(Context::Loop { leave, again });
        self.body(&stmt.body);
        self.frame.contexts.pop();
        self.frame.jump(again);
        self.frame.loops -= 1;
        self.frame.start(done);
        self.body(&stmt.orelse);
        self.frame.start(leave);
    }

    /// What a loop over this expression takes its items from; its slots are new.
    pub(super) fn source(&mut self, iterable: &Expr) -> Source {
        if let Expr::Call(call) = iterable
            && let Expr::Name(name) = &*call.func
            && name.id.as_str() == "range"
            && self.builtin("range").is_some()
            && (1..=3).contains(&call.arguments.args.len())
            && call.arguments.keywords.is_empty()
            && !call.arguments.args.iter().any(Expr::is_starred_expr)
        {
            let counter = self.frame.temps(4);
            let mark = self.frame.mark();
            let args = self.consecutive(call.arguments.args.iter());
            let n = call.arguments.args.len() as u32;
            self.frame
                .rt(&rt::py_range, [Arg::Slot(counter), Arg::Slot(args), Arg::Word(n)]);
            self.frame.release(mark);
            return Source::Counter(counter);
        }
        let iterator = self.frame.temp();
        let mark = self.frame.mark();
        let iterable = self.walked(iterable);
        self.frame.rt(&rt::py_iter, [Arg::Slot(iterator), Arg::Slot(iterable)]);
        self.frame.release(mark);
        Source::Iterator(iterator)
    }

    /// Assigns the next item to the target and goes on in `body`, or goes to `done`.
    pub(super) fn advance(&mut self, source: Source, target: &Expr, body: BlockId, done: BlockId) {
        let direct = match target {
            Expr::Name(name) => self.local_target(name.id.as_str()),
            _ => None,
        };
        let mark = self.frame.mark();
        let dst = direct.unwrap_or_else(|| self.frame.temp());
        match source {
            Source::Iterator(iter) => self.frame.end(End::Next { dst, iter, body, done }),
            Source::Counter(counter) => {
                let past = self.frame.block();
                self.frame.end(End::Range {
                    dst,
                    counter,
                    body,
                    done: past,
                });
                self.frame.start(past);
                let args = vec![Arg::Slot(dst), Arg::Slot(counter)];
                self.frame.test(&rt::py_range_more, args, body, done);
            }
        }
        self.frame.start(body);
        if direct.is_none() {
            self.assign(target, dst);
        }
        self.frame.release(mark);
    }
}
