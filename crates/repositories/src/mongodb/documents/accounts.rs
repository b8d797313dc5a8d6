//! Accounts, sign-ins, and what belongs to one user alone.

use mongodb::bson::{Binary, DateTime, RawDocument, oid::ObjectId};
use parlor_domain::{
    Bio, ConversationId, DeviceLabel, DisplayName, Email, FriendRequestId, Metadata, PasswordHash, Rev, SecretHash,
    Session, SessionId, Settings, Status, StatusKind, StatusText, SystemRole, Timestamp, User, UserId, UserTopic,
    Username, WhoCanWrite, search_terms,
};
use serde::{Deserialize, Serialize};

use super::{LockDocument, Stored, bytes, counter, date, fields, known, long, oid, parse, parse_optional, time};

/// An account.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    username: String,
    username_key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_key: Option<String>,
    display_name: String,
    bio: String,
    metadata: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    password_hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<LockDocument>,
    settings: SettingsDocument,
    status: StatusDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_at: Option<DateTime>,
    rev: i64,
    created_at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<DateTime>,
    /// Whether it is still to be taken out of where it was.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    leaving: bool,
    /// What the directory finds the user by; not read.
    #[serde(skip_deserializing)]
    terms: Vec<String>,
    #[serde(skip_deserializing)]
    prefixes: Vec<String>,
}

impl UserDocument {
    pub(crate) fn new(user: &User, password: Option<&PasswordHash>) -> Self {
        let terms = match user.deleted_at {
            Some(_) => Vec::new(),
            None => search_terms([user.username.as_str(), user.display_name.as_str()]),
        };
        Self {
            id: oid(user.id.as_bytes()),
            username: user.username.to_string(),
            username_key: if user.deleted_at.is_some() { deleted_key(user.id) } else { user.username.key() },
            email: user.email.as_ref().map(ToString::to_string),
            email_key: user.email.as_ref().map(Email::key),
            display_name: user.display_name.to_string(),
            bio: user.bio.to_string(),
            metadata: user.metadata.to_string(),
            role: user.role.name().to_owned(),
            password_hash: password.map(|hash| hash.as_str().to_owned()),
            lock: user.lock.as_ref().map(LockDocument::from),
            settings: user.settings.into(),
            status: StatusDocument::from(&user.status),
            last_seen_at: user.last_seen_at.map(date),
            rev: long(user.rev.get()),
            created_at: date(user.created_at),
            deleted_at: user.deleted_at.map(date),
            leaving: user.leaving,
            prefixes: prefixes(&terms),
            terms,
        }
    }
}

impl Stored for UserDocument {
    const WHAT: &'static str = "user";
    type Value = User;

    fn read(raw: &RawDocument) -> Result<User, String> {
        let document: Self = fields(raw)?;
        Ok(User {
            id: UserId::from_bytes(document.id.bytes()),
            username: parse("username", &document.username, Username::parse)?,
            email: parse_optional("email", document.email.as_deref(), Email::parse)?,
            display_name: parse("displayName", &document.display_name, DisplayName::stored)?,
            bio: parse("bio", &document.bio, Bio::parse)?,
            metadata: parse("metadata", &document.metadata, Metadata::parse)?,
            role: parse("role", &document.role, known(SystemRole::from_name))?,
            lock: document.lock.as_ref().map(LockDocument::value).transpose()?,
            settings: document.settings.value()?,
            status: document.status.value()?,
            last_seen_at: document.last_seen_at.map(time),
            rev: Rev::new(counter("rev", document.rev)?),
            created_at: time(document.created_at),
            deleted_at: document.deleted_at.map(time),
            leaving: document.leaving,
        })
    }
}

/// The key of a deleted account's name. Nobody can sign up under a name with it, so nobody can stand in the way.
pub(crate) fn deleted_key(id: UserId) -> String {
    format!("-deleted-{id}")
}

