//! The router in process: a journal in memory, bundles that are made up, requests without a network.

mod artifacts;
mod bundles;
mod commands;
mod discovery;
mod fake;
mod files;
mod fuzz;
mod history;
mod retention;
mod runs;
mod schedules;
mod security;
mod stream;
mod validation;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::openapi::described::is_described;
use super::{Admission, AppState};
use crate::clock::Clock;
use crate::ids::{RunId, TenantId};
use crate::journal::{self, Advance, OpenWait, Position, RunRow};
use crate::record::{StepRecord, StepStatus, WaitReason, WaitState};
use crate::security::{Security, Settings};
use crate::workspace;

pub const TOKEN: &str = "a-long-token-for-tests";

/// A gateway of its own for one test.
pub struct Gateway {
    pub router: Router,
    pub journal: journal::Handle,
    pub bundles: Arc<fake::Bundles>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    #[track_caller]
    pub fn expect(self, status: u16, body: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.text.as_str()), (status, body));
        self
    }
    /// The status and `{"detail": <text>}`.
    #[track_caller]
    pub fn refused(self, status: u16, detail: &str) -> Self {
        let body = serde_json::json!({ "detail": detail }).to_string();
        self.expect(status, &body)
    }
}

impl Gateway {
    pub async fn new() -> Self {
        Self::with(Settings {
            tokens: vec![TOKEN.into()],
            ..Settings::default()
        })
        .await
    }

    pub async fn with(settings: Settings) -> Self {
        let nowhere = workspace::Options {
            data_dir: "data".into(),
            ..workspace::Options::default()
        };
        Self::over(settings, nowhere).await
    }

    pub async fn over(settings: Settings, workspace: workspace::Options) -> Self {
        Self::admitting(Admission::default(), settings, workspace).await
    }

    pub async fn admitting(admission: Admission, settings: Settings, workspace: workspace::Options) -> Self {
        let workspaces = workspace::Workspaces::open(workspace).unwrap();
        let (journal, service) = journal::open(journal::Options::default()).await.unwrap();
        tokio::spawn(service.run());
        // What the wrapper of each schedule is compiled to here.
        let wrapper = journal::Component {
            digest: crate::ids::Digest::of(b"wrapper"),
            bytes: b"wrapper"[..].into(),
            runtime: None,
        };
        journal.put_component(TenantId::LOCAL, wrapper).await.unwrap();
        let bundles = Arc::new(fake::Bundles::default());
        let security = Security::new(settings, &Clock::system());
        let state = AppState::new(journal.clone(), bundles.clone(), security, workspaces).with_admission(admission);
        Gateway {
            router: super::router(state),
            journal,
            bundles,
        }
    }

    /// What is answered must be what the page of the API says of this path.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let described = is_described(method.as_str(), &path, parts.status.as_u16());
        assert!(described, "{method} {path} answers {}, which is not described", parts.status);
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub async fn call(&self, method: Method, path: &str, body: &str) -> Answer {
        let body = if body.is_empty() {
            Body::empty()
        } else {
            Body::from(body.to_owned())
        };
        self.send(request(method, path).body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.call(Method::POST, path, body).await
    }

    /// Starts a run and answers its id.
    pub async fn start(&self, body: &str) -> String {
        let answer = self.post("/api/gateway/runs/start", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["run_id"].as_str().unwrap().to_owned()
    }
}

/// An authenticated request.
pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {TOKEN}"))
}

/// What a driver would do.
impl Gateway {
    pub async fn run(&self, run_id: &str) -> RunRow {
        self.journal
            .run(TenantId::LOCAL, &RunId::from(run_id))
            .await
            .unwrap()
            .unwrap()
    }

    /// Commits `texts` as rows of the run, and where it stands then.
    pub async fn advance(&self, run_id: &str, texts: &[&str], to: Position) {
        self.advance_and_open(run_id, texts, Vec::new(), to).await;
    }

    async fn advance_and_open(&self, run_id: &str, texts: &[&str], opened: Vec<OpenWait>, to: Position) {
        let run = self.run(run_id).await;
        let live = self.journal.load(run.at).await.unwrap().unwrap();
        let advance = Advance {
            run: run.at,
            run_id: run.run_id.clone(),
            epoch: run.epoch,
            next_seq: run.own_seq + 1,
            rows: texts.iter().map(|text| row(run_id, text)).collect(),
            ticks: Vec::new(),
            inbox_consumed: live.inbox_consumed,
            last_time: run.last_time.plus(10),
            snapshot: Some(b"{}".to_vec()),
            children: Vec::new(),
            opened,
            abandoned: Vec::new(),
            calls: Vec::new(),
            emits: Vec::new(),
            to,
        };
        self.journal.advance(advance).await.unwrap();
    }

    /// Puts the run to a question.
    pub async fn ask(&self, run_id: &str) {
        let wait = WaitState {
            reason: WaitReason::User,
            wait_key: Some(format!("user:{run_id}:ask")),
            until: None,
            resume_to_node: Some("end".into()),
            result_key: None,
            prompt: Some(raw("\"Publish?\"")),
            choices: Some(raw(r#"["yes","no"]"#)),
            allow_free_text: true,
            details: None,
        };
        let waits = vec![OpenWait {
            effect_id: 1,
            wait,
            until: None,
        }];
        let to = Position::Waiting { node: "ask".into() };
        self.advance_and_open(run_id, &["asks", "waits"], waits, to).await;
    }

    pub async fn complete(&self, run_id: &str) {
        let to = Position::Completed {
            node: "end".into(),
            output: raw("{}"),
        };
        self.advance(run_id, &["ends", "abstract.status"], to).await;
    }
}

pub fn raw(json: &str) -> crate::record::Json {
    serde_json::value::RawValue::from_string(json.into()).unwrap()
}

/// A row whose result is `{"text": …}`, with a line break between its tokens as a guest might send it.
fn row(run_id: &str, text: &str) -> StepRecord {
    StepRecord {
        run_id: run_id.into(),
        step_id: "s".into(),
        node_id: "n".into(),
        status: StepStatus::Completed,
        effect: None,
        result: Some(raw(&format!("{{\n\"text\":\"{text}\",\"n\":3.0}}"))),
        error: None,
        started_at: String::new(),
        ended_at: None,
        actor_id: None,
        session_id: None,
        attempt: 1,
        idempotency_key: None,
        prev_hash: None,
        record_hash: None,
        signature: None,
    }
}
