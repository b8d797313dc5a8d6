//! `mixed`: sends at a rate, first alone, then while logins keep the hashing of passwords busy.

use std::rc::Rc;

use anyhow::{Result, ensure};
use clap::Args;

use super::{
    Length, login,
    send::{check_stored, workers},
};
use crate::{
    drive::{drive, watch},
    people::Target,
    report::Report,
};

/// Options of `mixed`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MixedArgs {
    /// How many connections send.
    #[arg(long, default_value_t = 32)]
    connections: u32,
    /// Sends a second.
    #[arg(long, default_value_t = 100)]
    rate: u32,
    /// How many connections log in.
    #[arg(long, default_value_t = 8)]
    logins: u32,
    /// Characters of each text.
    #[arg(long, default_value_t = 100)]
    characters: usize,
    /// Of each of the two parts.
    #[command(flatten)]
    length: Length,
}

/// Runs the scenario.
pub(crate) async fn run(target: &Rc<Target>, args: &MixedArgs) -> Result<Report> {
    ensure!(args.rate > 0, "no sends");
    let mut report = Report::default();
    let (senders, alone_outcomes) = workers(target, args.connections, args.characters).await?;
    let window = args.length.window();
    let alone = drive(senders, Some(args.rate), window).await?;
    report.tally("sends alone", &alone);
    check_stored(target, &alone_outcomes, &alone, &mut report).await?;

    let (senders, outcomes) = workers(target, args.connections, args.characters).await?;
    let logins = login::workers(target, args.logins).await?;
    let window = args.length.window();
    let (sends, logins, usage) = tokio::join!(
        drive(senders, Some(args.rate), window),
        drive(logins, None, window),
        watch(&target.subjects, window)
    );
    let sends = sends?;
    report.tally("sends beside logins", &sends);
    report.tally("logins", &logins?);
    report.usage("sends", sends.counted, usage?);
    check_stored(target, &outcomes, &sends, &mut report).await?;
    let (unloaded, loaded) = (alone.latencies.summary().p99, sends.latencies.summary().p99);
    if unloaded > 0.0 {
        report.figure("p99 of sends beside logins / alone", loaded / unloaded);
    }
    Ok(report)
}
