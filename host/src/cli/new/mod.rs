//! `flowgate new guest NAME`: a crate with a flow in Rust that builds, passes its test, and can be packed as it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::Error;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A flow written in Rust
    Guest(Guest),
}

#[derive(Debug, clap::Args)]
struct Guest {
    /// The name of the crate, of its folder and of its flow: small letters, digits, `-` and `_`
    name: String,
    /// The folder of the crate `flowgate-guest`; by default that of the checkout this binary was built from, if it is still there
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

/// The files, by path. `{name}`, `{sdk}` and `{version}` are filled in.
const FILES: [(&str, &str); 4] = [
    ("Cargo.toml", include_str!("template/Cargo.toml.txt")),
    ("src/lib.rs", include_str!("template/lib.rs.txt")),
    ("README.md", include_str!("template/README.md")),
    (".gitignore", "target\n*.flow\n"),
];

pub fn run(args: Args) -> Result<ExitCode, Error> {
    let What::Guest(guest) = args.what;
    if let Some(problem) = problem(&guest.name) {
        return Err(Error::usage(format!("'{}' is no name for a crate: {problem}", guest.name)));
    }
    let folder = Path::new(&guest.name);
    if folder.exists() {
        return Err(Error::failed(format!("{} is there already", folder.display())));
    }
    let sdk = sdk(guest.sdk)?;
    std::fs::create_dir_all(folder.join("src"))?;
    for (path, template) in FILES {
        let text = template
            .replace("{name}", &guest.name)
            .replace("{sdk}", &sdk)
            .replace("{version}", env!("CARGO_PKG_VERSION"));
        std::fs::write(folder.join(path), text)?;
    }
    eprintln!(
        "{0}: try `cargo test` in it, then `flowgate pack {0} -o {0}.flow`",
        guest.name
    );
    Ok(ExitCode::SUCCESS)
}

/// Where the crate `flowgate-guest` is, as a dependency has it.
fn sdk(given: Option<PathBuf>) -> Result<String, Error> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk");
    let path = match given {
        Some(path) if !path.join("Cargo.toml").is_file() => {
            return Err(Error::failed(format!("{} holds no crate", path.display())));
        }
        Some(path) => path,
        None if here.join("Cargo.toml").is_file() => here,
        None => return Ok(format!("version = \"{}\"", env!("CARGO_PKG_VERSION"))),
    };
    let path = path.canonicalize()?;
    Ok(format!("path = {:?}", path.display().to_string()))
}

/// What is wrong with a crate's name.
fn problem(name: &str) -> Option<&'static str> {
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some("it must begin with a small letter");
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.chars().all(plain) || name.len() > 64 {
        return Some("it may have up to 64 small letters, digits, '-' and '_'");
    }
    // Words that cargo takes for no package: they would be no names in Rust, or mean something else.
    let taken = [
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn", "for",
        "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "type", "unsafe", "use", "where", "while", "test", "core", "std", "alloc", "build", "deps",
        "examples",
    ];
    taken.contains(&name).then_some("the word means something else in Rust")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_takes() {
        for good in ["approve", "a", "two-words", "a_1"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in ["", "1a", "Approve", "../x", "a b", "a/b", "async", "std", &"x".repeat(65)] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
