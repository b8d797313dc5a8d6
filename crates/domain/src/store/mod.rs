//! What the rules ask of a store: one trait for each aggregate, each implemented on every database.
//!
//! What holds for all of them:
//! - One method is one atomic change: it happens wholly or not at all, and an `Ok` means that it survives the end
//!   of any process.
//! - A lookup of what is not there gives `None`, never an error.
//! - What a method has acknowledged, every later call sees, on whichever connection.
//! - A caller that goes away while a method runs does not leave half a change behind.

mod administration;
mod audit;
mod checksum;
mod communities;
mod conversations;
mod error;
mod groups;
mod maintenance;
mod messages;
mod relations;
mod search;
mod sessions;
mod statistics;
mod transfer;
mod users;

use std::sync::Arc;

#[cfg(any(test, feature = "testing"))]
pub use administration::MockAdminStore;
pub use administration::{ADMINISTERS_NO_MORE, AccountCounts, Accounts, Acted, AdminStore, LAST_SUPER_ADMIN};
#[cfg(any(test, feature = "testing"))]
pub use audit::MockAuditStore;
pub use audit::{ActorFilter, AuditPage, AuditStore};
pub use checksum::Checksum;
#[cfg(any(test, feature = "testing"))]
pub use communities::MockCommunityStore;
pub use communities::{CommunityChanged, CommunityDirectory, CommunityOutcome, CommunityStore, Move};
#[cfg(any(test, feature = "testing"))]
pub use conversations::MockConversationStore;
pub use conversations::{
    ConversationStore, Head, Inbox, InboxEntry, NewDirect, OpenedDirect, ReceiptAdvance, ReceiptOutcome, SettingsSet,
    UserLogPage,
};
pub use error::StoreError;
#[cfg(any(test, feature = "testing"))]
pub use groups::MockGroupStore;
pub use groups::{GroupChanged, GroupOutcome, GroupStore, MembersPage};
pub use maintenance::Maintenance;
#[cfg(any(test, feature = "testing"))]
pub use maintenance::MockMaintenance;
#[cfg(any(test, feature = "testing"))]
pub use messages::MockMessageStore;
pub use messages::{AppendOutcome, ChangeOutcome, LogPage, MessageStore, PAGE_BYTES, Window};
#[cfg(any(test, feature = "testing"))]
pub use relations::MockRelationStore;
pub use relations::{
    Answer, Between, BlockOutcome, CONSENT, Direction, NewBlock, NewFriendRequest, RelationStore, RequestAnswer,
    RequestChange, RequestOutcome, RequestPage, TiePage,
};
#[cfg(any(test, feature = "testing"))]
pub use search::MockSearchStore;
pub use search::{IndexEntry, IndexProgress, Look, Looked, ResultKey, SearchStore};
#[cfg(any(test, feature = "testing"))]
pub use sessions::MockSessionStore;
pub use sessions::{NewSession, Renewal, SessionStore};
#[cfg(any(test, feature = "testing"))]
pub use statistics::MockStatisticsStore;
pub use statistics::{StatisticsStore, Totals};
#[cfg(any(test, feature = "testing"))]
pub use transfer::MockTransfer;
pub use transfer::{Key, Part, Position, Record, Transfer};
#[cfg(any(test, feature = "testing"))]
pub use users::MockUserStore;
pub use users::{Credentials, Deleted, Directory, NewUser, UserStore};

/// What every method of a store gives.
pub type StoreResult<T> = Result<T, StoreError>;

/// The stores of one database.
#[derive(Clone)]
pub struct Stores {
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Sign-ins.
    pub sessions: Arc<dyn SessionStore>,
    /// Conversations, their members, and the users' own streams.
    pub conversations: Arc<dyn ConversationStore>,
    /// Groups and their changes.
    pub groups: Arc<dyn GroupStore>,
    /// Communities, their channels, and their changes.
    pub communities: Arc<dyn CommunityStore>,
    /// The message log.
    pub messages: Arc<dyn MessageStore>,
    /// What messages are found by.
    pub search: Arc<dyn SearchStore>,
    /// Friends, friend requests and blocks.
    pub relations: Arc<dyn RelationStore>,
    /// What administrators do to accounts.
    pub administration: Arc<dyn AdminStore>,
    /// The log of what they did.
    pub audit: Arc<dyn AuditStore>,
    /// How much there is and happens.
    pub statistics: Arc<dyn StatisticsStore>,
    /// The database as a whole.
    pub maintenance: Arc<dyn Maintenance>,
    /// Everything, record by record.
    pub transfer: Arc<dyn Transfer>,
}
