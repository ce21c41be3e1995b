//! Runs an async flow: one thread, no time of its own, the same steps for the same outcomes.
//!
//! Outcomes are given to the flow one after another, in the order the host tells them, and after each the flow runs until it waits again;
//! so of two futures in a `select` that both have their outcome the one that was first wins, whatever the order in the program.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::console;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::info::Info;
use crate::run::Shared;
use crate::world::{Around, Event, Failed, Instance, Progress};

/// A flow that has been called. Its output is JSON.
type Running = Pin<Box<dyn Future<Output = Result<String, Error>>>>;

/// Calls the flow. The error says what is wrong with the input.
type Call = Box<dyn FnOnce(Ctx, &str) -> Result<Running, String>>;

/// One run of an async flow.
pub struct Executor {
    info: Info,
    run: Shared,
    state: State,
    woken: Arc<Woken>,
    /// The node at which the flow stands.
    node: String,
}

enum State {
    New(Call),
    Running(Running),
    Ended,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Executor {
    /// `flow` is the author's function.
    pub fn new<I, O, E, F>(info: Info, flow: fn(Ctx, I) -> F) -> Self
    where
        I: DeserializeOwned + 'static,
        O: Serialize + 'static,
        E: Into<Error> + 'static,
        F: Future<Output = Result<O, E>> + 'static,
    {
        let call: Call = Box::new(move |ctx, input| {
            let running = flow(ctx, serde_json::from_str(input).map_err(|error| error.to_string())?);
            Ok(Box::pin(async move { json(&running.await.map_err(Into::into)?) }))
        });
        Executor {
            node: info.start.to_owned(),
            info,
            run: Shared::default(),
            state: State::New(call),
            woken: Arc::new(Woken(AtomicBool::new(false))),
        }
    }

    fn apply(&mut self, event: Event) -> Progress {
        match event {
            Event::Start { entry, .. } if entry != self.info.start => {
                self.failed("bad_event", format!("the flow has no entry '{entry}'"))
            }
            Event::Start { input, .. } => {
                let call = match std::mem::replace(&mut self.state, State::Ended) {
                    State::New(call) => call,
                    state => {
                        self.state = state;
                        return self.failed("bad_event", "the run has started already".to_owned());
                    }
                };
                match call(Ctx(self.run.clone()), &input) {
                    Ok(running) => {
                        self.state = State::Running(running);
                        let ended = self.poll();
                        self.leave(ended)
                    }
                    Err(error) => self.failed("bad_input", format!("input: {error}")),
                }
            }
            _ if matches!(self.state, State::New(_)) => self.failed("bad_event", "the run has not started".to_owned()),
            _ if matches!(self.state, State::Ended) => self.failed("bad_event", "the run has ended".to_owned()),
            Event::Resolved(outcomes) => {
                for (id, outcome) in outcomes {
                    // An outcome that nobody waits for any more is late and changes nothing.
                    let wanted = self.run.borrow_mut().resolve(id, outcome);
                    if wanted && let Some(ended) = self.poll() {
                        return self.leave(Some(ended));
                    }
                }
                self.leave(None)
            }
            Event::Continue => {
                let ended = self.poll();
                self.leave(ended)
            }
        }
    }

    /// Runs the flow until it waits. Gives its end.
    fn poll(&mut self) -> Option<Result<String, Error>> {
        let State::Running(running) = &mut self.state else {
            return None;
        };
        let waker = Waker::from(self.woken.clone());
        let mut context = Context::from_waker(&waker);
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(ended) = running.as_mut().poll(&mut context) {
                return Some(ended);
            }
            if !self.woken.0.load(Ordering::Relaxed) {
                return None;
            }
        }
    }

    /// Ends a tick.
    fn leave(&mut self, ended: Option<Result<String, Error>>) -> Progress {
        self.node = console::node();
        match ended {
            Some(ended) => {
                self.state = State::Ended;
                ended_by(&self.info, &self.node, ended)
            }
            None => {
                let (effects, abandoned) = self.run.borrow_mut().leave();
                if !self.run.borrow().waits() {
                    let message = "the flow waits for something that is no effect; nothing will ever wake it".to_owned();
                    return self.failed("stuck", message);
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

    fn failed(&mut self, code: &'static str, message: String) -> Progress {
        self.state = State::Ended;
        Progress::Failed(Failed {
            node: self.node.clone(),
            code,
            message,
        })
    }
}

impl Instance for Executor {
    fn tick(&mut self, around: Around, event: Event) -> Progress {
        console::stands_at(&self.node);
        self.run.borrow_mut().hear(around);
        self.apply(event)
    }
}

/// How a flow's result ends its run.
pub(crate) fn ended_by(info: &Info, node: &str, ended: Result<String, Error>) -> Progress {
    match ended {
        Ok(output) => Progress::Completed {
            node: info.end.to_owned(),
            output,
            steps: 1,
        },
        Err(Error::Effect(effect)) => Progress::Failed(Failed {
            node: effect.node,
            code: "effect_failed",
            message: effect.message,
        }),
        Err(Error::Flow(message)) => Progress::Failed(Failed {
            node: node.to_owned(),
            code: "flow_error",
            message,
        }),
    }
}

/// An output as JSON: an object; nothing is an empty one, and anything else is in `result`.
pub(crate) fn json(output: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string(output).map_err(|error| Error::new(format!("the output is no JSON: {error}")))?;
    Ok(match text.as_bytes() {
        [b'{', ..] => text,
        b"null" => "{}".to_owned(),
        _ => format!("{{\"result\":{text}}}"),
    })
}
