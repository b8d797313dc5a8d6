//! What goes in and out of a session.

use crate::engine::packet::{Frame, Message};

/// One poll (GET request) of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollId(pub(super) u64);

/// One POST request of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostId(pub(super) u64);

/// One WebSocket of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketId(pub(super) u64);

/// What to do with a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToSocket {
    /// Write this as one message.
    Frame(Frame),
    /// Close it, with this code of RFC 6455. Nothing follows.
    Close(u16),
}

/// What the application gets from a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The client sent a message.
    Message(Message),
    /// The session is over. Nothing follows.
    Ended(EndReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// No pong came in time.
    PingTimeout,
    /// The WebSocket closed, or a poll or a POST was broken off.
    TransportClosed,
    /// The client sent a close packet.
    ClientClosed,
    /// The application closed the session.
    ServerClosed,
    /// Something came that is not what the protocols allow.
    ParseError,
    /// Two polls or two POSTs at once.
    Overlap,
    /// A WebSocket message was larger than the handshake's `maxPayload`.
    TooLarge,
    /// More waited for the client than may.
    SlowReader,
    /// Socket.IO: no namespace was connected in time.
    ConnectTimeout,
}

impl EndReason {
    /// A few words for logs and metrics: the reference server's, where it has the same reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PingTimeout => "ping timeout",
            Self::TransportClosed => "transport close",
            Self::ClientClosed => "client close",
            Self::ServerClosed => "forced close",
            Self::ParseError => "parse error",
            Self::Overlap => "overlapping requests",
            Self::TooLarge => "message too large",
            Self::SlowReader => "slow reader",
            Self::ConnectTimeout => "connect timeout",
        }
    }

    /// The code that a WebSocket is closed with (RFC 6455, section 7.4.1).
    pub(super) fn close_code(self) -> u16 {
        match self {
            Self::ParseError => 1002,
            Self::TooLarge => 1009,
            Self::SlowReader | Self::ConnectTimeout | Self::Overlap => 1008,
            Self::PingTimeout | Self::TransportClosed | Self::ClientClosed | Self::ServerClosed => 1000,
        }
    }
}
