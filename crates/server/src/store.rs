//! Opening the database that the settings name.

use std::path::PathBuf;

use parlor_domain::store::StoreError;
use parlor_repositories::sqlite::{MigrationError, SqliteOptions, SqliteStore};
use tracing::info;

use crate::{
    config::{ConfigError, StoreSettings},
    wiring::processors,
};

/// Why the database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings don't name one.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// It can't be opened.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: StoreError,
    },
    /// It can't be brought to the version of this program.
    #[error("cannot migrate the database {}", path.display())]
    Migrate {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: MigrationError,
    },
    /// It is of an older version, and the settings don't allow to migrate it at start.
    #[error("the database {} is of an older version, {count} migrations behind: run `parlor migrate`", path.display())]
    Outdated {
        /// Its file.
        path: PathBuf,
        /// How many migrations it lacks.
        count: usize,
    },
}

/// Opens the database, made if there is none. Its version is not looked at.
///
/// # Errors
/// A directory or file that can't be used, a database that another process has open.
pub fn open(settings: &StoreSettings) -> Result<SqliteStore, OpenError> {
    let path = settings.sqlite_path()?;
    let options = SqliteOptions {
        readers: if settings.readers == 0 { processors() } else { settings.readers },
        max_bytes: (settings.max_bytes.get() > 0).then_some(settings.max_bytes.get()),
        queue: settings.queue,
    };
    SqliteStore::open(&path, &options).map_err(|source| OpenError::Open { path, source })
}

/// Opens the database for serving: brought to the version of this program, if the settings allow it.
///
/// # Errors
/// As [`open`] and [`migrate`]; an older database that must not be migrated.
pub(crate) fn open_to_serve(settings: &StoreSettings) -> Result<SqliteStore, OpenError> {
    let store = open(settings)?;
    if settings.migrate_at_start {
        for name in migrate(&store, settings)? {
            info!(migration = name, "migrated the database");
        }
        return Ok(store);
    }
    let path = settings.sqlite_path()?;
    match store.pending_migrations() {
        Ok(pending) if pending.is_empty() => Ok(store),
        Ok(pending) => Err(OpenError::Outdated { path, count: pending.len() }),
        Err(source) => Err(OpenError::Migrate { path, source }),
    }
}

/// Brings an open database to the version of this program. Gives the names of the migrations applied.
///
/// # Errors
/// A database that is newer than this program, or whose history is another one.
pub fn migrate(store: &SqliteStore, settings: &StoreSettings) -> Result<Vec<String>, OpenError> {
    let path = settings.sqlite_path()?;
    store.migrate().map_err(|source| OpenError::Migrate { path, source })
}
