//! A client's Engine.IO session: the state machine, shared by the tasks of its transports and the task of the chat.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use bytestring::ByteString;
use parking_lot::Mutex;
use parlor_domain::UserId;
use parlor_socketio::{
    Config, Connection, Event,
    engine::{EndReason, PollId, SocketId},
};
use tokio::{
    select,
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::chat::Shown;
use crate::live::{CloseCode, conversation::BACKLOG, lobby::Place, quota::Quota};

/// How much may wait in the session before the hub keeps the rest, whose queue is the one that is bounded for good.
pub(super) const AHEAD: usize = 64 * 1024;

/// A client's session.
pub(super) struct Session {
    pub(super) sid: ByteString,
    connection: Mutex<Connection>,
    started: Instant,
    pub(super) quota: Arc<Quota>,
    /// What its requests said of who calls, until it is connected.
    shown: Mutex<Shown>,
    /// Whose it is: by the request that opened it, and by what connected it.
    owners: Mutex<Vec<Owner>>,
    /// Why the server ends the session, where it has more to say than the protocol.
    closing: OnceLock<CloseCode>,
    wakers: Wakers,
    _place: Place,
}

/// A user as whom a session was opened or connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: UserId,
    /// Browsers send cookies with whatever they send, so a cookie contradicts nothing but another cookie.
    pub(super) by_cookie: bool,
}

/// Each kind of task has its own, because all that happens often concerns one kind alone.
#[derive(Default)]
struct Wakers {
    /// Something came in, or the deadline may have changed: for the chat and the clock.
    inbound: Notify,
    /// Something is to be sent: for the transports.
    outbound: Notify,
    /// Something was sent: for the chat, which has more.
    sent: Notify,
    /// The chat has taken what came in: for the transports, which may read on.
    taken: Notify,
}

impl Session {
    pub(super) fn polling(config: Config, sid: ByteString, quota: Quota, place: Place) -> (Arc<Self>, PollId) {
        let (connection, poll) = Connection::polling(config, sid.clone(), Duration::ZERO);
        (Self::new(connection, sid, quota, place), poll)
    }

    pub(super) fn websocket(config: Config, sid: ByteString, quota: Quota, place: Place) -> (Arc<Self>, SocketId) {
        let (connection, socket) = Connection::websocket(config, sid.clone(), Duration::ZERO);
        (Self::new(connection, sid, quota, place), socket)
    }

    fn new(connection: Connection, sid: ByteString, quota: Quota, place: Place) -> Arc<Self> {
        Arc::new(Self {
            sid,
            connection: Mutex::new(connection),
            started: Instant::now(),
            quota: Arc::new(quota),
            shown: Mutex::new(Shown::Nothing),
            owners: Mutex::default(),
            closing: OnceLock::new(),
            wakers: Wakers::default(),
            _place: place,
        })
    }

    /// Tells the state machine what a transport has received or what became of it.
    pub(super) fn receive<T>(&self, input: impl FnOnce(&mut Connection, Duration) -> T) -> T {
        let result = self.with(input);
        self.wakers.inbound.notify_waiters();
        self.wakers.outbound.notify_waiters();
        result
    }

    /// Gives the state machine something to send.
    pub(super) fn send<T>(&self, output: impl FnOnce(&mut Connection) -> T) -> T {
        let result = self.with(|connection, _| output(connection));
        self.wakers.outbound.notify_waiters();
        result
    }

    /// What a transport takes from the state machine; waits until there is something.
    pub(super) async fn take<T>(&self, mut take: impl FnMut(&mut Connection) -> Option<T>) -> T {
        loop {
            let outbound = self.wakers.outbound.notified();
            if let Some(taken) = self.with(|connection, _| take(connection)) {
                self.wakers.sent.notify_one();
                return taken;
            }
            outbound.await;
        }
    }

    /// The next thing that happens to the client; waits for it. After `Ended` nothing does.
    pub(super) async fn next_event(&self) -> Event {
        loop {
            let inbound = self.wakers.inbound.notified();
            let event = self.with(|connection, now| connection.next_event(now));
            self.wakers.taken.notify_waiters();
            if let Some(event) = event {
                // What was read may have been refused at once.
                self.wakers.outbound.notify_waiters();
                return event;
            }
            inbound.await;
        }
    }

