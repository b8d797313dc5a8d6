//! Groups: making and changing them, and who is in them. Who may do what stands in [`parlor_domain::GroupChange`].

use std::{collections::HashSet, sync::Arc};

use futures_util::future::try_join_all;
use parlor_domain::{
    Change, ConversationId, ConversationName, ConversationView, Description, Event, GroupAction, GroupChange,
    GroupDescription, GroupRefusal, InvalidValue, Member, MemberRole, MemberView, MessageId, MessageView, NewGroup,
    Shape, StreamId, Unread, UserId,
    store::{GroupChanged, GroupOutcome, InboxEntry, MembersPage, StoreResult},
};
use tracing::warn;

use crate::{
    Caller, Deps, Page, ServiceError, ServiceResult,
    communities::{change_channel_members, change_members, leave_communities},
    detached,
    reach::Verdict,
};

/// Makes and changes groups.
pub struct GroupService {
    deps: Arc<Deps>,
    /// How many members a group may have.
    at_most: u32,
}

/// A group to make.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// The other members; the caller, and who is named twice, does not matter.
    pub members: Vec<UserId>,
}

impl GroupService {
    pub(crate) const fn new(deps: Arc<Deps>, at_most: u32) -> Self {
        Self { deps, at_most }
    }

    /// Makes a group that the caller owns, and tells its members.
    ///
    /// # Errors
    /// `UnknownUsers`, `MayNotAdd`, `Invalid` for more members than a group may have, `RateLimited`, `Store`.
    pub async fn create(&self, caller: Caller, create: CreateGroup) -> ServiceResult<ConversationView> {
        self.deps.limits.conversation(caller.user)?;
        let members = distinct(create.members, caller.user);
        if members.len() >= self.at_most as usize {
            return Err(refused(GroupRefusal::TooManyMembers, "memberIds"));
        }
        let id = ConversationId::generate(&*self.deps.clock, &*self.deps.entropy);
        self.may_add(caller, &members, "memberIds").await?;
        let new = NewGroup {
            id,
            creator: caller.user,
            name: create.name,
            description: create.description,
            members,
            message: MessageId::unnamed(id, &*self.deps.entropy),
            now: self.deps.clock.now(),
        };
        let deps = Arc::clone(&self.deps);
        detached(async move {
            let _turn = deps.group_turns.of(new.id.as_bytes()).lock().await;
            let outcome = deps.stores.groups.create(&new).await;
            deps.reach.changed(&new.members);
            match outcome {
                Ok(GroupOutcome::Changed(changed)) => tell(&deps, &changed).await,
                Ok(GroupOutcome::Refused(refusal)) => return Err(refused(refusal, "memberIds")),
                Err(error) => {
                    let all: Vec<UserId> = new.all().map(|member| member.user_id).collect();
                    deps.doubt(new.id, &all).await;
                    return Err(error.into());
                }
            }
            deps.conversation_for(caller.user, new.id).await
        })
        .await
    }

    /// Gives a group another name or description, or has it tell how far its members have read or not.
    ///
    /// # Errors
    /// `NotFound`, `NotAGroup`, `NotPermitted`, `RateLimited`, `Store`.
    pub async fn describe(
        &self,
        caller: Caller,
        id: ConversationId,
        description: GroupDescription,
    ) -> ServiceResult<ConversationView> {
        self.deps.limits.signal(caller.user)?;
        if matches!(self.deps.shape(id).await?, Some(Shape::Community | Shape::Channel(_))) {
            let me = self.deps.stores.conversations.member(id, caller.user).await?;
            return Err(me.map_or(ServiceError::NotFound("conversation"), |_| ServiceError::NotAGroup));
        }
        self.change(caller, id, GroupAction::Describe(description)).await?;
        self.deps.conversation_for(caller.user, id).await
    }

    /// Adds users to a group. Who is in it already, or named twice, does not matter.
    ///
    /// # Errors
    /// `NotFound`, `NotAGroup`, `NotPermitted`, `UnknownUsers`, `MayNotAdd`, `RateLimited`, `Store`, and `Invalid` for
    /// more members than a group may have.
    pub async fn add(&self, caller: Caller, id: ConversationId, users: Vec<UserId>) -> ServiceResult<ConversationView> {
        self.deps.limits.conversation(caller.user)?;
        let users = distinct(users, caller.user);
        let at_most = match self.deps.shape(id).await? {
            // Who is in the community can be reached there already; the store knows who that is.
            Some(Shape::Channel(_)) => u32::MAX,
            shape => {
                let newcomers = self.newcomers(caller, id, shape, &users).await?;
                self.may_add(caller, &newcomers, "userIds").await?;
                if shape == Some(Shape::Community) { self.deps.communities.members } else { self.at_most }
            }
        };
        self.change(caller, id, GroupAction::Add { users, at_most }).await?;
        self.deps.conversation_for(caller.user, id).await
    }

