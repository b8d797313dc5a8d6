//! The schema and its versions: files of database commands, applied in order by one node at a time.

use std::{future::Future, time::Duration};

use futures_util::TryStreamExt as _;
use mongodb::{
    Collection,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
    error::Error,
    options::ReturnDocument,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tracing::{info, warn};

use super::{
    database::Collections,
    error::{code, duplicate, failed, summary},
};
use crate::MigrationError;

/// Every migration there has been, in their order. What a released one says never changes.
const FILES: [(&str, &str); 13] = [
    ("V1__accounts", include_str!("../../../../migrations/mongodb/V1__accounts.json")),
    ("V2__conversations", include_str!("../../../../migrations/mongodb/V2__conversations.json")),
    ("V3__holds", include_str!("../../../../migrations/mongodb/V3__holds.json")),
    ("V4__ids_of_messages", include_str!("../../../../migrations/mongodb/V4__ids_of_messages.json")),
    ("V5__relations", include_str!("../../../../migrations/mongodb/V5__relations.json")),
    ("V6__groups", include_str!("../../../../migrations/mongodb/V6__groups.json")),
    ("V7__administration", include_str!("../../../../migrations/mongodb/V7__administration.json")),
    ("V8__message_changes", include_str!("../../../../migrations/mongodb/V8__message_changes.json")),
    ("V9__mentions", include_str!("../../../../migrations/mongodb/V9__mentions.json")),
    ("V10__changes_by_rev", include_str!("../../../../migrations/mongodb/V10__changes_by_rev.json")),
    ("V11__leaving", include_str!("../../../../migrations/mongodb/V11__leaving.json")),
    ("V12__communities", include_str!("../../../../migrations/mongodb/V12__communities.json")),
    ("V13__search", include_str!("../../../../migrations/mongodb/V13__search.json")),
];

/// For how long a node has the lock unless it says that it still needs it.
const LEASE: Duration = Duration::from_secs(30);

/// Where the migrations stand that a database has had.
const HISTORY: &str = "migrations";
/// Where the lock is of who applies some.
const LOCK: &str = "migrationLock";

const UNAUTHORIZED: i32 = 13;
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
const NAMESPACE_EXISTS: i32 = 48;
const NAMESPACE_NOT_FOUND: i32 = 26;
const INDEX_NOT_FOUND: i32 = 27;

type Migrated = Result<Vec<String>, MigrationError>;

impl From<Error> for MigrationError {
    fn from(error: Error) -> Self {
        Self::Store(failed(error))
    }
}

/// A migration that a database has had.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Applied {
    #[serde(rename = "_id")]
    version: i32,
    name: String,
    checksum: String,
    applied_at: DateTime,
}

/// A migration of this program.
struct Migration {
    version: i32,
    name: &'static str,
    text: &'static str,
}

impl Migration {
    fn all() -> impl Iterator<Item = Self> {
        FILES.iter().zip(1..).map(|((name, text), version)| Self { version, name, text })
    }

