//! The servers of a run, each on its core, for as long as the run.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::plan::{Run, Subject};

/// The core of the server under test. The generator and the database have the other one.
pub(crate) const SERVER_CORE: &str = "0";
/// The core of all others.
pub(crate) const OTHER_CORE: &str = "1";
const PATIENCE: Duration = Duration::from_secs(60);
const SET: &str = "bench";
/// The least that bcrypt can do: accounts are made quickly, and what is measured has nothing to do with passwords.
const CHEAP_PASSWORDS: &str = "4";
/// What the reference has by default; the same for both.
const REAL_PASSWORDS: &str = "10";

/// The programs that take part.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// `parlor`.
    pub(crate) server: PathBuf,
    /// Parlor's settings for measurements.
    pub(crate) settings: PathBuf,
    /// `parlor-bench`.
    pub(crate) generator: PathBuf,
    pub(crate) mongod: PathBuf,
    /// The peer's folder, with its packages; without it, it is left out.
    pub(crate) peer: Option<PathBuf>,
}

/// A process that ends with this.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
}

impl Running {
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        Command::new("kill").arg(self.id().to_string()).status().context("there is no `kill`")?;
        let end = Instant::now() + PATIENCE;
        while self.process.try_wait()?.is_none() {
            ensure!(Instant::now() < end, "a server does not end");
            thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server that has said where it listens.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) process: Running,
    pub(crate) url: String,
    /// From its start until it said so.
    pub(crate) ready_after: Duration,
}

/// A command on a core. It is killed when the thread that started it ends, however that comes about: a server that
/// is left behind would take part in all later measurements.
pub(crate) fn on_core(core: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "taskset", "-c", core]).arg(program).stdin(Stdio::null());
    command
}

/// Fails unless every thread of a process may run on this core alone.
pub(crate) fn check_core(pid: u32, core: &str) -> Result<()> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end meanwhile.
        let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).map(str::trim);
        ensure!(allowed == Some(core), "a thread of {pid} may run on {allowed:?} instead of {core}");
    }
    Ok(())
}

/// Lets servers have as many connections as the system allows without being root.
pub(crate) fn raise_file_limit() -> Result<u64> {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).context("cannot raise the limit on files")?;
    Ok(most.unwrap_or(u64::MAX))
}

/// A `mongod` that is a replica set of one.
#[derive(Debug)]
pub(crate) struct Mongod {
    pub(crate) process: Running,
    port: u16,
}

