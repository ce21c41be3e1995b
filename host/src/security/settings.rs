//! The settings of the security layer. Whoever reads flags, environment and files fills this struct; nothing here does.

use std::path::PathBuf;

/// All caps are per process. Durations are seconds, sizes are bytes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Default true. False lets every request through, without principal, caps and audit log: only for a gateway that nobody else reaches.
    pub enabled: bool,
    /// Default none. The shared bearer tokens, all of them valid. Kept in memory as SHA-256 only once the layer is built.
    pub tokens: Vec<String>,
    /// Default true: GET and HEAD need a token.
    pub protect_read: bool,
    /// Default true: POST, PUT, PATCH and DELETE need a token.
    pub protect_write: bool,
    /// Default false: reads from this machine (127.0.0.1, ::1) need no token.
    pub dev_read_no_auth: bool,
    /// Default `http://localhost:*`, `http://127.0.0.1:*`. Exact origins, shell globs, or `*`; empty refuses every origin.
    pub allowed_origins: Vec<String>,
    /// Default 256 000 bytes; 0 = no cap. Largest body of a write that is no upload.
    pub max_body_bytes: u64,
    /// Default 0 = only the two caps below. Upper bound of the cap of uploads.
    pub max_upload_body_bytes: u64,
    /// Default 26 214 400 bytes (25 MiB). Largest attachment; its request may be 2 MiB larger.
    pub max_attachment_bytes: u64,
    /// Default 78 643 200 bytes (75 MiB). Largest bundle file; its request may be 2 MiB larger.
    pub max_bundle_bytes: u64,
    /// Default 64. Requests in work at one time, streams aside; more wait 10 ms and then get 429.
    pub max_concurrency: usize,
    /// Default 32. Open ledger streams; a stream holds its permit until it ends.
    pub max_sse: usize,
    /// Default 5. Failed authentications of one address before it is locked out.
    pub lockout_after: u32,
    /// Default 1 second. The first lock; each further failure doubles it.
    pub lockout_base_s: f64,
    /// Default 60 seconds. The longest lock.
    pub lockout_max_s: f64,
    /// Default false. True takes the client's address from the first entry of `X-Forwarded-For`: only behind a proxy that sets it.
    pub trust_proxy: bool,
    /// Default 0: the entry taken is the first, whatever stands there. Else the number of proxies that each append to the list: the
    /// entry taken is the one that the outermost of them wrote.
    pub proxies: usize,
    /// Default 30 seconds; 0 = for ever. The longest pause within a request's body.
    pub body_timeout_s: f64,
    /// Default false: `/metrics` needs a token like a read.
    pub open_metrics: bool,
    /// Default none. Where writes are logged, one JSON line each (`<data_dir>/audit_log.jsonl`); none = no audit log.
    pub audit_log: Option<PathBuf>,
    /// Default 52 428 800 bytes (50 MiB). Size at which the audit log is rotated.
    pub audit_log_max_bytes: u64,
    /// Default 10 (0 to 200). Rotated audit logs that are kept.
    pub audit_log_rotations: usize,
    /// Default `x-client-id`, `x-client-version`, `x-forwarded-for`. Request headers copied into the audit log, lower case.
    /// `authorization` and `cookie` are never copied.
    pub audit_log_headers: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let texts = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Settings {
            enabled: true,
            tokens: Vec::new(),
            protect_read: true,
            protect_write: true,
            dev_read_no_auth: false,
            allowed_origins: texts(&["http://localhost:*", "http://127.0.0.1:*"]),
            max_body_bytes: 256_000,
            max_upload_body_bytes: 0,
            max_attachment_bytes: 26_214_400,
            max_bundle_bytes: 78_643_200,
            max_concurrency: 64,
            max_sse: 32,
            lockout_after: 5,
            lockout_base_s: 1.0,
            lockout_max_s: 60.0,
            trust_proxy: false,
            proxies: 0,
            body_timeout_s: 30.0,
            open_metrics: false,
            audit_log: None,
            audit_log_max_bytes: 52_428_800,
            audit_log_rotations: 10,
            audit_log_headers: texts(&["x-client-id", "x-client-version", "x-forwarded-for"]),
        }
    }
}
