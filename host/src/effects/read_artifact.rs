//! `read_artifact` (language section 5.8): an artifact's bytes as JSON, as text, or as base64, whatever they are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::payload::Fields;
use super::{Call, Handler};
use crate::artifacts::Store;
use crate::ids::RunId;
use crate::journal;
use crate::record::Json;
use crate::record::artifact::{Artifact, FlowReference, essence};
use crate::workspace::family;

/// Characters of a text that is told of data whose type is not text.
const MAX_TEXT: usize = 262_144;
/// Bytes of other data that are told.
const MAX_BINARY: usize = 131_072;

/// Reads artifacts for flows.
pub struct ReadArtifact {
    store: Store,
    /// Bytes that are read at most: a flow is told no more.
    max_bytes: u64,
}

impl ReadArtifact {
    /// `max_bytes`: the limit of an effect's result.
    pub fn new(journal: &journal::Handle, max_bytes: usize) -> Self {
        ReadArtifact {
            store: Store::new(journal.clone()),
            max_bytes: max_bytes as u64,
        }
    }
}

impl Handler for ReadArtifact {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let (store, max_bytes) = (self.store.clone(), self.max_bytes);
        async move {
            let artifact = named(&store, &call).await?;
            let bytes = store.read(call.tenant, &artifact, max_bytes).await;
            let bytes = bytes.map_err(|error| format!("read_artifact: {error}"))?;
            let whole = bytes.len() as u64 == artifact.size;
            let told = move || Content::of(&artifact, &bytes, whole).told(&artifact);
            let told = tokio::task::spawn_blocking(told).await;
            told.map_err(|e| format!("read_artifact: {e}"))?
        }
        .boxed()
    }
}

/// The artifact that a node asks for by its pin `artifact`: an id, or a reference that may name the run that it is of. Without one it is the
/// run's own, else the newest of that id of any run of the tenant.
pub(super) async fn named(store: &Store, call: &Call) -> Result<Artifact, String> {
    let kind = &call.kind;
    let (id, run_id) = id(call).ok_or_else(|| format!("{kind} requires an artifact input."))?;
    let owner = run_id.unwrap_or_else(|| call.run_id.clone());
    let found = store.find(call.tenant, Some(&owner), &id).await;
    let found = found.map_err(|error| format!("{kind}: {error}"))?;
    found.ok_or_else(|| format!("Artifact not found: {id}"))
}

fn id(call: &Call) -> Option<(String, Option<RunId>)> {
    let fields = Fields::of(&call.payload);
    if let Some(id) = fields.name("artifact") {
        return Some((id, None));
    }
    let reference = Fields::of(fields.raw("artifact")?);
    let id = reference.name("$artifact").or_else(|| reference.name("artifact_id"))?;
    Some((id, reference.name("run_id").map(RunId::from)))
}

/// The bytes as a flow is told of them.
#[derive(Default)]
struct Content {
    json: Option<Json>,
    text: String,
    base64: String,
    /// JSON of whichever it is.
    content: Option<Json>,
    is_binary: bool,
    warnings: Vec<String>,
    truncated: bool,
}

impl Content {
    /// `whole`: there are no more bytes than these.
    fn of(artifact: &Artifact, bytes: &[u8], whole: bool) -> Self {
        let mut content = Content::default();
        let content_type = essence(&artifact.content_type);
        let family = content_family(artifact);
        if content_type == "application/json" || family == "json" {
            match json_of(bytes).filter(|_| whole) {
                Some((text, json)) => {
                    content.content = Some(json.clone());
                    (content.json, content.text) = (Some(json), text);
                    return content;
                }
                None if whole => content
                    .warnings
                    .push("JSON projection failed: the bytes are not JSON".to_owned()),
                None => content
                    .warnings
                    .push("JSON projection failed: the artifact is too large".to_owned()),
            }
        }
        let is_text = content_type.starts_with("text/") || matches!(family, "text" | "code");
        match text_of(bytes, whole) {
            Some(text) if whole && (is_text || text.len() <= MAX_TEXT) => content.text = text.to_owned(),
            Some(text) => {
                content.text = text.chars().take(MAX_TEXT).collect();
                content.truncated = true;
                let warning = format!("#TRUNCATION: text projection truncated to {MAX_TEXT} bytes.");
                content.warnings.push(warning);
            }
            None => {
                if is_text {
                    let warning = "UTF-8 text projection failed: the bytes are not UTF-8";
                    content.warnings.push(warning.to_owned());
                }
                content.binary(bytes);
                return content;
            }
        }
        content.content = to_raw_value(&content.text).ok();
        content
    }

    fn binary(&mut self, bytes: &[u8]) {
        let told = bytes.get(..MAX_BINARY).unwrap_or(bytes);
        if told.len() < bytes.len() {
            self.truncated = true;
            let warning = format!("#TRUNCATION: binary projection truncated to {MAX_BINARY} bytes before base64 encoding.");
            self.warnings.push(warning);
        }
        self.is_binary = true;
        self.base64 = STANDARD.encode(told);
        #[derive(Serialize)]
        struct Encoded<'a> {
            encoding: &'a str,
            data: &'a str,
        }
        let encoded = Encoded {
            encoding: "base64",
            data: &self.base64,
        };
        self.content = to_raw_value(&encoded).ok();
    }

    /// The node's outputs.
    fn told(&self, artifact: &Artifact) -> Result<Json, String> {
        #[derive(Serialize)]
        struct Outputs<'a> {
            artifact: FlowReference<'a>,
            artifact_ref: FlowReference<'a>,
            artifact_id: &'a str,
            content_type: String,
            content_family: &'a str,
            size_bytes: u64,
            filename: &'a str,
            source_path: &'a str,
            content: Option<&'a RawValue>,
            text: &'a str,
            json: Option<&'a RawValue>,
            binary_base64: &'a str,
            is_binary: bool,
            warnings: &'a [String],
            truncated: bool,
        }
        let content_type = Some(artifact.content_type.to_lowercase()).filter(|t| !t.is_empty());
        let outputs = Outputs {
            artifact: artifact.flow_reference(),
            artifact_ref: artifact.flow_reference(),
            artifact_id: &artifact.artifact_id,
            content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
            content_family: content_family(artifact),
            size_bytes: artifact.size,
            filename: artifact.filename().unwrap_or_default(),
            source_path: artifact.source_path().unwrap_or_default(),
            content: self.content.as_deref(),
            text: &self.text,
            json: self.json.as_deref(),
            binary_base64: &self.base64,
            is_binary: self.is_binary,
            warnings: &self.warnings,
            truncated: self.truncated,
        };
        to_raw_value(&outputs).map_err(|e| format!("read_artifact: {e}"))
    }
}

