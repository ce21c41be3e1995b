//! A sandbox to try components in: small limits, no effects, time that stands still.

use std::sync::Arc;

use flowgate_compiler::bundle::Limits;
use flowgate_compiler::diagnostic::{Diagnostic, Severity};
use flowgate_compiler::visualflow::Document;
use flowgate_compiler::{Link, graph};

use super::Dice;
use crate::ids::Digest;
use crate::sandbox::world::{Around, Event, Outcome, Progress, Resolution, Start};
use crate::sandbox::{self, Imports, Instance, Program, Sandbox, Stop};

pub struct Lab {
    pub sandbox: Sandbox,
    runtime: tokio::runtime::Runtime,
}

/// A compiled flow.
pub struct Made {
    pub bytes: Vec<u8>,
    /// The node at which it begins.
    pub entry: String,
}

/// The way of every upload: document, graph, component.
pub fn compile(text: &[u8], link: Link) -> Result<Made, Vec<Diagnostic>> {
    let document = Document::parse(text, 4 << 20).map_err(|error| vec![Diagnostic::error("fuzz", error.to_string())])?;
    let graph = graph::build(&document)?;
    let component = flowgate_compiler::compile(&graph, link)?;
    Ok(Made {
        bytes: component.bytes,
        entry: graph.node(graph.entry).id.clone(),
    })
}

/// What a component imports, checked as that of an upload under the default limits.
pub fn checked(bytes: &[u8]) -> Result<Imports, sandbox::Error> {
    sandbox::check(bytes, &(&Limits::default()).into())
}

/// A refusal says what is wrong, and that it is the author's to mend.
pub fn told(found: &[Diagnostic]) {
    assert!(found.iter().any(|finding| finding.severity == Severity::Error), "{found:?}");
    for finding in found {
        assert!(!finding.message.trim().is_empty(), "{found:?}");
        assert_ne!(finding.message, "the compiler could not work on this program");
    }
}

/// What may stop a compiled flow: a limit. A trap is a mistake of the compiler or of the runtime.
pub fn limit(stop: &Stop) {
    let limit = matches!(stop, Stop::Fuel(_) | Stop::Timeout(_) | Stop::Memory { .. } | Stop::Stack);
    assert!(limit, "{stop}");
}

/// Results of effects, of every kind that JSON has.
const RESULTS: &[&str] = &[
    "null",
    "true",
    "3",
    "-0.0",
    "1e400",
    "123456789012345678901234567890",
    "\"yes\"",
    "\"\"",
    "[]",
    "[1, \"a\", null, {}]",
    "{}",
    r#"{"response": "yes"}"#,
    r#"{"payload": {"x": [1]}, "name": 7}"#,
    r#"{"content": "{\"a\": 1}", "tool_calls": [{"name": "x", "arguments": null}], "usage": {"total_tokens": "many"}}"#,
    r#"{"ok": false, "error": {"message": []}, "success": 0, "result": {"output": "x"}}"#,
    r#"{"output": {"answer": 1}, "sub_run_id": null, "artifact_id": 5, "results": {}}"#,
    r#"{"a": "\u0000é😀", "__proto__": 1, "_temp": {"effects": 3}}"#,
];

