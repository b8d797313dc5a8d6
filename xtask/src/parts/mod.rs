//! The real programs that the tests need. Each is found or fetched, and never left out: a missing one is an error.

mod curl;
mod mongod;
mod python;
mod system;

use std::{ffi::OsString, path::Path};

use anyhow::{Context as _, Result};

pub(crate) use self::mongod::PROGRAM as MONGOD;
use crate::workspace::Workspace;

/// Environment variables by which the tests find a part.
pub(crate) type Variables = Vec<(&'static str, OsString)>;

/// Makes sure that every part is there.
pub(crate) fn bring(workspace: &Workspace) -> Result<Variables> {
    let mut variables = curl::bring()?;
    let python = python::bring(workspace)?;
    let (_, interpreter) = python.iter().find(|(name, _)| *name == python::INTERPRETER).context("no Python")?;
    variables.extend(mongod::bring(workspace, Path::new(interpreter))?);
    variables.extend(python);
    Ok(variables)
}
