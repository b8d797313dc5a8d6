//! What goes on at the same time in an authenticated connection: reading, working, writing, and watching the time.
//!
//! All of it is one future, polled by hand: of what it waits for, only the connection, the queue and one timer cost
//! anything while nothing happens. Writing alone is begun from outside, too: by what writes for many ([`Writers`]).

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    iter::from_fn,
    pin::Pin,
    rc::{Rc, Weak},
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use actix_web::web;
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::LocalBoxFuture;
use parlor_domain::Timestamp;
use parlor_realtime::{Connection, Outbox};
use parlor_services::{Caller, ServiceError};
use tokio::{
    task::coop::has_budget_remaining,
    time::{Instant, Sleep, sleep_until},
};
use tracing::Instrument as _;

use super::{
    CloseCode,
    commands::{Commands, span},
    incoming::{End, Received},
    websocket::WebSocket,
    writers::Writers,
};
use crate::{problem::Problem, state::AppState, wire::CommandFrame};

/// How many commands of one connection may wait; the socket is not read while there are as many.
pub(super) const BACKLOG: usize = 32;

/// How much is taken from the queue to be written at once, unless a single frame is more.
const BATCH_BYTES: usize = 16 * 1024;

/// How long to wait before the store is asked again when it could not tell a session's end.
const STORE_RETRY: Duration = Duration::from_secs(1);

const PING: Bytes = Bytes::from_static(b"\x89\0");

/// An authenticated connection at work.
pub(super) struct Conversation {
    state: web::Data<AppState>,
    socket: WebSocket,
    connection: Arc<Connection>,
    outbox: Outbox,
    caller: Caller,
    /// Commands that wait for the one at work.
    backlog: VecDeque<ByteString>,
    working: Option<LocalBoxFuture<'static, ()>>,
    /// Why nothing more is read.
    ended: Option<End>,
    /// When something was last heard of the client.
    heard: Instant,
    ping_at: Instant,
    session: SessionEnd,
    timer: Pin<Box<Sleep>>,
    /// Wakes who writes.
    writer: Option<Waker>,
    /// Wakes who does everything else.
    reader: Option<Waker>,
    /// Why nothing more is written.
    unwritable: Option<End>,
}

/// The task of an authenticated connection, until it ends: then why, and whether it was read to its end, so that
/// answers are due.
pub(super) struct Conversing(Rc<RefCell<Conversation>>);

/// The part of a connection's work that one of the [`Writers`] does.
pub(super) struct Writing(Weak<RefCell<Conversation>>);

/// When the session ends by which a client is signed in. One that was renewed meanwhile ends later.
enum SessionEnd {
    At(Instant),
    Asking(LocalBoxFuture<'static, Result<Instant, CloseCode>>),
}

impl Conversation {
    pub(super) fn new(
        state: web::Data<AppState>,
        socket: WebSocket,
        (connection, outbox): (Arc<Connection>, Outbox),
        (caller, session_ends_at): (Caller, Timestamp),
    ) -> Self {
        let now = Instant::now();
        let ping_at = now + state.live.config.ping_interval;
        let session = SessionEnd::At(instant(&state, session_ends_at));
        Self {
            state,
            socket,
            connection,
            outbox,
            caller,
            backlog: VecDeque::new(),
            working: None,
            ended: None,
            heard: now,
            ping_at,
            session,
            timer: Box::pin(sleep_until(ping_at)),
            writer: None,
            reader: None,
            unwritable: None,
        }
    }

    /// Begins to work, with what writes for it.
    pub(super) fn begin(self, writers: &Writers) -> Conversing {
        let conversation = Rc::new(RefCell::new(self));
        writers.add(Writing(Rc::downgrade(&conversation)));
        Conversing(conversation)
    }

