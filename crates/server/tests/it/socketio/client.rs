//! A Socket.IO client over either transport: it answers pings, keeps `pid` and `offset`, and leaves the rest visible.

use std::collections::VecDeque;

use reqwest::Method;
use serde_json::{Value, json, value::RawValue};

use super::engine::{Polling, WebSocket, attempt};
use crate::support::Client;

/// One of the two ways to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Polling,
    WebSocket,
}

/// Both ways.
pub(crate) const TRANSPORTS: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

/// The session underneath.
pub(crate) enum Engine {
    Polling(Polling),
    WebSocket(WebSocket),
}

/// An event as the server sends it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    /// The data, byte for byte.
    pub(crate) text: String,
    /// The same, read.
    pub(crate) data: Value,
    /// `{stream, rev}`, or `{}`.
    pub(crate) place: Value,
    /// Where the client has come to with it.
    pub(crate) offset: String,
}

impl Event {
    fn parse(packet: &str) -> Self {
        let args: Vec<Box<RawValue>> = serde_json::from_str(packet).unwrap();
        let [name, data, place, offset] = args.try_into().unwrap_or_else(|args| panic!("four arguments: {args:?}"));
        let read = |json: &RawValue| serde_json::from_str(json.get()).unwrap();
        let text = |json: &RawValue| serde_json::from_str(json.get()).unwrap();
        Self {
            name: text(&name),
            text: data.get().to_owned(),
            data: read(&data),
            place: read(&place),
            offset: text(&offset),
        }
    }
}

/// A client that is connected to the main namespace, or is about to be.
pub(crate) struct SocketIo {
    pub(crate) engine: Engine,
    /// Packets that came and have not been looked at.
    inbox: VecDeque<String>,
    acks: u64,
    /// Under which name the client may come back.
    pub(crate) pid: String,
    /// The offset of the last event, if there was one.
    pub(crate) offset: Option<String>,
}

impl SocketIo {
    /// Opens a session as this client, and nothing more.
    pub(crate) async fn open(client: &Client, transport: Transport) -> Self {
        let engine = match transport {
            Transport::Polling => Engine::Polling(Polling::open(client).await),
            Transport::WebSocket => {
                let mut socket = WebSocket::open(client).await;
                assert!(socket.text().await.starts_with("0{"));
                Engine::WebSocket(socket)
            }
        };
        Self { engine, inbox: VecDeque::new(), acks: 0, pid: String::new(), offset: None }
    }

    /// Opens a session without any credentials of HTTP, and connects with this `auth`.
    ///
    /// # Errors
    /// What `connect_error` would get.
    pub(crate) async fn connect(client: &Client, transport: Transport, auth: &Value) -> Result<Self, Value> {
        let mut anonymous = client.clone();
        anonymous.token = None;
        let mut socket = Self::open(&anonymous, transport).await;
        socket.enter(auth).await?;
        Ok(socket)
    }

    /// Connects by the client's access token and waits for `ready`.
    pub(crate) async fn ready(client: &Client, transport: Transport) -> Self {
        let mut socket = Self::connect(client, transport, &json!({ "token": client.token })).await.unwrap();
        assert_eq!(socket.event().await.name, "ready");
        socket
    }

    /// Comes back with what a former connection knew. Gives whether it was recovered; `ready` is passed.
    pub(crate) async fn back(client: &Client, transport: Transport, former: &Former) -> (Self, bool) {
        let mut auth = json!({ "token": client.token, "pid": former.pid });
        if let Some(offset) = &former.offset {
            auth["offset"] = json!(offset);
        }
        let mut socket = Self::connect(client, transport, &auth).await.unwrap();
        let recovered = socket.pid == former.pid;
        let ready = socket.event().await;
        assert_eq!(ready.name, "ready");
        (socket, recovered)
    }

    /// Asks for the main namespace and waits for the answer.
    ///
    /// # Errors
    /// What `connect_error` would get.
    pub(crate) async fn enter(&mut self, auth: &Value) -> Result<(), Value> {
        let auth = if auth.is_null() { String::new() } else { auth.to_string() };
        self.send(&format!("40{auth}")).await;
        let answer = self.packet().await.expect("the server answers");
        if let Some(refusal) = answer.strip_prefix("44") {
            return Err(serde_json::from_str(refusal).unwrap());
        }
        let welcome: Value = serde_json::from_str(answer.strip_prefix("40").expect(&answer)).unwrap();
        self.pid = welcome["pid"].as_str().unwrap_or_default().to_owned();
        Ok(())
    }

    /// Sends an Engine.IO packet as it is.
    pub(crate) async fn send(&mut self, packet: &str) {
        match &mut self.engine {
            Engine::Polling(polling) => polling.say(packet.to_owned()).await,
            Engine::WebSocket(socket) => socket.send(packet).await,
        }
    }

