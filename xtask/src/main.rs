//! Automation of the workspace: `cargo xtask <command>`.

mod bench;
mod documents;
mod fuzz;
mod parts;
mod process;
mod services;
mod test;
mod workspace;

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand};
use fuzz::Fuzzer;
use workspace::Workspace;

/// Automation of the workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every test of the workspace, after bringing the programs that the tests need.
    Test {
        /// Given to the test programs: filters, `--nocapture`, …
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Start a MongoDB replica set for tests, and run a command with it, such as `cargo test -p parlor-repositories`.
    ///
    /// Without a command, prints what to set in another terminal, and serves until Ctrl-C. A set that
    /// PARLOR_TEST_MONGODB_URL names is used instead of a new one.
    Services {
        /// How many members the set has.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=7))]
        nodes: u8,
        /// What to run; the services end with it.
        #[arg(last = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Give the decoders inputs that a fuzzer makes up. Needs a C++ compiler.
    Fuzz {
        /// How long each target runs.
        #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
        /// The only one to run.
        target: Option<String>,
    },
    /// Measure Parlor, a peer and the floors in the same run, and write docs/performance.md.
    Bench {
        /// Only see whether everything works, in a few minutes; the page goes to target/bench.
        #[arg(long)]
        short: bool,
        /// Only the experiments of these names.
        #[arg(long, value_name = "NAME")]
        only: Vec<String>,
        /// How often the base and Parlor take turns; then comes the base once more.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
        rounds: u8,
        /// The sources of the peer, which docs/performance.md describes; without them Parlor runs alone.
        #[arg(long, value_name = "DIR", env = "PARLOR_BENCH_PEER")]
        peer: Option<PathBuf>,
    },
    /// Write the documents that are made from the code, docs/openapi.json, docs/asyncapi.json and docs/errors.md, and
    /// docs/performance.md, which is made from the last measurements.
    Docs,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Test { arguments } => test::run(&workspace, &arguments),
        Command::Services { nodes, command } => services::run(&workspace, nodes.into(), &command),
        Command::Fuzz { seconds, target } => Fuzzer::build(&workspace)?.run(target.as_deref(), seconds),
        Command::Bench { short, only, rounds, peer } => {
            bench::run(&workspace, &bench::Request { short, only, rounds, peer })
        }
        Command::Docs => documents::write(&workspace),
    }
}
