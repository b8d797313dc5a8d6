//! What SQLite's errors mean to the rules.

use parlor_domain::store::StoreError;
use rusqlite::{Error, ErrorCode};

/// The meaning of an error that no caller has caused.
pub(crate) fn failed(error: Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(Box::new(error)),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::corrupt(error),
        _ if is_conversion(&error) => StoreError::corrupt(error),
        _ => StoreError::unavailable(error),
    }
}

/// The same, but a value that must be unique and is not is a conflict: `fields` name, for a column, what the rules
/// call it.
pub(crate) fn conflict(error: Error, fields: &[(&str, &'static str)]) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        let text = error.to_string();
        if let Some((_, field)) = fields.iter().find(|(column, _)| text.contains(column)) {
            return StoreError::Conflict(field);
        }
    }
    failed(error)
}

fn is_conversion(error: &Error) -> bool {
    matches!(
        error,
        Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..)
    )
}
