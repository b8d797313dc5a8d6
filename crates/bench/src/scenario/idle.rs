//! `idle`: sockets that are open and do nothing.

use std::{rc::Rc, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::time::{Instant, sleep};

use super::{Length, crowd::Crowd};
use crate::{
    drive::watch,
    marks::Book,
    people::{Person, Target},
    process::{self, Sample},
    report::Report,
    stats::real,
};

/// How long servers get to put things away before memory is looked at.
const SETTLE: Duration = Duration::from_secs(2);

/// Options of `idle`.
#[derive(Clone, Debug, Args)]
pub(crate) struct IdleArgs {
    /// How many sockets.
    #[arg(long, default_value_t = 10_000)]
    connections: u32,
    /// Sockets of each user.
    #[arg(long, default_value_t = 10)]
    per_user: u32,
    #[command(flatten)]
    length: Length,
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &IdleArgs) -> Result<Report> {
    ensure!(args.per_user > 0 && args.connections > 0, "no sockets");
    target.files.allow(args.connections.into())?;
    let people = target.people(args.connections.div_ceil(args.per_user)).await?;
    // What the server sets up for its first socket is not the price of a socket.
    warm_up(target, &people[0]).await?;
    sleep(SETTLE).await;
    let before = samples(target)?;

    let crowd = Crowd::new(target, &Rc::new(Book::new()?));
    let began = Instant::now();
    crowd.open(&people, usize::try_from(args.connections)?, None).await?;
    let opening = began.elapsed();
    sleep(SETTLE).await;
    let after = samples(target)?;
    let pushed = target.pushed.get();
    let usage = watch(&target.subjects, args.length.window()).await?;

    let mut report = Report::default();
    let connections = real(args.connections.into());
    report.count("sockets", args.connections.into());
    report.figure("sockets opened/s", connections / opening.as_secs_f64());
    for ((subject, before), after) in target.subjects.iter().zip(before).zip(after) {
        let grown = real(after.resident_bytes) - real(before.resident_bytes);
        report.figure(&format!("{} resident bytes per socket", subject.role), grown / connections);
        let opened = after.cpu_seconds - before.cpu_seconds;
        report.figure(&format!("{} CPU s per 1,000 sockets opened", subject.role), opened * 1000.0 / connections);
    }
    for usage in &usage.processes {
        report.figure(&format!("{} cores at rest", usage.role), usage.cpu_seconds / real(args.length.seconds.into()));
    }
    report.count("bytes pushed at rest", target.pushed.get() - pushed);
    report.usage("sockets", 0, usage);
    let ended = crowd.ended();
    let detail = format!("{} ended {}", ended.len(), ended.first().map_or("", String::as_str));
    report.check("every socket stayed open", ended.is_empty(), detail);
    Ok(report)
}

async fn warm_up(target: &Rc<Target>, person: &Rc<Person>) -> Result<()> {
    let path = target.socket_path(person)?;
    target.socket(person, &path).await?;
    Ok(())
}

fn samples(target: &Target) -> Result<Vec<Sample>> {
    target.subjects.iter().map(|subject| process::sample(subject.pid)).collect()
}
