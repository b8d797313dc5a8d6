//! What has crashed other servers, and what might.

use std::time::Duration;

use bytes::Bytes;
use parlor_socketio::engine::{EndReason, Message, Session};
use parlor_socketio::packet::{Attachment, Content, DecodeError, Decoder, Limits, Packet};
use parlor_socketio::{Config, Connection, Event};

use crate::codec::decode;
use crate::connection::Client;

const NOW: Duration = Duration::ZERO;

fn text(text: impl Into<String>) -> Message {
    Message::Text(text.into().into())
}

fn arguments(packet: Result<Option<Packet>, DecodeError>) -> parlor_socketio::packet::Args {
    match packet.unwrap().unwrap().content {
        Content::Event { event, .. } => event.args().clone(),
        other @ (Content::Ack { .. } | Content::Connect(_) | Content::Disconnect | Content::ConnectError(_)) => {
            panic!("no event but {other:?}")
        }
    }
}

/// CVE-2022-2421: the number of a placeholder was used as an index without a look at it.
#[test]
fn placeholders_name_each_attachment_exactly_once() {
    let refused = [
        r#"51-["a",{"_placeholder":true,"num":1}]"#,
        r#"51-["a",{"_placeholder":true,"num":-1}]"#,
        r#"51-["a",{"_placeholder":true,"num":"0"}]"#,
        r#"51-["a",{"_placeholder":true,"num":"splice"}]"#,
        r#"51-["a",{"_placeholder":true,"num":0.5}]"#,
        r#"51-["a",{"_placeholder":true,"num":1e0}]"#,
        r#"51-["a",{"_placeholder":true,"num":null}]"#,
        r#"51-["a",{"_placeholder":true,"num":[0]}]"#,
        r#"51-["a",{"_placeholder":true,"num":18446744073709551616}]"#,
        r#"51-["a",{"_placeholder":true}]"#,
        r#"51-["a",{"_placeholder":1,"num":0}]"#,
        r#"51-["a",{"_placeholder":"true","num":0}]"#,
        r#"51-["a",{"num":0}]"#,
        r#"51-["a"]"#,
        r#"51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"52-["a",{"_placeholder":true,"num":0}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"num":1}]"#,
        r#"51-["a",{"_placeholder":true,"num":1,"num":0}]"#,
        r#"51-["a",{"_placeholder":false,"_placeholder":true,"num":0}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"__proto__":{}}]"#,
        r#"51-["a",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]"#,
    ];
    for packet in refused {
        assert_eq!(decode(vec![text(packet)]), Err(DecodeError::Placeholders), "{packet}");
    }
    let taken = [
        r#"51-["a",{"num":0,"_placeholder":true}]"#,
        r#"51-["a",{"b":[{"c":{"_placeholder":true,"num":0}}]},{"_placeholder":false,"num":7},{"num":9}]"#,
        r#"51-["a",{"_pl\u0061ceholder":true,"num":0}]"#,
    ];
    for packet in taken {
        assert_eq!(decode(vec![text(packet)]), Ok(None), "{packet}");
    }
}

