//! What a program's names stand for as far as that can be seen: modules, functions of `re`, classes.
//!
//! Goes by names alone, whatever their scope: a name that is bound to different things stands for nothing.

use std::collections::{HashMap, HashSet};

use flow_rt::python::names::Module;
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprContext, Identifier, ModModule, Stmt};

/// Functions of `re` that take a pattern first.
pub(super) const REGEX: [&str; 9] = [
    "compile",
    "findall",
    "finditer",
    "fullmatch",
    "match",
    "search",
    "split",
    "sub",
    "subn",
];

#[derive(Debug, Default)]
pub(super) struct Bindings<'a> {
    /// Names that an import binds to a module, everywhere the same one; none where something else binds them too.
    pub(super) modules: HashMap<&'a str, Option<Module>>,
    /// Names that an import binds to members of modules; none where something else binds them too.
    pub(super) members: HashMap<&'a str, Option<(Module, &'a str)>>,
    /// Names that an import binds to functions of `re`.
    pub(super) regex: HashSet<&'a str>,
    /// Names of the program's classes.
    pub(super) classes: HashSet<&'a str>,
}

impl<'a> Bindings<'a> {
    pub(super) fn of(module: &'a ModModule) -> Self {
        let mut bindings = Self::default();
        bindings.visit_body(&module.body);
        bindings
    }

    fn bound(&mut self, name: &'a str) {
        self.modules.insert(name, None);
        self.members.insert(name, None);
    }

    fn imported(&mut self, name: &'a str, module: Option<Module>) {
        let known = self.modules.entry(name).or_insert(module);
        if *known != module {
            *known = None;
        }
    }
}

impl<'a> Visitor<'a> for Bindings<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.as_str();
                    match &alias.asname {
                        Some(name) => self.imported(name.as_str(), Module::named(path)),
                        None => {
                            let first = path.split('.').next().unwrap_or(path);
                            self.imported(first, Module::named(first));
                        }
                    }
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    let module = import.module.as_ref().map_or("", Identifier::as_str);
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    self.imported(name.as_str(), Module::named(&format!("{module}.{}", alias.name)));
                    let member = Module::named(module).map(|module| (module, alias.name.as_str()));
                    let known = self.members.entry(name.as_str()).or_insert(member);
                    if *known != member {
                        *known = None;
                    }
                    if module == "re" && REGEX.contains(&alias.name.as_str()) {
                        self.regex.insert(name.as_str());
                    }
                }
            }
            Stmt::ClassDef(class) => {
                self.classes.insert(class.name.as_str());
                self.bound(class.name.as_str());
            }
            Stmt::FunctionDef(def) => {
                self.bound(def.name.as_str());
                for parameter in def.parameters.iter() {
                    self.bound(parameter.name().as_str());
                }
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Name(name) if name.ctx != ExprContext::Load => self.bound(name.id.as_str()),
            Expr::Lambda(lambda) => {
                for parameter in lambda.parameters.iter().flat_map(|parameters| parameters.iter()) {
                    self.bound(parameter.name().as_str());
                }
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}
