//! Fills templates: what is in scope, which names are taken, how deep an expression may still grow.
//!
//! A template is Python with holes. `$i` is an expression of kind `i`; `$I` one that may also use the names the template itself makes.
//! `@i` is a new name for a value of kind `i` (`@i2` another), the same throughout the template. `~i` is a variable of this function
//! that exists. A line with only `#` is a block. `$$`, `@@` and `~~` are the characters themselves.
//!
//! Kinds: `i` int, `f` float, `b` bool, `s` str, `l` list of ints, `t` list of strs, `d` dict of str to int, `e` set of ints, `p` pair of
//! an int and a str, `m` list of pairs, `o` object, `g` iterable of ints, `a` any of these that can be shown, `x` exception; of literals
//! `k` a small number and `w` a short word; `c` only as a name, of something to call.

use super::{expressions, modules, statements};
use crate::random::Random;

/// How often an expression is of another kind than it should be.
const MISTAKE: u64 = 150;

#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub name: String,
    pub kind: char,
    /// Of the function that is being written, so that it may assign to it.
    pub local: bool,
}

/// What the code at some place may do.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place {
    pub in_loop: bool,
    /// What `in_loop` is again in the `else` of a loop.
    pub around_loop: bool,
    /// The names a template makes are those of a function within.
    pub own_function: bool,
    pub generator: bool,
    pub depth: usize,
    pub returns: char,
}

#[derive(Debug)]
pub(super) struct Maker<'a> {
    pub random: &'a mut Random,
    pub scope: Vec<Variable>,
    pub functions: Vec<super::functions::Function>,
    pub classes: Vec<String>,
    names: usize,
}

