//! What an Engine.IO session does beyond the cases of the protocol's suite.

use std::time::Duration;

use bytes::Bytes;
use parlor_socketio::engine::{
    Config, EndReason, Event, Frame, Message, Refusal, Session, SocketId, ToSocket, TransportKind,
};

const START: Duration = Duration::from_secs(1_000);

fn after(millis: u64) -> Duration {
    START + Duration::from_millis(millis)
}

/// A polling session whose handshake was read.
fn polling(config: Config) -> Session {
    let (mut session, poll) = Session::polling(config, "sid".into(), START);
    assert!(matches!(session.poll_answer(poll), Some(Ok(_))));
    session
}

/// A WebSocket session whose handshake was read.
fn websocket(config: Config) -> (Session, SocketId) {
    let (mut session, socket) = Session::websocket(config, "sid".into(), START);
    assert!(matches!(session.next_frame(socket), Some(ToSocket::Frame(_))));
    (session, socket)
}

fn text(text: &str) -> Message {
    Message::Text(text.into())
}

fn frame(text: &str) -> Option<ToSocket> {
    Some(ToSocket::Frame(Frame::Text(text.into())))
}

fn post(session: &mut Session, body: &'static str, now: Duration) -> Result<(), Refusal> {
    let post = session.post_started(now)?;
    session.post_finished(post, Bytes::from_static(body.as_bytes()), now)
}

#[test]
fn what_is_sent_while_no_poll_hangs_waits_in_order() {
    let mut session = polling(Config::default());
    session.send(&text("a"));
    session.send(&Message::Binary(Bytes::from_static(&[1])));
    session.send(&text("b"));

    let poll = session.poll_started(START).unwrap();

    assert_eq!(session.poll_answer(poll), Some(Ok("4a\u{1e}bAQ==\u{1e}4b".into())));
    assert_eq!(session.buffered(), 0);
}

#[test]
fn an_answer_has_no_more_packets_than_clients_take() {
    let mut session = polling(Config { max_packets_out: 3, ..Config::default() });
    for content in ["a", "b", "c", "d"] {
        session.send(&text(content));
    }
    assert_eq!(answers(&mut session), ["4a\u{1e}4b\u{1e}4c", "4d"]);
}

#[test]
fn a_time_may_be_so_long_that_it_never_comes() {
    let never = Duration::MAX;
    let config = Config {
        ping_interval: never,
        ping_timeout: never,
        upgrade_timeout: never,
        noop_delay: never,
        close_timeout: never,
        ..Config::default()
    };
    let (mut session, poll) = Session::polling(config, "sid".into(), START);
    let handshake = session.poll_answer(poll).unwrap().unwrap();
    // As long as the timers of clients go.
    assert!(handshake.contains(r#""pingInterval":1000000000,"pingTimeout":1000000000,"#), "{handshake}");
    session.poll_started(START).unwrap();
    let socket = session.websocket_opened(START).unwrap();
    session.websocket_message(socket, Frame::Text("2probe".into()), START);
    assert_eq!(session.deadline(), Some(never));
    session.close(EndReason::ServerClosed, START);
    assert_eq!(session.deadline(), Some(never));
}

#[test]
fn an_answer_has_no_more_bytes_than_clients_take() {
    let bytes = |len: usize| Message::Binary(Bytes::from(vec![0; len]));
    let cases = [
        // Ten bytes, with the separator.
        (vec![text("ab"), text("cdefg")], vec!["4ab\u{1e}4cdefg"]),
        (vec![text("ab"), text("cdefgh")], vec!["4ab", "4cdefgh"]),
        (vec![text("abc"), bytes(3)], vec!["4abc\u{1e}bAAAA"]),
        (vec![text("abc"), bytes(4)], vec!["4abc", "bAAAAAA=="]),
        (vec![text("far too long for one answer"), text("a")], vec!["4far too long for one answer", "4a"]),
    ];
    for (messages, expected) in cases {
        let mut session = polling(Config { max_payload: 10, ..Config::default() });
        messages.iter().for_each(|message| session.send(message));
        assert_eq!(answers(&mut session), expected);
    }
}

/// What polls get until one hangs.
fn answers(session: &mut Session) -> Vec<String> {
    std::iter::from_fn(|| {
        let poll = session.poll_started(START).unwrap();
        session.poll_answer(poll).map(|answer| answer.unwrap().to_string())
    })
    .collect()
}

#[test]
fn a_closed_session_still_delivers_what_was_sent_before() {
    let mut session = polling(Config { max_packets_out: 2, ..Config::default() });
    for content in ["a", "b", "c"] {
        session.send(&text(content));
    }
    session.close(EndReason::ServerClosed, START);
    session.send(&text("too late"));

    let first = session.poll_started(START).unwrap();
    assert_eq!(session.poll_answer(first), Some(Ok("4a\u{1e}4b".into())));
    assert_eq!(session.next_event(), None);
    let second = session.poll_started(START).unwrap();
    assert_eq!(session.poll_answer(second), Some(Ok("4c".into())));
    assert_eq!(session.next_event(), None);
    // By itself, for clients that handle a payload's messages only after all of it.
    let third = session.poll_started(START).unwrap();
    assert_eq!(session.poll_answer(third), Some(Ok("1".into())));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ServerClosed)));
    assert_eq!(session.poll_started(START), Err(Refusal::UnknownSid));
}

