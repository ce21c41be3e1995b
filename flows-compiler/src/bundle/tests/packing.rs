//! Packing flows that refer to each other.

use std::cell::RefCell;

use super::*;

/// A flow whose chain of nodes names these subflows; the last one is not reached.
fn flow(id: &str, subflows: &[Value], orphan: &str) -> Vec<u8> {
    let exec = json!([{"id": "exec", "type": "execution"}]);
    let mut nodes = vec![json!({"id": "start", "type": "on_flow_start", "data": {"outputs": exec}})];
    let mut edges = Vec::new();
    let mut from = "start".to_owned();
    for (at, subflow) in subflows.iter().enumerate() {
        let node = format!("n{at}");
        nodes.push(json!({"id": node, "type": "subflow", "data": {"inputs": exec, "subflowId": subflow}}));
        edges.push(json!({"source": from, "sourceHandle": "exec-out", "target": node, "targetHandle": "exec-in"}));
        from = node;
    }
    nodes.push(json!({"id": "orphan", "type": "subflow", "data": {"inputs": exec, "subflowId": orphan}}));
    json!({"id": id, "name": format!("Flow {id}"), "interfaces": ["i"], "nodes": nodes, "edges": edges, "entryNode": "start"})
        .to_string()
        .into_bytes()
}

#[test]
fn packing_follows_subflows_and_is_repeatable() {
    let asked = RefCell::new(Vec::new());
    let lookup = |id: &str| {
        asked.borrow_mut().push(id.to_owned());
        match id {
            "b" => Some(flow("b", &[json!("a"), json!("root")], "never")),
            "a" => Some(flow("a", &[], "never")),
            "extra" => Some(flow("extra", &[], "never")),
            "wrong" => Some(flow("other", &[], "")),
            "bad" => Some(b"[]".to_vec()),
            _ => None,
        }
    };
    let root = || flow("root", &[json!("b"), json!("b"), json!("root"), json!("x@1:y")], "never");
    let options = PackOptions {
        created_at: "2026-01-01T00:00:00+00:00".into(),
        ..PackOptions::default()
    };
    let packed = pack(root(), lookup, &options).unwrap();
    asked.borrow_mut().sort();
    assert_eq!(
        *asked.borrow(),
        ["a", "b", "x@1:y"],
        "every flow is asked for once, unreached ones never"
    );
    insta::assert_snapshot!(packed.manifest.to_json().unwrap());
    let bundle = Bundle::from_zip(packed.bytes.clone(), &Limits::default()).unwrap();
    assert_eq!(bundle.flows["root"], root());
    assert_eq!(bundle.flows.keys().collect::<Vec<_>>(), ["a", "b", "root"]);
    assert_eq!(pack(root(), lookup, &options).unwrap().bytes, packed.bytes);

    let chosen = PackOptions {
        bundle_id: Some("id".into()),
        bundle_version: Some("2".into()),
        entrypoints: vec!["extra".into(), " b ".into()],
        ..PackOptions::default()
    };
    let manifest = pack(root(), lookup, &chosen).unwrap().manifest;
    assert_eq!(
        (manifest.reference().as_str(), manifest.default_entrypoint.as_deref()),
        ("id@2", Some("extra"))
    );
    assert!(manifest.flows.contains_key("extra"));

    let refusal = |root: Vec<u8>, options: PackOptions| pack(root, lookup, &options).unwrap_err().to_string();
    let none = PackOptions::default;
    assert_eq!(
        refusal(
            flow("root", &[json!("z"), json!("missing"), json!(null), json!("z")], ""),
            none()
        ),
        "Missing referenced subflows in flows_dir: ['<missing-subflow-id:root:n2>', 'missing', 'z']"
    );
    assert_eq!(refusal(b"{}".to_vec(), none()), "Root flow: VisualFlow missing required 'id'");
    assert_eq!(
        refusal(flow("root", &[json!("bad")], ""), none()),
        "Flow 'bad': VisualFlow must be a JSON object"
    );
    assert_eq!(
        refusal(flow("root", &[json!("wrong")], ""), none()),
        "Flow 'wrong' is stored as a document whose id is 'other'; both must be the same"
    );
    assert_eq!(
        refusal(
            root(),
            PackOptions {
                default_entrypoint: Some("q".into()),
                ..none()
            }
        ),
        "default_entrypoint 'q' must be one of: ['root']"
    );
    assert_eq!(
        refusal(
            root(),
            PackOptions {
                entrypoints: vec![" ".into()],
                ..none()
            }
        ),
        "No valid entrypoints specified"
    );
    assert_eq!(
        refusal(flow("../evil", &[], ""), none()),
        "manifest.flows entry '../evil' has unsafe path 'flows/../evil.json'"
    );
}
