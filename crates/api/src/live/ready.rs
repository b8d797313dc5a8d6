//! The first event of every connection.

use std::time::Duration;

use parlor_services::{Caller, Ready};

use super::LiveConfig;
use crate::{
    state::AppState,
    wire::{self, Heartbeat, ReadyConnection, SocketLimits},
};

/// What a client is told of its connection, on a transport that takes frames of so many bytes.
pub(super) fn ready_event(state: &AppState, caller: Caller, ready: &Ready, max_frame: u64) -> wire::Ready {
    let LiveConfig { ping_interval, idle_timeout, max_message, frames_per_connection, .. } = state.live.config;
    let connection = ReadyConnection {
        connection: ready.connection,
        user: caller.user,
        session: caller.session,
        rev: ready.rev,
        now: state.live.clock.now(),
        session_ends_at: ready.session_ends_at,
    };
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let heartbeat = Heartbeat { ping_interval_ms: millis(ping_interval), idle_timeout_ms: millis(idle_timeout) };
    let limits = SocketLimits {
        max_frame_bytes: max_frame,
        max_message_bytes: max_message,
        frames_burst: frames_per_connection.burst,
        frames_per_minute: frames_per_connection.per_minute,
    };
    wire::Ready::new(connection, heartbeat, limits)
}
