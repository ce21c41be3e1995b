//! Finds a Rust toolchain that can build for wasm32-unknown-unknown.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Flags for the compiler, which may have spaces in them.
const RUSTFLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
const SEPARATOR: &str = "\x1f";

/// A `cargo` command that builds for wasm32-unknown-unknown; the caller adds its arguments. `flags`: for the compiler.
///
/// Places in sources, which panics show, have no folder of this machine in them: sources of packages from registries begin with the
/// package's name, those of the standard library with `/rustc`.
///
/// Nothing is downloaded for it: an installed target is used if there is one, else a Debian `rustc-web` with its library sources.
///
/// # Errors
/// There is neither; the error says how to get one.
pub fn cargo(flags: &[&str]) -> Result<Command> {
    let mut flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    flags.extend(registries().iter().map(|folder| renamed(folder, "")));
    let mut cargo = Command::new("cargo");
    let installed = PathBuf::from(printed(
        "rustc",
        &["--print", "target-libdir", "--target", "wasm32-unknown-unknown"],
    )?);
    if installed.is_dir() {
        cargo.env(RUSTFLAGS, flags.join(SEPARATOR));
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
    flags.extend(library.parent().map(|sources| renamed(sources, "/rustc")));
    flags.push("-Clinker-flavor=wasm-ld".to_owned());
    flags.push(format!("-Clinker={}", linker()?.display()));
    cargo
        .env("RUSTC", debian)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("__CARGO_TESTS_ONLY_SRC_ROOT", library)
        .env(RUSTFLAGS, flags.join(SEPARATOR))
        .args(["-Zbuild-std=std,panic_abort"]);
    Ok(cargo)
}

/// The compiler's flag that shows the files of `folder` as files of `name`.
pub fn renamed(folder: &Path, name: &str) -> String {
    format!("--remap-path-prefix={}={name}", folder.display())
}

/// The folders in which cargo unpacks packages, one for each registry.
fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let entries = home.and_then(|home| std::fs::read_dir(home.join("registry/src")).ok());
    let mut folders: Vec<PathBuf> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    folders.sort();
    folders
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
