//! One client's session: the state machine between the transports and the application.

mod polling;
mod types;
mod websocket;

use std::collections::VecDeque;
use std::time::Duration;

use bytestring::ByteString;

use super::config::Config;
use super::handshake::open_packet;
use super::heartbeat::{Beat, Heartbeat};
use super::outbox::Outbox;
use super::packet::{Frame, Message, Packet};
use super::request::{Refusal, TransportKind};
use polling::Poll;
pub use types::{EndReason, Event, PollId, PostId, SocketId, ToSocket};
use websocket::Probe;

use crate::queue::pop;

/// An Engine.IO session.
///
/// It does nothing by itself. Tell it what happens, with the time; then ask for what follows:
/// - the task of a poll asks [`poll_answer`](Self::poll_answer) until there is one,
/// - the task of a WebSocket asks [`next_frame`](Self::next_frame) whenever it can write,
/// - the application asks [`next_event`](Self::next_event),
/// - and somebody calls [`tick`](Self::tick) at [`deadline`](Self::deadline).
///
/// After any call there may be something new for each of them, so wake them all. Since frames are taken and never
/// pushed, a client that does not read fills only its own session, up to [`Config::max_buffered`].
///
/// Times count from any moment that the caller chooses and never go back. A session whose time is up is over even if
/// `tick` comes late: every input looks at the time first.
#[derive(Debug)]
pub struct Session {
    config: Config,
    sid: ByteString,
    phase: Phase,
    transport: Transport,
    probe: Option<Probe>,
    poll: Option<Poll>,
    post: Option<PostId>,
    outbox: Outbox,
    heartbeat: Heartbeat,
    events: VecDeque<Event>,
    last_id: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Open,
    /// The session is being closed; the client may fetch what is left until `by`.
    Closing {
        reason: EndReason,
        by: Duration,
    },
    Ended(EndReason),
}

#[derive(Clone, Copy, Debug)]
enum Transport {
    Polling,
    WebSocket(SocketId),
}

impl Session {
    /// Opens a session with a poll, whose answer will be the handshake.
    ///
    /// `sid` must be impossible to guess and go into a URL as it is.
    pub fn polling(config: Config, sid: ByteString, now: Duration) -> (Self, PollId) {
        let mut session = Self::new(config, sid, Transport::Polling, now);
        let poll = PollId(session.next_id());
        session.poll = Some(Poll::new(poll, now));
        (session, poll)
    }

    /// Opens a session on a WebSocket, whose first frame will be the handshake.
    ///
    /// `sid` must be impossible to guess.
    pub fn websocket(config: Config, sid: ByteString, now: Duration) -> (Self, SocketId) {
        let socket = SocketId(0);
        (Self::new(config, sid, Transport::WebSocket(socket), now), socket)
    }

    fn new(config: Config, sid: ByteString, transport: Transport, now: Duration) -> Self {
        let mut session = Self {
            heartbeat: Heartbeat::new(config.ping_interval, config.ping_timeout, now),
            config,
            sid,
            phase: Phase::Open,
            transport,
            probe: None,
            poll: None,
            post: None,
            outbox: Outbox::default(),
            events: VecDeque::new(),
            last_id: 0,
        };
        let handshake = open_packet(&session.sid, session.transport(), &config);
        session.send_frame(handshake.encode());
        session
    }

    /// The session's id.
    pub fn sid(&self) -> &ByteString {
        &self.sid
    }

    /// The transport that packets go over now.
    pub fn transport(&self) -> TransportKind {
        match self.transport {
            Transport::Polling => TransportKind::Polling,
            Transport::WebSocket(_) => TransportKind::WebSocket,
        }
    }

    /// Whether messages are still taken and sent.
    pub fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    /// Why the session is over, or is being closed.
    pub fn end_reason(&self) -> Option<EndReason> {
        match self.phase {
            Phase::Open => None,
            Phase::Closing { reason, .. } | Phase::Ended(reason) => Some(reason),
        }
    }

    /// How many events wait for [`next_event`](Self::next_event). Who reads no further while there are many keeps a
    /// client from sending faster than the application works.
    pub fn pending_events(&self) -> usize {
        self.events.len()
    }

    /// How much waits for the client, in bytes, with 64 for each packet on top.
    pub fn buffered(&self) -> usize {
        self.outbox.cost()
    }

