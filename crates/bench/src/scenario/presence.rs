//! `presence`: users arrive at a rate, and everybody is told.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::crowd::{Crowd, failure};
use crate::{
    drive::{Worker, drive, watch},
    http::{Client, Failure},
    marks::Book,
    people::{Person, Target},
    report::Report,
    stats::{Window, real},
};

/// How long the last news may take.
const SETTLE: Duration = Duration::from_secs(3);
/// How many arrive at a time at most.
const ARRIVING: usize = 128;

/// Options of `presence`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PresenceArgs {
    /// How many users arrive.
    #[arg(long, default_value_t = 1000)]
    users: u32,
    /// How many a second.
    #[arg(long, default_value_t = 100)]
    per_second: u32,
    /// With how many of the others each has a conversation, where conversations have to be opened.
    #[arg(long, default_value_t = 10)]
    contacts: u32,
}

struct Arrival {
    target: Rc<Target>,
    waiting: Rc<RefCell<Vec<Rc<Person>>>>,
    crowd: Rc<Crowd>,
}

impl Worker for Arrival {
    async fn once(&mut self, _: Instant) -> Result<(), Failure> {
        let next = self.waiting.borrow_mut().pop();
        let person = next.ok_or_else(|| Failure::Answer("nobody is left to arrive".to_owned()))?;
        let path = self.target.socket_path(&person).map_err(|error| Failure::Answer(error.to_string()))?;
        let socket = self.target.socket(&person, &path).await.map_err(failure)?;
        self.crowd.listen(socket);
        Ok(())
    }
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &PresenceArgs) -> Result<Report> {
    ensure!(args.per_second > 0 && args.users.is_multiple_of(args.per_second), "a part of a second would be left");
    target.files.allow(args.users.into())?;
    let people = target.people(args.users).await?;
    get_acquainted(target, &people, args.contacts).await?;
    let crowd = Rc::new(Crowd::new(target, &Rc::new(Book::new()?)));
    let waiting = Rc::new(RefCell::new(people));
    let workers: Vec<_> = (0..ARRIVING)
        .map(|_| Arrival { target: Rc::clone(target), waiting: Rc::clone(&waiting), crowd: Rc::clone(&crowd) })
        .collect();
    let before = target.pushed.get();
    let window = Window::after(Duration::ZERO, Duration::from_secs((args.users / args.per_second).into()));
    let watched = Window { begin: window.begin, end: window.end + SETTLE };
    let driven = async {
        let tally = drive(workers, Some(args.per_second), window).await;
        sleep(SETTLE).await;
        tally
    };
    let (tally, usage) = tokio::join!(driven, watch(&target.subjects, watched));
    let mut report = Report::default();
    report.tally("arrivals", &tally?);
    report.usage("arrivals", args.users.into(), usage?);
    let pushed = target.pushed.get() - before;
    report.count("bytes pushed", pushed);
    report.figure("bytes pushed per arrival", real(pushed) / real(args.users.into()));
    let left = waiting.borrow().len();
    report.check("everybody has arrived", left == 0, format!("{left} have not"));
    let ended = crowd.ended();
    let detail = format!("{} ended {}", ended.len(), ended.first().map_or("", String::as_str));
    report.check("every socket stayed open", ended.is_empty(), detail);
    Ok(report)
}

/// Each opens a conversation with those who come after him.
async fn get_acquainted(target: &Rc<Target>, people: &[Rc<Person>], contacts: u32) -> Result<()> {
    if target.profile.open.is_none() {
        return Ok(());
    }
    let contacts = usize::try_from(contacts / 2)?;
    ensure!(people.len() > contacts * 2, "fewer users than contacts");
    let mut tasks = JoinSet::new();
    for part in 0..8 {
        let (target, people) = (Rc::clone(target), people.to_vec());
        tasks.spawn_local(async move {
            for at in (part..people.len()).step_by(8) {
                let mut client = Client::new(&people[at].credential);
                for distance in 1..=contacts {
                    target.open(&mut client, &people[at], &people[(at + distance) % people.len()]).await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}
