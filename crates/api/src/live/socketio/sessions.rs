//! All sessions of this server, by their ids.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytestring::ByteString;
use parking_lot::Mutex;
use parlor_domain::Entropy;
use parlor_socketio::Config;

use super::{config, session::Session};
use crate::live::{
    LiveConfig,
    lobby::{Lobby, Place},
};

/// How many random bytes an id has: who knows it speaks for the client.
const SID_BYTES: usize = 24;

/// All sessions of this server.
pub(in crate::live) struct Sessions {
    open: Mutex<HashMap<ByteString, Arc<Session>>>,
    pub(super) config: Config,
    addresses: Arc<Lobby>,
    entropy: Arc<dyn Entropy>,
}

impl Sessions {
    /// None yet.
    pub(in crate::live) fn new(live: &LiveConfig, entropy: Arc<dyn Entropy>) -> Self {
        let addresses = Lobby::new(live.sessions_per_address);
        Self { open: Mutex::default(), config: config(live), addresses, entropy }
    }

    /// A place for one more session of this address, unless it has as many as it may.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        self.addresses.enter(address)
    }

    /// An id for a new session, which goes into a URL as it is.
    pub(super) fn new_sid(&self) -> ByteString {
        let mut bytes = [0; SID_BYTES];
        self.entropy.fill(&mut bytes);
        BASE64.encode(bytes).into()
    }

    pub(super) fn add(&self, session: &Arc<Session>) {
        self.open.lock().insert(session.sid.clone(), Arc::clone(session));
    }

    pub(super) fn find(&self, sid: &ByteString) -> Option<Arc<Session>> {
        self.open.lock().get(sid).cloned()
    }

    pub(super) fn forget(&self, sid: &ByteString) {
        self.open.lock().remove(sid);
    }
}
