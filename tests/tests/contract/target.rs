//! Where the checks go: a server that was started for them, or the one that `FLOWGATE_CONTRACT_URL` names.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Weak};

use flowgate_tests::server::TOKEN;
use flowgate_tests::{Gateway, Options, Server, random};
use tokio::sync::Mutex;

/// `http://host:port` of a server that runs already; `FLOWGATE_CONTRACT_TOKEN` is its token.
const URL: &str = "FLOWGATE_CONTRACT_URL";
const URL_TOKEN: &str = "FLOWGATE_CONTRACT_TOKEN";

/// Files of the shared server's workspace, path and content.
pub const FILES: [(&str, &str); 2] = [("notes/a.txt", "first line\n"), ("notes/deep/b.md", "# B\n")];

/// A server that tests share, so what a test makes there has names of its own; see [`Target::name`].
pub struct Target {
    pub gateway: Gateway,
    pub address: SocketAddr,
    pub token: String,
    /// Lives as long as one of its tests.
    _server: Option<Arc<Server>>,
}

/// The server that is given or, for as long as any test uses it, one of our own.
pub async fn shared() -> Target {
    static SHARED: Mutex<Weak<Server>> = Mutex::const_new(Weak::new());
    if let Some((address, token)) = given() {
        return Target {
            gateway: Gateway::new(address, Some(&token)),
            address,
            token,
            _server: None,
        };
    }
    let mut shared = SHARED.lock().await;
    let server = match shared.upgrade() {
        Some(server) => server,
        None => {
            let server = Arc::new(with_files().env("ABSTRACTGATEWAY_TRUST_PROXY", 1).start().await);
            *shared = Arc::downgrade(&server);
            server
        }
    };
    Target {
        gateway: server.gateway(),
        address: server.address(),
        token: TOKEN.to_owned(),
        _server: Some(server),
    }
}

/// A server of the test's own; none, with a word about it, where the checks go to a server that was given.
pub async fn own(options: Options) -> Option<Server> {
    if given().is_some() {
        eprintln!("skipped: needs a server with settings of its own, and {URL} is set");
        return None;
    }
    Some(options.start().await)
}

/// Whether a foreign server is checked whose differences are known: see `differences`.
pub fn is_reference() -> bool {
    std::env::var_os("FLOWGATE_CONTRACT_REFERENCE").is_some_and(|value| value != "0")
}

impl Target {
    /// A name that nobody else uses, safe in paths and bundle ids.
    pub fn name(&self, prefix: &str) -> String {
        format!("{prefix}-{}", &random::unique()[..10])
    }
}

/// A server whose workspace holds [`FILES`].
pub fn with_files() -> Options {
    FILES
        .iter()
        .fold(Options::new(), |options, (path, content)| options.file(path, content))
}

fn given() -> Option<(SocketAddr, String)> {
    let url = std::env::var(URL).ok()?;
    let authority = url.trim_end_matches('/').strip_prefix("http://");
    let authority = authority.unwrap_or_else(|| panic!("{URL} must be http://host:port, not {url}"));
    let mut addresses = authority
        .to_socket_addrs()
        .unwrap_or_else(|error| panic!("{URL} {url}: {error}"));
    let token = std::env::var(URL_TOKEN).unwrap_or_else(|_| panic!("{URL} is set, so {URL_TOKEN} must be too"));
    Some((
        addresses.next().unwrap_or_else(|| panic!("{URL} {url} has no address")),
        token,
    ))
}
