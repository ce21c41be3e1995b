//! The order of the checks that every request under `/api/gateway` passes; the first that fails answers.
//!
//! origin -> lockout -> (OPTIONS passes) -> bearer token -> role -> size of the body -> permit. Every answer gets an `x-request-id`, and
//! every write one line in the audit log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;

use super::audit::{Audit, Entry};
use super::body_cap::{self, TooLarge};
use super::lockout::Lockout;
use super::origin::Origins;
use super::permits::{Permit, Permits, holding};
use super::roles::{self, AdminOnly};
use super::tokens::Tokens;
use super::{Client, Principal, Settings};
use crate::clock::Clock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a refused body that are read and dropped before the answer, and how long that may take: a client that sends its whole
/// body before it reads would lose the answer otherwise.
const DRAIN_BYTES: u64 = 4 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The security layer; a clone is the same layer.
#[derive(Debug, Clone)]
pub struct Security(Arc<Layer>);

#[derive(Debug)]
struct Layer {
    settings: Settings,
    origins: Origins,
    tokens: Tokens,
    lockout: Lockout,
    permits: Permits,
    audit: Option<Audit>,
}

/// A request that is not let through.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    detail: String,
    extra: Option<(HeaderName, HeaderValue)>,
    /// The role that the principal lacks; it says more than `detail`.
    lacking: Option<Box<AdminOnly>>,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Refusal {
            status,
            detail: detail.into(),
            extra: None,
            lacking: None,
        }
    }
    fn retry_after(detail: &str, seconds: u64) -> Self {
        let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, detail);
        Refusal {
            extra: Some((header::RETRY_AFTER, HeaderValue::from(seconds))),
            ..refusal
        }
    }
}

impl From<TooLarge> for Refusal {
    fn from(cap: TooLarge) -> Self {
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, cap.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = match self.lacking {
            Some(lacking) => lacking.response(),
            None => crate::api::detail_response(self.status, &self.detail),
        };
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        if let Some((name, value)) = self.extra {
            headers.insert(name, value);
        }
        response
    }
}

impl IntoResponse for TooLarge {
    fn into_response(self) -> Response {
        Refusal::from(self).into_response()
    }
}

fn is_read(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

fn is_write(method: &Method) -> bool {
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE].contains(method)
}

/// The middleware.
pub async fn guard(State(Security(layer)): State<Security>, request: Request, next: Next) -> Response {
    if !layer.settings.enabled || !request.uri().path().starts_with("/api/gateway") {
        return next.run(request).await;
    }
    let request_id = request_id(request.headers());
    let client = layer.client(&request);
    let needs_auth = layer.needs_auth(request.method(), &client);
    let mut entry = layer.begin_entry(&request, &request_id, &client, needs_auth);

    let mut response = match layer.admit(request, &client, needs_auth, entry.as_mut()).await {
        Ok((request, None)) => next.run(request).await,
        Ok((request, Some(permit))) => next.run(request).await.map(|body| holding(body, permit)),
        Err(refusal) => refusal.into_response(),
    };
    response.headers_mut().insert(REQUEST_ID, request_id);
    if let (Some(audit), Some(entry)) = (&layer.audit, entry) {
        audit.end(entry, response.status().as_u16());
    }
    response
}

/// The client's own id of the request, or a fresh one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(&REQUEST_ID) {
        Some(given) if !given.as_bytes().trim_ascii().is_empty() => given.clone(),
        _ => {
            let mut text = [0u8; uuid::fmt::Simple::LENGTH];
            let text = uuid::Uuid::new_v4().simple().encode_lower(&mut text);
            HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("0"))
        }
    }
}

impl Security {
    pub fn new(settings: Settings, clock: &Clock) -> Self {
        let audit = settings.audit_log.clone().filter(|_| settings.enabled);
        Security(Arc::new(Layer {
            origins: Origins::new(&settings.allowed_origins),
            tokens: Tokens::new(&settings.tokens),
            lockout: Lockout::new(settings.lockout_after, settings.lockout_base_s, settings.lockout_max_s),
            permits: Permits::new(settings.max_concurrency, settings.max_sse),
            audit: audit.map(|path| Audit::new(&settings, path, clock.clone())),
            settings: Settings {
                tokens: Vec::new(),
                ..settings
            },
        }))
    }

    /// Largest attachment in bytes.
    pub fn max_attachment_bytes(&self) -> u64 {
        self.0.settings.max_attachment_bytes
    }

    /// Largest bundle file in bytes.
    pub fn max_bundle_bytes(&self) -> u64 {
        self.0.settings.max_bundle_bytes
    }
}

