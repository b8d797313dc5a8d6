//! Groups: who may do what in one, and what follows from a change.
//!
//! A store reads a group and its members, asks [`GroupChange::plan`] what is to happen, and writes that, all in one
//! change. So the rules stand here once, and hold for what is true at the moment of writing.

use crate::{
    Content, Conversation, ConversationId, ConversationName, Description, Marks, Member, Message, MessageId, Metadata,
    Rev, Seq, SystemAction, SystemEvent, Timestamp, UserId,
};

/// What a member of a group may do: `docs/groups.md` has the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// Everything. There is one as long as there is a member.
    Owner,
    /// Name and describe the group, add members, and remove those who are only that.
    Admin,
    /// Read, write and leave.
    Member,
}

impl MemberRole {
    /// Every role, the greatest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// The role's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The role of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether this role may name and describe the group and add members.
    pub const fn manages(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether this role may delete what others have written, and pin.
    pub(crate) const fn moderates(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether this role may mention everyone, or all who have a role.
    pub const fn mentions_all(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether this role may remove somebody else who has that one.
    const fn removes(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => matches!(other, Self::Member),
            Self::Member => false,
        }
    }
}

/// A group to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// Its id.
    pub id: ConversationId,
    /// Who makes it, and owns it.
    pub creator: UserId,
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// The other members, each once, without the creator.
    pub members: Vec<UserId>,
    /// The id of the message that tells of it.
    pub message: MessageId,
    /// The present.
    pub now: Timestamp,
}

impl NewGroup {
    /// The group as it is before its first message.
    pub fn conversation(&self) -> Conversation {
        Conversation {
            id: self.id,
            kind: crate::ConversationKind::Group,
            name: Some(self.name.clone()),
            description: self.description.clone(),
            traits: crate::Traits::None,
            read_receipts: true,
            member_count: count(1 + self.members.len()),
            last_seq: Seq::ZERO,
            rev: Rev::ZERO,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    /// All members, the creator first.
    pub fn all(&self) -> impl Iterator<Item = Member> {
        let others = self.members.iter().map(|user| (*user, MemberRole::Member));
        let all = std::iter::once((self.creator, MemberRole::Owner)).chain(others);
        all.map(|(user, role)| Member::of_group(user, role, self.now, (Seq::ZERO, Rev::ZERO)))
    }

    /// The message that tells of it, the first of its log.
    pub fn note(&self) -> Message {
        let event = SystemEvent {
            action: SystemAction::GroupCreated,
            users: self.members.clone(),
            value: Some(self.name.to_string()),
            member_count: count(1 + self.members.len()),
        };
        note(self.id, self.creator, self.now, (self.message, (Seq::ZERO.next(), Rev::ZERO.next())), event)
    }
}

/// A change of a group that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// The group.
    pub conversation: ConversationId,
    /// Who wants it.
    pub actor: UserId,
    /// What.
    pub action: GroupAction,
    /// The ids of the messages that tell of it; as many are used as are needed.
    pub messages: [MessageId; 3],
    /// The present.
    pub now: Timestamp,
}

/// What can be done to a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupAction {
    /// Give it another name or description, or have read receipts or not.
    Describe(GroupDescription),
    /// Add users. Those who are members already stay as they are.
    Add {
        /// Each once.
        users: Vec<UserId>,
        /// As many members as the group may have.
        at_most: u32,
    },
    /// Remove a member; oneself, to leave.
    Remove(UserId),
    /// Give a member another role; that of the owner, to hand the group over.
    SetRole {
        /// The member.
        user: UserId,
        /// The role.
        role: MemberRole,
    },
}

impl GroupAction {
    /// Whom it takes in or out.
    pub const fn concerned(&self) -> &[UserId] {
        match self {
            Self::Add { users, .. } => users.as_slice(),
            Self::Remove(user) => std::slice::from_ref(user),
            Self::Describe { .. } | Self::SetRole { .. } => &[],
        }
    }
}

/// What a group is to be from now on; `None` leaves something as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDescription {
    /// The name.
    pub name: Option<ConversationName>,
    /// The description; `Some(None)` takes it away.
    pub description: Option<Option<Description>>,
    /// Whether members are told how far others have read.
    pub read_receipts: Option<bool>,
}