impl Lab {
    /// `programs`: as many are kept ready.
    pub fn new(programs: u64) -> Self {
        let settings = sandbox::Settings {
            tick_fuel: 20_000_000,
            max_live: 4,
            programs,
            cache: Some(std::env::temp_dir().join("flowgate-tests-code-cache")),
            cache_flows: false,
            ..sandbox::Settings::default()
        };
        Lab {
            sandbox: Sandbox::new(settings).unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub fn load(&self, bytes: &[u8]) -> Result<Arc<Program>, sandbox::Error> {
        self.sandbox.load(Digest::of(bytes), bytes, None)
    }

    pub fn live(&self, program: &Program) -> Result<Instance, Stop> {
        self.runtime.block_on(self.sandbox.instantiate(program))
    }

    pub fn start(&self, live: &mut Instance, entry: &str, input: &str) -> Result<Progress, Stop> {
        let (entry, input) = (entry.to_owned(), input.to_owned());
        self.tick(live, &Event::Start(Start { entry, input }))
    }

    pub fn tick(&self, live: &mut Instance, event: &Event) -> Result<Progress, Stop> {
        let around = Around {
            now_us: 1_767_225_600_000_000,
            seed: 7,
            run_id: "run".to_owned(),
            workflow_id: "b@1:f".to_owned(),
            session_id: Some("session".to_owned()),
            parent_run_id: None,
            host_vars: r#"{"_limits": {"max_iterations": 25}, "_runtime": {}}"#.to_owned(),
            host: "{}".to_owned(),
        };
        let ticked = self.runtime.block_on(live.tick(&around, event, 500));
        ticked.map(|(progress, _)| progress)
    }

    pub fn snapshot(&self, live: &mut Instance) -> Result<Option<Vec<u8>>, Stop> {
        self.runtime.block_on(live.snapshot())
    }

    pub fn restore(&self, live: &mut Instance, state: &[u8]) -> Result<Result<(), String>, Stop> {
        self.runtime.block_on(live.restore(state))
    }

    /// Runs a compiled flow for a few ticks as the host does: what it asks for is answered by the dice, and after each wait it goes on in a
    /// new instance from the state that it wrote.
    pub fn play(&self, dice: &mut Dice<'_>, made: &Made, input: &str) {
        let program = self.load(&made.bytes).unwrap();
        let mut live = self.live(&program).unwrap();
        let mut ticked = self.start(&mut live, &made.entry, input);
        for _ in 0..6 {
            let event = match ticked {
                Err(stop) => return limit(&stop),
                Ok(progress) => match next(dice, progress) {
                    Some(event) => event,
                    None => return,
                },
            };
            if let Event::Resolved(_) = event {
                match self.moved(&program, &mut live) {
                    Ok(Some(moved)) => live = moved,
                    // Its state cannot be written (it is nested too deep, say): the host would repeat its history.
                    Ok(None) => {}
                    Err(stop) => return limit(&stop),
                }
            }
            ticked = self.tick(&mut live, &event);
        }
    }

    /// A new instance in the state of another one; none if that gives no state.
    fn moved(&self, program: &Program, live: &mut Instance) -> Result<Option<Instance>, Stop> {
        let Some(state) = self.snapshot(live)? else { return Ok(None) };
        let mut new = self.live(program)?;
        let restored = self.restore(&mut new, &state)?;
        restored.unwrap_or_else(|text| panic!("{text}: {}", String::from_utf8_lossy(&state)));
        Ok(Some(new))
    }
}

/// What the flow is told next; none when it has ended. What it says must be fit to be stored.
pub fn next(dice: &mut Dice<'_>, progress: Progress) -> Option<Event> {
    let json = |text: &str| assert!(serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(), "no JSON: {text}");
    match progress {
        Progress::Completed(ended) => {
            json(&ended.output);
            None
        }
        Progress::Failed(failed) => {
            assert!(!failed.code.is_empty(), "{failed:?}");
            None
        }
        Progress::Yielded(_) => Some(Event::Continue),
        Progress::Blocked(blocked) => {
            assert!(!blocked.effects.is_empty(), "it waits for nothing");
            let answered = blocked.effects.iter().map(|effect| {
                json(&effect.payload);
                Resolution {
                    id: effect.id,
                    outcome: outcome(dice),
                }
            });
            Some(Event::Resolved(answered.collect()))
        }
    }
}

pub fn outcome(dice: &mut Dice<'_>) -> Outcome {
    match dice.below(8) {
        0 => Outcome::Failed("it did not work".to_owned()),
        1 => Outcome::Elapsed,
        _ => Outcome::Completed((*dice.pick(RESULTS)).to_owned()),
    }
}
