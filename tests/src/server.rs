//! The real server in a child process on a data directory of its own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{Faults, Gateway, binary};

/// The token of every test server.
pub const TOKEN: &str = "a-token-for-tests-0123456789";

/// How a server is to be started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    env: Vec<(String, String)>,
    args: Vec<String>,
    /// Let the server find its own token.
    no_token: bool,
    no_flows_dir: bool,
    /// It is up when it listens: it cannot be asked in plain HTTP.
    only_listening: bool,
    under: Option<PathBuf>,
    /// Files of the workspace, path and content; none: no workspace is set.
    workspace: Vec<(String, String)>,
}

impl Options {
    pub fn new() -> Self {
        Options::default()
    }
    /// A setting, by the name of its environment variable.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.env.push((name.to_owned(), value.to_string()));
        self
    }
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }
    pub fn without_token(mut self) -> Self {
        self.no_token = true;
        self
    }
    /// Give no `--flows-dir`, so that an environment variable can.
    pub fn without_flows_dir(mut self) -> Self {
        self.no_flows_dir = true;
        self
    }
    /// Serves TLS with the certificate and key in these files.
    pub fn tls(mut self, cert: &Path, key: &Path) -> Self {
        self.only_listening = true;
        self.env("FLOWGATE_TLS_CERT", cert.display())
            .env("FLOWGATE_TLS_KEY", key.display())
    }
    /// Runs the server behind these faults.
    pub fn faults(self, faults: &Faults) -> Self {
        self.env("LD_PRELOAD", faults.library().display())
            .env("FAULTS_CONTROL", faults.control().display())
    }
    /// Makes the server's directory under this one, to choose the disk.
    pub fn under(mut self, dir: &Path) -> Self {
        self.under = Some(dir.to_owned());
        self
    }
    /// A file of the server's workspace, which is a directory of its own then.
    pub fn file(mut self, path: &str, content: &str) -> Self {
        self.workspace.push((path.to_owned(), content.to_owned()));
        self
    }
    pub async fn start(self) -> Server {
        let base = self.under.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new()
            .prefix("flowgate-test-")
            .tempdir_in(base)
            .expect("a temporary directory");
        Server::launch(self, dir).await
    }
}

impl Options {
    /// Starts on what lies in the directory `data` of `dir`.
    pub async fn start_on(self, dir: TempDir) -> Server {
        Server::launch(self, dir).await
    }
}

/// A running server. Dropping it kills it and removes its directory.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    dir: TempDir,
    options: Options,
}

impl Server {
    pub async fn start() -> Server {
        Options::new().start().await
    }

