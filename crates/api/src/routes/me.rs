//! One's own account.

use actix_web::{HttpResponse, delete, get, patch, post, put, web::Json};
use parlor_domain::InvalidValue;
use parlor_services::Password;

use super::State;
use crate::{
    cookies,
    extract::{Authenticated, Body},
    problem::Problem,
    wire,
};

/// Show one's own account
#[utoipa::path(
    tag = "Me",
    operation_id = "getMe",
    responses((status = 200, description = "One's own account", body = wire::User)),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/users/me")]
pub(super) async fn show(state: State, caller: Authenticated) -> Result<Json<wire::User>, Problem> {
    let view = state.services.users.me(caller.0).await?;
    Ok(Json((&view).into()))
}

/// Change one's own account
///
/// What is left out or null stays as it is, but for `email`, which null takes away. A change of `email` needs
/// `currentPassword`. `metadata` is replaced as a whole.
#[utoipa::path(
    tag = "Me",
    operation_id = "updateMe",
    request_body = wire::UpdateUser,
    responses((status = 200, description = "One's own account as it is then", body = wire::User)),
    extensions(("x-problems" = json!(["taken", "overloaded", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[patch("/users/me")]
pub(super) async fn update(
    state: State,
    caller: Authenticated,
    body: Body<wire::UpdateUser>,
) -> Result<Json<wire::User>, Problem> {
    let view = state.services.users.update(caller.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}

/// Delete one's own account
///
/// The name and address are free again, everything personal is gone, all sessions end. Messages that others have
/// received stay, from a deleted user.
#[utoipa::path(
    tag = "Me",
    operation_id = "deleteMe",
    request_body = wire::DeleteAccount,
    responses((status = 204, description = "The account is deleted")),
    extensions(("x-problems" = json!(["not_found", "last_super_admin", "overloaded", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[delete("/users/me")]
pub(super) async fn delete(
    state: State,
    caller: Authenticated,
    body: Body<wire::DeleteAccount>,
) -> Result<HttpResponse, Problem> {
    let password = Password::candidate(body.0.current_password.expose());
    let password = password.map_err(|reason| Problem::invalid_field("currentPassword", reason))?;
    state.services.users.delete(caller.0, password).await?;
    let mut response = HttpResponse::NoContent();
    cookies::clear(&mut response, &state.config.cookies);
    Ok(response.finish())
}

/// Change one's password
///
/// Ends all other sessions.
#[utoipa::path(
    tag = "Me",
    operation_id = "changePassword",
    request_body = wire::ChangePassword,
    responses((status = 204, description = "The password is changed")),
    extensions(("x-problems" = json!(["overloaded", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[post("/users/me/password")]
pub(super) async fn change_password(
    state: State,
    caller: Authenticated,
    body: Body<wire::ChangePassword>,
) -> Result<HttpResponse, Problem> {
    let field = |name: &'static str| move |reason: InvalidValue| Problem::invalid_field(name, reason);
    let current = Password::candidate(body.0.current_password.expose()).map_err(field("currentPassword"))?;
    let new = Password::parse(body.0.new_password.expose()).map_err(field("newPassword"))?;
    state.services.auth.change_password(caller.0, current, new).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Set one's status
///
/// While it is `busy`, nothing is pushed; what comes meanwhile is pushed in order when it ends.
#[utoipa::path(
    tag = "Me",
    operation_id = "setStatus",
    request_body = wire::SetStatus,
    responses((status = 200, description = "One's own account as it is then", body = wire::User)),
    extensions(("x-problems" = json!(["rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[put("/users/me/status")]
pub(super) async fn set_status(
    state: State,
    caller: Authenticated,
    body: Body<wire::SetStatus>,
) -> Result<Json<wire::User>, Problem> {
    let view = state.services.presence.set_status(caller.0, body.0.try_into()?).await?;
    Ok(Json((&view).into()))
}
