//! One connection: its bounded queue, and where it is in the streams that it is not live on.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Weak},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use parlor_domain::{ConnectionId, Event, Rev, SessionId, StreamId, Timestamp, UserId};
use tokio::sync::Notify;

use crate::{
    ChangePage, Envelope, Format,
    hub::Hub,
    places::{Places, Standing},
};

/// Why the server ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The reader was slower than its events; it comes back and resumes.
    SlowReader,
    /// The session was revoked or has ended.
    SessionEnded,
    /// Nothing was heard of the other side for too long.
    Silent,
    /// The server stops; another will be there.
    Shutdown,
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The connection itself.
    pub connection: ConnectionId,
    /// The user.
    pub user: UserId,
    /// The session that it belongs to.
    pub session: SessionId,
}

/// What a transport does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Write this frame.
    Frame(Frame),
    /// Say why, and close.
    Close(CloseReason),
}

/// What a transport writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The bytes, in the connection's format.
    pub bytes: Bytes,
    /// What they are.
    pub kind: FrameKind,
}

impl Frame {
    /// An answer to a client.
    pub const fn answer(bytes: Bytes) -> Self {
        Self { bytes, kind: FrameKind::Answer(None) }
    }

    /// An event of the connection itself, which belongs to no stream.
    pub const fn event(bytes: Bytes) -> Self {
        Self { bytes, kind: FrameKind::Event(None) }
    }
}

/// What a frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// An event, with what the client has come to by it if it belongs to a stream.
    Event(Option<(StreamId, Rev)>),
    /// What only this connection gets, such as the answer to a command; if it is the answer that takes the client to
    /// revisions of its own choice, with those.
    Answer(Option<Box<Resumed>>),
}

/// Where a client that resumes is in its streams: what it gets from now on does not follow what it got before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// Before it has the answer.
    pub from: Vec<(StreamId, Rev)>,
    /// Once it has the answer.
    pub to: Vec<(StreamId, Rev)>,
}

/// The hub's and the transport's common handle on a connection.
#[derive(Debug)]
pub struct Connection {
    /// Whose it is.
    pub identity: Identity,
    pub(crate) format: &'static Format,
    queue_bytes: usize,
    state: Mutex<State>,
    /// Woken when the queue has become short.
    drained: Notify,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Frame>,
    bytes: usize,
    closed: Option<CloseReason>,
    /// Who waits for something to write.
    waiting: Option<Waker>,
    /// Streams that the connection is not simply live on.
    places: Places,
    /// The client has yet to say where it resumes; until then nothing is pushed.
    paused: bool,
    /// The user's status holds pushes back. Written under the user's lock, for all connections alike.
    held: bool,
    /// Somebody is reading the log for the streams that are behind.
    catching_up: bool,
    lease_until: Timestamp,
}

/// What became of a page of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is more to read.
    On,
    /// There is nothing to read at present: the connection is live, or does not want it now.
    Done,
    /// There is more, but the log does not show it yet.
    Stuck,
}

impl Connection {
    pub(crate) fn new(identity: Identity, format: &'static Format, queue_bytes: usize, lease_until: Timestamp) -> Self {
        let state = State {
            queue: VecDeque::new(),
            bytes: 0,
            closed: None,
            waiting: None,
            places: Places::default(),
            paused: true,
            held: false,
            catching_up: false,
            lease_until,
        };
        Self { identity, format, queue_bytes, state: Mutex::new(state), drained: Notify::new() }
    }

    /// Queues a frame that only this connection gets. It comes after all that was queued before.
    pub fn send(&self, frame: Frame) {
        let mut state = self.state.lock();
        if state.closed.is_none() {
            state.push(frame, self.queue_bytes);
            self.wake(state);
        }
    }

    fn event(&self, envelope: &Envelope) -> Frame {
        let bytes = envelope.frame(self.format, self.identity.user);
        Frame { bytes, kind: FrameKind::Event(envelope.position) }
    }

    /// Ends the connection; what is queued is dropped. The first reason counts.
    pub fn close(&self, reason: CloseReason) {
        let mut state = self.state.lock();
        state.close(reason);
        self.wake(state);
    }

    /// Whether the connection has been ended by the server.
    pub fn is_closed(&self) -> bool {
        self.state.lock().closed.is_some()
    }

