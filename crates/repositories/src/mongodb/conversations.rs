//! Conversations, their members, and the users' own streams.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Document, doc},
    options::ReturnDocument,
};
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Member, ReceiptKind, Rev, Seq, UserId, UserTopic,
    store::{
        ConversationStore, Head, Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome,
        StoreError, StoreResult, UserLogPage,
    },
};

use super::{
    database::{Collections, Database, all, durable_document, one},
    documents::{
        ConversationDocument, MemberDocument, StoredConversation, StoredMember, UserChangeDocument, UserDocument, date,
        encode, long, oid,
    },
    error::Attempt,
    holds,
    messages::{self, Tail},
    users::{by_id, record},
};

#[async_trait]
impl ConversationStore for Database {
    async fn open_direct(&self, new: &NewDirect) -> StoreResult<OpenedDirect> {
        let found = self.read(*new, |c, new| by_pair(c, new.opener, new.other).boxed()).await?;
        if let Some(id) = found {
            return Ok(OpenedDirect { id, created: None });
        }
        self.change(*new, |c, new, session| open_direct(c, session, new).boxed()).await
    }

    async fn find(&self, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>> {
        Ok(self.find_many(&[id], user).await?.pop())
    }

    async fn find_many(&self, ids: &[ConversationId], user: UserId) -> StoreResult<Vec<InboxEntry>> {
        self.appender.settled_for(ids).await;
        self.read((ids.to_vec(), user), |c, (ids, user)| {
            async move {
                let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
                let filter = doc! { "_id": { "$in": ids }, "members": oid(user.as_bytes()) };
                let found = all::<ConversationDocument>(c.newest_conversations.find(filter).await?).await?;
                entries(c, &found, *user).await
            }
            .boxed()
        })
        .await
    }

    async fn inbox(&self, page: &Inbox) -> StoreResult<Vec<InboxEntry>> {
        self.appender.settled().await;
        self.read(*page, |c, page| inbox(c, page).boxed()).await
    }

    async fn heads(&self, user: UserId) -> StoreResult<Vec<Head>> {
        Ok(self.heads.get(self, user).await?.unwrap_or_default())
    }

    async fn members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        Ok(self.members.get(self, id).await?.unwrap_or_default())
    }

    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
        let Some(entry) = ConversationStore::find(self, advance.conversation, advance.user).await? else {
            return Ok(ReceiptOutcome::NotAMember);
        };
        if advance.seq > entry.conversation.last_seq {
            return Ok(ReceiptOutcome::Beyond(entry.conversation.last_seq));
        }
        if moved(&entry.me, advance) == entry.me {
            let InboxEntry { me: member, conversation, .. } = entry;
            return Ok(ReceiptOutcome::Advanced { member, conversation, own_rev: None, shown: false });
        }
        self.change((*advance, entry), |c, (advance, entry), session| {
            advance_receipt(c, session, advance, entry).boxed()
        })
        .await
    }

    async fn user_changes(&self, user: UserId, after: Rev, limit: usize) -> StoreResult<UserLogPage> {
        self.read((user, after, limit), |c, (user, after, limit)| user_changes(c, *user, *after, *limit).boxed()).await
    }
}

/// The same for both orders of the two.
pub(crate) fn direct_key(a: UserId, b: UserId) -> String {
    format!("{}:{}", a.min(b), a.max(b))
}

async fn by_pair(c: &Collections, a: UserId, b: UserId) -> Attempt<Option<ConversationId>> {
    let found = c.conversations.find_one(doc! { "directKey": direct_key(a, b) }).await?;
    Ok(one::<ConversationDocument>(found)?.map(|found| found.conversation.id))
}

async fn open_direct(c: &Collections, session: &mut ClientSession, new: &NewDirect) -> Attempt<OpenedDirect> {
    let key = direct_key(new.opener, new.other);
    let found = c.conversations.find_one(doc! { "directKey": &key }).session(&mut *session).await?;
    if let Some(found) = one::<ConversationDocument>(found)? {
        return Ok(OpenedDirect { id: found.conversation.id, created: None });
    }
    let document = ConversationDocument {
        id: oid(new.id.as_bytes()),
        kind: ConversationKind::Direct.name().to_owned(),
        members: vec![oid(new.opener.as_bytes()), oid(new.other.as_bytes())],
        direct_key: Some(key),
        created_at: date(new.now),
        updated_at: date(new.now),
    };
    c.conversations.insert_one(encode(&document)?).session(&mut *session).await?;
    let opener = join(c, session, new, new.opener).await?;
    let other = join(c, session, new, new.other).await?;
    Ok(OpenedDirect { id: new.id, created: Some([opener, other]) })
}

