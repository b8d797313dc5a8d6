//! The route table: the whole API in one list. The documents, and which methods a path allows, are made from it.

mod auth;
mod conversations;
mod docs;
mod live;
mod me;
mod messages;
mod params;
mod sessions;
mod status;
mod unknown;
mod users;

use actix_web::web;
use utoipa_actix_web::{scope, service_config::ServiceConfig};

use crate::AppState;

pub(crate) use docs::Documents;
pub(crate) use unknown::{AllowedMethods, unknown};

/// What handlers take the state by.
type State = web::Data<AppState>;

/// The operations of the API itself.
pub(crate) fn api(config: &mut ServiceConfig) {
    config.service(
        // Tried one after the other: first what is asked most.
        scope::scope("/api/v1")
            .service(messages::send)
            .service(messages::history)
            .service(auth::sign_up)
            .service(auth::log_in)
            .service(auth::log_out)
            .service(auth::refresh)
            .service(me::show)
            .service(me::update)
            .service(me::delete)
            .service(me::change_password)
            .service(me::set_status)
            .service(sessions::list)
            .service(sessions::end)
            .service(sessions::end_others)
            .service(users::directory)
            .service(users::show)
            .service(users::picture)
            .service(conversations::open_direct)
            .service(conversations::inbox)
            .service(conversations::show)
            .service(conversations::read)
            .service(conversations::delivered)
            .service(conversations::typing)
            .service(live::sync)
            .service(live::ticket)
            .service(live::socket),
    );
}

/// Socket.IO. It is no part of the OpenAPI document: stock clients speak it.
pub(crate) fn socket_io(config: &mut web::ServiceConfig) {
    for path in ["/socket.io/", "/socket.io"] {
        config.route(path, web::route().to(live::socket_io));
    }
}

/// What operators and their tools ask.
pub(crate) fn operation(config: &mut ServiceConfig) {
    config.service(status::healthy).service(status::ready);
}

/// The measurements.
pub(crate) fn metrics(config: &mut ServiceConfig) {
    config.service(status::metrics);
}

/// The list of problems.
pub(crate) fn errors(config: &mut ServiceConfig) {
    config.service(docs::errors);
}

/// The documents and the explorer.
pub(crate) fn documents(config: &mut ServiceConfig) {
    config
        .service(docs::openapi_document)
        .service(docs::asyncapi_document)
        .service(docs::explorer)
        .service(docs::explorer_file);
}
