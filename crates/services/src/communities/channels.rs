//! Channels.

use std::sync::Arc;

use parlor_domain::{
    Access, ChannelAction, ChannelChange, ChannelTraits, ConversationId, ConversationName, ConversationView,
    Description, GroupAction, MessageId, NewChannel, Shape, UserId,
};

use super::{CommunityService, follow, sweep};
use crate::{Caller, Deps, ServiceError, ServiceResult, detached};

/// A channel to make.
#[derive(Clone, Debug)]
pub struct CreateChannel {
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// Where it stands among the others.
    pub position: u32,
    /// Whether all members of the community are in it.
    pub access: Access,
}

/// A change of a channel; `None` leaves a property as it is.
#[derive(Clone, Debug, Default)]
pub struct ChannelUpdate {
    /// The name.
    pub name: Option<ConversationName>,
    /// The description; `Some(None)` takes it away.
    pub description: Option<Option<Description>>,
    /// Where it stands among the others.
    pub position: Option<u32>,
    /// Whether all members of the community are in it.
    pub access: Option<Access>,
}

impl CommunityService {
    /// Makes a channel. The members of the community are in it, or if it is private, those alone who manage it.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `NameTaken`, `LimitReached`, `RateLimited`, `Store`.
    pub async fn create_channel(
        &self,
        caller: Caller,
        community: ConversationId,
        create: CreateChannel,
    ) -> ServiceResult<ConversationView> {
        self.deps.limits.conversation(caller.user)?;
        let id = ConversationId::generate(&*self.deps.clock, &*self.deps.entropy);
        let new = NewChannel {
            id,
            creator: caller.user,
            name: create.name,
            description: create.description,
            traits: ChannelTraits { community, position: create.position, access: create.access },
            at_most: self.deps.communities.channels,
            message: MessageId::unnamed(id, &*self.deps.entropy),
            now: self.deps.clock.now(),
        };
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let _turn = deps.group_turns.of(community.as_bytes()).lock().await;
            let outcome = deps.stores.communities.create_channel(&new).await;
            follow(&deps, id, &[caller.user], outcome, "userIds").await?;
            deps.conversation_for(caller.user, id).await
        })
        .await
    }

    /// The channels of a community that the caller is in, in the order in which they stand.
    ///
    /// # Errors
    /// `NotFound`, `Store`.
    pub async fn channels(&self, caller: Caller, community: ConversationId) -> ServiceResult<Vec<ConversationView>> {
        let stores = &self.deps.stores;
        let me = stores.conversations.member(community, caller.user).await?;
        if me.is_none() || self.deps.shape(community).await? != Some(Shape::Community) {
            return Err(ServiceError::NotFound("community"));
        }
        let ids = stores.communities.channels(community).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut entries = stores.conversations.find_many(&ids, caller.user).await?;
        let place = |id: ConversationId| ids.iter().position(|other| *other == id);
        entries.sort_by_key(|entry| place(entry.conversation.id));
        Ok(self.deps.conversation_views(entries, caller.user).await?)
    }

    /// Changes a channel.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `NameTaken`, `RateLimited`, `Store`.
    pub async fn update_channel(
        &self,
        caller: Caller,
        id: ConversationId,
        update: ChannelUpdate,
    ) -> ServiceResult<ConversationView> {
        self.deps.limits.signal(caller.user)?;
        let ChannelUpdate { name, description, position, access } = update;
        let action = ChannelAction::Describe { name, description, position, access };
        let deps = Arc::clone(&self.deps);
        detached(async move {
            change(&deps, caller.user, id, action).await?;
            deps.conversation_for(caller.user, id).await
        })
        .await
    }

    /// Deletes a channel. Everybody is out of it when this returns; what was written there is erased afterwards.
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `RateLimited`, `Store`.
    pub async fn delete_channel(&self, caller: Caller, id: ConversationId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        let deps = Arc::clone(&self.deps);
        detached(async move {
            change(&deps, caller.user, id, ChannelAction::Delete).await?;
            sweep::expel(&deps, id).await
        })
        .await
    }
}

/// Changes who is in a private channel.
pub(crate) async fn change_members(
    deps: &Deps,
    actor: UserId,
    id: ConversationId,
    action: GroupAction,
) -> ServiceResult<()> {
    let action = match action {
        GroupAction::Add { users, .. } => ChannelAction::Add(users),
        GroupAction::Remove(user) => ChannelAction::Remove(user),
        // Roles are those in the community.
        GroupAction::SetRole { .. } | GroupAction::Describe { .. } => {
            let me = deps.stores.conversations.member(id, actor).await?;
            return Err(me.map_or(ServiceError::NotFound("conversation"), |_| ServiceError::NotAGroup));
        }
    };
    change(deps, actor, id, action).await
}

async fn change(deps: &Deps, actor: UserId, channel: ConversationId, action: ChannelAction) -> ServiceResult<()> {
    let _turn = deps.turn_of(channel).await?;
    let messages = [(); 4].map(|()| MessageId::unnamed(channel, &*deps.entropy));
    let change = ChannelChange { channel, actor, action, messages, now: deps.clock.now() };
    let outcome = deps.stores.communities.change_channel(&change).await;
    follow(deps, channel, &change.concerns(), outcome, "userIds").await
}
