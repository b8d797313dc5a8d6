//! Who calls.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header};
use parlor_services::{AuthFailure, Caller, ServiceError};

use super::{check_origin, query::refuse_parameters, state};
use crate::{cookies, problem::Problem};

/// The caller, proven by an access token. A handler that has it in its signature serves nobody else.
pub(crate) struct Authenticated(pub(crate) Caller);

/// An access token, by the way it came.
#[derive(Clone)]
pub(crate) enum Credential {
    /// By `Authorization: Bearer`.
    Bearer(String),
    /// By cookie. A browser sends it along whoever made it send the request.
    Cookie(String),
}

/// The access token of a request, if there is one. `Authorization` goes before the cookie.
///
/// # Errors
/// `invalid_token` if there is an `Authorization` that is not understood, `internal` without state.
pub(crate) fn credential(request: &HttpRequest) -> Result<Option<Credential>, Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    if let Some(value) = headers.next() {
        let token = value.to_str().ok().and_then(|value| value.split_once(' '));
        let bearer = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer") && headers.next().is_none());
        let invalid = ServiceError::Unauthenticated(AuthFailure::Invalid);
        return bearer.map(|(_, token)| Some(Credential::Bearer(token.trim().to_owned()))).ok_or(invalid.into());
    }
    let name = cookies::access_name(&state(request)?.config.cookies);
    Ok(request.cookie(&name).map(|cookie| Credential::Cookie(cookie.value().to_owned())))
}

impl FromRequest for Authenticated {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request).map(Self))
    }
}

pub(super) fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    let token = match credential(request)? {
        Some(Credential::Bearer(token)) => token,
        Some(Credential::Cookie(token)) => {
            if !request.method().is_safe() {
                check_origin(request)?;
            }
            token
        }
        None => return Err(ServiceError::Unauthenticated(AuthFailure::Missing).into()),
    };
    let caller = state(request)?.services.auth.authenticate(&token)?;
    tracing::Span::current().record("user_id", tracing::field::display(caller.user));
    refuse_parameters(request)?;
    Ok(caller)
}
