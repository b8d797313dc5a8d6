//! The log of what administrators did. Nothing here changes or removes an entry.

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::Hint,
};
use parlor_domain::{
    AuditEntry,
    store::{ActorFilter, AuditPage, AuditStore, StoreResult},
};

use super::{
    database::{Collections, Database, all},
    documents::{AuditDocument, date, encode, long, oid},
    error::Attempt,
};

#[async_trait]
impl AuditStore for Database {
    async fn page(&self, page: &AuditPage) -> StoreResult<Vec<AuditEntry>> {
        self.read(*page, |c, page| self::page(c, page).boxed()).await
    }
}

/// Adds an entry.
pub(crate) async fn append(c: &Collections, session: &mut ClientSession, entry: &AuditEntry) -> Attempt<()> {
    c.audit.insert_one(encode(&AuditDocument::from(entry))?).session(session).await?;
    Ok(())
}

async fn page(c: &Collections, page: &AuditPage) -> Attempt<Vec<AuditEntry>> {
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = Document::new();
    // The narrowest one gives the order as well.
    let mut by = "byTime";
    if let Some(action) = page.action {
        filter.insert("action", action.name());
        by = "byAction";
    }
    if let Some(actor) = page.actor {
        let actor = match actor {
            ActorFilter::User(user) => Some(oid(user.as_bytes())),
            // It has no id.
            ActorFilter::CommandLine => None,
        };
        filter.insert("actor", actor);
        by = "byActor";
    }
    if let Some(target) = page.target {
        filter.insert("target", oid(target.as_bytes()));
        by = "byTarget";
    }
    if let Some((at, id)) = page.after {
        let (at, id) = (date(at), oid(id.as_bytes()));
        // The first bounds what is read of the index, the others drop what is of the same moment.
        filter.insert("at", doc! { "$lte": at });
        filter.insert("$or", vec![doc! { "at": { "$lt": at } }, doc! { "_id": { "$lt": id } }]);
    }
    let newest_first = doc! { "at": -1, "_id": -1 };
    let found = c.audit.find(filter).sort(newest_first).limit(long(page.limit as u64));
    all::<AuditDocument>(found.hint(Hint::Name(by.to_owned())).await?).await
}
