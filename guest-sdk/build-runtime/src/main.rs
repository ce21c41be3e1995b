//! Builds the components that are committed: `flow-rt`, and with `--guests` the guests among the examples.
//!
//! `cargo run -p build-runtime` rebuilds `flow-rt.wasm`; `-- --guests` rebuilds `examples/guests/*/*.wasm`; `-- --check` only says whether the
//! committed files were made from the sources as they are. Nothing is downloaded: an installed `wasm32-unknown-unknown` target is used if
//! there is one, else a Debian `rustc-web` with its library sources (`apt-get install rustc-web rust-web-src`).
#![allow(clippy::print_stdout)] // It is a tool for a terminal.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use build_runtime::Built;

/// flow-rt's function table is exported and can grow, its stack is small. A choice among few of many values, which most looks at an object
/// are, is a comparison or two: as a jump through a table, which LLVM prefers here, it takes longer than what is chosen.
const FLAGS: [&str; 4] = [
    "-Clink-arg=--export-table",
    "-Clink-arg=--growable-table",
    "-Clink-arg=-zstack-size=524288",
    "-Cllvm-args=-jump-table-density=50",
];

fn main() -> Result<()> {
    let root = build_runtime::workspace_root();
    let has = |flag: &str| std::env::args().any(|arg| arg == flag);
    if has("--check") {
        check(&root, &build_runtime::runtime(), "")?;
        for (_, built) in build_runtime::guests(&root)? {
            check(&root, &built, " -- --guests")?;
        }
        return Ok(());
    }
    if has("--guests") {
        for (folder, built) in build_runtime::guests(&root)? {
            write(&root, &built, flowgate_toolchain::build(&folder)?.component)?;
        }
        return Ok(());
    }
    let component = flowgate_toolchain::component(&build(&root)?)?;
    write(&root, &build_runtime::runtime(), component)
}

fn check(root: &Path, built: &Built, arguments: &str) -> Result<()> {
    let file = built.file.display();
    if built.committed_digest(root)? != built.source_digest(root)? {
        bail!("{file} was made from other sources; rebuild it with `cargo run -p build-runtime{arguments}`");
    }
    println!("{file} agrees with its sources");
    Ok(())
}

fn write(root: &Path, built: &Built, component: Vec<u8>) -> Result<()> {
    let bytes = built.write(root, component)?;
    println!("wrote {} ({bytes} bytes)", built.file.display());
    Ok(())
}

/// Compiles flow-rt; gives the core module.
fn build(root: &Path) -> Result<Vec<u8>> {
    let target = root.join("target").join("flow-rt");
    let mut cargo = flowgate_toolchain::cargo(&FLAGS)?;
    cargo
        .current_dir(root)
        .args([
            "rustc",
            "-p",
            "flow-rt",
            "--lib",
            "--crate-type",
            "cdylib",
            "--profile",
            "wasm",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .env("CARGO_TARGET_DIR", &target);
    let status = cargo.status().context("cargo does not start")?;
    if !status.success() {
        bail!("building flow-rt for wasm32-unknown-unknown failed");
    }
    let file: PathBuf = target.join("wasm32-unknown-unknown/wasm/flow_rt.wasm");
    std::fs::read(&file).with_context(|| file.display().to_string())
}
