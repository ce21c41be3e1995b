//! The template node: text with `{{ path | filter }}` placeholders.

use super::{Cx, Result};
use crate::json::{Style, write_styled};
use crate::py;
use crate::py::chars::{is_space, strip};
use crate::py::path::{self, Token};
use crate::value::{Dict, Value};

/// `template`="" with every `{{ expr }}` replaced. An expression is a P1 path, read in the inputs of
/// the node, then in `vars`, then in the run's variables, and filters behind `|`: `json`, `trim`,
/// `lower`, `upper`, `join("sep")`. What is missing or null gives nothing; a list or object without
/// a filter gives its JSON; unknown filters are ignored.
pub fn string_template(cx: &mut Cx<'_>) -> Result {
    let template = match cx.arg("template") {
        Some(template) if py::truthy(template) => py::str(template)?,
        _ => "".into(),
    };
    let vars = cx.arg("vars").and_then(Value::as_dict);
    let mut out = String::with_capacity(template.len());
    let mut rest = &*template;
    while let Some((before, expr, behind)) = next_placeholder(rest) {
        out.push_str(before);
        render(&mut out, expr, cx, vars)?;
        rest = behind;
    }
    out.push_str(rest);
    Ok(Value::str(out))
}

/// The first placeholder: the text before it, its expression, and the text behind it.
///
/// White space around the expression may hold line breaks, the expression itself may not.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let mut open = from + text[from..].find("{{")?;
        let close = open + 2 + text[open + 2..].find("}}")?;
        let end = text[..close].trim_end_matches(is_space).len();
        let broken = text[..end].rfind('\n');
        // Every opening up to here has this same end.
        loop {
            let inside = &text[open + 2..close];
            let start = close - inside.trim_start_matches(is_space).len();
            if broken.is_none_or(|line| line < start) {
                return Some((&text[..open], &text[start.min(end)..end], &text[close + 2..]));
            }
            match text[open + 1..close].find("{{") {
                Some(next) => open += 1 + next,
                None => break,
            }
        }
        from = close;
    }
}

fn render(out: &mut String, expr: &str, cx: &Cx<'_>, vars: Option<&Dict>) -> Result<()> {
    let mut parts = expr.split('|').map(strip);
    let mut value = lookup(parts.next().unwrap_or(""), cx, vars);
    if value.is_null() {
        return Ok(());
    }
    let mut filtered = false;
    for filter in parts {
        filtered = true;
        value = apply(value, filter)?;
    }
    match &value {
        Value::List(_) | Value::Dict(_) if !filtered => Ok(write_styled(out, &value, &Style::PYTHON)?),
        _ => Ok(py::push_str(out, &value)?),
    }
}

/// The value at a path. The first of the three places that has its first key decides, even by null.
fn lookup(text: &str, cx: &Cx<'_>, vars: Option<&Dict>) -> Value {
    let mut tokens = path::tokens(text);
    let Some(Token::Key(name)) = tokens.next() else {
        return Value::Null;
    };
    let hidden = name.starts_with('_');
    let own = cx
        .arg(name)
        .filter(|_| !hidden && name != "template" && name != "vars")
        .cloned();
    let root = own
        .or_else(|| vars.and_then(|vars| vars.get(name)))
        .or_else(|| cx.vars.get(name).filter(|_| !hidden));
    path::find_tokens(root.unwrap_or_default(), tokens)
}

fn apply(value: Value, filter: &str) -> Result {
    let style = Style {
        sort_keys: true,
        ..Style::PYTHON
    };
    Ok(Value::str(match filter {
        "json" => {
            let mut out = String::new();
            write_styled(&mut out, &value, &style)?;
            out
        }
        "trim" => strip(&py::str(&value)?).to_owned(),
        "lower" => py::str(&value)?.to_lowercase(),
        "upper" => py::str(&value)?.to_uppercase(),
        _ if filter.starts_with("join") => join(&value, join_separator(filter))?,
        _ => return Ok(value),
    }))
}

/// What `join(…)` has in its brackets, without quotes around it.
fn join_separator(filter: &str) -> &str {
    let Some(raw) = filter.strip_prefix("join(").and_then(|raw| raw.strip_suffix(')')) else {
        return ", ";
    };
    let raw = strip(raw);
    for quote in ['"', '\''] {
        if raw.starts_with(quote) && raw.ends_with(quote) {
            // A lone quote opens and closes nothing.
            return raw.get(1..raw.len() - 1).unwrap_or("");
        }
    }
    raw
}

fn join(value: &Value, separator: &str) -> Result<String> {
    let mut out = String::new();
    let Value::List(items) = value else {
        py::push_str(&mut out, value)?;
        return Ok(out);
    };
    for (i, item) in items.borrow().iter().enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        if !item.is_null() {
            py::push_str(&mut out, item)?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_may_break_lines_only_around_its_expression() {
        assert_eq!(next_placeholder("a{{ x\n}}b"), Some(("a", "x", "b")));
        assert_eq!(next_placeholder("{{ x\ny }} {{z}}"), Some(("{{ x\ny }} ", "z", "")));
        assert_eq!(next_placeholder("{{{a}}"), Some(("", "{a", "")));
        assert_eq!(next_placeholder("{{ }} "), Some(("", "", " ")));
        assert_eq!(next_placeholder("{{ a"), None);
    }

    #[test]
    fn a_join_separator_loses_its_quotes() {
        for (filter, separator) in [
            ("join", ", "),
            ("join(; )", ";"),
            ("join('; ')", "; "),
            ("join(\")", ""),
            ("joined", ", "),
        ] {
            assert_eq!(join_separator(filter), separator, "{filter}");
        }
    }
}
