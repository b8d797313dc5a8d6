//! `fanout`: one sends, one or many listen.

use std::{rc::Rc, time::Duration};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::time::Instant;

use super::{
    Length,
    crowd::{Crowd, until},
};
use crate::{
    drive::{Worker, drive, watch},
    http::Failure,
    marks::{self, Book},
    people::{Sender, Target},
    profile::Values,
    report::Report,
    stats::{ratio, real},
};

/// How long the last deliveries may take.
const DRAIN: Duration = Duration::from_secs(10);
/// How long one probe may take to reach everybody, and how many are sent.
const PROBE: Duration = Duration::from_millis(500);
const PROBES: u32 = 20;

/// Options of `fanout`.
#[derive(Clone, Debug, Args)]
pub(crate) struct FanoutArgs {
    /// How many sockets listen.
    #[arg(long, default_value_t = 1)]
    pub(crate) listeners: u32,
    /// Messages a second.
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u32,
    /// How many connections send them.
    #[arg(long, default_value_t = 8)]
    pub(crate) senders: u32,
    /// Characters of each text.
    #[arg(long, default_value_t = 100)]
    pub(crate) characters: usize,
    #[command(flatten)]
    pub(crate) length: Length,
}

struct FanoutWorker {
    sender: Sender,
    book: Rc<Book>,
    characters: usize,
}

impl Worker for FanoutWorker {
    async fn once(&mut self, intended: Instant) -> Result<(), Failure> {
        let number = self.book.next(intended);
        self.sender.send(&marks::text(number, self.characters)).await?;
        self.book.answered(number);
        Ok(())
    }
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &FanoutArgs) -> Result<Report> {
    target.files.allow(u64::from(args.listeners) + u64::from(args.senders))?;
    let book = Rc::new(Book::new()?);
    let crowd = Crowd::new(target, &book);
    let mut sender = gather(target, &crowd, args.listeners).await?;
    probe(&mut sender, &book, args.listeners).await?;

    let worker = || FanoutWorker { sender: sender.again(), book: Rc::clone(&book), characters: args.characters };
    let workers: Vec<_> = (0..args.senders).map(|_| worker()).collect();
    let window = args.length.window();
    book.set_window(window);
    let (tally, usage) = tokio::join!(drive(workers, Some(args.rate), window), watch(&target.subjects, window));
    let (tally, usage) = (tally?, usage?);
    until(DRAIN, || book.balance(args.listeners).missing == 0).await;

    let mut report = Report::default();
    report.tally("sends", &tally);
    report.latencies.insert("deliveries".to_owned(), book.latencies());
    report.figure("deliveries/s", ratio(book.delivered_within(), real(args.length.seconds.into())));
    report.usage("deliveries", book.delivered_within(), usage);
    check(&book, args.listeners, &crowd, &mut report);
    Ok(report)
}

/// Opens the listeners' sockets, and gives who sends to them.
async fn gather(target: &Rc<Target>, crowd: &Crowd, listeners: u32) -> Result<Sender> {
    let people = target.people(2).await?;
    let count = usize::try_from(listeners)?;
    let many = target.profile.many.as_ref().filter(|_| listeners > 1);
    let Some(many) = many else {
        let sender = Sender::to(target, &people[0], &people[1]).await?;
        crowd.open(&people[1..], count, None).await?;
        return Ok(sender);
    };
    let sender = Sender::to_many(target, &people[0], &people[0].id);
    let values = Values { me: &people[1].id, conversation: &sender.conversation, ..Values::default() };
    let join = many.join.as_ref().map(|join| join.text(&values));
    crowd.open(&people[1..], count, join).await?;
    Ok(sender)
}

/// Sends until one message reaches everybody: not every server says when a socket will get what is sent.
async fn probe(sender: &mut Sender, book: &Book, listeners: u32) -> Result<()> {
    for _ in 0..PROBES {
        let number = book.next(Instant::now());
        sender.send(&marks::text(number, 0)).await?;
        if until(PROBE, || book.listeners_of(number) == listeners).await {
            book.answered(number);
            return Ok(());
        }
    }
    let last = book.listeners_of(PROBES - 1);
    ensure!(last == listeners, "only {last} of {listeners} sockets get what is sent");
    Ok(())
}

/// Holds what arrived against what was sent.
fn check(book: &Book, listeners: u32, crowd: &Crowd, report: &mut Report) {
    let balance = book.balance(listeners);
    report.count("deliveries", balance.delivered);
    report.count("deliveries counted", book.delivered_within());
    let detail = format!("{} messages to {listeners} sockets, {} missing", balance.answered, balance.missing);
    report.check("every confirmed message reached every socket", balance.missing == 0, detail);
    let detail = format!("{} twice, {} unknown", balance.twice, balance.unknown);
    report.check("nothing came twice or was made up", balance.twice + balance.unknown == 0, detail);
    let ended = crowd.ended();
    let detail = format!("{} ended {}", ended.len(), ended.first().map_or("", String::as_str));
    report.check("every socket stayed open", ended.is_empty(), detail);
}
