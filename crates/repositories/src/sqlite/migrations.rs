//! The schema and its versions.

use refinery::embed_migrations;
use rusqlite::Connection;

use super::error::failed;
use crate::MigrationError;

embed_migrations!("../../migrations/sqlite");

type Migrated = Result<Vec<String>, MigrationError>;

/// Applies what the database has not had, and gives the names.
pub(crate) fn apply(connection: &mut Connection) -> Migrated {
    let report = migrations::runner().run(connection).map_err(refused)?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// The names of what the database has not had.
pub(crate) fn pending(connection: &mut Connection) -> Migrated {
    let runner = migrations::runner();
    let has_history = connection.table_exists(None, "refinery_schema_history").map_err(failed)?;
    let applied = if has_history { runner.get_applied_migrations(connection).map_err(refused)? } else { Vec::new() };
    for done in &applied {
        match runner.get_migrations().iter().find(|known| known.version() == done.version()) {
            None => return Err(MigrationError::Newer(done.to_string())),
            Some(known) if known.checksum() != done.checksum() => {
                return Err(MigrationError::Edited(done.to_string()));
            }
            Some(_) => {}
        }
    }
    let is_new = |migration: &&refinery::Migration| !applied.iter().any(|done| done.version() == migration.version());
    let mut pending: Vec<_> = runner.get_migrations().iter().filter(is_new).collect();
    // The runner has them in the order of their names, and applies them in this one.
    pending.sort_unstable_by_key(|migration| migration.version());
    Ok(pending.into_iter().map(ToString::to_string).collect())
}

fn refused(error: refinery::Error) -> MigrationError {
    use refinery::error::Kind;
    match error.kind() {
        Kind::DivergentVersion(applied, _) => MigrationError::Edited(applied.to_string()),
        Kind::MissingVersion(applied) => MigrationError::Newer(applied.to_string()),
        Kind::InvalidName
        | Kind::InvalidVersion
        | Kind::RepeatedVersion(_)
        | Kind::InvalidMigrationPath(..)
        | Kind::ConfigError(_)
        | Kind::Connection(..)
        | Kind::InvalidMigrationFile(..) => MigrationError::Failed(Box::new(error)),
    }
}
