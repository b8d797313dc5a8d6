//! The task of one socket, from the upgrade to the close.

use std::{cell::Cell, sync::Arc, time::Duration};

use actix_web::web;
use actix_ws::Session as Sink;
use parlor_domain::SessionId;
use parlor_realtime::{Connection, Frame, Outbox, Outgoing};
use parlor_services::{Caller, Ready, ServiceError, ServiceResult};
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use tracing::{Instrument as _, debug, info_span};

use super::{
    CloseCode, WEBSOCKET,
    conversation::{BACKLOG, Conversation, send_text, timed, watch_session, write},
    frames,
    incoming::{End, Incoming, Received},
    lobby::Place,
    quota::Quota,
    ready::ready_event,
};
use crate::{
    problem::{Problem, ProblemCode},
    state::AppState,
    wire::{Command, CommandFrame, Empty, EventData, SessionRevoked, SocketCredential},
};

/// How long the last frames and the close frame may wait for the client to read.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

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
    pub(super) sink: Sink,
    pub(super) incoming: Incoming,
    pub(super) quota: Arc<Quota>,
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
    pub(super) async fn serve(mut self, entry: Entry) {
        let admitted = match entry {
            Entry::Known(caller) => self.admit(caller).await.map_err(|error| End::Close(close_for_known(error))),
            Entry::Unknown(place) => self.wait_for_auth(place).await,
        };
        match admitted {
            Ok(admitted) => {
                let Caller { user, .. } = admitted.caller;
                let connection = admitted.ready.connection;
                self.converse(admitted).instrument(info_span!("socket", %connection, %user)).await;
            }
            Err(end) => close(self.sink, end).await,
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
            let text = match self.incoming.next().await {
                Received::Text(text) => text,
                Received::Ping(payload) => {
                    timed(self.sink.pong(&payload)).await?;
                    continue;
                }
                Received::Pong => continue,
                Received::Binary(_) => return Err(End::Close(CloseCode::UnsupportedData)),
                Received::End(end) => return Err(end),
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
            send_text(&mut self.sink, frames::answer::<Empty>(&reply, Err(problem))).await?;
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

    /// Serves an authenticated connection.
    async fn converse(self, admitted: Admitted) {
        let Self { state, sink, mut incoming, quota, resume } = self;
        let Admitted { caller, connection, mut outbox, ready } = admitted;
        quota.authenticated();
        connection.send(Frame::event(frames::event(EventData::Ready(ready_event(
            &state,
            caller,
            &ready,
            state.live.config.max_frame,
        )))));
        let session_ends_at = ready.session_ends_at;
        // Not needed any more, and long for who is in many conversations.
        drop(ready);
        if !resume {
            state.services.live.start(&connection);
        }
        let (sender, receiver) = mpsc::channel(BACKLOG);
        let conversation =
            Conversation { state: &state, connection: &connection, caller, heard: Cell::new(Instant::now()) };
        // Whoever stops the server has closed all connections that the hub knew then; this one came later.
        let (end, answers_due) = select! {
            end = async { End::Close(CloseCode::ServiceRestart) }, if state.live.is_stopping() => (end, false),
            end = conversation.read_and_work(&mut incoming, &sink, (sender, receiver)) => (end, true),
            end = write(&mut outbox, &sink) => (end, false),
            end = conversation.keep_alive(&sink) => (end, false),
            code = watch_session(&state, caller, session_ends_at) => (End::Close(code), false),
        };
        debug!(?end, "the connection ends");
        // Who does not read his farewell goes without.
        let _ = timeout(CLOSE_TIMEOUT, leave(sink, outbox, caller.session, (end, answers_due))).await;
    }
}

/// Sends what is still due, and the close frame.
async fn leave(
    mut sink: Sink,
    mut outbox: Outbox,
    session: SessionId,
    (end, answers_due): (End, bool),
) -> Result<(), End> {
    while answers_due && let Some(Outgoing::Frame(frame)) = outbox.try_next() {
        send_text(&mut sink, frame.bytes).await?;
    }
    // From here on the user counts as gone, however long the client takes to read the rest.
    drop(outbox);
    if end == End::Close(CloseCode::SessionEnded) {
        let session_id = session.to_string();
        send_text(&mut sink, frames::event(EventData::SessionRevoked(SessionRevoked { session_id }))).await?;
    }
    close(sink, end).await;
    Ok(())
}

/// Sends the close frame, if there is anybody to send it to, and waits for it to be on its way.
pub(super) async fn close(sink: Sink, end: End) {
    let reason = match end {
        End::Gone => return,
        End::Closed(code) => code.map(|code| actix_ws::CloseReason { code: code.into(), description: None }),
        End::Close(code) => {
            metrics::counter!("parlor_sockets_closed_total", "reason" => code.name()).increment(1);
            Some(code.into())
        }
    };
    // Nothing can be done for a client that is gone or does not read; both end with the framework's own time limit.
    let _ = timeout(CLOSE_TIMEOUT, sink.close(reason)).await;
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
        | ServiceError::NotFound(_)
        | ServiceError::ClientMessageIdReused
        | ServiceError::RecipientDeleted
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
