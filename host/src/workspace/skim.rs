//! A few lines of a text file that show what is in it: its beginning and end, headings and other marks, first sentences of paragraphs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

/// Lines of one answer, and characters of one line.
const MAX_LINES: usize = 200;
const MAX_CHARS: usize = 240;
/// Lines that are shown of a file however small its share.
const LEAST_LINES: usize = 20;

/// How much is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Skim {
    /// Share of the lines, in percent.
    pub percent: f64,
    /// Most lines from the beginning and from the end.
    pub head: usize,
    pub tail: usize,
}

/// What is known of the lines of a file, by number from 1.
struct Lines<'a> {
    texts: Vec<&'a str>,
    marks: Vec<usize>,
    paragraphs: Vec<usize>,
    /// Headings and the first line of text behind each.
    headings: BTreeMap<usize, Option<usize>>,
}

/// The skimmed file called `name`.
pub fn skim(name: &str, text: String, wanted: Skim) -> String {
    let text = super::lines::universal(text);
    let lines = Lines::of(&text);
    let total = lines.texts.len();
    if total == 0 {
        return format!("File: {name} (0 lines)\n\n(empty)");
    }
    let width = total.to_string().len();
    let mut shown = Vec::new();
    for number in lines.choose(wanted) {
        let line = lines.texts[number - 1];
        let excerpt = if is_mark(line) {
            line.trim().to_owned()
        } else {
            first_sentence(line)
        };
        if !excerpt.is_empty() {
            shown.push(format!("{number:>width$}: {}", cut(&excerpt)));
        }
    }
    let head = format!(
        "File: {name} ({total} lines) - skim {} lines (target {:.1}%)",
        shown.len(),
        wanted.percent
    );
    match shown.is_empty() {
        true => format!("{head}\n\n(no non-empty excerpts selected)"),
        false => format!("{head}\n\n{}", shown.join("\n")),
    }
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let texts: Vec<&str> = text.split_terminator('\n').collect();
        let (mut marks, mut paragraphs, mut headings) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut open: Vec<usize> = Vec::new();
        let mut after_blank = true;
        for (number, line) in (1..).zip(&texts) {
            let blank = line.trim().is_empty();
            if after_blank && !blank {
                paragraphs.push(number);
            }
            after_blank = blank;
            if is_heading(line.trim()) {
                headings.insert(number, None);
                open.push(number);
            } else if !blank {
                for heading in open.drain(..) {
                    headings.insert(heading, Some(number));
                }
            }
            if is_mark(line) {
                marks.push(number);
            }
        }
        Lines {
            texts,
            marks,
            paragraphs,
            headings,
        }
    }

    /// The numbers of the lines that are shown.
    fn choose(&self, wanted: Skim) -> BTreeSet<usize> {
        let total = self.texts.len();
        let budget = whole((total as f64 * wanted.percent / 100.0).ceil()).clamp(LEAST_LINES, MAX_LINES);
        let ends = (wanted.head + wanted.tail).min(whole((budget as f64 * 0.6).round_ties_even()).max(2));
        let ends = if ends == 0 { 2.min(budget) } else { ends };
        let mut head = wanted.head.min(ends.div_ceil(2));
        let mut tail = wanted.tail.min(ends - head);
        if tail == 0 && total > head {
            tail = 1;
            if head + tail > ends && head > 1 {
                head -= 1;
            }
        }
        let mut chosen: BTreeSet<usize> = (1..=head.min(total)).collect();
        let last = total + 1 - tail.min(total);
        chosen.extend(last..=total);

        let middle = head.min(total) + 1..last;
        let of_middle = |lines: &[usize]| -> Vec<usize> { lines.iter().copied().filter(|line| middle.contains(line)).collect() };
        let marks = budget.saturating_sub(chosen.len());
        let marks = spread(&of_middle(&self.marks), whole((marks as f64 * 0.4).round_ties_even()));
        chosen.extend(&marks);
        for next in marks.iter().map(|mark| mark + 1).filter(|next| middle.contains(next)) {
            if chosen.len() < budget {
                chosen.insert(next);
            }
        }
        let rest = budget.saturating_sub(chosen.len());
        let paragraphs = of_middle(&self.paragraphs);
        if paragraphs.is_empty() {
            let all: Vec<usize> = middle.clone().collect();
            chosen.extend(spread(&all, rest));
        } else {
            chosen.extend(spread(&paragraphs, rest));
        }
        // A heading is worth little without what stands below it.
        let below: Vec<usize> = chosen.iter().filter_map(|line| *self.headings.get(line)?).collect();
        chosen.extend(below);
        let chosen: Vec<usize> = chosen.into_iter().collect();
        spread(&chosen, MAX_LINES).into_iter().collect()
    }
}

