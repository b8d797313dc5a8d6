//! Everything in the database, record by record.

use async_trait::async_trait;
use parlor_domain::{
    Conversation, ConversationId, ConversationKind, DaySum, Fingerprint, Message, PasswordHash, SecretHash, Session,
    SessionId, Timestamp, Traits, UserChange, UserId,
    store::{Key, Part, Position, Record, StoreError, StoreResult, Transfer},
};
use rusqlite::{Connection, Row, ffi::SQLITE_CONSTRAINT_FOREIGNKEY, params, params_from_iter, types::Value};

use super::{
    Database, audit, changes,
    communities::TraitColumns,
    conversations::{direct_key, insert_member},
    error::conflict,
    messages, relations,
    rows::{
        self, AUDIT, CONVERSATION, FRIEND_REQUEST, MEMBER, MESSAGE, REACTION, SESSION, TIE, USER, VERSION, all, first,
        get, optional_time, run, time,
    },
    statistics::day_sum,
    users::{insert_account, topic, topic_columns},
};

/// What must be unique beside the keys, but for accounts and the ids of messages.
const UNIQUE: [(&str, &str); 6] = [
    ("conversations.name_key", "name"),
    ("user_stream.topic", "topic"),
    ("conversations.direct_key", "pair of users"),
    ("messages.rev", "revision"),
    ("reactions.emoji", "reaction"),
    ("friend_requests.to_id", "pair of users"),
];

#[async_trait]
impl Transfer for Database {
    async fn count(&self, part: Part) -> StoreResult<u64> {
        self.readers
            .read(move |connection| {
                let table = table(part);
                let count =
                    first(connection, &format!("SELECT count(*) AS count FROM {table}"), [], |row| get(row, "count"))?;
                Ok(count.unwrap_or_default())
            })
            .await
    }

    async fn export(&self, from: Position, limit: usize) -> StoreResult<Vec<Record>> {
        self.readers
            .read(move |connection| {
                let limit = i64::try_from(limit).unwrap_or(i64::MAX);
                let params = columns(from).into_iter().chain([limit.into()]);
                let sql = select(from.part(), ">");
                all(connection, &sql, params_from_iter(params), |row| record(from.part(), row))
            })
            .await
    }

    async fn import(&self, records: &[Record]) -> StoreResult<()> {
        let records = records.to_vec();
        self.writer.write(move |connection| records.iter().try_for_each(|record| import(connection, record))).await
    }
}

const fn table(part: Part) -> &'static str {
    match part {
        Part::Users => "users",
        Part::UserStreams => "user_stream",
        Part::Sessions => "sessions",
        Part::RefreshTokens => "refresh_tokens",
        Part::Tickets => "tickets",
        Part::Conversations => "conversations",
        Part::Members => "members",
        Part::Messages => "messages",
        Part::Versions => "message_versions",
        Part::Reactions => "reactions",
        Part::FriendRequests => "friend_requests",
        Part::Ties => "ties",
        Part::Audit => "audit",
        Part::Days => "days",
    }
}

