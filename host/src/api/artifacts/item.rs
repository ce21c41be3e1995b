//! The shapes in which an artifact is shown: as metadata of one, as an item of a list, and as the envelope that both carry. They say
//! the same in the words of several generations of clients.

use indexmap::IndexMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::record::artifact::{Action, Artifact, Reference, Tags};

/// `{}`: what this host has nothing to say about.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Nothing {}

/// What an artifact is and where it comes from.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactDescriptor)]
pub struct Descriptor<'a> {
    schema: &'static str,
    schema_version: u32,
    semantic_kind: String,
    render_kind: &'static str,
    modality: String,
    task: String,
    classification_source: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    producer: Nothing,
    provenance: Provenance<'a>,
    generation: Nothing,
    media: Nothing,
    source_refs: Vec<Nothing>,
    links: Nothing,
    security: Nothing,
    actions: Nothing,
}

/// Where in a workflow an artifact comes from, as its tags say.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactOrigin)]
struct Origin<'a> {
    session_id: Option<&'a str>,
    workflow_id: Option<&'a str>,
    node_id: Option<&'a str>,
    step_id: Option<&'a str>,
    effect_id: Option<&'a str>,
    turn_id: Option<&'a str>,
    ledger_cursor: Option<&'a str>,
    parent_run_id: Option<&'a str>,
    actor_id: Option<&'a str>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactProvenance)]
struct Provenance<'a> {
    run_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
}

/// How often it was looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactAccess)]
struct Access<'a> {
    access_count: u64,
    metadata_access_count: u64,
    content_access_count: u64,
    preview_count: u64,
    download_count: u64,
    last_accessed_at: Option<String>,
    last_action: Option<&'static str>,
    last_actor_id: Option<&'a str>,
    last_session_id: Option<&'a str>,
    last_run_id: Option<&'a str>,
    #[schema(value_type = Object)]
    actions: IndexMap<&'static str, u64>,
}

/// Where to go from here.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactLinks)]
struct Links {
    detail: String,
    content: String,
    preview: String,
    download: String,
    run_artifacts: String,
    ledger: String,
    history_bundle: String,
    run: String,
    observe_route: String,
}

/// What the item and the envelope both say.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactFacts)]
struct Facts<'a> {
    artifact_id: &'a str,
    run_id: &'a str,
    content_type: &'a str,
    size_bytes: u64,
    created_at: String,
    #[schema(value_type = Object)]
    tags: &'a Tags,
    filename: Option<&'a str>,
    source_path: Option<&'a str>,
    sha256: String,
    semantic_kind: String,
    render_kind: &'static str,
    modality: String,
    classification_source: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    title: String,
    media: Nothing,
    generation: Nothing,
    producer: Nothing,
    provenance: Provenance<'a>,
    source_refs: Vec<Nothing>,
    access: Access<'a>,
    links: Links,
    available_actions: Vec<&'static str>,
    provider_trace_available: bool,
    audit_available: bool,
    legacy_inferred: bool,
    descriptor: Descriptor<'a>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactEnvelope)]
pub struct Envelope<'a> {
    schema: &'static str,
    schema_version: u32,
    #[serde(flatten)]
    facts: Facts<'a>,
    task: String,
    actions: Actions,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactActions)]
struct Actions {
    preview: bool,
    download: bool,
    open_run: bool,
    open_ledger: bool,
    open_provider_trace: bool,
}

/// An artifact in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactItem)]
pub struct Item<'a> {
    #[serde(flatten)]
    facts: Facts<'a>,
    task: Option<String>,
    #[serde(rename = "ref")]
    #[schema(value_type = Object)]
    reference: Reference<'a>,
    raw_metadata: Nothing,
    artifact_envelope_v1: Envelope<'a>,
}

/// One artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = ArtifactMetadata)]
pub struct Metadata<'a> {
    artifact_id: &'a str,
    blob_id: String,
    content_type: &'a str,
    size_bytes: u64,
    created_at: String,
    run_id: &'a str,
    #[schema(value_type = Object)]
    tags: &'a Tags,
    metadata: Nothing,
    descriptor: Descriptor<'a>,
    access: Access<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_envelope_v1: Option<Envelope<'a>>,
}

impl<'a> Origin<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let tag = |names: &[&str]| names.iter().find_map(|name| artifact.tag(name));
        Origin {
            session_id: tag(&["session_id"]),
            workflow_id: tag(&["workflow_id", "workflow"]),
            node_id: tag(&["node_id", "node"]),
            step_id: tag(&["step_id"]),
            effect_id: tag(&["effect_id", "effect_idempotency_key"]),
            turn_id: tag(&["turn_id", "turn"]),
            ledger_cursor: tag(&["ledger_cursor", "step_cursor"]),
            parent_run_id: tag(&["parent_run_id"]),
            actor_id: tag(&["actor_id"]),
        }
    }
}

impl<'a> Provenance<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        Provenance {
            run_id: artifact.run_id.as_str(),
            source: artifact.tag("source"),
        }
    }
}

impl<'a> Access<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let access = &artifact.access;
        let last = access.last.as_ref();
        let looked = Action::ALL.into_iter().filter(|action| access.count(*action) > 0);
        Access {
            access_count: access.total(),
            metadata_access_count: access.count(Action::Metadata),
            content_access_count: access.count(Action::Content),
            preview_count: access.count(Action::Preview),
            download_count: access.count(Action::Download),
            last_accessed_at: last.map(|last| last.at.iso()),
            last_action: last.map(|last| last.action.as_str()),
            last_actor_id: last.and_then(|last| last.actor_id.as_deref()),
            last_session_id: last.and_then(|_| artifact.tag("session_id")),
            last_run_id: last.map(|_| artifact.run_id.as_str()),
            actions: looked.map(|action| (action.as_str(), access.count(action))).collect(),
        }
    }
}

