//! Everything that a database holds, record by record, for moving it into another database.

use std::fmt;

use async_trait::async_trait;

use super::StoreResult;
use crate::{
    AuditEntry, AuditId, ConversationId, ConversationKind, ConversationName, Day, DaySum, Description, Fingerprint,
    FriendRequest, FriendRequestId, Member, Message, MessageId, PasswordHash, Rev, SecretHash, Seq, Session, SessionId,
    Tie, Timestamp, Traits, User, UserChange, UserId, UserReaction, Version,
};

/// A sort of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// Accounts, deleted ones as well.
    Users,
    /// The changes in the users' own streams.
    UserStreams,
    /// Sign-ins.
    Sessions,
    /// Refresh tokens, replaced ones as well.
    RefreshTokens,
    /// One-time tickets.
    Tickets,
    /// Conversations.
    Conversations,
    /// Who is in them.
    Members,
    /// The message log.
    Messages,
    /// What messages have said before.
    Versions,
    /// Who has reacted to them.
    Reactions,
    /// Friend requests, answered ones as well.
    FriendRequests,
    /// Friendships and blocks.
    Ties,
    /// The audit log.
    Audit,
    /// The sums of days. Who was active today is not among them, so it counts once more after a move.
    Days,
}

impl Part {
    /// Every part, each after those that it refers to.
    pub const ALL: [Self; 14] = [
        Self::Users,
        Self::UserStreams,
        Self::Sessions,
        Self::RefreshTokens,
        Self::Tickets,
        Self::Conversations,
        Self::Members,
        Self::Messages,
        Self::Versions,
        Self::Reactions,
        Self::FriendRequests,
        Self::Ties,
        Self::Audit,
        Self::Days,
    ];

    /// The part's name, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::UserStreams => "user streams",
            Self::Sessions => "sessions",
            Self::RefreshTokens => "refresh tokens",
            Self::Tickets => "tickets",
            Self::Conversations => "conversations",
            Self::Members => "members",
            Self::Messages => "messages",
            Self::Versions => "versions of messages",
            Self::Reactions => "reactions",
            Self::FriendRequests => "friend requests",
            Self::Ties => "friends and blocks",
            Self::Audit => "audit log",
            Self::Days => "days",
        }
    }
}

/// What a record is found by. Ordered by part, and then by the bytes of ids and hashes and by number: the same order on
/// every store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// An account.
    User(UserId),
    /// A change in a user's own stream.
    UserChange(UserId, Rev),
    /// A sign-in.
    Session(SessionId),
    /// A refresh token.
    RefreshToken(SecretHash),
    /// A one-time ticket.
    Ticket(SecretHash),
    /// A conversation.
    Conversation(ConversationId),
    /// A user in a conversation.
    Member(ConversationId, UserId),
    /// A message at its place.
    Message(ConversationId, Seq),
    /// What a message said before a revision.
    Version(MessageId, Rev),
    /// A reaction to a message, by its revision.
    Reaction(MessageId, Rev),
    /// A friend request.
    FriendRequest(FriendRequestId),
    /// What one user has made of another.
    Tie(UserId, UserId),
    /// An entry of the audit log.
    Audit(AuditId),
    /// The sums of a day.
    Day(Day),
}

impl Key {
    /// The part that it is in.
    pub const fn part(&self) -> Part {
        match self {
            Self::User(_) => Part::Users,
            Self::UserChange(..) => Part::UserStreams,
            Self::Session(_) => Part::Sessions,
            Self::RefreshToken(_) => Part::RefreshTokens,
            Self::Ticket(_) => Part::Tickets,
            Self::Conversation(_) => Part::Conversations,
            Self::Member(..) => Part::Members,
            Self::Message(..) => Part::Messages,
            Self::Version(..) => Part::Versions,
            Self::Reaction(..) => Part::Reactions,
            Self::FriendRequest(_) => Part::FriendRequests,
            Self::Tie(..) => Part::Ties,
            Self::Audit(_) => Part::Audit,
            Self::Day(_) => Part::Days,
        }
    }
}

/// The record in words: `message 7 of conversation 65b2…`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::UserChange(user, rev) => write!(f, "change {rev} in the stream of user {user}"),
            Self::Session(id) => write!(f, "session {id}"),
            Self::RefreshToken(hash) => write!(f, "refresh token {}", Beginning(hash)),
            Self::Ticket(hash) => write!(f, "ticket {}", Beginning(hash)),
            Self::Conversation(id) => write!(f, "conversation {id}"),
            Self::Member(conversation, user) => write!(f, "member {user} of conversation {conversation}"),
            Self::Message(conversation, seq) => write!(f, "message {seq} of conversation {conversation}"),
            Self::Version(message, rev) => write!(f, "what message {message} said before {rev}"),
            Self::Reaction(message, rev) => write!(f, "reaction {rev} to message {message}"),
            Self::FriendRequest(id) => write!(f, "friend request {id}"),
            Self::Tie(user, other) => write!(f, "what user {other} is to user {user}"),
            Self::Audit(id) => write!(f, "entry {id} of the audit log"),
            Self::Day(day) => write!(f, "day {day}"),
        }
    }
}