    /// Writes what there is to write, or says why there is no point. Whoever asks, it is the writer that is woken to
    /// go on.
    fn poll_writing(&mut self) -> Poll<End> {
        if let (None, Some(writer)) = (self.unwritable, self.writer.take()) {
            if let Poll::Ready(end) = self.poll_write(&mut Context::from_waker(&writer)) {
                self.unwritable = Some(end);
            }
            self.writer = Some(writer);
        }
        self.unwritable.map_or(Poll::Pending, Poll::Ready)
    }

    /// Writes what the hub has for the connection, as fast as the client reads.
    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<End> {
        let mut drained = false;
        loop {
            match self.socket.poll_flush(context) {
                Poll::Ready(Ok(())) if drained => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(end)) => return Poll::Ready(end),
                // What ends the connection must not wait for a client that takes nothing.
                Poll::Pending => return self.outbox.poll_closed(context).map(|reason| End::Close(reason.into())),
            }
            let queue = from_fn(|| match self.outbox.poll_next(context) {
                Poll::Ready(next) => Some(next),
                Poll::Pending => {
                    drained = true;
                    None
                }
            });
            if let Err(end) = self.socket.send_queued(queue, BATCH_BYTES) {
                return Poll::Ready(end);
            }
        }
    }

    /// Reads until the client closes or breaks a rule; `true` if anything came.
    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        let mut heard = false;
        while self.ended.is_none() && self.backlog.len() < BACKLOG {
            let Poll::Ready(received) = self.socket.poll_next(context) else { break };
            heard = true;
            match received {
                Received::Text(text) => self.backlog.push_back(text),
                Received::Ping(_) | Received::Pong => {}
                Received::Binary(_) => self.ended = Some(End::Close(CloseCode::UnsupportedData)),
                Received::End(end) => self.ended = Some(end),
            }
        }
        if heard {
            self.heard = Instant::now();
            self.state.services.live.heard_of(&self.connection);
        }
        heard
    }

    /// Carries out, one after another, all commands that came; `true` if one is done.
    fn poll_work(&mut self, context: &mut Context<'_>) -> bool {
        let mut done = false;
        loop {
            if let Some(work) = &mut self.working {
                if work.as_mut().poll(context).is_pending() {
                    return done;
                }
                self.working = None;
                done = true;
            }
            // Its session may have been revoked while the command waited.
            if self.backlog.is_empty() || self.connection.is_closed() {
                self.backlog = VecDeque::new();
                return done;
            }
            self.working = self.backlog.pop_front().map(|text| self.carry_out(text));
        }
    }

    fn carry_out(&self, text: ByteString) -> LocalBoxFuture<'static, ()> {
        let (state, connection, caller) = (self.state.clone(), Arc::clone(&self.connection), self.caller);
        Box::pin(async move {
            let commands = Commands { services: &state.services, connection: &connection, caller };
            let CommandFrame { reply, command } = CommandFrame::parse(&text);
            commands.handle(&reply, command).await;
        })
    }

    /// Pings the client, and says when nothing is heard of it or its session is over. Ready without a code when there
    /// is something to write.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<Option<CloseCode>> {
        loop {
            if let Some(code) = self.session.poll(context) {
                return Poll::Ready(Some(code));
            }
            let due = self.due();
            if due < self.timer.deadline() || self.timer.is_elapsed() {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if self.heard + self.state.live.config.idle_timeout <= now {
                return Poll::Ready(Some(CloseCode::Idle));
            }
            if matches!(self.session, SessionEnd::At(end) if end <= now) {
                self.session = SessionEnd::ask(&self.state, &self.connection, self.caller);
            }
            if self.ping_at <= now {
                self.ping_at = now + self.state.live.config.ping_interval;
                self.socket.send(PING);
                return Poll::Ready(None);
            }
        }
    }

    /// When there is something to do next.
    fn due(&self) -> Instant {
        let due = self.ping_at.min(self.heard + self.state.live.config.idle_timeout);
        match self.session {
            SessionEnd::At(end) => due.min(end),
            SessionEnd::Asking(_) => due,
        }
    }

    /// Does all that there is to do.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<(End, bool)> {
        keep(&mut self.reader, context);
        loop {
            if let Poll::Ready(end) = self.poll_writing() {
                return Poll::Ready((end, false));
            }
            let mut changed = self.poll_read(context);
            changed |= self.poll_work(context);
            if let (Some(end), None) = (self.ended, &self.working) {
                return Poll::Ready((end, true));
            }
            match self.poll_time(context) {
                Poll::Ready(Some(code)) => return Poll::Ready((End::Close(code), false)),
                Poll::Ready(None) => changed = true,
                Poll::Pending => {}
            }
            // What came may be answered, and what is done may let more in.
            if !changed {
                return Poll::Pending;
            }
        }
    }
}

