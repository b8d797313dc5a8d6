//! What goes on at the same time in an authenticated connection: reading, working, writing, and watching the time.
//!
//! All of it is one task. Whichever part ends first, ends the connection.

use std::{cell::Cell, sync::Arc, time::Duration};

use actix_ws::{Closed, Session as Sink};
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join;
use parlor_domain::Timestamp;
use parlor_realtime::{Connection, Outbox, Outgoing};
use parlor_services::{Caller, ServiceError};
use tokio::{
    select,
    sync::mpsc::{Receiver, Sender},
    time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout},
};

use super::{
    CloseCode,
    commands::Commands,
    incoming::{End, Incoming, Received},
};
use crate::{problem::Problem, state::AppState, wire::CommandFrame};

/// How long one frame may wait for the client to read.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How many commands of one connection may wait; the socket is not read while there are as many.
pub(super) const BACKLOG: usize = 32;

/// How long to wait before the store is asked again when it could not tell a session's end.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// An authenticated connection at work.
pub(super) struct Conversation<'a> {
    pub(super) state: &'a AppState,
    pub(super) connection: &'a Arc<Connection>,
    pub(super) caller: Caller,
    /// When something was last heard of the client.
    pub(super) heard: Cell<Instant>,
}

impl Conversation<'_> {
    /// Reads until the client closes or breaks a rule, and carries out, one after another, all commands that came
    /// before that.
    pub(super) async fn read_and_work(
        &self,
        incoming: &mut Incoming,
        sink: &Sink,
        (sender, receiver): (Sender<ByteString>, Receiver<ByteString>),
    ) -> End {
        let (end, ()) = join(self.read(incoming, sink.clone(), sender), self.work(receiver)).await;
        end
    }

    async fn read(&self, incoming: &mut Incoming, mut sink: Sink, commands: Sender<ByteString>) -> End {
        loop {
            let received = incoming.next().await;
            if let Received::End(end) = received {
                return end;
            }
            self.heard.set(Instant::now());
            self.state.services.live.heard_of(self.connection);
            match received {
                Received::Text(text) => {
                    if commands.send(text).await.is_err() {
                        return End::Gone;
                    }
                }
                Received::Ping(payload) => {
                    if let Err(end) = timed(sink.pong(&payload)).await {
                        return end;
                    }
                }
                Received::Binary(_) => return End::Close(CloseCode::UnsupportedData),
                Received::Pong | Received::End(_) => {}
            }
        }
    }

    async fn work(&self, mut waiting: Receiver<ByteString>) {
        let commands = Commands { services: &self.state.services, connection: self.connection, caller: self.caller };
        while let Some(text) = waiting.recv().await {
            // Its session may have been revoked while the command waited.
            if self.connection.is_closed() {
                return;
            }
            let CommandFrame { reply, command } = CommandFrame::parse(&text);
            commands.handle(&reply, command).await;
        }
    }

    /// Pings the client, and ends the connection when nothing is heard of it.
    pub(super) async fn keep_alive(&self, sink: &Sink) -> End {
        let mut sink = sink.clone();
        let config = &self.state.live.config;
        let mut pings = interval_at(Instant::now() + config.ping_interval, config.ping_interval);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = self.heard.get() + config.idle_timeout;
            if deadline <= Instant::now() {
                return End::Close(CloseCode::Idle);
            }
            select! {
                _ = pings.tick() => {
                    if let Err(end) = timed(sink.ping(b"")).await {
                        return end;
                    }
                }
                () = sleep_until(deadline) => {}
            }
        }
    }
}

/// Waits until the session ends by which a client is signed in. One that was renewed meanwhile ends later.
pub(super) async fn watch_session(state: &AppState, caller: Caller, mut ends_at: Timestamp) -> CloseCode {
    loop {
        sleep(ends_at.since(state.live.clock.now())).await;
        match state.services.auth.session_end(caller).await {
            Ok(later) => ends_at = later,
            Err(ServiceError::Unauthenticated(_)) => return CloseCode::SessionEnded,
            Err(error) => {
                Problem::from(error).log();
                sleep(STORE_RETRY).await;
            }
        }
    }
}

/// Writes what the hub has for the connection, as fast as the client reads.
pub(super) async fn write(outbox: &mut Outbox, sink: &Sink) -> End {
    let mut sink = sink.clone();
    loop {
        match outbox.next().await {
            Outgoing::Frame(frame) => {
                if let Err(end) = send_text(&mut sink, frame.bytes).await {
                    return end;
                }
            }
            Outgoing::Close(reason) => return End::Close(reason.into()),
        }
    }
}

/// Sends a text frame.
pub(super) async fn send_text(sink: &mut Sink, frame: Bytes) -> Result<(), End> {
    let text = ByteString::try_from(frame).map_err(|_| End::Close(CloseCode::InternalError))?;
    timed(sink.text(text)).await
}

/// Waits for a frame to be taken by the socket, for as long as a client may take to read.
pub(super) async fn timed(sending: impl Future<Output = Result<(), Closed>>) -> Result<(), End> {
    match timeout(SEND_TIMEOUT, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Closed)) => Err(End::Gone),
        Err(_) => Err(End::Close(CloseCode::SlowReader)),
    }
}
