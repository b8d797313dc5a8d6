//! Health, readiness, measurements.

use actix_web::http::Method;

use actix_web::test;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{Setup, request, start, start_with};

#[actix_web::test]
async fn a_running_server_is_healthy_and_ready() {
    let app = start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = app.get(path, "").await;
        assert_eq!((answer.status.as_u16(), &*answer.text), (200, r#"{"status":"ok"}"#), "{path}");
    }
}

#[actix_web::test]
async fn a_server_that_is_about_to_stop_is_healthy_and_not_ready() {
    let app = start().await;
    app.state().stopping.raise();
    assert_eq!(app.get("/healthz", "").await.status, 200);
    app.get("/readyz", "").await.assert_problem(503, "overloaded");
}

#[actix_web::test]
async fn measurements_are_served_where_they_are_configured_alone() {
    let app = start().await;
    app.get("/metrics", "").await.assert_problem(404, "unknown_path");
    app.send(request(Method::POST, "/metrics", "")).await.assert_problem(404, "unknown_path");
}

#[actix_web::test]
async fn measurements_are_served_with_the_api_or_apart() {
    let handle = PrometheusBuilder::new().build_recorder().handle();
    let app = start_with(Setup { metrics: Some(handle.clone()), ..Setup::default() }).await;
    let answer = app.get("/metrics", "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    app.send(request(Method::POST, "/metrics", "")).await.assert_problem(405, "method_not_allowed");
    let apart = test::init_service(parlor_api::metrics_app(handle)).await;
    let answer = test::call_service(&apart, test::TestRequest::with_uri("/metrics").to_request()).await;
    assert_eq!(answer.status(), 200);
}
