//! Where a connection is in its streams.

use std::collections::HashMap;

use parlor_domain::{Rev, StreamId};

/// Where a connection is in the streams that it is not simply live on.
#[derive(Debug, Default)]
pub(crate) struct Places(HashMap<StreamId, Place>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It has come to this revision. What is published is not pushed to it: it gets that from the log.
    Behind(Rev),
    /// The log has given it everything up to this revision before the stream handed that out.
    Ahead(Rev),
}

/// What an event of a stream is to a connection that can't take it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A change that follows the one at `after`: the log tells it later.
    Change { after: Rev },
    /// State of the stream: the log tells it beside the changes.
    State,
    /// It passes, and nobody needs it later.
    Passing,
}

impl Places {
    /// Whether the connection takes an event of a stream. If it does not, because it `keeps_back` what is pushed,
    /// and the log can tell the event later, marks where to read on.
    pub(crate) fn take(&mut self, (stream, rev): (StreamId, Rev), standing: Standing, keeps_back: bool) -> bool {
        let given = match self.0.get(&stream) {
            Some(Place::Behind(_)) => return false,
            Some(Place::Ahead(given)) => *given,
            None => Rev::ZERO,
        };
        let resume_at = match standing {
            Standing::Change { .. } if rev < given => return false,
            Standing::Change { after } => {
                self.0.remove(&stream);
                if rev == given {
                    return false;
                }
                Some(after)
            }
            Standing::State => Some(rev),
            Standing::Passing => None,
        };
        if let Some(rev) = resume_at.filter(|_| keeps_back) {
            self.0.insert(stream, Place::Behind(rev.max(given)));
        }
        !keeps_back
    }

    /// Sets the connection to a revision: what comes after it is read from the log.
    pub(crate) fn set(&mut self, stream: StreamId, rev: Rev) {
        self.0.insert(stream, Place::Behind(rev));
    }

    /// Sets the connection to a revision, unless it is before that already.
    pub(crate) fn set_back(&mut self, stream: StreamId, rev: Rev) {
        let rev = self.behind_at(stream).map_or(rev, |at| at.min(rev));
        self.set(stream, rev);
    }

    /// Whether the connection has not come to `rev` of a stream that has handed out all up to `head`. If so, what is
    /// missing is read from the log.
    pub(crate) fn has_yet_to_come_to(&mut self, stream: StreamId, rev: Rev, head: Rev) -> bool {
        let at = match self.0.get(&stream) {
            Some(Place::Behind(at)) => *at,
            Some(Place::Ahead(given)) => head.max(*given),
            None => head,
        };
        if at < rev {
            self.set(stream, at);
        }
        at < rev
    }

    /// The connection has come to `at` from the log, where there is no more; the stream has handed out all up to
    /// `head`.
    pub(crate) fn go_live(&mut self, stream: StreamId, at: Rev, head: Rev) {
        if at > head {
            self.0.insert(stream, Place::Ahead(at));
        } else {
            self.forget(stream);
        }
    }

    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.0.remove(&stream);
    }

    /// From where the log of a stream is to be read, if it is.
    pub(crate) fn behind_at(&self, stream: StreamId) -> Option<Rev> {
        match self.0.get(&stream) {
            Some(Place::Behind(rev)) => Some(*rev),
            Some(Place::Ahead(_)) | None => None,
        }
    }

    /// The streams whose log is to be read, in the order to do it.
    pub(crate) fn behind(&self) -> Vec<StreamId> {
        let streams = self.0.keys().filter(|stream| self.behind_at(**stream).is_some());
        let mut streams: Vec<StreamId> = streams.copied().collect();
        // The user's own stream first: it tells of the conversations whose messages follow.
        streams.sort_unstable_by_key(|stream| !matches!(stream, StreamId::User(_)));
        streams
    }

    pub(crate) fn is_live_on(&self, stream: StreamId) -> bool {
        !self.0.contains_key(&stream)
    }

    pub(crate) fn is_behind(&self) -> bool {
        self.0.values().any(|place| matches!(place, Place::Behind(_)))
    }
}
