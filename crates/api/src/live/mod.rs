//! The sockets: one task a connection, between the hub and a client that may do its worst. The plain WebSocket is
//! here, Socket.IO in `socketio`.
//!
//! What comes in passes a guard before it is kept, is read into commands, and the commands of one connection are
//! carried out one after another by the same services as REST. What goes out comes from the connection's bounded
//! queue in the hub. Reading, working and writing go on side by side, so a slow command never stops the events, and
//! a client that does not read hurts itself alone.

mod allowance;
mod close;
mod commands;
mod config;
mod connection;
mod conversation;
mod frame;
mod frames;
mod guard;
mod incoming;
mod lobby;
mod quota;
mod ready;
mod socketio;
mod upgrade;
mod websocket;
mod writers;

use std::sync::Arc;

use parlor_domain::{Clock, Entropy};
use tokio::sync::watch;

pub use close::{Afterwards, CloseCode};
pub use config::LiveConfig;
pub use frames::WEBSOCKET;
pub use socketio::SOCKET_IO;
pub(crate) use socketio::handle as serve_socket_io;
pub(crate) use upgrade::open_socket;
pub(crate) use websocket::hang_up;
pub(crate) use writers::Writers;

use lobby::Lobby;
use socketio::Sessions;

/// What all sockets share.
pub struct Live {
    config: LiveConfig,
    clock: Arc<dyn Clock>,
    lobby: Arc<Lobby>,
    socketio: Sessions,
    stopping: watch::Sender<bool>,
}

impl Live {
    /// Nothing open yet.
    pub fn new(config: LiveConfig, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let lobby = Lobby::new(config.unauthenticated_per_address);
        let socketio = Sessions::new(&config, entropy);
        Self { config, clock, lobby, socketio, stopping: watch::Sender::new(false) }
    }

    /// Takes no more sockets, and closes those whose clients have not yet said who they are. The others are closed
    /// by the hub, after this.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    fn is_stopping(&self) -> bool {
        *self.stopping.borrow()
    }

    /// Waits for [`Self::stop`].
    async fn stopped(&self) {
        // An error would mean that the sender, which is in `self`, is gone.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }
}
