//! What operators see of a running server: logs and measurements.

mod logging;
mod metrics;

pub use self::logging::{TelemetryError, install_logging};
pub use self::metrics::{install_metrics, measure};
