//! Artifacts as records: how they are named, what they are, and how others refer to them. The rules are the reference's.

use indexmap::IndexMap;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::clock::Micros;
use crate::ids::{Digest, RunId};

/// What is said of an artifact, text by text, in the order in which it was said.
pub type Tags = IndexMap<String, String>;

/// What `kind` a snapshot of a workflow's document is.
pub const WORKFLOW_SNAPSHOT: &str = "workflow_snapshot";

/// What the run that owns a session's artifacts is a run of.
pub const SESSION_MEMORY: &str = "__session_memory__";

/// An artifact to be made. Its bytes are a blob already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// Whose it is.
    pub run_id: RunId,
    /// See [`artifact_id`].
    pub artifact_id: String,
    /// SHA-256 of the bytes.
    pub blob: Digest,
    /// Number of bytes.
    pub size: u64,
    pub content_type: String,
    pub tags: Tags,
}

impl NewArtifact {
    pub fn tag(&self, name: &str) -> Option<&str> {
        self.tags.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub fn kind(&self) -> Kind {
        Kind::of(&self.content_type, &self.tags)
    }
}

/// An artifact as it is stored.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub is: NewArtifact,
    pub created_at: Micros,
    pub access: Access,
}

impl std::ops::Deref for Artifact {
    type Target = NewArtifact;
    fn deref(&self) -> &NewArtifact {
        &self.is
    }
}

/// How often an artifact was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// In the order of [`Action::ALL`].
    pub counts: [u64; 4],
    pub last: Option<LastAccess>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAccess {
    pub at: Micros,
    pub action: Action,
    pub actor_id: Option<String>,
}

impl Access {
    pub fn count(&self, action: Action) -> u64 {
        self.counts[action as usize]
    }
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
    /// Counts one more look.
    pub fn note(&mut self, last: LastAccess) {
        self.counts[last.action as usize] += 1;
        self.last = Some(last);
    }
}

/// A way of looking at an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Metadata,
    Content,
    Preview,
    Download,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Metadata, Self::Content, Self::Preview, Self::Download];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Content => "content",
            Self::Preview => "preview",
            Self::Download => "download",
        }
    }
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// What an artifact is, as far as its content type and its tags tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    pub semantic: String,
    /// image, audio, video, code, json, markdown, html, text, document or binary.
    pub render: &'static str,
    pub modality: String,
    /// Where this is known from: `runtime_tags` or `runtime_mime_inferred`.
    pub source: &'static str,
}

impl Kind {
    pub fn of(content_type: &str, tags: &Tags) -> Self {
        let tag = |names: &[&str]| {
            let texts = names.iter().filter_map(|name| tags.get(*name));
            texts.map(|text| text.trim().to_lowercase()).find(|text| !text.is_empty())
        };
        let said = tag(&["semantic_kind", "artifact_type"]);
        let (modality, task) = (tag(&["modality"]), tag(&["task", "provider_task"]));
        let declared = said.is_some() || modality.is_some() || tag(&["task"]).is_some();
        let render = render_kind(content_type);
        let semantic = said.unwrap_or_else(|| semantic_kind(modality.as_deref(), task.as_deref(), tag(&["kind"]), render));
        let of_sound = matches!(semantic.as_str(), "voice" | "music" | "sound");
        let modality = modality.unwrap_or_else(|| if of_sound { semantic.clone() } else { render.to_owned() });
        Kind {
            semantic,
            render,
            modality,
            source: if declared { "runtime_tags" } else { "runtime_mime_inferred" },
        }
    }
}

fn semantic_kind(modality: Option<&str>, task: Option<&str>, kind: Option<String>, render: &str) -> String {
    let by_modality = modality.filter(|m| {
        matches!(
            *m,
            "voice" | "music" | "sound" | "image" | "video" | "text" | "document" | "code"
        )
    });
    let by_task = task.and_then(|task| match task {
        "code" | "coding" | "code_generation" | "script" | "program" => Some("code"),
        "tts" | "speech" | "speech_generation" => Some("voice"),
        "music" | "music_generation" | "text_to_music" => Some("music"),
        "stt" | "transcription" | "speech_to_text" => Some("transcript"),
        _ => None,
    });
    let kind = kind.as_deref();
    let by_kind = kind.and_then(|kind| match kind {
        "code" | "source_code" | "script" | "program" | "executable" => Some("code"),
        "attachment" | "evidence" | WORKFLOW_SNAPSHOT | "conversation_span" | "memory_note" => Some(kind),
        _ => None,
    });
    // Of code a kind says more than a task.
    let code = by_kind.filter(|kind| *kind == "code");
    by_modality.or(code).or(by_task).or(by_kind).unwrap_or(render).to_owned()
}

