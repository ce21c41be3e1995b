//! What is refused, where it is shown, and what is only warned of.

use super::*;

/// Each text underlined in a program's first problem, and its message. The program is a function's body.
#[test]
fn a_refusal_underlines_what_is_refused() {
    let cases = [
        ("import os", "os", "Imports of 'os' are not allowed"),
        (
            "x = 1\nfrom os.path import join",
            "os.path",
            "Imports of 'os.path' are not allowed",
        ),
        ("from . import x", "from . import x", "relative imports are not allowed"),
        ("from math import *", "*", "star imports are not supported"),
        ("return open('x')", "open", "'open' is not allowed"),
        ("return [eval(x) for x in a]", "eval", "'eval' is not allowed"),
        (
            "return a.__dict__",
            "__dict__",
            "Access to dunder attributes ('__dict__') is not allowed",
        ),
        (
            "return a.__len__()",
            "__len__",
            "Access to dunder attributes ('__len__') is not allowed",
        ),
        ("async def f(): pass", "async", "async functions are not supported"),
        ("class A(dict): pass", "dict", "deriving a class from 'dict' is not supported"),
        (
            "class A(metaclass=a): pass",
            "metaclass=a",
            "the class argument 'metaclass' is not supported",
        ),
        (
            "class A:\n    def __del__(self): pass",
            "__del__",
            "the special method '__del__' is not supported",
        ),
        (
            "class A:\n    __slots__ = ()",
            "__slots__",
            "'__slots__' has no effect here and is not supported",
        ),
        (
            "return f'{a['k']}'",
            "'",
            "Syntax error: Cannot reuse outer quote character in f-strings on Python 3.11 (syntax was added in Python 3.12)",
        ),
        (
            "type X = int",
            "type",
            "Syntax error: Cannot use `type` alias statement on Python 3.11 (syntax was added in Python 3.12)",
        ),
        (
            "import re\nreturn re.sub(r'(?!x)', '', a)",
            "r'(?!x)'",
            "this pattern is not supported: negative lookahead (?!…) is not supported by a linear-time matcher at position 0",
        ),
        (
            "from re import match as m\nreturn m(string=a, pattern='(x)\\\\1')",
            "'(x)\\\\1'",
            "this pattern is not supported: a backreference is not supported by a linear-time matcher at position 3",
        ),
        ("import math\nreturn math.foo", "foo", "'math.foo' is not supported"),
        ("from json import load", "load", "'json.load' is not supported"),
        ("return 2j", "2j", "complex numbers are not supported"),
        (
            "return t'{a}'",
            "t'{a}'",
            "Syntax error: Cannot use t-strings on Python 3.11 (syntax was added in Python 3.14)",
        ),
        (
            "return '\\ud83d'",
            "'\\ud83d'",
            "a text with half a surrogate pair is not supported",
        ),
        (
            "raise",
            "raise",
            "a bare 'raise' is supported only within 'except' of the same function",
        ),
        (
            "try:\n    a()\nexcept* ValueError:\n    pass",
            "except",
            "except* is not supported",
        ),
        ("return a +", " ", "Syntax error: Expected an expression"),
        ("break", "break", "Syntax error: `break` outside loop"),
        ("def f():\n    nonlocal zz", "zz", "no binding for nonlocal 'zz' found"),
        ("a = 1\nglobal a", "a", "name 'a' is assigned to before global declaration"),
        (
            "class A:\n    yield 1",
            "yield 1",
            "Syntax error: `yield` statement outside of a function",
        ),
        (
            "raise ExceptionGroup('', [])",
            "ExceptionGroup",
            "'ExceptionGroup' is not supported",
        ),
        ("return bytearray(a)", "bytearray", "bytearray() is not supported"),
        (
            "return type('A', (), {})",
            "type",
            "type() with three arguments is not supported",
        ),
        (
            "from collections import OrderedDict\nclass A(OrderedDict): pass\nreturn A()",
            "OrderedDict",
            "deriving a class from 'collections.OrderedDict' is not supported",
        ),
        (
            "import collections as c\nclass A(c.deque): pass\nreturn A()",
            "c.deque",
            "deriving a class from 'collections.deque' is not supported",
        ),
        (
            "from enum import Enum\nreturn Enum('A', 'B C')",
            "Enum",
            "making an enumeration by Enum() is not supported",
        ),
    ];
    for (text, underlined, message) in cases {
        let problems = refused(&body(text, &["a"]));
        let Some(problem) = problems.first() else {
            panic!("not refused: {text}");
        };
        assert_eq!(problem.message, message, "{text}");
        let (start, length) = problem.place.underline;
        let shown: String = problem
            .place
            .text
            .chars()
            .skip(start as usize)
            .take(length as usize)
            .collect();
        assert_eq!(shown, underlined.trim(), "{text}: {problem}");
        let line = text.split('\n').nth(problem.place.line as usize - 1).unwrap();
        assert_eq!(problem.place.text, line, "the author's own line");
        assert_eq!(problem.place.column, start + 1);
        assert_eq!(problem.place.field, "codeBody");
    }
}

#[test]
fn what_is_near_a_refusal_is_allowed() {
    let texts = [
        "open = a\nreturn open('x')",
        "class A(Exception):\n    def __init__(self):\n        super().__init__('x')\nreturn A",
        "class B:\n    def __init__(self): pass\nclass A(B):\n    def __init__(self):\n        B.__init__(self)\nreturn A",
        "import collections.abc, urllib.parse as p\nfrom json import dumps as d\nreturn d(a)",
        "def f(x: undefined) -> Also[Undefined]: return x\nreturn f(a)",
        "return '\\\\ud83d', r'\\ud83d', b'\\ud83d'",
        "try:\n    a()\nexcept KeyError:\n    raise",
        "if __name__ == '__main__':\n    return 1",
        "return isinstance(a, (bytes, bytearray)), type(a)",
        "from collections import namedtuple\nclass A(namedtuple('B', 'c')): pass\nreturn A(1)",
        "import enum\nfrom typing import NamedTuple\nclass A(NamedTuple): x: int\nclass B(enum.Enum): X = 1\nreturn A(1), B(1)",
    ];
    for text in texts {
        let result = compiled(&body(text, &["a"]));
        assert_eq!(result.warnings, [], "{text}");
    }
    compiled(&program("from __future__ import annotations\ndef transform(a: A): return a"));
}

#[test]
fn a_name_that_nothing_defines_is_warned_of() {
    let result = compiled(&body("if a:\n    return missing", &["a"]));
    assert_eq!(result.warnings[0].message, "name 'missing' is not defined");
    assert_eq!((result.warnings[0].place.line, result.warnings[0].place.column), (2, 12));
}

#[test]
fn all_problems_are_told_in_order() {
    let problems = refused(&body("x = eval(a)\nimport os\nreturn x.__dict__", &["a"]));
    let lines: Vec<u32> = problems.iter().map(|problem| problem.place.line).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[test]
fn an_enumeration_may_be_mixed_with_a_builtin_type() {
    for (bases, accepted) in [
        ("str, Enum", true),
        ("int, enum.Enum", true),
        ("str", false),
        ("list, Enum", false),
    ] {
        let text =
            format!("import enum\nfrom enum import Enum\nclass A({bases}):\n    X = 1\ndef transform(a):\n    return A(a).name");
        assert_eq!(refused(&program(&text)).is_empty(), accepted, "{bases}");
    }
}
