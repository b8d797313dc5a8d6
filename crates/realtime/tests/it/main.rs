//! What the hub promises, seen through its public door: changes go in, frames come out.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod announcements;
mod catching_up;
mod closing;
mod holding;
mod leaving;
mod ordering;
mod presence;
mod properties;
mod queues;
mod storm;
mod support;
