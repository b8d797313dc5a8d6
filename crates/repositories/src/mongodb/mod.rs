//! The store for many nodes: a MongoDB replica set.
//!
//! Where a change touches several documents it is a transaction. The message log needs none: see `appender`.

mod administration;
mod appender;
mod audit;
mod changes;
mod communities;
mod conversations;
mod database;
mod deployment;
mod documents;
mod error;
mod gather;
mod groups;
mod holds;
mod inbox;
mod lines;
mod maintenance;
mod members;
mod mentions;
mod messages;
mod migrations;
#[cfg(test)]
mod plans;
mod relations;
mod search;
mod sessions;
mod statistics;
mod transfer;
mod users;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::FutureExt as _;

use mongodb::{
    Client,
    options::{ClientOptions, ReadConcern, ReadPreference, SelectionCriteria},
};
use parlor_domain::store::Stores;
use tokio::{
    runtime::Handle,
    sync::{Mutex, Semaphore},
};

pub use self::deployment::{ConnectError, Deployment, Topology};
use self::{
    appender::Appender,
    database::{Collections, Database, TimeLimits, durable},
    gather::Gather,
    lines::Lines,
};
use crate::MigrationError;

/// What can be set about the connection to MongoDB.
#[derive(Clone, Copy, Debug)]
pub struct MongoOptions {
    /// How long an operation may take in all before it is unavailable; longer than an election takes, which is more
    /// than 10 s with the servers' defaults.
    pub timeout: Duration,
    /// The most connections to each server.
    pub connections: u32,
}

impl Default for MongoOptions {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), connections: 64 }
    }
}

/// A database on a MongoDB server, replica set or sharded cluster.
pub struct MongoStore {
    database: Arc<Database>,
    deployment: Deployment,
}

impl MongoStore {
    /// Connects, and finds out what is there. The name of the database stands in the URL; without one it is
    /// `parlor`. Its schema may be an older one: see [`Self::pending_migrations`] and [`Self::migrate`].
    ///
    /// Everything runs on the runtime that this is called on, whoever uses the stores.
    ///
    /// # Errors
    /// A URL that is none, and a server that does not answer in time, refuses the credentials or is too old.
    pub async fn connect(url: &str, options: &MongoOptions) -> Result<Self, ConnectError> {
        Self::connect_with(url, options, |_| {}).await
    }

    async fn connect_with(
        url: &str,
        options: &MongoOptions,
        adjust: impl FnOnce(&mut ClientOptions),
    ) -> Result<Self, ConnectError> {
        let limits = TimeLimits::new(options.timeout);
        let parse = ClientOptions::parse(url);
        let parsed =
            tokio::time::timeout(options.timeout, parse).await.map_err(|_| ConnectError::no_answer(options))?;
        let mut client_options = parsed.map_err(|error| ConnectError::url(&error, url))?;
        configure(&mut client_options, options, &limits);
        adjust(&mut client_options);
        let name = client_options.default_database.clone().unwrap_or_else(|| "parlor".to_owned());
        let hosts = client_options.hosts.iter().map(ToString::to_string).collect();
        let client = Client::with_options(client_options).map_err(|error| ConnectError::url(&error, url))?;
        let handle = client.database(&name);
        let deployment = deployment::explore(&handle, hosts, options).await?;
        let collections = Collections::new(client, handle);
        let runtime = Handle::current();
        let database = Arc::new_cyclic(|me| Database {
            appender: Appender::start(collections.clone(), limits, &runtime),
            collections,
            runtime,
            limits,
            transactions: deployment.topology != Topology::Standalone,
            turns: Semaphore::new((options.connections / 2).max(1) as usize),
            alone: Semaphore::new(1),
            users: Gather::new(|c, ids| users::by_ids(c, ids).boxed()),
            sessions: Gather::new(|c, ids| sessions::by_ids(c, ids).boxed()),
            heads: Gather::new(|c, users| conversations::heads(c, users).boxed()),
            members: Gather::new(|c, ids| members::members(c, ids).boxed()),
            told_members: Gather::new(|c, ids| members::told_members(c, ids).boxed()),
            ties: Gather::new(|c, pairs| relations::ties_between(c, pairs).boxed()),
            lines: Lines::default(),
            relation_turns: Mutex::new(()),
            me: Weak::clone(me),
        });
        Ok(Self { database, deployment })
    }

    /// What was found there.
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
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
    pub async fn pending_migrations(&self) -> Result<Vec<String>, MigrationError> {
        migrations::pending(&self.database.collections).await
    }

    /// Brings the schema up to date, and gives the names of the migrations that were applied. Of several nodes that
    /// do this at once one does it, and the others wait. Indexes that somebody has dropped are made again.
    ///
    /// # Errors
    /// `Newer` or `Edited` if the database has had a migration that this program does not know, or knows otherwise:
    /// nothing is changed then. `Failed` or `Store` if one can't be applied; it is applied again from its beginning
    /// next time.
    pub async fn migrate(&self) -> Result<Vec<String>, MigrationError> {
        migrations::apply(&self.database.collections).await
    }

    /// The indexes that the applied migrations have made and that are not there any more, such as `users.byEmail`.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn missing_indexes(&self) -> Result<Vec<String>, MigrationError> {
        migrations::missing_indexes(&self.database.collections).await
    }

    /// Ends the connections. What was acknowledged is safe without this.
    pub async fn close(self) {
        self.database.appender.flushed().await;
        self.database.collections.client.clone().shutdown().immediate(true).await;
    }

    /// Deletes the database with everything in it, for tests.
    ///
    /// # Errors
    /// `Unavailable`.
    #[cfg(feature = "testing")]
    pub async fn drop_database(self) -> parlor_domain::store::StoreResult<()> {
        self.database.collections.database.drop().await.map_err(error::failed)
    }
}

/// Sets what the contract rests on, whatever the URL says, and what bounds every wait.
fn configure(client: &mut ClientOptions, options: &MongoOptions, limits: &TimeLimits) {
    client.app_name = Some("parlor".to_owned());
    client.write_concern = Some(durable());
    client.read_concern = Some(ReadConcern::majority());
    client.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    client.retry_writes = Some(true);
    client.retry_reads = Some(true);
    client.server_selection_timeout = Some(limits.attempt);
    client.connect_timeout = Some(limits.attempt);
    // A member that hangs is noticed after this and the connect time-out.
    client.heartbeat_freq = Some(Duration::from_secs(2));
    client.max_pool_size = Some(options.connections);
}
