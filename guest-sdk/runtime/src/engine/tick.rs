//! One tick: an event comes in, nodes run one after another, and the run waits, yields or ends.

use std::rc::Rc;

use super::{Ids, Keeps, Node, Pending, Plan, Run, code, program::flag, variables::set_nested, with};
use crate::json;
use crate::value::{Dict, Map, Value};

/// Why the flow is ticked.
#[derive(Debug)]
pub enum Event {
    Start { entry: String, input: String },
    Resolved(Vec<(u64, Outcome)>),
    Continue,
}

#[derive(Debug)]
pub enum Outcome {
    Completed(String),
    Elapsed,
    Failed(String),
}

/// What the host tells beside the event.
#[derive(Debug)]
pub struct Around {
    pub now_us: i64,
    pub seed: u64,
    pub run_id: String,
    pub workflow_id: String,
    pub session_id: Option<String>,
    pub host_vars: String,
    pub host: String,
}

#[derive(Debug)]
pub struct Effect {
    pub id: u64,
    pub node: Rc<str>,
    pub kind: Rc<str>,
    pub payload: String,
    pub ordinal: u64,
    pub result_key: String,
    pub next_node: Option<Rc<str>>,
}

#[derive(Debug)]
pub enum Progress {
    Blocked {
        effect: Option<Effect>,
        steps: u32,
    },
    Yielded {
        node: Rc<str>,
        steps: u32,
    },
    Completed {
        node: Rc<str>,
        output: String,
        by: Ending,
        steps: u32,
    },
    Failed {
        node: Rc<str>,
        code: &'static str,
        message: String,
        steps: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Plan,
    Effect,
    Resume,
}

/// Runs the instance's flow. `call` runs the function of a node; the run is not borrowed meanwhile.
pub fn tick(around: Around, event: Event, max_steps: u32, call: impl Fn(Node) -> i32) -> Progress {
    if let Err(message) = with(|run| run.hear(around)) {
        return with(|run| run.failed("bad_event", message, 0));
    }
    if let Some(end) = with(|run| run.apply(event)) {
        return end;
    }
    let mut steps = 0;
    loop {
        let node = with(|run| run.cursor);
        if steps >= max_steps {
            return with(|run| Progress::Yielded {
                node: run.program.id(node),
                steps,
            });
        }
        steps += 1;
        let code = call(node);
        if let Some(end) = with(|run| run.step(node, code, steps)) {
            return end;
        }
    }
}

impl Run {
    fn hear(&mut self, around: Around) -> Result<(), String> {
        self.world.now_us = around.now_us;
        self.world.random = around.seed;
        if *self.ids.run != *around.run_id {
            self.ids = Ids {
                run: around.run_id.into(),
                workflow: around.workflow_id.into(),
                session: around.session_id.map(Into::into),
            };
        }
        if self.host_vars_text != around.host_vars {
            self.host_vars = match json::parse(&around.host_vars) {
                Ok(Value::Dict(vars)) => vars,
                Ok(_) => return Err("host-vars is not a JSON object".to_owned()),
                Err(e) => return Err(format!("host-vars: {e}")),
            };
            self.host_vars_text = around.host_vars;
        }
        if self.host_text != around.host {
            self.world.host = json::parse(&around.host).map_err(|e| format!("host: {e}"))?;
            self.host_text = around.host;
        }
        Ok(())
    }

