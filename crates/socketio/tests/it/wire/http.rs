//! HTTP as plain as it can be: one request for each connection, so that the tests say what overtakes what.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATIENCE;

/// A request that was sent. Dropping it breaks it off.
pub(super) struct Pending(TcpStream);

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Sends a request without a body.
pub(super) async fn send(address: SocketAddr, method: &str, target: &str) -> Pending {
    send_with(address, method, target, "", b"").await
}

/// Sends a request with further header lines, each with its line end, and a body as it is.
pub(super) async fn send_with(address: SocketAddr, method: &str, target: &str, headers: &str, body: &[u8]) -> Pending {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n");
    // Who is refused may be told before the end.
    let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
    Pending(stream)
}

/// Posts a body and waits for the answer.
pub(super) async fn post(address: SocketAddr, target: &str, body: &[u8]) -> Answer {
    let headers = format!("Content-Type: text/plain; charset=UTF-8\r\nContent-Length: {}\r\n", body.len());
    send_with(address, "POST", target, &headers, body).await.answer().await
}

impl Pending {
    /// Waits for the answer.
    pub(super) async fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        timeout(PATIENCE, self.0.read_to_end(&mut bytes)).await.expect("an answer").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Answer { status: status.parse().unwrap(), headers: lines.filter_map(header).collect(), body: body.to_owned() }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
