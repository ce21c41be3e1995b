//! Expressions that decide a jump, without making a boolean of them.

use ruff_python_ast::{self as ast, BoolOp, Expr, Number};

use super::Lowerer;
use super::expressions::compare;
use crate::python::mir::BlockId;

impl Lowerer<'_> {
    /// Goes to `then` or `otherwise` by the truth of the expression; the block ends.
    pub(super) fn condition(&mut self, expr: &Expr, then: BlockId, otherwise: BlockId) {
        let mark = self.frame.mark();
        match expr {
            _ if constant(expr).is_some() => {
                let target = if constant(expr) == Some(true) { then } else { otherwise };
                self.frame.jump(target);
            }
            Expr::UnaryOp(operation) if operation.op == ast::UnaryOp::Not => {
                self.condition(&operation.operand, otherwise, then);
            }
            Expr::BoolOp(operation) => {
                let last = operation.values.len().saturating_sub(1);
                for (at, value) in operation.values.iter().enumerate() {
                    if at == last {
                        self.condition(value, then, otherwise);
                        break;
                    }
                    let next = self.frame.block();
                    match operation.op {
                        BoolOp::And => self.condition(value, next, otherwise),
                        BoolOp::Or => self.condition(value, then, next),
                    }
                    self.frame.start(next);
                }
            }
            Expr::Compare(comparison) => {
                let mut a = self.operand(&comparison.left);
                let last = comparison.ops.len().saturating_sub(1);
                for (at, (op, right)) in comparison.ops.iter().zip(&comparison.comparators).enumerate() {
                    let b = self.operand(right);
                    let next = if at == last { then } else { self.frame.block() };
                    self.frame.compare(compare(*op), a, b, next, otherwise);
                    if at < last {
                        self.frame.start(next);
                    }
                    a = b;
                }
            }
            _ => {
                let slot = self.slot(expr);
                self.frame.truth(slot, then, otherwise);
            }
        }
        self.frame.release(mark);
    }
}

/// The truth of a literal.
pub(super) fn constant(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::BooleanLiteral(literal) => Some(literal.value),
        Expr::NoneLiteral(_) => Some(false),
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => Some(int.as_u64() != Some(0)),
            _ => None,
        },
        Expr::StringLiteral(literal) => Some(!literal.value.is_empty()),
        _ => None,
    }
}
