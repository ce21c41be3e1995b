//! The order of the checks that every request under `/api/gateway` (and `/metrics`, unless it is open) passes; the first that fails
//! answers.
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

use super::audit::{Audit, Entry, Pending};
use super::body_cap::{self, Stalled, TooLarge};
use super::lockout::Lockout;
use super::origin::Origins;
use super::permits::{Permit, Permits, holding};
use super::roles::{self, AdminOnly};
use super::tokens::Tokens;
use super::{Client, Principal, Settings};
use crate::clock::Clock;
use crate::telemetry::metrics::{Rejection, metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a client's request id that are taken over.
const LONGEST_ID: usize = 256;
const LOCKED_OUT: &str = "Too Many Requests (auth lockout)";
const FORWARDED_FOR: &str = "x-forwarded-for";
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
    audit: Option<Arc<Audit>>,
}

/// A request that is not let through.
#[derive(Debug)]
struct Refusal {
    why: Rejection,
    status: StatusCode,
    detail: String,
    extra: Option<(HeaderName, HeaderValue)>,
    /// The role that the principal lacks; it says more than `detail`.
    lacking: Option<Box<AdminOnly>>,
}

impl Refusal {
    fn new(why: Rejection, status: StatusCode, detail: impl Into<String>) -> Self {
        Refusal {
            why,
            status,
            detail: detail.into(),
            extra: None,
            lacking: None,
        }
    }
    fn retry_after(why: Rejection, detail: &str, seconds: u64) -> Self {
        let refusal = Refusal::new(why, StatusCode::TOO_MANY_REQUESTS, detail);
        Refusal {
            extra: Some((header::RETRY_AFTER, HeaderValue::from(seconds))),
            ..refusal
        }
    }
}

impl From<TooLarge> for Refusal {
    fn from(cap: TooLarge) -> Self {
        Refusal::new(Rejection::Size, StatusCode::PAYLOAD_TOO_LARGE, cap.to_string())
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
        metrics().rejected(Rejection::Size);
        Refusal::from(self).into_response()
    }
}

impl IntoResponse for Stalled {
    fn into_response(self) -> Response {
        crate::api::detail_response(StatusCode::REQUEST_TIMEOUT, &self.to_string())
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
    if !layer.settings.enabled || !layer.guards(request.uri().path()) {
        return next.run(request).await;
    }
    let request_id = request_id(request.headers());
    let span = tracing::Span::current();
    span.record("request_id", request_id.to_str().unwrap_or_default());
    let client = layer.client(&request);
    let needs_auth = layer.needs_auth(&request, &client);
    let mut line = layer.begin_line(&request, &request_id, &client, needs_auth);
    let entry = line.as_mut().and_then(|line| line.entry.as_mut());

    let mut response = match layer.admit(request, &client, needs_auth, entry).await {
        Ok((request, None)) => next.run(request).await,
        Ok((request, Some(permit))) => next.run(request).await.map(|body| holding(body, permit)),
        Err(refusal) => {
            metrics().rejected(refusal.why);
            if let Some(entry) = line.as_mut().and_then(|line| line.entry.as_mut()) {
                entry.error = Some(refusal.detail.clone());
            }
            refusal.into_response()
        }
    };
    response.headers_mut().insert(REQUEST_ID, request_id);
    if let Some(line) = line {
        line.end(response.status().as_u16());
    }
    response
}

/// The client's own id of the request, or a fresh one where there is none or it is no name any more.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    match headers.get(&REQUEST_ID) {
        Some(given) if (1..=LONGEST_ID).contains(&given.as_bytes().trim_ascii().len()) => given.clone(),
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
            audit: audit.map(|path| Arc::new(Audit::new(&settings, path, clock.clone()))),
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

    /// The last bytes of the audit log, at most `max`, and whether there are more. Reads a file.
    pub fn audit_tail(&self, max: u64) -> std::io::Result<(Vec<u8>, bool)> {
        match &self.0.audit {
            Some(audit) => audit.tail(max),
            None => Ok((Vec::new(), false)),
        }
    }

    /// Largest bundle file in bytes.
    pub fn max_bundle_bytes(&self) -> u64 {
        self.0.settings.max_bundle_bytes
    }
}

impl Layer {
    /// Deny by default: what is served under these paths, or is not, is nobody's business without a token.
    fn guards(&self, path: &str) -> bool {
        path.starts_with("/api/gateway") || (path == "/metrics" && !self.settings.open_metrics)
    }

