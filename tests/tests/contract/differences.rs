//! Where this server and the reference differ, and why. `docs/differences.md` is made from it.

use std::fmt::Write as _;

use flowgate_tests::root;

use crate::target;

/// One difference.
pub struct Difference {
    /// Endpoint or area.
    pub at: &'static str,
    pub reference: &'static str,
    pub ours: &'static str,
    pub why: &'static str,
    /// Labels of the checks that the reference does not pass for it.
    pub checks: &'static [&'static str],
    /// Where it shows in the recorded exchanges: their name, and the place in the answer. `*` in a place is one part or more.
    pub recorded: &'static [(&'static str, &'static str)],
}

/// Recorded exchanges that this server does not answer yet.
pub const PENDING: &[&str] = &[];

/// Labels of checks that this server does not pass yet.
pub const PENDING_CHECKS: &[&str] = &[];

/// Where the reference answers otherwise than it did when the exchanges were recorded: they were made with its own AbstractRuntime 0.4.28,
/// and it now runs with 0.13.0.
pub const REFERENCE_SINCE: &[(&str, &str)] = &[
    ("ledger completed", "body.items.5.idempotency_key"),
    ("stream", "body.5.data.record.idempotency_key"),
    ("stream tail", "body.0.data.record.idempotency_key"),
    ("history bundle", "body.detail"),
    ("history bundle", "body.ledgers.*"),
    ("history bundle", "body.resolved_actions"),
    ("history bundle", "body.warnings"),
    ("ledger of nap", "body.items.2.idempotency_key"),
    ("ledger of waiter", "body.items.3.idempotency_key"),
    ("ledger of listener", "body.items.*.idempotency_key"),
    ("schedule ledger", "body.items.10.idempotency_key"),
    ("capabilities", "body.capabilities.*"),
];

