//! A load generator that drives any chat server that a small profile describes, and the floors that its figures are
//! held against.

mod drive;
mod floor;
mod http;
mod limits;
mod live;
mod marks;
mod net;
mod pace;
mod people;
mod process;
mod profile;
mod report;
mod scenario;
mod stats;

use std::{env, fs, path::PathBuf, process::ExitCode, rc::Rc};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use tokio::task::LocalSet;

use self::{
    floor::Floor,
    net::Network,
    people::Target,
    process::Subject,
    profile::Profile,
    report::Report,
    scenario::{fanout, history, idle, login, mixed, presence, resume, send},
};

/// Drives a chat server and reports what it did. Fails when something was lost, or failed.
#[derive(Debug, Parser)]
#[command(name = "parlor-bench", version)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What all commands take.
#[derive(Clone, Debug, Args)]
struct Common {
    /// What the server looks like: parlor, parlor-socketio, node-reference, floor-http, floor-broadcast, or a file.
    #[arg(long, global = true, default_value = "parlor")]
    profile: String,
    /// Where the server is.
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// From how many loopback addresses, beginning with 127.0.0.1. Each has about 28,000 ports.
    #[arg(long, global = true, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=200))]
    sources: u8,
    /// The server's process.
    #[arg(long, global = true, value_name = "PID")]
    server_pid: Option<u32>,
    /// The database's process.
    #[arg(long, global = true, value_name = "PID")]
    database_pid: Option<u32>,
    /// Users of an earlier `sign-up`, to be taken before any sign up.
    #[arg(long, global = true, value_name = "FILE")]
    people: Option<PathBuf>,
    /// What to call this run in the report.
    #[arg(long, global = true, default_value = "")]
    label: String,
    /// Where to write the report as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Messages over REST, each connection with a user and a conversation of its own.
    Send(send::SendArgs),
    /// Pages of a conversation's messages.
    History(history::HistoryArgs),
    /// Logins.
    Login(login::LoginArgs),
    /// One sends, one or many listen.
    Fanout(fanout::FanoutArgs),
    /// Sockets that are open and do nothing.
    Idle(idle::IdleArgs),
    /// Users arrive at a rate, and everybody is told.
    Presence(presence::PresenceArgs),
    /// Sends at a rate, alone and beside logins.
    Mixed(mixed::MixedArgs),
    /// Clients come back all at once and want what they missed.
    Resume(resume::ResumeArgs),
    /// Sign up users for later runs.
    SignUp {
        /// How many.
        #[arg(long, default_value_t = 1000)]
        count: u32,
        /// Where to write them.
        #[arg(long, value_name = "FILE")]
        save: PathBuf,
    },
    /// What the parts cost with nothing around them.
    #[command(subcommand)]
    Floor(Floor),
    /// Make a MongoDB server a replica set of one, and wait until it takes writes.
    InitiateSet {
        /// Where it listens on 127.0.0.1.
        #[arg(long)]
        port: u16,
        /// The set's name, as the server was started with.
        #[arg(long)]
        name: String,
    },
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::History(_) => "history",
            Self::Login(_) => "login",
            Self::Fanout(_) => "fanout",
            Self::Idle(_) => "idle",
            Self::Presence(_) => "presence",
            Self::Mixed(_) => "mixed",
            Self::Resume(_) => "resume",
            Self::Floor(Floor::InsertOne(_)) => "insert-one",
            Self::Floor(Floor::InsertMany { .. }) => "insert-many",
            Self::Floor(Floor::Sqlite { .. }) => "sqlite",
            Self::Floor(Floor::ServeHttp { .. } | Floor::ServeBroadcast { .. }) => "serve",
            Self::SignUp { .. } => "sign-up",
            Self::InitiateSet { .. } => "initiate-set",
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(Some(report)) if !report.holds() => ExitCode::from(2),
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parlor-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<Option<Report>> {
    let files = limits::raise();
    // It brings its own runtime.
    if let Command::Floor(Floor::ServeHttp { port }) = &cli.command {
        floor::http::serve(*port)?;
        return Ok(None);
    }
    // One thread: the generator shares one core with the database, and nothing in it has to be locked.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = LocalSet::new().block_on(&runtime, Box::pin(execute(cli, files)));
    // A run that failed has connections left that nobody waits for.
    runtime.shutdown_background();
    let Some(mut report) = done? else { return Ok(None) };
    cli.command.name().clone_into(&mut report.scenario);
    report.label.clone_from(&cli.common.label);
    report.command = env::args().skip(1).collect();
    report.file_limit = files.files;
    print!("{}", report.table());
    if let Some(path) = &cli.common.json {
        let json = serde_json::to_string_pretty(&report)?;
        fs::write(path, json + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(Some(report))
}

async fn execute(cli: &Cli, files: limits::FileLimit) -> Result<Option<Report>> {
    let subjects = cli.common.subjects();
    let mut report = match &cli.command {
        Command::Floor(floor) => return run_floor(floor, &subjects).await,
        Command::InitiateSet { port, name } => {
            floor::mongodb::initiate(*port, name).await?;
            return Ok(None);
        }
        Command::SignUp { count, save } => {
            people::save(&cli.target(files).await?.people(*count).await?, save)?;
            return Ok(None);
        }
        Command::Send(args) => send::run(&cli.target(files).await?, args).await?,
        Command::History(args) => history::run(&cli.target(files).await?, args).await?,
        Command::Login(args) => login::run(&cli.target(files).await?, args).await?,
        Command::Fanout(args) => fanout::run(&cli.target(files).await?, args).await?,
        Command::Idle(args) => idle::run(&cli.target(files).await?, args).await?,
        Command::Presence(args) => presence::run(&cli.target(files).await?, args).await?,
        Command::Mixed(args) => mixed::run(&cli.target(files).await?, args).await?,
        Command::Resume(args) => resume::run(&cli.target(files).await?, args).await?,
    };
    cli.common.profile.clone_into(&mut report.subject);
    Ok(Some(report))
}

async fn run_floor(floor: &Floor, subjects: &[Subject]) -> Result<Option<Report>> {
    let mut report = match floor {
        Floor::InsertOne(args) => floor::mongodb::run(args, 1, subjects).await?,
        Floor::InsertMany { mongo, batch } => floor::mongodb::run(mongo, *batch, subjects).await?,
        Floor::Sqlite { dir, batch, length } => floor::sqlite::run(dir, *batch, *length)?,
        Floor::ServeHttp { port } => {
            floor::http::serve(*port)?;
            return Ok(None);
        }
        Floor::ServeBroadcast { port } => {
            floor::broadcast::serve(*port).await?;
            return Ok(None);
        }
    };
    "floor".clone_into(&mut report.subject);
    Ok(Some(report))
}

impl Cli {
    async fn target(&self, mut files: limits::FileLimit) -> Result<Rc<Target>> {
        files.of_server = self.common.server_pid.map(process::file_limit).transpose()?;
        let profile = Profile::load(&self.common.profile)?;
        let network = Network::new(&self.common.url, self.common.sources).await?;
        let target = Target::new(profile, network, self.common.subjects(), files);
        if let Some(path) = &self.common.people {
            target.read_people(path)?;
        }
        Ok(target)
    }
}

impl Common {
    /// The processes to look at, this one among them.
    fn subjects(&self) -> Vec<Subject> {
        let named = [("server", self.server_pid), ("database", self.database_pid)];
        let subject = |(role, pid): (&str, Option<u32>)| Some(Subject { role: role.to_owned(), pid: pid? });
        named.into_iter().filter_map(subject).chain([Subject::ourselves()]).collect()
    }
}
