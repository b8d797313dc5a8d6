//! What the driver's errors mean to the rules.

#![expect(clippy::wildcard_enum_match_arm, reason = "the driver's list of errors is open")]

use std::fmt;

use mongodb::error::{Error, ErrorKind, WriteFailure};
use parlor_domain::store::StoreError;

const DUPLICATE_KEY: i32 = 11000;
const OUT_OF_DISK_SPACE: i32 = 14031;

/// Why an attempt at something did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The database or the way to it.
    Database(Error),
    /// Nobody knows what became of it.
    NoAnswer,
    /// The answer is known, and is this.
    Store(StoreError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(error) => f.write_str(&summary(error)),
            Self::NoAnswer => f.write_str("the database did not answer in time"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

/// What an attempt gives.
pub(crate) type Attempt<T> = Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => failed(error),
            Failure::NoAnswer => Self::unavailable(failure.to_string()),
            Failure::Store(error) => error,
        }
    }
}

/// The meaning of an error that no caller has caused.
pub(crate) fn failed(error: Error) -> StoreError {
    match code(&error) {
        Some(OUT_OF_DISK_SPACE) => StoreError::Full(summary(&error).into()),
        _ => StoreError::unavailable(summary(&error)),
    }
}

/// The meaning of an update that the server lists as failed.
pub(crate) fn refused_update(code: i32) -> StoreError {
    let reason = format!("the server refuses an update (code {code})");
    if code == OUT_OF_DISK_SPACE { StoreError::Full(reason.into()) } else { StoreError::unavailable(reason) }
}

/// What an error says, without what people have written: the server's messages can hold the whole command.
pub(crate) fn summary(error: &Error) -> String {
    match &*error.kind {
        ErrorKind::Command(error) => format!("the server refuses a command: {} (code {})", error.code_name, error.code),
        ErrorKind::Write(_) | ErrorKind::InsertMany(_) => {
            format!("the server refuses a write (code {})", code(error).unwrap_or_default())
        }
        ErrorKind::BulkWrite(_) | ErrorKind::Custom(_) => "the driver refuses a write".to_owned(),
        _ => error.kind.to_string(),
    }
}

/// The same, but a value that must be unique and is not is a conflict: `fields` name, for an index, what the rules
/// call it.
pub(crate) fn conflict(error: Error, fields: &[(&str, &'static str)]) -> Failure {
    let field = duplicate(&error).and_then(|index| fields.iter().find(|(name, _)| *name == index));
    match field {
        Some((_, field)) => Failure::Store(StoreError::Conflict(field)),
        None => Failure::Database(error),
    }
}

/// The index that an insert or update would have made to hold something twice.
pub(crate) fn duplicate(error: &Error) -> Option<&str> {
    if code(error) != Some(DUPLICATE_KEY) {
        return None;
    }
    Some(duplicate_index(message(error).unwrap_or_default()))
}

/// The name of the index in a server's message. It is nowhere else, as the driver drops what came with the message.
pub(crate) fn duplicate_index(message: &str) -> &str {
    let rest = message.split_once(" index: ").map_or("", |(_, rest)| rest);
    rest.split_once(' ').map_or(rest, |(name, _)| name)
}

/// The server's number for what went wrong.
pub(crate) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        ErrorKind::InsertMany(error) => {
            error.write_errors.as_ref().and_then(|errors| errors.first()).map(|error| error.code)
        }
        _ => None,
    }
}

fn message(error: &Error) -> Option<&str> {
    match &*error.kind {
        ErrorKind::Command(error) => Some(&error.message),
        ErrorKind::Write(WriteFailure::WriteError(error)) => Some(&error.message),
        ErrorKind::InsertMany(error) => {
            error.write_errors.as_ref().and_then(|errors| errors.first()).map(|error| error.message.as_str())
        }
        _ => None,
    }
}

impl Failure {
    /// Whether the same may succeed in a moment: a server or the way to it has failed, or there is an election.
    pub(crate) fn is_passing(&self) -> bool {
        /// What the driver specifications call retryable (the primary has gone, stops, or is none any more), and lost
        /// cursors.
        const CODES: [i32; 15] = [6, 7, 43, 89, 91, 134, 189, 237, 262, 9001, 10107, 11600, 11602, 13435, 13436];
        match self {
            Self::Database(error) => code(error).is_none_or(|code| CODES.contains(&code)) && !is_misuse(error),
            Self::NoAnswer => true,
            Self::Store(_) => false,
        }
    }
}

/// Whether it will not succeed however often it is tried.
fn is_misuse(error: &Error) -> bool {
    matches!(
        *error.kind,
        ErrorKind::InvalidArgument { .. }
            | ErrorKind::Authentication { .. }
            | ErrorKind::Bson(_)
            | ErrorKind::Shutdown
            | ErrorKind::IncompatibleServer { .. }
    )
}

/// Whether nothing was sent, because there was nobody to send it to.
pub(crate) fn nothing_sent(error: &Error) -> bool {
    // Not a cleared pool: that is told of what was on its way as well.
    matches!(*error.kind, ErrorKind::ServerSelection { .. })
}

#[cfg(test)]
mod tests {
    use super::duplicate_index;

    #[test]
    fn the_index_of_a_duplicate_is_found_in_the_servers_message() {
        let message = "E11000 duplicate key error collection: parlor.users index: byUsername dup key: { usernameKey: \" index: x \" }";
        assert_eq!(duplicate_index(message), "byUsername");
        assert_eq!(duplicate_index("something else"), "");
    }
}
