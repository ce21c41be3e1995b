//! The operations, one by one. Where numbers are likely and a loop makes it worth the room, [`super::fast`] does them in place.

use wasm_encoder::Instruction;

use super::code::{A, Code, STATUS};
use super::kinds;
use super::structure::Ended;
use crate::codegen::{Import, Op as Ir};
use crate::python::mir::{End, Op, Operand, Slot};

/// Tags of objects (`flow-rt`, `python/object.rs`).
pub const NONE: u32 = 0;
pub const BOOL: u32 = 1;
pub const INT: u32 = 2;
pub const FLOAT: u32 = 3;
pub const UNBOUND: u32 = 4;
/// Tags from here on are references.
pub const OBJECT: i32 = flow_rt::python::object::IMMEDIATE as i32;

/// Answer of a test: an exception is pending.
const RAISED: i32 = 2;

macro_rules! runtime {
    ($($name:ident($params:literal);)*) => {
        $(#[allow(non_upper_case_globals)] // Named as the runtime exports them.
        pub static $name: Import = Import { name: stringify!($name), params: $params, result: true };)*
    };
}

runtime! {
    py_clear(1); py_copy(2); py_text(2); py_big(2); py_bytes(2); py_function(3); py_unbound(2);
    py_binary(4); py_unary(3); py_compare(4); py_compare_test(3); py_truth(1); py_next(2);
}

