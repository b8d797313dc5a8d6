//! The peer's sources and packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

/// Copies the peer, whose folder may not be ours to write, and brings its packages.
pub(crate) fn bring(source: &Path, to: &Path) -> Result<PathBuf> {
    if !to.join("node_modules").exists() {
        fs::create_dir_all(to.join("src"))?;
        for name in ["package.json", "package-lock.json"] {
            fs::write(to.join(name), fs::read(source.join(name))?)?;
        }
        for file in fs::read_dir(source.join("src")).context("the peer has no sources")? {
            let file = file?;
            fs::write(to.join("src").join(file.file_name()), fs::read(file.path())?)?;
        }
        let status = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(to).status();
        ensure!(status.context("there is no npm")?.success(), "npm ci failed");
    }
    Ok(fs::canonicalize(to)?)
}
