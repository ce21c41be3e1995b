//! Errors of Python's grammar that its parser leaves to the compiler: `return` outside a function, a parameter twice, an unreachable
//! pattern and the like. The rules are the parser library's; this file tells it where in the program it is.

use std::cell::RefCell;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Comprehension, Expr, ModModule, PythonVersion, Stmt};
use ruff_python_parser::semantic_errors::{
    LazyImportContext, SemanticSyntaxChecker, SemanticSyntaxContext, SemanticSyntaxError, SemanticSyntaxErrorKind as Kind,
};
use ruff_text_size::TextRange;

use super::problem::Finding;

pub(super) fn check(text: &str, module: &ModModule) -> Vec<Finding> {
    let mut walker = Walker {
        checker: SemanticSyntaxChecker::new(),
        place: Place {
            text,
            around: vec![Around::Module],
            loops: vec![0],
            findings: RefCell::new(Vec::new()),
        },
    };
    walker.visit_body(&module.body);
    walker.place.findings.into_inner()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Around {
    Module,
    Function,
    Lambda,
    Class,
    Comprehension,
    Generator,
}

struct Walker<'a> {
    checker: SemanticSyntaxChecker,
    place: Place<'a>,
}

struct Place<'a> {
    text: &'a str,
    around: Vec<Around>,
    /// Loops around this place, one number for each function or class around.
    loops: Vec<usize>,
    findings: RefCell<Vec<Finding>>,
}

impl Place<'_> {
    fn is(&self, around: Around) -> bool {
        self.around.last() == Some(&around)
    }
    /// The innermost that is no comprehension.
    fn body(&self) -> Around {
        let comprehension = |around: &Around| matches!(around, Around::Comprehension | Around::Generator);
        self.around
            .iter()
            .rev()
            .copied()
            .find(|around| !comprehension(around))
            .unwrap_or(Around::Module)
    }
}

impl Walker<'_> {
    fn within(&mut self, around: Around, walk: impl FnOnce(&mut Self)) {
        self.place.around.push(around);
        self.place.loops.push(0);
        walk(self);
        self.place.loops.pop();
        self.place.around.pop();
    }

    /// Its first iterable is evaluated outside.
    fn comprehension(&mut self, around: Around, elements: [Option<&Expr>; 2], generators: &[Comprehension]) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        self.place.around.push(around);
        for (at, generator) in generators.iter().enumerate() {
            if at > 0 {
                self.visit_expr(&generator.iter);
            }
            self.visit_expr(&generator.target);
            generator.ifs.iter().for_each(|condition| self.visit_expr(condition));
        }
        elements.into_iter().flatten().for_each(|element| self.visit_expr(element));
        self.place.around.pop();
    }

    fn looped(&mut self, body: &[Stmt]) {
        if let Some(loops) = self.place.loops.last_mut() {
            *loops += 1;
        }
        self.visit_body(body);
        if let Some(loops) = self.place.loops.last_mut() {
            *loops -= 1;
        }
    }
}

impl<'v> Visitor<'v> for Walker<'_> {
    fn visit_stmt(&mut self, stmt: &'v Stmt) {
        self.checker.visit_stmt(stmt, &self.place);
        match stmt {
            Stmt::FunctionDef(def) => {
                for decorator in &def.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                self.visit_parameters(&def.parameters);
                self.within(Around::Function, |this| this.visit_body(&def.body));
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_expr(&decorator.expression);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.within(Around::Class, |this| this.visit_body(&class.body));
            }
            Stmt::For(stmt) => {
                self.visit_expr(&stmt.iter);
                self.visit_expr(&stmt.target);
                self.looped(&stmt.body);
                self.visit_body(&stmt.orelse);
            }
            Stmt::While(stmt) => {
                self.visit_expr(&stmt.test);
                self.looped(&stmt.body);
                self.visit_body(&stmt.orelse);
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_annotation(&mut self, _: &'v Expr) {}

    fn visit_expr(&mut self, expr: &'v Expr) {
        self.checker.visit_expr(expr, &self.place);
        match expr {
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                self.within(Around::Lambda, |this| this.visit_expr(&lambda.body));
            }
            Expr::ListComp(comp) => self.comprehension(Around::Comprehension, [Some(&comp.elt), None], &comp.generators),
            Expr::SetComp(comp) => self.comprehension(Around::Comprehension, [Some(&comp.elt), None], &comp.generators),
            Expr::DictComp(comp) => {
                let elements = [comp.key.as_deref(), Some(&*comp.value)];
                self.comprehension(Around::Comprehension, elements, &comp.generators);
            }
            Expr::Generator(comp) => self.comprehension(Around::Generator, [Some(&comp.elt), None], &comp.generators),
            _ => visitor::walk_expr(self, expr),
        }
    }
}

impl SemanticSyntaxContext for Place<'_> {
    fn future_annotations_or_stub(&self) -> bool {
        true
    }
    fn lazy_import_context(&self) -> Option<LazyImportContext> {
        None
    }
    fn python_version(&self) -> PythonVersion {
        PythonVersion::latest()
    }
    fn source(&self) -> &str {
        self.text
    }
    // The scopes know what is global and nonlocal.
    fn global(&self, _: &str) -> Option<TextRange> {
        None
    }
    fn has_nonlocal_binding(&self, _: &str) -> bool {
        true
    }
    fn in_async_context(&self) -> bool {
        false
    }
    fn in_await_allowed_context(&self) -> bool {
        true
    }
    fn in_yield_allowed_context(&self) -> bool {
        self.is(Around::Function) || self.is(Around::Lambda)
    }
    fn in_sync_comprehension(&self) -> bool {
        false
    }
    fn in_class_body_comprehension(&self) -> bool {
        self.body() == Around::Class
    }
    fn in_module_scope(&self) -> bool {
        self.is(Around::Module)
    }
    fn in_function_scope(&self) -> bool {
        self.is(Around::Function) || self.is(Around::Lambda)
    }
    fn in_generator_context(&self) -> bool {
        self.is(Around::Generator)
    }
    fn in_notebook(&self) -> bool {
        false
    }
    fn report_semantic_error(&self, error: SemanticSyntaxError) {
        // Refused elsewhere, in plainer words.
        if matches!(error.kind, Kind::AwaitOutsideAsyncFunction(_) | Kind::NonModuleImportStar(_)) {
            return;
        }
        let finding = Finding::new(error.range, format!("Syntax error: {error}"));
        self.findings.borrow_mut().push(finding);
    }
    fn in_loop_context(&self) -> bool {
        self.loops.last().is_some_and(|loops| *loops > 0)
    }
    // Again the scopes.
    fn is_bound_parameter(&self, _: &str) -> bool {
        false
    }
}
