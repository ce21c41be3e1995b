//! Ways out of a place: `break`, `continue` and `return`, and what they pass on the way.
//!
//! A `finally` is written once. Whoever passes it leaves a number in its completion slot, and a switch at its end goes on from there.

use super::Lowerer;
use crate::python::mir::{BlockId, End, Op, Slot};

/// Something that a jump passes.
#[derive(Debug)]
pub(super) enum Context {
    Loop {
        leave: BlockId,
        again: BlockId,
    },
    /// A handler's variable, unbound when the handler is left.
    Name(String),
    Finally(Finally),
}

#[derive(Debug)]
pub(super) struct Finally {
    pub(super) entry: BlockId,
    pub(super) completion: Slot,
    /// Keeps what is returned while the `finally` runs.
    pub(super) value: Slot,
    /// Who passes, and where each goes on; their numbers begin at `first`.
    pub(super) exits: Vec<(Exit, BlockId)>,
    pub(super) first: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Break,
    Continue,
    /// The value is in slot 0.
    Return,
}

impl Lowerer<'_> {
    /// Leaves this place; the block ends.
    pub(super) fn exit(&mut self, exit: Exit) {
        for at in (0..self.frame.contexts.len()).rev() {
            match &mut self.frame.contexts[at] {
                Context::Loop { leave, again } => {
                    let target = match exit {
                        Exit::Break => *leave,
                        Exit::Continue => *again,
                        Exit::Return => continue,
                    };
                    return self.frame.jump(target);
                }
                Context::Name(name) => {
                    let name = name.clone();
                    self.unbind(&name);
                }
                Context::Finally(_) => return self.pass(at, exit),
            }
        }
        // Outside a loop the checks have refused `break` and `continue`.
        self.frame.end(End::Return);
    }

    /// Goes through the `finally` at this place of the contexts.
    fn pass(&mut self, at: usize, exit: Exit) {
        let fresh = self.frame.block();
        let Some(Context::Finally(finally)) = self.frame.contexts.get_mut(at) else {
            return;
        };
        let known = finally.exits.iter().position(|(known, _)| *known == exit);
        let number = known.unwrap_or_else(|| {
            finally.exits.push((exit, fresh));
            finally.exits.len() - 1
        });
        let (entry, completion, value) = (finally.entry, finally.completion, finally.value);
        let number = finally.first + number as i64;
        if exit == Exit::Return {
            self.frame.copy(value, 0);
        }
        self.frame.op(Op::Int(completion, number));
        self.frame.jump(entry);
    }

    /// After the `finally`: each that passed goes on.
    pub(super) fn go_on(&mut self, finally: &Finally) {
        for (exit, block) in &finally.exits {
            self.frame.start(*block);
            if *exit == Exit::Return {
                self.frame.copy(0, finally.value);
            }
            self.exit(*exit);
        }
    }
}
