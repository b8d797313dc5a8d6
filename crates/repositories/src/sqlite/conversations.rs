//! Conversations, their members, and the users' own streams.

use std::collections::HashMap;

use async_trait::async_trait;
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, Member, MemberSettingsChange, ReceiptKind, Rev, Seq, Shape,
    Timestamp, UnreadTotals, UserChange, UserId, UserTopic,
    store::{
        ConversationStore, Head, Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome,
        SettingsSet, StoreError, StoreResult, UserLogPage,
    },
};
use rusqlite::{Connection, params};

use super::{
    Database, mentions,
    rows::{self, CONVERSATION, MEMBER, MESSAGE, all, first, get, run},
    users::{self, record, topic},
};

#[async_trait]
impl ConversationStore for Database {
    async fn open_direct(&self, new: &NewDirect) -> StoreResult<OpenedDirect> {
        let new = *new;
        self.writer.write(move |connection| open_direct(connection, &new)).await
    }

    async fn shape(&self, id: ConversationId) -> StoreResult<Option<Shape>> {
        self.readers.read(move |connection| shape(connection, id)).await
    }

    async fn find(&self, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>> {
        self.readers.read(move |connection| find(connection, id, user)).await
    }

    async fn find_many(&self, ids: &[ConversationId], user: UserId) -> StoreResult<Vec<InboxEntry>> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| ids.iter().filter_map(|id| find(connection, *id, user).transpose()).collect())
            .await
    }

    async fn inbox(&self, page: &Inbox) -> StoreResult<Vec<InboxEntry>> {
        let page = *page;
        self.readers.read(move |connection| inbox(connection, &page)).await
    }

    async fn heads(&self, user: UserId) -> StoreResult<Vec<Head>> {
        const SQL: &str = "SELECT conversations.id, conversations.rev, joined_rev, held_from \
             FROM members JOIN conversations ON conversations.id = conversation_id WHERE members.user_id = ?1";
        self.readers
            .read(move |connection| {
                all(connection, SQL, [user.as_bytes()], |row| {
                    Ok(Head {
                        conversation: ConversationId::from_bytes(get(row, "id")?),
                        rev: rows::rev(row, "rev")?,
                        joined_rev: rows::rev(row, "joined_rev")?,
                        held_from: get::<Option<u64>>(row, "held_from")?.map(Rev::new),
                    })
                })
            })
            .await
    }

    async fn members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 ORDER BY user_id");
                all(connection, &sql, [id.as_bytes()], rows::member)
            })
            .await
    }

    async fn told_members(&self, id: ConversationId) -> StoreResult<Vec<Member>> {
        const TOLD: usize = InboxEntry::POSITIONS_TOLD as usize;
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 ORDER BY user_id LIMIT ?2");
                let members = all(connection, &sql, params![id.as_bytes(), TOLD + 1], rows::member)?;
                Ok(if members.len() > TOLD { Vec::new() } else { members })
            })
            .await
    }

    async fn member(&self, id: ConversationId, user: UserId) -> StoreResult<Option<Member>> {
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id = ?2");
                first(connection, &sql, [id.as_bytes(), user.as_bytes()], rows::member)
            })
            .await
    }

    async fn named_members(&self, id: ConversationId, names: &[String]) -> StoreResult<HashMap<String, UserId>> {
        let names = names.to_vec();
        self.readers.read(move |connection| mentions::named_members(connection, id, names)).await
    }

    async fn unread_totals(&self, user: UserId, now: Timestamp) -> StoreResult<UnreadTotals> {
        self.readers.read(move |connection| mentions::totals(connection, user, now)).await
    }

    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
        let advance = *advance;
        self.writer.write(move |connection| advance_receipt(connection, &advance)).await
    }

    async fn set_settings(
        &self,
        id: ConversationId,
        user: UserId,
        change: &MemberSettingsChange,
    ) -> StoreResult<Option<SettingsSet>> {
        let change = *change;
        self.writer.write(move |connection| set_settings(connection, id, user, &change)).await
    }

    async fn user_changes(&self, user: UserId, after: Rev, limit: usize) -> StoreResult<UserLogPage> {
        self.readers.read(move |connection| user_changes(connection, user, after, limit)).await
    }
}

