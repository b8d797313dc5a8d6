//! What a session is told about times and sizes.

use std::time::Duration;

/// Times and limits of an Engine.IO session. The defaults are the reference server's where it has one. A time that
/// never comes is [`Duration::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long after the handshake, or after a pong, the server sends a ping. The client is told. 25 s.
    pub ping_interval: Duration,
    /// How long the server waits for the pong, or for anything else that shows that the client is alive: a pong may be
    /// stuck behind a large message on a slow line. The client is told. 20 s.
    pub ping_timeout: Duration,
    /// How long the client may take from opening a WebSocket for an upgrade to the upgrade packet. 10 s.
    pub upgrade_timeout: Duration,
    /// How long a poll hangs, while an upgrade is under way, before a noop ends it. 50 ms.
    ///
    /// The client holds its own messages back until that poll has come back, so this is short. It isn't zero since
    /// the upgrade packet and a poll come over two connections: a poll that was sent after the upgrade but overtook
    /// it is refused, as long after the upgrade. A client's close packet waits as long for the poll that it overtook.
    pub noop_delay: Duration,
    /// How long a session that the server closes waits for the client to fetch what is left. 30 s.
    pub close_timeout: Duration,
    /// Whether a session that begins with polling is offered the upgrade to WebSocket. True.
    pub upgrades: bool,
    /// The most bytes in the body of a POST request or in one WebSocket message. The client is told. 1,000,000.
    pub max_payload: usize,
    /// The most packets in the body of a POST request. 10,000.
    pub max_packets: usize,
    /// The most packets in the answer to a poll, since python-engineio's client refuses an answer with more. 16.
    pub max_packets_out: usize,
    /// How much may wait for a client that does not read, in bytes, with 64 for each packet on top; a session
    /// with more ends. A single packet may be larger than this; each attachment is one of its own. 1 MiB.
    pub max_buffered: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            noop_delay: Duration::from_millis(50),
            close_timeout: Duration::from_secs(30),
            upgrades: true,
            max_payload: 1_000_000,
            max_packets: 10_000,
            max_packets_out: 16,
            max_buffered: 1 << 20,
        }
    }
}
