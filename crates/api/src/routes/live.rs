//! Coming back, and coming in live.

use actix_web::{
    HttpRequest, HttpResponse, get, post,
    web::{Json, Payload},
};

use super::{State, params::SocketParams};
use crate::{
    extract::{Authenticated, Body, Client},
    live,
    problem::Problem,
    wire,
};

/// Learn what one has missed
///
/// By the revisions that one knows: exactly what changed since, in order and in its present state, or `resync` where
/// that can't be told.
#[utoipa::path(
    tag = "Live",
    operation_id = "sync",
    request_body = wire::SyncRequest,
    responses((status = 200, description = "What was missed", body = wire::SyncResponse)),
    extensions(("x-problems" = json!(["rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/sync")]
pub(super) async fn sync(
    state: State,
    caller: Authenticated,
    body: Body<wire::SyncRequest>,
) -> Result<Json<wire::SyncResponse>, Problem> {
    let user = caller.0.user;
    let synced = state.services.sync.sync(caller.0, &body.0.positions(user)?).await?;
    Ok(Json(wire::SyncResponse::new(&synced, user)))
}

/// Get a ticket for a socket
///
/// Opens one socket, once and soon, for clients that can neither set a header nor send a cookie there.
#[utoipa::path(
    tag = "Live",
    operation_id = "createTicket",
    responses((status = 201, description = "The ticket", body = wire::Ticket)),
    extensions(("x-problems" = json!(["store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/ws/ticket")]
pub(super) async fn ticket(state: State, caller: Authenticated) -> Result<HttpResponse, Problem> {
    let ticket = state.services.auth.issue_ticket(caller.0).await?;
    Ok(HttpResponse::Created().json(wire::Ticket::from(&ticket)))
}

/// Open a socket
///
/// A WebSocket that carries events and commands; the AsyncAPI document describes them. Who calls, is told by
/// `Authorization`, by ticket, by cookie (from a page of an allowed origin), or by the first frame.
#[utoipa::path(
    tag = "Live",
    operation_id = "openSocket",
    params(SocketParams),
    responses((status = 101, description = "The socket is open")),
    extensions(("x-problems" = json!([
        "token_in_url", "invalid_token", "token_expired", "session_ended", "origin_not_allowed", "upgrade_required",
        "bad_request", "too_many_connections", "overloaded"
    ]))),
    security((), ("bearer" = []), ("ticket" = []), ("cookie" = []))
)]
#[get("/ws")]
pub(super) async fn socket(request: HttpRequest, client: Client, state: State) -> Result<HttpResponse, Problem> {
    live::open_socket(request, client, state).await
}

/// Serves Socket.IO, whose protocols say what each request means and how it is refused.
pub(super) async fn socket_io(request: HttpRequest, body: Payload, client: Client, state: State) -> HttpResponse {
    live::serve_socket_io(request, body, client, state).await
}
