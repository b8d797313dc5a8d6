//! The index of messages: a small document for each, with the terms that the domain makes of it, and an index by
//! conversation, term and time. Nothing here knows what a word is.
//!
//! A document carries the revision at which its message said that. Several nodes may enter the same message: the newest
//! state stays, whoever comes last. What is not said any more is taken out by the change itself, which leaves the document
//! without terms, so that who comes late with the old ones can't put them back.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, RawDocument, doc},
    options::Hint,
};
use parlor_domain::{
    ConversationId, MessageId, Rev, Timestamp,
    store::{IndexEntry, IndexProgress, Look, Looked, ResultKey, SearchStore, StoreError, StoreResult},
};

use super::{
    database::{Collections, Database, durable_document},
    documents::{date, long, oid, time},
    error::Attempt,
    messages,
};

/// How many documents are compared at a time when there are several terms.
const COMPARED: usize = 2000;

#[async_trait]
impl SearchStore for Database {
    async fn indexed(&self, conversations: &[ConversationId]) -> StoreResult<HashMap<ConversationId, Rev>> {
        self.read(conversations.to_vec(), |c, conversations| indexed(c, conversations).boxed()).await
    }

    async fn progress(&self, after: Option<ConversationId>, limit: usize) -> StoreResult<Vec<IndexProgress>> {
        self.read((after, limit), |c, (after, limit)| progress(c, *after, *limit).boxed()).await
    }

    async fn enter(
        &self,
        conversation: ConversationId,
        entries: &[IndexEntry],
        indexed: Option<Rev>,
    ) -> StoreResult<()> {
        let context = (conversation, entries.to_vec(), indexed);
        self.write(context, |c, (conversation, entries, indexed)| enter(c, *conversation, entries, *indexed).boxed())
            .await
    }

    async fn look(&self, look: &Look) -> StoreResult<Looked> {
        self.read(look.clone(), |c, look| self::look(c, look).boxed()).await
    }
}

async fn indexed(c: &Collections, conversations: &[ConversationId]) -> Attempt<HashMap<ConversationId, Rev>> {
    let ids: Vec<_> = conversations.iter().map(|id| oid(id.as_bytes())).collect();
    let mut found = c.search_positions.find(doc! { "_id": { "$in": ids } }).await?;
    let mut positions = HashMap::new();
    while found.advance().await? {
        let rev = found.current().get_i64("rev").map_err(StoreError::corrupt)?;
        let rev = u64::try_from(rev).map_err(|_| StoreError::corrupt("a position of the index: rev is negative"))?;
        positions.insert(conversation_id(found.current())?, Rev::new(rev));
    }
    Ok(positions)
}

fn conversation_id(raw: &RawDocument) -> StoreResult<ConversationId> {
    let id = raw.get_object_id("_id").map_err(StoreError::corrupt)?;
    Ok(ConversationId::from_bytes(id.bytes()))
}

async fn progress(c: &Collections, after: Option<ConversationId>, limit: usize) -> Attempt<Vec<IndexProgress>> {
    // No limit is what the database takes zero for.
    if limit == 0 {
        return Ok(Vec::new());
    }
    let after = after.unwrap_or(ConversationId::from_bytes([0; 12]));
    let found = c.conversations.find(doc! { "_id": { "$gt": oid(after.as_bytes()) } }).sort(doc! { "_id": 1 });
    let mut found = found.projection(doc! { "_id": 1 }).limit(long(limit as u64)).await?;
    let mut ids = Vec::new();
    while found.advance().await? {
        ids.push(conversation_id(found.current())?);
    }
    let (revs, positions) = (messages::revs(c, &ids).await?, indexed(c, &ids).await?);
    let rev = |revs: &HashMap<ConversationId, Rev>, id: &ConversationId| revs.get(id).copied().unwrap_or_default();
    let progress =
        |id: ConversationId| IndexProgress { conversation: id, rev: rev(&revs, &id), indexed: rev(&positions, &id) };
    Ok(ids.into_iter().map(progress).collect())
}

