//! The compiled flow's tables: constants and node records, as the compiler wrote them into the flow's data.
//!
//! Layout (32-bit little-endian words; every offset counts from the table's start):
//!
//! ```text
//! 0 magic "FLW1"  4 constants  8 offset of constants  12 nodes  16 offset of nodes  20 constant: description (JSON)
//! 24 constant: flow id
//! constant: offset, length, kind (0 = JSON text, 1 = UTF-8 string)
//! node: constant id, flags, next node or NONE, constant outputKey or NONE, constant inputKey or NONE, routes, offset of routes
//! route: constant handle, node
//! ```

use std::cell::OnceCell;
use std::rc::Rc;

use super::Node;
use crate::json;
use crate::value::Value;

/// "No such thing" in a table word.
pub const NONE: u32 = u32::MAX;
pub const MAGIC: u32 = u32::from_le_bytes(*b"FLW1");

/// Bits of a node record's flags.
pub mod flag {
    /// `on_flow_end`: ends the run even inside a control block.
    pub const END: u32 = 1;
    /// An effect node that goes on when its effect has failed.
    pub const ABSORBS: u32 = 2;
}

#[derive(Debug, Default)]
pub struct Program {
    table: Vec<u8>,
    consts: Vec<OnceCell<Value>>,
    /// First index of this flow's functions in the runtime's function table.
    pub base: u32,
}

impl Program {
    /// Takes the tables over; they are checked as they are read, since a broken table must not read outside itself.
    pub fn new(table: Vec<u8>, base: u32) -> Self {
        let mut program = Program {
            table,
            consts: Vec::new(),
            base,
        };
        let count = if program.word(0) == MAGIC {
            program.word(4) as usize
        } else {
            0
        };
        let count = count.min(program.table.len() / 12);
        program.consts.resize_with(count, OnceCell::new);
        program
    }

    fn word(&self, at: u32) -> u32 {
        let at = at as usize;
        match self.table.get(at..at + 4) {
            Some(bytes) => u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
            None => 0,
        }
    }

    pub fn node_count(&self) -> u32 {
        self.word(12)
    }

    fn node_at(&self, node: Node) -> u32 {
        self.word(16) + node * 28
    }

    /// Constant `index`; its lists and objects are shared between readers, so a caller that hands it to a flow copies it.
    pub fn constant(&self, index: u32) -> Value {
        let Some(cell) = self.consts.get(index as usize) else {
            return Value::Null;
        };
        cell.get_or_init(|| {
            let at = self.word(8) + index * 12;
            let (offset, len, kind) = (self.word(at) as usize, self.word(at + 4) as usize, self.word(at + 8));
            let bytes = self.table.get(offset..offset + len).unwrap_or_default();
            let text = String::from_utf8_lossy(bytes);
            match kind {
                1 => Value::str(&*text),
                _ => json::parse(&text).unwrap_or_default(),
            }
        })
        .clone()
    }

    /// Constant `index` as text; empty when it is none.
    pub fn text(&self, index: u32) -> Rc<str> {
        match self.constant(index) {
            Value::Str(text) => text,
            _ => Rc::from(""),
        }
    }

    pub fn id(&self, node: Node) -> Rc<str> {
        self.text(self.word(self.node_at(node)))
    }

    pub fn has(&self, node: Node, flag: u32) -> bool {
        self.word(self.node_at(node) + 4) & flag != 0
    }

    /// The node behind a single `exec-out`.
    pub fn next(&self, node: Node) -> Option<Node> {
        some(self.word(self.node_at(node) + 8))
    }

    pub fn output_key(&self, node: Node) -> Option<Rc<str>> {
        some(self.word(self.node_at(node) + 12)).map(|c| self.text(c))
    }

    pub fn input_key(&self, node: Node) -> Option<Rc<str>> {
        some(self.word(self.node_at(node) + 16)).map(|c| self.text(c))
    }

    /// The exec edges out of a node, in the compiler's order.
    pub fn routes(&self, node: Node) -> impl Iterator<Item = (Rc<str>, Node)> + '_ {
        let at = self.node_at(node);
        let (count, offset) = (self.word(at + 20), self.word(at + 24));
        let count = count.min(self.table.len() as u32 / 8);
        (0..count).map(move |i| (self.text(self.word(offset + i * 8)), self.word(offset + i * 8 + 4)))
    }

    pub fn route(&self, node: Node, handle: &str) -> Option<Node> {
        self.routes(node).find(|(h, _)| **h == *handle).map(|(_, target)| target)
    }

    pub fn find(&self, id: &str) -> Option<Node> {
        (0..self.node_count()).find(|n| *self.id(*n) == *id)
    }

    /// The flow's id as its author wrote it.
    pub fn flow_id(&self) -> Rc<str> {
        self.text(self.word(24))
    }

    pub fn description(&self) -> Value {
        self.constant(self.word(20))
    }
}

fn some(word: u32) -> Option<u32> {
    (word != NONE).then_some(word)
}
