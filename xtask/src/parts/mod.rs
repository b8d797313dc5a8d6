//! The real programs that the tests need. Each is found or fetched, and never left out: a missing one is an error.

mod chromium;
mod curl;
mod mongod;
mod node;
mod python;
mod system;

use std::{
    ffi::OsString,
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

pub(crate) use self::mongod::PROGRAM as MONGOD;
use crate::workspace::Workspace;

/// Environment variables by which the tests find a part.
pub(crate) type Variables = Vec<(&'static str, OsString)>;

/// Makes sure that every part is there.
pub(crate) fn bring(workspace: &Workspace) -> Result<Variables> {
    let _lock = lock(workspace)?;
    let mut variables = curl::bring()?;
    let python = python::bring(workspace)?;
    let interpreter = Path::new(found(&python, python::INTERPRETER)?);
    variables.extend(mongod::bring(workspace, interpreter)?);
    variables.extend(node::bring(workspace, interpreter)?);
    variables.extend(chromium::bring()?);
    variables.extend(python);
    Ok(variables)
}

/// Makes sure that there is a `mongod`, and no more than that needs.
pub(crate) fn bring_mongod(workspace: &Workspace) -> Result<PathBuf> {
    let _lock = lock(workspace)?;
    let python = python::bring(workspace)?;
    let mongod = mongod::bring(workspace, Path::new(found(&python, python::INTERPRETER)?))?;
    found(&mongod, MONGOD).map(PathBuf::from)
}

fn found<'a>(variables: &'a Variables, name: &str) -> Result<&'a OsString> {
    let found = variables.iter().find(|(variable, _)| *variable == name);
    found.map(|(_, value)| value).with_context(|| format!("no part sets {name}"))
}

/// Makes sure that there is a C++ compiler, with which the fuzzer is built.
pub(crate) fn bring_cxx() -> Result<()> {
    system::program("c++", "g++").map(drop)
}

/// Waits for another process that fetches the same.
fn lock(workspace: &Workspace) -> Result<File> {
    let directory = workspace.target.join("parts");
    fs::create_dir_all(&directory).context("cannot make a directory for the parts")?;
    let file = File::create(directory.join("lock")).context("cannot make a lock for the parts")?;
    file.lock().context("cannot lock the parts")?;
    Ok(file)
}
