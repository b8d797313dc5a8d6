//! The servers that the tests use, for as long as something runs: `cargo xtask services`, `cargo xtask test`.

use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, Write as _},
    path::Path,
    process::Command,
    thread,
};

use anyhow::{Context as _, Result};
use parlor_tests::mongod::ReplicaSet;
use tempfile::TempDir;

use crate::{
    parts::{self, MONGOD, Variables},
    process,
    workspace::Workspace,
};

const MONGODB_URL: &str = "PARLOR_TEST_MONGODB_URL";

/// A replica set, and where the tests find it and all parts. The set ends with this.
pub(crate) struct Services {
    variables: Variables,
    /// None if the caller brings one. It is before its folder, which can't be removed while it writes.
    _set: Option<ReplicaSet>,
    _folder: Option<TempDir>,
}

impl Services {
    /// Brings the parts and starts a replica set of so many members, unless `PARLOR_TEST_MONGODB_URL` names one.
    pub(crate) fn start(workspace: &Workspace, members: usize) -> Result<Self> {
        let mut variables = parts::bring(workspace)?;
        if let Some(url) = env::var_os(MONGODB_URL).filter(|url| !url.is_empty()) {
            variables.push((MONGODB_URL, url));
            return Ok(Self { variables, _set: None, _folder: None });
        }
        let program = variables.iter().find(|(name, _)| *name == MONGOD);
        let (_, program) = program.context("no part is a mongod")?;
        fs::create_dir_all(workspace.target.join("services")).context("cannot make a directory for the services")?;
        let folder = tempfile::tempdir_in(workspace.target.join("services"))?;
        let set = ReplicaSet::start(Path::new(program), folder.path(), members)?;
        variables.push((MONGODB_URL, set.url().into()));
        Ok(Self { variables, _set: Some(set), _folder: Some(folder) })
    }

    /// What to set for programs that use them.
    pub(crate) fn variables(&self) -> &Variables {
        &self.variables
    }
}

/// Starts the services and runs a command with them; without one, prints how to use them and serves until this
/// process is ended.
pub(crate) fn run(workspace: &Workspace, members: usize, command: &[OsString]) -> Result<()> {
    let services = Services::start(workspace, members)?;
    if let Some((program, arguments)) = command.split_first() {
        return process::run(Command::new(program).args(arguments).envs(services.variables().clone()));
    }
    let mut output = io::stdout().lock();
    for (name, value) in services.variables() {
        writeln!(output, "export {name}={}", quoted(&value.to_string_lossy()))?;
    }
    output.flush()?;
    eprintln!("Copy these lines into another terminal. Ctrl-C ends the services.");
    loop {
        thread::park();
    }
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_takes_the_lines_as_they_are() {
        assert_eq!(quoted("mongodb://a,b/?x=1&y=2"), "'mongodb://a,b/?x=1&y=2'");
        assert_eq!(quoted("Ada's"), r"'Ada'\''s'");
    }
}
