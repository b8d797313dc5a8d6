//! Request bodies: JSON of a bounded size that arrives within a bounded time.

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload, error::PayloadError, http::header, web::BytesMut};
use futures_util::{StreamExt as _, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use validator::Validate;

use super::{from_json, query::refuse_parameters, state};
use crate::problem::{Problem, ProblemCode};

/// A JSON body, validated.
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body, validated, or none.
pub(crate) struct OptionalBody<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned + Validate> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        let missing = || Problem::new(ProblemCode::MissingBody, "a JSON body is needed");
        Box::pin(async move { read(&request, payload).await?.map(Self).ok_or_else(missing) })
    }
}

impl<T: DeserializeOwned + Validate> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move { read(&request, payload).await.map(Self) })
    }
}

async fn read<T: DeserializeOwned + Validate>(request: &HttpRequest, payload: Payload) -> Result<Option<T>, Problem> {
    refuse_parameters(request)?;
    let config = &state(request)?.config;
    let announced = request.headers().contains_key(header::CONTENT_TYPE);
    if announced {
        check_media_type(request)?;
    }
    if content_length(request).is_some_and(|length| length > config.body_limit as u64) {
        return Err(too_large(config.body_limit));
    }
    let body = tokio::time::timeout(config.body_timeout, collect(payload, config.body_limit)).await;
    let body = body.map_err(|_| too_slow(config.body_timeout))??;
    if body.is_empty() {
        return Ok(None);
    }
    if !announced {
        check_media_type(request)?;
    }
    from_json(&body).map(Some)
}

async fn collect(mut payload: Payload, limit: usize) -> Result<BytesMut, Problem> {
    let mut body = BytesMut::new();
    while let Some(part) = payload.next().await {
        let part = part.map_err(|error| broken(&error, limit))?;
        if body.len() + part.len() > limit {
            return Err(too_large(limit));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// JSON is UTF-8 (RFC 8259, section 8.1); a client that says otherwise would be misunderstood. Compressed bodies are
/// refused because their size is known only once they have been unpacked.
fn check_media_type(request: &HttpRequest) -> Result<(), Problem> {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = text(header::CONTENT_TYPE).split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json"));
    let is_utf8 = parts.all(|parameter| {
        let parameter = parameter.replace('"', "").to_ascii_lowercase();
        parameter.is_empty() || parameter == "charset=utf-8"
    });
    let plain = request
        .headers()
        .get(header::CONTENT_ENCODING)
        .is_none_or(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_json && is_utf8 && plain {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType, "the body must be plain `application/json` in UTF-8"))
}

fn content_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(limit: usize) -> Problem {
    Problem::new(ProblemCode::BodyTooLarge, format!("the body may have at most {limit} bytes"))
}

fn too_slow(limit: Duration) -> Problem {
    Problem::new(ProblemCode::RequestTimeout, format!("the body did not arrive within {} s", limit.as_secs_f32()))
}

fn broken(error: &PayloadError, limit: usize) -> Problem {
    if matches!(error, PayloadError::Overflow) {
        return too_large(limit);
    }
    Problem::new(ProblemCode::BadRequest, "the body ended early or is badly framed")
}
