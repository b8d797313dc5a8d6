//! How the server is: for operators and their tools.

use actix_web::{HttpResponse, get, web, web::Json};
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::problem::{Problem, ProblemCode};

/// That the server is well.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Ask whether the server runs
#[utoipa::path(
    tag = "Operation",
    operation_id = "getHealth",
    responses((status = 200, description = "It runs", body = Health))
)]
#[get("/healthz")]
pub(super) async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Ask whether the server takes requests
///
/// Not while its store can't be reached, and not once it is about to stop.
#[utoipa::path(
    tag = "Operation",
    operation_id = "getReadiness",
    responses((status = 200, description = "It takes requests", body = Health)),
    extensions(("x-problems" = json!(["overloaded", "store_unavailable", "store_full"])))
)]
#[get("/readyz")]
pub(super) async fn ready(state: State) -> Result<Json<Health>, Problem> {
    if state.stopping.is_raised() {
        return Err(Problem::new(ProblemCode::Overloaded, "the server is about to stop"));
    }
    state.services.ready().await?;
    Ok(Json(Health { status: "ok" }))
}

/// Show the measurements
///
/// In the text format of Prometheus.
#[utoipa::path(
    tag = "Operation",
    operation_id = "getMetrics",
    responses((status = 200, description = "The measurements", body = String, content_type = "text/plain",
        example = "parlor_http_requests_total{method=\"GET\",route=\"/healthz\",status=\"200\"} 1"))
)]
#[get("/metrics")]
pub(crate) async fn metrics(handle: web::Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(handle.render())
}