impl<'a> Maker<'a> {
    pub fn new(random: &'a mut Random) -> Self {
        Maker {
            random,
            scope: Vec::new(),
            functions: Vec::new(),
            classes: Vec::new(),
            names: 0,
        }
    }

    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.random.between(low, high)
    }

    pub fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        self.random.pick(from)
    }

    pub fn fresh(&mut self, kind: char) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    /// A variable of this kind that can be read here.
    fn variable(&mut self, kind: char, local: bool) -> Option<String> {
        let fits = |variable: &&Variable| variable.kind == kind && (variable.local || !local);
        let count = self.scope.iter().filter(fits).count() as u64;
        let at = (count > 0).then(|| self.random.between(0, count - 1))?;
        self.scope
            .iter()
            .filter(fits)
            .nth(at as usize)
            .map(|variable| variable.name.clone())
    }

    /// An expression, in brackets wherever it needs them.
    pub fn expression(&mut self, kind: char, depth: usize) -> String {
        let mut kind = match kind {
            'a' => *self
                .random
                .pick(&['i', 'i', 'f', 'b', 's', 's', 'l', 't', 'd', 'p', 'm', 'o']),
            other => other,
        };
        match kind {
            'k' => return self.between(0, 6).to_string(),
            'w' => return format!("'{}'", self.pick(&expressions::WORDS)),
            'x' => return self.exception(depth),
            _ => {}
        }
        if self.random.one_in(MISTAKE) {
            kind = *self.random.pick(&['i', 'f', 'b', 's', 'l', 't', 'd', 'p', 'o', 'z']);
        }
        if !self.random.one_in(if depth == 0 { 4 } else { 2 })
            && let Some(name) = self.variable(kind, false)
        {
            return name;
        }
        if depth > 0 && !self.random.one_in(6) {
            if self.random.one_in(8)
                && let Some(call) = self.call(kind, depth - 1)
            {
                return call;
            }
            if kind == 's' && self.random.one_in(4) {
                return self.formatted(depth - 1);
            }
            for _ in 0..4 {
                let table = match modules::templates(kind) {
                    [] => expressions::templates(kind),
                    of_modules if self.random.one_in(7) => of_modules,
                    _ => expressions::templates(kind),
                };
                let template = *self.random.pick(table);
                if let Some(text) = self.fill(template, depth - 1, Place::default()) {
                    return text;
                }
            }
        }
        self.literal(kind)
    }

    fn literal(&mut self, kind: char) -> String {
        match kind {
            'o' => match self.classes.is_empty() {
                true => "None".to_owned(),
                false => {
                    let at = self.between(0, self.classes.len() as u64 - 1) as usize;
                    let class = self.classes[at].clone();
                    let (value, name) = (self.between(0, 5), *self.pick(&expressions::WORDS));
                    format!("{class}({value}, '{name}')")
                }
            },
            kind => (*self.random.pick(expressions::literals(kind))).to_owned(),
        }
    }

    /// The template with its holes filled, or nothing if there is no variable that it needs.
    pub fn fill(&mut self, template: &str, depth: usize, place: Place) -> Option<String> {
        let mut made: Vec<(&str, String)> = Vec::new();
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['$', '@', '~', '#']) {
            text += &rest[..at];
            let sign = &rest[at..=at];
            let after = &rest[at + 1..];
            if sign == "#" {
                let indent = text.len() - text.trim_end_matches(' ').len();
                text.truncate(text.len() - indent);
                let place = match text.contains("\nelse:") && statements::is_loop(template) {
                    true => Place {
                        in_loop: place.around_loop,
                        ..place
                    },
                    false => place,
                };
                let own = made.iter().map(|(token, name)| own(token, name)).collect();
                text += self.block(own, indent, place).trim_end_matches('\n');
                rest = after;
                continue;
            }
            if after.starts_with(sign) {
                text += sign;
                rest = &after[1..];
                continue;
            }
            let kind = after.chars().next()?;
            let mut length = 1;
            match sign {
                "$" => {
                    let before = self.scope.len();
                    if kind.is_uppercase() {
                        self.names_ahead(template, &mut made);
                        self.scope.extend(made.iter().map(|(token, name)| own(token, name)));
                    }
                    let value = self.expression(kind.to_ascii_lowercase(), depth);
                    // `1.bit_length()` is none, and `2 ** 3[0]` another.
                    let bare = value.chars().all(|c| c.is_alphanumeric() || c == '_')
                        && !value.starts_with(|c: char| c.is_ascii_digit());
                    text += &match after[1..].starts_with(['.', '[', '(']) && !bare {
                        true => format!("({value})"),
                        false => value,
                    };
                    self.scope.truncate(before);
                }
                "@" => {
                    length += after[1..].chars().take_while(char::is_ascii_digit).count();
                    let token = &after[..length];
                    let known = made.iter().find(|(known, _)| *known == token).map(|(_, name)| name.clone());
                    text += &known.unwrap_or_else(|| {
                        let name = self.fresh(kind);
                        made.push((token, name.clone()));
                        name
                    });
                }
                _ => {
                    let token = &rest[at..at + 2];
                    let known = made.iter().find(|(known, _)| *known == token).map(|(_, name)| name.clone());
                    let name = match known {
                        Some(name) => name,
                        None => self.variable(kind, true)?,
                    };
                    text += &name;
                    made.push((token, name));
                }
            }
            rest = &after[length..];
        }
        text += rest;
        self.made(template, &made);
        Some(text)
    }

    /// Names that a template uses before it makes them, as a comprehension does.
    fn names_ahead<'t>(&mut self, template: &'t str, made: &mut Vec<(&'t str, String)>) {
        for (at, _) in template.match_indices('@') {
            let after = &template[at + 1..];
            let Some(kind) = after.chars().next().filter(char::is_ascii_lowercase) else {
                continue;
            };
            let length = 1 + after[1..].chars().take_while(char::is_ascii_digit).count();
            let token = &after[..length];
            if !made.iter().any(|(known, _)| *known == token) {
                let name = self.fresh(kind);
                made.push((token, name));
            }
        }
    }

    /// Keeps in scope what a plain assignment made; of a loop's names now and then one, which may have no value.
    fn made(&mut self, template: &str, made: &[(&str, String)]) {
        let keeps = template.starts_with(['@', '*']) || statements::leaves_names(template) && self.random.one_in(5);
        if keeps {
            let kept = made.iter().filter(|(token, _)| !token.starts_with('~'));
            self.scope.extend(kept.map(|(token, name)| own(token, name)));
        }
    }

    /// Some statements, each line indented.
    pub fn block(&mut self, own: Vec<Variable>, indent: usize, place: Place) -> String {
        let before = self.scope.len();
        self.scope.extend(own);
        let mut lines = String::new();
        let place = Place {
            depth: place.depth + 1,
            ..place
        };
        for _ in 0..self.random.between(1, 2) {
            lines += &self.statement(place);
        }
        // A name that only some ways through give a value.
        let leaks = (!place.own_function && self.random.one_in(12))
            .then(|| self.scope.pop())
            .flatten();
        self.scope.truncate(before);
        self.scope.extend(leaks.filter(|leak| leak.local));
        indented(&lines, indent)
    }
}

fn own(token: &str, name: &str) -> Variable {
    let kind = token.trim_start_matches('~').chars().next().unwrap_or('a');
    Variable {
        name: name.to_owned(),
        kind,
        local: !token.starts_with('~'),
    }
}

pub(super) fn indented(lines: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    lines.lines().map(|line| format!("{margin}{line}\n")).collect()
}
