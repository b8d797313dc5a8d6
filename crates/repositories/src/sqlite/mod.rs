//! The embedded store: one SQLite file in WAL mode, one thread that writes, a few that read.

mod administration;
mod audit;
mod changes;
mod communities;
mod conversations;
mod error;
mod groups;
mod maintenance;
mod mentions;
mod messages;
mod migrations;
#[cfg(test)]
mod plans;
mod readers;
mod relations;
mod rows;
mod search;
mod sessions;
mod statistics;
mod transfer;
mod users;
mod writer;

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use parlor_domain::store::{StoreError, StoreResult, Stores};
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tracing::error;

use self::{error::failed, readers::Readers, writer::Writer};
use crate::MigrationError;

/// What can be set about the embedded store.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// How many threads read; each has a connection of its own.
    pub readers: usize,
    /// How many jobs may wait for the writer, and how many for the readers, before more are refused.
    pub queue: usize,
    /// How many bytes the database may have; without, as many as the disk has room for.
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { readers: 2, queue: 4096, max_bytes: None }
    }
}

/// An open database. While this or one of its [`Stores`] is there and it is not closed, nobody else can open it.
pub struct SqliteStore {
    database: Arc<Database>,
    path: PathBuf,
}

/// What every store trait is implemented on.
pub(crate) struct Database {
    writer: Writer,
    readers: Readers,
    /// Keeps other processes out, until no thread works on the database any more. Absent beside one that does so.
    lock: Mutex<Option<File>>,
}

impl Database {
    fn stop(&self) -> StoreResult<()> {
        self.readers.stop();
        let stopped = self.writer.stop();
        drop(self.lock.lock().take());
        stopped
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            error!(error = &error as &dyn std::error::Error, "can't close the database; nothing of it is lost");
        }
    }
}

impl SqliteStore {
    /// Opens the database in this file, which is made if there is none, readable for its owner alone. Its schema may
    /// be an older one: see [`Self::pending_migrations`] and [`Self::migrate`].
    ///
    /// # Errors
    /// `Unavailable` if the file can't be opened, or another process has it open.
    pub fn open(path: &Path, options: &SqliteOptions) -> StoreResult<Self> {
        // By one name, so that a link to it is the same database and has the same lock.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let in_use = || StoreError::unavailable(format!("{} is in use by another process", path.display()));
        Self::open_with(path, options, Some(prepare(path)?.ok_or_else(in_use)?))
    }

    /// The same, but beside another process that has it open, if there is one. SQLite keeps the two apart, and what
    /// this one changes the other one does not learn of: for changes that nobody is told of.
    ///
    /// # Errors
    /// `Unavailable` if the file can't be opened.
    pub fn open_beside(path: &Path, options: &SqliteOptions) -> StoreResult<Self> {
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Self::open_with(path, options, prepare(path)?)
    }

    fn open_with(path: &Path, options: &SqliteOptions, lock: Option<File>) -> StoreResult<Self> {
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        configure_writer(&connection, options)?;
        let readers = (0..options.readers.max(1)).map(|_| connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY));
        let readers = Readers::start(readers.collect::<StoreResult<_>>()?, options.queue)?;
        let writer = Writer::start(connection, options.queue, lock.is_some())?;
        let database = Database { writer, readers, lock: Mutex::new(lock) };
        Ok(Self { database: Arc::new(database), path: path.to_owned() })
    }

    /// Whether no other process has it open.
    pub fn is_alone(&self) -> bool {
        self.database.lock.lock().is_some()
    }

    /// The store traits over this database.
    pub fn stores(&self) -> Stores {
        Stores {
            users: self.database.clone(),
            sessions: self.database.clone(),
            conversations: self.database.clone(),
            groups: self.database.clone(),
            communities: self.database.clone(),
            messages: self.database.clone(),
            search: self.database.clone(),
            relations: self.database.clone(),
            administration: self.database.clone(),
            audit: self.database.clone(),
            statistics: self.database.clone(),
            maintenance: self.database.clone(),
            transfer: self.database.clone(),
        }
    }

    /// The names of the migrations that this program knows and the database has not had.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub fn pending_migrations(&self) -> Result<Vec<String>, MigrationError> {
        migrations::pending(&mut self.own_connection()?)
    }

    /// Brings the schema up to date, and gives the names of the migrations that were applied.
    ///
    /// # Errors
    /// `Newer` or `Edited` if the database has had a migration that this program does not know, or knows otherwise;
    /// `Failed` or `Store` if one can't be applied. Nothing is changed then.
    pub fn migrate(&self) -> Result<Vec<String>, MigrationError> {
        migrations::apply(&mut self.own_connection()?)
    }

    /// Writes everything into the one file and closes it. What was acknowledged is safe without this.
    ///
    /// # Errors
    /// `Unavailable` if the file could not be written; the log beside it still has everything.
    pub fn close(self) -> StoreResult<()> {
        self.database.stop()
    }

    fn own_connection(&self) -> StoreResult<Connection> {
        connect(&self.path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }
}

/// Makes the folder and the file, for their owner alone, and locks the database against other processes. `None` if one
/// has it open.
fn prepare(path: &Path) -> StoreResult<Option<File>> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_folder(folder).map_err(|error| at(folder, &error))?;
    }
    let lock_path = path.with_added_extension("lock");
    let lock = create_file(&lock_path).map_err(|error| at(&lock_path, &error))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(at(&lock_path, &error)),
    }
    // Not before the lock: to close the file takes away the locks that SQLite has on it anywhere in this process.
    create_file(path).map_err(|error| at(path, &error))?;
    Ok(Some(lock))
}

fn at(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::unavailable(format!("{}: {error}", path.display()))
}

/// Makes a folder that is not there, closed to others from its first moment.
fn create_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Opens a file, and makes one that is not there, closed to others from its first moment: who had opened it before
/// its mode was changed could read all that it ever holds.
fn create_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.create(true).append(true).open(path)
}

fn connect(path: &Path, flags: OpenFlags) -> StoreResult<Connection> {
    // Each connection stays with one thread, so SQLite need not lock it.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(failed)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(failed)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without, a parameter that decides whether a partial index serves has its statement planned anew at each run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -16_384).map_err(failed)?;
    Ok(connection)
}

fn configure_writer(connection: &Connection, options: &SqliteOptions) -> StoreResult<()> {
    connection.pragma_update(None, "journal_mode", "wal").map_err(failed)?;
    // An answer means that the disk has it: WAL alone would lose the last commits with the power.
    connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000).map_err(failed)?;
    let page_size: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(failed)?;
    let pages = options.max_bytes.map_or(u64::from(u32::MAX) - 1, |bytes| (bytes / page_size).max(1));
    connection.pragma_update(None, "max_page_count", pages).map_err(failed)
}
