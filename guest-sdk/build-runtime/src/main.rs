//! Builds `flow-rt` to WebAssembly, wraps it as a component of the flow world, and writes the committed `flow-rt.wasm`.
//!
//! `cargo run -p build-runtime` rebuilds the file; `cargo run -p build-runtime -- --check` only says whether the committed file
//! was made from the sources as they are. Nothing is downloaded: an installed `wasm32-unknown-unknown` target is used if there
//! is one, else a Debian `rustc-web` with its library sources (`apt-get install rustc-web rust-web-src`).
#![allow(clippy::print_stdout)] // It is a tool for a terminal.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use build_runtime::{SECTION, committed_digest, output, source_digest};

fn main() -> Result<()> {
    let root = build_runtime::workspace_root();
    let digest = source_digest(&root)?;
    let file = output(&root);
    if std::env::args().any(|arg| arg == "--check") {
        let committed = committed_digest(&std::fs::read(&file).with_context(|| file.display().to_string())?)?;
        if committed != digest {
            bail!(
                "{} was made from other sources; rebuild it with `cargo run -p build-runtime`",
                file.display()
            );
        }
        println!("{} agrees with its sources", file.display());
        return Ok(());
    }
    let core = build(&root)?;
    let mut component = flowgate_toolchain::component(&core)?;
    let section = wasm_encoder::CustomSection {
        name: SECTION.into(),
        data: digest.as_bytes().into(),
    };
    wasm_encoder::ComponentSection::append_to_component(&section, &mut component);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&file, &component)?;
    println!("wrote {} ({} bytes)", file.display(), component.len());
    Ok(())
}

/// flow-rt's function table is exported and can grow, its stack is small. A choice among few of many values, which most looks at an object
/// are, is a comparison or two: as a jump through a table, which LLVM prefers here, it takes longer than what is chosen.
const FLAGS: [&str; 4] = [
    "-Clink-arg=--export-table",
    "-Clink-arg=--growable-table",
    "-Clink-arg=-zstack-size=524288",
    "-Cllvm-args=-jump-table-density=50",
];

/// Compiles the crate; gives the core module.
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
