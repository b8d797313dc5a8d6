//! One's own sessions.

use actix_web::{HttpResponse, delete, get, web::Json};
use parlor_domain::SessionId;

use super::{State, params::IdParam};
use crate::{
    extract::{Authenticated, PathId},
    problem::Problem,
    wire,
};

/// List one's own sessions
///
/// One for each device on which one is signed in, the last renewed first.
#[utoipa::path(
    tag = "Sessions",
    operation_id = "listSessions",
    responses((status = 200, description = "All live sessions", body = wire::Page<wire::Session>)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/users/me/sessions")]
pub(super) async fn list(state: State, caller: Authenticated) -> Result<Json<wire::Page<wire::Session>>, Problem> {
    let sessions = state.services.auth.sessions(caller.0).await?;
    Ok(Json(wire::Page { items: sessions.iter().map(Into::into).collect(), next_cursor: None }))
}

/// End a session
///
/// Its tokens are refused and its sockets closed at once.
#[utoipa::path(
    tag = "Sessions",
    operation_id = "endSession",
    params(IdParam),
    responses((status = 204, description = "The session has ended")),
    extensions(("x-problems" = json!(["store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/users/me/sessions/{id}")]
pub(super) async fn end(state: State, caller: Authenticated, id: PathId<SessionId>) -> Result<HttpResponse, Problem> {
    state.services.auth.end_session(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End all other sessions
///
/// All but the one that asks.
#[utoipa::path(
    tag = "Sessions",
    operation_id = "endOtherSessions",
    responses((status = 204, description = "All other sessions have ended")),
    extensions(("x-problems" = json!(["store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/users/me/sessions")]
pub(super) async fn end_others(state: State, caller: Authenticated) -> Result<HttpResponse, Problem> {
    state.services.auth.end_other_sessions(caller.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