impl Mongod {
    /// Starts one with its data in this folder.
    pub(crate) fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        let data = folder.join("mongod");
        fs::create_dir_all(&data)?;
        let port = free_port()?;
        let mut command = on_core(OTHER_CORE, &programs.mongod);
        command.args(["--bind_ip", "127.0.0.1", "--replSet", SET, "--nounixsocket", "--noscripting"]);
        command.args(["--port", &port.to_string(), "--wiredTigerCacheSizeGB", "1"]);
        command.arg("--dbpath").arg(&data).arg("--logpath").arg(folder.join("mongod.log"));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("cannot start mongod")?;
        let mongod = Self { process: Running { process }, port };
        mongod.wait_until_it_listens()?;
        let mut initiate = Command::new(&programs.generator);
        let status = initiate.args(["initiate-set", "--name", SET, "--port", &port.to_string()]).status()?;
        ensure!(status.success(), "cannot make mongod a replica set");
        Ok(mongod)
    }

    fn wait_until_it_listens(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            ensure!(Instant::now() < end, "mongod does not answer; its log is in target/bench");
            thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// What a client connects to.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("mongodb://127.0.0.1:{}/{database}?replicaSet={SET}", self.port)
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Starts what a run measures. `None` for what the generator does by itself.
pub(crate) fn start(programs: &Programs, run: &Run, mongod: Option<&Mongod>, folder: &Path) -> Result<Option<Server>> {
    let database = |name| mongod.map(|mongod| mongod.url(name)).context("there is no mongod");
    let cost = if run.real_passwords { REAL_PASSWORDS } else { CHEAP_PASSWORDS };
    let command = match run.subject {
        Subject::Parlor | Subject::ParlorSocketIo => parlor(programs, cost, &database("parlor")?, folder),
        Subject::ParlorEmbedded => parlor(programs, cost, "sqlite://parlor.db", folder),
        Subject::Peer => peer(programs, cost, &database("reference")?)?,
        Subject::Http => floor(programs, "serve-http"),
        Subject::Broadcast => floor(programs, "serve-broadcast"),
        Subject::MongoDb | Subject::Sqlite => return Ok(None),
    };
    let server = spawn(command, &folder.join("server.log"))?;
    check_core(server.process.id(), SERVER_CORE)?;
    Ok(Some(server))
}

/// Parlor with one thread for one core.
pub(crate) fn parlor(programs: &Programs, cost: &str, store: &str, folder: &Path) -> Command {
    let mut command = on_core(SERVER_CORE, &programs.server);
    command.args(["--port", "0", "--set", "server.workers=1", "--set", &format!("auth.bcrypt_cost={cost}")]);
    command.args(["--set", &format!("store.url={store}")]).arg("--config").arg(&programs.settings);
    command.arg("--data-dir").arg(folder);
    command
}

fn peer(programs: &Programs, cost: &str, database: &str) -> Result<Command> {
    let folder = programs.peer.as_ref().context("there is no peer")?;
    let mut command = on_core(SERVER_CORE, Path::new("node"));
    command.arg("src/server.js").current_dir(folder).env("NODE_ENV", "production");
    command.env("PORT", free_port()?.to_string()).env("MONGO_DB_URI", database).env("BCRYPT_COST", cost);
    Ok(command)
}

fn floor(programs: &Programs, which: &str) -> Command {
    let mut command = on_core(SERVER_CORE, &programs.generator);
    command.args(["floor", which]);
    command
}

/// Starts a server and waits until it says where it listens.
pub(crate) fn spawn(mut command: Command, log: &Path) -> Result<Server> {
    let errors = File::options().create(true).append(true).open(log)?;
    let began = Instant::now();
    let started = command.stdout(Stdio::piped()).stderr(errors).spawn();
    let mut process = started.with_context(|| format!("cannot start {:?}", command.get_program()))?;
    let lines = lines_of(&mut process, log)?;
    let process = Running { process };
    let end = began + PATIENCE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let line =
            lines.recv_timeout(left).with_context(|| format!("a server did not start; see {}", log.display()))?;
        if let Some(at) = line.find("http://") {
            let url = line[at..].split_whitespace().next().unwrap_or_default().to_owned();
            return Ok(Server { process, url, ready_after: began.elapsed() });
        }
    }
}

/// The lines of the process's standard output, which are also added to its log.
fn lines_of(process: &mut Child, log: &Path) -> Result<Receiver<String>> {
    let output = process.stdout.take().context("the output is not piped")?;
    let (sender, receiver) = channel();
    let mut log = File::options().append(true).open(log)?;
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits for lines after the first with an address.
            let _ = writeln!(log, "{line}");
            let _ = sender.send(line);
        }
    });
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn a_server_is_ready_when_it_says_where_it_listens() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo starting; echo ready at http://127.0.0.1:7 pid 3; exec sleep 60"]);
        let server = spawn(command, &log).unwrap();
        assert_eq!(server.url, "http://127.0.0.1:7");
        server.process.stop().unwrap();
        assert!(fs::read_to_string(log).unwrap().starts_with("starting\n"));
    }

    #[test]
    fn a_server_has_one_core_and_ends_with_who_started_it() {
        let start = || {
            let mut command = on_core("0", Path::new("sh"));
            let mut process = command.args(["-c", "echo; sleep 60; exit"]).stdout(Stdio::piped()).spawn().unwrap();
            // It says so when it is on its core.
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
            check_core(process.id(), "0").unwrap();
            assert!(check_core(process.id(), "1").is_err());
            process
        };
        let mut process = thread::spawn(start).join().unwrap();
        assert_eq!(process.wait().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_server_that_ends_at_once_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo no"]);
        let error = spawn(command, &folder.path().join("log")).unwrap_err().to_string();
        assert!(error.starts_with("a server did not start"), "{error}");
    }
}
