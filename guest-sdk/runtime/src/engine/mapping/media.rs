//! What media nodes show of their results.

use super::keep;
use super::model::{content, first_artifact};
use crate::engine::pins::{put, text};
use crate::py;
use crate::value::{Dict, Map, Value};

/// The kind of thing that nodes of a type make and the pin that shows it; none for types that make nothing.
pub(super) fn made(kind: &str) -> Option<(&'static str, &'static str)> {
    match kind {
        "generate_image" | "edit_image" | "image_to_image" | "upscale_image" | "image_upscale" => {
            Some(("image", "image_artifact"))
        }
        "generate_video" | "text_to_video" | "image_to_video" => Some(("video", "video_artifact")),
        "generate_voice" => Some(("voice", "audio_artifact")),
        "generate_music" => Some(("music", "music_artifact")),
        _ => None,
    }
}

pub(super) fn map(raw: &Dict, kind: &str, (modality, main): (&str, &str), record: &mut Map) -> Value {
    let object = |key: &str| raw.get(key).filter(|v| matches!(v, Value::Dict(_)));
    record.insert(
        "outputs".into(),
        object("outputs").unwrap_or_else(|| Value::dict(Map::default())),
    );
    put(record, "resources", object("resources"));
    let found = first_artifact(raw);
    record.insert("success".into(), Value::Bool(found.is_some()));
    let mut shown = Value::Null;
    if let Some((id, reference)) = found {
        let content_type = reference.as_dict().and_then(|r| text(&r.get("content_type")?));
        put(record, "content_type", content_type);
        record.insert("artifact_id".into(), id);
        record.insert("artifact_ref".into(), reference.clone());
        if kind == "generate_music" {
            record.insert("audio_artifact".into(), reference.clone());
        }
        shown = keep(record, main, reference);
    }
    let mut meta = meta(kind, modality);
    for key in ["provider", "model"] {
        put(&mut meta, key, raw.get(key).filter(|v| !v.is_null()));
    }
    record.insert("meta".into(), Value::dict(meta));
    record.insert("raw".into(), Value::Dict(raw.clone()));
    shown
}

pub(super) fn transcript(raw: &Dict, record: &mut Map) -> Value {
    let inner = raw.get("text").and_then(|t| t.as_dict()?.get("content"));
    let said = inner.map(|c| content(&c)).filter(|said| !said.is_empty());
    let said = said.unwrap_or_else(|| content(&raw.get("content").unwrap_or_default()));
    if let Some((id, reference)) = first_artifact(raw) {
        record.insert("artifact_id".into(), id);
        record.insert("artifact_ref".into(), reference.clone());
        record.insert("transcript_artifact".into(), reference);
    }
    let mut meta = meta("transcribe_audio", "text");
    put(&mut meta, "task", Value::str("transcription"));
    record.insert("success".into(), Value::Bool(true));
    record.insert("meta".into(), Value::dict(meta));
    record.insert("raw".into(), Value::Dict(raw.clone()));
    keep(record, "text", Value::str(said))
}

pub(super) fn heard(raw: &Value, record: &mut Map) -> Value {
    let Value::Dict(object) = raw else {
        return keep(record, "event_data", raw.clone());
    };
    super::merge(record, Some(object));
    let audio = ["audio_artifact", "artifact", "artifact_ref"];
    let audio = audio.iter().find_map(|key| object.get(key).filter(py::truthy));
    if let Some(Value::Dict(audio)) = audio {
        record.insert("audio_artifact".into(), Value::Dict(audio.clone()));
        record.insert("artifact_ref".into(), Value::Dict(audio.clone()));
        let id = ["$artifact", "artifact_id"]
            .iter()
            .find_map(|key| audio.get(key).filter(py::truthy));
        put(record, "artifact_id", id.and_then(|id| text(&id)));
    }
    record
        .get("audio_artifact")
        .filter(|a| py::truthy(a))
        .cloned()
        .unwrap_or_else(|| raw.clone())
}

fn meta(kind: &str, modality: &str) -> Map {
    Map::from_iter([
        ("schema".into(), Value::str(format!("abstractflow.{kind}.v1.meta"))),
        ("version".into(), Value::Int(1)),
        ("modality".into(), Value::str(modality)),
    ])
}
