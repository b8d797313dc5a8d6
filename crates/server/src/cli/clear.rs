//! `parlor clear`.

use crate::{config::Settings, store::Database};

/// Deletes everything in the database but its schema. The signing key stays.
pub(super) async fn clear(settings: &Settings) -> anyhow::Result<()> {
    let database = Database::open(&settings.store).await?;
    database.migrate().await?;
    database.stores().maintenance.clear().await?;
    let name = database.name().to_owned();
    database.close().await?;
    super::print(&format!("Deleted all users, conversations and messages in {name}.\n"))
}
