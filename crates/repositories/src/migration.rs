//! Why a schema can't be brought up to date.

use parlor_domain::store::StoreError;

/// Why a schema can't be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database has had a migration that this program does not know.
    #[error("the database has had migration {0}, which this version does not know: a newer one has written it")]
    Newer(String),
    /// The database has had a migration that was another one then.
    #[error("migration {0} has been edited since the database has had it")]
    Edited(String),
    /// A migration can't be read or applied.
    #[error("a migration failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}