/// The longest beginning of a word that is looked up by itself. Of a longer one the rest is compared.
const PREFIX_CHARS: usize = 12;

/// How the beginning of a word is looked up.
pub(crate) fn prefix(word: &str) -> &str {
    word.char_indices().nth(PREFIX_CHARS).map_or(word, |(end, _)| &word[..end])
}

/// Every beginning of every word, up to a length: each is an entry of an index in the order of the directory.
fn prefixes(terms: &[String]) -> Vec<String> {
    let mut prefixes: Vec<String> = Vec::new();
    for term in terms {
        let ends = term.char_indices().take(PREFIX_CHARS).map(|(at, c)| at + c.len_utf8());
        prefixes.extend(ends.map(|end| term[..end].to_owned()));
    }
    prefixes.sort_unstable();
    prefixes.dedup();
    prefixes
}

/// A user's settings.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SettingsDocument {
    show_last_seen: bool,
    read_receipts: bool,
    /// Absent in accounts that are older than the choice.
    who_can_write: Option<String>,
}

impl From<Settings> for SettingsDocument {
    fn from(settings: Settings) -> Self {
        Self {
            show_last_seen: settings.show_last_seen,
            read_receipts: settings.read_receipts,
            who_can_write: Some(settings.who_can_write.name().to_owned()),
        }
    }
}

impl SettingsDocument {
    fn value(&self) -> Result<Settings, String> {
        let who_can_write = self.who_can_write.as_deref();
        Ok(Settings {
            show_last_seen: self.show_last_seen,
            read_receipts: self.read_receipts,
            who_can_write: parse_optional("settings.whoCanWrite", who_can_write, known(WhoCanWrite::from_name))?
                .unwrap_or_default(),
        })
    }
}

/// A user's status.
#[derive(Serialize, Deserialize)]
pub(crate) struct StatusDocument {
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<DateTime>,
}

impl From<&Status> for StatusDocument {
    fn from(status: &Status) -> Self {
        Self {
            kind: status.kind.name().to_owned(),
            text: status.text.as_ref().map(ToString::to_string),
            until: status.until.map(date),
        }
    }
}

impl StatusDocument {
    fn value(&self) -> Result<Status, String> {
        Ok(Status {
            kind: parse("status.kind", &self.kind, known(StatusKind::from_name))?,
            text: parse_optional("status.text", self.text.as_deref(), StatusText::parse)?,
            until: self.until.map(time),
        })
    }
}

/// The newest change of a topic in a user's own stream.
#[derive(Serialize, Deserialize)]
pub(crate) struct UserChangeDocument {
    pub(crate) user: ObjectId,
    pub(crate) topic: String,
    /// What the topic is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<ObjectId>,
    pub(crate) rev: i64,
}

impl UserChangeDocument {
    pub(crate) fn new(user: UserId, topic: &UserTopic, rev: Rev) -> Self {
        let (topic, subject) = match topic {
            UserTopic::Conversation(id) => ("conversation", Some(oid(id.as_bytes()))),
            UserTopic::Settings(id) => ("settings", Some(oid(id.as_bytes()))),
            UserTopic::Read(id) => ("read", Some(oid(id.as_bytes()))),
            UserTopic::Profile => ("profile", None),
            UserTopic::FriendRequest(id) => ("friendRequest", Some(oid(id.as_bytes()))),
            UserTopic::Friend(id) => ("friend", Some(oid(id.as_bytes()))),
            UserTopic::Block(id) => ("block", Some(oid(id.as_bytes()))),
        };
        Self { user: oid(user.as_bytes()), topic: topic.to_owned(), subject, rev: long(rev.get()) }
    }
}

