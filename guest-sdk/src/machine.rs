//! Flows that keep their state themselves: a value that serde can write, and a function from one wait to the next.
//!
//! An async flow is replayed from its start when its run goes on; that is quick for hundreds of effects. A run that lives for years
//! and asks for a hundred thousand is better a machine: the host keeps its snapshot and replays nothing.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::console;
use crate::ctx::Ctx;
use crate::effect::parse;
use crate::error::{EffectError, Error};
use crate::executor::{ended_by, json};
use crate::info::Info;
use crate::raw;
use crate::request::Request;
use crate::run::{Counts, Shared};
use crate::world::{Around, Event, Failed, Instance, Outcome, Progress};

/// A flow with explicit state; `#[flow(snapshot, …)]` on its type exports it.
///
/// ```
/// use flowgate_guest::prelude::*;
///
/// /// Asks again and again until somebody says stop.
/// #[flowgate_guest::flow(id = "collect", snapshot)]
/// #[derive(Serialize, Deserialize)]
/// struct Collect {
///     question: String,
///     answers: Vec<String>,
/// }
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Input {
///     question: String,
/// }
///
/// impl Machine for Collect {
///     type Input = Input;
///     type Output = Vec<String>;
///
///     fn start(_: &Ctx, input: Input) -> Result<Self, Error> {
///         Ok(Collect { question: input.question, answers: Vec::new() })
///     }
///
///     fn step(&mut self, ctx: &Ctx, heard: Option<Heard>) -> Result<Next<Vec<String>>, Error> {
///         if let Some(heard) = heard {
///             let answer: Answer = heard.result()?;
///             if answer.response == "stop" {
///                 return Ok(Next::Done(std::mem::take(&mut self.answers)));
///             }
///             self.answers.push(answer.response);
///         }
///         Ok(Next::ask([ctx.ask_user(&self.question).node("question").request()]))
///     }
/// }
///
/// #[derive(Deserialize)]
/// struct Answer {
///     response: String,
/// }
///
/// use flowgate_guest::testing::Script;
/// let script = Script::new().on("question", json!({"response": "red"})).on("question", json!({"response": "stop"}));
/// let run = script.run::<Collect>(json!({"question": "Which colour?"})).check().unwrap();
/// assert_eq!(run.json(), json!({"result": ["red"]}));
/// ```
pub trait Machine: Serialize + DeserializeOwned + 'static {
    type Input: DeserializeOwned;
    type Output: Serialize;

    /// The state of a run that begins.
    ///
    /// # Errors
    /// The run fails with it.
    fn start(ctx: &Ctx, input: Self::Input) -> Result<Self, Error>;

    /// Called at the start with nothing, then for every outcome, one at a time.
    ///
    /// # Errors
    /// The run fails with it.
    fn step(&mut self, ctx: &Ctx, heard: Option<Heard>) -> Result<Next<Self::Output>, Error>;
}

/// What a machine does next.
#[derive(Debug)]
pub enum Next<O> {
    /// Asks for these and waits; none: it waits for what it has asked before.
    Ask(Vec<Request>),
    /// The run is over.
    Done(O),
}

impl<O> Next<O> {
    pub fn ask(requests: impl IntoIterator<Item = Request>) -> Self {
        Next::Ask(requests.into_iter().collect())
    }
}

/// What became of a request.
#[derive(Debug, Clone)]
pub struct Heard {
    pub node: String,
    pub kind: String,
    outcome: Outcome,
}

impl Heard {
    /// The result as a type of the author's; that of a timed wait is `null`.
    ///
    /// # Errors
    /// The effect failed, or its result is something else.
    pub fn result<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let result = match &self.outcome {
            Outcome::Completed(json) => parse(json),
            Outcome::Elapsed => parse("null"),
            Outcome::Failed(message) => Err(message.clone()),
        };
        result.map_err(|message| {
            Error::Effect(EffectError {
                node: self.node.clone(),
                kind: self.kind.clone(),
                message,
            })
        })
    }
}

/// One run of a machine.
pub struct Stepper<M: Machine> {
    info: Info,
    run: Shared,
    /// None before the start and after the end.
    machine: Option<M>,
    node: String,
}

/// A snapshot: the author's state, and what makes the names and ids of requests.
#[derive(Serialize, Deserialize)]
struct Snapshot<S> {
    format: u32,
    flow: String,
    node: String,
    state: S,
    counts: Counts,
    /// Requests that wait for their outcome: node and kind by id.
    open: BTreeMap<u64, (String, String)>,
}

const FORMAT: u32 = 1;

