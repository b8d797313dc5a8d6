//! An event on its way to many connections, written once for each wire format.

use std::sync::OnceLock;

use bytes::Bytes;
use parlor_domain::{Event, Rev, StreamId, UserId};

/// How a transport writes an event.
pub type Encode = fn(&Envelope, Viewer) -> Bytes;

/// A wire format: a transport's way to write events, known to the hub by its slot alone.
#[derive(Debug)]
pub struct Format {
    /// Which of an envelope's frames are of this format: less than [`Format::SLOTS`], and no other format's.
    pub slot: usize,
    /// Writes an event as one frame.
    pub encode: Encode,
}

impl Format {
    /// How many formats there can be.
    pub const SLOTS: usize = 2;
}

/// Whom a frame is for. Some events say more to the one who caused them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The one who caused the event.
    Author,
    /// Everyone else.
    Other,
}

/// An event with its place in a stream and the frames that were made of it so far.
#[derive(Debug)]
pub struct Envelope {
    /// The stream and its revision; absent for what belongs to no stream. An event that is no change of the log
    /// repeats the stream's present revision.
    pub position: Option<(StreamId, Rev)>,
    /// What happened.
    pub event: Event,
    frames: [[OnceLock<Bytes>; 2]; Format::SLOTS],
}

impl Envelope {
    /// An event to push.
    pub fn new(position: Option<(StreamId, Rev)>, event: Event) -> Self {
        Self { position, event, frames: Default::default() }
    }

    /// The frame for a user's connection in a format; made at the first call and shared from then on.
    pub fn frame(&self, format: &Format, user: UserId) -> Bytes {
        let viewer = Viewer::of(&self.event, user);
        let made = &self.frames[format.slot][usize::from(viewer == Viewer::Author)];
        made.get_or_init(|| (format.encode)(self, viewer)).clone()
    }
}

impl Viewer {
    /// What a user is to an event.
    pub fn of(event: &Event, user: UserId) -> Self {
        match event {
            Event::MessageCreated(view) | Event::MessageUpdated(view) | Event::MessageDeleted(view)
                if view.message.sender_id == user =>
            {
                Viewer::Author
            }
            Event::MessageCreated(_)
            | Event::MessageUpdated(_)
            | Event::MessageDeleted(_)
            | Event::ReceiptUpdated(_)
            | Event::Typing { .. }
            | Event::PresenceUpdated(_)
            | Event::UserUpdated(_)
            | Event::ConversationCreated(_)
            | Event::FriendRequestCreated(_)
            | Event::FriendRequestUpdated(_)
            | Event::FriendAdded(_)
            | Event::FriendRemoved(_)
            | Event::BlockUpdated(_)
            | Event::ConversationUpdated(_)
            | Event::ConversationDeleted(_)
            | Event::Resync => Viewer::Other,
        }
    }
}
