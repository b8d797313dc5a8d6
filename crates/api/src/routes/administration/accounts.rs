//! Accounts and their sessions.

use actix_web::{HttpResponse, delete, get, post, put, web::Json};
use parlor_domain::UserId;

use super::params::{AccountsParams, SessionParams};
use crate::{
    extract::{Administrator, Authenticated, Body, PathId, Query, SessionInPath},
    problem::Problem,
    routes::{State, params::IdParam},
    wire,
};

/// List all accounts
///
/// By user name; or those whose names have words that begin with the words of `query`.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listAccounts",
    params(AccountsParams),
    responses((status = 200, description = "A page of accounts", body = wire::Page<wire::AdminUser>)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/admin/users")]
pub(in crate::routes) async fn list(
    state: State,
    caller: Authenticated,
    query: Query<AccountsParams>,
) -> Result<Json<wire::Page<wire::AdminUser>>, Problem> {
    let page = state.services.administration.accounts(caller.0, query.0.try_into()?).await?;
    Ok(Json(wire::Page { items: page.items.iter().map(Into::into).collect(), next_cursor: page.next }))
}

/// Show an account
///
/// With how much it has.
#[utoipa::path(
    tag = "Administration",
    operation_id = "getAccount",
    params(IdParam),
    responses((status = 200, description = "The account", body = wire::AdminUserDetails)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/admin/users/{id}")]
pub(in crate::routes) async fn show(
    state: State,
    caller: Authenticated,
    id: PathId<UserId>,
) -> Result<Json<wire::AdminUserDetails>, Problem> {
    let details = state.services.administration.account(caller.0, id.0).await?;
    Ok(Json((&details).into()))
}

/// Lock an account
///
/// It can't sign in any more, and its sessions end at once. A lock that it has is replaced; the same
/// lock again changes nothing.
#[utoipa::path(
    tag = "Administration",
    operation_id = "lockAccount",
    params(IdParam),
    request_body = wire::LockUser,
    responses((status = 200, description = "The account, locked", body = wire::AdminUser)),
    extensions(("x-problems" = json!(["not_permitted", "own_account", "last_super_admin", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/admin/users/{id}/lock")]
pub(in crate::routes) async fn lock(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
    body: Body<wire::LockUser>,
) -> Result<Json<wire::AdminUser>, Problem> {
    let (reason, until) = body.0.try_into()?;
    let account = state.services.administration.lock(caller.0, id.0, reason, until).await?;
    Ok(Json((&account).into()))
}

/// Unlock an account
///
/// One that is not locked stays as it is.
#[utoipa::path(
    tag = "Administration",
    operation_id = "unlockAccount",
    params(IdParam),
    responses((status = 204, description = "The account is not locked")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/admin/users/{id}/lock")]
pub(in crate::routes) async fn unlock(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
) -> Result<HttpResponse, Problem> {
    state.services.administration.unlock(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change an account's role
///
/// It holds at once, and is told to the account's devices.
#[utoipa::path(
    tag = "Administration",
    operation_id = "setAccountRole",
    params(IdParam),
    request_body = wire::SetAccountRole,
    responses((status = 200, description = "The account with its role", body = wire::AdminUser)),
    extensions(("x-problems" = json!(["not_permitted", "own_account", "last_super_admin", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[put("/admin/users/{id}/role")]
pub(in crate::routes) async fn change_role(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
    body: Body<wire::SetAccountRole>,
) -> Result<Json<wire::AdminUser>, Problem> {
    let account = state.services.administration.set_role(caller.0, id.0, body.0.role.into()).await?;
    Ok(Json((&account).into()))
}

/// Delete an account
///
/// As its owner does, who alone deletes his own: with his password. This can't be undone.
#[utoipa::path(
    tag = "Administration",
    operation_id = "deleteAccount",
    params(IdParam),
    responses((status = 204, description = "The account is deleted")),
    extensions(("x-problems" = json!(["not_permitted", "own_account", "last_super_admin", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/admin/users/{id}")]
pub(in crate::routes) async fn delete(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
) -> Result<HttpResponse, Problem> {
    state.services.administration.delete(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List an account's sessions
///
/// All live ones, the last renewed first.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listAccountSessions",
    params(IdParam),
    responses((status = 200, description = "All live sessions", body = wire::Page<wire::Session>)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/admin/users/{id}/sessions")]
pub(in crate::routes) async fn list_sessions(
    state: State,
    caller: Authenticated,
    id: PathId<UserId>,
) -> Result<Json<wire::Page<wire::Session>>, Problem> {
    let sessions = state.services.administration.sessions(caller.0, id.0).await?;
    Ok(Json(wire::Page { items: sessions.iter().map(Into::into).collect(), next_cursor: None }))
}

/// End an account's sessions
///
/// All of them: their tokens are refused and their sockets closed at once.
#[utoipa::path(
    tag = "Administration",
    operation_id = "endAccountSessions",
    params(IdParam),
    responses((status = 204, description = "No session is left")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/admin/users/{id}/sessions")]
pub(in crate::routes) async fn end_sessions(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
) -> Result<HttpResponse, Problem> {
    state.services.administration.end_sessions(caller.0, id.0).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a session of an account
///
/// Its tokens are refused and its sockets closed at once.
#[utoipa::path(
    tag = "Administration",
    operation_id = "endAccountSession",
    params(SessionParams),
    responses((status = 204, description = "The session has ended")),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/admin/users/{id}/sessions/{sessionId}")]
pub(in crate::routes) async fn end_session(
    state: State,
    caller: Administrator,
    id: PathId<UserId>,
    session: SessionInPath,
) -> Result<HttpResponse, Problem> {
    state.services.administration.end_session(caller.0, id.0, session.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
