//! One run: servers of its own on empty stores, then the generator, whose report is what comes of it.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{
    plan::{Run, Subject},
    servers::{self, Mongod, OTHER_CORE, Programs, Server, on_core},
    start,
};

/// The generator's exit code when something does not hold.
const DOES_NOT_HOLD: i32 = 2;

/// Does a run in a new folder below this one, and gives its report.
pub(crate) fn run(programs: &Programs, run: &Run, label: &str, short: bool, folder: &Path) -> Result<Value> {
    // Each leaves hundreds of megabytes.
    let folder = tempfile::tempdir_in(folder)?;
    let report = run_in(programs, run, label, short, folder.path());
    if report.is_err() {
        eprintln!("what the servers said is in {}", folder.keep().display());
    }
    report
}

fn run_in(programs: &Programs, run: &Run, label: &str, short: bool, folder: &Path) -> Result<Value> {
    let mongod = run.subject.needs_mongodb().then(|| Mongod::start(programs, folder)).transpose()?;
    let server = || servers::start(programs, run, mongod.as_ref(), folder);
    let command = if short { run.short } else { run.command };
    if let Some(messages) = command.strip_prefix("start ") {
        return start::run(programs, run, messages, label, (mongod.as_ref(), folder));
    }
    let mut running = server()?;
    let mut people = false;
    if let Some(old) = running.take_if(|_| run.signed_up > 0) {
        let count = if short { run.signed_up / 20 } else { run.signed_up }.to_string();
        let mut sign_up = generator(programs, run, Some(&old), mongod.as_ref(), folder);
        finish(sign_up.args(["sign-up", "--save", "people.json", "--count", &count]))?;
        old.process.stop()?;
        running = server()?;
        people = true;
    }
    let mut measure = generator(programs, run, running.as_ref(), mongod.as_ref(), folder);
    if people {
        measure.args(["--people", "people.json"]);
    }
    measure.args(["--json", "report.json", "--label", label]).args(command.split(' '));
    if run.subject == Subject::MongoDb {
        measure.args(["--mongodb", &mongod.as_ref().context("there is no mongod")?.url("")]);
    }
    finish(&mut measure)?;
    let report = fs::read(folder.join("report.json")).context("the generator has left no report")?;
    Ok(serde_json::from_slice(&report)?)
}

/// The generator, told whom to drive and whom to look at. It runs in the folder, so that its report names no paths.
fn generator(
    programs: &Programs,
    run: &Run,
    server: Option<&Server>,
    mongod: Option<&Mongod>,
    folder: &Path,
) -> Command {
    let mut command = on_core(OTHER_CORE, &programs.generator);
    command.current_dir(folder).stdout(Stdio::inherit());
    if let Some(mongod) = mongod {
        command.args(["--database-pid", &mongod.process.id().to_string()]);
    }
    if let (Some(profile), Some(server)) = (run.subject.profile(), server) {
        command.args(["--profile", profile, "--url", &server.url, "--server-pid", &server.process.id().to_string()]);
    }
    command
}

/// Waits until the generator has ended. Its report says what does not hold; anything else is a failure.
fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().context("cannot start the generator")?;
    match status.code() {
        Some(0 | DOES_NOT_HOLD) => Ok(()),
        _ => bail!("the generator failed: {status}"),
    }
}
