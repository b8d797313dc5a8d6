//! What the server writes: events without their last argument, and acknowledgements.
//!
//! An event goes to many connections, and ends with each one's own offset; so it is written without that once, as
//! the frame of the hub, and finished where it is sent.

use bytes::Bytes;
use bytestring::ByteString;
use parlor_domain::Event;
use parlor_realtime::{Envelope, Format, Frame, Viewer};
use parlor_socketio::packet::{self, Args, Encoded, Namespace};
use serde::Serialize;
use tracing::error;

use crate::{
    live::commands::Reply,
    problem::Problem,
    wire::{Acknowledgement, Empty, EventData, EventFrame, RefusedCommand, SocketIoEvent, UnaskedProblem},
};

/// The way of Socket.IO to write events: without the offset.
pub static SOCKET_IO: Format = Format { slot: 1, encode };

/// The event that carries nothing but the offset.
const OFFSET: &str = "offset";

/// The event that tells of a problem with a command that was not to be acknowledged.
const PROBLEM: &str = "problem";

fn encode(envelope: &Envelope, viewer: Viewer) -> Bytes {
    let event = EventFrame::new(envelope.position, &envelope.event, viewer);
    unfinished_event(event).unwrap_or_else(|| resync(envelope))
}

/// In place of an event that can't be written: its readers learn that they miss something.
fn resync(envelope: &Envelope) -> Bytes {
    unfinished_event(EventFrame::new(envelope.position, &Event::Resync, Viewer::Other)).unwrap_or_default()
}

/// An event of the connection itself.
pub(super) fn event(data: EventData) -> Frame {
    Frame::event(unfinished_event(EventFrame::of_connection(data)).unwrap_or_default())
}

/// The event that carries nothing but the offset.
pub(super) fn offset_only() -> Frame {
    Frame::event(unfinished(OFFSET, &(Empty {}, Empty {})).unwrap_or_default())
}

/// What was written, as a packet to send.
pub(super) fn whole(frame: Bytes) -> Encoded {
    Encoded::from_text(&Namespace::MAIN, ByteString::try_from(frame).unwrap_or_default())
}

fn unfinished_event(frame: EventFrame) -> Option<Bytes> {
    let (kind, arguments) = SocketIoEvent::of(frame);
    unfinished(kind.name(), &arguments)
}

/// An event without its last argument. None of ours fails to be written unless the store holds what is no JSON.
fn unfinished<T: Serialize>(name: &'static str, arguments: &T) -> Option<Bytes> {
    let arguments = Args::new(arguments).inspect_err(not_written).ok()?;
    let event = packet::Event::new(name, arguments).inspect_err(not_written).ok()?;
    Some(event.encode(&Namespace::MAIN, None).text().clone().into_bytes())
}

fn not_written<E: std::error::Error + 'static>(error: &E) {
    error!(error = error as &dyn std::error::Error, "a frame can't be written");
}

/// How the client wants a command to be answered.
pub(super) struct Ack<'a> {
    /// The command's name.
    pub(super) command: &'a str,
    /// Under which number the client wants it acknowledged, if it does.
    pub(super) id: Option<u64>,
}

impl Reply for Ack<'_> {
    fn frame<T: Serialize>(&self, outcome: Result<T, Problem>) -> Option<Frame> {
        let document = |problem: Problem| {
            problem.log();
            problem.document()
        };
        let Some(id) = self.id else {
            let problem = UnaskedProblem(document(outcome.err()?), RefusedCommand { command: self.command });
            return unfinished(PROBLEM, &problem).map(Frame::event);
        };
        let answer = match outcome {
            Ok(data) => Acknowledgement::Data(data),
            Err(problem) => Acknowledgement::Problem(document(problem)),
        };
        let arguments = Args::new(&(answer,)).inspect_err(not_written).ok()?;
        Some(Frame::answer(arguments.encode_ack(&Namespace::MAIN, id).text().clone().into_bytes()))
    }
}