#[test]
fn a_closed_session_answers_the_poll_that_hangs() {
    let mut session = polling(Config::default());
    let poll = session.poll_started(START).unwrap();
    session.close(EndReason::ServerClosed, START);
    assert_eq!(session.poll_answer(poll), Some(Ok("1".into())));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ServerClosed)));
}

#[test]
fn a_closed_websocket_gets_what_was_sent_before_and_nothing_is_taken_any_more() {
    let (mut session, socket) = websocket(Config::default());
    session.send(&text("a"));
    session.close(EndReason::ServerClosed, START);
    session.websocket_message(socket, Frame::Text("4ignored".into()), START);

    assert_eq!(session.next_frame(socket), frame("4a"));
    assert_eq!(session.next_frame(socket), Some(ToSocket::Close(1000)));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ServerClosed)));
    assert_eq!(session.next_event(), None);
}

#[test]
fn a_closed_session_is_not_upgraded() {
    let mut session = polling(Config::default());
    let socket = session.websocket_opened(START).unwrap();
    session.close(EndReason::ServerClosed, START);
    assert_eq!(session.next_frame(socket), Some(ToSocket::Close(1000)));
    assert_eq!(session.websocket_opened(START), Err(Refusal::BadRequest));
}

#[test]
fn the_first_cause_of_an_end_counts() {
    let (mut session, socket) = websocket(Config::default());
    session.close(EndReason::ServerClosed, START);
    session.websocket_closed(socket, START);
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ServerClosed)));
}

#[test]
fn a_closed_session_that_nobody_fetches_from_ends_in_time() {
    let config = Config { close_timeout: Duration::from_secs(3), ..Config::default() };
    let mut session = polling(config);
    session.close(EndReason::ServerClosed, START);
    assert_eq!(session.deadline(), Some(after(3_000)));
    session.tick(after(2_999));
    assert_eq!(session.next_event(), None);
    session.tick(after(3_000));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ServerClosed)));
    assert_eq!(session.deadline(), None);
}

#[test]
fn a_session_ends_in_time_although_nobody_polls() {
    let mut session = polling(Config::default());
    assert_eq!(session.deadline(), Some(after(25_000)));
    session.tick(after(25_000));
    assert_eq!(session.deadline(), Some(after(45_000)));
    session.tick(after(45_000));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::PingTimeout)));
}

#[test]
fn a_session_is_over_when_its_time_is_up_even_if_no_timer_has_said_so() {
    let mut session = polling(Config::default());
    session.tick(after(25_000));
    assert_eq!(session.poll_started(after(45_000)), Err(Refusal::UnknownSid));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::PingTimeout)));
}

#[test]
fn an_upgrade_has_a_deadline_of_its_own() {
    let mut session = polling(Config::default());
    let socket = session.websocket_opened(START).unwrap();
    assert_eq!(session.deadline(), Some(after(10_000)));
    session.tick(after(10_000));
    assert_eq!(session.next_frame(socket), Some(ToSocket::Close(1000)));
    assert!(session.is_open());
}

#[test]
fn a_late_timer_neither_prolongs_a_session_nor_kills_one() {
    // A little late: the time that the client was promised counts.
    let mut session = polling(Config::default());
    session.tick(after(25_100));
    assert_eq!(session.deadline(), Some(after(45_000)));

    // The whole process was held up: the client could not answer a ping that it didn't get.
    let mut session = polling(Config::default());
    session.tick(after(500_000));
    assert_eq!(session.deadline(), Some(after(510_000)));
    let poll = session.poll_started(after(500_001)).unwrap();
    assert_eq!(session.poll_answer(poll), Some(Ok("2".into())));
    assert_eq!(post(&mut session, "3", after(500_002)), Ok(()));
    assert_eq!(session.deadline(), Some(after(525_002)));
}