    fn client(&self, request: &Request) -> Client {
        if self.settings.trust_proxy
            && let Some(said) = self.forwarded(request.headers())
        {
            return match said.parse::<std::net::IpAddr>() {
                Ok(ip) => Client::Ip(ip.to_canonical()),
                Err(_) => Client::Text(said.chars().take(64).collect()),
            };
        }
        match request.extensions().get::<ConnectInfo<std::net::SocketAddr>>() {
            Some(ConnectInfo(address)) => Client::Ip(address.ip().to_canonical()),
            None => Client::Unknown,
        }
    }

    /// The client by the word of the proxies: the first entry of their list, or, where their number is known, the one that the
    /// outermost of them wrote. What a client sent itself stands before that.
    fn forwarded<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(FORWARDED_FOR).iter();
        let mut entries = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect::<Vec<_>>();
        match self.settings.proxies {
            0 => entries.first().copied(),
            known => {
                entries.reverse();
                // Fewer entries than proxies: the outermost that there is.
                entries.get(known - 1).or(entries.last()).copied()
            }
        }
    }

    /// Every verb that only reads needs what reads need; all others count as writes, whatever they are called.
    fn needs_auth(&self, request: &Request, client: &Client) -> bool {
        if is_read(request.method()) {
            // What a proxy on this machine passes on does not come from this machine.
            let forwarded = request.headers().contains_key(FORWARDED_FOR) || request.headers().contains_key(header::FORWARDED);
            self.settings.protect_read && !(self.settings.dev_read_no_auth && !forwarded && client.is_local())
        } else {
            *request.method() != Method::OPTIONS && self.settings.protect_write
        }
    }

    fn begin_line(&self, request: &Request, request_id: &HeaderValue, client: &Client, needs_auth: bool) -> Option<Pending> {
        let audit = self.audit.as_ref().filter(|_| is_write(request.method()))?;
        let entry = audit.begin(request, &String::from_utf8_lossy(request_id.as_bytes()), client, needs_auth);
        Some(Pending::new(audit, entry))
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
            return Err(Refusal::new(
                Rejection::Origin,
                StatusCode::FORBIDDEN,
                "Forbidden (origin not allowed)",
            ));
        }
        if let Some(seconds) = self.lockout.seconds_left(client, Instant::now()) {
            return Err(Refusal::retry_after(Rejection::Lockout, LOCKED_OUT, seconds));
        }
        if *request.method() == Method::OPTIONS {
            return Ok((request, None));
        }
        let principal = self.authenticate(request.headers(), client, needs_auth)?;
        if let Some(entry) = entry {
            entry.set_principal(&principal);
        }
        if principal.authenticated {
            tracing::Span::current().record("tenant", principal.tenant_name.as_str());
        }
        if let Some(lacking) = roles::lacking(&principal, request.method(), request.uri().path()) {
            return Err(Refusal {
                lacking: Some(Box::new(lacking)),
                ..Refusal::new(Rejection::Role, StatusCode::FORBIDDEN, "Admin principal required")
            });
        }
        request.extensions_mut().insert(principal);
        if is_write(request.method()) {
            request = self.cap_body(request).await?;
        }
        match self.permits.acquire(request.uri().path()).await {
            Some(permit) => Ok((request, Some(permit))),
            None => Err(Refusal::retry_after(
                Rejection::Concurrency,
                "Too Many Requests (concurrency limit)",
                1,
            )),
        }
    }

    fn authenticate(&self, headers: &HeaderMap, client: &Client, needed: bool) -> Result<Principal, Refusal> {
        if !needed {
            return Ok(self.tokens.verify(headers).cloned().unwrap_or_else(Principal::anonymous));
        }
        if self.tokens.is_empty() {
            return Err(Refusal::new(
                Rejection::NoTokenConfigured,
                StatusCode::SERVICE_UNAVAILABLE,
                "Gateway auth required but no token configured",
            ));
        }
        if let Some(principal) = self.tokens.verify(headers) {
            self.lockout.succeed(client);
            return Ok(principal.clone());
        }
        match self.lockout.fail(client, Instant::now()) {
            Some(seconds) => Err(Refusal::retry_after(Rejection::Token, LOCKED_OUT, seconds)),
            None => {
                let refusal = Refusal::new(Rejection::Token, StatusCode::UNAUTHORIZED, "Unauthorized");
                Err(Refusal {
                    extra: Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
                    ..refusal
                })
            }
        }
    }

    async fn cap_body(&self, request: Request) -> Result<Request, Refusal> {
        let cap = body_cap::cap(&self.settings, request.uri().path());
        match (body_cap::declared(request.headers()), cap) {
            (Some(bytes), Some(cap)) if bytes > cap => {
                drain(request.into_body(), bytes).await;
                Err(TooLarge { bytes, cap }.into())
            }
            _ => {
                let patience = Duration::try_from_secs_f64(self.settings.body_timeout_s).unwrap_or_default();
                Ok(request.map(|body| body_cap::bounded(body, cap, patience)))
            }
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
