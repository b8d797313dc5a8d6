//! Socket.IO packets, version 5, and their encoding by the default parser (specification: "Packet encoding").
//!
//! What a packet carries stays JSON text: it is checked on the way in, serialised once on the way out, and parsed
//! only by the application.

mod args;
mod decoder;
mod encoded;
mod event;
mod namespace;
mod placeholder;

pub use args::{Args, ArgsError};
pub use decoder::{DecodeError, Decoder, Limits};
pub use encoded::Encoded;
pub use event::{Event, RESERVED_NAMES, ReservedName};
pub use namespace::{InvalidNamespace, Namespace};
pub use placeholder::Attachment;

use crate::json::Json;

/// The largest id of an acknowledgement: beyond it, a JavaScript number is not exact.
pub const MAX_ACK_ID: u64 = (1 << 53) - 1;

/// A Socket.IO packet with all its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Whom it is for.
    pub namespace: Namespace,
    /// What it says.
    pub content: Content,
}

/// The types of packets. Those with attachments are the specification's BINARY_EVENT and BINARY_ACK.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Connect to the namespace, with an object that the client shows for it; or, from the server: connected.
    Connect(Option<Json>),
    /// Leave the namespace.
    Disconnect,
    /// An event, with an id if the sender wants it acknowledged.
    Event {
        /// The id, at most [`MAX_ACK_ID`].
        id: Option<u64>,
        /// The name and the arguments.
        event: Event,
    },
    /// The acknowledgement of an event.
    Ack {
        /// The event's id.
        id: u64,
        /// What the receiver answers.
        args: Args,
    },
    /// The connection to the namespace is refused, for the reason in this object.
    ConnectError(Json),
}
