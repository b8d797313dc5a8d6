//! Sends at a rate beside something else, on a thread of their own: on the thread of what is beside them they would wait
//! for the generator as much as for the server.

use std::{cell::RefCell, rc::Rc, thread, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{runtime::Builder, sync::oneshot, task::LocalSet, time::Instant};

use super::send::{SendWorker, check_stored, workers};
use crate::{
    drive::{Worker, drive},
    http::Failure,
    people::Target,
    report::Report,
    stats::{Latencies, Summary, Tally, Window},
};

/// How many connections send.
const CONNECTIONS: u32 = 16;
const CHARACTERS: usize = 100;

/// Users who wait for their turn to send.
pub(crate) struct Others {
    go: oneshot::Sender<Window>,
    done: oneshot::Receiver<Result<Sent>>,
}

/// What became of what they sent.
pub(crate) struct Sent {
    pub(crate) tally: Tally,
    /// Whether all of it is stored, once.
    pub(crate) stored: Report,
    /// When each that succeeded should have begun, and how long it took from then.
    times: Vec<(Instant, Duration)>,
}

impl Others {
    /// Signs up users, who will send so many messages a second together.
    pub(crate) async fn gather(target: &Target, rate: u32) -> Result<Self> {
        let (gathered, are_gathered) = oneshot::channel();
        let (go, window) = oneshot::channel();
        let (tell, done) = oneshot::channel();
        let target = target.elsewhere();
        let run = move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, send(target(), rate, gathered, window))
        };
        // Nobody listens any more if the run has failed.
        thread::Builder::new().name("others".to_owned()).spawn(move || tell.send(run()).ok())?;
        // If they can't be gathered, why is told in their report.
        let _ = are_gathered.await;
        Ok(Self { go, done })
    }

    /// They send from now on until the window's end.
    pub(crate) async fn send(self, window: Window) -> Result<Sent> {
        // If they have ended already, why is told in their report.
        let _ = self.go.send(window);
        self.done.await.context("the thread of the others has failed")?
    }
}

impl Sent {
    /// Adds what became of these sends.
    pub(crate) fn add_to(&self, report: &mut Report, operations: &str) {
        report.tally(operations, &self.tally);
        report.counts.extend(self.stored.counts.clone());
        report.checks.extend(self.stored.checks.clone());
    }

    /// Those that should have begun by then.
    pub(crate) fn until(&self, end: Instant) -> Result<Summary> {
        let mut latencies = Latencies::new()?;
        self.times.iter().filter(|(intended, _)| *intended <= end).for_each(|(_, took)| latencies.record(*took));
        Ok(latencies.summary())
    }
}

async fn send(
    target: Rc<Target>,
    rate: u32,
    gathered: oneshot::Sender<()>,
    window: oneshot::Receiver<Window>,
) -> Result<Sent> {
    let (workers, outcomes) = workers(&target, CONNECTIONS, CHARACTERS).await?;
    let times = Rc::new(RefCell::new(Vec::new()));
    let workers: Vec<_> = workers.into_iter().map(|worker| Timed { worker, times: Rc::clone(&times) }).collect();
    // Nobody waits any more if the run has failed.
    let _ = gathered.send(());
    let window = window.await.context("nothing to send beside")?;
    let tally = drive(workers, Some(rate), window).await?;
    let mut stored = Report::default();
    check_stored(&target, &outcomes, &tally, &mut stored).await?;
    Ok(Sent { tally, stored, times: times.take() })
}

struct Timed {
    worker: SendWorker,
    times: Rc<RefCell<Vec<(Instant, Duration)>>>,
}

impl Worker for Timed {
    async fn once(&mut self, intended: Instant) -> Result<(), Failure> {
        self.worker.once(intended).await?;
        self.times.borrow_mut().push((intended, intended.elapsed()));
        Ok(())
    }
}
