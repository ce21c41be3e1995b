//! What a panic said and where it was: a panicking flow ends as a run that failed with it.
//!
//! Natively a panic is caught. WebAssembly of today has no unwinding that every host runs, so a component is given one: `flowgate pack`
//! rewrites the core module such that [`unwind`](crate::guest) makes every function return to [`crate::guest`]'s guard. In a module
//! that was not packed this way a panic is a trap.

use std::cell::RefCell;
use std::panic::PanicHookInfo;

use crate::console;
use crate::world::{Failed, Progress, Ticked};

thread_local! {
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a panic says: `message, at file:line:column`.
fn hear(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let text = match info.location() {
        Some(at) => format!("{message}, at {}:{}:{}", at.file(), at.line(), at.column()),
        None => message.to_owned(),
    };
    SAID.with_borrow_mut(|said| {
        said.get_or_insert(text);
    });
}

/// The end of a run whose flow panicked.
pub(crate) fn ended() -> Ticked {
    let message = SAID.take().unwrap_or_else(|| "the flow panicked".to_owned());
    Ticked {
        progress: Progress::Failed(Failed {
            node: console::node(),
            code: "panic",
            message,
        }),
        log: console::take(),
    }
}

/// On wasm: keeps what a panic says, then unwinds.
#[cfg(target_arch = "wasm32")]
pub(crate) fn hook(unwind: fn()) {
    std::panic::set_hook(Box::new(move |info| {
        hear(info);
        unwind();
    }));
}

/// Natively: one tick, panics caught.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn tick(
    instance: &mut dyn crate::world::Instance,
    around: crate::world::Around,
    event: crate::world::Event,
) -> Ticked {
    use std::cell::Cell;
    use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
    use std::sync::Once;
    thread_local! {
        static TICKING: Cell<bool> = const { Cell::new(false) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |info| match TICKING.get() {
            true => hear(info),
            false => others(info),
        }));
    });
    TICKING.set(true);
    // The instance is not used again after a panic.
    let done = catch_unwind(AssertUnwindSafe(|| instance.tick(around, event)));
    TICKING.set(false);
    match done {
        Ok(progress) => Ticked {
            progress,
            log: console::take(),
        },
        Err(_) => ended(),
    }
}
