//! Packets and payloads: what the specifications show, and what is no packet.

use bytes::Bytes;
use parlor_socketio::engine::{Frame, Message, Packet as EnginePacket, PacketError, PayloadError, payload};
use parlor_socketio::packet::{
    Args, ArgsError, Attachment, Content, DecodeError, Decoder, Event, Limits, Namespace, Packet,
};

use parlor_socketio::Json;

use crate::script::json;

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

/// Decodes one packet that comes as these messages.
pub(crate) fn decode(messages: Vec<Message>) -> Result<Option<Packet>, DecodeError> {
    let mut decoder = Decoder::new(Limits::default());
    let mut packet = None;
    for message in messages {
        packet = decoder.decode(message)?;
    }
    Ok(packet)
}

fn packet(namespace: &str, content: Content) -> Packet {
    Packet { namespace: Namespace::new(namespace).unwrap(), content }
}

fn args(text: &str) -> Args {
    Args::from_json(&json(text)).unwrap()
}

fn event(id: Option<u64>, name: &'static str, list: &str) -> Content {
    Content::Event { id, event: Event::new(name, args(list)).unwrap() }
}

/// The messages of a packet as they go over the wire.
fn encode(packet: &Packet) -> Vec<Message> {
    let message = |frame| match EnginePacket::decode(frame) {
        Ok(EnginePacket::Message(message)) => message,
        other => panic!("not a message: {other:?}"),
    };
    packet.encode().frames().map(message).collect()
}

