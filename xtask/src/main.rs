//! Automation of the workspace: `cargo xtask <command>`.

mod documents;
mod parts;
mod process;
mod test;
mod workspace;

use clap::{Parser, Subcommand};
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
    /// Write the documents that are made from the code: docs/openapi.json, docs/asyncapi.json, docs/errors.md.
    Docs,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Test { arguments } => test::run(&workspace, &arguments),
        Command::Docs => documents::write(&workspace),
    }
}
