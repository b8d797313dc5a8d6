//! The chat over one session: who connects, what is pushed to him, and what he asks for.

use std::sync::Arc;

use actix_web::{rt, web};
use bytes::Bytes;
use futures_util::future::{LocalBoxFuture, join};
use parlor_domain::{InvalidValue, Rev, StreamId};
use parlor_realtime::{Connection, Frame, FrameKind, Outbox, Outgoing};
use parlor_services::{AuthFailure, Caller, Ready, ServiceError};
use parlor_socketio::{
    ConnectError, Event, Json, Welcome,
    engine::EndReason,
    packet::{self, Encoded, Namespace},
};
use serde_json::value::RawValue;
use tokio::{
    select,
    time::{Instant, error::Elapsed, timeout_at},
};
use tracing::debug;

use super::{
    frames::{self, Ack, SOCKET_IO},
    recovery::{self, Positions},
    request::AUTH_BYTES,
    session::{Owner, Session},
};
use crate::{
    extract::{Credential, from_json},
    live::{CloseCode, LiveConfig, commands::Commands, conversation::watch_session, lobby::Place, ready::ready_event},
    problem::Problem,
    state::AppState,
    wire::{Command, CommandKind, Empty, EventData, SessionRevoked, SocketIoAuth},
};

/// What a request said of who calls.
#[derive(Clone)]
pub(super) enum Shown {
    Nothing,
    Credential(Credential),
    Malformed(Problem),
}

/// The chat over one session.
pub(super) struct Chat {
    state: web::Data<AppState>,
    session: Arc<Session>,
}

/// Takes a session from the list of all when it is over, or when its chat has failed or is dropped with the thread that
/// serves it, as happens when the server stops.
struct Listed<'a>(&'a Chat);

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let Chat { state, session } = self.0;
        state.live.socketio.forget(&session.sid);
        let stops = state.live.is_stopping() || state.stopping.is_raised();
        session.end(if stops { CloseCode::ServiceRestart } else { CloseCode::InternalError });
    }
}

/// A client that was taken in.
struct Admitted {
    caller: Caller,
    connection: Arc<Connection>,
    outbox: Outbox,
    ready: Ready,
    /// Where the client is in its streams, unless it keeps that to itself.
    positions: Option<Positions>,
    /// Under which name it may come back.
    pid: Option<String>,
    /// The client keeps its own positions and resumes from them.
    resumes: bool,
    /// Something was missed that can't be told.
    lost: bool,
}

/// Why a client is no longer served.
#[derive(Debug)]
enum End {
    /// It has left.
    Left,
    /// Its session is over.
    Over(EndReason),
    /// The server ends it.
    Close(CloseCode),
}

impl Chat {
    /// Serves a session until it is over. `waiting` is its place among those whose clients have not said who they
    /// are.
    pub(super) fn spawn(state: web::Data<AppState>, session: Arc<Session>, waiting: Place) {
        let chat = Self { state, session };
        rt::spawn(async move {
            let _listed = Listed(&chat);
            let (reason, ()) = join(chat.serve(waiting), chat.session.keep_time()).await;
            debug!(reason = reason.as_str(), "the session is over");
            metrics::counter!("parlor_socketio_sessions_ended_total", "reason" => reason.as_str()).increment(1);
        });
    }

    async fn serve(&self, waiting: Place) -> EndReason {
        let mut waiting = Some(waiting);
        let patience = || Instant::now() + self.state.live.config.auth_timeout;
        let mut connect_by = patience();
        loop {
            // Boxed like all that comes before a client talks: what waits most of the time shall not be as large.
            match Box::pin(self.next_event(connect_by)).await {
                Ok(Event::Connect { namespace, auth }) if namespace.is_main() => {
                    if let Some(conversation) = Box::pin(self.greet(auth)).await {
                        drop(waiting.take());
                        if let End::Over(reason) = conversation.await {
                            return reason;
                        }
                        connect_by = patience();
                    }
                }
                Ok(Event::Connect { namespace, .. }) => self.refuse(&namespace, &ConnectError::invalid_namespace()),
                Ok(Event::Ended(reason)) => return reason,
                Ok(Event::Event { .. } | Event::Ack { .. } | Event::AckTimeout { .. } | Event::Disconnected { .. }) => {
                }
                Err(_) => {
                    self.session.end(CloseCode::AuthenticationTimeout);
                    connect_by = patience();
                }
            }
        }
    }

    /// What comes next of a client that is not connected, and has to be by then.
    async fn next_event(&self, connect_by: Instant) -> Result<Event, Elapsed> {
        loop {
            select! {
                next = timeout_at(connect_by, self.session.next_event()) => return next,
                () = self.state.live.stopped(), if self.session.is_open() => {
                    self.session.end(CloseCode::ServiceRestart);
                }
            }
        }
    }

