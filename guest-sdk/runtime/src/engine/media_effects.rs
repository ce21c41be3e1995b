//! The media nodes. What is to be made is described by `output`; who makes it is named in there too, not beside it.

use super::effects::boolish;
use super::pins::{Pins, filled, float, put, text, whole};
use super::{Node, Run};
use crate::json;
use crate::py;
use crate::value::{Map, Value};

const SOURCE: [&str; 10] = [
    "image_artifact",
    "source_image",
    "sourceImage",
    "input_image",
    "inputImage",
    "image",
    "artifact",
    "file_path",
    "filePath",
    "source",
];
const MASK: [&str; 5] = ["mask_artifact", "mask_image", "maskImage", "image_mask", "mask"];

/// What a node asks for.
struct Order {
    prompt: String,
    output: Map,
    media: Option<Vec<Value>>,
}

type Built = Result<Order, String>;

impl Run {
    pub(super) fn generate_image(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "image_artifact", |pins| {
            image(pins, "image_generation", &["prompt"])
        })
    }

    pub(super) fn edit_image(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "image_artifact", |pins| {
            let mut order = image(pins, "image_edit", &["prompt", "text"])?;
            put(&mut order.output, "strength", float(&pins.set(&["strength"])));
            let items = [image_item(&pins.set(&SOURCE), "source"), image_item(&pins.set(&MASK), "mask")];
            order.media = Some(items.into_iter().flatten().collect());
            Ok(order)
        })
    }

    pub(super) fn upscale_image(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "image_artifact", upscale)
    }

    pub(super) fn text_to_video(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "video_artifact", |pins| video(pins, "text_to_video"))
    }

    pub(super) fn image_to_video(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "video_artifact", |pins| {
            let mut order = video(pins, "image_to_video")?;
            order.media = Some(image_item(&pins.set(&SOURCE), "source").into_iter().collect());
            Ok(order)
        })
    }

    pub(super) fn generate_voice(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "audio_artifact", |pins| {
            let mut order = order(pins, "voice", "tts", "wav", &["text", "prompt"])?;
            let output = &mut order.output;
            add_texts(output, pins, &["voice", "profile", "instructions"]);
            put(
                output,
                "quality_preset",
                text(&pins.set(&["quality_preset", "qualityPreset", "quality"])),
            );
            maker(
                output,
                pins,
                ["tts_provider", "ttsProvider", "provider_voice"],
                ["tts_model", "ttsModel", "model_voice"],
            );
            put(output, "speed", float(&pins.set(&["speed"])));
            Ok(order)
        })
    }

    pub(super) fn generate_music(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        self.make(node, frame, cfg, "music_artifact", music)
    }

    pub(super) fn transcribe_audio(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let mut output = Map::from_iter([
            ("modality".into(), Value::str("text")),
            ("task".into(), Value::str("transcription")),
        ]);
        add_texts(&mut output, &pins, &["language", "prompt", "response_format", "format"]);
        maker(
            &mut output,
            &pins,
            ["stt_provider", "sttProvider", "provider_voice"],
            ["stt_model", "sttModel", "model_voice"],
        );
        put(&mut output, "temperature", float(&pins.set(&["temperature"])));
        let prompt = output
            .get("prompt")
            .and_then(Value::as_str)
            .unwrap_or("Transcribe this audio.")
            .to_owned();
        let audio = pins.set(&["audio_artifact", "artifact", "audio"]);
        let item = match (text(&audio), audio.as_str()) {
            (Some(id), Some(given)) if !given.starts_with(['/', '~']) => Value::dict(Map::from_iter([
                ("$artifact".into(), id),
                ("type".into(), Value::str("audio")),
            ])),
            _ => audio,
        };
        let media = Some(item).filter(py::truthy).into_iter().collect();
        let beside = [
            ("text", Value::str("")),
            ("transcript_artifact", Value::Null),
            ("success", Value::Null),
        ];
        self.ask_for(
            node,
            Order {
                prompt,
                output,
                media: Some(media),
            },
            record(beside),
        )
    }

    pub(super) fn listen_voice(&mut self, node: Node, frame: u32, cfg: u32) -> i32 {
        let pins = self.pins(frame, cfg);
        let said = pins.set_text(&["prompt"], "Speak now.");
        let key = pins.set_text(&["wait_key", "event_key"], "voice_input");
        let (prompt, key) = match (said, key) {
            (Ok(prompt), Ok(key)) => (prompt, key),
            (Err(e), _) | (_, Err(e)) => return self.fail(e.to_string()),
        };
        let types = ["audio/wav", "audio/mpeg", "audio/webm"].map(Value::str);
        let mut details = record([
            ("input_mode", Value::str("voice")),
            ("content_types", Value::list(types.into())),
        ]);
        put(&mut details, "language", text(&pins.set(&["language"])));
        maker(
            &mut details,
            &pins,
            ["stt_provider", "sttProvider", "provider_voice"],
            ["stt_model", "sttModel", "model_voice"],
        );
        put(
            &mut details,
            "max_duration_s",
            float(&pins.set(&["max_duration_s", "maxDurationS"])),
        );
        let payload = record([
            ("wait_key", Value::str(key)),
            ("prompt", Value::str(prompt)),
            ("allow_free_text", Value::Bool(true)),
            ("details", Value::dict(details)),
        ]);
        self.request(
            node,
            "wait_event",
            payload,
            record([("audio_artifact", Value::Null), ("text", Value::str(""))]),
        )
    }

    fn make(&mut self, node: Node, frame: u32, cfg: u32, main: &str, build: impl FnOnce(&Pins) -> Built) -> i32 {
        let order = match build(&self.pins(frame, cfg)) {
            Ok(order) => order,
            Err(message) => return self.fail(message),
        };
        let null = || Value::Null;
        let mut beside = record([
            (main, null()),
            ("artifact_ref", null()),
            ("artifact_id", Value::str("")),
            ("success", null()),
        ]);
        if main == "music_artifact" {
            put(&mut beside, "audio_artifact", Value::Null);
        }
        self.ask_for(node, order, beside)
    }

    fn ask_for(&mut self, node: Node, order: Order, beside: Map) -> i32 {
        let mut payload = record([
            ("prompt", Value::str(order.prompt)),
            ("system_prompt", Value::str("")),
            ("tools", Value::list(Vec::new())),
            ("params", Value::dict(Map::default())),
        ]);
        put(&mut payload, "media", order.media.map(Value::list));
        put(&mut payload, "output", Value::dict(order.output));
        self.request(node, "llm_call", payload, beside)
    }
}

