//! Attributes, types and `isinstance`.

use std::rc::Rc;

use super::class;
use super::error::{Py, Raised, attribute_error, raise, type_error};
use super::exception;
use super::generator::Generator;
use super::methods;
use super::names::{Builtin, Method};
use super::object::{BuiltinMethod, DictKind, Name, Obj};
use super::stdlib;
use super::text::{self, is_type};

pub fn getattr(object: &Obj, name: &Name) -> Py {
    let text: &str = &name.text.text;
    match object {
        Obj::Instance(_) => {
            if let Some(value) = class::getattr(object, name)? {
                return Ok(value);
            }
            if text == "__doc__" {
                return Ok(Obj::None);
            }
            if text == "__module__" {
                return Ok(Obj::str("__main__"));
            }
        }
        Obj::Exception(raised) => {
            if let Some(value) = class::getattr(object, name)? {
                return Ok(value);
            }
            if let Some(value) = class::entry(&raised.attrs, &name.text) {
                return Ok(value);
            }
            if let Some(value) = exception::attribute(raised, text) {
                return Ok(value);
            }
            if exception::has_method(text) {
                return Ok(taken(object, name));
            }
        }
        Obj::Class(class) => {
            return match class::class_attribute(class, name)? {
                Some(value) => Ok(value),
                None => Err(no_class_attribute(&class.name, text)),
            };
        }
        Obj::Module(module) => {
            return stdlib::attribute(*module, text).ok_or_else(|| {
                let module = module.name();
                raise(
                    Builtin::AttributeError,
                    format!("module '{module}' has no attribute '{text}'"),
                )
            });
        }
        Obj::NativeType(kind) => {
            return match (kind.attribute)(text) {
                Some(value) => Ok(value),
                None => match text {
                    "__name__" | "__qualname__" => Ok(Obj::str(kind.name)),
                    "__module__" => Ok(Obj::str(kind.module)),
                    "__doc__" => Ok(Obj::None),
                    "__class__" => Ok(Obj::Builtin(Builtin::Type)),
                    _ => Err(no_class_attribute(&text::shown_name(kind), text)),
                },
            };
        }
        Obj::Builtin(builtin) => return builtin_attribute(*builtin, object, name),
        Obj::Native(native) => {
            if let Some(value) = native.attribute(text)? {
                return Ok(value);
            }
            if native.has_method(text) {
                return Ok(taken(object, name));
            }
        }
        Obj::Function(function) => {
            if let Some(value) = function.attr(&name.text) {
                return Ok(value);
            }
            match text {
                "__name__" => return Ok(Obj::Str(function.code.name.clone())),
                "__qualname__" => return Ok(Obj::Str(function.code.qualname.clone())),
                "__module__" => return Ok(Obj::str("__main__")),
                "__doc__" => return Ok(Obj::None),
                "__defaults__" => {
                    return Ok(match function.code.defaults {
                        0 => Obj::None,
                        count => Obj::tuple(&function.defaults[..count.min(function.defaults.len())]),
                    });
                }
                _ => {}
            }
        }
        Obj::Bound(bound) => match text {
            "__self__" => return Ok(bound.this.clone()),
            "__func__" => return Ok(bound.function.clone()),
            _ if text != "__class__" => return getattr(&bound.function, name),
            _ => {}
        },
        Obj::BuiltinMethod(method) => match text {
            "__name__" => return Ok(Obj::Str(method.name.text.clone())),
            "__self__" => return Ok(method.this.clone()),
            _ => {}
        },
        Obj::NativeFn(function) => match text {
            "__name__" | "__qualname__" => return Ok(Obj::str(function.name)),
            "__module__" => return Ok(Obj::str(function.module)),
            _ => {}
        },
        Obj::Generator(generator) => match text {
            "__name__" => return Ok(Obj::str(generator.name())),
            "__qualname__" => return Ok(Obj::str(generator.qualname())),
            _ if name.method.is_some_and(Generator::has) => return Ok(taken(object, name)),
            _ => {}
        },
        other => {
            if let Some(value) = field(other, text) {
                return Ok(value);
            }
            if name.method.is_some_and(|method| methods::has(object, method)) {
                return Ok(taken(object, name));
            }
        }
    }
    match text {
        "__class__" => Ok(type_of(object)),
        "__doc__" => Ok(Obj::None),
        _ => Err(attribute_error(&text::type_name(object), text)),
    }
}

