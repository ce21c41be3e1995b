//! The walk over the tree that finds scopes and what they bind and use.

use std::collections::{HashMap, HashSet};

use indexmap::{IndexMap, IndexSet};
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Alias, Comprehension, ExceptHandler, Expr, ExprContext, Identifier, ModModule, Parameters, Pattern, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::{Kind, MODULE, Scope, ScopeId, Scopes, Symbol, address, eager, mangle};
use crate::python::problem::Finding;

/// `bound` has the names that any part of the program binds, once they are known. Until then no generator expression runs within its
/// host; the last of the answer says whether one could.
pub(super) fn collect(module: &ModModule, bound: Option<&HashSet<String>>) -> (Scopes, Vec<Finding>, bool) {
    let mut collector = Collector {
        bound,
        eager: false,
        scopes: Scopes {
            scopes: Vec::new(),
            by_node: HashMap::new(),
            globals: HashSet::new(),
            walrus: HashSet::new(),
            dynamic: false,
        },
        here: MODULE,
        findings: Vec::new(),
    };
    collector.enter(Kind::Module, 0, None);
    collector.visit_body(&module.body);
    (collector.scopes, collector.findings, collector.eager)
}

struct Collector<'b> {
    bound: Option<&'b HashSet<String>>,
    eager: bool,
    scopes: Scopes,
    here: ScopeId,
    findings: Vec<Finding>,
}

impl Collector<'_> {
    /// Opens a scope for the node at this address; gives the one to go back to.
    fn enter(&mut self, kind: Kind, node: usize, class: Option<String>) -> ScopeId {
        let id = self.scopes.scopes.len();
        let parent = self.here;
        let outer = self.scopes.scopes.get(parent);
        let host = match kind {
            Kind::Comprehension | Kind::Class => outer.map_or(id, |outer| outer.host),
            _ => id,
        };
        let class = class.or_else(|| outer.and_then(|outer| outer.class.clone()));
        self.scopes.scopes.push(Scope {
            kind,
            parent,
            host,
            names: IndexMap::new(),
            captures: IndexSet::new(),
            yields: false,
            class,
        });
        self.scopes.by_node.insert(node, id);
        self.here = id;
        parent
    }

    fn symbol(&mut self, scope: ScopeId, name: &str) -> &mut Symbol {
        let scope = &mut self.scopes.scopes[scope];
        let name = mangle(scope.class.as_deref(), name);
        scope.names.entry(name).or_default()
    }

    fn bind(&mut self, name: &str) {
        self.symbol(self.here, name).bound = true;
    }

    fn bind_identifier(&mut self, name: &Identifier) {
        self.bind(name.id.as_str());
    }

    fn read(&mut self, name: &str, range: TextRange) {
        self.symbol(self.here, name).used.get_or_insert(range);
    }

    /// `:=` binds in the function around a comprehension.
    fn bind_walrus(&mut self, name: &str, range: TextRange) {
        let mut scope = self.here;
        while matches!(self.scopes.scopes[scope].kind, Kind::Comprehension | Kind::Generator) {
            scope = self.scopes.scopes[scope].parent;
        }
        if scope != self.here && self.scopes.scopes[scope].kind == Kind::Class {
            let message = "assignment expression within a comprehension cannot be used in a class body";
            self.findings.push(Finding::new(range, message));
        }
        self.symbol(scope, name).bound = true;
        let mangled = mangle(self.scopes.scopes[scope].class.as_deref(), name);
        self.scopes.walrus.insert(mangled);
        if scope != self.here {
            // The comprehension sees the function's variable.
            self.read(name, range);
        }
    }

    fn declare(&mut self, name: &Identifier, global: bool) {
        let kind = if global { "global" } else { "nonlocal" };
        let at_module = self.here == MODULE;
        let symbol = self.symbol(self.here, name.id.as_str());
        let message = if symbol.parameter {
            format!("name '{}' is parameter and {kind}", name.id)
        } else if at_module && !global {
            "nonlocal declaration not allowed at module level".to_owned()
        } else if symbol.global && !global || symbol.nonlocal.is_some() && global {
            format!("name '{}' is nonlocal and global", name.id)
        } else if symbol.bound {
            format!("name '{}' is assigned to before {kind} declaration", name.id)
        } else if symbol.used.is_some() {
            format!("name '{}' is used prior to {kind} declaration", name.id)
        } else {
            match global {
                true => symbol.global = true,
                false => symbol.nonlocal = Some(name.range),
            }
            return;
        };
        self.findings.push(Finding::new(name.range, message));
    }

    fn function(&mut self, kind: Kind, node: usize, parameters: Option<&Parameters>, body: impl FnOnce(&mut Self)) {
        for parameter in parameters.iter().flat_map(|p| p.iter_non_variadic_params()) {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
        let outer = self.enter(kind, node, None);
        for parameter in parameters.iter().flat_map(|parameters| parameters.iter()) {
            let symbol = self.symbol(self.here, parameter.name().as_str());
            symbol.bound = true;
            symbol.parameter = true;
        }
        body(self);
        self.here = outer;
    }

    fn comprehension(&mut self, kind: Kind, node: usize, elements: [Option<&Expr>; 2], generators: &[Comprehension]) {
        let Some(first) = generators.first() else { return };
        self.visit_expr(&first.iter);
        let outer = self.enter(kind, node, None);
        for (at, generator) in generators.iter().enumerate() {
            if at > 0 {
                self.visit_expr(&generator.iter);
            }
            self.visit_expr(&generator.target);
            for condition in &generator.ifs {
                self.visit_expr(condition);
            }
        }
        for element in elements.into_iter().flatten() {
            self.visit_expr(element);
        }
        self.here = outer;
    }

    fn imported(&mut self, alias: &Alias) {
        let name = match &alias.asname {
            Some(name) => name.id.as_str(),
            None => alias.name.id.as_str().split('.').next().unwrap_or_default(),
        };
        self.bind(name);
    }
}

