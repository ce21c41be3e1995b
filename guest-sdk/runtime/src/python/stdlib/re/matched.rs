//! Matches: what was found, by group, in code points.

use std::any::Any;
use std::rc::Rc;

use super::pattern::{Pattern, PatternObject};
use super::program::Spans;
use super::template;
use crate::py::push_quoted;
use crate::python::arith;
use crate::python::error::{Py, index_error, type_error};
use crate::python::object::{Args, Native, NativeType, Obj, Text};
use crate::python::stdlib::bind::{self, bind};
use crate::python::table::Table;

pub(super) static MATCH: NativeType = NativeType {
    module: "re",
    name: "Match",
    new: |_| Err(type_error("cannot create 're.Match' instances")),
    is_instance: |object| object.as_native::<Match>().is_some(),
    attribute: |_| None,
};

pub(super) struct Match {
    pub(super) pattern: Rc<Pattern>,
    pub(super) text: Rc<Text>,
    /// Bytes of the text.
    pub(super) spans: Spans,
    /// Where the search began and ended, in code points.
    pub(super) from: usize,
    pub(super) to: usize,
}

impl Match {
    fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.spans.get(group).copied().flatten()
    }

    /// The text of a group; `None` when it took no part.
    pub(super) fn group_text(&self, group: usize) -> Option<&str> {
        let (start, end) = self.span(group)?;
        self.text.text.get(start..end)
    }

    fn group(&self, group: usize, default: &Obj) -> Obj {
        self.group_text(group).map_or_else(|| default.clone(), Obj::str)
    }

    /// The number of a group given by number or name.
    fn number(&self, key: &Obj) -> Py<usize> {
        let number = match key {
            Obj::Str(name) => self.pattern.group_named(name),
            Obj::Int(_) | Obj::Bool(_) | Obj::Big(_) => usize::try_from(arith::index(key)?)
                .ok()
                .filter(|number| *number < self.spans.len()),
            _ => None,
        };
        number.ok_or_else(|| index_error("no such group"))
    }

    fn chars_before(&self, byte: usize) -> i64 {
        if self.text.is_ascii() {
            return byte as i64;
        }
        self.text.text.get(..byte).unwrap_or_default().chars().count() as i64
    }

    fn chars_of(&self, group: usize) -> (i64, i64) {
        match self.span(group) {
            Some((start, end)) => (self.chars_before(start), self.chars_before(end)),
            None => (-1, -1),
        }
    }

    fn span_object(&self, group: usize) -> Obj {
        let (start, end) = self.chars_of(group);
        Obj::tuple([Obj::Int(start), Obj::Int(end)])
    }

    /// The group that was closed last.
    fn last_group(&self) -> Option<usize> {
        let closing = &self.pattern.parsed.closing;
        (1..self.spans.len())
            .filter_map(|group| Some((self.span(group)?.1, closing.get(group - 1)?, group)))
            .max()
            .map(|(_, _, group)| group)
    }
}

impl Native for Match {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &MATCH
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "string" => Obj::Str(self.text.clone()),
            "re" => Obj::native(PatternObject(self.pattern.clone())),
            "pos" => Obj::Int(self.from as i64),
            "endpos" => Obj::Int(self.to as i64),
            "lastindex" => self.last_group().map_or(Obj::None, |group| Obj::Int(group as i64)),
            "lastgroup" => {
                let names = &self.pattern.parsed.names;
                let name = self
                    .last_group()
                    .and_then(|last| names.iter().find(|(_, group)| *group == last));
                name.map_or(Obj::None, |(name, _)| Obj::str(name.as_str()))
            }
            "regs" => {
                let spans: Vec<Obj> = (0..self.spans.len()).map(|group| self.span_object(group)).collect();
                Obj::tuple(spans)
            }
            _ => return Ok(None),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "group" | "groups" | "groupdict" | "start" | "end" | "span" | "expand")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let place = || {
            args.expect(name, 0, 1, &[])?;
            args.plain().first().map_or(Ok(0), |key| self.number(key))
        };
        Ok(Some(match name {
            "group" => {
                args.expect(name, 0, usize::MAX, &[])?;
                match args.plain() {
                    [] => self.group(0, &Obj::None),
                    [key] => self.group(self.number(key)?, &Obj::None),
                    keys => {
                        let mut found = Vec::with_capacity(keys.len());
                        for key in keys {
                            found.push(self.group(self.number(key)?, &Obj::None));
                        }
                        Obj::tuple(found)
                    }
                }
            }
            "groups" => {
                let [default] = bind(name, args, ["default"], 0, 1)?;
                let default = default.unwrap_or(&Obj::None);
                let groups: Vec<Obj> = (1..self.spans.len()).map(|group| self.group(group, default)).collect();
                Obj::tuple(groups)
            }
            "groupdict" => {
                let [default] = bind(name, args, ["default"], 0, 1)?;
                let default = default.unwrap_or(&Obj::None);
                let mut table = Table::default();
                for (name, group) in &self.pattern.parsed.names {
                    table.insert(Obj::str(name.as_str()), self.group(*group, default))?;
                }
                Obj::dict(table)
            }
            "start" => Obj::Int(self.chars_of(place()?).0),
            "end" => Obj::Int(self.chars_of(place()?).1),
            "span" => self.span_object(place()?),
            "expand" => {
                let [template] = bind(name, args, ["template"], 1, 1)?;
                let Obj::Str(template) = bind::need(template, name)? else {
                    return Err(type_error("expected str instance as template"));
                };
                let mut out = String::new();
                template::parse(template, &self.pattern)?.expand(self, &mut out);
                Obj::str(out)
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        let (start, end) = self.chars_of(0);
        let mut quoted = String::new();
        push_quoted(&mut quoted, self.group_text(0).unwrap_or_default());
        let shown: String = quoted.chars().take(50).collect();
        Ok(format!("<re.Match object; span=({start}, {end}), match={shown}>"))
    }
    fn getitem(&self, key: &Obj) -> Option<Py> {
        Some(self.number(key).map(|group| self.group(group, &Obj::None)))
    }
}
