//! A pattern's tree as a program of the `regex` crate, whose time is linear in the text.
//!
//! What the two differ in is written out: classes, anchors, and `$` in front of a last line break, which the crate can only match by
//! consuming the line break. It is captured in a group of its own, and whoever reads a match cuts it off.

use std::fmt::Write;

use super::solid::solid;
use super::syntax::{Class, Item, Node, Parsed};

/// Where a match may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Search,
    /// At the start of the text.
    Start,
    /// All of the text.
    Full,
    /// Anywhere, but not empty.
    Solid,
}

/// What a program may rely on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) kind: Kind,
    /// The text is ASCII: programs are much smaller without the rest of Unicode.
    pub(super) ascii: bool,
    /// The text ends with a line break.
    pub(super) newline: bool,
}

pub(super) struct Program {
    regex: regex::Regex,
    /// The crate's numbers of each of the pattern's groups, from group 1 on: copies of a group, of which one takes part.
    groups: Vec<Vec<usize>>,
    /// Groups that capture a last line break.
    breaks: Vec<usize>,
}

/// Start and end of the match and of its groups, in bytes.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

impl Program {
    /// The error is a text for the author of the pattern.
    pub(super) fn new(parsed: &Parsed, wanted: Wanted) -> Result<Program, String> {
        let mut writer = Writer {
            out: String::new(),
            wanted,
            next: 1,
            groups: vec![Vec::new(); parsed.groups],
            breaks: Vec::new(),
        };
        if matches!(wanted.kind, Kind::Start | Kind::Full) {
            writer.out.push_str("\\A");
        }
        writer.out.push_str(if parsed.flags & super::flags::IGNORECASE != 0 {
            "(?i:"
        } else {
            "(?:"
        });
        match wanted.kind {
            Kind::Solid => {
                let solid = solid(&parsed.node).ok_or("the pattern has too many ways to match nothing")?;
                writer.node(&solid, true)?;
            }
            _ => writer.node(&parsed.node, true)?,
        }
        writer.out.push(')');
        if wanted.kind == Kind::Full {
            writer.out.push_str("\\z");
        }
        let regex = regex::RegexBuilder::new(&writer.out)
            .nest_limit(500)
            // Repeated classes of Unicode are large.
            .size_limit(48 << 20)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => String::from("the pattern is too large for a linear-time matcher"),
                other => format!("the pattern is not supported: {other}"),
            })?;
        Ok(Program {
            regex,
            groups: writer.groups,
            breaks: writer.breaks,
        })
    }

    /// The first match at or after a byte of the text.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Spans> {
        if self.groups.is_empty() && self.breaks.is_empty() {
            let found = self.regex.find_at(text, from)?;
            return Some(vec![Some((found.start(), found.end()))]);
        }
        let mut locations = self.regex.capture_locations();
        self.regex.captures_read_at(&mut locations, text, from)?;
        let cut = self
            .breaks
            .iter()
            .find_map(|group| locations.get(*group))
            .map(|(start, _)| start);
        let group = |number: usize| {
            let (start, end) = locations.get(number)?;
            Some(cut.map_or((start, end), |cut| (start.min(cut), end.min(cut))))
        };
        let mut spans = Vec::with_capacity(self.groups.len() + 1);
        spans.push(group(0));
        spans.extend(
            self.groups
                .iter()
                .map(|copies| copies.iter().find_map(|number| group(*number))),
        );
        Some(spans)
    }
}

struct Writer {
    out: String,
    wanted: Wanted,
    /// The crate's number of the next group.
    next: usize,
    groups: Vec<Vec<usize>>,
    breaks: Vec<usize>,
}

