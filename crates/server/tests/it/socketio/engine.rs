//! An Engine.IO client that speaks by hand, so that it can also break the rules.

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Body, Method, RequestBuilder, header::HeaderMap};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

use crate::support::{Client, PATIENCE};

/// Where polls and POSTs go; a session's `&sid=` follows.
pub(crate) const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
/// Where WebSockets are opened.
pub(crate) const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// What a request was answered with, byte for byte.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    /// The status and the body.
    pub(crate) fn line(&self) -> (u16, &str) {
        (self.status, &self.body)
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Sends a request.
pub(crate) async fn reply(request: RequestBuilder) -> Reply {
    attempt(request).await.unwrap()
}

/// Sends a request to a server that may have gone.
pub(crate) async fn attempt(request: RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Reply { status, headers, body: response.text().await? })
}

/// A session by long-polling.
pub(crate) struct Polling {
    /// Whose `Authorization` goes with each request, if the client has a token.
    pub(crate) client: Client,
    /// The session's id.
    pub(crate) sid: String,
    /// What the server said of the session.
    pub(crate) handshake: Value,
}

impl Polling {
    /// Opens a session.
    pub(crate) async fn open(client: &Client) -> Self {
        Self::opened(client, &reply(client.request(Method::GET, POLLING)).await)
    }

    /// The session that this answer tells of.
    pub(crate) fn opened(client: &Client, answer: &Reply) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let handshake: Value = serde_json::from_str(answer.body.strip_prefix('0').unwrap()).unwrap();
        let sid = handshake["sid"].as_str().unwrap().to_owned();
        Self { client: client.clone(), sid, handshake }
    }

    /// The same session, with another client's credentials or none.
    pub(crate) fn by(&self, client: &Client) -> Self {
        Self { client: client.clone(), sid: self.sid.clone(), handshake: self.handshake.clone() }
    }

    /// The path of the session's requests.
    pub(crate) fn path(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    /// A request of the session.
    pub(crate) fn request(&self, method: Method) -> RequestBuilder {
        self.client.request(method, &self.path())
    }

    /// Polls once.
    pub(crate) async fn poll(&self) -> Reply {
        reply(self.request(Method::GET)).await
    }

    /// Posts a payload.
    pub(crate) async fn post(&self, body: impl Into<Body>) -> Reply {
        reply(self.request(Method::POST).body(body)).await
    }

    /// Posts a payload that is taken.
    pub(crate) async fn say(&self, body: impl Into<Body>) {
        assert_eq!(self.post(body).await.line(), (200, "ok"));
    }

    /// Waits until the server no longer knows the session.
    pub(crate) async fn is_forgotten(&self) {
        let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
        let forgotten = async { while self.poll().await.line() != (400, unknown) {} };
        tokio::time::timeout(PATIENCE, forgotten).await.expect("the session ends");
    }
}

/// A WebSocket, with or without a session that was there before.
pub(crate) struct WebSocket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl WebSocket {
    /// Opens a session.
    pub(crate) async fn open(client: &Client) -> Self {
        Self::request(client, WEBSOCKET, &[]).await.unwrap()
    }

    /// Opens a WebSocket to upgrade a session.
    pub(crate) async fn upgrade(polling: &Polling) -> Self {
        Self::request(&polling.client, &format!("{WEBSOCKET}&sid={}", polling.sid), &[]).await.unwrap()
    }

    /// Asks for a WebSocket.
    ///
    /// # Errors
    /// What the server answers instead.
    pub(crate) async fn request(client: &Client, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Reply> {
        let url = client.request(Method::GET, path).build().unwrap();
        let mut request = url.url().as_str().replacen("http", "ws", 1).into_client_request().unwrap();
        for (name, value) in url.headers() {
            request.headers_mut().insert(name, value.clone());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match tokio_tungstenite::connect_async(request).await {
            Ok((stream, _)) => Ok(Self { stream }),
            Err(tungstenite::Error::Http(answer)) => {
                let body = String::from_utf8(answer.body().clone().unwrap_or_default()).unwrap();
                Err(Reply { status: answer.status().as_u16(), headers: answer.headers().clone(), body })
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Sends a frame as it is.
    pub(crate) async fn send(&mut self, frame: impl Into<Message>) {
        self.stream.send(frame.into()).await.unwrap();
    }

    /// The next frame other than WebSocket's own ping and pong; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            match tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame comes") {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(frame)) => return Some(frame),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next frame, which is text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("no text frame: {other:?}"),
        }
    }

    /// The code and reason that the server closes with; frames before are passed over.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(close) = self.next().await.expect("a close frame comes") {
                let close = close.expect("the close frame has a code");
                return (close.code.into(), close.reason.to_string());
            }
        }
    }
}
