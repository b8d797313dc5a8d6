//! Sign-ins and the tokens that belong to them.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{SessionId, Timestamp, UserId, value::text_value};

/// One sign-in on one device: a family of refresh tokens of which only the newest is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The session's id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the device called itself.
    pub device: DeviceLabel,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When its tokens were last renewed.
    pub renewed_at: Timestamp,
    /// When it ends unless it is renewed before.
    pub idle_expires_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

impl Session {
    /// When the session ends as things stand: the earlier of its two ends.
    pub fn ends_at(&self) -> Timestamp {
        self.idle_expires_at.min(self.expires_at)
    }
}

/// What a device called itself (its `User-Agent`), cut to 200 characters, control characters taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceLabel(String);
text_value!(DeviceLabel);

impl DeviceLabel {
    /// Whatever the device said, made harmless.
    pub fn new(text: &str) -> Self {
        Self(text.chars().filter(|c| !c.is_control()).take(200).collect())
    }
}

/// The SHA-256 of a secret that was handed out: what a store keeps of refresh tokens and tickets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret with at least 128 random bits; a guessable one would need a slow hash.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A password's bcrypt hash in its usual text form (`$2b$…`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what the hash function gave.
    pub const fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The text, for a store and for the check.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
