//! Generator expressions that need no generator: a builtin uses them up on the spot.
//!
//! `any(…)`, `all(…)` and `sum(…)` become loops; `list`, `sorted`, `"".join` and the like are given a list. Nobody can tell the difference,
//! unless a `StopIteration` comes out of the expression; what raises it in sight is left alone, and from elsewhere it is made the error that a
//! generator makes of it.

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, ExprGenerator};

/// Builtins that use up their one argument before they give anything.
const USING_UP: [&str; 8] = ["any", "all", "sum", "list", "tuple", "set", "frozenset", "sorted"];

/// The generator expression of such a call, and the builtin that no variable must hide.
pub(in crate::python) fn candidate(call: &ExprCall) -> Option<(Option<&str>, &ExprGenerator)> {
    let ([Expr::Generator(generator)], []) = (&*call.arguments.args, &*call.arguments.keywords) else {
        return None;
    };
    let builtin = match &*call.func {
        Expr::Name(name) if USING_UP.contains(&name.id.as_str()) => Some(name.id.as_str()),
        Expr::Attribute(attribute) if attribute.attr.as_str() == "join" && attribute.value.is_string_literal_expr() => None,
        _ => return None,
    };
    runs_through(generator).then_some((builtin, generator))
}

/// Whether no `StopIteration` is in sight.
fn runs_through(generator: &ExprGenerator) -> bool {
    struct Finder(bool);
    impl<'a> Visitor<'a> for Finder {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= match expr {
                Expr::Name(name) => matches!(name.id.as_str(), "next" | "StopIteration"),
                Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Await(_) => true,
                _ => false,
            };
            if !self.0 {
                visitor::walk_expr(self, expr);
            }
        }
    }
    let mut finder = Finder(generator.generators.iter().any(|generator| generator.is_async));
    finder.visit_expr(&generator.elt);
    for generator in &generator.generators {
        finder.visit_expr(&generator.iter);
        generator.ifs.iter().for_each(|condition| finder.visit_expr(condition));
    }
    !finder.0
}
