//! The values of the open packet (specification: "Handshake").

use bytestring::ByteString;

use super::config::Config;
use super::packet::Packet;
use super::request::TransportKind;
use crate::json::quote;

/// What the server tells the client in the first packet of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The session's id. Who knows it can speak for the client: it must be impossible to guess.
    pub sid: ByteString,
    /// What the client may upgrade to.
    pub upgrades: Vec<TransportKind>,
    /// In milliseconds.
    pub ping_interval: u128,
    /// In milliseconds.
    pub ping_timeout: u128,
    /// In bytes.
    pub max_payload: usize,
}

impl Handshake {
    /// The values for a session that begins with `transport`.
    pub fn new(sid: ByteString, transport: TransportKind, config: &Config) -> Self {
        let upgrades = match transport {
            TransportKind::Polling if config.upgrades => vec![TransportKind::WebSocket],
            TransportKind::Polling | TransportKind::WebSocket => Vec::new(),
        };
        Self {
            sid,
            upgrades,
            ping_interval: config.ping_interval.as_millis(),
            ping_timeout: config.ping_timeout.as_millis(),
            max_payload: config.max_payload,
        }
    }

    /// The open packet: exactly the five fields of the specification.
    pub fn to_packet(&self) -> Packet {
        let upgrades: Vec<String> = self.upgrades.iter().map(|transport| quote(transport.as_str())).collect();
        Packet::Open(
            format!(
                r#"{{"sid":{},"upgrades":[{}],"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
                quote(&self.sid),
                upgrades.join(","),
                self.ping_interval,
                self.ping_timeout,
                self.max_payload
            )
            .into(),
        )
    }
}
