//! Sockets whose clients have not yet said who they are, counted by address.

use std::{collections::HashMap, net::IpAddr, sync::Arc};

use parking_lot::Mutex;
use parlor_services::network;

/// Counts the sockets of each address that wait to be authenticated.
#[derive(Debug)]
pub(super) struct Lobby {
    per_address: usize,
    waiting: Mutex<HashMap<IpAddr, usize>>,
}

/// A place in the lobby. Dropping it frees it.
#[derive(Debug)]
pub(super) struct Place {
    lobby: Arc<Lobby>,
    address: IpAddr,
}

impl Lobby {
    pub(super) fn new(per_address: usize) -> Arc<Self> {
        Arc::new(Self { per_address, waiting: Mutex::default() })
    }

    /// A place for one more socket of this address, unless it has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let address = network(address);
        let mut waiting = self.waiting.lock();
        let count = waiting.get(&address).copied().unwrap_or(0);
        if count >= self.per_address {
            return None;
        }
        waiting.insert(address, count + 1);
        Some(Place { lobby: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.lobby.waiting.lock();
        let count = waiting.remove(&self.address).unwrap_or(0);
        if count > 1 {
            waiting.insert(self.address, count - 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_so_many_places_and_gets_them_back() {
        let lobby = Lobby::new(2);
        let first = lobby.enter(address("192.0.2.1")).unwrap();
        let _second = lobby.enter(address("192.0.2.1")).unwrap();
        assert!(lobby.enter(address("192.0.2.1")).is_none());
        assert!(lobby.enter(address("192.0.2.2")).is_some());
        drop(first);
        assert!(lobby.enter(address("192.0.2.1")).is_some());
    }

    #[test]
    fn nothing_is_kept_of_addresses_that_have_left() {
        let lobby = Lobby::new(2);
        drop((lobby.enter(address("192.0.2.1")), lobby.enter(address("192.0.2.1"))));
        assert!(lobby.waiting.lock().is_empty());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_together() {
        let lobby = Lobby::new(1);
        let _place = lobby.enter(address("2001:db8::1")).unwrap();
        assert!(lobby.enter(address("2001:db8::ffff:2")).is_none());
        assert!(lobby.enter(address("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn an_ipv4_address_is_the_same_in_ipv6_clothes() {
        let lobby = Lobby::new(1);
        let _place = lobby.enter(address("192.0.2.1")).unwrap();
        assert!(lobby.enter(address("::ffff:192.0.2.1")).is_none());
        assert!(lobby.enter(address("::ffff:192.0.2.2")).is_some());
    }
}
