//! Operators, tables and texts where methods of user classes have a say.

use super::super::arith::{BinaryOp, binary};
use super::super::class::Class;
use super::super::compare::{CompareOp, compare, contains, truth};
use super::super::names::Builtin;
use super::super::object::{Dict, DictKind, List, Set};
use super::super::table::Table;
use super::super::{attr, format, hash, keyed, subscript};
use super::*;

const ONE: &str = r#"{"positional": ["self"]}"#;
const TWO: &str = r#"{"positional": ["self", "other"]}"#;

fn number(object: &Obj) -> Py {
    attr::getattr(object, &Name::new("n"))
}

fn class(name: &str, methods: &[(&str, &str, native::Compiled)]) -> Obj {
    let mut attrs = Table::default();
    for (name, description, compiled) in methods {
        attrs
            .insert(Obj::str(*name), function(description, *compiled, Vec::new()))
            .unwrap();
    }
    Obj::Class(Class::new(name, &[], attrs).unwrap())
}

/// A class of numbers that are equal and hash by their `n`.
fn counted() -> Obj {
    class(
        "Counted",
        &[
            ("__init__", TWO, |frame, _| {
                attr::setattr(&slot(frame, 1), &Name::new("n"), &slot(frame, 2)).unwrap();
                end(frame, Ok(Obj::None))
            }),
            ("__eq__", TWO, |frame, _| {
                let answer = match slot(frame, 2) {
                    Obj::Instance(_) => {
                        number(&slot(frame, 1)).and_then(|a| compare(CompareOp::Eq, &a, &number(&slot(frame, 2))?))
                    }
                    _ => Ok(Obj::NotImplemented),
                };
                end(frame, answer)
            }),
            ("__lt__", TWO, |frame, _| {
                let less = number(&slot(frame, 1)).and_then(|a| compare(CompareOp::Lt, &a, &number(&slot(frame, 2))?));
                end(frame, less)
            }),
            ("__hash__", ONE, |frame, _| end(frame, number(&slot(frame, 1)))),
            ("__radd__", TWO, |frame, _| {
                let sum = number(&slot(frame, 1)).and_then(|n| binary(BinaryOp::Add, false, &n, &slot(frame, 2)));
                end(frame, sum)
            }),
            ("__bool__", ONE, |frame, _| {
                end(frame, number(&slot(frame, 1)).and_then(|n| truth(&n)).map(Obj::Bool))
            }),
            ("__index__", ONE, |frame, _| end(frame, number(&slot(frame, 1)))),
            ("__repr__", ONE, |frame, _| {
                end(
                    frame,
                    number(&slot(frame, 1)).and_then(|n| Ok(Obj::str(format!("<{}>", text::repr(&n)?)))),
                )
            }),
        ],
    )
}

#[test]
fn methods_of_user_classes_decide_operators() {
    let class = counted();
    let of = |n: i64| call(&class, &[Obj::Int(n)]).unwrap();
    let same = |op, a: &Obj, b: &Obj| shown(compare(op, a, b));
    assert_eq!(same(CompareOp::Eq, &of(1), &of(1)), "True");
    assert_eq!(same(CompareOp::Ne, &of(1), &of(1)), "False");
    assert_eq!(same(CompareOp::Eq, &of(1), &Obj::Int(1)), "False");
    assert_eq!(same(CompareOp::Lt, &of(1), &of(2)), "True");
    // `>` has no method, so the other side is asked for `<`.
    assert_eq!(same(CompareOp::Gt, &of(1), &of(2)), "False");
    assert_eq!(
        same(CompareOp::Le, &of(1), &of(2)),
        "TypeError: '<=' not supported between instances of 'Counted' and 'Counted'"
    );
    assert_eq!(shown(binary(BinaryOp::Add, false, &Obj::Int(4), &of(3))), "7");
    assert_eq!(
        shown(binary(BinaryOp::Add, false, &of(3), &Obj::Int(4))),
        "TypeError: unsupported operand type(s) for +: 'Counted' and 'int'"
    );
    assert_eq!(shown(binary(BinaryOp::Mul, false, &Obj::str("ab"), &of(2))), "'abab'");
    assert_eq!(shown(subscript::getitem(&Obj::str("abc"), &of(2))), "'c'");
    assert!(!truth(&of(0)).unwrap() && truth(&of(5)).unwrap());
    assert_eq!(format::format(&of(3), "").unwrap(), "<3>");
    assert_eq!(
        shown(format::format(&of(3), "5").map(Obj::str)),
        "TypeError: unsupported format string passed to Counted.__format__"
    );
    assert_eq!(
        shown(format::percent("%s %d", &Obj::tuple(vec![of(3), of(4)])).map(Obj::str)),
        "'<3> 4'"
    );
    let items = Obj::list(vec![of(1), of(2)]);
    assert!(contains(&items, &of(2)).unwrap() && !contains(&items, &of(3)).unwrap());
    assert_eq!(same(CompareOp::Eq, &items, &Obj::list(vec![of(1), of(2)])), "True");
    assert_eq!(text::repr(&items).unwrap(), "[<1>, <2>]");
}

