//! Every limit: what is just within it works, what is just beyond it hurts only who did it.

use std::time::Duration;

use bytes::Bytes;
use parlor_socketio::engine::{self, EndReason, Message, Session, ToSocket};
use parlor_socketio::packet::{self, Args, Attachment, DecodeError, Decoder, Limits, Namespace};
use parlor_socketio::{Config, DisconnectReason, Event, SendError, Welcome};

use crate::connection::{Client, event};

const NOW: Duration = Duration::ZERO;
const MAIN: Namespace = Namespace::MAIN;

fn of_len(len: usize) -> Message {
    Message::Text("x".repeat(len).into())
}

/// A session of either kind, whose handshake was read and which nobody reads any more.
fn stalled(config: engine::Config) -> [Session; 2] {
    let (mut polling, poll) = Session::polling(config, "sid".into(), NOW);
    assert!(polling.poll_answer(poll).is_some());
    let (mut websocket, socket) = Session::websocket(config, "sid".into(), NOW);
    assert!(websocket.next_frame(socket).is_some());
    [polling, websocket]
}

#[test]
fn a_client_that_does_not_read_fills_its_buffer_and_is_gone() {
    let config = engine::Config { max_buffered: 3 * (100 + 64), ..engine::Config::default() };
    for mut session in stalled(config) {
        for _ in 0..3 {
            session.send(&of_len(99));
        }
        assert_eq!((session.next_event(), session.buffered()), (None, 3 * 164));
        session.send(&of_len(0));
        assert_eq!(session.next_event(), Some(engine::Event::Ended(EndReason::SlowReader)));
        assert_eq!(session.buffered(), 0);
    }
}

#[test]
fn packets_without_content_fill_the_buffer_as_well() {
    let config = engine::Config { max_buffered: 1 << 16, ..engine::Config::default() };
    for mut session in stalled(config) {
        for _ in 0..2_000 {
            session.send(&of_len(0));
        }
        assert_eq!(session.next_event(), Some(engine::Event::Ended(EndReason::SlowReader)));
    }
}

#[test]
fn one_packet_may_be_larger_than_the_buffer() {
    let config = engine::Config { max_buffered: 10, ..engine::Config::default() };
    for mut session in stalled(config) {
        session.send(&of_len(100));
        assert!(session.is_open());
    }
}

#[test]
fn a_packet_that_has_room_has_it_for_its_attachments_too() {
    let mut client = Client::connected(Config::default());
    client.received();
    let bytes = Bytes::from(vec![0; 800_000]);
    let args = Args::new(&("a".repeat(800_000), Attachment::new(0))).unwrap().with_attachments(vec![bytes]).unwrap();
    let large = packet::Event::new("large", args).unwrap();
    client.connection.emit(&MAIN, &large).unwrap();
    assert!(client.connection.is_connected(&MAIN));
    // With that before it, there is none for another.
    client.connection.emit(&MAIN, &large).unwrap();
    assert!(!client.connection.is_connected(&MAIN));
}

#[test]
fn what_a_poll_has_taken_makes_room() {
    let config = engine::Config { max_buffered: 200, ..engine::Config::default() };
    let [mut session, _] = stalled(config);
    for _ in 0..10 {
        session.send(&of_len(100));
        let poll = session.poll_started(NOW).unwrap();
        assert!(session.poll_answer(poll).is_some());
    }
    assert!(session.is_open());
}

#[test]
fn a_slow_reader_is_disconnected_from_its_namespaces() {
    let mut config = Config::default();
    config.engine.max_buffered = 200;
    let mut client = Client::connected(config);
    while client.connection.emit(&MAIN, &event("news")).is_ok() {}
    let reason = EndReason::SlowReader;
    assert_eq!(
        client.events(),
        [Event::Disconnected { namespace: MAIN, reason: DisconnectReason::Ended(reason) }, Event::Ended(reason)]
    );
    assert_eq!(client.received(), ["closed"]);
}

#[test]
fn a_slow_reader_that_waits_for_a_namespace_does_not_get_it() {
    let mut config = Config::default();
    config.engine.max_buffered = 200;
    let mut client = Client::connected(config);
    client.send("40/waiting");
    while client.connection.emit(&MAIN, &event("news")).is_ok() {}
    let waiting = Namespace::new("/waiting").unwrap();
    assert_eq!(client.connection.accept(&waiting, &Welcome::new("id")), Err(SendError::NotConnected));
}

