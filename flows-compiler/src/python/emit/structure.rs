//! Structured control flow from a reducible graph (Ramsey: "Beyond Relooper").
//!
//! A block that several others jump to is placed behind the wasm block that its immediate dominator opens for it; a loop header
//! opens a wasm loop; every other block stands where its one predecessor jumps to it.

use super::code::{Code, Label, Target};
use super::order::Order;
use crate::python::mir::BlockId;

/// What is still to be written. A list instead of recursion: nesting in the source must not be nesting on the host's stack.
enum Todo {
    /// A block and everything that it dominates.
    Tree(BlockId),
    /// A block without the blocks that follow it.
    Body(BlockId),
    /// The end of the innermost wasm block or loop.
    Close,
    /// The `else` of the innermost `if`.
    Else,
    /// A jump, from the block named first.
    Jump(BlockId, BlockId),
}

pub fn emit(code: &mut Code, order: &Order) {
    let mut todo = vec![Todo::Tree(0)];
    while let Some(next) = todo.pop() {
        match next {
            Todo::Tree(block) => {
                let mut inside = Vec::new();
                if order.header[block as usize] {
                    code.open_loop(Label::Head(block));
                    inside.push(Todo::Close);
                }
                // The last in order stands outermost; its code comes after the end of its wasm block.
                for follow in &order.follow[block as usize] {
                    code.open_block(Label::Follow(*follow));
                    inside.push(Todo::Tree(*follow));
                    inside.push(Todo::Close);
                }
                inside.push(Todo::Body(block));
                todo.extend(inside);
            }
            Todo::Close => code.close(),
            Todo::Else => code.other(),
            Todo::Jump(from, to) => {
                let (here, there) = (order.place[from as usize], order.place[to as usize]);
                if there <= here {
                    code.jump(Label::Head(to));
                } else if order.merge[to as usize] {
                    code.jump(Label::Follow(to));
                } else {
                    todo.push(Todo::Tree(to));
                }
            }
            Todo::Body(block) => {
                let unwind = code.function.blocks[block as usize].unwind;
                let label = unwind.map(|to| {
                    if order.place[to as usize] <= order.place[block as usize] {
                        Label::Head(to)
                    } else {
                        Label::Follow(to)
                    }
                });
                code.unwind(Target::of(label));
                match code.body(block) {
                    Ended::Done => {}
                    Ended::Jump(to) => todo.push(Todo::Jump(block, to)),
                    Ended::Branch(then, otherwise) => {
                        code.open_if();
                        todo.extend([Todo::Close, Todo::Jump(block, otherwise), Todo::Else, Todo::Jump(block, then)]);
                    }
                    Ended::Table(targets) => {
                        let labels: Vec<Label> = targets
                            .iter()
                            .map(|to| {
                                if order.place[*to as usize] <= order.place[block as usize] {
                                    Label::Head(*to)
                                } else {
                                    Label::Follow(*to)
                                }
                            })
                            .collect();
                        code.table(&labels);
                    }
                }
            }
        }
    }
}

/// How a block's code ends, its condition or number being on the stack.
pub enum Ended {
    /// It has left the function.
    Done,
    Jump(BlockId),
    /// A word: not zero goes to the first.
    Branch(BlockId, BlockId),
    Table(Vec<BlockId>),
}
