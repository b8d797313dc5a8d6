//! Running other programs.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

/// Runs a program whose output the caller's terminal shows, and fails when it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    ensure!(status.success(), "{} failed: {status}", name(command));
    Ok(())
}

/// Runs a program and returns what it writes to standard output; its standard error stays visible.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {}", name(command)))?;
    ensure!(output.status.success(), "{} failed: {}", name(command), output.status);
    Ok(output.stdout)
}

/// Whether a program can be started and succeeds, shown to nobody.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The command as one would type it, without the directory of the program.
fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let program = program.file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    format!("`{}`", words.join(" "))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{output, run, succeeds};

    #[test]
    fn a_failure_names_what_was_run() {
        let mut unknown = Command::new("a-program-that-nobody-has");
        let error = run(unknown.arg("--now")).unwrap_err().to_string();
        assert_eq!(error, "cannot start `a-program-that-nobody-has --now`");
        assert!(!succeeds(&mut unknown));
    }

    #[test]
    fn output_of_a_program_that_fails_is_not_used() {
        let error = output(Command::new("sh").args(["-c", "echo half; exit 3"])).unwrap_err().to_string();
        assert!(error.contains("failed: exit status: 3"), "{error}");
    }
}
