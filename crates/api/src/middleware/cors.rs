//! Which pages of other origins may use the API.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::http::header;

use crate::{config::ApiConfig, extract::is_allowed, headers};

/// Allows the configured origins and the server's own, each by its exact name, with their users' cookies.
pub(crate) fn cors(config: &Arc<ApiConfig>) -> Cors {
    let config = Arc::clone(config);
    Cors::default()
        .allowed_origin_fn(move |origin, request| {
            let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
            origin.to_str().is_ok_and(|origin| is_allowed(&config, host, origin))
        })
        .supports_credentials()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .expose_headers([
            headers::REQUEST_ID,
            headers::RATE_LIMIT_LIMIT,
            headers::RATE_LIMIT_REMAINING,
            headers::RATE_LIMIT_RESET,
            header::RETRY_AFTER,
        ])
        .max_age(3600)
}
