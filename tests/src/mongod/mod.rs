//! Real MongoDB servers on the loopback address, to be broken: one alone, or several as a replica set. They end with
//! whoever has started them, however that ends.

mod process;
mod wire;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use bson::{Document, doc};

use self::process::{Launch, Mongod, launch, wait};
pub use self::wire::{command, drop_database};

/// The election settings of sets of several members: a new primary is there within seconds.
const ELECTION_TIMEOUT_MILLIS: i32 = 1500;
const HEARTBEAT_MILLIS: i32 = 500;
/// How soon a member that hangs counts as down, and the others no longer copy from it.
const HEARTBEAT_TIMEOUT_SECS: i32 = 2;

/// A server that is in no replica set.
pub struct Standalone {
    launch: Launch,
    server: Mongod,
}

impl Standalone {
    /// Starts one, with its data in this folder; `options` are added to its command line.
    pub fn start(program: &Path, folder: &Path, options: &[&str]) -> Result<Self> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let (launch, server) = launch(program, &member_folder(folder, 0)?, options)?;
        Ok(Self { launch, server })
    }

    /// Where it is, such as `mongodb://127.0.0.1:23210`.
    pub fn url(&self) -> String {
        format!("mongodb://{}", self.launch.address())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.launch.port
    }

    /// Runs a command on one of its databases.
    pub fn command(&self, database: &str, command: Document) -> Result<Document> {
        wire::command(&self.launch.address(), database, command)
    }

    /// Stops it from doing anything, as a machine that hangs.
    pub fn pause(&self) -> Result<()> {
        self.server.signal("STOP")
    }

    /// Lets it go on.
    pub fn resume(&self) -> Result<()> {
        self.server.signal("CONT")
    }
}

/// A replica set. Its members are known by their numbers, from 0.
pub struct ReplicaSet {
    members: Vec<Member>,
}

struct Member {
    launch: Launch,
    /// None while it is killed.
    server: Option<Mongod>,
}

impl ReplicaSet {
    /// Starts a set of so many members, with their data in this folder, and waits until it takes writes.
    pub fn start(program: &Path, folder: &Path, members: usize) -> Result<Self> {
        ensure!(members > 0, "a replica set has at least one member");
        let mut set = Self { members: Vec::new() };
        for number in 0..members {
            let options = ["--replSet", "parlor", "--oplogSize", "64"].map(str::to_owned).to_vec();
            let (launch, server) = launch(program, &member_folder(folder, number)?, options)?;
            set.members.push(Member { launch, server: Some(server) });
        }
        let hosts =
            set.members.iter().zip(0_i32..).map(|(member, id)| doc! { "_id": id, "host": member.launch.address() });
        let mut config = doc! { "_id": "parlor", "members": hosts.collect::<Vec<_>>() };
        if members > 1 {
            let settings = doc! {
                "electionTimeoutMillis": ELECTION_TIMEOUT_MILLIS,
                "heartbeatIntervalMillis": HEARTBEAT_MILLIS,
                "heartbeatTimeoutSecs": HEARTBEAT_TIMEOUT_SECS,
            };
            config.insert("settings", settings);
        }
        set.members[0].command(doc! { "replSetInitiate": config })?;
        set.wait_until_healthy()?;
        Ok(set)
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.members.iter().map(|member| member.launch.address()).collect();
        format!("mongodb://{}/?replicaSet=parlor", hosts.join(","))
    }

    /// Waits until a member takes writes.
    pub fn primary(&self) -> Result<usize> {
        wait("a primary", || Ok(self.members.iter().position(Member::is_primary)))
    }

    /// Waits until another member than this one takes writes.
    pub fn primary_other_than(&self, old: usize) -> Result<usize> {
        let others = || (0..self.members.len()).filter(|member| *member != old);
        wait("another primary", || Ok(others().find(|member| self.members[*member].is_primary())))
    }

    /// Ends a member as `kill -9` does.
    pub fn kill(&mut self, member: usize) -> Result<()> {
        let server = self.members[member].server.take();
        server.map(drop).with_context(|| format!("member {member} does not run"))
    }

    /// Starts a member that was killed, on the data that it has left.
    pub fn restart(&mut self, member: usize) -> Result<()> {
        let member = &mut self.members[member];
        ensure!(member.server.is_none(), "it runs");
        member.server = Some(member.launch.start()?);
        Ok(())
    }

    /// Stops a member from doing anything, as a machine that hangs.
    pub fn pause(&self, member: usize) -> Result<()> {
        self.running(member)?.signal("STOP")
    }

    /// Lets a paused member go on.
    pub fn resume(&self, member: usize) -> Result<()> {
        self.running(member)?.signal("CONT")
    }

    /// Makes the primary step down in order, and not be elected again for some seconds.
    pub fn step_down(&self, primary: usize) -> Result<()> {
        let command = doc! { "replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 3 };
        self.members[primary].command(command).map(drop)
    }

    /// Waits until one member is primary, and every other follows it and has nothing left to take back.
    pub fn wait_until_healthy(&self) -> Result<()> {
        wait("every member to be healthy", || {
            let states: Vec<_> = self.members.iter().filter_map(|member| member.state().ok()).collect();
            let primary = states.iter().find(|state| state.role == PRIMARY);
            let followed =
                |term| states.iter().all(|state| state.applied == term && matches!(state.role, PRIMARY | SECONDARY));
            let healthy = states.len() == self.members.len() && primary.is_some_and(|primary| followed(primary.term));
            Ok(healthy.then_some(()))
        })
    }

    fn running(&self, member: usize) -> Result<&Mongod> {
        self.members[member].server.as_ref().with_context(|| format!("member {member} does not run"))
    }
}

/// What a member says of itself: `replSetGetStatus`.
struct State {
    role: i32,
    /// The term of the newest primary that it knows.
    term: i64,
    /// The term of the last write that it has: an older one, until it has what the new primary begins with.
    applied: i64,
}

const PRIMARY: i32 = 1;
const SECONDARY: i32 = 2;

impl Member {
    fn command(&self, command: Document) -> Result<Document> {
        wire::command(&self.launch.address(), "admin", command)
    }

    /// Fails if it does not run, or is paused and would take the question without an answer.
    fn ask(&self, command: Document) -> Result<Document> {
        ensure!(self.server.as_ref().is_some_and(|server| !server.is_paused()), "it does not run at present");
        self.command(command)
    }

    fn is_primary(&self) -> bool {
        let hello = self.ask(doc! { "hello": 1 });
        hello.is_ok_and(|hello| hello.get_bool("isWritablePrimary").unwrap_or(false))
    }

    fn state(&self) -> Result<State> {
        let status = self.ask(doc! { "replSetGetStatus": 1 })?;
        let applied = status.get_document("optimes")?.get_document("appliedOpTime")?.get_i64("t")?;
        Ok(State { role: status.get_i32("myState")?, term: status.get_i64("term")?, applied })
    }
}

/// A new folder for one server: what it leaves when it is ended by force is removed with all that is in there.
fn member_folder(folder: &Path, number: usize) -> Result<PathBuf> {
    let folder = folder.join(format!("mongod{number}"));
    fs::create_dir_all(&folder)?;
    Ok(folder)
}
