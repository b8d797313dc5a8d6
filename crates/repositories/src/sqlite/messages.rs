//! The message log.

use async_trait::async_trait;
use parlor_domain::{
    ConversationId, Emoji, Excerpt, Fingerprint, Message, MessageChange, MessageId, NewMessage, Rev, SendKey, Seq,
    UserId, UserReaction, Version,
    store::{AppendOutcome, ChangeOutcome, LogPage, MessageStore, PAGE_BYTES, StoreError, StoreResult, Window},
};
use rusqlite::{Connection, Params, Row, params};

use super::{
    Database, changes, mentions,
    rows::{self, EXCERPT, MESSAGE, all, all_while, content_columns, first, get, marks_columns, message, run},
};

#[async_trait]
impl MessageStore for Database {
    async fn append(&self, new: &NewMessage) -> StoreResult<AppendOutcome> {
        let new = new.clone();
        self.writer.write(move |connection| append(connection, &new)).await
    }

    async fn page(&self, conversation: ConversationId, window: Window, limit: usize) -> StoreResult<Vec<Message>> {
        self.readers.read(move |connection| page(connection, conversation, window, limit)).await
    }

    async fn changes(&self, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage> {
        self.readers.read(move |connection| changes(connection, conversation, after, limit)).await
    }

    async fn sent_before(&self, key: &SendKey) -> StoreResult<Option<AppendOutcome>> {
        let key = key.clone();
        self.readers
            .read(move |connection| {
                let first = with_id(connection, key.id)?;
                first.map(|(first, stored)| AppendOutcome::of_taken_id(&key, &first, stored)).transpose()
            })
            .await
    }

    async fn change(&self, change: &MessageChange) -> StoreResult<ChangeOutcome> {
        let change = change.clone();
        self.writer.write(move |connection| changes::change(connection, &change)).await
    }

    async fn find_many(&self, ids: &[MessageId]) -> StoreResult<Vec<Message>> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| {
                let find = |id: &MessageId| Ok(with_id(connection, *id)?.map(|(message, _)| message));
                ids.iter().filter_map(|id| find(id).transpose()).collect()
            })
            .await
    }

    async fn excerpts(&self, ids: &[MessageId]) -> StoreResult<Vec<Excerpt>> {
        let ids = ids.to_vec();
        self.readers
            .read(move |connection| {
                let sql = format!("SELECT {EXCERPT} FROM messages WHERE id = ?1");
                let find = |id: &MessageId| first(connection, &sql, [id.as_bytes()], rows::excerpt);
                ids.iter().filter_map(|id| find(id).transpose()).collect()
            })
            .await
    }

    async fn versions(&self, message: MessageId, after: Rev, limit: usize) -> StoreResult<Vec<Version>> {
        self.readers.read(move |connection| changes::versions(connection, message, after, limit)).await
    }

    async fn reactions(
        &self,
        message: MessageId,
        emoji: &Emoji,
        after: Rev,
        limit: usize,
    ) -> StoreResult<Vec<UserReaction>> {
        let emoji = emoji.clone();
        self.readers.read(move |connection| changes::reactions(connection, message, &emoji, after, limit)).await
    }

    async fn pins(&self, conversation: ConversationId, before: Option<Seq>, limit: usize) -> StoreResult<Vec<Message>> {
        self.readers.read(move |connection| changes::pins(connection, conversation, before, limit)).await
    }
}

/// Where a conversation is, for its next message.
struct Place {
    last_seq: Seq,
    rev: Rev,
    /// The other one of a direct conversation is gone.
    other_deleted: bool,
    /// In a direct conversation, whether what comes is held back from the other one.
    held: Option<bool>,
}

fn append(connection: &Connection, new: &NewMessage) -> StoreResult<AppendOutcome> {
    let Some(place) = place(connection, new.conversation_id, new.sender_id)? else {
        return Ok(AppendOutcome::NotAMember);
    };
    if place.other_deleted {
        // A repeat is answered as the first was.
        let first = with_id(connection, new.id)?;
        return first.map_or(Ok(AppendOutcome::RecipientDeleted), |(first, stored)| {
            AppendOutcome::of_taken_id(&new.key(), &first, stored)
        });
    }
    let message = new.at((place.last_seq.next(), place.rev.next()));
    if !insert(connection, &message, new.fingerprint())? {
        let (first, stored) = with_id(connection, new.id)?
            .ok_or_else(|| StoreError::corrupt(format!("message {}: is there and is not found", new.id)))?;
        return AppendOutcome::of_taken_id(&new.key(), &first, stored);
    }
    follow(connection, &message)?;
    Ok(AppendOutcome::Appended { message, held: place.held })
}

