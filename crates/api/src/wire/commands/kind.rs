//! The commands that there are.

use super::Subject;

/// The commands that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandKind {
    /// Says who the client is.
    Auth,
    /// Asks for what was missed.
    Resume,
    /// Asks for an answer.
    Ping,
    /// Sends a message.
    MessageSend,
    /// Gives a message another text.
    MessageEdit,
    /// Deletes a message for everyone.
    MessageDelete,
    /// Pins a message.
    MessagePin,
    /// Pins a message no longer.
    MessageUnpin,
    /// Reacts to a message.
    ReactionAdd,
    /// Takes a reaction back.
    ReactionRemove,
    /// Says that one writes.
    TypingStart,
    /// Says that one no longer writes.
    TypingStop,
    /// Says how far one has read.
    ReceiptRead,
    /// Says how far one's device has received.
    ReceiptDelivered,
    /// Makes a group.
    ConversationCreate,
    /// Renames or describes a group.
    ConversationUpdate,
    /// Chooses how one sees a conversation.
    ConversationSettings,
    /// Adds members to a group.
    MemberAdd,
    /// Gives a member another role.
    MemberUpdate,
    /// Removes a member, or leaves.
    MemberRemove,
    /// Makes a community.
    CommunityCreate,
    /// Changes a community.
    CommunityUpdate,
    /// Deletes a community.
    CommunityDelete,
    /// Joins a public community.
    CommunityJoin,
    /// Makes a channel.
    ChannelCreate,
    /// Changes a channel.
    ChannelUpdate,
    /// Deletes a channel.
    ChannelDelete,
    /// Sets one's status.
    StatusSet,
    /// Asks somebody to be friends.
    FriendRequestSend,
    /// Accepts a friend request.
    FriendRequestAccept,
    /// Rejects a friend request.
    FriendRequestReject,
    /// Takes a friend request back.
    FriendRequestCancel,
    /// Ends a friendship.
    FriendRemove,
    /// Blocks a user.
    UserBlock,
    /// Ends a block.
    UserUnblock,
}

impl CommandKind {
    /// Every command.
    pub const ALL: [Self; 35] = [
        Self::Auth,
        Self::Resume,
        Self::Ping,
        Self::MessageSend,
        Self::MessageEdit,
        Self::MessageDelete,
        Self::MessagePin,
        Self::MessageUnpin,
        Self::ReactionAdd,
        Self::ReactionRemove,
        Self::TypingStart,
        Self::TypingStop,
        Self::ReceiptRead,
        Self::ReceiptDelivered,
        Self::ConversationCreate,
        Self::ConversationUpdate,
        Self::ConversationSettings,
        Self::MemberAdd,
        Self::MemberUpdate,
        Self::MemberRemove,
        Self::CommunityCreate,
        Self::CommunityUpdate,
        Self::CommunityDelete,
        Self::CommunityJoin,
        Self::ChannelCreate,
        Self::ChannelUpdate,
        Self::ChannelDelete,
        Self::StatusSet,
        Self::FriendRequestSend,
        Self::FriendRequestAccept,
        Self::FriendRequestReject,
        Self::FriendRequestCancel,
        Self::FriendRemove,
        Self::UserBlock,
        Self::UserUnblock,
    ];

