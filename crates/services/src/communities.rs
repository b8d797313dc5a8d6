//! Communities and their channels: making and changing them, and who is in them. Who may do what stands in
//! [`parlor_domain::CommunityChange`] and [`parlor_domain::ChannelChange`].

mod channels;
mod sweep;
mod tell;

use std::sync::Arc;

use parlor_domain::{
    Access, Category, CommunityAction, CommunityChange, CommunityRefusal, CommunityTraits, Conversation,
    ConversationId, ConversationName, Description, GroupAction, InvalidValue, MemberRole, MessageId, NewCommunity,
    Shape, SystemRole, UserId, name_key,
    store::{CommunityDirectory, CommunityOutcome, StoreResult},
};

pub(crate) use self::channels::change_members as change_channel_members;
pub use self::channels::{ChannelUpdate, CreateChannel};
use self::tell::tell;
use crate::{Caller, Deps, Page, ServiceError, ServiceResult, detached};

/// What can be set about communities.
#[derive(Clone, Copy, Debug)]
pub struct CommunityLimits {
    /// Whether everyone may make one, or only who has the role for it.
    pub everyone_creates: bool,
    /// In how many one user may be.
    pub per_user: u32,
    /// How many members one may have.
    pub members: u32,
    /// How many channels one may have.
    pub channels: u32,
}

/// Makes and changes communities and channels.
pub struct CommunityService {
    deps: Arc<Deps>,
}

/// A community to make.
#[derive(Clone, Debug)]
pub struct CreateCommunity {
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// What it is about.
    pub category: Option<Category>,
    /// Whether everyone finds it and may join.
    pub access: Access,
}

/// A change of a community; `None` leaves a property as it is.
#[derive(Clone, Debug, Default)]
pub struct CommunityUpdate {
    /// The name.
    pub name: Option<ConversationName>,
    /// The description; `Some(None)` takes it away.
    pub description: Option<Option<Description>>,
    /// The category; `Some(None)` takes it away.
    pub category: Option<Option<Category>>,
    /// Whether everyone finds it and may join.
    pub access: Option<Access>,
}

/// What of the public communities somebody wants to see.
#[derive(Clone, Debug)]
pub struct CommunityQuery {
    /// With what their names begin, however it is written.
    pub text: String,
    /// Of which category.
    pub category: Option<Category>,
    /// After which name's key the page begins.
    pub after: Option<String>,
    /// How many entries it has at most.
    pub limit: usize,
}

/// A community as somebody sees it.
#[derive(Clone, Debug)]
pub struct CommunityView {
    /// The community. How far its log goes is said to its members alone.
    pub community: Conversation,
    /// What he may do in it; nothing if he is not in it.
    pub role: Option<MemberRole>,
}

impl CommunityService {
    pub(crate) const fn new(deps: Arc<Deps>) -> Self {
        Self { deps }
    }

