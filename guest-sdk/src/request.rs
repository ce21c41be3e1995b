//! What an effect asks for, before it is asked.

use serde::Serialize;

/// An effect request that has not been made yet.
#[derive(Debug, Clone)]
pub struct Request {
    /// What its node is called when the author gives it no name: `<call>#<n>`.
    pub(crate) call: String,
    pub(crate) kind: String,
    pub(crate) node: Option<String>,
    pub(crate) next: Option<String>,
    /// Where a graph's node keeps the result; shown in the ledger when the author names the node.
    pub(crate) keeps: &'static str,
    payload: Payload,
    /// Why it cannot be asked: a value that is no JSON.
    pub(crate) broken: Option<String>,
}

#[derive(Debug, Clone)]
enum Payload {
    /// As the author gave it.
    Whole(String),
    /// Members in order. `framed`: with `type` before them and `resume_to_node` after, as most nodes of a graph have it.
    Fields {
        framed: bool,
        fields: Vec<(&'static str, String)>,
    },
}

impl Request {
    /// An effect whose payload is framed by its type and the node that follows.
    pub(crate) fn framed(call: &str, kind: &str) -> Self {
        Request::with(
            call,
            kind,
            Payload::Fields {
                framed: true,
                fields: Vec::new(),
            },
        )
    }

    /// An effect whose payload is its fields alone.
    pub(crate) fn plain(call: &str, kind: &str) -> Self {
        Request::with(
            call,
            kind,
            Payload::Fields {
                framed: false,
                fields: Vec::new(),
            },
        )
    }

    /// An effect of any kind. `payload` must be a JSON object.
    pub(crate) fn any(kind: &str, payload: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(payload) {
            Ok(text) if text.starts_with('{') => Request::with(kind, kind, Payload::Whole(text)),
            Ok(_) => Request::plain(kind, kind).because("the payload is no JSON object".to_owned()),
            Err(error) => Request::plain(kind, kind).because(error.to_string()),
        }
    }

    fn with(call: &str, kind: &str, payload: Payload) -> Self {
        Request {
            call: call.to_owned(),
            kind: kind.to_owned(),
            node: None,
            next: None,
            keeps: "_temp.effects",
            payload,
            broken: None,
        }
    }

    /// Names the node that asks.
    pub fn node(mut self, node: impl Into<String>) -> Self {
        self.node = Some(node.into());
        self
    }

    pub(crate) fn because(mut self, why: String) -> Self {
        self.broken.get_or_insert(why);
        self
    }

    /// Sets a field, in the place where it is if it is there.
    pub(crate) fn set(self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_string(value) {
            Ok(json) => self.set_json(name, json),
            Err(error) => self.because(format!("{name}: {error}")),
        }
    }

    /// As [`Request::set`], for a value that is JSON already.
    pub(crate) fn set_json(mut self, name: &'static str, json: impl Into<String>) -> Self {
        if let Payload::Fields { fields, .. } = &mut self.payload {
            match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = json.into(),
                None => fields.push((name, json.into())),
            }
        }
        self
    }

    /// Sets a field that is there and `null`.
    pub(crate) fn filled(mut self, name: &str, text: &str) -> Self {
        if let Payload::Fields { fields, .. } = &mut self.payload
            && let Some((_, value)) = fields.iter_mut().find(|(known, value)| *known == name && value == "null")
        {
            *value = quoted(text);
        }
        self
    }

    /// The payload's text.
    pub(crate) fn payload(&self) -> String {
        let (framed, fields) = match &self.payload {
            Payload::Whole(text) => return text.clone(),
            Payload::Fields { framed, fields } => (*framed, fields),
        };
        let mut text = String::from("{");
        if framed {
            text.push_str("\"type\":");
            text.push_str(&quoted(&self.kind));
        }
        let next = framed.then(|| self.next.as_deref().map_or("null".to_owned(), quoted));
        let fields = fields.iter().map(|(name, value)| (*name, value));
        for (name, value) in fields.chain(next.iter().map(|next| ("resume_to_node", next))) {
            if text.len() > 1 {
                text.push(',');
            }
            text.push_str(&quoted(name));
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        text
    }
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    // Writing a text to memory does not fail.
    serde_json::to_string(text).unwrap_or_default()
}
