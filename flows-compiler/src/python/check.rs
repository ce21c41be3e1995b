//! What a program may not do, found before it is compiled.
//!
//! Owns the walk over the tree and the words of each refusal; the names are in [`super::allowed`]. What is a matter of Python's own
//! grammar is in [`super::syntax`].

use flow_rt::python::names::Module;
use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{self as ast, Expr, ExprContext, ModModule, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::allowed::{self, BASES, CLASS_NAMES, METHODS, MIXED};
use super::bindings::{Bindings, REGEX};
use super::problem::Finding;
use super::scope::Scopes;

/// Findings of a program that parses: errors, then warnings.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<Finding>,
    pub(super) warnings: Vec<Finding>,
}

pub(super) fn check<'a>(text: &'a str, module: &'a ModModule, scopes: &'a Scopes) -> Findings {
    let mut checker = Checker {
        text,
        scopes,
        bindings: Bindings::of(module),
        in_class: false,
        handlers: 0,
        findings: Findings::default(),
    };
    checker.visit_body(&module.body);
    checker.names();
    checker.findings
}

struct Checker<'a> {
    text: &'a str,
    scopes: &'a Scopes,
    bindings: Bindings<'a>,
    /// Directly within a class body.
    in_class: bool,
    /// `except` blocks of this function around this place.
    handlers: usize,
    findings: Findings,
}

impl<'a> Checker<'a> {
    fn refuse(&mut self, range: TextRange, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.errors.push(Finding::new(range, message).hint(hint));
    }

    /// Names that lead to builtins or to nothing.
    fn names(&mut self) {
        for (name, range) in self.scopes.global_reads() {
            if self.scopes.globals.contains(name) || matches!(name, "__name__" | "__debug__" | "__class__") {
                continue;
            }
            if let Some((_, hint)) = allowed::REFUSED.iter().find(|(refused, _)| *refused == name) {
                let finding = Finding::new(range, format!("'{name}' is not allowed")).hint(*hint);
                self.findings.errors.push(finding);
            } else if allowed::MISSING.contains(&name) {
                let finding = Finding::new(range, format!("'{name}' is not supported"))
                    .hint("use one of its base classes, such as OSError or Exception");
                self.findings.errors.push(finding);
            } else if !allowed::is_builtin(name) {
                let finding = Finding::new(range, format!("name '{name}' is not defined"))
                    .hint("reaching it raises NameError; assign it first, or add an input pin of this name");
                self.findings.warnings.push(finding);
            }
        }
    }

    fn import(&mut self, path: &str, range: TextRange) {
        if allowed::module(path).is_none() {
            let hint = format!("importable are {}", allowed::modules().join(", "));
            self.refuse(range, format!("Imports of '{path}' are not allowed"), hint);
        }
    }

    fn member(&mut self, module: Module, name: &str, range: TextRange) {
        let members = allowed::members(module);
        let is_module = Module::named(&format!("{}.{name}", module.name())).is_some();
        if !members.is_empty() && !members.contains(&name) && !is_module {
            let hint = format!("supported of {} are {}", module.name(), members.join(", "));
            self.refuse(range, format!("'{}.{name}' is not supported", module.name()), hint);
        }
    }

    /// A pattern that is written out, in a call of `re`, must be one that its matcher can do.
    fn pattern(&mut self, call: &ast::ExprCall) {
        let is_regex = match &*call.func {
            Expr::Name(name) => self.bindings.regex.contains(name.id.as_str()),
            Expr::Attribute(attribute) => {
                matches!(&*attribute.value, Expr::Name(name) if self.bindings.modules.get(name.id.as_str()) == Some(&Some(Module::Re)))
                    && REGEX.contains(&attribute.attr.as_str())
            }
            _ => false,
        };
        let pattern = call.arguments.find_argument_value("pattern", 0);
        if let (true, Some(Expr::StringLiteral(pattern))) = (is_regex, pattern)
            && let Some(problem) = flow_rt::python::stdlib::re::unsupported(pattern.value.to_str())
        {
            self.refuse(
                pattern.range(),
                format!("this pattern is not supported: {problem}"),
                "match more and look at what was found with ordinary code",
            );
        }
    }

