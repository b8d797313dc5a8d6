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
    path::Path,
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
    let (_, interpreter) = python.iter().find(|(name, _)| *name == python::INTERPRETER).context("no Python")?;
    variables.extend(mongod::bring(workspace, Path::new(interpreter))?);
    variables.extend(node::bring(workspace, Path::new(interpreter))?);
    variables.extend(chromium::bring()?);
    variables.extend(python);
    Ok(variables)
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
