//! Effects that make or read images, video, sound and speech.

use super::{Category, EXEC_IN, EXEC_OUT, Lower, NodeType, PinSpec, pin};

const MEDIA: NodeType = NodeType {
    name: "",
    category: Category::Media,
    doc: "",
    inputs: &[],
    outputs: &[],
    config: &["effectConfig"],
    pure_without_pins: false,
    lower: Lower::Effect,
};

const IMAGE_OUT: &[PinSpec] = &[
    EXEC_OUT,
    pin("image_artifact", "artifact_image"),
    pin("artifact_ref", "artifact"),
    pin("artifact_id", "string"),
    pin("success", "boolean"),
    pin("meta", "object"),
    pin("raw", "object"),
];

const VIDEO_OUT: &[PinSpec] = &[
    EXEC_OUT,
    pin("video_artifact", "artifact_video"),
    pin("artifact_ref", "artifact"),
    pin("artifact_id", "string"),
    pin("success", "boolean"),
    pin("meta", "object"),
    pin("raw", "object"),
];

const EDIT_IMAGE: NodeType = NodeType {
    doc: "Changes an image as a text says, within a mask if one is given.",
    inputs: &[
        EXEC_IN,
        pin("prompt", "string"),
        pin("image_artifact", "artifact_image"),
        pin("mask_artifact", "artifact_image"),
        pin("image_provider", "provider"),
        pin("image_model", "model"),
        pin("size", "string"),
        pin("negative_prompt", "string"),
        pin("width", "number"),
        pin("height", "number"),
        pin("seed", "number"),
        pin("steps", "number"),
        pin("guidance_scale", "number"),
        pin("strength", "number"),
        pin("count", "number"),
        pin("extra", "object"),
    ],
    outputs: IMAGE_OUT,
    ..MEDIA
};

const UPSCALE_IMAGE: NodeType = NodeType {
    doc: "A larger version of an image.",
    inputs: &[
        EXEC_IN,
        pin("image_artifact", "artifact_image"),
        pin("image_provider", "provider"),
        pin("image_model", "model"),
        pin("scale", "number"),
        pin("resolution", "string"),
        pin("output_format", "string"),
        pin("softness", "number"),
        pin("seed", "number"),
        pin("extra", "object"),
    ],
    outputs: IMAGE_OUT,
    ..MEDIA
};

const TEXT_TO_VIDEO: NodeType = NodeType {
    doc: "A video of what a text describes.",
    inputs: &[
        EXEC_IN,
        pin("prompt", "string"),
        pin("video_provider", "provider"),
        pin("video_model", "model"),
        pin("width", "number"),
        pin("height", "number"),
        pin("frames", "number"),
        pin("fps", "number"),
        pin("seed", "number"),
        pin("steps", "number"),
        pin("guidance_scale", "number"),
        pin("flow_shift", "number"),
        pin("extra", "object"),
    ],
    outputs: VIDEO_OUT,
    ..MEDIA
};

