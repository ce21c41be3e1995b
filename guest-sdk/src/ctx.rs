//! What a flow has in its hands: the effects it may ask for, and what it is told of the world.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::effect::{As, Effect, Nothing};
use crate::kinds::children::Child;
use crate::kinds::events::{EmitEvent, Scope, WaitEvent};
use crate::kinds::files::{Artifact, ImportFile, ListFolder, ReadArtifact, ReadFile, Written};
use crate::kinds::models::{self, LlmCall, Params};
use crate::kinds::tools::{CallTool, ToolCall, ToolCalls};
use crate::kinds::users::AskUser;
use crate::request::Request;
use crate::run::Shared;
use crate::time::{Duration, Timestamp};
use crate::{Json, console, raw};

/// A flow's only way to the world. Cheap to clone; all clones are the same run's.
#[derive(Clone)]
pub struct Ctx(pub(crate) Shared);

/// What the flow is told. All of it is recorded, so a replay is told the same.
impl Ctx {
    /// The host's time when this tick began. It stands still until the next outcome comes.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.borrow().around.now_us)
    }

    /// 64 bits that look random, by the seed that the host gave for this tick. Not for secrets.
    pub fn random(&self) -> u64 {
        self.0.borrow_mut().random.next()
    }

    /// From 0 up to and without 1.
    pub fn random_unit(&self) -> f64 {
        // The 53 bits that a double holds.
        (self.random() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn run_id(&self) -> String {
        self.0.borrow().around.run_id.clone()
    }

    /// `bundle@version:flow`.
    pub fn workflow_id(&self) -> String {
        self.0.borrow().around.workflow_id.clone()
    }

    pub fn session_id(&self) -> Option<String> {
        self.0.borrow().around.session_id.clone()
    }

    pub fn parent_run_id(&self) -> Option<String> {
        self.0.borrow().around.parent_run_id.clone()
    }

    /// A variable of the run that belongs to the host (`workspace_root`, `_limits` …); none when it is not there or no `T`.
    pub fn host_var<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let run = self.0.borrow();
        let vars: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(&run.around.host_vars).ok()?;
        serde_json::from_str(vars.get(name)?.get()).ok()
    }

    /// A line for the run's log. It is no part of the run's state and not in the ledger.
    pub fn log(&self, text: impl Into<String>) {
        console::log(text.into());
    }

    /// The number of times this was asked with the same text in this run, from 1: a name for something that the flow makes.
    pub fn count(&self, what: &str) -> u64 {
        self.0.borrow_mut().count(&format!("count:{what}"))
    }

    /// `work`, or none when it is not done in `limit`. What it still waited for then is abandoned.
    pub async fn timeout<F: Future>(&self, limit: impl Into<Duration>, work: F) -> Option<F::Output> {
        let mut work = std::pin::pin!(work);
        let mut sleep = self.sleep(limit);
        std::future::poll_fn(|context| {
            if let std::task::Poll::Ready(done) = work.as_mut().poll(context) {
                return std::task::Poll::Ready(Some(done));
            }
            std::pin::Pin::new(&mut sleep).poll(context).map(|_| None)
        })
        .await
    }
}

/// People and events.
impl Ctx {
    /// Says something to the user (`answer_user`).
    pub fn answer_user(&self, message: &str) -> Effect<Nothing> {
        let request = Request::framed("answer_user", "answer_user")
            .set("message", message)
            .set("level", "message");
        self.effect_of(request, Nothing)
    }

    /// Asks the user and waits for the answer (`ask_user`).
    pub fn ask_user(&self, prompt: &str) -> Effect<AskUser> {
        let request = Request::framed("ask_user", "ask_user")
            .set("prompt", prompt)
            .set_json("choices", "[]")
            .set_json("allow_free_text", "true");
        self.effect_of(request, AskUser)
    }

    /// Waits for an event of this name (`wait_event`). An event that comes while nobody waits is lost.
    pub fn wait_event(&self, name: &str) -> Effect<WaitEvent> {
        let request = Request::framed("wait_event", "wait_event")
            .set("scope", &Scope::Session)
            .set("name", name)
            .set_json("allow_free_text", "true");
        self.effect_of(request, WaitEvent)
    }

    /// Waits on a key as it is (`wait_event`), as a graph's node of that type does.
    pub fn wait_key(&self, key: &str) -> Effect<WaitEvent> {
        let request = Request::framed("wait_event", "wait_event")
            .set("wait_key", key)
            .set_json("allow_free_text", "true");
        self.effect_of(request, WaitEvent)
    }

    /// Tells whoever waits for an event of this name (`emit_event`). A payload that is no object arrives as `{"value": …}`.
    pub fn emit_event(&self, name: &str, payload: &(impl Serialize + ?Sized)) -> Effect<EmitEvent> {
        let request = Request::plain("emit_event", "emit_event")
            .set("scope", &Scope::Session)
            .set("name", name);
        let request = match raw(payload) {
            Ok(json) if json.get().starts_with('{') => request.set_json("payload", json.get()),
            Ok(json) if json.get() == "null" => request.set_json("payload", "{}"),
            Ok(json) => request.set_json("payload", format!("{{\"value\":{}}}", json.get())),
            Err(error) => request.because(format!("payload: {error}")),
        };
        self.effect_of(request.set_json("event_id", "null").set_json("max_steps", "0"), EmitEvent)
    }
}

