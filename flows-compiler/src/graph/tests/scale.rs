//! Large and random documents: no stack is exhausted, no time is squared, nothing depends on chance.

use super::*;
use proptest::prelude::*;
use serde_json::Map;

/// Both bound the time: nothing may be quadratic, nothing may recurse.
#[test]
fn a_hundred_thousand_nodes_in_a_row_are_fine() {
    const N: usize = 50_000;
    let mut nodes = vec![start()];
    let mut wires = vec![json!({"source": "start", "sourceHandle": "exec-out", "target": "s0", "targetHandle": "exec-in"})];
    for at in 0..N {
        let (id, next) = (format!("s{at}"), format!("s{}", (at + 1) % N));
        nodes.push(step(&id));
        wires.push(json!({"source": id, "sourceHandle": "exec-out", "target": next, "targetHandle": "exec-in"}));
        nodes.push(node(&format!("p{at}"), "add", "a", "result"));
        wires.push(
            json!({"source": format!("p{at}"), "sourceHandle": "result", "target": format!("p{}", at + 1), "targetHandle": "a"}),
        );
    }
    wires.push(json!({"source": format!("p{}", N - 1), "sourceHandle": "result", "target": "s0", "targetHandle": "message"}));
    let flow = json!({"id": "f", "nodes": nodes, "edges": wires}).to_string();
    let begin = std::time::Instant::now();
    let graph = build(&Document::parse(flow.as_bytes(), 1 << 30).unwrap()).unwrap();
    assert_eq!(graph.nodes.len(), 2 * N + 2);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

#[test]
fn many_edges_into_and_out_of_one_node_are_fine() {
    const N: usize = 10_000;
    let mut pins = Vec::new();
    let mut nodes = Vec::new();
    let mut wires = vec![json!({"source": "start", "sourceHandle": "exec-out", "target": "seq", "targetHandle": "exec-in"})];
    for at in 0..N {
        pins.push(json!({"id": format!("then:{at}"), "type": "execution"}));
        nodes.push(step(&format!("s{at}")));
        wires.push(
            json!({"source": "seq", "sourceHandle": format!("then:{at}"), "target": format!("s{at}"), "targetHandle": "exec-in"}),
        );
        wires.push(json!({"source": format!("s{at}"), "sourceHandle": "exec-out", "target": "end", "targetHandle": "exec-in"}));
    }
    nodes.extend([
        start(),
        end(),
        json!({"id": "seq", "type": "sequence", "data": {"outputs": pins}}),
    ]);
    let flow = json!({"id": "f", "nodes": nodes, "edges": wires}).to_string();
    let begin = std::time::Instant::now();
    let graph = build(&Document::parse(flow.as_bytes(), 1 << 30).unwrap()).unwrap();
    assert_eq!(find(&graph, "__internal_join_exec__end").joins.len(), N);
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
}

/// A short document must not ask for a long answer: names that messages repeat are bounded, and so is their number.
#[test]
fn messages_stay_small_whatever_the_document_says() {
    let long = "x".repeat(100_000);
    assert_eq!(
        refused(vec![start(), step(&long)], &format!("start.exec-out>{long}")),
        [
            "flow 'f': nodes[1]: an id, type, pin or route is longer than 1024 bytes",
            "flow 'f': edges[0]: an id or pin is longer than 1024 bytes"
        ]
    );
    let labelled = with(node("each", "loop", "exec-in", "loop done"), json!({"label": long}));
    let overrides: Map<String, Value> = (0..2000)
        .map(|at| (format!("r{at}"), json!({"source": "gone", "handle": "v"})))
        .collect();
    let crowd = with(step("t"), json!({"inputRouteOverrides": {"message": overrides}}));
    let wires = "start.exec-out>each each.loop>t t.exec-out>each t.out>t t.exec-out>t";
    let errors = refused(vec![start(), labelled, crowd], wires);
    assert_eq!(errors.len(), 500);
    assert!(errors.iter().map(String::len).sum::<usize>() < 200_000);
}

fn random_flow() -> impl Strategy<Value = Value> {
    let ty = prop::sample::select(vec![
        "on_flow_start",
        "on_flow_end",
        "if",
        "switch",
        "loop",
        "for",
        "sequence",
        "parallel",
        "set_var",
        "add",
        "literal_json",
        "join_exec",
        "path_mux",
        "on_event",
        "subflow",
        "code",
        "nonsense",
    ]);
    let name = || prop::sample::select(vec!["a", "b", "c", "d", "__internal_join_exec__a", "x.y"]);
    let pin = || {
        prop::sample::select(vec![
            "exec-in",
            "exec-out",
            "true",
            "false",
            "loop",
            "done",
            "then:0",
            "then:1",
            "completed",
            "case:1",
            "default",
            "p",
            "q",
        ])
    };
    let route = (name(), pin()).prop_map(|(source, handle)| json!({"source": source, "sourceHandle": handle, "handle": handle}));
    let data = (
        prop::collection::vec(pin(), 0..4),
        prop::collection::vec(pin(), 0..4),
        prop::collection::vec(route, 0..3),
    );
    let node = (name(), ty, data).prop_map(|(id, ty, (inputs, outputs, routes))| {
        let overrides: Map<String, Value> = routes
            .iter()
            .map(|route| ("p".to_owned(), json!({"a::exec-out": route})))
            .collect();
        with(
            node(id, ty, &inputs.join(" "), &outputs.join(" ")),
            json!({"entryRoutes": routes, "inputRouteOverrides": overrides, "pinDefaults": {"p": 1}}),
        )
    });
    let edge = (name(), pin(), name(), pin()).prop_map(
        |(source, out, target, into)| json!({"source": source, "sourceHandle": out, "target": target, "targetHandle": into}),
    );
    (
        prop::collection::vec(node, 0..8),
        prop::collection::vec(edge, 0..16),
        prop::option::of(name()),
    )
        .prop_map(|(nodes, edges, entry)| json!({"id": "f", "nodes": nodes, "edges": edges, "entryNode": entry}))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn a_built_graph_is_closed_and_repeatable(flow in random_flow()) {
        let document = Document::parse(flow.to_string().as_bytes(), 1 << 20).unwrap();
        match build(&document) {
            Err(errors) => prop_assert!(!errors.is_empty()),
            Ok(graph) => {
                let count = graph.nodes.len();
                let exec = graph.nodes.iter().take_while(|node| node.role == Role::Exec).count();
                prop_assert!(graph.nodes[exec..].iter().all(|node| node.role == Role::Pure));
                prop_assert!((graph.entry.0 as usize) < exec);
                for (at, node) in graph.nodes.iter().enumerate() {
                    prop_assert!(node.routes.values().all(|target| (target.0 as usize) < exec));
                    for source in node.wires.values() {
                        if let Source::Node(ix, _) = source {
                            prop_assert!((ix.0 as usize) < count);
                            let pure = graph.node(*ix).role == Role::Pure;
                            prop_assert!(node.role == Role::Exec || !pure || (ix.0 as usize) < at, "sources come before readers");
                        }
                    }
                }
                let again = build(&document).unwrap();
                prop_assert_eq!(format!("{graph:?}"), format!("{again:?}"));
            }
        }
    }
}
