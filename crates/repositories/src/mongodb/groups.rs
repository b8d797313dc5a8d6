//! Groups and who is in them.
//!
//! A change of a group is a transaction that adds its messages to the log, as the [appender](super::appender) does it:
//! behind the end, and if the place is taken meanwhile, again. In a busy group that would be refused for ever, so after
//! some refusals this node's appender leaves the group alone until the change is made.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, RawDocumentBuf, doc},
};
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Fingerprint, GroupChange, GroupPlan, GroupRefusal, Member, Message,
    NewGroup, Rev, Seq, Timestamp, User, UserId, UserTopic,
    store::{GroupChanged, GroupOutcome, GroupStore, MembersPage, StoreError, StoreResult},
};

use super::{
    database::{Collections, Database, all, one},
    documents::{
        ConversationDocument, MemberDocument, MessageDocument, Stored, StoredConversation, UserDocument, date, decode,
        encode, long, oid,
    },
    error::Attempt,
    users::{by_id, record},
};

#[async_trait]
impl GroupStore for Database {
    async fn create(&self, new: &NewGroup) -> StoreResult<GroupOutcome> {
        let users: Vec<UserId> = new.all().map(|member| member.user_id).collect();
        self.change_in((new.id, &users), new.clone(), |c, new, session| create(c, session, new).boxed()).await
    }

    async fn change(&self, change: &GroupChange) -> StoreResult<GroupOutcome> {
        let at = (change.conversation, change.action.concerned());
        let outcome =
            self.change_in(at, change.clone(), |c, change, session| self::change(c, session, change).boxed()).await;
        let changed = match &outcome {
            Ok(GroupOutcome::Changed(changed)) => !changed.messages.is_empty(),
            Ok(GroupOutcome::Refused(_)) => false,
            // Nobody knows what became of it.
            Err(_) => true,
        };
        if changed {
            self.appender.forget_conversation(change.conversation);
        }
        outcome
    }

    async fn members(&self, page: &MembersPage) -> StoreResult<Vec<Member>> {
        self.read(*page, |c, page| members(c, *page).boxed()).await
    }

    async fn share_group(&self, user: UserId, other: UserId) -> StoreResult<bool> {
        self.read((user, other), |c, (user, other)| share_group(c, *user, *other).boxed()).await
    }

    async fn of(&self, user: UserId) -> StoreResult<Vec<ConversationId>> {
        self.read(user, |c, user| {
            async move {
                let groups = doc! { "members": oid(user.as_bytes()), "kind": ConversationKind::Group.name() };
                let found = all::<ConversationDocument>(c.conversations.find(groups).await?).await?;
                Ok(found.into_iter().map(|found| found.conversation.id).collect())
            }
            .boxed()
        })
        .await
    }
}

async fn share_group(c: &Collections, user: UserId, other: UserId) -> Attempt<bool> {
    let mine = doc! { "user": oid(user.as_bytes()), "role": { "$exists": true } };
    let mut found = c.newest_members.find(mine).projection(doc! { "_id": 0, "conversation": 1 }).await?;
    let mut groups = Vec::new();
    while found.advance().await? {
        groups.push(found.current().get_object_id("conversation").map_err(StoreError::corrupt)?);
    }
    if groups.is_empty() {
        return Ok(false);
    }
    let theirs = doc! { "conversation": { "$in": groups }, "user": oid(other.as_bytes()) };
    Ok(c.newest_members.find_one(theirs).await?.is_some())
}

async fn members(c: &Collections, page: MembersPage) -> Attempt<Vec<Member>> {
    // No limit is what the database takes zero for.
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = doc! { "conversation": oid(page.conversation.as_bytes()) };
    if let Some(after) = page.after {
        filter.insert("user", doc! { "$gt": oid(after.as_bytes()) });
    }
    let order = doc! { "conversation": 1, "user": 1 };
    let found = c.newest_members.find(filter).sort(order).limit(long(page.limit as u64)).await?;
    Ok(all::<MemberDocument>(found).await?.into_iter().map(|found| found.member).collect())
}

fn refused(refusal: GroupRefusal) -> Attempt<GroupOutcome> {
    Ok(GroupOutcome::Refused(refusal))
}

/// Everything that a query finds, within a transaction.
pub(crate) async fn all_in<D: Stored>(
    collection: &mongodb::Collection<RawDocumentBuf>,
    session: &mut ClientSession,
    filter: Document,
) -> Attempt<Vec<D::Value>> {
    let mut found = collection.find(filter).session(&mut *session).await?;
    let mut items = Vec::new();
    while found.advance(session).await? {
        items.push(decode::<D>(found.current())?);
    }
    Ok(items)
}

