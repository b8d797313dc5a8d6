//! What is encoded decodes to the same, and no input at all makes the state machines break their promises.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use parlor_socketio::engine::{
    self, Frame, Message, Packet as EnginePacket, PollId, PostId, SocketId, ToSocket, payload,
};
use parlor_socketio::packet::{Args, Attachment, Content, Event as Emitted, MAX_ACK_ID, Namespace, Packet};
use parlor_socketio::{Config, ConnectError, Connection, Event, Json, Welcome};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::codec::decode;

/// Text without the record separator, which payloads cannot have.
fn line() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| text.replace('\u{1e}', " "))
}

fn bytes() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn engine_packet() -> impl Strategy<Value = EnginePacket> {
    prop_oneof![
        line().prop_map(|text| EnginePacket::Open(text.into())),
        Just(EnginePacket::Close),
        line().prop_map(|text| EnginePacket::Ping(text.into())),
        line().prop_map(|text| EnginePacket::Pong(text.into())),
        line().prop_map(|text| EnginePacket::Message(Message::Text(text.into()))),
        bytes().prop_map(|bytes| EnginePacket::Message(Message::Binary(bytes))),
        Just(EnginePacket::Upgrade),
        Just(EnginePacket::Noop),
    ]
}

fn args() -> impl Strategy<Value = Args> {
    (vec(any::<(String, i64)>(), 0..4), vec(bytes(), 0..10)).prop_map(|(values, attachments)| {
        let places: Vec<Attachment> = (0..attachments.len()).map(Attachment::new).collect();
        let args = values.iter().fold(Args::none(), |args, value| args.with_last(value).unwrap());
        let args = places.iter().fold(args, |args, place| args.with_last(place).unwrap());
        args.with_attachments(attachments).unwrap()
    })
}

fn content() -> impl Strategy<Value = Content> {
    let object = || any::<HashMap<String, String>>().prop_map(|map| Json::new(&map).unwrap());
    let name = any::<String>().prop_filter("not reserved", |name| Emitted::new(name.clone(), Args::none()).is_ok());
    prop_oneof![
        proptest::option::of(object()).prop_map(Content::Connect),
        Just(Content::Disconnect),
        (proptest::option::of(0..=MAX_ACK_ID), name, args())
            .prop_map(|(id, name, args)| Content::Event { id, event: Emitted::new(name, args).unwrap() }),
        (0..=MAX_ACK_ID, args()).prop_map(|(id, args)| Content::Ack { id, args }),
        object().prop_map(Content::ConnectError),
    ]
}

fn namespace() -> impl Strategy<Value = Namespace> {
    prop_oneof![Just(Namespace::MAIN), "/[^,]{0,60}".prop_map(|name| Namespace::new(&name).unwrap())]
}

/// Anything that may happen to a connection.
#[derive(Clone, Debug)]
enum Input {
    Tick(u64),
    Poll,
    AbortPoll,
    Post(String),
    StartPost,
    AbortPost,
    Open,
    Text(String),
    Bytes(Vec<u8>),
    CloseSocket,
    Emit,
    EmitWithAck,
    Disconnect,
    Close,
}

fn wire() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "40", "40/a,", "41", "41/a,", "42[\"e\"]", "420[\"e\"]", "430[]", "431[]", "2probe", "5", "3", "6",
            "451-[\"e\",{\"_placeholder\":true,\"num\":0}]", "42/a,[\"e\"]",
        ])
        .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["1", "2", "4", "42{}", "44{}", "abc", ""]).prop_map(str::to_owned),
        1 => "[0-6]{1,3}[-/,a-c0-9\\[\\]\"{}]{0,12}",
    ]
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        3 => (0..30_000_u64).prop_map(Input::Tick),
        3 => Just(Input::Poll),
        1 => Just(Input::AbortPoll),
        4 => vec(wire(), 1..4).prop_map(|packets| Input::Post(packets.join("\u{1e}"))),
        1 => Just(Input::StartPost),
        1 => Just(Input::AbortPost),
        2 => Just(Input::Open),
        8 => wire().prop_map(Input::Text),
        2 => vec(any::<u8>(), 0..4).prop_map(Input::Bytes),
        1 => Just(Input::CloseSocket),
        2 => Just(Input::Emit),
        2 => Just(Input::EmitWithAck),
        1 => Just(Input::Disconnect),
        1 => Just(Input::Close),
    ]
}