#[test]
fn a_client_whose_pong_is_stuck_behind_its_own_messages_is_alive() {
    let (mut session, socket) = websocket(Config::default());
    session.tick(after(25_000));
    session.websocket_message(socket, Frame::Text("4large".into()), after(44_000));
    session.tick(after(45_000));
    assert_eq!(session.deadline(), Some(after(64_000)));
    session.tick(after(64_000));
    assert_eq!(session.next_event(), Some(Event::Message(text("large"))));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::PingTimeout)));
}

#[test]
fn a_pong_that_nobody_asked_for_changes_nothing() {
    let (mut session, socket) = websocket(Config::default());
    session.websocket_message(socket, Frame::Text("3".into()), after(24_000));
    assert_eq!(session.deadline(), Some(after(25_000)));
}

#[test]
fn messages_before_a_close_packet_in_the_same_body_count() {
    let mut session = polling(Config::default());
    assert_eq!(post(&mut session, "4a\u{1e}1\u{1e}4b", START), Ok(()));
    session.tick(after(50));
    assert_eq!(session.next_event(), Some(Event::Message(text("a"))));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ClientClosed)));
    assert_eq!(session.next_event(), None);
}

#[test]
fn two_posts_at_once_end_the_session() {
    let mut session = polling(Config::default());
    let first = session.post_started(START).unwrap();
    assert_eq!(session.post_started(START), Err(Refusal::BadRequest));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::Overlap)));
    assert_eq!(session.post_finished(first, Bytes::from_static(b"4a"), START), Err(Refusal::UnknownSid));
    assert_eq!(session.next_event(), None);
}

#[test]
fn a_post_that_is_broken_off_ends_the_session() {
    let mut session = polling(Config::default());
    let post = session.post_started(START).unwrap();
    session.post_aborted(post, START);
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::TransportClosed)));
}

#[test]
fn a_body_that_is_too_large_is_refused_and_the_session_goes_on() {
    let mut session = polling(Config { max_payload: 3, ..Config::default() });
    assert_eq!(post(&mut session, "4abc", START), Err(Refusal::PayloadTooLarge));
    let unread = session.post_started(START).unwrap();
    assert_eq!(session.post_too_large(unread), Refusal::PayloadTooLarge);
    assert_eq!(post(&mut session, "4ab", START), Ok(()));
    assert_eq!(session.next_event(), Some(Event::Message(text("ab"))));
}

#[test]
fn a_poll_that_was_answered_may_be_broken_off() {
    let mut session = polling(Config::default());
    session.send(&text("a"));
    let poll = session.poll_started(START).unwrap();
    assert!(session.poll_answer(poll).is_some());
    session.poll_aborted(poll, START);
    assert!(session.is_open());
    // And asking again does not wait for ever.
    assert_eq!(session.poll_answer(poll), Some(Err(Refusal::BadRequest)));
}

#[test]
fn a_poll_that_the_upgrade_refused_may_be_broken_off() {
    let mut session = polling(Config::default());
    let poll = session.poll_started(START).unwrap();
    let socket = session.websocket_opened(START).unwrap();
    session.websocket_message(socket, Frame::Text("2probe".into()), START);
    session.websocket_message(socket, Frame::Text("5".into()), START);
    session.poll_aborted(poll, START);
    assert!(session.is_open());
    assert_eq!(session.transport(), TransportKind::WebSocket);
}

#[test]
fn a_poll_that_the_upgrade_has_overtaken_takes_nothing_from_the_websocket() {
    // Whether it had got its noop or not.
    for hung in [0, 50] {
        let mut session = polling(Config::default());
        let poll = session.poll_started(START).unwrap();
        let socket = session.websocket_opened(START).unwrap();
        session.websocket_message(socket, Frame::Text("2probe".into()), START);
        session.tick(after(hung));
        session.websocket_message(socket, Frame::Text("5".into()), after(hung));
        session.send(&text("a"));
        session.tick(after(hung + 50));
        let answer = session.poll_answer(poll).unwrap();
        assert!([Ok("6".into()), Err(Refusal::BadRequest)].contains(&answer), "{answer:?}");
        for frame in ["3probe", "4a"] {
            assert_eq!(session.next_frame(socket), Some(ToSocket::Frame(Frame::Text(frame.into()))));
        }
    }
}

