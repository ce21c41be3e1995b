//! Whole flows made at random, with a script that answers what they ask: branches, loops, sequences, variables, waits, events, listeners,
//! subflows, effects of the outside, clock and randomness.
//!
//! The same [`Random`] makes the same case. Most flows run to an end; some fail, wait for an answer that never comes, or are cut
//! short by an error in a node, as flows of people do. What a flow does never depends on which of two runs is faster: after each
//! event that a listener may take, the root waits for an answer, and answers are given when nothing moves.

mod maker;
mod statements;

use serde_json::{Value, json};

use crate::random::Random;
use maker::Maker;

/// Where a case is to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `flowgate cases`: time is virtual, handlers of effects are scripted.
    Cases,
    /// A real server: time passes, nobody answers effects.
    Server,
}

/// How deep control nodes are nested.
const MAX_DEPTH: u32 = 3;

/// A case as `flowgate cases` reads it, without an expectation.
pub fn case(name: &str, random: &mut Random, world: World) -> Value {
    // On a server two runs that ask at once may be answered in either order.
    let with_listener = random.one_in(4) && world == World::Cases;
    let children: Vec<String> = (0..random.between(0, 2)).map(|n| format!("child{n}")).collect();
    let mut main = Maker::new("main", random, world, &children, with_listener);
    let body = main.block(0);
    main.edge("start", "exec-out", &body, "exec-in");
    if with_listener {
        main.listener();
    }
    let mut flows = serde_json::Map::new();
    flows.insert("main".to_owned(), main.flow());
    for id in &children {
        // A child calls nobody, so that every run ends.
        let mut child = Maker::new(id, random, world, &[], false);
        let body = child.block(MAX_DEPTH - 1);
        child.edge("start", "exec-out", &body, "exec-in");
        flows.insert(id.clone(), child.flow());
    }
    json!({
        "name": name, "flows": flows, "root": "main", "input": {"p": value(random), "q": value(random)},
        "listeners": with_listener, "around": {"now": "2026-11-22T10:00:00Z", "seed": random.number() >> 12},
        "script": script(random),
    })
}

/// Answers for people, mostly enough of them, and results for effects, some of them bad.
fn script(random: &mut Random) -> Vec<Value> {
    let answers = if random.one_in(8) { random.between(0, 4) } else { 40 };
    let mut script: Vec<Value> = (0..answers)
        .map(|n| json!({"resume": {"response": random.pick(&["yes", "no", "a"]), "n": n}}))
        .collect();
    for n in 0..40 {
        let call = json!([{"name": "t", "arguments": {"n": n}, "call_id": format!("c{n}")}]);
        let tool_calls = if random.one_in(3) { call } else { json!([]) };
        let model = json!({"content": format!("said {n}"), "data": null, "tool_calls": tool_calls, "usage": {"input_tokens": n},
                           "model": "m", "provider": "p", "finish_reason": "stop"});
        script.push(if random.one_in(40) {
            json!({"effect": "llm_call", "error": "the model is away"})
        } else {
            json!({"effect": "llm_call", "result": model})
        });
        let result = json!({"call_id": "c", "name": "t", "success": n % 3 != 2, "output": n, "error": null});
        script.push(json!({"effect": "tool_calls", "result": {"mode": "executed", "results": [result]}}));
    }
    script
}

/// A value as people put it into flows, awkward ones included.
fn value(random: &mut Random) -> Value {
    let values = [
        json!(0),
        json!(1),
        json!(2),
        json!(3),
        json!(2.5),
        json!(1.0),
        json!(-7),
        json!(123456789012345678901234567890_f64),
        json!("a"),
        json!("go"),
        json!(""),
        json!("ünï ☃"),
        json!("4"),
        json!(true),
        json!(false),
        json!(null),
        json!([1, 2, 3]),
        json!(["p", ["q"]]),
        json!({"k": 1, "name": "n", "deep": {"er": [1]}}),
        json!([]),
        json!({}),
    ];
    random.pick(&values).clone()
}