/// A count that is small and not negative.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of lines, which is far below 2^52 and not negative"
)]
fn whole(number: f64) -> usize {
    number as usize
}

/// `count` of the items, evenly spread, the first and the last among them.
fn spread(items: &[usize], count: usize) -> Vec<usize> {
    match count {
        0 => Vec::new(),
        1 => items.get(items.len() / 2).copied().into_iter().collect(),
        _ if count >= items.len() => items.to_vec(),
        _ => {
            let last = (items.len() - 1) as f64;
            let at = |i: usize| whole((i as f64 * last / (count - 1) as f64).round_ties_even());
            let mut chosen: Vec<usize> = (0..count).map(|i| items[at(i)]).collect();
            chosen.dedup();
            chosen
        }
    }
}

fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with(char::is_whitespace) && !line[level..].trim().is_empty()
}

/// Whether a line shows the structure of a text: headings, rules, lists, tables, quotes, code fences, definitions, labels.
fn is_mark(line: &str) -> bool {
    static MARK: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"^(?:[-=]{3,}$|(?:[-*+]\s+|\d+\.\s+|\[[ xX]\]\s+)\S|[|>@]|```|~~~|(?:class|def)\s+\w)").ok()
    });
    let line = line.trim();
    if line.is_empty() {
        return false;
    }
    let short = line.chars().count() <= 120;
    let letters = line.chars().filter(char::is_ascii_alphabetic);
    let shouted =
        letters.clone().count() >= 8 && letters.clone().all(|c| c.is_ascii_uppercase()) && line.split_whitespace().count() <= 8;
    let marked = MARK.as_ref().is_some_and(|mark| mark.is_match(line));
    is_heading(line) || (marked && (short || !line.starts_with('@'))) || shouted || (line.ends_with(':') && short)
}

/// The text up to the first mark that ends a sentence, white space as single spaces.
fn first_sentence(line: &str) -> String {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ends = words.iter().position(|word| word.ends_with(['.', '!', '?']));
    words[..ends.map_or(words.len(), |at| at + 1)].join(" ")
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    let kept: String = text.chars().take(MAX_CHARS - 1).collect();
    format!("{}...", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Skim = Skim {
        percent: 8.0,
        head: 25,
        tail: 25,
    };

    #[test]
    fn a_small_file_is_shown_by_its_sentences() {
        let text = "first line. And more\n\n# Title\n\nA  text!  Rest\n".to_owned();
        let wanted = "File: notes/a.txt (5 lines) - skim 3 lines (target 8.0%)\n\n1: first line.\n3: # Title\n5: A text!";
        assert_eq!(skim("notes/a.txt", text, USUAL), wanted);
        assert_eq!(skim("x", String::new(), USUAL), "File: x (0 lines)\n\n(empty)");
        assert!(skim("x", "\n\n".to_owned(), USUAL).ends_with("(no non-empty excerpts selected)"));
    }

    #[test]
    fn a_large_file_shows_both_ends_headings_and_its_middle_within_the_cap() {
        let mut lines: Vec<String> = (1..=5000).map(|n| format!("line {n}")).collect();
        lines[2499] = "# Middle".to_owned();
        lines[2500] = "below the heading".to_owned();
        for percent in [1.0, 8.0, 25.0] {
            let wanted = Skim { percent, ..USUAL };
            let shown = skim("x", lines.join("\n"), wanted);
            let count = shown.lines().count() - 2;
            assert!((LEAST_LINES..=MAX_LINES).contains(&count), "{percent}: {count}");
            for line in ["   1: line 1", "2500: # Middle", "2501: below the heading", "5000: line 5000"] {
                assert!(shown.contains(line), "{percent}: {line} in {shown}");
            }
        }
        let ends = Skim {
            percent: 1.0,
            head: 0,
            tail: 0,
        };
        assert!(skim("x", lines.join("\n"), ends).contains("5000: line 5000"));
    }
}
