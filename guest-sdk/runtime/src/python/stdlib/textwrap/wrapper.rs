//! `TextWrapper`: the choices of a paragraph's layout, and the layout.

use std::any::Any;

use super::text_of;
use crate::python::arith;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::stdlib::bind::{self, bind};
use crate::python::text;

pub(super) static TEXT_WRAPPER: NativeType = NativeType {
    module: "textwrap",
    name: "TextWrapper",
    new: |args| Wrapper::of_args("TextWrapper.__init__", args).map(Obj::native),
    is_instance: |object| object.as_native::<Wrapper>().is_some(),
    attribute: |_| None,
};

pub(super) struct Wrapper {
    width: i64,
    initial_indent: String,
    subsequent_indent: String,
    expand_tabs: bool,
    replace_whitespace: bool,
    fix_sentence_endings: bool,
    break_long_words: bool,
    drop_whitespace: bool,
    break_on_hyphens: bool,
    tab_size: usize,
    pub(super) max_lines: Option<i64>,
    placeholder: String,
}

/// The white space that is replaced and broken at.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

fn count(text: &str) -> i64 {
    text.chars().count() as i64
}

const PARAMETERS: [&str; 12] = [
    "width",
    "initial_indent",
    "subsequent_indent",
    "expand_tabs",
    "replace_whitespace",
    "fix_sentence_endings",
    "break_long_words",
    "drop_whitespace",
    "break_on_hyphens",
    "tabsize",
    "max_lines",
    "placeholder",
];

impl Wrapper {
    fn of_args(function: &str, args: &Args) -> Py<Wrapper> {
        Wrapper::of(bind(function, args, PARAMETERS, 0, 10)?)
    }

