//! From which revision on changes are held back from a busy user.
//!
//! That is the present revision of each conversation when the user becomes busy, so of every message it must be plain
//! whether it came before or after. But messages are appended outside of the transaction that sets the status. So the
//! transaction only makes a mark; then the newest revision is read and put in its place, unless somebody else has done
//! it. Who has appended a message looks at the recipient's mark afterwards:
//! - there is none: the message was stored before the mark was made, and so before the revision is read;
//! - it is not settled: he settles it himself, at the message or beyond;
//! - it is settled: the revision says it.
//!
//! A mark is the negative revision of the status in the user's own stream. No two are equal, so who is late with a
//! revision does not settle the mark of another time. All of it is read as no failover takes it back.

use std::collections::HashMap;

use mongodb::{
    ClientSession, Collection,
    bson::{Document, RawDocumentBuf, doc},
};
use parlor_domain::{ConversationId, Rev, UserId};

use super::{
    database::{Collections, all, durable_document},
    documents::{MemberDocument, StoredMember, long, oid},
    error::{Attempt, Failure},
    messages,
};

/// How many conversations are asked about at a time.
const AT_ONCE: usize = 1000;
/// How often somebody may become busy anew while his marks are being settled.
const TURNS: usize = 5;

/// Marks all that a user is in, for the status that has this revision.
pub(crate) async fn mark(c: &Collections, session: &mut ClientSession, user: UserId, status: Rev) -> Attempt<()> {
    let unmarked = doc! { "user": oid(user.as_bytes()), "heldFrom": null };
    let mark = doc! { "$set": { "heldFrom": -long(status.get()) } };
    c.members.update_many(unmarked, mark).session(session).await?;
    Ok(())
}

/// Takes all marks of a user away.
pub(crate) async fn unmark(c: &Collections, session: &mut ClientSession, user: UserId) -> Attempt<()> {
    let marked = doc! { "user": oid(user.as_bytes()), "heldFrom": { "$ne": null } };
    c.members.update_many(marked, doc! { "$unset": { "heldFrom": "" } }).session(session).await?;
    Ok(())
}

/// Settles every mark of a user.
pub(crate) async fn settle_all(c: &Collections, user: UserId) -> Attempt<()> {
    let unsettled = doc! { "user": oid(user.as_bytes()), "heldFrom": { "$lt": 0_i64 } };
    let found = all::<MemberDocument>(c.members.find(unsettled).await?).await?;
    settle(c, &found).await
}

/// Puts the newest revision in the place of each mark that is not settled, and has not been meanwhile.
async fn settle(c: &Collections, members: &[StoredMember]) -> Attempt<()> {
    for members in members.chunks(AT_ONCE) {
        let ids: Vec<ConversationId> = members.iter().map(|member| member.conversation).collect();
        let revs = messages::revs(c, &ids).await?;
        let settle = |member: &StoredMember| {
            let mark = member.unsettled?;
            let rev = revs.get(&member.conversation).copied().unwrap_or_default();
            let (conversation, user) = (member.conversation.as_bytes(), member.member.user_id.as_bytes());
            Some(doc! {
                "q": { "conversation": oid(conversation), "user": oid(user), "heldFrom": mark },
                "u": { "$set": { "heldFrom": long(rev.get()) } },
            })
        };
        c.update_many("members", members.iter().filter_map(settle).collect(), durable_document()).await?;
    }
    Ok(())
}

/// The members that a filter finds in this view of the members, with every mark settled.
pub(crate) async fn members(
    c: &Collections,
    view: &Collection<RawDocumentBuf>,
    filter: Document,
    sort: Document,
) -> Attempt<Vec<StoredMember>> {
    some_members(c, view, (filter, sort), None).await
}

/// The first so many of them.
pub(crate) async fn some_members(
    c: &Collections,
    view: &Collection<RawDocumentBuf>,
    (filter, sort): (Document, Document),
    limit: Option<usize>,
) -> Attempt<Vec<StoredMember>> {
    // No limit is what the database takes zero for.
    let limit = limit.map_or(0, |limit| long(limit as u64));
    for _ in 0..TURNS {
        let found = view.find(filter.clone()).sort(sort.clone()).limit(limit).await?;
        let found = all::<MemberDocument>(found).await?;
        let unsettled: Vec<StoredMember> = found.iter().filter(|member| member.unsettled.is_some()).cloned().collect();
        if unsettled.is_empty() {
            return Ok(found);
        }
        settle(c, &unsettled).await?;
    }
    Err(Failure::NoAnswer)
}

/// From where on each of these users has changes of that conversation held back; who has none is not there.
pub(crate) async fn held_from(
    c: &Collections,
    recipients: &[(ConversationId, UserId)],
) -> Attempt<HashMap<(ConversationId, UserId), Rev>> {
    if recipients.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<_> = recipients.iter().map(|(conversation, _)| oid(conversation.as_bytes())).collect();
    let users: Vec<_> = recipients.iter().map(|(_, user)| oid(user.as_bytes())).collect();
    // The index of these alone has few entries, mostly none.
    let filter = doc! { "conversation": { "$in": ids }, "user": { "$in": users }, "heldFrom": { "$exists": true } };
    let found = members(c, &c.members, filter, doc! { "conversation": 1, "user": 1 }).await?;
    let held = found.into_iter();
    Ok(held.filter_map(|m| Some(((m.conversation, m.member.user_id), m.member.held_from?))).collect())
}
