//! Plays a script against an echo server that has neither sockets nor a clock: what a client does and must see.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use parlor_socketio::engine::{self, Event as SessionEvent, Frame, PollId, Refusal, Session, SocketId, ToSocket};
use parlor_socketio::packet::{Args, Event as Emitted};
use parlor_socketio::{Config, ConnectError, Connection, Event, Welcome};

/// What the protocols' own suites expect of the server under test.
pub(crate) const ENGINE: engine::Config = engine::Config {
    ping_interval: Duration::from_millis(300),
    ping_timeout: Duration::from_millis(200),
    upgrade_timeout: Duration::from_secs(10),
    noop_delay: Duration::from_millis(50),
    close_timeout: Duration::from_secs(30),
    upgrades: true,
    max_payload: 1_000_000,
    max_packets: 10_000,
    max_packets_out: 16,
    max_buffered: 1 << 20,
};

/// One step of a client, and what it must see.
#[derive(Debug)]
pub(crate) enum Step {
    /// A poll begins to hang.
    Get,
    /// A poll is refused at once with this status.
    GetRefused(u16),
    /// The poll has this answer.
    Gets(&'static str),
    /// The poll is refused with this status after it hung.
    GetFails(u16),
    /// The poll has no answer yet.
    Hangs,
    /// The poll is broken off.
    Abort,
    /// This body is taken.
    Post(&'static str),
    /// This body is refused with this status.
    PostRefused(&'static str, u16),
    /// A WebSocket is opened with the session's id.
    Upgrade,
    /// A WebSocket with the session's id is refused with this status.
    UpgradeRefused(u16),
    /// A text goes over the WebSocket.
    Send(&'static str),
    /// Bytes go over the WebSocket.
    SendBinary(&'static [u8]),
    /// The next frame on the WebSocket is this text.
    Recv(&'static str),
    /// The next frame on the WebSocket has these bytes.
    RecvBinary(&'static [u8]),
    /// The server has nothing to write to the WebSocket.
    Silent,
    /// The server closes the WebSocket.
    Closed,
    /// The client closes the WebSocket.
    Leave,
    /// Milliseconds pass.
    Wait(u64),
}

/// How the session begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Polling,
    WebSocket,
}

/// A server that answers what comes in.
pub(crate) trait Server: Sized {
    fn polling(now: Duration) -> (Self, PollId);
    fn websocket(now: Duration) -> (Self, SocketId);
    fn session(&mut self) -> &mut Session;
    fn deadline(&self) -> Option<Duration>;
    fn tick(&mut self, now: Duration);
    /// The application's part.
    fn answer(&mut self, now: Duration);
}

impl Server for Session {
    fn polling(now: Duration) -> (Self, PollId) {
        Session::polling(ENGINE, "sid".into(), now)
    }

    fn websocket(now: Duration) -> (Self, SocketId) {
        Session::websocket(ENGINE, "sid".into(), now)
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
        echo_messages(self);
    }
}

/// The same for Socket.IO.
pub(crate) fn config() -> Config {
    Config { engine: ENGINE, connect_timeout: Duration::from_millis(400), ..Config::default() }
}

impl Server for Connection {
    fn polling(now: Duration) -> (Self, PollId) {
        Connection::polling(config(), "sid".into(), now)
    }

    fn websocket(now: Duration) -> (Self, SocketId) {
        Connection::websocket(config(), "sid".into(), now)
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
        echo_events(self, now);
    }
}

fn echo_messages(session: &mut Session) {
    while let Some(event) = session.next_event() {
        if let SessionEvent::Message(message) = event {
            session.send(&message);
        }
    }
}

/// The server of the Socket.IO protocol's suite, with the namespaces `/` and `/custom`. What can't be sent any more
/// is dropped, as a real server would.
fn echo_events(connection: &mut Connection, now: Duration) {
    while let Some(event) = connection.next_event(now) {
        match event {
            Event::Connect { namespace, auth } if ["/", "/custom"].contains(&namespace.as_str()) => {
                let _ = connection.accept(&namespace, &Welcome::new("id"));
                let auth = auth.map_or("{}".to_owned(), |auth| auth.as_str().to_owned());
                let auth = Args::from_json(&json(&format!("[{auth}]"))).unwrap();
                let _ = connection.emit(&namespace, &Emitted::new("auth", auth).unwrap());
            }
            Event::Connect { namespace, .. } => {
                let _ = connection.refuse(&namespace, &ConnectError::invalid_namespace());
            }
            Event::Event { namespace, event, ack } => match (event.name(), ack) {
                ("message", _) => {
                    let _ = connection.emit(&namespace, &Emitted::new("message-back", event.args().clone()).unwrap());
                }
                ("message-with-ack", Some(id)) => {
                    let _ = connection.ack(&namespace, id, event.args());
                }
                (_, Some(_) | None) => {}
            },
            Event::Ack { .. } | Event::AckTimeout { .. } | Event::Disconnected { .. } | Event::Ended(_) => {}
        }
    }
}

pub(crate) fn json(text: &str) -> parlor_socketio::Json {
    parlor_socketio::Json::from_text(&text.into()).unwrap()
}

/// A client's script against one server.
pub(crate) struct Player<S> {
    pub(crate) server: S,
    pub(crate) now: Duration,
    poll: Option<PollId>,
    socket: Option<SocketId>,
}

impl<S: Server> Player<S> {
    /// Opens a session. Its handshake is still to be read.
    pub(crate) fn new(begin: Begin) -> Self {
        // Not zero: the caller's clock may begin anywhere.
        let now = Duration::from_millis(1_234);
        match begin {
            Begin::Polling => {
                let (server, poll) = S::polling(now);
                Self { server, now, poll: Some(poll), socket: None }
            }
            Begin::WebSocket => {
                let (server, socket) = S::websocket(now);
                Self { server, now, poll: None, socket: Some(socket) }
            }
        }
    }

    /// Opens a session and reads its handshake.
    pub(crate) fn open(begin: Begin) -> Self {
        let mut player = Self::new(begin);
        player.handshake(begin);
        player
    }

    /// Reads the handshake.
    pub(crate) fn handshake(&mut self, begin: Begin) -> String {
        match begin {
            Begin::Polling => self.answer_of_poll().unwrap().unwrap().to_string(),
            Begin::WebSocket => match self.next_frame() {
                Some(ToSocket::Frame(Frame::Text(text))) => text.to_string(),
                other => panic!("no handshake but {other:?}"),
            },
        }
    }

    fn answer_of_poll(&mut self) -> Option<Result<ByteString, Refusal>> {
        self.server.session().poll_answer(self.poll.expect("a poll"))
    }

    fn next_frame(&mut self) -> Option<ToSocket> {
        self.server.session().next_frame(self.socket.expect("a WebSocket"))
    }

    fn post(&mut self, body: &'static str) -> Result<(), Refusal> {
        let post = self.server.session().post_started(self.now)?;
        self.server.session().post_finished(post, Bytes::from_static(body.as_bytes()), self.now)
    }

    fn send(&mut self, frame: Frame) {
        self.server.session().websocket_message(self.socket.expect("a WebSocket"), frame, self.now);
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(at) = self.server.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.server.tick(self.now);
            self.server.answer(self.now);
        }
        self.now = until;
    }

    /// Plays the steps; `what` is said when one fails.
    pub(crate) fn play(&mut self, what: &str, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            let at = format!("{what}: step {index}, {step:?}");
            self.step(step, &at);
            self.server.answer(self.now);
        }
    }

    fn step(&mut self, step: &Step, at: &str) {
        let text = |text: &'static str| Some(ToSocket::Frame(Frame::Text(text.into())));
        match *step {
            Step::Get => self.poll = Some(self.server.session().poll_started(self.now).expect(at)),
            Step::GetRefused(status) => {
                assert_eq!(self.server.session().poll_started(self.now).map_err(Refusal::status), Err(status), "{at}");
            }
            Step::Gets(body) => assert_eq!(self.answer_of_poll(), Some(Ok(body.into())), "{at}"),
            Step::GetFails(status) => {
                let answer = self.answer_of_poll().map(|answer| answer.map_err(Refusal::status));
                assert_eq!(answer, Some(Err(status)), "{at}");
            }
            Step::Hangs => assert_eq!(self.answer_of_poll(), None, "{at}"),
            Step::Abort => self.server.session().poll_aborted(self.poll.expect(at), self.now),
            Step::Post(body) => assert_eq!(self.post(body), Ok(()), "{at}"),
            Step::PostRefused(body, status) => {
                assert_eq!(self.post(body).map_err(Refusal::status), Err(status), "{at}");
            }
            Step::Upgrade => self.socket = Some(self.server.session().websocket_opened(self.now).expect(at)),
            Step::UpgradeRefused(status) => {
                assert_eq!(
                    self.server.session().websocket_opened(self.now).map_err(Refusal::status),
                    Err(status),
                    "{at}"
                );
            }
            Step::Send(text) => self.send(Frame::Text(text.into())),
            Step::SendBinary(bytes) => self.send(Frame::Binary(Bytes::from_static(bytes))),
            Step::Recv(expected) => assert_eq!(self.next_frame(), text(expected), "{at}"),
            Step::RecvBinary(bytes) => {
                let expected = Some(ToSocket::Frame(Frame::Binary(Bytes::from_static(bytes))));
                assert_eq!(self.next_frame(), expected, "{at}");
            }
            Step::Silent => assert_eq!(self.next_frame(), None, "{at}"),
            Step::Closed => {
                let next = self.next_frame();
                assert!(matches!(next, Some(ToSocket::Close(_))), "{at}: {next:?}");
            }
            Step::Leave => self.server.session().websocket_closed(self.socket.expect(at), self.now),
            Step::Wait(millis) => self.wait(millis),
        }
    }
}
