//! The syntax of Python's regular expressions: a pattern as a tree, with CPython's words for what is wrong with it.
//!
//! Flags but for case are resolved here, so that whoever reads the tree need not know which were on.

use super::flags;
use super::solid::Ways;

/// What is wrong with a pattern, and at which of its characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub text: String,
    pub at: usize,
    /// Valid in Python, but out of reach of a matcher that works in linear time.
    pub unsupported: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    Char(char),
    Any {
        newline: bool,
    },
    Set {
        negated: bool,
        items: Vec<Item>,
    },
    /// `^` or `\A`
    Start {
        lines: bool,
    },
    /// `$`
    End {
        lines: bool,
    },
    /// `\Z`
    VeryEnd,
    Boundary {
        negated: bool,
        ascii: bool,
    },
    /// `None`: not captured.
    Group {
        number: Option<usize>,
        node: Box<Node>,
    },
    /// A part in which case counts or does not.
    Case {
        ignored: bool,
        node: Box<Node>,
    },
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
        greedy: bool,
    },
    Sequence(Vec<Node>),
    Choice(Vec<Node>),
}

#[derive(Debug, Clone)]
pub(super) enum Item {
    Range(char, char),
    Class { class: Class, negated: bool, ascii: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Digit,
    Word,
    Space,
}

pub(super) struct Parsed {
    pub(super) node: Node,
    pub(super) flags: u32,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
    /// The place of each group's end among all group ends, by number (from 1).
    pub(super) closing: Vec<usize>,
    /// Where it could match something it may rather match nothing (`a??`, `|a`).
    pub(super) prefers_empty: bool,
}

pub(super) type Parse<T> = Result<T, Problem>;

/// Groups inside each other; bounds recursion here and in the matcher's compiler.
const MAX_DEPTH: usize = 50;

pub(super) fn parse(pattern: &str, flags: u32) -> Parse<Parsed> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut flags = flags;
    loop {
        let mut parser = Parser {
            chars: &chars,
            pos: 0,
            flags,
            global: flags,
            depth: 0,
            groups: 0,
            open: Vec::new(),
            names: Vec::new(),
            closing: Vec::new(),
            closed: 0,
        };
        let node = parser.choice(true)?;
        if parser.peek() == Some(')') {
            return Err(parser.wrong("unbalanced parenthesis", parser.pos));
        }
        let found = parser.global;
        // White space was read as text before the flag was seen.
        if found & flags::VERBOSE != 0 && flags & flags::VERBOSE == 0 {
            flags = found;
            continue;
        }
        if found & flags::ASCII != 0 && found & flags::UNICODE != 0 {
            return Err(parser.wrong("ASCII and UNICODE flags are incompatible", 0));
        }
        let implied = if found & flags::ASCII == 0 { flags::UNICODE } else { 0 };
        return Ok(Parsed {
            prefers_empty: Ways::of(&node).empty_first,
            node,
            flags: found | implied,
            groups: parser.groups,
            names: parser.names,
            closing: parser.closing,
        });
    }
}