pub const DIFFERENCES: &[Difference] = &[
    Difference {
        at: "`POST /bundles/upload` of what is no zip",
        reference: "500",
        ours: "400 with the same text",
        why: "The request is at fault, not the server, and a client need not try again.",
        checks: &["upload: no zip"],
        recorded: &[("upload no zip", "status")],
    },
    Difference {
        at: "`GET /bundles?all_versions=true`",
        reference: "versions in the order of their file names: 1.0.0, 1.10.0, 1.9.0",
        ours: "from the oldest version to the latest",
        why: "The last one is the one that a start takes.",
        checks: &["bundles: list of all versions"],
        recorded: &[],
    },
    Difference {
        at: "`GET /runs`",
        reference: "rows come from a light index: `current_node`, `error`, `schedule`, `limits` are null, `paused` and `is_scheduled` false \
                    whatever the run is, a wait has its reason and time only; file stores write `until` as the text `None`",
        ours: "the values that `GET /runs/{id}` has (`limits` stays null)",
        why: "A list that says a paused run is not paused is wrong. Clients that test `waiting.reason` see the same.",
        checks: &[
            "runs: row",
            "runs: row of a waiting run",
            "runs paused: row",
            "runs paused: row says until when",
        ],
        recorded: &[
            ("runs of session", "body.items.*.current_node"),
            ("runs of session", "body.items.*.waiting.*"),
            ("runs", "body.items.*.current_node"),
            ("runs", "body.items.*.is_scheduled"),
            ("runs", "body.items.*.schedule"),
            ("runs", "body.items.*.waiting.*"),
            ("runs roots completed", "body.items.*.current_node"),
            ("runs roots completed", "body.items.*.is_scheduled"),
            ("runs roots completed", "body.items.*.schedule"),
            ("runs roots completed", "body.items.*.paused_at"),
            ("runs roots completed", "body.items.*.resumed_at"),
        ],
    },
    Difference {
        at: "`POST /commands`, `seq`",
        reference: "a duplicate uses up a number of the SQLite store",
        ours: "commands are numbered without gaps",
        why: "A gap looks like a command that was lost. Only the order of numbers has a meaning.",
        checks: &[],
        recorded: &[
            ("cancel tree", "body.seq"),
            ("pause", "body.seq"),
            ("unpause", "body.seq"),
            ("emit global event", "body.seq"),
            ("emit session event", "body.seq"),
            ("update schedule", "body.seq"),
        ],
    },
    Difference {
        at: "a command that fails (wrong `wait_key`, unknown scope, no schedule, …)",
        reference: "only its own log says so",
        ours: "the run's ledger gets a `failed` row that says why",
        why: "The outcome of a command is asynchronous: the ledger is the only place where a client can learn of it.",
        checks: &[
            "resume: the wrong key is told in the ledger",
            "failed commands: resume with the wrong key",
            "failed commands: resume with a payload that is no object",
            "failed commands: an event without a name",
            "failed commands: an event of an unknown scope",
            "failed commands: a schedule that is none",
            "failed commands: memory without a model",
        ],
        recorded: &[],
    },
    Difference {
        at: "the wrapper of a schedule (`GET /workflows/scheduled:…/flow`)",
        reference: "its wait between executions holds the interval; `update_schedule` rewrites the workflow",
        ours: "the wait reads the interval from a variable of the run: the drawing has a node `interval` more, and shows what it is now",
        why: "A run stays with the component that it was started with, and is recomputed from what it was told at the time.",
        checks: &[],
        recorded: &[("schedule wrapper", "body.flow.*")],
    },
    Difference {
        at: "`POST /runs/schedule` with a `start_at` or an `interval` that is none",
        reference: "200, and the run fails at its first step or its first wait",
        ours: "400 `Invalid start_at: …` or `Invalid interval: …`; also for an interval of 0 without an end",
        why: "The client that made the mistake is still there to hear of it.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`POST /runs/schedule`, workspace",
        reference: "what the client says of the workspace is taken as it is",
        ours: "the same clamp as for `POST /runs/start`; all executions of a schedule have one folder",
        why: "What a client may not do now it may not do later.",
        checks: &[],
        recorded: &[("schedule input data", "body.workspace.workspace_root")],
    },
    Difference {
        at: "`emit_event` that matches a paused run",
        reference: "the paused run refuses it, and the matches after it hear nothing",
        ours: "the paused run is left out, all others hear it",
        why: "Who hears an event must not depend on a stranger that is paused.",
        checks: &["events paused: runs that are not paused hear it"],
        recorded: &[],
    },
    Difference {
        at: "`GET …/ledger/stream` with `Last-Event-ID`",
        reference: "ignored: a browser's EventSource that reconnects gets every row again",
        ours: "the greater of `after` and `Last-Event-ID` counts",
        why: "It is what the header is for; a client that does not send it sees no difference.",
        checks: &["stream: Last-Event-ID"],
        recorded: &[],
    },
    Difference {
        at: "`DEV_READ_NO_AUTH` behind a trusted proxy",
        reference: "a request whose `X-Forwarded-For` begins with 127.0.0.1 reads without a token",
        ours: "a request that a proxy passed on needs the token, whatever it says of itself",
        why: "The header's first entry is the client's own word.",
        checks: &["protection: reads that a proxy passes on"],
        recorded: &[],
    },
    Difference {
        at: "lockout, the last second",
        reference: "what is left of a lock is rounded down, so its last second does not block (the first lock of one second never does)",
        ours: "a lock blocks to its end; `Retry-After` is rounded up",
        why: "A guesser would otherwise have the first lock for nothing and one second of each later one.",
        checks: &[
            "lockout: the right token is locked out too, to the end of the lock",
            "lockout: rounded up",
            "lockout: OPTIONS too",
            "lockout: the second lock is twice as long",
        ],
        recorded: &[],
    },
    Difference {
        at: "`Allow` of a 405",
        reference: "names the verbs of one of the path's routes (`DELETE` for `/bundles/{id}`, which has `GET` too)",
        ours: "names all verbs of the path",
        why: "It is what the header means.",
        checks: &[
            "verbs: PUT /api/gateway/bundles/some names the verbs",
            "verbs: PATCH /api/gateway/bundles/some names the verbs",
            "verbs: HEAD /api/gateway/bundles/some names the verbs",
            "verbs: OPTIONS /api/gateway/bundles/some names the verbs",
            "verbs: POST /api/gateway/bundles/some names the verbs",
        ],
        recorded: &[],
    },
    Difference {
        at: "`/backlog`, `/triage`, `/email`, `/processes`, `/reports`, `/bugs`, `/features`",
        reference: "browse and change its own project, send mail, start processes",
        ours: "404 `Not Found`",
        why: "They maintain the reference's own project and run code beside the sandbox. No client of workflows needs them.",
        checks: &[
            "unknown path: /api/gateway/processes",
            "unknown path: /api/gateway/backlog/list",
            "unknown path: /api/gateway/email/accounts",
            "unknown path: /api/gateway/processes/env",
            "unknown path: POST /api/gateway/bugs/report",
        ],
        recorded: &[],
    },
    Difference {
        at: "`idempotency_key` of a node that is passed again (a listener, a loop)",
        reference: "up to AbstractRuntime 0.4.28, with which the exchanges were recorded, the same key; since 0.13.0 another",
        ours: "another key for each passage",
        why: "The same effect asked for twice happens twice.",
        checks: &[],
        recorded: &[
            ("ledger of listener", "body.items.5.idempotency_key"),
            ("ledger of listener", "body.items.6.idempotency_key"),
        ],
    },
    Difference {
        at: "`idempotency_key` of the row that completes a run",
        reference: "null up to AbstractRuntime 0.4.28, `system:completion:<node>` with 0.13.0",
        ours: "null",
        why: "It is what the gateway's contract shows; the row is written in the commit that ends the run, so nothing can write it twice.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`GET /runs/{id}/input_data`, `workspace`; `GET /files/read` and `/files/skim`, the header of the content",
        reference: "the absolute path of a folder or file on the server, unless it lies under the operator's root",
        ours: "the path as clients name it, or within the data directory",
        why: "Where a server keeps its files is nothing that a client can use, and nothing that it should learn.",
        checks: &[],
        recorded: &[
            ("input data", "body.workspace.workspace_root"),
            ("history bundle", "body.input_data.workspace_root"),
            ("files read", "body.content"),
            ("files read missing", "body.content"),
            ("files skim", "body.content"),
        ],
    },
    Difference {
        at: "`GET …/artifacts/{id}/content`",
        reference: "the whole content under the type that the uploader said",
        ours: "`Range` requests, `X-Content-Type-Options: nosniff`, and a type that a browser would run is kept from running",
        why: "A page that somebody uploaded must not run as a page of the gateway; media players ask for parts.",
        checks: &[
            "content: a range",
            "content: a range beyond the end",
            "content: no guessing",
            "content: a page is not shown as one of ours",
        ],
        recorded: &[],
    },
    Difference {
        at: "`GET /runs/{id}/history_bundle` of an unknown run",
        reference: "404 whose text is in quotes once more",
        ours: "404 `Run 'x' not found`, as everywhere",
        why: "The quotes are an accident of how the error is made.",
        checks: &["history: unknown run"],
        recorded: &[],
    },
    Difference {
        at: "`/visualflows` (authoring), `/workflow-catalog`, `/session`, `/admin/users`, `/runs/purge_drafts`, `/semantics`, run summaries and \
             chats, media and models",
        reference: "draws, shares and publishes flows, signs users in, talks to models",
        ours: "404 `Not Found`; `discovery/capabilities` says that they are not there",
        why: "They are not part of running workflows. Users and sign-in come with accounts; bundles are packed with `flowgate pack`.",
        checks: &[],
        recorded: &[
            ("visualflow create", "status"),
            ("visualflows", "status"),
            ("visualflow put", "status"),
            ("visualflow bad", "status"),
            ("visualflow extra", "status"),
            ("visualflow publish", "status"),
            ("visualflow publish again", "status"),
            ("visualflow delete", "status"),
            ("visualflow gone", "body.detail"),
        ],
    },
    Difference {
        at: "times in `schedule.created_at` and `deprecated_at`",
        reference: "`…:25+00:00` without microseconds here, `…Z` there",
        ours: "microseconds and `+00:00` everywhere",
        why: "The contract compares times as texts, so they have one form.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`GET /discovery/capabilities`, `/discovery/providers`",
        reference: "the Python packages that are installed, and what each model host could do",
        ours: "what this server has: the contracts that clients look for, `available: false` where there is nothing; `providers` has an \
               empty list and null defaults",
        why: "It must be true of the server that says it.",
        checks: &["discovery: providers: a list and defaults"],
        recorded: &[("capabilities", "body.capabilities.*")],
    },
    Difference {
        at: "an unknown verb (`BREW /api/gateway/runs`) without a token",
        reference: "405: its guard knows reads and writes, and looks at no other verb",
        ours: "401, as for every verb but OPTIONS",
        why: "What is not known to be harmless needs a token.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "a request whose body stops coming",
        reference: "waits for ever, with one of its permits",
        ours: "408 after `security.body_timeout`",
        why: "A few clients that say nothing must not keep all others out.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`x-request-id` of more than 256 bytes",
        reference: "comes back and is logged whatever its length",
        ours: "replaced by a fresh one",
        why: "The id stands in every line of the log; how long those are is not for a client to say.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`GET /runs/{id}/ledger`, large rows",
        reference: "as many rows as `limit` says, whatever they weigh",
        ours: "a page also ends after 8 MiB; `next_after` goes on from there",
        why: "What one request may cost is bounded. Clients go by `next_after`, not by the number of rows.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`/healthz`, `/readyz`, `/metrics`",
        reference: "404",
        ours: "for operators: whether the server lives, whether it is ready, and numbers for Prometheus (with the token)",
        why: "They are beside the contract, outside of `/api`.",
        checks: &[
            "operator: alive",
            "operator: ready",
            "operator: metrics",
            "operator: metrics: type",
            "operator: metrics: flowgate_runs",
            "operator: metrics: # TYPE",
            "operator: metrics: # HELP",
            "operator: metrics: token",
        ],
        recorded: &[],
    },
    Difference {
        at: "`serve` without an address",
        reference: "listens on 0.0.0.0",
        ours: "listens on 127.0.0.1",
        why: "A server that starts runs is not to be reached by others unless someone says so.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`serve` without a token",
        reference: "refuses to start",
        ours: "on a loopback address makes a token and keeps it in the data directory; on any other address refuses to start",
        why: "A first try needs no setting, and is not open to others for it.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`ABSTRACTGATEWAY_STORE_BACKEND=file`",
        reference: "the default: one JSON file a run, one line a row",
        ours: "refused at start, with a pointer to `migrate`",
        why: "One journal with transactions holds everything; a second, weaker store would double every rule.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "the workspace when none is set",
        reference: "the repository or directory that the server was started in",
        ours: "an empty folder of the data directory; where a workspace holds the data directory, that is closed",
        why: "What a server happens to be started in is not for its clients, and the database is not for flows.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`GET /files/list`",
        reference: "`recursive` has no effect on the root; `truncated` is true when exactly `limit` entries are there",
        ours: "the root is listed with all below it and its mounts; `truncated` says that there are more",
        why: "It is what the parameters mean.",
        checks: &["files: list of everything: items"],
        recorded: &[],
    },
    Difference {
        at: "`.abstractignore`",
        reference: "the nearest file above counts, matched as shell patterns; file nodes do not look at it",
        ours: "all files from the root down count, in gitignore's syntax; what an operator's rule names, no flow reads or writes",
        why: "A rule that keeps a file from people keeps it from flows.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "the workspace of runs that a flow starts",
        reference: "whatever `workspace_*` variables the flow gives; a run without any reads and writes anywhere",
        ours: "its parent's or a part of it; the listeners of a run work in the run's; a run without a workspace has no files",
        why: "A flow is not trusted: what it may reach is said by the client that starts it, within what the operator allows.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`ABSTRACTGATEWAY_TOOL_MODE=local`",
        reference: "also lets clients name any folder of the machine",
        ours: "only `workspace.client_scope` does",
        why: "How tools run is another question than which files clients reach.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "file and artifact nodes (`read_file`, `write_file`, …)",
        reference: "run inside a tick and leave no row",
        ours: "are effects: a `started` and a `completed` or `failed` row",
        why: "A flow reaches nothing by itself; what the host does for it is in the ledger, and after a crash it is known what was done.",
        checks: &[],
        recorded: &[],
    },
    Difference {
        at: "`warnings` of lists of artifacts",
        reference: "a list that its catalogue cannot filter by itself says `query_or_scope_requires_gateway_post_filter`",
        ours: "an empty list",
        why: "Every filter is one of the database's; there is nothing to warn of.",
        checks: &[],
        recorded: &[
            ("artifacts of session", "body.warnings.length"),
            ("artifact search", "body.warnings.length"),
        ],
    },
];

