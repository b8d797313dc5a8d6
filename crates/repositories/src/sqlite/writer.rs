//! The one thread that writes. It takes all jobs that wait, gives each a savepoint, commits them together, and only
//! then answers: a burst costs few commits, and a single job waits for nobody.
//!
//! A full disk makes SQLite undo the whole transaction and not the one statement that found no room. The jobs of such a
//! group are run again, each in a transaction of its own, so that those that need no room are not refused with it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::error;

use super::error::failed;

/// How many jobs one commit holds at most, so that none waits long for its answer.
const GROUP: usize = 512;

/// What someone wants written, and who waits for it.
trait Job: Send {
    /// Does the work, keeps its result, and says whether to keep what it did. What an earlier run did was undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Gives the caller the result, or why it was not committed.
    fn answer(self: Box<Self>, committed: StoreResult<()>);
}

struct Waiting<T, W> {
    work: W,
    result: StoreResult<T>,
    caller: oneshot::Sender<StoreResult<T>>,
}

impl<T: Send, W: Fn(&Connection) -> StoreResult<T> + Send> Job for Waiting<T, W> {
    fn run(&mut self, connection: &Connection) -> bool {
        // A panic leaves this behind, in place of what an earlier run may have given.
        self.result = Err(StoreError::unavailable("the write has panicked"));
        self.result = (self.work)(connection);
        self.result.is_ok()
    }

    fn answer(self: Box<Self>, committed: StoreResult<()>) {
        // A caller that went away needs no answer.
        let _ = self.caller.send(self.result.and_then(|result| committed.map(|()| result)));
    }
}

pub(crate) struct Writer {
    jobs: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<thread::JoinHandle<StoreResult<()>>>>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, queue: usize) -> StoreResult<Self> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let thread = thread::Builder::new().name("sqlite-writer".to_owned());
        let thread = thread.spawn(move || run(&connection, &receiver)).map_err(StoreError::unavailable)?;
        Ok(Self { jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs a job in the next group. An `Err` from the job undoes what it did; an `Ok` is committed when this
    /// returns. The job runs also if the caller goes away.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (caller, receiver) = oneshot::channel();
        let result = Err(StoreError::unavailable("the job was not done"));
        self.queue(Box::new(Waiting { work, result, caller }))?;
        receiver.await.map_err(|_| StoreError::unavailable("the job was not done"))?
    }

    fn queue(&self, job: Box<dyn Job>) -> StoreResult<()> {
        let jobs = self.jobs.lock();
        let sender = jobs.as_ref().ok_or_else(|| StoreError::unavailable("the store is closed"))?;
        sender.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::unavailable("too many writes are waiting"),
            TrySendError::Disconnected(_) => StoreError::unavailable("the writer has stopped"),
        })
    }

    /// Ends the thread when it has done what waits, and writes the log into the database.
    pub(crate) fn stop(&self) -> StoreResult<()> {
        drop(self.jobs.lock().take());
        match self.thread.lock().take().map(thread::JoinHandle::join) {
            Some(Err(_)) => Err(StoreError::unavailable("the writer stopped by a panic")),
            Some(Ok(checkpoint)) => checkpoint,
            None => Ok(()),
        }
    }
}

fn run(connection: &Connection, jobs: &Receiver<Box<dyn Job>>) -> StoreResult<()> {
    while let Ok(first) = jobs.recv() {
        write_group(connection, first, jobs);
    }
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy { Err(StoreError::unavailable("the log is in use, and stays beside the database")) } else { Ok(()) }
}

fn write_group(connection: &Connection, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
    let mut group = vec![first];
    let together = transact(connection, || {
        let mut done = 0;
        while let Some(job) = group.get_mut(done).filter(|_| !connection.is_autocommit()) {
            run_job(connection, job.as_mut());
            done += 1;
            if group.len() < GROUP {
                group.extend(jobs.try_recv().ok());
            }
        }
    });
    for mut job in group {
        let committed = match &together {
            Ok(true) => Ok(()),
            Ok(false) => alone(connection, job.as_mut()),
            Err(error) => Err(again(error)),
        };
        job.answer(committed);
    }
}

fn alone(connection: &Connection, job: &mut dyn Job) -> StoreResult<()> {
    match transact(connection, || run_job(connection, job)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(StoreError::unavailable("the write was undone")),
        Err(error) => Err(failed(error)),
    }
}

/// Runs jobs in one transaction. `false` if all of them were undone before the commit.
fn transact(connection: &Connection, jobs: impl FnOnce()) -> rusqlite::Result<bool> {
    execute(connection, "BEGIN IMMEDIATE")?;
    jobs();
    if connection.is_autocommit() {
        return Ok(false);
    }
    let committed = execute(connection, "COMMIT");
    if committed.is_err() && !connection.is_autocommit() {
        let _ = execute(connection, "ROLLBACK");
    }
    committed.map(|()| true)
}

/// The same error for each job of the group.
fn again(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    match error.sqlite_error() {
        Some(code) => failed(rusqlite::Error::SqliteFailure(*code, Some(text))),
        None => StoreError::unavailable(text),
    }
}

/// Runs one job within its savepoint, so that it is undone alone if it fails.
fn run_job(connection: &Connection, job: &mut dyn Job) {
    let begun = execute(connection, "SAVEPOINT job");
    let keep = begun.is_ok()
        && catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or_else(|_| {
            error!("a write has panicked; it was undone");
            false
        });
    if connection.is_autocommit() {
        return;
    }
    let undone = if keep { begun } else { begun.and_then(|()| execute(connection, "ROLLBACK TO job")) };
    if let Err(error) = undone.and_then(|()| execute(connection, "RELEASE job")) {
        error!(error = &error as &dyn std::error::Error, "can't keep a write apart from its group");
        let _ = execute(connection, "ROLLBACK");
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}