/// Why a change is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRefusal {
    /// There is no such conversation, or who wants it is not in it.
    NotAMember,
    /// He is in it, but it is no group.
    NotAGroup,
    /// His role is not enough for it.
    NotPermitted,
    /// Whom it is about is not in the group.
    NoSuchMember,
    /// These are no users, or deleted ones.
    UnknownUsers(Vec<UserId>),
    /// The group would have more members than it may.
    TooManyMembers,
}

/// What is to be written. Without events there is nothing to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupPlan {
    /// The name from now on, if it is another one.
    pub name: Option<ConversationName>,
    /// The description from now on, if it is another one; `Some(None)` for none.
    pub description: Option<Option<Description>>,
    /// Whether members are told from now on how far others have read, if that changes.
    pub read_receipts: Option<bool>,
    /// Who comes in.
    pub joins: Vec<UserId>,
    /// Who goes.
    pub leaves: Option<UserId>,
    /// Who has another role.
    pub roles: Vec<(UserId, MemberRole)>,
    /// What is noted in the log, in order.
    pub events: Vec<SystemEvent>,
}

impl GroupChange {
    /// What is to happen in a group as it is, with its members: those at least whom it concerns, and if its owner
    /// leaves, all.
    ///
    /// # Errors
    /// All but `UnknownUsers` and `NotAGroup`, which it can't know.
    pub fn plan(&self, group: &Conversation, members: &[Member]) -> Result<GroupPlan, GroupRefusal> {
        let role_of = |user| members.iter().find(|member| member.user_id == user).and_then(|member| member.role);
        let role = role_of(self.actor).ok_or(GroupRefusal::NotAMember)?;
        match &self.action {
            GroupAction::Describe(description) if role.manages() => Ok(describe(group, description)),
            GroupAction::Add { users, at_most } if role.manages() => {
                let new = users.iter().copied().filter(|user| role_of(*user).is_none());
                admit(group.member_count, new.collect(), SystemAction::MembersAdded, *at_most)
            }
            GroupAction::Describe(_) | GroupAction::Add { .. } => Err(GroupRefusal::NotPermitted),
            GroupAction::Remove(user) if *user == self.actor => Ok(leave(*user, role, (group, members))),
            GroupAction::Remove(user) => match role_of(*user) {
                None if role.manages() => Err(GroupRefusal::NoSuchMember),
                Some(theirs) if role.removes(theirs) => Ok(remove(*user, group)),
                Some(_) | None => Err(GroupRefusal::NotPermitted),
            },
            GroupAction::SetRole { user, role: new } => match role_of(*user) {
                _ if role != MemberRole::Owner => Err(GroupRefusal::NotPermitted),
                None => Err(GroupRefusal::NoSuchMember),
                Some(theirs) if theirs == *new => Ok(GroupPlan::default()),
                // Who owns a group hands it over; it can't be left without an owner.
                Some(MemberRole::Owner) => Err(GroupRefusal::NotPermitted),
                Some(_) => Ok(set_role(*user, *new, self.actor, group)),
            },
        }
    }

    /// Who is added to a group that has come to `end`.
    pub const fn newcomer(&self, user: UserId, end: (Seq, Rev)) -> Member {
        Member::of_group(user, MemberRole::Member, self.now, end)
    }

    /// The messages that tell of these events, in a log that has come to `end`.
    pub fn notes(&self, events: Vec<SystemEvent>, end: (Seq, Rev)) -> Vec<Message> {
        notes(self.conversation, self.actor, self.now, &self.messages, events, end)
    }
}

/// The messages that tell of these events, in a log that has come to `end`.
pub(crate) fn notes(
    conversation: ConversationId,
    actor: UserId,
    now: Timestamp,
    ids: &[MessageId],
    events: Vec<SystemEvent>,
    mut end: (Seq, Rev),
) -> Vec<Message> {
    let placed = ids.iter().zip(events).map(|(id, event)| {
        end = (end.0.next(), end.1.next());
        note(conversation, actor, now, (*id, end), event)
    });
    placed.collect()
}

