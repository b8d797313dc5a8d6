//! The WebSocket protocol, kept and broken.

use std::fs;

use super::raw::{BINARY, CLOSE, CONTINUE, CONTINUE_END, PING, PONG, RawSocket, TEXT, TEXT_BEGIN, frame, head};
use crate::support::{Setup, TestServer};

/// A raw socket of a new user, past `ready`.
async fn open(server: &TestServer, name: &str) -> RawSocket {
    let mut socket = RawSocket::open(server, &server.signup(name).await).await;
    socket.next_of(TEXT).await;
    socket
}

const PING_COMMAND: &[u8] = br#"{"id":1,"command":"ping"}"#;

async fn assert_works(socket: &mut RawSocket) {
    socket.send(&frame(TEXT, PING_COMMAND)).await;
    assert_eq!(socket.next_of(TEXT).await.payload, br#"{"reply":1,"data":{}}"#);
}

#[tokio::test]
async fn pings_are_answered_with_their_own_payload() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    socket.send(&frame(PING, b"are you there?")).await;
    assert_eq!(socket.next_of(PONG).await.payload, b"are you there?");
}

#[tokio::test]
async fn a_message_may_come_in_fragments_with_pings_between_and_byte_by_byte() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let (begin, end) = PING_COMMAND.split_at(7);
    let sent = [frame(TEXT_BEGIN, begin), frame(PING, b"x"), frame(CONTINUE_END, end)].concat();
    for byte in sent {
        socket.send(&[byte]).await;
    }
    assert_eq!(socket.next_of(PONG).await.payload, b"x");
    assert_eq!(socket.next_of(TEXT).await.payload, br#"{"reply":1,"data":{}}"#);
}

#[tokio::test]
async fn a_close_is_answered_with_its_code_and_the_connection_ends() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    socket.send(&frame(CLOSE, &4321_u16.to_be_bytes())).await;
    assert_eq!(socket.next_of(CLOSE).await.payload, 4321_u16.to_be_bytes());
    assert_eq!(socket.next().await, None);
}

#[tokio::test]
async fn commands_before_a_close_are_carried_out() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    socket.send(&[frame(TEXT, PING_COMMAND), frame(CLOSE, &1000_u16.to_be_bytes())].concat()).await;
    assert_eq!(socket.next().await.unwrap().payload, br#"{"reply":1,"data":{}}"#);
    assert_eq!(socket.next().await.unwrap().first, CLOSE);
}

#[tokio::test]
async fn commands_before_the_connection_is_dropped_are_carried_out() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    socket.send(&frame(TEXT, PING_COMMAND).repeat(100)).await;
    socket.end_sending().await;
    for _ in 0..100 {
        assert_eq!(socket.next().await.unwrap().payload, br#"{"reply":1,"data":{}}"#);
    }
    assert_eq!(socket.next().await, None);
}

#[tokio::test]
async fn what_is_sent_along_with_the_handshake_is_read() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let (begin, end) = PING_COMMAND.split_at(7);
    let sent = [frame(TEXT, PING_COMMAND), frame(TEXT_BEGIN, begin)].concat();
    let mut socket = RawSocket::open_with(&server, &ada, "/api/v1/ws", &sent).await;
    socket.next_of(TEXT).await;
    socket.send(&frame(CONTINUE_END, end)).await;
    for _ in 0..2 {
        assert_eq!(socket.next_of(TEXT).await.payload, br#"{"reply":1,"data":{}}"#);
    }
}

#[tokio::test]
async fn what_the_known_send_along_with_the_handshake_is_not_held_to_what_strangers_may_send() {
    let server = TestServer::start().await;
    let ada = server.signup("ada").await;
    let long = [PING_COMMAND, &[b' '; 5000]].concat();
    let mut socket = RawSocket::open_with(&server, &ada, "/api/v1/ws", &frame(TEXT, &long)).await;
    socket.next_of(TEXT).await;
    assert_eq!(socket.next().await.unwrap().payload, br#"{"reply":1,"data":{}}"#);
}

#[tokio::test]
async fn many_pings_at_once_are_answered_at_least_by_the_newest_answer() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let pings: Vec<u8> = (0..500_u16).flat_map(|number| frame(PING, &number.to_be_bytes())).collect();
    socket.send(&pings).await;
    while socket.next_of(PONG).await.payload != 499_u16.to_be_bytes() {}
    assert_works(&mut socket).await;
}