/// What all makers are told: the text, the kind of thing, its format, and what only the maker knows.
fn order(pins: &Pins, modality: &str, task: &str, format: &str, prompt: &[&str]) -> Built {
    let prompt = pins.set_text(prompt, "").map_err(|e| e.to_string())?;
    let given = pins
        .set_text(&["format", "response_format"], format)
        .map_err(|e| e.to_string())?;
    let given = py::chars::strip(&given).to_lowercase();
    let format = if given.is_empty() { format } else { &given };
    let mut output = record([
        ("modality", Value::str(modality)),
        ("task", Value::str(task)),
        ("format", Value::str(format)),
    ]);
    put(&mut output, "extra", filled(&pins.set(&["extra"])));
    Ok(Order {
        prompt,
        output,
        media: None,
    })
}

fn image(pins: &Pins, task: &str, prompt: &[&str]) -> Built {
    let mut order = order(pins, "image", task, "png", prompt)?;
    let output = &mut order.output;
    add_texts(output, pins, &["size", "negative_prompt", "quality", "style"]);
    add_whole(output, pins, &["width", "height", "seed", "steps"]);
    generation(output, pins);
    image_maker(output, pins);
    Ok(order)
}

fn upscale(pins: &Pins) -> Built {
    let mut order = order(pins, "image", "image_upscale", "png", &["prompt"])?;
    let output = &mut order.output;
    add_texts(output, pins, &["scale", "output_format"]);
    put(output, "resolution", resolution(&pins.set(&["resolution"])));
    add_whole(output, pins, &["seed", "quantize"]);
    put(output, "softness", float(&pins.set(&["softness"])));
    put(output, "vae_tiling", pins.switch(&["vae_tiling", "vaeTiling"], false));
    image_maker(output, pins);
    order.media = Some(image_item(&pins.set(&SOURCE), "source").into_iter().collect());
    Ok(order)
}

fn video(pins: &Pins, task: &str) -> Built {
    let mut order = order(pins, "video", task, "mp4", &["prompt", "text"])?;
    let output = &mut order.output;
    add_texts(output, pins, &["size", "negative_prompt"]);
    add_whole(output, pins, &["width", "height", "seed", "steps", "fps"]);
    put(output, "num_frames", whole(&pins.set(&["num_frames", "numFrames", "frames"])));
    generation(output, pins);
    put(output, "flow_shift", float(&pins.set(&["flow_shift", "flowShift"])));
    maker(
        output,
        pins,
        ["video_provider", "videoProvider", "provider_video"],
        ["video_model", "videoModel", "model_video"],
    );
    Ok(order)
}

