//! The task of one socket, from the upgrade to the close.

use std::{iter::from_fn, sync::Arc};

use actix_web::web;
use parlor_domain::SessionId;
use parlor_realtime::{Connection, Frame, Outbox};
use parlor_services::{Caller, Ready, ServiceError, ServiceResult};
use tokio::{select, time::sleep};
use tracing::debug;

use super::{
    CloseCode, WEBSOCKET,
    conversation::{Conversation, Conversing},
    frames,
    incoming::{End, Received},
    lobby::Place,
    quota::Quota,
    ready::ready_event,
    websocket::WebSocket,
    writers::Writers,
};
use crate::{
    problem::{Problem, ProblemCode},
    state::AppState,
    wire::{Command, CommandFrame, Empty, EventData, SessionRevoked, SocketCredential},
};

/// Who is on the other side.
pub(super) enum Entry {
    /// Someone who proved it with the request.
    Known(Caller),
    /// Someone who has yet to say so by the command `auth`.
    Unknown(Place),
}

/// A socket after the upgrade.
pub(super) struct Socket {
    pub(super) state: web::Data<AppState>,
    pub(super) socket: WebSocket,
    pub(super) quota: Arc<Quota>,
    /// What writes to it.
    pub(super) writers: Writers,
    /// The client resumes first: nothing is pushed before.
    pub(super) resume: bool,
}

/// A connection that the hub has taken in.
struct Admitted {
    caller: Caller,
    connection: Arc<Connection>,
    outbox: Outbox,
    ready: Ready,
}

impl Socket {
    /// Serves the socket until it ends.
    ///
    /// What happens once is boxed, so that a socket is no larger than what it does all the time.
    pub(super) fn serve(self, entry: Entry) -> impl Future<Output = ()> {
        let beginning = Box::pin(self.begin(entry));
        async move {
            let Some(mut conversing) = beginning.await else { return };
            let (end, answers_due) = (&mut conversing).await;
            let Some((socket, outbox, Caller { user, session })) = conversing.into_parts() else { return };
            debug!(%user, %session, ?end, "the connection ends");
            Box::pin(leave(socket, outbox, session, (end, answers_due))).await;
        }
    }

    /// Takes the client in, or tells it why not.
    async fn begin(mut self, entry: Entry) -> Option<Conversing> {
        let admitted = match entry {
            Entry::Known(caller) => self.admit(caller).await.map_err(|error| End::Close(close_for_known(error))),
            Entry::Unknown(place) => self.wait_for_auth(place).await,
        };
        match admitted {
            // Whoever stops the server has closed all connections that the hub knew then; this one came later.
            Ok(admitted) if self.state.live.is_stopping() => {
                drop(admitted);
                self.socket.close(End::Close(CloseCode::ServiceRestart)).await;
                None
            }
            Ok(admitted) => Some(self.converse(admitted)),
            Err(end) => {
                self.socket.close(end).await;
                None
            }
        }
    }

    /// Waits until the client has said who it is, for as long as it may take.
    async fn wait_for_auth(&mut self, _place: Place) -> Result<Admitted, End> {
        let state = self.state.clone();
        select! {
            admitted = self.greet() => admitted,
            () = sleep(state.live.config.auth_timeout) => Err(End::Close(CloseCode::AuthenticationTimeout)),
            () = state.live.stopped() => Err(End::Close(CloseCode::ServiceRestart)),
        }
    }

    async fn greet(&mut self) -> Result<Admitted, End> {
        loop {
            let text = match self.socket.next(true).await {
                Some(Received::Text(text)) => text,
                Some(Received::Ping(_) | Received::Pong) | None => continue,
                Some(Received::Binary(_)) => return Err(End::Close(CloseCode::UnsupportedData)),
                Some(Received::End(end)) => return Err(end),
            };
            let CommandFrame { reply, command } = CommandFrame::parse(&text);
            let (problem, fatal) = match command {
                Ok(Command::Auth(credential)) => match self.authenticate(credential).await {
                    Ok(admitted) => {
                        admitted.connection.send(Frame::answer(frames::answer(&reply, Ok(Empty {}))));
                        return Ok(admitted);
                    }
                    Err(error) => {
                        let fatal = close_for_auth(&error);
                        (error.into(), fatal)
                    }
                },
                Ok(_) => (unauthenticated(), None),
                Err(problem) => (problem, None),
            };
            self.socket.send(frames::answer::<Empty>(&reply, Err(problem)));
            self.socket.flush().await?;
            if let Some(code) = fatal {
                return Err(End::Close(code));
            }
        }
    }

