//! Mentions, and what members have not read.

use std::collections::{HashMap, HashSet};

use mongodb::bson::{Bson, Document, doc};
use parlor_domain::{
    Conversation, ConversationId, Member, Seq, TieKind, Timestamp, Unread, UnreadTotals, UserId, store::StoreError,
};

use super::{
    database::{Collections, all},
    documents::{MemberDocument, TieDocument, UserDocument, long, oid},
    error::Attempt,
    holds, messages,
};
use crate::mentions::of_member;

/// A conversation and one of its members, whose unread messages are to be counted.
pub(crate) struct Part<'a> {
    id: ConversationId,
    /// What the conversation has come to.
    last: Seq,
    /// Where he has read to.
    read: Seq,
    member: &'a Member,
}

impl<'a> Part<'a> {
    pub(crate) const fn new(conversation: &Conversation, member: &'a Member) -> Self {
        Self { id: conversation.id, last: conversation.last_seq, read: member.read_seq, member }
    }

    /// What lies between the two places.
    fn unread(&self) -> Document {
        doc! {
            "conversation": oid(self.id.as_bytes()),
            "seq": { "$gt": long(self.read.get()), "$lte": long(self.last.get()) },
        }
    }
}

/// What a user has not read of these conversations, each given once. Where that is nothing, the conversation may be left
/// out.
pub(crate) async fn unread(
    c: &Collections,
    user: UserId,
    parts: &[Part<'_>],
) -> Attempt<HashMap<ConversationId, Unread>> {
    let parts: Vec<&Part<'_>> = parts.iter().filter(|part| part.read < part.last).collect();
    if parts.is_empty() {
        return Ok(HashMap::new());
    }
    let (not_counted, mentions) = tokio::join!(not_counted(c, &parts), mentions(c, user, &parts));
    let (not_counted, mentions) = (not_counted?, mentions?);
    let count = |counts: &HashMap<ConversationId, u64>, id| counts.get(&id).copied().unwrap_or(0);
    let unread = |part: &&Part<'_>| {
        let messages = part.last.get().saturating_sub(part.read.get()).saturating_sub(count(&not_counted, part.id));
        (part.id, Unread { messages, mentions: count(&mentions, part.id) })
    };
    Ok(parts.iter().map(unread).collect())
}

/// How many of these messages count as unread for nobody.
async fn not_counted(c: &Collections, parts: &[&Part<'_>]) -> Attempt<HashMap<ConversationId, u64>> {
    let part = |part: &&Part<'_>| {
        let mut filter = part.unread();
        filter.insert("kind", doc! { "$exists": true });
        filter
    };
    let parts: Vec<Document> = parts.iter().map(part).collect();
    let group = doc! { "$group": { "_id": "$conversation", "count": { "$sum": 1_i64 } } };
    let mut found = c.messages.aggregate([doc! { "$match": { "$or": parts } }, group]).await?;
    let mut counts = HashMap::new();
    while found.advance().await? {
        let count = found.current().get_i64("count").map_err(StoreError::corrupt)?;
        counts.insert(messages::conversation_id(found.current())?, u64::try_from(count).unwrap_or(0));
    }
    Ok(counts)
}

/// How many of these messages mention the user, without those of users whom he blocks.
async fn mentions(c: &Collections, user: UserId, parts: &[&Part<'_>]) -> Attempt<HashMap<ConversationId, u64>> {
    let part = |part: &&Part<'_>| {
        let targets: Vec<Bson> = of_member(part.member).map(Bson::from).collect();
        let mut filter = part.unread();
        filter.insert("mentions", doc! { "$exists": true, "$in": targets });
        filter
    };
    let parts: Vec<Document> = parts.iter().map(part).collect();
    let by = doc! { "conversation": "$conversation", "sender": "$sender" };
    let group = doc! { "$group": { "_id": by, "count": { "$sum": 1_i64 } } };
    let mut found = c.messages.aggregate([doc! { "$match": { "$or": parts } }, group]).await?;
    let mut counts = Vec::new();
    while found.advance().await? {
        let by = found.current().get_document("_id").map_err(StoreError::corrupt)?;
        let id = by.get_object_id("conversation").map_err(StoreError::corrupt)?;
        let sender = by.get_object_id("sender").map_err(StoreError::corrupt)?;
        let count = found.current().get_i64("count").map_err(StoreError::corrupt)?;
        let count = u64::try_from(count).unwrap_or(0);
        counts.push((ConversationId::from_bytes(id.bytes()), UserId::from_bytes(sender.bytes()), count));
    }
    let senders: HashSet<UserId> = counts.iter().map(|(_, sender, _)| *sender).collect();
    let blocked = blocked(c, user, &senders).await?;
    let mut by_conversation = HashMap::new();
    for (id, _, count) in counts.into_iter().filter(|(_, sender, _)| !blocked.contains(sender)) {
        *by_conversation.entry(id).or_default() += count;
    }
    Ok(by_conversation)
}

/// Those of these users whom a user blocks.
async fn blocked(c: &Collections, user: UserId, others: &HashSet<UserId>) -> Attempt<HashSet<UserId>> {
    if others.is_empty() {
        return Ok(HashSet::new());
    }
    let others: Vec<_> = others.iter().map(|other| oid(other.as_bytes())).collect();
    let filter = doc! { "user": oid(user.as_bytes()), "other": { "$in": others } };
    let ties = all::<TieDocument>(c.ties.find(filter).await?).await?;
    Ok(ties.into_iter().filter(|tie| tie.kind == TieKind::Block).map(|tie| tie.other).collect())
}

/// What a user has not read in all his conversations.
pub(crate) async fn totals(c: &Collections, user: UserId, now: Timestamp) -> Attempt<UnreadTotals> {
    /// How many conversations are asked about at a time.
    const AT_ONCE: usize = 1000;
    let order = doc! { "user": 1, "conversation": 1 };
    let memberships = holds::members(c, &c.newest_members, doc! { "user": oid(user.as_bytes()) }, order).await?;
    let mut totals = UnreadTotals::default();
    for memberships in memberships.chunks(AT_ONCE) {
        let ids: Vec<ConversationId> = memberships.iter().map(|membership| membership.conversation).collect();
        let places = messages::last_places(c, &ids).await?;
        let mut parts = Vec::new();
        for membership in memberships {
            let Some((last, sender)) = places.get(&membership.conversation).copied() else { continue };
            // What is stored may be behind the log.
            let read = if sender == user { last } else { membership.member.read_seq };
            parts.push(Part { id: membership.conversation, last, read, member: &membership.member });
        }
        let unread = unread(c, user, &parts).await?;
        for part in &parts {
            let unread = unread.get(&part.id).copied().unwrap_or_default();
            totals.add(&part.member.settings, part.last, unread, now);
        }
    }
    Ok(totals)
}

/// The members of a conversation who have one of these names.
pub(crate) async fn named_members(
    c: &Collections,
    id: ConversationId,
    names: &[String],
) -> Attempt<HashMap<String, UserId>> {
    let named =
        all::<UserDocument>(c.users.find(doc! { "usernameKey": { "$in": names }, "deletedAt": null }).await?).await?;
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = named.iter().map(|user| oid(user.id.as_bytes())).collect();
    let filter = doc! { "conversation": oid(id.as_bytes()), "user": { "$in": ids } };
    let members = all::<MemberDocument>(c.newest_members.find(filter).await?).await?;
    let members: HashSet<UserId> = members.into_iter().map(|found| found.member.user_id).collect();
    let is_in = named.into_iter().filter(|user| members.contains(&user.id));
    Ok(is_in.map(|user| (user.username.key(), user.id)).collect())
}
