//! `login`: users sign in, each connection with an account of its own.

use std::rc::Rc;

use anyhow::Result;
use clap::Args;
use tokio::time::Instant;

use super::Length;
use crate::{
    drive::{Worker, drive, watch},
    http::{Client, Failure},
    people::{PASSWORD, Person, Target},
    profile::Values,
    report::Report,
};

/// Options of `login`.
#[derive(Clone, Debug, Args)]
pub(crate) struct LoginArgs {
    /// How many connections log in.
    #[arg(long, default_value_t = 8)]
    connections: u32,
    #[command(flatten)]
    length: Length,
}

/// Logs in, again and again.
pub(crate) struct LoginWorker {
    target: Rc<Target>,
    client: Client,
    person: Rc<Person>,
}

impl Worker for LoginWorker {
    async fn once(&mut self, _: Instant) -> Result<(), Failure> {
        let accounts = self.target.profile.accounts().map_err(|error| Failure::Answer(error.to_string()))?;
        let values = Values { user: &self.person.user, password: PASSWORD, ..Values::default() };
        self.client.send(&self.target.network, &accounts.log_in, &values).await.map(drop)
    }
}

/// Workers with an account each.
pub(crate) async fn workers(target: &Rc<Target>, count: u32) -> Result<Vec<LoginWorker>> {
    target.files.allow(count.into())?;
    target.profile.accounts()?;
    let people = target.people(count).await?;
    let worker = |person| LoginWorker { target: Rc::clone(target), client: Client::new(""), person };
    Ok(people.into_iter().map(worker).collect())
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &LoginArgs) -> Result<Report> {
    let workers = workers(target, args.connections).await?;
    let window = args.length.window();
    let (tally, usage) = tokio::join!(drive(workers, None, window), watch(&target.subjects, window));
    let mut report = Report::default();
    let tally = tally?;
    report.tally("logins", &tally);
    report.usage("logins", tally.counted, usage?);
    Ok(report)
}
