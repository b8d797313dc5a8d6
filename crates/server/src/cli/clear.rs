//! `parlor clear`.

use crate::{config::Settings, store};

/// Deletes everything in the database but its schema. The signing key stays.
pub(super) async fn clear(settings: &Settings) -> anyhow::Result<()> {
    let database = store::open(&settings.store)?;
    store::migrate(&database, &settings.store)?;
    database.stores().maintenance.clear().await?;
    database.close()?;
    super::print("Deleted all users, conversations and messages.\n")
}
