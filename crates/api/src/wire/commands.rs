//! Commands: what a client asks for over a socket, and how it is answered.
//!
//! The data of a command is the body of the REST call that does the same, with the ids of its path beside.

mod authenticate;
mod kind;
mod reply;
mod subject;

use std::{collections::BTreeMap, str::FromStr};

use parlor_domain::{
    ConversationId, Emoji, FriendRequestId, InvalidValue, MessageAction, MessageId, UserId,
    store::Answer as RequestAnswer,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use validator::Validate;

pub use self::{
    authenticate::{Authenticate, SocketCredential},
    kind::CommandKind,
    reply::{Answer, Refusal, ReplyId},
    subject::Subject,
};
use super::{
    AddMembers, CreateGroup, EditOneMessage, NewChannel, NewCommunity, OneMessage, React, RemoveMember,
    SendFriendRequest, SendMessage, SetReceipt, SetStatus, SyncRequest, UpdateChannel, UpdateCommunity,
    UpdateConversation, UpdateConversationSettings, UpdateMember, field,
};
use crate::{
    extract::from_json,
    problem::{Problem, ProblemCode},
};

/// A command with its data, validated.
#[derive(Clone, Debug)]
pub enum Command {
    /// `auth`
    Auth(SocketCredential),
    /// `resume`
    Resume(SyncRequest),
    /// `ping`
    Ping,
    /// `message.send`
    MessageSend(ConversationId, SendMessage),
    /// `message.edit`, `message.delete`, `message.pin`, `message.unpin`, `reaction.add` and `reaction.remove`
    MessageChange(ConversationId, MessageId, MessageAction),
    /// `typing.start`
    TypingStart(ConversationId),
    /// `typing.stop`
    TypingStop(ConversationId),
    /// `receipt.read`
    ReceiptRead(ConversationId, SetReceipt),
    /// `receipt.delivered`
    ReceiptDelivered(ConversationId, SetReceipt),
    /// `conversation.create`
    ConversationCreate(CreateGroup),
    /// `conversation.update`
    ConversationUpdate(ConversationId, UpdateConversation),
    /// `conversation.settings`
    ConversationSettings(ConversationId, UpdateConversationSettings),
    /// `member.add`
    MemberAdd(ConversationId, AddMembers),
    /// `member.update`
    MemberUpdate(ConversationId, UpdateMember),
    /// `member.remove`
    MemberRemove(ConversationId, RemoveMember),
    /// `community.create`
    CommunityCreate(NewCommunity),
    /// `community.update`
    CommunityUpdate(ConversationId, UpdateCommunity),
    /// `community.delete`
    CommunityDelete(ConversationId),
    /// `community.join`
    CommunityJoin(ConversationId),
    /// `channel.create`
    ChannelCreate(ConversationId, NewChannel),
    /// `channel.update`
    ChannelUpdate(ConversationId, UpdateChannel),
    /// `channel.delete`
    ChannelDelete(ConversationId),
    /// `status.set`
    StatusSet(SetStatus),
    /// `friendRequest.send`
    FriendRequestSend(SendFriendRequest),
    /// `friendRequest.accept`, `friendRequest.reject` and `friendRequest.cancel`
    FriendRequestAnswer(FriendRequestId, RequestAnswer),
    /// `friend.remove`
    FriendRemove(UserId),
    /// `user.block`
    UserBlock(UserId),
    /// `user.unblock`
    UserUnblock(UserId),
}

impl Command {
    /// The command of that name with its data, which may be left out where nothing is needed.
    ///
    /// # Errors
    /// `unknown_command`; what is wrong with the data.
    pub fn named(name: &str, data: Option<&str>) -> Result<Self, Problem> {
        let unknown = || Problem::new(ProblemCode::UnknownCommand, "there is no command of this name");
        let kind = CommandKind::from_name(name).ok_or_else(unknown)?;
        Self::parse(kind, data.unwrap_or("{}"))
    }

    fn parse(kind: CommandKind, data: &str) -> Result<Self, Problem> {
        Ok(match kind {
            CommandKind::Auth => Self::Auth(read::<Authenticate>(data)?.try_into()?),
            CommandKind::Resume => Self::Resume(read(data)?),
            CommandKind::Ping => {
                read::<NoData>(data)?;
                Self::Ping
            }
            CommandKind::MessageSend => {
                let (conversation, message) = in_conversation(data)?;
                Self::MessageSend(conversation, message)
            }
            CommandKind::MessageEdit => {
                let (conversation, edit) = in_conversation::<EditOneMessage>(data)?;
                let (message, action) = edit.parts()?;
                Self::MessageChange(conversation, message, action)
            }
            CommandKind::MessageDelete => Self::change(data, MessageAction::Delete)?,
            CommandKind::MessagePin => Self::change(data, MessageAction::Pin)?,
            CommandKind::MessageUnpin => Self::change(data, MessageAction::Unpin)?,
            CommandKind::ReactionAdd => Self::reaction(data, MessageAction::React)?,
            CommandKind::ReactionRemove => Self::reaction(data, MessageAction::Unreact)?,
            CommandKind::TypingStart => Self::TypingStart(in_conversation::<NoData>(data)?.0),
            CommandKind::TypingStop => Self::TypingStop(in_conversation::<NoData>(data)?.0),
            CommandKind::ReceiptRead => {
                let (conversation, receipt) = in_conversation(data)?;
                Self::ReceiptRead(conversation, receipt)
            }
            CommandKind::ReceiptDelivered => {
                let (conversation, receipt) = in_conversation(data)?;
                Self::ReceiptDelivered(conversation, receipt)
            }
            CommandKind::ConversationCreate => Self::ConversationCreate(read(data)?),
            CommandKind::ConversationUpdate => {
                let (conversation, update) = in_conversation(data)?;
                Self::ConversationUpdate(conversation, update)
            }
            CommandKind::ConversationSettings => {
                let (conversation, settings) = in_conversation(data)?;
                Self::ConversationSettings(conversation, settings)
            }
            CommandKind::MemberAdd => {
                let (conversation, members) = in_conversation(data)?;
                Self::MemberAdd(conversation, members)
            }
            CommandKind::MemberUpdate => {
                let (conversation, member) = in_conversation(data)?;
                Self::MemberUpdate(conversation, member)
            }
            CommandKind::MemberRemove => {
                let (conversation, member) = in_conversation(data)?;
                Self::MemberRemove(conversation, member)
            }
            CommandKind::CommunityCreate => Self::CommunityCreate(read(data)?),
            CommandKind::CommunityUpdate => {
                let (community, update) = about(Subject::Community, data)?;
                Self::CommunityUpdate(community, update)
            }
            CommandKind::CommunityDelete => Self::CommunityDelete(about::<_, NoData>(Subject::Community, data)?.0),
            CommandKind::CommunityJoin => Self::CommunityJoin(about::<_, NoData>(Subject::Community, data)?.0),
            CommandKind::ChannelCreate => {
                let (community, channel) = about(Subject::Community, data)?;
                Self::ChannelCreate(community, channel)
            }
            CommandKind::ChannelUpdate => {
                let (channel, update) = about(Subject::Channel, data)?;
                Self::ChannelUpdate(channel, update)
            }
            CommandKind::ChannelDelete => Self::ChannelDelete(about::<_, NoData>(Subject::Channel, data)?.0),
            CommandKind::StatusSet => Self::StatusSet(read(data)?),
            CommandKind::FriendRequestSend => Self::FriendRequestSend(read(data)?),
            CommandKind::FriendRequestAccept => Self::answer(data, RequestAnswer::Accept)?,
            CommandKind::FriendRequestReject => Self::answer(data, RequestAnswer::Reject)?,
            CommandKind::FriendRequestCancel => Self::answer(data, RequestAnswer::Cancel)?,
            CommandKind::FriendRemove => Self::FriendRemove(about::<_, NoData>(Subject::User, data)?.0),
            CommandKind::UserBlock => Self::UserBlock(about::<_, NoData>(Subject::User, data)?.0),
            CommandKind::UserUnblock => Self::UserUnblock(about::<_, NoData>(Subject::User, data)?.0),
        })
    }

    fn change(data: &str, action: MessageAction) -> Result<Self, Problem> {
        let (conversation, which) = in_conversation::<OneMessage>(data)?;
        Ok(Self::MessageChange(conversation, which.message()?, action))
    }

    fn reaction(data: &str, action: impl Fn(Emoji) -> MessageAction) -> Result<Self, Problem> {
        let (conversation, reaction) = in_conversation::<React>(data)?;
        let (message, emoji) = reaction.parts()?;
        Ok(Self::MessageChange(conversation, message, action(emoji)))
    }

    fn answer(data: &str, answer: RequestAnswer) -> Result<Self, Problem> {
        let (id, NoData {}) = about(Subject::FriendRequest, data)?;
        Ok(Self::FriendRequestAnswer(id, answer))
    }
}

/// A frame of a client: what it asks for, and the name under which it wants the answer.
#[derive(Debug)]
pub struct CommandFrame {
    /// Under which name the answer goes.
    pub reply: ReplyId,
    /// What to do, or what is wrong with the frame.
    pub command: Result<Command, Problem>,
}

impl CommandFrame {
    /// Reads a frame. Whatever it holds, there is something to answer.
    pub fn parse(text: &str) -> Self {
        match RawFrame::parse(text) {
            Ok((reply, frame)) => Self { reply, command: frame.command() },
            Err(problem) => Self { reply: ReplyId::search(text), command: Err(problem) },
        }
    }
}

#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct RawFrame {
    id: Option<Box<RawValue>>,
    command: String,
    data: Option<Box<RawValue>>,
}

