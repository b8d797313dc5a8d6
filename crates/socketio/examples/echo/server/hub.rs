//! The sessions, and the time that passes for each of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt;
use parking_lot::Mutex;
use parlor_socketio::Config;
use parlor_socketio::engine::{Refusal, Session};
use rand::{TryRng as _, rngs::SysRng};
use tokio::select;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::application::Endpoint;

/// All sessions of one endpoint.
pub(crate) struct Hub<E> {
    /// What new sessions are told.
    pub(crate) config: Config,
    peers: Mutex<HashMap<String, Arc<Peer<E>>>>,
    start: Instant,
}

/// One session, and what wakes the tasks that serve it.
pub(crate) struct Peer<E> {
    endpoint: Mutex<E>,
    changed: Notify,
    start: Instant,
}

impl<E: Endpoint> Hub<E> {
    pub(crate) fn new(config: Config) -> Arc<Self> {
        Arc::new(Self { config, peers: Mutex::default(), start: Instant::now() })
    }

    /// Opens a session: `make` is one of the endpoint's two constructors.
    pub(crate) fn open<T>(
        self: &Arc<Self>,
        make: impl FnOnce(Config, bytestring::ByteString, Duration) -> (E, T),
    ) -> (Arc<Peer<E>>, T) {
        let sid = new_id();
        let (endpoint, first) = make(self.config, sid.as_str().into(), self.start.elapsed());
        let peer = Arc::new(Peer { endpoint: Mutex::new(endpoint), changed: Notify::new(), start: self.start });
        self.peers.lock().insert(sid.clone(), Arc::clone(&peer));
        rt::spawn(keep_time(Arc::clone(self), sid, Arc::clone(&peer)));
        (peer, first)
    }

    pub(crate) fn find(&self, sid: &str) -> Result<Arc<Peer<E>>, Refusal> {
        self.peers.lock().get(sid).cloned().ok_or(Refusal::UnknownSid)
    }
}

/// Lets the session know the time when it is due, and forgets it when it has ended.
///
/// No transport can stop this: sessions end in time even if nobody polls and nobody reads.
async fn keep_time<E: Endpoint>(hub: Arc<Hub<E>>, sid: String, peer: Arc<Peer<E>>) {
    loop {
        let changed = peer.changed.notified();
        let Some(deadline) = peer.endpoint.lock().deadline() else { break };
        select! {
            () = changed => {}
            () = sleep(deadline.saturating_sub(peer.start.elapsed())) => peer.update(|endpoint, now| endpoint.tick(now)),
        }
    }
    hub.peers.lock().remove(&sid);
}

impl<E: Endpoint> Peer<E> {
    /// Something happens to the session. Then the application answers, and all tasks look what there is for them.
    pub(crate) fn with<T>(&self, input: impl FnOnce(&mut Session, Duration) -> T) -> T {
        self.update(|endpoint, now| input(endpoint.session(), now))
    }

    fn update<T>(&self, input: impl FnOnce(&mut E, Duration) -> T) -> T {
        let mut endpoint = self.endpoint.lock();
        let now = self.start.elapsed();
        let result = input(&mut endpoint, now);
        endpoint.answer(now);
        drop(endpoint);
        self.changed.notify_waiters();
        result
    }

    /// Waits until the session has something for a transport.
    pub(crate) async fn next<T>(&self, mut output: impl FnMut(&mut Session) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            let found = output(self.endpoint.lock().session());
            if let Some(found) = found {
                // What was taken may have been the last before the end, which the others have to learn.
                self.with(|_, _| ());
                return found;
            }
            changed.await;
        }
    }

    /// Waits until the session has ended.
    pub(crate) async fn ended(&self) {
        loop {
            let changed = self.changed.notified();
            if self.endpoint.lock().deadline().is_none() {
                return;
            }
            changed.await;
        }
    }
}

/// An id that nobody can guess, since who knows a session's id can speak for its client.
///
/// # Panics
/// When the operating system has no randomness to give: nothing safe can be done without it.
pub(crate) fn new_id() -> String {
    let mut bytes = [0; 16];
    #[expect(clippy::expect_used, reason = "an id made without randomness would be worse than a stop")]
    SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes");
    format!("{:032x}", u128::from_ne_bytes(bytes))
}
