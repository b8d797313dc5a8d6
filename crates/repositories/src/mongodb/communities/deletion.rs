//! What becomes of communities and channels that are deleted.

use mongodb::{ClientSession, bson::doc};
use parlor_domain::{
    CommunityRefusal, ConversationId, ConversationKind, MemberRole, Timestamp, UserId,
    store::{Move, StoreError},
};

use super::{
    super::{
        database::{Collections, all},
        documents::{ConversationDocument, MemberDocument, date, long, oid},
        error::Attempt,
        groups::all_in,
    },
    channels_of, find, moving, role_of,
};

pub(super) async fn delete(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    actor: UserId,
    now: Timestamp,
) -> Attempt<Result<Vec<ConversationId>, CommunityRefusal>> {
    let role = match find(c, session, id, ConversationKind::Community).await? {
        Some(_) => role_of(c, session, id, actor).await?,
        None => None,
    };
    match role {
        None => return Ok(Err(CommunityRefusal::NotFound)),
        Some(MemberRole::Owner) => {}
        Some(MemberRole::Admin | MemberRole::Member) => return Ok(Err(CommunityRefusal::NotPermitted)),
    }
    let channels = all_in::<ConversationDocument>(&c.conversations, session, channels_of(id)).await?;
    let mut ids = vec![id];
    ids.extend(channels.into_iter().map(|found| found.conversation.id));
    let these: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let update = doc! { "$set": { "deletedAt": date(now) }, "$unset": { "nameKey": "" } };
    c.conversations.update_many(doc! { "_id": { "$in": these } }, update).session(session).await?;
    Ok(Ok(ids))
}

pub(super) async fn expel(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    limit: usize,
) -> Attempt<Vec<Move>> {
    let deleted = doc! { "_id": oid(id.as_bytes()), "deletedAt": { "$exists": true } };
    // No limit is what the database takes zero for.
    if limit == 0 || c.conversations.find_one(deleted).session(&mut *session).await?.is_none() {
        return Ok(Vec::new());
    }
    let here = c.members.find(doc! { "conversation": oid(id.as_bytes()) }).limit(long(limit as u64));
    let mut here = here.session(&mut *session).await?;
    let mut places = Vec::new();
    while here.advance(&mut *session).await? {
        let member = super::super::documents::decode::<MemberDocument>(here.current())?;
        places.push((id, member.member.user_id));
    }
    moving::go(c, session, &places).await
}

pub(super) async fn deleted(c: &Collections, limit: usize) -> Attempt<Vec<ConversationId>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = c.conversations.find(doc! { "deletedAt": { "$exists": true } }).sort(doc! { "deletedAt": 1 });
    let found = all::<ConversationDocument>(found.limit(long(limit as u64)).await?).await?;
    Ok(found.into_iter().map(|found| found.conversation.id).collect())
}

pub(super) async fn erase(
    c: &Collections,
    id: ConversationId,
    deleted_before: Timestamp,
    limit: usize,
) -> Attempt<usize> {
    let deleted = doc! { "_id": oid(id.as_bytes()), "deletedAt": { "$exists": true } };
    let here = doc! { "conversation": oid(id.as_bytes()) };
    if limit == 0
        || c.conversations.find_one(deleted).await?.is_none()
        || c.members.find_one(here.clone()).await?.is_some()
    {
        return Ok(0);
    }
    let mut found = c
        .messages
        .find(here.clone())
        .sort(doc! { "seq": 1 })
        .projection(doc! { "_id": 1 })
        .limit(long(limit as u64))
        .await?;
    let mut ids = Vec::new();
    while found.advance().await? {
        ids.push(found.current().get_object_id("_id").map_err(StoreError::corrupt)?);
    }
    let count = ids.len();
    if count == 0 {
        // What was entered into the index while its message went.
        c.searches.delete_many(here).await?;
        c.search_positions.delete_one(doc! { "_id": oid(id.as_bytes()) }).await?;
        let old = doc! { "_id": oid(id.as_bytes()), "deletedAt": { "$lt": date(deleted_before) } };
        c.conversations.delete_one(old).await?;
        return Ok(0);
    }
    let about = doc! { "message": { "$in": &ids } };
    c.versions.delete_many(about.clone()).await?;
    c.reactions.delete_many(about).await?;
    c.searches.delete_many(doc! { "_id": { "$in": &ids } }).await?;
    c.messages.delete_many(doc! { "_id": { "$in": ids } }).await?;
    Ok(count)
}
