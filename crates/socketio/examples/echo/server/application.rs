//! What the server does with what clients send: everything else is the same for any application.

use std::time::Duration;

use bytestring::ByteString;
use parlor_socketio::engine::{self, PollId, Session, SocketId};
use parlor_socketio::packet::{Args, Event as Emitted, Namespace};
use parlor_socketio::{Config, ConnectError, Connection, Event, Json, SendError, Welcome};

use super::hub::new_id;

/// A client's state machine and the application behind it.
pub(crate) trait Endpoint: Sized + Send + 'static {
    /// Opens a session with a poll.
    fn polling(config: Config, sid: ByteString, now: Duration) -> (Self, PollId);
    /// Opens a session on a WebSocket.
    fn websocket(config: Config, sid: ByteString, now: Duration) -> (Self, SocketId);
    /// The session, for the transports.
    fn session(&mut self) -> &mut Session;
    /// When `tick` has something to do; `None` once the session has ended.
    fn deadline(&self) -> Option<Duration>;
    /// Does what the time demands.
    fn tick(&mut self, now: Duration);
    /// Takes all events and answers them.
    ///
    /// It is called with the session locked. An application that has to wait for something hands the events to a task
    /// of its own, which comes back with the answers.
    fn answer(&mut self, now: Duration);
}

/// Engine.IO without Socket.IO: every message comes back.
impl Endpoint for Session {
    fn polling(config: Config, sid: ByteString, now: Duration) -> (Self, PollId) {
        Self::polling(config.engine, sid, now)
    }

    fn websocket(config: Config, sid: ByteString, now: Duration) -> (Self, SocketId) {
        Self::websocket(config.engine, sid, now)
    }

    fn session(&mut self) -> &mut Session {
        self
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline()
    }

    fn tick(&mut self, now: Duration) {
        self.tick(now);
    }

    fn answer(&mut self, _: Duration) {
        while let Some(event) = self.next_event() {
            match event {
                engine::Event::Message(message) => self.send(&message),
                engine::Event::Ended(_) => {}
            }
        }
    }
}

impl Endpoint for Connection {
    fn polling(config: Config, sid: ByteString, now: Duration) -> (Self, PollId) {
        Self::polling(config, sid, now)
    }

    fn websocket(config: Config, sid: ByteString, now: Duration) -> (Self, SocketId) {
        Self::websocket(config, sid, now)
    }

    fn session(&mut self) -> &mut Session {
        self.session()
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline()
    }

    fn tick(&mut self, now: Duration) {
        self.tick(now);
    }

    fn answer(&mut self, now: Duration) {
        while let Some(event) = self.next_event(now) {
            // What cannot be sent any more was for a client that is gone.
            let _ = match event {
                Event::Connect { namespace, auth } => connect(self, &namespace, auth),
                Event::Event { namespace, event, ack } => echo(self, &namespace, &event, ack),
                Event::Ack { .. } | Event::AckTimeout { .. } | Event::Disconnected { .. } | Event::Ended(_) => Ok(()),
            };
        }
    }
}

/// Lets the client in and tells it what it showed for that.
fn connect(connection: &mut Connection, namespace: &Namespace, auth: Option<Json>) -> Result<(), SendError> {
    if !["/", "/custom"].contains(&namespace.as_str()) {
        return connection.refuse(namespace, &ConnectError::invalid_namespace());
    }
    connection.accept(namespace, &Welcome::new(new_id()))?;
    let auth = auth.map_or_else(|| Args::new(&[serde_json::json!({})]), |auth| Args::new(&[auth]));
    emit(connection, namespace, "auth", auth.unwrap_or_default())
}

fn echo(
    connection: &mut Connection,
    namespace: &Namespace,
    event: &Emitted,
    ack: Option<u64>,
) -> Result<(), SendError> {
    match (event.name(), ack) {
        ("message", _) => emit(connection, namespace, "message-back", event.args().clone()),
        ("message-with-ack", Some(id)) => connection.ack(namespace, id, event.args()),
        _ => Ok(()),
    }
}

fn emit(connection: &mut Connection, namespace: &Namespace, name: &'static str, args: Args) -> Result<(), SendError> {
    // No name in this file is reserved.
    Emitted::new(name, args).map_or(Ok(()), |event| connection.emit(namespace, &event))
}
