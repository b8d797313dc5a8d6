//! Where messages live, and who is in it.

use crate::{
    ConversationId, InvalidValue, MemberRole, Rev, Seq, Timestamp, Traits, UserId,
    value::{is_blank, no_nul, not_blank, one_visible_line, text_value},
};

/// Where messages live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The conversation's id.
    pub id: ConversationId,
    /// What sort of conversation it is.
    pub kind: ConversationKind,
    /// What a group is called.
    pub name: Option<ConversationName>,
    /// What a group is for.
    pub description: Option<Description>,
    /// What else it has.
    pub traits: Traits,
    /// Whether members are told how far others have read. In a direct conversation it always is so.
    pub read_receipts: bool,
    /// How many are in it.
    pub member_count: u32,
    /// The `seq` of the newest message.
    pub last_seq: Seq,
    /// The newest change.
    pub rev: Rev,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its newest message was sent, or else when it was made.
    pub updated_at: Timestamp,
}

/// The sorts of conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConversationKind {
    /// Two users; there is one for each pair.
    Direct,
    /// Users with roles, who come and go.
    Group,
    /// The like of a group, with channels to write in.
    Community,
    /// A part of a community.
    Channel,
}

impl ConversationKind {
    /// The kind's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
            Self::Community => "community",
            Self::Channel => "channel",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Direct, Self::Group, Self::Community, Self::Channel].into_iter().find(|kind| kind.name() == name)
    }
}

/// What a conversation is for ever: its kind, and what it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A direct one of these two.
    Direct([UserId; 2]),
    /// A group.
    Group,
    /// A community.
    Community,
    /// A channel of this community.
    Channel(ConversationId),
}

/// A user in a conversation. Positions only ever move forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// In a group, what he may do; absent in a direct conversation.
    pub role: Option<MemberRole>,
    /// Since when.
    pub joined_at: Timestamp,
    /// The revision before the change by which he came: what he is told of comes after it.
    pub joined_rev: Rev,
    /// How far the member has read, for the member's own count of unread messages. A message of one's own is read.
    pub read_seq: Seq,
    /// How far others are told that the member has read. Stays behind while the member is invisible or gives no
    /// read receipts.
    pub read_receipt_seq: Seq,
    /// How far others are told that the member's devices have received.
    pub delivered_seq: Seq,
    /// The revision after which changes were held back because the member was busy, until they are released.
    pub held_from: Option<Rev>,
    /// How the member wants to see the conversation.
    pub settings: MemberSettings,
}

impl Member {
    /// Who is in a direct conversation from its beginning.
    pub const fn of_direct(user_id: UserId, joined_at: Timestamp) -> Self {
        Self {
            user_id,
            role: None,
            joined_at,
            joined_rev: Rev::ZERO,
            read_seq: Seq::ZERO,
            read_receipt_seq: Seq::ZERO,
            delivered_seq: Seq::ZERO,
            held_from: None,
            settings: MemberSettings::NONE,
        }
    }

    /// Who comes into a group that stands at these places: what was there before does not count as unread.
    pub const fn of_group(user_id: UserId, role: MemberRole, joined_at: Timestamp, (seq, rev): (Seq, Rev)) -> Self {
        Self {
            role: Some(role),
            joined_rev: rev,
            read_seq: seq,
            read_receipt_seq: seq,
            delivered_seq: seq,
            ..Self::of_direct(user_id, joined_at)
        }
    }

    /// Of the members of a direct conversation, the one who is not this user. A group has none.
    pub fn other_than(members: &[Self], user: UserId) -> Option<&Self> {
        members.iter().find(|member| member.user_id != user && member.role.is_none())
    }
}

/// How a member wants to see a conversation; nobody else gets to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberSettings {
    /// Until when front ends don't ring for it; [`Timestamp::MAX`] is for ever.
    pub muted_until: Option<Timestamp>,
    /// Whether it stands above the others.
    pub pinned: bool,
    /// Whether it is put away.
    pub archived: bool,
    /// Whether it is out of the list until something comes after this message.
    pub hidden_up_to: Option<Seq>,
}

impl MemberSettings {
    const NONE: Self = Self { muted_until: None, pinned: false, archived: false, hidden_up_to: None };

