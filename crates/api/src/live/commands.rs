//! Commands of an authenticated connection: each is one call of the service that REST calls for the same, whichever
//! transport it came by.

use std::sync::Arc;

use parlor_domain::{
    ConversationId, FriendRequestId, MessageAction, MessageId, ReceiptKind, Seq, UserId, store::Answer,
};
use parlor_realtime::{Connection, Frame, FrameKind, Identity};
use parlor_services::{Caller, Services};
use serde::Serialize;
use tracing::{Instrument as _, Span, info_span};

use crate::{
    problem::{Problem, ProblemCode},
    wire::{
        AddMembers, Command, Community, Conversation, CreateGroup, Empty, FriendRequest, Message, NewChannel,
        NewCommunity, Receipt, RemoveMember, SendFriendRequest, SendMessage, SetStatus, SyncRequest, SyncResponse,
        UpdateChannel, UpdateCommunity, UpdateConversation, UpdateConversationSettings, UpdateMember, User,
    },
};

/// How a transport writes the answer to one command.
pub(super) trait Reply {
    /// What the client is told, if anything.
    fn frame<T: Serialize>(&self, outcome: Result<T, Problem>) -> Option<Frame>;
}

/// What the log says of those for whom something is done.
pub(super) fn span(connection: &Connection) -> Span {
    let Identity { connection, user, .. } = &connection.identity;
    info_span!("socket", %connection, %user)
}

/// Carries out the commands of one connection.
pub(super) struct Commands<'a> {
    pub(super) services: &'a Services,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) caller: Caller,
}

