//! Comprehensions, which run where they stand, and generator expressions, which are functions of their outermost iterable.

use ruff_python_ast::{self as ast, Comprehension, Expr};

use super::Lowerer;
use super::conditions::constant;
use crate::python::mir::{Arg, BinaryOp, BlockId, End, Op, Operand, Params, Slot};
use crate::python::rt;
use crate::python::scope::{Place, ScopeId};

/// What is done with each element.
#[derive(Clone, Copy)]
enum Element<'a> {
    Append(Slot, &'a Expr),
    Add(Slot, &'a Expr),
    Set(Slot, &'a Expr, &'a Expr),
    Yield(&'a Expr),
    /// Adds it to what is in the slot.
    Sum(Slot, &'a Expr),
    /// Leaves all loops when the element is as true as asked.
    Decide(&'a Expr, bool, BlockId),
}

impl Lowerer<'_> {
    pub(super) fn comprehension(&mut self, dst: Slot, expr: &Expr) {
        let whole = self.frame.temp();
        let (make, scope, generators, element) = match expr {
            Expr::ListComp(comp) => (
                &rt::py_list,
                self.scopes.of(comp),
                &comp.generators,
                Element::Append(whole, &comp.elt),
            ),
            Expr::SetComp(comp) => (
                &rt::py_set,
                self.scopes.of(comp),
                &comp.generators,
                Element::Add(whole, &comp.elt),
            ),
            Expr::DictComp(comp) => {
                let Some(key) = &comp.key else {
                    return self.refuse(comp.range, "a dict comprehension needs a key");
                };
                let element = Element::Set(whole, key, &comp.value);
                (&rt::py_dict, self.scopes.of(comp), &comp.generators, element)
            }
            _ => return,
        };
        // The outermost iterable is evaluated before the result is there, and outside.
        let first = self.first_iterable(generators);
        self.frame.rt(make, [Arg::Slot(whole), Arg::Slot(whole), Arg::Word(0)]);
        self.within(scope, |this| this.loops(generators, first, element));
        self.frame.copy(dst, whole);
    }

    /// A list of what the generator would give.
    pub(super) fn generator_list(&mut self, dst: Slot, generator: &ast::ExprGenerator) {
        let whole = self.frame.temp();
        let first = self.first_iterable(&generator.generators);
        self.frame
            .rt(&rt::py_list, [Arg::Slot(whole), Arg::Slot(whole), Arg::Word(0)]);
        let element = Element::Append(whole, &generator.elt);
        self.eagerly(generator, first, element);
        self.frame.copy(dst, whole);
    }

    /// `any` or `all` of what the generator would give; `decisive` is the truth that ends it.
    pub(super) fn any_all(&mut self, dst: Slot, generator: &ast::ExprGenerator, decisive: bool) {
        let (decided, after) = (self.frame.block(), self.frame.block());
        let first = self.first_iterable(&generator.generators);
        let element = Element::Decide(&generator.elt, decisive, decided);
        self.eagerly(generator, first, element);
        self.frame.op(Op::Bool(dst, !decisive));
        self.frame.jump(after);
        self.frame.start(decided);
        self.frame.op(Op::Bool(dst, decisive));
        self.frame.start(after);
    }

    /// The loops of a generator expression that is used up where it stands. A `StopIteration` out of it is an error, as out of any generator.
    fn eagerly(&mut self, generator: &ast::ExprGenerator, first: Source, element: Element<'_>) {
        let scope = self.scopes.of(generator);
        let raised = self.may_stop.then(|| self.frame.block());
        let outer = self.frame.unwind;
        if raised.is_some() {
            self.frame.unwind = raised;
            self.frame.cut();
        }
        self.within(scope, |this| this.loops(&generator.generators, first, element));
        if let Some(raised) = raised {
            let (exception, after) = (self.frame.temp(), self.frame.block());
            self.frame.unwind = outer;
            self.frame.jump(after);
            self.frame.catch(raised, exception);
            self.frame.rt(&rt::py_reraise_ended, [Arg::Slot(exception)]);
            self.frame.end(End::Raise);
            self.frame.start(after);
        }
    }

    /// `sum` of what the generator would give.
    pub(super) fn sum(&mut self, dst: Slot, generator: &ast::ExprGenerator) {
        let total = self.frame.temp();
        let first = self.first_iterable(&generator.generators);
        self.frame.op(Op::Int(total, 0));
        self.eagerly(generator, first, Element::Sum(total, &generator.elt));
        self.frame.copy(dst, total);
    }

    /// Lowers in the scope of a comprehension, whose variables are this function's for so long.
    fn within(&mut self, scope: ScopeId, body: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.frame.scope, scope);
        let names: Vec<String> = self.scopes.scopes[scope]
            .names
            .iter()
            .filter(|(_, symbol)| symbol.bound)
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            if let Place::Variable(variable) = self.scopes.place(scope, &name)
                && variable.0 == scope
            {
                let slot = self.frame.temp();
                // The slot may have been another's, or this one's in the round before.
                self.frame.op(Op::Unbound(slot));
                self.adopt(variable, slot);
            }
        }
        body(self);
        self.frame.scope = outer;
    }

    /// Evaluates the outermost iterable in the scope around; gives its iterator, or the slots of a counting loop.
    fn first_iterable(&mut self, generators: &[Comprehension]) -> Source {
        match generators.first() {
            Some(first) => self.source(&first.iter),
            None => Source::Iterator(0),
        }
    }

    fn loops(&mut self, generators: &[Comprehension], first: Source, element: Element<'_>) {
        let Some((generator, rest)) = generators.split_first() else {
            return;
        };
        self.comprehension_loop(generator, rest, first, element);
    }

    fn comprehension_loop(&mut self, generator: &Comprehension, rest: &[Comprehension], source: Source, element: Element<'_>) {
        let mark = self.frame.mark();
        let (again, body, done) = (self.frame.block(), self.frame.block(), self.frame.block());
        self.frame.loops += 1;
        self.frame.start(again);
        self.advance(source, &generator.target, body, done);
        for condition in &generator.ifs {
            if constant(condition) == Some(true) {
                continue;
            }
            let holds = self.frame.block();
            self.condition(condition, holds, again);
            self.frame.start(holds);
        }
        match rest.split_first() {
            Some((inner, rest)) => {
                let source = self.source(&inner.iter);
                self.comprehension_loop(inner, rest, source, element);
                self.frame.jump(again);
            }
            None => self.element(element, again),
        }
        self.frame.loops -= 1;
        self.frame.start(done);
        self.frame.release(mark);
    }

    fn element(&mut self, element: Element<'_>, again: BlockId) {
        let mark = self.frame.mark();
        match element {
            Element::Append(list, value) => {
                let value = self.slot(value);
                self.frame.rt(&rt::py_list_append, [Arg::Slot(list), Arg::Slot(value)]);
            }
            Element::Add(set, value) => {
                let value = self.slot(value);
                self.frame.rt(&rt::py_set_add, [Arg::Slot(set), Arg::Slot(value)]);
            }
            Element::Set(dict, key, value) => {
                let (key, value) = (self.slot(key), self.slot(value));
                self.frame
                    .rt(&rt::py_dict_set, [Arg::Slot(dict), Arg::Slot(key), Arg::Slot(value)]);
            }
            Element::Sum(total, value) => {
                let b = self.operand(value);
                self.frame.op(Op::Binary {
                    op: BinaryOp::Add,
                    inplace: false,
                    dst: total,
                    a: Operand::Slot(total),
                    b,
                });
            }
            Element::Yield(value) => {
                self.into(0, value);
                self.frame.end(End::Yield { resume: again });
            }
            Element::Decide(value, true, decided) => self.condition(value, decided, again),
            Element::Decide(value, false, decided) => self.condition(value, again, decided),
        }
        self.frame.jump(again);
        self.frame.release(mark);
    }

    /// A generator object: a function of the iterator over its outermost iterable, called at once.
    pub(super) fn generator(&mut self, dst: Slot, generator: &ast::ExprGenerator) {
        let scope = self.scopes.of(generator);
        let Some(first) = generator.generators.first() else { return };
        let argument = self.frame.temp();
        let iterable = self.walked(&first.iter);
        self.frame.rt(&rt::py_iter, [Arg::Slot(argument), Arg::Slot(iterable)]);
        let function = self.frame.temp();
        let params = Params {
            positional: vec![".0".to_owned()],
            positional_only: 1,
            ..Params::default()
        };
        self.function(function, scope, "<genexpr>", params, &[], |this| {
            let source = Source::Iterator(1);
            this.comprehension_loop(first, &generator.generators[1..], source, Element::Yield(&generator.elt));
            this.none(0);
            this.frame.end(End::Return);
        });
        self.call_slots(dst, function, argument, 1);
    }
}

/// What a loop takes its items from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Iterator(Slot),
    /// Three slots of a counting loop.
    Counter(Slot),
}