    /// The command's name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Resume => "resume",
            Self::Ping => "ping",
            Self::MessageSend => "message.send",
            Self::MessageEdit => "message.edit",
            Self::MessageDelete => "message.delete",
            Self::MessagePin => "message.pin",
            Self::MessageUnpin => "message.unpin",
            Self::ReactionAdd => "reaction.add",
            Self::ReactionRemove => "reaction.remove",
            Self::TypingStart => "typing.start",
            Self::TypingStop => "typing.stop",
            Self::ReceiptRead => "receipt.read",
            Self::ReceiptDelivered => "receipt.delivered",
            Self::ConversationCreate => "conversation.create",
            Self::ConversationUpdate => "conversation.update",
            Self::ConversationSettings => "conversation.settings",
            Self::MemberAdd => "member.add",
            Self::MemberUpdate => "member.update",
            Self::MemberRemove => "member.remove",
            Self::CommunityCreate => "community.create",
            Self::CommunityUpdate => "community.update",
            Self::CommunityDelete => "community.delete",
            Self::CommunityJoin => "community.join",
            Self::ChannelCreate => "channel.create",
            Self::ChannelUpdate => "channel.update",
            Self::ChannelDelete => "channel.delete",
            Self::StatusSet => "status.set",
            Self::FriendRequestSend => "friendRequest.send",
            Self::FriendRequestAccept => "friendRequest.accept",
            Self::FriendRequestReject => "friendRequest.reject",
            Self::FriendRequestCancel => "friendRequest.cancel",
            Self::FriendRemove => "friend.remove",
            Self::UserBlock => "user.block",
            Self::UserUnblock => "user.unblock",
        }
    }

    /// The command of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What it does, for the documents.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Auth => {
                "Says who the client is, by an access token or a one-time ticket. Only on a socket that was opened \
                 without; it is the first command there, and the answer is waited for before any other."
            }
            Self::Resume => {
                "Asks for what was missed after the given revisions; like `POST /api/v1/sync`. Whatever happens from \
                 then on is pushed after the answer, and so is the rest of a stream with `more`."
            }
            Self::Ping => "Asks for an answer, to see whether the connection still works. Browsers can't send pings.",
            Self::MessageSend => {
                "Sends a message; like `POST /api/v1/conversations/{id}/messages`. The answer comes when the message \
                 is stored for good. A repeat with the same `clientMessageId` is answered with the first message."
            }
            Self::MessageEdit => {
                "Gives a message of one's own another text; like `PATCH /api/v1/conversations/{id}/messages/{messageId}`."
            }
            Self::MessageDelete => {
                "Deletes a message for everyone; like `DELETE /api/v1/conversations/{id}/messages/{messageId}`."
            }
            Self::MessagePin => "Pins a message; like `PUT /api/v1/conversations/{id}/messages/{messageId}/pin`.",
            Self::MessageUnpin => {
                "Pins a message no longer; like `DELETE /api/v1/conversations/{id}/messages/{messageId}/pin`."
            }
            Self::ReactionAdd => {
                "Reacts to a message; like `PUT /api/v1/conversations/{id}/messages/{messageId}/reactions/{emoji}`."
            }
            Self::ReactionRemove => {
                "Takes a reaction back; like `DELETE /api/v1/conversations/{id}/messages/{messageId}/reactions/{emoji}`."
            }
            Self::TypingStart => {
                "Says that one writes; like `POST /api/v1/conversations/{id}/typing` with `true`. To be repeated \
                 every few seconds."
            }
            Self::TypingStop => "Says that one no longer writes.",
            Self::ReceiptRead => "Says how far one has read; like `POST /api/v1/conversations/{id}/read`.",
            Self::ReceiptDelivered => {
                "Says how far one's device has received; like `POST /api/v1/conversations/{id}/delivered`."
            }
            Self::ConversationCreate => "Makes a group; like `POST /api/v1/conversations`.",
            Self::ConversationUpdate => "Renames or describes a group; like `PATCH /api/v1/conversations/{id}`.",
            Self::ConversationSettings => {
                "Chooses how one sees a conversation; like `PATCH /api/v1/conversations/{id}/settings`."
            }
            Self::MemberAdd => "Adds members to a group; like `POST /api/v1/conversations/{id}/members`.",
            Self::MemberUpdate => {
                "Gives a member another role; like `PATCH /api/v1/conversations/{id}/members/{userId}`."
            }
            Self::MemberRemove => {
                "Removes a member, or oneself to leave; like `DELETE /api/v1/conversations/{id}/members/{userId}`."
            }
            Self::CommunityCreate => "Makes a community; like `POST /api/v1/communities`.",
            Self::CommunityUpdate => "Changes a community; like `PATCH /api/v1/communities/{id}`.",
            Self::CommunityDelete => {
                "Deletes a community with all its channels; like `DELETE /api/v1/communities/{id}`."
            }
            Self::CommunityJoin => "Joins a public community; like `POST /api/v1/communities/{id}/join`.",
            Self::ChannelCreate => "Makes a channel; like `POST /api/v1/communities/{id}/channels`.",
            Self::ChannelUpdate => "Changes a channel; like `PATCH /api/v1/channels/{id}`.",
            Self::ChannelDelete => "Deletes a channel; like `DELETE /api/v1/channels/{id}`.",
            Self::StatusSet => "Sets one's status; like `PUT /api/v1/users/me/status`.",
            Self::FriendRequestSend => "Asks somebody to be friends; like `POST /api/v1/friend-requests`.",
            Self::FriendRequestAccept => "Accepts a friend request; like `POST /api/v1/friend-requests/{id}/accept`.",
            Self::FriendRequestReject => "Rejects a friend request; like `POST /api/v1/friend-requests/{id}/reject`.",
            Self::FriendRequestCancel => "Takes a friend request back; like `DELETE /api/v1/friend-requests/{id}`.",
            Self::FriendRemove => "Ends a friendship; like `DELETE /api/v1/friends/{id}`.",
            Self::UserBlock => "Blocks a user; like `PUT /api/v1/blocks/{id}`.",
            Self::UserUnblock => "Ends a block; like `DELETE /api/v1/blocks/{id}`.",
        }
    }

    /// What the command is about, if its data names that beside the body of the REST call.
    pub const fn subject(self) -> Option<Subject> {
        match self {
            Self::Auth
            | Self::Resume
            | Self::Ping
            | Self::ConversationCreate
            | Self::CommunityCreate
            | Self::StatusSet
            | Self::FriendRequestSend => None,
            Self::MessageSend
            | Self::MessageEdit
            | Self::MessageDelete
            | Self::MessagePin
            | Self::MessageUnpin
            | Self::ReactionAdd
            | Self::ReactionRemove
            | Self::TypingStart
            | Self::TypingStop
            | Self::ReceiptRead
            | Self::ReceiptDelivered
            | Self::ConversationUpdate
            | Self::ConversationSettings
            | Self::MemberAdd
            | Self::MemberUpdate
            | Self::MemberRemove => Some(Subject::Conversation),
            Self::CommunityUpdate | Self::CommunityDelete | Self::CommunityJoin | Self::ChannelCreate => {
                Some(Subject::Community)
            }
            Self::ChannelUpdate | Self::ChannelDelete => Some(Subject::Channel),
            Self::FriendRequestAccept | Self::FriendRequestReject | Self::FriendRequestCancel => {
                Some(Subject::FriendRequest)
            }
            Self::FriendRemove | Self::UserBlock | Self::UserUnblock => Some(Subject::User),
        }
    }
}
