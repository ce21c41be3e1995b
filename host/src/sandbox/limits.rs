//! What stops an instance, by name.

use wasmtime::{ResourceLimiter, Trap};

use super::Settings;

/// The sandbox has stopped a flow. The text names the limit and its setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("fuel limit: one tick used more than {0} units (runner.tick_fuel)")]
    Fuel(u64),
    #[error("tick timeout: one tick took longer than {0:?} (runner.tick_timeout)")]
    Timeout(std::time::Duration),
    #[error("memory limit: the flow needs more than {0} bytes (runner.max_memory_bytes)")]
    Memory(usize),
    #[error("stack limit: the flow's calls are nested too deep")]
    Stack,
    #[error("the flow's code trapped: {0}")]
    Trap(String),
    #[error("the host has no room for another live flow (runner.max_live): {0}")]
    NoRoom(String),
}

/// The limits of one store, and whether a growth has been refused.
pub(super) struct Limits {
    pub memory: usize,
    pub refused: bool,
}

impl ResourceLimiter for Limits {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let fits = desired <= self.memory;
        self.refused |= !fits;
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= 100_000)
    }

    fn instances(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        2
    }

    fn tables(&self) -> usize {
        4
    }
}

impl Stop {
    pub(super) fn from_error(error: &wasmtime::Error, settings: &Settings, limits: &Limits) -> Self {
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => Stop::Fuel(settings.tick_fuel),
            Some(Trap::Interrupt) => Stop::Timeout(settings.tick_timeout),
            Some(Trap::StackOverflow) => Stop::Stack,
            // Out of memory inside the guest shows as an abort after a refused growth.
            _ if limits.refused => Stop::Memory(settings.max_memory_bytes),
            Some(trap) => Stop::Trap(trap.to_string()),
            None => Stop::Trap(format!("{error:#}")),
        }
    }
}
