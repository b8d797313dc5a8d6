//! Where users have signed in from.

use std::{net::IpAddr, time::Duration};

use dashmap::DashMap;
use parlor_domain::{Timestamp, UserId};

use crate::limits::network;

/// The networks that users' sessions were lately made or renewed from. Who guesses passwords from elsewhere uses up
/// the tries of strangers, and not the owner's. In memory: after a restart it fills again as clients renew their
/// tokens.
#[derive(Default)]
pub(crate) struct FamiliarNetworks {
    seen: DashMap<(UserId, IpAddr), Timestamp>,
}

impl FamiliarNetworks {
    /// How long a network stays familiar.
    const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    pub(crate) fn note(&self, user: UserId, address: IpAddr, now: Timestamp) {
        self.seen.insert((user, network(address)), now);
    }

    pub(crate) fn contains(&self, user: UserId, address: IpAddr) -> bool {
        self.seen.contains_key(&(user, network(address)))
    }

    pub(crate) fn prune(&self, now: Timestamp) {
        self.seen.retain(|_, seen_at| *seen_at >= now.before(Self::KEPT));
        self.seen.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_forgotten_a_month_after_the_last_visit() {
        let familiar = FamiliarNetworks::default();
        let (user, address) = (UserId::from_bytes([1; 12]), IpAddr::from([192, 0, 2, 1]));
        let now = Timestamp::from_millis(1_700_000_000_000);
        familiar.note(user, address, now);
        familiar.prune(now + FamiliarNetworks::KEPT);
        assert!(familiar.contains(user, address));
        assert!(!familiar.contains(UserId::from_bytes([2; 12]), address));
        familiar.prune(now + FamiliarNetworks::KEPT + Duration::from_millis(1));
        assert!(!familiar.contains(user, address));
    }
}
