//! Commands of an authenticated connection: each is one call of the service that REST calls for the same.

use std::sync::Arc;

use bytes::Bytes;
use parlor_domain::{ConversationId, ReceiptKind, Seq};
use parlor_realtime::Connection;
use parlor_services::{Caller, ServiceResult, Services};

use super::frames;
use crate::{
    problem::{Problem, ProblemCode},
    wire::{Command, CommandFrame, Empty, Message, Receipt, ReplyId, SendMessage, SyncRequest, SyncResponse, User},
};

/// Carries out the commands of one connection.
pub(super) struct Commands<'a> {
    pub(super) services: &'a Services,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) caller: Caller,
}

impl Commands<'_> {
    /// Carries out what a frame asks for, and queues the answer.
    pub(super) async fn handle(&self, text: &str) {
        let CommandFrame { reply, command } = CommandFrame::parse(text);
        match command {
            Ok(command) => self.carry_out(&reply, command).await,
            Err(problem) => self.connection.send(refuse(&reply, problem)),
        }
    }

    async fn carry_out(&self, reply: &ReplyId, command: Command) {
        let answer = match command {
            Command::Auth(_) => refuse(reply, already_authenticated()),
            Command::Resume(request) => return self.resume(reply, &request).await,
            Command::Ping => frames::answer(reply, Ok(Empty {})),
            Command::MessageSend(conversation, message) => {
                frames::answer(reply, self.send_message(conversation, message).await)
            }
            Command::TypingStart(conversation) => frames::answer(reply, self.set_typing(conversation, true).await),
            Command::TypingStop(conversation) => frames::answer(reply, self.set_typing(conversation, false).await),
            Command::ReceiptRead(conversation, receipt) => {
                frames::answer(reply, self.advance(conversation, ReceiptKind::Read, receipt.seq).await)
            }
            Command::ReceiptDelivered(conversation, receipt) => {
                frames::answer(reply, self.advance(conversation, ReceiptKind::Delivered, receipt.seq).await)
            }
            Command::StatusSet(status) => frames::answer(reply, self.set_status(status).await),
        };
        self.connection.send(answer);
    }

    /// The answer is queued before anything is pushed again, so that what is pushed follows it.
    async fn resume(&self, reply: &ReplyId, request: &SyncRequest) {
        let user = self.caller.user;
        let outcome = match request.positions(user) {
            Ok(positions) => {
                let synced: ServiceResult<_> = self.services.live.resume(self.connection, &positions).await;
                synced.map(|synced| SyncResponse::new(&synced, user)).map_err(Problem::from)
            }
            Err(problem) => Err(problem),
        };
        let resumed = outcome.is_ok();
        self.connection.send(frames::answer(reply, outcome));
        if resumed {
            self.services.live.start(self.connection);
        }
    }

    async fn send_message(&self, conversation: ConversationId, message: SendMessage) -> Result<Message, Problem> {
        let sent = self.services.messages.send(self.caller, message.to(conversation)?).await?;
        Ok((&sent.message).into())
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

    async fn set_status(&self, status: crate::wire::SetStatus) -> Result<User, Problem> {
        let view = self.services.presence.set_status(self.caller, status.try_into()?).await?;
        Ok((&view).into())
    }
}

fn refuse(reply: &ReplyId, problem: Problem) -> Bytes {
    frames::answer::<Empty>(reply, Err(problem))
}

fn already_authenticated() -> Problem {
    Problem::new(ProblemCode::AlreadyAuthenticated, "the server knows already whose socket this is")
}