/// `AttributeError` unless an object has the method that is about to be called. Of a module the compiler knows the members.
pub fn require(object: &Obj, name: &Name) -> Py<()> {
    let known = match object {
        Obj::Module(_) => true,
        Obj::Instance(instance) => {
            instance.class.find_name(&name.text).is_some() || class::entry(&instance.attrs, &name.text).is_some()
        }
        Obj::Native(native) => native.has_method(&name.text.text),
        Obj::Generator(_) => name.method.is_some_and(Generator::has),
        _ => name.method.is_some_and(|method| methods::has(object, method)),
    };
    match known {
        true => Ok(()),
        false => getattr(object, name).map(drop),
    }
}

/// A builtin object's method, not called yet.
fn taken(object: &Obj, name: &Name) -> Obj {
    Obj::BuiltinMethod(Rc::new(BuiltinMethod {
        this: object.clone(),
        name: name.clone(),
    }))
}

#[cold]
fn no_class_attribute(class: &str, name: &str) -> Raised {
    raise(
        Builtin::AttributeError,
        format!("type object '{class}' has no attribute '{name}'"),
    )
}

fn builtin_attribute(builtin: Builtin, object: &Obj, name: &Name) -> Py {
    let text: &str = &name.text.text;
    if name.method.is_some_and(|method: Method| methods::type_has(builtin, method)) {
        return Ok(taken(object, name));
    }
    let is_class = is_type(builtin);
    Ok(match text {
        "__name__" | "__qualname__" => Obj::str(exception::canonical(builtin).name()),
        "__module__" => Obj::str("builtins"),
        "__doc__" => Obj::None,
        "__class__" => type_of(object),
        "__init__" | "__str__" | "__repr__" if builtin.is_exception() || builtin == Builtin::Object => taken(object, name),
        _ if is_class => return Err(no_class_attribute(builtin.name(), text)),
        _ => return Err(attribute_error(&text::type_name(object), text)),
    })
}

/// A data attribute of a builtin object.
fn field(object: &Obj, name: &str) -> Option<Obj> {
    Some(match (object, name) {
        (Obj::Int(_) | Obj::Big(_), "real" | "numerator") => object.clone(),
        (Obj::Bool(value), "real" | "numerator") => Obj::Int(i64::from(*value)),
        (Obj::Int(_) | Obj::Big(_) | Obj::Bool(_), "denominator") => Obj::Int(1),
        (Obj::Int(_) | Obj::Big(_) | Obj::Bool(_), "imag") => Obj::Int(0),
        (Obj::Float(_), "real") => object.clone(),
        (Obj::Float(_), "imag") => Obj::Float(0.0),
        (Obj::Range(range), "start") => Obj::Int(range.start),
        (Obj::Range(range), "stop") => Obj::Int(range.stop),
        (Obj::Range(range), "step") => Obj::Int(range.step),
        (Obj::Slice(slice), "start") => slice.start.clone(),
        (Obj::Slice(slice), "stop") => slice.stop.clone(),
        (Obj::Slice(slice), "step") => slice.step.clone(),
        (Obj::Dict(dict), "default_factory") => match &dict.kind {
            DictKind::Default(factory) => factory.borrow().clone(),
            _ => return None,
        },
        _ => return None,
    })
}

pub fn setattr(object: &Obj, name: &Name, value: &Obj) -> Py<()> {
    assign(object, name, Some(value))
}

pub fn delattr(object: &Obj, name: &Name) -> Py<()> {
    assign(object, name, None)
}

