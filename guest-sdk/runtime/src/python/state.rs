//! What one call of a code node may know of the world, and what it leaves behind: time, randomness, printed text; and what the
//! running program needs beside its slots: its globals, its constants, the exception on its way.
//!
//! No borrow of the state is held while code of the program runs.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use rustc_hash::FxHashMap;

use super::class::Class;
use super::error::{Py, Raised, raise};
use super::function::{Code, Function};
use super::names::{BUILTINS, Builtin};
use super::object::{Name, Obj, Text};
use crate::builtins::World;
use crate::engine;
use crate::value::Value;

/// How much printed text is kept until somebody takes it.
const MAX_LOG: usize = 64 << 10;

/// A constant of the compiled flow in the form that its use needs. Kept as long as the instance lives, since compiled code names it
/// by number again and again.
pub enum Constant {
    Name(Named),
    Names(Vec<Rc<Text>>),
    Code(Code),
}

/// A name, and its text as an object.
pub struct Named {
    name: Name,
    text: Obj,
}

impl Named {
    fn of(text: &str) -> Named {
        let name = Name::new(text);
        let text = Obj::Str(name.text.clone());
        Named { name, text }
    }
}

struct State {
    /// The exception that compiled code or the runtime has raised and nothing has caught yet.
    pending: RefCell<Option<Raised>>,
    globals: RefCell<Vec<Obj>>,
    global_names: RefCell<Vec<Rc<Text>>>,
    /// Bytes and large integers. They are written as constant texts, which the program may have for themselves under the same number.
    bytes: RefCell<FxHashMap<u32, Rc<[u8]>>>,
    bigs: RefCell<FxHashMap<u32, Obj>>,
    world: RefCell<World>,
    /// The node whose code runs.
    node: RefCell<Rc<str>>,
    log: RefCell<Vec<(Rc<str>, String)>>,
    logged: Cell<usize>,
    /// The last line of the log has no end yet.
    unfinished: Cell<bool>,
    /// Functions with cells, and classes: what can hold itself. They are emptied when the call ends.
    closures: RefCell<Vec<Weak<Function>>>,
    classes: RefCell<Vec<Rc<Class>>>,
}

/// By their numbers.
type Constants = &'static [Cell<Option<&'static Constant>>];

thread_local! {
    static BASE: Cell<u32> = const { Cell::new(0) };
    static CONSTANTS: Cell<Constants> = const { Cell::new(&[]) };
    static BUILTIN_OBJECTS: &'static [Obj] = Vec::leak(BUILTINS.iter().map(|(builtin, _)| Obj::Builtin(*builtin)).collect());
    static STATE: State = State {
        pending: RefCell::default(),
        globals: RefCell::default(),
        global_names: RefCell::default(),
        bytes: RefCell::default(),
        bigs: RefCell::default(),
        world: RefCell::default(),
        node: RefCell::new(Rc::from("")),
        log: RefCell::default(),
        logged: Cell::default(),
        unfinished: Cell::default(),
        closures: RefCell::default(),
        classes: RefCell::default(),
    };
}

/// Microseconds since 1970 (UTC), as told to this tick.
pub fn now_us() -> i64 {
    STATE.with(|state| state.world.borrow().now_us)
}

/// The next number of the run's seeded source.
pub fn random_u64() -> u64 {
    STATE.with(|state| state.world.borrow_mut().next_random())
}

/// A line of `print`.
pub fn log(line: String) {
    STATE.with(|state| {
        let logged = state.logged.get() + line.len();
        if logged <= MAX_LOG {
            state.logged.set(logged);
            let node = state.node.borrow().clone();
            state.log.borrow_mut().push((node, line));
        }
    });
}

/// Printed text with its end. What does not end with a line break is gone on with by what is printed next.
pub fn print(mut text: String) {
    let ends = text.ends_with('\n');
    if ends {
        text.pop();
    }
    let goes_on = STATE.with(|state| state.unfinished.replace(!ends));
    if !goes_on {
        return log(text);
    }
    STATE.with(|state| {
        let logged = state.logged.get() + text.len();
        if logged <= MAX_LOG {
            state.logged.set(logged);
            if let Some((_, line)) = state.log.borrow_mut().last_mut() {
                line.push_str(&text);
            }
        }
    });
}

