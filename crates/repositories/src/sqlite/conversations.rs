//! Conversations, their members, and the users' own streams.

use async_trait::async_trait;
use parlor_domain::{
    ConversationId, ConversationKind, Member, ReceiptKind, Rev, Timestamp, UserChange, UserId, UserTopic,
    store::{
        ConversationStore, Head, Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome,
        StoreError, StoreResult, UserLogPage,
    },
};
use rusqlite::{Connection, params};

use super::{
    Database,
    rows::{self, CONVERSATION, MEMBER, MESSAGE, all, first, get, run},
    users::{self, record, topic},
};

#[async_trait]
impl ConversationStore for Database {
    async fn open_direct(&self, new: &NewDirect) -> StoreResult<OpenedDirect> {
        let new = *new;
        self.writer.write(move |connection| open_direct(connection, &new)).await
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
        const SQL: &str = "SELECT conversations.id, conversations.rev, held_from \
             FROM members JOIN conversations ON conversations.id = conversation_id WHERE members.user_id = ?1";
        self.readers
            .read(move |connection| {
                all(connection, SQL, [user.as_bytes()], |row| {
                    Ok(Head {
                        conversation: ConversationId::from_bytes(get(row, "id")?),
                        rev: rows::rev(row, "rev")?,
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

    async fn advance_receipt(&self, advance: &ReceiptAdvance) -> StoreResult<ReceiptOutcome> {
        let advance = *advance;
        self.writer.write(move |connection| advance_receipt(connection, &advance)).await
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
        insert_member(connection, new.id, user, new.now)?;
        Ok((user, record(connection, user, UserTopic::Conversation(new.id))?))
    };
    Ok(OpenedDirect { id: new.id, created: Some([join(new.opener)?, join(new.other)?]) })
}

/// The same for both orders of the two.
pub(crate) fn direct_key(a: UserId, b: UserId) -> [u8; 24] {
    let mut key = [0; 24];
    key[..12].copy_from_slice(a.min(b).as_bytes());
    key[12..].copy_from_slice(a.max(b).as_bytes());
    key
}

/// Adds a member; what comes to one who is busy is held back from the beginning.
fn insert_member(connection: &Connection, id: ConversationId, user: UserId, now: Timestamp) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO members \
         (conversation_id, user_id, joined_at, read_seq, read_receipt_seq, delivered_seq, held_from) \
         VALUES (?1, ?2, ?3, 0, 0, 0, ?4)";
    let held_from = users::find(connection, user)?.filter(|user| user.status.holds(now)).map(|_| 0);
    run(connection, SQL, params![id.as_bytes(), user.as_bytes(), now.as_millis(), held_from]).map(|_| ())
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
         ORDER BY updated_at DESC, conversations.id DESC LIMIT ?4"
    );
    let (time, id) = page.after.unwrap_or((Timestamp::MAX, ConversationId::from_bytes([0xff; 12])));
    let params = params![page.user.as_bytes(), time.as_millis(), id.as_bytes(), page.limit];
    let found = all(connection, &sql, params, conversation_and_member)?;
    found.into_iter().map(|found| entry(connection, found)).collect()
}

fn conversation_and_member(row: &rusqlite::Row<'_>) -> StoreResult<(parlor_domain::Conversation, Member)> {
    Ok((rows::conversation(row)?, rows::member(row)?))
}

/// What a member gets beside the conversation: the other one of a direct conversation, and the newest message.
fn entry(
    connection: &Connection,
    (conversation, me): (parlor_domain::Conversation, Member),
) -> StoreResult<InboxEntry> {
    let id = conversation.id;
    let other = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id <> ?2");
    let other = match conversation.kind {
        ConversationKind::Direct => first(connection, &other, [id.as_bytes(), me.user_id.as_bytes()], rows::member)?,
    };
    let last = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ?1 AND seq = ?2");
    let last_message = first(connection, &last, params![id.as_bytes(), conversation.last_seq.get()], rows::message)?;
    Ok(InboxEntry { conversation, me, other, last_message })
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
    if reads && advance.shown {
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
    Ok(ReceiptOutcome::Advanced { member, conversation, own_rev, shown })
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