/// Whether a check of this label is known to fail, against the reference or, until it is done, here.
pub fn explains_check(label: &str) -> bool {
    if target::is_reference() {
        DIFFERENCES.iter().any(|difference| difference.checks.contains(&label))
    } else {
        PENDING_CHECKS.contains(&label)
    }
}

/// All places in recorded exchanges that are known to differ.
pub fn all_recorded() -> Vec<(&'static str, &'static str)> {
    if target::is_reference() {
        REFERENCE_SINCE.to_vec()
    } else {
        DIFFERENCES
            .iter()
            .flat_map(|difference| difference.recorded.iter().copied())
            .collect()
    }
}

/// The entry that explains this place of a recorded exchange.
pub fn recorded(name: &str, at: &str) -> Option<(&'static str, &'static str)> {
    all_recorded()
        .into_iter()
        .find(|(exchange, place)| *exchange == name && fits(place, at))
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().any(|(at, _)| at > 0 && fits(tail, &rest[at..])) || (!rest.is_empty() && tail.is_empty())
        }),
    }
}

const HEAD: &str = "# Differences from AbstractGateway\n\n\
    The contract is the one of AbstractGateway 0.2.27. This page lists where Flowgate answers otherwise, and why. It is made from the table in \
    `tests/tests/contract/differences.rs`: the same checks run against both servers, and a difference that is not listed fails them \
    (`tests/tests/contract/README.md` says how).\n\n\
    | where | AbstractGateway | Flowgate | why |\n| --- | --- | --- | --- |\n";

/// The page, from the table.
#[test]
fn the_page_of_differences_is_up_to_date() {
    let mut page = HEAD.to_owned();
    for difference in DIFFERENCES {
        let Difference {
            at,
            reference,
            ours,
            why,
            ..
        } = difference;
        let cells = [at, reference, ours, why].map(|text| text.replace('|', "\\|"));
        writeln!(page, "| {} |", cells.join(" | ")).expect("a text takes text");
    }
    let path = root().join("docs/differences.md");
    if std::env::var_os("FLOWGATE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("the page is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/differences.md is not up to date: FLOWGATE_UPDATE_DOCS=1 writes it"
    );
}
