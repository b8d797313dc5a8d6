//! Changes of messages, and what belongs to them: versions, reactions, pins.
//!
//! A message that is changed moves to the conversation's next revision. Another node may still believe that the log ends
//! before the one that it leaves, and would write there what then has come late. So a placeholder takes that place in the
//! same transaction: who writes there is refused, and numbers anew. It has no text and a negative `seq`, behind all
//! messages, and goes by itself after an hour (the index `left`). Nobody can write by what he believed longer ago: an end
//! is believed for a minute ([`super::appender`]), an attempt takes at most [`TimeLimits::operation`], and a command that
//! was sent by then and is still under way is given up by TCP within a quarter of an hour.
//!
//! Where there are no transactions, a change may end half-way. What stands beside a message is written before it and by
//! what tells it apart, so that the next change of that sort puts right what was left, and what the message says counts.
//!
//! [`TimeLimits::operation`]: super::database::TimeLimits

use mongodb::{
    ClientSession, Collection,
    bson::{Document, RawDocumentBuf, doc},
};
use parlor_domain::{
    ChangeGround, ConversationId, Emoji, Fingerprint, Member, Message, MessageAction, MessageChange, MessageId,
    MessagePlan, MessageRefusal, Reaction, Rev, Seq, UserReaction, Version,
    store::{ChangeOutcome, PAGE_BYTES, StoreError, StoreResult},
};
use serde::Serialize;

use super::{
    database::{Collections, all, one},
    documents::{MemberDocument, MessageDocument, ReactionDocument, VersionDocument, decode, encode, long, oid},
    error::{Attempt, duplicate},
    messages::{BATCH, read_page},
    search,
};

/// Makes the change that is planned for the message as it is.
pub(crate) async fn change(
    c: &Collections,
    session: &mut ClientSession,
    change: &MessageChange,
) -> Attempt<ChangeOutcome> {
    let Some((me, message, fingerprint)) = found(c, session, change).await? else {
        return Ok(ChangeOutcome::Refused(MessageRefusal::NotFound));
    };
    let ground = ChangeGround {
        me: &me,
        message: &message,
        reacted: match change.emoji() {
            Some(emoji) => match message.has_reaction_of(emoji, change.by) {
                Some(reacted) => reacted,
                None => c.reactions.find_one(own(change, emoji)).session(&mut *session).await?.is_some(),
            },
            None => false,
        },
        pinned: if change.action == MessageAction::Pin { pinned(c, session, change.conversation).await? } else { 0 },
        rev: next_rev(c, session, change.conversation).await?,
    };
    match change.plan(&ground) {
        Err(refusal) => Ok(ChangeOutcome::Refused(refusal)),
        Ok(None) => Ok(ChangeOutcome::Unchanged(Box::new(message))),
        Ok(Some(plan)) => {
            let message = write(c, session, change, (plan, message.rev, fingerprint)).await?;
            Ok(ChangeOutcome::Changed(Box::new(message)))
        }
    }
}

/// Who asks, and the message with its fingerprint, if both are there.
async fn found(
    c: &Collections,
    session: &mut ClientSession,
    change: &MessageChange,
) -> Attempt<Option<(Member, Message, Fingerprint)>> {
    let conversation = oid(change.conversation.as_bytes());
    let member = doc! { "conversation": conversation, "user": oid(change.by.as_bytes()) };
    let found = c.members.find_one(member).session(&mut *session).await?;
    let Some(found) = one::<MemberDocument>(found)? else { return Ok(None) };
    let message = doc! { "_id": oid(change.message.as_bytes()) };
    let message = one::<MessageDocument>(c.messages.find_one(message).session(&mut *session).await?)?;
    let message = message.filter(|(message, _)| message.conversation_id == change.conversation);
    Ok(message.map(|(message, fingerprint)| (found.member, message, fingerprint)))
}

/// The reaction that the change is about.
fn own(change: &MessageChange, emoji: &Emoji) -> Document {
    doc! {
        "message": oid(change.message.as_bytes()), "emoji": emoji.as_str(), "user": oid(change.by.as_bytes()),
    }
}

fn pinned_in(conversation: ConversationId) -> Document {
    doc! { "conversation": oid(conversation.as_bytes()), "marks.pin": { "$exists": true } }
}

async fn pinned(c: &Collections, session: &mut ClientSession, conversation: ConversationId) -> Attempt<u64> {
    Ok(c.messages.count_documents(pinned_in(conversation)).session(session).await?)
}

async fn next_rev(c: &Collections, session: &mut ClientSession, conversation: ConversationId) -> Attempt<Rev> {
    let newest = c.messages.find_one(doc! { "conversation": oid(conversation.as_bytes()) }).sort(doc! { "rev": -1 });
    let found = newest.projection(doc! { "_id": 0, "rev": 1 }).session(session).await?;
    let Some(found) = found else { return Ok(Rev::ZERO.next()) };
    let number = found.get_i64("rev").map_err(StoreError::corrupt)?;
    Ok(Rev::new(u64::try_from(number).map_err(StoreError::corrupt)?).next())
}

