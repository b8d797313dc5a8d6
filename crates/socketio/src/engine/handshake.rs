//! The values of the open packet (specification: "Handshake").

use super::config::Config;
use super::packet::Packet;
use super::request::TransportKind;
use crate::json::quote;

/// The longest time that a client is told, in milliseconds: JavaScript's timers take the sum of two such.
const MAX_TOLD: u128 = 1_000_000_000;

/// What the server tells the client in the first packet of a session: exactly the five fields of the specification.
pub(super) fn open_packet(sid: &str, transport: TransportKind, config: &Config) -> Packet {
    let upgrades = match transport {
        TransportKind::Polling if config.upgrades => quote(TransportKind::WebSocket.as_str()),
        TransportKind::Polling | TransportKind::WebSocket => String::new(),
    };
    Packet::Open(
        format!(
            r#"{{"sid":{},"upgrades":[{upgrades}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            quote(sid),
            config.ping_interval.as_millis().min(MAX_TOLD),
            config.ping_timeout.as_millis().min(MAX_TOLD),
            config.max_payload
        )
        .into(),
    )
}
