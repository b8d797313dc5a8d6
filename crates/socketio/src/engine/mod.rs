//! Engine.IO, version 4, the server's side: sessions over HTTP long-polling and WebSocket.
//!
//! A [`Session`] is usable by itself. [`Request::parse`] says what an HTTP request wants; the rest is one method for
//! each thing that may happen. Section names in the documentation are those of the published specification.

mod config;
mod handshake;
mod heartbeat;
mod outbox;
mod packet;
pub mod payload;
mod request;
mod session;

pub use config::Config;
pub use packet::{Frame, Message, Packet, PacketError};
pub use payload::PayloadError;
pub use request::{Refusal, Request, TransportKind};
pub use session::{EndReason, Event, PollId, PostId, Session, SocketId, ToSocket};
