//! Conversations as their members get them, one by one and as a list.

use mongodb::{
    bson::{Document, doc, oid::ObjectId},
    options::Hint,
};
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Timestamp, Unread, UserId,
    store::{Inbox, InboxEntry, StoreError},
};

use super::{
    database::{Collections, all, durable_document},
    documents::{ConversationDocument, StoredConversation, StoredMember, date, long, oid},
    error::{Attempt, Failure},
    holds, members,
    mentions::{self, Part},
    messages::{self, Tail},
};

pub(crate) async fn inbox(c: &Collections, page: &Inbox) -> Attempt<Vec<InboxEntry>> {
    let wanted = |entry: &InboxEntry| {
        let settings = entry.me.settings;
        // He may have put it away, or not, while this was read.
        page.archived.is_none_or(|archived| archived == settings.archived)
            && !settings.hides(entry.conversation.last_seq)
    };
    let mut filter = doc! { "members": oid(page.user.as_bytes()) };
    if let Some(archived) = page.archived {
        let put_away = archived_by(c, page.user).await?;
        filter.insert("_id", doc! { if archived { "$in" } else { "$nin" }: put_away });
    }
    let channels = channels_by_activity(c, page).await?;
    let (mut shown, mut after) = (Vec::new(), page.after);
    while shown.len() < page.limit {
        // What is hidden comes back with the next message, so it is known only when it has been read.
        let entries = inbox_part(c, (page.user, &filter, &channels), after, page.limit).await?;
        let is_last = entries.len() < page.limit;
        after = entries.last().map(|last| (last.conversation.updated_at, last.conversation.id));
        shown.extend(entries.into_iter().filter(wanted));
        if is_last {
            break;
        }
    }
    shown.truncate(page.limit);
    Ok(shown)
}

/// The channels that a user is in, the newest activity first. The index by activity has conversations that name their
/// members; these have too many, so they are put in order here.
async fn channels_by_activity(c: &Collections, page: &Inbox) -> Attempt<Vec<(Timestamp, ConversationId)>> {
    let mut mine = doc! { "user": oid(page.user.as_bytes()), "kind": ConversationKind::Channel.name() };
    match page.archived {
        Some(true) => drop(mine.insert("archived", true)),
        Some(false) => drop(mine.insert("archived", doc! { "$ne": true })),
        None => {}
    }
    let mut found = c.newest_members.find(mine).projection(doc! { "_id": 0, "conversation": 1 }).await?;
    let mut ids = Vec::new();
    while found.advance().await? {
        ids.push(found.current().get_object_id("conversation").map_err(StoreError::corrupt)?);
    }
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found = c.newest_conversations.find(doc! { "_id": { "$in": ids } });
    let mut found = found.projection(doc! { "updatedAt": 1 }).await?;
    let mut channels = Vec::new();
    while found.advance().await? {
        let id = found.current().get_object_id("_id").map_err(StoreError::corrupt)?;
        let at = found.current().get_datetime("updatedAt").map_err(StoreError::corrupt)?;
        channels.push((Timestamp::from_millis(at.timestamp_millis()), ConversationId::from_bytes(id.bytes())));
    }
    channels.sort_unstable_by(|a, b| b.cmp(a));
    Ok(channels)
}

/// The newest of conversations and channels together.
async fn with_channels(
    c: &Collections,
    mut found: Vec<StoredConversation>,
    channels: &[ConversationId],
    limit: usize,
) -> Attempt<Vec<StoredConversation>> {
    if channels.is_empty() {
        return Ok(found);
    }
    let ids: Vec<_> = channels.iter().map(|id| oid(id.as_bytes())).collect();
    let channels = c.newest_conversations.find(doc! { "_id": { "$in": ids } }).await?;
    found.extend(all::<ConversationDocument>(channels).await?);
    found.sort_by_key(|found| std::cmp::Reverse((found.conversation.updated_at, found.conversation.id)));
    found.truncate(limit);
    Ok(found)
}

/// The conversations that a user has put away.
async fn archived_by(c: &Collections, user: UserId) -> Attempt<Vec<ObjectId>> {
    let mut found = c.newest_members.find(doc! { "user": oid(user.as_bytes()), "archived": true }).await?;
    let mut ids = Vec::new();
    while found.advance().await? {
        ids.push(found.current().get_object_id("conversation").map_err(StoreError::corrupt)?);
    }
    Ok(ids)
}

