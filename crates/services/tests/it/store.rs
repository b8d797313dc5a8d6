//! A store for each test, of the kind that `PARLOR_TEST_STORE` names.

use parlor_domain::store::Stores;
use parlor_repositories::{
    mongodb::{MongoOptions, MongoStore},
    sqlite::{SqliteOptions, SqliteStore},
    testing::{MongoDatabase, StoreKind},
};
use tempfile::TempDir;

/// An open store with a database of its own, which ends with it.
pub(crate) enum TestStore {
    Sqlite(SqliteStore, TempDir),
    MongoDb(MongoStore, MongoDatabase),
}

impl TestStore {
    /// An empty one.
    pub(crate) async fn fresh() -> Self {
        match StoreKind::chosen() {
            StoreKind::Sqlite => Self::sqlite(tempfile::tempdir().unwrap()),
            StoreKind::MongoDb => Self::mongodb(MongoDatabase::fresh()).await,
        }
    }

    /// The same database, closed and opened again.
    pub(crate) async fn reopened(self) -> Self {
        match self {
            Self::Sqlite(store, dir) => {
                store.close().unwrap();
                Self::sqlite(dir)
            }
            Self::MongoDb(store, database) => {
                store.close().await;
                Self::mongodb(database).await
            }
        }
    }

    pub(crate) fn stores(&self) -> Stores {
        match self {
            Self::Sqlite(store, _) => store.stores(),
            Self::MongoDb(store, _) => store.stores(),
        }
    }

    fn sqlite(dir: TempDir) -> Self {
        let store = SqliteStore::open(&dir.path().join("parlor.db"), &SqliteOptions::default()).unwrap();
        store.migrate().unwrap();
        Self::Sqlite(store, dir)
    }

    async fn mongodb(database: MongoDatabase) -> Self {
        let store = MongoStore::connect(database.url(), &MongoOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        Self::MongoDb(store, database)
    }
}