    /// The member of a module that an expression names.
    fn member_named(&self, expr: &'a Expr) -> Option<(Module, &'a str)> {
        match expr {
            Expr::Name(name) => self.bindings.members.get(name.id.as_str()).copied().flatten(),
            Expr::Attribute(attribute) => match &*attribute.value {
                Expr::Name(value) => {
                    let module = self.bindings.modules.get(value.id.as_str()).copied().flatten()?;
                    Some((module, attribute.attr.as_str()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Calls of types that make no objects here.
    fn made(&mut self, call: &'a ast::ExprCall) {
        if let Some((Module::Enum, class @ ("Enum" | "IntEnum" | "StrEnum"))) = self.member_named(&call.func) {
            self.refuse(
                call.func.range(),
                format!("making an enumeration by {class}() is not supported"),
                "write a class statement",
            );
        }
        let Expr::Name(name) = &*call.func else { return };
        let name = name.id.as_str();
        if self.scopes.globals.contains(name) || self.bindings.modules.contains_key(name) {
            return;
        }
        if let Some((_, hint)) = allowed::NOT_MADE.iter().find(|(known, _)| *known == name) {
            self.refuse(call.func.range(), format!("{name}() is not supported"), *hint);
        }
        if name == "type" && call.arguments.args.len() > 1 {
            self.refuse(
                call.func.range(),
                "type() with three arguments is not supported",
                "use a class statement",
            );
        }
    }

    /// A class of a module as the base of another.
    fn base(&mut self, base: &'a Expr) {
        if let Some((module, name)) = self.member_named(base)
            && !allowed::is_base(module, name)
        {
            self.refuse(
                base.range(),
                format!("deriving a class from '{}.{name}' is not supported", module.name()),
                "keep the value in a field of the class",
            );
        }
    }

    fn attribute(&mut self, attribute: &ast::ExprAttribute) {
        let name = attribute.attr.as_str();
        if let Expr::Name(value) = &*attribute.value
            && let Some(Some(module)) = self.bindings.modules.get(value.id.as_str()).copied()
            && attribute.ctx == ExprContext::Load
        {
            self.member(module, name, attribute.attr.range());
        }
        if !is_dunder(name) {
            return;
        }
        let read = attribute.ctx == ExprContext::Load;
        let of_class = match &*attribute.value {
            Expr::Call(call) => matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "super"),
            Expr::Name(name) => self.bindings.classes.contains(name.id.as_str()),
            _ => false,
        };
        if read && of_class && METHODS.contains(&name) {
            return;
        }
        let hint = match name {
            _ if METHODS.contains(&name) => "use the operator or builtin that calls it",
            "__dict__" => "keep the fields in a dict",
            "__name__" | "__qualname__" | "__class__" => "ask isinstance(), or compare type(x) with a class",
            _ => "no part of an object's machinery can be read",
        };
        self.refuse(
            attribute.attr.range(),
            format!("Access to dunder attributes ('{name}') is not allowed"),
            hint,
        );
    }

    fn function(&mut self, def: &ast::StmtFunctionDef) {
        if def.is_async {
            self.refuse(
                self.keyword(def.range(), "async"),
                "async functions are not supported",
                "use def",
            );
        }
        if let Some(parameters) = &def.type_params {
            self.refuse(
                parameters.range(),
                "type parameters are not supported",
                "remove them; annotations are not evaluated",
            );
        }
        let name = def.name.as_str();
        if self.in_class && is_dunder(name) && !METHODS.contains(&name) {
            self.refuse(
                def.name.range(),
                format!("the special method '{name}' is not supported"),
                format!("supported are {}", METHODS.join(", ")),
            );
        }
    }

    fn class(&mut self, class: &'a ast::StmtClassDef) {
        if let Some(parameters) = &class.type_params {
            self.refuse(
                parameters.range(),
                "type parameters are not supported",
                "remove them; annotations are not evaluated",
            );
        }
        let Some(arguments) = &class.arguments else { return };
        for keyword in &arguments.keywords {
            let name = keyword.arg.as_ref().map_or("**", |name| name.as_str());
            self.refuse(
                keyword.range(),
                format!("the class argument '{name}' is not supported"),
                "remove it",
            );
        }
        // `class Color(str, Enum)`: the runtime mixes the values of an enumeration with a builtin type.
        let enumeration = arguments.args.iter().any(|base| match base {
            Expr::Name(name) => name.id.as_str() == "Enum",
            Expr::Attribute(attribute) => attribute.attr.as_str() == "Enum",
            _ => false,
        });
        for base in &arguments.args {
            if base.is_starred_expr() {
                self.refuse(base.range(), "bases with a star are not supported", "write the bases out");
            }
            self.base(base);
            if let Expr::Name(name) = base {
                let name = name.id.as_str();
                let builtin = flow_rt::python::names::Builtin::named(name).filter(|_| !self.scopes.globals.contains(name));
                let mixed = enumeration && MIXED.contains(&name);
                let refused = builtin.is_some_and(|builtin| builtin.nameable() && !builtin.is_exception());
                if refused && !mixed && !BASES.contains(&name) {
                    self.refuse(
                        base.range(),
                        format!("deriving a class from '{name}' is not supported"),
                        "keep the value in a field of the class",
                    );
                }
            }
        }
    }

    /// The first word of a range.
    fn keyword(&self, range: TextRange, word: &str) -> TextRange {
        let length = ruff_text_size::TextSize::try_from(word.len()).unwrap_or_default();
        let starts = self.text.get(range.to_std_range()).is_some_and(|text| text.starts_with(word));
        if starts { TextRange::at(range.start(), length) } else { range }
    }

    /// Half of a surrogate pair is no character that JSON or a client could hold.
    fn surrogates(&mut self, range: TextRange) {
        let Some(text) = self.text.get(range.to_std_range()) else {
            return;
        };
        if !text.contains("\\u") && !text.contains("\\U") {
            return;
        }
        let prefix: String = text.chars().take_while(char::is_ascii_alphabetic).collect();
        if prefix.contains(['r', 'R', 'b', 'B']) {
            return;
        }
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            rest = &rest[at + 1..];
            let digits = |skip: usize, n: usize| rest.get(skip..skip + n).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            let code = match rest.chars().next() {
                Some('u') => digits(1, 4),
                Some('U') => digits(1, 8),
                _ => None,
            };
            if code.is_some_and(|code| (0xd800..0xe000).contains(&code)) {
                return self.refuse(
                    range,
                    "a text with half a surrogate pair is not supported",
                    "write the character itself, or \\U and its eight digits",
                );
            }
            let skipped = rest.chars().next().map_or(0, char::len_utf8);
            rest = &rest[skipped..];
        }
    }

    /// Walks something that is in no class body and in no handler of this function.
    fn apart(&mut self, walk: impl FnOnce(&mut Self)) {
        let (in_class, handlers) = (
            std::mem::replace(&mut self.in_class, false),
            std::mem::replace(&mut self.handlers, 0),
        );
        walk(self);
        (self.in_class, self.handlers) = (in_class, handlers);
    }
}

impl<'a> Visitor<'a> for Checker<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(def) => {
                self.function(def);
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.visit_parameters(&def.parameters);
                return self.apart(|this| this.visit_body(&def.body));
            }
            Stmt::ClassDef(class) => {
                self.class(class);
                for decorator in &class.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                let outer = std::mem::replace(&mut self.in_class, true);
                self.visit_body(&class.body);
                self.in_class = outer;
                return;
            }
            Stmt::Import(import) => {
                if import.is_lazy {
                    self.refuse(import.range(), "lazy imports are not supported", "remove 'lazy'");
                }
                for alias in &import.names {
                    self.import(alias.name.as_str(), alias.name.range());
                }
            }
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::TypeAlias(alias) => {
                self.refuse(
                    alias.range(),
                    "type statements are not supported",
                    "remove it; annotations are not evaluated",
                );
            }
            Stmt::With(with) if with.is_async => {
                self.refuse(self.keyword(with.range(), "async"), "async with is not supported", "use with");
            }
            Stmt::For(stmt) if stmt.is_async => {
                self.refuse(self.keyword(stmt.range(), "async"), "async for is not supported", "use for");
            }
            Stmt::Try(stmt) => {
                if stmt.is_star {
                    let at = stmt.handlers.first().map_or(stmt.range(), Ranged::range);
                    self.refuse(self.keyword(at, "except"), "except* is not supported", "use except");
                }
                self.visit_body(&stmt.body);
                self.handlers += 1;
                stmt.handlers.iter().for_each(|handler| self.visit_except_handler(handler));
                self.handlers -= 1;
                self.visit_body(&stmt.orelse);
                return self.visit_body(&stmt.finalbody);
            }
            Stmt::Raise(stmt) if stmt.exc.is_none() && self.handlers == 0 => {
                self.refuse(
                    stmt.range(),
                    "a bare 'raise' is supported only within 'except' of the same function",
                    "name the exception to raise",
                );
            }
            // Annotations are not evaluated, so they may say anything.
            Stmt::AnnAssign(assign) => {
                self.visit_expr(&assign.target);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                }
                return;
            }
            Stmt::IpyEscapeCommand(command) => {
                self.refuse(command.range(), "Syntax error: this is no Python", "remove it");
            }
            _ => {}
        }
        visitor::walk_stmt(self, stmt);
    }

