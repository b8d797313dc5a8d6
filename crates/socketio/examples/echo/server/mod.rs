//! The server: two endpoints, each with its sessions.

mod application;
mod http;
mod hub;
mod websocket;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::middleware::DefaultHeaders;
use actix_web::{App, HttpResponse, HttpServer, web};
use parlor_socketio::engine::Session;
use parlor_socketio::{Config, Connection};

use application::Endpoint;
use hub::Hub;

/// Listens on a port of the loopback address; 0 takes one that is free. Nothing is served until the server is awaited
/// or spawned.
///
/// # Errors
/// The port is taken.
pub(crate) fn bind(port: u16, config: Config) -> io::Result<(Server, SocketAddr)> {
    let (engine, socketio) = (Hub::<Session>::new(config), Hub::<Connection>::new(config));
    let server = HttpServer::new(move || {
        App::new()
            // Pages of any origin may use it, without credentials.
            .wrap(DefaultHeaders::new().add(("Access-Control-Allow-Origin", "*")).add(("Cache-Control", "no-store")))
            .service(endpoint("/engine.io/", Arc::clone(&engine)))
            .service(endpoint("/socket.io/", Arc::clone(&socketio)))
    })
    .workers(1)
    // Else a client that breaks off a poll would be noticed only when there is something to answer.
    .h1_allow_half_closed(false)
    // Else a WebSocket's connection stays open for a while after the close frame, and clients wait for its end.
    .client_disconnect_timeout(std::time::Duration::ZERO)
    .tcp_nodelay(true)
    .shutdown_timeout(1)
    .bind((Ipv4Addr::LOCALHOST, port))?;
    let address = server.addrs()[0];
    Ok((server.run(), address))
}

fn endpoint<E: Endpoint>(path: &str, hub: Arc<Hub<E>>) -> actix_web::Resource {
    web::resource(path)
        .app_data(web::Data::from(hub))
        .route(web::method(actix_web::http::Method::OPTIONS).to(preflight))
        .default_service(web::to(http::serve::<E>))
}

/// What a browser asks before it sends a request with headers of the page's own.
async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header(("Access-Control-Allow-Methods", "GET, POST"))
        .insert_header(("Access-Control-Allow-Headers", "*"))
        .insert_header(("Access-Control-Max-Age", "600"))
        .finish()
}
