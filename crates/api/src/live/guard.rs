//! What a client may send, judged by the heads of its frames before their bytes are kept: a client that announces
//! gigabytes is told so at once.

use super::CloseCode;

/// The longest payload of a control frame (RFC 6455, section 5.5).
const MAX_CONTROL: u64 = 125;

/// How many bytes of payload cost as much as a frame of its own.
const BYTES_PER_TOKEN: u64 = 4096;

/// The most frames that one message may be cut into.
const MAX_FRAGMENTS: u32 = 64;

/// The sizes that a client has to keep to.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameLimits {
    /// Most bytes of payload in one frame.
    pub(super) frame: u64,
    /// Most bytes of payload in one message, all its frames together.
    pub(super) message: u64,
    /// Whether binary frames are taken.
    pub(super) binary: bool,
}

/// How long a head is at most, with its mask.
const HEAD: usize = 14;

/// Reads the heads of the frames of one client, however the bytes are cut.
#[derive(Debug)]
pub(super) struct FrameGuard {
    limits: FrameLimits,
    /// The present frame's head, as far as it is here.
    head: [u8; HEAD],
    have: u8,
    /// The message that has begun and is not complete.
    open: Option<OpenMessage>,
}

/// A frame that keeps to the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) opcode: u8,
    /// Nothing of the message comes after it.
    pub(super) is_final: bool,
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct OpenMessage {
    fragments: u32,
    bytes: u64,
}

impl FrameGuard {
    pub(super) fn new(limits: FrameLimits) -> Self {
        Self { limits, head: [0; HEAD], have: 0, open: None }
    }