/// How something of this type is shown.
pub fn render_kind(content_type: &str) -> &'static str {
    let essence = essence(content_type);
    match essence.as_str() {
        "application/javascript"
        | "application/x-javascript"
        | "application/typescript"
        | "application/x-python-code"
        | "application/x-sh"
        | "application/x-shellscript"
        | "text/javascript"
        | "text/jsx"
        | "text/typescript"
        | "text/tsx"
        | "text/x-python"
        | "text/x-shellscript"
        | "text/x-script.python"
        | "text/x-go"
        | "text/x-rust"
        | "text/x-java-source"
        | "text/x-c"
        | "text/x-c++"
        | "text/x-csharp"
        | "text/x-php"
        | "text/x-ruby" => "code",
        "application/json" => "json",
        "text/markdown" | "text/x-markdown" => "markdown",
        _ if essence.starts_with("image/") => "image",
        _ if essence.starts_with("audio/") => "audio",
        _ if essence.starts_with("video/") => "video",
        _ if essence.ends_with("+json") => "json",
        _ if essence.contains("html") => "html",
        _ if essence.starts_with("text/") => "text",
        _ if essence.contains("pdf") || essence.contains("document") => "document",
        _ => "binary",
    }
}

/// A content type without its parameters, in small letters.
pub fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().to_lowercase()
}

/// The modality that a reference names for a type.
pub fn modality(content_type: &str) -> &'static str {
    match render_kind(content_type) {
        kind @ ("image" | "audio" | "video" | "document" | "binary") => kind,
        _ => "text",
    }
}

/// Whether `content_type` can be said in a header: `type/subtype` and parameters, in visible ASCII.
pub fn is_content_type(content_type: &str) -> bool {
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let halves = content_type.split(';').next().unwrap_or_default().trim().split_once('/');
    halves.is_some_and(|(a, b)| token(a) && token(b)) && content_type.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// How clients are told of an artifact.
#[derive(Debug, Clone, Serialize)]
pub struct Reference<'a> {
    #[serde(rename = "$artifact")]
    pub artifact: &'a str,
    pub artifact_id: &'a str,
    pub content_type: &'a str,
    pub modality: &'a str,
    pub run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path: Option<&'a str>,
    pub sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<&'a str>,
}

/// How a flow is told of an artifact by the nodes that make or read one.
#[derive(Debug, Clone, Serialize)]
pub struct FlowReference<'a> {
    #[serde(rename = "$artifact")]
    pub artifact: &'a str,
    pub artifact_id: &'a str,
    pub run_id: &'a str,
    pub content_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_path: Option<&'a str>,
    pub size_bytes: u64,
}

impl NewArtifact {
    pub fn filename(&self) -> Option<&str> {
        self.tag("filename")
    }

    /// Where it came from, as whoever brought it calls that.
    pub fn source_path(&self) -> Option<&str> {
        self.tag("path").or_else(|| self.tag("source_path"))
    }

    pub fn reference(&self) -> Reference<'_> {
        Reference {
            artifact: &self.artifact_id,
            artifact_id: &self.artifact_id,
            content_type: &self.content_type,
            modality: self.tag("modality").unwrap_or_else(|| modality(&self.content_type)),
            run_id: self.run_id.as_str(),
            filename: self.filename(),
            source_path: self.source_path(),
            sha256: self.blob.hex(),
            target: self.tag("target"),
        }
    }

    pub fn flow_reference(&self) -> FlowReference<'_> {
        FlowReference {
            artifact: &self.artifact_id,
            artifact_id: &self.artifact_id,
            run_id: self.run_id.as_str(),
            content_type: &self.content_type,
            modality: self.tag("modality"),
            filename: self.filename(),
            source_path: self.source_path(),
            size_bytes: self.size,
        }
    }
}

/// The id of an artifact of a run: the first 32 hex digits of SHA-256 over the run's name, NUL and the bytes.
pub fn artifact_id(run_id: &str, bytes: &[u8]) -> String {
    let mut hash = id_hash(run_id);
    hash.update(bytes);
    id_of(hash)
}

