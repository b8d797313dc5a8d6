//! A connection under any sequence of inputs, one a line; the first character says what happens (see `feed`).
//!
//! It must not panic, must keep a timer until it has ended, end once, and then let nobody wait.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use parlor_socketio::engine::{Frame, PollId, PostId, SocketId, ToSocket};
use parlor_socketio::packet::{Args, Event as Emitted, Namespace};
use parlor_socketio::{Config, Connection, Event, Welcome};

struct World {
    connection: Connection,
    now: Duration,
    polls: Vec<PollId>,
    posts: Vec<PostId>,
    sockets: Vec<SocketId>,
    ended: bool,
}

fuzz_target!(|script: &str| {
    let now = Duration::ZERO;
    let (connection, poll) = Connection::polling(Config::default(), "sid".into(), now);
    let mut world = World { connection, now, polls: vec![poll], posts: vec![], sockets: vec![], ended: false };
    for line in script.split('\n') {
        let mut rest = line.chars();
        if let Some(kind) = rest.next() {
            world.feed(kind, rest.as_str());
            world.settle();
        }
    }
    while let Some(deadline) = world.connection.deadline() {
        world.now = world.now.max(deadline);
        world.connection.tick(world.now);
        world.drain();
        world.settle();
    }
    assert!(world.ended);
    world.drain();
    assert!(world.polls.is_empty() && world.sockets.is_empty());
});

impl World {
    fn feed(&mut self, kind: char, rest: &str) {
        let (connection, now) = (&mut self.connection, self.now);
        let event = || Emitted::new("e", Args::none()).expect("not reserved");
        match kind {
            't' => {
                self.now += Duration::from_millis(rest.parse::<u32>().unwrap_or(1_000).into());
                connection.tick(self.now);
            }
            'g' => self.polls.extend(connection.session().poll_started(now)),
            'G' => self.polls.pop().into_iter().for_each(|poll| connection.session().poll_aborted(poll, now)),
            'p' => {
                if let Ok(post) = connection.session().post_started(now) {
                    let _ = connection.session().post_finished(post, rest.to_owned().into(), now);
                }
            }
            's' => self.posts.extend(connection.session().post_started(now)),
            'S' => self.posts.pop().into_iter().for_each(|post| connection.session().post_aborted(post, now)),
            'w' => self.sockets.extend(connection.session().websocket_opened(now)),
            'W' => self.sockets.pop().into_iter().for_each(|socket| connection.session().websocket_closed(socket, now)),
            'm' | 'b' => {
                let text = Frame::Text(rest.into());
                let frame = if kind == 'm' { text } else { Frame::Binary(rest.to_owned().into()) };
                if let Some(socket) = self.sockets.last() {
                    connection.session().websocket_message(*socket, frame, now);
                }
            }
            'e' => drop(connection.emit(&Namespace::MAIN, &event())),
            'a' => drop(connection.emit_with_ack(&Namespace::MAIN, &event(), Duration::from_secs(1), now)),
            'd' => drop(connection.disconnect(&Namespace::MAIN)),
            'D' => connection.disconnect_all(now),
            'c' => connection.close(now),
            _ => self.drain(),
        }
    }

    fn settle(&mut self) {
        while let Some(event) = self.connection.next_event(self.now) {
            assert!(!self.ended);
            match event {
                Event::Connect { namespace, .. } => drop(self.connection.accept(&namespace, &Welcome::new("id"))),
                Event::Event { namespace, event, ack: Some(id) } => {
                    let _ = self.connection.ack(&namespace, id, event.args());
                }
                Event::Event { .. } | Event::Ack { .. } | Event::AckTimeout { .. } | Event::Disconnected { .. } => {}
                Event::Ended(_) => self.ended = true,
            }
        }
        assert_eq!(self.connection.deadline().is_none(), self.ended);
    }

    fn drain(&mut self) {
        let connection = &mut self.connection;
        self.polls.retain(|poll| connection.session().poll_answer(*poll).is_none());
        self.sockets.retain(|socket| {
            loop {
                match connection.session().next_frame(*socket) {
                    Some(ToSocket::Frame(_)) => {}
                    Some(ToSocket::Close(_)) => return false,
                    None => return true,
                }
            }
        });
    }
}
