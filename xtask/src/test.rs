//! `cargo xtask test`: every test of the workspace, with the real programs that they need.

use anyhow::Result;

use crate::{parts, process, workspace::Workspace};

/// Brings the parts, builds everything once, and runs every test and every example of the documentation.
///
/// The black-box tests find the parts and the server through environment variables; without them they fail.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let parts = parts::bring(workspace)?;
    // The scope is that of the tests below, so that cargo builds every crate once.
    let server = workspace.build_server(&["--workspace", "--all-targets"])?;
    // The examples first: they are few, and the last lines of the output should be about the tests.
    for kind in ["--doc", "--all-targets"] {
        let mut tests = workspace.cargo(&["test", "--workspace", "--no-fail-fast", kind]);
        tests.envs(parts.clone()).env("PARLOR_TEST_SERVER", &server);
        process::run(tests.arg("--").args(arguments))?;
    }
    Ok(())
}
