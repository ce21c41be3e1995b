//! What figures depend on: the disk's own time for a synced write, a process's use of processor and memory, the machine. Linux only.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::load::Spread;

/// What the disk itself takes: 300 appends of 4 KiB to a file in `dir`, each synced as a commit is.
pub fn fsync(dir: &Path) -> Spread {
    let path = dir.join("bench-fsync");
    let mut file = File::create(&path).expect("a file in the data directory");
    let block = [7_u8; 4096];
    let mut write = || {
        let began = Instant::now();
        file.write_all(&block)
            .and_then(|()| file.sync_data())
            .expect("the disk takes it");
        began.elapsed()
    };
    write();
    let mut spread = Spread::default();
    (0..300).for_each(|_| spread.add(write()));
    std::fs::remove_file(&path).expect("the file goes");
    spread
}

/// Processor time that a process has used.
pub fn busy(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs, on Linux");
    // The name may hold spaces; after it come the state and ten numbers, then user and system time in hundredths of a second.
    let (_, rest) = stat.rsplit_once(')').expect("a stat line");
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// Memory that a process has in use, in bytes.
pub fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs, on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.expect("VmRSS in kB") * 1024
}

/// Bytes that the files of a directory take, those of its folders included.
pub fn stored(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => stored(&entry.path()),
            Ok(data) => data.len(),
            Err(_) => 0,
        })
        .sum()
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn profile() -> &'static str {
    if cfg!(debug_assertions) {
        "a debug build (the figures mean nothing)"
    } else {
        "a release build"
    }
}

/// Type of the file system on which a directory lies.
pub fn file_system(dir: &Path) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let mount = mounts.filter(|(at, _)| dir.starts_with(at)).max_by_key(|(at, _)| at.len());
    mount.map_or_else(|| "an unknown file system".to_owned(), |(_, kind)| kind.to_owned())
}