    fn visit_annotation(&mut self, _: &'a Expr) {}

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                return self.apart(|this| this.visit_expr(&lambda.body));
            }
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Call(call) => {
                self.pattern(call);
                self.made(call);
            }
            Expr::Name(name) if name.ctx != ExprContext::Load && self.in_class => {
                let name = name.id.as_str();
                if is_dunder(name) && !CLASS_NAMES.contains(&name) && !METHODS.contains(&name) {
                    self.refuse(
                        expr.range(),
                        format!("'{name}' has no effect here and is not supported"),
                        "remove it",
                    );
                }
            }
            Expr::Await(_) => self.refuse(self.keyword(expr.range(), "await"), "await is not supported", "remove it"),
            Expr::TString(_) => self.refuse(expr.range(), "template strings are not supported", "use an f-string"),
            Expr::NumberLiteral(literal) => {
                if matches!(literal.value, ast::Number::Complex { .. }) {
                    self.refuse(
                        expr.range(),
                        "complex numbers are not supported",
                        "keep both parts as two numbers",
                    );
                }
            }
            Expr::StringLiteral(literal) => literal.value.iter().for_each(|part| self.surrogates(part.range())),
            Expr::FString(_) => self.surrogates(expr.range()),
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }

    fn visit_comprehension(&mut self, comprehension: &'a ast::Comprehension) {
        if comprehension.is_async {
            let range = self.keyword(comprehension.range(), "async");
            self.refuse(range, "async comprehensions are not supported", "use for");
        }
        visitor::walk_comprehension(self, comprehension);
    }
}

impl Checker<'_> {
    fn import_from(&mut self, import: &ast::StmtImportFrom) {
        let Some(module) = &import.module else {
            let hint = format!("importable are {}", allowed::modules().join(", "));
            return self.refuse(import.range(), "relative imports are not allowed", hint);
        };
        self.import(module.as_str(), module.range());
        for alias in &import.names {
            if alias.name.as_str() == "*" {
                self.refuse(alias.range(), "star imports are not supported", "name what you use");
            } else if let Some(module) = Module::named(module.as_str()).filter(|module| *module != Module::Future) {
                self.member(module, alias.name.as_str(), alias.name.range());
            }
        }
    }
}

fn is_dunder(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__")
}
