//! Calls: of functions of the program, builtins, classes, bound methods.

use super::attr;
use super::builtins;
use super::class;
use super::error::{Py, type_error};
use super::function;
use super::methods;
use super::names::Builtin;
use super::object::{Args, Name, Obj};
use super::stdlib;
use super::text;

pub fn call(callee: &Obj, args: &Args) -> Py {
    match callee {
        Obj::Function(function) => function::call(function, None, args),
        Obj::Builtin(builtin) if builtin.is_exception() => super::exception::new(*builtin, args),
        Obj::Builtin(builtin) => builtins::call(*builtin, args),
        Obj::NativeFn(function) => (function.call)(args),
        Obj::NativeType(kind) => (kind.new)(args),
        Obj::Class(class) => class::instantiate(class, args),
        Obj::Bound(bound) => match &bound.function {
            Obj::Function(function) => function::call(function, Some(&bound.this), args),
            other => call_with(other, &bound.this, args),
        },
        Obj::BuiltinMethod(method) => call_method(&method.this, &method.name, args),
        Obj::Native(native) => native.call(args).unwrap_or_else(|| Err(not_callable(callee))),
        Obj::Instance(_) => match class::call_found_special(callee, "__call__", args) {
            Some(result) => result,
            None => Err(not_callable(callee)),
        },
        _ => Err(not_callable(callee)),
    }
}

/// A call with one argument before the others.
#[inline(never)]
pub fn call_with(callee: &Obj, first: &Obj, args: &Args) -> Py {
    let mut values = Vec::with_capacity(args.values.len() + 1);
    values.push(first.clone());
    values.extend_from_slice(args.values);
    call(
        callee,
        &Args {
            values: &values,
            names: args.names,
        },
    )
}

/// `callable(value)`
pub fn is_callable(value: &Obj) -> bool {
    match value {
        Obj::Function(_) | Obj::NativeFn(_) | Obj::NativeType(_) | Obj::Class(_) | Obj::Bound(_) | Obj::BuiltinMethod(_) => true,
        Obj::Builtin(builtin) => !matches!(builtin, Builtin::NotImplemented | Builtin::Ellipsis),
        Obj::Native(native) => native.callable(),
        Obj::Instance(_) => class::special(value, "__call__").is_some(),
        _ => false,
    }
}

#[cold]
fn not_callable(callee: &Obj) -> super::error::Raised {
    type_error(format!("'{}' object is not callable", text::type_name(callee)))
}

/// `object.name(…)`
pub fn call_method(object: &Obj, name: &Name, args: &Args) -> Py {
    match object {
        Obj::Instance(instance) => {
            // The class first: a method hidden by an instance's attribute is rare, and looked for all the same.
            if let Some(Obj::Function(function)) = instance.class.find_name(&name.text) {
                return match class::entry(&instance.attrs, &name.text) {
                    None => function::call(&function, Some(object), args),
                    Some(own) => call(&own, args),
                };
            }
        }
        Obj::Native(native) => {
            if let Some(result) = native.method(object, &name.text.text, args)? {
                return Ok(result);
            }
        }
        Obj::Module(module) => {
            if let Some(member) = stdlib::attribute(*module, &name.text.text) {
                return call(&member, args);
            }
        }
        Obj::Builtin(class) => return call_of_type(*class, object, name, args),
        Obj::Generator(generator) => {
            if let Some(method) = name.method
                && let Some(result) = generator.method(method, args)?
            {
                return Ok(result);
            }
        }
        Obj::Exception(exception) => {
            if class::getattr(object, name)?.is_none()
                && let Some(result) = super::exception::method(exception, name, args)?
            {
                return Ok(result);
            }
        }
        Obj::Class(_) | Obj::NativeType(_) | Obj::Function(_) => {}
        _ => {
            if let Some(method) = name.method
                && let Some(result) = methods::call(object, method, args)?
            {
                return Ok(result);
            }
        }
    }
    call(&attr::getattr(object, name)?, args)
}

/// `type.name(…)` of a builtin type: a method taken from the type (`str.lower(x)`) or one of its own (`dict.fromkeys`).
#[inline(never)]
fn call_of_type(class: Builtin, object: &Obj, name: &Name, args: &Args) -> Py {
    if let Some(method) = name.method
        && let Some(result) = methods::call_of_type(class, method, args)?
    {
        return Ok(result);
    }
    if (class.is_exception() || class == Builtin::Object)
        && let Some((this, rest)) = args.values.split_first()
    {
        // `Exception.__init__(self, …)`
        let rest = Args {
            values: rest,
            names: args.names,
        };
        if let Some(result) = class::object_method(this, name, &rest)? {
            return Ok(result);
        }
    }
    call(&attr::getattr(object, name)?, args)
}