fn music(pins: &Pins) -> Built {
    let mut order = order(pins, "music", "music_generation", "wav", &["prompt", "text"])?;
    let output = &mut order.output;
    add_texts(
        output,
        pins,
        &[
            "lyrics",
            "text_planner_mode",
            "vocal_language",
            "negative_prompt",
            "keyscale",
            "timesignature",
        ],
    );
    put(
        output,
        "duration_s",
        float(&pins.set(&["duration_s", "duration", "durationS"])),
    );
    put(output, "bpm", float(&pins.set(&["bpm"])));
    put(output, "seed", whole(&pins.set(&["seed"])));
    put(output, "sample_rate", whole(&pins.set(&["sample_rate", "sampleRate"])));
    put(
        output,
        "num_inference_steps",
        whole(&pins.set(&["num_inference_steps", "numInferenceSteps"])),
    );
    put(
        output,
        "guidance_scale",
        float(&pins.set(&["guidance_scale", "guidanceScale"])),
    );
    for key in [
        "instrumental",
        "enhance_prompt",
        "structure_prompt",
        "auto_lyrics",
        "planning",
    ] {
        let value = Some(pins.set(&[key])).filter(|v| !v.is_null());
        put(output, key, value.map(|v| Value::Bool(boolish(&v))));
    }
    maker(
        output,
        pins,
        ["music_provider", "musicProvider", "provider_music"],
        ["music_model", "musicModel", "model_music"],
    );
    if text(&pins.set(&["music_backend", "musicBackend", "backend_music"])).is_some() {
        return Err("generate_music chooses its backend by music_provider; music_backend is not supported".to_owned());
    }
    for key in ["composition_plan", "positive_styles", "negative_styles"] {
        let value = pins.set(&[key]);
        put(
            output,
            key,
            Some(value).filter(|v| matches!(v, Value::Dict(_) | Value::List(_)) && py::truthy(v)),
        );
    }
    Ok(order)
}

/// How images and videos are generated.
fn generation(output: &mut Map, pins: &Pins) {
    put(
        output,
        "guidance_scale",
        float(&pins.set(&["guidance_scale", "guidanceScale"])),
    );
    put(
        output,
        "guidance_2",
        float(&pins.set(&["guidance_2", "guidance2", "guidanceTwo"])),
    );
    let count = whole(&pins.set(&["count", "n"]));
    put(output, "count", count.filter(|n| !matches!(n, Value::Int(n) if *n < 1)));
    put(output, "seeds", seeds(&pins.set(&["seeds"])));
    put(
        output,
        "lora_adapters",
        adapters(&pins.set(&["lora_adapters", "loraAdapters"])),
    );
}

fn image_maker(output: &mut Map, pins: &Pins) {
    maker(
        output,
        pins,
        ["image_provider", "imageProvider", "provider_image"],
        ["image_model", "imageModel", "model_image"],
    );
}

fn maker(output: &mut Map, pins: &Pins, provider: [&str; 3], model: [&str; 3]) {
    put(output, "provider", text(&pins.set(&provider)));
    put(output, "model", text(&pins.set(&model)));
}

fn add_texts(output: &mut Map, pins: &Pins, keys: &[&str]) {
    keys.iter().for_each(|key| put(output, key, text(&pins.set(&[key]))));
}

fn add_whole(output: &mut Map, pins: &Pins, keys: &[&str]) {
    keys.iter().for_each(|key| put(output, key, whole(&pins.set(&[key]))));
}

/// A list of whole numbers, from JSON or from text with commas.
fn seeds(value: &Value) -> Option<Value> {
    let parsed = match text(value) {
        Some(Value::Str(given)) => match json::parse(&given) {
            Ok(parsed) => parsed,
            Err(_) => Value::list(given.split(',').map(|part| Value::str(py::chars::strip(part))).collect()),
        },
        _ => value.clone(),
    };
    let items = parsed.as_list()?.borrow();
    let seeds: Option<Vec<Value>> = items.iter().map(whole).collect();
    seeds.filter(|s| !s.is_empty()).map(Value::list)
}

fn adapters(value: &Value) -> Option<Value> {
    let parsed = match value {
        Value::Str(given) => json::parse(py::chars::strip(given)).ok()?,
        other => other.clone(),
    };
    let found: Vec<Value> = match &parsed {
        Value::List(items) => items.borrow().iter().filter_map(filled).collect(),
        one => filled(one).into_iter().collect(),
    };
    (!found.is_empty()).then(|| Value::list(found))
}

/// A factor such as `2x`, as it is written, or a number of pixels.
fn resolution(value: &Value) -> Option<Value> {
    if let Some(Value::Str(given)) = text(value)
        && let Some(factor) = given.strip_suffix(['x', 'X'])
    {
        return py::parse_float(factor)
            .filter(|f| *f > 0.0)
            .map(|_| Value::Str(given.clone()));
    }
    whole(value).filter(|n| !matches!(n, Value::Int(n) if *n <= 0))
}

/// An image that is worked on: a reference as it is, or one made from text.
fn image_item(value: &Value, role: &str) -> Option<Value> {
    if let Value::Dict(given) = value {
        let item = given.shallow_copy();
        if item.get("type").is_none() {
            item.set("type", Value::str("image"));
        }
        if ["role", "purpose", "kind"].iter().all(|key| item.get(key).is_none()) {
            item.set("role", Value::str(role));
        }
        return Some(Value::Dict(item));
    }
    let reference = text(value)?;
    let at = reference.as_str().unwrap_or_default();
    let key = if at.to_lowercase().starts_with("data:") || at.starts_with("http://") || at.starts_with("https://") {
        "url"
    } else if at.starts_with(['/', '~']) {
        "file_path"
    } else {
        "$artifact"
    };
    Some(Value::dict(record([
        ("type", Value::str("image")),
        ("role", Value::str(role)),
        (key, reference.clone()),
    ])))
}

fn record<const N: usize>(entries: [(&str, Value); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect()
}
