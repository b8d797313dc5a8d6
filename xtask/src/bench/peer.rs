//! The peer's sources and packages.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

const PACKAGE: &str = "package.json";
const LOCK: &str = "package-lock.json";
const SOURCES: &str = "src";
const PACKAGES: &str = "node_modules";

/// Copies the peer, whose folder may not be ours to write, and brings its packages unless they are there.
pub(crate) fn bring(source: &Path, to: &Path) -> Result<PathBuf> {
    let had = fs::read(to.join(LOCK)).ok().filter(|_| to.join(PACKAGES).exists());
    copy(source, to).with_context(|| format!("cannot copy the peer in {}", source.display()))?;
    if had != Some(fs::read(to.join(LOCK))?) {
        let status = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(to).status();
        let installed = status.context("there is no npm")?.success();
        if !installed {
            fs::remove_file(to.join(LOCK))?;
        }
        ensure!(installed, "npm ci failed");
    }
    Ok(fs::canonicalize(to)?)
}

/// What is there of an earlier peer is gone afterwards, but for its packages.
fn copy(source: &Path, to: &Path) -> Result<()> {
    if to.join(SOURCES).exists() {
        fs::remove_dir_all(to.join(SOURCES))?;
    }
    copy_folder(&source.join(SOURCES), &to.join(SOURCES))?;
    for name in [PACKAGE, LOCK] {
        fs::write(to.join(name), fs::read(source.join(name))?)?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            // Not `fs::copy`: what can't be written there would be as little here.
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn the_peer_that_is_measured_is_the_one_that_is_there_now() {
        let (source, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in [PACKAGE, LOCK, "src/server.js", "src/routes/old.js"] {
            write(source.path(), name, "1");
        }
        // As if npm had been there.
        write(to.path(), LOCK, "1");
        write(to.path(), "node_modules/express/index.js", "");
        let folder = bring(source.path(), to.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.join("src/routes/old.js")).unwrap(), "1");

        fs::remove_dir_all(source.path().join("src/routes")).unwrap();
        write(source.path(), "src/server.js", "2");
        bring(source.path(), to.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.join("src/server.js")).unwrap(), "2");
        assert!(!folder.join("src/routes").exists());
        assert!(folder.join("node_modules/express/index.js").exists());
    }

    #[test]
    fn what_is_no_peer_is_told() {
        let (source, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let error = bring(source.path(), to.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot copy the peer in "), "{error}");
    }
}