/// As much of a hash as finds it, in hex.
struct Beginning<'a>(&'a SecretHash);

impl fmt::Display for Beginning<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_bytes().iter().take(8).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…")
    }
}

/// Where to read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// At the first record of a part.
    Beginning(Part),
    /// Behind a record, whether it is there or not.
    After(Key),
}

impl Position {
    /// The part that is read.
    pub const fn part(&self) -> Part {
        match self {
            Self::Beginning(part) => *part,
            Self::After(key) => key.part(),
        }
    }
}

/// All that is stored of one thing, but for what follows from other records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An account.
    User {
        /// The account.
        user: User,
        /// Absent for a deleted one.
        password: Option<PasswordHash>,
    },
    /// A change in a user's own stream.
    UserChange {
        /// Whose stream.
        user: UserId,
        /// The change.
        change: UserChange,
    },
    /// A sign-in.
    Session {
        /// The sign-in.
        session: Session,
        /// When it was revoked.
        revoked_at: Option<Timestamp>,
    },
    /// A refresh token.
    RefreshToken {
        /// The hash of the token.
        hash: SecretHash,
        /// Whose it is.
        session: SessionId,
        /// When the next one took its place.
        replaced_at: Option<Timestamp>,
    },
    /// A one-time ticket.
    Ticket {
        /// The hash of the ticket.
        hash: SecretHash,
        /// Whose it is.
        session: SessionId,
        /// Until when it is good.
        expires_at: Timestamp,
    },
    /// A conversation. Its `last_seq` and `rev` follow from its messages.
    Conversation {
        /// The conversation's id.
        id: ConversationId,
        /// What sort of conversation it is.
        kind: ConversationKind,
        /// The two users of a direct conversation, the lesser id first.
        pair: Option<[UserId; 2]>,
        /// What a group is called.
        name: Option<ConversationName>,
        /// What a group is for.
        description: Option<Description>,
        /// Whether members are told how far others have read.
        read_receipts: bool,
        /// What else a community or a channel has.
        traits: Traits,
        /// When a community or a channel was deleted that is not erased yet.
        deleted_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When its newest message was sent, or else when it was made.
        updated_at: Timestamp,
    },
    /// A user in a conversation.
    Member {
        /// The conversation.
        conversation: ConversationId,
        /// The user in it.
        member: Member,
    },
    /// A message.
    Message {
        /// The message.
        message: Message,
        /// What tells a repeat of it from another message.
        fingerprint: Fingerprint,
    },
    /// What a message has said before.
    Version(Version),
    /// A reaction to a message, which the message tells of as well.
    Reaction(UserReaction),
    /// A friend request.
    FriendRequest(FriendRequest),
    /// A friendship as one of the two has it, or a block.
    Tie(Tie),
    /// An entry of the audit log.
    Audit(AuditEntry),
    /// The sums of a day.
    Day(DaySum),
}

impl Record {
    /// What it is found by.
    pub const fn key(&self) -> Key {
        match self {
            Self::User { user, .. } => Key::User(user.id),
            Self::UserChange { user, change } => Key::UserChange(*user, change.rev),
            Self::Session { session, .. } => Key::Session(session.id),
            Self::RefreshToken { hash, .. } => Key::RefreshToken(*hash),
            Self::Ticket { hash, .. } => Key::Ticket(*hash),
            Self::Conversation { id, .. } => Key::Conversation(*id),
            Self::Member { conversation, member } => Key::Member(*conversation, member.user_id),
            Self::Message { message, .. } => Key::Message(message.conversation_id, message.seq),
            Self::Version(version) => Key::Version(version.message, version.rev),
            Self::Reaction(reaction) => Key::Reaction(reaction.message, reaction.rev),
            Self::FriendRequest(request) => Key::FriendRequest(request.id),
            Self::Tie(tie) => Key::Tie(tie.user, tie.other),
            Self::Audit(entry) => Key::Audit(entry.id),
            Self::Day(sum) => Key::Day(sum.day),
        }
    }
}

/// Everything that a database holds, record by record, to move it into another database of whichever kind. Nobody else
/// may write meanwhile.
#[cfg_attr(any(test, feature = "testing"), mockall::automock)]
#[async_trait]
pub trait Transfer: Send + Sync {
    /// About how many records the part has, found out quickly: for a progress bar.
    async fn count(&self, part: Part) -> StoreResult<u64>;

    /// The records from a position on, in ascending order of their keys: `limit` of them, or as many as are left in the
    /// part.
    async fn export(&self, from: Position, limit: usize) -> StoreResult<Vec<Record>>;

    /// Adds records, in their order, with what follows from each: what the directory finds a user by, how far a
    /// conversation's log goes. A record that is there already, and is the same, is left as it is.
    ///
    /// It is not one atomic change: who is interrupted may leave the first ones of the records behind.
    ///
    /// # Errors
    /// `Conflict("key")` if another record has the same key, and other conflicts with what must be unique. Of what a
    /// record refers to and is not there, a store may say `Corrupt`.
    async fn import(&self, records: &[Record]) -> StoreResult<()>;
}
