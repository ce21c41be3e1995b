//! Where the `flowgate` binary is.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The binary under test: `FLOWGATE_BIN` when set, else built by cargo, once a process, in the profile of the caller.
pub fn flowgate() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT
        .get_or_init(|| match std::env::var_os("FLOWGATE_BIN") {
            Some(path) => std::path::absolute(path).expect("FLOWGATE_BIN is a path"),
            None => build(cfg!(debug_assertions)),
        })
        .clone()
}

fn build(debug: bool) -> PathBuf {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(crate::root()).args(["build", "--quiet", "--workspace"]);
    // With the tests, as `cargo test` has built them: alone, cargo would settle on other features and compile most dependencies again.
    cargo.args(if debug { ["--bins", "--tests"] } else { ["--bin", "flowgate"] });
    cargo.arg("--message-format=json-render-diagnostics");
    if !debug {
        cargo.arg("--release");
    }
    let output = cargo.stderr(Stdio::inherit()).output().expect("cargo runs");
    assert!(output.status.success(), "the flowgate binary does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut artifacts = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let path = artifacts.find_map(|message| {
        // The library's own tests are an executable of the same name.
        let is_binary = message["reason"] == "compiler-artifact"
            && message["target"]["name"] == "flowgate"
            && message["target"]["kind"][0] == "bin"
            && message["profile"]["test"] == false;
        message["executable"].as_str().filter(|_| is_binary).map(PathBuf::from)
    });
    path.expect("cargo names the binary it built")
}
