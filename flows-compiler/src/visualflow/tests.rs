//! Reading documents: what is kept, what is dropped, what is refused.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

const MAX: usize = 1 << 20;

fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes(), MAX).unwrap()
}

#[test]
fn bytes_that_are_no_document_are_refused_by_name() {
    let deep = format!(r#"{{"id":"f","x":{}{}}}"#, "[".repeat(128), "]".repeat(128));
    let cases: [(&[u8], &str); 9] = [
        (
            b"",
            "the flow document is not valid JSON: EOF while parsing a value at line 1 column 0",
        ),
        (b"[]", "VisualFlow must be a JSON object"),
        (b"\"x\"", "VisualFlow must be a JSON object"),
        (b"{\"id\":\"a\xff\"}", "the flow document is not UTF-8 text (byte 8)"),
        (b"{}", "VisualFlow missing required 'id'"),
        (br#"{"id":" ","flow_id":null}"#, "VisualFlow missing required 'id'"),
        (
            br#"{"id":"f"} x"#,
            "the flow document is not valid JSON: trailing characters at line 1 column 12",
        ),
        (deep.as_bytes(), "the flow document is nested deeper than 128 levels"),
        (
            &[b' '; MAX + 1],
            "the flow document has 1048577 bytes; at most 1048576 are allowed",
        ),
    ];
    for (bytes, message) in cases {
        assert_eq!(Document::parse(bytes, MAX).unwrap_err().to_string(), message);
    }
}

#[test]
fn what_messages_repeat_is_bounded() {
    let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(1025));
    assert_eq!(
        Document::parse(long.as_bytes(), MAX).unwrap_err().to_string(),
        "the flow's id is longer than 1024 bytes"
    );
    assert_eq!(
        parse(&format!(r#"{{"id":"f","nodes":[0{}]}}"#, ",0".repeat(999)))
            .warnings
            .len(),
        100
    );
}

#[test]
fn the_id_has_aliases_and_may_be_a_number() {
    for (text, id) in [
        (r#"{"id":" f "}"#, "f"),
        (r#"{"id":"","flow_id":"g"}"#, "g"),
        (r#"{"id":null,"workflow_id":"h"}"#, "h"),
        (r#"{"id":42}"#, "42"),
    ] {
        assert_eq!(parse(text).id, id);
    }
}

#[test]
fn node_types_have_three_spellings() {
    let doc = parse(
        r#"{"id":"f","nodes":[
            {"id":"a","type":" if "},{"id":"b","type":"NodeType.ON_FLOW_END"},{"id":"c","type":{"value":"loop"}},
            {"id":"d"},{"id":"e","type":7},{"id":"g","type":"NodeType."}]}"#,
    );
    let types: Vec<_> = doc.nodes.iter().map(|node| node.ty.as_str()).collect();
    assert_eq!(types, ["if", "on_flow_end", "loop", "", "7", "NodeType."]);
}

#[test]
fn malformed_nodes_and_edges_are_dropped_with_a_warning() {
    let doc = parse(
        r#"{"id":"f","nodes":[3,null,{"id":" "},{"id":5,"type":"if","data":[]},{"type":"if"}],
            "edges":["x",{"source":"a","target":"b","sourceHandle":"o"},
                {"source":"a","target":" ","sourceHandle":"o","targetHandle":"i"},
                {"source":"a","target":"b","sourceHandle":1,"targetHandle":"i"},
                {"source":" a ","target":5,"sourceHandle":" o ","targetHandle":" exec-in "}]}"#,
    );
    assert_eq!(doc.nodes.len(), 1);
    assert_eq!(doc.nodes[0].id, "5");
    let edge = &doc.edges[0];
    assert_eq!(
        (edge.source.as_str(), edge.source_handle.as_str(), edge.target.as_str()),
        ("a", "o", "5")
    );
    assert!(edge.is_exec() && !edge.is_data() && !edge.limited);
    assert_eq!((doc.edges.len(), doc.warnings.len()), (1, 8));
    assert_eq!(
        doc.warnings[0].to_string(),
        "flow 'f': nodes[0] is not an object and is ignored"
    );
}

#[test]
fn values_keep_their_text() {
    let doc = parse(
        r#"{"id":"f","nodes":[{"id":"n","type":"x","data":{"literalValue": 123456789012345678901234567890 ,
            "pinDefaults":{"a":1e16,"b":-0.0,"":1,"c":{ "k" : 1.50 }},"effectConfig":{"x": 1}}}]}"#,
    );
    let node = &doc.nodes[0];
    assert_eq!(node.config["literalValue"].get(), "123456789012345678901234567890");
    assert_eq!(node.config["effectConfig"].get(), r#"{"x": 1}"#);
    let defaults: Vec<_> = node.defaults.iter().map(|(pin, value)| (pin.as_str(), value.get())).collect();
    assert_eq!(defaults, [("a", "1e16"), ("b", "-0.0"), ("c", r#"{ "k" : 1.50 }"#)]);
}

#[test]
fn pins_count_as_declared_even_when_they_are_unusable() {
    let doc = parse(
        r#"{"id":"f","nodes":[
            {"id":"a","data":{"inputs":[null]}},
            {"id":"b","data":{"inputs":[],"outputs":[{"type":"execution"}]}},
            {"id":"c","data":{"inputs":[{"id":"x","type":"number"},{"id":"","type":"any"},{"id":3}]}},
            {"id":"d","data":{"inputs":{}},"inputs":[{"id":"exec-in","type":"execution"}]},
            {"id":"e","data":{"inputs":[]},"inputs":[{"id":"exec-in","type":"execution"}]}]}"#,
    );
    let flags = |node: &Node| (node.declares_pins, node.declares_execution, node.legacy_execution);
    let all: Vec<_> = doc.nodes.iter().map(flags).collect();
    assert_eq!(
        all,
        [
            (true, false, false),
            (true, true, false),
            (true, false, false),
            (false, false, true),
            (false, false, false)
        ]
    );
    assert_eq!(doc.nodes[2].inputs.len(), 1);
}

#[test]
fn routes_are_normalised() {
    let doc = parse(
        r#"{"id":"f","nodes":[{"id":"n","data":{
            "entryRoutes":[{"sourceNodeId":" a "},{"source":"b","sourceHandle":"true","key":"k"},{"key":"x"},7],
            "inputRouteOverrides":{"p":{"k":{"sourceNodeId":"s","handle":"v"},"l":{"source":"s"}," ":{"source":"s","handle":"v"}},
                "q":{},"":{"k":{"source":"s","handle":"v"}}}}}]}"#,
    );
    let node = &doc.nodes[0];
    let route = |key: &str, source: &str, handle: &str| EntryRoute {
        key: key.into(),
        source: source.into(),
        handle: handle.into(),
    };
    assert_eq!(
        node.entry_routes,
        [route("a::exec-out", "a", "exec-out"), route("k", "b", "true")]
    );
    assert_eq!(node.route_overrides.len(), 1);
    assert_eq!(node.route_overrides["p"].len(), 1);
    assert_eq!(node.route_overrides["p"]["k"], ("s".to_owned(), "v".to_owned()));
}

