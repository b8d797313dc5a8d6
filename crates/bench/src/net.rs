//! Connections to the server under test, from several loopback addresses.

use std::{
    cell::Cell,
    io,
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use anyhow::{Context as _, Result, ensure};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpSocket, TcpStream, lookup_host},
};

/// Where the server is, and from where it is reached.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    server: SocketAddr,
    /// As the `Host` of requests.
    host: String,
    /// How many addresses, 127.0.0.1 and those behind it. One has about 28,000 ports; servers count by address.
    sources: u8,
    next: Cell<u8>,
}

impl Network {
    /// Looks up the server's address in a URL such as `http://127.0.0.1:8080`.
    pub(crate) async fn new(url: &str, sources: u8) -> Result<Self> {
        let host = url.strip_prefix("http://").with_context(|| format!("{url}: not an http:// URL"))?;
        let host = host.trim_end_matches('/').to_owned();
        let found = lookup_host(&host).await.with_context(|| format!("cannot find {host}"))?;
        let server =
            found.into_iter().find(SocketAddr::is_ipv4).with_context(|| format!("{host} has no IPv4 address"))?;
        ensure!(sources == 1 || server.ip().is_loopback(), "only a server on a loopback address has several sources");
        Ok(Self { server, host, sources, next: Cell::new(0) })
    }

    /// What goes into the header `Host`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Opens a connection, from the next of the addresses.
    pub(crate) async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_nodelay(true)?;
        if self.sources > 1 {
            socket.bind(SocketAddr::from((self.next_source(), 0)))?;
        }
        socket.connect(self.server).await
    }

    fn next_source(&self) -> Ipv4Addr {
        let index = self.next.get();
        self.next.set((index + 1) % self.sources);
        Ipv4Addr::new(127, 0, 0, 1 + index)
    }
}

/// Counts the bytes that come in over a connection.
#[derive(Debug)]
pub(crate) struct Metered {
    pub(crate) stream: TcpStream,
    pub(crate) received: Rc<Cell<u64>>,
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = u64::try_from(buffer.filled().len() - before).unwrap_or(u64::MAX);
        self.received.set(self.received.get() + read);
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn connections_come_from_all_addresses_in_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Network::new(&format!("http://{}/", listener.local_addr().unwrap()), 3).await.unwrap();
        let mut sources = BTreeSet::new();
        for _ in 0..6 {
            let _connection = network.connect().await.unwrap();
            sources.insert(listener.accept().await.unwrap().1.ip().to_string());
        }
        assert_eq!(sources, ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(str::to_owned).into());
    }

    #[tokio::test]
    async fn a_url_of_another_kind_is_refused() {
        assert!(Network::new("https://127.0.0.1:1", 1).await.is_err());
    }
}
