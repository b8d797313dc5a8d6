//! What goes in and out of a connection.

use crate::engine::EndReason;
use crate::json::{Json, quote};
use crate::packet::{Args, Namespace};

/// What the application gets from a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The client wants to connect to a namespace: answer with
    /// [`accept`](super::Connection::accept) or [`refuse`](super::Connection::refuse).
    Connect {
        /// The namespace, which need not exist.
        namespace: Namespace,
        /// What the client shows for it: an object.
        auth: Option<Json>,
    },
    /// The client sent an event.
    Event {
        /// A namespace that the client is connected to.
        namespace: Namespace,
        /// The name and the arguments.
        event: crate::packet::Event,
        /// Set when the client wants an [`ack`](super::Connection::ack) with this id.
        ack: Option<u64>,
    },
    /// The client acknowledged an event.
    Ack {
        /// The event's namespace.
        namespace: Namespace,
        /// What [`emit_with_ack`](super::Connection::emit_with_ack) returned.
        id: u64,
        /// What the client answers.
        args: Args,
    },
    /// The client did not acknowledge an event in time.
    AckTimeout {
        /// The event's namespace.
        namespace: Namespace,
        /// What [`emit_with_ack`](super::Connection::emit_with_ack) returned.
        id: u64,
    },
    /// The client is no longer connected to a namespace that it was connected to. No acknowledgement comes any more.
    Disconnected {
        /// The namespace.
        namespace: Namespace,
        /// Why.
        reason: DisconnectReason,
    },
    /// The session is over. Nothing follows.
    Ended(EndReason),
}

/// Why a client is no longer connected to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// The client left the namespace.
    ByClient,
    /// The application disconnected the client.
    ByServer,
    /// The whole session ended or is being closed.
    Ended(EndReason),
}

impl DisconnectReason {
    /// A few words for logs and metrics: the reference server's, where it has the same reason.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ByClient => "client namespace disconnect",
            Self::ByServer => "server namespace disconnect",
            Self::Ended(reason) => reason.as_str(),
        }
    }
}

/// What a client is told when it is connected to a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// The id of the client in this namespace. Others may see it; it must not be the session's id.
    pub sid: String,
    /// The name under which the client may ask to be recovered when it comes back: it sends it in `auth`, with the
    /// last offset that it received. If what it stands for is kept on the server and not in the name itself, it must be
    /// impossible to guess.
    pub pid: Option<String>,
}

impl Welcome {
    /// Only an id.
    pub fn new(sid: impl Into<String>) -> Self {
        Self { sid: sid.into(), pid: None }
    }

    pub(super) fn to_json(&self) -> String {
        let sid = quote(&self.sid);
        match &self.pid {
            Some(pid) => format!(r#"{{"sid":{sid},"pid":{}}}"#, quote(pid)),
            None => format!(r#"{{"sid":{sid}}}"#),
        }
    }
}

/// Why a client may not connect to a namespace: what its `connect_error` handler gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectError {
    /// The error's message.
    pub message: String,
    /// The error's `data`, if there is any.
    pub data: Option<Json>,
}

impl ConnectError {
    /// Only a message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// There is no such namespace; the message is the reference server's.
    pub fn invalid_namespace() -> Self {
        Self::new("Invalid namespace")
    }

    pub(super) fn to_json(&self) -> String {
        let message = quote(&self.message);
        match &self.data {
            Some(data) => format!(r#"{{"message":{message},"data":{}}}"#, data.as_str()),
            None => format!(r#"{{"message":{message}}}"#),
        }
    }
}

/// Why something cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The client is not connected to the namespace, or no longer; or, for the answer to a CONNECT, it waits for none.
    #[error("the client is not connected to the namespace")]
    NotConnected,
    /// Too many acknowledgements are awaited.
    #[error("too many acknowledgements are awaited")]
    TooManyAcks,
}
