//! Socket.IO: the transports, and the chat over them.
//!
//! The protocols are `parlor-socketio`'s. Here its state machine meets requests and sockets (`request`, `polling`,
//! `websocket`), and behind it the chat: one task for each session (`chat`), which takes the client in as the plain
//! WebSocket does and serves it from the same hub with the same commands. A session holds little that waits to be
//! sent; the bounded queue is the hub's.

mod chat;
mod frames;
mod polling;
mod recovery;
mod request;
mod session;
mod sessions;
mod websocket;

use std::time::Duration;

use parlor_socketio::{Config, engine, packet};

pub use frames::SOCKET_IO;
pub(crate) use request::handle;
pub(super) use sessions::Sessions;

use super::LiveConfig;
use session::AHEAD;

/// How long what was sent before the end may wait for the client to fetch it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How much may wait for one client. More than the hub's connection ever gives at once: its queue is the one that
/// closes a slow reader.
const MAX_BUFFERED: usize = AHEAD + (4 << 20);

/// The protocol's settings.
fn config(live: &LiveConfig) -> Config {
    let engine = engine::Config {
        ping_interval: live.ping_interval,
        ping_timeout: live.idle_timeout.saturating_sub(live.ping_interval),
        close_timeout: CLOSE_TIMEOUT,
        max_payload: usize::try_from(live.max_message).unwrap_or(usize::MAX),
        max_buffered: MAX_BUFFERED,
        ..engine::Config::default()
    };
    let packet = packet::Limits { bytes: engine.max_payload, ..packet::Limits::default() };
    Config { engine, connect_timeout: live.auth_timeout, packet, ..Config::default() }
}
