//! The cases of the Engine.IO protocol's own test suite, and those of its text that the suite leaves out.

use parlor_socketio::engine::{Refusal, Request, Session};

use crate::script::Begin::{self, Polling, WebSocket};
use crate::script::Player;
use crate::script::Step::{
    self, Abort, Closed, Get, GetFails, GetRefused, Gets, Hangs, Leave, Post, PostRefused, Recv, RecvBinary, Send,
    SendBinary, Silent, Upgrade, UpgradeRefused, Wait,
};

pub(crate) type Case = (&'static str, Begin, &'static [Step]);

/// What a server does, on whatever it is built.
pub(crate) const CASES: &[Case] = &[
    ("one text packet comes back over polling", Polling, &[Post("4hello"), Get, Gets("4hello")]),
    (
        "several text packets come back in one answer",
        Polling,
        &[Post("4test1\u{1e}4test2\u{1e}4test3"), Get, Gets("4test1\u{1e}4test2\u{1e}4test3")],
    ),
    (
        "text and binary packets come back in one answer",
        Polling,
        &[Post("4hello\u{1e}bAQIDBA=="), Get, Gets("4hello\u{1e}bAQIDBA==")],
    ),
    ("a hanging poll is answered by what is sent later", Polling, &[Get, Hangs, Post("4a"), Gets("4a")]),
    ("an illegal packet ends a polling session", Polling, &[PostRefused("abc", 400), GetRefused(400)]),
    ("an empty body ends a polling session", Polling, &[PostRefused("", 400), GetRefused(400)]),
    ("two polls at once end the session", Polling, &[Get, Wait(5), GetRefused(400), Gets("1"), GetRefused(400)]),
    ("a poll that is broken off ends the session", Polling, &[Get, Wait(5), Abort, GetRefused(400)]),
    ("a text packet comes back over a WebSocket", WebSocket, &[Send("4hello"), Recv("4hello"), Silent]),
    ("a binary packet comes back over a WebSocket", WebSocket, &[SendBinary(&[1, 2, 3, 4]), RecvBinary(&[1, 2, 3, 4])]),
    ("a binary packet may come as base64 over a WebSocket", WebSocket, &[Send("bAQIDBA=="), RecvBinary(&[1, 2, 3, 4])]),
    ("an illegal packet closes the WebSocket", WebSocket, &[Send("abc"), Closed]),
    ("an empty text frame closes the WebSocket", WebSocket, &[Send(""), Closed]),
    (
        "the server pings over polling and takes the pong",
        Polling,
        &[
            Get,
            Hangs,
            Wait(300),
            Gets("2"),
            Post("3"),
            Get,
            Hangs,
            Wait(300),
            Gets("2"),
            Post("3"),
            Get,
            Wait(300),
            Gets("2"),
            Post("3"),
        ],
    ),
    ("without a pong a polling session ends", Polling, &[Wait(500), GetRefused(400)]),
    ("without a pong a hanging poll is told", Polling, &[Get, Wait(300), Gets("2"), Get, Wait(200), Gets("1")]),
    ("without a pong no POST is taken", Polling, &[Wait(500), PostRefused("4late", 400)]),
    (
        "the server pings over a WebSocket and takes the pong",
        WebSocket,
        &[Wait(300), Recv("2"), Send("3"), Wait(299), Silent, Wait(1), Recv("2"), Send("3"), Wait(300), Recv("2")],
    ),
    ("without a pong the WebSocket is closed", WebSocket, &[Wait(300), Recv("2"), Wait(199), Silent, Wait(1), Closed]),
    ("a client that pings is not one of this version", WebSocket, &[Send("2"), Closed]),
    ("a POST that pings is refused", Polling, &[PostRefused("2", 400), GetRefused(400)]),
    ("a close packet ends a polling session", Polling, &[Get, Post("1"), Gets("6"), GetRefused(400)]),
    ("a close packet without a poll ends the session", Polling, &[Post("4a\u{1e}1"), Wait(50), GetRefused(400)]),
    ("a closing session takes nothing more", Polling, &[Post("1"), Post("4a"), Get, Gets("6"), GetRefused(400)]),
    ("a close packet closes the WebSocket", WebSocket, &[Send("1"), Closed]),
    (
        "a session moves from polling to a WebSocket",
        Polling,
        &[
            Upgrade,
            Send("2probe"),
            Recv("3probe"),
            Get,
            Wait(50),
            Gets("6"),
            Send("5"),
            Send("4hello"),
            Recv("4hello"),
            Silent,
        ],
    ),
    (
        "a poll that hangs when the probe comes is released",
        Polling,
        &[Get, Upgrade, Hangs, Send("2probe"), Recv("3probe"), Wait(49), Hangs, Wait(1), Gets("6"), Send("5"), Silent],
    ),
    (
        "a poll that comes during the upgrade hangs only shortly",
        Polling,
        &[Upgrade, Send("2probe"), Recv("3probe"), Wait(100), Get, Hangs, Wait(49), Hangs, Wait(1), Gets("6")],
    ),
    (
        "the probe is answered before what is buffered",
        Polling,
        &[Post("4a"), Upgrade, Send("2probe"), Send("5"), Recv("3probe"), Recv("4a"), Silent],
    ),
    (
        "polls are refused after the upgrade, and the session goes on",
        Polling,
        &[
            Upgrade,
            Send("2probe"),
            Recv("3probe"),
            Send("5"),
            GetRefused(400),
            PostRefused("4a", 400),
            Send("4hello"),
            Recv("4hello"),
        ],
    ),
    (
        "a poll that overtook the upgrade packet is refused, but not before the answer to the probe",
        Polling,
        &[
            Upgrade,
            Send("2probe"),
            Get,
            Send("5"),
            Hangs,
            Recv("3probe"),
            Send("4a"),
            Recv("4a"),
            Wait(49),
            Hangs,
            Wait(1),
            GetFails(400),
            Send("4b"),
            Recv("4b"),
        ],
    ),
    (
        "probe and upgrade packet may come at once",
        Polling,
        &[Upgrade, Send("2probe"), Send("5"), Send("4a"), Recv("3probe"), GetRefused(400), Recv("4a"), Silent],
    ),
    (
        "a poll that has hung since before the probe gets a noop with the upgrade",
        Polling,
        &[Get, Wait(1), Upgrade, Send("2probe"), Recv("3probe"), Send("5"), Gets("6"), Send("4a"), Recv("4a")],
    ),
    (
        "a second WebSocket is refused after the upgrade, and the session goes on",
        Polling,
        &[Upgrade, Send("2probe"), Recv("3probe"), Send("5"), UpgradeRefused(400), Send("4hello"), Recv("4hello")],
    ),
    (
        "a second WebSocket is refused during the upgrade, which goes on",
        Polling,
        &[Upgrade, Send("2probe"), UpgradeRefused(400), Recv("3probe"), Send("5"), Send("4a"), Recv("4a")],
    ),
    ("a WebSocket session has no second WebSocket", WebSocket, &[UpgradeRefused(400), Send("4a"), Recv("4a")]),
    (
        "what is buffered during the upgrade is sent first on the WebSocket",
        Polling,
        &[
            Post("4a\u{1e}4b"),
            Upgrade,
            Send("2probe"),
            Recv("3probe"),
            Send("5"),
            Send("4c"),
            Recv("4a"),
            Recv("4b"),
            Recv("4c"),
        ],
    ),
    (
        "a message still goes over the poll during the upgrade",
        Polling,
        &[Get, Upgrade, Send("2probe"), Recv("3probe"), Post("4a"), Gets("4a"), Send("5"), Silent],
    ),
    (
        "polling goes on during an upgrade that is not completed",
        Polling,
        &[
            Upgrade,
            Send("2probe"),
            Recv("3probe"),
            Wait(300),
            Get,
            Gets("2"),
            Post("3"),
            Wait(299),
            Get,
            Wait(1),
            Gets("2"),
            Post("3"),
        ],
    ),
    ("a WebSocket that does not probe is closed", Polling, &[Upgrade, Send("4a"), Closed, Post("4b"), Get, Gets("4b")]),
    ("an upgrade without a probe is none", Polling, &[Upgrade, Send("5"), Closed, Get, Hangs]),
    ("another probe is none", Polling, &[Upgrade, Send("2other"), Closed, Get, Hangs]),
    ("bytes are no probe", Polling, &[Upgrade, SendBinary(b"2probe"), Closed, Get, Hangs]),
    (
        "a WebSocket that is lost during the upgrade leaves polling alone",
        Polling,
        &[Upgrade, Send("2probe"), Recv("3probe"), Leave, Upgrade, Post("4a"), Get, Gets("4a")],
    ),
    ("a WebSocket that closes ends its session", WebSocket, &[Leave, UpgradeRefused(400), PostRefused("4a", 400)]),
    (
        "packets without a meaning here are passed over",
        WebSocket,
        &[Send("0{}"), Send("5"), Send("6"), Silent, Send("4a"), Recv("4a")],
    ),
];

