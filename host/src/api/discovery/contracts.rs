//! The document by which clients decide what to offer: every endpoint they may want, and whether it is here.
//!
//! An endpoint is here if the API's own description has it, and the description is held against the routes by a test. So nothing is said
//! here that is not so, and what is added is said without a change here.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::super::openapi::Api;
use crate::journal::CommandKind;

/// What is described, as `GET /path/{}`: parameters may be named differently.
pub struct Served(HashSet<String>);

fn shape(path: &str) -> String {
    let mut shape = String::new();
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        shape.push(c);
    }
    shape
}

impl Served {
    /// What this API serves.
    pub fn here() -> &'static Self {
        static HERE: LazyLock<Served> = LazyLock::new(|| {
            let api = Api::openapi();
            let described = api.paths.paths.iter().flat_map(|(path, item)| {
                let verbs = [
                    ("GET", item.get.is_some()),
                    ("POST", item.post.is_some()),
                    ("PUT", item.put.is_some()),
                    ("DELETE", item.delete.is_some()),
                ];
                let here = verbs.into_iter().filter(|(_, here)| *here);
                here.map(|(verb, _)| format!("{verb} {}", shape(path))).collect::<Vec<_>>()
            });
            Served(described.collect())
        });
        &HERE
    }

    fn has(&self, verb: &str, path: &str) -> bool {
        self.0.contains(&format!("{verb} {}", shape(&full(path))))
    }

    /// `{"available", "endpoint", "method"}`.
    fn endpoint(&self, verb: &str, path: &str) -> Value {
        json!({"available": self.has(verb, path), "endpoint": full(path), "method": verb})
    }

    fn get(&self, path: &str) -> Value {
        self.endpoint("GET", path)
    }

    fn post(&self, path: &str) -> Value {
        self.endpoint("POST", path)
    }

    /// The path of something that is read, or null.
    fn path(&self, path: &str) -> Value {
        if self.has("GET", path) {
            json!(full(path))
        } else {
            Value::Null
        }
    }
}

fn full(path: &str) -> String {
    format!("/api/gateway{path}")
}

/// `descriptor` with more members.
fn with(mut descriptor: Value, more: &[(&str, Value)]) -> Value {
    for (name, value) in more {
        descriptor[*name] = value.clone();
    }
    descriptor
}

fn absent(reason: &str) -> Value {
    json!({"available": false, "route_available": false, "reason": reason})
}

fn available(descriptor: &Value) -> bool {
    descriptor["available"] == true
}

/// Version 1 of the contracts that AbstractFlow, AbstractAssistant and AbstractCode look for.
pub fn contracts(served: &Served, max_upload_bytes: u64) -> Value {
    let runs = runs(served);
    let ledger = json!({
        "replay": served.get("/runs/{run_id}/ledger"),
        "batch": served.post("/runs/ledger/batch"),
        "stream": with(served.get("/runs/{run_id}/ledger/stream"), &[("transport", json!("sse"))]),
    });
    let artifacts = json!({
        "list": served.get("/runs/{run_id}/artifacts"),
        "search": served.get("/artifacts/search"),
        "stats": served.get("/artifacts/stats"),
        "session_list": served.get("/sessions/{session_id}/artifacts"),
        "metadata": served.get("/runs/{run_id}/artifacts/{artifact_id}"),
        "content": served.get("/runs/{run_id}/artifacts/{artifact_id}/content"),
        "import": served.post("/artifacts/import"),
        "export": served.post("/runs/{run_id}/artifacts/{artifact_id}/export"),
    });
    let attachments = json!({
        "upload": served.post("/attachments/upload"),
        "ingest": served.post("/attachments/ingest"),
        "max_upload_bytes": max_upload_bytes,
    });
    let workspace = json!({
        "policy_endpoint": served.path("/workspace/policy"),
        "list_files": served.get("/files/list"),
        "search_files": served.get("/files/search"),
        "read_file": served.get("/files/read"),
        "open_run_directory": served.post("/runs/{run_id}/workspace/open"),
    });
    let visualflows = json!({
        "crud": {
            "available": served.has("POST", "/visualflows") && served.has("PUT", "/visualflows/{flow_id}"),
            "collection_endpoint": full("/visualflows"),
            "item_endpoint": full("/visualflows/{flow_id}"),
        },
        "publish": served.post("/visualflows/{flow_id}/publish"),
    });
    let can_draw = available(&visualflows["crud"]) && available(&visualflows["publish"]);
    let can_run = available(&runs["start"]) && available(&runs["summary"]) && available(&ledger["replay"]);
    let no_models = absent("This host has no models");
    let media = json!({
        "generated_image": {"direct_endpoint": no_models, "workflow": no_models},
        "generated_voice": {"direct_endpoint": no_models, "workflow": no_models},
        "generated_music": {"direct_endpoint": no_models, "workflow": no_models},
        "generated_video": {"direct_endpoint": no_models, "workflow": no_models},
    });
    let voice = json!({"tts": no_models, "stt": no_models, "listen": no_models});
    let readiness = readiness(&[
        ("runs", &runs),
        ("ledger", &ledger),
        ("artifacts", &artifacts),
        ("visualflows", &visualflows),
    ]);
    json!({
        "version": 1,
        "common": {
            "runs": runs,
            "ledger": ledger,
            "artifacts": artifacts,
            "attachments": attachments,
            "workspace": workspace,
            "configuration": {"capability_defaults": absent("This host has no models to choose from")},
            "execution": {"code": code(served)},
            "discovery": discovery(served),
            "prompt_cache": no_models,
            "model_residency": no_models,
            "memory": absent("This host has no knowledge graph"),
            "readiness": readiness,
        },
        "flow_editor": {
            "available": can_draw,
            "version": 1,
            "visualflows": visualflows,
            "bundles": bundles(served),
            "workflow_catalog": absent("This host has no shared catalog"),
            "run_input_schema": with(served.get("/bundles/{bundle_id}/flows/{flow_id}/input_schema"), &[("version", json!(1))]),
            "runs": runs,
            "ledger": ledger,
            "artifacts": artifacts,
            "voice": voice,
            "media": media,
            "model_residency": no_models,
            "execution": {"code": code(served)},
        },
        "assistant": {
            "available": can_run,
            "version": 1,
            "runs": runs,
            "ledger": ledger,
            "artifacts": artifacts,
            "voice": voice,
            "media": media,
            "model_residency": no_models,
            "prompt_cache": no_models,
        },
        "abstractcode": {
            "available": can_run,
            "version": 1,
            "runs": runs,
            "ledger": ledger,
            "artifacts": artifacts,
            "workspace": workspace,
            "model_residency": no_models,
            "prompt_cache": no_models,
        },
    })
}

