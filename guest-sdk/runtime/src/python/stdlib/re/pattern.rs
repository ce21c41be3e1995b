//! Compiled patterns.

use std::any::Any;
use std::cell::OnceCell;
use std::rc::Rc;

use super::matched::Match;
use super::program::{Kind, Program, Spans, Wanted};
use super::syntax::{Parsed, Problem};
use super::{flags, scan, subject};
use crate::py::push_quoted;
use crate::python::arith;
use crate::python::error::{Py, Raised, type_error};
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::stdlib::bind::{self, bind};
use crate::python::table::Table;

pub(super) static PATTERN: NativeType = NativeType {
    module: "re",
    name: "Pattern",
    new: |_| Err(type_error("cannot create 're.Pattern' instances")),
    is_instance: |object| object.as_native::<PatternObject>().is_some(),
    attribute: |_| None,
};

pub(super) struct Pattern {
    pub(super) source: Rc<Text>,
    pub(super) parsed: Parsed,
    /// Made when they are first needed, by kind, whether the text is ASCII and whether it ends with a line break.
    programs: [OnceCell<Result<Program, String>>; 16],
}

impl Pattern {
    pub(super) fn new(source: Rc<Text>, parsed: Parsed) -> Self {
        Pattern {
            source,
            parsed,
            programs: Default::default(),
        }
    }

    fn program(&self, wanted: Wanted) -> Py<&Program> {
        let kind = match wanted.kind {
            Kind::Search => 0,
            Kind::Start => 1,
            Kind::Full => 2,
            Kind::Solid => 3,
        };
        let at = kind * 4 + 2 * usize::from(wanted.ascii) + usize::from(wanted.newline);
        let Some(cell) = self.programs.get(at) else {
            return Err(type_error("no such matcher"));
        };
        cell.get_or_init(|| Program::new(&self.parsed, wanted))
            .as_ref()
            .map_err(|text| self.unsupported(text))
    }

    /// The program for a text.
    pub(super) fn program_for(&self, kind: Kind, text: &str, ascii: bool) -> Py<&Program> {
        self.program(Wanted {
            kind,
            ascii,
            newline: text.ends_with('\n'),
        })
    }

    /// `search`, `match` or `fullmatch`: a match or `None`.
    pub(super) fn once(self: &Rc<Self>, text: &Rc<Text>, kind: Kind, from: Option<&Obj>, to: Option<&Obj>) -> Py {
        let part = Part::of(text, from, to)?;
        let Some(spans) = self.first(&part, kind)? else {
            return Ok(Obj::None);
        };
        Ok(Obj::native(Match {
            pattern: self.clone(),
            text: text.clone(),
            spans,
            from: part.from_chars,
            to: part.to_chars,
        }))
    }

    fn first(&self, part: &Part, kind: Kind) -> Py<Option<Spans>> {
        // Anchored programs look at the start of the text only. From elsewhere, the first match starts there if any does.
        if kind == Kind::Start && part.from > 0 {
            let program = self.program_for(Kind::Search, part.text, part.ascii)?;
            let found = program.find(part.text, part.from);
            return Ok(found.filter(|spans| spans.first().copied().flatten().is_some_and(|(start, _)| start == part.from)));
        }
        let program = self.program_for(kind, part.text, part.ascii)?;
        if kind == Kind::Full && part.from > 0 {
            let rest = part.text.get(part.from..).unwrap_or_default();
            let found = program.find(rest, 0);
            return Ok(found.map(|spans| {
                let moved = |span: (usize, usize)| (span.0 + part.from, span.1 + part.from);
                spans.into_iter().map(|span| span.map(moved)).collect()
            }));
        }
        Ok(program.find(part.text, part.from))
    }

    /// What the matcher cannot do with this pattern.
    pub(super) fn unsupported(&self, text: &str) -> Raised {
        let problem = Problem {
            text: text.to_owned(),
            at: 0,
            unsupported: true,
        };
        super::error(&self.source, problem)
    }

    pub(super) fn group_named(&self, name: &str) -> Option<usize> {
        let (_, number) = self.parsed.names.iter().find(|(known, _)| known == name)?;
        Some(*number)
    }
}

/// The part of a text that is searched: up to its end, and from a byte of it.
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    pub(super) from: usize,
    pub(super) ascii: bool,
    pub(super) from_chars: usize,
    pub(super) to_chars: usize,
}

