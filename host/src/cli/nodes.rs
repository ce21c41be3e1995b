//! `flowgate nodes`: the catalogue of node types.

use std::process::ExitCode;

use flowgate_compiler::catalogue::{self, NodeType, PinSpec};
use serde_json::{Value, json};

use super::{Error, out};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Everything that is known of each type, as one JSON array
    #[arg(long)]
    json: bool,
    /// Print the reference page of all node types
    #[arg(long, hide = true)]
    markdown: bool,
}

pub fn run(args: Args) -> Result<ExitCode, Error> {
    if args.markdown {
        out::text(&catalogue::markdown())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.json {
        let all = catalogue::all().iter().map(entry).collect::<Vec<_>>();
        out::line(Value::Array(all))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for node in catalogue::all() {
        text.push_str(&format!("{:<24} {}\n", node.name, node.doc));
    }
    out::text(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn entry(node: &'static NodeType) -> Value {
    json!({
        "type": node.name,
        "category": format!("{:?}", node.category),
        "description": node.doc,
        "class": node.class(),
        "effects": node.effects(),
        "inputs": node.inputs.iter().map(pin).collect::<Vec<_>>(),
        "outputs": node.outputs.iter().map(pin).collect::<Vec<_>>(),
        "config": node.config,
    })
}

fn pin(pin: &PinSpec) -> Value {
    let mut entry = json!({ "id": pin.id, "type": pin.ty });
    if let Some(default) = pin.default.and_then(|text| serde_json::from_str::<Value>(text).ok()) {
        entry["default"] = default;
    }
    entry
}