    /// Removes a member from a group; oneself, to leave.
    ///
    /// # Errors
    /// `NotFound`, `NotAGroup`, `NotPermitted`, `RateLimited`, `Store`.
    pub async fn remove(&self, caller: Caller, id: ConversationId, user: UserId) -> ServiceResult<()> {
        self.deps.limits.signal(caller.user)?;
        self.change(caller, id, GroupAction::Remove(user)).await
    }

    /// Gives a member another role; that of the owner, to hand the group over.
    ///
    /// # Errors
    /// `NotFound`, `NotAGroup`, `NotPermitted`, `RateLimited`, `Store`.
    pub async fn set_role(
        &self,
        caller: Caller,
        id: ConversationId,
        user: UserId,
        role: MemberRole,
    ) -> ServiceResult<ConversationView> {
        self.deps.limits.signal(caller.user)?;
        self.change(caller, id, GroupAction::SetRole { user, role }).await?;
        self.deps.conversation_for(caller.user, id).await
    }

    /// A page of the members of one of the caller's groups, by their ids.
    ///
    /// # Errors
    /// `NotFound`, `NotAGroup`, `Store`.
    pub async fn members(
        &self,
        caller: Caller,
        id: ConversationId,
        after: Option<UserId>,
        limit: usize,
    ) -> ServiceResult<Page<MemberView, UserId>> {
        let stores = &self.deps.stores;
        let me = stores.conversations.member(id, caller.user).await?.ok_or(ServiceError::NotFound("conversation"))?;
        me.role.ok_or(ServiceError::NotAGroup)?;
        let page = MembersPage { conversation: id, after, limit: limit + 1 };
        let members = stores.groups.members(&page).await?;
        let Page { items, next } = Page::cut(members, limit, |member: &Member| member.user_id);
        let ids: Vec<UserId> = items.iter().map(|member| member.user_id).collect();
        let mut users = self.deps.user_views(&ids, caller.user).await?;
        let view = |member: &Member| {
            let user = users.remove(&member.user_id)?;
            Some(MemberView { user, role: member.role?, joined_at: member.joined_at })
        };
        Ok(Page { items: items.iter().filter_map(view).collect(), next })
    }

    /// Those of these users who are not in a group or community, for who may add them.
    async fn newcomers(
        &self,
        caller: Caller,
        id: ConversationId,
        shape: Option<Shape>,
        users: &[UserId],
    ) -> ServiceResult<Vec<UserId>> {
        let conversations = &self.deps.stores.conversations;
        let members = if shape == Some(Shape::Community) {
            // It may have very many.
            let all = users.iter().chain([&caller.user]).map(|user| conversations.member(id, *user));
            try_join_all(all).await?.into_iter().flatten().collect()
        } else {
            conversations.members(id).await?
        };
        let find = |user: UserId| members.iter().find(|member| member.user_id == user);
        let me = find(caller.user).ok_or(ServiceError::NotFound("conversation"))?;
        if !me.role.ok_or(ServiceError::NotAGroup)?.manages() {
            return Err(ServiceError::NotPermitted);
        }
        Ok(users.iter().copied().filter(|user| find(*user).is_none()).collect())
    }

    /// Who may not write to somebody, may not take him to where he writes either. Of whom there is no more, the store
    /// knows.
    async fn may_add(&self, caller: Caller, users: &[UserId], field: &'static str) -> ServiceResult<()> {
        let verdicts = users.iter().map(|user| self.deps.may_write(caller.user, *user));
        let (mut blocked, mut unwilling) = (Vec::new(), Vec::new());
        for (user, verdict) in users.iter().zip(try_join_all(verdicts).await?) {
            match verdict {
                Verdict::Allowed | Verdict::Unknown => {}
                Verdict::Blocking => blocked.push(*user),
                Verdict::Unwanted => unwilling.push(*user),
            }
        }
        let blocking = !blocked.is_empty();
        let ids = if blocking { blocked } else { unwilling };
        if ids.is_empty() { Ok(()) } else { Err(ServiceError::MayNotAdd { field, ids, blocking }) }
    }

    async fn change(&self, caller: Caller, id: ConversationId, action: GroupAction) -> ServiceResult<()> {
        let deps = Arc::clone(&self.deps);
        detached(async move {
            match deps.shape(id).await? {
                Some(Shape::Community) => change_members(&deps, caller.user, id, action).await,
                Some(Shape::Channel(_)) => change_channel_members(&deps, caller.user, id, action).await,
                Some(Shape::Direct(_) | Shape::Group) | None => change(&deps, caller.user, id, action).await,
            }
        })
        .await
    }
}

