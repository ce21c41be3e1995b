//! Exception classes: their hierarchy, making, matching and describing them.
//!
//! An exception of a builtin class and one of a class of the program are the same object; only its class differs. Nothing here
//! decides where an exception goes: that is compiled code's.

use std::cell::RefCell;
use std::rc::Rc;

use super::class;
use super::error::{Py, Raised, exception, raise, type_error};
use super::names::Builtin;
use super::object::{Args, Exception, Name, Obj};
use super::table::Table;
use super::text;
use crate::py::Kind;

/// `ValueError: what happened`, as the last line of a traceback.
pub fn describe(exception: &Rc<Exception>) -> String {
    let name = class_name(&exception.class);
    match message(exception) {
        Ok(text) if text.is_empty() => name.to_string(),
        Ok(text) => format!("{name}: {text}"),
        Err(_) => format!("{name}: <exception str() failed>"),
    }
}

/// The name of an exception class.
pub fn class_name(class: &Obj) -> Rc<str> {
    match class {
        Obj::Class(class) => class.name.clone(),
        Obj::Builtin(class) => Rc::from(canonical(*class).name()),
        _ => Rc::from("Exception"),
    }
}

/// `str(exception)`
pub fn message(exception: &Rc<Exception>) -> Py<String> {
    if let Obj::Class(class) = &exception.class
        && let Some(method) = class.find("__str__")
    {
        return Ok(class::text_of(&Obj::Exception(exception.clone()), &method, "__str__")?.to_string());
    }
    base_message(exception)
}

/// `str(exception)` of the builtin class beneath.
pub fn base_message(exception: &Exception) -> Py<String> {
    let args = exception.args.borrow().clone();
    match &*args {
        [] => Ok(String::new()),
        [key] if is_of(&exception.class, Builtin::KeyError) => text::repr(key),
        [only] => Ok(text::str(only)?.to_string()),
        [codec, object, Obj::Int(start), Obj::Int(end), reason] if is_of(&exception.class, Builtin::UnicodeError) => {
            let (codec, reason) = (text::str(codec)?, text::str(reason)?);
            Ok(format!(
                "'{}' codec can't {}: {}",
                codec.text,
                uncoded(object, *start, *end),
                reason.text
            ))
        }
        [number, text] if is_of(&exception.class, Builtin::OSError) => {
            Ok(format!("[Errno {}] {}", text::str(number)?.text, text::str(text)?.text))
        }
        _ => text::repr(&Obj::tuple(args)),
    }
}

/// What could not be encoded or decoded, and where.
fn uncoded(object: &Obj, start: i64, end: i64) -> String {
    let at = usize::try_from(start).unwrap_or(usize::MAX);
    let one = end == start + 1;
    match object {
        Obj::Str(text) => match text.chars().nth(at).filter(|_| one).map(u32::from) {
            Some(code @ 0..0x100) => format!("encode character '\\x{code:02x}' in position {start}"),
            Some(code @ 0x100..0x10000) => format!("encode character '\\u{code:04x}' in position {start}"),
            Some(code) => format!("encode character '\\U{code:08x}' in position {start}"),
            None => format!("encode characters in position {start}-{}", end - 1),
        },
        Obj::Bytes(bytes) => match bytes.get(at).filter(|_| one) {
            Some(byte) => format!("decode byte 0x{byte:02x} in position {start}"),
            None => format!("decode bytes in position {start}-{}", end - 1),
        },
        _ => format!("convert positions {start}-{}", end - 1),
    }
}

/// `repr(exception)`
pub fn repr(exception: &Rc<Exception>) -> Py<String> {
    if let Obj::Class(class) = &exception.class
        && let Some(method) = class.find("__repr__")
    {
        return Ok(class::text_of(&Obj::Exception(exception.clone()), &method, "__repr__")?.to_string());
    }
    base_repr(exception)
}

/// `repr(exception)` of the builtin class beneath.
pub fn base_repr(exception: &Exception) -> Py<String> {
    let name = class_name(&exception.class);
    let args = exception.args.borrow().clone();
    Ok(match &*args {
        [only] => format!("{name}({})", text::repr(only)?),
        _ => format!("{name}{}", text::repr(&Obj::tuple(args))?),
    })
}