/// These accounts, and those of the ids that there is none of, or a deleted one.
pub(crate) async fn accounts(
    c: &Collections,
    session: &mut ClientSession,
    ids: &[UserId],
) -> Attempt<(HashMap<UserId, User>, Vec<UserId>)> {
    let oids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let found = all_in::<UserDocument>(&c.users, session, doc! { "_id": { "$in": oids } }).await?;
    let found: HashMap<UserId, User> = found.into_iter().map(|user| (user.id, user)).collect();
    let is_there = |id: &UserId| found.get(id).is_some_and(|user| user.deleted_at.is_none());
    let unknown = ids.iter().copied().filter(|id| !is_there(id)).collect();
    Ok((found, unknown))
}

async fn create(c: &Collections, session: &mut ClientSession, new: &NewGroup) -> Attempt<GroupOutcome> {
    let members: Vec<Member> = new.all().collect();
    let ids: Vec<UserId> = members.iter().map(|member| member.user_id).collect();
    let (accounts, unknown) = accounts(c, session, &ids).await?;
    if !unknown.is_empty() {
        return refused(GroupRefusal::UnknownUsers(unknown));
    }
    let messages = vec![new.note()];
    note(c, session, &messages).await?;
    let members_ids = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let document = ConversationDocument { members: members_ids, ..ConversationDocument::new(&new.conversation()) };
    c.conversations.insert_one(encode(&document)?).session(&mut *session).await?;
    join(c, session, new.id, (members, &accounts), new.now).await?;
    read(c, session, &messages).await?;
    let joined = record_all(c, session, new.id, &ids).await?;
    let conversation = after(new.conversation(), &messages);
    Ok(GroupOutcome::Changed(Box::new(GroupChanged { conversation, messages, joined, left: Vec::new() })))
}

async fn change(c: &Collections, session: &mut ClientSession, change: &GroupChange) -> Attempt<GroupOutcome> {
    let id = change.conversation;
    let group = doc! { "_id": oid(id.as_bytes()), "kind": ConversationKind::Group.name() };
    let found = c.conversations.find_one(group).session(&mut *session).await?;
    let Some(StoredConversation { conversation: mut before, .. }) = one::<ConversationDocument>(found)? else {
        // Of another kind, or none at all.
        let member = doc! { "conversation": oid(id.as_bytes()), "user": oid(change.actor.as_bytes()) };
        let is_in = c.members.find_one(member).session(&mut *session).await?.is_some();
        return refused(if is_in { GroupRefusal::NotAGroup } else { GroupRefusal::NotAMember });
    };
    let here = doc! { "conversation": oid(id.as_bytes()) };
    let members: Vec<Member> = {
        let found = all_in::<MemberDocument>(&c.members, session, here).await?;
        found.into_iter().map(|found| found.member).collect()
    };
    let plan = match change.plan(&before, &members) {
        Ok(plan) => plan,
        Err(refusal) => return refused(refusal),
    };
    let (accounts, unknown) = accounts(c, session, &plan.joins).await?;
    if !unknown.is_empty() {
        return refused(GroupRefusal::UnknownUsers(unknown));
    }
    (before.last_seq, before.rev) = end(c, session, id).await?;
    let messages = change.notes(plan.events.clone(), (before.last_seq, before.rev));
    let (joined, left) = write(c, session, change, &before, (&plan, &messages, &accounts)).await?;
    let conversation = after(planned(before, plan), &messages);
    Ok(GroupOutcome::Changed(Box::new(GroupChanged { conversation, messages, joined, left })))
}

/// A user, and the revision that a change took in his own stream.
type Recorded = (UserId, Rev);

/// Writes what is planned. Gives who has come and who has gone.
async fn write(
    c: &Collections,
    session: &mut ClientSession,
    change: &GroupChange,
    before: &Conversation,
    (plan, messages, accounts): (&GroupPlan, &[Message], &HashMap<UserId, User>),
) -> Attempt<(Vec<Recorded>, Vec<Recorded>)> {
    if messages.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let id = change.conversation;
    // First, as that is what may be refused.
    note(c, session, messages).await?;
    let newcomers = plan.joins.iter().map(|user| change.newcomer(*user, (before.last_seq, before.rev))).collect();
    join(c, session, id, (newcomers, accounts), change.now).await?;
    for (user, role) in &plan.roles {
        let member = doc! { "conversation": oid(id.as_bytes()), "user": oid(user.as_bytes()) };
        c.members.update_one(member, doc! { "$set": { "role": role.name() } }).session(&mut *session).await?;
    }
    if let Some(user) = plan.leaves {
        let member = doc! { "conversation": oid(id.as_bytes()), "user": oid(user.as_bytes()) };
        c.members.delete_one(member).session(&mut *session).await?;
        // What he is told of the group from now on is that he is gone.
        let topics = doc! {
            "user": oid(user.as_bytes()),
            "topic": { "$in": ["settings", "read"] },
            "subject": oid(id.as_bytes()),
        };
        c.user_stream.delete_many(topics).session(&mut *session).await?;
    }
    let update = update_of(plan, change.now);
    c.conversations.update_one(doc! { "_id": oid(id.as_bytes()) }, update).session(&mut *session).await?;
    read(c, session, messages).await?;
    let joined = record_all(c, session, id, &plan.joins).await?;
    let left = record_all(c, session, id, plan.leaves.as_slice()).await?;
    Ok((joined, left))
}

