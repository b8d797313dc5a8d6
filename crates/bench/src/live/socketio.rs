//! As much of Engine.IO 4 and Socket.IO 5 as a client needs that only listens and sends events in the main namespace.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What a frame of the server means for the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// The engine is open: the client asks for the main namespace.
    Open,
    /// To be answered with a pong.
    Ping,
    /// The client is in the namespace; with what the server said to it, in JSON.
    Connected(&'a str),
    /// The server does not want this client, with its reason.
    Refused(&'a str),
    /// An event: a JSON list of its name and arguments.
    Event(&'a str),
    /// The server ends the connection.
    Closed,
    /// Nothing that concerns this client.
    Other,
}

/// By what a client that comes back is known: what it was given when it connected, and with the last event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(super) pid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<String>,
}

impl Place {
    /// As a server gives it to a client that has connected; `None` if it does not recover connections.
    pub(super) fn parse(connected: &str) -> Option<Self> {
        serde_json::from_str(connected).ok()
    }

    /// Takes the offset of an event: its last argument, if that is a text.
    pub(super) fn advance(&mut self, event: &str) {
        let arguments: Vec<&RawValue> = serde_json::from_str(event).unwrap_or_default();
        let last = arguments.get(1..).and_then(<[_]>::last);
        if let Some(offset) = last.and_then(|last| serde_json::from_str(last.get()).ok()) {
            self.offset = Some(offset);
        }
    }
}

/// Asks for the main namespace, from where one was.
pub(super) fn connect(place: Option<&Place>) -> String {
    let place = place.and_then(|place| serde_json::to_string(place).ok());
    format!("40{}", place.unwrap_or_default())
}

/// Answers a ping.
pub(super) const PONG: &str = "3";

impl<'a> Packet<'a> {
    /// Reads a frame.
    pub(super) fn parse(frame: &'a str) -> Self {
        match frame.as_bytes() {
            [b'0', ..] => Self::Open,
            [b'1'] | [b'4', b'1', ..] => Self::Closed,
            [b'2'] => Self::Ping,
            [b'4', b'0', ..] => Self::Connected(&frame[2..]),
            // An event may bear the number of an acknowledgement that the server waits for.
            [b'4', b'2', ..] => Self::Event(frame[2..].trim_start_matches(|digit: char| digit.is_ascii_digit())),
            [b'4', b'4', ..] => Self::Refused(&frame[2..]),
            _ => Self::Other,
        }
    }
}

/// The frame of an event, from the JSON list of its name and arguments.
pub(super) fn event(json: &str) -> String {
    format!("42{json}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_that_a_client_may_get_is_understood() {
        let cases = [
            (r#"0{"sid":"a","upgrades":[]}"#, Packet::Open),
            ("2", Packet::Ping),
            (r#"40{"sid":"b"}"#, Packet::Connected(r#"{"sid":"b"}"#)),
            (r#"44{"message":"no"}"#, Packet::Refused(r#"{"message":"no"}"#)),
            (r#"42["a",{}]"#, Packet::Event(r#"["a",{}]"#)),
            (r#"4217["a"]"#, Packet::Event(r#"["a"]"#)),
            ("41", Packet::Closed),
            ("1", Packet::Closed),
            ("6", Packet::Other),
            ("", Packet::Other),
        ];
        for (frame, packet) in cases {
            assert_eq!(Packet::parse(frame), packet, "{frame}");
        }
        assert_eq!(event(r#"["a",1]"#), r#"42["a",1]"#);
    }

    #[test]
    fn a_client_comes_back_with_the_last_offset_that_it_was_given() {
        let mut place = Place::parse(r#"{"sid":"b","pid":"p"}"#).unwrap();
        assert_eq!(connect(Some(&place)), r#"40{"pid":"p"}"#);
        place.advance(r#"["ready",{},{},"o1"]"#);
        place.advance(r#"["typing",{"a":"b"}]"#);
        place.advance(r#"["typing"]"#);
        assert_eq!(connect(Some(&place)), r#"40{"pid":"p","offset":"o1"}"#);
        place.advance(r#"["message.created",{},{},"o2"]"#);
        assert_eq!(place.offset.as_deref(), Some("o2"));
    }

    #[test]
    fn a_server_that_does_not_recover_gives_no_place() {
        assert_eq!(Place::parse(r#"{"sid":"b"}"#), None);
        assert_eq!(connect(None), "40");
    }
}