async fn inbox_part(
    c: &Collections,
    (user, filter, channels): (UserId, &Document, &[(Timestamp, ConversationId)]),
    after: Option<(Timestamp, ConversationId)>,
    limit: usize,
) -> Attempt<Vec<InboxEntry>> {
    let mut filter = filter.clone();
    let behind = |place: &&(Timestamp, ConversationId)| after.is_none_or(|after| **place < after);
    let channels: Vec<ConversationId> = channels.iter().filter(behind).map(|(_, id)| *id).take(limit).collect();
    let channels = &*channels;
    if let Some((time, id)) = after {
        filter.insert("updatedAt", doc! { "$lte": date(time) });
        let behind = doc! { "_id": { "$lt": oid(id.as_bytes()) } };
        filter.insert("$or", [doc! { "updatedAt": { "$lt": date(time) } }, behind]);
    }
    let newest_first = doc! { "updatedAt": -1, "_id": -1 };
    // Where only some are wanted, the database would rather read those and sort them.
    let by_activity = Hint::Name("byActivity".to_owned());
    let find = async || {
        let found = c.newest_conversations.find(filter.clone()).sort(newest_first.clone()).hint(by_activity.clone());
        let found = all::<ConversationDocument>(found.limit(long(limit as u64)).await?).await?;
        with_channels(c, found, channels, limit).await
    };
    let found = find().await?;
    let shown = entries(c, &found, user).await?;
    let moved = moved_on(&found, &shown);
    if moved.is_empty() {
        return Ok(shown);
    }
    // Pages follow each other by what is stored, so that has to be what is shown.
    c.update_many("conversations", moved, durable_document()).await?;
    entries(c, &find().await?, user).await
}

/// The updates of the conversations whose stored activity is behind their log: a node has ended, or a primary was lost,
/// before it was written.
fn moved_on(found: &[StoredConversation], shown: &[InboxEntry]) -> Vec<Document> {
    let pairs = found.iter().zip(shown).map(|(found, shown)| (&found.conversation, &shown.conversation));
    let behind = pairs.filter(|(found, shown)| shown.updated_at > found.updated_at);
    let update = |(_, shown): (_, &Conversation)| {
        doc! { "q": { "_id": oid(shown.id.as_bytes()) }, "u": { "$max": { "updatedAt": date(shown.updated_at) } } }
    };
    behind.map(update).collect()
}

/// What a member gets with each conversation: his own membership, the others as far as he is told of them, the newest
/// message, and how many are unread. In the order of the conversations.
pub(crate) async fn entries(c: &Collections, found: &[StoredConversation], user: UserId) -> Attempt<Vec<InboxEntry>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ConversationId> = found.iter().map(|found| found.conversation.id).collect();
    let (members, tails) = tokio::join!(members_for(c, found, user), messages::tails(c, &ids));
    let (mut members, mut tails) = (members::by_conversation(members?), tails?);
    let mut entries = Vec::new();
    for StoredConversation { conversation, .. } in found {
        let mut conversation = conversation.clone();
        let Tail { last, rev } = tails.remove(&conversation.id).unwrap_or_default();
        let mut others = members.remove(&conversation.id).unwrap_or_default();
        let Some(mut me) = others.iter().position(|member| member.user_id == user).map(|me| others.remove(me)) else {
            match conversation.kind {
                // Who leaves a group does so between two reads; to be read again.
                ConversationKind::Group => return Err(Failure::NoAnswer),
                // Who is in these is known only now.
                ConversationKind::Community | ConversationKind::Channel => continue,
                ConversationKind::Direct => {
                    let reason = format!("conversation {}: has no member {user}", conversation.id);
                    return Err(StoreError::corrupt(reason).into());
                }
            }
        };
        conversation.rev = rev;
        if let Some(last) = &last {
            // Both follow from the log, and what is stored may be behind it.
            conversation.last_seq = last.seq;
            conversation.updated_at = conversation.updated_at.max(last.created_at);
            if last.sender_id == user {
                me.read_seq = last.seq;
            }
        }
        let other = if conversation.kind == ConversationKind::Direct { others.pop() } else { None };
        entries.push(InboxEntry { conversation, me, other, others, last_message: last, unread: Unread::default() });
    }
    let parts: Vec<_> = entries.iter().map(|entry| Part::new(&entry.conversation, &entry.me)).collect();
    let unread = mentions::unread(c, user, &parts).await?;
    for entry in &mut entries {
        entry.unread = unread.get(&entry.conversation.id).copied().unwrap_or_default();
    }
    Ok(entries)
}

/// The memberships that a user gets with these conversations: everyone's where he is told of all, his own in any case.
async fn members_for(c: &Collections, found: &[StoredConversation], user: UserId) -> Attempt<Vec<StoredMember>> {
    let is_told = |found: &&StoredConversation| found.conversation.member_count <= InboxEntry::POSITIONS_TOLD;
    let (told, large): (Vec<_>, Vec<_>) = found.iter().partition(is_told);
    let ids = |found: Vec<&StoredConversation>| -> Vec<_> {
        found.iter().map(|found| oid(found.conversation.id.as_bytes())).collect()
    };
    let order = doc! { "conversation": 1, "user": 1 };
    let mut members = Vec::new();
    if !told.is_empty() {
        let filter = doc! { "conversation": { "$in": ids(told) } };
        members = holds::members(c, &c.newest_members, filter, order.clone()).await?;
    }
    if !large.is_empty() {
        let filter = doc! { "conversation": { "$in": ids(large) }, "user": oid(user.as_bytes()) };
        members.extend(holds::members(c, &c.newest_members, filter, order).await?);
    }
    Ok(members)
}
