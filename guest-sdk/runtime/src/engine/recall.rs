//! Recall before a model is asked (language section 5.10.1): spans of the conversation and the knowledge graph.
//!
//! Every question to the memory is an effect of its own. Its answer is kept at `_temp.memory_sources.<node>`, and the node runs
//! again after each; when nothing is left to ask, the node works what was recalled into its call.

use super::pins::text;
use super::{Node, Run, child};
use crate::py;
use crate::value::{Dict, Map, Value};

/// Messages that a recall without a level may bring back.
const SPAN_MESSAGES: i64 = 80;
/// Tokens that findings of the graph may take without a level.
const GRAPH_TOKENS: i64 = 1200;

/// What a node wants recalled.
#[derive(Default)]
pub(super) struct Recall {
    pub spans: bool,
    pub graph: bool,
    /// Wanted, but there is no such search: it is noted among the warnings of `_meta`.
    pub semantic: bool,
    /// Empty: nothing is searched for.
    pub query: String,
    pub scope: String,
    pub level: String,
    pub span_messages: Option<Value>,
    pub graph_tokens: Option<Value>,
    pub graph_limit: Option<Value>,
    pub graph_score: Option<Value>,
    pub model: String,
}

/// A question to the memory.
pub(super) struct Question {
    kind: &'static str,
    payload: Map,
    /// Its answer's name among the node's.
    answer: &'static str,
}

impl Run {
    /// What a node has recalled so far.
    pub(super) fn recalled(&self, node: Node) -> Dict {
        child(&child(&self.temp(), "memory_sources"), &self.program.id(node))
    }

    pub(super) fn has_recalled(&self, node: Node) -> bool {
        let sources = self.temp().get("memory_sources");
        sources.is_some_and(|sources| sources.as_dict().is_some_and(|s| s.get(&self.program.id(node)).is_some()))
    }

    pub(super) fn request_recall(&mut self, node: Node, question: Question) -> i32 {
        let path = format!("_temp.memory_sources.{}.{}", self.program.id(node), question.answer);
        self.request_step(node, question.kind, question.payload, path)
    }

    /// What is to be asked next.
    pub(super) fn next_question(&self, node: Node, recall: &Recall) -> Option<Question> {
        let answers = self.recalled(node);
        let meta = child(&answers, "_meta");
        if recall.semantic {
            warn(&meta, "use_semantic_search is not implemented yet (planned: 464); ignoring.");
        }
        let open = |answer: &str| answers.get(answer).is_none();
        if recall.spans && open("span_query") && !recall.query.is_empty() {
            return Some(recall.spans_found());
        }
        if recall.spans && open("span_rehydrate") {
            let ids = span_ids(answers.get("span_query"));
            meta.set("span_ids", Value::list(ids.clone()));
            return Some(recall.spans_read(ids, &meta));
        }
        (recall.graph && open("kg_query") && !recall.query.is_empty()).then(|| recall.graph_asked(&meta))
    }

    /// What the graph answered, as text for a model.
    pub(super) fn graph_text(&self, node: Node) -> Option<Value> {
        text(&self.recalled(node).get("kg_query")?.as_dict()?.get("active_memory_text")?)
    }

    /// The messages of the conversation that the recalled spans brought back.
    pub(super) fn span_messages(&self, node: Node) -> Vec<Dict> {
        let meta = child(&self.recalled(node), "_meta");
        let ids = meta
            .get("span_ids")
            .and_then(|ids| ids.as_list().map(|ids| ids.borrow().clone()));
        let ids: Vec<Value> = ids.unwrap_or_default().iter().filter_map(text).collect();
        let is_recalled = |message: &Dict| {
            let meta = message.get("metadata");
            let meta = meta.as_ref().and_then(Value::as_dict);
            let source = meta
                .filter(|m| matches!(m.get("rehydrated"), Some(Value::Bool(true))))
                .and_then(|m| text(&m.get("source_artifact_id")?));
            source.is_some_and(|source| ids.iter().any(|id| id.as_str() == source.as_str()))
        };
        let context = self.vars.get("context").and_then(|c| c.as_dict().cloned());
        super::messages::messages(context.as_ref())
            .into_iter()
            .filter(is_recalled)
            .collect()
    }
}

