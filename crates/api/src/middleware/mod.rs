//! What every request goes through, from the outside in: its span in the log, the rules for pages of other origins,
//! and the last hand on every answer.

mod cors;
mod finish;
mod measure;
mod span;
mod unread;

pub(crate) use cors::cors;
pub(crate) use finish::{OwnShape, WasHead, finish};
pub(crate) use measure::Measures;
pub(crate) use span::RequestSpan;