/// What looks like a placeholder in a packet without attachments is data like any other.
#[test]
fn placeholders_without_attachments_are_plain_data() {
    let packet = decode(vec![text(r#"2["a",{"_placeholder":true,"num":5}]"#)]);
    let args = arguments(packet);
    assert!(args.attachments().is_empty());
    let (place,): (Attachment,) = args.parse().unwrap();
    assert_eq!(args.attachment(place), None);

    let packet = decode(vec![text(r#"2["a",{"_placeholder":false,"num":0}]"#)]);
    assert!(arguments(packet).parse::<(Attachment,)>().is_err());
}

/// CVE-2023-32695: an event's name that was no string ended the process.
#[test]
fn a_name_that_is_no_name_is_refused() {
    let refused = [
        r#"2[{"toString":"foo"}]"#,
        r#"2[{"toString":{"toString":"foo"}}]"#,
        r#"2[null,"a"]"#,
        r#"2[false]"#,
        r#"2[["connect"]]"#,
        r#"51-[{"_placeholder":true,"num":0}]"#,
    ];
    for packet in refused {
        assert_eq!(decode(vec![text(packet)]), Err(DecodeError::EventName), "{packet}");
    }
}

/// CVE-2026-33151: attachments were collected without a limit.
#[test]
fn a_million_attachments_are_refused_before_the_first_comes() {
    for packet in ["51000000-[\"a\"]", "511-[\"a\"]", "599999999999999999999-[\"a\"]", "61000000-1[]"] {
        assert_eq!(decode(vec![text(packet)]), Err(DecodeError::Attachments), "{packet}");
    }
    let mut client = Client::connected(Config::default());
    client.send(r#"451000000-["a",{"_placeholder":true,"num":0}]"#);
    assert_eq!(client.received(), ["closed"]);
}

/// Nested values must cost neither the stack nor the square of their depth.
#[test]
fn json_that_is_nested_a_hundred_thousand_deep_is_harmless() {
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let args = arguments(decode(vec![text(format!(r#"2["a",{nested}]"#))]));
    assert!(args.parse::<serde_json::Value>().is_err(), "who reads it has a limit of its own");

    let binary = format!(r#"51-["a",{nested},{{"_placeholder":true,"num":0}}]"#);
    assert_eq!(decode(vec![text(binary)]), Err(DecodeError::Placeholders));
    assert_eq!(decode(vec![text(format!("2{}", "[".repeat(500_000)))]), Err(DecodeError::Payload));
    assert_eq!(decode(vec![text(format!("0{}", r#"{"a":"#.repeat(100_000)))]), Err(DecodeError::Payload));
}

#[test]
fn large_packets_of_every_shape_are_decoded_or_refused() {
    let fill = 900_000;
    let zeros = format!(r#"2["a"{}]"#, ",0".repeat(fill / 2));
    assert_eq!(arguments(decode(vec![text(zeros)])).parse::<Vec<u8>>().unwrap().len(), fill / 2);
    let objects = format!(r#"51-["a"{},{{"_placeholder":true,"num":0}}]"#, r#",{"":0}"#.repeat(fill / 7));
    assert_eq!(decode(vec![text(objects)]), Ok(None));
    for refused in [
        format!("2{}", "9".repeat(fill)),
        format!("5{}", "9".repeat(fill)),
        format!("2/{}", "a".repeat(fill)),
        format!("2{}", "\u{1f600}".repeat(fill / 4)),
        format!("0{}", "{".repeat(fill)),
    ] {
        assert!(decode(vec![text(refused.clone())]).is_err(), "{}…", &refused[..5]);
    }
}

#[test]
fn broken_text_in_the_middle_of_a_character_is_no_trouble() {
    for packet in ["é", "2é", "5é-", "5é1-", "2/é", "2/é,é", "21é", "2[\"é\"", "0é", "3é[]", "\u{1e}"] {
        assert!(decode(vec![text(packet)]).is_err(), "{packet}");
    }
}

#[test]
fn after_an_error_the_parts_of_a_packet_are_forgotten() {
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.decode(text(r#"51-["a",{"_placeholder":true,"num":0}]"#)), Ok(None));
    assert_eq!(decoder.decode(text("2[\"b\"]")), Err(DecodeError::AttachmentExpected));
    assert_eq!(decoder.decode(Message::Binary(Bytes::new())), Err(DecodeError::AttachmentUnexpected));
}

/// What follows the message that broke the rules is not looked at.
#[test]
fn nothing_is_taken_after_a_broken_packet() {
    let mut client = Client::connected(Config::default());
    client.send("42{}");
    client.send(r#"42["late"]"#);
    client.send("40/late");
    let events = client.events();
    assert!(matches!(events[..], [Event::Disconnected { .. }]), "{events:?}");
    assert_eq!(client.received(), ["closed"]);
    assert_eq!(client.events(), [Event::Ended(EndReason::ParseError)]);
}

#[test]
fn nothing_is_taken_after_a_broken_packet_in_the_same_body() {
    let (mut connection, poll) = Connection::polling(Config::default(), "sid".into(), NOW);
    assert!(connection.session().poll_answer(poll).is_some());
    let post = connection.session().post_started(NOW).unwrap();
    connection.session().post_finished(post, Bytes::from_static(b"4x\x1e40"), NOW).unwrap();
    assert_eq!(connection.next_event(NOW), None);
}

/// CVE-2022-41940 and others: a connection that broke at the wrong moment ended the process.
#[test]
fn every_end_may_come_twice_and_in_any_order() {
    let config = parlor_socketio::engine::Config::default();
    let (mut session, poll) = Session::polling(config, "sid".into(), NOW);
    assert!(session.poll_answer(poll).is_some());
    let poll = session.poll_started(NOW).unwrap();
    let post = session.post_started(NOW).unwrap();
    let socket = session.websocket_opened(NOW).unwrap();
    for _ in 0..2 {
        session.websocket_closed(socket, NOW);
        session.post_aborted(post, NOW);
        session.poll_aborted(poll, NOW);
        session.websocket_closed(socket, NOW);
        session.close(EndReason::ServerClosed, NOW);
        let _ = session.post_finished(post, Bytes::from_static(b"1"), NOW);
        let _ = session.post_too_large(post);
    }
    let events: Vec<_> = std::iter::from_fn(|| session.next_event()).collect();
    assert_eq!(events, [parlor_socketio::engine::Event::Ended(EndReason::TransportClosed)]);
}