/// A hash to which the bytes are still to be given; then see [`id_of`].
pub fn id_hash(run_id: &str) -> Sha256 {
    Sha256::new_with_prefix(run_id).chain_update([0])
}

pub fn id_of(hash: Sha256) -> String {
    let digest = Digest(hash.finalize().into());
    digest.hex()[..32].to_owned()
}

/// Whether a text can be the name of an artifact.
pub fn is_artifact_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && is_plain(text)
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

const MEMORY: &str = "session_memory_";

/// The run that owns the artifacts of a session.
pub fn session_memory_run(session_id: &str) -> RunId {
    if !session_id.is_empty() && is_plain(session_id) {
        return RunId::from(format!("{MEMORY}{session_id}"));
    }
    RunId::from(format!("{MEMORY}sha_{}", &Digest::of(session_id.as_bytes()).hex()[..32]))
}

/// Whether a run's name is that of a session's memory.
pub fn is_session_memory(run_id: &str) -> bool {
    run_id.starts_with(MEMORY)
}

/// The session whose memory a run of this name would be, where the name says it.
pub fn session_of(run_id: &str) -> Option<&str> {
    run_id
        .strip_prefix(MEMORY)
        .filter(|session| !session.is_empty() && is_plain(session))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn an_id_is_of_the_run_and_the_bytes() {
        // From a recorded exchange with the reference.
        assert_eq!(
            artifact_id("session_memory_sess-1", b"hello attachment"),
            "10414e96ba2fdf6c4433e0e20280a624"
        );
        assert_ne!(artifact_id("a", b"x"), artifact_id("b", b"x"));
    }

    #[test]
    fn a_session_of_other_characters_has_a_hashed_owner() {
        assert_eq!(session_memory_run("sess-1").as_str(), "session_memory_sess-1");
        let hashed = session_memory_run("a/b c");
        assert_eq!(
            hashed.as_str(),
            format!("session_memory_sha_{}", &Digest::of(b"a/b c").hex()[..32])
        );
        assert_eq!(session_of("session_memory_sess-1"), Some("sess-1"));
        assert_eq!(session_of("run-1"), None);
        assert!(is_session_memory(hashed.as_str()));
    }

    #[test]
    fn what_an_artifact_is_follows_from_its_tags_and_then_its_type() {
        type Case = (&'static str, &'static [(&'static str, &'static str)], [&'static str; 4]);
        let cases: [Case; 9] = [
            (
                "text/plain",
                &[("kind", "attachment"), ("modality", "text")],
                ["text", "text", "text", "runtime_tags"],
            ),
            (
                "application/json",
                &[("kind", "workflow_snapshot")],
                ["workflow_snapshot", "json", "json", "runtime_mime_inferred"],
            ),
            (
                "audio/wav",
                &[("modality", "voice"), ("task", "tts")],
                ["voice", "audio", "voice", "runtime_tags"],
            ),
            (
                "audio/wav",
                &[("task", "music_generation")],
                ["music", "audio", "music", "runtime_tags"],
            ),
            (
                "text/x-python",
                &[("kind", "source_code")],
                ["code", "code", "code", "runtime_mime_inferred"],
            ),
            ("TEXT/HTML; charset=x", &[], ["html", "html", "html", "runtime_mime_inferred"]),
            (
                "application/pdf",
                &[("kind", "run_input")],
                ["document", "document", "document", "runtime_mime_inferred"],
            ),
            (
                "application/problem+json",
                &[("modality", "")],
                ["json", "json", "json", "runtime_mime_inferred"],
            ),
            (
                "x",
                &[("semantic_kind", "Report")],
                ["report", "binary", "binary", "runtime_tags"],
            ),
        ];
        for (content_type, given, wanted) in cases {
            let kind = Kind::of(content_type, &tags(given));
            assert_eq!(
                [&*kind.semantic, kind.render, &*kind.modality, kind.source],
                wanted,
                "{content_type} {given:?}"
            );
        }
    }

    #[test]
    fn a_content_type_must_fit_into_a_header() {
        for good in ["text/plain", "application/vnd.x+json; charset=utf-8", "image/svg+xml"] {
            assert!(is_content_type(good), "{good}");
        }
        for bad in [
            "",
            "text",
            "text/",
            "/x",
            "a b/c",
            "text/plain\r\nX: y",
            "text/plain; x=\u{e4}",
        ] {
            assert!(!is_content_type(bad), "{bad:?}");
        }
    }
}
