//! Any graph of blocks becomes a valid module, reducible or not.

use proptest::prelude::*;

use super::emit;
use crate::codegen::{Program, Tables, encode};
use crate::python::mir::*;
use crate::python::rt;

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        (0..4u32).prop_map(Operand::Slot),
        any::<i64>().prop_map(Operand::Int),
        (0..3u32).prop_map(Operand::Constant),
    ]
}

fn binary() -> impl Strategy<Value = BinaryOp> {
    use BinaryOp::*;
    proptest::sample::select(vec![
        Add, Sub, Mul, TrueDiv, FloorDiv, Mod, Pow, And, Or, Xor, LShift, RShift, MatMul,
    ])
}

fn comparison() -> impl Strategy<Value = CompareOp> {
    use CompareOp::*;
    proptest::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge, Is, IsNot, In, NotIn])
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        (0..4u32, any::<i64>()).prop_map(|(slot, n)| Op::Int(slot, n)),
        (0..4u32, any::<f64>()).prop_map(|(slot, n)| Op::Float(slot, n)),
        (0..4u32, any::<bool>()).prop_map(|(slot, b)| Op::Bool(slot, b)),
        (0..4u32).prop_map(Op::Unbound),
        (0..4u32, "[a-z]{0,3}").prop_map(|(slot, text)| Op::Text(slot, text)),
        (0..4u32, 0..4u32).prop_map(|(dst, src)| Op::Copy { dst, src }),
        (0..4u32).prop_map(|slot| Op::Check {
            slot,
            name: "x".into(),
            free: slot == 0
        }),
        (binary(), any::<bool>(), 0..4u32, operand(), operand()).prop_map(|(op, inplace, dst, a, b)| Op::Binary {
            op,
            inplace,
            dst,
            a,
            b
        }),
        (comparison(), 0..4u32, operand(), operand()).prop_map(|(op, dst, a, b)| Op::Compare { op, dst, a, b }),
        (0..4u32).prop_map(|slot| Op::Rt {
            import: &rt::py_call,
            args: vec![Arg::Slot(slot), Arg::Slot(1), Arg::Slot(2), Arg::Word(1), Arg::Absent],
        }),
        (0..4u32, 0..3u32).prop_map(|(slot, number)| Op::Rt {
            import: &rt::py_getitem,
            args: vec![Arg::Slot(slot), Arg::Slot(1), Arg::Constant(number)],
        }),
    ]
}

fn end(blocks: u32) -> impl Strategy<Value = End> {
    let to = || 0..blocks;
    prop_oneof![
        to().prop_map(End::Jump),
        (0..4u32, to(), to()).prop_map(|(slot, then, otherwise)| End::Truth { slot, then, otherwise }),
        (comparison(), operand(), operand(), to(), to()).prop_map(|(op, a, b, then, otherwise)| End::Compare {
            op,
            a,
            b,
            then,
            otherwise
        }),
        (0..4u32, to(), to()).prop_map(|(dst, body, done)| End::Next {
            dst,
            iter: 3,
            body,
            done
        }),
        (to(), to()).prop_map(|(body, done)| End::Range {
            dst: 0,
            counter: 1,
            body,
            done
        }),
        (0..4u32, proptest::collection::vec(to(), 1..4)).prop_map(|(slot, targets)| End::Switch { slot, targets }),
        Just(End::Return),
        Just(End::Raise),
        to().prop_map(|resume| End::Yield { resume }),
    ]
}

fn function() -> impl Strategy<Value = Function> {
    (1..12u32, any::<bool>()).prop_flat_map(|(count, generator)| {
        let block = (
            proptest::collection::vec(op(), 0..4),
            end(count),
            proptest::option::of(0..count),
            any::<bool>(),
        );
        let block = block.prop_map(|(ops, end, unwind, hot)| Block { ops, end, unwind, hot });
        proptest::collection::vec(block, count as usize).prop_map(move |blocks| Function {
            name: "f".into(),
            qualname: "f".into(),
            params: Params::default(),
            captures: 0,
            generator,
            slots: 4,
            blocks,
            constants: vec![Constant::Text("x".into()), Constant::Builtin(0)],
        })
    })
}

proptest! {
    #[test]
    fn any_graph_of_blocks_is_a_valid_module(function in function()) {
        let unit = Module { functions: vec![function], globals: Vec::new(), entry: "f".into() };
        let mut tables = Tables::default();
        let emitted = emit(&unit, 0, &mut tables);
        let program = Program { functions: emitted.functions, exported: 1 };
        let module = encode(&program, b"");
        let checked = wasmparser::validate(&module).map(drop);
        prop_assert!(checked.is_ok(), "{checked:?}");
    }
}
