//! Clients that were not written here, used as their users would. What each showed is in `tests/clients/README.md`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flowgate_tests::{Bundle, Flow, Server, binary, lean, root};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of a stream, its head included, that end in the middle of its first or second row.
const WITHIN_A_ROW: usize = 900;

#[tokio::test]
async fn the_curl_commands_of_the_readme_work() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = port.local_addr().expect("its address");
    drop(port);
    let mut script = flowgate_tests::server::command();
    let mut shell = Command::new(root().join("tests/clients/curl.sh"));
    shell
        .arg(binary::flowgate())
        .env("PORT", address.port().to_string())
        .kill_on_drop(true);
    let cache = script
        .as_std_mut()
        .get_envs()
        .find(|(name, _)| *name == "FLOWGATE_CODE_CACHE");
    if let Some((name, Some(value))) = cache {
        shell.env(name, value);
    }
    let output = tokio::time::timeout(PATIENCE, shell.output())
        .await
        .expect("the script ends")
        .expect("bash runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success() && said.contains("All commands of the README worked."),
        "{said}"
    );
}

/// Asks over and over, with something said in between: rows come as the answers do.
fn talk(rounds: usize) -> Bundle {
    let items: Vec<usize> = (0..rounds).collect();
    let flow = Flow::new("root")
        .start(&[])
        .node(
            "each",
            "loop",
            &["items"],
            &["item", "index", "total"],
            json!({"pinDefaults": {"items": items}}),
        )
        .say("say", "go on")
        .ask("ask", "more?", &[])
        .end("end", &["total"])
        .exec("start -> each")
        .exec("each.loop -> say -> ask")
        .exec("each.done -> end")
        .wire("each.total -> end.total");
    Bundle::new("talk", "1.0.0").flow(flow)
}

#[tokio::test]
async fn a_browser_whose_connection_is_cut_loses_no_step() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: there is no chromium on the path");
        return;
    };
    const ROUNDS: usize = 12;
    let mut server = Server::start().await;
    let gateway = server.gateway();
    gateway.install(&talk(ROUNDS)).await;
    let run = gateway.start("talk", json!({})).await;
    let (proxy, mut results) = Proxy::start(server.address()).await;
    let mut browser = open(&chromium, &format!("http://{}/?run={run}", proxy.address));

    for round in 0..ROUNDS {
        gateway.until(&run, "asking", |run| run["status"] == "waiting").await;
        match round {
            // While nothing comes; then also in the middle of a row; then the server itself dies.
            2 => proxy.cut(&mut browser).await,
            5 => proxy.cut_twice(&mut browser).await,
            8 => {
                proxy.until(&mut browser, "the third cut", |state| state.cuts == 3).await;
                proxy
                    .until(&mut browser, "the fourth stream", |state| {
                        state.streams == 4 && state.passed > 0
                    })
                    .await;
                server.kill().await;
                server.restart().await;
            }
            _ => {}
        }
        gateway.until(&run, "asking", |run| run["status"] == "waiting").await;
        gateway.answer(&run, "yes").await.ok();
        let answered = 5 * (round + 1);
        while gateway.ledger(&run).await.len() < answered {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    gateway.until_status(&run, "completed").await;
    let result = tokio::time::timeout(PATIENCE, results.recv())
        .await
        .expect("the page answers in time");
    let seen: Value = serde_json::from_slice(&result.expect("an answer")).expect("JSON");
    browser.kill().await.expect("the browser ends");

    let rows = gateway.ledger(&run).await;
    assert_eq!(seen["gave_up"], false, "{seen}");
    let steps = seen["steps"].as_array().expect("steps");
    for (at, (step, row)) in steps.iter().zip(&rows).enumerate() {
        let cursor = at + 1;
        let wanted = json!({"id": cursor.to_string(), "cursor": cursor, "step_id": row["step_id"], "status": row["status"]});
        assert_eq!(step, &wanted, "each row once, in order");
    }
    assert_eq!((steps.len(), &seen["done"]["cursor"]), (rows.len(), &json!(rows.len())));
    assert!(seen["broken"].as_u64() >= Some(4), "it noticed every cut: {}", seen["broken"]);
    let resumed: Vec<String> = proxy.last_ids();
    assert!(resumed.len() >= 4, "it says where it was: {resumed:?}");
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|dir| names.map(|name| dir.join(name)))
        .find(|path| path.exists())
}

/// A browser window without a screen; its profile is thrown away with it.
struct Browser {
    child: tokio::process::Child,
    profile: tempfile::TempDir,
}