/// What code has printed and which node's it was; forgotten here.
pub fn take_log() -> Vec<(Rc<str>, String)> {
    STATE.with(|state| {
        state.unfinished.set(false);
        state.logged.set(0);
        state.log.take()
    })
}

/// Begins a call: nothing is left of the one before.
pub fn begin(node: Rc<str>, names: Vec<Rc<Text>>, world: World, base: u32) {
    super::stdlib::reset();
    BASE.set(base);
    STATE.with(|state| {
        state.pending.take();
        state.unfinished.set(false);
        *state.node.borrow_mut() = node;
        *state.globals.borrow_mut() = vec![Obj::Unbound; names.len()];
        *state.global_names.borrow_mut() = names;
        *state.world.borrow_mut() = world;
    });
}

/// Ends a call: its objects are let go, also those that hold each other through cells and classes. Gives the world as the call
/// leaves it.
pub fn end() -> World {
    STATE.with(|state| {
        state.pending.take();
        let globals = state.globals.take();
        let closures = state.closures.take();
        let classes = state.classes.take();
        for function in closures.iter().filter_map(Weak::upgrade) {
            for cell in &function.cells {
                if let Obj::Cell(cell) = cell {
                    cell.replace(Obj::Unbound);
                }
            }
        }
        for class in &classes {
            let attrs = class.attrs.take();
            drop(attrs);
        }
        drop(globals);
        state.world.take()
    })
}

/// Where the flow's functions begin in the function table.
#[inline]
pub fn base() -> u32 {
    BASE.get()
}

/// Notes an exception; whoever called the compiled code takes it.
#[cold]
pub fn set_pending(raised: Raised) {
    STATE.with(|state| *state.pending.borrow_mut() = Some(raised));
}

/// The exception on its way. There is one whenever compiled code says so; a `SystemError` otherwise.
#[cold]
pub fn take_pending() -> Raised {
    STATE
        .with(|state| state.pending.take())
        .unwrap_or_else(|| raise(Builtin::SystemError, "error return without exception set"))
}

pub fn global(number: u32) -> Py {
    STATE.with(|state| match state.globals.borrow().get(number as usize) {
        Some(Obj::Unbound) | None => Err(undefined(state, number)),
        Some(value) => Ok(value.clone()),
    })
}

/// The global, unless it is unset.
pub fn global_if_set(number: u32) -> Option<Obj> {
    STATE.with(|state| match state.globals.borrow().get(number as usize) {
        Some(Obj::Unbound) | None => None,
        Some(value) => Some(value.clone()),
    })
}

/// Sets a global; `Obj::Unbound` deletes it.
pub fn set_global(number: u32, value: Obj) {
    let old = STATE.with(|state| match state.globals.borrow_mut().get_mut(number as usize) {
        Some(place) => std::mem::replace(place, value),
        None => value,
    });
    drop(old);
}

pub fn delete_global(number: u32) -> Py<()> {
    global(number)?;
    set_global(number, Obj::Unbound);
    Ok(())
}

/// The global of that name, if it is set.
pub fn global_named(name: &str) -> Option<Obj> {
    STATE.with(|state| {
        let at = state.global_names.borrow().iter().position(|known| *known.text == *name)?;
        match state.globals.borrow().get(at) {
            None | Some(Obj::Unbound) => None,
            Some(value) => Some(value.clone()),
        }
    })
}

#[cold]
fn undefined(state: &State, number: u32) -> Raised {
    let name = state.global_names.borrow().get(number as usize).cloned();
    let name = name.as_deref().map_or("", |name| &name.text);
    raise(Builtin::NameError, format!("name '{name}' is not defined"))
}

/// Remembers a function that has cells, so that the end of the call can part it from what it holds.
pub fn remember_closure(function: &Rc<Function>) {
    STATE.with(|state| {
        let mut closures = state.closures.borrow_mut();
        if closures.len() == closures.capacity() {
            closures.retain(|known| known.strong_count() > 0);
        }
        closures.push(Rc::downgrade(function));
    });
}

pub fn remember_class(class: &Rc<Class>) {
    STATE.with(|state| state.classes.borrow_mut().push(class.clone()));
}

