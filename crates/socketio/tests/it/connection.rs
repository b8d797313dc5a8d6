//! What a Socket.IO connection does beyond the cases of the protocol's suite.

use std::time::Duration;

use bytes::Bytes;
use parlor_socketio::engine::{EndReason, Frame, SocketId, ToSocket};
use parlor_socketio::packet::{Args, Event as Emitted, Namespace, ReservedName};
use parlor_socketio::{Config, ConnectError, Connection, DisconnectReason, Event, Json, SendError, Welcome};

use crate::script::json;

const START: Duration = Duration::from_secs(1_000);
const MAIN: Namespace = Namespace::MAIN;

fn after(millis: u64) -> Duration {
    START + Duration::from_millis(millis)
}

/// A client on a WebSocket, whose handshake was read.
pub(crate) struct Client {
    pub(crate) connection: Connection,
    socket: SocketId,
    seen: Vec<Event>,
}

impl Client {
    pub(crate) fn new(config: Config) -> Self {
        let (connection, socket) = Connection::websocket(config, "sid".into(), START);
        let mut client = Self { connection, socket, seen: Vec::new() };
        assert!(client.received()[0].starts_with('0'));
        client
    }

    /// A client that is connected to the main namespace.
    pub(crate) fn connected(config: Config) -> Self {
        let mut client = Self::new(config);
        client.connect(&MAIN);
        client
    }

    pub(crate) fn connect(&mut self, namespace: &Namespace) {
        self.send(&format!("40{namespace},"));
        assert!(matches!(self.seen.pop(), Some(Event::Connect { .. })));
        self.connection.accept(namespace, &Welcome::new("id")).unwrap();
        self.received();
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.connection.session().websocket_message(self.socket, Frame::Text(text.into()), START);
        self.look();
    }

    pub(crate) fn send_binary(&mut self, bytes: &'static [u8]) {
        self.connection.session().websocket_message(self.socket, Frame::Binary(Bytes::from_static(bytes)), START);
        self.look();
    }

    /// What was written to the WebSocket; its being closed is `closed`.
    pub(crate) fn received(&mut self) -> Vec<String> {
        let mut received = Vec::new();
        while let Some(next) = self.connection.session().next_frame(self.socket) {
            match next {
                ToSocket::Frame(Frame::Text(text)) => received.push(text.to_string()),
                ToSocket::Frame(Frame::Binary(bytes)) => received.push(format!("{:?}", &bytes[..])),
                ToSocket::Close(_) => {
                    received.push("closed".to_owned());
                    break;
                }
            }
        }
        received
    }

    /// What the application was told since it was last asked.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.look();
        std::mem::take(&mut self.seen)
    }

    fn look(&mut self) {
        self.seen.extend(std::iter::from_fn(|| self.connection.next_event(START)));
    }
}

fn namespace(name: &str) -> Namespace {
    Namespace::new(name).unwrap()
}

pub(crate) fn event(name: &'static str) -> Emitted {
    Emitted::new(name, Args::none()).unwrap()
}

fn disconnected(namespace: Namespace, reason: DisconnectReason) -> Event {
    Event::Disconnected { namespace, reason }
}

#[test]
fn a_time_may_be_so_long_that_it_never_comes() {
    let mut client = Client::connected(Config { connect_timeout: Duration::MAX, ..Config::default() });
    let id = client.connection.emit_with_ack(&MAIN, &event("a"), Duration::MAX, START);
    assert_eq!(id, Ok(0));
    client.connection.tick(after(1));
    assert_eq!(client.events(), []);
}