#[tokio::test]
async fn what_breaks_the_protocol_closes_with_1002() {
    let server = TestServer::start().await;
    let mut unmasked = vec![TEXT, 2];
    unmasked.extend(b"{}");
    let cases = [
        ("unmasked", unmasked),
        ("reserved_bit", frame(TEXT | 0x40, b"{}")),
        ("unknown_opcode", frame(0x83, b"{}")),
        ("long_ping", frame(PING, &[0; 126])),
        ("fragmented_ping", frame(0x09, b"")),
        ("lone_continuation", frame(CONTINUE_END, b"")),
        ("close_code_1005", frame(CLOSE, &1005_u16.to_be_bytes())),
        ("close_of_one_byte", frame(CLOSE, &[3])),
    ];
    for (name, sent) in cases {
        let mut socket = open(&server, name).await;
        socket.send(&sent).await;
        assert_eq!(socket.closed().await, (1002, "protocol_error".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn binary_frames_close_with_1003() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    socket.send(&frame(BINARY, PING_COMMAND)).await;
    assert_eq!(socket.closed().await, (1003, "unsupported_data".to_owned()));
}

#[tokio::test]
async fn text_that_is_not_utf8_closes_with_1007() {
    let server = TestServer::start().await;
    let split = [frame(TEXT_BEGIN, b"\"\xc3"), frame(CONTINUE_END, b"\"")].concat();
    for (name, sent) in [("whole", frame(TEXT, b"\"\xff\"")), ("split", split)] {
        let mut socket = open(&server, name).await;
        socket.send(&sent).await;
        assert_eq!(socket.closed().await, (1007, "invalid_utf8".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn a_character_may_be_cut_by_a_fragment() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let text = r#"{"id":"é","command":"ping"}"#.as_bytes();
    let inside = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
    socket.send(&[frame(TEXT_BEGIN, &text[..inside]), frame(CONTINUE_END, &text[inside..])].concat()).await;
    assert_eq!(socket.next_of(TEXT).await.payload, r#"{"reply":"é","data":{}}"#.as_bytes());
}

#[tokio::test]
async fn a_message_of_the_largest_size_is_read_and_a_larger_one_closes_with_1009() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let blanks = vec![b' '; 65_536];
    socket.send(&[frame(TEXT_BEGIN, &blanks), frame(CONTINUE_END, &blanks)].concat()).await;
    assert!(String::from_utf8(socket.next_of(TEXT).await.payload).unwrap().contains("invalid_json"));
    assert_works(&mut socket).await;
    socket.send(&[frame(TEXT_BEGIN, &blanks), frame(CONTINUE, &blanks), head(CONTINUE_END, 1)].concat()).await;
    assert_eq!(socket.closed().await, (1009, "message_too_big".to_owned()));
    let mut socket = open(&server, "bob").await;
    socket.send(&head(TEXT, 131_073)).await;
    assert_eq!(socket.closed().await, (1009, "message_too_big".to_owned()));
}

#[tokio::test]
async fn a_message_of_more_than_64_fragments_closes_with_1009() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let fragments = [frame(TEXT_BEGIN, b"x"), frame(CONTINUE, b"x").repeat(64)].concat();
    socket.send(&fragments).await;
    assert_eq!(socket.closed().await, (1009, "message_too_big".to_owned()));
}

#[tokio::test]
async fn a_declared_length_of_gigabytes_costs_no_memory() {
    let server = TestServer::start().await;
    let mut socket = open(&server, "ada").await;
    let before = resident_bytes();
    socket.send(&head(TEXT, 8 << 30)).await;
    let part = vec![b'x'; 1 << 20];
    let mut sent = 0;
    while sent < 512 && socket.send(&part).await {
        sent += 1;
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 200 << 20, "{} MiB more after {sent} MiB were sent", grown >> 20);
}

/// The memory of this process, in which the server runs as well.
fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
async fn too_many_frames_close_with_4005_and_pings_count() {
    let set = [("live.frames_per_connection", "{ burst = 20, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    for (name, sent) in [("commands", frame(TEXT, PING_COMMAND)), ("pings", frame(PING, b""))] {
        let mut socket = open(&server, name).await;
        for _ in 0..20 {
            socket.send(&sent).await;
        }
        for _ in 0..20 {
            socket.next().await.unwrap();
        }
        socket.send(&sent).await;
        assert_eq!(socket.closed().await, (4005, "rate_limited".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn large_frames_count_more() {
    let set = [("live.frames_per_connection", "{ burst = 20, per_minute = 1 }")];
    let server = TestServer::start_with(Setup { set: &set, ..Setup::default() }).await;
    let mut socket = open(&server, "ada").await;
    socket.send(&frame(TEXT, &vec![b' '; 60_000])).await;
    socket.send(&frame(TEXT, &vec![b' '; 60_000])).await;
    assert_eq!(socket.closed().await, (4005, "rate_limited".to_owned()));
}

#[tokio::test]
async fn one_client_that_breaks_the_rules_disturbs_no_other() {
    let server = TestServer::start().await;
    let mut good = open(&server, "ada").await;
    let mut bad = open(&server, "bob").await;
    bad.send(&frame(BINARY, b"")).await;
    bad.closed().await;
    assert_works(&mut good).await;
}
