//! A client for HTTP/1.1 that costs little: one connection, one request at a time.

use std::{io, time::Duration};

use bytes::{Buf as _, Bytes, BytesMut};
use thiserror::Error;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    net::Network,
    profile::{Request, Values},
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_HEADERS: usize = 64;

/// Why a request did not succeed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The server refused.
    #[error("status {0}: {1}")]
    Status(u16, String),
    /// The connection broke, or could not be made; nobody knows whether the server did what it was asked to.
    #[error("connection: {0}")]
    Connection(#[from] io::Error),
    /// There was no answer in time.
    #[error("timeout")]
    Timeout,
    /// The answer can't be understood, or is not what was asked for.
    #[error("answer: {0}")]
    Answer(String),
}

impl Failure {
    /// Under which name it is counted.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Status(status, _) => status.to_string(),
            Self::Connection(_) => "connection".to_owned(),
            Self::Timeout => "timeout".to_owned(),
            Self::Answer(_) => "answer".to_owned(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The values of `Set-Cookie`.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Bytes,
}

/// A connection that is made anew when it has broken.
#[derive(Debug)]
pub(crate) struct Client {
    stream: Option<TcpStream>,
    received: BytesMut,
    sent: String,
    body: String,
    /// `Authorization` or `Cookie`, as a line.
    credential: String,
}

impl Client {
    /// A client that will say who it is by this header.
    pub(crate) fn new(credential: &str) -> Self {
        let credential = credential.to_owned();
        Self { stream: None, received: BytesMut::new(), sent: String::new(), body: String::new(), credential }
    }

    /// Sends a request and waits for the whole answer. Fails unless its status is the one of success.
    pub(crate) async fn send(
        &mut self,
        network: &Network,
        request: &Request,
        values: &Values<'_>,
    ) -> Result<Response, Failure> {
        self.write_request(network.host(), request, values);
        let answered = timeout(PATIENCE, self.exchange(network)).await.unwrap_or(Err(Failure::Timeout));
        if answered.is_err() {
            self.stream = None;
        }
        let response = answered?;
        if response.status == request.status {
            return Ok(response);
        }
        let text: String = String::from_utf8_lossy(&response.body).chars().take(300).collect();
        Err(Failure::Status(response.status, text))
    }

    fn write_request(&mut self, host: &str, request: &Request, values: &Values<'_>) {
        self.sent.clear();
        self.body.clear();
        self.sent.push_str(if request.body.is_some() { "POST " } else { "GET " });
        request.path.render(values, &mut self.sent);
        self.sent.push_str(" HTTP/1.1\r\nhost: ");
        self.sent.push_str(host);
        self.sent.push_str("\r\n");
        self.sent.push_str(&self.credential);
        if let Some(body) = &request.body {
            body.render(values, &mut self.body);
            self.sent.push_str("content-type: application/json\r\ncontent-length: ");
            self.sent.push_str(&self.body.len().to_string());
            self.sent.push_str("\r\n");
        }
        self.sent.push_str("\r\n");
        self.sent.push_str(&self.body);
    }

    async fn exchange(&mut self, network: &Network) -> Result<Response, Failure> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => {
                self.received.clear();
                none.insert(network.connect().await?)
            }
        };
        stream.write_all(self.sent.as_bytes()).await?;
        let head = loop {
            if let Some(head) = Head::parse(&self.received)? {
                break head;
            }
            read(stream, &mut self.received).await?;
        };
        self.received.advance(head.length);
        let body = match head.body {
            Body::Length(length) => {
                while self.received.len() < length {
                    read(stream, &mut self.received).await?;
                }
                self.received.split_to(length).freeze()
            }
            Body::Chunked => read_chunks(stream, &mut self.received).await?,
        };
        if head.close {
            self.stream = None;
        }
        Ok(Response { status: head.status, cookies: head.cookies, body })
    }
}

async fn read(stream: &mut TcpStream, into: &mut BytesMut) -> Result<(), Failure> {
    into.reserve(4096);
    match stream.read_buf(into).await? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        _ => Ok(()),
    }
}