    /// Makes a community that the caller owns.
    ///
    /// # Errors
    /// `NotPermitted` if the caller's role in the system is not enough, `NameTaken`, `LimitReached`, `RateLimited`,
    /// `Store`.
    pub async fn create(&self, caller: Caller, create: CreateCommunity) -> ServiceResult<CommunityView> {
        self.deps.limits.conversation(caller.user)?;
        self.may_create(caller).await?;
        let id = ConversationId::generate(&*self.deps.clock, &*self.deps.entropy);
        let new = NewCommunity {
            id,
            creator: caller.user,
            name: create.name,
            description: create.description,
            traits: CommunityTraits { category: create.category, access: create.access },
            at_most: self.deps.communities.per_user,
            message: MessageId::unnamed(id, &*self.deps.entropy),
            now: self.deps.clock.now(),
        };
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let _turn = deps.group_turns.of(id.as_bytes()).lock().await;
            let outcome = deps.stores.communities.create(&new).await;
            follow(&deps, id, &[caller.user], outcome, "memberIds").await?;
            view(&deps, caller.user, id).await
        })
        .await
    }

    /// A page of the communities that the caller is in, in the order of their ids.
    ///
    /// # Errors
    /// `Store`.
    pub async fn mine(
        &self,
        caller: Caller,
        after: Option<ConversationId>,
        limit: usize,
    ) -> ServiceResult<Page<CommunityView, ConversationId>> {
        let ids = self.deps.stores.communities.of(caller.user, after, limit + 1).await?;
        let Page { items: ids, next } = Page::cut(ids, limit, |id: &ConversationId| *id);
        let mut items = self.deps.community_views(caller.user, &ids).await?;
        items.sort_by_key(|view| view.community.id);
        Ok(Page { items, next })
    }

    /// A page of the communities that everyone finds, in the order of their names.
    ///
    /// # Errors
    /// `RateLimited`, `Store`.
    pub async fn directory(&self, caller: Caller, query: CommunityQuery) -> ServiceResult<Page<CommunityView, String>> {
        self.deps.limits.search(caller.user)?;
        let CommunityQuery { text, category, after, limit } = query;
        let page = CommunityDirectory { prefix: name_key(&text), category, after, limit: limit + 1 };
        let found = self.deps.stores.communities.directory(&page).await?;
        let key = |community: &Conversation| community.name.as_ref().map(ConversationName::key).unwrap_or_default();
        let Page { items, next } = Page::cut(found, limit, key);
        let ids: Vec<ConversationId> = items.iter().map(|community| community.id).collect();
        let mine = self.deps.community_views(caller.user, &ids).await?;
        let view = |community: Conversation| {
            let own = mine.iter().find(|view| view.community.id == community.id);
            own.cloned().unwrap_or(CommunityView { community, role: None })
        };
        Ok(Page { items: items.into_iter().map(view).collect(), next })
    }

    /// A community: one of the caller's, or a public one.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn find(&self, caller: Caller, id: ConversationId) -> ServiceResult<CommunityView> {
        view(&self.deps, caller.user, id).await
    }

    /// Changes a community.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `NameTaken`, `RateLimited`, `Store`.
    pub async fn update(
        &self,
        caller: Caller,
        id: ConversationId,
        update: CommunityUpdate,
    ) -> ServiceResult<CommunityView> {
        self.deps.limits.signal(caller.user)?;
        let CommunityUpdate { name, description, category, access } = update;
        let action = CommunityAction::Describe { name, description, category, access };
        self.change(caller, id, action).await?;
        view(&self.deps, caller.user, id).await
    }

    /// Lets the caller into a public community. Who is in it already stays as he is.
    ///
    /// # Errors
    /// `NotFound`, `LimitReached`, `RateLimited`, `Store`, and `Invalid` for more members than a community may have.
    pub async fn join(&self, caller: Caller, id: ConversationId) -> ServiceResult<CommunityView> {
        self.deps.limits.conversation(caller.user)?;
        let at_most = self.deps.communities.members;
        self.change(caller, id, CommunityAction::Join { at_most }).await?;
        view(&self.deps, caller.user, id).await
    }

    /// Deletes a community with all its channels. Everybody is out of them when this returns; what was written there is
    /// erased afterwards.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `RateLimited`, `Store`.
    pub async fn delete(&self, caller: Caller, id: ConversationId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        let deps = Arc::clone(&self.deps);
        detached(async move { sweep::delete(&deps, caller.user, id).await }).await
    }

    async fn change(&self, caller: Caller, id: ConversationId, action: CommunityAction) -> ServiceResult<()> {
        let deps = Arc::clone(&self.deps);
        detached(async move { change(&deps, caller.user, id, action, "userIds").await }).await
    }

    async fn may_create(&self, caller: Caller) -> ServiceResult<()> {
        if self.deps.communities.everyone_creates {
            return Ok(());
        }
        let account = self.deps.stores.users.find(caller.user).await?.ok_or(ServiceError::NotFound("user"))?;
        match account.role {
            SystemRole::User => Err(ServiceError::NotPermitted),
            SystemRole::GroupAdmin | SystemRole::SuperAdmin => Ok(()),
        }
    }
}

impl Deps {
    /// Those of these communities that a user is in, in any order.
    async fn community_views(&self, user: UserId, ids: &[ConversationId]) -> StoreResult<Vec<CommunityView>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let entries = self.stores.conversations.find_many(ids, user).await?;
        let view = |entry: parlor_domain::store::InboxEntry| {
            entry.conversation.traits.community()?;
            Some(CommunityView { community: entry.conversation, role: entry.me.role })
        };
        Ok(entries.into_iter().filter_map(view).collect())
    }

    /// Who changes a conversation, or who is in it, holds this meanwhile: the channels of a community take turns with it.
    pub(crate) async fn turn_of(&self, id: ConversationId) -> StoreResult<tokio::sync::MutexGuard<'_, ()>> {
        let what = match self.shape(id).await? {
            Some(Shape::Channel(community)) => community,
            Some(Shape::Direct(_) | Shape::Group | Shape::Community) | None => id,
        };
        Ok(self.group_turns.of(what.as_bytes()).lock().await)
    }
}