impl<'a> Part<'a> {
    pub(super) fn of(text: &'a Rc<Text>, from: Option<&Obj>, to: Option<&Obj>) -> Py<Part<'a>> {
        let place = |value: Option<&Obj>, default: usize| -> Py<usize> {
            match value {
                Some(value) => Ok(arith::index(value)?.clamp(0, text.chars as i64) as usize),
                None => Ok(default),
            }
        };
        let to_chars = place(to, text.chars)?;
        let from_chars = place(from, 0)?;
        let end = byte_at(text, to_chars);
        Ok(Part {
            text: text.text.get(..end).unwrap_or_default(),
            from: byte_at(text, from_chars).min(end),
            ascii: text.is_ascii(),
            from_chars,
            to_chars,
        })
    }
}

/// The byte at which a code point starts.
fn byte_at(text: &Text, chars: usize) -> usize {
    if text.is_ascii() {
        return chars.min(text.len());
    }
    text.char_indices().nth(chars).map_or(text.len(), |(byte, _)| byte)
}

/// What a program holds of a [`Pattern`].
pub(super) struct PatternObject(pub(super) Rc<Pattern>);

impl Native for PatternObject {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &PATTERN
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let parsed = &self.0.parsed;
        Ok(Some(match name {
            "pattern" => Obj::Str(self.0.source.clone()),
            "flags" => Obj::Int(i64::from(parsed.flags)),
            "groups" => Obj::Int(parsed.groups as i64),
            "groupindex" => {
                let mut table = Table::default();
                for (name, number) in &parsed.names {
                    table.insert(Obj::str(name.as_str()), Obj::Int(*number as i64))?;
                }
                Obj::dict(table)
            }
            _ => return Ok(None),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(
            name,
            "match" | "search" | "fullmatch" | "findall" | "finditer" | "split" | "sub" | "subn"
        )
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let pattern = &self.0;
        let within = |function: &str| bind(function, args, ["string", "pos", "endpos"], 1, 3);
        Ok(Some(match name {
            "match" | "search" | "fullmatch" => {
                let kind = match name {
                    "match" => Kind::Start,
                    "search" => Kind::Search,
                    _ => Kind::Full,
                };
                let [text, from, to] = within(name)?;
                pattern.once(subject(text)?, kind, from, to)?
            }
            "findall" => {
                let [text, from, to] = within(name)?;
                scan::find_all(pattern, subject(text)?, from, to)?
            }
            "finditer" => {
                let [text, from, to] = within(name)?;
                scan::find_iter(pattern, subject(text)?, from, to)?
            }
            "split" => {
                let [text, most] = bind(name, args, ["string", "maxsplit"], 1, 2)?;
                scan::split(pattern, subject(text)?, most)?
            }
            "sub" | "subn" => {
                let [replacement, text, count] = bind(name, args, ["repl", "string", "count"], 2, 3)?;
                let (replacement, text) = (bind::need(replacement, name)?, bind::need(text, name)?);
                let (text, count) = scan::substitute(pattern, replacement, text, count)?;
                if name == "sub" {
                    text
                } else {
                    Obj::tuple([text, Obj::Int(count)])
                }
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        let mut quoted = String::new();
        push_quoted(&mut quoted, &self.0.source);
        let mut out = String::from("re.compile(");
        out.extend(quoted.chars().take(200));
        let named = [
            (flags::IGNORECASE, "re.IGNORECASE"),
            (flags::MULTILINE, "re.MULTILINE"),
            (flags::DOTALL, "re.DOTALL"),
            (flags::VERBOSE, "re.VERBOSE"),
            (flags::ASCII, "re.ASCII"),
        ];
        let on = named.iter().filter(|(flag, _)| self.0.parsed.flags & flag != 0);
        for (at, (_, name)) in on.enumerate() {
            out.push_str(if at == 0 { ", " } else { "|" });
            out.push_str(name);
        }
        out.push(')');
        Ok(out)
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other
            .as_native::<PatternObject>()
            .map(|other| other.0.source.text == self.0.source.text && other.0.parsed.flags == self.0.parsed.flags))
    }
    fn hash(&self) -> Option<i64> {
        crate::python::hash::hash(&Obj::Str(self.0.source.clone())).ok()
    }
}
