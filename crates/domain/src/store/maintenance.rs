//! The database as a whole.

use async_trait::async_trait;

use super::StoreResult;

/// What operators do with a database.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Succeeds if the store can be read and written at present. Changes nothing.
    async fn ping(&self) -> StoreResult<()>;

    /// Deletes everything but the schema.
    async fn clear(&self) -> StoreResult<()>;
}
