//! Communities and their channels: who may do what, and what follows from a change.
//!
//! A community is a conversation in whose log nobody writes: it tells who comes and goes, and what becomes of the
//! community. A channel is a conversation of a community. As with [groups](crate::GroupChange), a store reads what there
//! is, asks for a plan, and writes that, all in one change.

use unicode_normalization::UnicodeNormalization as _;

use crate::{
    Conversation, ConversationId, ConversationKind, ConversationName, Description, GroupAction, GroupChange,
    GroupDescription, GroupPlan, GroupRefusal, InvalidValue, Member, MemberRole, Message, MessageId, Rev, Seq,
    SystemAction, SystemEvent, Timestamp, UserId, group,
    value::{is_blank, one_visible_line, text_value},
};

/// What a conversation has beside what every conversation has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Traits {
    /// Nothing.
    #[default]
    None,
    /// What a community has.
    Community(CommunityTraits),
    /// What a channel has.
    Channel(ChannelTraits),
}

impl Traits {
    /// What a community has.
    pub const fn community(&self) -> Option<&CommunityTraits> {
        match self {
            Self::Community(traits) => Some(traits),
            Self::None | Self::Channel(_) => None,
        }
    }

    /// What a channel has.
    pub const fn channel(&self) -> Option<&ChannelTraits> {
        match self {
            Self::Channel(traits) => Some(traits),
            Self::None | Self::Community(_) => None,
        }
    }
}

/// What a community has beside what every conversation has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityTraits {
    /// What it is about, in a word or two.
    pub category: Option<Category>,
    /// Whether everyone finds it and may join.
    pub access: Access,
}

/// What a channel has beside what every conversation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelTraits {
    /// The community that it belongs to.
    pub community: ConversationId,
    /// Where it stands among the others, the least first.
    pub position: u32,
    /// Whether all members of the community are in it.
    pub access: Access,
}

/// Who comes into a community or a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everyone who likes to join the community; all its members are in the channel.
    Public,
    /// Who is added. The owner and the admins of a community are in all its channels.
    Private,
}

impl Access {
    /// The name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Public, Self::Private].into_iter().find(|access| access.name() == name)
    }

    /// Whether a member of the community with this role is in such a channel without being added.
    pub const fn includes(self, role: MemberRole) -> bool {
        matches!(self, Self::Public) || role.manages()
    }
}

/// What a community is about: 1 to 40 characters in one visible line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Category(String);
text_value!(Category);

impl Category {
    /// The most characters (code points) of a category.
    pub const MAX_CHARS: usize = 40;

    /// Reads a category. White space around it is no part of it.
    ///
    /// # Errors
    /// `empty`, `too_long`, `nul_character` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let text = text.trim();
        if is_blank(text) {
            return Err(InvalidValue::new("empty", "must not be empty"));
        }
        one_visible_line(text)?;
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 40 characters"));
        }
        Ok(Self(text.to_owned()))
    }

    /// What two spellings of one category have in common.
    pub fn key(&self) -> String {
        name_key(&self.0)
    }
}

impl ConversationName {
    /// What two spellings of one name have in common: no two communities have the same, and no two channels of one.
    pub fn key(&self) -> String {
        name_key(self.as_str())
    }
}

/// What two spellings of one name have in common: compatible forms (NFKC) and cases are one, and so is white space
/// however long. Of the beginning of a name it is the beginning of the name's.
pub fn name_key(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    words.join(" ")
}

/// A community to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommunity {
    /// Its id.
    pub id: ConversationId,
    /// Who makes it, and owns it.
    pub creator: UserId,
    /// What it is called.
    pub name: ConversationName,
    /// What it is for.
    pub description: Option<Description>,
    /// What else it has.
    pub traits: CommunityTraits,
    /// In how many communities its creator may be.
    pub at_most: u32,
    /// The id of the message that tells of it.
    pub message: MessageId,
    /// The present.
    pub now: Timestamp,
}

