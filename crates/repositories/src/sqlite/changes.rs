//! Changes of messages, and what belongs to them: versions, reactions, pins.

use parlor_domain::{
    ChangeGround, ConversationId, Emoji, Message, MessageAction, MessageChange, MessageId, MessagePlan, MessageRefusal,
    Reaction, Rev, Seq, UserId, UserReaction, Version,
    store::{ChangeOutcome, PAGE_BYTES, StoreResult},
};
use rusqlite::{Connection, params};

use super::{
    mentions,
    messages::{up_to_page_bytes, with_id},
    rows::{self, MEMBER, MESSAGE, REACTION, VERSION, all, all_while, content_columns, first, get, marks_columns, run},
    search,
};

/// Makes the change that is planned for the message as it is.
pub(crate) fn change(connection: &Connection, change: &MessageChange) -> StoreResult<ChangeOutcome> {
    let found = with_id(connection, change.message)?.map(|(message, _)| message);
    let message = found.filter(|message| message.conversation_id == change.conversation);
    let sql = format!("SELECT {MEMBER} FROM members WHERE conversation_id = ?1 AND user_id = ?2");
    let me = first(connection, &sql, [change.conversation.as_bytes(), change.by.as_bytes()], rows::member)?;
    let (Some(message), Some(me)) = (message, me) else {
        return Ok(ChangeOutcome::Refused(MessageRefusal::NotFound));
    };
    let ground = ChangeGround {
        me: &me,
        message: &message,
        reacted: match change.emoji() {
            Some(emoji) => match message.has_reaction_of(emoji, change.by) {
                Some(reacted) => reacted,
                None => has_reacted(connection, message.id, emoji, change.by)?,
            },
            None => false,
        },
        pinned: if change.action == MessageAction::Pin { pinned(connection, change.conversation)? } else { 0 },
        rev: next_rev(connection, change.conversation)?,
    };
    match change.plan(&ground) {
        Err(refusal) => Ok(ChangeOutcome::Refused(refusal)),
        Ok(None) => Ok(ChangeOutcome::Unchanged(Box::new(message))),
        Ok(Some(plan)) => write(connection, change, plan).map(|message| ChangeOutcome::Changed(Box::new(message))),
    }
}

fn has_reacted(connection: &Connection, message: MessageId, emoji: &Emoji, user: UserId) -> StoreResult<bool> {
    const SQL: &str = "SELECT rev FROM reactions WHERE message_id = ?1 AND emoji = ?2 AND user_id = ?3";
    let found = first(connection, SQL, params![message.as_bytes(), emoji.as_str(), user.as_bytes()], |_| Ok(()))?;
    Ok(found.is_some())
}

fn pinned(connection: &Connection, conversation: ConversationId) -> StoreResult<u64> {
    const SQL: &str = "SELECT count(*) AS count FROM messages INDEXED BY messages_pinned \
         WHERE conversation_id = ?1 AND pinned IS NOT NULL";
    let count = first(connection, SQL, [conversation.as_bytes()], |row| get(row, "count"))?;
    Ok(count.unwrap_or_default())
}

fn next_rev(connection: &Connection, conversation: ConversationId) -> StoreResult<Rev> {
    const SQL: &str = "SELECT rev FROM conversations WHERE id = ?1";
    let rev = first(connection, SQL, [conversation.as_bytes()], |row| rows::rev(row, "rev"))?;
    Ok(rev.unwrap_or_default().next())
}

/// Writes what is planned, and gives the message as it is then.
fn write(connection: &Connection, change: &MessageChange, mut plan: MessagePlan) -> StoreResult<Message> {
    const HEAD: &str = "UPDATE conversations SET rev = ?2 WHERE id = ?1";
    let (id, rev) = (change.message, plan.message.rev);
    match &change.action {
        MessageAction::Edit { .. } => {
            plan.replaced.iter().try_for_each(|version| insert_version(connection, version))?;
            search::take_out(connection, id)?;
        }
        MessageAction::Delete => forget(connection, id)?,
        MessageAction::React(emoji) => {
            let emoji = emoji.clone();
            let reaction = UserReaction { message: id, emoji, user: change.by, rev, at: change.now };
            insert_reaction(connection, &reaction)?;
        }
        MessageAction::Unreact(emoji) => take_back(connection, id, emoji, change.by)?,
        MessageAction::Pin | MessageAction::Unpin => {}
    }
    if let Some(emoji) = plan.lacks_names().cloned() {
        let first = reactions(connection, id, &emoji, Rev::ZERO, Reaction::NAMED)?;
        plan.name(&emoji, first.into_iter().map(|reaction| reaction.user).collect());
    }
    update(connection, &plan.message)?;
    run(connection, HEAD, params![change.conversation.as_bytes(), rev.get()])?;
    Ok(plan.message)
}