#[test]
fn a_flow_describes_its_parameters() {
    let doc = parse(
        r#"{"id":"f","nodes":[{"id":"s","type":"on_flow_start","data":{"label":"Start","headerColor":"red",
            "pinDefaults":{"n":1e16,"img":null},"outputs":[{"id":"exec-out","type":"execution"},
            {"id":"q","type":"string","label":"Question"},{"id":"n","type":"number","label":"n"},
            {"id":"img","type":"artifacts_image"},{"id":"o","type":"any","schema":{"type":"object"}}]}},
            {"id":"t","type":"on_flow_end"}]}"#,
    );
    let pins = serde_json::to_string(&start_pins(&doc)).unwrap();
    assert_eq!(
        pins,
        concat!(
            r#"[{"id":"q","label":"Question","type":"string"},{"id":"n","label":"n","type":"number","default":1e16},"#,
            r#"{"id":"img","label":"img","type":"artifacts_image","default":null},"#,
            r#"{"id":"o","label":"o","type":"any","schema":{"type":"object"}}]"#
        )
    );
    let index = serde_json::to_string(&node_index(&doc)).unwrap();
    assert_eq!(
        index,
        r#"{"s":{"type":"on_flow_start","label":"Start","headerColor":"red"},"t":{"type":"on_flow_end","label":"t"}}"#
    );
    let schema: serde_json::Value = serde_json::from_str(&serde_json::to_string(&input_schema(&doc)).unwrap()).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema).unwrap());
    assert!(start_pins(&parse(r#"{"id":"f"}"#)).is_empty());
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let key = prop_oneof![
        Just("id"),
        Just("type"),
        Just("data"),
        Just("nodes"),
        Just("edges"),
        Just("inputs"),
        Just("outputs"),
        Just("pinDefaults"),
        Just("source"),
        Just("sourceHandle"),
        Just("target"),
        Just("targetHandle"),
        Just("entryRoutes"),
        Just("inputRouteOverrides"),
    ];
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        "[a-c]{0,2}|exec-in|exec-out|execution|loop|if".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec((key.clone(), inner), 0..8).prop_map(|members| {
                serde_json::Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Document::parse(&bytes, MAX);
    }

    #[test]
    fn random_json_never_panics(nodes in json_value(), edges in json_value(), rest in json_value()) {
        for value in [serde_json::json!({"id": "f", "nodes": [nodes], "edges": [edges], "entryNode": rest}), rest] {
            if let Ok(document) = Document::parse(value.to_string().as_bytes(), MAX) {
                let _ = input_schema(&document);
                let _ = node_index(&document);
            }
        }
    }
}