/// A constant, once it is made.
#[inline(always)]
fn known(index: u32) -> Option<&'static Constant> {
    CONSTANTS.get().get(index as usize)?.get()
}

/// A constant in the form that `make` gives it from the flow's; made once.
fn constant(index: u32, make: impl FnOnce(Value) -> Constant) -> &'static Constant {
    if let Some(known) = known(index) {
        return known;
    }
    let made: &'static Constant = Box::leak(Box::new(make(engine::with(|run| run.program.constant(index)))));
    keep(index, made);
    made
}

#[cold]
fn keep(index: u32, made: &'static Constant) {
    let at = index as usize;
    // A number beyond every table names no constant and is not worth a place.
    if at >= 1 << 24 {
        return;
    }
    let mut constants = CONSTANTS.get();
    if constants.len() <= at {
        let mut more = vec![Cell::new(None); (at + 1).next_power_of_two().max(64)];
        more.iter_mut().zip(constants).for_each(|(new, old)| new.set(old.get()));
        // Kept as long as what they refer to; each time it grows twice as large, so that all of them together are as large as the last.
        constants = Vec::leak(more);
        CONSTANTS.set(constants);
    }
    if let Some(place) = constants.get(at) {
        place.set(Some(made));
    }
}

/// Constants as tests give them, in place of a flow's.
#[cfg(test)]
pub fn put_constant(index: u32, made: Constant) {
    keep(index, Box::leak(Box::new(made)));
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A constant as a name.
#[inline(always)]
pub fn name(index: u32) -> &'static Name {
    &named(index).name
}

/// A constant text as an object.
#[inline(always)]
pub fn text(index: u32) -> &'static Obj {
    &named(index).text
}

/// A constant object that stands for a slot in compiled code: a text, or a builtin (`flowgate-compiler`, `python/emit/code.rs`).
#[inline(never)]
pub fn operand(word: u32) -> &'static Obj {
    match word & 2 {
        0 => text(word >> 2),
        _ => BUILTIN_OBJECTS.with(|known| known.get((word >> 2) as usize).unwrap_or(&Obj::None)),
    }
}

#[inline(always)]
fn named(index: u32) -> &'static Named {
    match known(index) {
        Some(Constant::Name(named)) => named,
        _ => first_named(index),
    }
}

#[cold]
fn first_named(index: u32) -> &'static Named {
    thread_local! {
        static EMPTY: &'static Named = Box::leak(Box::new(Named::of("")));
    }
    match constant(index, |value| Constant::Name(Named::of(text_of(&value)))) {
        Constant::Name(named) => named,
        _ => EMPTY.with(|named| *named),
    }
}

/// A constant list of names; none when absent.
#[inline]
pub fn names(index: u32) -> &'static [Rc<Text>] {
    if index == ABSENT {
        return &[];
    }
    let make = |value: Value| {
        let names = match &value {
            Value::List(names) => names.borrow().iter().map(|name| Rc::new(Text::new(text_of(name)))).collect(),
            _ => Vec::new(),
        };
        Constant::Names(names)
    };
    match constant(index, make) {
        Constant::Names(names) => names,
        _ => &[],
    }
}

/// A constant text of one character a byte, as bytes.
pub fn bytes(index: u32) -> Rc<[u8]> {
    literal(
        index,
        |state| &state.bytes,
        |text| text.chars().map(|c| c as u32 as u8).collect(),
    )
}

/// A constant integer in decimal.
pub fn big(index: u32) -> Obj {
    literal(
        index,
        |state| &state.bigs,
        |digits| digits.parse().map_or(Obj::None, Obj::big),
    )
}

fn literal<T: Clone>(index: u32, kept: fn(&State) -> &RefCell<FxHashMap<u32, T>>, make: fn(&str) -> T) -> T {
    STATE.with(|state| {
        let mut kept = kept(state).borrow_mut();
        let made = || make(text_of(&engine::with(|run| run.program.constant(index))));
        kept.entry(index).or_insert_with(made).clone()
    })
}

/// What the compiler says of a function.
pub fn code(index: u32) -> Option<&'static Code> {
    match constant(index, |value| Constant::Code(Code::read(&value))) {
        Constant::Code(code) => Some(code),
        _ => None,
    }
}

/// "No such argument" in a word of compiled code.
pub const ABSENT: u32 = u32::MAX;
