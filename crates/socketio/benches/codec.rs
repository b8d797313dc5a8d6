//! Packets of Socket.IO and payloads of Engine.IO, both ways.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on fails")]

use bytes::Bytes;
use divan::{Bencher, black_box};
use parlor_socketio::{
    engine::{Frame, Message, payload},
    packet::{Args, Decoder, Event, Limits, Namespace},
};

/// An event as clients send it, to be acknowledged.
const COMMAND: &str = r#"4217["message.send",{"conversationId":"6740a1b2c3d4e5f6aaaaaaaa","text":"a text as long as messages are in chats, or a little longer than that","clientMessageId":"01890a5d-ac96-774b-bcce-b302099a8057"}]"#;
const SEPARATOR: &str = "\u{1e}";
/// How many packets a poll brings.
const PACKETS: usize = 10;

fn main() {
    divan::main();
}

fn event() -> Event {
    let place = ("6740a1b2c3d4e5f6bbbbbbbb", 42);
    let args = Args::new(&("a text as long as messages are in chats, or a little longer than that", place)).unwrap();
    Event::new("message.created", args).unwrap()
}

#[divan::bench]
fn decode_an_event(bencher: Bencher<'_, '_>) {
    let mut decoder = Decoder::new(Limits::default());
    // Without the type of the message, which is the engine's.
    let text = &COMMAND[1..];
    bencher.bench_local(|| decoder.decode(Message::Text(black_box(text).into())).unwrap());
}

#[divan::bench]
fn encode_an_event(bencher: Bencher<'_, '_>) {
    let event = event();
    bencher.bench_local(|| black_box(&event).encode(&Namespace::MAIN, None));
}

#[divan::bench]
fn finish_an_event_with_an_offset(bencher: Bencher<'_, '_>) {
    let encoded = event().encode(&Namespace::MAIN, None);
    bencher.bench_local(|| black_box(&encoded).with_last(r#""c42-u7""#));
}

#[divan::bench]
fn decode_a_payload(bencher: Bencher<'_, '_>) {
    let body = Bytes::from([COMMAND; PACKETS].join(SEPARATOR));
    bencher.bench_local(|| payload::decode(black_box(&body).clone(), PACKETS).unwrap());
}

#[divan::bench]
fn encode_a_payload(bencher: Bencher<'_, '_>) {
    let frames: Vec<_> = (0..PACKETS).map(|_| Frame::Text(COMMAND.into())).collect();
    bencher.bench_local(|| payload::encode(black_box(&frames)));
}
