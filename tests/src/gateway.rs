//! A client of the gateway API, for tests: small, blunt, and quick to say what it got instead.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::bundle::Bundle;
use crate::random::unique;
use crate::sse::Stream;

/// How long a run may take to get where a test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client of one server. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Gateway {
    address: SocketAddr,
    token: Option<String>,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {} {}", self.status, self.text()))
    }
    /// The `detail` of an error as text.
    #[track_caller]
    pub fn detail(&self) -> String {
        let detail = self.json()["detail"].clone();
        detail.as_str().map_or_else(|| detail.to_string(), str::to_owned)
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
    /// The JSON of an answer that must be a 200.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
    /// Asserts status and `detail`.
    #[track_caller]
    pub fn refused(&self, status: u16, detail: &str) {
        assert_eq!((self.status, self.detail().as_str()), (status, detail));
    }
}

/// The connection failed: nobody knows whether the request was served.
#[derive(Debug)]
pub struct Failure(pub String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(format!("{error}: {:?}", error.source()))
    }
}

impl Gateway {
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let http = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(8)
            .build(connector);
        Gateway {
            address,
            token: token.map(str::to_owned),
            http,
        }
    }

    /// The same server with another token, or none.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Gateway::new(self.address, token)
    }

    // --- requests -----------------------------------------------------------------------------------------------------------------

    pub fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let builder = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        match &self.token {
            Some(token) => builder.header(AUTHORIZATION, format!("Bearer {token}")),
            None => builder,
        }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Result<Reply, Failure> {
        let (head, body) = self.http.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })
    }

    pub async fn try_get(&self, path: &str) -> Result<Reply, Failure> {
        self.send(self.request(Method::GET, path).body(Full::default()).expect("a request"))
            .await
    }

    pub async fn try_post(&self, path: &str, body: &Value) -> Result<Reply, Failure> {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        self.send(request.body(body.to_string().into()).expect("a request")).await
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.try_get(path)
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        self.try_post(path, body)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    /// Posts these bytes as JSON, whether they are or not.
    pub async fn post_text(&self, path: &str, body: impl Into<Bytes>) -> Reply {
        let request = self.request(Method::POST, path).header(CONTENT_TYPE, "application/json");
        let request = request.body(Full::new(body.into())).expect("a request");
        self.send(request)
            .await
            .unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    // --- bundles ------------------------------------------------------------------------------------------------------------------

    /// Uploads a `.flow` file; `fields` are further fields of the form.
    pub async fn upload_file(&self, file: &[u8], fields: &[(&str, &str)]) -> Reply {
        self.post_form("/api/gateway/bundles/upload", ("bundle.flow", file), fields)
            .await
    }

    /// Uploads an attachment of a session.
    pub async fn attach(&self, session: &str, name: &str, bytes: &[u8]) -> Reply {
        let sent = self.try_attach(session, name, bytes).await;
        sent.unwrap_or_else(|error| panic!("attachment {name}: {error:?}"))
    }

    pub async fn try_attach(&self, session: &str, name: &str, bytes: &[u8]) -> Result<Reply, Failure> {
        let fields = [("session_id", session)];
        self.try_post_form("/api/gateway/attachments/upload", (name, bytes), &fields)
            .await
    }

    /// Posts a form with a file, whose type is what its name says.
    async fn post_form(&self, path: &str, file: (&str, &[u8]), fields: &[(&str, &str)]) -> Reply {
        let sent = self.try_post_form(path, file, fields).await;
        sent.unwrap_or_else(|error| panic!("POST {path}: {error:?}"))
    }

    async fn try_post_form(&self, path: &str, (name, file): (&str, &[u8]), fields: &[(&str, &str)]) -> Result<Reply, Failure> {
        let boundary = unique();
        let mut body = Vec::with_capacity(file.len() + 512);
        for (name, value) in fields {
            body.extend_from_slice(
                format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").as_bytes(),
            );
        }
        let disposition = format!("content-disposition: form-data; name=\"file\"; filename=\"{name}\"");
        body.extend_from_slice(format!("--{boundary}\r\n{disposition}\r\n\r\n").as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, format!("multipart/form-data; boundary={boundary}"));
        self.send(request.body(Full::new(body.into())).expect("a request")).await
    }

    /// Uploads a bundle that is fine.
    pub async fn install(&self, bundle: &Bundle) -> Value {
        self.upload_file(&bundle.zip(), &[]).await.ok()
    }

    // --- runs ---------------------------------------------------------------------------------------------------------------------

    /// Starts the bundle's default entrypoint and answers the run id.
    pub async fn start(&self, bundle: &str, input: Value) -> String {
        self.start_with(json!({"bundle_id": bundle, "input_data": input})).await
    }

    pub async fn start_with(&self, body: Value) -> String {
        let started = self.post("/api/gateway/runs/start", &body).await.ok();
        started["run_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no run id in {started}"))
            .to_owned()
    }

    pub async fn run(&self, run: &str) -> Value {
        self.get(&format!("/api/gateway/runs/{run}")).await.ok()
    }

    /// The whole ledger, page by page.
    pub async fn ledger(&self, run: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        loop {
            let page = self
                .get(&format!("/api/gateway/runs/{run}/ledger?after={}&limit=500", rows.len()))
                .await
                .ok();
            let items = page["items"].as_array().expect("items").clone();
            rows.extend(items.iter().cloned());
            assert_eq!(page["next_after"], json!(rows.len()));
            if items.len() < 500 {
                return rows;
            }
        }
    }

    /// The ledger's first page as it came over the wire.
    pub async fn ledger_text(&self, run: &str) -> String {
        let reply = self.get(&format!("/api/gateway/runs/{run}/ledger?limit=2000")).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    }

    /// Waits until the run's summary satisfies `done`, and answers that summary.
    pub async fn until(&self, run: &str, what: &str, done: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let summary = self.run(run).await;
            if done(&summary) {
                return summary;
            }
            assert!(
                Instant::now() < deadline,
                "run {run} is not {what} after {PATIENCE:?}: {summary}\n{:#?}",
                self.ledger(run).await
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn until_status(&self, run: &str, status: &str) -> Value {
        self.until(run, status, |summary| summary["status"] == status).await
    }

    /// Waits until the run is completed and answers its output, as the ledger has it.
    pub async fn output(&self, run: &str) -> Value {
        self.until_status(run, "completed").await;
        let rows = self.ledger(run).await;
        let output = rows
            .iter()
            .rev()
            .find_map(|row| row["result"].get("output").filter(|_| row["effect"].is_null()));
        output.unwrap_or_else(|| panic!("no completion in {rows:#?}")).clone()
    }

    // --- commands -----------------------------------------------------------------------------------------------------------------

    /// Sends a command under a fresh id.
    pub async fn command(&self, kind: &str, run: &str, payload: Value) -> Reply {
        self.command_as(&unique(), kind, run, payload).await
    }

    pub async fn command_as(&self, command_id: &str, kind: &str, run: &str, payload: Value) -> Reply {
        let body = json!({"command_id": command_id, "run_id": run, "type": kind, "payload": payload, "client_id": "tests"});
        self.post("/api/gateway/commands", &body).await
    }

    /// Answers the open question of a run.
    pub async fn answer(&self, run: &str, response: &str) -> Reply {
        self.command("resume", run, json!({"payload": {"response": response}})).await
    }

    // --- streams ------------------------------------------------------------------------------------------------------------------

    /// Opens the ledger stream. `Err` holds the refusal.
    pub async fn stream(&self, run: &str, query: &str, last_event_id: Option<u64>) -> Result<Stream, Box<Reply>> {
        let path = format!("/api/gateway/runs/{run}/ledger/stream{query}");
        self.try_stream(&path, last_event_id)
            .await
            .unwrap_or_else(|error| panic!("GET {path}: {error:?}"))
    }

    pub async fn try_stream(&self, path: &str, last_event_id: Option<u64>) -> Result<Result<Stream, Box<Reply>>, Failure> {
        let mut request = self.request(Method::GET, path).header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id.to_string());
        }
        let response = self.http.request(request.body(Full::default()).expect("a request")).await?;
        let (head, body) = response.into_parts();
        if head.status == 200 {
            return Ok(Ok(Stream::new(head.headers, body)));
        }
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Err(Box::new(Reply {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
        })))
    }
}