/// An error of `crate::py`, as the exception it stands for.
pub fn from_shared(error: crate::py::Error) -> Raised {
    let class = match error.kind {
        Kind::Type => Builtin::TypeError,
        Kind::Value => Builtin::ValueError,
        Kind::Overflow => Builtin::OverflowError,
        Kind::ZeroDivision => Builtin::ZeroDivisionError,
        Kind::Key => Builtin::KeyError,
        Kind::Index => Builtin::IndexError,
        Kind::Attribute => Builtin::AttributeError,
        Kind::Recursion => Builtin::RecursionError,
    };
    if error.text == crate::py::arith::OUT_OF_RANGE {
        // The C library's errors have a number beside their text.
        let args = vec![Obj::Int(34), Obj::str("Numerical result out of range")];
        return Raised(exception(class, args));
    }
    raise(class, error.text)
}

/// The class that a second name of it means.
pub fn canonical(class: Builtin) -> Builtin {
    match class {
        Builtin::IOError => Builtin::OSError,
        other => other,
    }
}

/// The class above a builtin exception class.
pub fn parent(class: Builtin) -> Option<Builtin> {
    use Builtin as B;
    Some(match canonical(class) {
        B::BaseException => return None,
        B::Exception | B::GeneratorExit | B::KeyboardInterrupt | B::SystemExit => B::BaseException,
        B::FloatingPointError | B::OverflowError | B::ZeroDivisionError => B::ArithmeticError,
        B::IndexError | B::KeyError => B::LookupError,
        B::ModuleNotFoundError => B::ImportError,
        B::UnboundLocalError => B::NameError,
        B::NotImplementedError | B::RecursionError => B::RuntimeError,
        B::FileNotFoundError | B::PermissionError | B::TimeoutError | B::ConnectionError => B::OSError,
        B::UnicodeError => B::ValueError,
        B::UnicodeDecodeError | B::UnicodeEncodeError => B::UnicodeError,
        B::UserWarning | B::DeprecationWarning => B::Warning,
        other if other.module_parent().is_some() => return other.module_parent(),
        other if other.is_exception() => B::Exception,
        _ => return None,
    })
}

/// Whether a builtin exception class is `of` or below it.
pub fn derives(class: Builtin, of: Builtin) -> bool {
    let of = canonical(of);
    let mut class = Some(canonical(class));
    while let Some(known) = class {
        if known == of {
            return true;
        }
        class = parent(known);
    }
    false
}

/// Whether an exception class is the builtin `of` or below it.
pub fn is_of(class: &Obj, of: Builtin) -> bool {
    match class {
        Obj::Builtin(class) => derives(*class, of),
        Obj::Class(class) => class
            .above
            .iter()
            .any(|above| matches!(above, Obj::Builtin(b) if canonical(*b) == canonical(of))),
        _ => false,
    }
}

/// Whether an object is a class of exceptions.
pub fn is_class(value: &Obj) -> bool {
    match value {
        Obj::Builtin(class) => class.is_exception(),
        Obj::Class(class) => class.exception.is_some(),
        _ => false,
    }
}

