//! The audit log: one JSON line for each write, refused ones included. Never a body, never a token.
//!
//! Lines are appended under a lock, one `write` each, so that they are whole and in the order of the answers. A log that cannot
//! be written is reported to the program's own log and never touches the request.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, header};
use indexmap::IndexMap;
use serde::Serialize;

use super::body_cap;
use super::{Client, Principal, Settings};
use crate::clock::Clock;

/// Query names noted of one request.
const MAX_QUERY: usize = 50;

/// The open log. Shared by all requests; owned by the security layer.
#[derive(Debug)]
pub(super) struct Audit {
    path: PathBuf,
    /// Size in bytes at which the file is put aside.
    max_bytes: u64,
    /// Files put aside that are kept.
    rotations: usize,
    /// Request headers copied into the lines.
    headers: Vec<HeaderName>,
    clock: Clock,
    /// The file and its size; none before the first line and after a failure.
    file: Mutex<Option<(File, u64)>>,
}

/// One line. Field names and order are the reference's.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    ts: String,
    pub request_id: String,
    ip: String,
    method: String,
    path: String,
    query: String,
    status: u16,
    duration_ms: u64,
    auth_required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_token_fp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_tenant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_in: Option<u64>,
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    headers: IndexMap<String, String>,
    /// Why the request was not let through, or that its client went away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip)]
    began: Instant,
}

/// The line of a request in work. Written when the request is answered, and when it is given up because its client went away: what
/// it has changed by then stays changed.
pub(super) struct Pending {
    audit: Arc<Audit>,
    pub entry: Option<Entry>,
}

/// The status of a request whose client has gone away before the answer, as proxies write it.
const CLIENT_GONE: u16 = 499;

impl Pending {
    pub(super) fn new(audit: &Arc<Audit>, entry: Entry) -> Self {
        Pending {
            audit: Arc::clone(audit),
            entry: Some(entry),
        }
    }

    pub(super) fn end(mut self, status: u16) {
        if let Some(entry) = self.entry.take() {
            self.audit.end(entry, status);
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.error = Some("the client went away".to_owned());
            self.audit.end(entry, CLIENT_GONE);
        }
    }
}

fn header_text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes()).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

impl Entry {
    pub(super) fn set_principal(&mut self, principal: &Principal) {
        if principal.authenticated {
            self.auth_token_fp = Some(principal.token_fingerprint.clone());
            self.principal_user_id = Some(principal.user.clone());
            self.principal_tenant_id = Some(principal.tenant_name.clone());
        }
    }
}

