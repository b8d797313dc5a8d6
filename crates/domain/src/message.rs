//! Messages.

use sha2::{Digest as _, Sha256};

use crate::{
    ConversationId, Emoji, Entropy, Forward, InvalidValue, Marks, Mentions, MessageId, Metadata, ReplyTo, Rev, Seq,
    Timestamp, UserId,
    value::{no_nul, not_blank, one_visible_line, text_value},
};

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The message's id.
    pub id: MessageId,
    /// The conversation it is in.
    pub conversation_id: ConversationId,
    /// Its place in the conversation.
    pub seq: Seq,
    /// The change that made it what it is now.
    pub rev: Rev,
    /// The change by which it was sent.
    pub created_rev: Rev,
    /// Who sent it; of a system message, who did what it tells.
    pub sender_id: UserId,
    /// What it says.
    pub content: Content,
    /// What the front end keeps with it.
    pub metadata: Metadata,
    /// The name that the sender gave it, to send it once.
    pub client_message_id: Option<ClientMessageId>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// What it bears beside that.
    pub marks: Marks,
}

/// How many bytes an id in an array takes.
const ID: usize = 27;

impl Message {
    /// About how many bytes it takes where it is shown: the text, the metadata, who has reacted, and the most that there
    /// can be of the message that it answers.
    pub fn size(&self) -> usize {
        /// The most bytes of a character.
        const CHARACTER: usize = 4;
        let quote = if self.marks.reply_to.is_some() { Excerpt::MAX_CHARS * CHARACTER } else { 0 };
        let mentions = ID * self.marks.mentions.users.len();
        self.text().len() + self.metadata.as_str().len() + self.size_of_reactions() + mentions + quote
    }

    /// Whether a user has reacted to it with an emoji; `None` if that has users who are not named.
    pub fn has_reaction_of(&self, emoji: &Emoji, user: UserId) -> Option<bool> {
        let Some(reaction) = self.marks.reactions.iter().find(|reaction| reaction.emoji == *emoji) else {
            return Some(false);
        };
        if reaction.users.contains(&user) {
            return Some(true);
        }
        (reaction.users.len() as u64 == reaction.count).then_some(false)
    }

    /// About how many bytes its reactions take where they are shown.
    pub fn size_of_reactions(&self) -> usize {
        self.marks.reactions.iter().map(|reaction| reaction.emoji.as_str().len() + ID * reaction.users.len()).sum()
    }

    /// What its sender wrote; nothing in a system message, nor in a deleted one.
    pub fn text(&self) -> &str {
        match &self.content {
            Content::Text(text) => text.as_str(),
            Content::System(_) | Content::Deleted(_) => "",
        }
    }

    /// Whether there is nothing left of it but its place.
    pub const fn is_deleted(&self) -> bool {
        self.deletion().is_some()
    }

    /// By whom and when it was deleted, if it is.
    pub const fn deletion(&self) -> Option<Deletion> {
        match self.content {
            Content::Deleted(deletion) => Some(deletion),
            Content::Text(_) | Content::System(_) => None,
        }
    }
}

/// The beginning of what a message says, as an answer to it shows that.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Which message.
    pub message: MessageId,
    /// At most [`Excerpt::MAX_CHARS`] characters; absent of a deleted one.
    pub text: Option<String>,
}

impl Excerpt {
    /// The most characters (code points) of a text.
    pub const MAX_CHARS: usize = 200;
}

/// What people write to each other belongs in no log.
impl std::fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Excerpt({})", self.message)
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What its sender wrote.
    Text(MessageText),
    /// What the server noted. Counts as unread for nobody.
    System(SystemEvent),
    /// Nothing any more. Counts as unread for nobody.
    Deleted(Deletion),
}

/// That a message was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// What somebody did to a conversation, noted in its log.
#[derive(Clone, PartialEq, Eq)]
pub struct SystemEvent {
    /// What he did.
    pub action: SystemAction,
    /// To whom, if to users.
    pub users: Vec<UserId>,
    /// The new value, if something has one now: a name, a description, a role.
    pub value: Option<String>,
    /// How many members the conversation has since.
    pub member_count: u32,
}

/// Names and descriptions belong in no log.
impl std::fmt::Debug for SystemEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SystemEvent({} {:?})", self.action.name(), self.users)
    }
}

