//! `parlor migrate`.

use crate::{config::Settings, store};

/// Brings the database to the newest version and says what was done.
pub(super) fn migrate(settings: &Settings) -> anyhow::Result<()> {
    let database = store::open(&settings.store)?;
    let applied = store::migrate(&database, &settings.store)?;
    database.close()?;
    let text = match applied.as_slice() {
        [] => "The database is up to date.\n".to_owned(),
        names => names.iter().map(|name| format!("Applied {name}\n")).collect(),
    };
    super::print(&text)
}
