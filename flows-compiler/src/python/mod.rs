//! Python code nodes: from the author's text to functions of the flow's module.
//!
//! [`source`] puts the program together (and [`choose`] says from which text), [`parse`] makes a tree within the limits of [`guard`],
//! [`syntax`], [`scope`] and [`check`] find what is wrong, [`lower`] writes the middle form ([`mir`]), [`bound`] drops needless
//! checks from it, and [`emit`] makes WebAssembly. Every finding names the author's own lines ([`problem`]).
//!
//! No input makes this panic or run out of stack: depth is limited before anything recurses over it, and everything that recurses
//! runs on a stack of its own.

mod allowed;
mod bindings;
mod bound;
mod check;
mod choose;
#[cfg(test)]
mod dump;
pub mod emit;
mod guard;
mod lower;
pub mod mir;
mod numbers;
mod parse;
mod problem;
mod reference;
mod refusal;
pub mod rt;
mod scope;
mod source;
mod syntax;
#[cfg(test)]
mod tests;

pub use problem::{Place, Problem};
pub use reference::markdown;
pub use refusal::refusal;
pub use source::CodeNode;

use choose::Chosen;
use problem::Finding;
use ruff_python_ast::Stmt;
use ruff_text_size::TextRange;
use source::Source;

/// A code node's program, ready for code generation.
#[derive(Debug)]
pub struct Compiled {
    pub module: mir::Module,
    pub warnings: Vec<Problem>,
}

/// The stack for one program: enough for the deepest syntax that [`guard`] lets pass, in an unoptimised build too. It is reserved,
/// not used, by programs of ordinary depth.
const STACK: usize = 64 * 1024 * 1024;

/// How many findings of one program are told.
const MAX_PROBLEMS: usize = 50;

/// Compiles a code node's program, or says what is wrong with it.
pub fn compile(node: &CodeNode<'_>) -> Result<Compiled, Vec<Problem>> {
    let failed = || {
        let place = Place::new("code", 0, 0, 1, "");
        vec![Problem {
            message: "the compiler could not work on this program".to_owned(),
            hint: None,
            place,
        }]
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("python".to_owned())
            .stack_size(STACK)
            .spawn_scoped(scope, || compile_here(node))
            .map_err(|_| failed())?;
        thread.join().unwrap_or_else(|_| Err(failed()))
    })
}

fn compile_here(node: &CodeNode<'_>) -> Result<Compiled, Vec<Problem>> {
    if let (None, None, Some(expression)) = (node.code, node.body, node.expression) {
        return expression_node(expression, node);
    }
    let Chosen { source, tree, warning } =
        choose::choose(node).map_err(|unparsed| problems(&unparsed.source, unparsed.findings))?;
    let (scopes, mut errors) = scope::analyse(tree.syntax());
    errors.extend(syntax::check(&source.text, tree.syntax()));
    let findings = check::check(&source.text, tree.syntax(), &scopes);
    errors.extend(findings.errors);
    if scopes.place(scope::MODULE, &source.function) != scope::Place::Global || !scopes.globals.contains(&source.function) {
        let message = format!("Function '{}' not defined in code", source.function);
        errors.push(Finding::new(TextRange::default(), message).hint("define it, or name another in functionName"));
    }
    if !errors.is_empty() {
        return Err(problems(&source, errors));
    }
    let module =
        lower::lower(&source.text, tree.syntax(), &scopes, &source.function).map_err(|findings| problems(&source, findings))?;
    let warnings = warning.into_iter().chain(problems(&source, findings.warnings)).collect();
    Ok(Compiled { module, warnings })
}

/// The legacy `function` node with an expression.
fn expression_node(expression: &str, node: &CodeNode<'_>) -> Result<Compiled, Vec<Problem>> {
    let source = Source::expression(expression, source::function_name(node.function_name));
    let told = |findings| problems(&source, findings);
    let tree = parse::parse(&source.text, parse::Grammar::Reference).map_err(told)?;
    let [Stmt::Expr(stmt)] = &**tree.suite() else {
        return Err(told(vec![Finding::new(
            tree.syntax().range,
            "Syntax error: this is no expression",
        )]));
    };
    let (mut scopes, mut errors) = scope::analyse(tree.syntax());
    scopes.dynamic = true;
    errors.extend(syntax::check(&source.text, tree.syntax()));
    errors.extend(check::check(&source.text, tree.syntax(), &scopes).errors);
    if !errors.is_empty() {
        return Err(told(errors));
    }
    let module = lower::lower_expression(&source.text, &stmt.value, &scopes, &source.function).map_err(told)?;
    Ok(Compiled {
        module,
        warnings: Vec::new(),
    })
}

fn problems(source: &Source, mut findings: Vec<Finding>) -> Vec<Problem> {
    findings.sort_by_key(|finding| (finding.range.start(), finding.range.end()));
    findings.dedup();
    findings.truncate(MAX_PROBLEMS);
    findings.into_iter().map(|finding| source.problem(finding)).collect()
}
