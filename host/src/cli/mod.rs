//! The command line: one file a command, each thin; the work is the library's.
//!
//! Exit codes: 0 done, 1 a run or a flow failed or something went wrong, 2 wrong usage or settings. Results go to standard output
//! ([`out`]), everything else (log, questions, hints) to standard error. An error is one sentence that names what and where.

mod backup;
mod cases;
mod compile;
mod config;
mod demo;
#[cfg(test)]
mod docs;
mod error;
mod flags;
mod follow;
mod gateway;
mod guest;
mod kept;
mod migrate;
mod new;
mod nodes;
mod out;
mod pack;
mod question;
mod replay;
mod run;
mod runner;
mod serve;
mod show;
mod terminal;
#[cfg(test)]
mod tests;
mod upgrade;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use error::Error;

use crate::telemetry;

/// A durable run gateway: VisualFlow graphs compiled to sandboxed WebAssembly.
#[derive(Debug, Parser)]
#[command(name = "flowgate", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the gateway's HTTP interface and drive runs
    Serve(serve::Args),
    /// Drive runs without HTTP, beside `serve --no-runner` on the same data directory
    Runner(runner::Args),
    /// Compile a flow to a WebAssembly component
    Compile(compile::Args),
    /// Start a crate with a flow in Rust
    New(new::Args),
    /// Make a .flow bundle of a directory, of a flow and its subflows, or of a crate with a flow in Rust
    Pack(pack::Args),
    /// Run a flow in this process and print its ledger
    Run(run::Args),
    /// Serve an example on this machine, run it and show its ledger live
    Demo(demo::Args),
    /// Copy a data directory while it is in use
    Backup(backup::Args),
    /// Repeat runs from their history and compare every request and ledger row with what is stored
    Replay(kept::Args),
    /// Let runs that have not ended go on with another version of their workflow
    Upgrade(upgrade::Args),
    /// Check the hash chains of ledgers
    Verify(kept::Args),
    /// Run conformance cases through the real path; one JSON line a case
    Cases(cases::Args),
    /// Bring the runs of an AbstractGateway in
    Migrate(migrate::Args),
    /// List the node types that flows may use
    Nodes(nodes::Args),
    /// Show the settings in use and where each came from
    Config(config::Args),
}

/// Parses the command line, does what it says, and reports how that ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let printed = error.print();
            return ExitCode::from(if printed.is_ok() { code } else { 1 });
        }
    };
    match dispatch(cli.command) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}

fn dispatch(command: Command) -> Result<ExitCode, Error> {
    match command {
        Command::Serve(args) => block_on(serve::run(args)),
        Command::Runner(args) => block_on(runner::run(args)),
        Command::Run(args) => block_on(run::run(args)),
        Command::Demo(args) => block_on(demo::run(args)),
        Command::Migrate(args) => block_on(migrate::run(args)),
        Command::Cases(args) => block_on(cases::run(args)),
        Command::Replay(args) => block_on(replay::run(args)),
        Command::Upgrade(args) => block_on(upgrade::run(args)),
        Command::Verify(args) => block_on(verify::run(args)),
        Command::Backup(args) => block_on(backup::run(args)),
        Command::Compile(args) => compile::run(args),
        Command::New(args) => new::run(args),
        Command::Pack(args) => block_on(pack::run(args)),
        Command::Nodes(args) => nodes::run(args),
        Command::Config(args) => config::run(args),
    }
}

/// Runs a command that does I/O. What is left running at its end (a thread that reads the terminal) is not waited for.
fn block_on(work: impl Future<Output = Result<ExitCode, Error>>) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|e| Error::failed(format!("the runtime cannot be started: {e}")))?;
    let ended = runtime.block_on(async {
        let ended = work.await;
        telemetry::close().await;
        ended
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    ended
}
