//! The frames of WebSockets (RFC 6455, section 5) as the server writes them: whole and unmasked, so that one and the
//! same goes to all who get it.

use bytes::Bytes;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The bit for a frame that is a whole message.
const FINAL: u8 = 0x80;

/// The most bytes before a payload.
pub(super) const HEADROOM: usize = 10;

/// A frame around a payload.
pub(super) fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut bytes = Vec::with_capacity(HEADROOM + payload.len());
    bytes.resize(HEADROOM, 0);
    bytes.extend_from_slice(payload);
    framed(opcode, bytes)
}

/// A frame around a payload that was written behind [`HEADROOM`] bytes.
pub(super) fn framed(opcode: u8, mut bytes: Vec<u8>) -> Bytes {
    let length = bytes.len() - HEADROOM;
    let (short, more) = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => (short, 0),
        (_, Ok(_)) => (126, 2),
        _ => (127, 8),
    };
    let start = HEADROOM - 2 - more;
    bytes[start] = FINAL | opcode;
    bytes[start + 1] = short;
    bytes[start + 2..HEADROOM].copy_from_slice(&(length as u64).to_be_bytes()[8 - more..]);
    Bytes::from(bytes).slice(start..)
}

/// The frame that closes a socket, with a code and a word of explanation if there is a code to give.
pub(super) fn close(reason: Option<(u16, &str)>) -> Bytes {
    let payload = reason.map(|(code, name)| [&code.to_be_bytes(), name.as_bytes()].concat());
    frame(CLOSE, &payload.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_as_short_as_its_length_allows() {
        for (length, head) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = frame(TEXT, &vec![b'x'; length]);
            assert_eq!(frame.len(), head.len() + length);
            assert_eq!(&frame[..head.len()], head);
            assert!(frame[head.len()..].iter().all(|byte| *byte == b'x'));
        }
    }

    #[test]
    fn a_close_frame_tells_its_code_and_why() {
        assert_eq!(&close(Some((4006, "slow_reader")))[..], b"\x88\x0d\x0f\xa6slow_reader");
        assert_eq!(&close(Some((1000, "")))[..], b"\x88\x02\x03\xe8");
        assert_eq!(&close(None)[..], b"\x88\x00");
    }
}