/// Adds a member; what comes to one who is busy is held back from the beginning.
async fn join(c: &Collections, session: &mut ClientSession, new: &NewDirect, user: UserId) -> Attempt<(UserId, Rev)> {
    let topic = UserTopic::Conversation(new.id);
    let Some(account) = record(c, session, by_id(user), topic, Document::new()).await? else {
        return Err(StoreError::unavailable(format!("user {user} is gone")).into());
    };
    let member = Member {
        user_id: user,
        joined_at: new.now,
        read_seq: Seq::ZERO,
        read_receipt_seq: Seq::ZERO,
        delivered_seq: Seq::ZERO,
        held_from: account.status.holds(new.now).then_some(Rev::ZERO),
    };
    c.members.insert_one(encode(&MemberDocument::new(new.id, &member))?).session(session).await?;
    Ok((user, account.rev))
}

async fn inbox(c: &Collections, page: &Inbox) -> Attempt<Vec<InboxEntry>> {
    if page.limit == 0 {
        return Ok(Vec::new());
    }
    let mut filter = doc! { "members": oid(page.user.as_bytes()) };
    if let Some((time, id)) = page.after {
        filter.insert("updatedAt", doc! { "$lte": date(time) });
        let behind = doc! { "_id": { "$lt": oid(id.as_bytes()) } };
        filter.insert("$or", [doc! { "updatedAt": { "$lt": date(time) } }, behind]);
    }
    let newest_first = doc! { "updatedAt": -1, "_id": -1 };
    let find = async || {
        let found = c.newest_conversations.find(filter.clone()).sort(newest_first.clone());
        all::<ConversationDocument>(found.limit(long(page.limit as u64)).await?).await
    };
    let found = find().await?;
    let shown = entries(c, &found, page.user).await?;
    let moved = moved_on(&found, &shown);
    if moved.is_empty() {
        return Ok(shown);
    }
    // Pages follow each other by what is stored, so that has to be what is shown.
    c.update_many("conversations", moved, durable_document()).await?;
    entries(c, &find().await?, page.user).await
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

/// What a member gets with each conversation: his own membership, the other one of a direct conversation, and the newest
/// message. In the order of the conversations.
async fn entries(c: &Collections, found: &[StoredConversation], user: UserId) -> Attempt<Vec<InboxEntry>> {
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<ConversationId> = found.iter().map(|found| found.conversation.id).collect();
    let conversations: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let filter = doc! { "conversation": { "$in": conversations } };
    let members = holds::members(c, &c.newest_members, filter, doc! { "conversation": 1, "user": 1 });
    let (members, tails) = tokio::join!(members, messages::tails(c, &ids));
    let (mut members, mut tails) = (by_conversation(members?), tails?);
    let mut entries = Vec::new();
    for StoredConversation { conversation, .. } in found {
        let mut conversation = conversation.clone();
        let Tail { last, rev } = tails.remove(&conversation.id).unwrap_or_default();
        let mut here = members.remove(&conversation.id).unwrap_or_default().into_iter();
        let Some(mut me) = here.clone().find(|member| member.user_id == user) else {
            return Err(StoreError::corrupt(format!("conversation {}: has no member {user}", conversation.id)).into());
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
        let other = match conversation.kind {
            ConversationKind::Direct => here.find(|member| member.user_id != user),
        };
        entries.push(InboxEntry { conversation, me, other, last_message: last });
    }
    Ok(entries)
}

fn by_conversation(members: Vec<StoredMember>) -> HashMap<ConversationId, Vec<Member>> {
    let mut grouped: HashMap<ConversationId, Vec<Member>> = HashMap::new();
    for StoredMember { conversation, member, .. } in members {
        grouped.entry(conversation).or_default().push(member);
    }
    grouped
}

/// Where the conversations of each of these users are.
pub(crate) async fn heads(c: &Collections, users: &[UserId]) -> Attempt<HashMap<UserId, Vec<Head>>> {
    /// How many conversations are asked about at a time.
    const AT_ONCE: usize = 1000;
    let ids: Vec<_> = users.iter().map(|user| oid(user.as_bytes())).collect();
    let order = doc! { "user": 1, "conversation": 1 };
    let memberships = holds::members(c, &c.members, doc! { "user": { "$in": ids } }, order).await?;
    let mut heads: HashMap<UserId, Vec<Head>> = HashMap::new();
    for memberships in memberships.chunks(AT_ONCE) {
        let ids: Vec<ConversationId> = memberships.iter().map(|membership| membership.conversation).collect();
        let revs = messages::revs(c, &ids).await?;
        for StoredMember { conversation, member, .. } in memberships {
            let rev = revs.get(conversation).copied().unwrap_or_default();
            let head = Head { conversation: *conversation, rev, held_from: member.held_from };
            heads.entry(member.user_id).or_default().push(head);
        }
    }
    Ok(heads)
}

/// Who is in each of these conversations, in the order of the users' ids.
pub(crate) async fn members(c: &Collections, ids: &[ConversationId]) -> Attempt<HashMap<ConversationId, Vec<Member>>> {
    let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
    let filter = doc! { "conversation": { "$in": ids } };
    let found = holds::members(c, &c.newest_members, filter, doc! { "conversation": 1, "user": 1 }).await?;
    Ok(by_conversation(found))
}

/// The member as the receipt leaves him.
fn moved(member: &Member, advance: &ReceiptAdvance) -> Member {
    let mut moved = member.clone();
    let reads = advance.kind == ReceiptKind::Read;
    if reads {
        moved.read_seq = moved.read_seq.max(advance.seq);
    }
    if reads && advance.shown {
        moved.read_receipt_seq = moved.read_receipt_seq.max(advance.seq);
    }
    if advance.shown {
        moved.delivered_seq = moved.delivered_seq.max(advance.seq);
    }
    moved
}

async fn advance_receipt(
    c: &Collections,
    session: &mut ClientSession,
    advance: &ReceiptAdvance,
    entry: &InboxEntry,
) -> Attempt<ReceiptOutcome> {
    let conversation = entry.conversation.clone();
    let place = doc! { "conversation": oid(conversation.id.as_bytes()), "user": oid(advance.user.as_bytes()) };
    let found = c.members.find_one(place.clone()).session(&mut *session).await?;
    let Some(StoredMember { member: mut me, .. }) = one::<MemberDocument>(found)? else {
        return Ok(ReceiptOutcome::NotAMember);
    };
    me.read_seq = me.read_seq.max(entry.me.read_seq);
    let member = moved(&me, advance);
    let positions = doc! {
        "readSeq": long(member.read_seq.get()),
        "readReceiptSeq": long(member.read_receipt_seq.get()),
        "deliveredSeq": long(member.delivered_seq.get()),
    };
    let updated =
        c.members.find_one_and_update(place, doc! { "$max": positions }).return_document(ReturnDocument::After);
    let updated = one::<MemberDocument>(updated.session(&mut *session).await?)?;
    let Some(StoredMember { member, .. }) = updated else { return Ok(ReceiptOutcome::NotAMember) };
    let own_rev = if member.read_seq > me.read_seq {
        let topic = UserTopic::Read(conversation.id);
        record(c, session, by_id(advance.user), topic, Document::new()).await?.map(|user| user.rev)
    } else {
        None
    };
    let shown = member.read_receipt_seq > me.read_receipt_seq || member.delivered_seq > me.delivered_seq;
    Ok(ReceiptOutcome::Advanced { member, conversation, own_rev, shown })
}

async fn user_changes(c: &Collections, user: UserId, after: Rev, limit: usize) -> Attempt<UserLogPage> {
    let mut changes = Vec::new();
    if limit > 0 {
        let later = doc! { "user": oid(user.as_bytes()), "rev": { "$gt": long(after.get()) } };
        let found = c.user_stream.find(later).sort(doc! { "rev": 1 }).limit(long(limit as u64)).await?;
        changes.extend(all::<UserChangeDocument>(found).await?.into_iter().map(|(_, change)| change));
    }
    let head = match changes.last() {
        // There is no more, so this was the newest.
        Some(last) if changes.len() < limit => last.rev,
        last => {
            let account = c.users.find_one(doc! { "_id": oid(user.as_bytes()) }).await?;
            let head = one::<UserDocument>(account)?.map_or(Rev::ZERO, |account| account.rev);
            // What has come since the first look does not count: it is not in the page.
            if last.is_none() && limit > 0 { head.min(after) } else { head }
        }
    };
    Ok(UserLogPage { changes, head })
}