/// `isinstance(exception, class)`; `class` may be a tuple. `TypeError` when it is no exception class.
pub fn matches(exception: &Exception, class: &Obj) -> Py<bool> {
    match class {
        Obj::Builtin(of) if of.is_exception() => Ok(is_of(&exception.class, *of)),
        Obj::Class(of) if of.exception.is_some() => Ok(match &exception.class {
            Obj::Class(class) => class::derives(class, of),
            _ => false,
        }),
        Obj::Tuple(classes) => {
            for class in classes.iter() {
                // One level of tuples, as in CPython.
                if !is_class(class) {
                    return Err(not_a_class());
                }
                if matches(exception, class)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Err(not_a_class()),
    }
}

fn not_a_class() -> Raised {
    type_error("catching classes that do not inherit from BaseException is not allowed")
}

/// A call of a builtin exception class.
pub fn new(class: Builtin, args: &Args) -> Py {
    if !args.names.is_empty() {
        return Err(type_error(format!(
            "{}() takes no keyword arguments",
            canonical(class).name()
        )));
    }
    let class = match (canonical(class), args.values) {
        (Builtin::OSError, [number, _, ..]) => numbered(number),
        (class, _) => class,
    };
    Ok(Obj::Exception(exception(class, args.values.to_vec())))
}

/// The class below `OSError` that stands for an error's number.
fn numbered(number: &Obj) -> Builtin {
    match number {
        Obj::Int(2) => Builtin::FileNotFoundError,
        Obj::Int(1 | 13) => Builtin::PermissionError,
        Obj::Int(110) => Builtin::TimeoutError,
        _ => Builtin::OSError,
    }
}

/// An exception of any class, without running its `__init__`.
pub fn bare(class: Obj, args: Vec<Obj>) -> Rc<Exception> {
    Rc::new(Exception {
        class,
        args: RefCell::new(args),
        attrs: RefCell::new(Table::default()),
        cause: RefCell::new(None),
    })
}

/// What `raise value` raises: an exception, or an instance of the class. `TypeError` for anything else.
pub fn to_raise(value: &Obj) -> Py<Rc<Exception>> {
    made(value, "exceptions must derive from BaseException")
}

/// `raise value from cause`
pub fn with_cause(value: &Obj, cause: &Obj) -> Py<Rc<Exception>> {
    let raised = to_raise(value)?;
    let cause = match cause {
        Obj::None => Obj::None,
        other => Obj::Exception(made(other, "exception causes must derive from BaseException")?),
    };
    *raised.cause.borrow_mut() = Some(cause);
    Ok(raised)
}

fn made(value: &Obj, refusal: &str) -> Py<Rc<Exception>> {
    let made = match value {
        Obj::Exception(exception) => return Ok(exception.clone()),
        Obj::Builtin(class) if class.is_exception() => new(*class, &Args::positional(&[]))?,
        Obj::Class(class) if class.exception.is_some() => class::instantiate(class, &Args::positional(&[]))?,
        _ => return Err(type_error(refusal)),
    };
    match made {
        Obj::Exception(exception) => Ok(exception),
        _ => Err(type_error(refusal)),
    }
}

/// An attribute that every exception has, when neither the program nor its class has set one of that name.
pub fn attribute(exception: &Rc<Exception>, name: &str) -> Option<Obj> {
    let arg = |at: usize| exception.args.borrow().get(at).cloned().unwrap_or_default();
    Some(match name {
        "args" => Obj::tuple(exception.args.borrow().clone()),
        "__cause__" => exception.cause.borrow().clone().unwrap_or_default(),
        "__context__" | "__traceback__" => Obj::None,
        "__suppress_context__" => Obj::Bool(exception.cause.borrow().is_some()),
        "value" if is_of(&exception.class, Builtin::StopIteration) => arg(0),
        "code" if is_of(&exception.class, Builtin::SystemExit) => arg(0),
        "encoding" | "object" | "start" | "end" | "reason"
            if is_of(&exception.class, Builtin::UnicodeError) && exception.args.borrow().len() == 5 =>
        {
            let names = ["encoding", "object", "start", "end", "reason"];
            arg(names.iter().position(|known| *known == name).unwrap_or_default())
        }
        "errno" if is_of(&exception.class, Builtin::OSError) => two(exception, 0),
        "strerror" if is_of(&exception.class, Builtin::OSError) => two(exception, 1),
        "filename" if is_of(&exception.class, Builtin::OSError) => arg(2),
        "msg" if is_of(&exception.class, Builtin::ImportError) => arg(0),
        "name"
            if ["ImportError", "NameError", "AttributeError"]
                .iter()
                .any(|c| named(exception, c)) =>
        {
            Obj::None
        }
        _ => return None,
    })
}

fn named(exception: &Exception, class: &str) -> bool {
    Builtin::named(class).is_some_and(|class| is_of(&exception.class, class))
}

/// `OSError` has a number and a text only when it was made with both.
fn two(exception: &Exception, at: usize) -> Obj {
    let args = exception.args.borrow();
    if args.len() < 2 {
        return Obj::None;
    }
    args.get(at).cloned().unwrap_or_default()
}

/// A builtin method of exceptions; `None` when there is none of that name.
pub fn method(exception: &Rc<Exception>, name: &Name, args: &Args) -> Py<Option<Obj>> {
    Ok(Some(match &*name.text.text {
        "with_traceback" => {
            args.expect("with_traceback", 1, 1, &[])?;
            Obj::Exception(exception.clone())
        }
        "add_note" => {
            args.expect("add_note", 1, 1, &[])?;
            let notes = Obj::str("__notes__");
            let known = exception.attrs.borrow().get(&notes)?;
            match (known, args.values) {
                (Some(Obj::List(list)), [note, ..]) => list.0.borrow_mut().push(note.clone()),
                _ => {
                    let list = Obj::list(args.values.to_vec());
                    exception.attrs.borrow_mut().insert(notes, list)?;
                }
            }
            Obj::None
        }
        "__init__" => {
            if !args.names.is_empty() {
                let name = class_name(&exception.class);
                return Err(type_error(format!("{name}() takes no keyword arguments")));
            }
            *exception.args.borrow_mut() = args.values.to_vec();
            Obj::None
        }
        "__str__" => Obj::str(base_message(exception)?),
        "__repr__" => Obj::str(base_repr(exception)?),
        _ => return Ok(None),
    }))
}

/// Whether [`method`] knows the name.
pub fn has_method(name: &str) -> bool {
    matches!(name, "with_traceback" | "add_note" | "__init__" | "__str__" | "__repr__")
}
