//! Expressions whose value is wanted: operators, attributes, subscripts, conditional values, `yield`.

use ruff_python_ast::{self as ast, CmpOp, Expr, Number, Operator};
use ruff_text_size::Ranged;

use super::Lowerer;
use crate::python::mir::{Arg, BinaryOp, CompareOp, Constant, End, Op, Operand, Slot, UnaryOp};
use crate::python::{numbers, rt};
use flow_rt::python::names::Builtin;

impl Lowerer<'_> {
    /// Evaluates into a slot. The slot is written last unless [`writes_last`] says otherwise.
    pub(super) fn into(&mut self, dst: Slot, expr: &Expr) {
        let mark = self.frame.mark();
        match expr {
            Expr::NoneLiteral(_) => self.frame.op(Op::None(dst)),
            Expr::BooleanLiteral(literal) => self.frame.op(Op::Bool(dst, literal.value)),
            Expr::NumberLiteral(literal) => self.number(dst, &literal.value, false, expr),
            Expr::StringLiteral(literal) => self.frame.text(dst, literal.value.to_str()),
            Expr::BytesLiteral(literal) => {
                let bytes = literal.value.iter().flat_map(|part| part.value.iter().copied()).collect();
                self.frame.op(Op::Bytes(dst, bytes));
            }
            Expr::EllipsisLiteral(_) => {
                if let Some(number) = super::names::builtin_number("Ellipsis") {
                    self.frame.rt(&rt::py_builtin, [Arg::Slot(dst), Arg::Word(number)]);
                }
            }
            Expr::Name(name) => self.load(dst, name.id.as_str()),
            Expr::FString(string) => self.fstring(dst, string),
            Expr::BinOp(operation) => {
                let (a, b) = (self.operand(&operation.left), self.operand(&operation.right));
                let op = binary(operation.op);
                self.frame.op(Op::Binary {
                    op,
                    inplace: false,
                    dst,
                    a,
                    b,
                });
            }
            Expr::UnaryOp(operation) => self.unary(dst, operation),
            Expr::BoolOp(operation) => self.boolean(dst, operation),
            Expr::Compare(comparison) => self.comparison(dst, comparison),
            Expr::If(choice) => {
                let (then, otherwise, after) = (self.frame.block(), self.frame.block(), self.frame.block());
                self.condition(&choice.test, then, otherwise);
                self.frame.start(then);
                self.into(dst, &choice.body);
                self.frame.jump(after);
                self.frame.start(otherwise);
                self.into(dst, &choice.orelse);
                self.frame.start(after);
            }
            Expr::Named(named) => {
                self.into(dst, &named.value);
                if let Expr::Name(name) = &*named.target {
                    self.store(name.id.as_str(), dst);
                }
            }
            Expr::Attribute(attribute) => {
                let object = self.slot(&attribute.value);
                let name = self.mangled(attribute.attr.as_str());
                self.attribute(dst, object, &name);
            }
            Expr::Subscript(subscript) => {
                let object = self.slot(&subscript.value);
                let key = self.argument(&subscript.slice);
                self.frame.rt(&rt::py_getitem, [Arg::Slot(dst), Arg::Slot(object), key]);
            }
            Expr::Slice(slice) => {
                let parts = self.frame.temps(3);
                for (at, part) in (parts..).zip([&slice.lower, &slice.upper, &slice.step]) {
                    match part {
                        Some(part) => self.into(at, part),
                        None => self.frame.op(Op::None(at)),
                    }
                }
                self.frame.rt(&rt::py_slice, [Arg::Slot(dst), Arg::Slot(parts)]);
            }
            Expr::Call(call) => self.call(dst, call),
            Expr::List(list) => self.list(dst, &list.elts),
            Expr::Tuple(tuple) => self.tuple(dst, &tuple.elts),
            Expr::Set(set) => self.set(dst, &set.elts),
            Expr::Dict(dict) => self.dict(dst, &dict.items),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) => self.comprehension(dst, expr),
            Expr::Generator(generator) => self.generator(dst, generator),
            Expr::Lambda(lambda) => self.lambda(dst, lambda),
            Expr::Yield(value) => {
                match &value.value {
                    Some(value) => self.into(0, value),
                    None => self.frame.op(Op::None(0)),
                }
                let resume = self.frame.block();
                self.frame.end(End::Yield { resume });
                self.frame.start(resume);
                self.frame.copy(dst, 0);
            }
            Expr::YieldFrom(from) => self.yield_from(dst, &from.value),
            Expr::Starred(_) | Expr::Await(_) | Expr::TString(_) | Expr::IpyEscapeCommand(_) => {
                self.refuse(expr.range(), "this expression is not supported here");
            }
        }
        self.frame.release(mark);
    }

    /// Where the value can be read until this statement's end: a variable's own slot or a new temporary.
    pub(super) fn slot(&mut self, expr: &Expr) -> Slot {
        if let Expr::Name(name) = expr
            && let Some(slot) = self.local(name.id.as_str())
        {
            return slot;
        }
        let slot = self.frame.temp();
        self.fresh(slot, expr);
        slot
    }

    /// Evaluates into a new temporary. A chain of operators works on it from the first operand on: no other temporaries are needed,
    /// and a text grows in place.
    fn fresh(&mut self, slot: Slot, expr: &Expr) {
        let operation = match expr {
            Expr::BinOp(operation) if !is_operand(&operation.left) => operation,
            _ => return self.into(slot, expr),
        };
        self.fresh(slot, &operation.left);
        let mark = self.frame.mark();
        let b = self.operand(&operation.right);
        self.frame.op(Op::Binary {
            op: binary(operation.op),
            inplace: false,
            dst: slot,
            a: Operand::Slot(slot),
            b,
        });
        self.frame.release(mark);
    }

    pub(super) fn operand(&mut self, expr: &Expr) -> Operand {
        match small_int(expr) {
            Some(number) => Operand::Int(number),
            None => match self.constant(expr) {
                Some(constant) => Operand::Constant(constant),
                None => Operand::Slot(self.slot(expr)),
            },
        }
    }

    /// As [`Self::slot`], for an argument that is only read: a constant object needs no slot.
    pub(super) fn argument(&mut self, expr: &Expr) -> Arg {
        match self.constant(expr) {
            Some(constant) => Arg::Constant(constant),
            None => Arg::Slot(self.slot(expr)),
        }
    }

    /// The number of an object that is the same each time: a literal text, or a builtin that no variable hides.
    fn constant(&mut self, expr: &Expr) -> Option<u32> {
        let constant = match expr {
            Expr::StringLiteral(literal) => Constant::Text(literal.value.to_str().to_owned()),
            Expr::Name(name) => match self.builtin(&self.mangled(name.id.as_str()))? {
                // These two are no builtins but objects of their own.
                number if matches!(Builtin::at(number), Some(Builtin::Ellipsis | Builtin::NotImplemented) | None) => return None,
                number => Constant::Builtin(number),
            },
            _ => return None,
        };
        Some(self.frame.constant(constant))
    }

    /// Evaluates for its effects only.
    pub(super) fn discard(&mut self, expr: &Expr) {
        let mark = self.frame.mark();
        let slot = self.frame.temp();
        self.into(slot, expr);
        self.frame.release(mark);
    }

    fn number(&mut self, dst: Slot, number: &Number, negative: bool, expr: &Expr) {
        match number {
            Number::Int(int) => match numbers::int(&int.to_string(), negative) {
                Some(numbers::Int::Small(value)) => self.frame.op(Op::Int(dst, value)),
                Some(numbers::Int::Big(digits)) => self.frame.op(Op::Big(dst, digits)),
                None => self.refuse(expr.range(), "this integer has too many digits"),
            },
            Number::Float(value) => self.frame.op(Op::Float(dst, if negative { -*value } else { *value })),
            Number::Complex { .. } => self.refuse(expr.range(), "complex numbers are not supported"),
        }
    }

    fn unary(&mut self, dst: Slot, operation: &ast::ExprUnaryOp) {
        if let (ast::UnaryOp::USub, Expr::NumberLiteral(literal)) = (operation.op, &*operation.operand) {
            return self.number(dst, &literal.value, true, &operation.operand);
        }
        let a = self.slot(&operation.operand);
        let op = match operation.op {
            ast::UnaryOp::Not => UnaryOp::Not,
            ast::UnaryOp::USub => UnaryOp::Neg,
            ast::UnaryOp::UAdd => UnaryOp::Pos,
            ast::UnaryOp::Invert => UnaryOp::Invert,
        };
        self.frame.op(Op::Unary { op, dst, a });
    }

    /// `and`, `or`: the value of the operand that decides.
    fn boolean(&mut self, dst: Slot, operation: &ast::ExprBoolOp) {
        let after = self.frame.block();
        let last = operation.values.len().saturating_sub(1);
        for (at, value) in operation.values.iter().enumerate() {
            self.into(dst, value);
            if at < last {
                let next = self.frame.block();
                match operation.op {
                    ast::BoolOp::And => self.frame.truth(dst, next, after),
                    ast::BoolOp::Or => self.frame.truth(dst, after, next),
                }
                self.frame.start(next);
            }
        }
        self.frame.start(after);
    }

    fn comparison(&mut self, dst: Slot, comparison: &ast::ExprCompare) {
        let ([op], [right]) = (&*comparison.ops, &*comparison.comparators) else {
            return self.chain(dst, comparison);
        };
        let (a, b) = (self.operand(&comparison.left), self.operand(right));
        let op = compare(*op);
        self.frame.op(Op::Compare { op, dst, a, b });
    }

    /// `a < b < c`: the value of the first comparison that is false, or of the last.
    fn chain(&mut self, dst: Slot, comparison: &ast::ExprCompare) {
        let after = self.frame.block();
        let mut a = self.operand(&comparison.left);
        let last = comparison.ops.len().saturating_sub(1);
        for (at, (op, right)) in comparison.ops.iter().zip(&comparison.comparators).enumerate() {
            let b = self.operand(right);
            let op = compare(*op);
            self.frame.op(Op::Compare { op, dst, a, b });
            if at < last {
                let next = self.frame.block();
                self.frame.truth(dst, next, after);
                self.frame.start(next);
            }
            a = b;
        }
        self.frame.start(after);
    }

    /// `yield from`: what is sent or thrown in goes to the inner iterator as long as it has not ended.
    fn yield_from(&mut self, dst: Slot, value: &Expr) {
        let source = self.slot(value);
        let (iterator, exception) = (self.frame.temp(), self.frame.temp());
        self.frame.rt(&rt::py_iter, [Arg::Slot(iterator), Arg::Slot(source)]);
        self.frame.op(Op::None(0));
        let (next, give, thrown, done) = (self.frame.block(), self.frame.block(), self.frame.block(), self.frame.block());
        self.frame.loops += 1;
        self.frame.start(next);
        let args = vec![Arg::Slot(0), Arg::Slot(iterator), Arg::Slot(0)];
        self.frame.test(&rt::py_delegate, args, give, done);
        // What is thrown in is raised where the value was given.
        let outer = self.frame.unwind.replace(thrown);
        self.frame.start(give);
        self.frame.end(End::Yield { resume: next });
        self.frame.unwind = outer;
        self.frame.loops -= 1;
        self.frame.catch(thrown, exception);
        let args = vec![Arg::Slot(0), Arg::Slot(iterator), Arg::Slot(exception)];
        self.frame.test(&rt::py_delegate_throw, args, give, done);
        self.frame.start(done);
        self.frame.copy(dst, 0);
    }
}