/// A community as a user sees it who may see it.
async fn view(deps: &Deps, user: UserId, id: ConversationId) -> ServiceResult<CommunityView> {
    const NOT_FOUND: ServiceError = ServiceError::NotFound("community");
    if let Some(mine) = deps.community_views(user, &[id]).await?.pop() {
        return Ok(mine);
    }
    let community = deps.stores.communities.find(id).await?.ok_or(NOT_FOUND)?;
    let is_public = community.traits.community().is_some_and(|traits| traits.access == Access::Public);
    if is_public { Ok(CommunityView { community, role: None }) } else { Err(NOT_FOUND) }
}

/// Changes who is in a community, or what it is to him.
pub(crate) async fn change_members(
    deps: &Deps,
    actor: UserId,
    id: ConversationId,
    action: GroupAction,
) -> ServiceResult<()> {
    change(deps, actor, id, CommunityAction::Group(action), "userIds").await
}

/// Takes a user out of all communities that he is in.
pub(crate) async fn leave_communities(deps: &Deps, user: UserId) -> ServiceResult<()> {
    /// How many at a time.
    const PAGE: usize = 100;
    let mut after = None;
    loop {
        let ids = deps.stores.communities.of(user, after, PAGE).await?;
        for id in &ids {
            match change_members(deps, user, *id, GroupAction::Remove(user)).await {
                // Somebody has removed him meanwhile, or it is deleted.
                Ok(()) | Err(ServiceError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        after = ids.last().copied();
        if ids.len() < PAGE {
            return Ok(());
        }
    }
}

async fn change(
    deps: &Deps,
    actor: UserId,
    community: ConversationId,
    action: CommunityAction,
    field: &'static str,
) -> ServiceResult<()> {
    let _turn = deps.group_turns.of(community.as_bytes()).lock().await;
    let messages = [(); 4].map(|()| MessageId::unnamed(community, &*deps.entropy));
    let communities = deps.communities.per_user;
    let change = CommunityChange { community, actor, action, communities, messages, now: deps.clock.now() };
    let outcome = deps.stores.communities.change(&change).await;
    follow(deps, community, &change.concerns(), outcome, field).await
}

/// Tells of a change that was made, and looks after one of which nobody knows whether it was.
async fn follow(
    deps: &Deps,
    id: ConversationId,
    concerned: &[UserId],
    outcome: StoreResult<CommunityOutcome>,
    field: &'static str,
) -> ServiceResult<()> {
    match outcome {
        Ok(CommunityOutcome::Changed(changed)) if changed.messages.is_empty() && changed.moves.is_empty() => {
            // What was changed before without an answer is not changed now, and may not have been told yet.
            deps.look_at(id, concerned).await;
            Ok(())
        }
        Ok(CommunityOutcome::Changed(changed)) => {
            tell(deps, &changed).await;
            Ok(())
        }
        Ok(CommunityOutcome::Refused(refusal)) => {
            if matches!(refusal, CommunityRefusal::NotFound | CommunityRefusal::NoSuchMember) {
                deps.look_at(id, concerned).await;
            }
            Err(refused(refusal, field))
        }
        Err(error) => {
            deps.doubt(id, concerned).await;
            Err(error.into())
        }
    }
}

fn refused(refusal: CommunityRefusal, field: &'static str) -> ServiceError {
    let invalid = |code, message| ServiceError::Invalid { field, reason: InvalidValue::new(code, message) };
    match refusal {
        CommunityRefusal::NotFound => ServiceError::NotFound("conversation"),
        CommunityRefusal::NotPermitted => ServiceError::NotPermitted,
        CommunityRefusal::NoSuchMember => ServiceError::NotFound("member"),
        CommunityRefusal::UnknownUsers(ids) => ServiceError::UnknownUsers { field, ids },
        CommunityRefusal::Outsiders(_) => invalid("not_a_member", "must be members of the community"),
        CommunityRefusal::TooManyMembers => ServiceError::LimitReached("the community has as many members as it may"),
        CommunityRefusal::TooManyCommunities => {
            ServiceError::LimitReached("somebody is in as many communities as he may be")
        }
        CommunityRefusal::TooManyChannels => ServiceError::LimitReached("the community has as many channels as it may"),
        CommunityRefusal::NameTaken => ServiceError::NameTaken,
        CommunityRefusal::IsPublic => ServiceError::PublicChannel,
    }
}
