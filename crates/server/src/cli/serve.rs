//! `parlor serve`.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail};
use parlor_domain::{OsEntropy, SystemClock};
use parlor_services::Sources;
use tokio::sync::watch;

use crate::{
    application::{Application, Stop},
    config::Settings,
    telemetry::{install_logging, install_metrics},
};

/// Runs a server until a signal stops it.
pub(super) async fn serve(settings: Settings) -> anyhow::Result<()> {
    install_logging(&settings.log)?;
    let metrics = install_metrics()?;
    // Before anything is opened, so that a signal at any time ends it in order.
    let mut stops = stop_signals().context("cannot listen for signals")?;
    let sources = Sources { clock: Arc::new(SystemClock), entropy: Arc::new(OsEntropy) };
    let application = tokio::select! {
        built = Application::build(&settings, sources, metrics) => built?,
        // Nothing is served yet, so there is nothing to bring to an end.
        _ = stops.wait_for(|stop| *stop != Stop::Never) => bail!("stopped before it was ready"),
    };
    super::print(&greeting(&application, &settings))?;
    Ok(application.run(stops).await?)
}

/// Where everything is.
fn greeting(application: &Application, settings: &Settings) -> String {
    let address = application.address();
    let host = if address.ip().is_unspecified() { "localhost".to_owned() } else { host(address) };
    let url = match settings.server.public_url.as_str() {
        "" => format!("http://{host}:{}", address.port()),
        url => url.to_owned(),
    };
    let explorer = if settings.server.explorer { format!("{url}/api/docs") } else { "off".to_owned() };
    format!(
        "Parlor is ready at {url}\n  API       {url}/api/v1\n  Explorer  {explorer}\n  Health    {url}/healthz\n  \
         Data      {}\n",
        application.database()
    )
}

fn host(address: SocketAddr) -> String {
    if address.is_ipv6() { format!("[{}]", address.ip()) } else { address.ip().to_string() }
}

/// Turns the first signal into a request to stop in order, and the second into one to stop now.
#[cfg(unix)]
fn stop_signals() -> io::Result<watch::Receiver<Stop>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (sender, receiver) = watch::channel(Stop::Never);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        for stop in [Stop::InOrder, Stop::Now] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            sender.send_replace(stop);
        }
        // The sender must outlive the server.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

/// Turns the first Ctrl-C into a request to stop in order, and the second into one to stop now.
#[cfg(not(unix))]
fn stop_signals() -> io::Result<watch::Receiver<Stop>> {
    let (sender, receiver) = watch::channel(Stop::Never);
    tokio::spawn(async move {
        for stop in [Stop::InOrder, Stop::Now] {
            if tokio::signal::ctrl_c().await.is_ok() {
                sender.send_replace(stop);
            }
        }
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}