impl Layer {
    fn client(&self, request: &Request) -> Client {
        if self.settings.trust_proxy
            && let Some(list) = request.headers().get("x-forwarded-for").and_then(|value| value.to_str().ok())
            && let Some(first) = list.split(',').map(str::trim).find(|entry| !entry.is_empty())
        {
            return match first.parse() {
                Ok(ip) => Client::Ip(ip),
                Err(_) => Client::Text(first.chars().take(64).collect()),
            };
        }
        match request.extensions().get::<ConnectInfo<std::net::SocketAddr>>() {
            Some(ConnectInfo(address)) => Client::Ip(address.ip().to_canonical()),
            None => Client::Unknown,
        }
    }

    fn needs_auth(&self, method: &Method, client: &Client) -> bool {
        if is_read(method) {
            self.settings.protect_read && !(self.settings.dev_read_no_auth && client.is_local())
        } else {
            is_write(method) && self.settings.protect_write
        }
    }

    fn begin_entry(&self, request: &Request, request_id: &HeaderValue, client: &Client, needs_auth: bool) -> Option<Entry> {
        let audit = self.audit.as_ref().filter(|_| is_write(request.method()))?;
        Some(audit.begin(request, &String::from_utf8_lossy(request_id.as_bytes()), client, needs_auth))
    }

    /// All checks in their order. The request comes back with its principal and, unless it needs none, the permit it lives under.
    async fn admit(
        &self,
        mut request: Request,
        client: &Client,
        needs_auth: bool,
        entry: Option<&mut Entry>,
    ) -> Result<(Request, Option<Permit>), Refusal> {
        if let Some(origin) = request.headers().get(header::ORIGIN)
            && !self.origins.allow(&String::from_utf8_lossy(origin.as_bytes()))
        {
            return Err(Refusal::new(StatusCode::FORBIDDEN, "Forbidden (origin not allowed)"));
        }
        if let Some(seconds) = self.lockout.seconds_left(client, Instant::now()) {
            return Err(Refusal::retry_after("Too Many Requests (auth lockout)", seconds));
        }
        if *request.method() == Method::OPTIONS {
            return Ok((request, None));
        }
        let principal = self.authenticate(request.headers(), client, needs_auth)?;
        if let Some(entry) = entry {
            entry.set_principal(&principal);
        }
        if let Some(lacking) = roles::lacking(&principal, request.method(), request.uri().path()) {
            return Err(Refusal {
                lacking: Some(Box::new(lacking)),
                ..Refusal::new(StatusCode::FORBIDDEN, "")
            });
        }
        request.extensions_mut().insert(principal);
        if is_write(request.method()) {
            request = self.cap_body(request).await?;
        }
        match self.permits.acquire(request.uri().path()).await {
            Some(permit) => Ok((request, Some(permit))),
            None => Err(Refusal::retry_after("Too Many Requests (concurrency limit)", 1)),
        }
    }

    fn authenticate(&self, headers: &HeaderMap, client: &Client, needed: bool) -> Result<Principal, Refusal> {
        if !needed {
            return Ok(self.tokens.verify(headers).cloned().unwrap_or_else(Principal::anonymous));
        }
        if self.tokens.is_empty() {
            return Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Gateway auth required but no token configured",
            ));
        }
        if let Some(principal) = self.tokens.verify(headers) {
            self.lockout.succeed(client);
            return Ok(principal.clone());
        }
        match self.lockout.fail(client, Instant::now()) {
            Some(seconds) => Err(Refusal::retry_after("Too Many Requests (auth lockout)", seconds)),
            None => {
                let refusal = Refusal::new(StatusCode::UNAUTHORIZED, "Unauthorized");
                Err(Refusal {
                    extra: Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
                    ..refusal
                })
            }
        }
    }

    async fn cap_body(&self, request: Request) -> Result<Request, Refusal> {
        let Some(cap) = body_cap::cap(&self.settings, request.uri().path()) else {
            return Ok(request);
        };
        match body_cap::declared(request.headers()) {
            Some(bytes) if bytes > cap => {
                drain(request.into_body(), bytes).await;
                Err(TooLarge { bytes, cap }.into())
            }
            Some(_) => Ok(request),
            None => Ok(request.map(|body| body_cap::capped(body, cap))),
        }
    }
}

/// Reads a body of moderate size to its end and drops it.
async fn drain(body: Body, declared: u64) {
    if declared > DRAIN_BYTES || body.is_end_stream() {
        return;
    }
    let mut chunks = body.into_data_stream();
    let all = async { while let Some(Ok(_)) = chunks.next().await {} };
    // Too slow is as good as gone.
    let _ = tokio::time::timeout(DRAIN_TIME, all).await;
}