    fn checksum(&self) -> String {
        Sha256::digest(self.text).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn commands(&self) -> Result<Vec<Document>, MigrationError> {
        serde_json::from_str(self.text).map_err(|error| MigrationError::Failed(error.into()))
    }
}

fn history(c: &Collections) -> Collection<Applied> {
    c.database.collection(HISTORY)
}

/// The names of what the database has not had.
pub(crate) async fn pending(c: &Collections) -> Migrated {
    Ok(to_apply(c).await?.into_iter().map(|migration| migration.name.to_owned()).collect())
}

/// What the database has not had, if what it has had is what this program knows.
async fn to_apply(c: &Collections) -> Result<Vec<Migration>, MigrationError> {
    let applied: Vec<Applied> = history(c).find(doc! {}).sort(doc! { "_id": 1 }).await?.try_collect().await?;
    for done in &applied {
        match Migration::all().find(|known| known.version == done.version) {
            None => return Err(MigrationError::Newer(done.name.clone())),
            Some(known) if known.checksum() != done.checksum => return Err(MigrationError::Edited(done.name.clone())),
            Some(_) => {}
        }
    }
    Ok(Migration::all().filter(|known| !applied.iter().any(|done| done.version == known.version)).collect())
}

/// Applies what the database has not had, and gives the names. Makes missing indexes again.
pub(crate) async fn apply(c: &Collections) -> Migrated {
    if to_apply(c).await?.is_empty() && missing_indexes(c).await?.is_empty() {
        return Ok(Vec::new());
    }
    refuse_foreign(c).await?;
    locked(c, async {
        let mut names = Vec::new();
        for migration in to_apply(c).await? {
            for command in migration.commands()? {
                run(c, command).await.map_err(|error| refused(&error))?;
            }
            let (name, checksum) = (migration.name.to_owned(), migration.checksum());
            let applied = Applied { version: migration.version, name, checksum, applied_at: DateTime::now() };
            history(c).insert_one(&applied).await?;
            names.push(migration.name.to_owned());
        }
        restore_indexes(c).await?;
        Ok(names)
    })
    .await
}

/// Refuses a database that is somebody else's: it has no migrations, and a collection of one of our names. One of ours
/// whose first migration was interrupted has had the lock.
async fn refuse_foreign(c: &Collections) -> Result<(), MigrationError> {
    let there = c.database.list_collection_names().await?;
    if there.iter().any(|name| name == HISTORY || name == LOCK) {
        return Ok(());
    }
    for migration in Migration::all() {
        for command in migration.commands()? {
            let made = command.get_str("create").unwrap_or_default();
            if there.iter().any(|name| name == made) {
                let reason = format!("the database has a collection `{made}` of something else: use another database");
                return Err(MigrationError::Failed(reason.into()));
            }
        }
    }
    Ok(())
}

/// Runs a command of a migration. One that was interrupted is run again, so a collection that is there already gets what
/// it should have, and an index that is to be dropped may be gone.
async fn run(c: &Collections, command: Document) -> Result<(), Error> {
    let made = c.database.run_command(command.clone()).await;
    match made {
        Err(error) if code(&error) == Some(NAMESPACE_EXISTS) => {
            let mut change = doc! { "collMod": command.get("create").cloned().unwrap_or(Bson::Null) };
            change.extend(command.into_iter().filter(|(field, _)| field != "create"));
            c.database.run_command(change).await.map(drop)
        }
        Err(error) if code(&error) == Some(INDEX_NOT_FOUND) && command.contains_key("dropIndexes") => Ok(()),
        made => made.map(drop),
    }
}

/// Why a command of a migration was refused, in one line, without what users have written.
fn refused(error: &Error) -> MigrationError {
    let reason = match (duplicate(error), code(error)) {
        (Some(index), _) => format!("there are documents that the unique index {index} forbids"),
        (_, Some(UNAUTHORIZED)) => "the user lacks a privilege: the roles readWrite and dbAdmin are needed".to_owned(),
        (_, Some(INDEX_OPTIONS_CONFLICT | INDEX_KEY_SPECS_CONFLICT)) => {
            "somebody has made an index of the same name or key otherwise: drop that one first".to_owned()
        }
        _ => summary(error),
    };
    MigrationError::Failed(reason.into())
}

/// The indexes that should be there: the collection, and what makes each. None of a migration that was not applied.
async fn expected_indexes(c: &Collections) -> Result<Vec<(String, Document)>, MigrationError> {
    let pending = to_apply(c).await?;
    let mut expected = Vec::new();
    for migration in Migration::all().filter(|known| pending.iter().all(|other| other.version != known.version)) {
        for command in migration.commands()? {
            if let Ok(collection) = command.get_str("createIndexes") {
                let indexes = command.get_array("indexes").into_iter().flatten();
                let made = indexes.filter_map(|index| Some((collection.to_owned(), index.as_document()?.clone())));
                expected.extend(made);
            } else if let Ok(collection) = command.get_str("dropIndexes") {
                let dropped = |index: &Document| index.get("name") == command.get("index");
                expected.retain(|(of, index): &(String, Document)| of != collection || !dropped(index));
            }
        }
    }
    Ok(expected)
}

/// The indexes that should be there and are not, or are others under the same name.
async fn lost_indexes(c: &Collections) -> Result<Vec<(String, Document)>, MigrationError> {
    let mut lost = Vec::new();
    let mut there: Option<(String, Vec<Document>)> = None;
    for (collection, index) in expected_indexes(c).await? {
        if there.as_ref().is_none_or(|(of, _)| *of != collection) {
            there = Some((collection.clone(), indexes(c, &collection).await?));
        }
        if !there.as_ref().is_some_and(|(_, there)| there.iter().any(|other| is_same(&index, other))) {
            lost.push((collection, index));
        }
    }
    Ok(lost)
}

/// The indexes of a collection, as the server describes them.
async fn indexes(c: &Collections, collection: &str) -> Result<Vec<Document>, Error> {
    let reply = match c.database.run_cursor_command(doc! { "listIndexes": collection }).await {
        Err(error) if code(&error) == Some(NAMESPACE_NOT_FOUND) => return Ok(Vec::new()),
        reply => reply?,
    };
    reply.try_collect().await
}

/// Whether an index does what another one should do.
fn is_same(wanted: &Document, there: &Document) -> bool {
    let key = |index: &Document| {
        let fields = index.get_document("key").into_iter().flatten();
        fields.map(|(field, direction)| (field.clone(), number(direction))).collect::<Vec<_>>()
    };
    let same = |option: &str| wanted.get(option) == there.get(option);
    same("name") && key(wanted) == key(there) && ["unique", "sparse", "partialFilterExpression"].into_iter().all(same)
}

/// A direction, which is an integer in a file and can be a float in a shell.
fn number(value: &Bson) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "it is 1 or -1")]
    let float = value.as_f64().map(|float| float as i64);
    value.as_i64().or_else(|| value.as_i32().map(i64::from)).or(float)
}

