//! Classes of the program: lookup, inheritance, properties, `super()`, and the messages of CPython 3.11.

use super::{call, end, function, method, shown, slot};
use crate::python::attr;
use crate::python::class::{self, Class};
use crate::python::descriptor;
use crate::python::error::Py;
use crate::python::names::Builtin;
use crate::python::object::{Name, Obj};
use crate::python::table::Table;
use crate::python::text;

fn class(name: &str, bases: &[Obj], attrs: &[(&str, Obj)]) -> Py {
    let mut table = Table::default();
    for (key, value) in attrs {
        table.insert(Obj::str(*key), value.clone()).unwrap();
    }
    Class::new(name, bases, table).map(Obj::Class)
}

fn get(object: &Obj, name: &str) -> Py {
    attr::getattr(object, &Name::new(name))
}

fn set(object: &Obj, name: &str, value: Obj) -> Py {
    attr::setattr(object, &Name::new(name), &value).map(|()| Obj::None)
}

/// `def __init__(self, x): self.x = x`
fn init() -> Obj {
    function(
        r#"{"name": "__init__", "qualname": "Point.__init__", "positional": ["self", "x"]}"#,
        |frame, _| end(frame, set(&slot(frame, 1), "x", slot(frame, 2))),
        Vec::new(),
    )
}

/// `def get(self): return self.x`
fn getter() -> Obj {
    function(
        r#"{"name": "get", "qualname": "Point.get", "positional": ["self"]}"#,
        |frame, _| end(frame, get(&slot(frame, 1), "x")),
        Vec::new(),
    )
}

#[test]
fn instances_have_their_own_attributes_and_their_class_s() {
    let point = class(
        "Point",
        &[],
        &[("__init__", init()), ("get", getter()), ("kind", Obj::str("p"))],
    )
    .unwrap();
    let a = call(&point, &[Obj::Int(1)]).unwrap();
    let b = call(&point, &[Obj::Int(2)]).unwrap();
    assert_eq!(shown(method(&a, "get", &[])), "1");
    assert_eq!(shown(call(&get(&b, "get").unwrap(), &[])), "2");
    assert_eq!(shown(call(&get(&point, "get").unwrap(), std::slice::from_ref(&b))), "2");
    set(&a, "kind", Obj::str("own")).unwrap();
    assert_eq!(shown(get(&a, "kind")), "'own'");
    assert_eq!(shown(get(&b, "kind")), "'p'");
    attr::delattr(&a, &Name::new("kind")).unwrap();
    assert_eq!(shown(get(&a, "kind")), "'p'");
    for (result, expected) in [
        (get(&a, "nope"), "AttributeError: 'Point' object has no attribute 'nope'"),
        (
            get(&point, "nope"),
            "AttributeError: type object 'Point' has no attribute 'nope'",
        ),
        (
            method(&a, "nope", &[]),
            "AttributeError: 'Point' object has no attribute 'nope'",
        ),
        (
            call(&point, &[]),
            "TypeError: Point.__init__() missing 1 required positional argument: 'x'",
        ),
        (
            method(&a, "get", &[Obj::None]),
            "TypeError: Point.get() takes 1 positional argument but 2 were given",
        ),
        (call(&a, &[]), "TypeError: 'Point' object is not callable"),
        (
            call(&class("Empty", &[], &[]).unwrap(), &[Obj::None]),
            "TypeError: Empty() takes no arguments",
        ),
    ] {
        assert_eq!(shown(result), expected);
    }
    assert_eq!(&*text::type_name(&a), "Point");
    assert_eq!(shown(get(&attr::type_of(&a), "__name__")), "'Point'");
}