fn open_direct(connection: &Connection, new: &NewDirect) -> StoreResult<OpenedDirect> {
    const INSERT: &str = "INSERT INTO conversations (id, kind, direct_key, last_seq, rev, created_at, updated_at) \
         VALUES (?1, ?2, ?3, 0, 0, ?4, ?4)";
    let key = direct_key(new.opener, new.other);
    let found = first(connection, "SELECT id FROM conversations WHERE direct_key = ?1", [&key[..]], |row| {
        Ok(ConversationId::from_bytes(get(row, "id")?))
    })?;
    if let Some(id) = found {
        return Ok(OpenedDirect { id, created: None });
    }
    let kind = ConversationKind::Direct.name();
    run(connection, INSERT, params![new.id.as_bytes(), kind, &key[..], new.now.as_millis()])?;
    let join = |user: UserId| -> StoreResult<_> {
        join(connection, new.id, Member::of_direct(user, new.now))?;
        Ok((user, record(connection, user, UserTopic::Conversation(new.id))?))
    };
    Ok(OpenedDirect { id: new.id, created: Some([join(new.opener)?, join(new.other)?]) })
}

fn shape(connection: &Connection, id: ConversationId) -> StoreResult<Option<Shape>> {
    const SQL: &str = "SELECT id, kind, direct_key, community_id FROM conversations WHERE id = ?1";
    first(connection, SQL, [id.as_bytes()], rows::shape)
}

/// The same for both orders of the two.
pub(crate) fn direct_key(a: UserId, b: UserId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..12].copy_from_slice(a.min(b).as_bytes());
    key[12..].copy_from_slice(a.max(b).as_bytes());
    key
}

/// Adds a member who comes now, and gives him as he is then; what comes to one who is busy is held back from then on.
pub(crate) fn join(connection: &Connection, id: ConversationId, mut member: Member) -> StoreResult<Member> {
    let user = users::find(connection, member.user_id)?;
    let holds = user.is_some_and(|user| user.status.holds(member.joined_at));
    member.held_from = holds.then_some(member.joined_rev);
    insert_member(connection, id, &member)?;
    Ok(member)
}

/// Adds a member as he is.
pub(crate) fn insert_member(connection: &Connection, id: ConversationId, member: &Member) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO members (conversation_id, user_id, role, joined_at, joined_rev, read_seq, \
         read_receipt_seq, delivered_seq, held_from, muted_until, pinned, archived, hidden_up_to) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    let params = params![
        id.as_bytes(),
        member.user_id.as_bytes(),
        member.role.map(|role| role.name()),
        member.joined_at.as_millis(),
        member.joined_rev.get(),
        member.read_seq.get(),
        member.read_receipt_seq.get(),
        member.delivered_seq.get(),
        member.held_from.map(Rev::get),
        member.settings.muted_until.map(Timestamp::as_millis),
        member.settings.pinned,
        member.settings.archived,
        member.settings.hidden_up_to.map(Seq::get),
    ];
    run(connection, SQL, params).map(|_| ())
}

fn find(connection: &Connection, id: ConversationId, user: UserId) -> StoreResult<Option<InboxEntry>> {
    let sql = format!(
        "SELECT {CONVERSATION}, {MEMBER} FROM members JOIN conversations ON conversations.id = conversation_id \
         WHERE conversation_id = ?1 AND members.user_id = ?2"
    );
    let found = first(connection, &sql, [id.as_bytes(), user.as_bytes()], conversation_and_member)?;
    found.map(|found| entry(connection, found)).transpose()
}

fn inbox(connection: &Connection, page: &Inbox) -> StoreResult<Vec<InboxEntry>> {
    let sql = format!(
        "SELECT {CONVERSATION}, {MEMBER} FROM members JOIN conversations ON conversations.id = conversation_id \
         WHERE members.user_id = ?1 AND (updated_at, conversations.id) < (?2, ?3) \
         AND (hidden_up_to IS NULL OR hidden_up_to < last_seq) AND archived = coalesce(?5, archived) \
         AND conversations.kind <> 'community' \
         ORDER BY updated_at DESC, conversations.id DESC LIMIT ?4"
    );
    let (time, id) = page.after.unwrap_or((Timestamp::MAX, ConversationId::from_bytes([0xff; 12])));
    let params = params![page.user.as_bytes(), time.as_millis(), id.as_bytes(), page.limit, page.archived];
    let found = all(connection, &sql, params, conversation_and_member)?;
    found.into_iter().map(|found| entry(connection, found)).collect()
}

fn conversation_and_member(row: &rusqlite::Row<'_>) -> StoreResult<(Conversation, Member)> {
    Ok((rows::conversation(row)?, rows::member(row)?))
}

