//! The active memory: lists of short statements, newest first, by module.
//!
//! `{"version": 1, "persona", "relationships": [...], "current_tasks", "current_context", "critical_insights", "references",
//! "history", "limits": {module: entries}, "created_at", "updated_at"}`; an entry is `{"id", "text", "ts", "created_at"}`.

use crate::builtins::World;
use crate::py;
use crate::py::chars::{digit, is_space, strip};
use crate::value::{Dict, List, Map, Value};

use super::{map, record};

/// How a model is told to use its memory, and who it is unless the memory says so: the reference's texts.
const BLUEPRINTS: &str = include_str!("blueprints.md");
const PERSONA: &str = include_str!("persona.md");

/// A list of the memory.
struct Module {
    name: &'static str,
    title: &'static str,
    /// Begins the ids of its entries.
    prefix: &'static str,
    /// Entries it holds unless `limits` says otherwise.
    limit: i64,
}

const CONTEXT: &str = "current_context";
const HISTORY: &str = "history";
const MODULES: [Module; 6] = [
    module("relationships", "RELATIONSHIPS", "rel", 40),
    module("current_tasks", "CURRENT TASKS", "tsk", 8),
    module(CONTEXT, "CURRENT CONTEXT", "ctx", 60),
    module("critical_insights", "CRITICAL INSIGHTS", "ins", 60),
    module("references", "REFERENCES", "ref", 80),
    module(HISTORY, "HISTORY", "hist", 200),
];

const fn module(name: &'static str, title: &'static str, prefix: &'static str, limit: i64) -> Module {
    Module {
        name,
        title,
        prefix,
        limit,
    }
}

pub(super) struct Memory(Dict);

impl Memory {
    /// The memory in `_runtime`, with whatever it lacks added.
    pub fn of(runtime: &Dict, world: &mut World) -> Memory {
        let memory = super::super::child(runtime, "active_memory");
        memory.set("version", Value::Int(1));
        if memory.get("persona").and_then(|p| super::text(&p)).is_none() {
            memory.set("persona", Value::str(PERSONA.trim_end()));
        }
        for module in &MODULES {
            let known = memory.get(module.name).and_then(|l| l.as_list().map(|l| l.borrow().clone()));
            let mut entries = Vec::new();
            for entry in known.unwrap_or_default() {
                match entry {
                    Value::Dict(entry) => entries.push(Value::Dict(entry.shallow_copy())),
                    Value::Str(text) if !strip(&text).is_empty() => entries.push(entry_of(&statement(&text), "m", world)),
                    _ => {}
                }
            }
            memory.set(module.name, Value::list(entries));
        }
        let limits = memory.get("limits").and_then(|l| l.as_dict().map(|l| l.borrow().clone()));
        let limits = limits.unwrap_or_default();
        let named = limits.iter().filter_map(|(name, limit)| {
            let limit = py::to_int(limit).ok().filter(|n| matches!(n, Value::Int(n) if *n > 0))?;
            (!strip(name).is_empty()).then(|| (strip(name).into(), limit))
        });
        let mut limits: Map = named.collect();
        for module in &MODULES {
            limits.entry(module.name.into()).or_insert(Value::Int(module.limit));
        }
        memory.set("limits", Value::dict(limits));
        if memory.get("created_at").and_then(|at| super::text(&at)).is_none() {
            memory.set("created_at", Value::str(crate::time::iso_seconds(world.now_us)));
        }
        Memory(memory)
    }

    pub fn object(&self) -> Value {
        Value::Dict(self.0.clone())
    }

    fn entries(&self, module: &str) -> List {
        match self.0.get(module) {
            Some(Value::List(entries)) => entries,
            _ => List::default(),
        }
    }

    /// The texts of the current context that begin with `marker`.
    pub fn marked(&self, marker: &str) -> Vec<Value> {
        let marker = marker.to_lowercase();
        let entries = self.entries(CONTEXT);
        let entries = entries.borrow();
        let texts = entries.iter().filter_map(|entry| entry.as_dict()?.get("text"));
        texts
            .filter(|text| text.as_str().is_some_and(|t| strip(t).to_lowercase().starts_with(&marker)))
            .collect()
    }

    /// Changes the current context and keeps every list within its limit. Gives how many entries came, went and fell off.
    pub fn change_context(&self, added: &[Value], removed: &[Value], world: &mut World) -> Value {
        let mut applied = Map::default();
        for module in &MODULES {
            let (added, removed) = if module.name == CONTEXT {
                (added, removed)
            } else {
                (&[][..], &[][..])
            };
            let [came, went, over] = self.change(module, added, removed, world);
            let mut counts = map([("added", came), ("removed", went), ("trimmed", over)]);
            // What has happened is never taken back.
            if module.name == HISTORY {
                counts.shift_remove("removed");
            }
            applied.insert(module.name.into(), Value::dict(counts));
        }
        self.0.set("updated_at", Value::str(crate::time::iso_seconds(world.now_us)));
        record([("ok", Value::Bool(true)), ("applied", Value::dict(applied))])
    }

