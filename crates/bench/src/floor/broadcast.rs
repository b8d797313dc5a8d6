//! A bare server of WebSockets, made by hand: what is sent to it goes to every socket, framed once.

use std::{cell::RefCell, collections::BTreeMap, io, rc::Rc};

use anyhow::{Context as _, Result};
use bytes::{Buf as _, BytesMut};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedWriteHalf},
    task::spawn_local,
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

const CREATED: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const TEXT_FRAME: u8 = 0x81;

type Sockets = Rc<RefCell<BTreeMap<u64, OwnedWriteHalf>>>;

/// Serves until the process is ended. Within a `LocalSet`.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    accept(listener).await
}

async fn accept(listener: TcpListener) -> Result<()> {
    let sockets = Sockets::default();
    for number in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let sockets = Rc::clone(&sockets);
        // A client that goes away, or does not speak HTTP, concerns nobody else.
        spawn_local(async move { serve_connection(stream, number, &sockets).await.ok() });
    }
    Ok(())
}

/// A request's body, or the answer to a handshake.
enum Asked {
    Send { length: usize },
    Upgrade { answer: String },
}

async fn serve_connection(mut stream: TcpStream, number: u64, sockets: &Sockets) -> Result<()> {
    let mut received = BytesMut::with_capacity(2048);
    loop {
        let (head, asked) = loop {
            if let Some(asked) = parse(&received)? {
                break asked;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        received.advance(head);
        match asked {
            Asked::Send { length } => {
                while received.len() < length {
                    if stream.read_buf(&mut received).await? == 0 {
                        return Ok(());
                    }
                }
                broadcast(sockets, &received.split_to(length));
                stream.write_all(CREATED).await?;
            }
            Asked::Upgrade { answer } => {
                stream.write_all(answer.as_bytes()).await?;
                return keep(stream, number, sockets).await;
            }
        }
    }
}

/// `None` as long as the head is not complete; else its length and what it asks for.
fn parse(bytes: &[u8]) -> Result<Option<(usize, Asked)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) = request.parse(bytes)? else { return Ok(None) };
    let header = |name: &str| request.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    if let Some(key) = header("sec-websocket-key") {
        let accept = derive_accept_key(key.value);
        let answer = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
        return Ok(Some((head, Asked::Upgrade { answer: format!("{answer}sec-websocket-accept: {accept}\r\n\r\n") })));
    }
    let length = header("content-length").context("a request without a body")?;
    let length = str::from_utf8(length.value)?.parse()?;
    Ok(Some((head, Asked::Send { length })))
}

/// Keeps a socket until its client leaves. What it says is not listened to.
async fn keep(stream: TcpStream, number: u64, sockets: &Sockets) -> Result<()> {
    let (mut reading, writing) = stream.into_split();
    sockets.borrow_mut().insert(number, writing);
    let mut ignored = [0; 64];
    while reading.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    sockets.borrow_mut().remove(&number);
    Ok(())
}

/// Writes one frame to every socket. One that does not take all of it at once is given up: there are no queues here.
fn broadcast(sockets: &Sockets, text: &[u8]) {
    let frame = frame(text);
    let takes_it = |socket: &OwnedWriteHalf| match socket.try_write(&frame) {
        Ok(written) => written == frame.len(),
        Err(error) => error.kind() == io::ErrorKind::Interrupted,
    };
    sockets.borrow_mut().retain(|_, socket| takes_it(socket));
}

fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![TEXT_FRAME];
    match u16::try_from(text.len()) {
        Ok(length @ 0..=125) => frame.extend(u8::try_from(length)),
        Ok(length) => {
            frame.push(126);
            frame.extend(length.to_be_bytes());
        }
        Err(_) => {
            frame.push(127);
            frame.extend(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
    frame.extend(text);
    frame
}

#[cfg(test)]
mod tests {
    use tokio::task::LocalSet;

    use super::*;
    use crate::{
        limits::raise,
        net::Network,
        people::Target,
        profile::Profile,
        scenario::{Length, fanout, send},
    };

    async fn target(listener: &TcpListener) -> Rc<Target> {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let network = Network::new(&url, 4).await.unwrap();
        Target::new(Profile::load("floor-broadcast").unwrap(), network, Vec::new(), raise())
    }

    #[test]
    fn frames_have_the_length_of_their_text() {
        assert_eq!(frame(b"ab"), [0x81, 2, b'a', b'b']);
        assert_eq!(frame(&[b'a'; 126])[..4], [0x81, 126, 0, 126]);
        assert_eq!(frame(&vec![b'a'; 65_536])[..10], [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[tokio::test]
    async fn what_the_generator_sends_reaches_every_one_of_its_sockets() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = target(&listener).await;
        let scenario = async {
            spawn_local(accept(listener));
            let args = fanout::FanoutArgs {
                listeners: 20,
                rate: 50,
                senders: 3,
                characters: 100,
                length: Length { seconds: 1, warm_up: 0 },
            };
            fanout::run(&target, &args).await.unwrap()
        };
        let report = LocalSet::new().run_until(scenario).await;
        assert!(report.holds(), "{}", report.table());
        assert_eq!((report.counts["deliveries counted"], report.counts["sends counted"]), (1000, 50));
    }

    #[tokio::test]
    async fn sends_without_accounts_need_none() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = target(&listener).await;
        let scenario = async {
            spawn_local(accept(listener));
            let length = Length { seconds: 1, warm_up: 0 };
            let args = send::SendArgs { connections: 2, rate: Some(100), characters: 100, length };
            send::run(&target, &args).await.unwrap()
        };
        let report = LocalSet::new().run_until(scenario).await;
        assert!(report.holds(), "{}", report.table());
        assert_eq!((report.counts["sends begun"], report.counts["conversations that can't be counted"]), (100, 2));
    }
}
