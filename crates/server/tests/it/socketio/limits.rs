//! What one client may cost, and that it costs the others nothing.

use super::{
    client::{SocketIo, TRANSPORTS, Transport},
    engine::{Polling, WEBSOCKET, WebSocket},
};
use crate::{
    live::raw::{CONTINUE, RawSocket, TEXT, TEXT_BEGIN, frame},
    support::{Client, Setup, TestServer},
};

#[tokio::test]
async fn who_sends_more_than_is_allowed_is_cut_off() {
    let set = [("live.frames_per_connection", "{ burst = 20, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let ada = server.signup("ada").await;
    let mut socket = SocketIo::ready(&ada, Transport::WebSocket).await;
    for _ in 0..30 {
        socket.send("42[\"ping\"]").await;
    }
    assert_eq!(socket.websocket().closed().await, (4005, "rate_limited".to_owned()));

    // As many packets in one payload are as many.
    let mut polling = SocketIo::ready(&ada, Transport::Polling).await;
    polling.polling().post(["42[\"ping\"]"; 30].join("\x1e")).await;
    assert_eq!(polling.ended().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_large_packet_counts_as_several() {
    let set = [("live.frames_per_connection", "{ burst = 20, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    socket.send(&format!("42[\"ping\",{{\"a\":\"{}\"}}]", "a".repeat(100_000))).await;
    assert_eq!(socket.websocket().closed().await, (4005, "rate_limited".to_owned()));
}

#[tokio::test]
async fn pongs_are_counted_too() {
    let set = [("live.frames_per_connection", "{ burst = 20, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = SocketIo::ready(&server.signup("ada").await, Transport::WebSocket).await;
    let socket = socket.websocket();
    for _ in 0..30 {
        socket.send("3").await;
    }
    assert_eq!(socket.closed().await, (4005, "rate_limited".to_owned()));
}

#[tokio::test]
async fn a_message_in_too_many_pieces_is_not_put_together() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut raw = RawSocket::open_at(&server, &ada, WEBSOCKET).await;
    raw.next_of(TEXT).await;
    raw.send(&frame(TEXT_BEGIN, b"4")).await;
    let piece = frame(CONTINUE, b" ");
    for _ in 0..200_000 {
        if !raw.send(&piece.repeat(100)).await {
            break;
        }
    }
    raw.closed().await;
}

#[tokio::test]
async fn deep_json_breaks_nothing() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    for transport in TRANSPORTS {
        let (open, close) = ("[".repeat(30_000), "]".repeat(30_000));
        let mut socket = SocketIo::open(&ada, transport).await;
        let packet = format!("40{{\"a\":{open}{close}}}");
        match transport {
            Transport::Polling => drop(socket.polling().post(packet).await),
            Transport::WebSocket => socket.send(&packet).await,
        }
        // It is let in or cut off; the server goes on.
        socket.packet().await;
        let mut socket = SocketIo::ready(&ada, transport).await;
        let packet = format!("421[\"ping\",{open}{close}]");
        match transport {
            Transport::Polling => drop(socket.polling().post(packet).await),
            Transport::WebSocket => socket.send(&packet).await,
        }
        socket.packet().await;
        SocketIo::ready(&ada, transport).await.is_alive().await;
    }
}

#[tokio::test]
async fn many_namespaces_at_once_are_each_refused() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let mut other = SocketIo::ready(&ada, Transport::WebSocket).await;
    let mut socket = SocketIo::ready(&ada, Transport::Polling).await;
    let packets: Vec<_> = (0..100).map(|number| format!("40/n{number},")).collect();
    socket.polling().post(packets.join("\x1e")).await;
    for number in 0..100 {
        let refused = format!(r#"44/n{number},{{"message":"Invalid namespace"}}"#);
        assert_eq!(socket.packet().await, Some(refused));
    }
    other.is_alive().await;
}

async fn pair(set: &[(&str, &str)]) -> (TestServer, Client, Client, String) {
    let server = TestServer::start_with(Setup { set, ..Setup::default() }).await;
    let (ada, bob) = (server.signup("ada").await, server.signup("bob").await);
    let conversation = ada.direct(&bob).await;
    (server, ada, bob, conversation)
}

#[tokio::test]
async fn a_websocket_that_is_not_read_is_closed_with_its_code_and_holds_up_nobody() {
    let (server, ada, bob, conversation) = pair(&[("live.queue_bytes", "64KiB")]).await;
    let mut stalled = RawSocket::open_at(&server, &bob, WEBSOCKET).await;
    stalled.next_of(TEXT).await;
    stalled.send(&frame(TEXT, b"40")).await;
    stalled.next_of(TEXT).await;
    let mut reader = SocketIo::ready(&bob, Transport::WebSocket).await;
    let text = "🙂".repeat(8000);
    for seq in 1..=300 {
        ada.say(&conversation, &text).await;
        assert_eq!(reader.event_of("message.created").await.data["seq"], seq);
    }
    assert_eq!(stalled.closed().await, (4006, "slow_reader".to_owned()));
}

#[tokio::test]
async fn a_session_that_nobody_polls_ends_when_too_much_waits_for_it_and_can_be_recovered() {
    let (_server, ada, bob, conversation) = pair(&[("live.queue_bytes", "64KiB")]).await;
    let mut stalled = SocketIo::ready(&bob, Transport::Polling).await;
    let former = stalled.former();
    let mut reader = SocketIo::ready(&bob, Transport::Polling).await;
    let text = "a".repeat(8000);
    for seq in 1..=40 {
        ada.say(&conversation, &text).await;
        assert_eq!(reader.event_of("message.created").await.data["seq"], seq);
    }
    // What had been made ready for it arrives still.
    let rest = stalled.ended().await;
    assert!(rest.len() < 40, "{}", rest.len());
    let (mut back, recovered) = SocketIo::back(&bob, Transport::Polling, &former).await;
    assert!(recovered);
    for seq in 1..=40 {
        assert_eq!(back.event_of("message.created").await.data["seq"], seq);
    }
}

#[tokio::test]
async fn a_poll_whose_answer_is_not_read_holds_up_nobody() {
    use tokio::io::AsyncWriteExt as _;
    let (server, ada, bob, conversation) = pair(&[("live.queue_bytes", "64KiB")]).await;
    let session = SocketIo::ready(&bob, Transport::Polling).await;
    let mut reader = SocketIo::ready(&bob, Transport::WebSocket).await;
    let mut stalled = tokio::net::TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let poll = format!("GET {} HTTP/1.1\r\nHost: parlor\r\n\r\n", session.polling().path());
    let text = "a".repeat(8000);
    for seq in 1..=100 {
        // Polls in one go whose answers stay in the connection; the server may hang up.
        drop(stalled.write_all(poll.as_bytes()).await);
        ada.say(&conversation, &text).await;
        assert_eq!(reader.event_of("message.created").await.data["seq"], seq);
    }
    reader.is_alive().await;
}

#[tokio::test]
async fn an_answer_to_a_poll_is_no_larger_than_what_the_client_is_told() {
    let (_server, ada, bob, conversation) = pair(&[]).await;
    let socket = SocketIo::ready(&bob, Transport::Polling).await;
    let text = "é".repeat(8000);
    for _ in 0..30 {
        ada.say(&conversation, &text).await;
    }
    let mut events = 0;
    while events < 30 {
        let answer = socket.polling().poll().await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.len() <= 131_072, "{}", answer.body.len());
        events += answer.body.split('\x1e').filter(|packet| packet.contains("message.created")).count();
    }
    assert_eq!(events, 30);
}

#[tokio::test]
async fn little_is_read_of_the_unknown() {
    let server = TestServer::start().await;
    let nobody = server.anonymous();
    let polling = Polling::open(&nobody).await;
    let padding = "a".repeat(40_000);
    polling.say(format!("3{padding}")).await;
    assert_eq!(polling.post(format!("3{padding}{padding}")).await.status, 413);

    let mut socket = WebSocket::open(&nobody).await;
    socket.send(format!("3{padding}")).await;
    socket.send(format!("3{padding}")).await;
    assert_eq!(socket.closed().await, (4001, "authentication_timeout".to_owned()));
}
