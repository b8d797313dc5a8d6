//! A client that does exactly what it is told.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::PATIENCE;
use super::http::{self, Answer, Pending};

/// What a request for a session that does not exist is told.
pub(super) const UNKNOWN_SID: &str = r#"{"code":1,"message":"Session ID unknown"}"#;

/// A session, or the attempt to have one.
pub(super) struct Client {
    pub(super) address: SocketAddr,
    path: &'static str,
    pub(super) sid: String,
    socket: Option<WebSocketStream<TcpStream>>,
}

/// What came over a WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    Text(String),
    Binary(Bytes),
    /// The server closed, with a code unless it just went.
    Closed(Option<u16>),
}

impl Client {
    /// Opens a session with a poll, and returns it with its handshake.
    pub(super) async fn polling(address: SocketAddr, path: &'static str) -> (Self, Answer) {
        let mut client = Self { address, path, sid: String::new(), socket: None };
        let answer = client.poll().await.answer().await;
        client.take_sid(&answer.body);
        (client, answer)
    }

    /// Opens a session on a WebSocket, and returns it with its handshake.
    pub(super) async fn websocket(address: SocketAddr, path: &'static str) -> (Self, String) {
        let mut client = Self { address, path, sid: String::new(), socket: None };
        client.open_websocket().await.unwrap();
        let Incoming::Text(handshake) = client.next().await else { panic!("no handshake") };
        client.take_sid(&handshake);
        (client, handshake)
    }

    /// Another client that knows this one's session.
    pub(super) fn twin(&self) -> Self {
        Self { address: self.address, path: self.path, sid: self.sid.clone(), socket: None }
    }

    fn take_sid(&mut self, handshake: &str) {
        let value: serde_json::Value = serde_json::from_str(&handshake[1..]).unwrap();
        self.sid = value["sid"].as_str().unwrap().to_owned();
    }

    fn target(&self, transport: &str) -> String {
        let sid = if self.sid.is_empty() { String::new() } else { format!("&sid={}", self.sid) };
        format!("{}?EIO=4&transport={transport}{sid}", self.path)
    }

    /// Begins a poll.
    pub(super) async fn poll(&self) -> Pending {
        http::send(self.address, "GET", &self.target("polling")).await
    }

    pub(super) async fn post(&self, body: &str) -> Answer {
        http::post(self.address, &self.target("polling"), body.as_bytes()).await
    }

    /// Begins a POST request with this body, of which the head says more.
    pub(super) async fn begin_post(&self, headers: &str, body: &[u8]) -> Pending {
        http::send_with(self.address, "POST", &self.target("polling"), headers, body).await
    }

    /// Opens a WebSocket, for the session if there is one; or says with which status that is refused.
    pub(super) async fn open_websocket(&mut self) -> Result<(), u16> {
        let url = format!("ws://{}{}", self.address, self.target("websocket"));
        let stream = TcpStream::connect(self.address).await.unwrap();
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        match client_async_with_config(url, stream, Some(config)).await {
            Ok((socket, _)) => self.socket = Some(socket),
            Err(Error::Http(response)) => return Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    fn socket(&mut self) -> &mut WebSocketStream<TcpStream> {
        self.socket.as_mut().expect("a WebSocket")
    }

    pub(super) async fn send(&mut self, text: &str) {
        self.socket().send(Message::text(text)).await.unwrap();
    }

    pub(super) async fn send_binary(&mut self, bytes: &'static [u8]) {
        self.socket().send(Message::binary(bytes)).await.unwrap();
    }

    /// Sends what the server may refuse to read.
    pub(super) async fn try_send(&mut self, text: &str) -> Result<(), Error> {
        self.socket().send(Message::text(text)).await
    }

    /// What comes next over the WebSocket.
    pub(super) async fn next(&mut self) -> Incoming {
        match timeout(PATIENCE, self.socket().next()).await.expect("something over the WebSocket") {
            Some(Ok(Message::Text(text))) => Incoming::Text(text.to_string()),
            Some(Ok(Message::Binary(bytes))) => Incoming::Binary(bytes),
            Some(Ok(Message::Close(frame))) => Incoming::Closed(frame.map(|frame| frame.code.into())),
            None | Some(Err(_)) => Incoming::Closed(None),
            Some(Ok(other @ (Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => panic!("{other:?}"),
        }
    }

    /// What comes next over the WebSocket, after pings, which are answered.
    pub(super) async fn next_but_pings(&mut self) -> Incoming {
        loop {
            match self.next().await {
                Incoming::Text(text) if text == "2" => self.send("3").await,
                other @ (Incoming::Text(_) | Incoming::Binary(_) | Incoming::Closed(_)) => return other,
            }
        }
    }

    /// Closes the WebSocket and waits until the server has agreed.
    pub(super) async fn leave(&mut self) {
        self.socket().close(None).await.unwrap();
        while !matches!(self.next().await, Incoming::Closed(_)) {}
    }

    /// Waits until the server knows the session no more.
    pub(super) async fn until_forgotten(&self) {
        // A noop changes nothing, wherever the session is.
        let forgotten = async { while self.post("6").await.body != UNKNOWN_SID {} };
        timeout(PATIENCE, forgotten).await.expect("the session ends");
    }
}
