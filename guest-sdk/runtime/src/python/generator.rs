//! Generators: a frame that is kept between two advances.

use std::cell::{Cell, RefCell};

use super::abi;
use super::error::{Py, Raised, exception, raise, type_error, value_error};
use super::exception;
use super::function::Code;
use super::names::{Builtin, Method};
use super::object::{Args, Obj};
use super::stack::Frame;
use super::state;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Its body has not begun.
    New,
    Suspended,
    Running,
    Done,
}

pub struct Generator {
    code: &'static Code,
    /// The frame while it is suspended.
    frame: RefCell<Vec<Obj>>,
    /// Where its code goes on; 0 is the beginning.
    resume: Cell<u32>,
    phase: Cell<Phase>,
    /// What it returned, until somebody asks.
    result: RefCell<Obj>,
}

/// Added to the place where a generator goes on: the pending exception is raised there.
pub const RAISE: u32 = 1 << 30;

impl Generator {
    /// A generator whose parameters and cells are in the frame.
    pub fn new(code: &'static Code, mut frame: Frame) -> Generator {
        Generator {
            code,
            frame: RefCell::new(frame.take_all()),
            resume: Cell::new(0),
            phase: Cell::new(Phase::New),
            result: RefCell::new(Obj::None),
        }
    }

    pub fn name(&self) -> &str {
        &self.code.name.text
    }

    pub fn qualname(&self) -> &str {
        &self.code.qualname.text
    }

    /// `next(generator)`; `None` when it has ended.
    pub fn advance(&self) -> Py<Option<Obj>> {
        self.go_on(Obj::None, false)
    }

    /// Goes on with what was sent, or with the pending exception.
    fn go_on(&self, sent: Obj, raising: bool) -> Py<Option<Obj>> {
        match self.phase.get() {
            Phase::Running => return Err(value_error("generator already executing")),
            Phase::Done => return Ok(None),
            Phase::New | Phase::Suspended => {}
        }
        let mut frame = Frame::push(self.code.slots)?;
        let mut kept = self.frame.take();
        frame.exchange(&mut kept);
        frame.set(0, sent);
        self.phase.set(Phase::Running);
        let state = self.resume.get() | if raising { RAISE } else { 0 };
        match abi::invoke(self.code.table, frame.address(), state) {
            0 => {
                self.phase.set(Phase::Done);
                self.result.replace(frame.take(0));
                Ok(None)
            }
            1 => {
                self.phase.set(Phase::Done);
                Err(unstopped(state::take_pending()))
            }
            suspended => {
                let yielded = frame.take(0);
                frame.exchange(&mut kept);
                self.frame.replace(kept);
                self.resume.set((suspended as u32).wrapping_sub(2));
                self.phase.set(Phase::Suspended);
                Ok(Some(yielded))
            }
        }
    }

    /// What it returned; `None` to whoever asks again.
    pub fn result(&self) -> Obj {
        self.result.take()
    }

    /// The `StopIteration` of its end.
    fn stop(&self) -> Raised {
        let args = match self.result.take() {
            Obj::None => Vec::new(),
            value => vec![value],
        };
        Raised(exception(Builtin::StopIteration, args))
    }

    pub fn send(&self, value: &Obj) -> Py {
        if self.phase.get() == Phase::New && !value.is_none() {
            return Err(type_error("can't send non-None value to a just-started generator"));
        }
        self.go_on(value.clone(), false)?.ok_or_else(|| self.stop())
    }

    /// Raises an exception where the generator is suspended.
    pub fn throw(&self, raised: Raised) -> Py {
        match self.phase.get() {
            Phase::Running => return Err(value_error("generator already executing")),
            Phase::New | Phase::Done => {
                self.finish();
                return Err(raised);
            }
            Phase::Suspended => {}
        }
        state::set_pending(raised);
        self.go_on(Obj::None, true)?.ok_or_else(|| self.stop())
    }

    pub fn close(&self) -> Py<()> {
        match self.phase.get() {
            Phase::Running => return Err(value_error("generator already executing")),
            Phase::New | Phase::Done => {
                self.finish();
                return Ok(());
            }
            Phase::Suspended => {}
        }
        match self.throw(Raised(exception(Builtin::GeneratorExit, Vec::new()))) {
            Ok(_) => Err(raise(Builtin::RuntimeError, "generator ignored GeneratorExit")),
            Err(raised)
                if [Builtin::GeneratorExit, Builtin::StopIteration]
                    .iter()
                    .any(|c| is(&raised, *c)) =>
            {
                Ok(())
            }
            Err(raised) => Err(raised),
        }
    }

    /// Ends it without running its code.
    fn finish(&self) {
        self.phase.set(Phase::Done);
        let frame = self.frame.take();
        drop(frame);
    }

    /// `send`, `throw`, `close`; `None` for any other name.
    pub fn method(&self, method: Method, args: &Args) -> Py<Option<Obj>> {
        match (method, args.values) {
            (Method::Send, [value]) => Ok(Some(self.send(value)?)),
            (Method::Throw, [value, ..]) => {
                let value = match args.values {
                    // The old form: a class and what its instance is made of.
                    [class, value, ..] if exception::is_class(class) && !value.is_none() => match value {
                        Obj::Exception(_) => value.clone(),
                        _ => super::call::call(class, &Args::positional(std::slice::from_ref(value)))?,
                    },
                    _ => value.clone(),
                };
                let raised = exception::to_raise(&value).map_err(|_| {
                    let kind = super::text::type_name(&value);
                    type_error(format!(
                        "exceptions must be classes or instances deriving from BaseException, not {kind}"
                    ))
                })?;
                Ok(Some(self.throw(Raised(raised))?))
            }
            (Method::Close, []) => {
                self.close()?;
                Ok(Some(Obj::None))
            }
            (Method::Send, _) => Err(wrong_count("generator.send", args)),
            (Method::Close, _) => Err(type_error(format!(
                "generator.close() takes no arguments ({} given)",
                args.values.len()
            ))),
            (Method::Throw, _) => Err(type_error("throw expected at least 1 argument, got 0")),
            _ => Ok(None),
        }
    }

    pub fn has(method: Method) -> bool {
        matches!(method, Method::Send | Method::Throw | Method::Close)
    }
}

fn wrong_count(name: &str, args: &Args) -> Raised {
    type_error(format!("{name}() takes exactly one argument ({} given)", args.values.len()))
}

fn is(raised: &Raised, class: Builtin) -> bool {
    exception::is_of(&raised.0.class, class)
}

/// A `StopIteration` that leaves a generator's body is no end of it.
pub fn unstopped(raised: Raised) -> Raised {
    if !is(&raised, Builtin::StopIteration) {
        return raised;
    }
    let error = exception(Builtin::RuntimeError, vec![Obj::str("generator raised StopIteration")]);
    *error.cause.borrow_mut() = Some(Obj::Exception(raised.0));
    Raised(error)
}
