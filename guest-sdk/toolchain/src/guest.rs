//! From the folder of a guest crate to its component.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::toolchain::renamed;

/// A built guest.
#[derive(Debug)]
pub struct Guest {
    pub component: Vec<u8>,
    /// Of the crate, as its manifest has it.
    pub version: String,
}

/// The profile that guests are built with, whatever their manifest says: small, and the same on every machine.
const PROFILE: [&str; 7] = [
    "inherits=\"release\"",
    "opt-level=\"z\"",
    "lto=\"fat\"",
    "codegen-units=1",
    "panic=\"abort\"",
    "strip=true",
    "debug=false",
];

/// The stack pointer is exported so that a panic can put it back, the stack is small and lies first: an overflow traps.
const FLAGS: [&str; 3] = [
    "-Clink-arg=--export=__stack_pointer",
    "-Clink-arg=-zstack-size=131072",
    "-Clink-arg=--stack-first",
];

/// Builds the crate in `folder`. Cargo's own messages go to standard error.
///
/// # Errors
/// There is no compiler for WebAssembly, the crate does not build, or what it builds is no component of the flow world.
pub fn build(folder: &Path) -> Result<Guest> {
    let manifest = folder.join("Cargo.toml");
    let package = package(&manifest)?;
    let elsewhere = package.elsewhere.iter().map(|(folder, name)| renamed(folder, name));
    let flags: Vec<String> = FLAGS.map(str::to_owned).into_iter().chain(elsewhere).collect();
    let mut cargo = crate::cargo(&flags.iter().map(String::as_str).collect::<Vec<_>>())?;
    cargo
        .args([
            "rustc",
            "--lib",
            "--crate-type",
            "cdylib",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args([
            "--profile",
            "guest",
            "--message-format",
            "json-render-diagnostics",
            "--manifest-path",
        ])
        .arg(&manifest)
        // Beside the builds for this machine, whose flags are others.
        .env("CARGO_TARGET_DIR", package.target.join("guest"))
        .stderr(Stdio::inherit());
    for setting in PROFILE {
        cargo.args(["--config", &format!("profile.guest.{setting}")]);
    }
    let output = cargo.output().context("cargo does not start")?;
    if !output.status.success() {
        bail!("{} does not build for wasm32-unknown-unknown", package.name);
    }
    let file = built(&output.stdout, &manifest)?;
    let core = std::fs::read(&file).with_context(|| file.display().to_string())?;
    let core = crate::unwinding(&core).context("the guest's panics cannot be given a way out")?;
    let component = crate::component(&core);
    let component = component.with_context(|| {
        format!(
            "{} is no flow: has it a function with `#[flowgate_guest::flow]`?",
            package.name
        )
    })?;
    Ok(Guest {
        component,
        version: package.version,
    })
}

struct Package {
    name: String,
    version: String,
    target: PathBuf,
    /// Packages that lie in folders outside of the workspace, with their names.
    elsewhere: Vec<(PathBuf, String)>,
}

/// What cargo says of the package.
fn package(manifest: &Path) -> Result<Package> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Found>,
        target_directory: PathBuf,
        workspace_root: PathBuf,
    }
    #[derive(Deserialize)]
    struct Found {
        name: String,
        version: String,
        manifest_path: PathBuf,
        /// The registry or repository that it is from.
        source: Option<String>,
    }
    let path = manifest.canonicalize().with_context(|| manifest.display().to_string())?;
    let output = std::process::Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(&path)
        .stderr(Stdio::inherit())
        .output()
        .context("cargo does not start")?;
    if !output.status.success() {
        bail!("cargo cannot read {}", path.display());
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let local = metadata.packages.iter().filter(|package| package.source.is_none());
    let outside = local.filter(|package| !package.manifest_path.starts_with(&metadata.workspace_root));
    let elsewhere = outside.filter_map(|package| Some((package.manifest_path.parent()?.to_owned(), package.name.clone())));
    let elsewhere = elsewhere.collect();
    let found = metadata.packages.into_iter().find(|package| package.manifest_path == path);
    let found = found.with_context(|| format!("{} is no package", path.display()))?;
    Ok(Package {
        name: found.name,
        version: found.version,
        target: metadata.target_directory,
        elsewhere,
    })
}

/// The module that cargo built, from its messages.
fn built(messages: &[u8], manifest: &Path) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        manifest_path: PathBuf,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    let manifest = manifest.canonicalize()?;
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    let mut files = messages
        .filter(|message| message.reason == "compiler-artifact" && message.manifest_path == manifest)
        .flat_map(|message| message.filenames);
    let is_module = |file: &PathBuf| file.extension().is_some_and(|ending| ending == "wasm");
    files.find(is_module).context("cargo built no WebAssembly module")
}