/// What can be done to a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemAction {
    /// The group was made; its name is the value.
    GroupCreated,
    /// Users were added.
    MembersAdded,
    /// Users were removed by somebody else.
    MembersRemoved,
    /// The sender has left.
    MemberLeft,
    /// A member has another role, which is the value.
    RoleChanged,
    /// A member is the owner now.
    OwnerChanged,
    /// The group has another name, which is the value.
    Renamed,
    /// The group has another description, which is the value, or none.
    DescriptionChanged,
    /// The community was made; its name is the value.
    CommunityCreated,
    /// The sender has come by himself.
    MemberJoined,
    /// The community has another category, which is the value, or none.
    CategoryChanged,
    /// The community or channel is public or private now; which, is the value.
    AccessChanged,
    /// The channel was made; its name is the value.
    ChannelCreated,
    /// The channel stands elsewhere among the others; the value says where.
    PositionChanged,
    /// Members are told how far others have read (the value is `on`), or no longer (`off`).
    ReadReceiptsChanged,
}

impl SystemAction {
    /// Every action.
    pub const ALL: [Self; 15] = [
        Self::GroupCreated,
        Self::MembersAdded,
        Self::MembersRemoved,
        Self::MemberLeft,
        Self::RoleChanged,
        Self::OwnerChanged,
        Self::Renamed,
        Self::DescriptionChanged,
        Self::CommunityCreated,
        Self::MemberJoined,
        Self::CategoryChanged,
        Self::AccessChanged,
        Self::ChannelCreated,
        Self::PositionChanged,
        Self::ReadReceiptsChanged,
    ];

    /// The action's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GroupCreated => "group_created",
            Self::MembersAdded => "members_added",
            Self::MembersRemoved => "members_removed",
            Self::MemberLeft => "member_left",
            Self::RoleChanged => "role_changed",
            Self::OwnerChanged => "owner_changed",
            Self::Renamed => "renamed",
            Self::DescriptionChanged => "description_changed",
            Self::CommunityCreated => "community_created",
            Self::MemberJoined => "member_joined",
            Self::CategoryChanged => "category_changed",
            Self::AccessChanged => "access_changed",
            Self::ChannelCreated => "channel_created",
            Self::PositionChanged => "position_changed",
            Self::ReadReceiptsChanged => "read_receipts_changed",
        }
    }

    /// The action of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

impl MessageId {
    /// The id of a message that is sent.
    ///
    /// With a client message id it is a hash of who sends it where under which name: a repeat has the id of the first
    /// one, so that ids, which are unique, are all that a store needs to refuse it. Without one it is random.
    ///
    /// The first four bytes are a hash of the conversation, so that the ids of its messages lie together in an index. Who
    /// knows what a message was or will be sent under can tell its id. That gives him nothing: what a message says is
    /// shown to members alone, whoever asks by whichever id.
    pub fn for_send(
        conversation: ConversationId,
        sender: UserId,
        client_message_id: Option<&ClientMessageId>,
        entropy: &dyn Entropy,
    ) -> Self {
        match client_message_id {
            Some(id) => {
                let label = b"parlor message";
                let hash = digest(&[label, conversation.as_bytes(), sender.as_bytes(), id.as_str().as_bytes()]);
                Self::within(conversation, |name| name.copy_from_slice(&hash[..8]))
            }
            None => Self::unnamed(conversation, entropy),
        }
    }

    /// The id of a message that nobody can repeat: random.
    pub fn unnamed(conversation: ConversationId, entropy: &dyn Entropy) -> Self {
        Self::within(conversation, |name| entropy.fill(name))
    }

    fn within(conversation: ConversationId, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut bytes = [0; 12];
        let (place, name) = bytes.split_at_mut(4);
        place.copy_from_slice(&digest(&[b"parlor conversation of message", conversation.as_bytes()])[..4]);
        fill(name);
        Self::from_bytes(bytes)
    }
}

/// The hash of these parts, each with its length, so that no two lists of parts are hashed alike.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// A message on its way into the log, which gives it `seq` and `rev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMessage {
    /// The message's id.
    pub id: MessageId,
    /// The conversation it goes to.
    pub conversation_id: ConversationId,
    /// Who sends it.
    pub sender_id: UserId,
    /// What it says.
    pub text: MessageText,
    /// What the front end keeps with it.
    pub metadata: Metadata,
    /// The name that the sender gives it, to send it once.
    pub client_message_id: Option<ClientMessageId>,
    /// What it answers.
    pub reply_to: Option<ReplyTo>,
    /// If another message is passed on by it: which one. Text and metadata are that one's.
    pub forward: Option<Forward>,
    /// Whom it mentions.
    pub mentions: Mentions,
    /// The present.
    pub created_at: Timestamp,
}

