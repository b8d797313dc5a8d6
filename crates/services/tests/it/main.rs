//! The rules, tested through the services' public methods over a real store: SQLite, or what
//! `PARLOR_TEST_STORE` names.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod servers;
mod store;
#[expect(clippy::wildcard_enum_match_arm, reason = "a test names the events that it waits for")]
mod support;

mod administration;
mod auth;
#[expect(clippy::wildcard_enum_match_arm, reason = "a test names the events that it looks for")]
mod changes;
mod communities;
mod conversations;
mod faults;
mod groups;
mod interference;
mod limits;
mod mentions;
mod messages;
mod presence;
mod reach;
mod recovery;
#[expect(clippy::wildcard_enum_match_arm, reason = "a test names the events that it looks for")]
mod relations;
mod search;
mod sync;
mod unread;
mod users;
