//! Finds a Rust toolchain that can build for wasm32-unknown-unknown.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Flags that flow-rt is built with: its function table is exported and can grow, its stack is small. A choice among few of many values,
/// which most looks at an object are, is a comparison or two: as a jump through a table, which LLVM prefers here, it takes longer than
/// what is chosen.
const FLAGS: &str = "-Clink-arg=--export-table -Clink-arg=--growable-table -Clink-arg=-zstack-size=524288 \
                     -Cllvm-args=-jump-table-density=50";

/// A `cargo` command, set up; the caller adds its arguments.
pub fn cargo() -> Result<Command> {
    let mut cargo = Command::new("cargo");
    let installed = PathBuf::from(printed(
        "rustc",
        &["--print", "target-libdir", "--target", "wasm32-unknown-unknown"],
    )?);
    if installed.is_dir() {
        cargo.env("RUSTFLAGS", FLAGS);
        return Ok(cargo);
    }
    let debian = Path::new("/usr/bin/rustc");
    let version = printed("/usr/bin/rustc", &["--version"]).unwrap_or_default();
    let library = version
        .split_whitespace()
        .nth(1)
        .map(|v| PathBuf::from(format!("/usr/src/rustc-{v}/library")));
    let Some(library) = library.filter(|l| debian.is_file() && l.is_dir()) else {
        bail!(
            "no wasm32-unknown-unknown target: run `rustup target add wasm32-unknown-unknown`, or install a compiler with its library \
             sources (Debian: `apt-get install --no-install-recommends rustc-web rust-web-src`)"
        );
    };
    let linker = linker()?;
    cargo
        .env("RUSTC", debian)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env(
            "RUSTFLAGS",
            format!("{FLAGS} -Clinker-flavor=wasm-ld -Clinker={}", linker.display()),
        )
        .args(["-Zbuild-std=std,panic_abort"]);
    Ok(cargo)
}

/// The `rust-lld` of the rustup toolchain, for a compiler that comes without one.
fn linker() -> Result<PathBuf> {
    let sysroot = printed("rustc", &["--print", "sysroot"])?;
    let host = printed("rustc", &["-vV"])?;
    let host = host
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .context("rustc -vV names no host")?
        .to_owned();
    let lld = PathBuf::from(sysroot).join("lib/rustlib").join(host).join("bin/rust-lld");
    if !lld.is_file() {
        bail!("no rust-lld at {}", lld.display());
    }
    Ok(lld)
}

fn printed(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .output()
        .with_context(|| format!("{program} does not start"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