    /// Whether nothing is pushed at present, because the connection has not been started or is being resumed.
    pub fn is_paused(&self) -> bool {
        self.state.lock().paused
    }

    /// Whether the user's status holds back what is pushed.
    pub fn is_held(&self) -> bool {
        self.state.lock().held
    }

    pub(crate) fn renew_lease(&self, until: Timestamp) {
        let mut state = self.state.lock();
        state.lease_until = state.lease_until.max(until);
    }

    pub(crate) fn lease_until(&self) -> Timestamp {
        self.state.lock().lease_until
    }

    /// Queues an event, if the connection is live on its stream and nothing keeps pushes back.
    pub(crate) fn push(&self, envelope: &Envelope, standing: Standing) {
        let mut state = self.state.lock();
        if state.closed.is_some() {
            return;
        }
        let keeps_back = state.keeps_back();
        if envelope.position.map_or(!keeps_back, |position| state.places.take(position, standing, keeps_back)) {
            state.push(self.event(envelope), self.queue_bytes);
            self.wake(state);
        }
    }

    /// Queues an event whatever keeps others back.
    pub(crate) fn push_through(&self, envelope: &Envelope) {
        self.send(self.event(envelope));
    }

    /// Stops pushes until [`Self::resume`], and sets the connection to these revisions: what comes after them it
    /// gets from the log.
    pub(crate) fn pause_at(&self, positions: &[(StreamId, Rev)]) {
        let mut state = self.state.lock();
        state.paused = true;
        for (stream, rev) in positions {
            state.places.set(*stream, *rev);
        }
    }

    pub(crate) fn resume(&self) {
        self.state.lock().paused = false;
    }

    pub(crate) fn set_held(&self, held: bool) {
        self.state.lock().held = held;
    }

    /// Makes the connection get from the log what comes after a revision, unless it gets even more already.
    pub(crate) fn fall_behind(&self, stream: StreamId, rev: Rev) {
        self.state.lock().places.set_back(stream, rev);
    }

    /// Whether the connection has not come to a revision of a stream that has handed out all up to `head`. It gets what is
    /// missing from the log then.
    pub(crate) fn has_yet_to_come_to(&self, stream: StreamId, rev: Rev, head: Rev) -> bool {
        self.state.lock().places.has_yet_to_come_to(stream, rev, head)
    }

    /// Whether nothing of a stream was kept back from the connection, and it was not set to anything.
    pub(crate) fn is_live_on(&self, stream: StreamId) -> bool {
        self.state.lock().places.is_live_on(stream)
    }

    /// Takes a stream out that the connection's user does not listen to.
    pub(crate) fn forget(&self, stream: StreamId) {
        self.state.lock().places.forget(stream);
    }

    /// Makes the caller the one who reads the log for this connection; `false` if somebody does or none need to.
    pub(crate) fn begin_catching_up(&self) -> bool {
        let mut state = self.state.lock();
        let needed = !state.catching_up && !state.keeps_back() && state.places.is_behind();
        state.catching_up |= needed;
        needed
    }

    /// The streams to read the log for; none, and the reading is over, while nothing may be pushed.
    pub(crate) fn streams_behind(&self) -> Vec<StreamId> {
        let mut state = self.state.lock();
        let streams = if state.keeps_back() { Vec::new() } else { state.places.behind() };
        state.catching_up = !streams.is_empty();
        streams
    }

    /// From where to read the log of a stream, if at all at present.
    pub(crate) fn reads_from(&self, stream: StreamId) -> Option<Rev> {
        let state = self.state.lock();
        if state.keeps_back() { None } else { state.places.behind_at(stream) }
    }

