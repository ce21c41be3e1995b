//! The program of a code node, put together from what its author wrote, and the way back to the author's own lines.
//!
//! An author writes either a whole program (`code`, which defines the node's function) or only the function's body (`codeBody`);
//! of a body, the head and one assignment for each input pin are made here (language section 7.1). Which of the two counts is
//! decided in [`super::choose`].

use ruff_text_size::TextRange;

use super::problem::{Finding, Place, Problem};

/// What a code node's `data` says.
#[derive(Debug, Clone, Default)]
pub struct CodeNode<'a> {
    pub code: Option<&'a str>,
    pub body: Option<&'a str>,
    /// Of a legacy `function` node: an expression over `x`, `input` and the input's keys.
    pub expression: Option<&'a str>,
    pub function_name: Option<&'a str>,
    /// Ids of the declared input pins that carry data, in document order, `permissions` among them or not.
    pub pins: Vec<&'a str>,
}

/// The program of a node that has neither `code` nor `codeBody`.
pub(super) const IDENTITY: &str = "def transform(_input):\n    return _input";

const INDENT: usize = 4;

/// A program that can be parsed, and where its lines come from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) text: String,
    /// What the program defines and the node calls.
    pub(super) function: String,
    /// Which key of the node's `data` the author wrote.
    field: &'static str,
    /// The author's text, by lines.
    author: Vec<String>,
    /// Where each line of `text` begins, and which line of the author's it shows.
    lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    start: usize,
    /// The author's line from 0, and how many more characters that line has at its beginning than this one.
    origin: Option<(usize, isize)>,
}

impl Source {
    /// A whole program.
    pub(super) fn program(field: &'static str, text: &str, function: &str) -> Self {
        let mut source = Self::empty(field, text, function);
        for (at, line) in text.split('\n').enumerate() {
            source.push(line, Some((at, 0)));
        }
        source
    }

    /// The function around a body: its head, a variable for each pin, the body without its common indentation.
    pub(super) fn around_body(body: &str, pins: &[&str], function: &str) -> Self {
        let mut source = Self::empty("codeBody", body, function);
        source.push(&format!("def {function}(_input):"), None);
        for pin in pins.iter().filter(|pin| !pin.is_empty() && **pin != "permissions") {
            source.push(&format!("    {} = _input.get({})", identifier(pin), literal(pin)), None);
        }
        let margin = margin(body);
        let mut kept: Vec<(usize, &str, usize)> = body
            .split('\n')
            .enumerate()
            .map(|(at, line)| match is_blank(line) {
                true => (at, "", 0),
                false => (at, line.get(margin..).unwrap_or(line), margin),
            })
            .collect();
        // The text as a whole is stripped, so its first line may lose more than the margin.
        while kept.first().is_some_and(|(_, line, _)| line.trim().is_empty()) {
            kept.remove(0);
        }
        while kept.last().is_some_and(|(_, line, _)| line.trim().is_empty()) {
            kept.pop();
        }
        if let Some((_, line, removed)) = kept.first_mut() {
            let stripped = line.trim_start();
            *removed += line[..line.len() - stripped.len()].chars().count();
            *line = stripped;
        }
        if let Some((_, line, _)) = kept.last_mut() {
            *line = line.trim_end();
        }
        if kept.is_empty() {
            source.push("    return _input", None);
        }
        for (at, line, removed) in kept {
            let line = line.strip_suffix('\r').unwrap_or(line);
            let more = removed as isize - INDENT as isize;
            source.push(&format!("    {line}"), Some((at, more)));
        }
        source
    }

    /// An expression of a legacy node.
    pub(super) fn expression(text: &str, function: &str) -> Self {
        let mut source = Self::empty("expression", text, function);
        for (at, line) in text.split('\n').enumerate() {
            let shown = if at == 0 { line.trim_start_matches([' ', '\t']) } else { line };
            let removed = line.chars().count() - shown.chars().count();
            source.push(shown, Some((at, removed as isize)));
        }
        source
    }

    fn empty(field: &'static str, author: &str, function: &str) -> Self {
        Self {
            text: String::new(),
            function: function.to_owned(),
            field,
            author: author.split('\n').map(str::to_owned).collect(),
            lines: Vec::new(),
        }
    }

    fn push(&mut self, line: &str, origin: Option<(usize, isize)>) {
        self.lines.push(Line {
            start: self.text.len(),
            origin,
        });
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Shows a finding in the author's lines. What was found in a made line is shown at the first line.
    pub(super) fn problem(&self, finding: Finding) -> Problem {
        Problem {
            place: self.place(finding.range),
            message: finding.message,
            hint: finding.hint,
        }
    }

    fn place(&self, range: TextRange) -> Place {
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        let at = self.lines.partition_point(|line| line.start <= start).saturating_sub(1);
        let line = self.lines.get(at).copied();
        let Some((row, more)) = line.and_then(|line| line.origin) else {
            let first = self.author.first().map_or("", String::as_str);
            return Place::new(self.field, 0, 0, first.chars().count(), first);
        };
        let text = self.author.get(row).map_or("", String::as_str);
        let from = line.map_or(0, |line| line.start);
        let until = self.lines.get(at + 1).map_or(self.text.len(), |next| next.start - 1);
        let count = |from: usize, to: usize| self.text.get(from..to.max(from)).map_or(0, |part| part.chars().count());
        let column = count(from, start.min(until)).saturating_add_signed(more);
        Place::new(self.field, row, column, count(start, end.min(until)), text)
    }
}

/// The spaces and tabs that all lines with anything in them begin with, as Python's `textwrap.dedent` counts them.
fn margin(text: &str) -> usize {
    let mut common: Option<&str> = None;
    for line in text.split('\n').filter(|line| !is_blank(line)) {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        common = Some(match common {
            None => indent,
            Some(common) => {
                let same = common.bytes().zip(indent.bytes()).take_while(|(a, b)| a == b).count();
                &common[..same]
            }
        });
    }
    common.map_or(0, str::len)
}

fn is_blank(line: &str) -> bool {
    line.chars().all(|c| c == ' ' || c == '\t')
}

/// The variable that holds a pin's value.
pub(super) fn identifier(pin: &str) -> String {
    let name = pin.trim();
    if name.is_empty() {
        return "param".to_owned();
    }
    let mut out: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' })
        .collect();
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert_str(0, "p_");
    }
    if is_keyword(&out) {
        out.push('_');
    }
    out
}

/// The name of the function to call: as the node says if that can be a name, else `transform`.
pub(super) fn function_name(said: Option<&str>) -> &str {
    let can_be = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && !is_keyword(name)
    };
    said.filter(can_be).unwrap_or("transform")
}

fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 35] = [
        "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
        "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or",
        "pass", "raise", "return", "try", "while", "with", "yield",
    ];
    KEYWORDS.contains(&name)
}

/// A text as a Python literal on one line.
fn literal(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Also what Python or a tool may take for the end of a line.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