/// Cases that hang on a single millisecond.
const EXACT: &[Case] = &[(
    "a poll that the close packet overtook comes back empty",
    Polling,
    &[Post("4a"), Post("1"), Wait(49), Get, Gets("6"), GetRefused(400)],
)];

#[test]
fn a_server_does_what_the_engine_io_protocol_asks_for() {
    for (what, begin, steps) in CASES.iter().chain(EXACT) {
        Player::<Session>::open(*begin).play(what, steps);
    }
}

#[test]
fn the_handshake_has_exactly_the_specified_fields() {
    let polling = Player::<Session>::new(Polling).handshake(Polling);
    let websocket = Player::<Session>::new(WebSocket).handshake(WebSocket);

    let expected = |upgrades| {
        format!(r#"0{{"sid":"sid","upgrades":{upgrades},"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}}"#)
    };
    assert_eq!(polling, expected(r#"["websocket"]"#));
    assert_eq!(websocket, expected("[]"));
}

#[test]
fn a_request_is_understood_or_refused_as_specified() {
    let sid = || "abc".into();
    let cases = [
        ("GET", "EIO=4&transport=polling", false, Ok(Request::OpenPolling)),
        ("GET", "EIO=4&transport=polling&t=x1", false, Ok(Request::OpenPolling)),
        ("GET", "transport=polling&EIO=4&sid=", false, Ok(Request::OpenPolling)),
        ("GET", "EIO=4&transport=websocket", true, Ok(Request::OpenWebSocket)),
        ("GET", "EIO=4&transport=polling&sid=abc", false, Ok(Request::Poll { sid: sid() })),
        ("POST", "EIO=4&transport=polling&sid=abc", false, Ok(Request::Post { sid: sid() })),
        ("GET", "EIO=4&transport=websocket&sid=abc", true, Ok(Request::Upgrade { sid: sid() })),
        ("GET", "transport=polling", false, Err(Refusal::UnsupportedProtocolVersion)),
        ("GET", "EIO=abc&transport=polling", false, Err(Refusal::UnsupportedProtocolVersion)),
        ("GET", "EIO=3&transport=polling", false, Err(Refusal::UnsupportedProtocolVersion)),
        ("GET", "EIO=abc&transport=websocket", true, Err(Refusal::UnsupportedProtocolVersion)),
        ("GET", "EIO=4", false, Err(Refusal::UnknownTransport)),
        ("GET", "EIO=4&transport=abc", false, Err(Refusal::UnknownTransport)),
        ("GET", "", true, Err(Refusal::UnknownTransport)),
        ("POST", "EIO=4&transport=polling", false, Err(Refusal::BadHandshakeMethod)),
        ("PUT", "EIO=4&transport=polling", false, Err(Refusal::BadHandshakeMethod)),
        ("PUT", "EIO=4&transport=polling&sid=abc", false, Err(Refusal::BadRequest)),
        ("GET", "EIO=4&transport=websocket", false, Err(Refusal::BadRequest)),
        ("GET", "EIO=4&transport=websocket&sid=abc", false, Err(Refusal::BadRequest)),
        ("GET", "EIO=4&transport=polling", true, Err(Refusal::BadRequest)),
    ];
    for (method, query, websocket, expected) in cases {
        assert_eq!(Request::parse(method, query, websocket), expected, "{method} {query}");
    }
}

#[test]
fn a_refusal_tells_what_the_reference_server_tells() {
    let cases = [
        (Refusal::UnknownTransport, 400, r#"{"code":0,"message":"Transport unknown"}"#),
        (Refusal::UnknownSid, 400, r#"{"code":1,"message":"Session ID unknown"}"#),
        (Refusal::BadHandshakeMethod, 400, r#"{"code":2,"message":"Bad handshake method"}"#),
        (Refusal::BadRequest, 400, r#"{"code":3,"message":"Bad request"}"#),
        (Refusal::Forbidden, 403, r#"{"code":4,"message":"Forbidden"}"#),
        (Refusal::UnsupportedProtocolVersion, 400, r#"{"code":5,"message":"Unsupported protocol version"}"#),
        (Refusal::PayloadTooLarge, 413, r#"{"code":3,"message":"Payload too large"}"#),
    ];
    for (refusal, status, body) in cases {
        assert_eq!((refusal.status(), refusal.body().as_str()), (status, body));
    }
}
