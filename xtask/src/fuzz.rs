//! `cargo xtask fuzz`: the decoders under inputs that a fuzzer makes up, on the stable toolchain.

use std::{
    collections::BTreeSet,
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use cargo_metadata::Message;

use crate::{parts, process, workspace::Workspace};

/// A workspace of its own, since all of it is built with the flags below.
const PACKAGE: &str = "crates/socketio/fuzz";

/// What `cargo fuzz` would pass, without the sanitizers that need a nightly toolchain: the fuzzer has to see which
/// branches an input takes and what it is compared with.
const INSTRUMENTATION: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                               -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                               -Cllvm-args=-sanitizer-coverage-pc-table \
                               -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The longest input in bytes, the memory that it may take in MiB, and its time in seconds: far more than it needs.
const LIMITS: [&str; 3] = ["-max_len=4096", "-rss_limit_mb=1024", "-timeout=10"];

/// The fuzz targets, built.
pub(crate) struct Fuzzer {
    targets: Vec<Target>,
}

/// One of them, and where its inputs lie.
struct Target {
    name: String,
    program: PathBuf,
    /// Inputs that are in the repository. Nothing is written there.
    corpus: PathBuf,
    /// Inputs of earlier runs that reached something new.
    learnt: PathBuf,
    /// Inputs with which something went wrong.
    found: PathBuf,
}

impl Fuzzer {
    /// Builds all targets.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        parts::bring_cxx()?;
        let (package, work) = (workspace.root.join(PACKAGE), workspace.target.join("fuzz"));
        let mut build =
            workspace.cargo(&["build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
        // With a `--target`, the flags are not for what runs during the build.
        build.args(["--target", "host-tuple", "--target-dir"]).arg(&work);
        build.current_dir(&package).env("RUSTFLAGS", INSTRUMENTATION).env_remove("CARGO_ENCODED_RUSTFLAGS");
        let messages = process::output(build.stdin(Stdio::null()))?;
        let mut targets = Vec::new();
        for message in Message::parse_stream(Cursor::new(messages)) {
            if let Message::CompilerArtifact(artifact) = message.context("cargo said something unreadable")?
                && let Some(program) = artifact.executable
            {
                let name = artifact.target.name;
                targets.push(Target {
                    program: program.into(),
                    corpus: package.join("corpus").join(&name),
                    learnt: work.join("corpus").join(&name),
                    found: work.join("found").join(&name),
                    name,
                });
            }
        }
        targets.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { targets })
    }

    /// Runs every target, or the one of this name, for so many seconds each.
    pub(crate) fn run(&self, name: Option<&str>, seconds: u32) -> Result<()> {
        let mut failed = Vec::new();
        for target in self.select(name)? {
            eprintln!("fuzzing `{}` for {seconds} s", target.name);
            if let Err(error) = target.run(seconds) {
                eprintln!("{error:#}");
                failed.push(target.name.as_str());
            }
        }
        ensure!(failed.is_empty(), "something was found: {}", failed.join(", "));
        Ok(())
    }

    fn select(&self, name: Option<&str>) -> Result<Vec<&Target>> {
        let selected: Vec<_> =
            self.targets.iter().filter(|target| name.is_none_or(|name| name == target.name)).collect();
        if selected.is_empty() {
            let names: Vec<_> = self.targets.iter().map(|target| target.name.as_str()).collect();
            return Err(anyhow!("no such target; there are: {}", names.join(", ")));
        }
        Ok(selected)
    }
}

impl Target {
    fn run(&self, seconds: u32) -> Result<()> {
        for folder in [&self.learnt, &self.found] {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let before = files(&self.found)?;
        let mut fuzz = Command::new(&self.program);
        fuzz.args(LIMITS)
            .args(["-print_final_stats=1", "-verbosity=0", "-print_funcs=0"])
            .arg(format!("-max_total_time={seconds}"));
        // A prefix and no folder: what is written behind it is the file's name.
        fuzz.arg(format!("-artifact_prefix={}/", self.found.display()));
        // What is learnt goes into the first.
        let Err(error) = process::run(fuzz.arg(&self.learnt).arg(&self.corpus)) else { return Ok(()) };
        let found: Vec<_> = files(&self.found)?.difference(&before).cloned().collect();
        let again = found.iter().map(|input| format!("\nagain: {} {}", self.program.display(), input.display()));
        Err(anyhow!("{error:#}{}", again.collect::<String>()))
    }
}

fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, process::Command};

    use super::{Fuzzer, Target};

    /// A target that is a script.
    fn target(folder: &Path, name: &str, script: &str) -> Target {
        let program = folder.join(name);
        // By another process: a program that this one still has open for writing in some thread cannot be started.
        let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod +x "$2""#;
        assert!(Command::new("sh").args(["-c", write, "sh", script]).arg(&program).status().unwrap().success());
        let [corpus, learnt, found] = ["corpus", "learnt", "found"].map(|kind| folder.join(kind).join(name));
        fs::create_dir_all(&corpus).unwrap();
        Target { name: name.into(), program, corpus, learnt, found }
    }

    #[test]
    fn an_input_that_breaks_something_is_named_with_the_command_that_repeats_it() {
        let folder = tempfile::tempdir().unwrap();
        let script = r#"for word in "$@"; do case "$word" in -artifact_prefix=*) echo 4 > "${word#*=}crash-1";; esac; done
            exit 77"#;
        let target = target(folder.path(), "packet", script);
        fs::create_dir_all(&target.found).unwrap();
        fs::write(target.found.join("crash-0"), "from an earlier run").unwrap();

        let error = format!("{:#}", target.run(1).unwrap_err());

        let [program, input] = [folder.path().join("packet"), target.found.join("crash-1")];
        let again = format!("failed: exit status: 77\nagain: {} {}", program.display(), input.display());
        assert!(error.ends_with(&again), "{error}");
    }

    #[test]
    fn what_is_learnt_stays_out_of_the_corpus() {
        let folder = tempfile::tempdir().unwrap();
        // The last two arguments are folders; the fuzzer writes to the first of them.
        let script = r#"while [ $# -gt 2 ]; do shift; done; echo 4 > "$1/new""#;
        let target = target(folder.path(), "packet", script);
        target.run(1).unwrap();
        assert!(target.learnt.join("new").exists());
        assert_eq!(fs::read_dir(&target.corpus).unwrap().count(), 0);
    }

    #[test]
    fn every_target_runs_even_if_the_first_finds_something() {
        let folder = tempfile::tempdir().unwrap();
        let targets = vec![target(folder.path(), "a", "exit 77"), target(folder.path(), "b", "exit 77")];
        let fuzzer = Fuzzer { targets };
        assert_eq!(fuzzer.run(None, 1).unwrap_err().to_string(), "something was found: a, b");
        assert_eq!(fuzzer.run(Some("b"), 1).unwrap_err().to_string(), "something was found: b");
        assert_eq!(fuzzer.run(Some("c"), 1).unwrap_err().to_string(), "no such target; there are: a, b");
    }
}