fn runs(served: &Served) -> Value {
    let types = CommandKind::ALL.map(CommandKind::as_str);
    json!({
        "start": served.post("/runs/start"),
        "schedule": served.post("/runs/schedule"),
        "summary": served.get("/runs/{run_id}"),
        "list": served.get("/runs"),
        "purge_drafts": served.post("/runs/purge_drafts"),
        "input_data": served.get("/runs/{run_id}/input_data"),
        "history_bundle": served.get("/runs/{run_id}/history_bundle"),
        // Taken as any command is, and refused in the run's ledger: it needs a model.
        "commands": with(
            served.post("/commands"),
            &[("types", json!(types)), ("refused_types", json!([CommandKind::CompactMemory.as_str()]))],
        ),
    })
}

fn bundles(served: &Served) -> Value {
    json!({
        "list": served.get("/bundles"),
        "inspect": served.get("/bundles/{bundle_id}"),
        "upload": served.post("/bundles/upload"),
        "reload": served.post("/bundles/reload"),
        "remove": served.endpoint("DELETE", "/bundles/{bundle_id}"),
        "deprecate": served.post("/bundles/{bundle_id}/deprecate"),
        "undeprecate": served.post("/bundles/{bundle_id}/undeprecate"),
        "flow": served.get("/bundles/{bundle_id}/flows/{flow_id}"),
    })
}

/// The Python of code nodes: compiled with its flow, and nowhere else to be run.
fn code(served: &Served) -> Value {
    json!({
        "contract": "code_execution_policy_v1",
        "version": 1,
        "available": true,
        "default_mode": "sandbox",
        "modes": [
            {"id": "sandbox", "label": "Sandbox", "available": true, "default": true, "safety": "webassembly",
             "description": "Python is compiled to WebAssembly and reaches nothing outside of its flow."},
            {"id": "full_access", "label": "Full access", "available": false,
             "disabled_reason": "This host runs no code outside of its sandbox."},
        ],
        "simulate": served.post("/visualflows/code/simulate"),
    })
}

fn discovery(served: &Served) -> Value {
    json!({
        "capabilities": served.path("/discovery/capabilities"),
        "providers": served.path("/discovery/providers"),
        "provider_models": served.path("/discovery/providers/{provider_name}/models"),
        "model_capabilities": served.path("/discovery/models/capabilities"),
        "tools": served.path("/discovery/tools"),
    })
}

/// For each surface, which of its endpoints are here.
fn readiness(surfaces: &[(&str, &Value)]) -> Value {
    let of = |surface: &Value| -> serde_json::Map<String, Value> {
        let endpoints = surface.as_object().into_iter().flatten();
        endpoints
            .map(|(name, endpoint)| (name.clone(), json!(available(endpoint))))
            .collect()
    };
    let surfaces: serde_json::Map<String, Value> = surfaces
        .iter()
        .map(|(name, surface)| ((*name).to_owned(), Value::Object(of(surface))))
        .collect();
    json!({"contract": "gateway_surface_readiness_v1", "version": 1, "truth_scope": "gateway_contract_surface", "surfaces": surfaces})
}
