//! What goes over a text from match to match: `findall`, `finditer`, `split`, `sub`.

use std::rc::Rc;

use super::matched::Match;
use super::pattern::{Part, Pattern};
use super::program::{Kind, Spans};
use super::{subject, template};
use crate::python::call;
use crate::python::error::{Py, raise, type_error};
use crate::python::names::Builtin;
use crate::python::object::{Advance, Args, Obj, Text};
use crate::python::{arith, text};

/// The matches of a text from left to right. An empty match may touch the match before it, but not be followed by another at the same
/// place.
struct Scanner {
    pattern: Rc<Pattern>,
    text: Rc<Text>,
    /// The end of what is searched, in bytes.
    end: usize,
    from: usize,
    to_chars: usize,
    from_chars: usize,
    /// The last match was empty and ended where the next may start.
    after_empty: bool,
    done: bool,
}

impl Scanner {
    fn new(pattern: &Rc<Pattern>, text: &Rc<Text>, from: Option<&Obj>, to: Option<&Obj>) -> Py<Self> {
        let part = Part::of(text, from, to)?;
        Ok(Scanner {
            pattern: pattern.clone(),
            text: text.clone(),
            end: part.text.len(),
            from: part.from,
            to_chars: part.to_chars,
            from_chars: part.from_chars,
            after_empty: false,
            done: false,
        })
    }

    fn next(&mut self) -> Py<Option<(Spans, (usize, usize))>> {
        if self.done {
            return Ok(None);
        }
        let text = self.text.text.get(..self.end).unwrap_or_default();
        let program = self.pattern.program_for(Kind::Search, text, self.text.is_ascii())?;
        let mut found = program.find(text, self.from);
        if self.after_empty && whole(&found) == Some((self.from, self.from)) {
            let next = text.get(self.from..).and_then(|rest| rest.chars().next());
            let behind = next.and_then(|c| program.find(text, self.from + c.len_utf8()));
            found = match self.solid(text)? {
                Some(solid) => Some(solid),
                None => behind,
            };
        }
        match (whole(&found), found) {
            (Some((start, end)), Some(spans)) => {
                self.from = end;
                self.after_empty = start == end;
                Ok(Some((spans, (start, end))))
            }
            _ => {
                self.done = true;
                Ok(None)
            }
        }
    }

    /// The match that starts here and is not empty, where the pattern might prefer the empty one.
    fn solid(&self, text: &str) -> Py<Option<Spans>> {
        if !self.pattern.parsed.prefers_empty {
            return Ok(None);
        }
        let program = self.pattern.program_for(Kind::Solid, text, self.text.is_ascii())?;
        let found = program.find(text, self.from);
        Ok(found.filter(|spans| matches!(spans.first(), Some(Some((start, _))) if *start == self.from)))
    }

    fn matched(&self, spans: Spans) -> Match {
        Match {
            pattern: self.pattern.clone(),
            text: self.text.clone(),
            spans,
            from: self.from_chars,
            to: self.to_chars,
        }
    }

    fn piece(&self, start: usize, end: usize) -> &str {
        self.text.text.get(start..end).unwrap_or_default()
    }

    fn group(&self, span: &Option<(usize, usize)>, default: &Obj) -> Obj {
        span.map_or_else(|| default.clone(), |(start, end)| Obj::str(self.piece(start, end)))
    }
}

fn whole(found: &Option<Spans>) -> Option<(usize, usize)> {
    found.as_ref()?.first().copied().flatten()
}

pub(super) fn find_all(pattern: &Rc<Pattern>, text: &Rc<Text>, from: Option<&Obj>, to: Option<&Obj>) -> Py {
    let mut scanner = Scanner::new(pattern, text, from, to)?;
    let empty = Obj::str("");
    let mut found = Vec::new();
    while let Some((spans, (start, end))) = scanner.next()? {
        found.push(match spans.get(1..).unwrap_or_default() {
            [] => Obj::str(scanner.piece(start, end)),
            [only] => scanner.group(only, &empty),
            groups => {
                let texts: Vec<Obj> = groups.iter().map(|span| scanner.group(span, &empty)).collect();
                Obj::tuple(texts)
            }
        });
    }
    Ok(Obj::list(found))
}

