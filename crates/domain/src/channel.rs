//! Making and changing channels: who may do what, and what follows.

use crate::{
    Access, ChannelTraits, CommunityRefusal, Conversation, ConversationId, ConversationKind, ConversationName,
    Description, GroupPlan, Member, MemberRole, Message, MessageId, Rev, Seq, SystemAction, SystemEvent, Timestamp,
    Traits, UserId,
    community::{described, event},
    group,
};

/// A channel to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChannel {
    /// Its id.
    pub id: ConversationId,
    /// Who makes it.
    pub creator: UserId,
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// Where it belongs, and what else it has.
    pub traits: ChannelTraits,
    /// How many channels its community may have.
    pub at_most: u32,
    /// The id of the message that tells of it.
    pub message: MessageId,
    /// The present.
    pub now: Timestamp,
}

impl NewChannel {
    /// Whether a member of the community with this role may make it.
    pub const fn is_permitted(role: MemberRole) -> bool {
        role.manages()
    }

    /// The channel as it is before its first message, with so many members.
    pub fn conversation(&self, member_count: u32) -> Conversation {
        Conversation {
            id: self.id,
            kind: ConversationKind::Channel,
            name: Some(self.name.clone()),
            description: self.description.clone(),
            read_receipts: true,
            traits: Traits::Channel(self.traits),
            member_count,
            last_seq: Seq::ZERO,
            rev: Rev::ZERO,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    /// A member of the community as one of the channel.
    pub const fn member(&self, user: UserId, role: MemberRole) -> Member {
        Member::of_group(user, role, self.now, (Seq::ZERO, Rev::ZERO))
    }

    /// The message that tells of it, the first of its log.
    pub fn note(&self, member_count: u32) -> Message {
        let event = event(SystemAction::ChannelCreated, Some(self.name.to_string()), member_count);
        group::note(self.id, self.creator, self.now, (self.message, (Seq::ZERO.next(), Rev::ZERO.next())), event)
    }
}

/// A change of a channel that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelChange {
    /// The channel.
    pub channel: ConversationId,
    /// Who wants it.
    pub actor: UserId,
    /// What.
    pub action: ChannelAction,
    /// The ids of the messages that tell of it; as many are used as are needed.
    pub messages: [MessageId; 4],
    /// The present.
    pub now: Timestamp,
}

/// What can be done to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelAction {
    /// Say something else of it. `None` leaves a property as it is.
    Describe {
        /// The name.
        name: Option<ConversationName>,
        /// The description; `Some(None)` takes it away.
        description: Option<Option<Description>>,
        /// Where it stands among the others.
        position: Option<u32>,
        /// Whether all members of the community are in it.
        access: Option<Access>,
    },
    /// Add members of the community to a private channel. Those who are in it already stay as they are.
    Add(Vec<UserId>),
    /// Remove a member from a private channel; oneself, to leave.
    Remove(UserId),
    /// Delete it.
    Delete,
}

/// What is to be written for a change of a channel. Without events there is nothing to change, unless it is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelPlan {
    /// The name from now on, if it is another one.
    pub name: Option<ConversationName>,
    /// The description from now on, if it is another one; `Some(None)` for none.
    pub description: Option<Option<Description>>,
    /// Where it stands from now on, if that is elsewhere.
    pub position: Option<u32>,
    /// Who is in it from now on, if that is another: all members of the community, or those alone who need not be added.
    pub access: Option<Access>,
    /// Who comes in by name.
    pub joins: Vec<UserId>,
    /// Who goes by name.
    pub leaves: Option<UserId>,
    /// Whether it is deleted.
    pub deleted: bool,
    /// What is noted in the log, in order.
    pub events: Vec<SystemEvent>,
}

impl ChannelChange {
    /// Whose memberships of the channel have to be known to plan it, each once.
    pub fn concerns(&self) -> Vec<UserId> {
        let mut users = match &self.action {
            ChannelAction::Add(users) => users.clone(),
            ChannelAction::Remove(user) => vec![*user],
            ChannelAction::Describe { .. } | ChannelAction::Delete => Vec::new(),
        };
        users.retain(|user| *user != self.actor);
        users.push(self.actor);
        users
    }

