//! Engine.IO v4 and Socket.IO v5, the server's side, as a state machine without IO.
//!
//! Bytes and the time go in; bytes, deadlines and events come out. There is no socket in here, no timer, no task and
//! no framework: a server on any of them is a few calls for each request. Times are [`Duration`](std::time::Duration)s
//! since any moment that the caller chooses. The ids of sessions come from the caller, who must make them impossible
//! to guess.
//!
//! - [`Connection`] is one client: namespaces, events, acknowledgements both ways, over
//! - [`engine::Session`], which is usable without Socket.IO: handshake, polling, WebSocket, upgrade, heartbeat;
//! - [`packet`] and [`engine::payload`] are the codecs.
//!
//! The codecs are ours: those of `engineioxide-core` and `socketioxide-parser-common` decode payloads from an
//! `http_body` stream and carry arguments in value types of their own, which here would be as many lines of adapters
//! as the codecs have. With our own, limits are checked before anything is kept, and arguments stay the JSON text that
//! the client sent.
//!
//! # How a server uses it
//!
//! Put the connection behind a lock, together with something that wakes tasks. After every call, wake all of them:
//!
//! - the task of a GET request asks [`poll_answer`](engine::Session::poll_answer) until there is an answer; if the
//!   request is dropped before, it says [`poll_aborted`](engine::Session::poll_aborted);
//! - the handler of a POST request says [`post_started`](engine::Session::post_started), reads the body, and says
//!   [`post_finished`](engine::Session::post_finished), or
//!   [`post_too_large`](engine::Session::post_too_large), or, if the body breaks off,
//!   [`post_aborted`](engine::Session::post_aborted);
//! - the task of a WebSocket hands in what it reads with
//!   [`websocket_message`](engine::Session::websocket_message), and writes what
//!   [`next_frame`](engine::Session::next_frame) returns as long as that is something;
//! - one task for each session calls [`Connection::tick`] at [`Connection::deadline`], and handles what
//!   [`Connection::next_event`] returns. After [`Event::Ended`] it forgets the session.
//!
//! `examples/echo` is a whole server of that kind on actix-web, for Engine.IO and for Socket.IO.
//!
//! A client that begins with polling, moves to a WebSocket and sends an event that is acknowledged:
//!
//! ```
//! use std::time::Duration;
//!
//! use parlor_socketio::engine::{Frame, Refusal, Request, ToSocket};
//! use parlor_socketio::packet::{self, Args, Namespace};
//! use parlor_socketio::{Config, Connection, Event, Welcome};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Duration::ZERO;
//! let text = |text: &str| Frame::Text(text.into());
//!
//! // GET /socket.io/?EIO=4&transport=polling
//! assert_eq!(Request::parse("GET", "EIO=4&transport=polling", false)?, Request::OpenPolling);
//! let (mut connection, poll) = Connection::polling(Config::default(), "lv_VI97HAXpY6yYWAAAC".into(), now);
//! let body = connection.session().poll_answer(poll).ok_or("a handshake never hangs")??;
//! assert!(body.starts_with(r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"#));
//!
//! // POST …&sid=lv_VI97HAXpY6yYWAAAC: the client connects to the main namespace.
//! let post = connection.session().post_started(now)?;
//! connection.session().post_finished(post, r#"40{"token":"abc"}"#.into(), now)?; // "ok"
//! let Some(Event::Connect { namespace, auth: Some(auth) }) = connection.next_event(now) else { panic!() };
//! assert_eq!(auth.as_str(), r#"{"token":"abc"}"#);
//! connection.accept(&namespace, &Welcome::new("wZX3oN0bSVIhsaknAAAI"))?;
//!
//! // GET …&sid=lv_VI97HAXpY6yYWAAAC: the first poll has an answer, the second hangs.
//! let poll = connection.session().poll_started(now)?;
//! assert_eq!(connection.session().poll_answer(poll), Some(Ok(r#"40{"sid":"wZX3oN0bSVIhsaknAAAI"}"#.into())));
//! let poll = connection.session().poll_started(now)?;
//! assert_eq!(connection.session().poll_answer(poll), None);
//!
//! // GET …&transport=websocket&sid=lv_VI97HAXpY6yYWAAAC: the upgrade, which releases the poll.
//! let socket = connection.session().websocket_opened(now)?;
//! connection.session().websocket_message(socket, text("2probe"), now);
//! assert_eq!(connection.session().next_frame(socket), Some(ToSocket::Frame(text("3probe"))));
//! let now = connection.deadline().ok_or("the session is alive")?;
//! connection.tick(now);
//! assert_eq!(connection.session().poll_answer(poll), Some(Ok("6".into())));
//! connection.session().websocket_message(socket, text("5"), now);
//! assert_eq!(connection.session().poll_started(now), Err(Refusal::BadRequest));
//!
//! // An event from the client, which wants it acknowledged.
//! connection.session().websocket_message(socket, text(r#"4212["message",{"text":"Hi"}]"#), now);
//! let Some(Event::Event { event, ack: Some(id), .. }) = connection.next_event(now) else { panic!() };
//! assert_eq!(event.name(), "message");
//! connection.ack(&Namespace::MAIN, id, &Args::new(&("stored", 7))?)?;
//! assert_eq!(connection.session().next_frame(socket), Some(ToSocket::Frame(text(r#"4312["stored",7]"#))));
//!
//! // An event to the client, serialised once and framed for each connection.
//! let news = packet::Event::new("news", Args::new(&("Hello",))?)?;
//! connection.emit(&Namespace::MAIN, &news)?;
//! assert_eq!(connection.session().next_frame(socket), Some(ToSocket::Frame(text(r#"42["news","Hello"]"#))));
//! assert_eq!(connection.session().next_frame(socket), None); // until there is more
//! # Ok(())
//! # }
//! ```
//!
//! # What it leaves to the server
//!
//! HTTP itself (CORS, cookies, compression), who a session belongs to, how many sessions there are, how many events
//! a client may send in a second, and reading a body or a WebSocket message no further than
//! [`max_payload`](engine::Config::max_payload). What was read waits for [`Connection::next_event`]: who handles events
//! more slowly than they are read looks at [`pending_events`](engine::Session::pending_events), and reads on later.
//!
//! The content type of a POST does not matter: in this version of the protocol a payload is always text.

mod connection;
pub mod engine;
mod json;
pub mod packet;
mod queue;

pub use connection::{Config, ConnectError, Connection, DisconnectReason, Event, SendError, Welcome};
pub use json::Json;
