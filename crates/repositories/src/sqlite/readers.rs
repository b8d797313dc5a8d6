//! The threads that read, each with a connection of its own. Dedicated threads rather than a runtime's pool, because the
//! callers live on many small runtimes.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::error;

use super::error::failed;

type Job = Box<dyn FnOnce(&Connection) + Send>;

pub(crate) struct Readers {
    jobs: Mutex<Option<SyncSender<Job>>>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Readers {
    pub(crate) fn start(connections: Vec<Connection>, queue: usize) -> StoreResult<Self> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        let start = |connection: Connection| {
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name("sqlite-reader".to_owned());
            thread.spawn(move || run(&connection, &receiver)).map_err(StoreError::unavailable)
        };
        let threads = connections.into_iter().map(start).collect::<StoreResult<_>>()?;
        Ok(Self { jobs: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Reads from one snapshot of the database, in which everything is that was acknowledged before this call.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !sender.is_closed() {
                // A caller that went away needs no answer.
                let _ = sender.send(in_snapshot(connection, work));
            }
        });
        self.queue(job)?;
        receiver.await.map_err(|_| StoreError::unavailable("the read was not done"))?
    }

    fn queue(&self, job: Job) -> StoreResult<()> {
        let jobs = self.jobs.lock();
        let sender = jobs.as_ref().ok_or_else(|| StoreError::unavailable("the store is closed"))?;
        sender.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::unavailable("too many reads are waiting"),
            TrySendError::Disconnected(_) => StoreError::unavailable("the readers have stopped"),
        })
    }

    /// Ends the threads when they have done what waits.
    pub(crate) fn stop(&self) {
        drop(self.jobs.lock().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                error!("a reader has stopped by a panic");
            }
        }
    }
}

fn in_snapshot<T>(connection: &Connection, work: impl FnOnce(&Connection) -> StoreResult<T>) -> StoreResult<T> {
    let snapshot = connection.unchecked_transaction().map_err(failed)?;
    let result = work(connection)?;
    snapshot.finish().map_err(failed)?;
    Ok(result)
}

fn run(connection: &Connection, jobs: &Mutex<Receiver<Job>>) {
    loop {
        let job = jobs.lock().recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
            error!("a read has panicked");
        }
    }
}