/// Finds the records of a part by comparing their keys with one, in the order of the keys.
fn select(part: Part, compare: &str) -> String {
    match part {
        Part::Users => format!("SELECT {USER}, password_hash FROM users WHERE id {compare} ?1 ORDER BY id LIMIT ?2"),
        Part::UserStreams => format!(
            "SELECT user_id, topic, subject, rev FROM user_stream WHERE (user_id, rev) {compare} (?1, ?2) \
             ORDER BY user_id, rev LIMIT ?3"
        ),
        Part::Sessions => format!("SELECT {SESSION} FROM sessions WHERE id {compare} ?1 ORDER BY id LIMIT ?2"),
        Part::RefreshTokens => format!(
            "SELECT hash, session_id, replaced_at FROM refresh_tokens WHERE hash {compare} ?1 ORDER BY hash LIMIT ?2"
        ),
        Part::Tickets => {
            format!("SELECT hash, session_id, expires_at FROM tickets WHERE hash {compare} ?1 ORDER BY hash LIMIT ?2")
        }
        Part::Conversations => {
            format!(
                "SELECT {CONVERSATION}, direct_key, deleted_at FROM conversations WHERE id {compare} ?1 ORDER BY id LIMIT ?2"
            )
        }
        Part::Members => format!(
            "SELECT {MEMBER}, conversation_id FROM members WHERE (conversation_id, user_id) {compare} (?1, ?2) \
             ORDER BY conversation_id, user_id LIMIT ?3"
        ),
        Part::Messages => format!(
            "SELECT {MESSAGE}, fingerprint FROM messages WHERE (conversation_id, seq) {compare} (?1, ?2) \
             ORDER BY conversation_id, seq LIMIT ?3"
        ),
        Part::Versions => format!(
            "SELECT {VERSION} FROM message_versions WHERE (message_id, rev) {compare} (?1, ?2) \
             ORDER BY message_id, rev LIMIT ?3"
        ),
        Part::Reactions => format!(
            "SELECT {REACTION} FROM reactions WHERE (message_id, rev) {compare} (?1, ?2) \
             ORDER BY message_id, rev LIMIT ?3"
        ),
        Part::FriendRequests => {
            format!("SELECT {FRIEND_REQUEST} FROM friend_requests WHERE id {compare} ?1 ORDER BY id LIMIT ?2")
        }
        Part::Ties => format!(
            "SELECT {TIE} FROM ties WHERE (user_id, other_id) {compare} (?1, ?2) ORDER BY user_id, other_id LIMIT ?3"
        ),
        Part::Audit => format!("SELECT {AUDIT} FROM audit WHERE id {compare} ?1 ORDER BY id LIMIT ?2"),
        Part::Days => {
            format!("SELECT day, active_users, messages FROM days WHERE day {compare} ?1 ORDER BY day LIMIT ?2")
        }
    }
}

/// The columns of a key. At the beginning, what sorts before every id.
fn columns(from: Position) -> Vec<Value> {
    let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
    let blob = |bytes: &[u8]| Value::from(bytes.to_vec());
    match from {
        Position::Beginning(
            Part::UserStreams | Part::Members | Part::Messages | Part::Versions | Part::Reactions | Part::Ties,
        ) => vec![blob(&[]), blob(&[])],
        Position::Beginning(
            Part::Users
            | Part::Sessions
            | Part::RefreshTokens
            | Part::Tickets
            | Part::Conversations
            | Part::FriendRequests
            | Part::Audit,
        ) => vec![blob(&[])],
        Position::Beginning(Part::Days) => vec![Value::from(-1)],
        Position::After(key) => match key {
            Key::User(id) => vec![blob(id.as_bytes())],
            Key::UserChange(user, rev) => vec![blob(user.as_bytes()), number(rev.get())],
            Key::Session(id) => vec![blob(id.as_bytes())],
            Key::RefreshToken(hash) | Key::Ticket(hash) => vec![blob(hash.as_bytes())],
            Key::Conversation(id) => vec![blob(id.as_bytes())],
            Key::Member(conversation, user) => vec![blob(conversation.as_bytes()), blob(user.as_bytes())],
            Key::Message(conversation, seq) => vec![blob(conversation.as_bytes()), number(seq.get())],
            Key::Version(message, rev) | Key::Reaction(message, rev) => {
                vec![blob(message.as_bytes()), number(rev.get())]
            }
            Key::FriendRequest(id) => vec![blob(id.as_bytes())],
            Key::Tie(user, other) => vec![blob(user.as_bytes()), blob(other.as_bytes())],
            Key::Audit(id) => vec![blob(id.as_bytes())],
            Key::Day(day) => vec![day.number().into()],
        },
    }
}