    /// The text and the wrapper of `wrap(text, width=70, **choices)`.
    pub(super) fn of_call<'a>(function: &str, args: &Args<'a>, first: &str) -> Py<(&'a str, Wrapper)> {
        let mut names = [first; 13];
        for (place, name) in names.iter_mut().skip(1).zip(PARAMETERS) {
            *place = name;
        }
        let required = if function == "shorten" { 2 } else { 1 };
        let [text, parameters @ ..] = bind(function, args, names, required, 2)?;
        let method = if function == "shorten" { "strip" } else { "expandtabs" };
        Ok((text_of(text, function, method)?, Wrapper::of(parameters)?))
    }

    fn of(parameters: [Option<&Obj>; 12]) -> Py<Wrapper> {
        let [
            width,
            initial,
            subsequent,
            expand,
            replace,
            fix,
            long,
            drop,
            hyphens,
            tab,
            lines,
            placeholder,
        ] = parameters;
        let words = |value: Option<&Obj>, default: &str| match value {
            None => Ok(default.to_owned()),
            Some(Obj::Str(text)) => Ok(text.to_string()),
            Some(other) => Err(type_error(format!(
                "object of type '{}' has no len()",
                text::type_name(other)
            ))),
        };
        Ok(Wrapper {
            width: width.map_or(Ok(70), arith::index)?,
            initial_indent: words(initial, "")?,
            subsequent_indent: words(subsequent, "")?,
            expand_tabs: bind::flag(expand, true)?,
            replace_whitespace: bind::flag(replace, true)?,
            fix_sentence_endings: bind::flag(fix, false)?,
            break_long_words: bind::flag(long, true)?,
            drop_whitespace: bind::flag(drop, true)?,
            break_on_hyphens: bind::flag(hyphens, true)?,
            tab_size: tab.map_or(Ok(8), arith::index)?.clamp(0, 10_000) as usize,
            max_lines: bind::unless_none(lines).map(arith::index).transpose()?,
            placeholder: words(placeholder, " [...]")?,
        })
    }

    pub(super) fn wrap(&self, text: &str) -> Py<Vec<String>> {
        let text = self.munged(text);
        let mut chunks = if self.break_on_hyphens {
            words(&text)
        } else {
            simple_words(&text)
        };
        if self.fix_sentence_endings {
            fix_endings(&mut chunks);
        }
        self.laid_out(chunks)
    }

    fn munged(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut column = 0;
        for c in text.chars() {
            match c {
                '\t' if self.expand_tabs => {
                    if self.tab_size > 0 {
                        let spaces = self.tab_size - column % self.tab_size;
                        out.extend(std::iter::repeat_n(' ', spaces));
                        column += spaces;
                    }
                    continue;
                }
                '\n' | '\r' => column = 0,
                _ => column += 1,
            }
            out.push(if self.replace_whitespace && is_blank(c) { ' ' } else { c });
        }
        out
    }

    fn laid_out(&self, chunks: Vec<String>) -> Py<Vec<String>> {
        if self.width <= 0 {
            return Err(value_error(format!("invalid width {} (must be > 0)", self.width)));
        }
        if let Some(most) = self.max_lines {
            let indent = if most > 1 {
                &self.subsequent_indent
            } else {
                &self.initial_indent
            };
            if count(indent) + count(self.placeholder.trim_start()) > self.width {
                return Err(value_error("placeholder too large for max width"));
            }
        }
        let mut lines: Vec<String> = Vec::new();
        let mut rest = chunks;
        rest.reverse();
        let is_space = |chunk: &str| chunk.trim().is_empty();
        while !rest.is_empty() {
            let indent = if lines.is_empty() {
                &self.initial_indent
            } else {
                &self.subsequent_indent
            };
            let width = self.width - count(indent);
            if self.drop_whitespace && !lines.is_empty() && rest.last().is_some_and(|chunk| is_space(chunk)) {
                rest.pop();
            }
            let mut line: Vec<String> = Vec::new();
            let mut len = 0;
            while let Some(chunk) = rest.last() {
                let more = count(chunk);
                if len + more > width {
                    break;
                }
                len += more;
                line.extend(rest.pop());
            }
            if rest.last().is_some_and(|chunk| count(chunk) > width) {
                self.break_long(&mut rest, &mut line, len, width);
                len = line.iter().map(|chunk| count(chunk)).sum();
            }
            if self.drop_whitespace && line.last().is_some_and(|chunk| is_space(chunk)) {
                len -= line.pop().map_or(0, |chunk| count(&chunk));
            }
            if line.is_empty() {
                continue;
            }
            let only_space_is_left =
                rest.is_empty() || (self.drop_whitespace && rest.len() == 1 && rest.first().is_some_and(|chunk| is_space(chunk)));
            let fits = match self.max_lines {
                None => true,
                Some(most) => (lines.len() as i64) + 1 < most || (only_space_is_left && len <= width),
            };
            if fits {
                lines.push(format!("{indent}{}", line.concat()));
                continue;
            }
            self.cut(&mut lines, line, len, width, indent);
            break;
        }
        Ok(lines)
    }

    /// Ends the text with the placeholder.
    fn cut(&self, lines: &mut Vec<String>, mut line: Vec<String>, mut len: i64, width: i64, indent: &str) {
        while let Some(chunk) = line.last() {
            if !chunk.trim().is_empty() && len + count(&self.placeholder) <= width {
                lines.push(format!("{indent}{}{}", line.concat(), self.placeholder));
                return;
            }
            len -= count(chunk);
            line.pop();
        }
        if let Some(last) = lines.last_mut() {
            let kept = last.trim_end();
            if count(kept) + count(&self.placeholder) <= self.width {
                *last = format!("{kept}{}", self.placeholder);
                return;
            }
        }
        lines.push(format!("{indent}{}", self.placeholder.trim_start()));
    }

    fn break_long(&self, rest: &mut Vec<String>, line: &mut Vec<String>, len: i64, width: i64) {
        let space = if width < 1 { 1 } else { width - len }.max(0) as usize;
        if !self.break_long_words {
            if line.is_empty() {
                line.extend(rest.pop());
            }
            return;
        }
        let Some(chunk) = rest.last_mut() else { return };
        let chars: Vec<char> = chunk.chars().collect();
        let mut end = space.min(chars.len());
        if self.break_on_hyphens && chars.len() > space {
            let head = chars.get(..space).unwrap_or_default();
            if let Some(hyphen) = head.iter().rposition(|c| *c == '-')
                && hyphen > 0
                && head.iter().take(hyphen).any(|c| *c != '-')
            {
                end = hyphen + 1;
            }
        }
        line.push(chars.iter().take(end).collect());
        *chunk = chars.iter().skip(end).collect();
    }
}