    async fn authenticate(&self, credential: SocketCredential) -> ServiceResult<Admitted> {
        let auth = &self.state.services.auth;
        let caller = match credential {
            SocketCredential::Token(token) => auth.authenticate(token.expose())?,
            SocketCredential::Ticket(ticket) => auth.redeem_ticket(ticket.expose()).await?,
        };
        self.admit(caller).await
    }

    async fn admit(&self, caller: Caller) -> ServiceResult<Admitted> {
        let (connection, outbox, ready) = self.state.services.live.connect(caller, &WEBSOCKET).await?;
        Ok(Admitted { caller, connection, outbox, ready })
    }

    /// Begins to serve an authenticated connection.
    fn converse(self, admitted: Admitted) -> Conversing {
        let Self { state, socket, quota, writers, resume } = self;
        let Admitted { caller, connection, outbox, ready } = admitted;
        quota.authenticated();
        let event = ready_event(&state, caller, &ready, state.live.config.max_frame);
        connection.send(Frame::event(frames::event(EventData::Ready(event))));
        if !resume {
            state.services.live.start(&connection);
        }
        Conversation::new(state, socket, (connection, outbox), (caller, ready.session_ends_at)).begin(&writers)
    }
}

/// Sends what is still due, and the close frame.
async fn leave(mut socket: WebSocket, mut outbox: Outbox, session: SessionId, (mut end, answers_due): (End, bool)) {
    if answers_due && let Err(failed) = socket.send_queued(from_fn(|| outbox.try_next()), usize::MAX) {
        end = failed;
    }
    // From here on the user counts as gone, however long the client takes to read the rest.
    drop(outbox);
    if end == End::Close(CloseCode::SessionEnded) {
        let session_id = session.to_string();
        socket.send(frames::event(EventData::SessionRevoked(SessionRevoked { session_id })));
    }
    socket.close(end).await;
}

fn unauthenticated() -> Problem {
    Problem::new(ProblemCode::Unauthenticated, "the first command of this socket must be `auth`")
}

/// Whether the command `auth` ends the socket when it fails: not if it may succeed in a moment.
fn close_for_auth(error: &ServiceError) -> Option<CloseCode> {
    match error {
        ServiceError::Unauthenticated(_) => Some(CloseCode::AuthenticationFailed),
        ServiceError::TooManyConnections => Some(CloseCode::TooManyConnections),
        ServiceError::InvalidCredentials
        | ServiceError::Taken(_)
        | ServiceError::Invalid { .. }
        | ServiceError::UnknownUsers { .. }
        | ServiceError::MayNotAdd { .. }
        | ServiceError::NotPermitted
        | ServiceError::NotAGroup
        | ServiceError::NameTaken
        | ServiceError::PublicChannel
        | ServiceError::NotFound(_)
        | ServiceError::AccountLocked(_)
        | ServiceError::LastSuperAdmin
        | ServiceError::OwnAccount
        | ServiceError::ClientMessageIdReused
        | ServiceError::MessageDeleted
        | ServiceError::LimitReached(_)
        | ServiceError::RecipientDeleted
        | ServiceError::NotAllowedToWrite
        | ServiceError::Blocking
        | ServiceError::AlreadyFriends
        | ServiceError::ListFull(_)
        | ServiceError::RequestNotPending
        | ServiceError::SeqBeyondLast(_)
        | ServiceError::RateLimited(_)
        | ServiceError::Overloaded { .. }
        | ServiceError::Store(_) => None,
    }
}

/// How a socket ends whose client was authenticated by the request and yet can't be taken in.
fn close_for_known(error: ServiceError) -> CloseCode {
    match close_for_auth(&error) {
        Some(CloseCode::AuthenticationFailed) => CloseCode::SessionEnded,
        Some(code) => code,
        None => {
            Problem::from(error).log();
            CloseCode::InternalError
        }
    }
}