fn task(artifact: &Artifact) -> String {
    let task = artifact.tag("task").or_else(|| artifact.tag("provider_task"));
    task.unwrap_or_default().to_lowercase()
}

impl<'a> Descriptor<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let kind = artifact.kind();
        Descriptor {
            schema: "abstractruntime.artifact_descriptor.v1",
            schema_version: 1,
            semantic_kind: kind.semantic,
            render_kind: kind.render,
            modality: kind.modality,
            task: task(artifact),
            classification_source: kind.source,
            origin: Origin::of(artifact),
            producer: Nothing {},
            provenance: Provenance::of(artifact),
            generation: Nothing {},
            media: Nothing {},
            source_refs: Vec::new(),
            links: Nothing {},
            security: Nothing {},
            actions: Nothing {},
        }
    }
}

impl Links {
    fn of(artifact: &Artifact) -> Self {
        // Both are plain: run ids that are not are percent-encoded.
        let run = format!("/api/gateway/runs/{}", segment(artifact.run_id.as_str()));
        let detail = format!("{run}/artifacts/{}", artifact.artifact_id);
        let content = format!("{detail}/content");
        Links {
            preview: format!("{content}?access=preview"),
            download: format!("{content}?access=download"),
            content,
            run_artifacts: format!("{run}/artifacts"),
            ledger: format!("{run}/ledger"),
            history_bundle: format!("{run}/history_bundle"),
            observe_route: format!("#/observe/{}", segment(artifact.run_id.as_str())),
            run,
            detail,
        }
    }
}

/// A text as one segment of a path, or a value of a header: everything but letters, digits and `-._~` as `%XX`.
pub fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().fold(String::with_capacity(text.len()), |mut out, b| {
        if plain(b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

/// The file's name, or what it is and the start of its id.
fn title(artifact: &Artifact, semantic_kind: &str) -> String {
    if let Some(name) = artifact.filename() {
        return name.to_owned();
    }
    let words = semantic_kind.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        first + letters.as_str()
    });
    let words: Vec<String> = words.collect();
    format!(
        "{} {}",
        words.join(" "),
        artifact.artifact_id.get(..12).unwrap_or(&artifact.artifact_id)
    )
}

impl<'a> Facts<'a> {
    fn of(artifact: &'a Artifact) -> Self {
        let descriptor = Descriptor::of(artifact);
        let mut available_actions = vec!["preview", "download", "open_run", "open_ledger"];
        if descriptor.render_kind == "binary" {
            available_actions.remove(0);
        }
        Facts {
            artifact_id: &artifact.artifact_id,
            run_id: artifact.run_id.as_str(),
            content_type: &artifact.content_type,
            size_bytes: artifact.size,
            created_at: artifact.created_at.iso(),
            tags: &artifact.tags,
            filename: artifact.filename(),
            source_path: artifact.source_path(),
            sha256: artifact.blob.hex(),
            semantic_kind: descriptor.semantic_kind.clone(),
            render_kind: descriptor.render_kind,
            modality: descriptor.modality.clone(),
            classification_source: descriptor.classification_source,
            origin: Origin::of(artifact),
            title: title(artifact, &descriptor.semantic_kind),
            media: Nothing {},
            generation: Nothing {},
            producer: Nothing {},
            provenance: Provenance::of(artifact),
            source_refs: Vec::new(),
            access: Access::of(artifact),
            links: Links::of(artifact),
            available_actions,
            provider_trace_available: false,
            audit_available: false,
            // Nobody declares what an artifact is in more words than its tags.
            legacy_inferred: true,
            descriptor,
        }
    }
}

impl<'a> Envelope<'a> {
    pub fn of(artifact: &'a Artifact) -> Self {
        let facts = Facts::of(artifact);
        Envelope {
            schema: "abstractgateway.artifact_envelope.v1",
            schema_version: 1,
            task: task(artifact),
            actions: Actions {
                preview: facts.available_actions.contains(&"preview"),
                download: true,
                open_run: true,
                open_ledger: true,
                open_provider_trace: false,
            },
            facts,
        }
    }
}

impl<'a> Item<'a> {
    pub fn of(artifact: &'a Artifact) -> Self {
        let envelope = Envelope::of(artifact);
        Item {
            facts: envelope.facts.clone(),
            task: Some(task(artifact)).filter(|task| !task.is_empty()),
            reference: artifact.reference(),
            raw_metadata: Nothing {},
            artifact_envelope_v1: envelope,
        }
    }
}

impl<'a> Metadata<'a> {
    /// As the answer to whoever has made an artifact shows it.
    pub fn of(artifact: &'a Artifact) -> Self {
        Metadata {
            artifact_id: &artifact.artifact_id,
            blob_id: artifact.blob.hex(),
            content_type: &artifact.content_type,
            size_bytes: artifact.size,
            created_at: artifact.created_at.iso(),
            run_id: artifact.run_id.as_str(),
            tags: &artifact.tags,
            metadata: Nothing {},
            descriptor: Descriptor::of(artifact),
            access: Access::of(artifact),
            artifact_envelope_v1: None,
        }
    }

    pub fn with_envelope(artifact: &'a Artifact) -> Self {
        Metadata {
            artifact_envelope_v1: Some(Envelope::of(artifact)),
            ..Self::of(artifact)
        }
    }
}
