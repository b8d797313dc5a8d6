//! Where the workspace lies, and how its programs are built.

use std::{
    env,
    ffi::OsString,
    io::Cursor,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result};
use cargo_metadata::{Message, MetadataCommand};

use crate::process;

/// The workspace that the current directory belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The directory with the workspace's `Cargo.toml`.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds; what the tests fetch lies beside it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> Result<Self> {
        let metadata = MetadataCommand::new().no_deps().exec().context("this is not in the workspace")?;
        Ok(Self { root: metadata.workspace_root.into(), target: metadata.target_directory.into() })
    }

    /// The same cargo that runs this, in the root.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        cargo.current_dir(&self.root).args(arguments);
        cargo
    }

    /// Builds what `scope` selects (arguments of `cargo build`), the server among it, and returns the server's path.
    pub(crate) fn build_server(&self, scope: &[&str]) -> Result<PathBuf> {
        self.build_program("parlor", scope)
    }

    /// Builds what `scope` selects (arguments of `cargo build`), this program among it, and returns the program's path.
    pub(crate) fn build_program(&self, name: &str, scope: &[&str]) -> Result<PathBuf> {
        let mut build = self.cargo(&["build", "--message-format=json-render-diagnostics"]);
        let messages = process::output(build.args(scope).stdin(Stdio::null()))?;
        for message in Message::parse_stream(Cursor::new(messages)) {
            if let Message::CompilerArtifact(artifact) = message.context("cargo said something unreadable")?
                && artifact.target.name == name
                && artifact.target.is_bin()
                && !artifact.profile.test
                && let Some(executable) = artifact.executable
            {
                return Ok(executable.into());
            }
        }
        anyhow::bail!("cargo built no program `{name}`")
    }
}