#[test]
fn equal_keys_of_user_classes_are_one_key() {
    let class = counted();
    let of = |n: i64| call(&class, &[Obj::Int(n)]).unwrap();
    let Obj::Dict(dict) = Obj::dict(Table::default()) else {
        panic!()
    };
    for n in 0..40 {
        keyed::dict_set(&dict, of(n % 20), Obj::Int(n)).unwrap();
        keyed::dict_set(&dict, Obj::tuple(vec![of(n % 20), Obj::None]), Obj::Int(-n)).unwrap();
    }
    assert_eq!(dict.table.borrow().len(), 40);
    assert_eq!(shown(subscript::getitem(&Obj::Dict(dict.clone()), &of(0))), "20");
    let pair = Obj::tuple(vec![of(7), Obj::None]);
    assert_eq!(shown(keyed::dict_remove(&dict, &pair).map(Option::unwrap_or_default)), "-27");
    assert!(!keyed::dict_contains(&dict, &pair).unwrap());
    assert_eq!(hash::hash(&of(5)).unwrap(), 5);

    let Obj::Set(set) = Obj::set(Default::default(), false) else {
        panic!()
    };
    let added = [1, 2, 1].map(|n| keyed::set_add(&set, of(n)).unwrap());
    assert_eq!(added, [true, true, false]);
    assert!(keyed::set_contains(&set, &of(2)).unwrap() && keyed::set_remove(&set, &of(2)).unwrap());
    assert_eq!(text::repr(&Obj::Set(set)).unwrap(), "{<1>}");
}

#[test]
fn a_class_with_equality_alone_is_unhashable() {
    let class = class("Odd", &[("__eq__", TWO, |frame, _| end(frame, Ok(Obj::Bool(true))))]);
    let odd = call(&class, &[]).unwrap();
    assert_eq!(shown(hash::hash(&odd).map(Obj::Int)), "TypeError: unhashable type: 'Odd'");
    assert_eq!(shown(compare(CompareOp::Eq, &Obj::Int(1), &odd)), "True");
}

#[test]
fn containers_may_change_while_methods_of_their_items_run() {
    thread_local! {
        static LIST: Rc<List> = Rc::default();
    }
    let class = class(
        "Greedy",
        &[
            ("__eq__", TWO, |frame, _| {
                LIST.with(|list| list.0.borrow_mut().clear());
                end(frame, Ok(Obj::Bool(false)))
            }),
            ("__repr__", ONE, |frame, _| {
                LIST.with(|list| list.0.borrow_mut().clear());
                end(frame, Ok(Obj::str("greedy")))
            }),
        ],
    );
    let list = LIST.with(Rc::clone);
    let fill = || {
        let items = [(); 3].map(|()| call(&class, &[]).unwrap());
        list.0.borrow_mut().extend(items);
        Obj::List(list.clone())
    };
    assert!(!contains(&fill(), &Obj::Int(1)).unwrap());
    assert_eq!(
        shown(compare(CompareOp::Eq, &fill(), &Obj::list(vec![Obj::Int(1); 3]))),
        "False"
    );
    assert_eq!(text::repr(&fill()).unwrap(), "[greedy]");
}

#[test]
fn a_text_that_is_held_once_grows_in_place() {
    let mut slots = Slots::of(&[Obj::str("ab"), Obj::str("é"), Obj::Int(1)]);
    let add = 256;
    for _ in 0..3 {
        assert_eq!(abi::py_binary(add, slots.at(0), slots.at(0), slots.at(1)), 0);
    }
    let kept = slots.get(0);
    assert_eq!(abi::py_binary(add, slots.at(0), slots.at(0), slots.at(0)), 0);
    assert_eq!(shown(Ok(slots.get(0))), "'abéééabééé'");
    // What someone else holds stays as it is, and a refusal leaves the operand.
    assert_eq!(shown(Ok(kept)), "'abééé'");
    assert_eq!(abi::py_binary(add, slots.at(0), slots.at(0), slots.at(2)), 1);
    assert!(matches!(state::take_pending().0.class, Obj::Builtin(Builtin::TypeError)));
    assert_eq!(shown(Ok(slots.get(0))), "'abéééabééé'");
}

#[test]
fn ten_thousand_linked_nodes_end_without_a_deep_stack() {
    let class = class("Node", &[]);
    let mut node = Obj::None;
    for n in 0..100_000 {
        let next = call(&class, &[]).unwrap();
        attr::setattr(&next, &Name::new("next"), &node).unwrap();
        node = if n % 2 == 0 {
            Obj::tuple(vec![next])
        } else {
            Obj::list(vec![next])
        };
    }
    drop(node);
}

