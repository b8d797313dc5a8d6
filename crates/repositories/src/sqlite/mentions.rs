//! Mentions, and what members have not read.

use std::collections::HashMap;

use parlor_domain::{
    ConversationId, Member, Message, Seq, Timestamp, Unread, UnreadTotals, UserId, store::StoreResult,
};
use rusqlite::{Connection, params};

use super::rows::{self, MEMBER, all, first, get, run};
use crate::mentions::{Target, of_member, targets};

impl Target {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::User(user) => user.as_bytes(),
            Self::Word(word) => word.as_bytes(),
        }
    }
}

/// Notes whom a new message mentions.
pub(crate) fn insert(connection: &Connection, message: &Message) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO mentions (conversation_id, target, seq, sender_id) VALUES (?1, ?2, ?3, ?4)";
    let (id, seq, sender) = (message.conversation_id.as_bytes(), message.seq.get(), message.sender_id.as_bytes());
    for target in targets(&message.marks.mentions) {
        run(connection, SQL, params![id, target.as_bytes(), seq, sender])?;
    }
    Ok(())
}

/// Notes whom a changed message mentions.
pub(crate) fn replace(connection: &Connection, message: &Message) -> StoreResult<()> {
    const SQL: &str = "DELETE FROM mentions WHERE conversation_id = ?1 AND seq = ?2";
    run(connection, SQL, params![message.conversation_id.as_bytes(), message.seq.get()])?;
    insert(connection, message)
}

/// What a member has not read of a conversation that has come to `last`.
pub(crate) fn unread(
    connection: &Connection,
    (id, last): (ConversationId, Seq),
    member: &Member,
) -> StoreResult<Unread> {
    let messages = last.get().saturating_sub(member.read_seq.get());
    if messages == 0 {
        return Ok(Unread::default());
    }
    let not_counted = not_counted(connection, id, member.read_seq)?;
    Ok(Unread { messages: messages.saturating_sub(not_counted), mentions: mentions(connection, id, member)? })
}

/// How many messages after this place count as unread for nobody.
fn not_counted(connection: &Connection, id: ConversationId, read: Seq) -> StoreResult<u64> {
    const SQL: &str = "SELECT count(*) AS count FROM messages INDEXED BY messages_not_counted \
         WHERE conversation_id = ?1 AND seq > ?2 AND kind IS NOT NULL";
    let count = first(connection, SQL, params![id.as_bytes(), read.get()], |row| get(row, "count"))?;
    Ok(count.unwrap_or(0))
}

/// How many messages that a member has not read mention him, without those of users whom he blocks.
fn mentions(connection: &Connection, id: ConversationId, member: &Member) -> StoreResult<u64> {
    const SQL: &str = "SELECT count(DISTINCT seq) AS count FROM mentions \
         WHERE conversation_id = ?1 AND target IN (?2, ?4, ?5, ?6) AND seq > ?3 AND NOT EXISTS \
         (SELECT 1 FROM ties WHERE user_id = ?2 AND other_id = sender_id AND ties.kind = 'block')";
    let targets: Vec<Target> = of_member(member).collect();
    // Him, everyone, and up to two roles.
    let target = |n: usize| targets.get(n).map(Target::as_bytes);
    let params = params![id.as_bytes(), target(0), member.read_seq.get(), target(1), target(2), target(3)];
    Ok(first(connection, SQL, params, |row| get(row, "count"))?.unwrap_or(0))
}

/// What a user has not read in all his conversations.
pub(crate) fn totals(connection: &Connection, user: UserId, now: Timestamp) -> StoreResult<UnreadTotals> {
    let sql = format!(
        "SELECT {MEMBER}, last_seq FROM members JOIN conversations ON conversations.id = conversation_id \
         WHERE members.user_id = ?1 AND last_seq > read_seq"
    );
    let found = all(connection, &sql, [user.as_bytes()], |row| {
        let id = ConversationId::from_bytes(get(row, "member_of")?);
        Ok((id, rows::seq(row, "last_seq")?, rows::member(row)?))
    })?;
    let mut totals = UnreadTotals::default();
    for (id, last, member) in found {
        totals.add(&member.settings, last, unread(connection, (id, last), &member)?, now);
    }
    Ok(totals)
}

/// The members of a conversation who have one of these names.
pub(crate) fn named_members(
    connection: &Connection,
    id: ConversationId,
    names: Vec<String>,
) -> StoreResult<HashMap<String, UserId>> {
    const SQL: &str = "SELECT id FROM users JOIN members ON members.user_id = users.id \
         WHERE username_key = ?1 AND conversation_id = ?2 AND deleted_at IS NULL";
    let mut found = HashMap::new();
    for name in names {
        let user = first(connection, SQL, params![name, id.as_bytes()], |row| Ok(UserId::from_bytes(get(row, "id")?)))?;
        found.extend(user.map(|user| (name, user)));
    }
    Ok(found)
}