    /// Waits until the chat has read most of what the client sent, or reads no more.
    pub(super) async fn drained(&self) {
        loop {
            let taken = self.wakers.taken.notified();
            let is_drained = self.with(|connection, _| {
                let session = connection.session();
                session.pending_events() <= BACKLOG || !session.is_open()
            });
            if is_drained {
                return;
            }
            taken.await;
        }
    }

    /// Waits until the session has room for more to send. One that is over never has.
    pub(super) async fn room(&self) {
        loop {
            let sent = self.wakers.sent.notified();
            let has_room = self.with(|connection, _| {
                let session = connection.session();
                session.is_open() && session.buffered() < AHEAD
            });
            if has_room {
                return;
            }
            sent.await;
        }
    }

    /// Keeps the session's time until it is over.
    pub(super) async fn keep_time(&self) {
        loop {
            let inbound = self.wakers.inbound.notified();
            let Some(deadline) = self.with(|connection, _| connection.deadline()) else { return };
            select! {
                () = inbound => {}
                () = sleep_until(self.started + deadline) => self.receive(|connection, now| connection.tick(now)),
            }
        }
    }

    /// Waits until something comes from the client.
    pub(super) async fn heard(&self) {
        self.wakers.inbound.notified().await;
    }

    /// Ends the session. What is to be sent still is, if the client fetches it in time.
    pub(super) fn end(&self, code: CloseCode) {
        self.close(code, Connection::close);
    }

    /// Ends the session as [`Self::end`], but tells the client that it is not to come back by itself.
    pub(super) fn dismiss(&self, code: CloseCode) {
        self.close(code, Connection::disconnect_all);
    }

    /// The first reason counts.
    fn close(&self, code: CloseCode, close: fn(&mut Connection, Duration)) {
        self.receive(|connection, now| {
            if connection.session().is_open() {
                let _ = self.closing.set(code);
                close(connection, now);
            }
        });
    }

    /// With what the session's WebSocket is closed; `None` if there is nothing more to say than the protocol does.
    pub(super) fn close_code(&self) -> Option<CloseCode> {
        self.closing.get().copied().or_else(|| match self.with(|connection, _| connection.session().end_reason())? {
            EndReason::PingTimeout => Some(CloseCode::Idle),
            EndReason::ConnectTimeout => Some(CloseCode::AuthenticationTimeout),
            EndReason::ParseError => Some(CloseCode::ProtocolError),
            EndReason::TooLarge => Some(CloseCode::MessageTooBig),
            EndReason::SlowReader => Some(CloseCode::SlowReader),
            EndReason::TransportClosed | EndReason::ClientClosed | EndReason::ServerClosed | EndReason::Overlap => None,
        })
    }

    /// Notes that the session is this user's, too.
    pub(super) fn belongs_to(&self, owner: Owner) {
        let mut owners = self.owners.lock();
        if !owners.contains(&owner) {
            owners.push(owner);
        }
    }

    /// Whether a request that shows this may be the session's.
    pub(super) fn may_serve(&self, caller: Owner) -> bool {
        let owners = self.owners.lock();
        let mut comparable = owners.iter().filter(|owner| owner.by_cookie || !caller.by_cookie).peekable();
        comparable.peek().is_none() || owners.iter().any(|owner| owner.user == caller.user)
    }

    /// Whether the session is not over and not about to be.
    pub(super) fn is_open(&self) -> bool {
        self.with(|connection, _| connection.session().is_open())
    }

    /// Notes what a request said of who calls. It counts for the next CONNECT.
    pub(super) fn show(&self, shown: Shown) {
        if !matches!(shown, Shown::Nothing) {
            *self.shown.lock() = shown;
        }
    }

    /// What the requests said of who calls.
    pub(super) fn shown(&self) -> Shown {
        self.shown.lock().clone()
    }

    /// Whatever ends the session, whoever finds it out, concerns everybody.
    fn with<T>(&self, change: impl FnOnce(&mut Connection, Duration) -> T) -> T {
        let mut connection = self.connection.lock();
        let before = stage(&mut connection);
        let result = change(&mut connection, self.started.elapsed());
        let is_same = before == stage(&mut connection);
        drop(connection);
        if !is_same {
            self.wakers.inbound.notify_waiters();
            self.wakers.outbound.notify_waiters();
            self.wakers.taken.notify_waiters();
        }
        result
    }
}

/// Whether the session is open, and whether it still has a time to keep.
fn stage(connection: &mut Connection) -> (bool, bool) {
    (connection.session().is_open(), connection.deadline().is_some())
}
