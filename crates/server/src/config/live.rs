//! Settings of sockets and of presence.

use serde::Deserialize;

use super::{ByteSize, HumanDuration, RateSettings};

/// Sockets: the section `[live]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSettings {
    /// How long a socket may be open before its client has said who it is.
    pub auth_timeout: HumanDuration,
    /// How often each socket is pinged.
    pub ping_interval: HumanDuration,
    /// How long a socket may be silent.
    pub idle_timeout: HumanDuration,
    /// Largest frame of a client.
    pub max_frame: ByteSize,
    /// Largest message of a client, all its frames together.
    pub max_message: ByteSize,
    /// Most bytes that wait for one socket.
    pub queue_bytes: ByteSize,
    /// Frames from one socket.
    pub frames_per_connection: RateSettings,
    /// Most sockets of one user at a time.
    pub connections_per_user: usize,
    /// Most sockets of one address that are not authenticated yet.
    pub unauthenticated_per_address: usize,
    /// Most Socket.IO sessions of one address.
    pub sessions_per_address: usize,
    /// How long a one-time ticket is good.
    pub ticket_ttl: HumanDuration,
}

/// Who is online: the section `[presence]`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceSettings {
    /// How long a user is shown online after the last socket closed.
    pub grace: HumanDuration,
    /// Changes within this time are told as one.
    pub coalesce: HumanDuration,
    /// How long a socket counts as live after it was last heard of.
    pub lease: HumanDuration,
}
