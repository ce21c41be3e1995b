//! `yield from`: what the outer generator is sent, and what is thrown into it, goes to the inner iterator.

use super::error::{Py, Raised};
use super::names::Builtin;
use super::object::{Args, Name, Obj};
use super::{call, class, exception, iter};

/// What came of it.
pub enum Delegated {
    /// To be given by the outer generator.
    Given(Obj),
    /// The inner iterator has ended and returned this.
    Ended(Obj),
}

/// Goes on with the inner iterator; `None` is sent as `next` does.
pub fn send(iterator: &Obj, sent: &Obj) -> Py<Delegated> {
    if !sent.is_none() {
        return until_stop(method(iterator, "send", sent));
    }
    Ok(match iterator {
        Obj::Generator(generator) => match generator.advance()? {
            Some(item) => Delegated::Given(item),
            None => Delegated::Ended(generator.result()),
        },
        // Its `StopIteration` may say what it returns.
        Obj::Instance(_) => match class::call_special(iterator, "__next__", &[]) {
            Some(result) => return until_stop(result),
            None => Delegated::Ended(Obj::None),
        },
        _ => match iter::next(iterator)? {
            Some(item) => Delegated::Given(item),
            None => Delegated::Ended(Obj::None),
        },
    })
}

/// Raises the exception in the inner iterator; here, if that has no `throw`. A `GeneratorExit` closes it and is raised here.
pub fn throw(iterator: &Obj, thrown: &Obj) -> Py<Delegated> {
    let Obj::Exception(exception) = thrown else {
        return Ok(Delegated::Ended(Obj::None));
    };
    let raised = Raised(exception.clone());
    if exception::is_of(&exception.class, Builtin::GeneratorExit) {
        match iterator {
            Obj::Generator(generator) => generator.close()?,
            _ if class::special(iterator, "close").is_some() => {
                call::call_method(iterator, &Name::new("close"), &Args::positional(&[]))?;
            }
            _ => {}
        }
        return Err(raised);
    }
    match iterator {
        Obj::Generator(generator) => until_stop(generator.throw(raised)),
        _ if class::special(iterator, "throw").is_some() => until_stop(method(iterator, "throw", thrown)),
        _ => Err(raised),
    }
}

fn method(iterator: &Obj, name: &str, argument: &Obj) -> Py {
    call::call_method(iterator, &Name::new(name), &Args::positional(std::slice::from_ref(argument)))
}

/// A `StopIteration` is the end; its value is what was returned.
fn until_stop(result: Py) -> Py<Delegated> {
    match result {
        Ok(item) => Ok(Delegated::Given(item)),
        Err(Raised(stop)) if exception::is_of(&stop.class, Builtin::StopIteration) => {
            Ok(Delegated::Ended(exception::attribute(&stop, "value").unwrap_or_default()))
        }
        Err(raised) => Err(raised),
    }
}
