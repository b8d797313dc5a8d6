//! The real programs that the tests need. Each is found or fetched, and never left out: a missing one is an error.

mod curl;
mod python;
mod system;

use std::ffi::OsString;

use anyhow::Result;

use crate::workspace::Workspace;

/// Environment variables by which the tests find a part.
pub(crate) type Variables = Vec<(&'static str, OsString)>;

/// Makes sure that every part is there.
pub(crate) fn bring(workspace: &Workspace) -> Result<Variables> {
    let mut variables = curl::bring()?;
    variables.extend(python::bring(workspace)?);
    Ok(variables)
}