fn record(part: Part, row: &Row<'_>) -> StoreResult<Record> {
    Ok(match part {
        Part::Users => Record::User {
            user: rows::user(row)?,
            password: get::<Option<String>>(row, "password_hash")?.map(PasswordHash::new),
        },
        Part::UserStreams => {
            Record::UserChange { user: UserId::from_bytes(get(row, "user_id")?), change: user_change(row)? }
        }
        Part::Sessions => {
            Record::Session { session: rows::session(row)?, revoked_at: optional_time(row, "revoked_at")? }
        }
        Part::RefreshTokens => Record::RefreshToken {
            hash: SecretHash::from_bytes(get(row, "hash")?),
            session: SessionId::from_bytes(get(row, "session_id")?),
            replaced_at: optional_time(row, "replaced_at")?,
        },
        Part::Tickets => Record::Ticket {
            hash: SecretHash::from_bytes(get(row, "hash")?),
            session: SessionId::from_bytes(get(row, "session_id")?),
            expires_at: time(row, "expires_at")?,
        },
        Part::Conversations => conversation(row)?,
        Part::Members => Record::Member {
            conversation: ConversationId::from_bytes(get(row, "conversation_id")?),
            member: rows::member(row)?,
        },
        Part::Messages => Record::Message {
            message: rows::message(row)?,
            fingerprint: Fingerprint::from_bytes(get(row, "fingerprint")?),
        },
        Part::Versions => Record::Version(rows::version(row)?),
        Part::Reactions => Record::Reaction(rows::reaction(row)?),
        Part::FriendRequests => Record::FriendRequest(rows::friend_request(row)?),
        Part::Ties => Record::Tie(rows::tie(row)?),
        Part::Audit => Record::Audit(rows::audit_entry(row)?),
        Part::Days => Record::Day(day_sum(row)?),
    })
}

fn user_change(row: &Row<'_>) -> StoreResult<UserChange> {
    rows::named("change in the stream of user", row, "user_id", |row| {
        let (name, subject): (String, Vec<u8>) = (get(row, "topic")?, get(row, "subject")?);
        let topic = topic(&name, &subject).ok_or_else(|| StoreError::corrupt("topic is not one that is known"))?;
        Ok(UserChange { rev: rows::rev(row, "rev")?, topic })
    })
}

fn conversation(row: &Row<'_>) -> StoreResult<Record> {
    let Conversation {
        id,
        kind,
        name,
        description,
        read_receipts,
        traits,
        created_at,
        updated_at,
        member_count: _,
        last_seq: _,
        rev: _,
    } = rows::conversation(row)?;
    let pair = match kind {
        ConversationKind::Direct => Some(rows::named("conversation", row, "id", rows::pair)?),
        ConversationKind::Group | ConversationKind::Community | ConversationKind::Channel => None,
    };
    let deleted_at = optional_time(row, "deleted_at")?;
    Ok(Record::Conversation {
        id,
        kind,
        pair,
        name,
        description,
        read_receipts,
        traits,
        deleted_at,
        created_at,
        updated_at,
    })
}

fn import(connection: &Connection, record: &Record) -> StoreResult<()> {
    let key = record.key();
    let params = columns(Position::After(key)).into_iter().chain([1.into()]);
    let stored =
        first(connection, &select(key.part(), "="), params_from_iter(params), |row| self::record(key.part(), row))?;
    match stored {
        None => insert(connection, record).map_err(|error| refused(error, &key)),
        Some(stored) if stored == *record => Ok(()),
        Some(_) => Err(StoreError::Conflict("key")),
    }
}

/// What the database has against a record.
fn refused(error: StoreError, key: &Key) -> StoreError {
    let StoreError::Unavailable(source) = error else { return error };
    match source.downcast::<rusqlite::Error>() {
        Ok(error) if error.sqlite_error().is_some_and(|e| e.extended_code == SQLITE_CONSTRAINT_FOREIGNKEY) => {
            StoreError::corrupt(format!("{key}: refers to something that is not there"))
        }
        Ok(error) => conflict(*error, &UNIQUE),
        Err(source) => StoreError::Unavailable(source),
    }
}

