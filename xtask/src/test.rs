//! `cargo xtask test`: every test of the workspace, with the real programs and servers that they need.

use anyhow::{Result, ensure};

use crate::{bench, fuzz::Fuzzer, process, services::Services, workspace::Workspace};

/// How long each fuzz target runs: enough for the corpus and what is close to it.
const FUZZ_SECONDS: u32 = 5;

/// A run of `cargo test`.
struct Suite {
    name: &'static str,
    /// What cargo is asked to test.
    scope: &'static [&'static str],
    /// For the test programs.
    arguments: &'static [&'static str],
    /// The store of the end-to-end tests.
    store: &'static str,
}

/// Those of the whole product. The realtime tests are few, and quick: without them cargo would build tokio, and all that
/// uses it, once more without a feature that they ask for.
const END_TO_END: &[&str] =
    &["-p", "parlor-realtime", "-p", "parlor-services", "-p", "parlor-server", "-p", "parlor-tests", "--test", "it"];

/// The examples first: they are few, and the last lines of the output should be about the tests.
const SUITES: [Suite; 3] = [
    Suite { name: "examples", scope: &["--workspace", "--doc"], arguments: &[], store: "sqlite" },
    Suite {
        name: "all tests",
        // But for the benchmarks, which do not take all that test programs take.
        scope: &["--workspace", "--lib", "--bins", "--tests", "--examples"],
        arguments: &[],
        store: "sqlite",
    },
    Suite {
        name: "end-to-end tests on MongoDB",
        scope: END_TO_END,
        // What does not depend on the store that is chosen.
        arguments: &[
            "--skip=architecture::",
            "--skip=container::",
            "--skip=failover::",
            "--skip=mongod::",
            "--skip=mongodb::",
            "--skip=parts::",
            "--skip=sqlite::",
        ],
        store: "mongodb",
    },
];

/// What follows the tests.
type Step = fn(&Workspace) -> Result<()>;

fn fuzz(workspace: &Workspace) -> Result<()> {
    Fuzzer::build(workspace)?.run(None, FUZZ_SECONDS)
}

/// Runs each once, untimed.
fn benchmarks(workspace: &Workspace) -> Result<()> {
    process::run(&mut workspace.cargo(&["test", "--workspace", "--bench", "*"]))
}

fn measurements(workspace: &Workspace) -> Result<()> {
    bench::run(workspace, &bench::Request { short: true, ..bench::Request::default() })
}

/// Brings the parts, builds everything once, and runs every test and every example of the documentation; those of the
/// whole product on either store. Then, unless the arguments choose among the tests, the fuzz targets, each benchmark
/// once, and the short form of the measurements, whose counts must add up.
///
/// The tests find the parts, the servers and Parlor through environment variables; without them they fail.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let services = Services::start(workspace, 1)?;
    // The scope is that of the tests below, so that cargo builds every crate once.
    let server = workspace.build_server(&["--workspace", "--all-targets"])?;
    let mut failed = Vec::new();
    for suite in SUITES {
        let mut tests = workspace.cargo(&["test", "--no-fail-fast"]);
        tests.envs(services.variables().clone()).env("PARLOR_TEST_SERVER", &server);
        tests.env("PARLOR_TEST_STORE", suite.store).args(suite.scope);
        if let Err(error) = process::run(tests.arg("--").args(suite.arguments).args(arguments)) {
            eprintln!("{error:#}");
            failed.push(suite.name);
        }
    }
    drop(services);
    if arguments.is_empty() {
        let others: [(&str, Step); 3] = [("fuzzing", fuzz), ("benchmarks", benchmarks), ("measurements", measurements)];
        for (name, run) in others {
            if let Err(error) = run(workspace) {
                eprintln!("{error:#}");
                failed.push(name);
            }
        }
    }
    ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
    Ok(())
}
