//! What is measured of requests.

use std::{cell::RefCell, collections::HashMap, time::Instant};

use actix_web::{
    dev::ServiceRequest,
    http::{Method, StatusCode},
};
use metrics::{Counter, Histogram};

/// The series that this thread's requests have been counted in. To look one up among those of the whole process, by
/// its labels, costs more than to count.
#[derive(Default)]
pub(crate) struct Measures(RefCell<HashMap<String, Vec<Series>>>);

/// The requests of a route that were asked in one way and ended in one way.
struct Series {
    method: &'static str,
    status: StatusCode,
    requests: Counter,
    seconds: Histogram,
}

/// A request that is measured.
pub(super) struct Measurement {
    method: &'static str,
    route: String,
    started: Instant,
}

impl Measurement {
    pub(super) fn begin(request: &ServiceRequest) -> Self {
        Self {
            // Known methods and patterns alone: whatever a client makes up would be a new time series.
            method: method_label(request.method()),
            route: request.match_pattern().unwrap_or_else(|| "none".to_owned()),
            started: Instant::now(),
        }
    }
}

impl Measures {
    /// Counts a request that has ended.
    pub(super) fn add(&self, request: Measurement, status: StatusCode) {
        let Measurement { method, route, started } = request;
        let took = started.elapsed();
        let count = |series: &Series| {
            series.requests.increment(1);
            series.seconds.record(took);
        };
        let mut routes = self.0.borrow_mut();
        let of_route = routes.get(&route).map(Vec::as_slice).unwrap_or_default();
        if let Some(series) = of_route.iter().find(|series| series.method == method && series.status == status) {
            return count(series);
        }
        let series = Series::new(method, route.clone(), status);
        count(&series);
        routes.entry(route).or_default().push(series);
    }
}

impl Series {
    fn new(method: &'static str, route: String, status: StatusCode) -> Self {
        let labels = [("method", method.to_owned()), ("route", route), ("status", status.as_str().to_owned())];
        Self {
            method,
            status,
            requests: metrics::counter!("parlor_http_requests_total", &labels),
            seconds: metrics::histogram!("parlor_http_request_seconds", &labels),
        }
    }
}

fn method_label(method: &Method) -> &'static str {
    const KNOWN: [(Method, &str); 6] = [
        (Method::GET, "GET"),
        (Method::POST, "POST"),
        (Method::PUT, "PUT"),
        (Method::PATCH, "PATCH"),
        (Method::DELETE, "DELETE"),
        (Method::OPTIONS, "OPTIONS"),
    ];
    KNOWN.into_iter().find(|(known, _)| known == method).map_or("other", |(_, label)| label)
}
