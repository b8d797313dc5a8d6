//! A WebSocket client that breaks the rules on purpose.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::support::{Client, TestServer};

/// What makes a request a handshake.
pub(crate) const HANDSHAKE: [(&str, &str); 4] = [
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// First bytes of frames.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const TEXT_BEGIN: u8 = 0x01;
pub(crate) const CONTINUE: u8 = 0x00;
pub(crate) const CONTINUE_END: u8 = 0x80;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

const PATIENCE: Duration = Duration::from_secs(20);

/// An open socket, byte by byte.
pub(crate) struct RawSocket {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl RawSocket {
    /// Opens a socket as this client, with a small receive buffer.
    pub(crate) async fn open(server: &TestServer, client: &Client) -> Self {
        Self::open_at(server, client, "/api/v1/ws").await
    }

    /// The same at another path.
    pub(crate) async fn open_at(server: &TestServer, client: &Client, path: &str) -> Self {
        Self::open_with(server, client, path, &[]).await
    }

    /// The same with bytes that are sent along with the request.
    pub(crate) async fn open_with(server: &TestServer, client: &Client, path: &str, bytes: &[u8]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let address = server.base.trim_start_matches("http://");
        let mut stream = socket.connect(address.parse().unwrap()).await.unwrap();
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
        for (name, value) in HANDSHAKE {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(token) = &client.token {
            request.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        request.push_str("\r\n");
        stream.write_all(&[request.as_bytes(), bytes].concat()).await.unwrap();
        let mut socket = Self { stream, received: Vec::new() };
        let head = socket.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.to_ascii_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
        assert!(head.to_ascii_lowercase().contains("connection: upgrade"), "{head}");
        socket
    }

    async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head = self.received.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            assert!(self.fill().await, "the server hung up");
        }
    }

    /// Reads what is there; `false` at the end.
    async fn fill(&mut self) -> bool {
        let reading = timeout(PATIENCE, self.stream.read_buf(&mut self.received));
        let read = reading.await.expect("the server says something").unwrap_or(0);
        read > 0
    }

    /// Sends bytes as they are; `false` if the server does not take them any more.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("the server reads").is_ok()
    }

    /// Says that nothing more is sent, as a dropped connection does, and goes on reading.
    pub(crate) async fn end_sending(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, length)) = parse(&self.received) {
                self.received.drain(..length);
                return Some(frame);
            }
            if !self.fill().await {
                return None;
            }
        }
    }

    /// The next frame with this first byte; others before it are passed over.
    pub(crate) async fn next_of(&mut self, first: u8) -> Frame {
        loop {
            let frame = self.next().await.expect("the connection is open");
            if frame.first == first {
                return frame;
            }
        }
    }

    /// The code and reason that the server closes with; frames before that are passed over. The connection has to
    /// end then, although this side does not answer.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let payload = self.next_of(CLOSE).await.payload;
        assert_eq!(self.next().await, None, "nothing comes after the close frame");
        let code = u16::from_be_bytes([payload[0], payload[1]]);
        (code, String::from_utf8(payload[2..].to_vec()).unwrap())
    }
}

fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let (first, short) = (*bytes.first()?, *bytes.get(1)?);
    assert!(short < 128, "a server does not mask");
    let (length, start) = match short {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().unwrap())), 4),
        127 => (u64::from_be_bytes(bytes.get(2..10)?.try_into().unwrap()).try_into().unwrap(), 10),
        short => (usize::from(short), 2),
    };
    let payload = bytes.get(start..start + length)?.to_vec();
    Some((Frame { first, payload }, start + length))
}

/// A frame's head with a mask of zeros, which leaves the payload as it is.
pub(crate) fn head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..126 => head.push(0x80 | u8::try_from(length).unwrap()),
        126..65_536 => {
            head.push(0x80 | 126);
            head.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend(length.to_be_bytes());
        }
    }
    head.extend([0; 4]);
    head
}

/// A whole frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [head(first, payload.len() as u64), payload.to_vec()].concat()
}
