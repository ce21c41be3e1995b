//! The compiler's intermediate form: functions over 32-bit words whose calls are still names.

use wasm_encoder::Instruction;

/// One instruction. Operands are on the stack, as in WebAssembly.
#[derive(Debug, Clone)]
pub enum Op {
    I32(i32),
    Get(u32),
    Set(u32),
    Tee(u32),
    Add,
    /// 1 if the top is negative.
    Negative,
    Eq,
    Eqz,
    /// Calls a function of the runtime.
    Runtime(&'static Import),
    /// Calls a function of this flow, by its index in [`Program::functions`].
    Own(u32),
    Block,
    If,
    End,
    BrIf(u32),
    Return,
    /// Any instruction that names no function, type or table.
    Wasm(Instruction<'static>),
}

/// A function of the runtime: its name, how many words it takes, and whether it gives one.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Import {
    pub name: &'static str,
    pub params: u32,
    pub result: bool,
}

/// One function: the words it takes, its further locals, its code. Every function gives one word.
#[derive(Debug)]
pub struct Function {
    /// For people who read the module: the node's id.
    pub name: String,
    pub params: u32,
    pub locals: u32,
    /// Locals of 64 bits, after the others.
    pub wide_locals: u32,
    pub ops: Vec<Op>,
}

/// All functions of a flow; the first [`Program::exported`] are callable through the runtime's function table: the exec nodes in
/// order, then the functions of code nodes.
#[derive(Debug)]
pub struct Program {
    pub functions: Vec<Function>,
    pub exported: u32,
}