/// Where the conversation is; `None` if the sender is not in it.
fn place(connection: &Connection, conversation: ConversationId, sender: UserId) -> StoreResult<Option<Place>> {
    const SQL: &str = "SELECT last_seq, conversations.rev, users.deleted_at IS NOT NULL AS other_deleted, \
         CASE conversations.kind WHEN 'direct' THEN other.held_from IS NOT NULL END AS held \
         FROM members AS me JOIN conversations ON conversations.id = me.conversation_id \
         LEFT JOIN members AS other ON conversations.kind = 'direct' \
         AND other.conversation_id = me.conversation_id AND other.user_id <> me.user_id \
         LEFT JOIN users ON users.id = other.user_id \
         WHERE me.conversation_id = ?1 AND me.user_id = ?2";
    first(connection, SQL, [conversation.as_bytes(), sender.as_bytes()], |row| {
        Ok(Place {
            last_seq: rows::seq(row, "last_seq")?,
            rev: rows::rev(row, "rev")?,
            other_deleted: get(row, "other_deleted")?,
            held: get(row, "held")?,
        })
    })
}

/// The message with an id, and the fingerprint of what its sender sent.
pub(crate) fn with_id(connection: &Connection, id: MessageId) -> StoreResult<Option<(Message, Fingerprint)>> {
    let sql = format!("SELECT {MESSAGE}, fingerprint FROM messages WHERE id = ?1");
    let read = |row: &Row<'_>| Ok((message(row)?, Fingerprint::from_bytes(get(row, "fingerprint")?)));
    first(connection, &sql, [id.as_bytes()], read)
}

/// Adds a message at its place, and nothing that follows from it; `false` if its id is taken.
pub(crate) fn insert(connection: &Connection, message: &Message, fingerprint: Fingerprint) -> StoreResult<bool> {
    const SQL: &str = "INSERT INTO messages (id, conversation_id, seq, rev, sender_id, kind, text, system, metadata, \
         client_message_id, fingerprint, created_at, created_rev, marks, pinned) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         ON CONFLICT (id) DO NOTHING";
    let (kind, text, system) = content_columns(&message.content)?;
    let (created_rev, marks, pinned) = marks_columns(message)?;
    let params = params![
        message.id.as_bytes(),
        message.conversation_id.as_bytes(),
        message.seq.get(),
        message.rev.get(),
        message.sender_id.as_bytes(),
        kind,
        text,
        system,
        message.metadata.as_str(),
        message.client_message_id.as_ref().map(|id| id.as_str()),
        fingerprint.as_bytes(),
        message.created_at.as_millis(),
        created_rev,
        marks,
        pinned,
    ];
    let inserted = run(connection, SQL, params)? > 0;
    if inserted {
        mentions::insert(connection, message)?;
    }
    Ok(inserted)
}

/// What follows from a new message: the conversation has come to it, and its sender has read it.
pub(crate) fn follow(connection: &Connection, message: &Message) -> StoreResult<()> {
    const CONVERSATION: &str =
        "UPDATE conversations SET last_seq = ?2, rev = ?3, updated_at = max(updated_at, ?4) WHERE id = ?1";
    const SENDER: &str = "UPDATE members SET read_seq = ?3 WHERE conversation_id = ?1 AND user_id = ?2";
    let (id, seq) = (message.conversation_id.as_bytes(), message.seq.get());
    run(connection, CONVERSATION, params![id, seq, message.rev.get(), message.created_at.as_millis()])?;
    run(connection, SENDER, params![id, message.sender_id.as_bytes(), seq]).map(|_| ())
}

fn page(
    connection: &Connection,
    conversation: ConversationId,
    window: Window,
    limit: usize,
) -> StoreResult<Vec<Message>> {
    let id = conversation.as_bytes();
    let newest =
        format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3");
    let oldest =
        format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    let before = |seq: i64| {
        let mut messages = up_to_page_bytes(connection, &newest, params![id, seq, limit])?;
        messages.reverse();
        Ok(messages)
    };
    match window {
        Window::Newest => before(i64::MAX),
        Window::Before(seq) => before(i64::try_from(seq.get()).unwrap_or(i64::MAX)),
        Window::After(seq) => up_to_page_bytes(connection, &oldest, params![id, seq.get(), limit]),
    }
}

/// The messages that a query finds, up to the one by which they are too large for a page.
pub(crate) fn up_to_page_bytes(connection: &Connection, sql: &str, params: impl Params) -> StoreResult<Vec<Message>> {
    let mut bytes = 0;
    all_while(connection, sql, params, |row| {
        if bytes > PAGE_BYTES {
            return Ok(None);
        }
        let message = message(row)?;
        bytes += message.size();
        Ok(Some(message))
    })
}

fn changes(connection: &Connection, conversation: ConversationId, after: Rev, limit: usize) -> StoreResult<LogPage> {
    const HEAD: &str = "SELECT rev FROM conversations WHERE id = ?1";
    let id = conversation.as_bytes();
    let sql = format!("SELECT {MESSAGE} FROM messages WHERE conversation_id = ?1 AND rev > ?2 ORDER BY rev LIMIT ?3");
    let messages = all(connection, &sql, params![id, after.get(), limit], message)?;
    let head = first(connection, HEAD, [id], |row| rows::rev(row, "rev"))?;
    Ok(LogPage { messages, head: head.unwrap_or_default() })
}
