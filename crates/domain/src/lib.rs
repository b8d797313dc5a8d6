//! What Parlor speaks of: ids, entities, values that cannot be wrong, events, and what the rules ask of a store.
//!
//! This crate knows nothing of IO, HTTP, the shapes of JSON on the wire, or any driver. A value is parsed once, at
//! the edge, and is right from then on; `InvalidValue` says why one is not.

mod administration;
mod change;
mod channel;
mod community;
mod conversation;
mod day;
mod entropy;
mod event;
mod group;
mod id;
mod marks;
mod mention;
mod message;
mod relation;
mod search;
mod session;
mod status;
pub mod store;
mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
mod user;
mod value;
mod view;

pub use administration::{Act, Acting, Actor, AuditAction, AuditDetails, AuditEntry, Lock, LockReason, Named};
pub use change::{ChangeGround, MessageAction, MessageChange, MessagePlan, MessageRefusal};
pub use channel::{ChannelAction, ChannelChange, ChannelPlan, NewChannel};
pub use community::{
    Access, Category, ChannelTraits, CommunityAction, CommunityChange, CommunityPlan, CommunityRefusal,
    CommunityTraits, NewCommunity, Traits, admit, name_key,
};
pub use conversation::{
    Conversation, ConversationKind, ConversationName, Delivery, Description, Member, MemberSettings,
    MemberSettingsChange, ReceiptKind, Shape,
};
pub use day::{Activity, Day, DaySum};
pub use entropy::{Entropy, OsEntropy, SeededEntropy};
pub use event::{Change, Event};
pub use group::{GroupAction, GroupChange, GroupDescription, GroupPlan, GroupRefusal, MemberRole, NewGroup};
pub use id::{AuditId, ConnectionId, ConversationId, FriendRequestId, MessageId, ObjectId, SessionId, UserId};
pub use marks::{Emoji, Forward, Forwarded, Marks, Pin, Reaction, ReplyTo, UserReaction, Version};
pub use mention::{EVERYONE, MentionText, MentionedRole, Mentions, Unread, UnreadSum, UnreadTotals};
pub use message::{
    ClientMessageId, Content, Deletion, Excerpt, Fingerprint, Message, MessageText, NewMessage, SendKey, SystemAction,
    SystemEvent,
};
pub use relation::{FriendRequest, Relation, RequestState, RequestText, Tie, TieKind, WhoCanWrite};
pub use search::{SearchQuery, SnippetPart, index_terms, sender_term};
pub use session::{DeviceLabel, PasswordHash, SecretHash, Session};
pub use status::{Presence, Status, StatusKind, StatusText};
pub use stream::{StreamId, UserChange, UserTopic};
pub use time::{Clock, SystemClock, Timestamp};
pub use user::{
    Bio, DisplayName, Email, Login, Metadata, ProfileChange, Settings, SettingsChange, SystemRole, User, Username,
    search_terms,
};
pub use value::{InvalidValue, Rev, Seq};
pub use view::{
    BlockView, ConversationView, FriendRequestView, MemberView, MessageView, PresenceView, ReceiptView, TieView,
    UserView,
};
