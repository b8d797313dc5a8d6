//! Where a server keeps its data: a folder and a database of its own.

use std::path::Path;

use parlor_repositories::testing::{MongoDatabase, StoreKind};
use parlor_server::config::{Configuration, FlagValue, Settings, Sources};
use tempfile::TempDir;

/// A folder and a database, removed when dropped.
pub(crate) struct Data {
    folder: TempDir,
    /// Without one the database is a file in the folder.
    database: Option<MongoDatabase>,
}

impl Data {
    /// On the store that `PARLOR_TEST_STORE` names.
    pub(crate) fn fresh() -> Self {
        match StoreKind::chosen() {
            StoreKind::Sqlite => Self::sqlite(),
            StoreKind::MongoDb => Self::mongodb(),
        }
    }

    /// For what is about the embedded store alone.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: None }
    }

    /// For what is about MongoDB alone.
    pub(crate) fn mongodb() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), database: Some(MongoDatabase::fresh()) }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> &str {
        self.database.as_ref().map_or("sqlite://parlor.db", MongoDatabase::url)
    }

    /// The defaults, with these settings above them, for a server that keeps its data here.
    pub(crate) fn settings(&self, set: &[(&str, &str)]) -> Settings {
        let folder = self.folder().display().to_string();
        let here = [("store.data_dir", folder.as_str()), ("store.url", self.url())];
        let flag = |(key, value): &(&str, &str)| FlagValue { flag: "test", key: (*key).into(), value: (*value).into() };
        let flags = here.iter().chain(set).map(flag).collect();
        Configuration::load(&Sources { flags, ..Sources::default() }).unwrap().settings
    }
}
