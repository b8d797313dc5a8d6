//! What every handler can reach.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use metrics_exporter_prometheus::PrometheusHandle;
use parlor_services::Services;

use crate::{config::ApiConfig, live::Live};

/// What every handler can reach: made once, and shared by all threads that serve.
#[derive(Clone)]
pub struct AppState {
    /// The rules.
    pub services: Services,
    /// What all sockets share.
    pub live: Arc<Live>,
    /// What can be set about the API.
    pub config: Arc<ApiConfig>,
    /// Whether the server is about to stop.
    pub stopping: Stopping,
    /// The measurements, if they are to be served with the API.
    pub metrics: Option<PrometheusHandle>,
}

/// A flag that the server raises when it is about to stop, so that `/readyz` sends new requests elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Stopping(Arc<AtomicBool>);

impl Stopping {
    /// Raises the flag. It is never lowered.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is raised.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
