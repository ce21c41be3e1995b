//! Which files clients and flows reach.

use std::time::Duration;

use super::{Flag, Setting};
use crate::config::value;

pub static SETTINGS: &[Setting] = &[
    Setting {
        key: "workspace.dir",
        flag: Flag::More("workspace-dir"),
        env: "FLOWGATE_WORKSPACE_DIR",
        aliases: &["ABSTRACTGATEWAY_WORKSPACE_DIR"],
        default: "",
        unit: "path",
        doc: "The workspace: the directory whose files clients with the shared token list, read, import and write, and in which they may let \
              runs work. Must not lie in the data directory; where the data directory lies in it, that is closed. Empty: `workspace` in the \
              data directory.",
        secret: false,
        apply: |s, v| {
            s.workspace.dir = value::path(v)?;
            Ok(())
        },
    },
    Setting {
        key: "workspace.mounts",
        flag: Flag::None,
        env: "FLOWGATE_WORKSPACE_MOUNTS",
        aliases: &["ABSTRACTGATEWAY_WORKSPACE_MOUNTS"],
        default: "",
        unit: "lines name=/absolute/path",
        doc: "Further directories of the workspace, one a line; a file of one is called `name/path`. A name has 1 to 32 letters, digits, `_` or \
              `-`, and the directory must be there; other lines are skipped with a warning.",
        secret: false,
        apply: |s, v| {
            v.clone_into(&mut s.workspace.mounts);
            Ok(())
        },
    },
    Setting {
        key: "workspace.client_scope",
        flag: Flag::None,
        env: "FLOWGATE_ALLOW_CLIENT_WORKSPACE_SCOPE",
        aliases: &[
            "ABSTRACTGATEWAY_ALLOW_CLIENT_WORKSPACE_SCOPE",
            "ABSTRACTGATEWAY_TRUST_CLIENT_WORKSPACE_SCOPE",
        ],
        default: "false",
        unit: "true or false",
        doc: "Whether clients with the shared token may name any directory of this machine as a workspace, for themselves and for runs. Only \
              for a server that its user alone reaches. The data directory stays closed.",
        secret: false,
        apply: |s, v| {
            s.workspace.client_scope = value::boolean(v)?;
            Ok(())
        },
    },
    Setting {
        key: "workspace.max_read_bytes",
        flag: Flag::More("workspace-max-read-bytes"),
        env: "FLOWGATE_WORKSPACE_MAX_READ_BYTES",
        aliases: &[],
        default: "16MiB",
        unit: "size",
        doc: "Largest file of a workspace that is read for a client or a flow. What a flow reads must also fit `runner.max_payload_bytes`.",
        secret: false,
        apply: |s, v| {
            s.workspace.max_read_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "workspace.max_write_bytes",
        flag: Flag::More("workspace-max-write-bytes"),
        env: "FLOWGATE_WORKSPACE_MAX_WRITE_BYTES",
        aliases: &[],
        default: "64MiB",
        unit: "size",
        doc: "Largest file that a flow or a client writes into a workspace.",
        secret: false,
        apply: |s, v| {
            s.workspace.max_write_bytes = value::size(v, 1)?;
            Ok(())
        },
    },
    Setting {
        key: "workspace.index_ttl",
        flag: Flag::More("file-index-ttl"),
        env: "FLOWGATE_FILE_INDEX_TTL",
        aliases: &["ABSTRACTGATEWAY_FILE_INDEX_TTL_S"],
        default: "30s",
        unit: "time",
        doc: "How long a search for files goes by the same index; at least a second. A file that is newer is not found before.",
        secret: false,
        apply: |s, v| {
            s.workspace.index_ttl = value::seconds(v)?.max(Duration::from_secs(1));
            Ok(())
        },
    },
    Setting {
        key: "workspace.index_max_files",
        flag: Flag::More("file-index-max-files"),
        env: "FLOWGATE_FILE_INDEX_MAX_FILES",
        aliases: &["ABSTRACTGATEWAY_FILE_INDEX_MAX_FILES"],
        default: "50000",
        unit: "files",
        doc: "Files that a search knows of; at least 1000. Each costs about 200 bytes of memory.",
        secret: false,
        apply: |s, v| {
            s.workspace.index_max_files = value::whole(v, 1, 10_000_000)?.max(1000);
            Ok(())
        },
    },
];