/// Writes what is planned, and gives the message as it is then.
async fn write(
    c: &Collections,
    session: &mut ClientSession,
    change: &MessageChange,
    (mut plan, left, fingerprint): (MessagePlan, Rev, Fingerprint),
) -> Attempt<Message> {
    let (id, rev) = (change.message, plan.message.rev);
    let about = doc! { "message": oid(id.as_bytes()) };
    match &change.action {
        MessageAction::Edit { .. } => {
            if let Some(version) = &plan.replaced {
                // What is newer than the message was left by a change that was not made.
                let not_made = doc! { "message": oid(id.as_bytes()), "rev": { "$gt": long(left.get()) } };
                put(&c.versions, session, not_made, &VersionDocument::new(version)).await?;
            }
            search::take_out(c, session, (id, rev)).await?;
        }
        MessageAction::Delete => {
            c.versions.delete_many(about.clone()).session(&mut *session).await?;
            c.reactions.delete_many(about).session(&mut *session).await?;
            search::take_out(c, session, (id, rev)).await?;
        }
        MessageAction::React(emoji) => {
            let emoji = emoji.clone();
            let reaction = UserReaction { message: id, emoji, user: change.by, rev, at: change.now };
            put(&c.reactions, session, own(change, &reaction.emoji), &ReactionDocument::new(&reaction)).await?;
        }
        MessageAction::Unreact(emoji) => {
            c.reactions.delete_one(own(change, emoji)).session(&mut *session).await?;
        }
        MessageAction::Pin | MessageAction::Unpin => {}
    }
    if let Some(emoji) = plan.lacks_names().cloned() {
        let mut first = Vec::new();
        let found = c.reactions.find(by_emoji(id, &emoji, Rev::ZERO)).sort(doc! { "rev": 1 });
        let mut found = found.limit(long(Reaction::NAMED as u64)).session(&mut *session).await?;
        while found.advance(&mut *session).await? {
            first.push(decode::<ReactionDocument>(found.current())?.user);
        }
        plan.name(&emoji, first);
    }
    c.messages
        .update_one(doc! { "_id": oid(id.as_bytes()) }, update_of(&plan.message, fingerprint)?)
        .session(&mut *session)
        .await?;
    // Only such a place: where there are no transactions, a message may stand there by now, and keeps it as well.
    let place = doc! {
        "conversation": oid(change.conversation.as_bytes()),
        "rev": long(left.get()),
        "left": { "$exists": true },
    };
    // The time is the database's, which is the one that it forgets by.
    let taken = doc! { "$setOnInsert": { "seq": -long(left.get()) }, "$currentDate": { "left": true } };
    match c.messages.update_one(place, taken).upsert(true).session(session).await {
        Err(error) if duplicate(&error) == Some("byRev") => Ok(plan.message),
        other => other.map(|_| plan.message).map_err(Into::into),
    }
}

/// Writes a document in the place of the one that a filter finds, or as a new one.
async fn put(
    collection: &Collection<RawDocumentBuf>,
    session: &mut ClientSession,
    place: Document,
    document: &impl Serialize,
) -> Attempt<()> {
    collection.replace_one(place, encode(document)?).upsert(true).session(session).await?;
    Ok(())
}

/// Makes a message's document that of the message as it is now. What a newer version may have added stays.
fn update_of(message: &Message, fingerprint: Fingerprint) -> StoreResult<Document> {
    let document = encode(&MessageDocument::new(message, fingerprint))?;
    let mut set = Document::try_from(&document).map_err(StoreError::unavailable)?;
    set.remove("_id");
    let absent =
        ["kind", "system", "createdRev", "marks", "mentions"].into_iter().filter(|field| !set.contains_key(field));
    let unset: Document = absent.map(|field| (field.to_owned(), "".into())).collect();
    Ok(if unset.is_empty() {
        doc! { "$set": set }
    } else {
        doc! { "$set": set, "$unset": unset }
    })
}

/// What a message has said before, the oldest first.
pub(crate) async fn versions(c: &Collections, message: MessageId, after: Rev, limit: usize) -> Attempt<Vec<Version>> {
    // No limit is what the database takes zero for.
    if limit == 0 {
        return Ok(Vec::new());
    }
    let later = doc! { "message": oid(message.as_bytes()), "rev": { "$gt": long(after.get()) } };
    let found = c.versions.find(later).sort(doc! { "rev": 1 }).limit(long(limit as u64));
    let (mut found, mut versions, mut bytes) = (found.batch_size(BATCH).await?, Vec::new(), 0);
    while versions.len() < limit && bytes <= PAGE_BYTES && found.advance().await? {
        let version = decode::<VersionDocument>(found.current())?;
        bytes += version.size();
        versions.push(version);
    }
    Ok(versions)
}

fn by_emoji(message: MessageId, emoji: &Emoji, after: Rev) -> Document {
    doc! { "message": oid(message.as_bytes()), "emoji": emoji.as_str(), "rev": { "$gt": long(after.get()) } }
}

/// Who has reacted to a message with an emoji, the first first.
pub(crate) async fn reactions(
    c: &Collections,
    message: MessageId,
    emoji: &Emoji,
    after: Rev,
    limit: usize,
) -> Attempt<Vec<UserReaction>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = c.reactions.find(by_emoji(message, emoji, after)).sort(doc! { "rev": 1 });
    all::<ReactionDocument>(found.limit(long(limit as u64)).await?).await
}

/// The pinned messages of a conversation, the newest first.
pub(crate) async fn pins(
    c: &Collections,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> Attempt<Vec<Message>> {
    let mut filter = pinned_in(conversation);
    if let Some(before) = before {
        filter.insert("seq", doc! { "$lt": long(before.get()) });
    }
    read_page(c, filter, doc! { "seq": -1 }, limit).await
}