pub(super) struct Parser<'a> {
    pub(super) chars: &'a [char],
    pub(super) pos: usize,
    /// Those in force here.
    pub(super) flags: u32,
    /// Those of the whole pattern.
    global: u32,
    depth: usize,
    pub(super) groups: usize,
    /// Numbers of groups that are not closed yet.
    pub(super) open: Vec<usize>,
    names: Vec<(String, usize)>,
    closing: Vec<usize>,
    closed: usize,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.pos).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.pos += 1;
        Some(c)
    }

    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.pos += usize::from(found);
        found
    }

    pub(super) fn wrong(&self, text: impl Into<String>, at: usize) -> Problem {
        Problem {
            text: text.into(),
            at,
            unsupported: false,
        }
    }

    pub(super) fn unsupported(&self, what: &str, at: usize) -> Problem {
        Problem {
            text: format!("{what} not supported by a linear-time matcher"),
            at,
            unsupported: true,
        }
    }

    fn choice(&mut self, top: bool) -> Parse<Node> {
        let mut branches = vec![self.sequence(top)?];
        while self.eat('|') {
            branches.push(self.sequence(false)?);
        }
        Ok(match branches.len() {
            1 => branches.pop().unwrap_or(Node::Sequence(Vec::new())),
            _ => Node::Choice(branches),
        })
    }

    /// One branch; `first`: global flags may stand at its start.
    fn sequence(&mut self, first: bool) -> Parse<Node> {
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            let start = self.pos;
            let Some(c) = self.peek() else { break };
            if c == '|' || c == ')' {
                break;
            }
            self.pos += 1;
            if self.flags & flags::VERBOSE != 0 {
                if matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}') {
                    continue;
                }
                if c == '#' {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
            }
            match c {
                '*' | '+' | '?' => self.repeat(c, start, &mut nodes)?,
                '{' => match self.bounds(start)? {
                    Some((min, max)) => self.repeated(min, max, start, &mut nodes)?,
                    None => nodes.push(Node::Char('{')),
                },
                '.' => nodes.push(Node::Any {
                    newline: self.flags & flags::DOTALL != 0,
                }),
                '^' => nodes.push(Node::Start {
                    lines: self.flags & flags::MULTILINE != 0,
                }),
                '$' => nodes.push(Node::End {
                    lines: self.flags & flags::MULTILINE != 0,
                }),
                '[' => nodes.push(self.set(start)?),
                '(' => {
                    if let Some(node) = self.group(start, first && nodes.is_empty())? {
                        nodes.push(node);
                    }
                }
                '\\' => nodes.push(self.escape(start)?),
                other => nodes.push(Node::Char(other)),
            }
        }
        Ok(match nodes.len() {
            1 => nodes.pop().unwrap_or(Node::Sequence(Vec::new())),
            _ => Node::Sequence(nodes),
        })
    }

    fn repeat(&mut self, sign: char, start: usize, nodes: &mut Vec<Node>) -> Parse<()> {
        let (min, max) = match sign {
            '*' => (0, None),
            '+' => (1, None),
            _ => (0, Some(1)),
        };
        self.repeated(min, max, start, nodes)
    }

    /// What stands between braces, when it is a repetition. The brace is behind the cursor.
    fn bounds(&mut self, start: usize) -> Parse<Option<(u32, Option<u32>)>> {
        let here = self.pos;
        if self.eat('}') {
            self.pos = here;
            return Ok(None);
        }
        let low = self.digits();
        let high = if self.eat(',') { self.digits() } else { low.clone() };
        if !self.eat('}') {
            self.pos = here;
            return Ok(None);
        }
        let number = |digits: &str| {
            digits.parse::<u32>().ok().filter(|n| *n < u32::MAX).ok_or_else(|| {
                // CPython raises OverflowError here.
                self.wrong("the repetition number is too large", start)
            })
        };
        let min = if low.is_empty() { 0 } else { number(&low)? };
        let max = if high.is_empty() { None } else { Some(number(&high)?) };
        if max.is_some_and(|max| max < min) {
            return Err(self.wrong("min repeat greater than max repeat", start + 1));
        }
        Ok(Some((min, max)))
    }

    fn digits(&mut self) -> String {
        let mut digits = String::new();
        while let Some(c @ '0'..='9') = self.peek() {
            digits.push(c);
            self.pos += 1;
        }
        digits
    }

    fn repeated(&mut self, min: u32, max: Option<u32>, start: usize, nodes: &mut Vec<Node>) -> Parse<()> {
        let node = match nodes.pop() {
            None | Some(Node::Start { .. } | Node::End { .. } | Node::VeryEnd | Node::Boundary { .. }) => {
                return Err(self.wrong("nothing to repeat", start));
            }
            Some(Node::Repeat { .. }) => return Err(self.wrong("multiple repeat", start)),
            Some(node) => node,
        };
        if self.eat('+') {
            return Err(self.unsupported("possessive repetition is", start));
        }
        let greedy = !self.eat('?');
        nodes.push(Node::Repeat {
            node: Box::new(node),
            min,
            max,
            greedy,
        });
        Ok(())
    }

    /// What begins with a parenthesis; nothing for comments and flags.
    fn group(&mut self, start: usize, flags_allowed: bool) -> Parse<Option<Node>> {
        if self.depth == MAX_DEPTH {
            return Err(self.unsupported("groups nested deeper than 50 are", start));
        }
        let unterminated = "missing ), unterminated subpattern";
        let mut captured = true;
        let mut name = None;
        let mut inner_flags = self.flags;
        let mut ignored = None;
        if self.eat('?') {
            captured = false;
            let at = self.pos;
            match self.next() {
                None => return Err(self.wrong("unexpected end of pattern", self.pos)),
                Some('P') => match self.next() {
                    None => return Err(self.wrong("unexpected end of pattern", self.pos)),
                    Some('<') => {
                        captured = true;
                        name = Some(self.name('>')?);
                    }
                    Some('=') => return Err(self.unsupported("a backreference is", start)),
                    Some(other) => {
                        return Err(self.wrong(format!("unknown extension ?P{other}"), at - 1));
                    }
                },
                Some(':') => {}
                Some('#') => loop {
                    match self.next() {
                        None => return Err(self.wrong("missing ), unterminated comment", start)),
                        Some(')') => return Ok(None),
                        Some(_) => {}
                    }
                },
                Some('=') => return Err(self.unsupported("lookahead (?=…) is", start)),
                Some('!') => return Err(self.unsupported("negative lookahead (?!…) is", start)),
                Some('<') => {
                    return Err(match self.next() {
                        Some('=') => self.unsupported("lookbehind (?<=…) is", start),
                        Some('!') => self.unsupported("negative lookbehind (?<!…) is", start),
                        None => self.wrong("unexpected end of pattern", self.pos),
                        Some(other) => self.wrong(format!("unknown extension ?<{other}"), at - 1),
                    });
                }
                Some('(') => return Err(self.unsupported("a conditional group is", start)),
                Some('>') => return Err(self.unsupported("an atomic group is", start)),
                Some(c) if c == '-' || flags::of_letter(c).is_some() => {
                    self.pos = at;
                    let Some(scoped) = self.inline_flags(start)? else {
                        if !flags_allowed {
                            return Err(self.wrong("global flags not at the start of the expression", start));
                        }
                        return Ok(None);
                    };
                    inner_flags = scoped;
                    if (scoped ^ self.flags) & flags::IGNORECASE != 0 {
                        ignored = Some(scoped & flags::IGNORECASE != 0);
                    }
                }
                Some(other) => return Err(self.wrong(format!("unknown extension ?{other}"), at - 1)),
            }
        }
        let number = captured.then(|| {
            self.groups += 1;
            self.closing.push(0);
            self.open.push(self.groups);
            self.groups
        });
        if let (Some(name), Some(number)) = (name, number) {
            if let Some((_, known)) = self.names.iter().find(|(known, _)| *known == name) {
                let text = format!("redefinition of group name '{name}' as group {number}; was group {known}");
                return Err(self.wrong(text, start + 4));
            }
            self.names.push((name, number));
        }
        let outer = std::mem::replace(&mut self.flags, inner_flags);
        self.depth += 1;
        let node = self.choice(false)?;
        self.depth -= 1;
        self.flags = outer;
        if !self.eat(')') {
            return Err(self.wrong(unterminated, start));
        }
        if let Some(number) = number {
            self.open.pop();
            self.closed += 1;
            if let Some(place) = self.closing.get_mut(number - 1) {
                *place = self.closed;
            }
        }
        let node = match ignored {
            Some(ignored) => Node::Case {
                ignored,
                node: Box::new(node),
            },
            None => node,
        };
        Ok(Some(Node::Group {
            number,
            node: Box::new(node),
        }))
    }

    /// `(?aims-x:` gives the flags of the group; `(?aims)` sets those of the pattern and gives none.
    fn inline_flags(&mut self, start: usize) -> Parse<Option<u32>> {
        let (mut on, mut off) = (0, 0);
        let mut negative = false;
        loop {
            let at = self.pos;
            match self.next() {
                None => return Err(self.wrong("missing -, : or )", self.pos)),
                Some(')') if !negative => {
                    self.global |= on;
                    self.flags |= on;
                    return Ok(None);
                }
                Some(':') => {
                    if negative && off == 0 {
                        return Err(self.wrong("missing flag", at));
                    }
                    if on & off != 0 {
                        return Err(self.wrong("bad inline flags: flag turned on and off", at));
                    }
                    let mut flags = self.flags;
                    if on & flags::ASCII != 0 {
                        flags &= !flags::UNICODE;
                    }
                    if on & flags::UNICODE != 0 {
                        flags &= !flags::ASCII;
                    }
                    return Ok(Some((flags | on) & !off));
                }
                Some('-') if !negative => negative = true,
                Some('L') => {
                    return Err(self.wrong("bad inline flags: cannot use 'L' flag with a str pattern", at + 1));
                }
                Some(c) => match flags::of_letter(c) {
                    Some(flag) if negative && flag & (flags::ASCII | flags::UNICODE) != 0 => {
                        return Err(self.wrong("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", at + 1));
                    }
                    Some(flag) if negative => off |= flag,
                    Some(flag) => on |= flag,
                    None if c.is_alphabetic() => return Err(self.wrong("unknown flag", at)),
                    None if negative => return Err(self.wrong("missing :", at)),
                    None => return Err(self.wrong("missing -, : or )", at)),
                },
            }
            if self.pos - start > 64 {
                return Err(self.wrong("unknown flag", at));
            }
        }
    }

    fn name(&mut self, end: char) -> Parse<String> {
        let at = self.pos;
        let mut name = String::new();
        loop {
            match self.next() {
                None if name.is_empty() => return Err(self.wrong("missing group name", at)),
                None => {
                    return Err(self.wrong(format!("missing {end}, unterminated name"), at));
                }
                Some(c) if c == end => break,
                Some(c) => name.push(c),
            }
        }
        if name.is_empty() {
            return Err(self.wrong("missing group name", at));
        }
        if !is_identifier(&name) {
            return Err(self.wrong(format!("bad character in group name '{name}'"), at));
        }
        Ok(name)
    }
}

pub(super) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}