impl Commands<'_> {
    /// Carries out a command, or refuses what was meant to be one, and queues the answer. Much larger than all that a
    /// connection needs while it waits for the next one.
    pub(super) fn handle(&self, reply: &impl Reply, command: Result<Command, Problem>) -> impl Future<Output = ()> {
        self.carry_out(reply, command).instrument(span(self.connection))
    }

    async fn carry_out(&self, reply: &impl Reply, command: Result<Command, Problem>) {
        let frame = match command {
            Err(problem) => reply.frame::<Empty>(Err(problem)),
            Ok(Command::Auth(_)) => reply.frame::<Empty>(Err(already_authenticated())),
            Ok(Command::Resume(request)) => return self.resume(reply, &request).await,
            Ok(Command::Ping) => reply.frame(Ok(Empty {})),
            Ok(Command::MessageSend(conversation, message)) => {
                reply.frame(self.send_message(conversation, message).await)
            }
            Ok(Command::MessageChange(conversation, message, MessageAction::Delete)) => {
                let deleted = self.change_message(conversation, message, MessageAction::Delete).await;
                reply.frame(deleted.map(|_| Empty {}))
            }
            Ok(Command::MessageChange(conversation, message, action)) => {
                reply.frame(self.change_message(conversation, message, action).await)
            }
            Ok(Command::TypingStart(conversation)) => reply.frame(self.set_typing(conversation, true).await),
            Ok(Command::TypingStop(conversation)) => reply.frame(self.set_typing(conversation, false).await),
            Ok(Command::ReceiptRead(conversation, receipt)) => {
                reply.frame(self.advance(conversation, ReceiptKind::Read, receipt.seq).await)
            }
            Ok(Command::ReceiptDelivered(conversation, receipt)) => {
                reply.frame(self.advance(conversation, ReceiptKind::Delivered, receipt.seq).await)
            }
            Ok(Command::ConversationCreate(group)) => reply.frame(self.create_group(group).await),
            Ok(Command::ConversationUpdate(conversation, update)) => {
                reply.frame(self.update_group(conversation, update).await)
            }
            Ok(Command::ConversationSettings(conversation, settings)) => {
                reply.frame(self.set_settings(conversation, settings).await)
            }
            Ok(Command::MemberAdd(conversation, members)) => reply.frame(self.add_members(conversation, members).await),
            Ok(Command::MemberUpdate(conversation, member)) => reply.frame(self.set_role(conversation, member).await),
            Ok(Command::MemberRemove(conversation, member)) => {
                reply.frame(self.remove_member(conversation, member).await)
            }
            Ok(Command::CommunityCreate(community)) => reply.frame(self.create_community(community).await),
            Ok(Command::CommunityUpdate(community, update)) => {
                reply.frame(self.update_community(community, update).await)
            }
            Ok(Command::CommunityDelete(community)) => reply.frame(self.delete_community(community).await),
            Ok(Command::CommunityJoin(community)) => reply.frame(self.join_community(community).await),
            Ok(Command::ChannelCreate(community, channel)) => {
                reply.frame(self.create_channel(community, channel).await)
            }
            Ok(Command::ChannelUpdate(channel, update)) => reply.frame(self.update_channel(channel, update).await),
            Ok(Command::ChannelDelete(channel)) => reply.frame(self.delete_channel(channel).await),
            Ok(Command::StatusSet(status)) => reply.frame(self.set_status(status).await),
            Ok(Command::FriendRequestSend(request)) => reply.frame(self.ask(request).await),
            Ok(Command::FriendRequestAnswer(id, Answer::Cancel)) => {
                reply.frame(self.answer(id, Answer::Cancel).await.map(|_| Empty {}))
            }
            Ok(Command::FriendRequestAnswer(id, answer)) => reply.frame(self.answer(id, answer).await),
            Ok(Command::FriendRemove(user)) => reply.frame(self.unfriend(user).await),
            Ok(Command::UserBlock(user)) => reply.frame(self.set_blocked(user, true).await),
            Ok(Command::UserUnblock(user)) => reply.frame(self.set_blocked(user, false).await),
        };
        if let Some(frame) = frame {
            self.connection.send(frame);
        }
    }

    /// The answer is queued before anything is pushed again, so that what is pushed follows it.
    async fn resume(&self, reply: &impl Reply, request: &SyncRequest) {
        let user = self.caller.user;
        let resumed = match request.positions(user) {
            Ok(positions) => self.services.live.resume(self.connection, &positions).await.map_err(Problem::from),
            Err(problem) => Err(problem),
        };
        match resumed {
            Ok((synced, resumed)) => {
                if let Some(Frame { bytes, .. }) = reply.frame(Ok(SyncResponse::new(&synced, user))) {
                    self.connection.send(Frame { bytes, kind: FrameKind::Answer(Some(Box::new(resumed))) });
                }
                self.services.live.start(self.connection);
            }
            Err(problem) => {
                if let Some(frame) = reply.frame::<Empty>(Err(problem)) {
                    self.connection.send(frame);
                }
            }
        }
    }

    async fn send_message(&self, conversation: ConversationId, message: SendMessage) -> Result<Message, Problem> {
        let sent = self.services.messages.send(self.caller, message.to(conversation)?).await?;
        Ok((&sent.message).into())
    }

    async fn change_message(
        &self,
        conversation: ConversationId,
        message: MessageId,
        action: MessageAction,
    ) -> Result<Message, Problem> {
        let view = self.services.messages.change(self.caller, conversation, message, action).await?;
        Ok((&view).into())
    }

    async fn set_typing(&self, conversation: ConversationId, typing: bool) -> Result<Empty, Problem> {
        self.services.conversations.set_typing(self.caller, conversation, typing).await?;
        Ok(Empty {})
    }

    async fn advance(&self, conversation: ConversationId, kind: ReceiptKind, seq: u64) -> Result<Receipt, Problem> {
        let conversations = &self.services.conversations;
        let receipt = conversations.advance_receipt(self.caller, conversation, kind, Seq::new(seq)).await?;
        Ok((&receipt).into())
    }

    async fn create_group(&self, group: CreateGroup) -> Result<Conversation, Problem> {
        let view = self.services.groups.create(self.caller, group.try_into()?).await?;
        Ok((&view).into())
    }

    async fn update_group(&self, id: ConversationId, update: UpdateConversation) -> Result<Conversation, Problem> {
        let view = self.services.groups.describe(self.caller, id, update.try_into()?).await?;
        Ok((&view).into())
    }

    async fn set_settings(
        &self,
        id: ConversationId,
        settings: UpdateConversationSettings,
    ) -> Result<Conversation, Problem> {
        let view = self.services.conversations.set_settings(self.caller, id, settings.try_into()?).await?;
        Ok((&view).into())
    }

    async fn add_members(&self, id: ConversationId, members: AddMembers) -> Result<Conversation, Problem> {
        let view = self.services.groups.add(self.caller, id, members.users()?).await?;
        Ok((&view).into())
    }

    async fn set_role(&self, id: ConversationId, member: UpdateMember) -> Result<Conversation, Problem> {
        let view = self.services.groups.set_role(self.caller, id, member.user()?, member.role.into()).await?;
        Ok((&view).into())
    }

    async fn remove_member(&self, id: ConversationId, member: RemoveMember) -> Result<Empty, Problem> {
        self.services.groups.remove(self.caller, id, member.user()?).await?;
        Ok(Empty {})
    }

    async fn create_community(&self, community: NewCommunity) -> Result<Community, Problem> {
        let view = self.services.communities.create(self.caller, community.try_into()?).await?;
        Ok((&view).into())
    }

    async fn update_community(&self, id: ConversationId, update: UpdateCommunity) -> Result<Community, Problem> {
        let view = self.services.communities.update(self.caller, id, update.try_into()?).await?;
        Ok((&view).into())
    }

    async fn delete_community(&self, id: ConversationId) -> Result<Empty, Problem> {
        self.services.communities.delete(self.caller, id).await?;
        Ok(Empty {})
    }

    async fn join_community(&self, id: ConversationId) -> Result<Community, Problem> {
        let view = self.services.communities.join(self.caller, id).await?;
        Ok((&view).into())
    }

    async fn create_channel(&self, id: ConversationId, channel: NewChannel) -> Result<Conversation, Problem> {
        let view = self.services.communities.create_channel(self.caller, id, channel.try_into()?).await?;
        Ok((&view).into())
    }

    async fn update_channel(&self, id: ConversationId, update: UpdateChannel) -> Result<Conversation, Problem> {
        let view = self.services.communities.update_channel(self.caller, id, update.try_into()?).await?;
        Ok((&view).into())
    }

    async fn delete_channel(&self, id: ConversationId) -> Result<Empty, Problem> {
        self.services.communities.delete_channel(self.caller, id).await?;
        Ok(Empty {})
    }

    async fn set_status(&self, status: SetStatus) -> Result<User, Problem> {
        let view = self.services.presence.set_status(self.caller, status.try_into()?).await?;
        Ok((&view).into())
    }

    async fn ask(&self, request: SendFriendRequest) -> Result<FriendRequest, Problem> {
        let (user, text) = request.parts()?;
        let asked = self.services.relations.request(self.caller, user, text).await?;
        Ok((&asked.view).into())
    }

    async fn answer(&self, id: FriendRequestId, answer: Answer) -> Result<FriendRequest, Problem> {
        let view = self.services.relations.answer(self.caller, id, answer).await?;
        Ok((&view).into())
    }

    async fn unfriend(&self, user: UserId) -> Result<Empty, Problem> {
        self.services.relations.unfriend(self.caller, user).await?;
        Ok(Empty {})
    }

    async fn set_blocked(&self, user: UserId, blocked: bool) -> Result<Empty, Problem> {
        let relations = &self.services.relations;
        if blocked {
            relations.block(self.caller, user).await?;
        } else {
            relations.unblock(self.caller, user).await?;
        }
        Ok(Empty {})
    }
}

fn already_authenticated() -> Problem {
    Problem::new(ProblemCode::AlreadyAuthenticated, "the server knows already whose socket this is")
}
