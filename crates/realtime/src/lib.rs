//! The hub: who is connected, who listens to what, and how every change reaches every listener in order.
//!
//! This crate knows nothing of HTTP, sockets, protocols or databases. A transport registers a connection, takes
//! frames from its [`Outbox`] and writes them; services publish [`Change`](parlor_domain::Change)s after they are
//! stored.
//!
//! A connection is *live* on a stream, or it is *behind* on it at some revision. While it is live, changes are
//! pushed in the order of their revisions. While it is behind (because the user's status holds pushes back, because
//! the client has yet to say where it resumes, or because it comes back after a loss) nothing of that stream is
//! pushed; the connection gets it from the log, and only when it has come to the stream's head is it live again.
//! A stream that misses a revision reads it from the log as well. So what is pushed has no hole and nothing twice,
//! whatever gets lost between the writer and the hub.

mod catch_up;
mod connection;
mod envelope;
mod hub;
mod log;
mod membership;
mod places;
mod presence;
mod stream;
mod unheard;
mod user;

pub use connection::{CloseReason, Connection, Frame, FrameKind, Identity, Outbox, Outgoing, Resumed};
pub use envelope::{Encode, Envelope, Format, Viewer};
pub use hub::{Attachment, Hub, HubConfig, HubStats, Registration};
pub use log::{CatchUp, ChangeLog, ChangePage};
pub use presence::Arrival;
