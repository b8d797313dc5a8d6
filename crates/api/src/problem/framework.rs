//! What the framework refuses, in the clothes of our own problems.

use actix_cors::CorsError;
use actix_web::http::StatusCode;

use super::{Problem, ProblemCode};

/// The problem behind an error: our own, or one that stands for what the framework says. The framework's text stays
/// in the log: it was not written for clients.
pub(crate) fn from_framework(error: &actix_web::Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    if error.as_error::<CorsError>().is_some_and(|error| matches!(error, CorsError::OriginNotAllowed)) {
        return Problem::new(ProblemCode::OriginNotAllowed, "pages of this origin may not use the API");
    }
    let status = error.as_response_error().status_code();
    let problem = from_status(status);
    if status.is_server_error() { problem.caused_by(error.to_string()) } else { problem }
}

/// The problem that a bare status stands for.
pub(crate) fn from_status(status: StatusCode) -> Problem {
    let (code, detail) = match status {
        StatusCode::NOT_FOUND => (ProblemCode::UnknownPath, "there is nothing under this path"),
        StatusCode::METHOD_NOT_ALLOWED => (ProblemCode::MethodNotAllowed, "this path does not take this method"),
        StatusCode::REQUEST_TIMEOUT => (ProblemCode::RequestTimeout, "the request took too long to arrive"),
        StatusCode::PAYLOAD_TOO_LARGE => (ProblemCode::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            (ProblemCode::UnsupportedMediaType, "the body is of a media type that is not understood")
        }
        status if status.is_client_error() => (ProblemCode::BadRequest, "the request is malformed"),
        _ => (ProblemCode::Internal, "the server failed"),
    };
    Problem::new(code, detail)
}
