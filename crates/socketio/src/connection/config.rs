//! What a connection is told about times and sizes.

use std::time::Duration;

use crate::engine;
use crate::packet;

/// Times and limits of a Socket.IO connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Those of the session underneath.
    pub engine: engine::Config,
    /// How long a client may take until it is connected to its first namespace. 45 s, as in the reference server.
    pub connect_timeout: Duration,
    /// What one packet may cost.
    pub packet: packet::Limits,
    /// The most namespaces that a client may be connected to, or wait for, at once. 8.
    pub namespaces: usize,
    /// The most events of one namespace whose acknowledgement is awaited at once. 256.
    pub pending_acks: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            engine: engine::Config::default(),
            connect_timeout: Duration::from_secs(45),
            packet: packet::Limits::default(),
            namespaces: 8,
            pending_acks: 256,
        }
    }
}
