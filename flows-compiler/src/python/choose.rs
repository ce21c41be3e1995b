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
//! Then `code` counts, even if only a newer Python than the reference's can read it, and a warning says so. A body that is a whole program is taken as one when `code` is none.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ModModule, Stmt};
use ruff_python_parser::Parsed;
use ruff_text_size::{Ranged, TextRange};

use super::allowed;
use super::parse::{Grammar, parse};
use super::problem::{Finding, Problem};
use super::scope;
use super::source::{CodeNode, IDENTITY, Source, function_name};

/// A program and its tree, and what its author should know.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) source: Source,
    pub(super) tree: Parsed<ModModule>,
    pub(super) warning: Option<Problem>,
}

/// A program that does not parse.
#[derive(Debug)]
pub(super) struct Unparsed {
    pub(super) source: Source,
    pub(super) findings: Vec<Finding>,
}

/// Chooses and parses. What does not parse is told with the source that it is about.
pub(super) fn choose(node: &CodeNode<'_>) -> Result<Chosen, Box<Unparsed>> {
    let function = function_name(node.function_name);
    let Some(body) = node.body else {
        return parsed(
            Source::program("code", node.code.unwrap_or(IDENTITY), function),
            Grammar::Reference,
        );
    };
    let around = parsed(Source::around_body(body, &node.pins, function), Grammar::Reference);
    let Some(defect) = defect(&around, function) else {
        return around;
    };
    let whole = |result: Result<Chosen, _>| result.ok().filter(|chosen: &Chosen| defines(chosen.tree.suite(), function));
    let (chosen, used) = if let Some(chosen) = node
        .code
        .and_then(|code| whole(parsed(Source::program("code", code, function), Grammar::Newest)))
    {
        (chosen, format!("code is used, which defines '{function}'"))
    } else if let Defect::Program(_) = defect
        && let Some(chosen) = whole(parsed(
            Source::program("codeBody", &dedented(body), function),
            Grammar::Newest,
        ))
    {
        (chosen, "it is used as the whole program".to_owned())
    } else {
        return around;
    };
    let source = match &around {
        Ok(chosen) => &chosen.source,
        Err(unparsed) => &unparsed.source,
    };
    let finding = Finding::new(defect.range(), format!("codeBody {}, so {used}", defect.words()));
    let warning = source.problem(finding.hint("remove the text that is not used"));
    Ok(Chosen {
        warning: Some(warning),
        ..chosen
    })
}

fn parsed(source: Source, grammar: Grammar) -> Result<Chosen, Box<Unparsed>> {
    match parse(&source.text, grammar) {
        Ok(tree) => Ok(Chosen {
            source,
            tree,
            warning: None,
        }),
        Err(findings) => Err(Box::new(Unparsed { source, findings })),
    }
}

/// Why a body cannot be what its author meant, and where that shows.
enum Defect {
    Syntax(TextRange),
    Program(TextRange),
    Undefined(String, TextRange),
}

impl Defect {
    fn words(&self) -> String {
        match self {
            Self::Syntax(_) => "has a syntax error".to_owned(),
            Self::Program(_) => "defines the function itself and returns nothing".to_owned(),
            Self::Undefined(name, _) => format!("reads '{name}', which nothing defines"),
        }
    }

    fn range(&self) -> TextRange {
        match self {
            Self::Syntax(range) | Self::Program(range) | Self::Undefined(_, range) => *range,
        }
    }
}

fn defect(around: &Result<Chosen, Box<Unparsed>>, function: &str) -> Option<Defect> {
    let chosen = match around {
        Ok(chosen) => chosen,
        Err(unparsed) => {
            let range = unparsed.findings.first().map(|finding| finding.range).unwrap_or_default();
            return Some(Defect::Syntax(range));
        }
    };
    let body: &[Stmt] = match chosen.tree.suite().first() {
        Some(Stmt::FunctionDef(def)) => &def.body,
        _ => return None,
    };
    let own = body.iter().find(|stmt| defines(std::slice::from_ref(stmt), function));
    if let Some(own) = own.filter(|_| !returns(body)) {
        return Some(Defect::Program(match own {
            Stmt::FunctionDef(def) => def.name.range(),
            _ => own.range(),
        }));
    }
    let (scopes, _) = scope::analyse(chosen.tree.syntax());
    let undefined = scopes.global_reads().find(|(name, _)| {
        !scopes.globals.contains(*name)
            && !allowed::is_builtin(name)
            && !allowed::REFUSED.iter().any(|(refused, _)| refused == name)
            && !name.starts_with("__")
    });
    undefined.map(|(name, range)| Defect::Undefined(name.to_owned(), range))
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
