//! Problem documents (RFC 9457): what every failed request is answered with.

mod code;
mod framework;
mod list;
mod service;

use std::{error::Error, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use parlor_domain::InvalidValue;
use parlor_services::Budget;

pub use code::ProblemCode;
pub use list::errors_markdown;

pub(crate) use framework::{from_framework, from_status};
pub(crate) use list::errors_page;

use crate::{headers, wire};

/// Where the list of problems is served; with `#` and a code it is the `type` of a problem.
pub(crate) const ERRORS_PATH: &str = "/api/docs/errors";

/// The media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Why a request is refused: what is told to the client, and, kept apart, what is told to the log.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Problem(Box<Parts>);

/// Boxed, so that a `Result` stays small on the way on which nothing goes wrong.
#[derive(Clone, Debug)]
struct Parts {
    code: ProblemCode,
    detail: String,
    errors: Vec<wire::FieldError>,
    retry_after: Option<Duration>,
    lock: Option<wire::Lock>,
    headers: Vec<(HeaderName, HeaderValue)>,
    request_id: Option<String>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with a sentence for people about this very request. The sentence goes to the client: it holds
    /// nothing that the client may not know, and none of what it sent that may be secret.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after: None,
            lock: None,
            headers: Vec::new(),
            request_id: None,
            cause: None,
        }))
    }

    /// A failed validation that names the fields; `errors` is not empty.
    pub fn validation(errors: Vec<wire::FieldError>) -> Self {
        let detail = match &*errors {
            [error] => format!("`{}` {}", error.field, error.message),
            errors => format!("{} fields are not valid", errors.len()),
        };
        let mut problem = Self::new(ProblemCode::ValidationFailed, detail);
        problem.0.errors = errors;
        problem
    }

    /// A failed validation of one field.
    pub fn invalid_field(field: impl Into<String>, reason: InvalidValue) -> Self {
        Self::validation(vec![wire::FieldError {
            field: field.into(),
            code: reason.code.into(),
            message: reason.message.into(),
        }])
    }

    /// Keeps the cause for the log. It is never sent.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into().into());
        self
    }

    /// Tells the client when to try again.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Adds the headers that tell of a limit.
    #[must_use]
    pub(crate) fn budget(mut self, budget: Budget) -> Self {
        self.0.headers.extend(headers::rate_limit(budget));
        self
    }

    /// Names the request in which the problem came up.
    #[must_use]
    pub(crate) fn in_request(mut self, id: impl Into<String>) -> Self {
        self.0.request_id = Some(id.into());
        self
    }

    /// What went wrong.
    pub fn code(&self) -> ProblemCode {
        self.0.code
    }

    /// Writes the cause to the log, if there is one. Whoever answers with the problem calls this, once.
    pub fn log(&self) {
        if let Some(cause) = &self.0.cause {
            tracing::error!(code = self.0.code.name(), cause = causes(&**cause), "a request failed");
        }
    }

    /// The document that is sent.
    pub fn document(&self) -> wire::Problem {
        wire::Problem {
            kind: format!("{ERRORS_PATH}#{}", self.0.code.name()),
            title: self.0.code.title().into(),
            status: self.0.code.status().as_u16(),
            detail: self.0.detail.clone(),
            code: self.0.code.name().into(),
            request_id: self.0.request_id.clone(),
            errors: self.0.errors.clone(),
            retry_after: self.0.retry_after.map(headers::whole_seconds),
            lock: self.0.lock.clone().map(Box::new),
        }
    }

    /// The document as bytes.
    pub(crate) fn body(&self) -> Vec<u8> {
        // Texts and numbers can always be written.
        serde_json::to_vec(&self.document()).unwrap_or_default()
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.0.code.status());
        for (name, value) in &self.0.headers {
            response.append_header((name, value));
        }
        if let Some(time) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, headers::whole_seconds(time)));
        }
        if let Some(challenge) = challenge(self.0.code) {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if matches!(self.0.code, ProblemCode::RequestTimeout | ProblemCode::BodyTooLarge) {
            // The rest of the body is not read, and the next request must not wait behind it.
            response.force_close();
        }
        if let Some(id) = &self.0.request_id {
            response.insert_header((headers::REQUEST_ID, id.as_str()));
        }
        let mut response = response.content_type(PROBLEM_JSON).body(self.body());
        headers::secure(response.headers_mut());
        response
    }
}

/// What a 401 has to say about how to authenticate (RFC 9110, section 15.5.2; RFC 6750, section 3).
fn challenge(code: ProblemCode) -> Option<&'static str> {
    if code.status() != StatusCode::UNAUTHORIZED {
        None
    } else if matches!(code, ProblemCode::Unauthenticated | ProblemCode::InvalidCredentials) {
        Some("Bearer")
    } else {
        Some("Bearer error=\"invalid_token\"")
    }
}

/// An error and what caused it, in one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
