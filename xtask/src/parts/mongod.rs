//! `mongod`, from the wheel that `tests/mongod/requirements.txt` pins, in a directory of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{Variables, python};
use crate::workspace::Workspace;

/// Where the tests find the program; one that the caller names in it is used as it is.
pub(crate) const PROGRAM: &str = "PARLOR_TEST_MONGOD";
const REQUIREMENTS: &str = "tests/mongod/requirements.txt";
const ELSEWHERE: &str = "set PARLOR_TEST_MONGOD to the `mongod` of this machine, version 6.0 or newer";

/// Takes the caller's, or fetches the wheel with the pip of this Python, unless it is there already.
pub(crate) fn bring(workspace: &Workspace, interpreter: &Path) -> Result<Variables> {
    let program = match env::var_os(PROGRAM) {
        Some(program) if !program.is_empty() => program.into(),
        _ => fetch(workspace, interpreter)?,
    };
    ensure_it_runs(&program)?;
    Ok(vec![(PROGRAM, program.into())])
}

fn fetch(workspace: &Workspace, interpreter: &Path) -> Result<PathBuf> {
    let requirements = workspace.root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let wheel = Wheel { directory: workspace.target.join("parts/mongod") };
    if !wheel.is_ready(&wanted) {
        eprintln!("fetching the mongod of the tests");
        wheel.install(interpreter, &requirements)?;
        fs::write(wheel.stamp(), &wanted).context("cannot write the stamp of the mongod")?;
        ensure!(wheel.is_ready(&wanted), "the wheel was installed, and holds no mongod");
    }
    Ok(wheel.program())
}

/// Says why, if the program does not start, such as for a library that is missing.
fn ensure_it_runs(program: &Path) -> Result<()> {
    let name = program.display();
    let output = Command::new(program).arg("--version").output();
    let output = output.with_context(|| format!("cannot start {name}: {ELSEWHERE}"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{name} does not run here: {}\nInstall the library that it names (Debian and Ubuntu have libcurl.so.4 in \
             the package libcurl4), or {ELSEWHERE}",
            errors.trim()
        );
    }
    Ok(())
}

/// The unpacked wheel.
struct Wheel {
    directory: PathBuf,
}

impl Wheel {
    /// Holds the requirements that were installed; written last, so what broke off half-way is fetched again.
    fn stamp(&self) -> PathBuf {
        self.directory.join("requirements.txt")
    }

    fn program(&self) -> PathBuf {
        self.directory.join("fiftyone/db/bin/mongod")
    }

    fn is_ready(&self, wanted: &str) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|installed| installed == wanted) && self.program().is_file()
    }

    fn install(&self, interpreter: &Path, requirements: &Path) -> Result<()> {
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).context("cannot remove the old mongod")?;
        }
        python::install(interpreter, Some(&self.directory), requirements)
            .with_context(|| format!("there is no mongod for this machine: {ELSEWHERE}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

    use super::{Wheel, ensure_it_runs};

    #[test]
    fn a_wheel_serves_until_the_requirements_change() {
        let directory = tempfile::tempdir().unwrap();
        let wheel = Wheel { directory: directory.path().into() };
        fs::create_dir_all(wheel.program().parent().unwrap()).unwrap();
        fs::write(wheel.program(), "").unwrap();
        assert!(!wheel.is_ready("db==1"), "it broke off half-way");
        fs::write(wheel.stamp(), "db==1").unwrap();
        assert!(wheel.is_ready("db==1"));
        assert!(!wheel.is_ready("db==2"));
        fs::remove_file(wheel.program()).unwrap();
        assert!(!wheel.is_ready("db==1"));
    }

    #[test]
    fn a_program_that_lacks_a_library_is_an_error_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("mongod");
        fs::write(&program, "#!/bin/sh\necho 'libcurl.so.4: cannot open shared object file' >&2\nexit 127\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let error = ensure_it_runs(&program).unwrap_err().to_string();
        assert!(error.contains("does not run here: libcurl.so.4: cannot open"), "{error}");
        assert!(error.contains("PARLOR_TEST_MONGOD"), "{error}");
        let error = ensure_it_runs(Path::new("nowhere/mongod")).unwrap_err().to_string();
        assert!(error.starts_with("cannot start nowhere/mongod"), "{error}");
    }
}