async fn enter(
    c: &Collections,
    conversation: ConversationId,
    entries: &[IndexEntry],
    indexed: Option<Rev>,
) -> Attempt<()> {
    let updates = entries.iter().map(|entry| update_of(conversation, entry)).collect();
    c.update_many("searches", updates, durable_document()).await?;
    let Some(rev) = indexed else { return Ok(()) };
    let position = doc! { "_id": oid(conversation.as_bytes()) };
    let advance = doc! { "$max": { "rev": long(rev.get()) } };
    c.search_positions.update_one(position, advance).upsert(true).await?;
    Ok(())
}

/// Makes the document that of the message at this revision, unless it is that of a later one.
fn update_of(conversation: ConversationId, entry: &IndexEntry) -> Document {
    let IndexEntry { message, rev, created_at, terms } = entry;
    let id = oid(message.as_bytes());
    let document = doc! {
        "_id": id,
        "conversation": oid(conversation.as_bytes()),
        "rev": long(rev.get()),
        "at": date(*created_at),
        "terms": terms,
    };
    // At the same revision an edit may have left the document without terms.
    let is_older = doc! { "$lte": [{ "$ifNull": ["$rev", -1_i64] }, long(rev.get())] };
    // A term is a text, and no expression.
    let newest = doc! { "$cond": [is_older, { "$literal": document }, "$$ROOT"] };
    doc! { "q": { "_id": id }, "u": [{ "$replaceWith": newest }], "upsert": true }
}

/// Takes a message out that has changed at this revision, and does not say any more what it is found by.
pub(crate) async fn take_out(
    c: &Collections,
    session: &mut ClientSession,
    (message, rev): (MessageId, Rev),
) -> Attempt<()> {
    let nothing = doc! { "$set": { "terms": [], "rev": long(rev.get()) } };
    c.searches.update_one(doc! { "_id": oid(message.as_bytes()) }, nothing).session(session).await?;
    Ok(())
}

async fn look(c: &Collections, look: &Look) -> Attempt<Looked> {
    let Some((first, others)) = look.terms.split_first().filter(|_| look.limit > 0 && !look.conversations.is_empty())
    else {
        return Ok(Looked::default());
    };
    let limit = if others.is_empty() { look.limit } else { COMPARED.max(look.limit) };
    let found = c.searches.find(filter(look, first)).sort(doc! { "at": -1, "_id": -1 }).limit(long(limit as u64));
    let all = doc! { "_id": 1, "at": 1, "all": { "$setIsSubset": [{ "$literal": others }, "$terms"] } };
    let mut found = found.hint(Hint::Name("byTerm".to_owned())).projection(all).await?;
    let mut looked = Looked::default();
    let mut count = 0;
    while found.advance().await? {
        count += 1;
        let key = key(found.current())?;
        if found.current().get_bool("all").map_err(StoreError::corrupt)? {
            looked.found.push(key);
        }
        if count == limit || looked.found.len() == look.limit {
            looked.next = Some(key);
            break;
        }
    }
    Ok(looked)
}

/// The documents with a term that are looked at.
fn filter(look: &Look, term: &str) -> Document {
    let conversations: Vec<_> = look.conversations.iter().map(|id| oid(id.as_bytes())).collect();
    let mut filter = doc! { "conversation": { "$in": conversations }, "terms": term };
    let mut times = Document::new();
    if let Some(from) = look.from {
        times.insert("$gte", date(from));
    }
    if let Some((at, id)) = look.below {
        times.insert("$lte", date(at));
        let at_that_time = doc! { "at": date(at), "_id": { "$lt": oid(id.as_bytes()) } };
        filter.insert("$or", vec![Bson::from(doc! { "at": { "$lt": date(at) } }), at_that_time.into()]);
    }
    if !times.is_empty() {
        filter.insert("at", times);
    }
    filter
}

fn key(raw: &RawDocument) -> StoreResult<ResultKey> {
    let (id, at) = (raw.get_object_id("_id"), raw.get_datetime("at"));
    let at: Timestamp = time(at.map_err(StoreError::corrupt)?);
    Ok((at, MessageId::from_bytes(id.map_err(StoreError::corrupt)?.bytes())))
}