impl NewCommunity {
    /// The community as it is before its first message.
    pub fn conversation(&self) -> Conversation {
        Conversation {
            id: self.id,
            kind: ConversationKind::Community,
            name: Some(self.name.clone()),
            description: self.description.clone(),
            read_receipts: true,
            traits: Traits::Community(self.traits.clone()),
            member_count: 1,
            last_seq: Seq::ZERO,
            rev: Rev::ZERO,
            created_at: self.now,
            updated_at: self.now,
        }
    }

    /// Its owner.
    pub const fn owner(&self) -> Member {
        Member::of_group(self.creator, MemberRole::Owner, self.now, (Seq::ZERO, Rev::ZERO))
    }

    /// The message that tells of it, the first of its log.
    pub fn note(&self) -> Message {
        let event = event(SystemAction::CommunityCreated, Some(self.name.to_string()), 1);
        group::note(self.id, self.creator, self.now, (self.message, (Seq::ZERO.next(), Rev::ZERO.next())), event)
    }
}

/// A change of a community that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommunityChange {
    /// The community.
    pub community: ConversationId,
    /// Who wants it.
    pub actor: UserId,
    /// What.
    pub action: CommunityAction,
    /// In how many communities one may be.
    pub communities: u32,
    /// The ids of the messages that tell of it; as many are used as are needed.
    pub messages: [MessageId; 4],
    /// The present.
    pub now: Timestamp,
}

/// What can be done to a community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommunityAction {
    /// What can be done to a group as well: add, remove, set a role, leave.
    Group(GroupAction),
    /// Say something else of it. `None` leaves a property as it is.
    Describe {
        /// The name.
        name: Option<ConversationName>,
        /// The description; `Some(None)` takes it away.
        description: Option<Option<Description>>,
        /// The category; `Some(None)` takes it away.
        category: Option<Option<Category>>,
        /// Whether everyone finds it and may join.
        access: Option<Access>,
    },
    /// Come in without being asked.
    Join {
        /// As many members as the community may have.
        at_most: u32,
    },
}

/// Why something about a community is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommunityRefusal {
    /// There is no such community or channel for who wants it.
    NotFound,
    /// His role is not enough for it.
    NotPermitted,
    /// Whom it is about is not in there.
    NoSuchMember,
    /// These are no users, or deleted ones.
    UnknownUsers(Vec<UserId>),
    /// These are no members of the community.
    Outsiders(Vec<UserId>),
    /// The community would have more members than it may.
    TooManyMembers,
    /// Somebody would be in more communities than he may.
    TooManyCommunities,
    /// The community has as many channels as it may.
    TooManyChannels,
    /// Another one has that name.
    NameTaken,
    /// Everyone is in a public channel.
    IsPublic,
}

impl From<GroupRefusal> for CommunityRefusal {
    fn from(refusal: GroupRefusal) -> Self {
        match refusal {
            GroupRefusal::NotAMember | GroupRefusal::NotAGroup => Self::NotFound,
            GroupRefusal::NotPermitted => Self::NotPermitted,
            GroupRefusal::NoSuchMember => Self::NoSuchMember,
            GroupRefusal::UnknownUsers(users) => Self::UnknownUsers(users),
            GroupRefusal::TooManyMembers => Self::TooManyMembers,
        }
    }
}

/// What is to be written for a change of a community. Without events there is nothing to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommunityPlan {
    /// What becomes of it as of a group.
    pub group: GroupPlan,
    /// The category from now on, if it is another one; `Some(None)` for none.
    pub category: Option<Option<Category>>,
    /// Who comes in from now on, if that is another.
    pub access: Option<Access>,
}

impl CommunityChange {
    /// Whose memberships have to be known to plan it, each once.
    pub fn concerns(&self) -> Vec<UserId> {
        let mut users = match &self.action {
            CommunityAction::Group(GroupAction::Add { users, .. }) => users.clone(),
            CommunityAction::Group(GroupAction::Remove(user) | GroupAction::SetRole { user, .. }) => vec![*user],
            CommunityAction::Group(GroupAction::Describe { .. })
            | CommunityAction::Describe { .. }
            | CommunityAction::Join { .. } => Vec::new(),
        };
        users.retain(|user| *user != self.actor);
        users.push(self.actor);
        users
    }

