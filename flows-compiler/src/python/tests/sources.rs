//! Which text is compiled, and how a body becomes a function.

use super::*;
use crate::python::source::{Source, function_name};

#[test]
fn a_body_gets_a_variable_for_each_pin() {
    let pins = ["a", "permissions", "my pin", "2nd", "class", "é", " x ", "a\"b\\\n", "-"];
    let source = Source::around_body("\n    if a:\n        return x\n    return 'é'\n\n", &pins, "f");
    assert_eq!(
        source.text,
        "def f(_input):\n    a = _input.get(\"a\")\n    my_pin = _input.get(\"my pin\")\n    p_2nd = _input.get(\"2nd\")\n    \
         class_ = _input.get(\"class\")\n    _ = _input.get(\"é\")\n    x = _input.get(\" x \")\n    \
         a_b_ = _input.get(\"a\\\"b\\\\\\U0000000a\")\n    _ = _input.get(\"-\")\n    if a:\n        return x\n    return 'é'\n"
    );
    assert_eq!(
        Source::around_body("  \n", &[], "f").text,
        "def f(_input):\n    return _input\n"
    );
    assert_eq!(
        Source::around_body("x = 1\r\nreturn x\r\n", &[], "f").text,
        "def f(_input):\n    x = 1\n    return x\n"
    );
}

#[test]
fn a_place_counts_in_the_authors_own_lines() {
    // The body is indented by three, so that it loses three columns and gains four.
    for (text, line, column) in [
        ("   x = 1\n\n   if x:\n     import os", 4, 13),
        ("x = '''\n  é''' + open('f')\n", 2, 10),
        ("\n\n  import os", 3, 10),
        ("\tx = 1\n\timport os\r\n", 2, 9),
        ("      x = 1\nimport os", 2, 8),
    ] {
        let problem = &refused(&body(text, &["p", "q"]))[0];
        assert_eq!(
            (problem.place.line, problem.place.column),
            (line, column),
            "{text:?}: {problem}"
        );
    }
    let problem = &refused(&program("def transform(a):\n    return open(a)"))[0];
    assert_eq!(
        (problem.place.field, problem.place.line, problem.place.column),
        ("code", 2, 12)
    );
}

#[test]
fn the_complete_text_is_chosen() {
    let complete = "def transform(_input):\n    return 1";
    let cases = [
        // (codeBody, code, which counts, what is warned of)
        (Some("return a"), Some(complete), "codeBody", ""),
        (
            Some("return b"),
            Some(complete),
            "code",
            "codeBody reads 'b', which nothing defines, so code is used, which defines 'transform'",
        ),
        (
            Some("return ("),
            Some(complete),
            "code",
            "codeBody has a syntax error, so code is used, which defines 'transform'",
        ),
        (
            Some(complete),
            Some(complete),
            "code",
            "codeBody defines the function itself and returns nothing, so code is used, which defines 'transform'",
        ),
        (
            Some(complete),
            None,
            "whole",
            "codeBody defines the function itself and returns nothing, so it is used as the whole program",
        ),
        (
            Some(complete),
            Some("x = 1"),
            "whole",
            "codeBody defines the function itself and returns nothing, so it is used as the whole program",
        ),
        (
            Some("def transform(x):\n    return x\nreturn transform(a)"),
            Some(complete),
            "codeBody",
            "",
        ),
        (Some("return b"), Some("return 1"), "codeBody", "name 'b' is not defined"),
        (Some("return b"), None, "codeBody", "name 'b' is not defined"),
        (
            Some("return b"),
            Some("def transform(x): return f'{'\\n'.join(x)}'"),
            "code",
            "codeBody reads 'b', which nothing defines, so code is used, which defines 'transform'",
        ),
        (None, Some(complete), "code", ""),
        (None, None, "code", ""),
    ];
    for (codebody, code, counts, warning) in cases {
        let node = CodeNode {
            body: codebody,
            code,
            pins: vec!["a"],
            ..CodeNode::default()
        };
        let result = compiled(&node);
        let warnings: Vec<&str> = result.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(
            warnings,
            Vec::from_iter((!warning.is_empty()).then_some(warning)),
            "{codebody:?}"
        );
        // Only the function around a body asks for its pins.
        let around = dump(&result.module).contains("\"get\"");
        assert_eq!(around, counts == "codeBody", "{codebody:?}");
    }
}

#[test]
fn a_function_name_that_can_be_none_is_transform() {
    for (said, name) in [
        (Some("f_1"), "f_1"),
        (Some("1f"), "transform"),
        (Some("class"), "transform"),
        (Some("é"), "transform"),
        (Some(""), "transform"),
        (None, "transform"),
    ] {
        assert_eq!(function_name(said), name);
    }
    let problems = refused(&program("def other(x): return x"));
    assert_eq!(problems[0].message, "Function 'transform' not defined in code");
}

#[test]
fn a_legacy_expression_sees_its_input_and_no_builtins() {
    let node = |text| CodeNode {
        expression: Some(text),
        ..CodeNode::default()
    };
    let text = dump(&compiled(&node("  x + len")).module);
    assert!(text.contains("py_namespace_get") && !text.contains("py_builtin "), "{text}");
    let problem = &refused(&node("x = 1"))[0];
    assert_eq!(
        (problem.place.field, problem.message.as_str()),
        ("expression", "Syntax error: this is no expression")
    );
}