pub(super) fn find_iter(pattern: &Rc<Pattern>, text: &Rc<Text>, from: Option<&Obj>, to: Option<&Obj>) -> Py {
    Ok(Obj::iter(Matches(Scanner::new(pattern, text, from, to)?)))
}

struct Matches(Scanner);

impl Advance for Matches {
    fn advance(&mut self) -> Py<Option<Obj>> {
        let found = self.0.next()?;
        Ok(found.map(|(spans, _)| Obj::native(self.0.matched(spans))))
    }
    fn type_name(&self) -> &'static str {
        "callable_iterator"
    }
}

/// No text grows beyond this.
const MAX_BYTES: usize = 256 << 20;

/// How often at most; 0: without limit.
fn limit(most: Option<&Obj>) -> Py<usize> {
    Ok(match most.map_or(Ok(0), arith::index)? {
        0 => usize::MAX,
        // CPython does nothing then.
        most if most < 0 => 0,
        most => most as usize,
    })
}

pub(super) fn split(pattern: &Rc<Pattern>, text: &Rc<Text>, most: Option<&Obj>) -> Py {
    let most = limit(most)?;
    let mut scanner = Scanner::new(pattern, text, None, None)?;
    let (mut pieces, mut count, mut last) = (Vec::new(), 0, 0);
    while count < most
        && let Some((spans, (start, end))) = scanner.next()?
    {
        pieces.push(Obj::str(scanner.piece(last, start)));
        pieces.extend(spans.iter().skip(1).map(|span| scanner.group(span, &Obj::None)));
        last = end;
        count += 1;
    }
    pieces.push(Obj::str(scanner.piece(last, text.len())));
    Ok(Obj::list(pieces))
}

/// The text with matches replaced, and how many there were.
pub(super) fn substitute(pattern: &Rc<Pattern>, replacement: &Obj, whole_text: &Obj, count: Option<&Obj>) -> Py<(Obj, i64)> {
    let template = match replacement {
        Obj::Str(replacement) => Some(template::parse(replacement, pattern)?),
        Obj::None | Obj::Bool(_) | Obj::Int(_) | Obj::Float(_) | Obj::Big(_) | Obj::List(_) | Obj::Tuple(_) | Obj::Dict(_) => {
            return Err(type_error(format!(
                "decoding to str: need a bytes-like object, {} found",
                text::type_name(replacement)
            )));
        }
        _ => None,
    };
    let subject = subject(Some(whole_text))?;
    let most = limit(count)?;
    let mut scanner = Scanner::new(pattern, subject, None, None)?;
    let mut out = String::new();
    // Pieces and replacements so far, which is how CPython counts them.
    let mut items = 0;
    let (mut done, mut last) = (0, 0);
    while done < most
        && let Some((spans, (start, end))) = scanner.next()?
    {
        out.push_str(scanner.piece(last, start));
        if out.len() > MAX_BYTES {
            return Err(raise(Builtin::MemoryError, ""));
        }
        items += usize::from(last < start);
        match &template {
            Some(template) => match template.literal() {
                Some(literal) => out.push_str(literal),
                None => template.expand(&scanner.matched(spans), &mut out),
            },
            None => {
                let found = Obj::native(scanner.matched(spans));
                match call::call(replacement, &Args::positional(&[found]))? {
                    Obj::Str(text) => {
                        out.push_str(&text);
                        items += 1;
                    }
                    Obj::None => {}
                    other => {
                        return Err(type_error(format!(
                            "sequence item {items}: expected str instance, {} found",
                            text::type_name(&other)
                        )));
                    }
                }
            }
        }
        last = end;
        done += 1;
    }
    if done == 0 {
        return Ok((whole_text.clone(), 0));
    }
    out.push_str(scanner.piece(last, subject.len()));
    Ok((Obj::str(out), done as i64))
}
