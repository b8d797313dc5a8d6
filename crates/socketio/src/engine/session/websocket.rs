//! A session over a WebSocket, and the way to it (specification: "WebSocket", "Upgrade").

use std::time::Duration;

use bytestring::ByteString;

use super::{EndReason, Phase, Session, SocketId, ToSocket, Transport};
use crate::engine::packet::{Frame, Packet};
use crate::engine::request::Refusal;

/// A WebSocket that a polling session may move to.
#[derive(Debug)]
pub(super) struct Probe {
    socket: SocketId,
    by: Duration,
    state: ProbeState,
}

#[derive(Clone, Copy, Debug)]
enum ProbeState {
    /// The probe is awaited.
    Connected,
    /// The probe has come, its answer is to be written.
    Probed(Duration),
    /// The answer was taken, the upgrade packet is awaited.
    Answered(Duration),
}

impl Probe {
    /// When the upgrade has taken too long.
    pub(super) fn deadline(&self) -> Duration {
        self.by
    }

    /// When the client's probe came, which is answered at once.
    pub(super) fn answered_at(&self) -> Option<Duration> {
        match self.state {
            ProbeState::Connected => None,
            ProbeState::Probed(at) | ProbeState::Answered(at) => Some(at),
        }
    }
}

impl Session {
    /// A WebSocket was opened for this session, which began with polling.
    ///
    /// # Errors
    /// The refusal to answer with, or to close the WebSocket for. The session goes on as it was.
    pub fn websocket_opened(&mut self, now: Duration) -> Result<SocketId, Refusal> {
        self.enter(now)?;
        let free = matches!(self.transport, Transport::Polling) && self.probe.is_none();
        if !free || !self.config.upgrades || !self.is_open() {
            return Err(Refusal::BadRequest);
        }
        let socket = SocketId(self.next_id());
        let by = now.saturating_add(self.config.upgrade_timeout);
        self.probe = Some(Probe { socket, by, state: ProbeState::Connected });
        Ok(socket)
    }

    /// A message came over a WebSocket.
    pub fn websocket_message(&mut self, socket: SocketId, frame: Frame, now: Duration) {
        self.tick(now);
        if self.probe.as_ref().is_some_and(|probe| probe.socket == socket) {
            self.probe_message(frame, now);
        } else if self.is_current(socket) {
            if frame.len() > self.config.max_payload {
                return self.end(EndReason::TooLarge);
            }
            match Packet::decode(frame) {
                Ok(packet) => self.receive(packet, now),
                Err(_) => self.end(EndReason::ParseError),
            }
        }
    }

    /// A WebSocket closed or failed.
    pub fn websocket_closed(&mut self, socket: SocketId, now: Duration) {
        self.tick(now);
        if self.probe.take_if(|probe| probe.socket == socket).is_none() && self.is_current(socket) {
            self.end(EndReason::TransportClosed);
        }
    }

    /// What to write to a WebSocket next; ask again when that is written. `None` as long as there is nothing.
    ///
    /// A WebSocket that the session has no use for, or none any more, is to be closed.
    pub fn next_frame(&mut self, socket: SocketId) -> Option<ToSocket> {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.socket == socket) {
            let ProbeState::Probed(at) = probe.state else { return None };
            probe.state = ProbeState::Answered(at);
            return Some(ToSocket::Frame(pong()));
        }
        if !self.is_current(socket) {
            return Some(ToSocket::Close(1000));
        }
        if let Some(frame) = self.outbox.pop() {
            return Some(ToSocket::Frame(frame));
        }
        if let Phase::Closing { reason, .. } = self.phase {
            self.end(reason);
        }
        match self.phase {
            Phase::Ended(reason) => Some(ToSocket::Close(reason.close_code())),
            Phase::Open | Phase::Closing { .. } => None,
        }
    }

    /// The client probes the WebSocket or moves to it; anything else ends the attempt, and polling goes on.
    fn probe_message(&mut self, frame: Frame, now: Duration) {
        let Some(probe) = &mut self.probe else { return };
        match (Packet::decode(frame), probe.state) {
            (Ok(Packet::Ping(data)), ProbeState::Connected) if data == "probe" => {
                probe.state = ProbeState::Probed(now);
            }
            // The client need not have seen the answer yet: one that sends both at once is served.
            (Ok(Packet::Upgrade), ProbeState::Probed(_) | ProbeState::Answered(_)) => self.upgrade(now),
            _ => self.probe = None,
        }
    }

    fn upgrade(&mut self, now: Duration) {
        let Some(probe) = self.probe.take() else { return };
        self.heartbeat.heard(now);
        self.release_poll_before(probe.answered_at());
        self.transport = Transport::WebSocket(probe.socket);
        if matches!(probe.state, ProbeState::Probed(_)) {
            self.outbox.push_front(pong());
        }
        self.overtake_poll(now);
    }

    fn is_current(&self, socket: SocketId) -> bool {
        matches!(self.transport, Transport::WebSocket(current) if current == socket)
    }
}

/// The answer to the client's probe.
fn pong() -> Frame {
    Frame::Text(ByteString::from_static("3probe"))
}