/// Their names, such as `users.byEmail`.
pub(crate) async fn missing_indexes(c: &Collections) -> Migrated {
    let lost = lost_indexes(c).await?;
    let name = |(collection, index): &(String, Document)| {
        format!("{collection}.{}", index.get_str("name").unwrap_or("an index without a name"))
    };
    Ok(lost.iter().map(name).collect())
}

async fn restore_indexes(c: &Collections) -> Result<(), MigrationError> {
    for (collection, index) in lost_indexes(c).await? {
        let command = doc! { "createIndexes": collection, "indexes": [index] };
        c.database.run_command(command).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Does something while no other node does.
async fn locked<T>(
    c: &Collections,
    work: impl Future<Output = Result<T, MigrationError>>,
) -> Result<T, MigrationError> {
    let owner = ObjectId::new();
    if !take_lock(c, owner).await? {
        info!("another process migrates this database, or was killed at it: waiting for its lock");
        while !take_lock(c, owner).await? {
            sleep(LEASE / 100).await;
        }
    }
    let renew = async {
        let mut left = 3;
        while left > 0 {
            sleep(LEASE / 4).await;
            match take_lock(c, owner).await {
                Ok(true) => left = 3,
                // We hung for so long that another node took over.
                Ok(false) => return Err(MigrationError::Failed("another node has taken over".into())),
                // There may be an election. The lease holds for a while.
                Err(_) => left -= 1,
            }
        }
        Err(MigrationError::Failed("the lock could not be kept".into()))
    };
    let done = tokio::select! {
        done = work => done,
        lost = renew => lost,
    };
    let lock = c.database.collection::<Document>(LOCK);
    if let Err(error) = lock.delete_one(doc! { "_id": "lock", "owner": owner }).await {
        warn!(error = summary(&error), "can't give the lock of the migrations back; it ends by itself");
    }
    done
}

/// Takes or prolongs the lock, if nobody else has it. By the clock of the database: those of nodes may differ.
async fn take_lock(c: &Collections, owner: ObjectId) -> Result<bool, Error> {
    let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
    // A lock that was never taken has no end, which sorts before every time.
    let free_or_ours = doc! { "$or": [{ "$lt": ["$expiresAt", "$$NOW"] }, { "$eq": ["$owner", owner] }] };
    let or = |ours: Bson, theirs: &str| doc! { "$cond": [&free_or_ours, ours, theirs] };
    let end = doc! { "$add": ["$$NOW", lease] };
    let take = doc! { "$set": { "owner": or(owner.into(), "$owner"), "expiresAt": or(end.into(), "$expiresAt") } };
    let locks = c.database.collection::<Document>(LOCK);
    let lock = locks.find_one_and_update(doc! { "_id": "lock" }, vec![take]).upsert(true);
    match lock.return_document(ReturnDocument::After).await {
        Ok(lock) => Ok(lock.is_some_and(|lock| lock.get_object_id("owner").is_ok_and(|holder| holder == owner))),
        // Somebody else has made it at the same moment.
        Err(error) if duplicate(&error).is_some() => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FILES, Migration};

    #[test]
    fn every_file_is_a_migration_and_has_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/mongodb");
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
        let files: BTreeSet<_> = files.map(|file| file.into_string().unwrap()).collect();
        assert_eq!(files, FILES.iter().map(|(name, _)| format!("{name}.json")).collect());
        for migration in Migration::all() {
            assert!(migration.name.starts_with(&format!("V{}__", migration.version)));
            assert!(!migration.commands().unwrap().is_empty());
        }
    }
}
