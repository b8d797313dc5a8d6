//! What users are to each other: friends, those who ask to be, and those who are kept away.

use crate::{
    FriendRequestId, InvalidValue, Timestamp, UserId,
    value::{is_blank, no_nul, text_value},
};

/// Who may write to a user who was not written to by him. Who was, may always answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhoCanWrite {
    /// Everyone whom he does not block.
    #[default]
    Anyone,
    /// His friends, and those who are in a group with him.
    SharedGroups,
    /// His friends.
    Friends,
    /// Nobody.
    Nobody,
}

impl WhoCanWrite {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::Anyone, Self::SharedGroups, Self::Friends, Self::Nobody];

    /// The choice's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::SharedGroups => "sharedGroups",
            Self::Friends => "friends",
            Self::Nobody => "nobody",
        }
    }

    /// The choice of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// The wish of one user to be the friend of another. There is one for each two and direction: who asks again asks by
/// the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FriendRequest {
    /// The request's id.
    pub id: FriendRequestId,
    /// Who asks.
    pub from: UserId,
    /// Who is asked.
    pub to: UserId,
    /// What is said with it.
    pub text: Option<RequestText>,
    /// What became of it.
    pub state: RequestState,
    /// When it was asked the last time.
    pub created_at: Timestamp,
    /// When it came to its state; when it was asked if it waits.
    pub updated_at: Timestamp,
    /// When it was rejected the last time, if it was not accepted since.
    pub rejected_at: Option<Timestamp>,
}

impl FriendRequest {
    /// The request as one of the two knows it: of a rejection the one who asks is not told, and for the one who has
    /// rejected it, it stays rejected though it may have been taken back since. One that was asked in silence (rejected by
    /// nobody) waits for the one who asks, and for the other one it is still taken back.
    #[must_use]
    pub fn as_seen_by(self, reader: UserId) -> Self {
        let is_asker = reader == self.from;
        let (state, updated_at) = match (self.state, self.rejected_at) {
            (RequestState::Rejected, _) if is_asker => (RequestState::Pending, self.created_at),
            (RequestState::Cancelled, Some(rejected_at)) if !is_asker => (RequestState::Rejected, rejected_at),
            (RequestState::Rejected, None) => (RequestState::Cancelled, self.created_at),
            (state, _) => (state, self.updated_at),
        };
        Self { state, updated_at, rejected_at: self.rejected_at.filter(|_| !is_asker), ..self }
    }

    /// The one of the two who is not this one.
    pub fn other(&self, reader: UserId) -> UserId {
        if reader == self.from { self.to } else { self.from }
    }
}

/// What became of a friend request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestState {
    /// It waits for an answer.
    Pending,
    /// The two became friends.
    Accepted,
    /// The one who was asked does not want it.
    Rejected,
    /// The one who asked does not want it any more.
    Cancelled,
}

impl RequestState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Accepted, Self::Rejected, Self::Cancelled];

    /// The state's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the one who asks still waits, as far as he knows.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Rejected)
    }
}

/// What is said with a friend request: 1 to 500 characters, lines allowed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestText(String);
text_value!(RequestText);

impl RequestText {
    /// The most characters of a text.
    pub const MAX_CHARS: usize = 500;

    /// Reads a text, kept as it is.
    ///
    /// # Errors
    /// `empty`, `too_long` or `nul_character`.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        if is_blank(text) {
            return Err(InvalidValue::new("empty", "must not be empty; leave it out or null for none"));
        }
        Self::stored(text)
    }

    /// Reads one that was taken once: what counts as empty has become more since.
    ///
    /// # Errors
    /// As [`Self::parse`], but for `empty`.
    pub fn stored(text: &str) -> Result<Self, InvalidValue> {
        no_nul(text)?;
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidValue::new("too_long", "must have at most 500 characters"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// What one user has made of another. A friendship is two of these, one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tie {
    /// Whose it is.
    pub user: UserId,
    /// Whom it is about.
    pub other: UserId,
    /// What it is.
    pub kind: TieKind,
    /// The [key](crate::Username::key) of the other one's user name, which never changes: lists are ordered by it.
    pub name: String,
    /// Since when it is so.
    pub since: Timestamp,
}

/// What one user can make of another: one of these, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TieKind {
    /// They are friends.
    Friend,
    /// The user has nothing to do with the other one.
    Block,
}

impl TieKind {
    /// The kind's name in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Friend => "friend",
            Self::Block => "block",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Friend, Self::Block].into_iter().find(|kind| kind.name() == name)
    }
}

/// What a user is to the one who looks at him.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Nothing.
    None,
    /// A friend.
    Friend,
    /// Somebody whom the reader has asked to be a friend.
    RequestSent,
    /// Somebody who has asked to be the reader's friend.
    RequestReceived,
    /// Somebody whom the reader blocks.
    Blocked,
    /// The reader himself.
    Own,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_looks_to_the_one_who_asked_as_if_it_had_not_been() {
        let [from, to] = [1, 2].map(|n| UserId::from_bytes([n; 12]));
        let waiting = FriendRequest {
            id: FriendRequestId::from_bytes([3; 12]),
            from,
            to,
            text: None,
            state: RequestState::Pending,
            created_at: Timestamp::from_millis(1),
            updated_at: Timestamp::from_millis(1),
            rejected_at: None,
        };
        let then = Timestamp::from_millis(2);
        let rejected = FriendRequest {
            state: RequestState::Rejected,
            updated_at: then,
            rejected_at: Some(then),
            ..waiting.clone()
        };
        assert_eq!(rejected.clone().as_seen_by(from), waiting);
        assert_eq!(rejected.clone().as_seen_by(to), rejected);
        let cancelled = FriendRequest { state: RequestState::Cancelled, ..rejected };
        let seen = cancelled.clone().as_seen_by(from);
        assert_eq!((seen.state, seen.rejected_at), (RequestState::Cancelled, None));
        assert_eq!(cancelled.as_seen_by(to).state, RequestState::Rejected);
    }

    #[test]
    fn the_text_of_a_request_is_not_blank_and_has_at_most_500_characters() {
        assert_eq!(RequestText::parse("Hello,\nit's me").unwrap().as_str(), "Hello,\nit's me");
        assert!(RequestText::parse(&"é".repeat(500)).is_ok());
        for (bad, code) in [("", "empty"), (" \n", "empty"), (&"é".repeat(501), "too_long"), ("a\0", "nul_character")]
        {
            assert_eq!(RequestText::parse(bad).unwrap_err().code, code, "{bad:?}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        assert!(WhoCanWrite::ALL.into_iter().all(|choice| WhoCanWrite::from_name(choice.name()) == Some(choice)));
        assert!(RequestState::ALL.into_iter().all(|state| RequestState::from_name(state.name()) == Some(state)));
        assert!(
            [TieKind::Friend, TieKind::Block].into_iter().all(|kind| TieKind::from_name(kind.name()) == Some(kind))
        );
        assert_eq!(TieKind::from_name("foe"), None);
    }
}
