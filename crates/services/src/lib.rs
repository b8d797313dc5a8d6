//! The rules of the chat: who may do what, and what follows from it.
//!
//! Every transport calls the same methods, so that a rule holds wherever a request comes in. A service checks,
//! stores, and then publishes what was stored; it knows nothing of HTTP, sockets, the shapes of JSON, or which
//! database is behind the store traits.

mod administration;
mod auth;
mod background;
mod changes;
mod communities;
mod config;
mod conversations;
mod error;
mod groups;
mod indexer;
mod limits;
mod live;
mod log;
mod membership;
mod mentions;
mod messages;
mod page;
mod presence;
mod reach;
mod recent;
mod relations;
mod search;
mod sync;
mod turns;
mod users;
mod views;

use std::sync::Arc;

use log::StoredLog;
use parlor_domain::{
    Clock, Entropy,
    store::{StoreError, StoreResult, Stores},
};
use parlor_realtime::{Hub, HubConfig};
use tracing::Instrument as _;
use turns::Turns;

pub use administration::{
    AccountDetails, AccountQuery, AccountView, AdminCall, AdminService, AuditCursor, AuditQuery, Statistics,
    create_super_admin, promote_to_super_admin,
};
pub use auth::*;
pub use background::Background;
pub use communities::{
    ChannelUpdate, CommunityLimits, CommunityQuery, CommunityService, CommunityUpdate, CommunityView, CreateChannel,
    CreateCommunity,
};
pub use config::{AuthConfig, ServicesConfig};
pub use conversations::{ConversationService, InboxCursor, OpenedConversation};
pub use error::{AuthFailure, ServiceError, ServiceResult};
pub use groups::{CreateGroup, GroupService};
pub use limits::{Budget, Limits, LimitsConfig, Rate, network};
pub use live::{LiveService, Ready};
pub use messages::{HistoryPage, MessageBody, MessageService, SendMessage, Sent};
pub use page::Page;
pub use presence::PresenceService;
pub use relations::{AskedFriend, RelationLimits, RelationService, RequestCursor};
pub use search::{FoundMessage, MessageSearch, SearchPage, SearchService};
pub use sync::{StreamSync, SyncService, Synced};
pub use users::{Avatar, DirectoryQuery, ProfileUpdate, UserService};

/// What every service works with.
pub(crate) struct Deps {
    pub(crate) stores: Stores,
    pub(crate) hub: Arc<Hub>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Those of changes of a user's status.
    pub(crate) status_turns: Turns,
    /// Those of changes of a group.
    pub(crate) group_turns: Turns,
    pub(crate) reach: reach::Reach,
    pub(crate) activities: administration::Activities,
    pub(crate) unsure: membership::Unsure,
    /// What can be set about communities.
    pub(crate) communities: CommunityLimits,
    pub(crate) indexer: indexer::Indexer,
    /// Whether other servers change the store as well.
    pub(crate) shared_store: bool,
}

/// Where time and randomness come from.
#[derive(Clone)]
pub struct Sources {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The random bytes.
    pub entropy: Arc<dyn Entropy>,
}

/// All services over one store and one hub.
#[derive(Clone)]
pub struct Services {
    /// Sign-up, login, sessions, tokens.
    pub auth: Arc<AuthService>,
    /// Profiles and the directory.
    pub users: Arc<UserService>,
    /// Status and presence.
    pub presence: Arc<PresenceService>,
    /// Conversations, receipts, typing.
    pub conversations: Arc<ConversationService>,
    /// Groups and who is in them.
    pub groups: Arc<GroupService>,
    /// Communities and their channels.
    pub communities: Arc<CommunityService>,
    /// Sending and reading messages.
    pub messages: Arc<MessageService>,
    /// Searching in messages.
    pub search: Arc<SearchService>,
    /// Friends, friend requests and blocks.
    pub relations: Arc<RelationService>,
    /// What a client has missed.
    pub sync: Arc<SyncService>,
    /// What super admins do and see.
    pub administration: Arc<AdminService>,
    /// Real-time connections.
    pub live: Arc<LiveService>,
    deps: Arc<Deps>,
}

impl Services {
    /// Puts the services together, and reads what they have to know before the first request.
    ///
    /// # Errors
    /// What the store says.
    pub async fn build(
        stores: Stores,
        config: &ServicesConfig,
        hub_config: HubConfig,
        sources: Sources,
    ) -> StoreResult<Self> {
        // The hub reads what it missed from the log, and the log needs the hub to say who is online.
        let deps = Arc::new_cyclic(|deps| Deps {
            hub: Hub::new(hub_config, Arc::new(StoredLog::new(deps.clone())), Arc::clone(&sources.clock)),
            limits: Limits::new(&config.limits, Arc::clone(&sources.clock)),
            stores,
            reach: reach::Reach::new(config.shared_store),
            clock: sources.clock,
            entropy: sources.entropy,
            status_turns: Turns::default(),
            group_turns: Turns::default(),
            activities: administration::Activities::default(),
            unsure: membership::Unsure::default(),
            communities: config.communities,
            indexer: indexer::Indexer::default(),
            shared_store: config.shared_store,
        });
        let auth = Arc::new(AuthService::new(Arc::clone(&deps), &config.auth));
        auth.load_revocations().await?;
        let sync = Arc::new(SyncService::new(Arc::clone(&deps)));
        Ok(Self {
            users: Arc::new(UserService::new(Arc::clone(&deps), Arc::clone(&auth))),
            administration: Arc::new(AdminService::new(Arc::clone(&deps), Arc::clone(&auth))),
            presence: Arc::new(PresenceService::new(Arc::clone(&deps))),
            conversations: Arc::new(ConversationService::new(Arc::clone(&deps))),
            groups: Arc::new(GroupService::new(Arc::clone(&deps), config.group_members)),
            communities: Arc::new(CommunityService::new(Arc::clone(&deps))),
            messages: Arc::new(MessageService::new(Arc::clone(&deps))),
            search: Arc::new(SearchService::new(Arc::clone(&deps))),
            relations: Arc::new(RelationService::new(Arc::clone(&deps), config.relations)),
            live: Arc::new(LiveService::new(Arc::clone(&deps), Arc::clone(&sync), config.connections_per_user)),
            auth,
            sync,
            deps,
        })
    }

    /// Succeeds if requests can be served at present.
    ///
    /// # Errors
    /// What the store says.
    pub async fn ready(&self) -> StoreResult<()> {
        self.deps.stores.maintenance.ping().await
    }

    /// The hub, for who counts connections and closes them at the end.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.deps.hub
    }
}

/// Runs to its end even if the caller goes away: a client that hangs up must not keep others from learning of what
/// is stored.
pub(crate) async fn detached<T: Send + 'static>(
    work: impl Future<Output = ServiceResult<T>> + Send + 'static,
) -> ServiceResult<T> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result,
        Err(stopped) => Err(StoreError::unavailable(stopped).into()),
    }
}