fn assign(object: &Obj, name: &Name, value: Option<&Obj>) -> Py<()> {
    let text: &str = &name.text.text;
    match (object, value) {
        (Obj::Instance(_), _) => return class::setattr(object, name, value),
        (Obj::Exception(raised), _) => {
            match (text, value) {
                ("args", Some(value)) => {
                    let items = super::iter::collect(value)?;
                    *raised.args.borrow_mut() = items;
                    return Ok(());
                }
                ("__cause__", Some(value)) => {
                    *raised.cause.borrow_mut() = Some(value.clone());
                    return Ok(());
                }
                ("__traceback__" | "__context__" | "__suppress_context__", Some(_)) => return Ok(()),
                _ => {}
            }
            return match &raised.class {
                Obj::Class(_) => class::setattr(object, name, value),
                _ => class::set_own(object, &raised.attrs, name, value),
            };
        }
        (Obj::Class(class), Some(value)) => return class.set(&name.text, value),
        (Obj::Class(class), None) => {
            return match class::delete_class_attribute(class, name)? {
                true => Ok(()),
                false => Err(no_class_attribute(&class.name, text)),
            };
        }
        (Obj::Function(function), Some(value)) => return function.set_attr(&name.text, value.clone()),
        (Obj::Native(native), Some(value)) if native.set_attribute(text, value)? => return Ok(()),
        (Obj::Dict(dict), Some(value)) if text == "default_factory" => {
            if let DictKind::Default(factory) = &dict.kind {
                let old = factory.replace(value.clone());
                drop(old);
                return Ok(());
            }
        }
        (Obj::Builtin(builtin), _) if is_type(*builtin) => {
            let text = format!("cannot set '{text}' attribute of immutable type '{}'", builtin.name());
            return Err(type_error(text));
        }
        _ => {}
    }
    Err(match getattr(object, name) {
        Ok(_) => raise(
            Builtin::AttributeError,
            format!("'{}' object attribute '{text}' is read-only", text::type_name(object)),
        ),
        Err(raised) => raised,
    })
}

/// `type(object)`
pub fn type_of(object: &Obj) -> Obj {
    use Builtin as B;
    Obj::Builtin(match object {
        Obj::None | Obj::Unbound => B::NoneType,
        Obj::Bool(_) => B::Bool,
        Obj::Int(_) | Obj::Big(_) => B::Int,
        Obj::Float(_) => B::Float,
        Obj::Str(_) => B::Str,
        Obj::Bytes(_) => B::Bytes,
        Obj::List(_) => B::List,
        Obj::Tuple(_) => B::Tuple,
        Obj::Dict(dict) => match dict.kind {
            DictKind::Plain => B::Dict,
            DictKind::Ordered => return collections_type("OrderedDict"),
            DictKind::Counter => return collections_type("Counter"),
            DictKind::Default(_) => return collections_type("defaultdict"),
        },
        Obj::Set(set) if set.frozen => B::Frozenset,
        Obj::Set(_) => B::Set,
        Obj::Range(_) => B::Range,
        Obj::Slice(_) => B::Slice,
        Obj::Iter(_) => B::Iterator,
        Obj::Generator(_) => B::Generator,
        Obj::Function(_) => B::Function,
        Obj::Bound(_) => B::BoundMethod,
        Obj::BuiltinMethod(_) | Obj::NativeFn(_) => B::BuiltinFunction,
        Obj::Builtin(builtin) if is_type(*builtin) => B::Type,
        Obj::Builtin(_) => B::BuiltinFunction,
        Obj::NativeType(_) | Obj::Class(_) => B::Type,
        Obj::Native(native) => {
            if let Some(class) = native.class() {
                return class;
            }
            let kind = native.type_of();
            return match kind.module {
                "builtins" => Builtin::named(kind.name).map_or(Obj::NativeType(kind), Obj::Builtin),
                _ => Obj::NativeType(kind),
            };
        }
        Obj::Instance(instance) => return Obj::Class(instance.class.clone()),
        Obj::Exception(exception) => return exception.class.clone(),
        Obj::Module(_) => B::Module,
        Obj::Cell(_) => B::Cell,
        Obj::Ellipsis => B::EllipsisType,
        Obj::NotImplemented => B::NotImplementedType,
    })
}

