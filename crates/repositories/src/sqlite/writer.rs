//! The one thread that writes. It takes all jobs that wait, commits them together, and only then answers: a burst costs
//! few commits, and a single job waits for nobody.
//!
//! A job that fails before it has changed anything leaves nothing to undo. If one fails later, the whole group is undone
//! and run again, each job within a savepoint: savepoints for all would make SQLite copy every page that each changes.
//!
//! A full disk makes SQLite undo the whole transaction and not the one statement that found no room. The jobs of such a
//! group are run again, each in a transaction of its own, so that those that need no room are not refused with it.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult};
use rusqlite::Connection;
use tokio::{
    runtime::{Handle, Id},
    sync::oneshot,
};
use tracing::error;

use super::error::failed;

/// How many jobs one commit holds at most, so that none waits long for its answer.
const GROUP: usize = 512;

/// What someone wants written, and who waits for it.
trait Job: Send {
    /// Does the work, keeps its result, and says whether to keep what it did. What an earlier run did was undone.
    fn run(&mut self, connection: &Connection) -> bool;

    /// Where the caller waits.
    fn runtime(&self) -> Option<&Handle>;

    /// Gives the caller the result, or why it was not committed.
    fn answer(self: Box<Self>, committed: StoreResult<()>);
}

/// Answers to callers on one runtime, which get them when this is dropped.
#[derive(Default)]
struct Answers(Vec<(Box<dyn Job>, StoreResult<()>)>);

impl Answers {
    /// Lets the runtime give the answers by itself: it takes a call of the kernel to wake it from here, and so each of
    /// its tasks would.
    fn send(self) {
        let runtime = self.0.first().and_then(|(job, _)| job.runtime()).cloned();
        if let Some(runtime) = runtime.filter(|_| self.0.len() > 1) {
            runtime.spawn(async move { drop(self) });
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for (job, committed) in self.0.drain(..) {
            job.answer(committed);
        }
    }
}

struct Waiting<T, W> {
    work: W,
    result: StoreResult<T>,
    caller: oneshot::Sender<StoreResult<T>>,
    runtime: Option<Handle>,
}

impl<T: Send, W: Fn(&Connection) -> StoreResult<T> + Send> Job for Waiting<T, W> {
    fn run(&mut self, connection: &Connection) -> bool {
        // A panic leaves this behind, in place of what an earlier run may have given.
        self.result = Err(StoreError::unavailable("the write has panicked"));
        self.result = (self.work)(connection);
        self.result.is_ok()
    }