#[test]
fn a_poll_that_the_upgrade_has_overtaken_is_refused_when_the_session_ends() {
    let mut session = polling(Config::default());
    let poll = session.poll_started(START).unwrap();
    let socket = session.websocket_opened(START).unwrap();
    session.websocket_message(socket, Frame::Text("2probe".into()), START);
    session.websocket_message(socket, Frame::Text("5".into()), START);
    session.websocket_closed(socket, START);
    assert_eq!(session.poll_answer(poll), Some(Err(Refusal::BadRequest)));
}

#[test]
fn a_post_that_was_under_way_at_the_upgrade_is_refused() {
    let mut session = polling(Config::default());
    let post = session.post_started(START).unwrap();
    let socket = session.websocket_opened(START).unwrap();
    session.websocket_message(socket, Frame::Text("2probe".into()), START);
    session.websocket_message(socket, Frame::Text("5".into()), START);
    assert_eq!(session.post_finished(post, Bytes::from_static(b"4a"), START), Err(Refusal::BadRequest));
    assert_eq!(session.next_event(), None);
    assert!(session.is_open());
}

#[test]
fn a_session_that_ends_closes_the_websocket_that_probes() {
    let mut session = polling(Config::default());
    let socket = session.websocket_opened(START).unwrap();
    assert_eq!(session.next_frame(socket), None);
    assert_eq!(post(&mut session, "1", START), Ok(()));
    assert!(matches!(session.next_frame(socket), Some(ToSocket::Close(_))));
    session.websocket_closed(socket, after(50));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ClientClosed)));
    assert_eq!(session.next_event(), None);
}

#[test]
fn a_server_without_upgrades_offers_and_takes_none() {
    let config = Config { upgrades: false, ..Config::default() };
    let (mut session, poll) = Session::polling(config, "sid".into(), START);
    let handshake = session.poll_answer(poll).unwrap().unwrap();
    assert!(handshake.contains(r#""upgrades":[]"#), "{handshake}");
    assert_eq!(session.websocket_opened(START), Err(Refusal::BadRequest));
}

#[test]
fn a_sid_is_escaped_in_the_handshake() {
    let (mut session, poll) = Session::polling(Config::default(), "a\"b".into(), START);
    assert!(session.poll_answer(poll).unwrap().unwrap().starts_with(r#"0{"sid":"a\"b","#));
}

#[test]
fn a_session_that_ended_does_nothing_any_more() {
    let (mut session, socket) = websocket(Config::default());
    session.websocket_closed(socket, START);
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::TransportClosed)));

    session.send(&text("a"));
    session.close(EndReason::ServerClosed, START);
    session.websocket_message(socket, Frame::Text("4a".into()), START);
    session.websocket_closed(socket, START);
    session.tick(after(1_000_000));

    assert_eq!(session.next_event(), None);
    assert_eq!(session.deadline(), None);
    assert_eq!(session.buffered(), 0);
    assert_eq!(session.next_frame(socket), Some(ToSocket::Close(1000)));
}

#[test]
fn a_client_that_closes_gets_nothing_of_what_is_buffered() {
    let mut session = polling(Config { max_packets_out: 1, ..Config::default() });
    session.send(&text("a"));
    session.send(&text("b"));
    assert_eq!(post(&mut session, "1", START), Ok(()));
    let poll = session.poll_started(START).unwrap();
    assert_eq!(session.poll_answer(poll), Some(Ok("6".into())));
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ClientClosed)));
}

#[test]
fn a_close_packet_over_a_websocket_ends_the_session_at_once() {
    let (mut session, socket) = websocket(Config::default());
    session.websocket_message(socket, Frame::Text("1".into()), START);
    assert_eq!(session.next_event(), Some(Event::Ended(EndReason::ClientClosed)));
}

#[test]
fn websockets_are_closed_with_a_code_that_says_why() {
    let cases = [("abc", 1002), ("1", 1000), ("4 larger than allowed", 1009)];
    for (content, code) in cases {
        let (mut session, socket) = websocket(Config { max_payload: 10, ..Config::default() });
        session.websocket_message(socket, Frame::Text(content.into()), START);
        assert_eq!(session.next_frame(socket), Some(ToSocket::Close(code)), "{content}");
    }
}
