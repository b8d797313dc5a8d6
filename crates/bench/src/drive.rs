//! Runs operations: each worker one after the other, as fast as they go or when they should begin.

use std::{cell::RefCell, rc::Rc, time::Duration};

use anyhow::{Context as _, Result};
use tokio::{
    sync::{Mutex, mpsc::UnboundedReceiver},
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    http::Failure,
    pace,
    process::{Subject, Used, Watch},
    stats::{Tally, Times, Window},
};

/// A server that refuses everything at once should not be asked a hundred thousand times a second.
const AFTER_FAILURE: Duration = Duration::from_millis(20);

/// What does one operation after the other.
pub(crate) trait Worker: 'static {
    /// Does one that should begin at this moment.
    async fn once(&mut self, intended: Instant) -> Result<(), Failure>;
}

/// Lets workers work from now until the window's end, and waits for what is under way by then. With a rate, so many
/// operations begin a second, whatever becomes of those before; without, each worker begins the next one when its last
/// one is over.
pub(crate) async fn drive<W: Worker>(workers: Vec<W>, rate: Option<u32>, window: Window) -> Result<Tally> {
    let tally = Rc::new(RefCell::new(Tally::new(window)?));
    let moments = rate.map(|rate| pace::moments(rate, Instant::now(), window.end)).transpose()?;
    let moments = moments.map(|moments| Rc::new(Mutex::new(moments)));
    let mut tasks = JoinSet::new();
    for worker in workers {
        tasks.spawn_local(work(worker, moments.clone(), Rc::clone(&tally), window.end));
    }
    while let Some(joined) = tasks.join_next().await {
        joined.context("a worker has failed")?;
    }
    Ok(Rc::into_inner(tally).context("a worker is left")?.into_inner())
}

type Moments = Option<Rc<Mutex<UnboundedReceiver<Instant>>>>;

async fn work<W: Worker>(mut worker: W, moments: Moments, tally: Rc<RefCell<Tally>>, end: Instant) {
    while let Some(intended) = turn(&moments, end).await {
        let begun = Instant::now();
        tally.borrow_mut().begun += 1;
        let outcome = worker.once(intended).await;
        let times = Times { intended, begun, over: Instant::now(), paced: moments.is_some() };
        tally.borrow_mut().record(times, &outcome);
        if outcome.is_err() {
            sleep(AFTER_FAILURE).await;
        }
    }
}

/// Waits for this worker's turn. The workers wait in a line: who holds the lock has the next one.
async fn turn(moments: &Moments, end: Instant) -> Option<Instant> {
    match moments {
        Some(moments) => moments.lock().await.recv().await,
        None => Some(Instant::now()).filter(|now| *now < end),
    }
}

/// Looks at processes and cores during the window. Within a `LocalSet`.
pub(crate) async fn watch(subjects: &[Subject], window: Window) -> Result<Used> {
    sleep_until(window.begin).await;
    let watch = Watch::begin(subjects)?;
    sleep_until(window.end).await;
    watch.end()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::task::LocalSet;

    use super::*;

    struct Counter {
        done: Rc<Cell<u64>>,
        takes: Duration,
        fails: bool,
    }

    impl Worker for Counter {
        async fn once(&mut self, _: Instant) -> Result<(), Failure> {
            sleep(self.takes).await;
            self.done.set(self.done.get() + 1);
            if self.fails { Err(Failure::Timeout) } else { Ok(()) }
        }
    }

    fn workers(count: usize, takes: u64, fails: bool) -> (Vec<Counter>, Rc<Cell<u64>>) {
        let done = Rc::new(Cell::new(0));
        let worker = || Counter { done: Rc::clone(&done), takes: Duration::from_millis(takes), fails };
        ((0..count).map(|_| worker()).collect(), done)
    }

    async fn run(workers: Vec<Counter>, rate: Option<u32>, window: Window) -> Result<Tally> {
        LocalSet::new().run_until(drive(workers, rate, window)).await
    }

    fn window(warm_up: u64, length: u64) -> Window {
        Window::after(Duration::from_millis(warm_up), Duration::from_millis(length))
    }

    #[tokio::test]
    async fn every_operation_is_in_the_tally_and_none_is_cut_off() {
        let (workers, done) = workers(7, 3, false);
        let tally = run(workers, None, window(50, 100)).await.unwrap();
        assert_eq!((tally.begun, tally.succeeded, tally.failed()), (done.get(), done.get(), 0));
        assert!(tally.counted > 0 && tally.counted < tally.succeeded, "{tally:?}");
        assert_eq!(tally.latencies.summary().count, tally.counted);
    }

    #[tokio::test]
    async fn failures_are_in_the_tally_too() {
        let (workers, done) = workers(2, 1, true);
        let tally = run(workers, Some(200), window(0, 200)).await.unwrap();
        assert_eq!((tally.begun, tally.failures["timeout"], tally.succeeded), (done.get(), done.get(), 0));
    }

    #[tokio::test]
    async fn a_slow_server_makes_paced_operations_late_and_not_fewer() {
        let (workers, done) = workers(1, 20, false);
        let tally = run(workers, Some(100), window(0, 300)).await.unwrap();
        assert_eq!((done.get(), tally.counted), (30, 30));
        let (late, service) = (tally.latencies.summary(), tally.service.summary());
        assert!(late.max > 200.0, "the last one should have begun 300 ms before its turn came: {late:?}");
        assert!(service.p50 < late.p50, "{service:?}");
    }
}