    /// Whether all memberships have to be known if the actor owns the community: somebody comes after him.
    pub fn wants_heir(&self) -> bool {
        self.action == CommunityAction::Group(GroupAction::Remove(self.actor))
    }

    /// What is to happen in a community as it is, with the [members whom it concerns](Self::concerns).
    ///
    /// # Errors
    /// `NotFound`, `NotPermitted`, `NoSuchMember` and `TooManyMembers`; the others it can't know.
    pub fn plan(&self, community: &Conversation, members: &[Member]) -> Result<CommunityPlan, CommunityRefusal> {
        let traits = community.traits.community().ok_or(CommunityRefusal::NotFound)?;
        let me = members.iter().find(|member| member.user_id == self.actor).and_then(|member| member.role);
        match &self.action {
            CommunityAction::Join { at_most } => match (me, traits.access) {
                (Some(_), _) => Ok(CommunityPlan::default()),
                (None, Access::Public) => admit(community, vec![self.actor], SystemAction::MemberJoined, *at_most),
                // What is private is nobody's to see.
                (None, Access::Private) => Err(CommunityRefusal::NotFound),
            },
            CommunityAction::Describe { .. } if !me.ok_or(CommunityRefusal::NotFound)?.manages() => {
                Err(CommunityRefusal::NotPermitted)
            }
            CommunityAction::Describe { name, description, category, access } => {
                let mut plan = CommunityPlan {
                    group: group::describe(community, &described(name, description)),
                    category: category.clone().filter(|category| traits.category != *category),
                    access: access.filter(|access| traits.access != *access),
                };
                let category = plan.category.as_ref().map(|category| category.as_ref().map(ToString::to_string));
                let more = [
                    category.map(|value| (SystemAction::CategoryChanged, value)),
                    plan.access.map(|access| (SystemAction::AccessChanged, Some(access.name().to_owned()))),
                ];
                let events = more.into_iter().flatten();
                plan.group.events.extend(events.map(|(action, value)| event(action, value, community.member_count)));
                Ok(plan)
            }
            CommunityAction::Group(action) => {
                let [first, second, third, ..] = self.messages;
                let change = GroupChange {
                    conversation: self.community,
                    actor: self.actor,
                    action: action.clone(),
                    messages: [first, second, third],
                    now: self.now,
                };
                Ok(CommunityPlan { group: change.plan(community, members)?, ..CommunityPlan::default() })
            }
        }
    }

    /// Who comes into a conversation that has come to `end`.
    pub const fn newcomer(&self, user: UserId, role: MemberRole, end: (Seq, Rev)) -> Member {
        Member::of_group(user, role, self.now, end)
    }

    /// The messages that tell of these events, in a log that has come to `end`.
    pub fn notes(&self, events: Vec<SystemEvent>, end: (Seq, Rev)) -> Vec<Message> {
        group::notes(self.community, self.actor, self.now, &self.messages, events, end)
    }
}

/// Lets users into a community who are not in it, whichever way they come.
///
/// # Errors
/// `TooManyMembers`.
pub fn admit(
    community: &Conversation,
    users: Vec<UserId>,
    action: SystemAction,
    at_most: u32,
) -> Result<CommunityPlan, CommunityRefusal> {
    let group = group::admit(community.member_count, users, action, at_most)?;
    Ok(CommunityPlan { group, ..CommunityPlan::default() })
}

/// What becomes of a name and a description; read receipts are for groups to turn off.
pub(crate) fn described(
    name: &Option<ConversationName>,
    description: &Option<Option<Description>>,
) -> GroupDescription {
    GroupDescription { name: name.clone(), description: description.clone(), read_receipts: None }
}

pub(crate) const fn event(action: SystemAction, value: Option<String>, member_count: u32) -> SystemEvent {
    SystemEvent { action, users: Vec::new(), value, member_count }
}