    /// Takes the event in. Gives the end of the tick when nothing is left to run.
    fn apply(&mut self, event: Event) -> Option<Progress> {
        if self.ended {
            return Some(self.failed("bad_event", "the run has ended".to_owned(), 0));
        }
        match event {
            Event::Start { .. } if self.started => Some(self.failed("bad_event", "the run has started already".to_owned(), 0)),
            Event::Start { entry, input } => self.start(&entry, &input),
            _ if !self.started => Some(self.failed("bad_event", "the run has not started".to_owned(), 0)),
            Event::Continue if self.pending.is_some() => Some(Progress::Blocked { effect: None, steps: 0 }),
            Event::Continue => None,
            Event::Resolved(outcomes) => {
                let wanted = self.pending.as_ref().map(|p| p.id);
                // Only the one open request can be answered; answers to others are late and change nothing.
                match outcomes.into_iter().find(|(id, _)| Some(*id) == wanted) {
                    Some((_, outcome)) => self.resolve(outcome),
                    None if wanted.is_some() => Some(Progress::Blocked { effect: None, steps: 0 }),
                    None => Some(self.failed("bad_event", "no effect is outstanding".to_owned(), 0)),
                }
            }
        }
    }

    fn start(&mut self, entry: &str, input: &str) -> Option<Progress> {
        let Some(cursor) = self.program.find(entry) else {
            return Some(self.failed("bad_event", format!("the flow has no entry '{entry}'"), 0));
        };
        match json::parse(input) {
            Ok(Value::Dict(vars)) => {
                vars.remove("_temp");
                self.vars = vars;
            }
            Ok(_) => return Some(self.failed("bad_event", "the input is not a JSON object".to_owned(), 0)),
            Err(e) => return Some(self.failed("bad_event", format!("input: {e}"), 0)),
        }
        self.bind();
        self.cursor = cursor;
        self.started = true;
        None
    }

    /// Holds the two objects that pins are read from.
    pub(super) fn bind(&mut self) {
        let temp = self.temp();
        self.node_outputs = super::child(&temp, "node_outputs");
        self.effects = super::child(&temp, "effects");
    }

    fn resolve(&mut self, outcome: Outcome) -> Option<Progress> {
        let pending = self.pending.take()?;
        let id = self.program.id(pending.node);
        // A wait that turned out to be over at once is an effect like any other.
        let waited = matches!(outcome, Outcome::Elapsed) || pending.waits;
        self.cursor = pending.node;
        let result = match outcome {
            Outcome::Elapsed => Ok(Value::Null),
            Outcome::Completed(text) => match json::parse(&text) {
                Ok(result) => Ok(result),
                Err(e) => return Some(self.failed("bad_event", format!("outcome: {e}"), 0)),
            },
            Outcome::Failed(message) => Err(message),
        };
        let result = match (result, &pending.keeps) {
            (result, Keeps::Function) => {
                let code = match result {
                    Ok(result) => self.finish_function(pending.node, result),
                    Err(message) => self.fail_function(pending.node, message),
                };
                return self.step(pending.node, code, 0);
            }
            (Ok(result), _) => result,
            (Err(message), _) if pending.absorbs && pending.next.is_some() => absorbed(&message),
            (Err(message), _) => return Some(self.failed("effect_failed", message, 0)),
        };
        match &pending.keeps {
            _ if result.is_null() => {}
            Keeps::Step(path) => set_nested(&self.vars, path, result.clone()),
            _ => drop(self.effects.borrow_mut().insert(id, result.clone())),
        }
        match pending.next {
            Some(next) => {
                self.cursor = next;
                None
            }
            None => {
                let by = if waited { Ending::Resume } else { Ending::Effect };
                let output = Value::dict(Map::from_iter([
                    ("success".into(), Value::Bool(true)),
                    ("result".into(), result),
                ]));
                Some(self.completed(pending.node, &output, by, 0))
            }
        }
    }