    /// Gives a connection that is behind at `from` a page of the log, as much of it as there is room for. It is
    /// live if that brings it to `head`, the last change that the stream has handed out.
    pub(crate) fn hand_over(&self, stream: StreamId, from: Rev, page: ChangePage, head: Rev) -> Step {
        let mut state = self.state.lock();
        if state.keeps_back() || state.places.behind_at(stream) != Some(from) {
            return Step::Done;
        }
        let frame = |rev, event| self.event(&Envelope::new(Some((stream, rev)), event));
        let mut at = from;
        for change in page.changes {
            // The other half of the queue is left to what is pushed live meanwhile.
            if state.bytes > self.queue_bytes / 2 {
                state.places.set(stream, at);
                self.wake(state);
                return Step::On;
            }
            at = change.rev;
            state.enqueue(frame(change.rev, change.event));
        }
        let step = if page.more || page.rev < head {
            state.places.set(stream, page.rev);
            if page.rev == from { Step::Stuck } else { Step::On }
        } else {
            for receipt in page.receipts.into_iter().filter(|receipt| receipt.user_id != self.identity.user) {
                state.enqueue(frame(page.rev, Event::ReceiptUpdated(receipt)));
            }
            state.places.go_live(stream, page.rev, head);
            Step::Done
        };
        self.wake(state);
        step
    }

    /// Waits until the queue is at most a quarter full, or the connection is closed.
    pub(crate) async fn room(&self) {
        loop {
            let drained = self.drained.notified();
            {
                let state = self.state.lock();
                if state.closed.is_some() || state.is_short(self.queue_bytes) {
                    return;
                }
            }
            drained.await;
        }
    }

    /// Tells those who wait for the queue what became of it.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let closed = state.closed.is_some();
        let waiting = state.waiting.take();
        drop(state);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
        if closed {
            self.drained.notify_waiters();
        }
    }
}

impl State {
    /// Whether nothing may be pushed at present.
    fn keeps_back(&self) -> bool {
        self.closed.is_some() || self.paused || self.held
    }

    fn is_short(&self, limit: usize) -> bool {
        self.bytes <= limit / 4
    }

    /// Queues a frame, or closes the connection if it does not fit. An empty queue takes any one frame, so that no
    /// single event is too large to be sent at all.
    fn push(&mut self, frame: Frame, limit: usize) {
        if self.bytes + frame.bytes.len() > limit && !self.queue.is_empty() {
            self.close(CloseReason::SlowReader);
        } else {
            self.enqueue(frame);
        }
    }

    /// What a transport does next.
    fn next(&mut self) -> Option<Outgoing> {
        if let Some(reason) = self.closed {
            return Some(Outgoing::Close(reason));
        }
        let frame = self.queue.pop_front()?;
        self.bytes -= frame.bytes.len();
        if self.queue.is_empty() {
            // Most connections are idle most of the time.
            self.queue = VecDeque::new();
        }
        Some(Outgoing::Frame(frame))
    }

    fn wait(&mut self, context: &Context<'_>) {
        if !self.waiting.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.waiting = Some(context.waker().clone());
        }
    }

    fn enqueue(&mut self, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.queue.push_back(frame);
    }

    fn close(&mut self, reason: CloseReason) {
        self.closed.get_or_insert(reason);
        self.queue = VecDeque::new();
        self.bytes = 0;
    }
}

/// The transport's end of a connection. Dropping it disconnects.
#[derive(Debug)]
pub struct Outbox {
    pub(crate) connection: Arc<Connection>,
    pub(crate) hub: Weak<Hub>,
}

impl Outbox {
    /// What to do next; waits until there is something. After a `Close` it gives the same `Close` again.
    pub async fn next(&mut self) -> Outgoing {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The same, for a task that waits for more than this.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Outgoing> {
        self.take(|state| state.wait(context)).map_or(Poll::Pending, Poll::Ready)
    }

    /// What to do next, if there is something.
    pub fn try_next(&mut self) -> Option<Outgoing> {
        self.take(|_| {})
    }

    /// Waits until the connection is closed, and takes nothing.
    pub async fn closed(&mut self) -> CloseReason {
        poll_fn(|context| self.poll_closed(context)).await
    }

    /// The same, for a task that waits for more than this.
    pub fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<CloseReason> {
        let mut state = self.connection.state.lock();
        state.wait(context);
        state.closed.map_or(Poll::Pending, Poll::Ready)
    }

    fn take(&mut self, or_else: impl FnOnce(&mut State)) -> Option<Outgoing> {
        let connection = &self.connection;
        let mut state = connection.state.lock();
        let Some(next) = state.next() else {
            or_else(&mut state);
            return None;
        };
        let short = state.is_short(connection.queue_bytes);
        drop(state);
        if short {
            connection.drained.notify_waiters();
        }
        Some(next)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.disconnect(&self.connection);
        }
    }
}
