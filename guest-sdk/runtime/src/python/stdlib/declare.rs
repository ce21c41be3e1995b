//! How a module declares what it offers: one table from which both the lookup and the list of names come.

use crate::python::error::{Py, type_error};
use crate::python::object::{Args, NativeFn, Obj};

/// `declare! { "module" { "function" => path, … } { "NAME" => expression, … } }` gives the `attribute` and `MEMBERS` of a module.
macro_rules! declare {
    ($module:literal { $($name:literal => $call:expr,)* } { $($other:literal => $value:expr,)* }) => {
        static FUNCTIONS: &[$crate::python::object::NativeFn] =
            &[$($crate::python::object::NativeFn { module: $module, name: $name, call: $call }),*];
        /// The names that the module offers.
        pub static MEMBERS: &[&str] = &[$($name,)* $($other),*];
        /// A member of the module.
        pub fn attribute(name: &str) -> Option<$crate::python::object::Obj> {
            match name {
                $($other => return Some($value),)*
                _ => {}
            }
            // Programs look functions up in their innermost loops.
            static PLACES: std::sync::OnceLock<$crate::python::stdlib::declare::Places> = std::sync::OnceLock::new();
            let places = PLACES.get_or_init(|| FUNCTIONS.iter().map(|function| (function.name, function)).collect());
            places.get(name).copied().map($crate::python::object::Obj::NativeFn)
        }
    };
}
pub(crate) use declare;

/// Functions of a module by their names.
pub type Places = std::collections::HashMap<&'static str, &'static NativeFn, rustc_hash::FxBuildHasher>;

/// A static function object: `function!("module", "name", path)`.
macro_rules! function {
    ($module:literal, $name:literal, $call:expr) => {{
        static FUNCTION: $crate::python::object::NativeFn = $crate::python::object::NativeFn {
            module: $module,
            name: $name,
            call: $call,
        };
        $crate::python::object::Obj::NativeFn(&FUNCTION)
    }};
}
pub(crate) use function;

/// Argument `at`, which must be given by position.
pub fn arg<'a>(args: &Args<'a>, at: usize, function: &str) -> Py<&'a Obj> {
    match args.plain().get(at) {
        Some(value) => Ok(value),
        None => Err(type_error(format!(
            "{function} expected at least {} argument{}, got {}",
            at + 1,
            if at == 0 { "" } else { "s" },
            args.plain().len()
        ))),
    }
}

/// Argument `at`, by position or name.
pub fn required<'a>(args: &Args<'a>, at: usize, name: &str, function: &str) -> Py<&'a Obj> {
    match args.get(at, name) {
        Some(value) => Ok(value),
        None => Err(type_error(format!(
            "{function}() missing required argument '{name}' (pos {})",
            at + 1
        ))),
    }
}

/// A text argument.
pub fn text<'a>(value: &'a Obj, what: &str) -> Py<&'a str> {
    match value {
        Obj::Str(text) => Ok(text),
        other => Err(type_error(format!(
            "{what} must be str, not {}",
            crate::python::text::type_name(other)
        ))),
    }
}

/// An optional argument: `None` when it is absent or `None`.
pub fn given<'a>(args: &Args<'a>, at: usize, name: &str) -> Option<&'a Obj> {
    args.get(at, name).filter(|value| !value.is_none())
}
