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
    match debug {
        // With a test, as `cargo test` builds it: alone, cargo would settle on other features and compile most dependencies again.
        true => cargo.args(["--bins", "--test", &own_test()]),
        false => cargo.args(["--bin", "flowgate"]),
    };
    // What cargo tells a test of its own package is not true of the packages that are built; some look at it and would be built again.
    for (name, _) in std::env::vars_os() {
        let told = name.to_string_lossy();
        if told.starts_with("CARGO_PKG_") || told.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
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

/// The test that asks; one of them for another caller.
fn own_test() -> String {
    let executable = std::env::current_exe().ok();
    let name = executable
        .as_ref()
        .and_then(|path| path.file_stem()?.to_str()?.rsplit_once('-'));
    let is_test = |name: &str| {
        let tests = crate::root().join("tests/tests");
        tests.join(format!("{name}.rs")).is_file() || tests.join(name).join("main.rs").is_file()
    };
    let name = name.map(|(name, _)| name).filter(|name| is_test(name));
    name.unwrap_or("cli").to_owned()
}
