//! The shapes on the wire: the JSON that REST and sockets take and give.
//!
//! They are apart from the domain's types on purpose: what is written here is a promise to front ends, and changes
//! only by additions. Ids are 24 hexadecimal digits, times RFC 3339 in UTC with milliseconds.

mod administration;
mod auth;
mod commands;
mod community;
mod conversation;
mod events;
mod group;
mod marks;
mod mentions;
mod message;
mod message_page;
mod metadata;
mod page;
mod people;
mod problem;
pub(crate) mod rules;
mod search;
mod secret;
mod session;
mod socketio;
mod status;
mod sync;
mod user;

pub use administration::{
    AccountCounts, AdminUser, AdminUserDetails, AuditAction, AuditEntry, AuditUser, DayStatistics, Details, Lock,
    LockUser, SetAccountRole, Statistics,
};
pub use auth::{ChangePassword, DeleteAccount, LogIn, Refresh, SignUp, SignedIn, TokenDelivery, Tokens};
pub use commands::{
    Answer, Authenticate, Command, CommandFrame, CommandKind, Refusal, ReplyId, SocketCredential, Subject,
};
pub use community::{Access, Community, NewChannel, NewCommunity, TraitFields, UpdateChannel, UpdateCommunity};
pub use conversation::{
    Conversation, ConversationDeleted, Kind as ConversationKind, OpenDirect, Position, Receipt, SetReceipt, SetTyping,
    Typing,
};
pub use events::{
    Empty, EventData, EventFrame, EventKind, Heartbeat, Ready, ReadyConnection, SessionRevoked, SocketLimits,
};
pub use group::{
    AddMembers, ConversationSettings, CreateGroup, GroupMember, MemberRole, RemoveMember, SetRole, UpdateConversation,
    UpdateConversationSettings, UpdateMember,
};
pub use marks::{
    EditMessage, EditOneMessage, ForwardMessage, ForwardedFrom, MessageVersion, OneMessage, PinnedBy, React, Reaction,
    Reactor, ReplyTo,
};
pub use mentions::{Mentions, UnreadSum, UnreadTotals};
pub use message::{DeliveryState, Kind as MessageKind, Message, SendMessage, SystemNote};
pub use message_page::MessagePage;
pub use metadata::Metadata;
pub use page::Page;
pub use people::{
    BlockUpdate, BlockedUser, Friend, FriendRemoved, FriendRequest, Relation, RequestState, SendFriendRequest,
};
pub use problem::{FieldError, Problem};
pub use search::{FoundMessage, SearchPage, SnippetPart};
pub use secret::Secret;
pub use session::{Session, Ticket};
pub use socketio::{Acknowledgement, RefusedCommand, SocketIoAuth, SocketIoEvent, UnaskedProblem};
pub use status::{SetStatus, Status, StatusKind};
pub use sync::{StreamChanges, SyncRequest, SyncResponse};
pub use user::{Presence, PresenceUpdate, Role, Settings, UpdateSettings, UpdateUser, User, WhoCanWrite, avatar_url};

use parlor_domain::InvalidValue;

/// Names the field of a value that was refused.
fn field<T>(name: &'static str, parsed: Result<T, InvalidValue>) -> Result<T, crate::problem::Problem> {
    parsed.map_err(|reason| crate::problem::Problem::invalid_field(name, reason))
}
