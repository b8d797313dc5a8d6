//! Events as they are written: once for each format, whatever the number of connections.

#![expect(clippy::unwrap_used, reason = "a benchmark that can't go on fails")]

use divan::{Bencher, black_box};
use parlor_api::live::{SOCKET_IO, WEBSOCKET};
use parlor_domain::{
    Content, ConversationId, Event, Marks, Message, MessageId, MessageText, MessageView, Metadata, Rev, Seq, StreamId,
    Timestamp, UserId,
};
use parlor_realtime::{Envelope, Format, Viewer};

fn main() {
    divan::main();
}

fn message() -> Envelope {
    let conversation_id = ConversationId::from_bytes([0xcc; 12]);
    let message = Message {
        id: MessageId::from_bytes([0xee; 12]),
        conversation_id,
        seq: Seq::new(41),
        rev: Rev::new(42),
        created_rev: Rev::new(1),
        sender_id: UserId::from_bytes([1; 12]),
        content: Content::Text(
            MessageText::parse("a text as long as messages are in chats, or a \"little\" longer").unwrap(),
        ),
        metadata: Metadata::default(),
        client_message_id: None,
        created_at: Timestamp::from_millis(1_700_000_000_040),
        marks: Marks::default(),
    };
    let event = Event::MessageCreated(Box::new(MessageView { message, delivery: None, quote: None }));
    Envelope::new(Some((StreamId::Conversation(conversation_id), Rev::new(42))), event)
}

fn encode(bencher: Bencher<'_, '_>, format: &Format) {
    let envelope = message();
    bencher.bench_local(|| (format.encode)(black_box(&envelope), Viewer::Other));
}

#[divan::bench]
fn encode_for_websockets(bencher: Bencher<'_, '_>) {
    encode(bencher, &WEBSOCKET);
}

#[divan::bench]
fn encode_for_socket_io(bencher: Bencher<'_, '_>) {
    encode(bencher, &SOCKET_IO);
}
