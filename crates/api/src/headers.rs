//! Headers that many answers share.

use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use parlor_services::Budget;

/// How many requests may come at once.
pub(crate) const RATE_LIMIT_LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many may still come now.
pub(crate) const RATE_LIMIT_REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// After how many seconds all of them may come again.
pub(crate) const RATE_LIMIT_RESET: HeaderName = HeaderName::from_static("ratelimit-reset");

/// The headers that tell what is left of a limit.
pub(crate) fn rate_limit(budget: Budget) -> [(HeaderName, HeaderValue); 3] {
    [
        (RATE_LIMIT_LIMIT, budget.limit.into()),
        (RATE_LIMIT_REMAINING, budget.remaining.into()),
        (RATE_LIMIT_RESET, whole_seconds(budget.reset).into()),
    ]
}

/// A time in seconds as headers tell it, rounded up: who waits that long has waited long enough.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// What the request is called in the log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Adds what every answer says to browsers, unless the answer says otherwise itself: not to guess its type, to load
/// nothing for it, to show it in no frame, to tell nobody where it was, and to keep no copy.
pub(crate) fn secure(headers: &mut HeaderMap) {
    const CLOSED: [(HeaderName, &str); 5] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in CLOSED {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
