//! Syntax tree to middle form.
//!
//! Comes after the checks, so whatever is still unknown here is a fault of the checks and becomes a finding, never a panic. One file
//! a group of syntax; [`build`] writes blocks, [`names`] reads and writes variables, [`exits`] leaves loops and handlers.
//!
//! A value is written *into* a slot ([`Lowerer::into`]), read from where it is ([`Lowerer::slot`], [`Lowerer::operand`]), or decides
//! a jump ([`Lowerer::condition`]).

mod assign;
mod build;
mod calls;
mod classes;
mod comprehensions;
mod conditions;
mod displays;
mod exits;
mod expressions;
mod functions;
mod imports;
mod loops;
mod matching;
mod names;
mod prune;
mod statements;
mod strings;
mod tries;

use indexmap::IndexSet;
use ruff_python_ast::{Expr, ModModule};
use ruff_text_size::TextRange;

use self::build::Frame;
use super::mir::{Arg, Function, Module, Params, Slot};
use super::problem::Finding;
use super::scope::{MODULE, Scopes};
use super::{bound, rt};

/// What is being lowered.
#[derive(Debug)]
struct Lowerer<'a> {
    text: &'a str,
    scopes: &'a Scopes,
    frame: Frame,
    /// `None` while a function is still being written.
    functions: Vec<Option<Function>>,
    globals: IndexSet<String>,
    /// Class bodies around this place, the innermost last.
    classes: Vec<classes::Body>,
    findings: Vec<Finding>,
    /// Whether anything of the program can raise `StopIteration`, other than to end an iterator.
    may_stop: bool,
}

/// Lowers a program whose `entry` is called.
pub(super) fn lower(text: &str, tree: &ModModule, scopes: &Scopes, entry: &str) -> Result<Module, Vec<Finding>> {
    let mut lowerer = Lowerer::new(text, scopes);
    lowerer.prepare();
    lowerer.body(&tree.body);
    lowerer.frame.op(super::mir::Op::None(0));
    lowerer.frame.end(super::mir::End::Return);
    lowerer.finish(entry)
}

/// Lowers a legacy `function` node's expression: a function of one argument, called `entry`, that evaluates it over the argument's
/// keys and never fails.
pub(super) fn lower_expression(text: &str, expr: &Expr, scopes: &Scopes, entry: &str) -> Result<Module, Vec<Finding>> {
    let mut lowerer = Lowerer::new(text, scopes);
    lowerer.expression_node(expr, entry);
    lowerer.finish(entry)
}

impl<'a> Lowerer<'a> {
    fn new(text: &'a str, scopes: &'a Scopes) -> Self {
        Self {
            text,
            scopes,
            frame: Frame::new(MODULE, String::new(), 1),
            functions: vec![None],
            globals: IndexSet::new(),
            classes: Vec::new(),
            findings: Vec::new(),
            may_stop: ["StopIteration", "next", "send", "throw"]
                .iter()
                .any(|word| text.contains(word)),
        }
    }

    fn finish(mut self, entry: &str) -> Result<Module, Vec<Finding>> {
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        self.globals.insert(entry.to_owned());
        let (slots, blocks, constants) = self.frame.done();
        let body = Function {
            name: "<module>".to_owned(),
            qualname: "<module>".to_owned(),
            params: Params::default(),
            captures: 0,
            generator: false,
            slots,
            blocks,
            constants,
        };
        let mut functions: Vec<Function> = self.functions.into_iter().flatten().collect();
        functions.insert(0, body);
        functions.iter_mut().for_each(bound::drop_checks);
        Ok(Module {
            functions,
            globals: self.globals.into_iter().collect(),
            entry: entry.to_owned(),
        })
    }

    /// Says that something cannot be compiled that the checks let pass.
    fn refuse(&mut self, range: TextRange, message: &str) {
        self.findings.push(Finding::new(range, message));
    }

    fn global(&mut self, name: &str) -> Arg {
        let (number, _) = self.globals.insert_full(name.to_owned());
        Arg::Word(number as u32)
    }

    /// `dst = object.name`
    fn attribute(&mut self, dst: Slot, object: Slot, name: &str) {
        self.frame.rt(
            &rt::py_getattr,
            [Arg::Slot(dst), Arg::Slot(object), Arg::Text(name.to_owned())],
        );
    }
}
