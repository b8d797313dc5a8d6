//! The automation, run as a developer runs it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod services;
