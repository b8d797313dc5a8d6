//! The two protocols over the state machines, without a socket and without a clock; and once over the wire, against
//! the example.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../../examples/echo/server/mod.rs"]
mod echo;

mod codec;
mod connection;
mod engine_protocol;
mod hostile;
mod limits;
mod round_trip;
mod script;
mod session;
mod socketio_protocol;
mod wire;
