//! `chromium`: the browser of Debian's package.

use std::{env, path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};

use super::{Variables, system};

/// Where the tests find the program; one that the caller names in it is used as it is.
const PROGRAM: &str = "PARLOR_TEST_CHROMIUM";

/// Takes the caller's, or finds `chromium`, or installs it where that is possible.
pub(crate) fn bring() -> Result<Variables> {
    let program = match env::var_os(PROGRAM) {
        Some(program) if !program.is_empty() => program.into(),
        _ => system::program("chromium", "chromium")
            .with_context(|| format!("there is no Chromium here: install it, or set {PROGRAM} to one"))?,
    };
    ensure_it_runs(&program)?;
    Ok(vec![(PROGRAM, program.into())])
}

/// A browser that lacks a library would otherwise be seen as a page that never answers.
fn ensure_it_runs(program: &PathBuf) -> Result<()> {
    let name = program.display();
    let output = Command::new(program).arg("--version").output().with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        bail!("{name} does not run here: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::ensure_it_runs;

    #[test]
    fn a_browser_that_does_not_run_is_an_error_with_what_it_said() {
        let directory = tempfile::tempdir().unwrap();
        let error = ensure_it_runs(&directory.path().join("chromium")).unwrap_err().to_string();
        assert!(error.starts_with("cannot start "), "{error}");
        let error = ensure_it_runs(&"false".into()).unwrap_err().to_string();
        assert_eq!(error, "false does not run here: ");
        ensure_it_runs(&"true".into()).unwrap();
    }
}
