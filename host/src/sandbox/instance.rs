//! One live flow: a store, an instance in it, and its limits.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Store, Trap, UpdateDeadline};

use super::engine::{Room, Ticking};
use super::limits::{Data, Limits, Stop};
use super::turns::{Pace, SLICE};
use super::world::{Around, Description, Event, Flow, Line, Progress};
use super::{Program, Settings};
use crate::telemetry::metrics::{Counted, metrics};

/// A live flow. Dropping it frees its memory at once; what it computed and did not hand out is gone.
pub struct Instance {
    store: Store<Data>,
    flow: Flow,
    settings: Settings,
    /// Whether the guest has WASI, which is to be told of each tick and may have printed.
    wasi: bool,
    pace: Pace,
    /// What the last tick's code printed.
    log: Vec<Line>,
    _slot: Counted,
    /// Keeps the epoch moving while this instance lives; instances live only as long as they have work.
    _ticking: Ticking,
    /// The right to be live, of a guest with WASI.
    _permit: Option<OwnedSemaphorePermit>,
}

/// `permit`: of a guest with WASI.
pub(super) async fn instantiate(
    room: &Room,
    settings: &Settings,
    program: &Program,
    permit: Option<OwnedSemaphorePermit>,
    mut pace: Pace,
) -> Result<Instance, Stop> {
    let ticking = room.pulse.ticking();
    let limits = match program.wasi {
        true => Limits::wasi(settings),
        false => Limits::plain(settings),
    };
    let mut store = Store::new(&room.engine, Data::new(limits));
    // Strings of a list may overlap: without a limit, what a guest returns could be many times its memory.
    store.set_hostcall_fuel(store.data().limits.memory);
    store.limiter(|data| &mut data.limits);
    let (watch, timeout) = (Arc::clone(&pace.watch), settings.tick_timeout);
    store.epoch_deadline_callback(move |_| match watch.computed() > timeout {
        true => Err(Trap::Interrupt.into()),
        false => Ok(UpdateDeadline::Continue(1)),
    });
    refuel(&mut store, settings)?;
    store
        .fuel_async_yield_interval(Some(SLICE))
        .map_err(|e| Stop::Trap(e.to_string()))?;
    let made = pace.call(program.exports.instantiate_async(&mut store)).await;
    let flow = match made {
        Ok(flow) => flow,
        Err(error) if error.is::<wasmtime::PoolConcurrencyLimitError>() => return Err(Stop::NoRoom(error.to_string())),
        Err(error) => {
            let printed = printed(&mut store, program.wasi);
            return Err(Stop::from_error(&error, settings, &store.data().limits, &printed));
        }
    };
    let pool = &metrics().pool_used;
    Ok(Instance {
        store,
        flow,
        settings: settings.clone(),
        wasi: program.wasi,
        pace,
        log: Vec::new(),
        _slot: Counted::new(pool),
        _ticking: ticking,
        _permit: permit,
    })
}

/// What a guest has written to its standard output and error.
fn printed(store: &mut Store<Data>, wasi: bool) -> Vec<Line> {
    match wasi {
        true => store.data_mut().wasi().printed(),
        false => Vec::new(),
    }
}

/// Gives the store what one tick may use.
fn refuel(store: &mut Store<Data>, settings: &Settings) -> Result<(), Stop> {
    // At each pulse the callback of the store looks at the time.
    store.set_epoch_deadline(1);
    store.set_fuel(settings.tick_fuel).map_err(|e| Stop::Trap(e.to_string()))
}

impl Instance {
    /// Names what has stopped the guest; what it had printed is in the log.
    fn stopped(&mut self, error: &wasmtime::Error) -> Stop {
        self.log = printed(&mut self.store, self.wasi);
        Stop::from_error(error, &self.settings, &self.store.data().limits, &self.log)
    }

    pub async fn describe(&mut self) -> Result<Description, Stop> {
        refuel(&mut self.store, &self.settings)?;
        let call = self.flow.flowgate_flow_workflow().call_describe(&mut self.store);
        let called = self.pace.call(call).await;
        called.map_err(|e| self.stopped(&e))
    }

    /// One tick, and the fuel it used. After an error the instance must not be used again.
    pub async fn tick(&mut self, around: &Around, event: &Event, max_steps: u32) -> Result<(Progress, u64), Stop> {
        refuel(&mut self.store, &self.settings)?;
        if self.wasi {
            self.store.data_mut().wasi().tell(around.now_us, around.seed);
        }
        let before = self.pace.used;
        let flow = self.flow.flowgate_flow_workflow();
        let call = flow.call_tick(&mut self.store, around, event, max_steps);
        let called = self.pace.call(call).await;
        let ticked = called.map_err(|e| self.stopped(&e))?;
        self.log = ticked.log;
        self.log.extend(printed(&mut self.store, self.wasi));
        let left = self.store.get_fuel().unwrap_or(0);
        let fuel = self.settings.tick_fuel.saturating_sub(left);
        self.pace.used = before.saturating_add(fuel);
        Ok((ticked.progress, fuel))
    }

    /// What the last tick's code printed, also when it was stopped; given once.
    pub fn take_log(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.log)
    }

    /// The run's state. None: the guest is to be replayed instead.
    pub async fn snapshot(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        refuel(&mut self.store, &self.settings)?;
        let call = self.flow.flowgate_flow_workflow().call_snapshot(&mut self.store);
        let called = self.pace.call(call).await;
        let state = called.map_err(|e| self.stopped(&e))?;
        let limit = self.settings.max_state_bytes;
        match &state {
            Some(state) if state.len() > limit => Err(Stop::State {
                bytes: state.len(),
                limit,
            }),
            _ => Ok(state),
        }
    }

    /// Takes a state over. The inner error is the flow's own: the state does not fit it.
    pub async fn restore(&mut self, snapshot: &[u8]) -> Result<Result<(), String>, Stop> {
        refuel(&mut self.store, &self.settings)?;
        let call = self.flow.flowgate_flow_workflow().call_restore(&mut self.store, snapshot);
        let called = self.pace.call(call).await;
        called.map_err(|e| self.stopped(&e))
    }
}