/// Takes a user out of all groups and communities that he is in.
pub(crate) async fn leave_groups(deps: &Deps, user: UserId) -> ServiceResult<()> {
    leave_communities(deps, user).await?;
    for id in deps.stores.groups.of(user).await? {
        match change(deps, user, id, GroupAction::Remove(user)).await {
            // Somebody has removed him meanwhile.
            Ok(()) | Err(ServiceError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// These users, each once and without this one.
fn distinct(mut users: Vec<UserId>, without: UserId) -> Vec<UserId> {
    let mut seen = HashSet::from([without]);
    users.retain(|user| seen.insert(*user));
    users
}

async fn change(deps: &Deps, actor: UserId, conversation: ConversationId, action: GroupAction) -> ServiceResult<()> {
    // One at a time, so that the hub comes to hold who the store says is in it.
    let _turn = deps.group_turns.of(conversation.as_bytes()).lock().await;
    let messages = [(); 3].map(|()| MessageId::unnamed(conversation, &*deps.entropy));
    let concerned = action.concerned().to_vec();
    let change = GroupChange { conversation, actor, action, messages, now: deps.clock.now() };
    let outcome = deps.stores.groups.change(&change).await;
    deps.reach.changed(&concerned);
    // What was changed before without an answer is not changed now, and may not have been told yet.
    match &outcome {
        Ok(GroupOutcome::Changed(changed)) if changed.messages.is_empty() => {
            deps.look_at(conversation, &concerned).await
        }
        Ok(GroupOutcome::Refused(GroupRefusal::NoSuchMember)) => deps.look_at(conversation, &concerned).await,
        Ok(GroupOutcome::Refused(GroupRefusal::NotAMember)) => deps.look_at(conversation, &[actor]).await,
        Ok(GroupOutcome::Changed(changed)) => tell(deps, changed).await,
        Ok(GroupOutcome::Refused(_)) => {}
        Err(_) => deps.doubt(conversation, &concerned).await,
    }
    match outcome? {
        GroupOutcome::Changed(_) => Ok(()),
        GroupOutcome::Refused(refusal) => Err(refused(refusal, "userIds")),
    }
}

fn refused(refusal: GroupRefusal, field: &'static str) -> ServiceError {
    match refusal {
        GroupRefusal::NotAMember => ServiceError::NotFound("conversation"),
        GroupRefusal::NotAGroup => ServiceError::NotAGroup,
        GroupRefusal::NotPermitted => ServiceError::NotPermitted,
        GroupRefusal::NoSuchMember => ServiceError::NotFound("member"),
        GroupRefusal::UnknownUsers(ids) => ServiceError::UnknownUsers { field, ids },
        GroupRefusal::TooManyMembers => {
            let reason = InvalidValue::new("too_many_members", "would make more members than a group may have");
            ServiceError::Invalid { field, reason }
        }
    }
}

/// Makes the hub follow a change, and tells of it. Who has gone hears nothing of it any more; who has come is told of
/// the group before he hears anything of it. If telling fails, the hub reads it from the log.
async fn tell(deps: &Deps, changed: &GroupChanged) {
    let Some(first) = changed.messages.first() else { return };
    let id = changed.conversation.id;
    for (user, _) in &changed.left {
        deps.hub.leave(*user, id);
    }
    if let Err(error) = tell_newcomers(deps, changed).await {
        warn!(conversation = %id, error = &error as &dyn std::error::Error, "new members were not told of a group yet");
    }
    for (user, rev) in &changed.joined {
        deps.hub.reconcile(&[(StreamId::User(*user), *rev)]);
        deps.hub.join(*user, id, first.rev.previous(), *rev);
    }
    for (user, rev) in &changed.left {
        let stream = StreamId::User(*user);
        deps.hub.publish(Change { stream, rev: *rev, event: Event::ConversationDeleted(id) });
    }
    for message in &changed.messages {
        let view = MessageView { message: message.clone(), delivery: None, quote: None };
        let event = Event::MessageCreated(Box::new(view));
        deps.hub.publish(Change { stream: StreamId::Conversation(id), rev: message.rev, event });
    }
    // What others have written since may have been told before anybody listened.
    if changed.joined.iter().any(|(user, _)| deps.hub.listens(*user, StreamId::Conversation(id)))
        && let Err(error) = deps.reconcile(id).await
    {
        warn!(conversation = %id, error = &error as &dyn std::error::Error, "can't read how far a group has come");
    }
}

async fn tell_newcomers(deps: &Deps, changed: &GroupChanged) -> StoreResult<()> {
    let listens = |(user, _): &&(UserId, _)| deps.hub.listens(*user, StreamId::User(*user));
    let newcomers: Vec<_> = changed.joined.iter().filter(listens).collect();
    if newcomers.is_empty() {
        return Ok(());
    }
    let conversation = &changed.conversation;
    let members = deps.stores.conversations.told_members(conversation.id).await?;
    for (user, rev) in newcomers {
        let mut me = members.iter().find(|member| member.user_id == *user).cloned();
        if me.is_none() {
            me = deps.stores.conversations.member(conversation.id, *user).await?;
        }
        let Some(me) = me else { continue };
        let others = members.iter().filter(|member| member.user_id != *user);
        let entry = InboxEntry {
            conversation: conversation.clone(),
            me,
            other: None,
            others: others.cloned().collect(),
            last_message: changed.messages.last().cloned(),
            // What tells of their coming does not count.
            unread: Unread::default(),
        };
        let event = Event::ConversationCreated(Box::new(deps.conversation_view(entry, None, *user)));
        deps.hub.publish(Change { stream: StreamId::User(*user), rev: *rev, event });
    }
    Ok(())
}
