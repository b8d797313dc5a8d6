//! One `mongod`, which does not outlive who has started it.

use std::{
    fs::{self, File},
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use bson::doc;

use super::wire;

/// How long a server may take to start on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Below those that systems give to outgoing connections: while a member is down, nobody's connection gets its port.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
/// `mongod` ends with it if it can't listen, as when somebody else has taken the port.
const CANNOT_LISTEN: i32 = 48;

/// A running server.
pub(super) struct Mongod {
    process: Child,
    /// Holds the other end of a pipe from us, and ends the server when that closes, however we end.
    watchdog: Child,
}

/// What a server is started with.
#[derive(Clone, Debug)]
pub(super) struct Launch {
    pub(super) program: PathBuf,
    /// Holds its data and its log.
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    pub(super) options: Vec<String>,
}

/// Starts a server on a free port.
pub(super) fn launch(program: &Path, folder: &Path, options: Vec<String>) -> Result<(Launch, Mongod)> {
    let mut launch = Launch { program: program.into(), folder: folder.into(), port: free_port()?, options };
    loop {
        let mut server = launch.spawn()?;
        match server.wait_until_it_answers(&launch) {
            Ok(()) => return Ok((launch, server)),
            // Somebody was quicker.
            Err(_) if server.process.try_wait()?.is_some_and(|status| status.code() == Some(CANNOT_LISTEN)) => {
                launch.port = free_port()?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A port of the loopback address that is free at this moment.
fn free_port() -> Result<u16> {
    let count = u64::from(PORTS.end - PORTS.start);
    // Tests start at the same time: each searches from somewhere else.
    let first = u16::try_from(RandomState::new().hash_one(()) % count)?;
    let mut ports = (PORTS.start + first..PORTS.end).chain(PORTS.start..PORTS.start + first);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(free).context("no port is free")
}

impl Launch {
    /// Starts it, and waits until it answers.
    pub(super) fn start(&self) -> Result<Mongod> {
        let mut server = self.spawn()?;
        server.wait_until_it_answers(self)?;
        Ok(server)
    }

    fn spawn(&self) -> Result<Mongod> {
        let data = self.folder.join("data");
        fs::create_dir_all(&data)?;
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut process = Command::new(&self.program)
            .args(["--bind_ip", "127.0.0.1", "--noscripting", "--wiredTigerCacheSizeGB", "0.25"])
            // Each test has a database of its own, and each collection and index a file: those that are not used any more
            // must not use up what a process may have open.
            .args(["--wiredTigerEngineConfigString", "file_manager=(close_idle_time=20,close_scan_interval=5)"])
            .args(["--setParameter", "diagnosticDataCollectionEnabled=false"])
            .args(["--port", &self.port.to_string()])
            .arg("--dbpath")
            .arg(data)
            // The path of a socket must be short, and that of a folder need not be.
            .arg("--nounixsocket")
            .args(["--logappend", "--logpath"])
            .arg(self.log())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // What is said before there is a log: a library is missing, an option is unknown.
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        match watch(&process, &self.folder) {
            Ok(watchdog) => Ok(Mongod { watchdog, process }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error)
            }
        }
    }

    /// Where it is, such as `127.0.0.1:23210`.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("mongod.log")
    }

    fn end_of_log(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

/// Starts what ends a server and removes its folder when we have ended without doing so. A terminal's signals are for
/// us: it outlives us by a moment.
fn watch(server: &Child, folder: &Path) -> Result<Child> {
    const SCRIPT: &str = r#"
        trap "" INT TERM HUP
        cat >/dev/null
        kill -KILL "$1" 2>/dev/null
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$1" 2>/dev/null || break
            sleep 0.1
        done
        rm -rf -- "$2"
        rmdir -- "$(dirname -- "$2")" 2>/dev/null
    "#;
    let watchdog = Command::new("sh")
        .args(["-c", SCRIPT, "watchdog", &server.id().to_string()])
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    watchdog.context("there is no shell")
}

impl Mongod {
    fn wait_until_it_answers(&mut self, launch: &Launch) -> Result<()> {
        wait("a mongod to answer", || {
            if let Some(status) = self.process.try_wait()? {
                bail!("mongod has ended ({status}):\n{}", launch.end_of_log());
            }
            Ok(wire::command(&launch.address(), "admin", doc! { "ping": 1 }).is_ok().then_some(()))
        })
    }

    /// Sends it a signal by name, such as `STOP`.
    pub(super) fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("kill").args([&format!("-{name}"), &self.process.id().to_string()]).status()?;
        ensure!(status.success(), "kill -{name} failed");
        Ok(())
    }

    /// Whether it is stopped by a signal.
    pub(super) fn is_paused(&self) -> bool {
        // The state stands behind the name, which is in brackets: proc_pid_stat(5).
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }
}

impl Drop for Mongod {
    fn drop(&mut self) {
        // The watchdog first: the server's id may be another's once it is gone, and its folder may be used again.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks again and again until there is an answer.
pub(super) fn wait<T>(what: &str, mut ask: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask()? {
            return Ok(answer);
        }
        ensure!(Instant::now() < end, "waited too long for {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}
