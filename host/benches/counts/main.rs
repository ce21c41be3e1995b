//! Instructions of the paths that every run takes, counted by valgrind. Unlike times they are the same in every hour and on every machine of the
//! same kind, so a change of a few percent is a change of the code.
//!
//! `.ci/counts` compares them with `host/benches/counts.toml` and fails when one has grown; `.ci/counts --update` writes the file. This
//! program is what it runs: it starts itself twice, first as it is, so that the native code of its flows is in the cache, then under valgrind.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // A benchmark that cannot go on says so and ends.

mod callgrind;
#[path = "../common/flows.rs"]
mod flows;
#[path = "../common/journal.rs"]
mod journal;
mod kept;
mod meter;
#[path = "../common/sandbox.rs"]
mod sandbox;
mod work;

use std::path::Path;
use std::process::ExitCode;

/// Where native code and the profiles of the last count are kept.
const DIR: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/counts");

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        [callgrind::WORK, mode] => {
            work::work(Path::new(DIR), mode == callgrind::COUNTED);
            Ok(())
        }
        [] => compare(),
        ["--update"] => count().and_then(|counts| kept::write(&counts)),
        _ => Err("the only argument there is: --update".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn compare() -> Result<(), String> {
    let before = kept::read()?;
    kept::compare(&before, &count()?)
}

fn count() -> Result<Vec<meter::Count>, String> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        return Err("counts are those of Linux on x86-64 with the GNU C library; this is another machine".to_owned());
    }
    callgrind::count(Path::new(DIR))
}