impl<M: Machine> Stepper<M> {
    pub fn new(info: Info) -> Self {
        Stepper {
            node: info.start.to_owned(),
            info,
            run: Shared::default(),
            machine: None,
        }
    }

    fn apply(&mut self, event: Event) -> Result<Option<M::Output>, Progress> {
        let ctx = Ctx(self.run.clone());
        match event {
            Event::Start { entry, .. } if entry != self.info.start => {
                Err(self.failed("bad_event", format!("the flow has no entry '{entry}'")))
            }
            Event::Start { input, .. } => {
                let input = serde_json::from_str(&input).map_err(|error| self.failed("bad_input", format!("input: {error}")))?;
                let machine = M::start(&ctx, input).map_err(|error| self.ended(Err(error)))?;
                self.machine = Some(machine);
                self.step(&ctx, None)
            }
            _ if self.machine.is_none() => Err(self.failed("bad_event", "the run is not going on".to_owned())),
            Event::Resolved(outcomes) => {
                for (id, outcome) in outcomes {
                    let heard = {
                        let mut run = self.run.borrow_mut();
                        run.resolve(id, outcome);
                        run.take(id, None)
                    };
                    let Some((open, outcome)) = heard else { continue };
                    let heard = Heard {
                        node: open.node,
                        kind: open.kind,
                        outcome,
                    };
                    if let Some(output) = self.step(&ctx, Some(heard))? {
                        return Ok(Some(output));
                    }
                }
                Ok(None)
            }
            Event::Continue => Ok(None),
        }
    }

    fn step(&mut self, ctx: &Ctx, heard: Option<Heard>) -> Result<Option<M::Output>, Progress> {
        let Some(machine) = &mut self.machine else { return Ok(None) };
        match machine.step(ctx, heard).map_err(|error| self.ended(Err(error)))? {
            Next::Done(output) => Ok(Some(output)),
            Next::Ask(requests) => {
                for request in requests {
                    if let Some(why) = &request.broken {
                        let message = format!("{} cannot be asked for: {why}", request.kind);
                        return Err(self.failed("bad_value", message));
                    }
                    self.run.borrow_mut().ask(&request);
                }
                Ok(None)
            }
        }
    }

    fn ended(&mut self, ended: Result<String, Error>) -> Progress {
        self.machine = None;
        ended_by(&self.info, &console::node(), ended)
    }

    fn failed(&mut self, code: &'static str, message: String) -> Progress {
        self.machine = None;
        Progress::Failed(Failed {
            node: console::node(),
            code,
            message,
        })
    }
}

impl<M: Machine> Instance for Stepper<M> {
    fn tick(&mut self, around: Around, event: Event) -> Progress {
        console::stands_at(&self.node);
        self.run.borrow_mut().hear(around);
        let applied = self.apply(event);
        self.node = console::node();
        match applied {
            Err(progress) => progress,
            Ok(Some(output)) => self.ended(json(&output)),
            Ok(None) => {
                let (effects, abandoned) = self.run.borrow_mut().leave();
                if !self.run.borrow().waits() {
                    return self.failed("stuck", "the machine waits for nothing".to_owned());
                }
                let steps = u32::try_from(effects.len().max(1)).unwrap_or(u32::MAX);
                Progress::Blocked {
                    effects,
                    abandoned,
                    steps,
                }
            }
        }
    }

    /// None also where the state is no JSON: then the run is replayed.
    fn snapshot(&self) -> Option<String> {
        let run = self.run.borrow();
        let snapshot = Snapshot {
            format: FORMAT,
            flow: self.info.id.to_owned(),
            node: self.node.clone(),
            state: self.machine.as_ref()?,
            counts: run.counts.clone(),
            open: run
                .open()
                .map(|(id, open)| (id, (open.node.clone(), open.kind.clone())))
                .collect(),
        };
        raw(&snapshot).ok().map(|json| json.get().to_owned())
    }

    fn restore(&mut self, snapshot: &str) -> Result<(), String> {
        let held: Snapshot<Box<RawValue>> = serde_json::from_str(snapshot).map_err(|error| error.to_string())?;
        if held.format != FORMAT {
            return Err(format!("the snapshot has format {}, this flow reads {FORMAT}", held.format));
        }
        if held.flow != self.info.id {
            return Err(format!("the snapshot is of flow '{}', not of '{}'", held.flow, self.info.id));
        }
        self.machine = Some(serde_json::from_str(held.state.get()).map_err(|error| format!("state: {error}"))?);
        self.node = held.node;
        let mut run = self.run.borrow_mut();
        run.counts = held.counts;
        for (id, (node, kind)) in held.open {
            run.reopen(id, node, kind);
        }
        Ok(())
    }
}
