//! Builtin functions and the constructors of builtin types.

mod attributes;
mod characters;
mod containers;
mod digits;
mod iterators;
mod numbers;
mod printing;
mod reduce;
mod source;
mod special;

pub use numbers::{divmod, pow, round};

use super::error::{Py, raise, type_error};
use super::exception;
use super::methods::signature::Call;
use super::names::Builtin;
use super::object::{Args, Obj};
use super::{call as calls, compare, descriptor, format, hash, iter, text};

/// A call of a builtin function, type or exception class.
pub fn call(builtin: Builtin, args: &Args) -> Py<Obj> {
    use Builtin as B;
    let call = Call::new("", builtin.name(), args);
    match builtin {
        B::Len => Ok(Obj::Int(iter::length(call.one()?)? as i64)),
        B::Isinstance => attributes::is_instance(&call),
        B::Issubclass => attributes::is_subclass(&call),
        B::Range => containers::range(&call),
        B::Str => characters::str(&call),
        B::Int => numbers::int(&call),
        B::Float => numbers::float(&call),
        B::Bool => match call.positional(0, 1)?.first() {
            None => Ok(Obj::Bool(false)),
            Some(value) => compare::truth(value).map(Obj::Bool),
        },
        B::List => containers::list(&call),
        B::Tuple => containers::tuple(&call),
        B::Dict => containers::dict(&call),
        B::Set => containers::set(&call, false),
        B::Frozenset => containers::set(&call, true),
        B::Bytes => characters::bytes(&call),
        B::Slice => containers::slice(&call),
        B::Object => match call.none() {
            Ok(()) => Ok(containers::object()),
            Err(_) => Err(type_error("object() takes no arguments")),
        },
        B::Type => match args.values {
            [object] if args.names.is_empty() => Ok(super::attr::type_of(object)),
            _ if !args.names.is_empty() && args.plain().len() == 1 => Err(type_error("type() takes no keyword arguments")),
            [_, _, _] => Err(type_error(
                "type() with three arguments is not supported: use a class statement",
            )),
            _ => Err(type_error("type() takes 1 or 3 arguments")),
        },

        B::Abs => numbers::abs(call.one()?),
        B::Divmod => {
            let given = call.positional(2, 2)?;
            numbers::divmod(&given[0], &given[1])
        }
        B::Pow => {
            let [base, exp, modulus] = call.named(["base", "exp", "mod"], 0, 3, 2)?;
            match (base, exp) {
                (Some(base), Some(exp)) => numbers::pow(base, exp, modulus),
                _ => Ok(Obj::None),
            }
        }
        B::Round => {
            let [number, digits] = call.named(["number", "ndigits"], 0, 2, 1)?;
            numbers::round(number.unwrap_or(&Obj::None), digits)
        }
        B::Sum => reduce::sum(&call),
        B::Min => reduce::extreme(&call, compare::CompareOp::Lt),
        B::Max => reduce::extreme(&call, compare::CompareOp::Gt),
        B::Any => reduce::any(call.one()?),
        B::All => reduce::all(call.one()?),
        B::Sorted => reduce::sorted(&call),

        B::Iter => iterators::iter(&call),
        B::Next => iterators::next(&call),
        B::Enumerate => iterators::enumerate(&call),
        B::Zip => iterators::zip(&call),
        B::Map => iterators::map(&call),
        B::Filter => iterators::filter(&call),
        B::Reversed => iterators::reversed(&call),

        B::Chr => characters::chr(call.one()?),
        B::Ord => characters::ord(call.one()?),
        B::Bin => numbers::in_base(call.one()?, 2, "0b"),
        B::Oct => numbers::in_base(call.one()?, 8, "0o"),
        B::Hex => numbers::in_base(call.one()?, 16, "0x"),
        B::Repr => text::repr(call.one()?).map(Obj::str),
        B::Ascii => text::ascii(call.one()?).map(Obj::str),
        B::Format => {
            let given = call.positional(1, 2)?;
            let spec = match given.get(1) {
                Some(spec) => call.text(2, spec)?,
                None => "",
            };
            format::format(&given[0], spec).map(Obj::str)
        }
        B::Print => printing::print(&call),

        B::Hash => hash::hash(call.one()?).map(Obj::Int),
        B::Id => Ok(Obj::Int(attributes::id(call.one()?))),
        B::Callable => Ok(Obj::Bool(calls::is_callable(call.one()?))),
        B::Getattr => attributes::getattr(&call),
        B::Hasattr => attributes::hasattr(&call),
        B::Setattr => attributes::setattr(&call),
        B::Delattr => attributes::delattr(&call),

        B::Property => descriptor::new_property(args),
        B::Staticmethod => Ok(descriptor::static_method(&call.positional(1, 1)?[0])),
        B::Classmethod => Ok(descriptor::class_method(&call.positional(1, 1)?[0])),

        B::Complex | B::Bytearray | B::Input | B::Super => {
            let text = format!("{}() is not supported here", builtin.name());
            Err(raise(B::NotImplementedError, text))
        }
        B::NoneType if args.values.is_empty() => Ok(Obj::None),
        B::NoneType => Err(type_error("NoneType takes no arguments")),
        B::NotImplemented | B::Ellipsis => Err(not_callable(match builtin {
            B::Ellipsis => "ellipsis",
            _ => "NotImplementedType",
        })),
        builtin if builtin.is_exception() => exception::new(builtin, args),
        builtin => Err(type_error(format!("cannot create '{}' instances", builtin.name()))),
    }
}

fn not_callable(type_name: &str) -> super::error::Raised {
    type_error(format!("'{type_name}' object is not callable"))
}