/// A connection, what its transports hold, and what it has promised so far.
struct World {
    connection: Connection,
    now: Duration,
    polls: Vec<PollId>,
    posts: Vec<PostId>,
    sockets: Vec<SocketId>,
    /// For each namespace that is connected, the acknowledgements that are awaited.
    connected: HashMap<String, Vec<u64>>,
    ended: bool,
}

impl World {
    fn new(polling: bool) -> Self {
        let now = Duration::ZERO;
        let (mut polls, mut sockets) = (Vec::new(), Vec::new());
        let connection = if polling {
            let (connection, poll) = Connection::polling(Config::default(), "sid".into(), now);
            polls.push(poll);
            connection
        } else {
            let (connection, socket) = Connection::websocket(Config::default(), "sid".into(), now);
            sockets.push(socket);
            connection
        };
        Self { connection, now, polls, posts: Vec::new(), sockets, connected: HashMap::new(), ended: false }
    }

    fn feed(&mut self, input: Input) {
        let (connection, now) = (&mut self.connection, self.now);
        match input {
            Input::Tick(millis) => {
                self.now += Duration::from_millis(millis);
                connection.tick(self.now);
            }
            Input::Poll => self.polls.extend(connection.session().poll_started(now)),
            Input::AbortPoll => {
                self.polls.pop().into_iter().for_each(|poll| connection.session().poll_aborted(poll, now))
            }
            Input::Post(body) => {
                if let Ok(post) = connection.session().post_started(now) {
                    let _ = connection.session().post_finished(post, body.into(), now);
                }
            }
            Input::StartPost => self.posts.extend(connection.session().post_started(now)),
            Input::AbortPost => {
                self.posts.pop().into_iter().for_each(|post| connection.session().post_aborted(post, now))
            }
            Input::Open => self.sockets.extend(connection.session().websocket_opened(now)),
            Input::Text(text) => self.receive(Frame::Text(text.into())),
            Input::Bytes(bytes) => self.receive(Frame::Binary(bytes.into())),
            Input::CloseSocket => {
                self.sockets.pop().into_iter().for_each(|socket| connection.session().websocket_closed(socket, now));
            }
            Input::Emit => {
                let _ = connection.emit(&Namespace::MAIN, &Emitted::new("e", Args::none()).unwrap());
            }
            Input::EmitWithAck => {
                let event = Emitted::new("e", Args::none()).unwrap();
                if let Ok(id) = connection.emit_with_ack(&Namespace::MAIN, &event, Duration::from_secs(5), now) {
                    self.connected.get_mut("/").expect("emitted to a namespace that was accepted").push(id);
                }
            }
            Input::Disconnect => {
                let _ = connection.disconnect(&Namespace::MAIN);
            }
            Input::Close => connection.close(now),
        }
    }

    fn receive(&mut self, frame: Frame) {
        if let Some(socket) = self.sockets.last() {
            self.connection.session().websocket_message(*socket, frame, self.now);
        }
    }