    /// The time at which [`tick`](Self::tick) has something to do, unless something else happens before. `None` once
    /// the session has ended.
    pub fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Ended(_) => None,
            Phase::Closing { by, .. } => Some(by),
            Phase::Open => {
                let probe = self.probe.as_ref().map(Probe::deadline);
                [Some(self.heartbeat.deadline()), probe, self.release_at()].into_iter().flatten().min()
            }
        }
    }

    /// Does what the time demands: pings, and ends what has taken too long.
    pub fn tick(&mut self, now: Duration) {
        match self.phase {
            Phase::Ended(_) => {}
            Phase::Closing { reason, by } => {
                if now >= by {
                    self.end(reason);
                }
            }
            Phase::Open => self.tick_open(now),
        }
    }

    fn tick_open(&mut self, now: Duration) {
        if self.probe.as_ref().is_some_and(|probe| now >= probe.deadline()) {
            self.probe = None;
        }
        if self.release_at().is_some_and(|at| now >= at) {
            self.release_poll();
        }
        match self.heartbeat.beat(now) {
            Beat::Nothing => {}
            Beat::Ping => self.send_frame(Frame::Text(ByteString::from_static("2"))),
            Beat::Expired => self.end(EndReason::PingTimeout),
        }
    }

    /// Sends a message. Nothing happens once the session is closing or has ended.
    pub fn send(&mut self, message: &Message) {
        self.send_frame(message.to_frame());
    }

    /// Sends what [`Message::to_frame`] made, for a message that goes to many sessions.
    pub fn send_frame(&mut self, frame: Frame) {
        self.send_frames([frame]);
    }

    /// Sends frames that belong together.
    pub(crate) fn send_frames(&mut self, frames: impl IntoIterator<Item = Frame>) {
        if self.is_open() && self.outbox.push(frames, self.config.max_buffered).is_err() {
            self.end(EndReason::SlowReader);
        }
    }

    /// Closes the session from the server's side: nothing more is taken, and what is buffered is still delivered if
    /// the client fetches it within [`Config::close_timeout`].
    pub fn close(&mut self, reason: EndReason, now: Duration) {
        if self.is_open() {
            self.close_within(reason, now.saturating_add(self.config.close_timeout));
        }
    }

    /// The next thing that the application should know. The last one is [`Event::Ended`].
    pub fn next_event(&mut self) -> Option<Event> {
        pop(&mut self.events)
    }

    /// Takes a packet from the client, on either transport.
    fn receive(&mut self, packet: Packet, now: Duration) {
        if !self.is_open() {
            return;
        }
        self.heartbeat.heard(now);
        match packet {
            Packet::Message(message) => self.events.push_back(Event::Message(message)),
            Packet::Pong(_) => self.heartbeat.pong(now),
            Packet::Close => self.client_closes(now),
            // In this version of the protocol only the server pings.
            Packet::Ping(_) => self.end(EndReason::ParseError),
            // The specification gives them no meaning here, and the reference server passes over them.
            Packet::Open(_) | Packet::Upgrade | Packet::Noop => {}
        }
    }

    /// The client closes the session, and wants nothing but its poll back. That poll comes over another connection
    /// than the close packet, which may overtake it; so it is waited for a moment.
    fn client_closes(&mut self, now: Duration) {
        if matches!(self.transport, Transport::Polling) && self.poll.is_none() {
            self.outbox.clear();
            self.close_within(EndReason::ClientClosed, now.saturating_add(self.config.noop_delay));
        } else {
            self.release_poll();
            self.end(EndReason::ClientClosed);
        }
    }

    fn close_within(&mut self, reason: EndReason, by: Duration) {
        self.probe = None;
        self.phase = Phase::Closing { reason, by };
    }

    /// Ends the session at once. What is buffered is lost, and whoever still waits is told.
    fn end(&mut self, reason: EndReason) {
        let reason = match self.phase {
            Phase::Open => reason,
            // The first cause counts.
            Phase::Closing { reason, .. } => reason,
            Phase::Ended(_) => return,
        };
        self.phase = Phase::Ended(reason);
        self.outbox.clear();
        self.probe = None;
        self.post = None;
        self.close_poll();
        self.events.push_back(Event::Ended(reason));
    }

    /// Looks at the time before an input, and refuses the input when the session is over.
    fn enter(&mut self, now: Duration) -> Result<(), Refusal> {
        self.tick(now);
        match self.phase {
            Phase::Open | Phase::Closing { .. } => Ok(()),
            Phase::Ended(_) => Err(Refusal::UnknownSid),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}
