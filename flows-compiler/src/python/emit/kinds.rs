//! What kinds of objects a slot may hold, as far as the operations of its function say: which fast paths are worth their room.
//!
//! A mask for each slot over the whole function, and a narrower one within a block, where the order of the operations is known. A mask
//! names at least every kind that the slot can hold there; what is not known to be less is [`ANY`].

use flow_rt::python::names::Builtin;

use crate::python::mir::{Arg, BinaryOp, Block, CompareOp, End, Function, Op, Operand, Slot, UnaryOp};
use crate::python::rt;

/// Kinds, one bit each.
pub type Mask = u8;

pub const NONE: Mask = 1;
pub const BOOL: Mask = 2;
pub const INT: Mask = 4;
pub const FLOAT: Mask = 8;
const UNBOUND: Mask = 16;
const BIG: Mask = 32;
const OTHER: Mask = 64;
pub const ANY: Mask = NONE | BOOL | INT | FLOAT | UNBOUND | BIG | OTHER;
const WHOLE: Mask = BOOL | INT | BIG;
/// These are no references.
const IMMEDIATES: Mask = NONE | BOOL | INT | FLOAT | UNBOUND;

/// A function that needs more rounds than this is not worth them.
const ROUNDS: usize = 8;
/// Nor is one with more places (blocks by slots) than this.
const PLACES: usize = 1 << 21;
/// Slots that a runtime function may change behind one that it is given, beyond those that its words count.
const BEHIND: u32 = 4;

/// The masks of one function, and those of the place in a block that is being written.
pub struct Kinds {
    whole: Vec<Mask>,
    here: Vec<Mask>,
}

impl Kinds {
    pub fn of(function: &Function) -> Kinds {
        let mut whole = vec![UNBOUND; function.slots as usize];
        let params = &function.params;
        let filled = 1
            + params.positional.len()
            + params.keyword_only.len()
            + usize::from(params.vararg.is_some())
            + usize::from(params.kwarg.is_some())
            + function.captures as usize;
        // Slot 0 is also what a generator is sent.
        whole.iter_mut().take(filled).for_each(|mask| *mask = ANY);
        if function.blocks.len().saturating_mul(whole.len()) > PLACES {
            whole.clear();
        }
        let mut kinds = Kinds {
            here: whole.clone(),
            whole,
        };
        for _ in 0..ROUNDS {
            let before = kinds.whole.clone();
            function.blocks.iter().for_each(|block| kinds.walk(block));
            if kinds.whole == before {
                return kinds;
            }
        }
        kinds.whole.fill(ANY);
        kinds
    }

    fn walk(&mut self, block: &Block) {
        self.enter();
        block.ops.iter().for_each(|op| self.after(op));
        match &block.end {
            End::Next { dst, .. } => self.set(*dst, ANY),
            End::Range { dst, counter, .. } => {
                self.set(*dst, INT);
                self.set(*counter, INT);
            }
            End::Test { import, args, .. } if import.name == rt::py_range_more.name => {
                if let [Arg::Slot(dst), Arg::Slot(counter)] = args.as_slice() {
                    self.set(*dst, INT | BIG);
                    self.anything(*counter, BEHIND);
                }
            }
            End::Test { args, .. } => self.unknown(args),
            _ => {}
        }
    }

    /// Begins a block.
    pub fn enter(&mut self) {
        self.here.clone_from(&self.whole);
    }

    pub fn get(&self, slot: Slot) -> Mask {
        self.here.get(slot as usize).copied().unwrap_or(ANY)
    }

    pub fn may_be(&self, operand: Operand, mask: Mask) -> bool {
        self.operand(operand) & mask != 0
    }

    /// Whether the slot surely holds no reference.
    pub fn is_immediate(&self, slot: Slot) -> bool {
        self.get(slot) & !IMMEDIATES == 0
    }

    fn operand(&self, operand: Operand) -> Mask {
        match operand {
            Operand::Slot(slot) => self.get(slot),
            Operand::Int(_) => INT,
            Operand::Constant(_) => OTHER,
        }
    }

    fn set(&mut self, slot: Slot, mask: Mask) {
        if let (Some(here), Some(whole)) = (self.here.get_mut(slot as usize), self.whole.get_mut(slot as usize)) {
            *here = mask;
            *whole |= mask;
        }
    }