    /// Lets the client in, or tells it why not.
    async fn greet(&self, auth: Option<Json>) -> Option<LocalBoxFuture<'_, End>> {
        match self.admit(auth).await {
            Ok(admitted) => {
                let welcome = Welcome { sid: admitted.ready.connection.to_string(), pid: admitted.pid.clone() };
                // The client may be gone meanwhile; then the session's end comes next.
                self.session.send(|connection| connection.accept(&Namespace::MAIN, &welcome)).ok()?;
                Some(self.converse(admitted))
            }
            Err(problem) => {
                problem.log();
                let document = problem.document();
                let error = ConnectError { message: document.code.to_string(), data: Json::new(&document).ok() };
                self.refuse(&Namespace::MAIN, &error);
                None
            }
        }
    }

    fn refuse(&self, namespace: &Namespace, error: &ConnectError) {
        // Whoever no longer waits for the answer needs none.
        let _ = self.session.send(|connection| connection.refuse(namespace, error));
    }

    async fn admit(&self, auth: Option<Json>) -> Result<Admitted, Problem> {
        let auth: SocketIoAuth =
            auth.map_or_else(|| Ok(SocketIoAuth::default()), |auth| from_json(auth.as_str().as_bytes()))?;
        let (caller, by_cookie) = self.authenticate(&auth).await?;
        let live = &self.state.services.live;
        let (connection, outbox, ready) = live.connect(caller, &SOCKET_IO).await?;
        let resumes = auth.resume.unwrap_or(false);
        let max_length = max_recovery_length(&self.state.live.config);
        let (mut recovered, mut lost) = (None, false);
        if let Some((pid, offset)) = auth.recovery().filter(|_| !resumes) {
            let known = Positions::parse(caller.user, &pid, offset.as_deref(), max_length);
            recovered = known.and_then(|mut known| {
                known.set_all(&live.recover(&connection, &ready, &known.streams())?);
                Some((known, pid))
            });
            lost = recovered.is_none();
        }
        let begin = || Positions::begin(ready.connection, caller.user, &ready.positions(), max_length);
        let (positions, pid) = recovered.or_else(|| if resumes { None } else { begin() }).unzip();
        self.session.belongs_to(Owner { user: caller.user, by_cookie });
        self.session.quota.authenticated();
        Ok(Admitted { caller, connection, outbox, ready, positions, pid, resumes, lost })
    }

    /// By what the client shows now, else by what its requests showed; and whether that was a cookie.
    async fn authenticate(&self, auth: &SocketIoAuth) -> Result<(Caller, bool), Problem> {
        let service = &self.state.services.auth;
        Ok(match (&auth.token, &auth.ticket, self.session.shown()) {
            (Some(_), Some(_), _) => {
                let reason = InvalidValue::new("ambiguous", "must not be given together with `token`");
                return Err(Problem::invalid_field("ticket", reason));
            }
            (Some(token), None, _) => (service.authenticate(token.expose())?, false),
            (None, Some(ticket), _) => (service.redeem_ticket(ticket.expose()).await?, false),
            (None, None, Shown::Credential(Credential::Bearer(token))) => (service.authenticate(&token)?, false),
            (None, None, Shown::Credential(Credential::Cookie(token))) => (service.authenticate(&token)?, true),
            (None, None, Shown::Malformed(problem)) => return Err(problem),
            (None, None, Shown::Nothing) => return Err(ServiceError::Unauthenticated(AuthFailure::Missing).into()),
        })
    }

    /// Serves a client until it leaves or is made to.
    fn converse(&self, admitted: Admitted) -> LocalBoxFuture<'_, End> {
        let Admitted { caller, connection, outbox, ready, positions, resumes, lost, .. } = admitted;
        let max_frame = self.state.live.config.max_message;
        connection.send(frames::event(EventData::Ready(ready_event(&self.state, caller, &ready, max_frame))));
        if lost {
            connection.send(frames::event(EventData::Resync(Empty {})));
        }
        if !resumes {
            self.state.services.live.start(&connection);
        }
        let mut pump = Pump { session: &self.session, outbox, positions };
        let session_ends_at = ready.session_ends_at;
        // Long for who is in many conversations.
        drop(ready);
        Box::pin(async move {
            let end = select! {
                // Whoever stops the server has closed all connections that the hub knew then; this one came later.
                end = async { End::Close(CloseCode::ServiceRestart) }, if self.state.live.is_stopping() => end,
                end = self.work(&connection, caller) => end,
                end = pump.run() => end,
                code = watch_session(&self.state, &connection, caller, session_ends_at) => End::Close(code),
                end = self.keep_lease(&connection) => end,
            };
            debug!(user = %caller.user, session = %caller.session, ?end, "the connection ends");
            if matches!(end, End::Close(CloseCode::SessionEnded)) {
                let session_id = caller.session.to_string();
                pump.frame(frames::event(EventData::SessionRevoked(SessionRevoked { session_id })));
            }
            // From here on the user counts as gone.
            drop(pump);
            match end {
                End::Left | End::Over(_) => {}
                End::Close(CloseCode::SessionEnded) => self.session.dismiss(CloseCode::SessionEnded),
                End::Close(code) => self.session.end(code),
            }
            end
        })
    }

    /// Carries out, one after another, what the client asks for.
    async fn work(&self, connection: &Arc<Connection>, caller: Caller) -> End {
        let commands = Commands { services: &self.state.services, connection, caller };
        loop {
            match self.session.next_event().await {
                Event::Event { namespace, event, ack } if namespace.is_main() => {
                    // Its sign-in may have been revoked while the command waited.
                    if connection.is_closed() {
                        continue;
                    }
                    let reply = Ack { command: event.name(), id: ack };
                    Box::pin(commands.handle(&reply, command(&event, ack))).await;
                }
                Event::Connect { namespace, .. } => self.refuse(&namespace, &ConnectError::invalid_namespace()),
                Event::Disconnected { namespace, .. } if namespace.is_main() => return End::Left,
                Event::Ended(reason) => return End::Over(reason),
                Event::Event { .. } | Event::Ack { .. } | Event::AckTimeout { .. } | Event::Disconnected { .. } => {}
            }
        }
    }

    /// Tells the hub that the client is alive, for as long as the session is.
    async fn keep_lease(&self, connection: &Connection) -> End {
        loop {
            self.session.heard().await;
            self.state.services.live.heard_of(connection);
        }
    }
}

