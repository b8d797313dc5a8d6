//! The way from clients to a server, which can be cut as networks are.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// Where the road leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To a server.
    Open(SocketAddr),
    /// Nowhere: connections end at once.
    Cut,
    /// Nowhere, and nobody is told: connections stay, and nothing passes.
    Silent,
}

/// An address that stays the same whatever becomes of the server behind it.
pub(super) struct Road {
    address: SocketAddr,
    way: watch::Sender<Way>,
    keeper: JoinHandle<()>,
}

impl Road {
    /// A road that is cut.
    pub(super) async fn build() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let (way, changes) = watch::channel(Way::Cut);
        let keeper = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, changes.clone()));
            }
        });
        Ok(Self { address, way, keeper })
    }

    /// Where clients connect to.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes where the road leads, for the connections that there are as well.
    pub(super) fn lead(&self, way: Way) {
        self.way.send_if_modified(|present| std::mem::replace(present, way) != way);
    }
}

impl Drop for Road {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Carries bytes both ways until either side ends, or the road leads elsewhere.
async fn carry(mut client: TcpStream, mut changes: watch::Receiver<Way>) {
    let way = *changes.borrow_and_update();
    if let Way::Open(server) = way {
        let Ok(mut server) = TcpStream::connect(server).await else { return };
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = changes.changed() => {}
        }
    }
    // The connection stays, and nothing passes. An error means that there is no road any more.
    let _ = changes.wait_for(|way| *way != Way::Silent).await;
}