#[test]
fn a_client_has_so_many_namespaces_and_no_more() {
    let mut client = Client::connected(Config { namespaces: 3, ..Config::default() });
    let [a, b, c] = ["/a", "/b", "/c"].map(|name| Namespace::new(name).unwrap());
    client.connect(&a);
    client.send("40/b");
    client.send("40/c");
    // One that waits for an answer counts.
    assert_eq!(client.received(), [r#"44/c,{"message":"Too many namespaces"}"#]);
    assert_eq!(client.events(), [Event::Connect { namespace: b, auth: None }]);
    client.send("41/a,");
    client.events();
    client.connect(&c);
}

#[test]
fn namespaces_that_the_server_disconnects_do_not_pile_up() {
    let mut client = Client::connected(Config { namespaces: 2, ..Config::default() });
    for index in 0..100 {
        let namespace = Namespace::new(&format!("/{index}")).unwrap();
        client.connect(&namespace);
        client.connection.disconnect(&namespace).unwrap();
        client.events();
    }
    client.received();
    // Only of the latest two is it known that the client may not have heard yet.
    client.send(r#"42/98,["late"]"#);
    assert!(client.received().is_empty());
    client.send(r#"42/97,["too late"]"#);
    assert_eq!(client.received(), ["closed"]);
}

#[test]
fn so_many_acknowledgements_are_awaited_and_no_more() {
    let mut client = Client::connected(Config { pending_acks: 2, ..Config::default() });
    let timeout = Duration::from_secs(1);
    let emit = |client: &mut Client| client.connection.emit_with_ack(&MAIN, &event("a"), timeout, NOW);
    assert_eq!(emit(&mut client), Ok(0));
    assert_eq!(emit(&mut client), Ok(1));
    assert_eq!(emit(&mut client), Err(SendError::TooManyAcks));
    assert_eq!(client.received().len(), 2, "the event is not sent either");
    client.send("430[]");
    assert_eq!(emit(&mut client), Ok(2));
}

#[test]
fn a_packet_has_so_many_attachments_and_no_more() {
    let place = |num| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let header = |count: usize| {
        let places: Vec<String> = (0..count).map(place).collect();
        Message::Text(format!(r#"5{count}-["a",{}]"#, places.join(",")).into())
    };
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.decode(header(10)), Ok(None));
    for _ in 0..9 {
        assert_eq!(decoder.decode(Message::Binary(Bytes::new())), Ok(None));
    }
    assert!(matches!(decoder.decode(Message::Binary(Bytes::new())), Ok(Some(_))));
    assert_eq!(decoder.decode(header(11)), Err(DecodeError::Attachments));
}

#[test]
fn a_packet_has_so_many_bytes_and_no_more() {
    let limits = Limits { attachments: 2, bytes: 100 };
    let header = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let attachment = |len| Message::Binary(Bytes::from(vec![0; len]));
    for (last, complete) in [(100 - header.len() - 1, true), (100 - header.len(), false)] {
        let mut decoder = Decoder::new(limits);
        assert_eq!(decoder.decode(Message::Text(header.into())), Ok(None));
        assert_eq!(decoder.decode(attachment(1)), Ok(None));
        let result = decoder.decode(attachment(last));
        assert_eq!(matches!(result, Ok(Some(_))), complete, "{result:?}");
        assert_eq!(result == Err(DecodeError::TooLarge), !complete);
    }
    let text = |len: usize| Message::Text(format!("2[\"{}\"]", "x".repeat(len - 5)).into());
    assert!(matches!(Decoder::new(limits).decode(text(100)), Ok(Some(_))));
    assert_eq!(Decoder::new(limits).decode(text(101)), Err(DecodeError::TooLarge));
}

#[test]
fn the_name_of_a_namespace_has_256_bytes() {
    let name = |len: usize| format!("/{}", "x".repeat(len - 1));
    assert!(Namespace::new(&name(256)).is_ok());
    for wrong in [name(257), "/a,b".to_owned(), "a".to_owned(), String::new()] {
        assert!(Namespace::new(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_body_has_so_many_packets_and_no_more() {
    let config = engine::Config { max_packets: 3, ..engine::Config::default() };
    for (body, taken) in [("4\u{1e}4\u{1e}4", true), ("4\u{1e}4\u{1e}4\u{1e}4", false)] {
        let [mut session, _] = stalled(config);
        let post = session.post_started(NOW).unwrap();
        let result = session.post_finished(post, Bytes::from_static(body.as_bytes()), NOW);
        assert_eq!((result.is_ok(), session.is_open()), (taken, taken));
    }
}

#[test]
fn a_websocket_message_has_so_many_bytes_and_no_more() {
    let config = engine::Config { max_payload: 5, ..engine::Config::default() };
    let (mut session, socket) = Session::websocket(config, "sid".into(), NOW);
    session.websocket_message(socket, of_len(4).to_frame(), NOW);
    assert_eq!(session.next_event(), Some(engine::Event::Message(of_len(4))));
    session.websocket_message(socket, of_len(5).to_frame(), NOW);
    assert_eq!(session.next_event(), Some(engine::Event::Ended(EndReason::TooLarge)));
    assert_eq!(session.next_frame(socket), Some(ToSocket::Close(1009)));
}