impl NewMessage {
    /// What tells a repeat from another message under the same [`ClientMessageId`], also when the stored one has
    /// changed since.
    pub fn fingerprint(&self) -> Fingerprint {
        if let Some(Forward { conversation, message, .. }) = self.forward {
            return Fingerprint::of_forward(conversation, message);
        }
        Fingerprint::of_text(&self.text, &self.metadata, self.reply_to.map(|reply| reply.message))
    }

    /// What tells a repeat of it.
    pub fn key(&self) -> SendKey {
        SendKey {
            id: self.id,
            conversation_id: self.conversation_id,
            sender_id: self.sender_id,
            client_message_id: self.client_message_id.clone(),
            fingerprint: self.fingerprint(),
        }
    }

    /// The message that it becomes at a place.
    pub fn at(&self, (seq, rev): (Seq, Rev)) -> Message {
        let forwarded = self.forward.map(|forward| forward.origin);
        Message {
            id: self.id,
            conversation_id: self.conversation_id,
            seq,
            rev,
            created_rev: rev,
            sender_id: self.sender_id,
            content: Content::Text(self.text.clone()),
            metadata: self.metadata.clone(),
            client_message_id: self.client_message_id.clone(),
            created_at: self.created_at,
            marks: Marks { reply_to: self.reply_to, forwarded, mentions: self.mentions.clone(), ..Marks::default() },
        }
    }
}

/// What tells whether a message was sent before, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendKey {
    /// The message's id.
    pub id: MessageId,
    /// The conversation it goes to.
    pub conversation_id: ConversationId,
    /// Who sends it.
    pub sender_id: UserId,
    /// The name that the sender gives it.
    pub client_message_id: Option<ClientMessageId>,
    /// The hash of what he sends.
    pub fingerprint: Fingerprint,
}

/// The hash of what a sender sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of a message that nobody sent.
    pub const NONE: Self = Self([0; 32]);

    /// That of a text, which may answer a message.
    pub fn of_text(text: &MessageText, metadata: &Metadata, reply_to: Option<MessageId>) -> Self {
        let (text, metadata) = (text.as_str().as_bytes(), metadata.as_str().as_bytes());
        Self(match reply_to {
            None => digest(&[text, metadata]),
            Some(message) => digest(&[text, metadata, message.as_bytes()]),
        })
    }

    /// That of a message that is passed on. What it says is not a part of it: that may have changed by the repeat.
    pub fn of_forward(conversation: ConversationId, message: MessageId) -> Self {
        Self(digest(&[b"parlor forward", conversation.as_bytes(), message.as_bytes()]))
    }

    /// The fingerprint with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// What a message says: 1 to 8,000 characters that are not all blank, kept byte for byte.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageText(String);
text_value!(MessageText);

impl MessageText {
    /// The most characters (code points) of a text.
    pub const MAX_CHARS: usize = 8000;

    /// Reads a text.
    ///
    /// # Errors
    /// `empty`, `too_long` or `nul_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        not_blank(text)?;
        Self::stored(text)
    }

    /// Reads one that was taken once: what counts as empty has become more since.
    ///
    /// # Errors
    /// As [`Self::parse`], but for `empty`.
    pub fn stored(text: &str) -> Result<Self, InvalidValue> {
        no_nul(text)?;
        // A text of that many bytes or fewer can't have more characters; most need no count.
        if text.len() > Self::MAX_CHARS && text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 8000 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What people write to each other belongs in no log.
impl std::fmt::Debug for MessageText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MessageText({} bytes)", self.0.len())
    }
}

/// The name that a sender gives a message so that it is sent once: 1 to 128 bytes in one visible line. Unique for
/// a sender in a conversation for as long as the message exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientMessageId(String);
text_value!(ClientMessageId);

impl ClientMessageId {
    /// Reads such a name.
    ///
    /// # Errors
    /// `empty`, `too_long`, `nul_character` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        one_visible_line(text)?;
        match text.len() {
            0 => Err(InvalidValue::new("empty", "must not be empty; leave it out for none")),
            1..=128 => Ok(Self(text.to_owned())),
            _ => Err(InvalidValue::new("too_long", "must have at most 128 bytes")),
        }
    }
}

#[cfg(test)]
mod tests;
