//! Where a request by cookie comes from: browsers send cookies along with what other sites' pages make them do.

use actix_web::{HttpRequest, http::header};

use super::state;
use crate::{
    config::ApiConfig,
    problem::{Problem, ProblemCode},
};

/// How much of an origin is written to the log.
const MAX_LOGGED: usize = 200;

/// Succeeds if a browser says that the request comes from a page of the server's own or an allowed origin. Needed
/// for whatever is authenticated by cookie and changes something or opens a socket.
///
/// # Errors
/// `origin_not_allowed`, also if the request does not say where it comes from.
pub(crate) fn check_origin(request: &HttpRequest) -> Result<(), Problem> {
    let config = &state(request)?.config;
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    // Scripts can't set this header, and the browser knows better than we what its page's origin is.
    if text("sec-fetch-site") == Some("same-origin") {
        return Ok(());
    }
    let host = text(header::HOST.as_str());
    if text(header::ORIGIN.as_str()).is_some_and(|origin| is_allowed(config, host, origin)) {
        return Ok(());
    }
    let origin = text(header::ORIGIN.as_str()).map(|origin| origin.get(..MAX_LOGGED).unwrap_or(origin));
    tracing::info!(target: "security", ?origin, "a request came from an origin that is not allowed");
    Err(Problem::new(
        ProblemCode::OriginNotAllowed,
        "a socket, or a request by cookie, must come from a page of an allowed origin; its `Origin` is missing or not allowed",
    ))
}

/// Whether pages of this origin may use the API.
pub(crate) fn is_allowed(config: &ApiConfig, host: Option<&str>, origin: &str) -> bool {
    if config.origins.iter().any(|allowed| allowed == origin) {
        return true;
    }
    match &config.own_origin {
        Some(own) => own == origin,
        // Whether a proxy before us speaks HTTPS can't be seen from here, so the host alone has to agree.
        None => origin.split_once("://").is_some_and(|(scheme, authority)| {
            matches!(scheme, "http" | "https") && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        }),
    }
}
