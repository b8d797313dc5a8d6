//! The API through its public door: the whole application over a real store.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod accounts;
mod administration;
mod anonymous;
mod bodies;
mod browsers;
mod changes;
mod documents;
mod groups;
mod messages;
mod operation;
mod paths;
mod people;
mod search;
mod sockets;
mod support;
