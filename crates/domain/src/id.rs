//! Ids: 12 bytes, written as 24 hex digits, one newtype for each kind of thing.
//!
//! The form is that of a MongoDB ObjectId, which existing front ends validate and existing databases carry.
//! The first four bytes are the second of creation, so that ids made together lie together in an index. The
//! other eight are random, so that an id tells nothing about the next one. Ids of messages are made otherwise: see
//! [`MessageId::for_send`].

use std::{fmt, str::FromStr};

use crate::{Clock, Entropy, InvalidValue};

/// The bytes behind every id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 12]);

impl ObjectId {
    /// An id of the present second.
    pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; 12];
        // Seconds as ObjectIds count them: unsigned 32 bits, good until 2106.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the format has 32 bits")]
        let seconds = (clock.now().as_millis() / 1000) as u32;
        bytes[..4].copy_from_slice(&seconds.to_be_bytes());
        entropy.fill(&mut bytes[4..]);
        Self(bytes)
    }

    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// The text, as 24 ASCII digits.
    pub fn to_hex(&self) -> [u8; 24] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 24];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.to_hex()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        const INVALID: InvalidValue = InvalidValue::new("invalid_id", "must be 24 hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 24 {
            return Err(INVALID);
        }
        let mut bytes = [0; 12];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let high = char::from(pair[0]).to_digit(16).ok_or(INVALID)?;
            let low = char::from(pair[1]).to_digit(16).ok_or(INVALID)?;
            *byte = u8::try_from(high * 16 + low).map_err(|_| INVALID)?;
        }
        Ok(Self(bytes))
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(ObjectId);

        impl $name {
            /// The id with these bytes.
            pub const fn from_bytes(bytes: [u8; 12]) -> Self {
                Self(ObjectId::from_bytes(bytes))
            }

            /// The bytes, for a store.
            pub const fn as_bytes(&self) -> &[u8; 12] {
                self.0.as_bytes()
            }

            /// The text, as 24 ASCII digits.
            pub fn to_hex(&self) -> [u8; 24] {
                self.0.to_hex()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidValue;

            fn from_str(text: &str) -> Result<Self, InvalidValue> {
                text.parse().map(Self)
            }
        }
    )*};
}

/// Ids that are made of the time and of random bytes.
macro_rules! generated_ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        ids! { $($(#[$doc])* $name;)* }
        $(
            impl $name {
                /// A new id of the present second.
                pub fn generate(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
                    Self(ObjectId::generate(clock, entropy))
                }
            }
        )*
    };
}

generated_ids! {
    /// An account.
    UserId;
    /// One sign-in on one device: a family of refresh tokens.
    SessionId;
    /// One socket of one session.
    ConnectionId;
    /// Where messages live.
    ConversationId;
    /// A friend request.
    FriendRequestId;
    /// An entry of the audit log.
    AuditId;
}

ids! {
    /// A message.
    MessageId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SeededEntropy, SettableClock};

    #[test]
    fn an_id_reads_back_from_its_own_text() {
        let id = UserId::generate(&SettableClock::default(), &SeededEntropy::new(1));
        assert_eq!(id.to_string().len(), 24);
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
    }

    #[test]
    fn upper_case_digits_are_the_same_id() {
        let id: UserId = "65F0C0FFEE65F0C0FFEE65F0".parse().unwrap();
        assert_eq!(id.to_string(), "65f0c0ffee65f0c0ffee65f0");
    }

    #[test]
    fn what_is_not_24_hex_digits_is_no_id() {
        for text in [
            "",
            "65f0",
            "65f0c0ffee65f0c0ffee65fg",
            "65f0c0ffee65f0c0ffee65f0a",
            "éééééééééééé",
            "../../etc/passwd00000000",
        ] {
            assert!(text.parse::<UserId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn two_ids_of_one_second_share_only_the_second() {
        let (clock, entropy) = (SettableClock::default(), SeededEntropy::new(1));
        let (a, b) = (UserId::generate(&clock, &entropy), UserId::generate(&clock, &entropy));
        assert_eq!(a.as_bytes()[..4], b.as_bytes()[..4]);
        assert_ne!(a.as_bytes()[4..11], b.as_bytes()[4..11]);
    }
}
