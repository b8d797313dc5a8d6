//! The server through its composition root: real HTTP and real sockets against a server on a port of its own,
//! on the store that `PARLOR_TEST_STORE` names.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on stops")]

mod chat;
mod cli;
mod copy;
mod data;
mod live;
mod logs;
mod matrix;
mod operation;
mod seed;
mod socketio;
mod support;