pub(super) static TYPES: &[NodeType] = &[
    NodeType {
        name: "generate_image",
        doc: "An image of what a text describes.",
        inputs: &[
            EXEC_IN,
            pin("prompt", "string"),
            pin("image_provider", "provider"),
            pin("image_model", "model"),
            pin("size", "string"),
            pin("negative_prompt", "string"),
            pin("quality", "string"),
            pin("style", "string"),
            pin("width", "number"),
            pin("height", "number"),
            pin("seed", "number"),
            pin("steps", "number"),
            pin("guidance_scale", "number"),
            pin("count", "number"),
            pin("extra", "object"),
        ],
        outputs: IMAGE_OUT,
        ..MEDIA
    },
    NodeType {
        name: "edit_image",
        ..EDIT_IMAGE
    },
    NodeType {
        name: "image_to_image",
        doc: "Another name of edit_image.",
        ..EDIT_IMAGE
    },
    NodeType {
        name: "upscale_image",
        ..UPSCALE_IMAGE
    },
    NodeType {
        name: "image_upscale",
        doc: "Another name of upscale_image.",
        ..UPSCALE_IMAGE
    },
    NodeType {
        name: "generate_video",
        ..TEXT_TO_VIDEO
    },
    NodeType {
        name: "text_to_video",
        doc: "Another name of generate_video.",
        ..TEXT_TO_VIDEO
    },
    NodeType {
        name: "image_to_video",
        doc: "A video that begins with an image.",
        inputs: &[
            EXEC_IN,
            pin("prompt", "string"),
            pin("image_artifact", "artifact_image"),
            pin("video_provider", "provider"),
            pin("video_model", "model"),
            pin("width", "number"),
            pin("height", "number"),
            pin("frames", "number"),
            pin("fps", "number"),
            pin("seed", "number"),
            pin("steps", "number"),
            pin("guidance_scale", "number"),
            pin("flow_shift", "number"),
            pin("extra", "object"),
        ],
        outputs: VIDEO_OUT,
        ..MEDIA
    },
    NodeType {
        name: "generate_voice",
        doc: "Speech for a text.",
        inputs: &[
            EXEC_IN,
            pin("text", "string"),
            pin("tts_provider", "provider"),
            pin("tts_model", "model"),
            pin("voice", "string"),
            pin("profile", "string"),
            pin("instructions", "string"),
            pin("quality_preset", "string"),
            pin("speed", "number"),
            pin("format", "string"),
            pin("extra", "object"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("audio_artifact", "artifact_audio"),
            pin("artifact_ref", "artifact"),
            pin("artifact_id", "string"),
            pin("success", "boolean"),
            pin("meta", "object"),
            pin("raw", "object"),
        ],
        ..MEDIA
    },
    NodeType {
        name: "generate_music",
        doc: "Music for a description, with lyrics if wanted.",
        inputs: &[
            EXEC_IN,
            pin("prompt", "string"),
            pin("lyrics", "string"),
            pin("duration_s", "number"),
            pin("bpm", "number"),
            pin("seed", "number"),
            pin("instrumental", "boolean"),
            pin("enhance_prompt", "boolean"),
            pin("structure_prompt", "boolean"),
            pin("auto_lyrics", "boolean"),
            pin("planning", "boolean"),
            pin("negative_prompt", "string"),
            pin("keyscale", "string"),
            pin("timesignature", "string"),
            pin("composition_plan", "object"),
            pin("provider", "provider"),
            pin("model", "model"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("music_artifact", "artifact_audio"),
            pin("audio_artifact", "artifact_audio"),
            pin("artifact_ref", "artifact"),
            pin("artifact_id", "string"),
            pin("success", "boolean"),
            pin("meta", "object"),
            pin("raw", "object"),
        ],
        ..MEDIA
    },
    NodeType {
        name: "transcribe_audio",
        doc: "The text of recorded speech.",
        inputs: &[
            EXEC_IN,
            pin("audio_artifact", "artifact_audio"),
            pin("stt_provider", "provider"),
            pin("stt_model", "model"),
            pin("language", "string"),
            pin("prompt", "string"),
            pin("response_format", "string"),
            pin("temperature", "number"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("text", "string"),
            pin("transcript_artifact", "artifact_text"),
            pin("success", "boolean"),
            pin("meta", "object"),
            pin("raw", "object"),
        ],
        ..MEDIA
    },
    NodeType {
        name: "listen_voice",
        doc: "Waits until the user has spoken.",
        inputs: &[
            EXEC_IN,
            pin("wait_key", "string"),
            pin("prompt", "string"),
            pin("language", "string"),
            pin("max_duration_s", "number"),
        ],
        outputs: &[
            EXEC_OUT,
            pin("audio_artifact", "artifact_audio"),
            pin("artifact_ref", "artifact"),
            pin("artifact_id", "string"),
            pin("text", "string"),
        ],
        ..MEDIA
    },
];