    /// Notes what a call of the runtime leaves.
    fn called(&mut self, name: &str, args: &[Arg]) {
        match name {
            // These only read what they are given.
            "py_setitem" | "py_delitem" | "py_list_append" | "py_list_extend" | "py_set_add" | "py_dict_set" | "py_require"
            | "py_global_set" | "py_setattr" | "py_cell_set" => {}
            "py_builtin1" if is_of(args, Builtin::Len) => self.given(args, INT),
            "py_builtin2" if is_of(args, Builtin::Isinstance) => self.given(args, BOOL),
            "py_builtin1" | "py_builtin2" | "py_method0" | "py_method1" | "py_method2" | "py_getitem" | "py_getattr"
            | "py_global_get" | "py_cell_get" | "py_iter" | "py_format" | "py_builtin" | "py_module" | "py_slice" => {
                self.given(args, ANY);
            }
            "py_list" | "py_tuple" | "py_set" | "py_dict" | "py_call" | "py_call_builtin" | "py_call_method" | "py_join" => {
                self.given(args, ANY);
                for pair in args.windows(2) {
                    if let [Arg::Slot(from), Arg::Word(count)] = pair {
                        // A dict's are pairs.
                        self.anything(*from, count.saturating_mul(2));
                    }
                }
            }
            _ => self.unknown(args),
        }
    }

    /// The first argument is where the result goes.
    fn given(&mut self, args: &[Arg], mask: Mask) {
        if let Some(Arg::Slot(dst)) = args.first() {
            self.set(*dst, mask);
        }
    }

    fn anything(&mut self, from: Slot, count: u32) {
        let end = (self.here.len() as u32).min(from.saturating_add(count));
        (from..end).for_each(|slot| self.set(slot, ANY));
    }

    /// Whatever a runtime function is given may hold anything afterwards, and so may what stands behind it.
    fn unknown(&mut self, args: &[Arg]) {
        let counted = args.iter().map(|arg| match arg {
            Arg::Word(word) => *word,
            Arg::Names(names) => names.len() as u32,
            _ => 0,
        });
        let behind = counted.fold(0, u32::max).saturating_add(BEHIND);
        for arg in args {
            if let Arg::Slot(slot) = arg {
                self.anything(*slot, behind);
            }
        }
    }

    /// Notes what an operation leaves.
    pub fn after(&mut self, op: &Op) {
        match op {
            Op::None(dst) => self.set(*dst, NONE),
            Op::Bool(dst, _) => self.set(*dst, BOOL),
            Op::Int(dst, _) => self.set(*dst, INT),
            Op::Float(dst, _) => self.set(*dst, FLOAT),
            Op::Unbound(dst) => self.set(*dst, UNBOUND),
            Op::Big(dst, _) => self.set(*dst, BIG),
            Op::Text(dst, _) | Op::Bytes(dst, _) => self.set(*dst, OTHER),
            Op::Copy { dst, src } => self.set(*dst, self.get(*src)),
            Op::Check { .. } => {}
            Op::Binary { op, dst, a, b, .. } => {
                let mask = binary(*op, self.operand(*a), self.operand(*b));
                self.set(*dst, mask);
            }
            Op::Unary { op, dst, a } => {
                let mask = unary(*op, self.get(*a));
                self.set(*dst, mask);
            }
            Op::Compare { op, dst, a, b } => {
                let mask = compared(*op, self.operand(*a) | self.operand(*b));
                self.set(*dst, mask);
            }
            Op::Function { dst, .. } => self.set(*dst, ANY),
            Op::Rt { import, args } => self.called(import.name, args),
        }
    }
}

fn is_of(args: &[Arg], builtin: Builtin) -> bool {
    matches!(args.get(1), Some(Arg::Word(number)) if *number == builtin as u32)
}

fn binary(op: BinaryOp, a: Mask, b: Mask) -> Mask {
    use BinaryOp::*;
    if (a | b) & OTHER != 0 {
        return ANY;
    }
    match op {
        Add | Sub | Mul | FloorDiv | Mod => {
            let whole = if a & WHOLE != 0 && b & WHOLE != 0 { INT | BIG } else { 0 };
            whole | (a | b) & FLOAT
        }
        TrueDiv => FLOAT,
        And | Or | Xor => WHOLE,
        LShift | RShift => INT | BIG,
        Pow => INT | BIG | FLOAT,
        MatMul => ANY,
    }
}

fn unary(op: UnaryOp, a: Mask) -> Mask {
    match op {
        UnaryOp::Not => BOOL,
        _ if a & OTHER != 0 => ANY,
        _ => (if a & WHOLE != 0 { INT | BIG } else { 0 }) | a & FLOAT,
    }
}

/// A class may answer a comparison with anything.
fn compared(op: CompareOp, operands: Mask) -> Mask {
    use CompareOp::*;
    match op {
        Is | IsNot | In | NotIn => BOOL,
        _ if operands & OTHER != 0 => ANY,
        _ => BOOL,
    }
}
