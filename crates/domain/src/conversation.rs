//! Where messages live, and who is in it.

use crate::{ConversationId, Rev, Seq, Timestamp, UserId};

/// Where messages live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// The conversation's id.
    pub id: ConversationId,
    /// What sort of conversation it is.
    pub kind: ConversationKind,
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
}

impl ConversationKind {
    /// The kind's name, on the wire and in a store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::Direct.name()).then_some(Self::Direct)
    }
}

/// A user in a conversation. Positions only ever move forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: UserId,
    /// Since when.
    pub joined_at: Timestamp,
    /// How far the member has read, for the member's own count of unread messages. A message of one's own is read.
    pub read_seq: Seq,
    /// How far others are told that the member has read. Stays behind while the member is invisible or gives no
    /// read receipts.
    pub read_receipt_seq: Seq,
    /// How far others are told that the member's devices have received.
    pub delivered_seq: Seq,
    /// The revision after which changes were held back because the member was busy, until they are released.
    pub held_from: Option<Rev>,
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
