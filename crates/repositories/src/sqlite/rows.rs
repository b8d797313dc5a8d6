//! Rows, and the domain's types that are made of them. A row that this program can't have written is corrupt: the error
//! names its table and id.

use parlor_domain::{
    Access, Actor, AuditAction, AuditDetails, AuditEntry, AuditId, Bio, Category, ChannelTraits, ClientMessageId,
    CommunityTraits, Content, Conversation, ConversationId, ConversationKind, ConversationName, Description,
    DeviceLabel, DisplayName, Email, Emoji, Excerpt, FriendRequest, FriendRequestId, Lock, LockReason, Marks, Member,
    MemberRole, MemberSettings, Message, MessageId, MessageText, Metadata, Named, RequestState, RequestText, Rev, Seq,
    Session, SessionId, Settings, Shape, Status, StatusKind, StatusText, SystemAction, SystemEvent, SystemRole, Tie,
    TieKind, Timestamp, Traits, User, UserId, UserReaction, Username, Version, WhoCanWrite,
    store::{StoreError, StoreResult},
};
use rusqlite::{Connection, Params, Row, types::FromSql};
use serde::{Deserialize, Serialize};

use super::error::failed;
use crate::marks::StoredMarks;

/// Runs a query and makes something of each of its rows.
pub(crate) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<Vec<T>> {
    all_while(connection, sql, params, |row| read(row).map(Some))
}

/// Runs a query and makes something of its rows, until that is `None`.
pub(crate) fn all_while<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> StoreResult<Option<T>>,
) -> StoreResult<Vec<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(params).map_err(failed)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let Some(item) = read(row)? else { break };
        items.push(item);
    }
    Ok(items)
}

/// Runs a query and makes something of its first row.
pub(crate) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<Option<T>> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query(params).map_err(failed)?;
    rows.next().map_err(failed)?.map(read).transpose()
}

/// Runs a statement and gives the number of rows that it changed.
pub(crate) fn run(connection: &Connection, sql: &str, params: impl Params) -> StoreResult<usize> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(failed)
}

/// A column of a row.
pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> StoreResult<T> {
    row.get(column).map_err(failed)
}

pub(crate) fn seq(row: &Row<'_>, column: &str) -> StoreResult<Seq> {
    get(row, column).map(Seq::new)
}