pub(crate) fn note(
    conversation_id: ConversationId,
    sender_id: UserId,
    created_at: Timestamp,
    (id, (seq, rev)): (MessageId, (Seq, Rev)),
    event: SystemEvent,
) -> Message {
    Message {
        id,
        conversation_id,
        seq,
        rev,
        created_rev: rev,
        sender_id,
        content: Content::System(event),
        metadata: Metadata::default(),
        client_message_id: None,
        created_at,
        marks: Marks::default(),
    }
}

pub(crate) fn describe(group: &Conversation, change: &GroupDescription) -> GroupPlan {
    let GroupDescription { name, description, read_receipts } = change;
    let name = name.clone().filter(|name| group.name.as_ref() != Some(name));
    let description = description.clone().filter(|description| group.description != *description);
    let event = |action, value| SystemEvent { action, users: Vec::new(), value, member_count: group.member_count };
    let renamed = name.as_ref().map(|name| event(SystemAction::Renamed, Some(name.to_string())));
    let described = description
        .as_ref()
        .map(|description| event(SystemAction::DescriptionChanged, description.as_ref().map(ToString::to_string)));
    let read_receipts = read_receipts.filter(|told| *told != group.read_receipts);
    let on_or_off = |told| if told { "on" } else { "off" };
    let told = read_receipts.map(|told| event(SystemAction::ReadReceiptsChanged, Some(on_or_off(told).to_owned())));
    let events = renamed.into_iter().chain(described).chain(told).collect();
    GroupPlan { name, description, read_receipts, events, ..GroupPlan::default() }
}

/// Lets users in who are not in yet, to so many who are.
pub(crate) fn admit(
    present: u32,
    new: Vec<UserId>,
    action: SystemAction,
    at_most: u32,
) -> Result<GroupPlan, GroupRefusal> {
    if new.is_empty() {
        return Ok(GroupPlan::default());
    }
    let member_count = present.saturating_add(count(new.len()));
    if member_count > at_most {
        return Err(GroupRefusal::TooManyMembers);
    }
    let event = SystemEvent { action, users: new.clone(), value: None, member_count };
    Ok(GroupPlan { joins: new, events: vec![event], ..GroupPlan::default() })
}

fn remove(user: UserId, group: &Conversation) -> GroupPlan {
    let member_count = group.member_count.saturating_sub(1);
    let event = SystemEvent { action: SystemAction::MembersRemoved, users: vec![user], value: None, member_count };
    GroupPlan { leaves: Some(user), events: vec![event], ..GroupPlan::default() }
}

/// An owner who leaves hands over to who comes next.
fn leave(user: UserId, role: MemberRole, (group, members): (&Conversation, &[Member])) -> GroupPlan {
    let member_count = group.member_count.saturating_sub(1);
    let left = SystemEvent { action: SystemAction::MemberLeft, users: vec![user], value: None, member_count };
    let mut plan = GroupPlan { leaves: Some(user), events: vec![left], ..GroupPlan::default() };
    let others = members.iter().filter(|member| member.user_id != user);
    let next = others.min_by_key(|member| (member.role, member.joined_at, member.user_id));
    if let Some(next) = next.filter(|_| role == MemberRole::Owner) {
        plan.roles.push((next.user_id, MemberRole::Owner));
        plan.events.push(owner_changed(next.user_id, member_count));
    }
    plan
}

fn set_role(user: UserId, role: MemberRole, owner: UserId, group: &Conversation) -> GroupPlan {
    let member_count = group.member_count;
    if role == MemberRole::Owner {
        let roles = vec![(user, MemberRole::Owner), (owner, MemberRole::Admin)];
        return GroupPlan { roles, events: vec![owner_changed(user, member_count)], ..GroupPlan::default() };
    }
    let value = Some(role.name().to_owned());
    let event = SystemEvent { action: SystemAction::RoleChanged, users: vec![user], value, member_count };
    GroupPlan { roles: vec![(user, role)], events: vec![event], ..GroupPlan::default() }
}

fn owner_changed(user: UserId, member_count: u32) -> SystemEvent {
    SystemEvent { action: SystemAction::OwnerChanged, users: vec![user], value: None, member_count }
}

fn count(members: usize) -> u32 {
    u32::try_from(members).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