#[test]
fn bases_are_ordered_as_c3_says() {
    let object = |name, bases: &[Obj]| class(name, bases, &[("who", Obj::str(name))]).unwrap();
    let a = object("A", &[]);
    let b = object("B", std::slice::from_ref(&a));
    let c = object("C", std::slice::from_ref(&a));
    let d = class("D", &[b.clone(), c.clone()], &[]).unwrap();
    assert_eq!(shown(get(&d, "who")), "'B'");
    let Obj::Tuple(order) = get(&d, "__mro__").unwrap() else {
        panic!()
    };
    let names: Vec<_> = order.iter().map(|class| shown(get(class, "__name__"))).collect();
    assert_eq!(names, ["'D'", "'B'", "'C'", "'A'", "'object'"]);
    for (bases, expected) in [
        (
            vec![a.clone(), b.clone()],
            "TypeError: Cannot create a consistent method resolution\norder (MRO) for bases A, B",
        ),
        (vec![a.clone(), a.clone()], "TypeError: duplicate base class A"),
    ] {
        assert_eq!(shown(class("X", &bases, &[])), expected);
    }
    let instance = call(&d, &[]).unwrap();
    assert!(attr::is_instance(&instance, &a).unwrap());
    assert!(attr::is_subclass(&d, &Obj::tuple(vec![Obj::Builtin(Builtin::Int), c])).unwrap());
    assert!(!attr::is_instance(&instance, &Obj::Builtin(Builtin::Int)).unwrap());
}

#[test]
fn super_looks_behind_the_class() {
    let base = class("Base", &[], &[("__init__", init()), ("get", getter())]).unwrap();
    let derived = class("Derived", std::slice::from_ref(&base), &[]).unwrap();
    let instance = call(&derived, &[Obj::Int(4)]).unwrap();
    let own = class::super_of(&derived, &instance).unwrap();
    assert_eq!(shown(method(&own, "get", &[])), "4");
    assert_eq!(shown(method(&own, "__init__", &[Obj::Int(5)])), "None");
    assert_eq!(shown(get(&instance, "x")), "5");
    assert_eq!(
        shown(method(&own, "nope", &[])),
        "AttributeError: 'super' object has no attribute 'nope'"
    );
    let above = class::super_of(&base, &instance).unwrap();
    assert_eq!(shown(method(&above, "__init__", &[])), "None");
    assert_eq!(
        shown(class::super_of(&derived, &Obj::Int(1))),
        "TypeError: super(type, obj): obj must be an instance or subtype of type"
    );
}

#[test]
fn properties_and_wrapped_methods_act_when_read() {
    let own = function(
        r#"{"positional": ["cls"]}"#,
        |frame, _| end(frame, Ok(slot(frame, 1))),
        Vec::new(),
    );
    let property = descriptor::property(&getter(), &Obj::None, &Obj::None);
    let point = class(
        "Point",
        &[],
        &[
            ("__init__", init()),
            ("value", property),
            ("made", descriptor::class_method(&own)),
            ("plain", descriptor::static_method(&own)),
        ],
    )
    .unwrap();
    let derived = class("Derived", std::slice::from_ref(&point), &[]).unwrap();
    let instance = call(&derived, &[Obj::Int(3)]).unwrap();
    assert_eq!(shown(get(&instance, "value")), "3");
    assert_eq!(
        shown(set(&instance, "value", Obj::Int(1))),
        "AttributeError: property 'value' of 'Derived' object has no setter"
    );
    assert!(method(&instance, "made", &[]).unwrap().is(&derived));
    assert!(method(&point, "made", &[]).unwrap().is(&point));
    assert_eq!(shown(method(&instance, "plain", &[Obj::Int(8)])), "8");
    // With a setter, assignment goes through it.
    let setter = function(
        r#"{"positional": ["self", "value"]}"#,
        |frame, _| end(frame, set(&slot(frame, 1), "x", slot(frame, 2))),
        Vec::new(),
    );
    let property = descriptor::property(&getter(), &setter, &Obj::None);
    let point = class("Point", &[], &[("__init__", init()), ("value", property)]).unwrap();
    let instance = call(&point, &[Obj::Int(3)]).unwrap();
    set(&instance, "value", Obj::Int(9)).unwrap();
    assert_eq!(shown(get(&instance, "x")), "9");
}