pub(crate) fn rev(row: &Row<'_>, column: &str) -> StoreResult<Rev> {
    get(row, column).map(Rev::new)
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> StoreResult<Timestamp> {
    get(row, column).map(Timestamp::from_millis)
}

pub(crate) fn optional_time(row: &Row<'_>, column: &str) -> StoreResult<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_millis))
}

/// Reads a row, and says of which one if something of it can't be right.
pub(crate) fn named<T>(
    what: &str,
    row: &Row<'_>,
    id: &str,
    read: impl FnOnce(&Row<'_>) -> StoreResult<T>,
) -> StoreResult<T> {
    read(row).map_err(|error| match error {
        StoreError::Corrupt(source) => {
            let id: Vec<u8> = row.get(id).unwrap_or_default();
            let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
            StoreError::corrupt(format!("{what} {id}: {source}"))
        }
        other @ (StoreError::Conflict(_) | StoreError::Unavailable(_) | StoreError::Full(_)) => other,
    })
}

/// A column's text as one of the domain's values.
fn parse<T, E: std::fmt::Display>(row: &Row<'_>, column: &str, parse: impl Fn(&str) -> Result<T, E>) -> StoreResult<T> {
    parse(&get::<String>(row, column)?).map_err(|reason| StoreError::corrupt(format!("{column} {reason}")))
}

/// The same of a column that may be empty.
fn parse_optional<T, E: std::fmt::Display>(
    row: &Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> StoreResult<Option<T>> {
    let text: Option<String> = get(row, column)?;
    let value = text.map(|text| parse(&text)).transpose();
    value.map_err(|reason| StoreError::corrupt(format!("{column} {reason}")))
}

/// Makes a lookup by name say what is wrong with a name that it does not know.
fn known<T>(from_name: impl Fn(&str) -> Option<T>) -> impl Fn(&str) -> Result<T, &'static str> {
    move |name| from_name(name).ok_or("is not one that is known")
}

pub(crate) const USER: &str = "users.id, username, email, display_name, bio, metadata, role, \
    lock_reason, locked_at, locked_until, show_last_seen, read_receipts, who_can_write, status_kind, status_text, status_until, last_seen_at, users.rev, users.created_at, deleted_at, leaving";

pub(crate) fn user(row: &Row<'_>) -> StoreResult<User> {
    named("user", row, "id", |row| {
        Ok(User {
            id: UserId::from_bytes(get(row, "id")?),
            username: parse(row, "username", Username::parse)?,
            email: parse_optional(row, "email", Email::parse)?,
            display_name: parse(row, "display_name", DisplayName::stored)?,
            bio: parse(row, "bio", Bio::parse)?,
            metadata: parse(row, "metadata", Metadata::parse)?,
            role: parse(row, "role", known(SystemRole::from_name))?,
            lock: lock(row)?,
            settings: Settings {
                show_last_seen: get(row, "show_last_seen")?,
                read_receipts: get(row, "read_receipts")?,
                who_can_write: parse(row, "who_can_write", known(WhoCanWrite::from_name))?,
            },
            status: status(row)?,
            last_seen_at: optional_time(row, "last_seen_at")?,
            rev: rev(row, "rev")?,
            created_at: time(row, "created_at")?,
            deleted_at: optional_time(row, "deleted_at")?,
            leaving: get(row, "leaving")?,
        })
    })
}

fn lock(row: &Row<'_>) -> StoreResult<Option<Lock>> {
    let Some(at) = optional_time(row, "locked_at")? else { return Ok(None) };
    let reason = parse(row, "lock_reason", LockReason::stored)?;
    Ok(Some(Lock { reason, at, until: optional_time(row, "locked_until")? }))
}

pub(crate) fn status(row: &Row<'_>) -> StoreResult<Status> {
    Ok(Status {
        kind: parse(row, "status_kind", known(StatusKind::from_name))?,
        text: parse_optional(row, "status_text", StatusText::parse)?,
        until: optional_time(row, "status_until")?,
    })
}

pub(crate) const SESSION: &str =
    "sessions.id, user_id, device, created_at, renewed_at, idle_expires_at, sessions.expires_at, revoked_at";

pub(crate) fn session(row: &Row<'_>) -> StoreResult<Session> {
    named("session", row, "id", |row| {
        Ok(Session {
            id: SessionId::from_bytes(get(row, "id")?),
            user_id: UserId::from_bytes(get(row, "user_id")?),
            device: DeviceLabel::new(&get::<String>(row, "device")?),
            created_at: time(row, "created_at")?,
            renewed_at: time(row, "renewed_at")?,
            idle_expires_at: time(row, "idle_expires_at")?,
            expires_at: time(row, "expires_at")?,
        })
    })
}

pub(crate) const CONVERSATION: &str = "conversations.id, conversations.kind, name, description, \
    conversations.read_receipts AS has_receipts, \
    community_id, category, access, position, member_count, last_seq, conversations.rev, conversations.created_at, updated_at";

pub(crate) fn conversation(row: &Row<'_>) -> StoreResult<Conversation> {
    named("conversation", row, "id", |row| {
        Ok(Conversation {
            id: ConversationId::from_bytes(get(row, "id")?),
            kind: parse(row, "kind", known(ConversationKind::from_name))?,
            name: parse_optional(row, "name", ConversationName::stored)?,
            description: parse_optional(row, "description", Description::parse)?.flatten(),
            traits: traits(row)?,
            read_receipts: get(row, "has_receipts")?,
            member_count: get(row, "member_count")?,
            last_seq: seq(row, "last_seq")?,
            rev: rev(row, "rev")?,
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
        })
    })
}

/// What communities and channels have.
fn traits(row: &Row<'_>) -> StoreResult<Traits> {
    let access = || parse(row, "access", known(Access::from_name));
    Ok(match parse(row, "kind", known(ConversationKind::from_name))? {
        ConversationKind::Direct | ConversationKind::Group => Traits::None,
        ConversationKind::Community => Traits::Community(CommunityTraits {
            category: parse_optional(row, "category", Category::parse)?,
            access: access()?,
        }),
        ConversationKind::Channel => Traits::Channel(ChannelTraits {
            community: ConversationId::from_bytes(get(row, "community_id")?),
            position: get(row, "position")?,
            access: access()?,
        }),
    })
}

/// The two of a direct conversation, the lesser id first.
pub(crate) fn pair(row: &Row<'_>) -> StoreResult<[UserId; 2]> {
    let key: [u8; 24] = get(row, "direct_key")?;
    let half = |bytes: &[u8]| bytes.try_into().map(UserId::from_bytes).map_err(StoreError::corrupt);
    Ok([half(&key[..12])?, half(&key[12..])?])
}

/// What a conversation is for ever.
pub(crate) fn shape(row: &Row<'_>) -> StoreResult<Shape> {
    named("conversation", row, "id", |row| {
        Ok(match parse(row, "kind", known(ConversationKind::from_name))? {
            ConversationKind::Direct => Shape::Direct(pair(row)?),
            ConversationKind::Group => Shape::Group,
            ConversationKind::Community => Shape::Community,
            ConversationKind::Channel => Shape::Channel(ConversationId::from_bytes(get(row, "community_id")?)),
        })
    })
}

pub(crate) const MEMBER: &str = "members.conversation_id AS member_of, members.user_id, role, joined_at, joined_rev, \
    read_seq, read_receipt_seq, delivered_seq, held_from, muted_until, pinned, archived, hidden_up_to";

pub(crate) fn member(row: &Row<'_>) -> StoreResult<Member> {
    named("member of conversation", row, "member_of", |row| {
        Ok(Member {
            user_id: UserId::from_bytes(get(row, "user_id")?),
            role: parse_optional(row, "role", known(MemberRole::from_name))?,
            joined_at: time(row, "joined_at")?,
            joined_rev: rev(row, "joined_rev")?,
            read_seq: seq(row, "read_seq")?,
            read_receipt_seq: seq(row, "read_receipt_seq")?,
            delivered_seq: seq(row, "delivered_seq")?,
            held_from: get::<Option<u64>>(row, "held_from")?.map(Rev::new),
            settings: MemberSettings {
                muted_until: optional_time(row, "muted_until")?,
                pinned: get(row, "pinned")?,
                archived: get(row, "archived")?,
                hidden_up_to: get::<Option<u64>>(row, "hidden_up_to")?.map(Seq::new),
            },
        })
    })
}

pub(crate) const MESSAGE: &str = "id, conversation_id, seq, rev, coalesce(created_rev, rev) AS sent_rev, sender_id, \
    kind, text, system, metadata, client_message_id, created_at, marks";

pub(crate) fn message(row: &Row<'_>) -> StoreResult<Message> {
    named("message", row, "id", |row| {
        let marks = marks(row)?;
        Ok(Message {
            id: MessageId::from_bytes(get(row, "id")?),
            conversation_id: ConversationId::from_bytes(get(row, "conversation_id")?),
            seq: seq(row, "seq")?,
            rev: rev(row, "rev")?,
            created_rev: rev(row, "sent_rev")?,
            sender_id: UserId::from_bytes(get(row, "sender_id")?),
            content: content(row, marks.as_ref())?,
            metadata: parse(row, "metadata", Metadata::parse)?,
            client_message_id: parse_optional(row, "client_message_id", ClientMessageId::parse)?,
            created_at: time(row, "created_at")?,
            marks: marks.map_or_else(|| Ok(Marks::default()), |marks| marks.marks()).map_err(StoreError::corrupt)?,
        })
    })
}

fn marks(row: &Row<'_>) -> StoreResult<Option<StoredMarks>> {
    parse_optional(row, "marks", |json| serde_json::from_str(json).map_err(|_| "is not as written"))
}

/// The columns `created_rev`, `marks` and `pinned` of a message.
pub(crate) fn marks_columns(message: &Message) -> StoreResult<(Option<u64>, Option<String>, Option<bool>)> {
    let created_rev = Some(message.created_rev.get()).filter(|_| message.created_rev != message.rev);
    let marks = StoredMarks::new(&message.marks, &message.content);
    let marks = marks.map(|marks| serde_json::to_string(&marks)).transpose().map_err(StoreError::unavailable)?;
    Ok((created_rev, marks, message.marks.pin.map(|_| true)))
}

pub(crate) const VERSION: &str = "message_id, rev, text, metadata, at";

pub(crate) fn version(row: &Row<'_>) -> StoreResult<Version> {
    named("version of message", row, "message_id", |row| {
        Ok(Version {
            message: MessageId::from_bytes(get(row, "message_id")?),
            rev: rev(row, "rev")?,
            text: parse(row, "text", MessageText::stored)?,
            metadata: parse(row, "metadata", Metadata::parse)?,
            at: time(row, "at")?,
        })
    })
}

pub(crate) const REACTION: &str = "message_id, rev, emoji, user_id, at";

pub(crate) fn reaction(row: &Row<'_>) -> StoreResult<UserReaction> {
    named("reaction to message", row, "message_id", |row| {
        Ok(UserReaction {
            message: MessageId::from_bytes(get(row, "message_id")?),
            emoji: Emoji::stored(&get::<String>(row, "emoji")?),
            user: UserId::from_bytes(get(row, "user_id")?),
            rev: rev(row, "rev")?,
            at: time(row, "at")?,
        })
    })
}

pub(crate) const FRIEND_REQUEST: &str = "id, from_id, to_id, text, state, created_at, updated_at, rejected_at";

pub(crate) fn friend_request(row: &Row<'_>) -> StoreResult<FriendRequest> {
    named("friend request", row, "id", |row| {
        Ok(FriendRequest {
            id: FriendRequestId::from_bytes(get(row, "id")?),
            from: UserId::from_bytes(get(row, "from_id")?),
            to: UserId::from_bytes(get(row, "to_id")?),
            text: parse_optional(row, "text", RequestText::stored)?,
            state: parse(row, "state", known(RequestState::from_name))?,
            created_at: time(row, "created_at")?,
            updated_at: time(row, "updated_at")?,
            rejected_at: optional_time(row, "rejected_at")?,
        })
    })
}

pub(crate) const TIE: &str = "user_id, other_id, kind, name, since";

pub(crate) fn tie(row: &Row<'_>) -> StoreResult<Tie> {
    named("tie of user", row, "user_id", |row| {
        Ok(Tie {
            user: UserId::from_bytes(get(row, "user_id")?),
            other: UserId::from_bytes(get(row, "other_id")?),
            kind: parse(row, "kind", known(TieKind::from_name))?,
            name: get(row, "name")?,
            since: time(row, "since")?,
        })
    })
}

fn content(row: &Row<'_>, marks: Option<&StoredMarks>) -> StoreResult<Content> {
    match get::<Option<String>>(row, "kind")?.as_deref() {
        None => parse(row, "text", MessageText::stored).map(Content::Text),
        Some(SYSTEM) => parse(row, "system", system_event).map(Content::System),
        Some(DELETED) => {
            let deletion = marks.map_or_else(|| Err("marks is missing".to_owned()), StoredMarks::deletion);
            deletion.map(Content::Deleted).map_err(StoreError::corrupt)
        }
        Some(_) => Err(StoreError::corrupt("kind is not one that is known")),
    }
}

/// The kind of a system message.
const SYSTEM: &str = "system";
/// The kind of a deleted message.
const DELETED: &str = "deleted";

/// The beginning of a message.
pub(crate) const EXCERPT: &str = "id, kind, substr(text, 1, 200) AS beginning";
const _: () = assert!(Excerpt::MAX_CHARS == 200, "as the columns have it");

pub(crate) fn excerpt(row: &Row<'_>) -> StoreResult<Excerpt> {
    let is_deleted = get::<Option<String>>(row, "kind")?.as_deref() == Some(DELETED);
    let text = if is_deleted { None } else { get(row, "beginning")? };
    Ok(Excerpt { message: MessageId::from_bytes(get(row, "id")?), text })
}

/// What a system message tells, as its column holds it.
#[derive(Serialize, Deserialize)]
struct SystemJson {
    action: String,
    users: Vec<String>,
    value: Option<String>,
    members: u32,
}

fn system_event(json: &str) -> Result<SystemEvent, &'static str> {
    let SystemJson { action, users, value, members } = serde_json::from_str(json).map_err(|_| "is not as written")?;
    Ok(SystemEvent {
        action: SystemAction::from_name(&action).ok_or("has an action that is not known")?,
        users: users.iter().map(|id| id.parse().map_err(|_| "names a user that is none")).collect::<Result<_, _>>()?,
        value,
        member_count: members,
    })
}

/// A message's content as the columns `kind`, `text` and `system` hold it.
pub(crate) fn content_columns(content: &Content) -> StoreResult<(Option<&'static str>, &str, Option<String>)> {
    match content {
        Content::Text(text) => Ok((None, text.as_str(), None)),
        Content::Deleted(_) => Ok((Some(DELETED), "", None)),
        Content::System(SystemEvent { action, users, value, member_count }) => {
            let json = SystemJson {
                action: action.name().to_owned(),
                users: users.iter().map(ToString::to_string).collect(),
                value: value.clone(),
                members: *member_count,
            };
            Ok((Some(SYSTEM), "", Some(serde_json::to_string(&json).map_err(StoreError::unavailable)?)))
        }
    }
}

pub(crate) const AUDIT: &str = "id, at, actor_id, actor_username, action, target_id, target_username, details, request";

pub(crate) fn audit_entry(row: &Row<'_>) -> StoreResult<AuditEntry> {
    named("entry of the audit log", row, "id", |row| {
        let actor = match get::<Option<[u8; 12]>>(row, "actor_id")? {
            None => Actor::CommandLine,
            Some(id) => {
                let username = parse(row, "actor_username", Username::parse)?;
                Actor::User(Named { id: UserId::from_bytes(id), username })
            }
        };
        let target = UserId::from_bytes(get(row, "target_id")?);
        Ok(AuditEntry {
            id: AuditId::from_bytes(get(row, "id")?),
            at: time(row, "at")?,
            actor,
            action: parse(row, "action", known(AuditAction::from_name))?,
            target: Named { id: target, username: parse(row, "target_username", Username::parse)? },
            details: parse(row, "details", AuditDetails::parse)?,
            request: get(row, "request")?,
        })
    })
}
