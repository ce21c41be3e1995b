//! Numbers in place: what a loop over integers or floats does without calling the runtime.
//!
//! Each fast path checks the tags of its operands and falls through to the runtime's function when they do not fit, so it never decides
//! what an operation means; it only knows the cases in which nothing can overflow, raise or need memory.

use wasm_encoder::Instruction as W;

use super::code::{A, B, Code, Label, R};
use super::kinds;
use super::ops::{FLOAT, INT, OBJECT};
use crate::codegen::Op as Ir;
use crate::python::mir::{BinaryOp, CompareOp, Operand, Slot};

/// Whether it is worth looking: a constant object is no number, and two numbers are not computed with again and again.
fn may_be_numbers(a: Operand, b: Operand) -> bool {
    match (a, b) {
        (Operand::Constant(_), _) | (_, Operand::Constant(_)) => false,
        (a, b) => !matches!((a, b), (Operand::Int(_), Operand::Int(_))),
    }
}

impl Code<'_> {
    /// Does the operation and leaves the enclosing block, or leaves everything as it was.
    pub fn fast_binary(&mut self, op: BinaryOp, dst: Slot, a: Operand, b: Operand) {
        use BinaryOp::*;
        if matches!(op, Pow | LShift | MatMul) || !may_be_numbers(a, b) {
            return;
        }
        if matches!((op, b), (RShift, b) if !matches!(b, Operand::Int(0..=63))) {
            return;
        }
        if self.kinds.may_be(a, kinds::INT) && self.kinds.may_be(b, kinds::INT) {
            self.fast_integer(op, dst, a, b);
        }
        if let (Add | Sub | Mul | TrueDiv, Operand::Slot(x), Operand::Slot(y)) = (op, a, b)
            && self.kinds.may_be(a, kinds::FLOAT)
            && self.kinds.may_be(b, kinds::FLOAT)
        {
            self.fast_float(op, dst, x, y);
        }
    }

    fn fast_integer(&mut self, op: BinaryOp, dst: Slot, a: Operand, b: Operand) {
        use BinaryOp::*;
        // Integers: the code between leaves this block when they are not, or when the result may not fit.
        self.open_block(Label::Inner);
        self.unless_tags(INT, a, b);
        self.unless_free(dst, a, b);
        self.load(a, A);
        self.load(b, B);
        match op {
            Add if matches!(b, Operand::Int(0..)) => {
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(W::I64Add);
                self.push(Ir::Tee(R));
                // Overflow: it got less.
                self.get_wide(A);
                self.wasm(W::I64LtS);
                self.jump_if(0);
            }
            Add | Sub => {
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(if op == Add { W::I64Add } else { W::I64Sub });
                self.push(Ir::Set(R));
                // Overflow: the result's sign differs from a's, and b's (for a difference: the opposite of b's) does not explain it.
                self.get_wide(A);
                self.get_wide(R);
                self.wasm(W::I64Xor);
                self.get_wide(if op == Add { B } else { A });
                self.get_wide(if op == Add { R } else { B });
                self.wasm(W::I64Xor);
                self.wasm(W::I64And);
                self.wasm(W::I64Const(0));
                self.wasm(W::I64LtS);
                self.jump_if(0);
            }
            Mul => {
                self.unless_within(a, A, 31);
                self.unless_within(b, B, 31);
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(W::I64Mul);
                self.push(Ir::Set(R));
            }
            And | Or | Xor => {
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(match op {
                    And => W::I64And,
                    Or => W::I64Or,
                    _ => W::I64Xor,
                });
                self.push(Ir::Set(R));
            }
            RShift => {
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(W::I64ShrS);
                self.push(Ir::Set(R));
            }
            FloorDiv | Mod => {
                self.unless_positive(b);
                self.get_wide(A);
                self.get_wide(B);
                self.wasm(W::I64RemS);
                self.push(Ir::Set(R));
                if op == Mod {
                    // The remainder has the divisor's sign.
                    self.get_wide(R);
                    self.get_wide(B);
                    self.wasm(W::I64Const(0));
                    self.get_wide(R);
                    self.wasm(W::I64Const(0));
                    self.wasm(W::I64LtS);
                    self.wasm(W::Select);
                    self.wasm(W::I64Add);
                    self.push(Ir::Set(R));
                } else {
                    self.get_wide(A);
                    self.get_wide(B);
                    self.wasm(W::I64DivS);
                    self.get_wide(R);
                    self.wasm(W::I64Const(63));
                    self.wasm(W::I64ShrS);
                    self.wasm(W::I64Add);
                    self.push(Ir::Set(R));
                }
            }
            TrueDiv => {
                self.unless_within(a, A, 53);
                self.unless_within(b, B, 53);
                self.get_wide(B);
                self.wasm(W::I64Eqz);
                self.jump_if(0);
                self.set_tag(dst, FLOAT);
                self.set_float(dst, |code| {
                    code.get_wide(A);
                    code.wasm(W::F64ConvertI64S);
                    code.get_wide(B);
                    code.wasm(W::F64ConvertI64S);
                    code.wasm(W::F64Div);
                });
                self.wasm(W::Br(1));
            }
            Pow | LShift | MatMul => {}
        }
        if op != TrueDiv {
            self.set_tag(dst, INT);
            self.set_number(dst, |code| code.get_wide(R));
            self.wasm(W::Br(1));
        }
        self.close();
    }

    fn fast_float(&mut self, op: BinaryOp, dst: Slot, a: Slot, b: Slot) {
        self.open_block(Label::Inner);
        self.unless_tags(FLOAT, Operand::Slot(a), Operand::Slot(b));
        self.unless_free(dst, Operand::Slot(a), Operand::Slot(b));
        if op == BinaryOp::TrueDiv {
            self.float(b);
            self.wasm(W::F64Const(0.0.into()));
            self.wasm(W::F64Eq);
            self.jump_if(0);
        }
        self.set_float(dst, |code| {
            code.float(a);
            code.float(b);
            code.wasm(match op {
                BinaryOp::Add => W::F64Add,
                BinaryOp::Sub => W::F64Sub,
                BinaryOp::Mul => W::F64Mul,
                _ => W::F64Div,
            });
        });
        self.set_tag(dst, FLOAT);
        self.wasm(W::Br(1));
        self.close();
    }

    /// A comparison of two integers in place, anything else by `slow`; leaves a word.
    pub fn fast_compare(&mut self, op: CompareOp, a: Operand, b: Operand, slow: impl FnOnce(&mut Self)) {
        use CompareOp::*;
        let instruction = match op {
            Eq => W::I64Eq,
            Ne => W::I64Ne,
            Lt => W::I64LtS,
            Le => W::I64LeS,
            Gt => W::I64GtS,
            Ge => W::I64GeS,
            Is | IsNot | In | NotIn => return slow(self),
        };
        if !may_be_numbers(a, b) || !self.kinds.may_be(a, kinds::INT) || !self.kinds.may_be(b, kinds::INT) {
            return slow(self);
        }
        self.differ(INT, a, b);
        self.push(Ir::Eqz);
        self.word_if(
            |code| {
                for operand in [a, b] {
                    match operand {
                        Operand::Slot(slot) => code.number(slot),
                        Operand::Int(value) => code.wasm(W::I64Const(value)),
                        Operand::Constant(_) => code.unreachable(),
                    }
                }
                code.wasm(instruction);
            },
            slow,
        );
    }

    /// Advances a counting loop; leaves 1 with the number in `dst`, or 0.
    pub fn fast_range(&mut self, dst: Slot, counter: Slot) {
        let (stop, step) = (counter + 1, counter + 2);
        self.number(counter);
        self.push(Ir::Set(A));
        self.number(step);
        self.push(Ir::Set(B));
        // Whether the counter is still short of the stop, in the step's direction.
        self.get_wide(A);
        self.number(stop);
        self.wasm(W::I64LtS);
        self.get_wide(A);
        self.number(stop);
        self.wasm(W::I64GtS);
        self.get_wide(B);
        self.wasm(W::I64Const(0));
        self.wasm(W::I64GtS);
        self.wasm(W::Select);
        self.word_if(
            |code| {
                code.immediate(dst, INT);
                code.set_number(dst, |code| code.get_wide(A));
                code.set_number(counter, |code| {
                    code.get_wide(A);
                    code.get_wide(B);
                    code.wasm(W::I64Add);
                });
                code.push(Ir::I32(1));
            },
            |code| code.push(Ir::I32(0)),
        );
    }

    fn get_wide(&mut self, local: u32) {
        self.push(Ir::Get(local));
    }

    /// A word that is not zero unless both operands have the tag.
    fn differ(&mut self, tag: u32, a: Operand, b: Operand) {
        let mut first = true;
        for operand in [a, b] {
            let Operand::Slot(slot) = operand else { continue };
            self.tag(slot);
            self.push(Ir::I32(tag as i32));
            self.wasm(W::I32Xor);
            if !first {
                self.wasm(W::I32Or);
            }
            first = false;
        }
    }

    fn unless_tags(&mut self, tag: u32, a: Operand, b: Operand) {
        self.differ(tag, a, b);
        self.jump_if(0);
    }

    /// Leaves when the target holds a reference, which only the runtime can give up. An operand's tag is known already.
    fn unless_free(&mut self, dst: Slot, a: Operand, b: Operand) {
        if a == Operand::Slot(dst) || b == Operand::Slot(dst) || self.kinds.is_immediate(dst) {
            return;
        }
        self.tag(dst);
        self.push(Ir::I32(OBJECT));
        self.wasm(W::I32GeU);
        self.jump_if(0);
    }

    /// Leaves unless -2^bits <= local < 2^bits.
    fn unless_within(&mut self, operand: Operand, local: u32, bits: u32) {
        if matches!(operand, Operand::Int(value) if (-1 << bits..1 << bits).contains(&value)) {
            return;
        }
        self.get_wide(local);
        self.wasm(W::I64Const(1 << bits));
        self.wasm(W::I64Add);
        self.wasm(W::I64Const(1 << (bits + 1)));
        self.wasm(W::I64GeU);
        self.jump_if(0);
    }

    fn unless_positive(&mut self, operand: Operand) {
        if matches!(operand, Operand::Int(value) if value > 0) {
            return;
        }
        self.get_wide(B);
        self.wasm(W::I64Const(0));
        self.wasm(W::I64LeS);
        self.jump_if(0);
    }
}
