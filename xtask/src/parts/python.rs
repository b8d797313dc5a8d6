//! Python with the client libraries that `tests/clients/requirements.txt` pins, in a directory of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use super::{Variables, system};
use crate::{process, workspace::Workspace};

/// Where the tests find a Python, which has a pip as well.
pub(crate) const INTERPRETER: &str = "PARLOR_TEST_PYTHON";

/// Makes the environment, unless it stands already and the requirements are still the same.
pub(crate) fn bring(workspace: &Workspace) -> Result<Variables> {
    let requirements = workspace.root.join("tests/clients/requirements.txt");
    let wanted = fs::read_to_string(&requirements).context("cannot read tests/clients/requirements.txt")?;
    let environment = Environment {
        directory: workspace.target.join("parts/python"),
        interpreter: system::program("python3", "python3")?,
    };
    if let Some(variables) = environment.ready(&wanted) {
        return Ok(variables);
    }
    eprintln!("installing the Python clients of the tests");
    environment.install(&requirements)?;
    fs::write(environment.stamp(), &wanted).context("cannot write the stamp of the Python environment")?;
    environment.ready(&wanted).context("the Python environment was made, and is not complete")
}

/// Where the libraries are, either in a virtual environment or in a plain directory.
struct Environment {
    directory: PathBuf,
    /// The system's Python.
    interpreter: PathBuf,
}

impl Environment {
    /// Holds the requirements that were installed; written last, so what broke off half-way is made again.
    fn stamp(&self) -> PathBuf {
        self.directory.join("requirements.txt")
    }

    fn virtual_interpreter(&self) -> PathBuf {
        self.directory.join("venv/bin/python")
    }

    fn plain_directory(&self) -> PathBuf {
        self.directory.join("site-packages")
    }

    /// How the tests use it, or `None` if it has to be made (again).
    fn ready(&self, wanted: &str) -> Option<Variables> {
        if fs::read_to_string(self.stamp()).ok()? != wanted {
            return None;
        }
        // False as well if the Python that it was made with has gone.
        if self.virtual_interpreter().is_file() {
            return Some(vec![(INTERPRETER, self.virtual_interpreter().into())]);
        }
        let plain = self.plain_directory();
        let variables = || vec![(INTERPRETER, self.interpreter.clone().into()), ("PYTHONPATH", plain.clone().into())];
        plain.is_dir().then(variables)
    }

    /// Installs the requirements, and nothing whose hash they do not name.
    fn install(&self, requirements: &Path) -> Result<()> {
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).context("cannot remove the old Python environment")?;
        }
        fs::create_dir_all(&self.directory).context("cannot make a directory for the Python environment")?;

        // Debian splits `ensurepip`, without which there is no pip in a virtual environment, from its Python.
        let has = |module| process::succeeds(Command::new(&self.interpreter).args(["-c", &format!("import {module}")]));
        if !has("ensurepip") && !has("pip") {
            system::install("python3-venv")?;
        }
        if has("ensurepip") {
            let venv = self.directory.join("venv");
            process::run(Command::new(&self.interpreter).args(["-m", "venv"]).arg(venv))?;
            install(&self.virtual_interpreter(), None, requirements)
        } else {
            install(&self.interpreter, Some(&self.plain_directory()), requirements)
        }
    }
}

/// Installs requirements, and nothing whose hash they do not name, into a directory or into the Python's own.
pub(crate) fn install(interpreter: &Path, directory: Option<&Path>, requirements: &Path) -> Result<()> {
    let mut pip = Command::new(interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
    if let Some(directory) = directory {
        pip.arg("--target").arg(directory);
    }
    process::run(pip.args(["--require-hashes", "--requirement"]).arg(requirements))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::Environment;

    /// An environment that was installed into a virtual environment for the requirements `ws==1`.
    fn installed() -> (TempDir, Environment) {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment { directory: directory.path().into(), interpreter: "python3".into() };
        fs::create_dir_all(directory.path().join("venv/bin")).unwrap();
        fs::write(environment.virtual_interpreter(), "").unwrap();
        fs::write(environment.stamp(), "ws==1").unwrap();
        (directory, environment)
    }

    #[test]
    fn an_environment_serves_until_the_requirements_change() {
        let (_directory, environment) = installed();
        let variables = environment.ready("ws==1").unwrap();
        assert_eq!(variables, [("PARLOR_TEST_PYTHON", environment.virtual_interpreter().into())]);
        assert_eq!(environment.ready("ws==2"), None);
    }

    #[test]
    fn an_environment_that_broke_off_half_way_is_made_again() {
        let (_directory, environment) = installed();
        fs::remove_file(environment.stamp()).unwrap();
        assert_eq!(environment.ready("ws==1"), None);
    }

    #[test]
    fn an_environment_whose_python_has_gone_is_made_again() {
        let (_directory, environment) = installed();
        fs::remove_file(environment.virtual_interpreter()).unwrap();
        assert_eq!(environment.ready("ws==1"), None);
    }

    #[test]
    fn libraries_in_a_plain_directory_come_with_the_path_to_them() {
        let (_directory, environment) = installed();
        fs::remove_file(environment.virtual_interpreter()).unwrap();
        fs::create_dir(environment.plain_directory()).unwrap();
        let variables = environment.ready("ws==1").unwrap();
        let expected = [("PARLOR_TEST_PYTHON", "python3".into()), ("PYTHONPATH", environment.plain_directory().into())];
        assert_eq!(variables, expected);
    }
}