impl Conversing {
    /// What is needed to take leave; nothing while somebody writes, which nobody does beside this task.
    pub(super) fn into_parts(self) -> Option<(WebSocket, Outbox, Caller)> {
        let Conversation { socket, outbox, caller, .. } = Rc::into_inner(self.0)?.into_inner();
        Some((socket, outbox, caller))
    }
}

impl Future for Conversing {
    type Output = (End, bool);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.borrow_mut().poll(context)
    }
}

impl Future for Writing {
    type Output = ();

    /// Ready when there is nothing more to write to.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(conversation) = self.0.upgrade() else { return Poll::Ready(()) };
        if !has_budget_remaining() {
            // Else each of the others would be asked in vain before the task lets others go on.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut conversation = conversation.borrow_mut();
        keep(&mut conversation.writer, context);
        conversation.poll_writing().map(|_| ())
    }
}

impl Drop for Writing {
    /// A connection that nobody writes to is none any more.
    fn drop(&mut self) {
        let Some(conversation) = self.0.upgrade() else { return };
        let mut conversation = conversation.borrow_mut();
        conversation.unwritable.get_or_insert(End::Close(CloseCode::InternalError));
        if let Some(reader) = conversation.reader.take() {
            reader.wake();
        }
    }
}

/// Keeps what wakes a task that waits.
fn keep(waker: &mut Option<Waker>, context: &Context<'_>) {
    if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
        *waker = Some(context.waker().clone());
    }
}

impl SessionEnd {
    fn ask(state: &web::Data<AppState>, connection: &Connection, caller: Caller) -> Self {
        let state = state.clone();
        Self::Asking(Box::pin(async move { session_end(&state, caller).await }.instrument(span(connection))))
    }

    /// Gives a code when the session is over.
    fn poll(&mut self, context: &mut Context<'_>) -> Option<CloseCode> {
        let Self::Asking(asking) = self else { return None };
        let Poll::Ready(answer) = asking.as_mut().poll(context) else { return None };
        match answer {
            Ok(end) => *self = Self::At(end),
            Err(code) => return Some(code),
        }
        None
    }
}

/// When the session of a client ends, as far as can be told now.
///
/// # Errors
/// The code to close with, if it has ended.
async fn session_end(state: &AppState, caller: Caller) -> Result<Instant, CloseCode> {
    match state.services.auth.session_end(caller).await {
        Ok(end) => Ok(instant(state, end)),
        Err(ServiceError::Unauthenticated(_)) => Err(CloseCode::SessionEnded),
        Err(error) => {
            Problem::from(error).log();
            Ok(Instant::now() + STORE_RETRY)
        }
    }
}

/// A time of the clock as one of the timer.
fn instant(state: &AppState, time: Timestamp) -> Instant {
    Instant::now() + time.since(state.live.clock.now())
}

/// Waits until the session ends by which a client is signed in. One that was renewed meanwhile ends later.
pub(super) async fn watch_session(
    state: &AppState,
    connection: &Connection,
    caller: Caller,
    ends_at: Timestamp,
) -> CloseCode {
    let mut end = instant(state, ends_at);
    loop {
        sleep_until(end).await;
        match Box::pin(session_end(state, caller).instrument(span(connection))).await {
            Ok(later) => end = later,
            Err(code) => return code,
        }
    }
}
