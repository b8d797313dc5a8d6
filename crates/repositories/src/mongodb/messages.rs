//! The message log, as it is read. How it is written: [`super::appender`].

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    bson::{Document, RawDocument, doc},
    options::Hint,
};
use parlor_domain::{
    ConversationId, Emoji, Excerpt, Message, MessageChange, MessageId, NewMessage, Rev, SendKey, Seq, UserId,
    UserReaction, Version,
    store::{AppendOutcome, ChangeOutcome, LogPage, MessageStore, PAGE_BYTES, StoreError, StoreResult, Window},
};

use super::{
    changes,
    database::{Collections, Database, all, one},
    documents::{ExcerptDocument, MessageDocument, decode, long, oid},
    error::Attempt,
};

#[async_trait]
impl MessageStore for Database {
    async fn append(&self, new: &NewMessage) -> StoreResult<AppendOutcome> {
        self.appender.append(new.clone()).await
    }

    async fn page(&self, conversation: ConversationId, window: Window, limit: usize) -> StoreResult<Vec<Message>> {
        self.read((conversation, window, limit), |c, (conversation, window, limit)| {
            page(c, *conversation, *window, *limit).boxed()
        })
        .await
    }

    async fn changes(&self, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage> {
        self.read((conversation, after, limit), |c, (conversation, after, limit)| {
            changes(c, *conversation, *after, *limit).boxed()
        })
        .await
    }

    async fn sent_before(&self, key: &SendKey) -> StoreResult<Option<AppendOutcome>> {
        self.read(key.clone(), |c, key| {
            async move {
                let first = c.messages.find_one(doc! { "_id": oid(key.id.as_bytes()) }).await?;
                let outcome = |(first, stored)| AppendOutcome::of_taken_id(key, &first, stored);
                Ok(one::<MessageDocument>(first)?.map(outcome).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn change(&self, change: &MessageChange) -> StoreResult<ChangeOutcome> {
        let at = (change.conversation, &[][..]);
        let outcome =
            self.change_in(at, change.clone(), |c, change, session| changes::change(c, session, change).boxed()).await;
        match &outcome {
            Ok(ChangeOutcome::Changed(message)) => self.appender.moved_to(change.conversation, message.rev),
            Ok(ChangeOutcome::Unchanged(_) | ChangeOutcome::Refused(_)) => {}
            // Nobody knows what became of it.
            Err(_) => self.appender.forget_end(change.conversation),
        }
        outcome
    }

    async fn find_many(&self, ids: &[MessageId]) -> StoreResult<Vec<Message>> {
        self.read(ids.to_vec(), |c, ids| {
            async move {
                let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
                let found = all::<MessageDocument>(c.messages.find(doc! { "_id": { "$in": ids } }).await?).await?;
                Ok(found.into_iter().map(|(message, _)| message).collect())
            }
            .boxed()
        })
        .await
    }

    async fn excerpts(&self, ids: &[MessageId]) -> StoreResult<Vec<Excerpt>> {
        self.read(ids.to_vec(), |c, ids| {
            async move {
                let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
                let found = c.messages.find(doc! { "_id": { "$in": ids } }).projection(ExcerptDocument::projection());
                all::<ExcerptDocument>(found.await?).await
            }
            .boxed()
        })
        .await
    }

    async fn versions(&self, message: MessageId, after: Rev, limit: usize) -> StoreResult<Vec<Version>> {
        self.read((message, after, limit), |c, (message, after, limit)| {
            changes::versions(c, *message, *after, *limit).boxed()
        })
        .await
    }

    async fn reactions(
        &self,
        message: MessageId,
        emoji: &Emoji,
        after: Rev,
        limit: usize,
    ) -> StoreResult<Vec<UserReaction>> {
        self.read((message, emoji.clone(), after, limit), |c, (message, emoji, after, limit)| {
            changes::reactions(c, *message, emoji, *after, *limit).boxed()
        })
        .await
    }

    async fn pins(&self, conversation: ConversationId, before: Option<Seq>, limit: usize) -> StoreResult<Vec<Message>> {
        self.read((conversation, before, limit), |c, (conversation, before, limit)| {
            changes::pins(c, *conversation, *before, *limit).boxed()
        })
        .await
    }
}

/// How many messages the database sends at a time: most pages at once, and of the longest messages some megabytes.
pub(super) const BATCH: u32 = 256;

async fn page(c: &Collections, conversation: ConversationId, window: Window, limit: usize) -> Attempt<Vec<Message>> {
    let (places, forward) = match window {
        // Behind the messages lie the places that changed ones have left.
        Window::Newest => (doc! { "$gt": 0_i64 }, false),
        Window::Before(seq) => (doc! { "$gt": 0_i64, "$lt": long(seq.get()) }, false),
        Window::After(seq) => (doc! { "$gt": long(seq.get()) }, true),
    };
    let filter = doc! { "conversation": oid(conversation.as_bytes()), "seq": places };
    let mut messages = read_page(c, filter, doc! { "seq": if forward { 1 } else { -1 } }, limit).await?;
    if !forward {
        messages.reverse();
    }
    Ok(messages)
}

/// The messages that a query finds, up to the one by which they are too large for a page.
pub(crate) async fn read_page(
    c: &Collections,
    filter: Document,
    order: Document,
    limit: usize,
) -> Attempt<Vec<Message>> {
    let mut messages = Vec::new();
    // No limit is what the database takes zero for.
    if limit > 0 {
        let found = c.messages.find(filter).sort(order).limit(long(limit as u64));
        let mut found = found.batch_size(BATCH).await?;
        let mut bytes = 0;
        while messages.len() < limit && bytes <= PAGE_BYTES && found.advance().await? {
            let (message, _) = decode::<MessageDocument>(found.current())?;
            bytes += message.size();
            messages.push(message);
        }
    }
    Ok(messages)
}

async fn found(c: &Collections, filter: Document, order: Document, limit: usize) -> Attempt<Vec<Message>> {
    // No limit is what the database takes zero for.
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = c.messages.find(filter).sort(order).limit(long(limit as u64));
    let found = found.hint(Hint::Name("byChange".to_owned())).await?;
    Ok(all::<MessageDocument>(found).await?.into_iter().map(|(message, _)| message).collect())
}

async fn changes(c: &Collections, conversation: ConversationId, after: Rev, limit: usize) -> Attempt<LogPage> {
    let filter = doc! {
        "conversation": oid(conversation.as_bytes()),
        "rev": { "$gt": long(after.get()) },
        // Those places are not in the index that changed messages have left.
        "seq": { "$gt": 0_i64 },
    };
    let messages = found(c, filter, doc! { "rev": 1 }, limit).await?;
    let head = match messages.last() {
        // There is no more, so this was the newest.
        Some(last) if messages.len() < limit => last.rev,
        last => {
            let head = newest_rev(c, conversation).await?;
            // What has come since the first look does not count: it is not in the page.
            if last.is_none() && limit > 0 { head.min(after) } else { head }
        }
    };
    Ok(LogPage { messages, head })
}

async fn newest_rev(c: &Collections, conversation: ConversationId) -> Attempt<Rev> {
    let newest = c.messages.find_one(doc! { "conversation": oid(conversation.as_bytes()) }).sort(doc! { "rev": -1 });
    let found = newest.projection(doc! { "_id": 0, "rev": 1 }).await?;
    Ok(found.map(|found| rev(&found)).transpose()?.unwrap_or_default())
}

/// The newest revision of each of these conversations; none for a conversation without messages.
pub(crate) async fn revs(c: &Collections, conversations: &[ConversationId]) -> Attempt<HashMap<ConversationId, Rev>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = conversations.iter().map(|id| oid(id.as_bytes())).collect();
    // The database takes the first entry of each conversation from the index, and skips the others.
    let pipeline = [
        doc! { "$match": { "conversation": { "$in": ids } } },
        doc! { "$sort": { "conversation": -1, "rev": -1 } },
        doc! { "$group": { "_id": "$conversation", "rev": { "$first": "$rev" } } },
    ];
    let mut found = c.messages.aggregate(pipeline).await?;
    let mut revs = HashMap::new();
    while found.advance().await? {
        revs.insert(conversation_id(found.current())?, rev(found.current())?);
    }
    Ok(revs)
}

fn rev(raw: &RawDocument) -> StoreResult<Rev> {
    let number = raw.get_i64("rev").map_err(StoreError::corrupt)?;
    Ok(Rev::new(u64::try_from(number).map_err(|_| StoreError::corrupt("a message: rev is negative"))?))
}

/// Where a log ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail {
    pub(crate) last: Option<Message>,
    pub(crate) rev: Rev,
}

/// The ends of the logs of these conversations.
pub(crate) async fn tails(c: &Collections, conversations: &[ConversationId]) -> Attempt<HashMap<ConversationId, Tail>> {
    if conversations.is_empty() {
        return Ok(HashMap::new());
    }
    let pipeline = [
        matching(conversations),
        newest("seq", doc! { "nothing": 0 }, "last"),
        newest("rev", doc! { "_id": 0, "rev": 1 }, "newest"),
        keep(&["last", "newest"]),
    ];
    let mut found = c.conversations.aggregate(pipeline).await?;
    let mut tails = HashMap::new();
    while found.advance().await? {
        let last = joined(found.current(), "last")?.map(decode::<MessageDocument>).transpose()?;
        let rev = Rev::new(counter(found.current(), "newest", "rev")?);
        tails.insert(conversation_id(found.current())?, Tail { last: last.map(|(message, _)| message), rev });
    }
    Ok(tails)
}

fn matching(conversations: &[ConversationId]) -> Document {
    let ids: Vec<_> = conversations.iter().map(|id| oid(id.as_bytes())).collect();
    doc! { "$match": { "_id": { "$in": ids } } }
}

/// Joins the message with the greatest `field` to each conversation, by the index of that field.
fn newest(field: &str, projection: Document, name: &str) -> Document {
    let newest = [doc! { "$sort": { field: -1 } }, doc! { "$limit": 1 }, doc! { "$project": projection }];
    doc! { "$lookup": {
        "from": "messages", "localField": "_id", "foreignField": "conversation", "pipeline": newest, "as": name,
    } }
}

fn keep(fields: &[&str]) -> Document {
    let fields: Document = fields.iter().map(|field| ((*field).to_owned(), 1.into())).collect();
    doc! { "$project": fields }
}

/// The place of the newest message in each of these logs, and who sent it.
pub(crate) async fn last_places(
    c: &Collections,
    conversations: &[ConversationId],
) -> Attempt<HashMap<ConversationId, (Seq, UserId)>> {
    let last = newest("seq", doc! { "_id": 0, "seq": 1, "sender": 1 }, "last");
    let mut found = c.conversations.aggregate([matching(conversations), last, keep(&["last"])]).await?;
    let mut places = HashMap::new();
    while found.advance().await? {
        let seq = Seq::new(counter(found.current(), "last", "seq")?);
        let Some(sender) = joined(found.current(), "last")?.and_then(|last| last.get_object_id("sender").ok()) else {
            continue;
        };
        places.insert(conversation_id(found.current())?, (seq, UserId::from_bytes(sender.bytes())));
    }
    Ok(places)
}

pub(crate) fn conversation_id(raw: &RawDocument) -> StoreResult<ConversationId> {
    let id = raw.get_object_id("_id").map_err(StoreError::corrupt)?;
    Ok(ConversationId::from_bytes(id.bytes()))
}

/// The one document that was joined to another, if there was one.
fn joined<'a>(raw: &'a RawDocument, name: &str) -> StoreResult<Option<&'a RawDocument>> {
    let documents = raw.get_array(name).map_err(StoreError::corrupt)?;
    let first = documents.into_iter().next().transpose().map_err(StoreError::corrupt)?;
    Ok(first.and_then(|value| value.as_document()))
}

/// A counter of the one document that was joined; zero if there is none.
fn counter(raw: &RawDocument, name: &str, field: &str) -> StoreResult<u64> {
    let Some(document) = joined(raw, name)? else { return Ok(0) };
    let number = document.get_i64(field).map_err(StoreError::corrupt)?;
    u64::try_from(number).map_err(|_| StoreError::corrupt(format!("a message: {field} is negative")))
}

/// Where these logs go on: the greatest `seq` and `rev` that no failover takes back. Behind what the primary alone has,
/// there would be a hole if another primary took over.
pub(crate) async fn ends(
    c: &Collections,
    conversations: &[ConversationId],
) -> Attempt<HashMap<ConversationId, (Seq, Rev)>> {
    let pipeline = [
        matching(conversations),
        newest("seq", doc! { "_id": 0, "seq": 1 }, "last"),
        newest("rev", doc! { "_id": 0, "rev": 1 }, "newest"),
        keep(&["last", "newest"]),
    ];
    let mut found = c.conversations.aggregate(pipeline).await?;
    let mut ends = HashMap::new();
    while found.advance().await? {
        let (seq, rev) = (counter(found.current(), "last", "seq")?, counter(found.current(), "newest", "rev")?);
        ends.insert(conversation_id(found.current())?, (Seq::new(seq), Rev::new(rev)));
    }
    Ok(ends)
}
