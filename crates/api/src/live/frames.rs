//! What the server writes: events and answers as text frames.

use bytes::Bytes;
use parlor_domain::Event;
use parlor_realtime::{Envelope, Format, Frame, Viewer};
use serde::Serialize;
use tracing::error;

use super::{
    commands::Reply,
    frame::{self, HEADROOM},
};
use crate::{
    problem::Problem,
    wire::{self, EventData, EventFrame, ReplyId},
};

/// The plain WebSocket's way to write events.
pub static WEBSOCKET: Format = Format { slot: 0, encode };

fn encode(envelope: &Envelope, viewer: Viewer) -> Bytes {
    let frame = EventFrame::new(envelope.position, &envelope.event, viewer);
    text(&frame).unwrap_or_else(|| resync(envelope))
}

/// In place of an event that can't be written: its readers learn that they miss something.
fn resync(envelope: &Envelope) -> Bytes {
    text(&EventFrame::new(envelope.position, &Event::Resync, Viewer::Other)).unwrap_or_default()
}

impl Reply for ReplyId {
    fn frame<T: Serialize>(&self, outcome: Result<T, Problem>) -> Option<Frame> {
        Some(Frame::answer(answer(self, outcome)))
    }
}

/// An event of the connection itself.
pub(super) fn event(data: EventData) -> Bytes {
    text(&EventFrame::of_connection(data)).unwrap_or_default()
}

/// The answer to a command.
pub(super) fn answer<T: Serialize>(reply: &ReplyId, outcome: Result<T, Problem>) -> Bytes {
    match outcome {
        Ok(data) => text(&wire::Answer { reply, data }).unwrap_or_default(),
        Err(problem) => {
            problem.log();
            text(&wire::Refusal { reply, problem: problem.document() }).unwrap_or_default()
        }
    }
}

