//! The body of a POST request: what is decoded is encoded to something that decodes to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_socketio::engine::{Frame, Packet, payload};

fuzz_target!(|body: &[u8]| {
    if let Ok(packets) = payload::decode(body.to_vec().into(), 100) {
        assert!((1..=100).contains(&packets.len()));
        let frames: Vec<Frame> = packets.iter().map(Packet::encode).collect();
        assert_eq!(payload::decode(payload::encode(&frames).into_bytes(), 100), Ok(packets));
    }
});
