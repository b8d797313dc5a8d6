//! The whole API as one application: the server's composition root and the tests serve the same.

use std::rc::Rc;

use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::{Next, from_fn},
    web,
};
use metrics_exporter_prometheus::PrometheusHandle;
use tracing_actix_web::TracingLogger;

use crate::{
    middleware::{self, Measures, RequestSpan},
    routes::{self, AllowedMethods, Documents, Served},
    state::AppState,
};

/// The application that serves the API with this state. Each thread of a server makes one.
pub fn app(
    state: AppState,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let cors = middleware::cors(&state.config);
    let measures = Rc::<Measures>::default();
    let served = Served { metrics: state.metrics.is_some(), documents: state.config.explorer };
    let mut app = App::new().configure(|config| routes::serve(config, served));
    if let Some(handle) = &state.metrics {
        app = app.app_data(web::Data::new(handle.clone()));
    }
    app.app_data(web::Data::new(Documents::default()))
        .app_data(web::Data::new(AllowedMethods::of(served)))
        .app_data(web::Data::new(state))
        .configure(routes::socket_io)
        .default_service(web::to(routes::unknown))
        .wrap(cors)
        // Around the other: it refuses preflights.
        .wrap(from_fn(move |request: ServiceRequest, next: Next<_>| {
            middleware::finish(Rc::clone(&measures), request, next)
        }))
        .wrap(TracingLogger::<RequestSpan>::new())
}

/// An application that serves the measurements alone, for a listener of their own.
pub fn metrics_app(
    handle: PrometheusHandle,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let measures = Rc::<Measures>::default();
    App::new()
        .app_data(web::Data::new(handle))
        .configure(routes::metrics)
        .wrap(from_fn(move |request: ServiceRequest, next: Next<_>| {
            middleware::finish(Rc::clone(&measures), request, next)
        }))
        .wrap(TracingLogger::<RequestSpan>::new())
}
