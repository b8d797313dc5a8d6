//! The cases of the Socket.IO protocol's own test suite, and those of its text that the suite leaves out.

use parlor_socketio::Connection;

use crate::engine_protocol::Case;
use crate::script::Begin::{Polling, WebSocket};
use crate::script::Player;
use crate::script::Step::{
    self, Closed, Get, GetRefused, Gets, Hangs, Post, Recv, RecvBinary, Send, SendBinary, Silent, Upgrade, Wait,
};

/// Cases that begin before any namespace is connected.
pub(crate) const UNCONNECTED: &[Case] = &[
    (
        "the main namespace can be connected",
        WebSocket,
        &[Send("40"), Recv(r#"40{"sid":"id"}"#), Recv(r#"42["auth",{}]"#)],
    ),
    (
        "CONNECT may carry a payload",
        WebSocket,
        &[Send(r#"40{"token":"123"}"#), Recv(r#"40{"sid":"id"}"#), Recv(r#"42["auth",{"token":"123"}]"#)],
    ),
    (
        "a custom namespace can be connected",
        WebSocket,
        &[Send("40/custom,"), Recv(r#"40/custom,{"sid":"id"}"#), Recv(r#"42/custom,["auth",{}]"#)],
    ),
    (
        "a custom namespace may have a payload",
        WebSocket,
        &[
            Send(r#"40/custom,{"token":"abc"}"#),
            Recv(r#"40/custom,{"sid":"id"}"#),
            Recv(r#"42/custom,["auth",{"token":"abc"}]"#),
        ],
    ),
    (
        "an unknown namespace is refused, and another can be connected",
        WebSocket,
        &[
            Send("40/random"),
            Recv(r#"44/random,{"message":"Invalid namespace"}"#),
            Send("40"),
            Recv(r#"40{"sid":"id"}"#),
        ],
    ),
    ("an illegal handshake closes the connection", WebSocket, &[Send("4abc"), Closed]),
    ("a client that never connects is disconnected", WebSocket, &[Wait(300), Recv("2"), Send("3"), Wait(100), Closed]),
    (
        "a refusal does not stop that clock",
        WebSocket,
        &[
            Send("40/random"),
            Recv(r#"44/random,{"message":"Invalid namespace"}"#),
            Wait(300),
            Recv("2"),
            Send("3"),
            Wait(100),
            Closed,
        ],
    ),
    ("an event before CONNECT closes the connection", WebSocket, &[Send(r#"42["message"]"#), Closed]),
    ("an acknowledgement before CONNECT closes the connection", WebSocket, &[Send("431[]"), Closed]),
    ("DISCONNECT before CONNECT closes the connection", WebSocket, &[Send("41"), Closed]),
    ("CONNECT with a list closes the connection", WebSocket, &[Send("40[]"), Closed]),
    ("CONNECT with broken JSON closes the connection", WebSocket, &[Send(r#"40{"a""#), Closed]),
    (
        "a connection works over polling",
        Polling,
        &[
            Get,
            Post("40"),
            Gets("40{\"sid\":\"id\"}\u{1e}42[\"auth\",{}]"),
            Get,
            Hangs,
            Post("42[\"message\",1]\u{1e}427[\"message-with-ack\",2]"),
            Gets("42[\"message-back\",1]\u{1e}437[2]"),
        ],
    ),
    (
        "an event right behind CONNECT is served if the application accepts at once",
        Polling,
        &[
            Post("40\u{1e}42[\"message\"]"),
            Get,
            Gets("40{\"sid\":\"id\"}\u{1e}42[\"auth\",{}]\u{1e}42[\"message-back\"]"),
        ],
    ),
    (
        "a binary event works over polling",
        Polling,
        &[
            Post("40"),
            Get,
            Gets("40{\"sid\":\"id\"}\u{1e}42[\"auth\",{}]"),
            Post("451-[\"message\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID"),
            Get,
            Gets("451-[\"message-back\",{\"_placeholder\":true,\"num\":0}]\u{1e}bAQID"),
        ],
    ),
    ("a broken packet closes a polling connection", Polling, &[Get, Post("4abc"), Gets("1"), GetRefused(400)]),
    (
        "what is buffered when a broken packet comes is delivered",
        Polling,
        &[
            Post("40"),
            Post("42{}"),
            Get,
            Gets("40{\"sid\":\"id\"}\u{1e}42[\"auth\",{}]"),
            Get,
            Gets("1"),
            GetRefused(400),
        ],
    ),
    (
        "an upgrade keeps the connection",
        Polling,
        &[
            Post("40"),
            Get,
            Gets("40{\"sid\":\"id\"}\u{1e}42[\"auth\",{}]"),
            Upgrade,
            Send("2probe"),
            Recv("3probe"),
            Send("5"),
            Send(r#"42["message"]"#),
            Recv(r#"42["message-back"]"#),
        ],
    ),
];

/// What connects the main namespace.
pub(crate) const CONNECT: &[Step] = &[Send("40"), Recv(r#"40{"sid":"id"}"#), Recv(r#"42["auth",{}]"#)];

/// Cases that begin with the main namespace connected, over a WebSocket.
pub(crate) const CONNECTED: &[(&str, &[Step])] = &[
    ("leaving the main namespace keeps the session", &[Send("41"), Wait(300), Recv("2"), Silent]),
    ("the main namespace can be connected again", &[Send("41"), Send("40"), Recv(r#"40{"sid":"id"}"#)]),
    (
        "leaving a custom namespace keeps the main one",
        &[
            Send("40/custom"),
            Recv(r#"40/custom,{"sid":"id"}"#),
            Recv(r#"42/custom,["auth",{}]"#),
            Send("41/custom"),
            Send(r#"42["message","message to main namespace"]"#),
            Recv(r#"42["message-back","message to main namespace"]"#),
        ],
    ),
    (
        "an event comes back",
        &[Send(r#"42["message",1,"2",{"3":[true]}]"#), Recv(r#"42["message-back",1,"2",{"3":[true]}]"#)],
    ),
    (
        "an event with attachments comes back",
        &[
            Send(r#"452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
            SendBinary(&[1, 2, 3]),
            Silent,
            SendBinary(&[4, 5, 6]),
            Recv(r#"452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
            RecvBinary(&[1, 2, 3]),
            RecvBinary(&[4, 5, 6]),
        ],
    ),
    (
        "attachments may come as base64",
        &[
            Send(r#"451-["message",{"_placeholder":true,"num":0}]"#),
            Send("bAQID"),
            Recv(r#"451-["message-back",{"_placeholder":true,"num":0}]"#),
            RecvBinary(&[1, 2, 3]),
        ],
    ),
    (
        "an event is acknowledged",
        &[Send(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#), Recv(r#"43456[1,"2",{"3":[false]}]"#)],
    ),
    ("an acknowledgement may be empty", &[Send(r#"420["message-with-ack"]"#), Recv("430[]")]),
    (
        "an event with attachments is acknowledged with them",
        &[
            Send(r#"452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
            SendBinary(&[1, 2, 3]),
            SendBinary(&[4, 5, 6]),
            Recv(r#"462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
            RecvBinary(&[1, 2, 3]),
            RecvBinary(&[4, 5, 6]),
        ],
    ),
    ("an unknown type closes the connection", &[Send("4abc"), Closed]),
    ("an empty packet closes the connection", &[Send("4"), Closed]),
    ("an event that is no list closes the connection", &[Send("42{}"), Closed]),
    ("an event that is an empty list closes the connection", &[Send("42[]"), Closed]),
    ("an event without a payload closes the connection", &[Send("42"), Closed]),
    (
        "an event with an illegal id closes the connection",
        &[Send(r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#), Closed],
    ),
    ("an acknowledgement without an id closes the connection", &[Send("43[]"), Closed]),
    ("an acknowledgement without a payload closes the connection", &[Send("431"), Closed]),
    ("an acknowledgement that nobody waits for is passed over", &[Send("431[]"), Silent]),
    ("a second CONNECT closes the connection", &[Send("40"), Closed]),
    ("CONNECT_ERROR from a client closes the connection", &[Send(r#"44{"message":"no"}"#), Closed]),
    ("DISCONNECT with a payload closes the connection", &[Send("41{}"), Closed]),
    ("an event to another namespace closes the connection", &[Send(r#"42/custom,["message"]"#), Closed]),
    ("bytes that belong to no packet close the connection", &[SendBinary(&[1]), Closed]),
    (
        "text in the place of an attachment closes the connection",
        &[Send(r#"451-["message",{"_placeholder":true,"num":0}]"#), Send(r#"42["message"]"#), Closed],
    ),
];

#[test]
fn a_server_does_what_the_socket_io_protocol_asks_for() {
    for (what, begin, steps) in UNCONNECTED {
        Player::<Connection>::open(*begin).play(what, steps);
    }
    for (what, steps) in CONNECTED {
        let mut player = Player::<Connection>::open(WebSocket);
        player.play(what, CONNECT);
        player.play(what, steps);
    }
}