/// Sentences that end a chunk get a second space behind them.
fn fix_endings(chunks: &mut [String]) {
    let ends = |chunk: &str| {
        let chunk = chunk.strip_suffix(['"', '\'']).unwrap_or(chunk);
        let body = chunk.strip_suffix(['.', '!', '?']);
        body.is_some_and(|body| body.ends_with(|c: char| c.is_ascii_lowercase()))
    };
    let mut at = 0;
    while at + 1 < chunks.len() {
        let ended = chunks.get(at).is_some_and(|chunk| ends(chunk));
        match chunks.get_mut(at + 1) {
            Some(space) if space == " " && ended => {
                *space = "  ".into();
                at += 2;
            }
            _ => at += 1,
        }
    }
}

/// Runs of white space and of everything else.
fn simple_words(text: &str) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut blank = None;
    for c in text.chars() {
        match chunks.last_mut() {
            Some(chunk) if blank == Some(is_blank(c)) => chunk.push(c),
            _ => chunks.push(c.into()),
        }
        blank = Some(is_blank(c));
    }
    chunks
}

/// Chunks that a line may end behind: words, their parts up to a hyphen, dashes, white space.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |place: usize, offset: isize| place.checked_add_signed(offset).and_then(|place| chars.get(place)).copied();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let is_letter = |c: Option<char>| c.is_some_and(|c| is_word(c) && !c.is_numeric());
    let is_punctuated = |c: Option<char>| c.is_some_and(|c| is_word(c) || "!\"'&.,?".contains(c));
    let dashes = |place: usize| chars.iter().skip(place).take_while(|c| **c == '-').count();
    // Two or more dashes with a word behind them.
    let is_dash = |place: usize| {
        let count = dashes(place);
        count >= 2 && at(place + count, 0).is_some_and(is_word)
    };
    let mut chunks = Vec::new();
    let mut start = 0;
    while let Some(first) = at(start, 0) {
        let mut end = start + 1;
        if is_blank(first) {
            while at(end, 0).is_some_and(is_blank) {
                end += 1;
            }
        } else if start > 0 && is_punctuated(at(start, -1)) && is_dash(start) {
            end = start + dashes(start);
        } else {
            // The first place behind the word's first character where one of the three rules ends it.
            while let Some(c) = at(end, 0) {
                let hyphenated = c == '-'
                    && is_letter(at(end, -1))
                    && (is_letter(at(end, -2)) || (at(end, -2) == Some('-') && is_letter(at(end, -3))))
                    && is_letter(at(end, 1))
                    && (is_letter(at(end, 2)) || (at(end, 2) == Some('-') && is_letter(at(end, 3))));
                if hyphenated {
                    end += 1;
                    break;
                }
                if is_blank(c) || (is_punctuated(at(end, -1)) && is_dash(end)) {
                    break;
                }
                end += 1;
            }
        }
        chunks.push(chars.get(start..end).unwrap_or_default().iter().collect());
        start = end;
    }
    chunks
}

impl Native for Wrapper {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &TEXT_WRAPPER
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        Ok(Some(match name {
            "width" => Obj::Int(self.width),
            "initial_indent" => Obj::str(self.initial_indent.as_str()),
            "subsequent_indent" => Obj::str(self.subsequent_indent.as_str()),
            "placeholder" => Obj::str(self.placeholder.as_str()),
            _ => return Ok(None),
        }))
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "wrap" | "fill")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        let [text] = bind(name, args, ["text"], 1, 1)?;
        let lines = self.wrap(text_of(text, name, "expandtabs")?)?;
        Ok(Some(match name {
            "wrap" => Obj::list(lines.into_iter().map(Obj::str).collect()),
            _ => Obj::str(lines.join("\n")),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok("<textwrap.TextWrapper object>".into())
    }
}
