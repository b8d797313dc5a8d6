//! Who is in conversations.

use std::collections::HashMap;

use mongodb::bson::{doc, oid::ObjectId};
use parlor_domain::{ConversationId, Member, UserId, store::InboxEntry};

use super::{
    database::{Collections, all},
    documents::{ConversationDocument, StoredMember, oid},
    error::Attempt,
    holds,
};

/// Members with the conversations that they are in.
pub(crate) fn by_conversation(members: Vec<StoredMember>) -> HashMap<ConversationId, Vec<Member>> {
    let mut grouped: HashMap<ConversationId, Vec<Member>> = HashMap::new();
    for StoredMember { conversation, member, .. } in members {
        grouped.entry(conversation).or_default().push(member);
    }
    grouped
}

/// Who is in each of these conversations, in the order of the users' ids.
pub(crate) async fn members(c: &Collections, ids: &[ConversationId]) -> Attempt<HashMap<ConversationId, Vec<Member>>> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let filter = doc! { "conversation": { "$in": ids } };
    let found = holds::members(c, &c.newest_members, filter, doc! { "conversation": 1, "user": 1 }).await?;
    Ok(by_conversation(found))
}

/// The same of those whose members are told each other's positions.
pub(crate) async fn told_members(
    c: &Collections,
    ids: &[ConversationId],
) -> Attempt<HashMap<ConversationId, Vec<Member>>> {
    const TOLD: usize = InboxEntry::POSITIONS_TOLD as usize;
    // As many as there can be if all of them are small, so that a large one does not cost more.
    let limit = ids.len() * (TOLD + 1);
    let oids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let filter = doc! { "conversation": { "$in": oids.clone() } };
    let order = doc! { "conversation": 1, "user": 1 };
    let found = holds::some_members(c, &c.newest_members, (filter, order), Some(limit)).await?;
    let mut found =
        if found.len() < limit { by_conversation(found) } else { members(c, &small(c, oids).await?).await? };
    found.retain(|_, members| members.len() <= TOLD);
    Ok(found)
}

/// Those of these conversations that have few members.
async fn small(c: &Collections, ids: Vec<ObjectId>) -> Attempt<Vec<ConversationId>> {
    let one_too_many = format!("members.{}", InboxEntry::POSITIONS_TOLD);
    let told = i64::from(InboxEntry::POSITIONS_TOLD);
    let few = doc! { "$not": { "$gt": told } };
    let small = doc! { "_id": { "$in": ids }, one_too_many: { "$exists": false }, "memberCount": few };
    let found = all::<ConversationDocument>(c.conversations.find(small).await?).await?;
    Ok(found.into_iter().map(|found| found.conversation.id).collect())
}

/// A user as a member of a conversation.
pub(crate) async fn member(c: &Collections, id: ConversationId, user: UserId) -> Attempt<Option<Member>> {
    let filter = doc! { "conversation": oid(id.as_bytes()), "user": oid(user.as_bytes()) };
    let found = holds::members(c, &c.members, filter, doc! { "conversation": 1, "user": 1 }).await?;
    Ok(found.into_iter().next().map(|found| found.member))
}
