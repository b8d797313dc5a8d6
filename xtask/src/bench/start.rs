//! How long a server takes to be ready, and what memory it then has.

use std::{
    fs,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::{
    plan::{Run, Subject},
    servers::{self, Mongod, Programs},
};

/// How long a server has been ready when its memory is looked at.
const SETTLE: Duration = Duration::from_secs(1);

/// Starts a server on a store of so many messages, once to warm it up and once to look at it.
pub(crate) fn run(
    programs: &Programs,
    run: &Run,
    messages: &str,
    label: &str,
    (mongod, folder): (Option<&Mongod>, &Path),
) -> Result<Value> {
    if messages != "0" {
        ensure!(run.subject == Subject::ParlorEmbedded, "only Parlor's embedded store can be filled");
        let mut seed = servers::parlor(programs, "4", "sqlite://parlor.db", folder);
        let status =
            seed.args(["seed", "--users", "1000", "--conversations", "1000", "--messages", messages]).status()?;
        ensure!(status.success(), "cannot fill the store");
    }
    let start = || servers::start(programs, run, mongod, folder)?.context("this is no server");
    start()?.process.stop()?;
    let server = start()?;
    let end = Instant::now() + SETTLE;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        thread::park_timeout(left);
    }
    let pid = server.process.id().to_string();
    Ok(json!({
        "scenario": "start",
        "subject": run.subject.name(),
        "label": label,
        "command": ["start", messages],
        "figures": {
            "seconds to ready": server.ready_after.as_secs_f64(),
            "server resident bytes": resident_bytes(&pid)?,
        },
        "checks": [],
    }))
}

fn resident_bytes(pid: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// What a program says of its version, in one line.
pub(crate) fn version(program: &Path) -> String {
    let output = Command::new(program).arg("--version").output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