impl<'a> Visitor<'a> for Collector<'_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.bind_identifier(&def.name);
                self.function(Kind::Function, address(def), Some(&def.parameters), |this| {
                    this.visit_body(&def.body)
                });
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.bind_identifier(&class.name);
                let outer = self.enter(Kind::Class, address(class), Some(class.name.id.as_str().to_owned()));
                self.bind("__class__");
                self.visit_body(&class.body);
                self.here = outer;
            }
            Stmt::Global(global) => global.names.iter().for_each(|name| self.declare(name, true)),
            Stmt::Nonlocal(nonlocal) => nonlocal.names.iter().for_each(|name| self.declare(name, false)),
            Stmt::Import(import) => import.names.iter().for_each(|alias| self.imported(alias)),
            Stmt::ImportFrom(import) => {
                if import.module.as_deref() != Some("__future__") {
                    import.names.iter().for_each(|alias| self.imported(alias));
                }
            }
            Stmt::AugAssign(assign) => {
                self.visit_expr(&assign.value);
                self.visit_expr(&assign.target);
                if let Expr::Name(name) = &*assign.target {
                    self.read(name.id.as_str(), name.range);
                }
            }
            // Annotations are not evaluated.
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                }
                self.visit_expr(&assign.target);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load | ExprContext::Invalid => {
                    self.read(name.id.as_str(), name.range);
                    // `super()` reads the class that it stands in.
                    if name.id.as_str() == "super" && self.scopes.scopes[self.here].class.is_some() {
                        self.symbol(self.here, "__class__");
                    }
                }
                ExprContext::Store | ExprContext::Del => self.bind(name.id.as_str()),
            },
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                if let Expr::Name(name) = &*named.target {
                    self.bind_walrus(name.id.as_str(), named.range());
                }
            }
            Expr::Lambda(lambda) => {
                let parameters = lambda.parameters.as_deref();
                self.function(Kind::Lambda, address(lambda), parameters, |this| {
                    this.visit_expr(&lambda.body)
                });
            }
            Expr::ListComp(comp) => {
                self.comprehension(Kind::Comprehension, address(comp), [Some(&comp.elt), None], &comp.generators);
            }
            Expr::SetComp(comp) => {
                self.comprehension(Kind::Comprehension, address(comp), [Some(&comp.elt), None], &comp.generators);
            }
            Expr::DictComp(comp) => {
                let elements = [comp.key.as_deref(), Some(&comp.value)];
                self.comprehension(Kind::Comprehension, address(comp), elements, &comp.generators);
            }
            Expr::Generator(comp) => {
                self.comprehension(Kind::Generator, address(comp), [Some(&comp.elt), None], &comp.generators);
            }
            Expr::Call(call) if eager::candidate(call).is_some() => {
                self.eager = true;
                self.visit_expr(&call.func);
                let hidden = |name: &str| self.bound.is_none_or(|bound| bound.contains(name));
                match eager::candidate(call) {
                    Some((name, comp)) if !name.is_some_and(hidden) && self.bound.is_some() => {
                        self.comprehension(Kind::Comprehension, address(comp), [Some(&comp.elt), None], &comp.generators);
                    }
                    _ => self.visit_arguments(&call.arguments),
                }
            }
            Expr::Yield(_) | Expr::YieldFrom(_) => {
                let host = self.scopes.scopes[self.here].host;
                self.scopes.scopes[host].yields = true;
                visitor::walk_expr(self, expr);
            }
            _ => visitor::walk_expr(self, expr),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(handler) = handler;
        if let Some(ty) = &handler.type_ {
            self.visit_expr(ty);
        }
        handler.name.iter().for_each(|name| self.bind_identifier(name));
        self.visit_body(&handler.body);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let name = match pattern {
            Pattern::MatchAs(pattern) => &pattern.name,
            Pattern::MatchStar(pattern) => &pattern.name,
            Pattern::MatchMapping(pattern) => &pattern.rest,
            _ => &None,
        };
        name.iter().for_each(|name| self.bind_identifier(name));
        visitor::walk_pattern(self, pattern);
    }
}
