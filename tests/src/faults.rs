//! Faults of the disk and the clock for a server, by the library in `tests/faults` that is preloaded into it; see there what a rule says.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Bytes of the control file that are the rule; a note follows.
const RULE: usize = 128;

/// The rule of one server, or of several.
#[derive(Debug)]
pub struct Faults {
    dir: TempDir,
    number: AtomicU64,
}

impl Faults {
    /// No fault yet.
    pub fn none() -> Self {
        let faults = Faults {
            dir: tempfile::tempdir().expect("a temporary directory"),
            number: AtomicU64::new(0),
        };
        faults.clear();
        faults
    }

    /// From now on: what happens to which operation at which place.
    pub fn set(&self, operation: &str, place: &str, fault: &str) {
        self.set_after(operation, place, fault, 0);
    }

    /// As [`set`](Self::set), but `skip` such operations pass first.
    pub fn set_after(&self, operation: &str, place: &str, fault: &str, skip: u64) {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        self.write(&format!("{number} {operation} {place} {fault} {skip} {number}"));
    }

    /// No fault any more.
    pub fn clear(&self) {
        self.write("");
    }

    fn write(&self, rule: &str) {
        use std::os::unix::fs::FileExt as _;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(self.control());
        let text = format!("{rule:RULE$}");
        assert_eq!(text.len(), RULE, "a rule that is too long: {rule}");
        file.and_then(|file| file.write_all_at(text.as_bytes(), 0))
            .expect("the control file is written");
    }

    /// How often the last rule was obeyed.
    pub fn hits(&self) -> u64 {
        let text = std::fs::read(self.control()).expect("the control file");
        let note = String::from_utf8_lossy(text.get(RULE..).unwrap_or_default()).into_owned();
        let words: Vec<u64> = note.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match words.as_slice() {
            [number, hits] if *number == self.number.load(Ordering::Relaxed) => *hits,
            _ => 0,
        }
    }

    /// Waits until the rule has been obeyed this often.
    pub async fn until_hit(&self, times: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.hits() < times {
            assert!(
                Instant::now() < deadline,
                "the fault does not happen: {} of {times}",
                self.hits()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.dir.path().join("faults")
    }

    /// The library, built once a process: by itself, for it has no dependencies.
    pub(crate) fn library(&self) -> &Path {
        static BUILT: OnceLock<PathBuf> = OnceLock::new();
        BUILT.get_or_init(|| {
            let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
            cargo
                .current_dir(crate::root())
                .args(["build", "--quiet", "-p", "flowgate-faults"]);
            cargo.arg("--message-format=json-render-diagnostics");
            let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
            assert!(output.status.success(), "the faults do not build");
            let messages = String::from_utf8_lossy(&output.stdout);
            let mut made = messages
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .filter(|message| message["target"]["name"] == "flowgate_faults");
            let path = made.find_map(|message| message["filenames"][0].as_str().map(PathBuf::from));
            path.expect("cargo names the library it built")
        })
    }
}