#[test]
fn sets_are_compared_and_merged_by_equality_of_user_classes() {
    let class = counted();
    let set = |numbers: &[i64]| -> Rc<Set> {
        let Obj::Set(set) = Obj::set(Default::default(), false) else {
            panic!()
        };
        for n in numbers {
            keyed::set_add(&set, call(&class, &[Obj::Int(*n)]).unwrap()).unwrap();
        }
        set
    };
    let [a, b] = [set(&[1, 2, 3]), set(&[2, 3, 4])].map(Obj::Set);
    let of = |op| shown(binary(op, false, &a, &b));
    assert_eq!(of(BinaryOp::Or), "{<1>, <2>, <3>, <4>}");
    assert_eq!(of(BinaryOp::And), "{<2>, <3>}");
    assert_eq!(of(BinaryOp::Sub), "{<1>}");
    assert_eq!(of(BinaryOp::Xor), "{<1>, <4>}");
    assert_eq!(shown(compare(CompareOp::Eq, &a, &Obj::Set(set(&[3, 2, 1])))), "True");
    assert_eq!(shown(compare(CompareOp::Lt, &Obj::Set(set(&[1])), &a)), "True");
}

fn dict(kind: DictKind, pairs: &[(&str, i64)]) -> Obj {
    let mut table = Table::default();
    for (key, value) in pairs {
        table.insert(Obj::str(*key), Obj::Int(*value)).unwrap();
    }
    Obj::Dict(Rc::new(Dict {
        table: table.into(),
        kind,
    }))
}

#[test]
fn dicts_and_counters_merge_as_in_cpython() {
    let plain = |pairs: &[(&str, i64)]| dict(DictKind::Plain, pairs);
    let counter = |pairs: &[(&str, i64)]| dict(DictKind::Counter, pairs);
    let of = |op, inplace, a: &Obj, b: &Obj| shown(binary(op, inplace, a, b));
    let a = plain(&[("x", 1), ("y", 2)]);
    assert_eq!(
        of(BinaryOp::Or, false, &a, &plain(&[("y", 3), ("z", 4)])),
        "{'x': 1, 'y': 3, 'z': 4}"
    );
    assert_eq!(text::repr(&a).unwrap(), "{'x': 1, 'y': 2}");
    let pairs = Obj::list(vec![Obj::tuple(vec![Obj::str("w"), Obj::Int(0)])]);
    assert_eq!(of(BinaryOp::Or, true, &a, &pairs), "{'x': 1, 'y': 2, 'w': 0}");
    assert_eq!(
        of(BinaryOp::Or, false, &a, &pairs),
        "TypeError: unsupported operand type(s) for |: 'dict' and 'list'"
    );
    assert_eq!(
        of(BinaryOp::Or, true, &a, &Obj::list(vec![Obj::str("abc")])),
        "ValueError: dictionary update sequence element #0 has length 3; 2 is required"
    );
    let (a, b) = (
        counter(&[("x", 3), ("y", 1), ("w", -1)]),
        counter(&[("y", 2), ("z", 1), ("x", 1)]),
    );
    assert_eq!(of(BinaryOp::Add, false, &a, &b), "Counter({'x': 4, 'y': 3, 'z': 1})");
    assert_eq!(of(BinaryOp::Sub, false, &a, &b), "Counter({'x': 2})");
    assert_eq!(of(BinaryOp::And, false, &a, &b), "Counter({'x': 1, 'y': 1})");
    assert_eq!(of(BinaryOp::Or, false, &a, &b), "Counter({'x': 3, 'y': 2, 'z': 1})");
    let equal = |a: &Obj, b: &Obj| shown(compare(CompareOp::Eq, a, b));
    assert_eq!(equal(&counter(&[("x", 1), ("y", 0)]), &counter(&[("x", 1)])), "True");
    let ordered = |pairs: &[(&str, i64)]| dict(DictKind::Ordered, pairs);
    let (one, other) = (ordered(&[("a", 1), ("b", 2)]), ordered(&[("b", 2), ("a", 1)]));
    assert_eq!(equal(&one, &other), "False");
    assert_eq!(equal(&one, &plain(&[("b", 2), ("a", 1)])), "True");
    assert_eq!(text::repr(&one).unwrap(), "OrderedDict([('a', 1), ('b', 2)])");
    let grouped = dict(DictKind::Default(Obj::Builtin(Builtin::List).into()), &[]);
    assert_eq!(shown(subscript::getitem(&grouped, &Obj::str("k"))), "[]");
    assert_eq!(text::repr(&grouped).unwrap(), "defaultdict(<class 'list'>, {'k': []})");
}
