//! Function objects: `def`, `lambda`, and the frame of every function.

use ruff_python_ast::{self as ast, Expr, Parameters};

use super::Lowerer;
use super::build::Frame;
use crate::python::mir::{End, Function, Op, Params, Slot};
use crate::python::scope::{ScopeId, Variable};

impl Lowerer<'_> {
    pub(super) fn definition(&mut self, def: &ast::StmtFunctionDef) {
        let mark = self.frame.mark();
        let decorators = self.consecutive(def.decorator_list.iter().map(|decorator| &decorator.expression));
        let function = self.frame.temp();
        let (params, defaults) = self.parameters(Some(&def.parameters), self.scopes.of(def));
        self.function(function, self.scopes.of(def), def.name.as_str(), params, &defaults, |this| {
            this.body(&def.body);
            this.none(0);
            this.frame.end(End::Return);
        });
        self.decorate(function, decorators, def.decorator_list.len());
        self.store(def.name.as_str(), function);
        self.frame.release(mark);
    }

    /// Calls decorators, the last first, each with what came of the one before.
    pub(super) fn decorate(&mut self, object: Slot, decorators: Slot, n: usize) {
        for decorator in (decorators..).take(n).collect::<Vec<_>>().into_iter().rev() {
            let mark = self.frame.mark();
            let argument = self.frame.temp();
            self.frame.copy(argument, object);
            self.call_slots(object, decorator, argument, 1);
            self.frame.release(mark);
        }
    }

    pub(super) fn lambda(&mut self, dst: Slot, lambda: &ast::ExprLambda) {
        let scope = self.scopes.of(lambda);
        let (params, defaults) = self.parameters(lambda.parameters.as_deref(), scope);
        self.function(dst, scope, "<lambda>", params, &defaults, |this| {
            this.into(0, &lambda.body);
            this.frame.end(End::Return);
        });
    }

    fn parameters<'p>(&self, parameters: Option<&'p Parameters>, scope: ScopeId) -> (Params, Vec<&'p Expr>) {
        let Some(parameters) = parameters else {
            return (Params::default(), Vec::new());
        };
        let named = |name: &ast::Identifier| self.scopes.mangled(scope, name.as_str());
        let positional = || parameters.posonlyargs.iter().chain(&parameters.args);
        let defaults: Vec<&Expr> = positional().filter_map(|parameter| parameter.default()).collect();
        let params = Params {
            positional: positional().map(|parameter| named(parameter.name())).collect(),
            positional_only: parameters.posonlyargs.len() as u32,
            defaults: defaults.len() as u32,
            keyword_only: parameters
                .kwonlyargs
                .iter()
                .map(|parameter| (named(parameter.name()), parameter.default.is_some()))
                .collect(),
            vararg: parameters.vararg.as_ref().map(|parameter| named(parameter.name())),
            kwarg: parameters.kwarg.as_ref().map(|parameter| named(parameter.name())),
        };
        let named = parameters.kwonlyargs.iter().filter_map(|parameter| parameter.default());
        (params, defaults.into_iter().chain(named).collect())
    }

    /// Makes a function object of the scope's function; `body` writes it.
    pub(super) fn function(
        &mut self,
        dst: Slot,
        scope: ScopeId,
        name: &str,
        params: Params,
        defaults: &[&Expr],
        body: impl FnOnce(&mut Self),
    ) {
        let mark = self.frame.mark();
        let captures: Vec<Variable> = self.scopes.scopes[scope].captures.iter().cloned().collect();
        let from = self.frame.temps(defaults.len() + captures.len());
        for (slot, default) in (from..).zip(defaults) {
            self.into(slot, default);
        }
        for (slot, variable) in (from + defaults.len() as u32..).zip(&captures) {
            // Every capture of an inner function is a variable or a capture of this one.
            if let Some(cell) = self.frame.variables.get(variable).copied() {
                self.frame.copy(slot, cell);
            }
        }
        let number = self.functions.len() as u32;
        self.functions.push(None);
        let function = self.write_function(scope, name, params, captures, body);
        if let Some(place) = self.functions.get_mut(number as usize) {
            *place = Some(function);
        }
        self.frame.op(Op::Function {
            dst,
            function: number,
            from,
        });
        self.frame.release(mark);
    }

    fn write_function(
        &mut self,
        scope: ScopeId,
        name: &str,
        params: Params,
        captures: Vec<Variable>,
        body: impl FnOnce(&mut Self),
    ) -> Function {
        let qualname = self.qualified(name);
        let names: Vec<String> = params
            .positional
            .iter()
            .chain(params.keyword_only.iter().map(|(name, _)| name))
            .chain(&params.vararg)
            .chain(&params.kwarg)
            .cloned()
            .collect();
        let filled = 1 + names.len() + captures.len();
        let mut frame = Frame::new(scope, qualname.clone(), filled as Slot);
        frame.first = params.positional.first().or(params.vararg.as_ref()).cloned();
        let generator = self.scopes.scopes[scope].yields || name == "<genexpr>";
        let outer = std::mem::replace(&mut self.frame, frame);
        let cells = captures.len() as u32;
        for (slot, variable) in (1 + names.len() as u32..).zip(captures) {
            self.frame.variables.insert(variable, slot);
        }
        for (slot, name) in (1..).zip(names) {
            self.adopt((scope, name), slot);
        }
        self.prepare();
        body(self);
        let (slots, blocks, constants) = std::mem::replace(&mut self.frame, outer).done();
        Function {
            name: name.to_owned(),
            qualname,
            params,
            captures: cells,
            generator,
            slots,
            blocks,
            constants,
        }
    }

    /// `__qualname__` of what is defined here.
    pub(super) fn qualified(&self, name: &str) -> String {
        if let Some(class) = self.classes.last().filter(|class| class.scope == self.frame.scope) {
            return format!("{}.{name}", class.qualname);
        }
        match self.frame.qualname.as_str() {
            "" => name.to_owned(),
            outer => format!("{outer}.<locals>.{name}"),
        }
    }
}