impl Stored for UserChangeDocument {
    const WHAT: &'static str = "change in the stream of user";
    const ID: &'static str = "user";
    type Value = (UserId, parlor_domain::UserChange);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let document: Self = fields(raw)?;
        let subject = || {
            let id = document.subject.ok_or_else(|| "subject is missing".to_owned())?;
            Ok::<_, String>(id.bytes())
        };
        let topic = match document.topic.as_str() {
            "conversation" => UserTopic::Conversation(ConversationId::from_bytes(subject()?)),
            "settings" => UserTopic::Settings(ConversationId::from_bytes(subject()?)),
            "read" => UserTopic::Read(ConversationId::from_bytes(subject()?)),
            "profile" => UserTopic::Profile,
            "friendRequest" => UserTopic::FriendRequest(FriendRequestId::from_bytes(subject()?)),
            "friend" => UserTopic::Friend(UserId::from_bytes(subject()?)),
            "block" => UserTopic::Block(UserId::from_bytes(subject()?)),
            _ => return Err("topic is not one that is known".to_owned()),
        };
        let rev = Rev::new(counter("rev", document.rev)?);
        Ok((UserId::from_bytes(document.user.bytes()), parlor_domain::UserChange { rev, topic }))
    }
}

/// A sign-in.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionDocument {
    #[serde(rename = "_id")]
    id: ObjectId,
    user: ObjectId,
    device: String,
    created_at: DateTime,
    renewed_at: DateTime,
    idle_expires_at: DateTime,
    expires_at: DateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<DateTime>,
}

impl SessionDocument {
    pub(crate) fn new(session: &Session, revoked_at: Option<Timestamp>) -> Self {
        Self {
            id: oid(session.id.as_bytes()),
            user: oid(session.user_id.as_bytes()),
            device: session.device.to_string(),
            created_at: date(session.created_at),
            renewed_at: date(session.renewed_at),
            idle_expires_at: date(session.idle_expires_at),
            expires_at: date(session.expires_at),
            revoked_at: revoked_at.map(date),
        }
    }
}

impl Stored for SessionDocument {
    const WHAT: &'static str = "session";
    /// The session, and when it was revoked.
    type Value = (Session, Option<Timestamp>);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let document: Self = fields(raw)?;
        let session = Session {
            id: SessionId::from_bytes(document.id.bytes()),
            user_id: UserId::from_bytes(document.user.bytes()),
            device: DeviceLabel::new(&document.device),
            created_at: time(document.created_at),
            renewed_at: time(document.renewed_at),
            idle_expires_at: time(document.idle_expires_at),
            expires_at: time(document.expires_at),
        };
        Ok((session, document.revoked_at.map(time)))
    }
}

/// A refresh token of a session, also a replaced one: who shows one of those has a copy.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RefreshTokenDocument {
    #[serde(rename = "_id")]
    pub(crate) hash: Binary,
    pub(crate) session: ObjectId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) replaced_at: Option<DateTime>,
}

impl Stored for RefreshTokenDocument {
    const WHAT: &'static str = "refresh token of session";
    const ID: &'static str = "session";
    /// Its hash, whose it is, and when it was replaced.
    type Value = (SecretHash, SessionId, Option<Timestamp>);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let document: Self = fields(raw)?;
        let hash = SecretHash::from_bytes(bytes("_id", &document.hash.bytes)?);
        Ok((hash, SessionId::from_bytes(document.session.bytes()), document.replaced_at.map(time)))
    }
}

/// A one-time ticket of a session.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TicketDocument {
    #[serde(rename = "_id")]
    pub(crate) hash: Binary,
    pub(crate) session: ObjectId,
    pub(crate) expires_at: DateTime,
}

impl Stored for TicketDocument {
    const WHAT: &'static str = "ticket of session";
    const ID: &'static str = "session";
    /// Its hash, whose it is, and when it expires.
    type Value = (SecretHash, SessionId, Timestamp);

    fn read(raw: &RawDocument) -> Result<Self::Value, String> {
        let document: Self = fields(raw)?;
        let hash = SecretHash::from_bytes(bytes("_id", &document.hash.bytes)?);
        Ok((hash, SessionId::from_bytes(document.session.bytes()), time(document.expires_at)))
    }
}