    /// Whether a conversation that has come to `last` is out of the list.
    pub fn hides(&self, last: Seq) -> bool {
        self.hidden_up_to.is_some_and(|seq| seq >= last)
    }

    /// These settings with a change, in a conversation that has come to `last`.
    #[must_use]
    pub fn changed(self, change: &MemberSettingsChange, last: Seq) -> Self {
        Self {
            muted_until: change.muted_until.unwrap_or(self.muted_until),
            pinned: change.pinned.unwrap_or(self.pinned),
            archived: change.archived.unwrap_or(self.archived),
            hidden_up_to: change.hidden.map_or(self.hidden_up_to, |hidden| hidden.then_some(last)),
        }
    }
}

/// A change of these settings; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberSettingsChange {
    /// Until when it is muted; `Some(None)` ends that.
    pub muted_until: Option<Option<Timestamp>>,
    /// Whether it stands above the others.
    pub pinned: Option<bool>,
    /// Whether it is put away.
    pub archived: Option<bool>,
    /// Whether it is out of the list until the next message.
    pub hidden: Option<bool>,
}

/// What a group is called: 1 to 100 characters in one visible line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConversationName(String);
text_value!(ConversationName);

impl ConversationName {
    /// The most characters (code points) of a name.
    pub const MAX_CHARS: usize = 100;

    /// Reads a name. White space around it is no part of it.
    ///
    /// # Errors
    /// `empty`, `too_long`, `nul_character` or `control_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        not_blank(text)?;
        Self::stored(text.trim())
    }

    /// Reads one that was taken once: what counts as empty has become more since.
    ///
    /// # Errors
    /// As [`Self::parse`], but for `empty`.
    pub fn stored(text: &str) -> Result<Self, InvalidValue> {
        one_visible_line(text)?;
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 100 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What a group is for: 1 to 1,000 characters, kept as they are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Description(String);
text_value!(Description);

impl Description {
    /// The most characters (code points) of a description.
    pub const MAX_CHARS: usize = 1000;

    /// Reads a description; a blank one is none.
    ///
    /// # Errors
    /// `too_long` or `nul_character`.
    pub fn parse(text: &str) -> Result<Option<Self>, InvalidValue> {
        no_nul(text)?;
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 1000 characters"));
        }
        Ok((!is_blank(text)).then(|| Self(text.to_owned())))
    }
}

/// What people write belongs in no log.
impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Description({} bytes)", self.0.len())
    }
}

/// Which position of a member moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReceiptKind {
    /// The member's devices have received.
    Delivered,
    /// The member has read (and so received).
    Read,
}

/// What its sender gets to know of a message's way. Only in direct conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Stored.
    Sent,
    /// Stored, and held back while the other user is busy.
    Held,
    /// On a device of the other user.
    Delivered,
    /// Read by the other user.
    Read,
}

impl Delivery {
    /// The state's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Read => "read",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_visible_line_of_1_to_100_characters() {
        assert_eq!(ConversationName::parse("  Round table ").unwrap().as_str(), "Round table");
        assert!(ConversationName::parse(&"é".repeat(100)).is_ok());
        for (bad, code) in [
            ("\u{200b} ", "empty"),
            (&*"é".repeat(101), "too_long"),
            ("a\nb", "control_character"),
            ("a\0", "nul_character"),
        ] {
            assert_eq!(ConversationName::parse(bad).unwrap_err().code, code);
        }
    }

    #[test]
    fn a_blank_description_is_none() {
        assert_eq!(Description::parse(" \n").unwrap(), None);
        assert_eq!(Description::parse(" two\nlines").unwrap().unwrap().as_str(), " two\nlines");
        assert!(Description::parse(&"🙂".repeat(1000)).is_ok());
        assert_eq!(Description::parse(&"🙂".repeat(1001)).unwrap_err().code, "too_long");
    }

    #[test]
    fn what_is_hidden_comes_back_with_the_next_message() {
        let change = MemberSettingsChange { hidden: Some(true), ..MemberSettingsChange::default() };
        let hidden = MemberSettings::default().changed(&change, Seq::new(3));
        assert!(hidden.hides(Seq::new(3)) && !hidden.hides(Seq::new(4)));
        let shown = hidden.changed(&MemberSettingsChange { hidden: Some(false), ..change }, Seq::new(3));
        assert_eq!(shown, MemberSettings::default());
    }
}
