//! Conversations, their members, and the users' own streams.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use mongodb::{
    ClientSession,
    bson::{Bson, Document, doc},
    options::ReturnDocument,
};
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Member, MemberSettingsChange, ReceiptKind, Rev, Seq, Shape,
    Timestamp, Traits, UnreadTotals, UserId, UserTopic,
    store::{
        ConversationStore, Head, Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome,
        SettingsSet, StoreError, StoreResult, UserLogPage,
    },
};

use super::{
    database::{Collections, Database, all, one},
    documents::{
        ConversationDocument, MemberDocument, StoredMember, UserChangeDocument, UserDocument, date, encode, long, oid,
    },
    error::Attempt,
    holds,
    inbox::{entries, inbox},
    members,
    mentions::{self, Part},
    messages,
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

    async fn shape(&self, id: ConversationId) -> StoreResult<Option<Shape>> {
        self.read(id, |c, id| {
            async move {
                let found = c.conversations.find_one(doc! { "_id": oid(id.as_bytes()) }).await?;
                Ok(one::<ConversationDocument>(found)?.map(|found| found.shape()).transpose()?)
            }
            .boxed()
        })
        .await
    }

    async fn find(&self, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>> {
        Ok(self.find_many(&[id], user).await?.pop())
    }

    async fn find_many(&self, ids: &[ConversationId], user: UserId) -> StoreResult<Vec<InboxEntry>> {
        self.appender.settled_for(ids).await;
        self.read((ids.to_vec(), user), |c, (ids, user)| {
            async move {
                let ids: Vec<_> = ids.iter().map(|id| oid(id.as_bytes())).collect();
                let found = c.newest_conversations.find(doc! { "_id": { "$in": ids } }).await?;
                let mut found = all::<ConversationDocument>(found).await?;
                // Of the others, the members' own documents say it.
                found.retain(|found| !found.names_its_members() || found.members.contains(user));
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

    async fn told_members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        Ok(self.told_members.get(self, id).await?.unwrap_or_default())
    }

    async fn member(&self, id: ConversationId, user: UserId) -> StoreResult<Option<Member>> {
        self.read((id, user), |c, (id, user)| members::member(c, *id, *user).boxed()).await
    }

    async fn named_members(&self, id: ConversationId, names: &[String]) -> StoreResult<HashMap<String, UserId>> {
        self.read((id, names.to_vec()), |c, (id, names)| mentions::named_members(c, *id, names).boxed()).await
    }

    async fn unread_totals(&self, user: UserId, now: Timestamp) -> StoreResult<UnreadTotals> {
        self.appender.settled().await;
        self.read((user, now), |c, (user, now)| mentions::totals(c, *user, *now).boxed()).await
    }

    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
        let Some(entry) = ConversationStore::find(self, advance.conversation, advance.user).await? else {
            return Ok(ReceiptOutcome::NotAMember);
        };
        if advance.seq > entry.conversation.last_seq {
            return Ok(ReceiptOutcome::Beyond(entry.conversation.last_seq));
        }
        if moved(&entry.me, &entry.conversation, advance) == entry.me {
            let InboxEntry { me: member, conversation, unread, .. } = entry;
            let conversation = Box::new(conversation);
            return Ok(ReceiptOutcome::Advanced { member, conversation, unread, own_rev: None, shown: false });
        }
        self.change((*advance, entry), |c, (advance, entry), session| {
            advance_receipt(c, session, advance, entry).boxed()
        })
        .await
    }

    async fn set_settings(
        &self,
        id: ConversationId,
        user: UserId,
        change: &MemberSettingsChange,
    ) -> StoreResult<Option<SettingsSet>> {
        let Some(entry) = ConversationStore::find(self, id, user).await? else { return Ok(None) };
        let last = entry.conversation.last_seq;
        if entry.me.settings.changed(change, last) == entry.me.settings {
            return Ok(Some(SettingsSet { entry, own_rev: None }));
        }
        let own_rev = self
            .change((id, user, *change, last), |c, (id, user, change, last), session| {
                set_settings(c, session, (*id, *user), change, *last).boxed()
            })
            .await?;
        let Some(own_rev) = own_rev else { return Ok(None) };
        Ok(ConversationStore::find(self, id, user).await?.map(|entry| SettingsSet { entry, own_rev: Some(own_rev) }))
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
        members: vec![oid(new.opener.as_bytes()), oid(new.other.as_bytes())],
        direct_key: Some(key),
        ..ConversationDocument::new(&Conversation {
            id: new.id,
            kind: ConversationKind::Direct,
            name: None,
            description: None,
            read_receipts: true,
            traits: Traits::None,
            member_count: 2,
            last_seq: Seq::ZERO,
            rev: Rev::ZERO,
            created_at: new.now,
            updated_at: new.now,
        })
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
    let held_from = account.status.holds(new.now).then_some(Rev::ZERO);
    let member = Member { held_from, ..Member::of_direct(user, new.now) };
    c.members.insert_one(encode(&MemberDocument::new(new.id, &member))?).session(session).await?;
    Ok((user, account.rev))
}

async fn set_settings(
    c: &Collections,
    session: &mut ClientSession,
    (id, user): (ConversationId, UserId),
    change: &MemberSettingsChange,
    last: Seq,
) -> Attempt<Option<Rev>> {
    let (mut set, mut unset) = (Document::new(), Document::new());
    let mut put = |field: &str, value: Option<Option<Bson>>| match value {
        Some(Some(value)) => drop(set.insert(field, value)),
        Some(None) => drop(unset.insert(field, "")),
        None => {}
    };
    let flag = |value: Option<bool>| value.map(|value| value.then_some(Bson::Boolean(true)));
    put("mutedUntil", change.muted_until.map(|until| until.map(|until| date(until).into())));
    put("pinned", flag(change.pinned));
    put("archived", flag(change.archived));
    put("hiddenUpTo", change.hidden.map(|hidden| hidden.then(|| long(last.get()).into())));
    let mut update = Document::new();
    for (operator, fields) in [("$set", set), ("$unset", unset)] {
        if !fields.is_empty() {
            update.insert(operator, fields);
        }
    }
    let member = doc! { "conversation": oid(id.as_bytes()), "user": oid(user.as_bytes()) };
    if !update.is_empty() && c.members.update_one(member, update).session(&mut *session).await?.matched_count == 0 {
        return Ok(None);
    }
    let recorded = record(c, session, by_id(user), UserTopic::Settings(id), Document::new()).await?;
    Ok(recorded.map(|account| account.rev))
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
            let Member { joined_rev, held_from, .. } = *member;
            let head = Head { conversation: *conversation, rev, joined_rev, held_from };
            heads.entry(member.user_id).or_default().push(head);
        }
    }
    Ok(heads)
}

/// The member as the receipt leaves him.
fn moved(member: &Member, conversation: &Conversation, advance: &ReceiptAdvance) -> Member {
    let mut moved = member.clone();
    let reads = advance.kind == ReceiptKind::Read;
    if reads {
        moved.read_seq = moved.read_seq.max(advance.seq);
    }
    if reads && advance.shown && conversation.read_receipts {
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
    let member = moved(&me, &conversation, advance);
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
    let unread = mentions::unread(c, advance.user, &[Part::new(&conversation, &member)]).await?;
    let unread = unread.get(&conversation.id).copied().unwrap_or_default();
    Ok(ReceiptOutcome::Advanced { member, conversation: Box::new(conversation), unread, own_rev, shown })
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
