//! What stops an instance, by name.

use std::sync::{Mutex, PoisonError};

use wasmtime::{FrameInfo, ResourceLimiter, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use super::Settings;
use super::wasi::Wasi;
use super::world::Line;

/// Functions that a trap's text names.
const FRAMES: usize = 3;

/// The sandbox has stopped a flow. The text names the limit and its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("fuel limit: one tick used more than {0} units (runner.tick_fuel)")]
    Fuel(u64),
    #[error("tick timeout: one tick took longer than {0:?} (runner.tick_timeout)")]
    Timeout(std::time::Duration),
    #[error("memory limit: the flow needs more than {bytes} bytes ({setting})")]
    Memory { bytes: usize, setting: &'static str },
    #[error("table limit: the flow needs a table of more than {0} elements (limits.max_table_elements)")]
    Table(usize),
    #[error("state limit: the flow's state has {bytes} bytes, more than {limit} (limits.max_state_bytes)")]
    State { bytes: usize, limit: usize },
    #[error("transfer limit: one call returned more than {bytes} bytes ({setting})")]
    Transfer { bytes: usize, setting: &'static str },
    #[error("stack limit: the flow's calls are nested too deep")]
    Stack,
    #[error("the flow's code exited with code {0}; a flow ends by what its tick returns")]
    Exit(i32),
    #[error("the flow's code trapped: {0}")]
    Trap(String),
    #[error("the host has no room for another live flow (runner.max_live): {0}")]
    NoRoom(String),
}

/// What wasmtime says when a call returns more than it may; it has no type for it.
const TOO_MUCH: &str = "fuel allocated for hostcalls";

/// What the host keeps for one instance.
pub(super) struct Data {
    pub limits: Limits,
    /// None for a guest without WASI, which never asks. Never locked: the mutex makes it shareable, as a driver has to be.
    wasi: Option<Box<Mutex<Wasi>>>,
}

impl Data {
    pub fn new(limits: Limits) -> Self {
        Data { limits, wasi: None }
    }

    /// The guest's WASI, made when it is first asked for.
    pub fn wasi(&mut self) -> &mut Wasi {
        let wasi = self.wasi.get_or_insert_default();
        wasi.get_mut().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last lines on standard error, shortened from the front.
fn last_words(printed: &[Line]) -> String {
    const LINES: usize = 4;
    const CHARS: usize = 500;
    let said: Vec<&str> = printed
        .iter()
        .filter(|l| l.node == "stderr")
        .map(|l| l.text.trim_end())
        .collect();
    let said = said[said.len().saturating_sub(LINES)..].join("\n");
    let from = said.char_indices().rev().nth(CHARS - 1).map_or(0, |(at, _)| at);
    said[from..].to_owned()
}

/// The limits of one store, and whether a growth has been refused.
pub(super) struct Limits {
    pub memory: usize,
    /// The setting that has the limit of memory.
    pub setting: &'static str,
    pub instances: usize,
    pub memories: usize,
    pub tables: usize,
    /// Elements of one table.
    pub elements: usize,
    /// A growth of memory has been refused.
    pub refused: bool,
    /// A growth of a table has been refused.
    pub table_refused: bool,
}

impl Limits {
    /// Of a guest that imports nothing but the runtime.
    pub fn plain(settings: &Settings) -> Self {
        Limits {
            memory: settings.max_memory_bytes,
            setting: "runner.max_memory_bytes",
            instances: settings.max_instances as usize,
            memories: 2,
            tables: settings.max_tables as usize,
            elements: settings.max_table_elements,
            refused: false,
            table_refused: false,
        }
    }

    /// Of a guest with WASI: its toolchain links a language's engine of many parts.
    pub fn wasi(settings: &Settings) -> Self {
        Limits {
            memory: settings.max_wasi_memory_bytes,
            setting: "runner.max_wasi_memory_bytes",
            instances: 256,
            memories: 4,
            tables: 32,
            elements: settings.max_table_elements,
            refused: false,
            table_refused: false,
        }
    }
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.memory;
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.elements;
        self.table_refused |= !fits;
        Ok(fits)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.memories
    }

    fn tables(&self) -> usize {
        self.tables
    }
}

impl Stop {
    /// `printed`: what the guest said of itself before it was stopped.
    pub(super) fn from_error(error: &wasmtime::Error, settings: &Settings, limits: &Limits, printed: &[Line]) -> Self {
        if let Some(I32Exit(code)) = error.downcast_ref() {
            return Stop::Exit(*code);
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Stop::Fuel(settings.tick_fuel),
            Some(Trap::Interrupt) => Stop::Timeout(settings.tick_timeout),
            Some(Trap::StackOverflow) => Stop::Stack,
            // Out of memory inside the guest shows as an abort after a refused growth.
            _ if limits.refused => Stop::Memory {
                bytes: limits.memory,
                setting: limits.setting,
            },
            _ if limits.table_refused => Stop::Table(limits.elements),
            Some(trap) => {
                let at = place(error);
                match last_words(printed) {
                    said if said.is_empty() => Stop::Trap(format!("{trap}{at}")),
                    said => Stop::Trap(format!("{trap}{at}; it said: {said}")),
                }
            }
            None if error.root_cause().to_string().contains(TOO_MUCH) => Stop::Transfer {
                bytes: limits.memory,
                setting: limits.setting,
            },
            // A call of the host has refused; where in the guest it was made helps nobody.
            None if error.is::<WasmBacktrace>() => Stop::Trap(error.root_cause().to_string()),
            None => Stop::Trap(format!("{error:#}")),
        }
    }
}

/// Where in a component's code an error came up, as far as the component names its functions.
fn place(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    let names: Vec<&str> = frames.iter().filter_map(FrameInfo::func_name).take(FRAMES).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(", in {}", names.join(" called by ")),
    }
}
