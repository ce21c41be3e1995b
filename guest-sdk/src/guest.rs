//! The flow world's exports, for a component: hands the host's records to the run and back.
#![allow(unsafe_code)] // The generated bindings lower and lift values through linear memory; two exports have names of their own.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::world::{Around, Asked, Event, Flow, Instance, Outcome, Progress, Ticked};
use crate::{console, panic};

wit_bindgen::generate!({
    path: "../wit",
    world: "flow",
    pub_export_macro: true,
    export_macro_name: "export",
    default_bindings_module: "flowgate_guest::guest",
});

use exports::flowgate::flow::workflow as wire;

/// A component whose flow is `F`.
pub struct Component<F>(std::marker::PhantomData<F>);

thread_local! {
    static RUN: RefCell<Option<Box<dyn Instance>>> = const { RefCell::new(None) };
    static TOLD: RefCell<Option<(Around, Event)>> = const { RefCell::new(None) };
    static DONE: RefCell<Option<Progress>> = const { RefCell::new(None) };
}

impl<F: Flow> wire::Guest for Component<F> {
    fn describe() -> wire::Description {
        let description = F::describe();
        wire::Description {
            flow_id: description.flow_id,
            runtime: String::new(),
            entries: vec![wire::Entry {
                node: description.entry,
                kind: wire::EntryKind::Main,
            }],
            start_pins: description.start_pins,
            node_index: description.node_index,
        }
    }

    fn tick(around: wire::Around, event: wire::Event, _: u32) -> wire::Ticked {
        RUN.with_borrow_mut(|run| {
            run.get_or_insert_with(F::instance);
        });
        panic::hook(|| __flowgate_unwind());
        TOLD.set(Some((told(around), happened(event))));
        // What the tick needs and leaves lies in places that outlive it, since a panic returns without dropping anything.
        let caught = __flowgate_guard(work) != 0;
        wired(match DONE.take() {
            Some(progress) if !caught => Ticked {
                progress,
                log: console::take(),
            },
            _ => panic::ended(),
        })
    }

    fn snapshot() -> Option<Vec<u8>> {
        RUN.with_borrow(|run| run.as_ref()?.snapshot()).map(String::into_bytes)
    }

    fn restore(snapshot: Vec<u8>) -> Result<(), String> {
        let text = String::from_utf8(snapshot).map_err(|_| "the snapshot is not UTF-8".to_owned())?;
        let mut instance = F::instance();
        instance.restore(&text)?;
        RUN.set(Some(instance));
        Ok(())
    }
}

extern "C" fn work() {
    let Some((around, event)) = TOLD.take() else { return };
    // Taken out while it works: after a panic it is gone, and nothing is borrowed.
    let Some(mut run) = RUN.take() else { return };
    let progress = run.tick(around, event);
    RUN.set(Some(run));
    DONE.set(Some(progress));
}

/// Written by whoever makes functions return early; read here so that the compiler cannot know it.
static CAUGHT: AtomicU32 = AtomicU32::new(0);

/// Calls `work`; not 0 when it panicked. The packer replaces the body by one that catches what [`__flowgate_unwind`] begins.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __flowgate_guard(work: extern "C" fn()) -> u32 {
    work();
    CAUGHT.load(Ordering::Relaxed)
}

/// Begins to return from every function up to the guard. The packer replaces the body; as it is, it traps.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn __flowgate_unwind() {
    if CAUGHT.load(Ordering::Relaxed) == 0 {
        core::arch::wasm32::unreachable();
    }
}

fn told(around: wire::Around) -> Around {
    Around {
        now_us: around.now_us,
        seed: around.seed,
        run_id: around.run_id,
        workflow_id: around.workflow_id,
        session_id: around.session_id,
        parent_run_id: around.parent_run_id,
        host_vars: around.host_vars,
    }
}

fn happened(event: wire::Event) -> Event {
    match event {
        wire::Event::Start(start) => Event::Start {
            entry: start.entry,
            input: start.input,
        },
        wire::Event::Resolved(all) => Event::Resolved(all.into_iter().map(|r| (r.id, outcome(r.outcome))).collect()),
        wire::Event::Continue => Event::Continue,
    }
}

fn outcome(outcome: wire::Outcome) -> Outcome {
    match outcome {
        wire::Outcome::Completed(json) => Outcome::Completed(json),
        wire::Outcome::Elapsed => Outcome::Elapsed,
        wire::Outcome::Failed(message) => Outcome::Failed(message),
    }
}

fn wired(ticked: Ticked) -> wire::Ticked {
    let progress = match ticked.progress {
        Progress::Blocked {
            effects,
            abandoned,
            steps,
        } => wire::Progress::Blocked(wire::Blocked {
            effects: effects.into_iter().map(effect).collect(),
            abandoned,
            steps,
        }),
        Progress::Completed { node, output, steps } => wire::Progress::Completed(wire::Completed {
            node,
            output,
            by: wire::Ending::Plan,
            steps,
        }),
        Progress::Failed(failed) => wire::Progress::Failed(wire::Failed {
            node: failed.node,
            code: failed.code.to_owned(),
            message: failed.message,
            steps: 1,
        }),
    };
    let log = ticked.log.into_iter().map(|(node, text)| wire::Line { node, text });
    wire::Ticked {
        progress,
        log: log.collect(),
    }
}

fn effect(asked: Asked) -> wire::Effect {
    wire::Effect {
        id: asked.id,
        node: asked.node,
        kind: asked.kind,
        payload: asked.payload,
        ordinal: asked.ordinal,
        result_key: asked.result_key,
        next_node: asked.next_node,
    }
}
