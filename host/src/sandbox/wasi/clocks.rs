//! Both clocks of WASI show the time that the current tick was told; they stand still while it runs. Waiting for a later time would
//! never end, so a wait for nothing else traps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::FutureExt as _;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::io::poll;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::Wasi;

/// What a guest reads that waits instead of asking.
const WAITS: &str = "the flow waits for a clock or a stream: a flow waits by effects, such as wait_until, and its clock stands still within a tick";

/// The time of the current tick, in microseconds since the Unix epoch. Shared with the guest's deadlines.
#[derive(Clone, Default)]
pub(super) struct Now(Arc<AtomicU64>);

impl Now {
    /// Times before the epoch count as the epoch.
    pub fn set(&self, now_us: i64) {
        self.0.store(u64::try_from(now_us).unwrap_or(0), Ordering::Relaxed);
    }

    fn micros(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn nanos(&self) -> u64 {
        self.micros().saturating_mul(1000)
    }
}

/// A time of the monotonic clock in nanoseconds; ready once a tick was told that it has come.
struct Deadline {
    at: u64,
    now: Now,
}

#[async_trait]
impl Pollable for Deadline {
    async fn ready(&mut self) {
        if self.now.nanos() < self.at {
            std::future::pending::<()>().await;
        }
    }
}

impl Wasi {
    fn deadline(&mut self, at: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let now = self.now.clone();
        let deadline = self.table.push(Deadline { at, now })?;
        subscribe(&mut self.table, deadline)
    }
}

impl wall_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let micros = self.now.micros();
        Ok(wall_clock::Datetime {
            seconds: micros / 1_000_000,
            nanoseconds: (micros % 1_000_000) as u32 * 1000,
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime {
            seconds: 0,
            nanoseconds: 1000,
        })
    }
}

impl monotonic_clock::Host for Wasi {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(self.now.nanos())
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(1000)
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.deadline(when)
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.deadline(self.now.nanos().saturating_add(duration))
    }
}

/// As the toolkit's own, but what is not ready at once traps: nothing becomes ready while a tick runs.
impl poll::Host for Wasi {
    async fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        let ready = poll::Host::poll(&mut self.table, pollables).now_or_never();
        ready.unwrap_or_else(|| Err(wasmtime::format_err!("{WAITS}")))
    }
}

impl poll::HostPollable for Wasi {
    async fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        poll::HostPollable::ready(&mut self.table, pollable).await
    }

    async fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        let ready = poll::HostPollable::block(&mut self.table, pollable).now_or_never();
        ready.unwrap_or_else(|| Err(wasmtime::format_err!("{WAITS}")))
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        poll::HostPollable::drop(&mut self.table, pollable)
    }
}
