//! Opening the database that the settings name, whichever kind it is.

use parlor_domain::store::{StoreError, Stores};
use parlor_repositories::{
    MigrationError,
    mongodb::{ConnectError, Deployment, MongoOptions, MongoStore, Topology},
    sqlite::{SqliteOptions, SqliteStore},
};
use secrecy::ExposeSecret as _;
use tracing::{info, warn};

use crate::{
    config::{ConfigError, Place, StoreSettings},
    wiring::processors,
};

/// Why the database can't be used. Never holds the password of its URL.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The settings don't name one.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Its file can't be opened.
    #[error("cannot open the database {database}")]
    Open {
        /// Which one.
        database: String,
        /// Why.
        source: StoreError,
    },
    /// Its servers can't be used.
    #[error("cannot use the database {database}")]
    Connect {
        /// Which one.
        database: String,
        /// Why.
        source: ConnectError,
    },
    /// It can't be brought to the version of this program.
    #[error("cannot migrate the database {database}")]
    Migrate {
        /// Which one.
        database: String,
        /// Why.
        source: MigrationError,
    },
    /// It is of an older version, and the settings don't allow to migrate it at start.
    #[error("the database {database} is of an older version, {count} migrations behind: run `parlor migrate`")]
    Outdated {
        /// Which one.
        database: String,
        /// How many migrations it lacks.
        count: usize,
    },
    /// Somebody has dropped indexes, and the settings don't allow to make them again at start.
    #[error("the database {database} lacks the indexes {}: run `parlor migrate`", names.join(", "))]
    MissingIndexes {
        /// Which one.
        database: String,
        /// What it lacks, such as `users.byEmail`.
        names: Vec<String>,
    },
}

/// What was done to bring a database to the version of this program.
#[derive(Debug)]
pub struct Migrated {
    /// The migrations that it had not had.
    pub applied: Vec<String>,
    /// The indexes that somebody had dropped, such as `users.byEmail`.
    pub restored: Vec<String>,
}

/// An open database.
pub struct Database {
    kind: Kind,
    /// The database in words that hold no password.
    name: String,
}

enum Kind {
    Sqlite(SqliteStore),
    MongoDb(MongoStore),
}

impl Database {
    /// Opens the database that the settings name. Its version is not looked at.
    ///
    /// # Errors
    /// As [`Self::open_at`], and settings that name none.
    pub async fn open(settings: &StoreSettings) -> Result<Self, OpenError> {
        Self::open_at(&settings.place()?, settings).await
    }

    /// Opens the database at a place, by the other settings. An SQLite database is made if there is none. Its version
    /// is not looked at.
    ///
    /// # Errors
    /// A directory or file that can't be used, a file that another process has open; a server that can't be reached in
    /// time or refuses.
    pub async fn open_at(place: &Place, settings: &StoreSettings) -> Result<Self, OpenError> {
        let name = place.shown();
        let kind = match place {
            Place::Sqlite(path) => {
                let opened = SqliteStore::open(path, &sqlite_options(settings));
                opened.map(Kind::Sqlite).map_err(|source| OpenError::Open { database: name.clone(), source })?
            }
            Place::MongoDb(url) => {
                let options = MongoOptions { timeout: settings.timeout.get(), connections: settings.connections };
                let connected = MongoStore::connect(url.expose_secret(), &options).await;
                connected.map(Kind::MongoDb).map_err(|source| OpenError::Connect { database: name.clone(), source })?
            }
        };
        Ok(Self { kind, name })
    }

    /// Opens the database for some changes, also if a server uses it at the same time. If none does, it is brought to the
    /// version of this program where opening it for serving would.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::migrate`]; a database of another version that must not be migrated, or that a server
    /// uses.
    pub(crate) async fn open_beside(settings: &StoreSettings) -> Result<Self, OpenError> {
        let place = settings.place()?;
        let database = match &place {
            Place::Sqlite(path) => {
                let name = place.shown();
                let opened = SqliteStore::open_beside(path, &sqlite_options(settings));
                let store = opened.map_err(|source| OpenError::Open { database: name.clone(), source })?;
                Self { kind: Kind::Sqlite(store), name }
            }
            Place::MongoDb(_) => Self::open_at(&place, settings).await?,
        };
        let nobody_uses_it = match &database.kind {
            Kind::Sqlite(store) => store.is_alone(),
            // Who uses a database of MongoDB can't be told, but nobody uses one that has nothing in it.
            Kind::MongoDb(_) => database.pending_migrations().await?.iter().any(|name| name.starts_with("V1__")),
        };
        if settings.migrate_at_start && nobody_uses_it {
            database.migrate().await?;
        } else {
            database.check_version().await?;
        }
        Ok(database)
    }

