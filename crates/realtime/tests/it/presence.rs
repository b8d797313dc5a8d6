//! Who is here, and what stays behind of those who were.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use parlor_domain::{Clock as _, ConversationId, Rev};
use parlor_realtime::{Arrival, CloseReason, HubStats};

use crate::support::{ADA, BOB, GRACE, HERE, LEASE, ROOM, THERE, World, messages, settled};

#[test]
fn a_user_with_two_connections_stays_here_when_one_goes() {
    let world = World::new();
    let (phone, desk) = (world.register(ADA).0, world.register(ADA).0);
    assert_eq!(world.hub.settle(), [Arrival::Here(ADA)]);
    drop(phone);
    world.clock.advance(GRACE);
    assert_eq!(world.hub.settle(), [Arrival::Here(ADA)]);
    assert!(world.hub.is_online(ADA));
    assert_eq!(world.hub.connections_of(ADA), 1);
    drop(desk);
    world.clock.advance(GRACE);
    assert!(!world.hub.is_online(ADA));
}

#[test]
fn a_user_counts_as_here_for_a_grace_period_and_was_last_seen_before_it() {
    let world = World::new();
    let ada = world.register(ADA).0;
    world.hub.settle();
    let left = world.clock.now();
    drop(ada);
    world.clock.advance(GRACE - Duration::from_millis(1));
    assert!(world.hub.is_online(ADA));
    assert_eq!(world.hub.settle(), []);
    world.clock.advance(Duration::from_millis(1));
    assert!(!world.hub.is_online(ADA));
    assert_eq!(world.hub.settle(), [Arrival::Gone(ADA, left)]);
    assert_eq!(world.hub.settle(), []);
}

#[test]
fn reloading_a_page_shows_nobody_going() {
    let world = World::new();
    let ada = world.register(ADA).0;
    world.hub.settle();
    drop(ada);
    let _again = world.register(ADA).0;
    world.clock.advance(GRACE);
    assert_eq!(world.hub.settle(), [Arrival::Here(ADA)]);
}

#[test]
fn many_comings_and_goings_are_told_as_one() {
    let world = World::new();
    for _ in 0..5 {
        drop(world.register(ADA).0);
    }
    world.hub.unsettle(ADA);
    world.clock.advance(GRACE);
    assert_eq!(world.hub.settle(), [Arrival::Gone(ADA, world.clock.now().before(GRACE))]);
    world.hub.retire(ADA);
    world.hub.unsettle(ADA);
    assert_eq!(world.hub.settle(), [], "nobody asks who that was");
}

#[test]
fn a_lease_expires_by_time_even_if_the_transport_is_stuck() {
    let world = World::new();
    let (mut ada, mut bob) = (world.register(ADA).0, world.register(BOB).0);
    world.clock.advance(LEASE / 2);
    world.hub.heard_of(&bob.connection);
    world.clock.advance(LEASE / 2);
    world.hub.expire_leases();
    assert_eq!(ada.closed(), Some(CloseReason::Silent));
    assert_eq!(bob.closed(), None);
    world.clock.advance(GRACE);
    assert!(!world.hub.is_online(ADA));
    assert!(world.hub.is_online(BOB));
}

#[test]
fn a_stuck_transport_that_lets_go_late_changes_nothing_any_more() {
    let world = World::new();
    let stuck = world.register(ADA).0;
    world.clock.advance(LEASE);
    world.hub.expire_leases();
    let left = world.clock.now();
    world.clock.advance(GRACE / 2);
    drop(stuck);
    world.clock.advance(GRACE / 2);
    assert_eq!(world.hub.settle(), [Arrival::Gone(ADA, left)]);

    let stuck = world.register(ADA).0;
    world.clock.advance(LEASE);
    world.hub.expire_leases();
    let _back = world.register(ADA).0;
    drop(stuck);
    assert_eq!(world.hub.connections_of(ADA), 1);
}

#[tokio::test]
async fn a_retired_user_leaves_nothing_behind() {
    let world = World::new();
    let ada = world.connect(ADA, &[HERE, THERE]);
    drop(ada);
    world.clock.advance(GRACE);
    world.hub.retire(ADA);
    world.hub.join(ADA, ROOM, Rev::ZERO, Rev::ZERO);
    world.send(HERE, 1);
    assert_eq!(world.hub.stats(), HubStats::default());
    assert_eq!(world.hub.connections(), 0);
}

#[test]
fn joining_while_the_user_is_retired_leaves_nothing_behind() {
    let world = World::new();
    let goes = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Another conversation each time, so that no later retirement clears away what an earlier one left.
            for n in 0_u64.. {
                let mut id = [0; 12];
                id[..8].copy_from_slice(&n.to_be_bytes());
                world.hub.join(ADA, ConversationId::from_bytes(id), Rev::ZERO, Rev::ZERO);
                if !goes.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for _ in 0..20_000 {
            drop(world.register(ADA).0);
            world.clock.advance(GRACE);
            world.hub.retire(ADA);
        }
        goes.store(false, Ordering::Relaxed);
    });
    assert_eq!(world.hub.stats(), HubStats::default());
}

#[tokio::test]
async fn a_retired_user_does_not_take_streams_from_others() {
    let world = World::new();
    let mut bob = world.connect(BOB, &[HERE]);
    drop(world.connect(ADA, &[HERE, THERE]));
    world.clock.advance(GRACE);
    world.hub.retire(ADA);
    assert_eq!(world.hub.stats(), HubStats { connections: 1, users: 1, streams: 1, parked: 0 });
    world.send(HERE, 1);
    assert_eq!(bob.waiting(), messages(HERE, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_retired_user_s_stream_was_missing_is_looked_for_no_more() {
    let world = World::new();
    let ada = world.connect(ADA, &[HERE]);
    world.log.fail(HERE, true);
    world.write(HERE, 1);
    world.send(HERE, 1);
    settled().await;
    drop(ada);
    world.clock.advance(GRACE);
    world.hub.retire(ADA);
    settled().await;
    let reads = world.log.reads();
    settled().await;
    assert_eq!(world.log.reads(), reads);
    assert_eq!(world.hub.stats(), HubStats::default());
}

#[tokio::test]
async fn a_user_who_is_back_or_in_grace_is_not_retired() {
    let world = World::new();
    drop(world.connect(ADA, &[HERE]));
    world.clock.advance(GRACE);
    assert_eq!(world.hub.settle().len(), 1);
    let mut back = world.connect(ADA, &[HERE]);
    world.hub.retire(ADA);
    world.send(HERE, 1);
    assert_eq!(back.waiting(), messages(HERE, 1, 1));
    drop(back);
    world.hub.retire(ADA);
    assert!(world.hub.is_online(ADA));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_within_grace_misses_nothing_of_what_happened_meanwhile() {
    let world = World::new();
    drop(world.connect(ADA, &[HERE]));
    world.send(HERE, 2);
    let mut back = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    assert_eq!(back.waiting(), messages(HERE, 3, 3));
    world.resume(&back, &[(HERE, 0)]);
    assert_eq!(back.all().await, messages(HERE, 1, 3));
}