impl Audit {
    pub(super) fn new(settings: &Settings, path: PathBuf, clock: Clock) -> Self {
        let secret = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];
        let names = settings
            .audit_log_headers
            .iter()
            .filter_map(|name| name.trim().to_ascii_lowercase().parse::<HeaderName>().ok());
        Audit {
            path,
            max_bytes: settings.audit_log_max_bytes,
            rotations: settings.audit_log_rotations,
            headers: names.filter(|name| !secret.contains(name)).collect(),
            clock,
            file: Mutex::new(None),
        }
    }

    /// What is known of a request before it is checked.
    pub(super) fn begin(&self, request: &Request, request_id: &str, client: &Client, auth_required: bool) -> Entry {
        let headers = request.headers();
        Entry {
            ts: String::new(),
            request_id: request_id.to_owned(),
            ip: client.to_string(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            query: redacted(request.uri().query().unwrap_or_default()),
            status: 0,
            duration_ms: 0,
            auth_required,
            auth_token_fp: None,
            principal_user_id: None,
            principal_tenant_id: None,
            origin: header_text(headers, &header::ORIGIN),
            user_agent: header_text(headers, &header::USER_AGENT),
            bytes_in: body_cap::declared(headers),
            headers: self
                .headers
                .iter()
                .filter_map(|name| Some((name.to_string(), header_text(headers, name)?)))
                .collect(),
            error: None,
            began: Instant::now(),
        }
    }

    /// Writes the line of an answered request.
    pub(super) fn end(&self, mut entry: Entry, status: u16) {
        entry.ts = self.clock.now().iso();
        entry.status = status;
        entry.duration_ms = u64::try_from(entry.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.append(&mut file, &entry) {
            *file = None;
            tracing::warn!(%error, path = %self.path.display(), "the audit log could not be written");
        }
    }

    /// The last `max` bytes of the log, and whether there are more. Nothing when there is no log.
    pub(super) fn tail(&self, max: u64) -> std::io::Result<(Vec<u8>, bool)> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
            Err(error) => return Err(error),
        };
        let size = file.metadata()?.len();
        let from = size.saturating_sub(max);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        // Lines that are added meanwhile are not read.
        file.take(size - from).read_to_end(&mut bytes)?;
        Ok((bytes, from > 0))
    }

    fn append(&self, open: &mut Option<(File, u64)>, entry: &Entry) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if open.as_ref().is_some_and(|(_, size)| *size >= self.max_bytes) {
            *open = None;
        }
        let (file, size) = match open {
            Some(open) => open,
            None => open.insert(self.open(&entry.ts)?),
        };
        file.write_all(&line)?;
        *size += line.len() as u64;
        Ok(())
    }

    /// Opens the log, putting a full one aside.
    fn open(&self, now: &str) -> std::io::Result<(File, u64)> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() >= self.max_bytes) {
            let stamp = now.replace(['-', ':'], "");
            std::fs::rename(&self.path, self.path.with_file_name(format!("audit_log.{stamp}.jsonl")))?;
            self.prune()?;
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        let size = file.metadata()?.len();
        Ok((file, size))
    }

    /// Keeps the newest files put aside; their names sort by time.
    fn prune(&self) -> std::io::Result<()> {
        let mut aside: Vec<PathBuf> = Vec::new();
        for found in std::fs::read_dir(self.path.parent().unwrap_or(Path::new(".")))? {
            let path = found?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("audit_log.")
                && name.ends_with(".jsonl")
                && path != self.path
                && name.len() > "audit_log.jsonl".len()
            {
                aside.push(path);
            }
        }
        aside.sort();
        let surplus = aside.len().saturating_sub(self.rotations);
        aside.iter().take(surplus).try_for_each(std::fs::remove_file)
    }
}

/// The names of a query, without what they hold.
fn redacted(query: &str) -> String {
    let names = query.split('&').filter(|pair| !pair.is_empty()).take(MAX_QUERY);
    let pairs: Vec<String> = names
        .map(|pair| format!("{}=<redacted>", pair.split('=').next().unwrap_or_default()))
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        axum::http::Request::post("/api/gateway/commands?a=secret&b=2")
            .header("authorization", "Bearer secret")
            .header("x-client-id", "me")
            .header("content-length", "12")
            .body(axum::body::Body::empty())
            .unwrap()
    }

    #[test]
    fn a_line_names_the_write_and_hides_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit_log.jsonl");
        let settings = Settings {
            audit_log_headers: vec!["X-Client-Id".into(), "authorization".into()],
            ..Settings::default()
        };
        let audit = Audit::new(&settings, path.clone(), Clock::virtual_at(crate::clock::Micros(0)));
        audit.end(audit.begin(&request(), "r1", &Client::Unknown, true), 401);
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            concat!(
                r#"{"ts":"1970-01-01T00:00:00.000000+00:00","request_id":"r1","ip":"unknown","method":"POST","path":"/api/gateway/commands","#,
                r#""query":"a=<redacted>&b=<redacted>","status":401,"duration_ms":0,"auth_required":true,"bytes_in":12,"headers":{"x-client-id":"me"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_full_log_is_put_aside_and_the_oldest_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            audit_log_max_bytes: 10,
            audit_log_rotations: 2,
            ..Settings::default()
        };
        let clock = Clock::virtual_at(crate::clock::Micros(0));
        let audit = Audit::new(&settings, folder.path().join("audit_log.jsonl"), clock.clone());
        for second in 0..5 {
            clock.advance_to(crate::clock::Micros(second * 1_000_000));
            audit.end(audit.begin(&request(), "r", &Client::Unknown, true), 200);
        }
        let mut names: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "audit_log.19700101T000003.000000+0000.jsonl",
                "audit_log.19700101T000004.000000+0000.jsonl",
                "audit_log.jsonl"
            ]
        );
    }
}