impl Writer {
    /// `last`: nothing that consumes text can follow.
    fn node(&mut self, node: &Node, last: bool) -> Result<(), String> {
        match node {
            Node::Char(c) => self.char(*c),
            Node::Any { newline } => self.out.push_str(match (newline, self.wanted.ascii) {
                (true, true) => "[\\x00-\\x7f]",
                (false, true) => "[\\x00-\\x09\\x0b-\\x7f]",
                (true, false) => "(?s:.)",
                (false, false) => "[^\\n]",
            }),
            Node::Set { negated, items } => self.set(*negated, items),
            Node::Start { lines } => self.out.push_str(if *lines { "(?m:^)" } else { "\\A" }),
            Node::End { lines: true } => self.out.push_str("(?m:$)"),
            Node::End { lines: false } => self.end(last)?,
            Node::VeryEnd => self.out.push_str("\\z"),
            Node::Boundary { negated: true, .. } => self.out.push_str("\\B"),
            Node::Boundary { ascii, .. } if *ascii || self.wanted.ascii => self.out.push_str("(?-u:\\b)"),
            Node::Boundary { .. } => self.out.push_str("\\b"),
            Node::Group { number, node } => {
                match number {
                    Some(number) => {
                        if let Some(place) = self.groups.get_mut(*number - 1) {
                            place.push(self.next);
                        }
                        self.next += 1;
                        self.out.push('(');
                    }
                    None => self.out.push_str("(?:"),
                }
                self.node(node, last)?;
                self.out.push(')');
            }
            Node::Case { ignored, node } => {
                self.out.push_str(if *ignored { "(?i:" } else { "(?-i:" });
                self.node(node, last)?;
                self.out.push(')');
            }
            Node::Repeat { node, min, max, greedy } => {
                self.out.push_str("(?:");
                self.node(node, last && *max == Some(1))?;
                self.out.push(')');
                let _ = match (min, max) {
                    (0, None) => self.out.write_char('*'),
                    (1, None) => self.out.write_char('+'),
                    (0, Some(1)) => self.out.write_char('?'),
                    (min, None) => write!(self.out, "{{{min},}}"),
                    (min, Some(max)) => write!(self.out, "{{{min},{max}}}"),
                };
                if !greedy {
                    self.out.push('?');
                }
            }
            Node::Sequence(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    let rest = nodes.get(at + 1..).unwrap_or_default();
                    self.node(node, last && rest.iter().all(consumes_nothing))?;
                }
            }
            Node::Choice(branches) => {
                for (at, branch) in branches.iter().enumerate() {
                    if at > 0 {
                        self.out.push('|');
                    }
                    self.node(branch, last)?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, last: bool) -> Result<(), String> {
        if !self.wanted.newline || self.wanted.kind == Kind::Full {
            self.out.push_str("\\z");
            return Ok(());
        }
        if !last {
            return Err(
                "'$' with more of the pattern behind it is not supported for a text that ends with a line break: use '\\Z'"
                    .into(),
            );
        }
        self.breaks.push(self.next);
        self.next += 1;
        self.out.push_str("(?:\\z|(\\n\\z))");
        Ok(())
    }

    fn char(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || c == '_' || c == ' ' {
            self.out.push(c);
        } else {
            let _ = write!(self.out, "\\x{{{:x}}}", c as u32);
        }
    }

    fn set(&mut self, negated: bool, items: &[Item]) {
        if let ([Item::Class { class, negated, ascii }], false) = (items, negated) {
            let class = self.class(*class, *ascii);
            let _ = match (*negated, self.wanted.ascii) {
                (false, _) => write!(self.out, "[{class}]"),
                (true, true) => write!(self.out, "[\\x00-\\x7f&&[^{class}]]"),
                (true, false) => write!(self.out, "[^{class}]"),
            };
            return;
        }
        let bounded = negated && self.wanted.ascii;
        if bounded {
            self.out.push_str("[\\x00-\\x7f&&");
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        for item in items {
            match item {
                Item::Range(low, high) => {
                    self.char(*low);
                    if low != high {
                        self.out.push('-');
                        self.char(*high);
                    }
                }
                Item::Class { class, negated, ascii } => {
                    let class = self.class(*class, *ascii);
                    let _ = write!(self.out, "[{}{class}]", if *negated { "^" } else { "" });
                }
            }
        }
        self.out.push_str(if bounded { "]]" } else { "]" });
    }

    /// The inside of a set.
    fn class(&self, class: Class, ascii: bool) -> &'static str {
        match (class, ascii || self.wanted.ascii) {
            (Class::Digit, true) => "0-9",
            (Class::Digit, false) => "\\p{Nd}",
            (Class::Word, true) => "A-Za-z0-9_",
            (Class::Word, false) => "\\p{L}\\p{N}_",
            // `str.isspace` has the four separators, the flag ASCII has not.
            (Class::Space, true) if ascii => "\\t-\\r\\x20",
            (Class::Space, true) => "\\t-\\r\\x1c-\\x20",
            (Class::Space, false) => "\\s\\x1c-\\x1f",
        }
    }
}

fn consumes_nothing(node: &Node) -> bool {
    match node {
        Node::Start { .. } | Node::End { .. } | Node::VeryEnd | Node::Boundary { .. } => true,
        Node::Group { node, .. } | Node::Case { node, .. } | Node::Repeat { node, .. } => consumes_nothing(node),
        Node::Sequence(nodes) | Node::Choice(nodes) => nodes.iter().all(consumes_nothing),
        Node::Char(_) | Node::Any { .. } | Node::Set { .. } => false,
    }
}