fn insert(connection: &Connection, record: &Record) -> StoreResult<()> {
    const USER_CHANGE: &str = "INSERT INTO user_stream (user_id, topic, subject, rev) VALUES (?1, ?2, ?3, ?4)";
    const REFRESH_TOKEN: &str = "INSERT INTO refresh_tokens (hash, session_id, replaced_at) VALUES (?1, ?2, ?3)";
    const TICKET: &str = "INSERT INTO tickets (hash, session_id, expires_at) VALUES (?1, ?2, ?3)";
    const CONVERSATION: &str = "INSERT INTO conversations \
         (id, kind, direct_key, name, description, last_seq, rev, created_at, updated_at, community_id, name_key, \
         category, category_key, access, position, deleted_at, read_receipts) \
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    const DAY: &str = "INSERT INTO days (day, active_users, messages) VALUES (?1, ?2, ?3)";
    let inserted = match record {
        Record::User { user, password } => return insert_account(connection, user, password.as_ref()),
        Record::UserChange { user, change: UserChange { rev, topic } } => {
            let (name, subject) = topic_columns(topic);
            run(connection, USER_CHANGE, params![user.as_bytes(), name, subject, rev.get()])
        }
        Record::Session { session, revoked_at } => return insert_session(connection, session, *revoked_at),
        Record::RefreshToken { hash, session, replaced_at } => {
            let replaced_at = replaced_at.map(Timestamp::as_millis);
            run(connection, REFRESH_TOKEN, params![hash.as_bytes(), session.as_bytes(), replaced_at])
        }
        Record::Ticket { hash, session, expires_at } => {
            run(connection, TICKET, params![hash.as_bytes(), session.as_bytes(), expires_at.as_millis()])
        }
        Record::Conversation {
            id,
            kind,
            pair,
            name,
            description,
            read_receipts,
            traits,
            deleted_at,
            created_at,
            updated_at,
        } => {
            let columns = TraitColumns::of(traits);
            let named = name.as_ref().filter(|_| *traits != Traits::None && deleted_at.is_none());
            let params = params![
                id.as_bytes(),
                kind.name(),
                pair.map(|[a, b]| direct_key(a, b)),
                name.as_ref().map(|name| name.as_str()),
                description.as_ref().map(|description| description.as_str()),
                created_at.as_millis(),
                updated_at.as_millis(),
                columns.community,
                named.map(|name| name.key()),
                columns.category,
                columns.category_key,
                columns.access,
                columns.position,
                deleted_at.map(Timestamp::as_millis),
                read_receipts,
            ];
            run(connection, CONVERSATION, params)
        }
        Record::Member { conversation, member } => return insert_member(connection, *conversation, member),
        Record::Message { message, fingerprint } => return insert_message(connection, message, *fingerprint),
        Record::Version(version) => return changes::insert_version(connection, version),
        Record::Reaction(reaction) => return changes::insert_reaction(connection, reaction),
        Record::FriendRequest(request) => return relations::insert_request(connection, request),
        Record::Tie(tie) => return relations::insert_tie(connection, tie),
        Record::Audit(entry) => return audit::append(connection, entry),
        Record::Day(DaySum { day, active_users, messages }) => {
            run(connection, DAY, params![day.number(), active_users, messages])
        }
    };
    inserted.map(|_| ())
}

fn insert_session(connection: &Connection, session: &Session, revoked_at: Option<Timestamp>) -> StoreResult<()> {
    const SQL: &str = "INSERT INTO sessions \
         (id, user_id, device, created_at, renewed_at, idle_expires_at, expires_at, revoked_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = params![
        session.id.as_bytes(),
        session.user_id.as_bytes(),
        session.device.as_str(),
        session.created_at.as_millis(),
        session.renewed_at.as_millis(),
        session.idle_expires_at.as_millis(),
        session.expires_at.as_millis(),
        revoked_at.map(Timestamp::as_millis),
    ];
    run(connection, SQL, params).map(|_| ())
}

/// Adds a message, and makes its conversation come to it.
fn insert_message(connection: &Connection, message: &Message, fingerprint: Fingerprint) -> StoreResult<()> {
    const SQL: &str = "UPDATE conversations SET last_seq = max(last_seq, ?2), rev = max(rev, ?3) WHERE id = ?1";
    if !messages::insert(connection, message, fingerprint)? {
        return Err(StoreError::Conflict("message id"));
    }
    let params = params![message.conversation_id.as_bytes(), message.seq.get(), message.rev.get()];
    run(connection, SQL, params).map(|_| ())
}
