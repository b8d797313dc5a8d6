//! The route table: the whole API in one list. The documents, and which methods a path allows, are made from it when
//! somebody asks.

mod administration;
mod auth;
mod changes;
mod communities;
mod conversations;
mod docs;
mod groups;
mod live;
mod me;
mod messages;
mod params;
mod people;
mod search;
mod sessions;
mod status;
mod unknown;
mod users;

use actix_web::{
    App, Error,
    dev::{HttpServiceFactory, ServiceFactory, ServiceRequest},
    http::Method,
    web,
};
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn, PathItem},
};
use utoipa_actix_web::{AppExt as _, OpenApiFactory, scope, service_config::ServiceConfig};

use crate::{AppState, extract::TakingParameters};

pub(crate) use docs::Documents;
pub(crate) use unknown::{AllowedMethods, unknown};

/// What handlers take the state by.
type State = web::Data<AppState>;

const API: &str = "/api/v1";

/// Which of the routes are served that need not be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    /// The measurements.
    pub(crate) metrics: bool,
    /// The documents and the explorer.
    pub(crate) documents: bool,
}

/// What routes are entered in: an application that serves them, or one that is there for its document alone, which takes
/// far more memory than the routes.
trait Table: Sized {
    /// Enters a route.
    fn with(self, route: impl HttpServiceFactory + OpenApiFactory + 'static) -> Self;
}

/// Serves these routes.
pub(crate) fn serve(config: &mut web::ServiceConfig, served: Served) {
    let Serving { scope, taking } = api(Serving { scope: web::scope(API), taking: TakingParameters::default() });
    config.service(scope.app_data(taking));
    others(config, served);
}

/// A scope that serves routes, and which of them take parameters.
struct Serving {
    scope: actix_web::Scope,
    taking: TakingParameters,
}

/// Adds these routes to a document.
pub(crate) fn describe(document: OpenApi, served: Served) -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(document);
    let app = app.service(api(scope::scope(API))).configure(|config| {
        others(config, served);
    });
    app.split_for_parts().1
}

/// The operations of the API itself.
fn api<T: Table>(table: T) -> T {
    // Tried one after the other: first what is asked most.
    table
        .with(messages::send)
        .with(messages::history)
        .with(search::messages)
        .with(auth::sign_up)
        .with(auth::log_in)
        .with(auth::log_out)
        .with(auth::refresh)
        .with(me::show)
        .with(me::update)
        .with(me::delete)
        .with(me::change_password)
        .with(me::set_status)
        .with(sessions::list)
        .with(sessions::end)
        .with(sessions::end_others)
        .with(users::directory)
        .with(users::show)
        .with(users::picture)
        .with(conversations::open_direct)
        .with(conversations::inbox)
        .with(conversations::unread)
        .with(groups::create)
        .with(groups::update)
        .with(groups::set_settings)
        .with(groups::members)
        .with(groups::add)
        .with(groups::set_role)
        .with(groups::remove)
        .with(conversations::show)
        .with(conversations::read)
        .with(conversations::delivered)
        .with(conversations::typing)
        .with(communities::create)
        .with(communities::list)
        .with(communities::directory)
        .with(communities::channels)
        .with(communities::create_channel)
        .with(communities::join)
        .with(communities::show)
        .with(communities::update)
        .with(communities::delete)
        .with(communities::update_channel)
        .with(communities::delete_channel)
        .with(people::ask)
        .with(people::requests)
        .with(people::accept)
        .with(people::reject)
        .with(people::cancel)
        .with(people::friends)
        .with(people::unfriend)
        .with(people::blocks)
        .with(people::block)
        .with(people::unblock)
        .with(changes::show)
        .with(changes::edit)
        .with(changes::delete)
        .with(changes::versions)
        .with(changes::reactions)
        .with(changes::react)
        .with(changes::unreact)
        .with(changes::pins)
        .with(changes::pin)
        .with(changes::unpin)
        .with(live::sync)
        .with(live::ticket)
        .with(live::socket)
        .with(administration::list)
        .with(administration::show)
        .with(administration::delete)
        .with(administration::lock)
        .with(administration::unlock)
        .with(administration::change_role)
        .with(administration::list_sessions)
        .with(administration::end_sessions)
        .with(administration::end_session)
        .with(administration::statistics)
        .with(administration::audit)
}

/// What operators and their tools ask, and what there is to read.
fn others<T: Table>(table: T, served: Served) -> T {
    let table = table.with(status::healthy).with(status::ready);
    let table = if served.metrics { table.with(status::metrics) } else { table };
    // Every problem's `type` leads there.
    let table = table.with(docs::errors);
    if !served.documents {
        return table;
    }
    table.with(docs::openapi_document).with(docs::asyncapi_document).with(docs::explorer).with(docs::explorer_file)
}

/// The measurements alone.
pub(crate) fn metrics(config: &mut web::ServiceConfig) {
    config.service(status::metrics);
}

/// Socket.IO. It is no part of the OpenAPI document: stock clients speak it.
pub(crate) fn socket_io(config: &mut web::ServiceConfig) {
    for path in ["/socket.io/", "/socket.io"] {
        config.route(path, web::route().to(live::socket_io));
    }
}

impl Table for Serving {
    fn with(mut self, route: impl HttpServiceFactory + OpenApiFactory + 'static) -> Self {
        for (path, PathItem { get, put, post, delete, patch, .. }) in route.paths().paths {
            let methods = [Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];
            for (method, operation) in methods.into_iter().zip([get, put, post, delete, patch]) {
                if operation.is_some_and(|operation| takes_parameters(&operation)) {
                    self.taking.note(method, &format!("{API}{path}"));
                }
            }
        }
        Self { scope: self.scope.service(route), ..self }
    }
}

/// Whether something may stand after the `?`.
fn takes_parameters(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    })
}

impl Table for &mut web::ServiceConfig {
    fn with(self, route: impl HttpServiceFactory + OpenApiFactory + 'static) -> Self {
        self.service(route)
    }
}

impl<F> Table for scope::Scope<F>
where
    F: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    fn with(self, route: impl HttpServiceFactory + OpenApiFactory + 'static) -> Self {
        self.service(route)
    }
}

impl Table for &mut ServiceConfig<'_> {
    fn with(self, route: impl HttpServiceFactory + OpenApiFactory + 'static) -> Self {
        self.service(route)
    }
}
