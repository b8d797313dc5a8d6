//! What comes from a client: bytes, judged before they are kept, made into messages.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::{
    CloseCode,
    frame::{BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT},
    guard::{FrameGuard, FrameLimits, Head, price},
    quota::Quota,
};

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client is not there any more.
    Gone,
    /// The client closes, with this code if it gave one.
    Closed(Option<u16>),
    /// The server closes.
    Close(CloseCode),
}

/// What came from the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Received {
    Text(ByteString),
    Binary(Bytes),
    Ping(Bytes),
    Pong,
    End(End),
}

/// The client's side of a socket: nothing is kept but what has not been taken yet.
#[derive(Debug)]
pub(super) struct Incoming {
    guard: FrameGuard,
    quota: Arc<Quota>,
    frame: Option<OpenFrame>,
    /// The message that has begun, as far as it is here.
    message: BytesMut,
    is_text: bool,
    /// The payload of the present control frame, which may come amid a message.
    control: BytesMut,
    received: VecDeque<Received>,
    /// Nothing counts that comes after an end.
    ended: bool,
}

/// A frame whose payload is not here yet.
#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    opcode: u8,
    is_final: bool,
    mask: [u8; 4],
    left: u64,
}

impl Incoming {
    pub(super) fn new(limits: FrameLimits, quota: Arc<Quota>) -> Self {
        Self {
            guard: FrameGuard::new(limits),
            quota,
            frame: None,
            message: BytesMut::new(),
            is_text: false,
            control: BytesMut::new(),
            received: VecDeque::new(),
            ended: false,
        }
    }

    /// What comes next, if it is here.
    pub(super) fn next(&mut self) -> Option<Received> {
        let next = self.received.pop_front();
        if self.received.is_empty() {
            self.received = VecDeque::new();
        }
        next
    }

    /// Takes bytes from the client.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        if let Err(code) = self.quota.take(0, bytes.len()).and_then(|()| self.read(bytes)) {
            self.end(End::Close(code));
        }
    }

    /// Nothing comes any more, after an end that the client has announced or without one.
    pub(super) fn end(&mut self, end: End) {
        if !self.ended {
            self.ended = true;
            (self.message, self.control) = Default::default();
            self.received.push_back(Received::End(end));
        }
    }

    fn read(&mut self, mut bytes: &[u8]) -> Result<(), CloseCode> {
        while !self.ended {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.guard.next(&mut bytes)? {
                    Some(head) => self.begin(head)?,
                    None => return Ok(()),
                },
            };
            let here = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (payload, rest) = bytes.split_at(here);
            bytes = rest;
            self.keep(&mut frame, payload);
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(());
            }
            self.complete(frame)?;
        }
        Ok(())
    }

    fn begin(&mut self, Head { opcode, is_final, mask, length }: Head) -> Result<OpenFrame, CloseCode> {
        self.quota.take(price(length), 0)?;
        if matches!(opcode, TEXT | BINARY) {
            self.is_text = opcode == TEXT;
        }
        Ok(OpenFrame { opcode, is_final, mask, left: length })
    }

    fn keep(&mut self, frame: &mut OpenFrame, payload: &[u8]) {
        let to = if frame.is_control() { &mut self.control } else { &mut self.message };
        let before = to.len();
        to.extend_from_slice(payload);
        for (byte, mask) in to[before..].iter_mut().zip(frame.mask.iter().cycle()) {
            *byte ^= mask;
        }
        // The next payload goes on where this one ends.
        frame.mask.rotate_left(payload.len() % 4);
        frame.left -= payload.len() as u64;
    }

    fn complete(&mut self, frame: OpenFrame) -> Result<(), CloseCode> {
        let received = match frame.opcode {
            TEXT | BINARY | CONTINUATION if !frame.is_final => return Ok(()),
            TEXT | BINARY | CONTINUATION => {
                let message = std::mem::take(&mut self.message).freeze();
                if self.is_text {
                    Received::Text(ByteString::try_from(message).map_err(|_| CloseCode::InvalidUtf8)?)
                } else {
                    Received::Binary(message)
                }
            }
            PING => Received::Ping(std::mem::take(&mut self.control).freeze()),
            PONG => {
                self.control = BytesMut::new();
                Received::Pong
            }
            CLOSE => {
                let code = close_code(&self.control)?;
                self.end(End::Closed(code));
                return Ok(());
            }
            _ => return Err(CloseCode::ProtocolError),
        };
        self.received.push_back(received);
        Ok(())
    }
}

impl OpenFrame {
    const fn is_control(&self) -> bool {
        self.opcode & 0x08 != 0
    }
}

/// The code in the payload of a close frame (RFC 6455, sections 5.5.1 and 7.4).
fn close_code(payload: &[u8]) -> Result<Option<u16>, CloseCode> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return if payload.is_empty() { Ok(None) } else { Err(CloseCode::ProtocolError) };
    };
    if std::str::from_utf8(reason).is_err() {
        return Err(CloseCode::InvalidUtf8);
    }
    match u16::from_be_bytes(*code) {
        code @ (1000..=1003 | 1007..=1014 | 3000..=4999) => Ok(Some(code)),
        _ => Err(CloseCode::ProtocolError),
    }
}

#[cfg(test)]
mod tests {
    use parlor_services::Rate;
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    const FIN: u8 = 0x80;
    const LIMITS: FrameLimits = FrameLimits { frame: 1000, message: 2500, binary: true };

    fn incoming(burst: u32) -> Incoming {
        let quota = Quota::new(Rate { burst, per_minute: 1 }, 100_000);
        Incoming::new(LIMITS, Arc::new(quota))
    }

