//! What an HTTP request to the Engine.IO path asks for, and how one is refused (specification: "HTTP long-polling",
//! "WebSocket").

use bytestring::ByteString;

use crate::json::quote;

/// One of the two ways between client and server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportKind {
    /// HTTP long-polling.
    Polling,
    /// WebSocket.
    WebSocket,
}

impl TransportKind {
    /// The name in the query and in the handshake.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

/// A request that has all it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Open a session with a poll, and answer it with the handshake.
    OpenPolling,
    /// Open a session on a WebSocket.
    OpenWebSocket,
    /// Wait for packets (GET).
    Poll {
        /// The session's id.
        sid: ByteString,
    },
    /// Take packets (POST).
    Post {
        /// The session's id.
        sid: ByteString,
    },
    /// Upgrade the session to this WebSocket.
    Upgrade {
        /// The session's id.
        sid: ByteString,
    },
}

impl Request {
    /// Reads a request's method (in upper case), its query string and whether it asks for a WebSocket.
    ///
    /// Other keys than `EIO`, `transport` and `sid` are the application's; of a key that comes twice the first counts.
    ///
    /// # Errors
    /// The refusal to answer with.
    pub fn parse(method: &str, query: &str, websocket: bool) -> Result<Self, Refusal> {
        let value = |key: &str| {
            query
                .split('&')
                .find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == key).map(|(_, value)| value))
        };
        let transport = match value("transport") {
            Some("polling") => TransportKind::Polling,
            Some("websocket") => TransportKind::WebSocket,
            Some(_) | None => return Err(Refusal::UnknownTransport),
        };
        if value("EIO") != Some("4") {
            return Err(Refusal::UnsupportedProtocolVersion);
        }
        let sid = value("sid").filter(|sid| !sid.is_empty()).map(ByteString::from);
        match (transport, websocket, method, sid) {
            (TransportKind::Polling, false, "GET", None) => Ok(Self::OpenPolling),
            (TransportKind::Polling, false, "GET", Some(sid)) => Ok(Self::Poll { sid }),
            (TransportKind::Polling, false, "POST", Some(sid)) => Ok(Self::Post { sid }),
            (TransportKind::WebSocket, true, "GET", None) => Ok(Self::OpenWebSocket),
            (TransportKind::WebSocket, true, "GET", Some(sid)) => Ok(Self::Upgrade { sid }),
            (_, _, method, None) if method != "GET" => Err(Refusal::BadHandshakeMethod),
            (TransportKind::Polling | TransportKind::WebSocket, ..) => Err(Refusal::BadRequest),
        }
    }
}

/// Why a request is refused. Codes and messages are those of the reference server, which clients show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The query names no transport or one that does not exist.
    #[error("Transport unknown")]
    UnknownTransport,
    /// There is no such session, or it has ended.
    #[error("Session ID unknown")]
    UnknownSid,
    /// A session begins with GET.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// Anything else that is wrong with the request.
    #[error("Bad request")]
    BadRequest,
    /// The application does not want this client.
    #[error("Forbidden")]
    Forbidden,
    /// `EIO` is not 4.
    #[error("Unsupported protocol version")]
    UnsupportedProtocolVersion,
    /// The body is larger than the handshake's `maxPayload`.
    #[error("Payload too large")]
    PayloadTooLarge,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Forbidden => 403,
            Self::PayloadTooLarge => 413,
            Self::UnknownTransport
            | Self::UnknownSid
            | Self::BadHandshakeMethod
            | Self::BadRequest
            | Self::UnsupportedProtocolVersion => 400,
        }
    }

    /// The code in the body.
    pub fn code(self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest | Self::PayloadTooLarge => 3,
            Self::Forbidden => 4,
            Self::UnsupportedProtocolVersion => 5,
        }
    }

    /// The body, which is `application/json`.
    pub fn body(self) -> String {
        format!(r#"{{"code":{},"message":{}}}"#, self.code(), quote(&self.to_string()))
    }
}