    /// Takes the next frame's head from the bytes, or as much of it as there is.
    ///
    /// # Errors
    /// The code to close with, as soon as the head breaks a rule.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Head>, CloseCode> {
        while let Some((first, rest)) = bytes.split_first() {
            *bytes = rest;
            let at = usize::from(self.have);
            self.head[at] = *first;
            self.have += 1;
            let have = at + 1;
            if have == 2 {
                self.check_start()?;
            }
            if have >= 2 && have == self.mask_at() {
                self.check_length(self.length())?;
            }
            if have >= 2 && have == self.mask_at() + 4 {
                let mut mask = [0; 4];
                mask.copy_from_slice(&self.head[self.mask_at()..have]);
                self.have = 0;
                let (opcode, is_final) = (self.opcode(), self.is_final());
                return Ok(Some(Head { opcode, is_final, mask, length: self.length() }));
            }
        }
        Ok(None)
    }

    /// Where the mask begins, once the first two bytes are here.
    fn mask_at(&self) -> usize {
        match self.head[1] & 0x7f {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    /// The payload's length, once everything before the mask is here.
    fn length(&self) -> u64 {
        match self.head[1] & 0x7f {
            126 | 127 => self.head[2..self.mask_at()].iter().fold(0, |length, byte| (length << 8) | u64::from(*byte)),
            short => u64::from(short),
        }
    }

    fn opcode(&self) -> u8 {
        self.head[0] & 0x0f
    }

    fn is_final(&self) -> bool {
        self.head[0] & 0x80 != 0
    }

    fn is_control(&self) -> bool {
        self.opcode() & 0x08 != 0
    }

    /// The rules about a head's first two bytes (RFC 6455, sections 5.2 to 5.5).
    fn check_start(&self) -> Result<(), CloseCode> {
        let reserved_bits = self.head[0] & 0x70 != 0;
        let unmasked = self.head[1] & 0x80 == 0;
        let broken_control = self.is_control() && (!self.is_final() || u64::from(self.head[1] & 0x7f) > MAX_CONTROL);
        let out_of_turn = match self.opcode() {
            0 => self.open.is_none(),
            1 | 2 => self.open.is_some(),
            8..=10 => false,
            _ => true,
        };
        if reserved_bits || unmasked || broken_control || out_of_turn {
            return Err(CloseCode::ProtocolError);
        }
        if self.opcode() == 2 && !self.limits.binary { Err(CloseCode::UnsupportedData) } else { Ok(()) }
    }

    fn check_length(&mut self, length: u64) -> Result<(), CloseCode> {
        if self.is_control() {
            return Ok(());
        }
        let mut message = self.open.take().unwrap_or_default();
        message.fragments += 1;
        message.bytes = message.bytes.saturating_add(length);
        let too_big = length > self.limits.frame || message.bytes > self.limits.message;
        if too_big || message.fragments > MAX_FRAGMENTS {
            return Err(CloseCode::MessageTooBig);
        }
        if !self.is_final() {
            self.open = Some(message);
        }
        Ok(())
    }
}

/// What a frame or request of so many bytes costs.
pub(super) fn price(length: u64) -> u32 {
    u32::try_from(1 + length / BYTES_PER_TOKEN).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const TEXT: u8 = 0x81;
    const TEXT_BEGIN: u8 = 0x01;
    const CONTINUE: u8 = 0x00;
    const CONTINUE_END: u8 = 0x80;
    const PING: u8 = 0x89;

    fn guard() -> FrameGuard {
        FrameGuard::new(FrameLimits { frame: 1000, message: 2500, binary: false })
    }

    /// A masked frame's head with the given first byte, as short as its length allows.
    fn head(first: u8, length: u64) -> Vec<u8> {
        let mut head = vec![first];
        if length < 126 {
            head.push(0x80 | u8::try_from(length).unwrap());
        } else if let Ok(length) = u16::try_from(length) {
            head.push(0x80 | 126);
            head.extend(length.to_be_bytes());
        } else {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
        head.extend([1, 2, 3, 4]);
        head
    }

    fn frame(first: u8, length: usize) -> Vec<u8> {
        let mut frame = head(first, length as u64);
        frame.extend(std::iter::repeat_n(b'x', length));
        frame
    }

    impl FrameGuard {
        /// Reads all frames, the last of which may be cut off. Gives what they cost.
        fn pass(&mut self, mut bytes: &[u8]) -> Result<u32, CloseCode> {
            let mut cost = 0;
            while let Some(head) = self.next(&mut bytes)? {
                cost += price(head.length);
                bytes = bytes.get(usize::try_from(head.length).unwrap()..).unwrap_or_default();
            }
            Ok(cost)
        }
    }

    fn refusal(bytes: &[u8]) -> CloseCode {
        guard().pass(bytes).unwrap_err()
    }

    #[test]
    fn a_declared_length_over_the_limit_is_refused_before_any_of_its_bytes() {
        assert_eq!(refusal(&head(TEXT, 1001)), CloseCode::MessageTooBig);
        assert_eq!(refusal(&head(TEXT, 8 << 30)), CloseCode::MessageTooBig);
        assert_eq!(refusal(&head(TEXT, u64::MAX)), CloseCode::MessageTooBig);
        assert!(guard().pass(&frame(TEXT, 1000)).is_ok());
    }

    #[test]
    fn a_message_is_limited_over_all_its_frames() {
        let mut sent = frame(TEXT_BEGIN, 1000);
        sent.extend(frame(CONTINUE, 1000));
        sent.extend(frame(CONTINUE_END, 500));
        assert!(guard().pass(&sent).is_ok());
        let mut sent = frame(TEXT_BEGIN, 1000);
        sent.extend(frame(CONTINUE, 1000));
        sent.extend(head(CONTINUE_END, 501));
        assert_eq!(refusal(&sent), CloseCode::MessageTooBig);
    }

    #[test]
    fn a_message_has_at_most_64_frames_and_the_next_one_counts_anew() {
        let mut message = frame(TEXT_BEGIN, 1);
        for _ in 0..62 {
            message.extend(frame(CONTINUE, 1));
        }
        let mut two = [message.clone(), frame(CONTINUE_END, 1)].concat();
        two.extend(two.clone());
        assert!(guard().pass(&two).is_ok());
        message.extend(frame(CONTINUE, 0));
        message.extend(frame(CONTINUE_END, 0));
        assert_eq!(refusal(&message), CloseCode::MessageTooBig);
    }

    #[test]
    fn control_frames_may_come_between_fragments() {
        let sent = [frame(TEXT_BEGIN, 3), frame(PING, 125), frame(CONTINUE_END, 3)].concat();
        assert!(guard().pass(&sent).is_ok());
    }

    #[test]
    fn what_breaks_the_protocol_is_refused() {
        let unmasked = vec![TEXT, 1];
        let cases = [
            ("unmasked", unmasked),
            ("reserved bit 1", head(TEXT | 0x40, 1)),
            ("reserved bit 3", head(TEXT | 0x10, 1)),
            ("unknown data opcode", head(0x83, 1)),
            ("unknown control opcode", head(0x8b, 1)),
            ("fragmented ping", head(0x09, 1)),
            ("long ping", head(PING, 126)),
            ("continuation of nothing", head(CONTINUE_END, 1)),
            ("second beginning", [frame(TEXT_BEGIN, 1), head(TEXT, 1)].concat()),
        ];
        for (name, sent) in cases {
            assert_eq!(refusal(&sent), CloseCode::ProtocolError, "{name}");
        }
    }

    #[test]
    fn binary_frames_are_refused_by_their_own_code() {
        assert_eq!(refusal(&head(0x82, 1)), CloseCode::UnsupportedData);
        assert_eq!(refusal(&head(0x02, 1)), CloseCode::UnsupportedData);
        let mut guard = FrameGuard::new(FrameLimits { frame: 1000, message: 2500, binary: true });
        assert_eq!(guard.pass(&frame(0x82, 10)), Ok(1), "they are taken where the protocol has them");
    }

    #[test]
    fn a_frame_costs_one_and_one_more_for_each_4096_bytes() {
        let mut guard = FrameGuard::new(FrameLimits { frame: 10_000, message: 10_000, binary: false });
        assert_eq!(guard.pass(&[frame(PING, 0), frame(TEXT, 4095), frame(TEXT, 8192)].concat()), Ok(1 + 1 + 3));
        assert_eq!(guard.pass(&frame(TEXT, 100)[..1]), Ok(0));
    }

    proptest! {
        #[test]
        fn the_judgement_does_not_depend_on_how_a_head_is_cut(bytes in vec(any::<u8>(), 0..20)) {
            let whole = guard().next(&mut &bytes[..]);
            let mut guard = guard();
            let mut by_byte = Ok(None);
            for byte in &bytes {
                by_byte = guard.next(&mut &[*byte][..]);
                if by_byte != Ok(None) {
                    break;
                }
            }
            prop_assert_eq!(by_byte, whole);
        }
    }
}
