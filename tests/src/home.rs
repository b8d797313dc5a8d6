//! Where a server of a test keeps its data.

use std::{env, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use bson::oid::ObjectId;
use tempfile::TempDir;

use crate::mongod::drop_database;

/// A folder to run servers in and, on MongoDB, a database for them. A server that is started in it again finds what
/// the last one has left. Both are removed with this, also by a test that fails.
pub struct Home {
    folder: TempDir,
    /// None on SQLite, whose file is in the folder.
    database: Option<Database>,
}

struct Database {
    /// With its name.
    url: String,
    name: String,
}

impl Home {
    /// An empty one on the store that `PARLOR_TEST_STORE` names: `sqlite`, as without it, or `mongodb`.
    pub fn new() -> Result<Self> {
        match env::var("PARLOR_TEST_STORE").as_deref() {
            Err(env::VarError::NotPresent) | Ok("sqlite") => Self::on_sqlite(),
            Ok("mongodb") => {
                let url = env::var("PARLOR_TEST_MONGODB_URL").context(
                    "PARLOR_TEST_MONGODB_URL is not set: run `cargo xtask test`, or see `cargo xtask services`",
                )?;
                Self::on_mongodb(&url)
            }
            other => bail!("PARLOR_TEST_STORE must be sqlite or mongodb, and not {other:?}"),
        }
    }

    /// An empty one on the embedded database, for what concerns no other.
    pub fn on_sqlite() -> Result<Self> {
        Ok(Self { folder: tempfile::tempdir()?, database: None })
    }

    /// An empty one with a database of its own on the servers that a URL names.
    pub fn on_mongodb(url: &str) -> Result<Self> {
        let name = format!("parlor_test_{}", ObjectId::new());
        // What drops the database at the end speaks no more than that.
        ensure!(is_plain(url), "the tests need a MongoDB without users and TLS, by a URL that begins with mongodb://");
        let url = with_database(url, &name).context("this is no URL of MongoDB")?;
        Ok(Self { folder: tempfile::tempdir()?, database: Some(Database { url, name }) })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The `store.url` for a server that runs here, unless it is the default.
    pub(crate) fn store_url(&self) -> Option<&str> {
        self.database.as_ref().map(|database| database.url.as_str())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        if let Some(Database { url, name }) = &self.database
            && let Err(error) = drop_database(url, name)
        {
            // A test that fails may have left no server to ask.
            eprintln!("the database {name} is left over: {error:#}");
        }
    }
}

/// Whether there are neither users nor encryption.
fn is_plain(url: &str) -> bool {
    url.starts_with("mongodb://") && !["@", "tls=true", "ssl=true"].into_iter().any(|part| url.contains(part))
}

/// The URL with this database instead of the one that it may name.
fn with_database(url: &str, name: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
    let servers = place.split('/').next()?;
    Some(format!("{scheme}://{servers}/{name}?{options}"))
}

#[cfg(test)]
mod tests {
    use super::{Home, with_database};

    #[test]
    fn a_test_uses_no_database_but_its_own() {
        for url in ["mongodb://a:1,b:2/?replicaSet=rs", "mongodb://a:1,b:2/chat?replicaSet=rs"] {
            assert_eq!(with_database(url, "own").unwrap(), "mongodb://a:1,b:2/own?replicaSet=rs");
        }
        assert_eq!(with_database("mongodb://a", "own").unwrap(), "mongodb://a/own?");
        assert_eq!(with_database("a:1", "own"), None);
    }

    #[test]
    fn a_server_with_users_or_encryption_is_refused() {
        for url in ["mongodb://ada:secret@a", "mongodb+srv://a", "mongodb://a/?tls=true"] {
            let told = Home::on_mongodb(url).err().unwrap().to_string();
            assert!(told.contains("without users and TLS") && !told.contains("secret"), "{told}");
        }
    }

    #[test]
    fn the_embedded_database_is_in_the_folder() {
        let home = Home::on_sqlite().unwrap();
        assert!(home.path().is_dir());
        assert_eq!(home.store_url(), None);
    }
}
