//! Iterators of builtin containers are live, and views follow their dict.

use super::{call, end, function, shown};
use crate::python::arith::{self, BinaryOp};
use crate::python::class::Class;
use crate::python::error::index_error;
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Dict, Obj};
use crate::python::set::SetTable;
use crate::python::table::Table;
use crate::python::{compare, views};

fn dict(keys: &[&str]) -> std::rc::Rc<Dict> {
    let mut table = Table::default();
    for (at, key) in keys.iter().enumerate() {
        table.insert(Obj::str(*key), Obj::Int(at as i64)).unwrap();
    }
    match Obj::dict(table) {
        Obj::Dict(dict) => dict,
        _ => panic!(),
    }
}

#[test]
fn builtin_containers_give_their_items() {
    let mut set = SetTable::default();
    set.add(Obj::Int(3)).unwrap();
    for (value, expected) in [
        (Obj::str("aé😀"), "['a', 'é', '😀']"),
        (Obj::Bytes([1, 255].into()), "[1, 255]"),
        (Obj::Dict(dict(&["x", "y"])), "['x', 'y']"),
        (Obj::set(set, false), "[3]"),
        (views::items(&dict(&["x"])), "[('x', 0)]"),
        (
            call(&Obj::Builtin(Builtin::Range), &[Obj::Int(7), Obj::Int(0), Obj::Int(-3)]).unwrap(),
            "[7, 4, 1]",
        ),
        (Obj::Int(1), "TypeError: 'int' object is not iterable"),
        (Obj::None, "TypeError: 'NoneType' object is not iterable"),
    ] {
        assert_eq!(shown(iter::collect(&value).map(Obj::list)), expected);
        let mut items = Vec::new();
        let each = iter::each(&value, |item| {
            items.push(item);
            Ok(true)
        });
        assert_eq!(shown(each.map(|()| Obj::list(items))), expected);
    }
}

#[test]
fn a_list_that_grows_is_walked_to_its_end() {
    let list = Obj::list(vec![Obj::Int(1)]);
    let Obj::List(items) = &list else { panic!() };
    let iterator = iter::iter(&list).unwrap();
    assert!(iter::next(&iterator).unwrap().is_some());
    items.0.borrow_mut().push(Obj::Int(2));
    assert!(iter::next(&iterator).unwrap().is_some());
    assert!(iter::next(&iterator).unwrap().is_none());
    items.0.borrow_mut().push(Obj::Int(3));
    assert!(iter::next(&iterator).unwrap().is_none());
}

#[test]
fn a_dict_or_set_that_changes_its_size_stops_its_iterators() {
    let own = dict(&["a", "b"]);
    let iterator = iter::iter(&Obj::Dict(own.clone())).unwrap();
    iter::next(&iterator).unwrap();
    own.table.borrow_mut().insert(Obj::str("c"), Obj::None).unwrap();
    assert_eq!(
        shown(iter::next(&iterator).map(|_| Obj::None)),
        "RuntimeError: dictionary changed size during iteration"
    );
    // A value may change.
    let iterator = iter::iter(&views::values(&own)).unwrap();
    iter::next(&iterator).unwrap();
    own.table.borrow_mut().insert(Obj::str("b"), Obj::str("new")).unwrap();
    assert_eq!(shown(iter::next(&iterator).map(Option::unwrap_or_default)), "'new'");
    let set = Obj::set(SetTable::default(), false);
    let Obj::Set(own) = &set else { panic!() };
    own.table.borrow_mut().add(Obj::Int(1)).unwrap();
    let iterator = iter::iter(&set).unwrap();
    own.table.borrow_mut().add(Obj::Int(2)).unwrap();
    assert_eq!(
        shown(iter::next(&iterator).map(|_| Obj::None)),
        "RuntimeError: Set changed size during iteration"
    );
}

#[test]
fn views_are_live_and_keys_are_sets() {
    let own = dict(&["a", "b"]);
    let (keys, values, items) = (views::keys(&own), views::values(&own), views::items(&own));
    own.table.borrow_mut().insert(Obj::str("c"), Obj::Int(9)).unwrap();
    assert_eq!(shown(Ok(keys.clone())), "dict_keys(['a', 'b', 'c'])");
    assert_eq!(shown(Ok(values.clone())), "dict_values([0, 1, 9])");
    assert_eq!(shown(Ok(items.clone())), "dict_items([('a', 0), ('b', 1), ('c', 9)])");
    assert_eq!(iter::length(&keys).unwrap(), 3);
    assert!(compare::contains(&keys, &Obj::str("c")).unwrap());
    assert!(compare::contains(&values, &Obj::Float(9.0)).unwrap());
    assert!(compare::contains(&items, &Obj::tuple(vec![Obj::str("c"), Obj::Int(9)])).unwrap());
    assert!(!compare::contains(&items, &Obj::str("c")).unwrap());
    let other = Obj::list(vec![Obj::str("c"), Obj::str("z")]);
    assert_eq!(shown(arith::binary(BinaryOp::And, false, &keys, &other)), "{'c'}");
    assert!(compare::equals(&keys, &views::keys(&dict(&["c", "b", "a"]))).unwrap());
    assert!(compare::equals(&values, &values.clone()).unwrap());
    let reversed = views::reversed(&items).unwrap();
    assert_eq!(
        shown(iter::collect(&reversed).map(Obj::list)),
        "[('c', 9), ('b', 1), ('a', 0)]"
    );
}

#[test]
fn an_object_with_getitem_is_iterated_by_number() {
    let mut attrs = Table::default();
    let getitem = function(
        r#"{"positional": ["self", "at"]}"#,
        |frame, _| {
            end(
                frame,
                match super::slot(frame, 2) {
                    Obj::Int(at) if at < 3 => Ok(Obj::Int(at * at)),
                    _ => Err(index_error("over")),
                },
            )
        },
        Vec::new(),
    );
    attrs.insert(Obj::str("__getitem__"), getitem).unwrap();
    let class = Obj::Class(Class::new("Squares", &[], attrs).unwrap());
    let squares = call(&class, &[]).unwrap();
    assert_eq!(shown(iter::collect(&squares).map(Obj::list)), "[0, 1, 4]");
    let nothing = Obj::Class(Class::new("Nothing", &[], Table::default()).unwrap());
    let nothing = call(&nothing, &[]).unwrap();
    assert_eq!(shown(iter::iter(&nothing)), "TypeError: 'Nothing' object is not iterable");
    assert_eq!(
        shown(iter::next(&nothing).map(|_| Obj::None)),
        "TypeError: 'Nothing' object is not an iterator"
    );
}