#[test]
fn the_application_gets_the_auth_payload_as_it_came() {
    let mut client = Client::new(Config::default());
    client.send(r#"40/a,{"token":"t","pid":"p","offset":"o"}"#);
    client.send("40");
    assert_eq!(
        client.events(),
        [
            Event::Connect { namespace: namespace("/a"), auth: Some(json(r#"{"token":"t","pid":"p","offset":"o"}"#)) },
            Event::Connect { namespace: MAIN, auth: None },
        ]
    );
}

#[test]
fn a_welcome_names_the_id_and_what_recovers_the_session() {
    let mut client = Client::new(Config::default());
    client.send("40");
    client.connection.accept(&MAIN, &Welcome { sid: "a".into(), pid: Some("b\"".into()) }).unwrap();
    assert_eq!(client.received(), [r#"40{"sid":"a","pid":"b\""}"#]);
}

#[test]
fn a_refusal_carries_message_and_data() {
    let mut client = Client::new(Config::default());
    client.send("40/a");
    let data = Json::new(&[1, 2]).unwrap();
    let error = ConnectError { message: "no \"entry\"".into(), data: Some(data) };
    client.connection.refuse(&namespace("/a"), &error).unwrap();
    assert_eq!(client.received(), [r#"44/a,{"message":"no \"entry\"","data":[1,2]}"#]);

    client.send("40/a");
    assert_eq!(client.events().len(), 2, "a client that was refused may try again");
}

#[test]
fn only_a_client_that_waits_is_answered() {
    let mut client = Client::connected(Config::default());
    assert_eq!(client.connection.accept(&MAIN, &Welcome::new("x")), Err(SendError::NotConnected));
    let refusal = ConnectError::invalid_namespace();
    assert_eq!(client.connection.refuse(&namespace("/a"), &refusal), Err(SendError::NotConnected));
    assert!(client.received().is_empty());
}

#[test]
fn a_client_that_sends_before_it_is_accepted_is_disconnected() {
    for packet in [r#"42["a"]"#, "431[]", "41", "40"] {
        let mut client = Client::new(Config::default());
        client.send("40");
        client.send(packet);
        assert_eq!(client.received(), ["closed"], "{packet}");
        assert_eq!(client.connection.accept(&MAIN, &Welcome::new("x")), Err(SendError::NotConnected));
    }
}

#[test]
fn events_are_emitted_to_the_namespaces_that_the_client_is_connected_to() {
    let mut client = Client::connected(Config::default());
    let other = namespace("/other");
    assert_eq!(client.connection.emit(&other, &event("a")), Err(SendError::NotConnected));
    client.connect(&other);
    client.connection.emit(&other, &event("a")).unwrap();
    client.connection.emit_encoded(&event("b").encode(&MAIN, None)).unwrap();
    assert_eq!(client.received(), [r#"42/other,["a"]"#, r#"42["b"]"#]);
}

#[test]
fn attachments_follow_their_event_with_nothing_in_between() {
    let mut client = Client::connected(Config::default());
    let args = Args::new(&(parlor_socketio::packet::Attachment::new(0),)).unwrap();
    let args = args.with_attachments(vec![Bytes::from_static(&[1, 2])]).unwrap();
    client.connection.emit(&MAIN, &Emitted::new("file", args).unwrap()).unwrap();
    client.connection.emit(&MAIN, &event("next")).unwrap();
    assert_eq!(client.received(), [r#"451-["file",{"_placeholder":true,"num":0}]"#, "[1, 2]", r#"42["next"]"#]);
}

#[test]
fn an_acknowledgement_comes_back_to_who_asked_for_it() {
    let mut client = Client::connected(Config::default());
    let timeout = Duration::from_secs(5);
    let first = client.connection.emit_with_ack(&MAIN, &event("a"), timeout, START).unwrap();
    let second = client.connection.emit_with_ack(&MAIN, &event("b"), timeout, START).unwrap();
    assert_eq!(client.received(), [r#"420["a"]"#, r#"421["b"]"#]);

    client.send(r#"431["for b"]"#);
    client.send(r#"461-0[{"_placeholder":true,"num":0}]"#);
    client.send_binary(&[7]);
    client.send(r#"431["twice"]"#);

    let events = client.events();
    let [Event::Ack { id: one, args, .. }, Event::Ack { id: two, args: binary, .. }] = &events[..] else {
        panic!("not two acknowledgements: {events:?}")
    };
    assert_eq!((*one, *two), (second, first));
    assert_eq!(args.parse::<(String,)>().unwrap().0, "for b");
    assert_eq!(binary.attachments(), [Bytes::from_static(&[7])]);
}

#[test]
fn an_acknowledgement_that_does_not_come_is_reported_once() {
    let mut client = Client::connected(Config::default());
    let id = client.connection.emit_with_ack(&MAIN, &event("a"), Duration::from_secs(5), START).unwrap();
    assert_eq!(client.connection.deadline(), Some(after(5_000)));
    client.connection.tick(after(4_999));
    assert_eq!(client.events(), []);
    client.connection.tick(after(5_000));
    client.send("430[]");
    assert_eq!(client.events(), [Event::AckTimeout { namespace: MAIN, id }]);
}

#[test]
fn a_namespace_that_is_left_waits_for_no_acknowledgement() {
    let mut client = Client::connected(Config::default());
    client.connection.emit_with_ack(&MAIN, &event("a"), Duration::from_secs(5), START).unwrap();
    client.send("41");
    client.connection.tick(after(6_000));
    assert_eq!(client.events(), [disconnected(MAIN, DisconnectReason::ByClient)]);
}

#[test]
fn a_client_is_disconnected_from_one_namespace_and_may_come_back() {
    let mut client = Client::connected(Config::default());
    let other = namespace("/other");
    client.connect(&other);
    client.connection.disconnect(&other).unwrap();
    // These were on their way already.
    client.send(r#"42/other,["late"]"#);
    client.send("43/other,0[]");
    client.send("41/other,");
    client.send(r#"42["main"]"#);

    assert_eq!(client.received(), ["41/other,"]);
    let events = client.events();
    assert_eq!(events[0], disconnected(other.clone(), DisconnectReason::ByServer));
    assert!(matches!(&events[1..], [Event::Event { event, .. }] if event.name() == "main"), "{events:?}");
    assert_eq!(client.connection.disconnect(&other), Err(SendError::NotConnected));
    client.connect(&other);
}

#[test]
fn a_client_is_disconnected_from_everything() {
    let mut client = Client::connected(Config::default());
    let other = namespace("/other");
    client.connect(&other);
    client.connection.emit(&MAIN, &event("last")).unwrap();
    client.connection.disconnect_all(START);
    client.send(r#"42["late"]"#);

    assert_eq!(client.received(), [r#"42["last"]"#, "41", "41/other,", "closed"]);
    assert_eq!(
        client.events(),
        [
            disconnected(MAIN, DisconnectReason::ByServer),
            disconnected(other, DisconnectReason::ByServer),
            Event::Ended(EndReason::ServerClosed),
        ]
    );
}

#[test]
fn every_namespace_learns_why_the_session_ended() {
    let cases: [(&str, EndReason); 3] =
        [("1", EndReason::ClientClosed), ("x", EndReason::ParseError), ("4x", EndReason::ParseError)];
    for (packet, reason) in cases {
        let mut client = Client::connected(Config::default());
        let other = namespace("/other");
        client.connect(&other);
        client.send(packet);
        client.received();
        assert_eq!(
            client.events(),
            [
                disconnected(MAIN, DisconnectReason::Ended(reason)),
                disconnected(other, DisconnectReason::Ended(reason)),
                Event::Ended(reason),
            ]
        );
        assert_eq!(client.connection.emit(&MAIN, &event("a")), Err(SendError::NotConnected));
        assert_eq!(client.connection.deadline(), None);
    }
}

#[test]
fn events_before_a_close_packet_in_the_same_body_count() {
    let (mut connection, poll) = Connection::polling(Config::default(), "sid".into(), START);
    assert!(connection.session().poll_answer(poll).is_some());
    let post = |connection: &mut Connection, body: &'static str| {
        let post = connection.session().post_started(START).unwrap();
        connection.session().post_finished(post, Bytes::from_static(body.as_bytes()), START).unwrap();
    };
    post(&mut connection, "40");
    assert!(matches!(connection.next_event(START), Some(Event::Connect { .. })));
    connection.accept(&MAIN, &Welcome::new("id")).unwrap();
    post(&mut connection, "42[\"last\"]\u{1e}41\u{1e}1");
    connection.tick(after(50));

    let events: Vec<Event> = std::iter::from_fn(|| connection.next_event(START)).collect();
    assert!(matches!(&events[0], Event::Event { event, .. } if event.name() == "last"), "{events:?}");
    assert_eq!(events[1..], [disconnected(MAIN, DisconnectReason::ByClient), Event::Ended(EndReason::ClientClosed)]);
}

#[test]
fn a_client_must_connect_in_time_but_only_once() {
    let config = Config { connect_timeout: Duration::from_secs(2), ..Config::default() };
    let mut waiting = Client::new(config);
    waiting.send("40");
    waiting.connection.tick(after(2_000));
    assert_eq!(waiting.received(), ["closed"], "the application took too long");
    assert!(waiting.events().contains(&Event::Ended(EndReason::ConnectTimeout)));

    let mut connected = Client::connected(config);
    connected.send("41");
    connected.connection.tick(after(2_000));
    assert!(connected.received().is_empty());
}

#[test]
fn what_came_before_the_end_is_told_however_late_it_is_asked_for() {
    let (mut connection, socket) = Connection::websocket(Config::default(), "sid".into(), START);
    connection.session().websocket_message(socket, Frame::Text("40".into()), START);
    connection.session().websocket_closed(socket, START);
    connection.tick(after(100_000));
    assert!(matches!(connection.next_event(after(100_000)), Some(Event::Connect { .. })));
    assert_eq!(connection.next_event(after(100_000)), Some(Event::Ended(EndReason::TransportClosed)));
}

#[test]
fn no_event_with_a_reserved_name_can_be_made() {
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        assert_eq!(Emitted::new(name, Args::none()), Err(ReservedName), "{name}");
    }
}

#[test]
fn a_connection_may_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Connection>();
    shared::<parlor_socketio::engine::Session>();
}