impl Recall {
    fn question<const N: usize>(&self, kind: &'static str, answer: &'static str, entries: [(&str, Value); N]) -> Question {
        let mut payload: Map = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        if !self.level.is_empty() {
            payload.insert("recall_level".into(), Value::str(self.level.as_str()));
        }
        Question { kind, payload, answer }
    }

    fn spans_found(&self) -> Question {
        let entries = [
            ("query", Value::str(self.query.as_str())),
            ("scope", Value::str(self.scope.as_str())),
            ("return", Value::str("meta")),
        ];
        self.question("memory_query", "span_query", entries)
    }

    fn spans_read(&self, ids: Vec<Value>, meta: &Dict) -> Question {
        let entries = [("span_ids", Value::list(ids)), ("placement", Value::str("after_summary"))];
        let mut question = self.question("memory_rehydrate", "span_rehydrate", entries);
        let unlimited = "use_span_memory enabled without recall_level/max_span_messages; defaulting max_span_messages=80.";
        let limit = self.limited(self.span_messages.clone(), SPAN_MESSAGES, meta, unlimited);
        super::pins::put(&mut question.payload, "max_messages", limit);
        question
    }

    fn graph_asked(&self, meta: &Dict) -> Question {
        let entries = [
            ("query_text", Value::str(self.query.as_str())),
            ("scope", Value::str(self.scope.as_str())),
        ];
        let mut question = self.question("memory_kg_query", "kg_query", entries);
        let unlimited = "use_kg_memory enabled without recall_level/kg_max_input_tokens; defaulting kg_max_input_tokens=1200.";
        let tokens = self.limited(self.graph_tokens.clone(), GRAPH_TOKENS, meta, unlimited);
        let model = Some(Value::str(self.model.as_str())).filter(|_| !self.model.is_empty());
        for (key, value) in [
            ("min_score", self.graph_score.clone()),
            ("limit", self.graph_limit.clone()),
            ("max_input_tokens", tokens),
            ("model", model),
        ] {
            super::pins::put(&mut question.payload, key, value);
        }
        question
    }

    /// A limit that is there even if neither it nor a level was given.
    fn limited(&self, given: Option<Value>, default: i64, meta: &Dict, warning: &str) -> Option<Value> {
        if given.is_some() || !self.level.is_empty() {
            return given;
        }
        warn(meta, warning);
        Some(Value::Int(default))
    }
}

/// The spans that a search found.
fn span_ids(found: Option<Value>) -> Vec<Value> {
    let ids = || {
        let results = found?.as_dict()?.get("results")?;
        let results = results.as_list()?.borrow().clone();
        let meta = results.first()?.as_dict()?.get("meta")?;
        let ids = meta.as_dict()?.get("span_ids")?;
        Some(ids.as_list()?.borrow().clone())
    };
    let shown = |id: &Value| text(&Value::Str(py::str(id).ok()?));
    ids().unwrap_or_default().iter().filter_map(shown).collect()
}

/// Adds a warning to the list in `object`, once.
pub(super) fn warn(object: &Dict, warning: &str) {
    add_once(object, "warnings", warning);
}

/// Adds a text to the list at `key` of `object`, once.
pub(super) fn add_once(object: &Dict, key: &str, entry: &str) {
    let list = match object.get(key) {
        Some(Value::List(list)) => list,
        _ => {
            let made = crate::value::List::default();
            object.set(key, Value::List(made.clone()));
            made
        }
    };
    let known = list.borrow().iter().any(|known| known.as_str() == Some(entry));
    if !known {
        list.borrow_mut().push(Value::str(entry));
    }
}
