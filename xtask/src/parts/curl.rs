//! `curl`: the HTTP client that everybody has.

use anyhow::Result;

use super::{Variables, system};

/// Finds `curl`, or installs it where that is possible.
pub(crate) fn bring() -> Result<Variables> {
    let curl = system::program("curl", "curl")?;
    Ok(vec![("PARLOR_TEST_CURL", curl.into())])
}
