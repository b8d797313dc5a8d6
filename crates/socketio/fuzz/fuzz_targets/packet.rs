//! Socket.IO packets with their attachments, one message a line: a line that begins with `b` is bytes, others are
//! text. What is decoded is encoded to something that decodes to the same, and its placeholders are valid.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_socketio::engine::{Message, Packet as EnginePacket};
use parlor_socketio::packet::{Content, Decoder, Limits, Packet};

fuzz_target!(|messages: &str| {
    let mut decoder = Decoder::new(Limits::default());
    for line in messages.split('\n') {
        let message = match line.strip_prefix('b') {
            Some(bytes) => Message::Binary(bytes.as_bytes().to_vec().into()),
            None => Message::Text(line.into()),
        };
        match decoder.decode(message) {
            Ok(Some(packet)) => check(&packet),
            Ok(None) => {}
            Err(_) => return,
        }
    }
});

fn check(packet: &Packet) {
    if let Content::Event { event, .. } = &packet.content {
        let args = event.args().clone();
        let attachments = args.attachments().to_vec();
        assert!(attachments.len() <= Limits::default().attachments);
        assert!(args.with_attachments(attachments).is_ok());
    }
    let mut decoder = Decoder::new(Limits { bytes: usize::MAX, ..Limits::default() });
    let mut decoded = None;
    for frame in packet.encode().frames() {
        let Ok(EnginePacket::Message(message)) = EnginePacket::decode(frame) else { panic!("not a message") };
        decoded = decoder.decode(message).expect("a packet of our own");
    }
    assert_eq!(decoded.as_ref(), Some(packet));
}
