//! The real programs that the tests run.

use std::{env, ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

/// A program that `cargo xtask test` builds, finds or installs. A test that needs one fails without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The server, `parlor`.
    Server,
    /// `curl`.
    Curl,
    /// Python 3 with the libraries of `tests/clients/requirements.txt`.
    Python,
    /// `mongod`, the server of MongoDB.
    Mongod,
    /// Node, whose packages of `tests/clients/package-lock.json` are where `PARLOR_TEST_NODE_MODULES` says.
    Node,
    /// `chromium`, the browser.
    Chromium,
}

impl Part {
    /// Where the program is. Fails, saying what to do, if the tests were not started by `cargo xtask test`.
    pub fn path(self) -> Result<PathBuf> {
        self.path_in(env::var_os(self.variable()))
    }

    fn path_in(self, value: Option<OsString>) -> Result<PathBuf> {
        let path = value.map(PathBuf::from).with_context(|| {
            format!(
                "{} is not set: run `cargo xtask test`, which brings the programs that this test needs",
                self.variable()
            )
        })?;
        ensure!(path.is_file(), "{} names no file: {}", self.variable(), path.display());
        Ok(path)
    }

    /// The environment variable that `cargo xtask test` sets.
    fn variable(self) -> &'static str {
        match self {
            Self::Server => "PARLOR_TEST_SERVER",
            Self::Curl => "PARLOR_TEST_CURL",
            Self::Python => "PARLOR_TEST_PYTHON",
            Self::Mongod => "PARLOR_TEST_MONGOD",
            Self::Node => "PARLOR_TEST_NODE",
            Self::Chromium => "PARLOR_TEST_CHROMIUM",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, path::Path};

    use super::Part;

    #[test]
    fn a_missing_part_is_an_error_that_names_the_command_to_run() {
        let error = Part::Server.path_in(None).unwrap_err().to_string();
        assert!(error.starts_with("PARLOR_TEST_SERVER is not set: run `cargo xtask test`"), "{error}");
    }

    #[test]
    fn a_part_that_is_not_where_it_should_be_is_an_error() {
        let error = Part::Curl.path_in(Some("nowhere/curl".into())).unwrap_err().to_string();
        assert_eq!(error, "PARLOR_TEST_CURL names no file: nowhere/curl");
    }

    #[test]
    fn a_part_that_is_there_is_found() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        assert_eq!(Part::Python.path_in(Some(file.clone().into())).unwrap(), file);
    }
}