impl RawFrame {
    fn parse(text: &str) -> Result<(ReplyId, Self), Problem> {
        let frame: Self = read(text)?;
        let reply = frame.id.as_deref().map_or(Ok(ReplyId::None), |id| field("id", ReplyId::parse(id)))?;
        Ok((reply, frame))
    }

    fn command(self) -> Result<Command, Problem> {
        Command::named(&self.command, self.data.as_deref().map(RawValue::get))
    }
}

/// The data of commands that need none.
#[derive(Deserialize, Validate)]
#[serde(deny_unknown_fields)]
struct NoData {}

/// Reads data that names its conversation: that id, and the body of the REST call.
fn in_conversation<T>(data: &str) -> Result<(ConversationId, T), Problem>
where
    T: for<'de> Deserialize<'de> + Validate,
{
    about(Subject::Conversation, data)
}

/// Reads data that names what it is about: that id, and the body of the REST call.
fn about<Id, T>(subject: Subject, data: &str) -> Result<(Id, T), Problem>
where
    Id: FromStr<Err = InvalidValue>,
    T: for<'de> Deserialize<'de> + Validate,
{
    let member = subject.member();
    // Taken apart and put together again, because the body refuses members that it does not know. The members' own
    // text stays as it is.
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(data).map_err(|_| no_object())?;
    let missing = || Problem::invalid_field(member, InvalidValue::new("missing", "is missing"));
    let id = members.remove(member).ok_or_else(missing)?;
    let text: Option<String> = serde_json::from_str(id.get()).ok();
    let wrong_type = InvalidValue::new("wrong_type", "must be a text");
    let id = field(member, text.ok_or(wrong_type).and_then(|text| text.parse()))?;
    let body = serde_json::to_string(&members)
        .map_err(|error| Problem::new(ProblemCode::Internal, "the server failed").caused_by(error))?;
    Ok((id, read(&body)?))
}

fn no_object() -> Problem {
    Problem::invalid_field("data", InvalidValue::new("wrong_type", "must be a JSON object"))
}

fn read<T: for<'de> Deserialize<'de> + Validate>(json: &str) -> Result<T, Problem> {
    from_json(json.as_bytes())
}

#[cfg(test)]
mod tests;
