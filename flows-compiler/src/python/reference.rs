//! The page that says what of Python code nodes may use, made from the tables that the compiler decides by.

use std::fmt::Write;

use flow_rt::python::names::{BUILTINS, METHODS, Module};

use super::{allowed, guard};

/// The page as it stands in `docs/python.md`; a test keeps the two equal.
pub fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    let builtins = |exceptions: bool| {
        BUILTINS
            .iter()
            .filter(move |(builtin, name)| allowed::is_builtin(name) && builtin.is_exception() == exceptions)
            .filter(|(_, name)| allowed::NOT_MADE.iter().all(|(other, _)| other != name))
            .map(|(_, name)| *name)
    };
    section(&mut page, "Builtins", "Functions and types:", builtins(false));
    paragraph(&mut page, "Exception classes:", builtins(true));
    paragraph(
        &mut page,
        "Types to compare with, of which no objects are made:",
        allowed::NOT_MADE.iter().map(|(name, _)| *name),
    );
    section(
        &mut page,
        "Methods of builtin types",
        "As far as the type has them:",
        METHODS.iter().map(|(_, name)| *name),
    );

    page.push_str("\n## Modules\n\nAny other import is refused.\n\n| module | names |\n| --- | --- |\n");
    for name in allowed::modules() {
        let mut members = Module::named(name).map(allowed::members).unwrap_or_default();
        members.sort_unstable();
        let _ = writeln!(page, "| `{name}` | {} |", list(members.into_iter()));
    }

    section(
        &mut page,
        "Classes",
        "A class may derive from `object`, from exception classes, and from classes of the program and of the modules above, not from \
         other types of theirs. It may define these special methods:",
        allowed::METHODS.iter().copied(),
    );
    page.push_str("\nOther special names are refused, and so is reading any of an object (`x.__class__`, `type(x).__name__`).\n");
    page.push_str(SYNTAX);

    page.push_str("\n## Refused builtins\n\n| name | instead |\n| --- | --- |\n");
    for (name, hint) in allowed::REFUSED {
        let _ = writeln!(page, "| `{name}` | {hint} |");
    }
    paragraph(
        &mut page,
        "Exception classes that are not there:",
        allowed::MISSING.iter().copied(),
    );

    let _ = write!(
        page,
        "\n## Limits\n\n* A program has at most {} KiB.\n* Brackets nest {} deep, blocks {}; operators, dots and calls {} in one expression.\n\
         * Calls within calls raise `RecursionError` at some depth. What runs too long or needs too much memory fails the run, which no \
         `except` can catch.\n",
        guard::MAX_SOURCE / 1024,
        guard::MAX_BRACKETS,
        guard::MAX_INDENTATION,
        guard::MAX_NESTING
    );
    page
}

fn section(page: &mut String, title: &str, text: &str, names: impl Iterator<Item = &'static str>) {
    let _ = writeln!(page, "\n## {title}");
    paragraph(page, text, names);
}

fn paragraph(page: &mut String, text: &str, names: impl Iterator<Item = &'static str>) {
    let _ = writeln!(page, "\n{text} {}.", list(names));
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

const INTRODUCTION: &str = r#"# Python in code nodes

A `code` node holds a Python function. Flowgate compiles it to WebAssembly with the flow; no Python interpreter is involved. What it
computes is what CPython 3.11 computes. What cannot be compiled is refused when the flow is, with the line, the column and a hint.

This page is made from the tables that the compiler decides by.

## Which text is compiled

A node's data has a whole program (`code`), which defines the function that `functionName` names (`transform` if it names none), or
only the function's body (`codeBody`). Of a body, the compiler makes the function: it takes `_input`, an object of the input pins, and
begins by assigning each pin to a variable. A pin's variable has the pin's id with every character but ASCII letters, digits and `_`
replaced by `_`; an id that begins with a digit is prefixed by `p_`, a keyword gets a `_` at its end.

If there are both, the body counts, unless it cannot be meant and `code` defines the function. That is so if the body

* has a syntax error, or
* defines the function itself and returns nothing, or
* reads a name that no pin, no assignment and no builtin defines.

Then `code` counts and a warning says so. The module's body runs before each call.

A legacy `function` node has `code`, or an `expression` over `x`, `input` and the input's keys, without builtins.
"#;

const SYNTAX: &str = r#"
## Syntax

Everything of Python 3.11 but this:

* `async`, `await`, `except*` and complex numbers are refused, and what only a newer Python can read.
* Annotations are not evaluated.
* `%` formats texts, not bytes.
* A union of classes (`int | str`) is a tuple of them.
* A negative number to the power of a fraction raises `ValueError`, since it would be a complex number.
* A generator that is let go before its end does not run what it has in `finally`; one that is closed does.
* A bare `raise` stands within an `except` of the same function.
* A text may not have half a surrogate pair in it.
* Star imports and class arguments (`metaclass=`) are refused.
"#;
