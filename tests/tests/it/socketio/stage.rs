//! A script of `tests/clients/` at work: it plays its scenarios with a real client, and the server and the road to it
//! do what it asks for.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use parlor_tests::{Home, Part, Server, text};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::road::{Road, Way};

/// How long a script may write nothing on a loaded machine; each of its steps has a shorter deadline of its own.
const PATIENCE: Duration = Duration::from_secs(90);

/// For what would take long: a ping soon, a silent client given up soon, an end without ceremony.
const OPTIONS: [&str; 3] = ["live.ping_interval=500ms", "live.idle_timeout=5s", "server.shutdown_jitter=0s"];

/// Runs a script with these arguments, with servers on this store. An error if it fails, with all that it wrote.
pub(super) fn play(home: Home, program: Part, script: &str, arguments: &[&str]) -> Result<()> {
    let mut stage = Stage::build(home)?;
    let errors = stage.home.path().join("script.log");
    let process = Command::new(program.path()?)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(script))
        .args(arguments)
        .current_dir(stage.home.path())
        // Nothing is written beside the source.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(File::create(&errors)?)
        .spawn()?;
    let mut written = String::new();
    stage.serve(&mut Script(process), &mut written).with_context(|| {
        let errors = fs::read_to_string(&errors).unwrap_or_default();
        let log = fs::read_to_string(stage.home.path().join("server.log")).unwrap_or_default();
        format!("{written}{errors}\nthe server's log:\n{log}")
    })?;
    // What cargo shows with `--nocapture`.
    println!("{script} {arguments:?}\n{written}");
    Ok(())
}

/// A script's process, which is killed if the test ends before it.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a script commands.
struct Stage {
    /// None if it was killed or stopped.
    server: Option<Server>,
    /// Those beside it.
    others: Vec<Server>,
    road: Road,
    /// What every server is started with, as `key=value`.
    options: Vec<String>,
    /// After the server, which writes in it.
    home: Home,
    /// Carries what is on the road.
    _runtime: Runtime,
}

impl Stage {
    fn build(home: Home) -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let road = runtime.block_on(Road::build())?;
        Ok(Self { server: None, others: Vec::new(), road, options: Vec::new(), home, _runtime: runtime })
    }

    /// Does what the script asks for until it has ended.
    fn serve(&mut self, script: &mut Script, written: &mut String) -> Result<()> {
        let mut answers = script.0.stdin.take().context("no standard input")?;
        let lines = lines_of(script)?;
        loop {
            let line = match lines.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => bail!("the script writes nothing any more"),
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match line.strip_prefix("stage ") {
                Some(request) => writeln!(answers, "{}", self.act(&serde_json::from_str(request)?)?)?,
                None => *written += &format!("{line}\n"),
            }
        }
        let status = script.0.wait()?;
        ensure!(status.success(), "the script has failed: {status}");
        ensure!(written.contains("ok "), "the script has played nothing");
        Ok(())
    }

    /// Does one thing, and says where the server and the road are then.
    fn act(&mut self, request: &Value) -> Result<Value> {
        match text(&request["act"])?.as_str() {
            "start" => self.start(&request["set"])?,
            "another" => {
                self.others.extend(self.server.take());
                self.start(&request["set"])?;
            }
            "kill" => self.server.take().context("no server to kill")?.kill()?,
            "stop" => {
                let status = self.server.take().context("no server to stop")?.stop()?;
                ensure!(status.success(), "the server did not stop well: {status}");
            }
            "cut" => self.road.lead(Way::Cut),
            "silence" => self.road.lead(Way::Silent),
            "mend" => self.mend()?,
            other => bail!("the script asks for {other:?}"),
        }
        let server = self.server.as_ref().map(Server::url);
        Ok(json!({ "server": server, "road": self.road.url() }))
    }

    /// Starts the server on what the last one has left. The road leads to it with the next `mend`.
    fn start(&mut self, options: &Value) -> Result<()> {
        ensure!(self.server.is_none(), "there is a server already");
        for option in options.as_array().into_iter().flatten() {
            self.options.push(text(option)?);
        }
        let options = OPTIONS.into_iter().chain(self.options.iter().map(String::as_str));
        let options: Vec<_> = options.flat_map(|option| ["--set", option]).collect();
        self.server = Some(Server::start(&self.home, &options)?);
        Ok(())
    }

    fn mend(&self) -> Result<()> {
        let server = self.server.as_ref().context("no server to lead to")?;
        self.road.lead(Way::Open(server.url().trim_start_matches("http://").parse()?));
        Ok(())
    }
}

fn lines_of(script: &mut Script) -> Result<Receiver<String>> {
    let output = script.0.stdout.take().context("no standard output")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    Ok(receiver)
}
