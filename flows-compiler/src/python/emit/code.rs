//! The code of one function while it is written: labels, slots, calls.

use wasm_encoder::{BlockType, Instruction, MemArg, MemArgTarget};

use super::kinds::Kinds;
use super::structure::Ended;
use crate::codegen::{Import, Op, Tables};
use crate::python::mir::{Arg, BlockId, Constant, Function, Operand, Slot};

/// Locals: 0 the frame, 1 the state, then these.
pub const STATUS: u32 = 2;
pub const PC: u32 = 3;
/// How many words beside the parameters, and how many 64-bit locals after them.
pub const WORDS: u32 = 2;
pub const WIDE: u32 = 3;
/// 64-bit scratch.
pub const A: u32 = 4;
pub const B: u32 = 5;
pub const R: u32 = 6;

/// Slots behind the frame's own, for operands that are numbers.
pub const SPARE: u32 = 2;

/// Bytes of a slot, and where in it the tag, a boolean and a number are (`flow-rt`, `python/object.rs`).
const SLOT: u32 = 16;
const FLAG: u32 = 4;
const NUMBER: u32 = 8;

/// An absent slot or constant.
const ABSENT: i32 = -1;

/// What a wasm block or loop is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// The loop that begins with this block.
    Head(BlockId),
    /// The block behind the wasm block.
    Follow(BlockId),
    /// The loop around a jump table.
    Again,
    /// No jump's target but those of the code that opened it.
    Inner,
    /// Leaves the function with an exception pending.
    Raised,
}

/// Where an exception goes.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    Leave,
    Label(Label),
    /// Through the jump table.
    Dispatch(BlockId),
}

impl Target {
    pub fn of(label: Option<Label>) -> Target {
        label.map_or(Target::Leave, Target::Label)
    }
}

pub struct Code<'a> {
    pub function: &'a Function,
    pub descriptions: &'a [u32],
    pub tables: &'a mut Tables,
    pub kinds: Kinds,
    ops: Vec<Op>,
    labels: Vec<Label>,
    unwind: Target,
}

impl<'a> Code<'a> {
    pub fn new(function: &'a Function, descriptions: &'a [u32], tables: &'a mut Tables) -> Self {
        let mut code = Code {
            function,
            descriptions,
            tables,
            kinds: Kinds::of(function),
            ops: Vec::new(),
            labels: Vec::new(),
            unwind: Target::Leave,
        };
        code.open_block(Label::Raised);
        code
    }

    /// The instructions; what leaves the last block with an exception ends here.
    pub fn finish(mut self) -> Vec<Op> {
        self.unreachable();
        self.close();
        self.ops.push(Op::I32(1));
        self.ops
    }

    pub fn push(&mut self, op: Op) {
        self.ops.push(op);
    }

    pub fn wasm(&mut self, instruction: Instruction<'static>) {
        self.ops.push(Op::Wasm(instruction));
    }

    pub fn unwind(&mut self, target: Target) {
        self.unwind = target;
    }

    // Blocks and jumps.

    pub fn open_block(&mut self, label: Label) {
        self.labels.push(label);
        self.ops.push(Op::Block);
    }
    pub fn open_loop(&mut self, label: Label) {
        self.labels.push(label);
        self.wasm(Instruction::Loop(BlockType::Empty));
    }
    /// By the word on the stack.
    pub fn open_if(&mut self) {
        self.labels.push(Label::Inner);
        self.ops.push(Op::If);
    }
    /// As [`Code::open_if`], leaving a word.
    pub fn open_word_if(&mut self) {
        self.labels.push(Label::Inner);
        self.wasm(Instruction::If(BlockType::Result(wasm_encoder::ValType::I32)));
    }
    pub fn other(&mut self) {
        self.wasm(Instruction::Else);
    }
    pub fn close(&mut self) {
        self.labels.pop();
        self.ops.push(Op::End);
    }
    pub fn unreachable(&mut self) {
        self.wasm(Instruction::Unreachable);
    }

    fn depth(&self, label: Label) -> u32 {
        let found = self.labels.iter().rev().position(|open| *open == label);
        // Every label that a jump names encloses the jump; a wrong one leaves the function as if it had raised.
        found.unwrap_or(self.labels.len().saturating_sub(1)) as u32
    }
    pub fn jump(&mut self, label: Label) {
        let depth = self.depth(label);
        self.wasm(Instruction::Br(depth));
    }
    /// Jumps to the innermost block that is `depth` out when the word on the stack is not zero.
    pub fn jump_if(&mut self, depth: u32) {
        self.ops.push(Op::BrIf(depth));
    }
    /// By the number on the stack; one out of range takes the last.
    pub fn table(&mut self, labels: &[Label]) {
        let depths: Vec<u32> = labels.iter().map(|label| self.depth(*label)).collect();
        let last = depths.last().copied().unwrap_or(0);
        self.wasm(Instruction::BrTable(depths.into(), last));
    }

    /// Goes where an exception goes if the word on the stack is not zero.
    pub fn raised_if(&mut self) {
        match self.unwind {
            Target::Leave => {
                let depth = self.depth(Label::Raised);
                self.jump_if(depth);
            }
            Target::Label(label) => {
                let depth = self.depth(label);
                self.jump_if(depth);
            }
            Target::Dispatch(to) => {
                self.open_if();
                self.ops.extend([Op::I32(to as i32), Op::Set(PC)]);
                self.jump(Label::Again);
                self.close();
            }
        }
    }
    pub fn raise(&mut self) {
        match self.unwind {
            Target::Leave => self.jump(Label::Raised),
            Target::Label(label) => self.jump(label),
            Target::Dispatch(to) => {
                self.ops.extend([Op::I32(to as i32), Op::Set(PC)]);
                self.jump(Label::Again);
            }
        }
    }

