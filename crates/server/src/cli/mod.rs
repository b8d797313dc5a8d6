//! The command line: what `parlor` is asked to do, and how failures are told.

mod admin;
mod clear;
mod config;
mod copy;
mod documents;
mod migrate;
mod seed;
mod serve;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::config::{Configuration, FlagValue, Profile, Sources};

/// A chat backend: accounts, direct messages, presence, behind a REST API and a real-time connection.
#[derive(Debug, Parser)]
#[command(name = "parlor", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options that count for every command.
#[derive(Debug, Args)]
struct Options {
    /// Which set of values to start from.
    #[arg(long, global = true, value_enum, env = "PARLOR_PROFILE", default_value = "development")]
    profile: Profile,
    /// File with the settings that differ, in TOML.
    #[arg(long, global = true, value_name = "PATH", env = "PARLOR_CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, global = true)]
    host: Option<String>,
    /// Port to listen on; 0 for a free one.
    #[arg(long, global = true)]
    port: Option<u16>,
    /// Directory for the database and the signing key.
    #[arg(long, global = true, value_name = "PATH")]
    data_dir: Option<String>,
    /// Any other setting.
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE", value_parser = key_and_value)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server. This is also what happens without a command.
    Serve,
    /// Bring the database to the newest version.
    Migrate,
    /// Make administrators.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// Fill the database with made-up users, conversations and messages, the same for the same seed.
    Seed(seed::SeedArgs),
    /// Copy everything from one database into another, which must be empty.
    ///
    /// Stop every server that uses either of them first. An interrupted copy goes on where it was when it is started
    /// again. At the end both databases are read and compared. What is not in a database, such as the signing key, is
    /// not copied.
    Copy(copy::CopyArgs),
    /// Delete everything in the database.
    Clear {
        /// Really do it.
        #[arg(long, required = true)]
        yes: bool,
    },
    /// Print the OpenAPI document of the REST API.
    Openapi,
    /// Print the AsyncAPI document of the real-time connection.
    Asyncapi,
    /// Print the list of error codes.
    Errors,
    /// Print the settings in force, secrets hidden, and where they come from.
    Config,
}

fn key_and_value(text: &str) -> Result<(String, String), &'static str> {
    let (key, value) = text.split_once('=').ok_or("write SECTION.KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

impl Options {
    fn sources(self, environment: Vec<(String, String)>) -> Sources {
        let flag = |flag, key: &str, value| FlagValue { flag, key: key.to_owned(), value };
        let named = [
            self.host.map(|host| flag("--host", "server.host", host)),
            self.port.map(|port| flag("--port", "server.port", port.to_string())),
            self.data_dir.map(|dir| flag("--data-dir", "store.data_dir", dir)),
        ];
        let set = self.set.into_iter().map(|(key, value)| flag("--set", &key, value));
        let flags = named.into_iter().flatten().chain(set).collect();
        Sources { profile: self.profile, file: self.config, environment, flags }
    }
}

/// Does what the process's arguments say. A failure is told in one line on standard error.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match execute(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlor: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<()> {
    let Cli { options, command } = cli;
    let configuration = || anyhow::Ok(Configuration::load(&options.sources(environment()?))?);
    match command.unwrap_or(Command::Serve) {
        Command::Openapi => documents::openapi(),
        Command::Asyncapi => documents::asyncapi(),
        Command::Errors => documents::errors(),
        Command::Config => config::config(&configuration()?),
        Command::Serve => runtime()?.block_on(serve::serve(configuration()?.settings)),
        Command::Migrate => runtime()?.block_on(migrate::migrate(&configuration()?.settings)),
        Command::Admin(command) => runtime()?.block_on(admin::admin(&configuration()?.settings, command)),
        Command::Seed(args) => runtime()?.block_on(seed::seed(configuration()?.settings, args)),
        Command::Copy(args) => runtime()?.block_on(copy::copy(configuration()?.settings, args)),
        // The flag has no other value: without it the command line is refused.
        Command::Clear { yes: _ } => runtime()?.block_on(clear::clear(&configuration()?.settings)),
    }
}

/// The variables that are ours.
fn environment() -> anyhow::Result<Vec<(String, String)>> {
    let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    named
        .filter(|(name, _)| name.starts_with("PARLOR_"))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => anyhow::bail!("the variable {name} is not valid UTF-8"),
        })
        .collect()
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")
}

/// Writes a document to standard output. A reader that has seen enough and closed the pipe is no failure.
fn print(text: &str) -> anyhow::Result<()> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot write the output"),
        _ => Ok(()),
    }
}
