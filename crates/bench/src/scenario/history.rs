//! `history`: pages of messages of one conversation.

use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use tokio::{task::JoinSet, time::Instant};

use super::Length;
use crate::{
    drive::{Worker, drive, watch},
    http::{Client, Failure},
    marks,
    people::{Sender, Target, number_at},
    profile::Values,
    report::Report,
};

/// How many connections fill the conversation.
const FILLING: u64 = 32;

/// Options of `history`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HistoryArgs {
    /// How many connections read.
    #[arg(long, default_value_t = 16)]
    connections: u32,
    /// Messages of a page.
    #[arg(long, default_value_t = 50)]
    limit: u64,
    /// Messages that the conversation has.
    #[arg(long, default_value_t = 1000)]
    messages: u64,
    #[command(flatten)]
    length: Length,
}

struct HistoryWorker {
    target: Rc<Target>,
    client: Client,
    conversation: String,
    limit: u64,
    expected: u64,
    reader: marks::Reader,
}

impl Worker for HistoryWorker {
    async fn once(&mut self, _: Instant) -> Result<(), Failure> {
        let history = self.target.profile.messages.history.as_ref();
        let history = history.ok_or_else(|| Failure::Answer("no history in the profile".to_owned()))?;
        let values = Values { conversation: &self.conversation, limit: self.limit, ..Values::default() };
        let response = self.client.send(&self.target.network, &history.request, &values).await?;
        let found = self.reader.numbers(&response.body).count();
        if u64::try_from(found).is_ok_and(|found| found == self.expected) {
            return Ok(());
        }
        Err(Failure::Answer(format!("{found} messages instead of {}", self.expected)))
    }
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &HistoryArgs) -> Result<Report> {
    let history = target.profile.messages.history.as_ref().context("the profile has no history")?;
    ensure!(args.limit <= history.max, "{} has pages of at most {}", target.profile.name, history.max);
    target.files.allow(u64::from(args.connections) + FILLING)?;
    let people = target.people(2).await?;
    let sender = Sender::to(target, &people[0], &people[1]).await?;
    fill(&sender, args.messages).await?;
    let bytes = check_page(target, &sender, args.limit, args.messages.min(args.limit)).await?;
    let worker = || HistoryWorker {
        target: Rc::clone(target),
        client: Client::new(&sender.person.credential),
        conversation: sender.conversation.clone(),
        limit: args.limit,
        expected: args.messages.min(args.limit),
        reader: marks::Reader::new(),
    };
    let window = args.length.window();
    let workers: Vec<_> = (0..args.connections).map(|_| worker()).collect();
    let (tally, usage) = tokio::join!(drive(workers, None, window), watch(&target.subjects, window));
    let mut report = Report::default();
    let tally = tally?;
    report.count("bytes of a page", bytes);
    report.tally("pages", &tally);
    report.usage("pages", tally.counted, usage?);
    Ok(report)
}

/// Reads a page as what it is, once; the workers only look for the marks in it.
async fn check_page(target: &Target, sender: &Sender, limit: u64, expected: u64) -> Result<u64> {
    let history = target.profile.messages.history.as_ref().context("the profile has no history")?;
    let values = Values { conversation: &sender.conversation, limit, ..Values::default() };
    let mut client = Client::new(&sender.person.credential);
    let response = client.send(&target.network, &history.request, &values).await?;
    let found = number_at(&crate::people::json(&response)?, &history.items)?;
    ensure!(found == expected, "a page has {found} messages instead of {expected}");
    Ok(u64::try_from(response.body.len())?)
}

/// Sends so many messages.
async fn fill(sender: &Sender, messages: u64) -> Result<()> {
    let mut tasks = JoinSet::new();
    for first in 0..FILLING.min(messages) {
        let mut sender = sender.again();
        tasks.spawn_local(async move {
            for number in (first..messages).step_by(usize::try_from(FILLING)?) {
                let text = marks::text(u32::try_from(number)?, 100);
                sender.send(&text).await.context("cannot fill the conversation")?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(filled) = tasks.join_next().await {
        filled??;
    }
    Ok(())
}
