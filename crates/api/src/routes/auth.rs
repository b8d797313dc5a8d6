//! Signing up, in and out, and renewing tokens.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, post};
use parlor_services::{AuthFailure, ServiceError, SignedIn};
use secrecy::SecretString;

use super::State;
use crate::{
    cookies,
    extract::{Authenticated, Body, Client, OptionalBody, check_origin},
    headers,
    problem::Problem,
    wire::{self, TokenDelivery},
};

/// Sign up
///
/// Makes an account and signs it in.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "signUp",
    request_body = wire::SignUp,
    responses((status = 201, description = "The account, signed in", body = wire::SignedIn)),
    extensions(("x-problems" = json!(["taken", "overloaded", "rate_limited", "store_full"])))
)]
#[post("/auth/signup")]
pub(super) async fn sign_up(state: State, client: Client, body: Body<wire::SignUp>) -> Result<HttpResponse, Problem> {
    let delivery = body.0.session.unwrap_or_default();
    let signed_in = state.services.auth.sign_up(body.0.try_into()?, &client.0).await?;
    Ok(welcome(&state, StatusCode::CREATED, &signed_in, delivery))
}

/// Log in
///
/// By user name or e-mail address. An unknown name and a wrong password are answered alike.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "logIn",
    request_body = wire::LogIn,
    responses((status = 200, description = "The account, signed in", body = wire::SignedIn)),
    extensions(("x-problems" = json!(["invalid_credentials", "account_locked", "overloaded", "rate_limited", "store_full"])))
)]
#[post("/auth/login")]
pub(super) async fn log_in(state: State, client: Client, body: Body<wire::LogIn>) -> Result<HttpResponse, Problem> {
    let delivery = body.0.session.unwrap_or_default();
    let signed_in = state.services.auth.log_in(body.0.try_into()?, &client.0).await?;
    Ok(welcome(&state, StatusCode::OK, &signed_in, delivery))
}

fn welcome(state: &State, status: StatusCode, signed_in: &SignedIn, delivery: TokenDelivery) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    for header in headers::rate_limit(signed_in.budget) {
        response.insert_header(header);
    }
    if delivery == TokenDelivery::Cookie {
        cookies::set(&mut response, &state.config.cookies, &signed_in.tokens);
    }
    response
        .json(wire::SignedIn { tokens: wire::Tokens::new(&signed_in.tokens, delivery), user: (&signed_in.user).into() })
}

/// Renew the tokens
///
/// Each refresh token is good once and gives the next one; one that comes again ends its session. The token is in
/// the body, or else in its cookie, and the next ones come by the same way.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "refresh",
    request_body(content = Option<wire::Refresh>, content_type = "application/json"),
    responses((status = 200, description = "The next tokens", body = wire::Tokens)),
    extensions(("x-problems" = json!([
        "unauthenticated", "invalid_token", "token_expired", "session_ended", "token_reused", "origin_not_allowed",
        "rate_limited", "store_full"
    ])))
)]
#[post("/auth/refresh")]
pub(super) async fn refresh(
    state: State,
    client: Client,
    request: HttpRequest,
    body: OptionalBody<wire::Refresh>,
) -> Result<HttpResponse, Problem> {
    let (token, delivery) = refresh_token(&state, &request, body.0.unwrap_or_default())?;
    let tokens = state.services.auth.refresh(&token, &client.0).await?;
    let mut response = HttpResponse::Ok();
    if delivery == TokenDelivery::Cookie {
        cookies::set(&mut response, &state.config.cookies, &tokens);
    }
    Ok(response.json(wire::Tokens::new(&tokens, delivery)))
}

fn refresh_token(
    state: &State,
    request: &HttpRequest,
    body: wire::Refresh,
) -> Result<(SecretString, TokenDelivery), Problem> {
    if let Some(token) = body.refresh_token {
        return Ok((token.into(), TokenDelivery::Token));
    }
    let cookie = request.cookie(&cookies::refresh_name(&state.config.cookies));
    let cookie = cookie.ok_or(ServiceError::Unauthenticated(AuthFailure::Missing))?;
    check_origin(request)?;
    Ok((cookie.value().to_owned().into(), TokenDelivery::Cookie))
}

/// Log out
///
/// Ends this session: its tokens are refused and its sockets closed at once. Takes the cookies away.
#[utoipa::path(
    tag = "Accounts",
    operation_id = "logOut",
    responses((status = 204, description = "The session has ended")),
    extensions(("x-problems" = json!(["store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/auth/logout")]
pub(super) async fn log_out(state: State, caller: Authenticated) -> Result<HttpResponse, Problem> {
    state.services.auth.log_out(caller.0).await?;
    let mut response = HttpResponse::NoContent();
    cookies::clear(&mut response, &state.config.cookies);
    Ok(response.finish())
}