    /// The next Engine.IO packet; pings are answered and left out. `None` when the session has ended.
    pub(crate) async fn packet(&mut self) -> Option<String> {
        loop {
            match self.inbox.pop_front().as_deref() {
                Some("2") => self.send("3").await,
                Some("6") => {}
                Some("1") => return None,
                Some(packet) => return Some(packet.to_owned()),
                None => {
                    let more = self.receive().await?;
                    self.inbox.extend(more);
                }
            }
        }
    }

    async fn receive(&mut self) -> Option<Vec<String>> {
        match &mut self.engine {
            Engine::Polling(polling) => {
                let answer = attempt(polling.request(Method::GET)).await.ok()?;
                (answer.status == 200).then(|| answer.body.split('\x1e').map(str::to_owned).collect())
            }
            Engine::WebSocket(socket) => {
                let frame = socket.next().await?;
                assert!(frame.is_text() || frame.is_close(), "{frame:?}");
                frame.is_text().then(|| vec![frame.into_text().unwrap().to_string()])
            }
        }
    }

    /// The next event; anything else that comes instead is a failure.
    pub(crate) async fn event(&mut self) -> Event {
        let packet = self.packet().await.expect("the session goes on");
        self.read(packet.strip_prefix("42").unwrap_or_else(|| panic!("no event: {packet}")))
    }

    fn read(&mut self, packet: &str) -> Event {
        let event = Event::parse(packet);
        self.offset = Some(event.offset.clone());
        event
    }

    /// The next event of that name; others before it are passed over.
    pub(crate) async fn event_of(&mut self, name: &str) -> Event {
        loop {
            let event = self.event().await;
            if event.name == name {
                return event;
            }
        }
    }

    /// The next events of messages, this many; others are passed over.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            let event = self.event_of("message.created").await;
            texts.push(event.data["text"].as_str().unwrap().to_owned());
        }
        texts
    }

    /// Emits an event with a callback, and gives what the callback gets; events before it are passed over.
    pub(crate) async fn emit(&mut self, args: &str) -> Value {
        self.acks += 1;
        let id = self.acks;
        self.send(&format!("42{id}{args}")).await;
        self.acknowledged(id).await
    }

    /// What the callback of that number gets.
    pub(crate) async fn acknowledged(&mut self, id: u64) -> Value {
        let prefix = format!("43{id}[");
        loop {
            let packet = self.packet().await.expect("the server acknowledges");
            if let Some(event) = packet.strip_prefix("42") {
                self.read(event);
            } else {
                let args = packet.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(']'));
                return serde_json::from_str(args.unwrap_or_else(|| panic!("another packet: {packet}"))).unwrap();
            }
        }
    }

    /// Sends a command and gives its answer; events before it are passed over.
    pub(crate) async fn command(&mut self, name: &str, data: Value) -> Value {
        self.emit(&json!([name, data]).to_string()).await
    }

    /// Shows that the connection works, and that everything that came before has been looked at.
    pub(crate) async fn is_alive(&mut self) {
        assert_eq!(self.command("ping", json!({})).await, json!({ "data": {} }));
    }

    /// The same for who has counted to less than this in another way.
    pub(crate) async fn is_alive_from(&mut self, id: u64) {
        self.acks = id;
        self.is_alive().await;
    }

    /// Waits for the end of the session. Gives what came before it.
    pub(crate) async fn ended(&mut self) -> Vec<String> {
        let mut packets = Vec::new();
        while let Some(packet) = self.packet().await {
            packets.push(packet);
        }
        packets
    }

    /// What this client would come back with.
    pub(crate) fn former(&self) -> Former {
        Former { pid: self.pid.clone(), offset: self.offset.clone() }
    }

    /// Goes without a word, and gives what this client would come back with.
    pub(crate) fn lost(self) -> Former {
        self.former()
    }

    /// The session by long-polling, if it is one.
    pub(crate) fn polling(&self) -> &Polling {
        match &self.engine {
            Engine::Polling(polling) => polling,
            Engine::WebSocket(_) => panic!("this is a WebSocket"),
        }
    }

    /// The WebSocket, if it is one.
    pub(crate) fn websocket(&mut self) -> &mut WebSocket {
        match &mut self.engine {
            Engine::Polling(_) => panic!("this is no WebSocket"),
            Engine::WebSocket(socket) => socket,
        }
    }
}

/// What the stock client keeps of a lost connection.
#[derive(Clone, Debug)]
pub(crate) struct Former {
    pub(crate) pid: String,
    pub(crate) offset: Option<String>,
}
