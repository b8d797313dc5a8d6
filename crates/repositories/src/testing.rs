//! Where tests keep their data.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on fails")]

use std::{env, time::Duration};

use parlor_domain::{Entropy as _, OsEntropy};
use tokio::time::timeout;

use crate::mongodb::{MongoOptions, MongoStore};

/// Which store the end-to-end tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// A file of their own.
    Sqlite,
    /// A database of their own on the replica set that `PARLOR_TEST_MONGODB_URL` names.
    MongoDb,
}

impl StoreKind {
    /// What `PARLOR_TEST_STORE` says: `sqlite`, as without it, or `mongodb`.
    ///
    /// # Panics
    /// If it says something else.
    pub fn chosen() -> Self {
        match env::var("PARLOR_TEST_STORE").as_deref() {
            Err(env::VarError::NotPresent) | Ok("sqlite") => Self::Sqlite,
            Ok("mongodb") => Self::MongoDb,
            other => panic!("PARLOR_TEST_STORE must be sqlite or mongodb: {other:?}"),
        }
    }
}

/// The name of a MongoDB database that nobody else uses; dropped with this, also by a test that fails.
#[derive(Debug)]
pub struct MongoDatabase {
    url: String,
}

impl MongoDatabase {
    /// A name of its own on the replica set that `PARLOR_TEST_MONGODB_URL` names. The database comes to be with the
    /// first write.
    ///
    /// # Panics
    /// If the variable is not set.
    pub fn fresh() -> Self {
        let Ok(url) = env::var("PARLOR_TEST_MONGODB_URL") else {
            panic!("PARLOR_TEST_MONGODB_URL is not set: run `cargo xtask test`, or `cargo xtask services`");
        };
        let mut bytes = [0; 12];
        OsEntropy.fill(&mut bytes);
        let name = bytes.iter().fold("parlor_test_".to_owned(), |name, byte| format!("{name}{byte:02x}"));
        Self { url: with_database(&url, &name) }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for MongoDatabase {
    fn drop(&mut self) {
        /// Long enough on a busy machine.
        const PATIENCE: Duration = Duration::from_secs(20);
        let url = self.url.clone();
        // The test's own runtime may be over already, and must not wait for this.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let options = MongoOptions { timeout: PATIENCE, connections: 2 };
                let store = MongoStore::connect(&url, &options).await.unwrap();
                timeout(PATIENCE, store.drop_database()).await.unwrap().unwrap();
            });
        });
        let dropped = dropping.join();
        if !std::thread::panicking() {
            dropped.unwrap();
        }
    }
}

/// The URL with this database instead of the one that it may name.
fn with_database(url: &str, name: &str) -> String {
    let (servers, options) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, servers) = servers.split_once("://").unwrap_or(("mongodb", servers));
    let servers = servers.split('/').next().unwrap_or(servers);
    format!("{scheme}://{servers}/{name}?{options}")
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn a_test_uses_no_database_but_its_own() {
        for (url, own) in [
            ("mongodb://db1:1,db2:2/?replicaSet=rs0", "mongodb://db1:1,db2:2/own?replicaSet=rs0"),
            ("mongodb://ada:secret@db1/chat?tls=true&w=1", "mongodb://ada:secret@db1/own?tls=true&w=1"),
            ("mongodb://db1", "mongodb://db1/own?"),
        ] {
            assert_eq!(with_database(url, "own"), own);
        }
    }
}
