//! Rules of the data nodes that recorded cases cannot show: randomness, discovery, shared values.
#![allow(clippy::unwrap_used, clippy::panic)] // A test fails by panicking.

use flow_rt::builtins::{self, BUILTINS, Cx, Vars, World};
use flow_rt::json;
use flow_rt::py::{self, path};
use flow_rt::value::{Dict, Value};

fn parsed(text: &str) -> Value {
    json::parse(text).unwrap()
}

fn run(node: &str, args: &str, cfg: &str, world: &mut World) -> Value {
    run_with(node, &parsed(args), cfg, world)
}

fn run_with(node: &str, args: &Value, cfg: &str, world: &mut World) -> Value {
    let own = parsed(r#"{"count": 3, "nothing": null, "_limits": {"own": true}}"#);
    let host = parsed(r#"{"_limits": {"max_tokens": 9}, "workspace_root": "/w"}"#);
    let vars = Vars {
        own: own.as_dict().unwrap(),
        host: host.as_dict().unwrap(),
    };
    let args = args.as_dict().unwrap().borrow();
    let cfg = parsed(cfg);
    builtins::find(node).unwrap()(&mut Cx {
        args: &args,
        cfg: &cfg,
        vars: &vars,
        world,
    })
    .unwrap()
}

fn shown(value: &Value) -> String {
    json::to_string(value).unwrap()
}

#[test]
fn node_types_are_sorted_so_that_search_finds_them() {
    assert!(BUILTINS.is_sorted_by(|a, b| a.0 < b.0));
    assert!(BUILTINS.iter().all(|(name, _)| builtins::find(name).is_some()));
    assert!(builtins::find("code").is_none());
}

#[test]
fn random_numbers_keep_to_their_bounds_and_repeat_with_the_seed() {
    for (args, low, high) in [
        (r#"{"min": 1, "max": 3}"#, "1", "3"),
        (r#"{"min": "7", "max": 2.9}"#, "2", "7"),
        (r#"{"min": null, "max": []}"#, "0", "100"),
        (r#"{"min": -1e30, "max": 1e30}"#, "-1e30", "1e30"),
        (r#"{"min": 5, "max": 5}"#, "5", "5"),
    ] {
        let (low, high) = (parsed(low), parsed(high));
        let (mut first, mut second) = (World::default(), World::default());
        for _ in 0..200 {
            let drawn = run("random_int", args, "null", &mut first);
            assert!(matches!(drawn, Value::Int(_) | Value::Big(_)));
            assert!(py::order(&low, &drawn).unwrap().is_some_and(|order| order.is_le()), "{args}");
            assert!(py::order(&drawn, &high).unwrap().is_some_and(|order| order.is_le()), "{args}");
            assert_eq!(shown(&drawn), shown(&run("random_int", args, "null", &mut second)));
        }
    }
    let mut world = World::default();
    for _ in 0..200 {
        let float = py::to_float(&run("random_float", r#"{"min": 2, "max": 1}"#, "null", &mut world)).unwrap();
        assert!((1.0..2.0).contains(&float));
        let picked = run("get_random_element", r#"{"array": [1, 2]}"#, "null", &mut world);
        assert!(["{\"result\":1,\"found\":true}", "{\"result\":2,\"found\":true}"].contains(&&*shown(&picked)));
    }
    let none = run("get_random_element", r#"{"array": [], "default": 4}"#, "null", &mut world);
    assert_eq!(shown(&none), r#"{"result":4,"found":false}"#);
}

#[test]
fn discovery_tells_what_the_host_has() {
    let mut silent = World::default();
    let mut host = World {
        host: parsed(r#"{"providers": ["bare", {"name": "Acme", "models": ["m1", "m2"]}]}"#),
        ..World::default()
    };
    for (node, args, cfg, answer) in [
        ("provider_catalog", "{}", "null", r#"{"providers":["bare","Acme"]}"#),
        (
            "provider_catalog",
            r#"{"allowed_providers": ["acme"]}"#,
            "null",
            r#"{"providers":["Acme"]}"#,
        ),
        ("provider_models", "{}", "null", r#"{"provider":"","models":[]}"#),
        (
            "provider_models",
            "{}",
            r#"{"providerModelsConfig": {"provider": "Acme", "allowedModels": ["Acme/m2"]}}"#,
            r#"{"provider":"Acme","models":["m2"]}"#,
        ),
        (
            "model_catalog",
            r#"{"index": 7}"#,
            "null",
            r#"{"providers":["bare","Acme"],"models":["Acme/m1","Acme/m2"],"pair":{"provider":"Acme","model":"m1","id":"Acme/m1"},"provider":"Acme","model":"m1"}"#,
        ),
    ] {
        assert_eq!(shown(&run(node, args, cfg, &mut host)), answer, "{node}");
        run(node, args, cfg, &mut silent);
    }
    assert_eq!(
        shown(&run("provider_catalog", "{}", "null", &mut silent)),
        r#"{"providers":[]}"#
    );
}

#[test]
fn variables_of_the_flow_hide_those_of_the_host() {
    let mut world = World::default();
    for (name, value) in [
        ("count", "3"),
        ("_limits.own", "true"),
        ("_limits.max_tokens", "7"),
        ("workspace_root", "\"/w\""),
        ("nothing", "null"),
        ("missing", "7"),
        ("count.x", "7"),
    ] {
        let args = format!(r#"{{"name": " {name} ", "default": 7}}"#);
        assert_eq!(
            shown(&run("get_var", &args, "null", &mut world)),
            format!("{{\"value\":{value}}}"),
            "{name}"
        );
    }
    let all = run(
        "get_vars",
        "{}",
        r#"{"outputs": ["count", "_limits.own", "missing"]}"#,
        &mut world,
    );
    assert_eq!(shown(&all), r#"{"count":3,"_limits.own":true,"missing":null}"#);
}

#[test]
fn set_copies_the_first_level_and_changes_deeper_ones_in_place() {
    let args = parsed(r#"{"object": {"a": {"b": 1}, "c": 1}, "key": "a.b", "value": 2}"#);
    let changed = run_with("set", &args, "null", &mut World::default());
    assert_eq!(shown(&changed), r#"{"a":{"b":2},"c":1}"#);
    assert_eq!(shown(&path::get(&args, "object").unwrap()), r#"{"a":{"b":2},"c":1}"#);
    args.as_dict().unwrap().set("key", Value::str("c"));
    run_with("set", &args, "null", &mut World::default());
    assert_eq!(shown(&path::get(&args, "object.c").unwrap()), "1");
}

#[test]
fn an_object_may_be_set_into_itself() {
    let object = Dict::default();
    path::set_dotted(&object, "a.b", Value::Dict(object.clone())).unwrap();
    path::set_dotted(&object, "a.b.a.c", Value::Int(1)).unwrap();
    assert_eq!(shown(&path::get(&Value::Dict(object.clone()), "a.b.a.b.a.c").unwrap()), "1");
    assert!(json::to_string(&Value::Dict(object.clone())).is_err());
    // Else it outlives the test.
    object.borrow_mut().clear();
}

#[test]
fn dotted_names_skip_empty_parts_and_replace_what_is_no_object() {
    let object = Dict::default();
    path::set_dotted(&object, ".a..b.", Value::Int(1)).unwrap();
    path::set_dotted(&object, "a.b.c", Value::Int(2)).unwrap();
    assert_eq!(shown(&Value::Dict(object.clone())), r#"{"a":{"b":{"c":2}}}"#);
    assert_eq!(
        path::set_dotted(&object, "..", Value::Null).unwrap_err().text,
        "Variable name must be non-empty"
    );
}

#[test]
fn paths_with_brackets_index_lists_only() {
    let root = parsed(r#"{"items": [{"n": 1}, [2]], "0": "zero", "a b": {"c": 3}}"#);
    for (text, value) in [
        ("items[0].n", "1"),
        ("items.1[0]", "2"),
        ("items[1].0", "2"),
        (" a b . c ", "3"),
        ("a b[c]", "3"),
        ("0", "\"zero\""),
        ("[0]", "null"),
        ("items[-1]", "null"),
        ("items[99999999999999999999]", "null"),
        ("items.n", "null"),
        ("", "null"),
        ("..", "null"),
        ("items[٠].n", "1"),
    ] {
        assert_eq!(shown(&path::find(&root, text)), value, "{text}");
    }
}

#[test]
fn a_format_field_may_be_cut_anywhere() {
    let values = parsed(r#"{"l": ["é"]}"#);
    for template in ["{l[0]é}", "{l[é", "{é", "{l!é}", "{l[0]:é}", "{l[0]:éé^3}"] {
        // Only that it answers: the fields are nonsense.
        let _ = py::format::format(template, &values.as_dict().unwrap().borrow());
    }
}
