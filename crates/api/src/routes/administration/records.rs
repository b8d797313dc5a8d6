//! The audit log and the statistics.

use actix_web::{get, web::Json};

use super::params::AuditParams;
use crate::{
    extract::{Authenticated, Query},
    problem::Problem,
    routes::{State, params::write_cursor},
    wire,
};

/// Read the audit log
///
/// What administrators did, the newest first. Entries never change.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listAuditEntries",
    params(AuditParams),
    responses((status = 200, description = "A page of entries", body = wire::Page<wire::AuditEntry>)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/admin/audit")]
pub(in crate::routes) async fn audit(
    state: State,
    caller: Authenticated,
    query: Query<AuditParams>,
) -> Result<Json<wire::Page<wire::AuditEntry>>, Problem> {
    let page = state.services.administration.audit(caller.0, query.0.try_into()?).await?;
    let items = page.items.iter().map(Into::into).collect();
    Ok(Json(wire::Page { items, next_cursor: page.next.map(write_cursor) }))
}

/// Show the statistics
///
/// How much there is, and how much happened on each of the last 30 days. What other servers on the same database have
/// not written yet is missing for up to a minute.
#[utoipa::path(
    tag = "Administration",
    operation_id = "getStatistics",
    responses((status = 200, description = "The statistics", body = wire::Statistics)),
    extensions(("x-problems" = json!(["not_permitted", "rate_limited", "store_full"]))),
    security(("bearer" = []), ("cookie" = []))
)]
#[get("/admin/stats")]
pub(in crate::routes) async fn statistics(
    state: State,
    caller: Authenticated,
) -> Result<Json<wire::Statistics>, Problem> {
    let statistics = state.services.administration.statistics(caller.0).await?;
    Ok(Json((&statistics).into()))
}
