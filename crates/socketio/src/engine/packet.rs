//! One Engine.IO packet and how it looks on a WebSocket (specification: "Protocol", "Packet encoding").

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use bytestring::ByteString;

/// Clients exist that leave the padding out, and nothing is ambiguous without it.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What one WebSocket message holds, in either direction: one encoded packet.
///
/// A clone shares the bytes, so a frame that goes to many sessions is built once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text frame: the packet's type as a digit, then its data.
    Text(ByteString),
    /// A binary frame: the data of a message packet, as is.
    Binary(Bytes),
}

impl Frame {
    /// The length of the content, in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    /// Whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a message packet carries from one side to the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Plain text.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
}

impl Message {
    /// The message as it goes over the wire.
    pub fn to_frame(&self) -> Frame {
        match self {
            Self::Text(text) => Frame::Text(with_type('4', text)),
            Self::Binary(bytes) => Frame::Binary(bytes.clone()),
        }
    }
}

/// An Engine.IO packet. The data of types that have none is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// 0: the handshake's values, as JSON.
    Open(ByteString),
    /// 1: this transport may be closed.
    Close,
    /// 2: the server's heartbeat; with `probe`, the first packet of an upgrade.
    Ping(ByteString),
    /// 3: the answer to a ping, with the same data.
    Pong(ByteString),
    /// 4: data for the other side.
    Message(Message),
    /// 5: the client goes on over this transport.
    Upgrade,
    /// 6: nothing; it ends a poll.
    Noop,
}

impl Packet {
    /// Decodes what one WebSocket message held.
    ///
    /// A binary packet may come as base64, too: the stock client has an option for that.
    ///
    /// # Errors
    /// A text frame that is empty, does not begin with a type, or is broken base64.
    pub fn decode(frame: Frame) -> Result<Self, PacketError> {
        match frame {
            Frame::Binary(bytes) => Ok(Self::Message(Message::Binary(bytes))),
            Frame::Text(text) => Self::decode_text(&text),
        }
    }

    pub(super) fn decode_text(text: &ByteString) -> Result<Self, PacketError> {
        let mut rest = text.chars();
        let kind = rest.next().ok_or(PacketError::Empty)?;
        let data = || text.slice_ref(rest.as_str());
        Ok(match kind {
            '0' => Self::Open(data()),
            '1' => Self::Close,
            '2' => Self::Ping(data()),
            '3' => Self::Pong(data()),
            '4' => Self::Message(Message::Text(data())),
            '5' => Self::Upgrade,
            '6' => Self::Noop,
            'b' => {
                let bytes = BASE64.decode(rest.as_str()).map_err(|_| PacketError::Base64)?;
                Self::Message(Message::Binary(bytes.into()))
            }
            _ => return Err(PacketError::UnknownType),
        })
    }

    /// The packet as it goes over the wire.
    pub fn encode(&self) -> Frame {
        Frame::Text(match self {
            Self::Open(data) => with_type('0', data),
            Self::Close => ByteString::from_static("1"),
            Self::Ping(data) => with_type('2', data),
            Self::Pong(data) => with_type('3', data),
            Self::Message(message) => return message.to_frame(),
            Self::Upgrade => ByteString::from_static("5"),
            Self::Noop => ByteString::from_static("6"),
        })
    }
}

fn with_type(kind: char, data: &str) -> ByteString {
    let mut text = String::with_capacity(1 + data.len());
    text.push(kind);
    text.push_str(data);
    text.into()
}

/// Why something is not an Engine.IO packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PacketError {
    /// There is not even a type.
    #[error("a packet is empty")]
    Empty,
    /// The first character is none of `0` to `6`, nor `b`.
    #[error("a packet has an unknown type")]
    UnknownType,
    /// What follows `b` is no base64.
    #[error("a binary packet is not base64")]
    Base64,
}
