//! Events: a name and arguments.

use bytestring::ByteString;

use super::args::Args;

/// Names that mean something to the clients' own event emitters, so that no event may have them.
pub const RESERVED_NAMES: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// An event. A clone shares name and arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    name: ByteString,
    args: Args,
}

impl Event {
    /// An event to send.
    ///
    /// # Errors
    /// One of the [`RESERVED_NAMES`].
    pub fn new(name: impl Into<ByteString>, args: Args) -> Result<Self, ReservedName> {
        let name = name.into();
        if RESERVED_NAMES.contains(&&*name) {
            return Err(ReservedName);
        }
        Ok(Self { name, args })
    }

    /// The name. A JavaScript client may use a number; this is its text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The arguments.
    pub fn args(&self) -> &Args {
        &self.args
    }

    pub(super) fn args_mut(&mut self) -> &mut Args {
        &mut self.args
    }
}

/// The name of an event is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of the event is reserved")]
pub struct ReservedName;
