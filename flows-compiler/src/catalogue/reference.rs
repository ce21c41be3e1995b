//! The reference page of node types, written from the catalogue.

use super::{Category, EXECUTION, Lower, NodeType, PinSpec, all};

/// The page as it stands in `docs/nodes.md`; a test keeps the two equal.
pub fn markdown() -> String {
    let mut page = String::from(INTRO);
    let mut category = None;
    for ty in all() {
        if category != Some(ty.category) {
            category = Some(ty.category);
            page.push_str(&format!("\n## {}\n", ty.category.title()));
        }
        entry(&mut page, ty);
    }
    page
}

const INTRO: &str = "\
# Node types

Every node type that a flow may have, with the pins of its template; a document may declare others. A pin with a default reads as the
default when it is absent. *Class* says when a node runs and what it leaves behind:

| class | runs | leaves |
| --- | --- | --- |
| data | whenever something reads it, anew each time | nothing |
| data, or function with execution pins | as a data node; with execution pins as a function | as that class |
| function | in its turn | its output, which is also what the next node finds on the bus; an error ends the run, or the branch it is in, with `success: false` |
| function of the host | in its turn, by asking for an effect | as a function; an error of the effect is the function's |
| effect | in its turn, by asking for an effect | its output; an error fails the run, unless `effectConfig.continueOnError` is set |
| event | in its turn, by waiting or by sending | its output |
| child run | in its turn, by starting another flow and waiting for it | its output |
| control | in its turn, and again at the end of every branch | its output, on the bus too for loops |
| variables | in its turn | its output and the variables; the bus stays as it is, except after `memact_compose` |

*Asks for* names the kinds of effects. `flowgate nodes --json` gives the same for programs. This page is written by `flowgate nodes
--markdown`.
";

impl Category {
    /// For headings.
    pub fn title(self) -> &'static str {
        match self {
            Category::Literal => "Literals",
            Category::Math => "Math",
            Category::String => "Text",
            Category::Logic => "Logic",
            Category::Data => "Data",
            Category::VariableRead => "Variables: reading",
            Category::HostDiscovery => "The host's catalogue",
            Category::VariableWrite => "Variables: writing",
            Category::Code => "Code",
            Category::FileAndArtifact => "Files and artifacts",
            Category::Control => "Control",
            Category::Event => "Beginnings, ends and events",
            Category::Effect => "Effects",
            Category::Media => "Media",
            Category::Memory => "Memory",
            Category::Composite => "Other flows",
            Category::Internal => "Internal",
        }
    }
}

impl NodeType {
    /// What the page calls its class.
    pub fn class(&self) -> &'static str {
        match self.lower {
            Lower::Literal => "data",
            Lower::Builtin => "data, or function with execution pins",
            Lower::Function => "function",
            Lower::Code => "function, in Python",
            Lower::HostFunction => "function of the host",
            Lower::VariableWriter => "variables",
            Lower::Control | Lower::Join => "control",
            Lower::Effect => "effect",
            Lower::Event => "event",
            Lower::Subflow | Lower::Agent => "child run",
        }
    }
}

fn entry(page: &mut String, ty: &'static NodeType) {
    page.push_str(&format!("\n### `{}`\n\n{}\n\n", ty.name, ty.doc));
    page.push_str(&format!("* class: {}\n", ty.class()));
    let line = |what: &str, entries: Vec<String>| {
        if entries.is_empty() {
            String::new()
        } else {
            format!("* {what}: {}\n", entries.join(", "))
        }
    };
    let exec = |pins: &[PinSpec]| {
        let pins = pins.iter().filter(|pin| pin.ty == EXECUTION);
        pins.map(|pin| format!("`{}`", pin.id)).collect::<Vec<_>>()
    };
    page.push_str(&line("in", ty.data_inputs().map(shown).collect()));
    page.push_str(&line("out", ty.data_outputs().map(shown).collect()));
    let ways = exec(ty.outputs);
    if ways != ["`exec-out`"] {
        page.push_str(&line("goes on at", ways));
    }
    page.push_str(&line(
        "asks for",
        ty.effects().iter().map(|kind| format!("`{kind}`")).collect(),
    ));
    page.push_str(&line(
        "configuration",
        ty.config.iter().map(|key| format!("`{key}`")).collect(),
    ));
}

fn shown(pin: &PinSpec) -> String {
    match pin.default {
        Some(default) => format!("`{}` {} = `{default}`", pin.id, pin.ty),
        None => format!("`{}` {}", pin.id, pin.ty),
    }
}