    /// What is to happen in a channel as it is, with the [members whom it concerns](Self::concerns).
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `NoSuchMember` and `IsPublic`; the others it can't know.
    pub fn plan(&self, channel: &Conversation, members: &[Member]) -> Result<ChannelPlan, CommunityRefusal> {
        let traits = channel.traits.channel().ok_or(CommunityRefusal::NotFound)?;
        let role_of = |user| members.iter().find(|member| member.user_id == user).and_then(|member| member.role);
        let role = role_of(self.actor).ok_or(CommunityRefusal::NotFound)?;
        match &self.action {
            ChannelAction::Describe { .. } | ChannelAction::Add(_) | ChannelAction::Delete if !role.manages() => {
                Err(CommunityRefusal::NotPermitted)
            }
            ChannelAction::Describe { .. } => Ok(self.describe(channel, traits)),
            ChannelAction::Delete => Ok(ChannelPlan { deleted: true, ..ChannelPlan::default() }),
            ChannelAction::Add(_) | ChannelAction::Remove(_) if traits.access == Access::Public => {
                Err(CommunityRefusal::IsPublic)
            }
            ChannelAction::Add(users) => {
                let new: Vec<UserId> = users.iter().copied().filter(|user| role_of(*user).is_none()).collect();
                Ok(add(channel, new))
            }
            ChannelAction::Remove(user) => match role_of(*user) {
                None if role.manages() => Err(CommunityRefusal::NoSuchMember),
                // Who manages the community is in all its channels.
                Some(MemberRole::Member) if *user == self.actor || role.manages() => {
                    let own = *user == self.actor;
                    let action = if own { SystemAction::MemberLeft } else { SystemAction::MembersRemoved };
                    Ok(remove(channel, *user, action))
                }
                Some(_) | None => Err(CommunityRefusal::NotPermitted),
            },
        }
    }

    fn describe(&self, channel: &Conversation, traits: &ChannelTraits) -> ChannelPlan {
        let ChannelAction::Describe { name, description, position, access } = &self.action else {
            return ChannelPlan::default();
        };
        let GroupPlan { name, description, mut events, .. } = group::describe(channel, &described(name, description));
        let position = position.filter(|position| traits.position != *position);
        let access = access.filter(|access| traits.access != *access);
        let more = [
            position.map(|position| (SystemAction::PositionChanged, position.to_string())),
            access.map(|access| (SystemAction::AccessChanged, access.name().to_owned())),
        ];
        let more = more.into_iter().flatten();
        events.extend(more.map(|(action, value)| event(action, Some(value), channel.member_count)));
        ChannelPlan { name, description, position, access, events, ..ChannelPlan::default() }
    }

    /// Who comes into a channel that has come to `end`.
    pub const fn newcomer(&self, user: UserId, role: MemberRole, end: (Seq, Rev)) -> Member {
        Member::of_group(user, role, self.now, end)
    }

    /// The messages that tell of these events, in a log that has come to `end`, when the channel has so many members.
    pub fn notes(&self, mut events: Vec<SystemEvent>, member_count: u32, end: (Seq, Rev)) -> Vec<Message> {
        events.iter_mut().for_each(|event| event.member_count = member_count);
        group::notes(self.channel, self.actor, self.now, &self.messages, events, end)
    }
}

fn add(channel: &Conversation, new: Vec<UserId>) -> ChannelPlan {
    if new.is_empty() {
        return ChannelPlan::default();
    }
    let event = SystemEvent { users: new.clone(), ..event(SystemAction::MembersAdded, None, channel.member_count) };
    ChannelPlan { joins: new, events: vec![event], ..ChannelPlan::default() }
}

fn remove(channel: &Conversation, user: UserId, action: SystemAction) -> ChannelPlan {
    let event = SystemEvent { users: vec![user], ..event(action, None, channel.member_count) };
    ChannelPlan { leaves: Some(user), events: vec![event], ..ChannelPlan::default() }
}