/// What a member gets beside the conversation: the others as far as he is told of them, the newest message, and how
/// many are unread.
fn entry(connection: &Connection, (conversation, me): (Conversation, Member)) -> StoreResult<InboxEntry> {
    let id = conversation.id;
    let told = conversation.member_count <= InboxEntry::POSITIONS_TOLD;
    let others = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id <> ?2 ORDER BY user_id");
    let mut others = match conversation.kind {
        ConversationKind::Group | ConversationKind::Community | ConversationKind::Channel if !told => Vec::new(),
        ConversationKind::Direct
        | ConversationKind::Group
        | ConversationKind::Community
        | ConversationKind::Channel => all(connection, &others, [id.as_bytes(), me.user_id.as_bytes()], rows::member)?,
    };
    let other = if conversation.kind == ConversationKind::Direct { others.pop() } else { None };
    let last = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ?1 AND seq = ?2");
    let last_message = first(connection, &last, params![id.as_bytes(), conversation.last_seq.get()], rows::message)?;
    let unread = mentions::unread(connection, (id, conversation.last_seq), &me)?;
    Ok(InboxEntry { conversation, me, other, others, last_message, unread })
}

fn set_settings(
    connection: &Connection,
    id: ConversationId,
    user: UserId,
    change: &MemberSettingsChange,
) -> StoreResult<Option<SettingsSet>> {
    const SQL: &str = "UPDATE members SET muted_until = ?3, pinned = ?4, archived = ?5, hidden_up_to = ?6 \
         WHERE conversation_id = ?1 AND user_id = ?2";
    let Some(mut entry) = find(connection, id, user)? else { return Ok(None) };
    let settings = entry.me.settings.changed(change, entry.conversation.last_seq);
    if settings == entry.me.settings {
        return Ok(Some(SettingsSet { entry, own_rev: None }));
    }
    let params = params![
        id.as_bytes(),
        user.as_bytes(),
        settings.muted_until.map(Timestamp::as_millis),
        settings.pinned,
        settings.archived,
        settings.hidden_up_to.map(Seq::get),
    ];
    run(connection, SQL, params)?;
    entry.me.settings = settings;
    let own_rev = Some(record(connection, user, UserTopic::Settings(id))?);
    Ok(Some(SettingsSet { entry, own_rev }))
}

fn advance_receipt(connection: &Connection, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
    const SQL: &str = "UPDATE members SET read_seq = ?3, read_receipt_seq = ?4, delivered_seq = ?5 \
         WHERE conversation_id = ?1 AND user_id = ?2";
    let Some(InboxEntry { conversation, me, .. }) = find(connection, advance.conversation, advance.user)? else {
        return Ok(ReceiptOutcome::NotAMember);
    };
    if advance.seq > conversation.last_seq {
        return Ok(ReceiptOutcome::Beyond(conversation.last_seq));
    }
    let reads = advance.kind == ReceiptKind::Read;
    let mut member = me.clone();
    if reads {
        member.read_seq = me.read_seq.max(advance.seq);
    }
    if reads && advance.shown && conversation.read_receipts {
        member.read_receipt_seq = me.read_receipt_seq.max(advance.seq);
    }
    if advance.shown {
        member.delivered_seq = me.delivered_seq.max(advance.seq);
    }
    if member != me {
        let params = params![
            conversation.id.as_bytes(),
            me.user_id.as_bytes(),
            member.read_seq.get(),
            member.read_receipt_seq.get(),
            member.delivered_seq.get(),
        ];
        run(connection, SQL, params)?;
    }
    let moved = member.read_seq > me.read_seq;
    let own_rev = if moved { Some(record(connection, me.user_id, UserTopic::Read(conversation.id))?) } else { None };
    let shown = member.read_receipt_seq > me.read_receipt_seq || member.delivered_seq > me.delivered_seq;
    let unread = mentions::unread(connection, (conversation.id, conversation.last_seq), &member)?;
    Ok(ReceiptOutcome::Advanced { member, conversation: Box::new(conversation), unread, own_rev, shown })
}

fn user_changes(connection: &Connection, user: UserId, after: Rev, limit: usize) -> StoreResult<UserLogPage> {
    const SQL: &str =
        "SELECT topic, subject, rev FROM user_stream WHERE user_id = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3";
    const HEAD: &str = "SELECT rev FROM users WHERE id = ?1";
    let changes = all(connection, SQL, params![user.as_bytes(), after.get(), limit], |row| {
        let (name, subject): (String, Vec<u8>) = (get(row, "topic")?, get(row, "subject")?);
        let topic = topic(&name, &subject)
            .ok_or_else(|| StoreError::corrupt(format!("user {user}: stream topic {name} is not known")))?;
        Ok(UserChange { rev: rows::rev(row, "rev")?, topic })
    })?;
    let head = first(connection, HEAD, [user.as_bytes()], |row| rows::rev(row, "rev"))?;
    Ok(UserLogPage { changes, head: head.unwrap_or_default() })
}