/// A shape as JSON text, in its frame. None of ours fails to be written unless the store holds what is no JSON.
pub(super) fn text<T: Serialize>(shape: &T) -> Option<Bytes> {
    let mut bytes = vec![0; HEADROOM];
    match serde_json::to_writer(&mut bytes, shape) {
        Ok(()) => Some(frame::framed(frame::TEXT, bytes)),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "a frame can't be written");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_domain::{
        Content, ConversationId, Delivery, Marks, Message, MessageId, MessageText, MessageView, Metadata, Presence,
        PresenceView, ReceiptView, Rev, Seq, Status, StreamId, Timestamp, Unread, UserId,
    };
    use serde_json::{Value, json};

    use super::*;

    const TIME: Timestamp = Timestamp::from_millis(1_700_000_000_040);

    fn user(number: u8) -> UserId {
        UserId::from_bytes([number; 12])
    }

    fn conversation() -> ConversationId {
        ConversationId::from_bytes([0xcc; 12])
    }

    fn message() -> Event {
        let message = Message {
            id: MessageId::from_bytes([0xee; 12]),
            conversation_id: conversation(),
            seq: Seq::new(7),
            rev: Rev::new(9),
            created_rev: Rev::new(1),
            sender_id: user(1),
            content: Content::Text(MessageText::parse("a \"quoted\" é 🙂").unwrap()),
            metadata: Metadata::parse(r#"{"b": 1, "a": [1.0]}"#).unwrap(),
            client_message_id: None,
            created_at: TIME,
            marks: Marks::default(),
        };
        Event::MessageCreated(Box::new(MessageView { message, delivery: Some(Delivery::Held), quote: None }))
    }

    /// What a user's connection gets to read of an event.
    fn seen_by(reader: UserId, position: Option<(StreamId, Rev)>, event: Event) -> String {
        let frame = Envelope::new(position, event).frame(&WEBSOCKET, reader);
        text_of(&frame)
    }

    fn text_of(frame: &[u8]) -> String {
        assert_eq!(frame[0], 0x81, "a whole text message");
        let head = if frame[1] < 126 { 2 } else { 4 };
        String::from_utf8(frame[head..].to_vec()).unwrap()
    }

    fn json_seen_by(reader: UserId, position: Option<(StreamId, Rev)>, event: Event) -> Value {
        serde_json::from_str(&seen_by(reader, position, event)).unwrap()
    }

    fn in_conversation(rev: u64) -> Option<(StreamId, Rev)> {
        Some((StreamId::Conversation(conversation()), Rev::new(rev)))
    }

    #[test]
    fn a_message_is_written_as_rest_writes_it() {
        assert_eq!(
            seen_by(user(2), in_conversation(9), message()),
            concat!(
                r#"{"event":"message.created","stream":"cccccccccccccccccccccccc","rev":9,"data":{"#,
                r#""id":"eeeeeeeeeeeeeeeeeeeeeeee","conversationId":"cccccccccccccccccccccccc","seq":7,"rev":9,"#,
                r#""kind":"text","senderId":"010101010101010101010101","text":"a \"quoted\" é 🙂","attachments":[],"#,
                r#""replyTo":null,"reactions":[],"mentions":{"userIds":[],"everyone":false,"roles":[]},"metadata":{"b": 1, "a": [1.0]},"#,
                r#""clientMessageId":null,"delivery":null,"createdAt":"2023-11-14T22:13:20.040Z","#,
                r#""editedAt":null,"deletedAt":null}}"#
            )
        );
    }

    #[test]
    fn how_far_a_message_has_come_is_for_its_sender_alone() {
        let delivery = |reader| json_seen_by(reader, in_conversation(9), message())["data"]["delivery"].clone();
        assert_eq!(delivery(user(1)), "held");
        assert_eq!(delivery(user(2)), Value::Null);
    }

    #[test]
    fn a_receipt_tells_the_count_of_unread_messages_to_its_owner_alone() {
        let receipt = |unread| {
            Event::ReceiptUpdated(ReceiptView {
                conversation_id: conversation(),
                user_id: user(1),
                read_seq: Seq::new(3),
                delivered_seq: Seq::new(4),
                unread,
            })
        };
        let data = json!({ "conversationId": "cccccccccccccccccccccccc", "userId": "010101010101010101010101",
            "readSeq": 3, "deliveredSeq": 4 });
        let others =
            json!({ "event": "receipt.updated", "stream": "cccccccccccccccccccccccc", "rev": 9, "data": data });
        assert_eq!(json_seen_by(user(2), in_conversation(9), receipt(None)), others);
        let own = Some((StreamId::User(user(1)), Rev::new(5)));
        let own = json_seen_by(user(1), own, receipt(Some(Unread { messages: 2, mentions: 1 })));
        assert_eq!((&own["stream"], &own["data"]["unread"]), (&json!("010101010101010101010101"), &json!(2)));
        assert_eq!(own["data"]["mentions"], 1);
    }

    #[test]
    fn what_belongs_to_no_stream_names_none() {
        let presence = Presence { online: false, last_seen_at: Some(TIME) };
        let event = Event::PresenceUpdated(PresenceView { user_id: user(1), presence, status: Status::default() });
        let expected = json!({ "event": "presence.updated", "data": {
            "userId": "010101010101010101010101",
            "presence": { "online": false, "lastSeenAt": "2023-11-14T22:13:20.040Z" },
            "status": { "kind": "available", "text": null, "until": null },
        } });
        assert_eq!(json_seen_by(user(2), None, event), expected);
    }

    #[test]
    fn typing_and_resync_are_short() {
        let typing = Event::Typing { conversation_id: conversation(), user_id: user(1), typing: true };
        let expected = json!({ "event": "typing", "stream": "cccccccccccccccccccccccc", "rev": 9, "data": {
            "conversationId": "cccccccccccccccccccccccc", "userId": "010101010101010101010101", "typing": true } });
        assert_eq!(json_seen_by(user(2), in_conversation(9), typing), expected);
        let expected = json!({ "event": "resync", "stream": "cccccccccccccccccccccccc", "rev": 12, "data": {} });
        assert_eq!(json_seen_by(user(2), in_conversation(12), Event::Resync), expected);
    }

    #[test]
    fn an_event_is_written_once_for_all_its_readers() {
        let envelope = Envelope::new(in_conversation(9), message());
        let (one, other) = (envelope.frame(&WEBSOCKET, user(2)), envelope.frame(&WEBSOCKET, user(3)));
        assert_eq!(one.as_ptr(), other.as_ptr());
    }

    #[test]
    fn a_refusal_is_the_problem_document_of_rest() {
        let problem = Problem::new(crate::problem::ProblemCode::UnknownCommand, "there is no command of this name");
        let frame = answer::<wire::Empty>(&ReplyId::Number(4), Err(problem));
        let expected = json!({ "reply": 4, "problem": {
            "type": "/api/docs/errors#unknown_command", "title": "Unknown command", "status": 404,
            "detail": "there is no command of this name", "code": "unknown_command" } });
        assert_eq!(serde_json::from_str::<Value>(&text_of(&frame)).unwrap(), expected);
    }
}