    /// A frame under a mask.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = match payload.len() {
            0..126 => vec![first, 0x80 | length[1]],
            _ => vec![first, 0x80 | 126, length[0], length[1]],
        };
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    fn received(mut incoming: Incoming, pieces: &[&[u8]]) -> Vec<Received> {
        for piece in pieces {
            incoming.take(piece);
        }
        std::iter::from_fn(|| incoming.next()).collect()
    }

    fn text(text: &str) -> Received {
        Received::Text(text.into())
    }

    #[test]
    fn messages_come_whole_whatever_comes_between_their_fragments() {
        let hello = "héllo".as_bytes();
        let bytes = [
            frame(TEXT, &hello[..2]),
            frame(FIN | PING, b"are you there?"),
            frame(CONTINUATION, &hello[2..3]),
            frame(FIN | PONG, b"x"),
            frame(FIN | CONTINUATION, &hello[3..]),
            frame(FIN | BINARY, &[0xff]),
            frame(FIN | TEXT, b""),
        ]
        .concat();
        let expected = [
            Received::Ping("are you there?".into()),
            Received::Pong,
            text("héllo"),
            Received::Binary(Bytes::from_static(&[0xff])),
            text(""),
        ];
        assert_eq!(received(incoming(10), &[&bytes]), expected);
    }

    #[test]
    fn what_came_before_a_broken_rule_counts_and_nothing_after_it() {
        let bytes = [frame(FIN | TEXT, b"a"), frame(FIN | 3, b""), frame(FIN | TEXT, b"b")].concat();
        let end = Received::End(End::Close(CloseCode::ProtocolError));
        assert_eq!(received(incoming(10), &[&bytes, &frame(FIN | TEXT, b"c")]), [text("a"), end]);
    }

    #[test]
    fn a_close_ends_what_counts() {
        let end = |code| Received::End(End::Closed(code));
        for (payload, expected) in [
            (&b""[..], end(None)),
            (&[0x10, 0xe1], end(Some(4321))),
            (&[3, 0xe8, b'b', b'y', b'e'], end(Some(1000))),
            (&[3, 0xed], Received::End(End::Close(CloseCode::ProtocolError))),
            (&[3], Received::End(End::Close(CloseCode::ProtocolError))),
            (&[3, 0xe8, 0xff], Received::End(End::Close(CloseCode::InvalidUtf8))),
        ] {
            let bytes = [frame(FIN | CLOSE, payload), frame(FIN | TEXT, b"late")].concat();
            assert_eq!(received(incoming(10), &[&bytes]), [expected], "{payload:?}");
        }
    }

    #[test]
    fn frames_over_the_quota_end_it() {
        let bytes = frame(FIN | TEXT, b"a").repeat(4);
        let end = Received::End(End::Close(CloseCode::RateLimited));
        assert_eq!(received(incoming(3), &[&bytes]), [text("a"), text("a"), text("a"), end]);
    }

    #[test]
    fn who_has_not_said_who_he_is_is_read_no_further_than_allowed() {
        let mut incoming = Incoming::new(LIMITS, Arc::new(Quota::new(Rate { burst: 9, per_minute: 1 }, 20)));
        incoming.take(&frame(FIN | TEXT, b"0123456789"));
        assert_eq!(incoming.next(), Some(text("0123456789")));
        incoming.take(b"12345");
        assert_eq!(incoming.next(), Some(Received::End(End::Close(CloseCode::AuthenticationTimeout))));
    }

    #[test]
    fn nothing_is_kept_while_nothing_comes() {
        let mut incoming = incoming(10);
        incoming.take(&[frame(FIN | TEXT, b"a"), frame(FIN | PING, b"b")].concat());
        while incoming.next().is_some() {}
        let kept = incoming.message.capacity() + incoming.control.capacity() + incoming.received.capacity();
        assert_eq!(kept, 0);
    }

    /// Messages as a client would send them: each of one or more frames, with pings between.
    fn messages() -> impl Strategy<Value = Vec<(Vec<usize>, bool)>> {
        vec((vec(0..400_usize, 1..6), any::<bool>()), 0..8)
    }

    fn write(messages: &[(Vec<usize>, bool)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (lengths, ping) in messages {
            for (at, length) in lengths.iter().enumerate() {
                let opcode = if at == 0 { TEXT } else { CONTINUATION };
                let fin = if at + 1 == lengths.len() { FIN } else { 0 };
                bytes.extend(frame(fin | opcode, &vec![b'a'; *length]));
                if *ping {
                    bytes.extend(frame(FIN | PING, &vec![b'p'; length % 126]));
                }
            }
        }
        bytes
    }

    proptest! {
        #[test]
        fn what_is_received_does_not_depend_on_how_the_bytes_are_cut(
            messages in messages(),
            broken in vec(any::<u8>(), 0..20),
            cuts in vec(any::<Index>(), 0..30),
        ) {
            let bytes = [write(&messages), broken].concat();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|piece| &bytes[piece[0]..piece[1]]).collect();
            prop_assert_eq!(received(incoming(1000), &pieces), received(incoming(1000), &[&bytes]));
        }

        #[test]
        fn ordinary_messages_are_all_received(messages in messages()) {
            let texts = received(incoming(1000), &[&write(&messages)]);
            let lengths: Vec<usize> = texts
                .iter()
                .filter_map(|received| match received {
                    Received::Text(text) => Some(text.len()),
                    Received::Binary(_) | Received::Ping(_) | Received::Pong | Received::End(_) => None,
                })
                .collect();
            let sent: Vec<usize> = messages.iter().map(|(lengths, _)| lengths.iter().sum()).collect();
            prop_assert_eq!(lengths, sent);
        }
    }
}