/// What a plan makes of a group's document.
fn update_of(plan: &GroupPlan, now: Timestamp) -> Document {
    let (mut set, mut unset) = (Document::new(), Document::new());
    if let Some(name) = &plan.name {
        set.insert("name", name.as_str());
    }
    match &plan.description {
        Some(Some(description)) => drop(set.insert("description", description.as_str())),
        Some(None) => drop(unset.insert("description", "")),
        None => {}
    }
    match plan.read_receipts {
        Some(true) => drop(unset.insert("noReceipts", "")),
        Some(false) => drop(set.insert("noReceipts", true)),
        None => {}
    }
    let mut update = doc! { "$max": { "updatedAt": date(now) } };
    if !set.is_empty() {
        update.insert("$set", set);
    }
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    if !plan.joins.is_empty() {
        let joins: Vec<_> = plan.joins.iter().map(|user| oid(user.as_bytes())).collect();
        update.insert("$addToSet", doc! { "members": { "$each": joins } });
    }
    if let Some(user) = plan.leaves {
        update.insert("$pull", doc! { "members": oid(user.as_bytes()) });
    }
    update
}

/// The group as a plan leaves it.
fn planned(before: Conversation, plan: GroupPlan) -> Conversation {
    let joined = u32::try_from(plan.joins.len()).unwrap_or(u32::MAX);
    Conversation {
        name: plan.name.or(before.name),
        description: plan.description.unwrap_or(before.description),
        read_receipts: plan.read_receipts.unwrap_or(before.read_receipts),
        member_count: (before.member_count + joined).saturating_sub(plan.leaves.is_some().into()),
        ..before
    }
}

/// The group as its newest messages leave it.
pub(crate) fn after(before: Conversation, messages: &[Message]) -> Conversation {
    let Some(last) = messages.last() else { return before };
    let updated_at = before.updated_at.max(last.created_at);
    Conversation { last_seq: last.seq, rev: last.rev, updated_at, ..before }
}

/// Where a group's log ends.
pub(crate) async fn end(c: &Collections, session: &mut ClientSession, id: ConversationId) -> Attempt<(Seq, Rev)> {
    let mut newest = async |field: &str| -> Attempt<u64> {
        let here = c.messages.find_one(doc! { "conversation": oid(id.as_bytes()) });
        let found = here.sort(doc! { field: -1 }).projection(doc! { "_id": 0, field: 1 }).session(&mut *session);
        let Some(found) = found.await? else { return Ok(0) };
        let number = found.get_i64(field).map_err(StoreError::corrupt)?;
        Ok(u64::try_from(number).map_err(StoreError::corrupt)?)
    };
    Ok((Seq::new(newest("seq").await?), Rev::new(newest("rev").await?)))
}

/// Adds the messages that tell of a change.
pub(crate) async fn note(c: &Collections, session: &mut ClientSession, messages: &[Message]) -> Attempt<()> {
    let document = |message| encode(&MessageDocument::new(message, Fingerprint::NONE));
    let documents = messages.iter().map(document).collect::<StoreResult<Vec<_>>>()?;
    c.messages.insert_many(documents).ordered(true).session(session).await?;
    Ok(())
}

/// Who has made a change has read what tells of it.
pub(crate) async fn read(c: &Collections, session: &mut ClientSession, messages: &[Message]) -> Attempt<()> {
    let Some(last) = messages.last() else { return Ok(()) };
    let (conversation, sender) = (oid(last.conversation_id.as_bytes()), oid(last.sender_id.as_bytes()));
    let read = doc! { "$max": { "readSeq": long(last.seq.get()) } };
    c.members.update_one(doc! { "conversation": conversation, "user": sender }, read).session(session).await?;
    Ok(())
}

/// Adds members who come now; what comes to those who are busy is held back from then on.
async fn join(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    (newcomers, accounts): (Vec<Member>, &HashMap<UserId, User>),
    now: Timestamp,
) -> Attempt<()> {
    if newcomers.is_empty() {
        return Ok(());
    }
    let document = |mut member: Member| {
        let holds = accounts.get(&member.user_id).is_some_and(|user| user.status.holds(now));
        member.held_from = holds.then_some(member.joined_rev);
        encode(&MemberDocument::new(id, &member))
    };
    let documents = newcomers.into_iter().map(document).collect::<StoreResult<Vec<_>>>()?;
    c.members.insert_many(documents).session(session).await?;
    Ok(())
}

/// Takes the next revision of each of these users' own streams for the group.
async fn record_all(
    c: &Collections,
    session: &mut ClientSession,
    id: ConversationId,
    users: &[UserId],
) -> Attempt<Vec<Recorded>> {
    let mut recorded = Vec::with_capacity(users.len());
    for user in users {
        let account = record(c, session, by_id(*user), UserTopic::Conversation(id), Document::new()).await?;
        recorded.extend(account.map(|account| (*user, account.rev)));
    }
    Ok(recorded)
}
