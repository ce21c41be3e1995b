//! A program that only says why another one was refused, for those who compare a refusal at run time with ours.

use flow_rt::python::names::Builtin;

use super::mir::{Arg, Block, End, Function, Module, Op, Params};
use super::rt;

/// A program whose body raises `SyntaxError` with this text: the node fails when it is reached, as in the reference.
pub fn refusal(message: String) -> Module {
    const MESSAGE: u32 = 1;
    const EXCEPTION: u32 = 2;
    let class = Builtin::SyntaxError as u32;
    let ops = vec![
        Op::Text(MESSAGE, message),
        Op::Rt {
            import: &rt::py_call_builtin,
            args: vec![
                Arg::Slot(EXCEPTION),
                Arg::Word(class),
                Arg::Slot(MESSAGE),
                Arg::Word(1),
                Arg::Absent,
            ],
        },
        Op::Rt {
            import: &rt::py_raise,
            args: vec![Arg::Slot(EXCEPTION), Arg::Absent],
        },
    ];
    let block = Block {
        ops,
        end: End::Raise,
        unwind: None,
        hot: false,
    };
    let body = Function {
        name: "<module>".to_owned(),
        qualname: "<module>".to_owned(),
        params: Params::default(),
        captures: 0,
        generator: false,
        slots: EXCEPTION + 1,
        blocks: vec![block],
        constants: Vec::new(),
    };
    Module {
        functions: vec![body],
        globals: Vec::new(),
        entry: "transform".to_owned(),
    }
}
