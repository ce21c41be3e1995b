//! Runs this program under valgrind and reads what it has counted.

use std::path::Path;
use std::process::{Command, Stdio};

use super::meter::Count;

/// Arguments with which this program starts itself.
pub const WORK: &str = "--work";
pub const COUNTED: &str = "counted";
const ONCE: &str = "once";

/// Counts everything. The profiles stay in `dir` for `callgrind_annotate`.
pub fn count(dir: &Path) -> Result<Vec<Count>, String> {
    let exe = std::env::current_exe().map_err(|e| format!("this program does not know where it is: {e}"))?;
    let profiles = dir.join("profiles");
    // Those of the last time have the same names.
    let _none = std::fs::remove_dir_all(&profiles);
    std::fs::create_dir_all(&profiles).map_err(|e| format!("{}: {e}", profiles.display()))?;
    said(Command::new(&exe).args([WORK, ONCE]))?;
    // On one processor the threads of SQLite's connections take over from each other in the same order each time.
    let mut valgrind = Command::new("taskset");
    valgrind
        .args(["--cpu-list", &processor()?, "valgrind"])
        .args([
            "--quiet",
            "--tool=callgrind",
            "--fair-sched=yes",
            "--dump-before=*counts_mark*",
        ])
        .arg(format!("--callgrind-out-file={}", profiles.join("profile").display()))
        .arg(&exe)
        .args([WORK, COUNTED])
        // Symbols are looked up before anything is counted; one arena of memory, whichever thread asks first.
        .envs([("LD_BIND_NOW", "1"), ("MALLOC_ARENA_MAX", "1")]);
    let done = said(&mut valgrind)?;
    let counts = done.lines().enumerate().map(|(at, line)| {
        let (times, name) = line.split_once('\t').ok_or_else(|| format!("'{line}' is not a count"))?;
        let times: u64 = times.parse().map_err(|e| format!("'{line}': {e}"))?;
        // Profiles are numbered from 1, and every other one is of what came before a count.
        let profile = profiles.join(format!("profile.{}", 2 * at + 2));
        Ok(Count {
            name: name.to_owned(),
            instructions: total(&profile)? / times,
        })
    });
    counts.collect()
}

/// The first processor that this process may use.
fn processor() -> Result<String, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|e| format!("/proc/self/status: {e}"))?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = list.and_then(|list| list.trim().split([',', '-']).next());
    first
        .map(str::to_owned)
        .ok_or_else(|| "the system does not say which processors there are".to_owned())
}

/// What a command says on its standard output.
fn said(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|e| format!("{program} cannot be started: {e}"))?;
    match (output.status.success(), output.status.code()) {
        (true, _) => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        (false, Some(127)) => Err("valgrind cannot be started; Debian has it as the package valgrind".to_owned()),
        (false, _) => Err(format!("{program} ended with {}", output.status)),
    }
}

/// The instructions of a profile, of all threads.
fn total(profile: &Path) -> Result<u64, String> {
    let text = std::fs::read_to_string(profile).map_err(|e| format!("{}: {e}", profile.display()))?;
    let mut totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    let last = totals.next_back().and_then(|total| total.trim().parse().ok());
    last.ok_or_else(|| format!("{}: no totals", profile.display()))
}
