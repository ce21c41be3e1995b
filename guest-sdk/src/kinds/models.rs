//! Language models.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::effect::{As, Effect, Kind, parse};
use crate::kinds::users::plain;
use crate::request::Request;
use crate::{Json, null};

/// `llm_call`: asks a model; answers its text.
pub struct LlmCall(pub(crate) Params);

/// `llm_call` for a value of the author's type, by its JSON Schema.
pub struct Structured<T>(PhantomData<fn() -> T>);

/// The model's parameters as JSON, in a graph's order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    temperature: Option<String>,
    seed: Option<u64>,
    max_output_tokens: Option<u64>,
}

impl Params {
    fn json(&self) -> String {
        let mut json = format!("{{\"temperature\":{}", self.temperature.as_deref().unwrap_or("0.7"));
        for (name, value) in [("seed", self.seed), ("max_output_tokens", self.max_output_tokens)] {
            if let Some(value) = value {
                json.push_str(&format!(",\"{name}\":{value}"));
            }
        }
        json.push('}');
        json
    }
}

/// Everything that a model host tells.
#[derive(Debug, Clone, Deserialize)]
pub struct Reply {
    #[serde(default = "null")]
    pub content: Json,
    /// The parsed value of a structured answer.
    #[serde(default = "null")]
    pub data: Json,
    /// Calls of tools that the model wants made.
    #[serde(default)]
    pub tool_calls: Option<Vec<Json>>,
    #[serde(default)]
    pub usage: Option<Json>,
    #[serde(default)]
    pub model: Option<String>,
    #[serde(default)]
    pub provider: Option<String>,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

pub(crate) fn request(prompt: &str) -> Request {
    Request::framed("llm_call", "llm_call")
        .set("prompt", prompt)
        .set("system_prompt", "")
        .set_json("tools", "[]")
        .set_json("params", Params::default().json())
        .set_json("include_context", "false")
}

impl Effect<LlmCall> {
    pub fn system(self, text: &str) -> Self {
        self.set("system_prompt", text)
    }

    /// Both, or the host's defaults are used.
    pub fn model(self, provider: &str, model: &str) -> Self {
        self.set("provider", provider).set("model", model)
    }

    /// 0.7 without this.
    pub fn temperature(self, temperature: f64) -> Self {
        match serde_json::to_string(&temperature) {
            Ok(json) if json != "null" => self.param(|params| params.temperature = Some(json)),
            _ => self.edit(|request| request.because("the temperature is no number".to_owned())),
        }
    }

    pub fn seed(self, seed: u64) -> Self {
        self.param(|params| params.seed = Some(seed))
    }

    pub fn max_output_tokens(self, tokens: u64) -> Self {
        self.param(|params| params.max_output_tokens = Some(tokens))
    }

    /// Tools that the model may want called: `[{"name", "description", "parameters"}]`.
    pub fn tools(self, tools: &impl Serialize) -> Self {
        self.set("tools", tools)
    }

    /// A conversation instead of the prompt: `[{"role", "content"}]`.
    pub fn messages(self, messages: &impl Serialize) -> Self {
        self.set("messages", messages)
    }

    /// Everything that the model's host tells, not only the text.
    pub fn reply(self) -> Effect<As<Reply>> {
        self.read_as(As::new())
    }

    /// A value of type `T`: the model is given its JSON Schema.
    pub fn json<T: DeserializeOwned + JsonSchema>(self) -> Effect<Structured<T>> {
        let schema = crate::schema::of::<T>();
        self.set("response_schema", &schema)
            .set("response_schema_name", "LLM_StructuredOutput")
            .read_as(Structured(PhantomData))
    }

    fn param(mut self, change: impl FnOnce(&mut Params)) -> Self {
        let mut params = self.kind().0.clone();
        change(&mut params);
        self.kind_mut().0 = params.clone();
        self.edit(|request| request.set_json("params", params.json()))
    }
}

/// What of a reply is text or value.
#[derive(Deserialize)]
struct Text {
    #[serde(default = "null")]
    content: Json,
    #[serde(default = "null")]
    data: Json,
}

impl Kind for LlmCall {
    type Answer = String;

    fn read(&self, result: Option<&str>) -> Result<String, String> {
        let reply: Text = parse(result.unwrap_or("null"))?;
        Ok(match reply.data.get() {
            data if data.starts_with(['{', '[']) => data.to_owned(),
            _ => plain(if reply.content.get() == "null" {
                "\"\""
            } else {
                reply.content.get()
            }),
        })
    }
}

impl<T: DeserializeOwned> Kind for Structured<T> {
    type Answer = T;

    fn read(&self, result: Option<&str>) -> Result<T, String> {
        let reply: Text = parse(result.unwrap_or("null"))?;
        match reply.data.get() {
            // A host without structured answers gives the JSON as text.
            "null" => parse(&plain(reply.content.get())),
            data => parse(data),
        }
    }
}
