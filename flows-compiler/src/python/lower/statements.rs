//! Statements, and the simple ones among them.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::Lowerer;
use super::exits::Exit;
use crate::python::mir::{Arg, End, Op, Params};
use crate::python::rt;
use crate::python::scope::MODULE;

impl Lowerer<'_> {
    pub(super) fn body(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.statement(stmt);
        }
    }

    fn statement(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Expr(stmt) => match &*stmt.value {
                // Docstrings and `...` do nothing.
                value if value.is_literal_expr() => {}
                value => self.discard(value),
            },
            Stmt::Assign(stmt) => self.assignment(&stmt.targets, &stmt.value),
            Stmt::AugAssign(stmt) => self.augmented(stmt),
            Stmt::AnnAssign(stmt) => {
                if let Some(value) = &stmt.value {
                    self.assignment(std::slice::from_ref(&stmt.target), value);
                }
            }
            Stmt::Return(stmt) => self.leave(stmt.value.as_deref()),
            Stmt::If(stmt) => self.branches(stmt),
            Stmt::For(stmt) => self.for_loop(stmt),
            Stmt::While(stmt) => self.while_loop(stmt),
            Stmt::Break(_) => self.exit(Exit::Break),
            Stmt::Continue(_) => self.exit(Exit::Continue),
            Stmt::Try(stmt) => self.try_statement(stmt),
            Stmt::With(stmt) => self.with(&stmt.items, &stmt.body),
            Stmt::Match(stmt) => self.match_statement(stmt),
            Stmt::Raise(stmt) => self.raise(stmt),
            Stmt::Assert(stmt) => self.assertion(stmt),
            Stmt::Delete(stmt) => stmt.targets.iter().for_each(|target| self.delete_target(target)),
            Stmt::FunctionDef(def) => self.definition(def),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Import(stmt) => stmt.names.iter().for_each(|alias| self.import(alias)),
            Stmt::ImportFrom(stmt) => self.import_from(stmt),
            Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::Pass(_) => {}
            Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) => {
                self.refuse(stmt.range(), "this statement is not supported");
            }
        }
    }

    fn leave(&mut self, value: Option<&Expr>) {
        match value {
            Some(value) => self.into(0, value),
            None => self.none(0),
        }
        self.exit(Exit::Return);
    }

    fn branches(&mut self, stmt: &ast::StmtIf) {
        let after = self.frame.block();
        let mut test = Some(&*stmt.test);
        let mut body: &[Stmt] = &stmt.body;
        let mut clauses = stmt.elif_else_clauses.iter();
        while let Some(condition) = test {
            let (then, otherwise) = (self.frame.block(), self.frame.block());
            self.condition(condition, then, otherwise);
            self.frame.start(then);
            self.body(body);
            self.frame.jump(after);
            self.frame.start(otherwise);
            (test, body) = match clauses.next() {
                Some(clause) => (clause.test.as_ref(), &*clause.body),
                None => (None, &[] as &[Stmt]),
            };
        }
        self.body(body);
        self.frame.start(after);
    }

    fn raise(&mut self, stmt: &ast::StmtRaise) {
        let mark = self.frame.mark();
        match (&stmt.exc, self.frame.handled.last().copied()) {
            (Some(exception), _) => {
                let exception = self.slot(exception);
                let cause = match &stmt.cause {
                    Some(cause) => Arg::Slot(self.slot(cause)),
                    None => Arg::Absent,
                };
                self.frame.rt(&rt::py_raise, [Arg::Slot(exception), cause]);
                self.frame.end(End::Raise);
            }
            (None, Some(exception)) => self.frame.reraise(exception),
            (None, None) => self.refuse(stmt.range(), "a bare 'raise' is supported only directly within 'except'"),
        }
        self.frame.release(mark);
    }

    fn assertion(&mut self, stmt: &ast::StmtAssert) {
        let (holds, fails) = (self.frame.block(), self.frame.block());
        self.condition(&stmt.test, holds, fails);
        self.frame.start(fails);
        let mark = self.frame.mark();
        let message = match &stmt.msg {
            Some(message) => Arg::Slot(self.slot(message)),
            None => Arg::Absent,
        };
        self.frame.rt(&rt::py_assert_failed, [message]);
        self.frame.end(End::Raise);
        self.frame.release(mark);
        self.frame.start(holds);
    }

    /// The legacy `function` node (language section 7.5): `x`, `input` and the input's keys are the names of the expression, there
    /// are no builtins, and an exception becomes `{"error": text}`.
    pub(super) fn expression_node(&mut self, expr: &Expr, entry: &str) {
        let params = Params {
            positional: vec!["_input".to_owned()],
            ..Default::default()
        };
        let mark = self.frame.mark();
        let function = self.frame.temp();
        self.function(function, MODULE, entry, params, &[], |this| {
            this.expression_body(expr);
        });
        self.store(entry, function);
        self.none(0);
        self.frame.end(End::Return);
        self.frame.release(mark);
    }

    fn expression_body(&mut self, expr: &Expr) {
        const INPUT: u32 = 1;
        let (namespace, pair, failed) = (self.frame.temp(), self.frame.temps(2), self.frame.block());
        let (is_dict, ready) = (self.frame.block(), self.frame.block());
        let pairs = self.frame.temps(4);
        for (slot, name) in [(pairs, "x"), (pairs + 2, "input")] {
            self.frame.text(slot, name);
            self.frame.copy(slot + 1, INPUT);
        }
        self.frame
            .rt(&rt::py_dict, [Arg::Slot(namespace), Arg::Slot(pairs), Arg::Word(2)]);
        self.frame.test(&rt::py_is_mapping, vec![Arg::Slot(INPUT)], is_dict, ready);
        self.frame.start(is_dict);
        self.frame.rt(&rt::py_dict_update, [Arg::Slot(namespace), Arg::Slot(INPUT)]);
        self.frame.unwind = Some(failed);
        self.frame.start(ready);
        self.frame.namespaces.insert(MODULE, namespace);
        self.into(0, expr);
        self.frame.end(End::Return);
        self.frame.unwind = None;

        let exception = self.frame.temp();
        self.frame.catch(failed, exception);
        self.frame.text(pair, "error");
        self.call_builtin(pair + 1, "str", exception, 1);
        self.frame.rt(&rt::py_dict, [Arg::Slot(0), Arg::Slot(pair), Arg::Word(1)]);
        self.frame.op(Op::Unbound(exception));
        self.frame.end(End::Return);
    }
}
