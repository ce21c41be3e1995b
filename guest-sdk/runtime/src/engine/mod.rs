//! The state of one run and the rules by which a flow's nodes change it.
//!
//! Generated code calls [`abi`]; the host calls [`tick`] and [`snapshot`] through the flow world. State that outlives a tick is in
//! [`Run::vars`] under the reference's own names (`_temp`, `_last_output` …), in [`Run::cursor`] and in the few fields beside it;
//! everything else is scratch of the current tick. The engine never sees a graph: it knows nodes by index, and what follows a
//! node is what the node's function returned or what the compiler wrote into its record.

pub mod abi;
mod agent;
mod bus;
mod control;
mod effects;
mod events;
mod functions;
mod host_function;
mod mapping;
mod media_effects;
mod memact;
mod memory_effects;
mod messages;
mod model_effects;
mod pins;
mod program;
mod python;
mod recall;
mod snapshot;
mod tick;
mod tool_effects;
mod variables;

use std::cell::RefCell;
use std::rc::Rc;

use crate::builtins::World;
use crate::value::{Dict, Map, Value};

pub use program::Program;
pub use tick::{Around, Effect, Ending, Event, Outcome, Progress, tick};

/// Index of an exec node: its place in the compiler's node table and in the function table.
pub type Node = u32;

/// What a node's function returns when it does not name the next node.
pub mod code {
    /// An effect was requested: [`super::Plan::Effect`].
    pub const EFFECT: i32 = -1;
    /// The node would end the run: [`super::Plan::Complete`].
    pub const COMPLETE: i32 = -2;
    /// The node cannot go on and the run fails: [`super::Run::error`].
    pub const FAIL: i32 = -3;
}

/// What the node that just ran wants, beside its return code.
#[derive(Debug, Default)]
pub enum Plan {
    #[default]
    None,
    Effect(Request),
    Complete(Value),
}

/// An effect as a node asks for it.
#[derive(Debug)]
pub struct Request {
    pub kind: Rc<str>,
    pub payload: Dict,
    /// The node that follows when the effect is done.
    pub next: Option<Node>,
    /// Readable from the node's outputs beside the result (`prompt` of `ask_user`).
    pub beside: Map,
    pub keeps: Keeps,
}

/// What becomes of an effect's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keeps {
    /// It is the result of an effect node: at `_temp.effects.<node>`, and a failure fails the run.
    Effect,
    /// It is the result of a function that the host runs: output and bus are its, and a failure is the function's error.
    Function,
    /// It is a step on the node's way to its result: at this dotted path, and the node runs again.
    Step(Rc<str>),
}

/// An effect that has been told to the host and not yet resolved.
#[derive(Debug, Clone)]
pub struct Pending {
    pub id: u64,
    pub node: Node,
    pub next: Option<Node>,
    /// True when the effect always waits for an answer: a run that ends with it ends "by resume".
    pub waits: bool,
    /// True when a failure is a result that the run goes on with, as long as there is a node to go on with.
    pub absorbs: bool,
    pub keeps: Keeps,
}

/// One run.
#[derive(Debug, Default)]
pub struct Run {
    pub program: Program,
    /// Operand slots of generated code; a function takes a frame and gives it back.
    slots: Vec<Value>,
    /// The flow's variables and bookkeeping, by the reference's names.
    pub vars: Dict,
    /// `vars._temp.node_outputs` and `vars._temp.effects`, held here so that a pin is read without a path.
    node_outputs: Dict,
    effects: Dict,
    /// What effect nodes expose beside their results, by node id.
    beside: Dict,
    /// How many effects each node has requested, by node id.
    ordinals: Dict,
    cursor: Node,
    started: bool,
    ended: bool,
    pending: Option<Pending>,
    next_effect: u64,
    plan: Plan,
    /// Text of the last error a builtin or a node reported.
    error: String,
    /// A math node has produced a number that JSON cannot hold; values are checked before they are kept.
    non_finite: bool,
    /// Read-only variables of the host, as told for this tick.
    host_vars: Dict,
    host_vars_text: String,
    host_text: String,
    world: World,
    ids: Ids,
}

/// Names of the run, as told by the host.
#[derive(Debug, Default)]
pub struct Ids {
    pub run: Rc<str>,
    pub workflow: Rc<str>,
    pub session: Option<Rc<str>>,
}

thread_local! {
    /// The one run of this instance.
    static RUN: RefCell<Run> = RefCell::default();
}

/// Works on the instance's run. Never held while generated code runs.
pub fn with<T>(work: impl FnOnce(&mut Run) -> T) -> T {
    RUN.with(|run| work(&mut run.borrow_mut()))
}

impl Run {
    fn slot(&self, slot: u32) -> Value {
        self.slots.get(slot as usize).cloned().unwrap_or_default()
    }

    fn set_slot(&mut self, slot: u32, value: Value) {
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = value;
        }
    }

    fn fail(&mut self, message: impl Into<String>) -> i32 {
        self.error = message.into();
        code::FAIL
    }

    fn complete(&mut self, output: Value) -> i32 {
        self.plan = Plan::Complete(output);
        code::COMPLETE
    }

    /// `vars._temp`, made when missing.
    fn temp(&self) -> Dict {
        child(&self.vars, "_temp")
    }

    fn set_prev_handle(&mut self, handle: &str) {
        self.temp().set("prev_exec_handle", Value::str(handle));
    }

    /// Records the output of an exec node for its readers.
    fn set_output(&mut self, node: Node, output: Value) {
        let id = self.program.id(node);
        self.node_outputs.borrow_mut().insert(id, output);
    }

    /// Marks an error of a node the way the reference does and ends the run (or the branch) with `success: false`.
    fn complete_with_error(&mut self, node: Node, message: String) -> i32 {
        let id = self.program.id(node);
        self.vars.set("_flow_error", Value::str(message.as_str()));
        self.vars.set("_flow_error_node", Value::Str(id.clone()));
        let mut output = Map::default();
        output.insert("success".into(), Value::Bool(false));
        output.insert("error".into(), Value::str(message));
        output.insert("node".into(), Value::Str(id));
        self.complete(Value::dict(output))
    }
}

/// The object at `key` of `parent`; anything else there is replaced by a new one.
pub(crate) fn child(parent: &Dict, key: &str) -> Dict {
    if let Some(Value::Dict(existing)) = parent.get(key) {
        return existing;
    }
    let made = Dict::default();
    parent.set(key, Value::Dict(made.clone()));
    made
}
