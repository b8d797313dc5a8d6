//! A client's Socket.IO connection: namespaces, events and acknowledgements over an Engine.IO session (specification:
//! "Exchange protocol").

mod config;
mod namespaces;
mod types;

use std::collections::VecDeque;
use std::time::Duration;

use bytestring::ByteString;

pub use config::Config;
use namespaces::{Acks, Namespaces, State};
pub use types::{ConnectError, DisconnectReason, Event, SendError, Welcome};

use crate::engine::{self, EndReason, Message, PollId, Session, SocketId};
use crate::json::Json;
use crate::packet::{self, Args, Content, Decoder, Encoded, Namespace, Packet};
use crate::queue::pop;

/// A Socket.IO connection, which owns its Engine.IO [`Session`].
///
/// The transports use its [`session`](Self::session), whose rules for waking each other hold here, too. The application
/// takes events with [`next_event`](Self::next_event) and answers them; messages are decoded only then, so it has to be
/// called after every input. What breaks the specification closes the connection, as it demands.
#[derive(Debug)]
pub struct Connection {
    session: Session,
    config: Config,
    decoder: Decoder,
    namespaces: Namespaces,
    /// Until when the first namespace must be connected.
    connect_by: Option<Duration>,
    events: VecDeque<Event>,
    /// The application or a broken rule has closed the connection: what was read together with it is passed over.
    closed: bool,
}

impl Connection {
    /// Opens a connection with a poll: see [`Session::polling`].
    pub fn polling(config: Config, sid: ByteString, now: Duration) -> (Self, PollId) {
        let (session, poll) = Session::polling(config.engine, sid, now);
        (Self::new(session, config, now), poll)
    }

    /// Opens a connection on a WebSocket: see [`Session::websocket`].
    pub fn websocket(config: Config, sid: ByteString, now: Duration) -> (Self, SocketId) {
        let (session, socket) = Session::websocket(config.engine, sid, now);
        (Self::new(session, config, now), socket)
    }

    fn new(session: Session, config: Config, now: Duration) -> Self {
        Self {
            session,
            config,
            decoder: Decoder::new(config.packet),
            namespaces: Namespaces::default(),
            connect_by: Some(now.saturating_add(config.connect_timeout)),
            events: VecDeque::new(),
            closed: false,
        }
    }

    /// The session, for the transports. Its messages, its events, its end and its deadline are this connection's
    /// affair.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The time at which [`tick`](Self::tick) has something to do, unless something else happens before. `None` once
    /// the session has ended.
    pub fn deadline(&self) -> Option<Duration> {
        let session = self.session.deadline()?;
        let own = if self.session.is_open() { [self.connect_by, self.namespaces.deadline()] } else { [None, None] };
        own.into_iter().flatten().chain([session]).min()
    }

    /// Does what the time demands.
    pub fn tick(&mut self, now: Duration) {
        self.session.tick(now);
        if self.session.is_open() && self.connect_by.is_some_and(|by| now >= by) {
            self.close_for(EndReason::ConnectTimeout, now);
        }
        while let Some((namespace, id)) = self.namespaces.expired(now) {
            self.events.push_back(Event::AckTimeout { namespace, id });
        }
    }

    /// The next thing that the application should know. The last one is [`Event::Ended`].
    ///
    /// What the application answers before it asks again counts for the client's next packet: one that sends CONNECT
    /// and an event at once is served if it is accepted at once.
    pub fn next_event(&mut self, now: Duration) -> Option<Event> {
        while self.events.is_empty() {
            match self.session.next_event()? {
                engine::Event::Message(message) => self.receive(message, now),
                engine::Event::Ended(reason) => {
                    self.leave_all(reason);
                    self.events.push_back(Event::Ended(reason));
                }
            }
        }
        pop(&mut self.events)
    }

    /// Lets the client connect to a namespace.
    ///
    /// # Errors
    /// The client no longer waits for that.
    pub fn accept(&mut self, namespace: &Namespace, welcome: &Welcome) -> Result<(), SendError> {
        self.take_waiting(namespace)?;
        self.namespaces.set(namespace, State::Connected(Acks::default()));
        self.connect_by = None;
        self.answer(namespace, |data| Content::Connect(Some(data)), welcome.to_json());
        Ok(())
    }

    /// Refuses a client the connection to a namespace. It may try again.
    ///
    /// # Errors
    /// The client no longer waits for that.
    pub fn refuse(&mut self, namespace: &Namespace, error: &ConnectError) -> Result<(), SendError> {
        self.take_waiting(namespace)?;
        self.namespaces.remove(namespace);
        self.answer(namespace, Content::ConnectError, error.to_json());
        Ok(())
    }

    /// Sends an event.
    ///
    /// # Errors
    /// The client is not connected to the namespace.
    pub fn emit(&mut self, namespace: &Namespace, event: &packet::Event) -> Result<(), SendError> {
        self.emit_encoded(&event.encode(namespace, None))
    }

    /// Sends an event that was encoded once for many connections.
    ///
    /// # Errors
    /// The client is not connected to the namespace.
    pub fn emit_encoded(&mut self, packet: &Encoded) -> Result<(), SendError> {
        if !self.is_connected(packet.namespace()) {
            return Err(SendError::NotConnected);
        }
        self.send(packet);
        Ok(())
    }