    /// The application's part, which notes what it is told.
    fn settle(&mut self) {
        while let Some(event) = self.connection.next_event(self.now) {
            assert!(!self.ended, "{event:?} after the end");
            match event {
                Event::Connect { namespace, .. } if namespace.as_str() == "/a" => {
                    let _ = self.connection.refuse(&namespace, &ConnectError::new("no"));
                }
                Event::Connect { namespace, .. } => {
                    if self.connection.accept(&namespace, &Welcome::new("id")).is_ok() {
                        let before = self.connected.insert(namespace.to_string(), Vec::new());
                        assert!(before.is_none(), "{namespace} is connected twice");
                    }
                }
                Event::Event { namespace, .. } => assert!(self.connected.contains_key(namespace.as_str())),
                Event::Ack { namespace, id, .. } | Event::AckTimeout { namespace, id } => {
                    let awaited = self.connected.get_mut(namespace.as_str()).expect("an answer to a connected one");
                    let index = awaited.iter().position(|other| *other == id).expect("an answer that was awaited");
                    awaited.remove(index);
                }
                Event::Disconnected { namespace, .. } => {
                    assert!(self.connected.remove(namespace.as_str()).is_some(), "{namespace} was not connected");
                }
                Event::Ended(_) => {
                    assert!(self.connected.is_empty(), "{:?} were not told", self.connected);
                    self.ended = true;
                }
            }
        }
        assert!(self.connection.session().buffered() <= Config::default().engine.max_buffered);
        assert_eq!(self.connection.deadline().is_none(), self.ended, "a session needs its timer until it ends");
    }

    /// The transports' part: takes what there is. Returns how much that was.
    fn drain(&mut self) -> usize {
        let connection = &mut self.connection;
        let before = self.polls.len();
        self.polls.retain(|poll| connection.session().poll_answer(*poll).is_none());
        let mut taken = before - self.polls.len();
        self.sockets.retain(|socket| {
            loop {
                match connection.session().next_frame(*socket) {
                    Some(ToSocket::Frame(_)) => taken += 1,
                    Some(ToSocket::Close(_)) => return false,
                    None => return true,
                }
            }
        });
        taken
    }
}

proptest! {
    #[test]
    fn an_engine_packet_survives_a_websocket(packet in engine_packet()) {
        prop_assert_eq!(EnginePacket::decode(packet.encode()), Ok(packet));
    }

    #[test]
    fn engine_packets_survive_a_payload(packets in vec(engine_packet(), 1..10)) {
        let frames: Vec<Frame> = packets.iter().map(EnginePacket::encode).collect();
        let body = payload::encode(&frames).into_bytes();
        prop_assert_eq!(payload::decode(body, packets.len()), Ok(packets));
    }

    #[test]
    fn a_socket_io_packet_survives_the_wire(namespace in namespace(), content in content()) {
        let packet = Packet { namespace, content };
        let encoded = packet.encode();
        let messages = encoded.frames().map(|frame| match EnginePacket::decode(frame) {
            Ok(EnginePacket::Message(message)) => message,
            other => panic!("no message but {other:?}"),
        });
        prop_assert_eq!(decode(messages.collect()), Ok(Some(packet)));
    }

    #[test]
    fn any_text_is_a_packet_or_an_error(text in any::<String>(), body in vec(any::<u8>(), 0..200)) {
        let _ = decode(vec![Message::Text(text.clone().into())]);
        let _ = EnginePacket::decode(Frame::Text(text.into()));
        let _ = payload::decode(body.into(), 10);
    }

    #[test]
    fn a_connection_keeps_its_promises_whatever_happens(
        polling in any::<bool>(),
        reads in vec(any::<bool>(), 60),
        inputs in vec(input(), 0..60),
    ) {
        let mut world = World::new(polling);
        for (input, read) in inputs.into_iter().zip(reads) {
            world.feed(input);
            world.settle();
            if read {
                world.drain();
                world.settle();
            }
        }
        // A client that reads and says nothing more is gone when its time is up.
        while let Some(deadline) = world.connection.deadline() {
            world.now = world.now.max(deadline);
            world.connection.tick(world.now);
            world.drain();
            world.settle();
        }
        prop_assert!(world.ended);
        world.drain();
        prop_assert!(world.polls.is_empty() && world.sockets.is_empty(), "somebody still waits");
        prop_assert_eq!(world.connection.session().transport() == engine::TransportKind::Polling && !polling, false);
    }
}