fn open(chromium: &std::path::Path, url: &str) -> Browser {
    let profile = tempfile::tempdir().expect("a directory");
    let mut command = Command::new(chromium);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--remote-debugging-port=0",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display())).arg(url);
    let log = std::fs::File::create(profile.path().join("log")).expect("a log file");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .kill_on_drop(true);
    Browser {
        child: command.spawn().expect("chromium starts"),
        profile,
    }
}

impl Browser {
    async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }

    /// Fails when the browser has ended by itself.
    fn alive(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            let log = std::fs::read_to_string(self.profile.path().join("log")).unwrap_or_default();
            panic!("chromium ended with {status}: {log}");
        }
    }
}

/// Serves the page and passes the rest on to the gateway with the token that the browser must not know. It can cut streams.
struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Streams opened so far, and what was passed on of the last.
    streams: usize,
    passed: usize,
    /// Bytes of the last stream after which it is cut.
    cut_at: Option<usize>,
    cuts: usize,
    last_ids: Vec<String>,
}

impl Proxy {
    async fn start(server: SocketAddr) -> (Proxy, mpsc::Receiver<Vec<u8>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared::default());
        let (send, results) = mpsc::channel(4);
        let state = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // What goes wrong with one connection is the browser's to mend.
                tokio::spawn(serve(client, server, state.clone(), send.clone()));
            }
        });
        (Proxy { address, shared }, results)
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.shared.state.lock().expect("nobody panics with the lock"))
    }

    fn last_ids(&self) -> Vec<String> {
        self.with(|state| state.last_ids.clone())
    }

    async fn until(&self, browser: &mut Browser, what: &str, done: impl Fn(&State) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.with(|state| done(state)) {
            browser.alive();
            assert!(tokio::time::Instant::now() < deadline, "{what}: it does not come to it");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Cuts the stream that is open, once something has come through it.
    async fn cut(&self, browser: &mut Browser) {
        self.until(browser, "a stream", |state| state.passed > 0).await;
        let cuts = self.with(|state| {
            state.cut_at = Some(0);
            state.cuts
        });
        self.until(browser, "a cut", |state| state.cuts > cuts).await;
    }

    /// Cuts the stream, and once more where the next one is in the middle of a row.
    async fn cut_twice(&self, browser: &mut Browser) {
        self.cut(browser).await;
        self.with(|state| state.cut_at = Some(WITHIN_A_ROW));
    }
}

/// One connection, one exchange.
async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    shared: Arc<Shared>,
    results: mpsc::Sender<Vec<u8>>,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = lean::find(&bytes, b"\r\n\r\n") {
            break at + 4;
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let header = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(':'));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    if path.starts_with("/result") {
        let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while bytes.len() < head + length && client.read_buf(&mut bytes).await? > 0 {}
        client
            .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .await?;
        // The test may have ended.
        let _ = results.send(bytes[head..].to_vec()).await;
        return Ok(());
    }
    if !path.starts_with("/api/") {
        let page = std::fs::read_to_string(root().join("tests/clients/eventsource/page.html"))?;
        let (status, page) = if path.starts_with("/?") {
            ("200 OK", page.as_str())
        } else {
            ("404 Not Found", "")
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
            page.len()
        );
        return client.write_all(answer.as_bytes()).await;
    }
    let last_id = header("last-event-id");
    // No server: the connection ends without an answer, which is what makes a browser try again.
    let mut upstream = TcpStream::connect(server).await?;
    let last = last_id
        .as_ref()
        .map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    let token = flowgate_tests::server::TOKEN;
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {token}\r\n{last}connection: close\r\n\r\n");
    upstream.write_all(request.as_bytes()).await?;
    {
        let mut state = shared.state.lock().expect("nobody panics with the lock");
        state.streams += 1;
        state.passed = 0;
        state.last_ids.extend(last_id);
    }
    pass_on(&mut client, &mut upstream, &shared).await
}

/// From the gateway to the browser, until one of them ends or the stream is to be cut.
async fn pass_on(client: &mut TcpStream, upstream: &mut TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        let read = tokio::time::timeout(Duration::from_millis(20), upstream.read(&mut buffer)).await;
        let read = match read {
            Ok(read) => match read? {
                0 => return Ok(()),
                read => read,
            },
            Err(_) => 0,
        };
        let (part, cut) = {
            let mut state = shared.state.lock().expect("nobody panics with the lock");
            let room = state.cut_at.map_or(usize::MAX, |at| at.saturating_sub(state.passed));
            let part = read.min(room);
            state.passed += part;
            let cut = room <= read;
            if cut {
                state.cut_at = None;
                state.cuts += 1;
            }
            (part, cut)
        };
        client.write_all(&buffer[..part]).await?;
        if cut {
            return Ok(());
        }
    }
}
