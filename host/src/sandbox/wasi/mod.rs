//! What a guest of another toolchain gets for the WASI 0.2 that it imports: time and randomness as its tick is told them, an output
//! that goes to the run's log, and nothing else. No file is open, no directory is given, no socket can be made, there are no
//! arguments and no environment; waiting for a clock traps, because a flow waits by effects.
//!
//! Everything a guest can observe here is a function of `around`, so a replay of its ticks computes the same.

mod absent;
mod clocks;
mod output;
mod random;
#[cfg(test)]
mod tests;

use wasmtime::component::{Component, HasData, HasSelf, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::limits::Data;
use super::world::Line;

/// Streams, pollables and the like that a guest may hold at once.
const MAX_RESOURCES: usize = 1024;

/// The interfaces that are given, by name without version. The calls of all others trap.
const GIVEN: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// The WASI side of one instance.
pub(super) struct Wasi {
    /// Streams and no preopened directory; its own clocks and generators are linked to nobody.
    ctx: WasiCtx,
    table: ResourceTable,
    now: clocks::Now,
    random: random::Generator,
    outputs: [output::Output; 2],
}

impl Default for Wasi {
    /// At time zero with seed zero: what a guest sees before its first tick.
    fn default() -> Self {
        let outputs = [output::Output::new("stdout"), output::Output::new("stderr")];
        let [stdout, stderr] = outputs.clone();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        Wasi {
            ctx: WasiCtx::builder().stdout(stdout).stderr(stderr).build(),
            table,
            now: clocks::Now::default(),
            random: random::Generator::new(0),
            outputs,
        }
    }
}

impl Wasi {
    /// Sets time (microseconds since the Unix epoch) and seed for the tick that follows. What was printed before is dropped.
    pub fn tell(&mut self, now_us: i64, seed: u64) {
        self.now.set(now_us);
        self.random = random::Generator::new(seed);
        drop(self.printed());
    }

    /// What was printed since the last tick began, as lines of the log; given once.
    pub fn printed(&self) -> Vec<Line> {
        self.outputs.iter().flat_map(output::Output::take).collect()
    }
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let Wasi { ctx, table, .. } = self.wasi();
        WasiCtxView { ctx, table }
    }
}

/// The table of streams and pollables alone.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

/// Adds WASI to a linker, as far as it is given, and traps for the rest of what `component` imports of it.
pub(super) fn link(linker: &mut Linker<Data>, component: &Component) -> wasmtime::Result<()> {
    let l = linker;
    wasi::io::error::add_to_linker::<Data, Table>(l, |d| &mut d.wasi().table)?;
    wasi::io::streams::add_to_linker::<Data, Table>(l, |d| &mut d.wasi().table)?;
    wasi::io::poll::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::clocks::wall_clock::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::clocks::monotonic_clock::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::random::random::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::random::insecure::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::random::insecure_seed::add_to_linker::<Data, HasSelf<Wasi>>(l, Data::wasi)?;
    wasi::cli::environment::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::exit::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::stdin::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::stdout::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::stderr::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::terminal_input::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::terminal_output::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::terminal_stdin::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::terminal_stdout::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::cli::terminal_stderr::add_to_linker::<Data, WasiCli>(l, Data::cli)?;
    wasi::filesystem::preopens::add_to_linker::<Data, WasiFilesystem>(l, Data::filesystem)?;
    wasi::filesystem::types::add_to_linker::<Data, WasiFilesystem>(l, Data::filesystem)?;
    absent::link(l, component, GIVEN)
}
