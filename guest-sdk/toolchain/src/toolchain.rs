//! Finds a Rust toolchain that can build for wasm32-unknown-unknown.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// A `cargo` command that builds for wasm32-unknown-unknown; the caller adds its arguments. `flags`: for the compiler.
///
/// Nothing is downloaded for it: an installed target is used if there is one, else a Debian `rustc-web` with its library sources.
///
/// # Errors
/// There is neither; the error says how to get one.
pub fn cargo(flags: &[&str]) -> Result<Command> {
    let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let mut cargo = Command::new("cargo");
    let installed = PathBuf::from(printed(
        "rustc",
        &["--print", "target-libdir", "--target", "wasm32-unknown-unknown"],
    )?);
    if installed.is_dir() {
        cargo.env("RUSTFLAGS", flags.join(" "));
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
    flags.push("-Clinker-flavor=wasm-ld".to_owned());
    flags.push(format!("-Clinker={}", linker()?.display()));
    cargo
        .env("RUSTC", debian)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env("RUSTFLAGS", flags.join(" "))
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