impl Code<'_> {
    pub fn op(&mut self, op: &Op, hot: bool) {
        match op {
            Op::None(dst) => self.immediate(*dst, NONE),
            Op::Unbound(dst) => self.immediate(*dst, UNBOUND),
            Op::Bool(dst, value) => {
                self.immediate(*dst, BOOL);
                let value = i32::from(*value);
                self.set_flag(*dst, |code| code.push(Ir::I32(value)));
            }
            Op::Int(dst, value) => {
                self.immediate(*dst, INT);
                let value = *value;
                self.set_number(*dst, |code| code.wasm(Instruction::I64Const(value)));
            }
            Op::Float(dst, value) => {
                self.immediate(*dst, FLOAT);
                let value = *value;
                self.set_float(*dst, |code| code.wasm(Instruction::F64Const(value.into())));
            }
            Op::Text(dst, text) => {
                let constant = self.tables.text(text.as_str());
                self.constant_into(*dst, constant, &py_text);
            }
            Op::Big(dst, digits) => {
                let constant = self.tables.text(digits.as_str());
                self.constant_into(*dst, constant, &py_big);
            }
            Op::Bytes(dst, bytes) => {
                let text: String = bytes.iter().map(|b| char::from(*b)).collect();
                let constant = self.tables.text(text);
                self.constant_into(*dst, constant, &py_bytes);
            }
            Op::Copy { dst, src } => self.copy(*dst, *src, hot),
            Op::Check { slot, name, free } => {
                self.tag(*slot);
                self.push(Ir::I32(UNBOUND as i32));
                self.push(Ir::Eq);
                self.open_if();
                let name = self.tables.text(name.as_str());
                self.push(Ir::I32(name as i32));
                self.push(Ir::I32(i32::from(*free)));
                self.call(&py_unbound);
                self.wasm(Instruction::Drop);
                self.raise();
                self.close();
            }
            Op::Binary { op, inplace, dst, a, b } => {
                self.open_block(super::code::Label::Inner);
                if hot {
                    self.fast_binary(*op, *dst, *a, *b);
                }
                let (a, b) = self.operands(*a, *b);
                self.push(Ir::I32((*op as u32 | u32::from(*inplace) << 8) as i32));
                self.slot(*dst);
                self.operand(a);
                self.operand(b);
                self.call(&py_binary);
                self.raised_if();
                self.close();
            }
            Op::Unary { op, dst, a } => {
                self.push(Ir::I32(*op as i32));
                self.slot(*dst);
                self.slot(*a);
                self.call(&py_unary);
                self.raised_if();
            }
            Op::Compare { op, dst, a, b } => {
                let (a, b) = self.operands(*a, *b);
                self.push(Ir::I32(*op as i32));
                self.slot(*dst);
                self.operand(a);
                self.operand(b);
                self.call(&py_compare);
                self.raised_if();
            }
            Op::Function { dst, function, from } => {
                self.slot(*dst);
                let description = self.descriptions.get(*function as usize).copied().unwrap_or(u32::MAX);
                self.push(Ir::I32(description as i32));
                self.slot(*from);
                self.call(&py_function);
                self.raised_if();
            }
            Op::Rt { import, args } => {
                self.args(args);
                self.call(import);
                self.raised_if();
            }
        }
    }

    /// Ends a block: what it leaves on the stack is told by the result.
    pub fn end(&mut self, end: &End, hot: bool) -> Ended {
        match end {
            End::Jump(to) => Ended::Jump(*to),
            End::Return => {
                self.push(Ir::I32(0));
                self.push(Ir::Return);
                Ended::Done
            }
            End::Raise => {
                self.raise();
                Ended::Done
            }
            End::Yield { resume } => {
                self.push(Ir::I32(2 + *resume as i32));
                self.push(Ir::Return);
                Ended::Done
            }
            End::Truth { slot, then, otherwise } => {
                let truth = |code: &mut Self| {
                    code.slot(*slot);
                    code.call(&py_truth);
                    code.answer();
                };
                match self.kinds.get(*slot) {
                    kinds::BOOL => self.flag(*slot),
                    kinds if hot && kinds & kinds::BOOL != 0 => {
                        self.tag(*slot);
                        self.push(Ir::I32(BOOL as i32));
                        self.push(Ir::Eq);
                        self.word_if(|code| code.flag(*slot), truth);
                    }
                    _ => truth(self),
                }
                Ended::Branch(*then, *otherwise)
            }
            End::Compare {
                op,
                a,
                b,
                then,
                otherwise,
            } => {
                let slow = |code: &mut Self| {
                    let (a, b) = code.operands(*a, *b);
                    code.push(Ir::I32(*op as i32));
                    code.operand(a);
                    code.operand(b);
                    code.call(&py_compare_test);
                    code.answer();
                };
                if hot {
                    self.fast_compare(*op, *a, *b, slow);
                } else {
                    slow(self);
                }
                Ended::Branch(*then, *otherwise)
            }
            End::Test {
                import,
                args,
                then,
                otherwise,
            } => {
                self.args(args);
                self.call(import);
                self.answer();
                Ended::Branch(*then, *otherwise)
            }
            End::Next { dst, iter, body, done } => {
                self.slot(*dst);
                self.slot(*iter);
                self.call(&py_next);
                self.answer();
                Ended::Branch(*body, *done)
            }
            End::Range {
                dst,
                counter,
                body,
                done,
            } => {
                self.fast_range(*dst, *counter);
                Ended::Branch(*body, *done)
            }
            End::Switch { slot, targets } => {
                self.number(*slot);
                self.wasm(Instruction::I32WrapI64);
                Ended::Table(targets.clone())
            }
        }
    }

    /// Leaves the word on the stack unless it says that an exception is pending.
    fn answer(&mut self) {
        self.push(Ir::Tee(STATUS));
        self.push(Ir::I32(RAISED));
        self.push(Ir::Eq);
        self.raised_if();
        self.push(Ir::Get(STATUS));
    }

    /// A constant object; nothing can go wrong.
    fn constant_into(&mut self, dst: Slot, constant: u32, import: &'static Import) {
        self.slot(dst);
        self.push(Ir::I32(constant as i32));
        self.call(import);
        self.wasm(Instruction::Drop);
    }

    /// Gives up what a slot refers to, and tags it.
    pub fn immediate(&mut self, dst: Slot, tag: u32) {
        self.clear(dst);
        self.set_tag(dst, tag);
    }

    pub fn clear(&mut self, dst: Slot) {
        if self.kinds.is_immediate(dst) {
            return;
        }
        self.tag(dst);
        self.push(Ir::I32(OBJECT));
        self.wasm(Instruction::I32GeU);
        self.open_if();
        self.slot(dst);
        self.call(&py_clear);
        self.wasm(Instruction::Drop);
        self.close();
    }

    fn copy(&mut self, dst: Slot, src: Slot, hot: bool) {
        let known = [src, dst].map(|slot| self.kinds.is_immediate(slot));
        if known == [true; 2] {
            return self.copy_immediate(dst, src);
        }
        let call = |code: &mut Self| {
            code.slot(dst);
            code.slot(src);
            code.call(&py_copy);
            code.wasm(Instruction::Drop);
        };
        if !hot {
            return call(self);
        }
        self.tag(src);
        self.tag(dst);
        self.wasm(Instruction::I32Or);
        self.push(Ir::I32(OBJECT));
        self.wasm(Instruction::I32LtU);
        self.open_if();
        self.copy_immediate(dst, src);
        self.other();
        call(self);
        self.close();
    }

    /// Two operands as the runtime takes them: a number goes to one of the two spare slots behind the frame's own.
    pub fn operands(&mut self, a: Operand, b: Operand) -> (Operand, Operand) {
        let spare = self.function.slots;
        let mut passed = |operand, spare| match operand {
            Operand::Int(value) => {
                self.set_tag(spare, INT);
                self.set_number(spare, |code| code.wasm(Instruction::I64Const(value)));
                Operand::Slot(spare)
            }
            other => other,
        };
        (passed(a, spare), passed(b, spare + 1))
    }

    /// `if` over the word on the stack, both ways leaving a word.
    pub fn word_if(&mut self, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) {
        self.open_word_if();
        then(self);
        self.other();
        otherwise(self);
        self.close();
    }

    /// Keeps the operand's number in a local.
    pub fn load(&mut self, operand: Operand, local: u32) {
        match operand {
            Operand::Slot(slot) => self.number(slot),
            Operand::Int(value) => self.wasm(Instruction::I64Const(value)),
            // No number: what is done in place has looked.
            Operand::Constant(_) => self.unreachable(),
        }
        self.push(Ir::Set(local));
        debug_assert!(local >= A);
    }
}
