//! A real server process.

use std::{
    fs::File,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{Home, Part};

/// How long a server may take to start on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs in a folder, on a free port of the loopback address. It is killed when this is dropped.
pub struct Server {
    process: Child,
    url: String,
    log: PathBuf,
}

impl Server {
    /// Starts the server as a user would, but for the port, for a cheap password hash and for its store; `options` are
    /// added to its command line. What it logs goes to `server.log` in the folder.
    pub fn start(home: &Home, options: &[&str]) -> Result<Self> {
        let log = home.path().join("server.log");
        let errors = File::options().create(true).append(true).open(&log)?;
        let mut process = Command::new(Part::Server.path()?)
            .args(["--port", "0", "--set", "auth.bcrypt_cost=4"])
            .args(options)
            .envs(home.store_url().map(|url| ("PARLOR__STORE__URL", url)))
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()?;
        let lines = lines_of(&mut process, log.clone())?;
        let url = loop {
            match lines.recv_timeout(PATIENCE) {
                Ok(line) => {
                    if let Some(url) = line.strip_prefix("Parlor is ready at ") {
                        break url.to_owned();
                    }
                }
                Err(_) => {
                    let status = process.try_wait()?;
                    // A server that can't be used must not stay.
                    let _ = process.kill();
                    bail!("the server did not start ({status:?}):\n{}", std::fs::read_to_string(&log)?);
                }
            }
        };
        Ok(Self { process, url, log })
    }

    /// Where the server is, such as `http://127.0.0.1:43210`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Everything that the server has written so far, to standard output after its greeting and to standard error.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// Ends the server as `kill -9` does, at whatever moment it is.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Asks the server to end, as `kill` does, and waits until it has.
    pub fn stop(mut self) -> Result<ExitStatus> {
        let kill = format!("kill -TERM {}", self.process.id());
        Command::new("sh").args(["-c", &kill]).status().context("there is no shell")?;
        Ok(self.process.wait()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of the process's standard output, which are also added to its log.
fn lines_of(process: &mut Child, log: PathBuf) -> Result<Receiver<String>> {
    use std::io::Write as _;
    let output = process.stdout.take().context("the output is not piped")?;
    let (sender, receiver) = channel();
    let mut log = File::options().append(true).open(log)?;
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits for lines after the greeting, and a test may be over.
            let _ = writeln!(log, "{line}");
            let _ = sender.send(line);
        }
    });
    Ok(receiver)
}
