//! The stores, tested through their traits and with real databases.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod mongodb;
mod sqlite;
