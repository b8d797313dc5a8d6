//! `parlor migrate`.

use crate::{
    config::Settings,
    store::{Database, Migrated},
};

/// Brings the database to the newest version and says what was done.
pub(super) async fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let database = Database::open(&settings.store).await?;
    let Migrated { applied, restored } = database.migrate().await?;
    database.close().await?;
    let applied = applied.iter().map(|name| format!("Applied {name}\n"));
    let restored = restored.iter().map(|name| format!("Made the index {name} again\n"));
    match applied.chain(restored).collect::<String>().as_str() {
        "" => super::print("The database is up to date.\n"),
        done => super::print(done),
    }
}