#[test]
fn every_example_of_the_specification_is_encoded_and_decoded() {
    let cases = [
        ("0", packet("/", Content::Connect(None))),
        (
            r#"0{"sid":"wZX3oN0bSVIhsaknAAAI"}"#,
            packet("/", Content::Connect(Some(json(r#"{"sid":"wZX3oN0bSVIhsaknAAAI"}"#)))),
        ),
        ("0/admin,", packet("/admin", Content::Connect(None))),
        (
            r#"0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
            packet("/admin", Content::Connect(Some(json(r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#)))),
        ),
        (
            r#"4{"message":"Not authorized"}"#,
            packet("/", Content::ConnectError(json(r#"{"message":"Not authorized"}"#))),
        ),
        (r#"2["foo"]"#, packet("/", event(None, "foo", "[]"))),
        (r#"2/admin,["bar"]"#, packet("/admin", event(None, "bar", "[]"))),
        (r#"212["foo"]"#, packet("/", event(Some(12), "foo", "[]"))),
        (r#"312[]"#, packet("/", Content::Ack { id: 12, args: Args::none() })),
        (r#"2/admin,13["foo"]"#, packet("/admin", event(Some(13), "foo", "[]"))),
        (r#"3/admin,13["bar"]"#, packet("/admin", Content::Ack { id: 13, args: args(r#"["bar"]"#) })),
        (r#"2["hey","Jude"]"#, packet("/", event(None, "hey", r#"["Jude"]"#))),
        ("1", packet("/", Content::Disconnect)),
        ("1/admin,", packet("/admin", Content::Disconnect)),
    ];
    for (wire, packet) in cases {
        assert_eq!(encode(&packet), [text(wire)], "{wire}");
        assert_eq!(decode(vec![text(wire)]), Ok(Some(packet)), "{wire}");
    }
}

#[test]
fn every_binary_example_of_the_specification_is_encoded_and_decoded() {
    let attach = |content, attachments: &[&'static [u8]]| {
        let attachments = attachments.iter().copied().map(Bytes::from_static).collect();
        match content {
            Content::Event { id, event } => {
                let args = event.args().clone().with_attachments(attachments).unwrap();
                Content::Event { id, event: Event::new(event.name().to_owned(), args).unwrap() }
            }
            Content::Ack { id, args } => Content::Ack { id, args: args.with_attachments(attachments).unwrap() },
            other @ (Content::Connect(_) | Content::Disconnect | Content::ConnectError(_)) => other,
        }
    };
    let one = r#"[{"_placeholder":true,"num":0}]"#;
    let two = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let cases: [(&str, &[&[u8]], Packet); 4] = [
        (
            r#"51-["baz",{"_placeholder":true,"num":0}]"#,
            &[&[1, 2, 3, 4]],
            packet("/", attach(event(None, "baz", one), &[&[1, 2, 3, 4]])),
        ),
        (
            r#"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            &[&[1, 2], &[3, 4]],
            packet("/admin", attach(event(None, "baz", two), &[&[1, 2], &[3, 4]])),
        ),
        (
            r#"51-14["foo",{"_placeholder":true,"num":0}]"#,
            &[&[1, 2, 3, 4]],
            packet("/", attach(event(Some(14), "foo", one), &[&[1, 2, 3, 4]])),
        ),
        (
            r#"61-15["bar",{"_placeholder":true,"num":0}]"#,
            &[&[1, 2, 3, 4]],
            packet(
                "/",
                attach(
                    Content::Ack { id: 15, args: args(r#"["bar",{"_placeholder":true,"num":0}]"#) },
                    &[&[1, 2, 3, 4]],
                ),
            ),
        ),
    ];
    for (wire, attachments, packet) in cases {
        let attachments = attachments.iter().map(|bytes| Message::Binary(Bytes::from_static(bytes)));
        let messages: Vec<Message> = std::iter::once(text(wire)).chain(attachments).collect();
        assert_eq!(encode(&packet), messages, "{wire}");
        assert_eq!(decode(messages), Ok(Some(packet)), "{wire}");
    }
}

#[test]
fn what_other_clients_may_write_differently_means_the_same() {
    let cases = [
        ("0/admin", packet("/admin", Content::Connect(None))),
        ("0/,", packet("/", Content::Connect(None))),
        (r#"2/,["x"]"#, packet("/", event(None, "x", "[]"))),
        (r#"2 [ "x" , 1 ,2 ] "#, packet("/", event(None, "x", "[1 ,2]"))),
        (r#"2["\u0078"]"#, packet("/", event(None, "x", "[]"))),
        (r#"2[7,"a"]"#, packet("/", event(None, "7", r#"["a"]"#))),
        (r#"2007["x"]"#, packet("/", event(Some(7), "x", "[]"))),
    ];
    for (wire, expected) in cases {
        assert_eq!(decode(vec![text(wire)]), Ok(Some(expected)), "{wire}");
    }
}

#[test]
fn what_is_no_packet_is_refused_for_the_right_reason() {
    let long = format!("0/{}", "x".repeat(256));
    let cases = [
        ("", DecodeError::UnknownType),
        ("7", DecodeError::UnknownType),
        ("a", DecodeError::UnknownType),
        ("é", DecodeError::UnknownType),
        ("5[\"a\"]", DecodeError::Attachments),
        ("5", DecodeError::Attachments),
        ("5-[\"a\"]", DecodeError::Attachments),
        ("50-[\"a\"]", DecodeError::Attachments),
        ("511-[\"a\"]", DecodeError::Attachments),
        ("51.5-[\"a\"]", DecodeError::Attachments),
        ("5+1-[\"a\"]", DecodeError::Attachments),
        ("599999999999999999999999-[\"a\"]", DecodeError::Attachments),
        (long.as_str(), DecodeError::Namespace),
        ("29007199254740992[\"a\"]", DecodeError::AckId),
        ("299999999999999999999999[\"a\"]", DecodeError::AckId),
        ("2", DecodeError::Payload),
        ("2{}", DecodeError::Payload),
        ("2[]", DecodeError::Payload),
        ("2[\"a\"", DecodeError::Payload),
        ("2[\"a\"]]", DecodeError::Payload),
        ("2[\"a\",]", DecodeError::Payload),
        ("2[\"a\"] x", DecodeError::Payload),
        ("2-1[\"a\"]", DecodeError::Payload),
        ("2null", DecodeError::Payload),
        ("2[\"\\ud800\"]", DecodeError::Payload),
        ("3[]", DecodeError::Payload),
        ("31", DecodeError::Payload),
        ("31{}", DecodeError::Payload),
        ("01{}", DecodeError::Payload),
        ("0[]", DecodeError::Payload),
        ("0\"a\"", DecodeError::Payload),
        ("1{}", DecodeError::Payload),
        ("4", DecodeError::Payload),
        ("4 0", DecodeError::Payload),
        ("4\"no\"", DecodeError::Payload),
        ("2[{}]", DecodeError::EventName),
        ("2[null]", DecodeError::EventName),
        ("2[true]", DecodeError::EventName),
        ("2[[\"a\"]]", DecodeError::EventName),
        ("2[\"connect\"]", DecodeError::EventName),
        ("2[\"connect_error\"]", DecodeError::EventName),
        ("2[\"disconnect\"]", DecodeError::EventName),
        ("2[\"disconnecting\"]", DecodeError::EventName),
        ("2[\"newListener\"]", DecodeError::EventName),
        ("2[\"removeListener\"]", DecodeError::EventName),
        ("2[\"\\u0063onnect\"]", DecodeError::EventName),
    ];
    for (wire, expected) in cases {
        assert_eq!(decode(vec![text(wire)]), Err(expected), "{wire}");
    }
}

#[test]
fn arguments_are_serialised_once_and_read_by_the_application() {
    let sent = Args::new(&("a", 1, Attachment::new(0))).unwrap();
    let sent = sent.with_attachments(vec![Bytes::from_static(&[9])]).unwrap();
    let with_offset = sent.with_last("offset").unwrap();

    let (text, number, place, offset): (String, i32, Attachment, String) = with_offset.parse().unwrap();

    assert_eq!((text.as_str(), number, offset.as_str()), ("a", 1, "offset"));
    assert_eq!(with_offset.attachment(place).unwrap(), [9].as_slice());
    assert_eq!(Args::none().with_last("offset").unwrap(), Args::new(&("offset",)).unwrap());
    assert!(matches!(Args::new("no list"), Err(ArgsError::NotAList)));
    let wrong = Args::new(&(Attachment::new(1),)).unwrap().with_attachments(vec![Bytes::new()]);
    assert!(matches!(wrong, Err(ArgsError::Placeholders)));
}

#[test]
fn json_goes_into_arguments_and_comes_out_of_them_as_it_is() {
    let text = r#"{"b":[1.0,"\u0041"],"a":{}}"#;
    let sent = Args::new(&("x", json(text))).unwrap();
    assert_eq!(
        encode(&packet("/", Content::Ack { id: 1, args: sent.clone() })),
        [self::text(&format!(r#"31["x",{text}]"#))]
    );
    let (_, received): (String, Json) = sent.parse().unwrap();
    assert_eq!(received.as_str(), text);
}

#[test]
fn an_encoded_packet_takes_one_more_argument() {
    let offset = |content| {
        let encoded = packet("/", content).encode().with_last("o\"1");
        encoded.frames().map(|frame| format!("{frame:?}")).collect::<Vec<_>>()
    };
    let text = |text: &str| format!("{:?}", Frame::Text(text.into()));
    assert_eq!(offset(event(None, "a", "[]")), [text(r#"42["a","o\"1"]"#)]);
    assert_eq!(offset(event(Some(7), "a", "[[]]")), [text(r#"427["a",[],"o\"1"]"#)]);
    assert_eq!(offset(Content::Ack { id: 7, args: Args::none() }), [text(r#"437["o\"1"]"#)]);
    assert_eq!(offset(Content::Ack { id: 7, args: args(r#"["["]"#) }), [text(r#"437["[","o\"1"]"#)]);
    // These have no arguments.
    assert_eq!(offset(Content::Disconnect), [text("41")]);
    assert_eq!(offset(Content::Connect(Some(json(r#"{"a":[1]}"#)))), [text(r#"40{"a":[1]}"#)]);
}

#[test]
fn an_encoded_packet_keeps_its_attachments_when_it_takes_one_more_argument() {
    let place = Args::new(&(Attachment::new(0),)).unwrap().with_attachments(vec![Bytes::from_static(&[9])]).unwrap();
    let encoded = Event::new("a", place).unwrap().encode(&Namespace::MAIN, None).with_last("o");
    let frames: Vec<_> = encoded.frames().collect();
    let text = r#"451-["a",{"_placeholder":true,"num":0},"o"]"#;
    assert_eq!(frames, [Frame::Text(text.into()), Frame::Binary(Bytes::from_static(&[9]))]);
}

#[test]
fn an_engine_packet_is_a_type_and_its_data() {
    let frame = |text: &str| Frame::Text(text.into());
    let cases = [
        (frame("0{}"), EnginePacket::Open("{}".into())),
        (frame("1"), EnginePacket::Close),
        (frame("2"), EnginePacket::Ping("".into())),
        (frame("2probe"), EnginePacket::Ping("probe".into())),
        (frame("3probe"), EnginePacket::Pong("probe".into())),
        (frame("4hello €"), EnginePacket::Message(text("hello €"))),
        (frame("5"), EnginePacket::Upgrade),
        (frame("6"), EnginePacket::Noop),
        (Frame::Binary(Bytes::from_static(b"4a")), EnginePacket::Message(Message::Binary(Bytes::from_static(b"4a")))),
    ];
    for (frame, packet) in cases {
        assert_eq!(EnginePacket::decode(frame.clone()), Ok(packet.clone()));
        assert_eq!(packet.encode(), frame);
    }
    assert_eq!(EnginePacket::decode(frame("")), Err(PacketError::Empty));
    assert_eq!(EnginePacket::decode(frame("7")), Err(PacketError::UnknownType));
    assert_eq!(EnginePacket::decode(frame("€")), Err(PacketError::UnknownType));
    // The stock client's option `forceBase64` concerns WebSockets, too.
    let binary = EnginePacket::Message(Message::Binary(Bytes::from_static(&[1, 2, 3])));
    assert_eq!(EnginePacket::decode(frame("bAQID")), Ok(binary));
    assert_eq!(EnginePacket::decode(frame("bA")), Err(PacketError::Base64));
}

#[test]
fn a_payload_is_taken_as_a_whole_or_not_at_all() {
    let bytes = |bytes: &'static [u8]| EnginePacket::Message(Message::Binary(Bytes::from_static(bytes)));
    let decode = |body: &'static [u8]| payload::decode(Bytes::from_static(body), 3);

    assert_eq!(
        decode("4hello\u{1e}2\u{1e}4world €".as_bytes()),
        Ok(vec![
            EnginePacket::Message(text("hello")),
            EnginePacket::Ping("".into()),
            EnginePacket::Message(text("world €"))
        ])
    );
    assert_eq!(decode(b"bAQIDBA=="), Ok(vec![bytes(&[1, 2, 3, 4])]));
    assert_eq!(decode(b"bAQIDBA"), Ok(vec![bytes(&[1, 2, 3, 4])]));
    assert_eq!(decode(b"b"), Ok(vec![bytes(&[])]));
    assert_eq!(decode(b"bA"), Err(PayloadError::Packet(PacketError::Base64)));
    assert_eq!(decode(b"bAQ*D"), Err(PayloadError::Packet(PacketError::Base64)));
    assert_eq!(decode(b""), Err(PayloadError::Packet(PacketError::Empty)));
    assert_eq!(decode(b"4a\x1e"), Err(PayloadError::Packet(PacketError::Empty)));
    assert_eq!(decode(b"\x1e4a"), Err(PayloadError::Packet(PacketError::Empty)));
    assert_eq!(decode(b"4a\x1ex"), Err(PayloadError::Packet(PacketError::UnknownType)));
    assert_eq!(decode(b"4\xff"), Err(PayloadError::NotText));
    assert_eq!(decode(b"4\x1e4\x1e4\x1e4"), Err(PayloadError::TooManyPackets));
}
