//! Who may do what, and how much of it: names and defaults are the reference gateway's.

use super::{Flag, Setting};
use crate::config::settings::{Settings, Token};
use crate::config::value;

fn add_tokens(settings: &mut Settings, text: &str) {
    for token in value::list(text).into_iter().map(Token::new) {
        if !settings.tokens.contains(&token) {
            settings.tokens.push(token);
        }
    }
}

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "security.enabled",
        flag: Flag::None,
        env: "FLOWGATE_SECURITY",
        aliases: &["ABSTRACTGATEWAY_SECURITY", "ABSTRACTFLOW_GATEWAY_SECURITY"],
        default: "true",
        unit: "true or false",
        doc: "Off: no token, origin, size or rate is checked. Only behind a proxy that does all of it.",
        secret: false,
        apply: |s, v| {
            s.security.enabled = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.auth_token",
        flag: Flag::None,
        env: "FLOWGATE_AUTH_TOKEN",
        aliases: &["ABSTRACTGATEWAY_AUTH_TOKEN", "ABSTRACTFLOW_GATEWAY_AUTH_TOKEN"],
        default: "",
        unit: "tokens, comma-separated",
        doc: "Bearer token that clients must send. Without one, a server on a loopback address makes one and keeps it in the file `token` of the data directory.",
        secret: true,
        apply: |s, v| {
            add_tokens(s, v);
            Ok(())
        },
    },
    Setting {
        key: "security.auth_tokens",
        flag: Flag::None,
        env: "FLOWGATE_AUTH_TOKENS",
        aliases: &["ABSTRACTGATEWAY_AUTH_TOKENS", "ABSTRACTFLOW_GATEWAY_AUTH_TOKENS"],
        default: "",
        unit: "tokens, comma-separated",
        doc: "Further tokens, accepted beside `security.auth_token`: for changing a token without a gap.",
        secret: true,
        apply: |s, v| {
            add_tokens(s, v);
            Ok(())
        },
    },
    Setting {
        key: "security.protect_read",
        flag: Flag::None,
        env: "FLOWGATE_PROTECT_READ",
        aliases: &["ABSTRACTGATEWAY_PROTECT_READ", "ABSTRACTFLOW_GATEWAY_PROTECT_READ"],
        default: "true",
        unit: "true or false",
        doc: "Whether reads (GET, HEAD) need a token.",
        secret: false,
        apply: |s, v| {
            s.security.protect_read = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.protect_write",
        flag: Flag::None,
        env: "FLOWGATE_PROTECT_WRITE",
        aliases: &["ABSTRACTGATEWAY_PROTECT_WRITE", "ABSTRACTFLOW_GATEWAY_PROTECT_WRITE"],
        default: "true",
        unit: "true or false",
        doc: "Whether writes (POST, PUT, PATCH, DELETE) need a token.",
        secret: false,
        apply: |s, v| {
            s.security.protect_write = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.dev_read_no_auth",
        flag: Flag::None,
        env: "FLOWGATE_DEV_READ_NO_AUTH",
        aliases: &["ABSTRACTGATEWAY_DEV_READ_NO_AUTH", "ABSTRACTFLOW_GATEWAY_DEV_READ_NO_AUTH"],
        default: "false",
        unit: "true or false",
        doc: "Lets reads from this machine through without a token. For development.",
        secret: false,
        apply: |s, v| {
            s.security.dev_read_no_auth = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.allowed_origins",
        flag: Flag::More("allowed-origins"),
        env: "FLOWGATE_ALLOWED_ORIGINS",
        aliases: &["ABSTRACTGATEWAY_ALLOWED_ORIGINS", "ABSTRACTFLOW_GATEWAY_ALLOWED_ORIGINS"],
        default: "http://localhost:*,http://127.0.0.1:*",
        unit: "origins, comma-separated",
        doc: "Browser origins that may call. `*`, `?` and `[…]` match as in a shell; other entries exactly. An empty list allows none; requests without an Origin are not affected.",
        secret: false,
        apply: |s, v| {
            s.security.allowed_origins = value::list(v);
            Ok(())
        },
    },
    Setting {
        key: "security.max_body_bytes",
        flag: Flag::None,
        env: "FLOWGATE_MAX_BODY_BYTES",
        aliases: &["ABSTRACTGATEWAY_MAX_BODY_BYTES", "ABSTRACTFLOW_GATEWAY_MAX_BODY_BYTES"],
        default: "256000",
        unit: "size",
        doc: "Largest request body; 0 for no limit. A larger one is answered with 413.",
        secret: false,
        apply: |s, v| {
            s.security.max_body_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "security.max_upload_body_bytes",
        flag: Flag::None,
        env: "FLOWGATE_MAX_UPLOAD_BODY_BYTES",
        aliases: &[
            "ABSTRACTGATEWAY_MAX_UPLOAD_BODY_BYTES",
            "ABSTRACTFLOW_GATEWAY_MAX_UPLOAD_BODY_BYTES",
        ],
        default: "0",
        unit: "size",
        doc: "Upper bound for upload bodies whatever the next two say; 0 for none.",
        secret: false,
        apply: |s, v| {
            s.security.max_upload_body_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "security.max_attachment_bytes",
        flag: Flag::None,
        env: "FLOWGATE_MAX_ATTACHMENT_BYTES",
        aliases: &[
            "ABSTRACTGATEWAY_MAX_ATTACHMENT_BYTES",
            "ABSTRACTFLOW_GATEWAY_MAX_ATTACHMENT_BYTES",
        ],
        default: "26214400",
        unit: "size",
        doc: "Largest attachment; its upload may be 2 MiB larger.",
        secret: false,
        apply: |s, v| {
            s.security.max_attachment_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "security.max_bundle_bytes",
        flag: Flag::None,
        env: "FLOWGATE_MAX_BUNDLE_BYTES",
        aliases: &["ABSTRACTGATEWAY_MAX_BUNDLE_BYTES", "ABSTRACTFLOW_GATEWAY_MAX_BUNDLE_BYTES"],
        default: "78643200",
        unit: "size",
        doc: "Largest bundle file; its upload may be 2 MiB larger.",
        secret: false,
        apply: |s, v| {
            s.security.max_bundle_bytes = value::size(v, 0)?;
            Ok(())
        },
    },
    Setting {
        key: "security.max_concurrency",
        flag: Flag::None,
        env: "FLOWGATE_MAX_CONCURRENCY",
        aliases: &["ABSTRACTGATEWAY_MAX_CONCURRENCY", "ABSTRACTFLOW_GATEWAY_MAX_CONCURRENCY"],
        default: "64",
        unit: "requests",
        doc: "Requests that are worked on at once, streams not counted; 429 beyond.",
        secret: false,
        apply: |s, v| {
            s.security.max_concurrency = value::whole(v, 1, 1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "security.max_sse",
        flag: Flag::None,
        env: "FLOWGATE_MAX_SSE",
        aliases: &["ABSTRACTGATEWAY_MAX_SSE", "ABSTRACTFLOW_GATEWAY_MAX_SSE"],
        default: "32",
        unit: "streams",
        doc: "Ledger streams that are open at once; 429 beyond.",
        secret: false,
        apply: |s, v| {
            s.security.max_sse = value::whole(v, 1, 1 << 20)?;
            Ok(())
        },
    },
    Setting {
        key: "security.lockout_after",
        flag: Flag::None,
        env: "FLOWGATE_LOCKOUT_AFTER",
        aliases: &["ABSTRACTGATEWAY_LOCKOUT_AFTER", "ABSTRACTFLOW_GATEWAY_LOCKOUT_AFTER"],
        default: "5",
        unit: "failures",
        doc: "Failed authentications of an address after which it is locked out.",
        secret: false,
        apply: |s, v| {
            s.security.lockout_after = value::whole(v, 1, u32::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "security.lockout_base_s",
        flag: Flag::None,
        env: "FLOWGATE_LOCKOUT_BASE_S",
        aliases: &["ABSTRACTGATEWAY_LOCKOUT_BASE_S", "ABSTRACTFLOW_GATEWAY_LOCKOUT_BASE_S"],
        default: "1.0",
        unit: "seconds",
        doc: "Length of the first lockout; each further failure doubles it.",
        secret: false,
        apply: |s, v| {
            s.security.lockout_base_s = value::seconds(v)?.as_secs_f64();
            Ok(())
        },
    },
    Setting {
        key: "security.lockout_max_s",
        flag: Flag::None,
        env: "FLOWGATE_LOCKOUT_MAX_S",
        aliases: &["ABSTRACTGATEWAY_LOCKOUT_MAX_S", "ABSTRACTFLOW_GATEWAY_LOCKOUT_MAX_S"],
        default: "60.0",
        unit: "seconds",
        doc: "Longest lockout.",
        secret: false,
        apply: |s, v| {
            s.security.lockout_max_s = value::seconds(v)?.as_secs_f64();
            Ok(())
        },
    },
    Setting {
        key: "security.trust_proxy",
        flag: Flag::None,
        env: "FLOWGATE_TRUST_PROXY",
        aliases: &["ABSTRACTGATEWAY_TRUST_PROXY", "ABSTRACTFLOW_GATEWAY_TRUST_PROXY"],
        default: "false",
        unit: "true or false",
        doc: "Takes the client's address from X-Forwarded-For, for lockouts and the audit log. Only behind a proxy that sets it.",
        secret: false,
        apply: |s, v| {
            s.security.trust_proxy = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.proxies",
        flag: Flag::None,
        env: "FLOWGATE_PROXIES",
        aliases: &[],
        default: "0",
        unit: "proxies",
        doc: "With `security.trust_proxy`: how many proxies stand before the server, each of which appends to X-Forwarded-For. The \
              client is then who connected to the outermost of them. 0: the first entry, which a client can forge where the proxies \
              append and do not replace.",
        secret: false,
        apply: |s, v| {
            s.security.proxies = value::whole(v, 0, 100)?;
            Ok(())
        },
    },
    Setting {
        key: "security.body_timeout",
        flag: Flag::None,
        env: "FLOWGATE_BODY_TIMEOUT",
        aliases: &[],
        default: "30",
        unit: "seconds",
        doc: "Longest pause within the body of a request, after which it is answered with 408; 0 waits for ever. A request that does \
              not come holds one of `security.max_concurrency`.",
        secret: false,
        apply: |s, v| {
            s.security.body_timeout_s = value::seconds(v)?.as_secs_f64();
            Ok(())
        },
    },
    Setting {
        key: "security.open_metrics",
        flag: Flag::None,
        env: "FLOWGATE_OPEN_METRICS",
        aliases: &[],
        default: "false",
        unit: "true or false",
        doc: "Serves `/metrics` without a token, for a scraper that cannot send one. Numbers only, but of all tenants.",
        secret: false,
        apply: |s, v| {
            s.security.open_metrics = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "security.audit_log",
        flag: Flag::None,
        env: "FLOWGATE_AUDIT_LOG",
        aliases: &["ABSTRACTGATEWAY_AUDIT_LOG", "ABSTRACTFLOW_GATEWAY_AUDIT_LOG"],
        default: "",
        unit: "true or false",
        doc: "Whether writes are recorded in `audit_log.jsonl` of the data directory; by default when security is on.",
        secret: false,
        apply: |s, v| {
            s.audit_log = Some(value::boolean(v)?);
            Ok(())
        },
    },
    Setting {
        key: "security.audit_log_max_bytes",
        flag: Flag::None,
        env: "FLOWGATE_AUDIT_LOG_MAX_BYTES",
        aliases: &[
            "ABSTRACTGATEWAY_AUDIT_LOG_MAX_BYTES",
            "ABSTRACTFLOW_GATEWAY_AUDIT_LOG_MAX_BYTES",
        ],
        default: "52428800",
        unit: "size",
        doc: "Size at which the audit log is rotated.",
        secret: false,
        apply: |s, v| {
            s.security.audit_log_max_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "security.audit_log_rotations",
        flag: Flag::None,
        env: "FLOWGATE_AUDIT_LOG_ROTATIONS",
        aliases: &[
            "ABSTRACTGATEWAY_AUDIT_LOG_ROTATIONS",
            "ABSTRACTFLOW_GATEWAY_AUDIT_LOG_ROTATIONS",
        ],
        default: "10",
        unit: "files",
        doc: "Rotated audit logs that are kept.",
        secret: false,
        apply: |s, v| {
            s.security.audit_log_rotations = value::whole(v, 0, 200)?;
            Ok(())
        },
    },
    Setting {
        key: "security.audit_log_headers",
        flag: Flag::None,
        env: "FLOWGATE_AUDIT_LOG_HEADERS",
        aliases: &["ABSTRACTGATEWAY_AUDIT_LOG_HEADERS", "ABSTRACTFLOW_GATEWAY_AUDIT_LOG_HEADERS"],
        default: "x-client-id,x-client-version,x-forwarded-for",
        unit: "header names, comma-separated",
        doc: "Request headers recorded in the audit log. Never name one that carries a secret.",
        secret: false,
        apply: |s, v| {
            s.security.audit_log_headers = value::list(&v.to_ascii_lowercase());
            Ok(())
        },
    },
];