fn collections_type(name: &str) -> Obj {
    stdlib::attribute(super::names::Module::Collections, name).unwrap_or(Obj::Builtin(Builtin::Dict))
}

/// `class` may be a tuple of classes.
pub fn is_instance(object: &Obj, class: &Obj) -> Py<bool> {
    match class {
        Obj::Builtin(builtin) if is_type(*builtin) => Ok(is_builtin_instance(object, *builtin)),
        Obj::Class(class) => Ok(class::of(object).is_some_and(|(own, _)| class::derives(own, class))),
        Obj::NativeType(kind) => Ok((kind.is_instance)(object)),
        Obj::Tuple(classes) => {
            for class in classes.iter() {
                if is_instance(object, class)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Obj::Native(native) if native.class_name().is_some() => Ok(native.is_class_of(object)),
        _ => Err(not_a_type("isinstance() arg 2 must be a type, a tuple of types, or a union")),
    }
}

#[cold]
fn not_a_type(text: &str) -> Raised {
    type_error(text)
}

fn is_builtin_instance(object: &Obj, class: Builtin) -> bool {
    use Builtin as B;
    match (object, class) {
        (_, B::Object) => true,
        (Obj::Bool(_), B::Int) => true,
        (Obj::Dict(_), B::Dict) => true,
        (Obj::Exception(exception), class) if class.is_exception() => exception::is_of(&exception.class, class),
        (Obj::Iter(iter), class) => class == B::Iterator || iter.type_name() == class.name(),
        (Obj::Native(native), B::Tuple) if native.as_tuple().is_some() => true,
        (Obj::Native(native), class) if native.as_plain().is_some_and(|plain| is_builtin_instance(plain, class)) => true,
        _ => matches!(type_of(object), Obj::Builtin(own) if own == class),
    }
}

pub fn is_subclass(class: &Obj, of: &Obj) -> Py<bool> {
    if matches!(class, Obj::Native(native) if native.class_name().is_some()) {
        return Ok(class.is(of) || matches!(of, Obj::Builtin(Builtin::Object)));
    }
    if !matches!(class, Obj::Class(_) | Obj::NativeType(_)) && !matches!(class, Obj::Builtin(b) if is_type(*b)) {
        return Err(not_a_type("issubclass() arg 1 must be a class"));
    }
    match of {
        Obj::Tuple(classes) => {
            for of in classes.iter() {
                if is_subclass(class, of)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Obj::Builtin(Builtin::Object) => Ok(true),
        Obj::Builtin(builtin) if is_type(*builtin) => Ok(match class {
            Obj::Builtin(Builtin::Bool) => matches!(builtin, Builtin::Bool | Builtin::Int),
            Obj::Builtin(_) | Obj::Class(_) if builtin.is_exception() => exception::is_of(class, *builtin),
            Obj::Builtin(own) => own == builtin,
            Obj::NativeType(kind) => *builtin == Builtin::Dict && matches!(kind.name, "OrderedDict" | "Counter" | "defaultdict"),
            _ => false,
        }),
        Obj::Class(of) => Ok(matches!(class, Obj::Class(class) if class::derives(class, of))),
        Obj::NativeType(of) => Ok(match class {
            Obj::NativeType(kind) => std::ptr::eq(*kind, *of),
            Obj::Class(class) => class
                .above
                .iter()
                .any(|above| matches!(above, Obj::NativeType(kind) if std::ptr::eq(*kind, *of))),
            _ => false,
        }),
        _ => Err(not_a_type(
            "issubclass() arg 2 must be a class, a tuple of classes, or a union",
        )),
    }
}
