//! One effect as a future: polling it first makes the request, its outcome makes it ready, dropping it in between abandons it.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use crate::error::{EffectError, Error};
use crate::request::Request;
use crate::run::Shared;
use crate::world::Outcome;

/// What an effect answers, and how that is read from its result.
pub trait Kind: Unpin {
    type Answer;

    /// `result`: JSON text; none when a timed wait is over.
    ///
    /// # Errors
    /// The result is not what this kind of effect gives.
    fn read(&self, result: Option<&str>) -> Result<Self::Answer, String>;
}

/// An effect that is asked for when it is awaited, and answers `K::Answer`.
///
/// Each kind has methods that say more of what is wanted. Dropping it before it has answered tells the host that its outcome is no
/// longer wanted: a wait is closed.
#[must_use = "an effect is asked for when it is awaited"]
pub struct Effect<K: Kind> {
    run: Shared,
    state: State,
    kind: K,
}

enum State {
    New(Box<Request>),
    Asked(u64),
    Done,
}

impl<K: Kind> Effect<K> {
    pub(crate) fn new(run: &Shared, request: Request, kind: K) -> Self {
        Effect {
            run: run.clone(),
            state: State::New(Box::new(request)),
            kind,
        }
    }

    /// Names the node that asks, as the ledger shows it. Without a name it is `<call>#<n>`: the n-th effect of this call in the run.
    pub fn node(self, node: impl Into<String>) -> Self {
        self.edit(|request| request.node(node))
    }

    /// Names the node that follows; the ledger shows it, nothing else depends on it.
    pub fn next(self, node: impl Into<String>) -> Self {
        self.edit(|mut request| {
            request.next = Some(node.into());
            request
        })
    }

    /// The request, for a machine that asks by itself ([`crate::Machine`]).
    pub fn request(mut self) -> Request {
        match std::mem::replace(&mut self.state, State::Done) {
            State::New(request) => *request,
            _ => Request::plain("asked", "asked").because("the effect has been asked for already".to_owned()),
        }
    }

    pub(crate) fn edit(mut self, change: impl FnOnce(Request) -> Request) -> Self {
        if let State::New(request) = std::mem::replace(&mut self.state, State::Done) {
            self.state = State::New(Box::new(change(*request)));
        }
        self
    }

    pub(crate) fn set(self, name: &'static str, value: &(impl serde::Serialize + ?Sized)) -> Self {
        self.edit(|request| request.set(name, value))
    }

    pub(crate) fn kind(&self) -> &K {
        &self.kind
    }

    pub(crate) fn kind_mut(&mut self) -> &mut K {
        &mut self.kind
    }

    /// The same effect, read otherwise.
    pub(crate) fn read_as<L: Kind>(mut self, kind: L) -> Effect<L> {
        Effect {
            run: self.run.clone(),
            state: std::mem::replace(&mut self.state, State::Done),
            kind,
        }
    }
}

impl<K: Kind> Future for Effect<K> {
    type Output = Result<K::Answer, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let State::New(request) = &this.state {
            if let Some(why) = &request.broken {
                let failed = EffectError {
                    node: request.node.clone().unwrap_or_else(|| request.call.clone()),
                    kind: request.kind.clone(),
                    message: format!("{} cannot be asked for: {why}", request.kind),
                };
                this.state = State::Done;
                return Poll::Ready(Err(Error::Effect(failed)));
            }
            this.state = State::Asked(this.run.borrow_mut().ask(request));
        }
        let State::Asked(id) = this.state else {
            // As `std::future::Ready`, but without a panic: a future that has answered never answers again.
            return Poll::Pending;
        };
        let taken = this.run.borrow_mut().take(id, Some(context.waker()));
        let Some((open, outcome)) = taken else {
            return Poll::Pending;
        };
        this.state = State::Done;
        Poll::Ready(read(&this.kind, outcome).map_err(|message| {
            Error::Effect(EffectError {
                node: open.node,
                kind: open.kind,
                message,
            })
        }))
    }
}

fn read<K: Kind>(kind: &K, outcome: Outcome) -> Result<K::Answer, String> {
    match outcome {
        Outcome::Completed(result) => kind.read(Some(&result)),
        Outcome::Elapsed => kind.read(None),
        Outcome::Failed(message) => Err(message),
    }
}

impl<K: Kind> Drop for Effect<K> {
    fn drop(&mut self) {
        if let State::Asked(id) = self.state
            // A borrow is only held where an author's code panicked; then the run is over anyway.
            && let Ok(mut run) = self.run.try_borrow_mut()
        {
            run.abandon(id);
        }
    }
}

/// Any result, as a type of the author's.
pub struct As<T>(PhantomData<fn() -> T>);

impl<T> As<T> {
    pub(crate) fn new() -> Self {
        As(PhantomData)
    }
}

impl<T: DeserializeOwned> Kind for As<T> {
    type Answer = T;

    fn read(&self, result: Option<&str>) -> Result<T, String> {
        parse(result.unwrap_or("null"))
    }
}

/// An effect whose result says nothing.
pub struct Nothing;

impl Kind for Nothing {
    type Answer = ();

    fn read(&self, _: Option<&str>) -> Result<(), String> {
        Ok(())
    }
}

pub(crate) fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| format!("the result is not what was asked for: {error}"))
}