/// How many characters a client may need to say where it was, if it is to fit into what it says first.
fn max_recovery_length(live: &LiveConfig) -> usize {
    let message = usize::try_from(live.max_message).unwrap_or(usize::MAX);
    recovery::MAX_LENGTH.min(message.saturating_sub(AUTH_BYTES))
}

/// What the client asks for by an event.
fn command(event: &packet::Event, ack: Option<u64>) -> Result<Command, Problem> {
    let invalid = |field, code, message| Err(Problem::invalid_field(field, InvalidValue::new(code, message)));
    if !event.args().attachments().is_empty() {
        return invalid("data", "wrong_type", "must hold nothing binary");
    }
    if ack.is_none() && event.name() == CommandKind::Resume.name() {
        return invalid("ack", "missing", "is needed: the answer holds what was missed");
    }
    // `null` stands for what is left out, as in a member that is `null`.
    if event.args().is_empty() {
        return Command::named(event.name(), None);
    }
    match event.args().parse::<(Option<Box<RawValue>>,)>() {
        Ok((data,)) => Command::named(event.name(), data.as_deref().map(RawValue::get)),
        Err(_) => invalid("data", "too_many", "must be the only argument"),
    }
}

/// Sends what the hub has for the connection, as fast as the client takes it.
struct Pump<'a> {
    session: &'a Session,
    outbox: Outbox,
    positions: Option<Positions>,
}

impl Pump<'_> {
    async fn run(&mut self) -> End {
        loop {
            // What ends the connection must not wait for a client that takes nothing.
            select! {
                () = self.session.room() => {}
                reason = self.outbox.closed() => return End::Close(reason.into()),
            }
            match self.outbox.next().await {
                Outgoing::Frame(frame) => self.frame(frame),
                Outgoing::Close(reason) => return End::Close(reason.into()),
            }
        }
    }

    fn frame(&mut self, Frame { bytes, kind }: Frame) {
        match kind {
            FrameKind::Event(position) => {
                if let (Some(positions), Some((stream, rev))) = (&mut self.positions, position) {
                    positions.advance(stream, rev);
                }
                self.event(bytes);
            }
            FrameKind::Answer(None) => self.send(&frames::whole(bytes)),
            FrameKind::Answer(Some(resumed)) => {
                // Whichever of the three the client does not get any more, it comes back to where it is.
                self.move_to(&resumed.from);
                self.send(&frames::whole(bytes));
                self.move_to(&resumed.to);
            }
        }
    }

    fn event(&self, bytes: Bytes) {
        let offset = self.positions.as_ref().map(Positions::offset).unwrap_or_default();
        self.send(&frames::whole(bytes).with_last(&offset));
    }

    /// The client is at these revisions, and is told the offset for it, unless it needs none.
    fn move_to(&mut self, streams: &[(StreamId, Rev)]) {
        if let Some(positions) = &mut self.positions {
            positions.set_all(streams);
            self.frame(frames::offset_only());
        }
    }

    fn send(&self, packet: &Encoded) {
        if packet.text().is_empty() {
            // It could not be written, and without it the client would miss something in silence.
            return self.session.end(CloseCode::InternalError);
        }
        // A client that has left misses nothing by it.
        let _ = self.session.send(|connection| connection.emit_encoded(packet));
    }
}