async fn read_chunks(stream: &mut TcpStream, received: &mut BytesMut) -> Result<Bytes, Failure> {
    let malformed = || Failure::Answer("a malformed chunk".to_owned());
    let mut body = BytesMut::new();
    loop {
        match httparse::parse_chunk_size(received) {
            Ok(httparse::Status::Complete((head, size))) => {
                let size = usize::try_from(size).map_err(|_| malformed())?;
                while received.len() < head + size + 2 {
                    read(stream, received).await?;
                }
                body.extend_from_slice(&received[head..head + size]);
                received.advance(head + size + 2);
                if size == 0 {
                    return Ok(body.freeze());
                }
            }
            Ok(httparse::Status::Partial) => read(stream, received).await?,
            Err(_) => return Err(malformed()),
        }
    }
}

/// What stands before the body.
struct Head {
    status: u16,
    length: usize,
    body: Body,
    cookies: Vec<String>,
    close: bool,
}

/// How long the body is.
enum Body {
    Length(usize),
    Chunked,
}

impl Head {
    /// `None` as long as it is not complete.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, Failure> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let malformed = |error: httparse::Error| Failure::Answer(error.to_string());
        let httparse::Status::Complete(length) = response.parse(bytes).map_err(malformed)? else { return Ok(None) };
        let status = response.code.unwrap_or_default();
        let mut head = Self { status, length, body: Body::Length(0), cookies: Vec::new(), close: false };
        for header in response.headers.iter() {
            head.take(header.name, header.value)?;
        }
        Ok(Some(head))
    }

    fn take(&mut self, name: &str, value: &[u8]) -> Result<(), Failure> {
        let text = || String::from_utf8_lossy(value);
        if name.eq_ignore_ascii_case("content-length") {
            let length = text().parse().map_err(|_| Failure::Answer(format!("content-length {}", text())))?;
            self.body = Body::Length(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case(b"chunked") {
            self.body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("set-cookie") {
            self.cookies.push(text().into_owned());
        } else if name.eq_ignore_ascii_case("connection") {
            self.close = value.eq_ignore_ascii_case(b"close");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncWriteExt as _, net::TcpListener};

    use super::*;

    /// A server that gives these answers, one to a connection's first read, whatever is asked.
    async fn server(answers: Vec<&'static [&'static str]>) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Network::new(&format!("http://{}", listener.local_addr().unwrap()), 1).await.unwrap();
        tokio::spawn(async move {
            for parts in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 4096]).await.unwrap();
                for part in parts {
                    stream.write_all(part.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        network
    }

    fn request(status: u16) -> Request {
        Request { path: "/a".to_owned().try_into().unwrap(), body: None, status }
    }

    #[tokio::test]
    async fn an_answer_may_come_in_pieces_and_in_chunks() {
        let pieces: &[&str] = &["HTTP/1.1 200 O", "K\r\ncontent-length: 5\r\nset-cookie: a=b; Path=/\r\n\r\nab", "cde"];
        let chunks: &[&str] =
            &["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "c\r\n2\r\nde\r\n0\r\n\r\n"];
        for parts in [pieces, chunks] {
            let network = server(vec![parts]).await;
            let response = Client::new("").send(&network, &request(200), &Values::default()).await.unwrap();
            assert_eq!(&response.body[..], b"abcde");
        }
    }

    #[tokio::test]
    async fn another_status_is_a_failure_with_what_the_server_said() {
        let network = server(vec![&["HTTP/1.1 429 Too Many\r\ncontent-length: 4\r\n\r\nslow"]]).await;
        let failure = Client::new("").send(&network, &request(201), &Values::default()).await.unwrap_err();
        assert_eq!((failure.name().as_str(), failure.to_string().as_str()), ("429", "status 429: slow"));
    }

    #[tokio::test]
    async fn a_broken_connection_is_made_anew_for_the_next_request() {
        let ok: &[&str] = &["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"];
        let network = server(vec![&["HTTP/1.1 200"], ok]).await;
        let mut client = Client::new("");
        let broken = client.send(&network, &request(200), &Values::default()).await.unwrap_err();
        assert_eq!(broken.name(), "connection");
        assert_eq!(client.send(&network, &request(200), &Values::default()).await.unwrap().status, 200);
    }
}