    /// Sends an event that the client is to acknowledge within `timeout`. Exactly one of [`Event::Ack`],
    /// [`Event::AckTimeout`] and [`Event::Disconnected`] follows; the first two carry the id that this returns.
    ///
    /// # Errors
    /// The client is not connected to the namespace, or too many acknowledgements are awaited there.
    pub fn emit_with_ack(
        &mut self,
        namespace: &Namespace,
        event: &packet::Event,
        timeout: Duration,
        now: Duration,
    ) -> Result<u64, SendError> {
        if !self.is_connected(namespace) {
            return Err(SendError::NotConnected);
        }
        let acks = self.namespaces.connected(namespace).ok_or(SendError::NotConnected)?;
        if acks.len() >= self.config.pending_acks {
            return Err(SendError::TooManyAcks);
        }
        let id = acks.add(now.saturating_add(timeout));
        self.send(&event.encode(namespace, Some(id)));
        Ok(id)
    }

    /// Acknowledges an event of the client, with the id that came with it. Once for each event: clients don't expect a
    /// second answer.
    ///
    /// # Errors
    /// The client is not connected to the namespace.
    pub fn ack(&mut self, namespace: &Namespace, id: u64, args: &Args) -> Result<(), SendError> {
        self.emit_encoded(&args.encode_ack(namespace, id))
    }

    /// Disconnects the client from one namespace ("Disconnection from a namespace"). It does not reconnect by itself.
    ///
    /// # Errors
    /// The client is not connected to the namespace.
    pub fn disconnect(&mut self, namespace: &Namespace) -> Result<(), SendError> {
        self.emit_encoded(&Packet { namespace: namespace.clone(), content: Content::Disconnect }.encode())?;
        self.namespaces.leave(namespace, self.config.namespaces);
        self.disconnected(namespace.clone(), DisconnectReason::ByServer);
        Ok(())
    }

    /// Disconnects the client from all namespaces and closes the connection. It does not reconnect by itself.
    pub fn disconnect_all(&mut self, now: Duration) {
        for namespace in self.namespaces.clear() {
            self.send(&Packet { namespace: namespace.clone(), content: Content::Disconnect }.encode());
            self.disconnected(namespace, DisconnectReason::ByServer);
        }
        self.close(now);
    }

    /// Closes the connection without a word, so that the client reconnects by itself.
    pub fn close(&mut self, now: Duration) {
        self.close_for(EndReason::ServerClosed, now);
    }

    /// Whether the client is connected to a namespace.
    pub fn is_connected(&self, namespace: &Namespace) -> bool {
        self.session.is_open() && self.namespaces.is_connected(namespace)
    }

    fn receive(&mut self, message: Message, now: Duration) {
        if self.closed {
            return;
        }
        let allowed = match self.decoder.decode(message) {
            Ok(Some(packet)) => self.receive_packet(packet),
            Ok(None) => true,
            Err(_) => false,
        };
        if !allowed {
            self.close_for(EndReason::ParseError, now);
        }
    }

    /// Takes a packet, or says that the client must not send it now.
    fn receive_packet(&mut self, packet: Packet) -> bool {
        let Packet { namespace, content } = packet;
        match (self.namespaces.get_mut(&namespace), content) {
            (None | Some(State::Left), Content::Connect(auth)) => self.connect(namespace, auth),
            (Some(State::Connected(_)), Content::Event { id: ack, event }) => {
                self.events.push_back(Event::Event { namespace, event, ack });
            }
            (Some(State::Connected(acks)), Content::Ack { id, args }) => {
                // One that comes too late is no offence.
                if acks.remove(id) {
                    self.events.push_back(Event::Ack { namespace, id, args });
                }
            }
            (Some(State::Connected(_)), Content::Disconnect) => {
                self.namespaces.remove(&namespace);
                self.disconnected(namespace, DisconnectReason::ByClient);
            }
            // Sent before the client knew that it was disconnected.
            (Some(State::Left), Content::Event { .. } | Content::Ack { .. } | Content::Disconnect) => {}
            (None | Some(State::Waiting | State::Connected(_) | State::Left), _) => return false,
        }
        true
    }

    fn connect(&mut self, namespace: Namespace, auth: Option<Json>) {
        if self.namespaces.live() >= self.config.namespaces {
            let error = ConnectError::new("Too many namespaces");
            return self.answer(&namespace, Content::ConnectError, error.to_json());
        }
        self.namespaces.set(&namespace, State::Waiting);
        self.events.push_back(Event::Connect { namespace, auth });
    }

    fn take_waiting(&mut self, namespace: &Namespace) -> Result<(), SendError> {
        match self.namespaces.get_mut(namespace) {
            Some(State::Waiting) if self.session.is_open() => Ok(()),
            Some(State::Waiting | State::Connected(_) | State::Left) | None => Err(SendError::NotConnected),
        }
    }

    fn answer(&mut self, namespace: &Namespace, content: impl FnOnce(Json) -> Content, json: String) {
        let packet = Packet { namespace: namespace.clone(), content: content(Json::trusted(json)) };
        self.send(&packet.encode());
    }

    fn send(&mut self, packet: &Encoded) {
        self.session.send_frames(packet.frames());
    }

    fn close_for(&mut self, reason: EndReason, now: Duration) {
        self.closed = true;
        self.session.close(reason, now);
        self.leave_all(reason);
    }

    fn leave_all(&mut self, reason: EndReason) {
        for namespace in self.namespaces.clear() {
            self.disconnected(namespace, DisconnectReason::Ended(reason));
        }
    }

    fn disconnected(&mut self, namespace: Namespace, reason: DisconnectReason) {
        self.events.push_back(Event::Disconnected { namespace, reason });
    }
}