    /// Opens the database for serving, and says what it is: brought to the version of this program, if the settings
    /// allow it.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::migrate`]; a database that must not be migrated but would have to be.
    pub(crate) async fn open_to_serve(settings: &StoreSettings) -> Result<Self, OpenError> {
        let database = Self::open(settings).await?;
        if let Kind::MongoDb(store) = &database.kind {
            tell(store.deployment());
        }
        if settings.migrate_at_start {
            let Migrated { applied, restored } = database.migrate().await?;
            for name in applied {
                info!(migration = name, "migrated the database");
            }
            for name in restored {
                warn!(index = name, "somebody has dropped an index of the database; it was made again");
            }
        } else {
            database.check_version().await?;
        }
        Ok(database)
    }

    /// The store traits over this database.
    pub fn stores(&self) -> Stores {
        match &self.kind {
            Kind::Sqlite(store) => store.stores(),
            Kind::MongoDb(store) => store.stores(),
        }
    }

    /// The database in words for people, without the password of its URL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether other servers may use the same database at the same time.
    pub(crate) const fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::MongoDb(_))
    }

    /// Brings the database to the version of this program.
    ///
    /// # Errors
    /// A database that is newer than this program, or whose history is another one.
    pub async fn migrate(&self) -> Result<Migrated, OpenError> {
        let restored = self.missing_indexes().await?;
        let applied = match &self.kind {
            Kind::Sqlite(store) => store.migrate(),
            Kind::MongoDb(store) => store.migrate().await,
        };
        Ok(Migrated { applied: applied.map_err(|source| self.cannot_migrate(source))?, restored })
    }

    /// The names of the migrations that the database has not had.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn pending_migrations(&self) -> Result<Vec<String>, OpenError> {
        let pending = match &self.kind {
            Kind::Sqlite(store) => store.pending_migrations(),
            Kind::MongoDb(store) => store.pending_migrations().await,
        };
        pending.map_err(|source| self.cannot_migrate(source))
    }

    /// Whether this is another connection to the same database. Two connections to one SQLite file can't be.
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (Kind::MongoDb(a), Kind::MongoDb(b)) => {
                let place = |store: &MongoStore| {
                    let Deployment { process, database, .. } = store.deployment();
                    (process.clone(), database.clone())
                };
                place(a) == place(b)
            }
            (Kind::Sqlite(_) | Kind::MongoDb(_), _) => false,
        }
    }

    /// Ends all work on the database.
    ///
    /// # Errors
    /// An SQLite file that could not be written; the log beside it still has everything.
    pub async fn close(self) -> Result<(), StoreError> {
        match self.kind {
            Kind::Sqlite(store) => store.close(),
            Kind::MongoDb(store) => {
                store.close().await;
                Ok(())
            }
        }
    }

    async fn check_version(&self) -> Result<(), OpenError> {
        let count = self.pending_migrations().await?.len();
        if count > 0 {
            return Err(OpenError::Outdated { database: self.name.clone(), count });
        }
        let names = self.missing_indexes().await?;
        if names.is_empty() { Ok(()) } else { Err(OpenError::MissingIndexes { database: self.name.clone(), names }) }
    }

    /// Nobody drops an index of SQLite by accident: it has no shell at hand and is open to one process alone.
    async fn missing_indexes(&self) -> Result<Vec<String>, OpenError> {
        match &self.kind {
            Kind::Sqlite(_) => Ok(Vec::new()),
            Kind::MongoDb(store) => store.missing_indexes().await.map_err(|source| self.cannot_migrate(source)),
        }
    }

    fn cannot_migrate(&self, source: MigrationError) -> OpenError {
        OpenError::Migrate { database: self.name.clone(), source }
    }
}

fn sqlite_options(settings: &StoreSettings) -> SqliteOptions {
    SqliteOptions {
        readers: if settings.readers == 0 { processors() } else { settings.readers },
        max_bytes: (settings.max_bytes.get() > 0).then_some(settings.max_bytes.get()),
        queue: settings.queue,
    }
}

/// Logs what was found at the other end of the URL, and what it can't give.
fn tell(Deployment { topology, version, database, hosts, process: _ }: &Deployment) {
    let servers = hosts.join(",");
    let server = hosts.first().map_or("", String::as_str);
    match topology {
        Topology::Standalone => {
            info!(version, database, servers, "connected to a standalone MongoDB server; writes are journaled");
            warn!(
                "this MongoDB server is no replica set: changes of several documents are not atomic, and nobody takes \
                 over when it fails. To make it one, start mongod with `--replSet rs0`, then run once: mongosh \
                 'mongodb://{server}' --eval 'rs.initiate({{ _id: \"rs0\", members: [{{ _id: 0, host: \"{server}\" }}] }})', \
                 and restart Parlor"
            );
        }
        Topology::ReplicaSet { .. } | Topology::Sharded => info!(
            version,
            database, servers, "connected to a MongoDB {topology}; writes are acknowledged by a majority and journaled"
        ),
    }
}
