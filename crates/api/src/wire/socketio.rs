//! What goes over Socket.IO beside the shapes that all transports share.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use validator::Validate;

use super::{EventData, EventFrame, EventKind, Problem, Secret};

/// What a client shows when it connects. Front ends put things of their own beside, which are passed over.
#[derive(Debug, Default, Deserialize, Validate)]
pub struct SocketIoAuth {
    /// An access token.
    pub token: Option<Secret>,
    /// A one-time ticket.
    pub ticket: Option<Secret>,
    /// The client resumes by itself: nothing is pushed before the command `resume`, and nothing is recovered.
    pub resume: Option<bool>,
    pid: Option<Box<RawValue>>,
    offset: Option<Box<RawValue>>,
}

impl SocketIoAuth {
    /// What the stock client gives back when it returns: the name of what it had, and the last offset that it
    /// received. Something else under these names is not its own.
    pub fn recovery(&self) -> Option<(String, Option<String>)> {
        let text = |json: &RawValue| serde_json::from_str(json.get()).ok();
        let pid = text(self.pid.as_deref()?)?;
        Some((pid, self.offset.as_deref().and_then(text)))
    }
}

/// The arguments of an event, but for the offset, which each connection has its own of.
#[derive(Debug, Serialize)]
pub struct SocketIoEvent(EventData, EventPlace);

/// Where an event belongs.
#[derive(Debug, Serialize)]
struct EventPlace {
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rev: Option<u64>,
}

impl SocketIoEvent {
    /// The event's name and arguments.
    pub fn of(frame: EventFrame) -> (EventKind, Self) {
        let EventFrame { event, stream, rev, data } = frame;
        (event, Self(data, EventPlace { stream, rev }))
    }
}

/// The argument of an acknowledgement.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Acknowledgement<T> {
    /// What REST answers to the same.
    Data(T),
    /// Why the command was refused.
    Problem(Problem),
}

/// The arguments, but for the offset, of the event that tells of a problem with a command which was sent without
/// wanting an acknowledgement.
#[derive(Debug, Serialize)]
pub struct UnaskedProblem<'a>(pub Problem, pub RefusedCommand<'a>);

/// Which command was refused.
#[derive(Debug, Serialize)]
pub struct RefusedCommand<'a> {
    /// Its name as the client wrote it.
    pub command: &'a str,
}
