//! The composition root: everything that makes a running server is put together here, for `main` and for tests.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs as _},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use actix_web::{HttpServer, dev::Server};
use metrics_exporter_prometheus::PrometheusHandle;
use parlor_api::{AppState, HttpConfig, Stopping, live::Live};
use parlor_domain::store::StoreError;
use parlor_services::{Background, ServiceError, Services, Sources};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::{
    config::{MAX_WORKERS, MetricsListener, ServerSettings, Settings},
    signing_key::{SigningKeyError, signing_key},
    store::{Database, OpenError},
    telemetry::measure,
    wiring::{self, processors},
};

/// Why a server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address can't be listened on.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// Its database can't be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// It has no secret to sign tokens with.
    #[error(transparent)]
    SigningKey(#[from] SigningKeyError),
    /// What the services have to know from the start can't be read.
    #[error("cannot read the database")]
    Services(#[from] StoreError),
}

/// Why a server ended other than it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its listener failed.
    #[error("the listener failed")]
    Listener(#[from] io::Error),
    /// Something could not be written at the end.
    #[error("cannot write the last changes")]
    Background(#[from] ServiceError),
    /// The database could not be closed.
    #[error("cannot close the database")]
    Close(#[from] StoreError),
}

/// How a running server is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Not at all.
    Never,
    /// Requests under way are finished, sockets are closed spread over a time.
    InOrder,
    /// Clients are cut off. What was acknowledged is stored all the same.
    Now,
}

/// A server that is put together and bound to its addresses.
pub struct Application {
    server: Server,
    address: SocketAddr,
    metrics_server: Option<(Server, SocketAddr)>,
    metrics: PrometheusHandle,
    services: Services,
    database: Database,
    state: AppState,
    coalesce: Duration,
    stopping: StopTimes,
}

/// How a server takes its time to stop in order.
#[derive(Clone, Copy)]
struct StopTimes {
    /// How long it goes on as before while `/readyz` already says no.
    delay: Duration,
    /// Over how long sockets are closed.
    jitter: Duration,
}

impl Application {
    /// Binds the addresses, opens the database and puts everything together. Nothing is served before
    /// [`Self::run`]; who connects until then waits.
    ///
    /// # Errors
    /// What keeps the server from starting.
    pub async fn build(settings: &Settings, sources: Sources, metrics: PrometheusHandle) -> Result<Self, StartError> {
        let database = Database::open_to_serve(&settings.store).await?;
        let secret = signing_key(&settings.auth, &settings.store.data_dir, &*sources.entropy)?;
        if database.is_shared() && settings.auth.secret_file.is_empty() && !settings.auth.has_secret() {
            warn!(
                "the secret that tokens are signed with is kept on this machine alone: before another server uses the \
                 same database, give all of them the same by `auth.secret` or `auth.secret_file`"
            );
        }
        let config = wiring::services_config(settings, secret, database.is_shared());
        let (clock, entropy) = (Arc::clone(&sources.clock), Arc::clone(&sources.entropy));
        let services = Services::build(database.stores(), &config, wiring::hub_config(settings), sources).await?;
        let state = AppState {
            services: services.clone(),
            config: Arc::new(wiring::api_config(settings)),
            stopping: Stopping::default(),
            live: Arc::new(Live::new(wiring::live_config(&settings.live), clock, entropy)),
            metrics: (settings.metrics.listener == MetricsListener::Public).then(|| metrics.clone()),
        };
        let (server, address) = listen(&settings.server, state.clone())?;
        let metrics_server = match settings.metrics.listener {
            MetricsListener::Public | MetricsListener::Off => None,
            MetricsListener::Own(address) => Some(listen_for_metrics(address, metrics.clone())?),
        };
        let coalesce = settings.presence.coalesce.get();
        let stopping =
            StopTimes { delay: settings.server.shutdown_delay.get(), jitter: settings.server.shutdown_jitter.get() };
        Ok(Self { server, address, metrics_server, metrics, services, database, state, coalesce, stopping })
    }

    /// Where the API is served.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the measurements are served, if at an address of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_server.as_ref().map(|(_, address)| *address)
    }

    /// Where the data is, in words for people.
    pub fn database(&self) -> &str {
        self.database.name()
    }

    /// Serves until it is asked to stop or the listener fails, then closes everything. If whoever could ask is gone,
    /// it stops in order.
    ///
    /// # Errors
    /// What went wrong on the way or at the end.
    pub async fn run(self, stops: watch::Receiver<Stop>) -> Result<(), RunError> {
        let Self { server, metrics_server, metrics, services, database, state, coalesce, stopping, .. } = self;
        let background = Background::start(&services, coalesce);
        let measuring = tokio::spawn(measure(metrics, Arc::clone(services.hub())));
        let metrics_server = metrics_server.map(|(server, _)| {
            let handle = server.handle();
            (tokio::spawn(server), handle)
        });
        let served = serve(server, &state, stopping, stops).await;
        if let Some((_, handle)) = metrics_server {
            handle.stop(false).await;
        }
        measuring.abort();
        let settled = background.stop().await;
        let closed = database.close().await;
        served?;
        settled?;
        Ok(closed?)
    }
}

/// Serves until the server has ended, by itself or because it was asked to.
async fn serve(
    server: Server,
    state: &AppState,
    stopping: StopTimes,
    mut stops: watch::Receiver<Stop>,
) -> io::Result<()> {
    let handle = server.handle();
    let mut server = pin!(server);
    let asked = tokio::select! {
        ended = &mut server => return ended,
        asked = asked_to_stop(state, stopping.delay, &mut stops) => asked,
    };
    state.live.stop();
    if asked == Stop::Now {
        return tokio::join!(handle.stop(false), server).1;
    }
    info!("stopping: finishing requests and closing sockets");
    let stop = async { tokio::join!(handle.stop(true), state.services.hub().close_all(stopping.jitter)) };
    let in_order = async { tokio::join!(stop, server).1 };
    tokio::select! {
        ended = in_order => ended,
        _ = asked_for(&mut stops, Stop::Now) => {
            warn!("stopping at once");
            Ok(())
        }
    }
}

/// Waits for a request to stop; then, ready no more, for the delay to pass or for a more urgent request.
async fn asked_to_stop(state: &AppState, delay: Duration, stops: &mut watch::Receiver<Stop>) -> Stop {
    let asked = asked_for(stops, Stop::InOrder).await;
    state.stopping.raise();
    if asked == Stop::Now {
        return asked;
    }
    tokio::select! {
        () = tokio::time::sleep(delay) => asked,
        urgent = asked_for(stops, Stop::Now) => urgent,
    }
}

/// Waits until a stop of at least this urgency is asked for, and gives the one that is.
async fn asked_for(stops: &mut watch::Receiver<Stop>, urgency: Stop) -> Stop {
    match stops.wait_for(|stop| *stop >= urgency).await {
        Ok(stop) => *stop,
        Err(_) if urgency <= Stop::InOrder => Stop::InOrder,
        Err(_) => std::future::pending().await,
    }
}

fn listen(settings: &ServerSettings, state: AppState) -> Result<(Server, SocketAddr), StartError> {
    let workers = if settings.workers == 0 { processors().min(MAX_WORKERS) } else { settings.workers };
    let config = HttpConfig {
        keep_alive: settings.keep_alive.get(),
        header_timeout: settings.header_timeout.get(),
        write_timeout: settings.write_timeout.get(),
    };
    let mut server = Server::build()
        .workers(workers)
        .max_concurrent_connections(settings.max_connections)
        .shutdown_timeout(settings.shutdown_timeout.get().as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let at = format!("{}:{}", settings.host, settings.port);
    let failed = |source| StartError::Bind { address: at.clone(), source };
    let listeners = bind((&settings.host, settings.port), settings.backlog).map_err(failed)?;
    // There is at least one; a name that means several addresses has the same port on each.
    let address = listeners[0].local_addr().map_err(failed)?;
    for listener in listeners {
        let (state, stopping) = (state.clone(), stopping.clone());
        let connections = move || {
            let stopping = stopping.clone();
            let stops = move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            };
            parlor_api::connections(state.clone(), config, stops)
        };
        server = server.listen("http", listener, connections).map_err(failed)?;
    }
    Ok((server.run(), address))
}

/// Listens on all addresses that the name means, as far as they are there.
fn bind(address: (&str, u16), backlog: u32) -> io::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in address.to_socket_addrs()? {
        match bind_to(address, backlog) {
            Ok(listener) => listeners.push(listener),
            Err(error) => failure = error,
        }
    }
    if listeners.is_empty() { Err(failure) } else { Ok(listeners) }
}

fn bind_to(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Else the address could not be used for a while after a server that had connections.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// A listener that serves nothing but the measurements.
fn listen_for_metrics(address: SocketAddr, metrics: PrometheusHandle) -> Result<(Server, SocketAddr), StartError> {
    let server = HttpServer::new(move || parlor_api::metrics_app(metrics.clone()))
        .workers(1)
        .disable_signals()
        .bind(address)
        .map_err(|source| StartError::Bind { address: address.to_string(), source })?;
    let address = server.addrs()[0];
    Ok((server.run(), address))
}