    fn change(&self, module: &Module, added: &[Value], removed: &[Value], world: &mut World) -> [Value; 3] {
        let keys = |texts: &[Value]| texts.iter().filter_map(|t| Some(key(t.as_str()?))).collect::<Vec<_>>();
        let entries = self.entries(module.name);
        let gone = keys(removed);
        let before = entries.borrow().len();
        entries.borrow_mut().retain(|entry| !gone.contains(&key_of(entry)));
        let went = before - entries.borrow().len();
        let mut came = 0;
        let mut known: Vec<String> = entries.borrow().iter().map(key_of).collect();
        for text in added.iter().filter_map(Value::as_str) {
            let text = statement(text);
            let name = key(&text);
            if !name.is_empty() && !known.contains(&name) {
                entries.borrow_mut().insert(0, entry_of(&text, module.prefix, world));
                known.push(name);
                came += 1;
            }
        }
        let limit = self.0.get("limits").and_then(|limits| limits.as_dict()?.get(module.name));
        let limit = match limit {
            Some(Value::Int(limit)) => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => usize::MAX,
        };
        let over = entries.borrow().len().saturating_sub(limit);
        entries.borrow_mut().truncate(limit);
        [came, went, over].map(|n| Value::Int(n as i64))
    }

    /// The memory by module, as `[{"component_id", "title", "content"}]`.
    pub fn blocks(&self) -> Value {
        let block = |(id, title, content): (&str, &str, String)| {
            record([
                ("component_id", Value::str(id)),
                ("title", Value::str(title)),
                ("content", Value::str(content)),
            ])
        };
        Value::list(self.parts().into_iter().map(block).collect())
    }

    /// The memory as a model is told it.
    pub fn system_prompt(&self) -> String {
        let shown = |(id, title, content): (&str, &str, String)| match id {
            "memory_blueprints" => content,
            _ => format!("## {title}\n{content}"),
        };
        let parts: Vec<String> = self.parts().into_iter().map(shown).collect();
        parts.join("\n\n")
    }

    fn parts(&self) -> Vec<(&'static str, &'static str, String)> {
        let persona = self.0.get("persona");
        let persona = persona.as_ref().and_then(Value::as_str).map_or("", strip).to_owned();
        let lists = MODULES
            .iter()
            .map(|module| (module.name, module.title, self.shown(module.name)));
        let texts = [
            ("memory_blueprints", "MEMORY BLUEPRINTS", BLUEPRINTS.trim_end().to_owned()),
            ("persona", "MY PERSONA", persona),
        ];
        texts.into_iter().chain(lists).collect()
    }

    fn shown(&self, module: &str) -> String {
        let line = |entry: &Value| {
            let entry = entry.as_dict()?;
            let text = super::text(&entry.get("text")?)?;
            let at = entry.get("ts").and_then(|ts| super::text(&ts));
            let at = at
                .as_ref()
                .and_then(Value::as_str)
                .map(|ts| format!("[{ts}] "))
                .unwrap_or_default();
            Some(format!("- {at}{}", text.as_str()?))
        };
        let entries = self.entries(module);
        let lines: Vec<String> = entries.borrow().iter().filter_map(line).collect();
        match lines.is_empty() {
            true => "(empty)".to_owned(),
            false => lines.join("\n"),
        }
    }
}

fn entry_of(text: &str, prefix: &str, world: &mut World) -> Value {
    let id = format!("{prefix}_{:016x}{:016x}", world.next_random(), world.next_random());
    record([
        ("id", Value::str(id)),
        ("text", Value::str(text)),
        ("ts", Value::str(crate::time::short(world.now_us))),
        ("created_at", Value::str(crate::time::iso_seconds(world.now_us))),
    ])
}

/// By what an entry is known.
fn key_of(entry: &Value) -> String {
    let text = entry.as_dict().and_then(|entry| entry.get("text")).filter(py::truthy);
    let text = text.and_then(|text| py::str(&text).ok()).unwrap_or_default();
    key(&text)
}

fn key(text: &str) -> String {
    statement(text).to_lowercase()
}

/// One statement on one line, without a time before it.
fn statement(text: &str) -> String {
    let text = single_spaced(text);
    strip(without_time(&text)).to_owned()
}

pub(super) fn single_spaced(text: &str) -> String {
    let words: Vec<&str> = text.split(is_space).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// What follows `YY/MM/DD HH:MM:SS`, which may stand in brackets; the text itself where there is none.
fn without_time(text: &str) -> &str {
    let after = || {
        let rest = text.strip_prefix('[').map_or(text, |rest| rest.trim_start_matches(' '));
        let rest = digits(rest, '/')?.strip_prefix(' ')?;
        let rest = digits(rest, ':')?;
        Some(rest.trim_start_matches(' ').strip_prefix(']').unwrap_or(rest))
    };
    after().unwrap_or(text)
}

/// Behind three pairs of digits with `mark` between them.
fn digits(text: &str, mark: char) -> Option<&str> {
    let mut rest = text;
    for pair in 0..3 {
        if pair > 0 {
            rest = rest.strip_prefix(mark)?;
        }
        for _ in 0..2 {
            let first = rest.chars().next().filter(|c| digit(*c).is_some())?;
            rest = &rest[first.len_utf8()..];
        }
    }
    Some(rest)
}
