//! The file of counts that a change is compared with.

use std::collections::BTreeMap;
use std::process::Command;

use serde::Deserialize;

use super::meter::Count;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts.toml");

/// The part by which a count may grow.
const TOLERANCE: f64 = 0.03;

const HEAD: &str = "# Instructions of what is named, as benches/counts has counted them. Written by `.ci/counts --update`; what `.ci/counts` compares with.\n";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The compiler that they were counted with.
    rustc: String,
    instructions: BTreeMap<String, u64>,
}

pub fn read() -> Result<Kept, String> {
    let text = std::fs::read_to_string(FILE).map_err(|e| format!("{FILE}: {e}"))?;
    toml::from_str(&text).map_err(|e| format!("{FILE}: {e}"))
}

pub fn write(counts: &[Count]) -> Result<(), String> {
    let mut text = format!("{HEAD}rustc = {:?}\n\n[instructions]\n", rustc()?);
    for Count { name, instructions } in counts {
        text.push_str(&format!("{name:?} = {instructions}\n"));
        println!("{instructions:>12}  {name}");
    }
    std::fs::write(FILE, text).map_err(|e| format!("{FILE}: {e}"))
}

/// Prints both side by side. An error when something has grown beyond the tolerance, or the file has not the same names.
pub fn compare(before: &Kept, now: &[Count]) -> Result<(), String> {
    let (mut grown, mut shrunk) = (Vec::new(), 0);
    println!("{:>12} {:>12} {:>8}", "before", "now", "change");
    for Count { name, instructions } in now {
        let Some(kept) = before.instructions.get(name) else {
            println!("{:>12} {instructions:>12} {:>8}  {name}", "-", "new");
            grown.push(format!("'{name}' is not in the file"));
            continue;
        };
        let change = *instructions as f64 / (*kept).max(1) as f64 - 1.0;
        println!("{kept:>12} {instructions:>12} {:>+7.2}%  {name}", 100.0 * change);
        if change > TOLERANCE {
            grown.push(format!("'{name}' takes {instructions} instructions, {kept} before"));
        }
        shrunk += usize::from(change < -TOLERANCE);
    }
    for name in before
        .instructions
        .keys()
        .filter(|name| now.iter().all(|count| count.name != **name))
    {
        grown.push(format!("'{name}' is in the file, but not counted any more"));
    }
    if grown.is_empty() {
        if shrunk > 0 {
            println!("\n{shrunk} of them have become less. Keep that: .ci/counts --update");
        }
        return Ok(());
    }
    let mut said = format!("\n{}\n", grown.join("\n"));
    let rustc = rustc()?;
    if rustc != before.rustc {
        said.push_str(&format!(
            "The file was counted with {}, this is {rustc}, which may be why.\n",
            before.rustc
        ));
    }
    said.push_str(&format!(
        "Where it went: callgrind_annotate --threshold=100 {}/profiles/profile.N, N being twice the line's number in the table. Its first lines\n\
         are the callers of what is counted, with all that they have called.\n\
         If it is meant to be so: .ci/counts --update, and say why in the commit.",
        super::DIR
    ));
    Err(said)
}

fn rustc() -> Result<String, String> {
    let said = Command::new("rustc").arg("--version").output();
    let said = said.map_err(|e| format!("rustc cannot be asked for its version: {e}"))?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
