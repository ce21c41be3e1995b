//! The start pins of `inputs(…)`, as JSON text: nothing of a schema has to be made when the component runs.

use syn::{Expr, ExprLit, GenericArgument, Lit, Meta, PathArguments, Type, UnOp};

use crate::attribute::Member;

/// `[{"id", "type", "label", "description"?, "default"?, "schema"}]`.
pub fn of(members: &[Member]) -> String {
    let pins: Vec<String> = members.iter().map(pin).collect();
    format!("[{}]", pins.join(","))
}

fn pin(member: &Member) -> String {
    let id = member.name.to_string();
    let id = id.trim_start_matches("r#");
    let schema = Schema::of(&member.ty);
    let mut label = id.replace('_', " ");
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut text = format!(
        "{{\"id\":{},\"type\":\"{}\",\"label\":{}",
        quoted(id),
        schema.pin,
        quoted(&label)
    );
    let description = description(member);
    if !description.is_empty() {
        text.push_str(&format!(",\"description\":{}", quoted(&description)));
    }
    // A default that is computed is not known here; that there is one is told by `null`.
    let default = member
        .default
        .as_ref()
        .map(|value| literal(value).unwrap_or_else(|| "null".to_owned()));
    if let Some(default) = default.or_else(|| schema.optional.then(|| "null".to_owned())) {
        text.push_str(&format!(",\"default\":{default}"));
    }
    text.push_str(&format!(",\"schema\":{}}}", schema.json));
    text
}

/// The doc comment in one line.
fn description(member: &Member) -> String {
    let lines = member.attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

struct Schema {
    /// The pin type that a graph would have.
    pin: &'static str,
    /// JSON Schema; `{}`: anything.
    json: String,
    optional: bool,
}

impl Schema {
    fn new(pin: &'static str, json: impl Into<String>) -> Self {
        Schema {
            pin,
            json: json.into(),
            optional: false,
        }
    }

    /// By the name of the type, as the author wrote it.
    fn of(ty: &Type) -> Self {
        let Type::Path(path) = ty else {
            return Schema::new("any", "{}");
        };
        let Some(last) = path.path.segments.last() else {
            return Schema::new("any", "{}");
        };
        let inner: Vec<&Type> = match &last.arguments {
            PathArguments::AngleBracketed(arguments) => arguments
                .args
                .iter()
                .filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(ty),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        match (last.ident.to_string().as_str(), inner.as_slice()) {
            ("String" | "char" | "Timestamp", []) => Schema::new("string", "{\"type\":\"string\"}"),
            ("bool", []) => Schema::new("boolean", "{\"type\":\"boolean\"}"),
            ("f32" | "f64", []) => Schema::new("number", "{\"type\":\"number\"}"),
            ("u8" | "u16" | "u32" | "u64" | "usize", []) => Schema::new("number", "{\"type\":\"integer\",\"minimum\":0}"),
            ("i8" | "i16" | "i32" | "i64" | "isize", []) => Schema::new("number", "{\"type\":\"integer\"}"),
            ("Vec" | "VecDeque" | "BTreeSet" | "HashSet", [item]) => {
                Schema::new("array", format!("{{\"type\":\"array\",\"items\":{}}}", Schema::of(item).json))
            }
            ("BTreeMap" | "HashMap", [_, value]) => {
                let json = format!("{{\"type\":\"object\",\"additionalProperties\":{}}}", Schema::of(value).json);
                Schema::new("object", json)
            }
            ("Option", [value]) => {
                let value = Schema::of(value);
                let json = match value.json.as_str() {
                    "{}" => value.json,
                    json => format!("{{\"anyOf\":[{json},{{\"type\":\"null\"}}]}}"),
                };
                Schema {
                    pin: value.pin,
                    json,
                    optional: true,
                }
            }
            ("Box" | "Rc" | "Arc", [value]) => Schema::of(value),
            _ => Schema::new("any", "{}"),
        }
    }
}

/// A literal as JSON.
fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(text) => Some(quoted(&text.value())),
            Lit::Int(number) => Some(number.base10_digits().to_owned()),
            Lit::Float(number) => {
                let digits = number.base10_digits();
                Some(if digits.ends_with('.') {
                    format!("{digits}0")
                } else {
                    digits.to_owned()
                })
            }
            Lit::Bool(is) => Some(is.value.to_string()),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => literal(&unary.expr).map(|number| format!("-{number}")),
        _ => None,
    }
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use syn::parse::Parser;
    use syn::punctuated::Punctuated;

    use super::*;

    #[test]
    fn pins_tell_types_descriptions_and_defaults() {
        let parser = Punctuated::<Member, syn::Token![,]>::parse_terminated;
        let members = parser.parse_str(
            "/// What it is \"about\".\n prompt: String, max_words: u32 = 100, to: Option<std::string::String>, rate: f64 = -1.5, \
             tags: Vec<BTreeMap<String, bool>> = Vec::new(), other: Mine",
        );
        let members: Vec<Member> = members.expect("members").into_iter().collect();
        let pins: Vec<String> = members.iter().map(pin).collect();
        let expected = [
            r#"{"id":"prompt","type":"string","label":"Prompt","description":"What it is \"about\".","schema":{"type":"string"}}"#,
            r#"{"id":"max_words","type":"number","label":"Max words","default":100,"schema":{"type":"integer","minimum":0}}"#,
            r#"{"id":"to","type":"string","label":"To","default":null,"schema":{"anyOf":[{"type":"string"},{"type":"null"}]}}"#,
            r#"{"id":"rate","type":"number","label":"Rate","default":-1.5,"schema":{"type":"number"}}"#,
            r#"{"id":"tags","type":"array","label":"Tags","default":null,"schema":{"type":"array","items":{"type":"object","additionalProperties":{"type":"boolean"}}}}"#,
            r#"{"id":"other","type":"any","label":"Other","schema":{}}"#,
        ];
        assert_eq!(pins, expected);
    }
}