/// Time.
impl Ctx {
    /// Waits so long (`wait_until`). A length that is not positive is over at once.
    pub fn sleep(&self, length: impl Into<Duration>) -> Effect<Nothing> {
        self.wait("sleep", self.now() + length.into())
    }

    /// Waits until then (`wait_until`).
    pub fn wait_until(&self, at: Timestamp) -> Effect<Nothing> {
        self.wait("wait_until", at)
    }

    fn wait(&self, call: &str, at: Timestamp) -> Effect<Nothing> {
        self.effect_of(Request::framed(call, "wait_until").set("until", &at), Nothing)
    }
}

/// Children, models, tools, files, and whatever else a host knows.
impl Ctx {
    /// Starts a child run and waits for it (`start_subworkflow`). A name without a bundle is a flow of this flow's own bundle.
    pub fn child<T: DeserializeOwned>(&self, workflow: &str, input: &impl Serialize) -> Effect<Child<T>> {
        let own = self.workflow_id();
        let workflow = match own.rsplit_once(':') {
            Some((bundle, _)) if !workflow.contains(':') => format!("{bundle}:{workflow}"),
            _ => workflow.to_owned(),
        };
        let request = Request::framed("child", "start_subworkflow")
            .set("workflow_id", &workflow)
            .set("vars", input)
            .set_json("async", "true")
            .set_json("wait", "true");
        self.effect_of(request, Child::new())
    }

    /// Asks a language model (`llm_call`).
    pub fn llm_call(&self, prompt: &str) -> Effect<LlmCall> {
        self.effect_of(models::request(prompt), LlmCall(Params::default()))
    }

    /// A call for [`Ctx::tool_calls`], with an id of its own.
    pub fn tool(&self, name: &str, arguments: &impl Serialize) -> ToolCall {
        let count = self.0.borrow_mut().count("tool");
        let id = format!("rtcall_{}_{count}", self.0.borrow().around.run_id);
        ToolCall {
            name: name.to_owned(),
            // Arguments that are no JSON are told as none; a tool says what it lacks.
            arguments: raw(arguments).unwrap_or_else(|_| crate::null()),
            call_id: id.clone(),
            runtime_call_id: id,
        }
    }

    /// Calls tools of the host (`tool_calls`).
    pub fn tool_calls(&self, calls: impl IntoIterator<Item = ToolCall>) -> Effect<ToolCalls> {
        let calls: Vec<ToolCall> = calls.into_iter().collect();
        self.effect_of(
            Request::framed("tool_calls", "tool_calls").set("tool_calls", &calls),
            ToolCalls,
        )
    }

    /// Calls one tool (`tool_calls`).
    pub fn call_tool(&self, name: &str, arguments: &impl Serialize) -> Effect<CallTool> {
        let call = self.tool(name, arguments);
        self.effect_of(
            Request::framed("call_tool", "tool_calls").set("tool_calls", &[call]),
            CallTool,
        )
    }

    /// Reads a file of the run's workspace.
    pub fn read_file(&self, path: &str) -> Effect<ReadFile> {
        self.effect_of(file("read_file").set("file_path", path), ReadFile)
    }

    /// Writes a file of the run's workspace: a text as it is, anything else as JSON.
    pub fn write_file(&self, path: &str, content: &(impl Serialize + ?Sized)) -> Effect<As<Written>> {
        let request = file("write_file").set("file_path", path).set("content", content);
        self.effect_of(request, As::new())
    }

    /// Lists a folder of the run's workspace.
    pub fn list_folder(&self, path: &str) -> Effect<ListFolder> {
        self.effect_of(file("list_folder_files").set("folder_path", path), ListFolder)
    }

    /// Makes an artifact of the run of a file of its workspace.
    pub fn import_file(&self, path: &str) -> Effect<ImportFile> {
        self.effect_of(file("import_workspace_file").set("file_path", path), ImportFile)
    }

    /// Writes an artifact to a file of the run's workspace.
    pub fn export_artifact(&self, artifact: &Artifact, path: &str) -> Effect<As<Written>> {
        let request = file("export_artifact").set("artifact", artifact).set("file_path", path);
        self.effect_of(request, As::new())
    }

    /// The text of an artifact.
    pub fn read_artifact(&self, artifact: &Artifact) -> Effect<ReadArtifact> {
        self.effect_of(file("read_artifact").set("artifact", artifact), ReadArtifact)
    }

    /// Any effect, by the kind that the ledger names and its payload, a JSON object. Answers its result, `null` after a timed wait.
    pub fn effect(&self, kind: &str, payload: &(impl Serialize + ?Sized)) -> Effect<As<Json>> {
        self.effect_of(Request::any(kind, payload), As::new())
    }

    fn effect_of<K: crate::effect::Kind>(&self, request: Request, kind: K) -> Effect<K> {
        Effect::new(&self.0, request, kind)
    }
}

/// A request of a node whose function the host runs; a graph keeps its result elsewhere.
fn file(kind: &str) -> Request {
    let mut request = Request::plain(kind, kind);
    request.keeps = "_temp.node_outputs";
    request
}
