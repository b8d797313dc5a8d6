//! Settings of the database.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{ByteSize, ConfigError};

/// The database: the section `[store]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// Directory for what is kept on this machine.
    pub data_dir: PathBuf,
    /// Which database.
    pub url: String,
    /// Connections that read; 0 for as many as there are processors.
    pub readers: usize,
    /// Most changes that wait to be written.
    pub queue: usize,
    /// Largest size of the database; zero for no limit.
    pub max_bytes: ByteSize,
    /// Whether `serve` migrates.
    pub migrate_at_start: bool,
}

impl StoreSettings {
    /// The database file that the URL means.
    ///
    /// # Errors
    /// If the URL is not `sqlite://` and a path.
    pub fn sqlite_path(&self) -> Result<PathBuf, ConfigError> {
        match self.url.strip_prefix("sqlite://") {
            // Joining an absolute path gives that path.
            Some(path) if !path.is_empty() && !path.ends_with('/') => Ok(self.data_dir.join(Path::new(path))),
            _ => Err(ConfigError::Invalid(
                "`store.url` must be \"sqlite://NAME\" for a file in the data directory, or \"sqlite:///absolute/path\""
                    .to_owned(),
            )),
        }
    }
}
