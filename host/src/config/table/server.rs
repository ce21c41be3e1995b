//! Where the server listens, where it keeps things, what it logs.

use super::{Flag, Setting};
use crate::bundles::Source;
use crate::config::settings::LogFormat;
use crate::config::value;
use crate::journal::Synchronous;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "host",
        flag: Flag::Main("host"),
        env: "FLOWGATE_HOST",
        aliases: &["ABSTRACTGATEWAY_HOST"],
        default: "127.0.0.1",
        unit: "address or name",
        doc: "Address that the server listens on. On any address that other machines can reach, a token must be set.",
        secret: false,
        apply: |s, v| {
            let host = v.trim().trim_start_matches('[').trim_end_matches(']');
            if host.is_empty() || host.contains(char::is_whitespace) || host.contains('/') {
                return Err("an address or a host name".to_owned());
            }
            s.host = host.to_owned();
            Ok(())
        },
    },
    Setting {
        key: "port",
        flag: Flag::Main("port"),
        env: "FLOWGATE_PORT",
        aliases: &["ABSTRACTGATEWAY_PORT"],
        default: "8080",
        unit: "port",
        doc: "TCP port that the server listens on; 0 takes a free one.",
        secret: false,
        apply: |s, v| {
            s.port = value::whole(v, 0, u16::MAX)?;
            Ok(())
        },
    },
    Setting {
        key: "tls.cert",
        flag: Flag::Main("tls-cert"),
        env: "FLOWGATE_TLS_CERT",
        aliases: &[],
        default: "",
        unit: "path",
        doc: "Certificate chain (PEM) to serve HTTPS with; needs `tls.key`. Read again on SIGHUP. Empty: plain HTTP.",
        secret: false,
        apply: |s, v| {
            s.tls.cert = v.trim().into();
            Ok(())
        },
    },
    Setting {
        key: "tls.key",
        flag: Flag::Main("tls-key"),
        env: "FLOWGATE_TLS_KEY",
        aliases: &[],
        default: "",
        unit: "path",
        doc: "Private key (PEM, not encrypted) of the certificate in `tls.cert`.",
        secret: false,
        apply: |s, v| {
            s.tls.key = v.trim().into();
            Ok(())
        },
    },
    Setting {
        key: "data_dir",
        flag: Flag::Main("data-dir"),
        env: "FLOWGATE_DATA_DIR",
        aliases: &["ABSTRACTGATEWAY_DATA_DIR", "ABSTRACTFLOW_RUNTIME_DIR"],
        default: "./runtime",
        unit: "path",
        doc: "Directory of everything that is kept: database, compiled code, audit log, token. Made when absent.",
        secret: false,
        apply: |s, v| {
            s.data_dir = value::path(v)?;
            Ok(())
        },
    },
    Setting {
        key: "code_cache",
        flag: Flag::More("code-cache"),
        env: "FLOWGATE_CODE_CACHE",
        aliases: &[],
        default: "",
        unit: "path",
        doc: "Directory of native code, which spares compiling it again at a start. Only this host may write there: what lies in it is \
              executed. Empty: `code-cache` in the data directory; for commands that keep no data (`run`, `demo`, `cases`) `flowgate` \
              in the user's cache directory.",
        secret: false,
        apply: |s, v| {
            s.code_cache = v.trim().into();
            Ok(())
        },
    },
    Setting {
        key: "flows_dir",
        flag: Flag::Main("flows-dir"),
        env: "FLOWGATE_FLOWS_DIR",
        aliases: &[
            "ABSTRACTGATEWAY_FLOWS_DIR",
            "ABSTRACTFRAMEWORK_WORKFLOWS_DIR",
            "ABSTRACTFLOW_FLOWS_DIR",
        ],
        default: "./flows",
        unit: "path",
        doc: "Bundles that are installed at start and at every reload: a directory of `.flow` files and bundle directories, or one \
              `.flow` file. May be absent; what cannot be read is skipped with a warning.",
        secret: false,
        apply: |s, v| {
            s.flows_dir = value::path(v)?;
            Ok(())
        },
    },
    Setting {
        key: "workflow_source",
        flag: Flag::More("workflow-source"),
        env: "FLOWGATE_WORKFLOW_SOURCE",
        aliases: &["ABSTRACTGATEWAY_WORKFLOW_SOURCE"],
        default: "bundle",
        unit: "bundle or visualflow",
        doc: "Where workflows come from. `bundle`: uploads and the bundles of the flows directory. `visualflow`: the `*.json` documents of \
              the flows directory, each known by its own id and taken in again when its file changes; bundles are then not served.",
        secret: false,
        apply: |s, v| {
            s.workflow_source = value::choice(v, &[("bundle", Source::Bundles), ("visualflow", Source::VisualFlow)])?;
            Ok(())
        },
    },
    Setting {
        key: "journal.path",
        flag: Flag::More("database"),
        env: "FLOWGATE_DATABASE",
        aliases: &[],
        default: "",
        unit: "path",
        doc: "The SQLite database; by default `flowgate.sqlite3` in the data directory. Must lie inside the data directory.",
        secret: false,
        apply: |s, v| {
            s.journal.path = value::path(v)?;
            Ok(())
        },
    },
    Setting {
        key: "journal.synchronous",
        flag: Flag::More("synchronous"),
        env: "FLOWGATE_SYNCHRONOUS",
        aliases: &[],
        default: "full",
        unit: "full or normal",
        doc: "What a commit waits for. `full`: the disk, so that what a client was told survives a power cut. `normal`: the operating \
              system only; faster on slow disks, and a power cut may take back the last commits (a crash of the process does not).",
        secret: false,
        apply: |s, v| {
            s.journal.synchronous = value::choice(v, &[("full", Synchronous::Full), ("normal", Synchronous::Normal)])?;
            Ok(())
        },
    },
    Setting {
        key: "journal.hash_chain",
        flag: Flag::More("hash-chain"),
        env: "FLOWGATE_HASH_CHAIN",
        aliases: &[],
        default: "false",
        unit: "true or false",
        doc: "Chain new ledger rows by hashes (`prev_hash`, `record_hash`), which `flowgate verify` checks. Costs some 10 µs a row. A run \
              whose chain has begun keeps it, also when this is switched off.",
        secret: false,
        apply: |s, v| {
            s.journal.hash_chain = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_members",
        flag: Flag::More("bundle-max-members"),
        env: "FLOWGATE_BUNDLE_MAX_MEMBERS",
        aliases: &[],
        default: "4096",
        unit: "files",
        doc: "Files that a bundle may have.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_members = value::whole(v, 1, 1_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_member_bytes",
        flag: Flag::More("bundle-max-member-bytes"),
        env: "FLOWGATE_BUNDLE_MAX_MEMBER_BYTES",
        aliases: &[],
        default: "64MiB",
        unit: "size",
        doc: "Size, unpacked, of one file of a bundle; so also of one flow and of one component.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_member_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_total_bytes",
        flag: Flag::More("bundle-max-total-bytes"),
        env: "FLOWGATE_BUNDLE_MAX_TOTAL_BYTES",
        aliases: &[],
        default: "256MiB",
        unit: "size",
        doc: "Size, unpacked, of all files of a bundle together.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_total_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_document_bytes",
        flag: Flag::More("max-document-bytes"),
        env: "FLOWGATE_MAX_DOCUMENT_BYTES",
        aliases: &[],
        default: "8MiB",
        unit: "size",
        doc: "Size of the document of a flow that is compiled. A larger one does not compile, with `size limit`.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_document_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_nodes",
        flag: Flag::More("max-nodes"),
        env: "FLOWGATE_MAX_NODES",
        aliases: &[],
        default: "10000",
        unit: "nodes",
        doc: "Nodes of a flow that is compiled. A flow of more does not compile, with `size limit`.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_nodes = value::whole(v, 1, 1_000_000)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_compiled_bytes",
        flag: Flag::More("max-compiled-bytes"),
        env: "FLOWGATE_MAX_COMPILED_BYTES",
        aliases: &[],
        default: "2MiB",
        unit: "size",
        doc: "What a flow is compiled to. Native code is made of it when a run needs it, at about a second and 100 MiB of memory for each MiB, so this bounds both. A larger one does not compile, with `size limit`.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_compiled_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_component_bytes",
        flag: Flag::More("max-component-bytes"),
        env: "FLOWGATE_MAX_COMPONENT_BYTES",
        aliases: &[],
        default: "4MiB",
        unit: "size",
        doc: "Size of a flow that comes as a component and imports no WASI. It bounds the time and memory that compiling it takes. A larger one is refused with `size limit`.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_component_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_wasi_component_bytes",
        flag: Flag::More("max-wasi-component-bytes"),
        env: "FLOWGATE_MAX_WASI_COMPONENT_BYTES",
        aliases: &[],
        default: "64MiB",
        unit: "size",
        doc: "The same for a component that imports WASI and carries its language's engine. Compiling one takes seconds to minutes; they are compiled one at a time, behind the upload's answer.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_wasi_component_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_function_bytes",
        flag: Flag::More("max-function-bytes"),
        env: "FLOWGATE_MAX_FUNCTION_BYTES",
        aliases: &[],
        default: "64KiB",
        unit: "size",
        doc: "Size of one function of a component that is uploaded and imports no WASI. Time and memory of compiling may grow with the square of it: a function of 300 KiB that was written for it took minutes and a gigabyte. A component with a larger one is refused with `size limit`.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_function_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.max_wasi_function_bytes",
        flag: Flag::More("max-wasi-function-bytes"),
        env: "FLOWGATE_MAX_WASI_FUNCTION_BYTES",
        aliases: &[],
        default: "1MiB",
        unit: "size",
        doc: "The same for a component that imports WASI; interpreters of languages have large functions. Where strangers upload bundles, set it as low as the guests allow.",
        secret: false,
        apply: |s, v| {
            s.bundles.max_wasi_function_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "bundles.compile_timeout",
        flag: Flag::More("compile-timeout"),
        env: "FLOWGATE_COMPILE_TIMEOUT",
        aliases: &[],
        default: "5m",
        unit: "time",
        doc: "How long an installation or a run waits for native code, once its turn has come. After that it fails with `compile limit`. The compiler cannot be interrupted: its thread ends its work, and until then no other takes its turn.",
        secret: false,
        apply: |s, v| {
            s.bundles.compile_timeout = value::seconds(v)?;
            Ok(())
        },
    },
    Setting {
        key: "log.format",
        flag: Flag::More("log-format"),
        env: "FLOWGATE_LOG_FORMAT",
        aliases: &[],
        default: "auto",
        unit: "auto, text or json",
        doc: "Form of the log on standard error. `auto`: text on a terminal, one JSON object a line elsewhere.",
        secret: false,
        apply: |s, v| {
            let forms = [
                ("auto", LogFormat::Auto),
                ("text", LogFormat::Text),
                ("json", LogFormat::Json),
            ];
            s.log.format = value::choice(v, &forms)?;
            Ok(())
        },
    },
    Setting {
        key: "log.level",
        flag: Flag::More("log-level"),
        env: "FLOWGATE_LOG_LEVEL",
        aliases: &["RUST_LOG"],
        default: "info",
        unit: "filter",
        doc: "What is logged: `error`, `warn`, `info`, `debug`, `trace` or `off`, also by module (`info,flowgate::journal=debug`).",
        secret: false,
        apply: |s, v| {
            let bad = |_| "a log filter such as 'info' or 'warn,flowgate::runner=debug'".to_owned();
            v.parse::<tracing_subscriber::EnvFilter>().map_err(bad)?;
            s.log.level = v.trim().to_owned();
            Ok(())
        },
    },
];
