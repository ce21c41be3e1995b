//! Writing one function: blocks, operations, temporaries.
//!
//! Owns the frame's layout and the blocks of the function being written; knows nothing of syntax. Operations that are written where
//! nothing leads to are dropped.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::exits::Context;
use crate::codegen::Import;
use crate::python::mir::{Arg, Block, BlockId, CompareOp, Constant, End, Op, Operand, Slot};
use crate::python::rt;
use crate::python::scope::{ScopeId, Variable};

/// The function that is being written.
#[derive(Debug)]
pub(super) struct Frame {
    /// The function's own scope.
    pub(super) host: ScopeId,
    /// The scope being lowered: the host, or a comprehension or class body within it.
    pub(super) scope: ScopeId,
    pub(super) qualname: String,
    /// Slots of variables; a captured one's slot holds its cell.
    pub(super) variables: HashMap<Variable, Slot>,
    /// Slots of the dicts of class bodies.
    pub(super) namespaces: HashMap<ScopeId, Slot>,
    /// The first parameter, for `super()`.
    pub(super) first: Option<String>,
    /// What a jump out of here passes, the innermost last.
    pub(super) contexts: Vec<Context>,
    /// Slots of the exceptions that are being handled, the innermost last.
    pub(super) handled: Vec<Slot>,
    /// Where exceptions go.
    pub(super) unwind: Option<BlockId>,
    /// How many loops are around.
    pub(super) loops: u32,
    blocks: Vec<Block>,
    constants: IndexSet<Constant>,
    here: Option<BlockId>,
    next: Slot,
    most: Slot,
}

impl Frame {
    /// A function whose caller fills the slots before `filled`.
    pub(super) fn new(host: ScopeId, qualname: String, filled: Slot) -> Self {
        let mut frame = Self {
            host,
            scope: host,
            qualname,
            variables: HashMap::new(),
            namespaces: HashMap::new(),
            first: None,
            contexts: Vec::new(),
            handled: Vec::new(),
            unwind: None,
            loops: 0,
            blocks: Vec::new(),
            constants: IndexSet::new(),
            here: None,
            next: filled,
            most: filled,
        };
        let entry = frame.block();
        frame.start(entry);
        frame
    }

    pub(super) fn temp(&mut self) -> Slot {
        self.temps(1)
    }

    /// Consecutive temporaries.
    pub(super) fn temps(&mut self, n: usize) -> Slot {
        let first = self.next;
        self.next += u32::try_from(n).unwrap_or(u32::MAX / 2);
        self.most = self.most.max(self.next);
        first
    }

    /// What [`Self::release`] goes back to.
    pub(super) fn mark(&self) -> Slot {
        self.next
    }

    pub(super) fn release(&mut self, mark: Slot) {
        self.next = mark;
    }

    pub(super) fn block(&mut self) -> BlockId {
        self.blocks.push(Block {
            ops: Vec::new(),
            end: End::Return,
            unwind: None,
            hot: false,
        });
        (self.blocks.len() - 1) as BlockId
    }

    /// Goes on in a block, under the handlers and loops of this place.
    pub(super) fn start(&mut self, block: BlockId) {
        if let Some(open) = self.here {
            self.finish(open, End::Jump(block));
        }
        let (unwind, hot) = (self.unwind, self.loops > 0);
        if let Some(block) = self.blocks.get_mut(block as usize) {
            block.unwind = unwind;
            block.hot = hot;
        }
        self.here = Some(block);
    }

    /// Begins a new block because the handlers or loops have changed.
    pub(super) fn cut(&mut self) {
        if self.here.is_some() {
            let next = self.block();
            self.start(next);
        }
    }

    pub(super) fn is_reached(&self) -> bool {
        self.here.is_some()
    }

    pub(super) fn op(&mut self, op: Op) {
        if let Some(block) = self.here.and_then(|at| self.blocks.get_mut(at as usize)) {
            block.ops.push(op);
        }
    }

    pub(super) fn rt(&mut self, import: &'static Import, args: impl Into<Vec<Arg>>) {
        let args = args.into();
        self.op(Op::Rt { import, args });
    }

    pub(super) fn end(&mut self, end: End) {
        if let Some(block) = self.here.take() {
            self.finish(block, end);
        }
    }

    fn finish(&mut self, block: BlockId, end: End) {
        if let Some(block) = self.blocks.get_mut(block as usize) {
            block.end = end;
        }
    }

    pub(super) fn jump(&mut self, to: BlockId) {
        self.end(End::Jump(to));
    }

    pub(super) fn copy(&mut self, dst: Slot, src: Slot) {
        if dst != src {
            self.op(Op::Copy { dst, src });
        }
    }

    pub(super) fn text(&mut self, dst: Slot, text: &str) {
        self.op(Op::Text(dst, text.to_owned()));
    }

    pub(super) fn compare(&mut self, op: CompareOp, a: Operand, b: Operand, then: BlockId, otherwise: BlockId) {
        self.end(End::Compare {
            op,
            a,
            b,
            then,
            otherwise,
        });
    }

    pub(super) fn truth(&mut self, slot: Slot, then: BlockId, otherwise: BlockId) {
        self.end(End::Truth { slot, then, otherwise });
    }

    pub(super) fn test(&mut self, import: &'static Import, args: Vec<Arg>, then: BlockId, otherwise: BlockId) {
        self.end(End::Test {
            import,
            args,
            then,
            otherwise,
        });
    }

    /// The block where the pending exception arrives; takes it into `exception`.
    pub(super) fn catch(&mut self, block: BlockId, exception: Slot) {
        self.start(block);
        self.rt(&rt::py_catch, [Arg::Slot(exception)]);
    }

    /// Raises the caught exception in a slot again.
    pub(super) fn reraise(&mut self, exception: Slot) {
        self.rt(&rt::py_reraise, [Arg::Slot(exception)]);
        self.end(End::Raise);
    }

    /// The number of a constant object of this function.
    pub(super) fn constant(&mut self, constant: Constant) -> u32 {
        self.constants.insert_full(constant).0 as u32
    }

    /// The frame's size, its blocks, those that nothing leads to left out, and its constants.
    pub(super) fn done(self) -> (Slot, Vec<Block>, Vec<Constant>) {
        (
            self.most,
            super::prune::prune(self.blocks),
            self.constants.into_iter().collect(),
        )
    }
}
