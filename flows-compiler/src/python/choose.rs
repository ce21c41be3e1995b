//! Which of an author's two texts is the program.
//!
//! An editor keeps both: `code`, a whole program, and `codeBody`, the body of its function. The reference takes the body whenever
//! there is one, even a body that an editor left behind, so that flows fail or answer null although their author's program is there.
//! Here the body counts unless it cannot be what its author meant and the other text can:
//!
//! * the body does not parse, or
//! * the body defines the node's function itself and returns nothing of its own: it is a whole program, which nothing would call, or
//! * the body reads a name that no pin, no assignment and no builtin defines, which raises `NameError`;
//! * and `code` parses and defines the node's function.
//!
//! Then `code` counts, and a warning says so. A body that is a whole program is taken as one when `code` is none.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ModModule, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::TextRange;

use super::allowed;
use super::parse::parse;
use super::problem::Finding;
use super::scope;
use super::source::{CodeNode, IDENTITY, Source, function_name};

/// A program and its tree, and what its author should know.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) source: Source,
    pub(super) tree: Parsed<ModModule>,
    pub(super) warning: Option<Finding>,
}

/// Chooses and parses. What does not parse is told with the source that it is about.
pub(super) fn choose(node: &CodeNode<'_>) -> Result<Chosen, (Source, Vec<Finding>)> {
    let function = function_name(node.function_name);
    let Some(body) = node.body else {
        return parsed(Source::program("code", node.code.unwrap_or(IDENTITY), function));
    };
    let around = parsed(Source::around_body(body, &node.pins, function));
    let Some(defect) = defect(&around, function) else {
        return around;
    };
    let code = node.code.map(|code| Source::program("code", code, function));
    if let Some(Ok(chosen)) = code.map(parsed)
        && defines(chosen.tree.suite(), function)
    {
        let message = format!("codeBody {}, so code is used, which defines '{function}'", defect.words());
        return Ok(warned(chosen, message));
    }
    if matches!(defect, Defect::Program)
        && let Ok(chosen) = parsed(Source::program("codeBody", &dedented(body), function))
    {
        let message = format!("codeBody {}, so it is used as the whole program", defect.words());
        return Ok(warned(chosen, message));
    }
    around
}

fn warned(mut chosen: Chosen, message: String) -> Chosen {
    let finding = Finding::new(TextRange::default(), message);
    chosen.warning = Some(finding.hint("remove the text that is not used"));
    chosen
}

fn parsed(source: Source) -> Result<Chosen, (Source, Vec<Finding>)> {
    match parse(&source.text) {
        Ok(tree) => Ok(Chosen {
            source,
            tree,
            warning: None,
        }),
        Err(findings) => Err((source, findings)),
    }
}

/// Why a body cannot be what its author meant.
enum Defect {
    Syntax,
    Program,
    Undefined(String),
}

impl Defect {
    fn words(&self) -> String {
        match self {
            Self::Syntax => "has a syntax error".to_owned(),
            Self::Program => "defines the function itself and returns nothing".to_owned(),
            Self::Undefined(name) => format!("reads '{name}', which nothing defines"),
        }
    }
}

fn defect(around: &Result<Chosen, (Source, Vec<Finding>)>, function: &str) -> Option<Defect> {
    let Ok(chosen) = around else { return Some(Defect::Syntax) };
    let body: &[Stmt] = match chosen.tree.suite().first() {
        Some(Stmt::FunctionDef(def)) => &def.body,
        _ => return None,
    };
    if defines(body, function) && !returns(body) {
        return Some(Defect::Program);
    }
    let (scopes, _) = scope::analyse(chosen.tree.syntax());
    let undefined = scopes.global_reads().map(|(name, _)| name).find(|name| {
        !scopes.globals.contains(*name)
            && !allowed::is_builtin(name)
            && !allowed::REFUSED.iter().any(|(refused, _)| refused == name)
            && !name.starts_with("__")
    });
    undefined.map(|name| Defect::Undefined(name.to_owned()))
}

/// Whether statements define the function, on their own level.
fn defines(body: &[Stmt], function: &str) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::FunctionDef(def) => def.name.as_str() == function,
        Stmt::Assign(assign) => assign
            .targets
            .iter()
            .any(|target| matches!(target, Expr::Name(name) if name.id.as_str() == function)),
        _ => false,
    })
}

/// Whether statements return a value or yield, functions within them aside.
fn returns(body: &[Stmt]) -> bool {
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_stmt(&mut self, stmt: &'a Stmt) {
            match stmt {
                Stmt::Return(stmt) => self.0 |= stmt.value.is_some(),
                Stmt::FunctionDef(_) | Stmt::ClassDef(_) => {}
                _ => visitor::walk_stmt(self, stmt),
            }
        }
        fn visit_expr(&mut self, expr: &'a Expr) {
            match expr {
                Expr::Yield(_) | Expr::YieldFrom(_) => self.0 = true,
                Expr::Lambda(_) => {}
                _ => visitor::walk_expr(self, expr),
            }
        }
    }
    let mut finder = Finder(false);
    finder.visit_body(body);
    finder.0
}

/// A body that is a program, without the indentation that all its lines have.
fn dedented(body: &str) -> String {
    let indent = |line: &&str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let margin = body
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| indent(&line))
        .min();
    let lines: Vec<&str> = body
        .split('\n')
        .map(|line| line.get(margin.unwrap_or(0)..).unwrap_or(""))
        .collect();
    lines.join("\n")
}
