//! What of Python a code node may use: the names that the checks and the documentation share.

use flow_rt::python::names::{Builtin, MODULES, Module};

/// Builtins that reach outside the sandbox, or into the running program, and what to say instead.
pub(super) static REFUSED: &[(&str, &str)] = &[
    ("eval", "compute the value with ordinary code; to read data use json.loads"),
    ("exec", "write the code into the node"),
    ("compile", "write the code into the node"),
    ("__import__", "use an import statement"),
    ("open", "a code node reaches no files; use the flow's file nodes"),
    ("input", "a code node cannot ask; use an input pin or an ask_user node"),
    ("globals", "keep the values in a dict of your own"),
    ("locals", "keep the values in a dict of your own"),
    ("vars", "keep the values in a dict of your own"),
    ("dir", "keep the names in a list of your own"),
    ("breakpoint", "use print; it goes to the run's log"),
    ("exit", "use return"),
    ("quit", "use return"),
    ("help", "remove the call"),
    ("memoryview", "use bytes"),
    ("aiter", "use iter"),
    ("anext", "use next"),
    ("__build_class__", "use a class statement"),
    ("__loader__", "remove it"),
    ("__spec__", "remove it"),
    ("copyright", "remove it"),
    ("credits", "remove it"),
    ("license", "remove it"),
];

/// Builtin types that a program may ask for (`isinstance`) but not make objects of, and what to say instead.
pub(super) static NOT_MADE: &[(&str, &str)] = &[
    ("bytearray", "use bytes, or a list of numbers"),
    ("complex", "keep both parts as two numbers"),
];

/// Builtin exception classes of Python that the runtime does not have.
pub(super) static MISSING: &[&str] = &[
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "BytesWarning",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EncodingWarning",
    "EnvironmentError",
    "ExceptionGroup",
    "FileExistsError",
    "FutureWarning",
    "ImportWarning",
    "IndentationError",
    "InterruptedError",
    "IsADirectoryError",
    "NotADirectoryError",
    "PendingDeprecationWarning",
    "ProcessLookupError",
    "ResourceWarning",
    "RuntimeWarning",
    "StopAsyncIteration",
    "SyntaxWarning",
    "TabError",
    "UnicodeTranslateError",
    "UnicodeWarning",
    "WindowsError",
];

/// Special methods that a class may define.
pub(super) static METHODS: &[&str] = &[
    "__init__",
    "__str__",
    "__repr__",
    "__format__",
    "__eq__",
    "__ne__",
    "__lt__",
    "__le__",
    "__gt__",
    "__ge__",
    "__hash__",
    "__bool__",
    "__len__",
    "__iter__",
    "__next__",
    "__getitem__",
    "__setitem__",
    "__delitem__",
    "__contains__",
    "__missing__",
    "__call__",
    "__enter__",
    "__exit__",
    "__add__",
    "__sub__",
    "__mul__",
    "__truediv__",
    "__floordiv__",
    "__mod__",
    "__pow__",
    "__matmul__",
    "__and__",
    "__or__",
    "__xor__",
    "__lshift__",
    "__rshift__",
    "__radd__",
    "__rsub__",
    "__rmul__",
    "__rtruediv__",
    "__rfloordiv__",
    "__rmod__",
    "__rpow__",
    "__rmatmul__",
    "__rand__",
    "__ror__",
    "__rxor__",
    "__rlshift__",
    "__rrshift__",
    "__iadd__",
    "__isub__",
    "__imul__",
    "__itruediv__",
    "__ifloordiv__",
    "__imod__",
    "__ipow__",
    "__imatmul__",
    "__iand__",
    "__ior__",
    "__ixor__",
    "__ilshift__",
    "__irshift__",
    "__neg__",
    "__pos__",
    "__invert__",
    "__abs__",
    "__int__",
    "__float__",
    "__index__",
    "__post_init__",
];

/// Special names that a class body may assign.
pub(super) static CLASS_NAMES: &[&str] = &["__match_args__", "__doc__"];

/// Builtin types that a class may derive from, beside the exception classes.
pub(super) static BASES: &[&str] = &["object"];

/// Builtin types that may stand beside `Enum` among the bases of a class.
pub(super) static MIXED: &[&str] = &["str", "int", "float"];

/// Whether a class may derive from what a module has under this name.
pub(super) fn is_base(module: Module, name: &str) -> bool {
    flow_rt::python::stdlib::attribute(module, name).is_none_or(|member| flow_rt::python::stdlib::made_class::may_derive(&member))
}

/// Whether the name is a builtin that programs may use.
pub(super) fn is_builtin(name: &str) -> bool {
    Builtin::named(name).is_some_and(Builtin::nameable) && !REFUSED.iter().any(|(refused, _)| *refused == name)
}

/// The module of this name, if the runtime has anything of it.
pub(super) fn module(name: &str) -> Option<Module> {
    let submodules = || {
        MODULES
            .iter()
            .filter(|(_, other)| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
    };
    let has = |module: Module| module == Module::Future || !members(module).is_empty();
    Module::named(name).filter(|module| has(*module) || submodules().any(|(module, _)| has(*module)))
}

/// The modules that programs may import, by name.
pub(super) fn modules() -> Vec<&'static str> {
    let names = MODULES.iter().map(|(_, name)| *name);
    let mut names: Vec<_> = names.filter(|name| *name != "__future__" && module(name).is_some()).collect();
    names.sort_unstable();
    names
}

/// What a module offers, modules within it aside.
pub(super) fn members(module: Module) -> Vec<&'static str> {
    flow_rt::python::stdlib::members(module)
}
