//! An Engine.IO packet in a WebSocket frame: what is decoded is encoded to something that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_socketio::engine::{Frame, Packet};

fuzz_target!(|text: &str| {
    if let Ok(packet) = Packet::decode(Frame::Text(text.into())) {
        assert_eq!(Packet::decode(packet.encode()), Ok(packet));
    }
});