fn update(connection: &Connection, message: &Message) -> StoreResult<()> {
    const SQL: &str = "UPDATE messages SET rev = ?2, created_rev = ?3, kind = ?4, text = ?5, metadata = ?6, \
         marks = ?7, pinned = ?8 WHERE id = ?1";
    let (kind, text, _) = content_columns(&message.content)?;
    let (created_rev, marks, pinned) = marks_columns(message)?;
    let params = params![
        message.id.as_bytes(),
        message.rev.get(),
        created_rev,
        kind,
        text,
        message.metadata.as_str(),
        marks,
        pinned
    ];
    run(connection, SQL, params)?;
    mentions::replace(connection, message)
}

/// Removes everything that was kept about a message.
fn forget(connection: &Connection, message: MessageId) -> StoreResult<()> {
    const VERSIONS: &str = "DELETE FROM message_versions WHERE message_id = ?1";
    const REACTIONS: &str = "DELETE FROM reactions WHERE message_id = ?1";
    run(connection, VERSIONS, [message.as_bytes()])?;
    run(connection, REACTIONS, [message.as_bytes()])?;
    search::take_out(connection, message)
}

fn take_back(connection: &Connection, message: MessageId, emoji: &Emoji, user: UserId) -> StoreResult<()> {
    const SQL: &str = "DELETE FROM reactions WHERE message_id = ?1 AND emoji = ?2 AND user_id = ?3";
    run(connection, SQL, params![message.as_bytes(), emoji.as_str(), user.as_bytes()]).map(|_| ())
}

pub(crate) fn insert_version(connection: &Connection, version: &Version) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO message_versions (message_id, rev, text, metadata, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Version { message, rev, text, metadata, at } = version;
    let params = params![message.as_bytes(), rev.get(), text.as_str(), metadata.as_str(), at.as_millis()];
    run(connection, SQL, params).map(|_| ())
}

pub(crate) fn insert_reaction(connection: &Connection, reaction: &UserReaction) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO reactions (message_id, rev, emoji, user_id, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let UserReaction { message, emoji, user, rev, at } = reaction;
    let params = params![message.as_bytes(), rev.get(), emoji.as_str(), user.as_bytes(), at.as_millis()];
    run(connection, SQL, params).map(|_| ())
}

/// What a message has said before, the oldest first.
pub(crate) fn versions(
    connection: &Connection,
    message: MessageId,
    after: Rev,
    limit: usize,
) -> StoreResult<Vec<Version>> {
    let sql =
        format!("SELECT {VERSION} FROM message_versions WHERE message_id = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3");
    let mut bytes = 0;
    all_while(connection, &sql, params![message.as_bytes(), after.get(), limit], |row| {
        if bytes > PAGE_BYTES {
            return Ok(None);
        }
        let version = rows::version(row)?;
        bytes += version.size();
        Ok(Some(version))
    })
}

/// Who has reacted to a message with an emoji, the first first.
pub(crate) fn reactions(
    connection: &Connection,
    message: MessageId,
    emoji: &Emoji,
    after: Rev,
    limit: usize,
) -> StoreResult<Vec<UserReaction>> {
    let sql = format!(
        "SELECT {REACTION} FROM reactions WHERE message_id = ?1 AND emoji = ?2 AND rev > ?3 ORDER BY rev LIMIT ?4"
    );
    all(connection, &sql, params![message.as_bytes(), emoji.as_str(), after.get(), limit], rows::reaction)
}

/// The pinned messages of a conversation, the newest first.
pub(crate) fn pins(
    connection: &Connection,
    conversation: ConversationId,
    before: Option<Seq>,
    limit: usize,
) -> StoreResult<Vec<Message>> {
    let sql = format!(
        "SELECT {MESSAGE} FROM messages INDEXED BY messages_pinned \
         WHERE conversation_id = ?1 AND pinned IS NOT NULL AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
    );
    let before = before.map_or(i64::MAX, |seq| i64::try_from(seq.get()).unwrap_or(i64::MAX));
    up_to_page_bytes(connection, &sql, params![conversation.as_bytes(), before, limit])
}