    async fn launch(options: Options, dir: TempDir) -> Server {
        share_code_cache(&data_dir(dir.path()));
        for (path, content) in &options.workspace {
            let path = workspace(dir.path()).join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(dir.path())).expect("a directory of the workspace");
            std::fs::write(path, content).expect("a file of the workspace");
        }
        let address = free_address();
        let child = spawn(&options, dir.path(), address);
        let mut server = Server {
            child,
            address,
            dir,
            options,
        };
        // Another process may take a free port before the server does, so a server that dies at once gets another.
        for attempt in 1.. {
            match server.ready().await {
                Ok(()) => break,
                Err(why) if attempt == 3 => panic!("the server does not start: {why}\n{}", server.log()),
                Err(_) => {
                    server.address = free_address();
                    server.child = spawn(&server.options, server.dir.path(), server.address);
                }
            }
        }
        server
    }

    /// Waits until the server answers, or says why it does not.
    pub async fn ready(&mut self) -> Result<(), String> {
        if self.options.only_listening {
            return self.listens().await;
        }
        let gateway = self.gateway();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return Err(format!("it ended with {status}"));
            }
            if gateway.try_get("/api/health").await.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("it does not answer within a minute".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// For a server that does not speak plain HTTP.
    async fn listens(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return Err(format!("it ended with {status}"));
            }
            // The listener is there before the server is; it answers only after this line.
            if self.log().contains("serving") && std::net::TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("it does not listen within a minute".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends the process a signal by name.
    pub async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await;
        assert!(sent.expect("kill runs").success(), "SIG{name} cannot be sent");
    }

    /// A client with the server's token.
    pub fn gateway(&self) -> Gateway {
        Gateway::new(self.address, Some(TOKEN))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn data_dir(&self) -> PathBuf {
        data_dir(self.dir.path())
    }

    /// The workspace that [`Options::file`] filled.
    pub fn workspace(&self) -> PathBuf {
        workspace(self.dir.path())
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("the server runs")
    }

    /// The most memory that the process has had resident since it started, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib = line.trim().trim_end_matches("kB").trim();
        kib.parse::<u64>().expect("a number") << 10
    }

    /// What the server wrote to standard output and standard error since its first start.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// SIGKILL: the server gets no chance to tidy up.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("the server can be killed");
    }

    /// SIGTERM, and how it ended.
    pub async fn stop(&mut self) -> ExitStatus {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
        assert!(sent.success(), "SIGTERM cannot be sent");
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        ended
            .unwrap_or_else(|_| panic!("the server does not stop\n{}", self.log()))
            .expect("the server's status")
    }

    /// The directory of a server that was stopped, to start another on it.
    pub fn into_dir(self) -> TempDir {
        self.dir
    }

    /// Stops the server, if it runs, and repeats every run that it made: each must come to the requests and the rows that are stored.
    /// Answers with the reports of `flowgate replay`.
    pub async fn stop_and_replay(&mut self) -> Vec<serde_json::Value> {
        if self.child.id().is_some() {
            self.stop().await;
        }
        let (status, text) = self.offline(&["replay", "--all", "--json"]).await;
        let reports: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        let different: Vec<_> = reports.iter().filter(|report| report["verdict"] == "different").collect();
        assert!(
            different.is_empty(),
            "runs that do not reproduce their ledgers: {different:#?}"
        );
        assert!(status.success() && !reports.is_empty(), "replay ends with {status}");
        reports
    }

    /// What a command that works on a data directory says of this server's; the settings are the server's.
    pub async fn offline(&self, args: &[&str]) -> (ExitStatus, String) {
        let mut command = command();
        command.args(args).arg("--data-dir").arg(self.data_dir());
        command.args(["--flows-dir"]).arg(self.dir.path().join("flows"));
        command.envs(self.options.env.iter().cloned());
        let output = command.stderr(Stdio::piped()).output().await.expect("flowgate runs");
        let mut text = String::from_utf8(output.stdout).expect("UTF-8");
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        (output.status, text)
    }

    /// Whether the process dies by itself within this time.
    pub async fn dies(&mut self, patience: Duration) -> bool {
        tokio::time::timeout(patience, self.child.wait()).await.is_ok()
    }

    /// Starts again, and does not wait until it answers.
    pub fn respawn(&mut self) {
        self.child = spawn(&self.options, self.dir.path(), self.address);
    }

    /// Starts again on the same data directory and address.
    pub async fn restart(&mut self) {
        for attempt in 1.. {
            self.child = spawn(&self.options, self.dir.path(), self.address);
            match self.ready().await {
                Ok(()) => return,
                Err(why) if attempt == 5 => panic!("the server does not start again: {why}\n{}", self.log()),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

fn data_dir(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn workspace(dir: &Path) -> PathBuf {
    dir.join("workspace")
}

/// Gives the server the native code that servers before it compiled, as it would have it after its first start: the runtime's alone
/// takes seconds in a debug build.
fn share_code_cache(data_dir: &Path) {
    let test = std::env::current_exe().expect("a test has a path");
    let shared = test.parent().unwrap_or(Path::new(".")).join("flowgate-code-cache");
    let made = std::fs::create_dir_all(data_dir).and_then(|()| std::fs::create_dir_all(&shared));
    if data_dir.join("code-cache").exists() {
        return;
    }
    made.and_then(|()| std::os::unix::fs::symlink(&shared, data_dir.join("code-cache")))
        .expect("the code cache is shared");
}

/// A port that is free, and that this process gives out once only: a server that is killed comes back to its own. Such ports lie below those
/// that the system gives to connections.
fn free_address() -> SocketAddr {
    const FIRST: u32 = 10_000;
    const PORTS: u32 = 22_000;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(97);
    loop {
        let nth = begin.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + nth % PORTS).expect("a port");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}

fn spawn(options: &Options, dir: &Path, address: SocketAddr) -> Child {
    let log = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("log"))
        .expect("the log file opens");
    let mut command = command();
    command.arg("serve");
    command.args(["--host", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.arg("--data-dir").arg(data_dir(dir)).args(&options.args);
    if !options.no_flows_dir {
        command.arg("--flows-dir").arg(dir.join("flows"));
    }
    if !options.no_token {
        command.env("FLOWGATE_AUTH_TOKEN", TOKEN);
    }
    if !options.workspace.is_empty() {
        command.env("ABSTRACTGATEWAY_WORKSPACE_DIR", workspace(dir));
    }
    command.envs(options.env.iter().cloned());
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("the log file is shared"))
        .stderr(log)
        .kill_on_drop(true);
    command.spawn().expect("the server starts")
}

/// `flowgate` with an environment that holds no settings but one: native code is kept beside the binary, so that not every test
/// compiles the runtime again.
pub fn command() -> Command {
    let binary = binary::flowgate();
    let mut command = Command::new(&binary);
    command.env_clear().kill_on_drop(true);
    command.env("FLOWGATE_CODE_CACHE", binary.with_file_name("code-cache"));
    for name in ["PATH", "HOME", "TMPDIR", "RUST_BACKTRACE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}
