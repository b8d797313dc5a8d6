//! Measurements, kept in the form that Prometheus reads.

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use parlor_realtime::Hub;
use tokio::time::MissedTickBehavior;

use super::TelemetryError;

/// Bounds of the histograms of durations, in seconds.
const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How often histograms are tidied up and what is counted elsewhere is taken over.
const PERIOD: Duration = Duration::from_secs(5);

/// Makes the whole process's measurements readable through the handle.
///
/// # Errors
/// A second call.
pub fn install_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let failed = |reason: String| TelemetryError { what: "measurements", reason };
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| failed(error.to_string()))
}

/// Keeps the measurements fresh and small, for as long as it is polled.
pub async fn measure(handle: PrometheusHandle, hub: Arc<Hub>) {
    metrics::describe_gauge!("parlor_connections", "Open real-time connections.");
    metrics::describe_gauge!("parlor_users_connected", "Users with a real-time connection now or a moment ago.");
    metrics::describe_gauge!("parlor_streams", "Streams that somebody listens to.");
    metrics::describe_gauge!("parlor_changes_parked", "Changes that wait for one before them; near zero in health.");
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let stats = hub.stats();
        for (gauge, count) in [
            (metrics::gauge!("parlor_connections"), stats.connections),
            (metrics::gauge!("parlor_users_connected"), stats.users),
            (metrics::gauge!("parlor_streams"), stats.streams),
            (metrics::gauge!("parlor_changes_parked"), stats.parked),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float, and no hub has 2^52 of anything")]
            gauge.set(count as f64);
        }
        handle.run_upkeep();
    }
}
