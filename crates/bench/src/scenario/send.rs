//! `send`: messages over REST, each connection with a user and a conversation of its own.

use std::{cell::Cell, rc::Rc};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::time::Instant;

use super::Length;
use crate::{
    drive::{Worker, drive, watch},
    http::{Client, Failure},
    marks,
    people::{Sender, Target},
    report::Report,
    stats::Tally,
};

/// Options of `send`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SendArgs {
    /// How many connections send.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: u32,
    /// Sends a second, whatever becomes of those before; without it, each connection sends when its last was answered.
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    /// Characters of each text.
    #[arg(long, default_value_t = 100)]
    pub(crate) characters: usize,
    #[command(flatten)]
    pub(crate) length: Length,
}

/// Sends one message after the other, and counts those that the server confirmed.
pub(crate) struct SendWorker {
    sender: Sender,
    characters: usize,
    text: String,
    outcome: Rc<Outcome>,
}

/// What became of one worker's sends.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    conversation: String,
    credential: String,
    before: u64,
    confirmed: Cell<u64>,
    refused: Cell<u64>,
    /// Nobody knows whether they are stored.
    unclear: Cell<u64>,
}

impl Worker for SendWorker {
    async fn once(&mut self, _: Instant) -> Result<(), Failure> {
        let number = self.outcome.confirmed.get() + self.outcome.unclear.get();
        marks::write_text(u32::try_from(number).unwrap_or(u32::MAX), self.characters, &mut self.text);
        let sent = self.sender.send(&self.text).await;
        let cell = match &sent {
            Ok(()) => &self.outcome.confirmed,
            Err(Failure::Status(400..500, _)) => &self.outcome.refused,
            Err(Failure::Status(..) | Failure::Connection(_) | Failure::Timeout | Failure::Answer(_)) => {
                &self.outcome.unclear
            }
        };
        cell.set(cell.get() + 1);
        sent
    }
}

/// Workers with a user and a conversation each.
pub(crate) async fn workers(
    target: &Rc<Target>,
    count: u32,
    characters: usize,
) -> Result<(Vec<SendWorker>, Vec<Rc<Outcome>>)> {
    target.files.allow(count.into())?;
    let people = target.people(count * 2).await?;
    let (mut workers, mut outcomes) = (Vec::new(), Vec::new());
    for pair in people.chunks_exact(2) {
        let mut sender = Sender::to(target, &pair[0], &pair[1]).await?;
        let before = target.count(&mut sender.client, &sender.conversation).await?.unwrap_or_default();
        let (conversation, credential) = (sender.conversation.clone(), pair[0].credential.clone());
        let outcome = Rc::new(Outcome { conversation, credential, before, ..Outcome::default() });
        outcomes.push(Rc::clone(&outcome));
        workers.push(SendWorker { sender, characters, text: String::new(), outcome });
    }
    Ok((workers, outcomes))
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &SendArgs) -> Result<Report> {
    ensure!(args.connections > 0, "no connections");
    let (workers, outcomes) = workers(target, args.connections, args.characters).await?;
    let window = args.length.window();
    let (tally, usage) = tokio::join!(drive(workers, args.rate, window), watch(&target.subjects, window));
    let mut report = Report::default();
    let tally = tally?;
    report.tally("sends", &tally);
    report.usage("sends", tally.counted, usage?);
    check_stored(target, &outcomes, &tally, &mut report).await?;
    Ok(report)
}

/// Asks the server how many messages it has, and holds that against what it has confirmed.
pub(crate) async fn check_stored(
    target: &Rc<Target>,
    outcomes: &[Rc<Outcome>],
    tally: &Tally,
    report: &mut Report,
) -> Result<()> {
    let confirmed: u64 = outcomes.iter().map(|outcome| outcome.confirmed.get()).sum();
    let detail = format!("{confirmed} by conversation, {} in all", tally.succeeded);
    report.check("the counts of confirmed sends add up", confirmed == tally.succeeded, detail);
    let mut seen = Stored::default();
    for outcome in outcomes {
        let mut client = Client::new(&outcome.credential);
        let stored = target.count(&mut client, &outcome.conversation).await?;
        seen.add(outcome, stored);
    }
    report.count("conversations that can't be counted", seen.unknown);
    if seen.conversations > 0 {
        report.check("every confirmed send is stored, once", seen.wrong.is_empty(), seen.detail());
    }
    Ok(())
}

/// What the server has, against what it confirmed.
#[derive(Debug, Default)]
struct Stored {
    conversations: u64,
    messages: u64,
    unknown: u64,
    wrong: Vec<String>,
}

impl Stored {
    fn add(&mut self, outcome: &Outcome, stored: Option<u64>) {
        let Some(stored) = stored else {
            self.unknown += 1;
            return;
        };
        self.conversations += 1;
        self.messages += stored;
        let (confirmed, unclear) = (outcome.confirmed.get(), outcome.unclear.get());
        let least = outcome.before + confirmed;
        if !(least..=least + unclear).contains(&stored) {
            let before = outcome.before;
            self.wrong.push(format!("{stored} stored, {before} before, {confirmed} confirmed, {unclear} unclear"));
        }
    }

    fn detail(&self) -> String {
        match self.wrong.first() {
            Some(first) => format!("{} conversations are wrong, such as: {first}", self.wrong.len()),
            None => format!("{} in {} conversations", self.messages, self.conversations),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(confirmed: u64, unclear: u64, stored: Option<u64>) -> Stored {
        let outcome = Outcome { before: 10, confirmed: Cell::new(confirmed), ..Outcome::default() };
        outcome.unclear.set(unclear);
        let mut seen = Stored::default();
        seen.add(&outcome, stored);
        seen
    }

    #[test]
    fn a_message_that_is_lost_or_stored_twice_is_found() {
        assert!(stored(5, 0, Some(15)).wrong.is_empty());
        assert_eq!(stored(5, 0, Some(14)).wrong.len(), 1);
        assert_eq!(stored(5, 0, Some(16)).wrong.len(), 1);
    }

    #[test]
    fn a_send_without_an_answer_may_be_stored_or_not() {
        for (number, holds) in [(14, false), (15, true), (16, true), (17, false)] {
            assert_eq!(stored(5, 1, Some(number)).wrong.is_empty(), holds, "{number}");
        }
    }

    #[test]
    fn what_the_server_cannot_count_is_told_and_not_taken_for_right() {
        let seen = stored(5, 0, None);
        assert_eq!((seen.unknown, seen.conversations), (1, 0));
    }
}
