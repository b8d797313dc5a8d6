//! What can be set about sockets.

use std::time::Duration;

use parlor_services::Rate;

/// What can be set about sockets.
#[derive(Clone, Copy, Debug)]
pub struct LiveConfig {
    /// How long a socket may be open before its client has said who it is.
    pub auth_timeout: Duration,
    /// How often each socket is pinged.
    pub ping_interval: Duration,
    /// How long a socket may be silent, not even answering pings.
    pub idle_timeout: Duration,
    /// Most bytes of payload in one frame of a client.
    pub max_frame: u64,
    /// Most bytes of payload in one message of a client, all its frames together.
    pub max_message: u64,
    /// How many frames a client may send. A frame counts once more for each 4,096 bytes of its payload.
    pub frames_per_connection: Rate,
    /// Most sockets of one address whose clients have not yet said who they are.
    pub unauthenticated_per_address: usize,
    /// Most Socket.IO sessions of one address, whoever its clients are.
    pub sessions_per_address: usize,
}
