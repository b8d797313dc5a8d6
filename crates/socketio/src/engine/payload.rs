//! Many packets in the body of one HTTP request or response (specification: "Packet encoding", "HTTP long-polling").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use bytestring::ByteString;

use super::packet::{Frame, Packet, PacketError};

/// The record separator between two packets.
const SEPARATOR: char = '\u{1e}';

/// Decodes the body of a POST request: all of it, or nothing.
///
/// `max_packets` bounds what one body may cost: the smallest packet has one byte and is kept as some fifty.
///
/// # Errors
/// A body that is not UTF-8, has more than `max_packets` packets or one that is not a packet.
pub fn decode(body: Bytes, max_packets: usize) -> Result<Vec<Packet>, PayloadError> {
    let text = ByteString::try_from(body).map_err(|_| PayloadError::NotText)?;
    let mut packets = Vec::new();
    for part in text.split(SEPARATOR) {
        if packets.len() == max_packets {
            return Err(PayloadError::TooManyPackets);
        }
        packets.push(Packet::decode_text(&text.slice_ref(part))?);
    }
    Ok(packets)
}

/// Encodes frames as the body of a response to a poll.
pub fn encode<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> ByteString {
    let mut body = String::new();
    for frame in frames {
        append(&mut body, frame);
    }
    body.into()
}

pub(super) fn append(body: &mut String, frame: &Frame) {
    if !body.is_empty() {
        body.push(SEPARATOR);
    }
    match frame {
        Frame::Text(text) => body.push_str(text),
        Frame::Binary(bytes) => {
            body.push('b');
            STANDARD.encode_string(bytes, body);
        }
    }
}

/// How many bytes `frame` takes in a payload, without the separator.
pub(super) fn encoded_len(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => 1 + bytes.len().div_ceil(3) * 4,
    }
}

/// Why the body of a POST request is not a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The body is not UTF-8.
    #[error("a payload is not UTF-8")]
    NotText,
    /// There are more packets than the receiver takes at once.
    #[error("a payload has too many packets")]
    TooManyPackets,
    /// One of the packets is not a packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
}
