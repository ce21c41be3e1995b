//! A text file with numbers before its lines, as clients show it to people and models.

/// Lines of one answer.
const MAX_LINES: usize = 2000;
/// Lines of a file that is too long to be shown whole.
const PREVIEW: usize = 60;

/// Python's reading of text: every kind of line break is `\n`.
pub fn universal(text: String) -> String {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        text
    }
}

/// Lines `start` (from 1) to `end` of the file called `name`, or a sentence that begins with `Error: ` or `Refused: `.
pub fn read_lines(name: &str, text: String, start: usize, end: Option<usize>) -> String {
    let text = universal(text);
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    if start <= 1 && end.is_none() {
        if lines.len() <= MAX_LINES {
            return format!("File: {name} ({} lines)\n\n{}", lines.len(), numbered(&lines, 1));
        }
        let preview = numbered(&lines[..PREVIEW], 1);
        return format!(
            "Refused: File '{name}' is too large to read entirely (> {MAX_LINES} lines).\nNext step: read a smaller range with start_line \
             and end_line.\n\nPreview (first {PREVIEW} lines):\n\n{preview}"
        );
    }
    if end.is_some_and(|end| start > end) {
        let end = end.unwrap_or_default();
        return format!("Error: start_line ({start}) cannot be greater than end_line ({end})");
    }
    if lines.len() < start {
        return format!("Error: Start line {start} exceeds file length ({} lines)", lines.len());
    }
    let asked = end.map_or(lines.len() - start + 1, |end| end - start + 1);
    if asked > MAX_LINES {
        return format!(
            "Refused: Requested range would return {asked} lines (> {MAX_LINES} lines).\nNext step: request a smaller range by narrowing \
             end_line."
        );
    }
    let chosen = &lines[start - 1..end.unwrap_or(lines.len()).min(lines.len())];
    format!("File: {name} ({} lines)\n\n{}", chosen.len(), numbered(chosen, start))
}

/// Each line behind its number; the numbers are as wide as the last.
fn numbered(lines: &[&str], first: usize) -> String {
    let last = first + lines.len().saturating_sub(1);
    let width = last.to_string().len();
    let lines = lines.iter().enumerate();
    let lines: Vec<String> = lines.map(|(at, line)| format!("{:>width$}: {line}", first + at)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_ranges_are_checked() {
        let text = || "a\r\nb\rc\n".to_owned();
        assert_eq!(read_lines("n/x", text(), 1, None), "File: n/x (3 lines)\n\n1: a\n2: b\n3: c");
        assert_eq!(read_lines("x", text(), 2, Some(9)), "File: x (2 lines)\n\n2: b\n3: c");
        assert_eq!(read_lines("x", String::new(), 1, None), "File: x (0 lines)\n\n");
        assert_eq!(
            read_lines("x", text(), 3, Some(2)),
            "Error: start_line (3) cannot be greater than end_line (2)"
        );
        assert_eq!(
            read_lines("x", text(), 4, None),
            "Error: Start line 4 exceeds file length (3 lines)"
        );
        let long = "l\n".repeat(2001);
        assert!(read_lines("x", long.clone(), 1, None).starts_with("Refused: File 'x' is too large"));
        assert!(read_lines("x", long.clone(), 1, Some(2001)).starts_with("Refused: Requested range"));
        assert!(read_lines("x", long, 1992, Some(2001)).contains("\n1992: l\n"));
    }
}