    // Slots.

    /// The address of a slot.
    pub fn slot(&mut self, slot: Slot) {
        self.ops.push(Op::Get(0));
        if slot != 0 {
            self.ops.extend([Op::I32((slot * SLOT) as i32), Op::Add]);
        }
    }
    /// A constant object in place of a slot's address, told from one by its lowest bits (`flow-rt`, `python/state.rs`).
    pub fn constant(&mut self, number: u32) {
        let word = match self.function.constants.get(number as usize) {
            Some(Constant::Text(text)) => self.tables.text(text.as_str()) << 2 | 1,
            Some(Constant::Builtin(builtin)) => builtin << 2 | 3,
            None => 1,
        };
        self.ops.push(Op::I32(word as i32));
    }
    /// What the runtime reads an operand from. A number has a slot of its own ([`Code::operands`]).
    pub fn operand(&mut self, operand: Operand) {
        match operand {
            Operand::Slot(slot) => self.slot(slot),
            Operand::Constant(number) => self.constant(number),
            Operand::Int(_) => self.slot(self.function.slots),
        }
    }
    fn place(slot: Slot, offset: u32, align: u32) -> MemArg {
        MemArg {
            offset: u64::from(slot * SLOT + offset),
            align,
            target: MemArgTarget::Memory(0),
            ordering: None,
        }
    }
    pub fn tag(&mut self, slot: Slot) {
        self.ops.push(Op::Get(0));
        self.wasm(Instruction::I32Load(Self::place(slot, 0, 2)));
    }
    pub fn set_tag(&mut self, slot: Slot, tag: u32) {
        self.ops.extend([Op::Get(0), Op::I32(tag as i32)]);
        self.wasm(Instruction::I32Store(Self::place(slot, 0, 2)));
    }
    pub fn flag(&mut self, slot: Slot) {
        self.ops.push(Op::Get(0));
        self.wasm(Instruction::I32Load8U(Self::place(slot, FLAG, 0)));
    }
    pub fn number(&mut self, slot: Slot) {
        self.ops.push(Op::Get(0));
        self.wasm(Instruction::I64Load(Self::place(slot, NUMBER, 3)));
    }
    pub fn float(&mut self, slot: Slot) {
        self.ops.push(Op::Get(0));
        self.wasm(Instruction::F64Load(Self::place(slot, NUMBER, 3)));
    }
    /// Stores what `value` leaves on the stack; the slot's tag is set by the caller.
    pub fn set_number(&mut self, slot: Slot, value: impl FnOnce(&mut Self)) {
        self.ops.push(Op::Get(0));
        value(self);
        self.wasm(Instruction::I64Store(Self::place(slot, NUMBER, 3)));
    }
    pub fn set_float(&mut self, slot: Slot, value: impl FnOnce(&mut Self)) {
        self.ops.push(Op::Get(0));
        value(self);
        self.wasm(Instruction::F64Store(Self::place(slot, NUMBER, 3)));
    }
    pub fn set_flag(&mut self, slot: Slot, value: impl FnOnce(&mut Self)) {
        self.ops.push(Op::Get(0));
        value(self);
        self.wasm(Instruction::I32Store(Self::place(slot, FLAG, 2)));
    }
    /// Copies an immediate, in the pieces in which the runtime and this code write objects: to read several writes at once would have the
    /// processor wait for them.
    pub fn copy_immediate(&mut self, dst: Slot, src: Slot) {
        for offset in [0, FLAG] {
            self.ops.extend([Op::Get(0), Op::Get(0)]);
            self.wasm(Instruction::I32Load(Self::place(src, offset, 2)));
            self.wasm(Instruction::I32Store(Self::place(dst, offset, 2)));
        }
        self.set_number(dst, |code| code.number(src));
    }

    // Calls.

    pub fn call(&mut self, import: &'static Import) {
        self.ops.push(Op::Runtime(import));
    }
    pub fn args(&mut self, args: &[Arg]) {
        for arg in args {
            match arg {
                Arg::Slot(slot) => self.slot(*slot),
                Arg::Constant(number) => self.constant(*number),
                Arg::Word(word) => self.ops.push(Op::I32(*word as i32)),
                Arg::Text(text) => {
                    let constant = self.tables.text(text.as_str());
                    self.ops.push(Op::I32(constant as i32));
                }
                Arg::Names(names) => {
                    let list = serde_json::Value::from(names.clone()).to_string();
                    let constant = self.tables.json(list);
                    self.ops.push(Op::I32(constant as i32));
                }
                Arg::Absent => self.ops.push(Op::I32(ABSENT)),
            }
        }
    }

    /// A block's operations and the beginning of its end.
    pub fn body(&mut self, block: BlockId) -> Ended {
        let function = self.function;
        let block = &function.blocks[block as usize];
        self.kinds.enter();
        for op in &block.ops {
            self.op(op, block.hot);
            self.kinds.after(op);
        }
        self.end(&block.end, block.hot)
    }
}