/// Whether an operator takes it from where it is.
fn is_operand(expr: &Expr) -> bool {
    expr.is_name_expr() || expr.is_string_literal_expr() || small_int(expr).is_some()
}

/// Whether evaluation writes its slot only when nothing can fail any more, having read everything before. Only then may the slot be
/// a variable that the expression or a handler reads.
pub(super) fn writes_last(expr: &Expr) -> bool {
    match expr {
        Expr::If(choice) => writes_last(&choice.body) && writes_last(&choice.orelse),
        Expr::Compare(comparison) => comparison.ops.len() == 1,
        Expr::BoolOp(_) | Expr::Named(_) => false,
        _ => true,
    }
}

/// An integer literal, with or without a sign, that fits an operand.
pub(super) fn small_int(expr: &Expr) -> Option<i64> {
    let (literal, negative) = match expr {
        Expr::UnaryOp(operation) if operation.op == ast::UnaryOp::USub => (&*operation.operand, true),
        _ => (expr, false),
    };
    match literal {
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => match numbers::int(&int.to_string(), negative)? {
                numbers::Int::Small(value) => Some(value),
                numbers::Int::Big(_) => None,
            },
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn binary(op: Operator) -> BinaryOp {
    match op {
        Operator::Add => BinaryOp::Add,
        Operator::Sub => BinaryOp::Sub,
        Operator::Mult => BinaryOp::Mul,
        Operator::MatMult => BinaryOp::MatMul,
        Operator::Div => BinaryOp::TrueDiv,
        Operator::Mod => BinaryOp::Mod,
        Operator::Pow => BinaryOp::Pow,
        Operator::LShift => BinaryOp::LShift,
        Operator::RShift => BinaryOp::RShift,
        Operator::BitOr => BinaryOp::Or,
        Operator::BitXor => BinaryOp::Xor,
        Operator::BitAnd => BinaryOp::And,
        Operator::FloorDiv => BinaryOp::FloorDiv,
    }
}

pub(super) fn compare(op: CmpOp) -> CompareOp {
    match op {
        CmpOp::Eq => CompareOp::Eq,
        CmpOp::NotEq => CompareOp::Ne,
        CmpOp::Lt => CompareOp::Lt,
        CmpOp::LtE => CompareOp::Le,
        CmpOp::Gt => CompareOp::Gt,
        CmpOp::GtE => CompareOp::Ge,
        CmpOp::Is => CompareOp::Is,
        CmpOp::IsNot => CompareOp::IsNot,
        CmpOp::In => CompareOp::In,
        CmpOp::NotIn => CompareOp::NotIn,
    }
}
