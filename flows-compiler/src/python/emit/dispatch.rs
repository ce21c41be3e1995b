//! Control flow as a loop around a jump table: for generators, which go on in their middle.

use std::collections::HashMap;

use wasm_encoder::Instruction;

use super::code::{Code, Label, PC, Target};
use super::structure::Ended;
use crate::codegen::Op;
use crate::python::mir::{BlockId, End};

/// The local with the state.
const STATE: u32 = 1;
/// Added to the state of a generator that is thrown at: the pending exception is raised at the `yield` where it stands (`flow-rt`,
/// `python/generator.rs`).
const RAISE: i32 = 1 << 30;

/// The state of a generator is the number of the block at which it goes on.
pub fn emit(code: &mut Code) {
    let count = code.function.blocks.len() as BlockId;
    // Where an exception goes that is raised at the `yield` before a block.
    let thrown: HashMap<BlockId, Option<BlockId>> = code
        .function
        .blocks
        .iter()
        .filter_map(|block| match block.end {
            End::Yield { resume } => Some((resume, block.unwind)),
            _ => None,
        })
        .collect();
    code.push(Op::Get(STATE));
    code.push(Op::I32(RAISE - 1));
    code.wasm(Instruction::I32And);
    code.push(Op::Set(PC));
    code.open_loop(Label::Again);
    for block in (0..count).rev() {
        code.open_block(Label::Follow(block));
    }
    code.push(Op::Get(PC));
    let labels: Vec<Label> = (0..count).map(Label::Follow).collect();
    code.table(&labels);
    for block in 0..count {
        code.close();
        if let Some(unwind) = thrown.get(&block) {
            code.unwind(unwind.map_or(Target::Leave, Target::Dispatch));
            code.push(Op::Get(STATE));
            code.push(Op::I32(RAISE));
            code.wasm(Instruction::I32And);
            code.open_if();
            code.push(Op::I32(0));
            code.push(Op::Set(STATE));
            code.raise();
            code.close();
        }
        let unwind = code.function.blocks[block as usize].unwind;
        code.unwind(unwind.map_or(Target::Leave, Target::Dispatch));
        match code.body(block) {
            Ended::Done => {}
            Ended::Jump(to) => go(code, to),
            Ended::Branch(then, otherwise) => {
                code.open_if();
                go(code, then);
                code.other();
                go(code, otherwise);
                code.close();
            }
            Ended::Table(targets) => {
                // The number picks the block's own number out of a chain; targets are few.
                code.push(Op::Set(PC));
                for (at, to) in targets.iter().enumerate() {
                    code.push(Op::Get(PC));
                    code.push(Op::I32(at as i32));
                    code.push(Op::Eq);
                    code.open_if();
                    go(code, *to);
                    code.close();
                }
                code.unreachable();
            }
        }
    }
    code.close();
}

fn go(code: &mut Code, to: BlockId) {
    code.push(Op::I32(to as i32));
    code.push(Op::Set(PC));
    code.jump(Label::Again);
}
