//! How much of what a caller may do in a time.

use std::{net::IpAddr, sync::Arc, time::Duration};

use parlor_domain::{Login, UserId, testing::SettableClock};
use parlor_services::{Budget, Limits, LimitsConfig, Rate, ServiceError, ServiceResult};

use crate::support::{config, nobody};

/// Limits of this rate for everything, and their clock.
fn limits(burst: u32, per_minute: u32) -> (Limits, Arc<SettableClock>) {
    let rate = Rate { burst, per_minute };
    let config = LimitsConfig {
        signup_per_address: rate,
        login_per_address: rate,
        login_per_account: rate,
        refresh_per_address: rate,
        messages_per_user: rate,
        conversations_per_user: rate,
        friend_requests_per_user: rate,
        searches_per_user: rate,
        signals_per_user: rate,
        syncs_per_user: rate,
    };
    let clock = Arc::new(SettableClock::default());
    (Limits::new(&config, Arc::clone(&clock) as _), clock)
}

fn refusal(result: ServiceResult<Budget>) -> Budget {
    match result {
        Err(ServiceError::RateLimited(budget)) => budget,
        other => panic!("{other:?}"),
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_burst_may_come_at_once_and_then_one_at_a_time() {
    let (limits, clock) = limits(3, 6);
    for remaining in [2, 1, 0] {
        let budget = limits.message(nobody()).unwrap();
        let reset = seconds(10) * (3 - remaining);
        assert_eq!(budget, Budget { limit: 3, remaining, reset, retry_after: Duration::ZERO });
    }
    let refused = Budget { limit: 3, remaining: 0, reset: seconds(30), retry_after: seconds(10) };
    assert_eq!(refusal(limits.message(nobody())), refused);
    clock.advance(seconds(4));
    let refused = Budget { reset: seconds(26), retry_after: seconds(6), ..refused };
    assert_eq!(refusal(limits.message(nobody())), refused, "a refusal costs nothing");
    clock.advance(seconds(6));
    assert_eq!(limits.message(nobody()).unwrap().remaining, 0);
    assert_eq!(refusal(limits.message(nobody())).retry_after, seconds(10));
}

#[test]
fn after_the_reset_the_whole_burst_may_come_again() {
    let (limits, clock) = limits(3, 6);
    limits.message(nobody()).unwrap();
    clock.advance(seconds(3));
    let budget = limits.message(nobody()).unwrap();
    clock.advance(budget.reset);
    for remaining in [2, 1, 0] {
        assert_eq!(limits.message(nobody()).unwrap().remaining, remaining);
    }
    let refused = refusal(limits.message(nobody()));
    clock.advance(refused.reset);
    assert_eq!(limits.message(nobody()).unwrap().remaining, 2);
}

#[test]
fn every_rule_and_every_user_has_a_count_of_its_own() {
    let (limits, _clock) = limits(1, 1);
    let (ada, bob) = (UserId::from_bytes([1; 12]), UserId::from_bytes([2; 12]));
    let by_user =
        [Limits::message, Limits::conversation, Limits::search, Limits::signal, Limits::sync, Limits::password];
    for rule in by_user {
        for user in [ada, bob] {
            rule(&limits, user).unwrap();
            refusal(rule(&limits, user));
        }
    }
    for rule in [Limits::signup, Limits::login, Limits::refresh] {
        for from in ["192.0.2.1", "192.0.2.2"] {
            rule(&limits, address(from)).unwrap();
            refusal(rule(&limits, address(from)));
        }
    }
}

#[test]
fn an_ipv6_address_counts_as_its_network_and_a_mapped_one_as_ipv4() {
    let (limits, _clock) = limits(1, 1);
    limits.login(address("2001:db8:1:2::1")).unwrap();
    refusal(limits.login(address("2001:db8:1:2:ffff:ffff:ffff:ffff")));
    limits.login(address("2001:db8:1:3::1")).unwrap();
    limits.login(address("192.0.2.1")).unwrap();
    refusal(limits.login(address("::ffff:192.0.2.1")));
    limits.login(address("::ffff:192.0.2.2")).unwrap();
}

#[test]
fn a_familiar_address_has_a_count_of_its_own_for_an_account() {
    let (limits, _clock) = limits(1, 1);
    let (ada, home) = (Login::new("Ada"), Some(address("192.0.2.1")));
    limits.login_to(&ada, None).unwrap();
    refusal(limits.login_to(&Login::new(" ADA"), None));
    limits.login_to(&ada, home).unwrap();
    refusal(limits.login_to(&ada, home));
    limits.login_to(&Login::new("bob"), None).unwrap();
}

#[test]
fn pruning_forgets_no_count_that_is_not_full() {
    let (limits, clock) = limits(2, 1);
    limits.message(nobody()).unwrap();
    limits.message(nobody()).unwrap();
    clock.advance(seconds(59));
    limits.prune();
    refusal(limits.message(nobody()));
    clock.advance(seconds(1));
    limits.prune();
    assert_eq!(limits.message(nobody()).unwrap().remaining, 0);
}

#[test]
fn any_rate_can_be_configured() {
    let rate = Rate { burst: u32::MAX, per_minute: 1 };
    let nothing = Rate { burst: 0, per_minute: 0 };
    let config = LimitsConfig { messages_per_user: rate, searches_per_user: nothing, ..config().limits };
    let limits = Limits::new(&config, Arc::new(SettableClock::default()));
    assert!(limits.message(nobody()).is_ok());
    assert!(limits.search(nobody()).is_ok());
    assert_eq!(refusal(limits.search(nobody())).retry_after, seconds(60));
}

/// A clock that a test can also set back.
#[derive(Default)]
struct AnyClock(std::sync::atomic::AtomicI64);

impl parlor_domain::Clock for AnyClock {
    fn now(&self) -> parlor_domain::Timestamp {
        parlor_domain::Timestamp::from_millis(self.0.load(std::sync::atomic::Ordering::SeqCst))
    }
}

#[test]
fn a_clock_that_is_set_back_keeps_nobody_waiting() {
    let rate = Rate { burst: 1, per_minute: 60 };
    let config = LimitsConfig { messages_per_user: rate, ..config().limits };
    let clock = Arc::new(AnyClock::default());
    let set = |seconds: i64| clock.0.store(seconds * 1000, std::sync::atomic::Ordering::SeqCst);
    set(1_700_000_000);
    let limits = Limits::new(&config, Arc::clone(&clock) as _);
    limits.message(nobody()).unwrap();
    set(1_699_990_000);
    assert_eq!(refusal(limits.message(nobody())).retry_after, seconds(1));
    set(1_699_990_001);
    assert!(limits.message(nobody()).is_ok());
}