    /// Follows what node `node` returned. Gives the end of the tick, if it is one.
    fn step(&mut self, node: Node, returned: i32, steps: u32) -> Option<Progress> {
        // Frames of a function that left early with an error are given back here.
        self.unframe(0);
        match (returned, std::mem::take(&mut self.plan)) {
            (next, _) if next >= 0 && (next as u32) < self.program.node_count() => {
                self.go(node, next as u32);
                None
            }
            (code::COMPLETE, Plan::Complete(output)) => match self.around_block(node) {
                Some(block) => {
                    self.go(node, block);
                    None
                }
                None => Some(self.completed(node, &output, Ending::Plan, steps)),
            },
            (code::EFFECT, Plan::Effect(mut request)) => {
                if request.next.is_none() {
                    request.next = self.around_block(node);
                }
                Some(self.block(node, request, steps))
            }
            (code::FAIL, _) => {
                let message = std::mem::take(&mut self.error);
                Some(self.failed("node_error", message, steps))
            }
            (other, _) => Some(self.failed("bad_code", format!("the node's function returned {other}"), steps)),
        }
    }

    /// The block that a branch ending at `node` returns to, marked as a return.
    fn around_block(&mut self, node: Node) -> Option<Node> {
        if self.program.has(node, flag::END) {
            return None;
        }
        let block = self.active_block().filter(|block| *block != node)?;
        self.mark_return(block);
        Some(block)
    }

    fn go(&mut self, from: Node, to: Node) {
        let temp = self.temp();
        temp.set("prev_node_id", Value::Str(self.program.id(from)));
        temp.set("prev_next_node", Value::Str(self.program.id(to)));
        self.cursor = to;
    }

    fn block(&mut self, node: Node, request: super::Request, steps: u32) -> Progress {
        let id = self.program.id(node);
        let payload = match json::to_string(&Value::Dict(request.payload)) {
            Ok(text) => text,
            Err(e) => return self.failed("bad_value", e.to_string(), steps),
        };
        let ordinal = match self.ordinals.get(&id) {
            Some(Value::Int(n)) => n,
            _ => 0,
        };
        self.ordinals.set(id.clone(), Value::Int(ordinal + 1));
        if !request.beside.is_empty() {
            self.beside.set(id.clone(), Value::Dict(Dict::new(request.beside)));
        }
        let temp = self.temp();
        temp.set("prev_node_id", Value::Str(id.clone()));
        temp.set(
            "prev_next_node",
            request.next.map(|n| Value::Str(self.program.id(n))).unwrap_or_default(),
        );
        self.next_effect += 1;
        let waits = matches!(&*request.kind, "ask_user" | "wait_event" | "start_subworkflow");
        let result_key = match &request.keeps {
            Keeps::Effect => format!("_temp.effects.{id}"),
            Keeps::Function => format!("_temp.node_outputs.{id}"),
            Keeps::Step(path) => path.as_ref().to_owned(),
        };
        self.pending = Some(Pending {
            id: self.next_effect,
            node,
            next: request.next,
            waits,
            absorbs: self.program.has(node, flag::ABSORBS),
            keeps: request.keeps,
        });
        Progress::Blocked {
            effect: Some(Effect {
                id: self.next_effect,
                node: id.clone(),
                kind: request.kind,
                payload,
                ordinal: ordinal as u64,
                result_key,
                next_node: request.next.map(|n| self.program.id(n)),
            }),
            steps,
        }
    }

    fn completed(&mut self, node: Node, output: &Value, by: Ending, steps: u32) -> Progress {
        match json::to_string(output) {
            Ok(output) => {
                self.ended = true;
                Progress::Completed {
                    node: self.program.id(node),
                    output,
                    by,
                    steps,
                }
            }
            Err(e) => self.failed("bad_value", e.to_string(), steps),
        }
    }

    fn failed(&mut self, code: &'static str, message: String, steps: u32) -> Progress {
        self.ended = true;
        Progress::Failed {
            node: self.program.id(self.cursor),
            code,
            message,
            steps,
        }
    }
}

/// The result that stands for a failure which the node lets pass. The text is the one that would have failed the run.
fn absorbed(message: &str) -> Value {
    let failure = format!("Effect failed after 1 attempts: {message}");
    Value::dict(Map::from_iter([
        ("ok".into(), Value::Bool(false)),
        ("absorbed_failure".into(), Value::str(failure)),
    ]))
}
