//! The middle form of a Python code node: functions of basic blocks over numbered slots.
//!
//! The front end (`lower`) writes it from the syntax tree, the back end (`emit`) turns it into WebAssembly. It knows neither
//! Python's syntax nor WebAssembly. A slot holds one Python object in the runtime's value stack; an operation names slots of
//! its own frame only.
//!
//! A frame is laid out like this: slot 0 is what the function returns or yields; then the positional parameters, the
//! keyword-only parameters, `*args` and `**kwargs` if there are any, the cells captured from enclosing functions; then locals
//! and temporaries as the front end likes. Slots that no caller fills begin as [`Op::Unbound`]. The runtime clears a frame when its
//! function has ended, so nothing needs to be dropped by hand.

/// Operators are the runtime's own: the numbers that compiled code passes cannot differ.
pub use flow_rt::python::arith::{BinaryOp, UnaryOp};
pub use flow_rt::python::compare::CompareOp;

use crate::codegen::Import;

pub type Slot = u32;
pub type BlockId = u32;

/// One code node's program.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// The first is the module's body, which takes nothing and runs before each call.
    pub functions: Vec<Function>,
    /// Names of global variables, by their number.
    pub globals: Vec<String>,
    /// The global that holds the function to call.
    pub entry: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    pub name: String,
    /// As `__qualname__`: what error messages say (`outer.<locals>.inner`).
    pub qualname: String,
    pub params: Params,
    /// How many cells it captures; they follow the parameters in the frame.
    pub captures: u32,
    /// True: a call makes a generator, whose body begins at block 0 when it is first advanced.
    pub generator: bool,
    /// Size of the frame.
    pub slots: u32,
    /// The first is the entry.
    pub blocks: Vec<Block>,
    /// Objects that operations use where they are, by number.
    pub constants: Vec<Constant>,
}

/// An object that is the same each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Constant {
    Text(String),
    /// By its index in `flow_rt::python::names::BUILTINS`.
    Builtin(u32),
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Params {
    /// Positional parameters; the first `positional_only` cannot be named by a caller.
    pub positional: Vec<String>,
    pub positional_only: u32,
    /// How many of the last positional parameters have defaults.
    pub defaults: u32,
    /// Keyword-only parameters, and whether each has a default.
    pub keyword_only: Vec<(String, bool)>,
    pub vararg: Option<String>,
    pub kwarg: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    pub ops: Vec<Op>,
    pub end: End,
    /// Where an exception of this block goes, the exception being pending in the runtime; none: out of the function.
    pub unwind: Option<BlockId>,
    /// True inside a loop of the source: worth the room that fast paths take.
    pub hot: bool,
}

/// An operand of arithmetic: a slot, a small integer, or a constant of the function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Operand {
    Slot(Slot),
    Int(i64),
    Constant(u32),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    None(Slot),
    Bool(Slot, bool),
    Int(Slot, i64),
    Float(Slot, f64),
    /// Makes the slot hold nothing: a variable that is not assigned (yet, or any more).
    Unbound(Slot),
    /// An integer beyond 64 bits, in decimal.
    Big(Slot, String),
    Text(Slot, String),
    Bytes(Slot, Vec<u8>),
    Copy {
        dst: Slot,
        src: Slot,
    },
    /// Raises when the slot holds nothing, naming the variable: `UnboundLocalError`, or `NameError` if it is `free`, of a scope around.
    Check {
        slot: Slot,
        name: String,
        free: bool,
    },
    /// `inplace`: an augmented assignment (a list is changed, not copied).
    Binary {
        op: BinaryOp,
        inplace: bool,
        dst: Slot,
        a: Operand,
        b: Operand,
    },
    Unary {
        op: UnaryOp,
        dst: Slot,
        a: Slot,
    },
    Compare {
        op: CompareOp,
        dst: Slot,
        a: Operand,
        b: Operand,
    },
    /// A function object. Its defaults (positional, then those of keyword-only parameters that have one) and then its cells are
    /// in consecutive slots from `from`.
    Function {
        dst: Slot,
        function: u32,
        from: Slot,
    },
    /// Any other runtime function.
    Rt {
        import: &'static Import,
        args: Vec<Arg>,
    },
}

/// An argument of a runtime function.
#[derive(Debug, Clone, PartialEq)]
pub enum Arg {
    Slot(Slot),
    /// In place of a slot: a constant of the function.
    Constant(u32),
    Word(u32),
    /// A constant text: a name, or what the function's description says.
    Text(String),
    /// Names of keyword arguments, as a constant list.
    Names(Vec<String>),
    /// No slot, no constant.
    Absent,
}

#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Jump(BlockId),
    /// By the truth of a slot; may raise.
    Truth {
        slot: Slot,
        then: BlockId,
        otherwise: BlockId,
    },
    Compare {
        op: CompareOp,
        a: Operand,
        b: Operand,
        then: BlockId,
        otherwise: BlockId,
    },
    /// A runtime function that answers 1 (`then`), 0 (`otherwise`) or 2 (raised).
    Test {
        import: &'static Import,
        args: Vec<Arg>,
        then: BlockId,
        otherwise: BlockId,
    },
    /// The next item of the iterator in `iter` goes to `dst`.
    Next {
        dst: Slot,
        iter: Slot,
        body: BlockId,
        done: BlockId,
    },
    /// A counting loop: the three slots from `counter` hold the next number, the stop and the step (made by `rt::py_range`).
    Range {
        dst: Slot,
        counter: Slot,
        body: BlockId,
        done: BlockId,
    },
    /// By the integer in a slot, which is always in range.
    Switch {
        slot: Slot,
        targets: Vec<BlockId>,
    },
    /// Slot 0 is the result.
    Return,
    /// The exception pending in the runtime leaves the block.
    Raise,
    /// Slot 0 is the value; on going on it holds what was sent (`None` for `next`).
    Yield {
        resume: BlockId,
    },
}
