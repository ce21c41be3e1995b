//! Exception classes, messages and matching, as CPython 3.11 has them.

use super::{call, end, function, method, shown, slot};
use crate::python::class::{self, Class};
use crate::python::exception::{self, matches, parent, to_raise, with_cause};
use crate::python::names::{BUILTINS, Builtin};
use crate::python::object::{Name, Obj};
use crate::python::table::Table;
use crate::python::{attr, error};

fn builtin(class: Builtin, args: &[Obj]) -> Obj {
    call(&Obj::Builtin(class), args).unwrap()
}

#[test]
fn every_exception_class_is_below_base_exception() {
    for (class, name) in BUILTINS.iter().filter(|(class, _)| class.is_exception()) {
        let mut chain = vec![*class];
        while let Some(above) = parent(*chain.last().unwrap()) {
            chain.push(above);
            assert!(chain.len() < 8, "{name}");
        }
        assert_eq!(chain.last(), Some(&Builtin::BaseException), "{name}");
    }
}

#[test]
fn exceptions_match_their_classes_and_those_above() {
    use Builtin as B;
    for (class, of, expected) in [
        (B::KeyError, B::LookupError, true),
        (B::KeyError, B::Exception, true),
        (B::KeyError, B::IndexError, false),
        (B::ZeroDivisionError, B::ArithmeticError, true),
        (B::FileNotFoundError, B::IOError, true),
        (B::IOError, B::OSError, true),
        (B::RecursionError, B::RuntimeError, true),
        (B::UnicodeDecodeError, B::ValueError, true),
        (B::SystemExit, B::Exception, false),
        (B::GeneratorExit, B::BaseException, true),
    ] {
        let raised = to_raise(&Obj::Builtin(class)).unwrap();
        assert_eq!(matches(&raised, &Obj::Builtin(of)).unwrap(), expected, "{class:?} {of:?}");
    }
    let raised = to_raise(&Obj::Builtin(B::KeyError)).unwrap();
    let either = Obj::tuple(vec![Obj::Builtin(B::TypeError), Obj::Builtin(B::KeyError)]);
    assert!(matches(&raised, &either).unwrap());
    let refused = matches(&raised, &Obj::Int(1)).unwrap_err();
    assert_eq!(
        exception::describe(&refused.0),
        "TypeError: catching classes that do not inherit from BaseException is not allowed"
    );
}

#[test]
fn messages_and_reprs_are_cpython_s() {
    use Builtin as B;
    for (class, args, text, repr) in [
        (B::ValueError, vec![], "", "ValueError()"),
        (B::ValueError, vec![Obj::str("x")], "x", "ValueError('x')"),
        (
            B::ValueError,
            vec![Obj::str("x"), Obj::Int(1)],
            "('x', 1)",
            "ValueError('x', 1)",
        ),
        (B::KeyError, vec![Obj::str("k")], "'k'", "KeyError('k')"),
        (B::KeyError, vec![Obj::str("k"), Obj::Int(1)], "('k', 1)", "KeyError('k', 1)"),
        (B::ValueError, vec![Obj::Int(5)], "5", "ValueError(5)"),
        (
            B::OSError,
            vec![Obj::Int(2), Obj::str("gone")],
            "[Errno 2] gone",
            "FileNotFoundError(2, 'gone')",
        ),
        (
            B::OSError,
            vec![Obj::Int(5), Obj::str("gone")],
            "[Errno 5] gone",
            "OSError(5, 'gone')",
        ),
        (B::IOError, vec![Obj::str("x")], "x", "OSError('x')"),
    ] {
        let made = builtin(class, &args);
        let Obj::Exception(raised) = &made else { panic!() };
        assert_eq!(exception::message(raised).unwrap(), text);
        assert_eq!(shown(Ok(made.clone())), repr);
    }
}

#[test]
fn only_exceptions_can_be_raised() {
    for value in [Obj::Int(1), Obj::Builtin(Builtin::Int), Obj::str("x")] {
        let refused = to_raise(&value).err().unwrap();
        assert_eq!(
            exception::describe(&refused.0),
            "TypeError: exceptions must derive from BaseException"
        );
    }
    let cause = builtin(Builtin::KeyError, &[Obj::Int(1)]);
    let raised = with_cause(&Obj::Builtin(Builtin::ValueError), &cause).unwrap();
    let raised = Obj::Exception(raised);
    assert!(attr::getattr(&raised, &Name::new("__cause__")).unwrap().is(&cause));
    let refused = with_cause(&Obj::Builtin(Builtin::ValueError), &Obj::Int(1)).err().unwrap();
    assert_eq!(
        exception::describe(&refused.0),
        "TypeError: exception causes must derive from BaseException"
    );
}

#[test]
fn exceptions_of_the_program_derive_and_carry_attributes() {
    let mut attrs = Table::default();
    let init = function(
        r#"{"positional": ["self", "text", "code"]}"#,
        |frame, _| {
            let this = slot(frame, 1);
            let Some((own, _)) = class::of(&this) else { panic!() };
            let above = class::super_of(&Obj::Class(own.clone()), &this).unwrap();
            method(&above, "__init__", &[slot(frame, 2)]).unwrap();
            let set = attr::setattr(&this, &Name::new("code"), &slot(frame, 3));
            end(frame, set.map(|()| Obj::None))
        },
        Vec::new(),
    );
    attrs.insert(Obj::str("__init__"), init).unwrap();
    let class = Obj::Class(Class::new("Refused", &[Obj::Builtin(Builtin::LookupError)], attrs).unwrap());
    let made = call(&class, &[Obj::str("no"), Obj::Int(7)]).unwrap();
    let raised = to_raise(&made).unwrap();
    assert_eq!(exception::describe(&raised), "Refused: no");
    assert_eq!(shown(attr::getattr(&made, &Name::new("code"))), "7");
    assert_eq!(shown(attr::getattr(&made, &Name::new("args"))), "('no',)");
    assert!(matches(&raised, &Obj::Builtin(Builtin::LookupError)).unwrap());
    assert!(matches(&raised, &class).unwrap());
    assert!(!matches(&error::exception(Builtin::LookupError, Vec::new()), &class).unwrap());
    assert!(attr::is_subclass(&class, &Obj::Builtin(Builtin::Exception)).unwrap());
    // Raised as a class, it is made without arguments.
    let refused = to_raise(&class).err().unwrap();
    assert_eq!(
        exception::describe(&refused.0),
        "TypeError: f() missing 2 required positional arguments: 'text' and 'code'"
    );
}