/// The family of the file that it was.
fn content_family(artifact: &Artifact) -> &'static str {
    let name = artifact.filename().or_else(|| artifact.source_path());
    family::of(name.unwrap_or(&artifact.artifact_id))
}

/// The text and, as the flow will read it, the value; on one line, as rows are.
fn json_of(bytes: &[u8]) -> Option<(String, Json)> {
    let text = std::str::from_utf8(bytes).ok()?;
    flow_rt::json::parse(text).ok()?;
    let line = text.trim().replace(['\n', '\r'], " ");
    Some((text.to_owned(), RawValue::from_string(line).ok()?))
}

/// The text, if it is UTF-8. Of a part the last character may be cut.
fn text_of(bytes: &[u8], whole: bool) -> Option<&str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if !whole && error.error_len().is_none() => std::str::from_utf8(&bytes[..error.valid_up_to()]).ok(),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::artifacts::{Meta, Owner};
    use crate::ids::TenantId;

    /// What a flow is told of these bytes.
    async fn read(name: &str, content_type: &str, bytes: impl Into<Bytes>) -> Value {
        let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
        tokio::spawn(service.run());
        let tags = [("filename".to_owned(), name.to_owned())].into();
        let meta = Meta {
            content_type: content_type.to_owned(),
            tags,
        };
        let store = Store::new(journal.clone());
        let kept = store
            .put(TenantId::LOCAL, Owner::Session("s"), bytes.into(), meta)
            .await
            .unwrap();
        let told = ask(&journal, json!({"artifact": kept.artifact_id})).await.unwrap();
        let by_reference = ask(
            &journal,
            json!({"artifact": {"$artifact": kept.artifact_id, "run_id": "session_memory_s"}}),
        )
        .await;
        assert_eq!(by_reference.unwrap(), told);
        told
    }

    async fn ask(journal: &journal::Handle, payload: Value) -> Result<Value, String> {
        let call = Call {
            tenant: TenantId::LOCAL,
            run_id: RunId::from("run"),
            session_id: None,
            host_vars: crate::journal::rows::empty_object(),
            node: "n".to_owned(),
            kind: "read_artifact".to_owned(),
            payload: to_raw_value(&payload).unwrap(),
            idempotency_key: String::new(),
            attempt: 1,
        };
        let told = ReadArtifact::new(journal, 1 << 20).call(call).await?;
        Ok(serde_json::from_str(told.get()).unwrap())
    }

    #[tokio::test]
    async fn json_is_parsed_and_its_numbers_stay() {
        let told = read("a.json", "application/json", "{\"n\":\n3.0}").await;
        assert_eq!((&told["json"], &told["content"]), (&json!({"n": 3.0}), &json!({"n": 3.0})));
        assert_eq!((&told["text"], &told["is_binary"]), (&json!("{\"n\":\n3.0}"), &json!(false)));
        assert_eq!((&told["content_family"], &told["warnings"]), (&json!("json"), &json!([])));
        let broken = read("a.json", "application/json", "{nope").await;
        assert_eq!((&broken["json"], &broken["content"]), (&Value::Null, &json!("{nope")));
        assert_eq!(broken["warnings"].as_array().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn text_is_told_whole_and_other_data_in_part() {
        let long = "x".repeat(MAX_TEXT + 1);
        let text = read("a.md", "text/markdown", long.clone()).await;
        assert_eq!((&text["text"], &text["truncated"]), (&json!(long), &json!(false)));
        let other = read("a", "application/x-thing", long.clone()).await;
        assert_eq!((&other["content"], &other["truncated"]), (&json!(long[1..]), &json!(true)));
    }

    #[tokio::test]
    async fn bytes_are_told_as_base64() {
        let told = read("a.png", "image/png", Bytes::from_static(&[0xff, 0, 1])).await;
        assert_eq!(told["content"], json!({"encoding": "base64", "data": "/wAB"}));
        assert_eq!((&told["binary_base64"], &told["is_binary"]), (&json!("/wAB"), &json!(true)));
        assert_eq!((&told["text"], &told["content_family"]), (&json!(""), &json!("image")));
        let long = read("a.bin", "application/octet-stream", vec![0xff; MAX_BINARY + 1]).await;
        assert_eq!(long["binary_base64"].as_str().unwrap().len(), MAX_BINARY.div_ceil(3) * 4);
        assert_eq!(long["truncated"], true);
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
        tokio::spawn(service.run());
        let missing = ask(&journal, json!({"artifact": {"$artifact": "x"}})).await;
        assert_eq!(missing.unwrap_err(), "Artifact not found: x");
        let nothing = ask(&journal, json!({"artifact": {}})).await;
        assert_eq!(nothing.unwrap_err(), "read_artifact requires an artifact input.");
    }
}