    fn runtime(&self) -> Option<&Handle> {
        self.runtime.as_ref()
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
    /// `alone` says whether no other process has the database open.
    pub(crate) fn start(connection: Connection, queue: usize, alone: bool) -> StoreResult<Self> {
        let (sender, receiver) = sync_channel(queue.max(1));
        let thread = thread::Builder::new().name("sqlite-writer".to_owned());
        let thread = thread.spawn(move || run(&connection, &receiver, alone)).map_err(StoreError::unavailable)?;
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
        self.queue(Box::new(Waiting { work, result, caller, runtime: Handle::try_current().ok() }))?;
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

fn run(connection: &Connection, jobs: &Receiver<Box<dyn Job>>, alone: bool) -> StoreResult<()> {
    while let Ok(first) = jobs.recv() {
        write_group(connection, first, jobs);
    }
    if !alone {
        // The log is the other process's to fold in, whose writes would have to wait for it.
        return Ok(());
    }
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(failed)?;
    if busy { Err(StoreError::unavailable("the log is in use, and stays beside the database")) } else { Ok(()) }
}

fn write_group(connection: &Connection, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
    let mut group = vec![first];
    let mut together = transact(connection, || {
        let mut done = 0;
        while let Some(job) = group.get_mut(done).filter(|_| !connection.is_autocommit()) {
            run_with_others(connection, job.as_mut());
            done += 1;
            if group.len() < GROUP {
                group.extend(jobs.try_recv().ok());
            }
        }
    });
    if let Ok(false) = together {
        together = transact(connection, || {
            for job in group.iter_mut().take_while(|_| !connection.is_autocommit()) {
                run_apart(connection, job.as_mut());
            }
        });
    }
    let mut answers: HashMap<Option<Id>, Answers> = HashMap::new();
    for mut job in group {
        let committed = match &together {
            Ok(true) => Ok(()),
            Ok(false) => alone(connection, job.as_mut()),
            Err(error) => Err(again(error)),
        };
        answers.entry(job.runtime().map(Handle::id)).or_default().0.push((job, committed));
    }
    answers.into_values().for_each(Answers::send);
}

fn alone(connection: &Connection, job: &mut dyn Job) -> StoreResult<()> {
    match transact(connection, || run_apart(connection, job)) {
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

/// Runs one job. If it fails and has changed something, everything is undone.
fn run_with_others(connection: &Connection, job: &mut dyn Job) {
    let before = connection.total_changes();
    if !attempt(connection, job) && connection.total_changes() != before {
        // Fails only if SQLite has undone everything by itself.
        let _ = execute(connection, "ROLLBACK");
    }
}

/// Runs one job within its savepoint, so that it is undone alone if it fails.
fn run_apart(connection: &Connection, job: &mut dyn Job) {
    let begun = execute(connection, "SAVEPOINT job");
    let keep = begun.is_ok() && attempt(connection, job);
    if connection.is_autocommit() {
        return;
    }
    let undone = if keep { begun } else { begun.and_then(|()| execute(connection, "ROLLBACK TO job")) };
    if let Err(error) = undone.and_then(|()| execute(connection, "RELEASE job")) {
        error!(error = &error as &dyn std::error::Error, "can't keep a write apart from its group");
        let _ = execute(connection, "ROLLBACK");
    }
}

/// Runs one job, and says whether to keep what it did.
fn attempt(connection: &Connection, job: &mut dyn Job) -> bool {
    catch_unwind(AssertUnwindSafe(|| job.run(connection))).unwrap_or_else(|_| {
        error!("a write has panicked; it was undone");
        false
    })
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::OpenFlags;

    use super::*;
    use crate::sqlite::connect;

    type Work = Box<dyn Fn(&Connection) -> StoreResult<()> + Send>;

    fn insert(connection: &Connection, number: i64) -> StoreResult<()> {
        connection.execute("INSERT INTO numbers VALUES (?1)", [number]).map(|_| ()).map_err(failed)
    }

    /// Runs a job that fails in this way after it has written, in one group with two that don't, and gives what is left.
    fn left_of_a_group(fail: fn() -> StoreResult<()>) -> Vec<i64> {
        let connection = connect(Path::new(":memory:"), OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
        connection.execute_batch("CREATE TABLE numbers (number INTEGER NOT NULL) STRICT").unwrap();
        let (sender, receiver) = sync_channel(8);
        let mut results = Vec::new();
        let mut queue = |work: Work| {
            let (caller, result) = oneshot::channel();
            results.push(result);
            let waiting = Waiting { work, result: Err(StoreError::unavailable("not yet")), caller, runtime: None };
            sender.send(Box::new(waiting) as Box<dyn Job>).unwrap();
        };
        let keep = |number| Box::new(move |c: &Connection| insert(c, number));
        queue(keep(1));
        queue(Box::new(move |c| insert(c, 2).and_then(|()| fail())));
        queue(keep(3));
        write_group(&connection, receiver.recv().unwrap(), &receiver);
        let kept: Vec<bool> = results.iter_mut().map(|result| result.try_recv().unwrap().is_ok()).collect();
        assert_eq!(kept, [true, false, true]);
        let mut numbers = connection.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        numbers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn a_job_that_fails_after_it_has_written_is_undone_and_the_others_of_its_group_are_kept() {
        assert_eq!(left_of_a_group(|| Err(StoreError::unavailable("it failed"))), [1, 3]);
    }

    #[test]
    fn a_job_that_panics_after_it_has_written_is_undone_and_the_others_of_its_group_are_kept() {
        assert_eq!(left_of_a_group(|| panic!("it panicked")), [1, 3]);
    }
}
