//! What is pushed beside the changes keeps its place among them, and reaches whom it should.

use std::collections::HashSet;

use parlor_domain::{Event, Rev, UserId};

use crate::support::{
    ADA, BOB, CARL, GRACE, HERE, OTHER_ROOM, ROOM, THERE, World, messages, offline, online, receipt, settled, typing,
};

#[tokio::test]
async fn an_announcement_repeats_the_revision_of_the_change_before_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    world.hub.announce(ROOM, typing(BOB), None);
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), ["c9:1 m1", "c9:1 2 types", "c9:2 m2"]);
}

#[tokio::test]
async fn an_announcement_leaves_one_user_out_on_all_his_connections() {
    let world = World::new();
    let (mut phone, mut desk) = (world.connect(BOB, &[HERE]), world.connect(BOB, &[HERE]));
    let (mut ada, mut stranger) = (world.connect(ADA, &[HERE]), world.connect(CARL, &[THERE]));
    world.hub.announce(ROOM, typing(BOB), Some(BOB));
    assert_eq!(ada.waiting(), ["c9:0 2 types"]);
    for reader in [&mut phone, &mut desk, &mut stranger] {
        assert!(reader.waiting().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_announcement_does_not_reach_a_connection_that_has_yet_to_get_the_changes_before_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 3);
    assert_eq!(ada.waiting(), messages(HERE, 1, 3));
    world.log.shut();
    world.resume(&ada, &[(HERE, 1)]);
    world.hub.announce(ROOM, typing(BOB), None);
    world.log.asked_times(1).await;
    world.hub.announce(ROOM, typing(BOB), None);
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 2, 3));
    world.hub.announce(ROOM, typing(BOB), None);
    assert_eq!(ada.waiting(), ["c9:3 2 types"]);
}

#[tokio::test(start_paused = true)]
async fn an_announcement_waits_for_no_missing_change() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(HERE, 1);
    world.send(HERE, 1);
    world.hub.announce(ROOM, typing(BOB), None);
    assert_eq!(ada.all().await, ["c9:0 2 types", "c9:1 m1", "c9:2 m2"]);
}

#[tokio::test(start_paused = true)]
async fn what_passes_while_a_connection_is_paused_is_not_looked_for_in_the_log() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.rewind(&ada.connection, &[]);
    world.hub.announce(ROOM, typing(BOB), None);
    world.hub.start(&ada.connection);
    assert!(ada.all().await.is_empty());
    assert_eq!(world.log.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_announced_to_a_paused_connection_comes_when_it_starts() {
    let world = World::new();
    world.send(HERE, 2);
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.rewind(&ada.connection, &[]);
    world.log.set_receipts(HERE, &[receipt(BOB, 2)]);
    world.hub.announce(ROOM, Event::ReceiptUpdated(receipt(BOB, 2)), Some(BOB));
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, ["c9:2 2 read 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_receipt_reaches_a_connection_that_is_ahead_of_its_stream() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 2);
    world.resume(&ada, &[(HERE, 2)]);
    while world.log.reads() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::task::yield_now().await;
    world.hub.announce(ROOM, Event::ReceiptUpdated(receipt(BOB, 2)), Some(BOB));
    changes.into_iter().for_each(|change| world.hub.publish(change));
    assert_eq!(ada.all().await, ["c9:0 2 read 2"]);
}

#[tokio::test]
async fn contacts_are_told_once_though_they_share_several_conversations() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE, THERE]);
    let (mut bob, mut carl) = (world.connect(BOB, &[HERE, THERE]), world.connect(CARL, &[THERE]));
    let mut stranger = world.connect(UserId::from_bytes([4; 12]), &[]);
    world.hub.announce_to_contacts(ADA, &[ROOM, OTHER_ROOM], &HashSet::new(), online(ADA));
    assert_eq!(bob.waiting(), ["1 online true"]);
    assert_eq!(carl.waiting(), ["1 online true"]);
    assert!(ada.waiting().is_empty());
    assert!(stranger.waiting().is_empty());
}

#[tokio::test]
async fn contacts_that_are_left_out_are_told_nothing_and_one_user_can_be_told_alone() {
    let world = World::new();
    let _ada = world.connect(ADA, &[HERE]);
    let (mut bob, mut carl) = (world.connect(BOB, &[HERE]), world.connect(CARL, &[HERE]));
    world.hub.announce_to_contacts(ADA, &[ROOM], &HashSet::from([BOB]), online(ADA));
    world.hub.announce_arrival(ADA, &[ROOM], &HashSet::from([BOB]), online(ADA));
    assert!(bob.waiting().is_empty());
    assert_eq!(carl.waiting().len(), 2);
    world.hub.announce_to(BOB, offline(ADA));
    world.hub.hold(BOB);
    world.hub.announce_to(BOB, online(ADA));
    assert_eq!(bob.waiting(), ["1 online false"]);
    assert!(carl.waiting().is_empty());
}

#[tokio::test]
async fn who_comes_after_a_user_is_not_told_that_he_has_come_but_that_he_shows_himself() {
    let world = World::new();
    let mut bob = world.connect(BOB, &[HERE]);
    let _ada = world.connect(ADA, &[HERE]);
    let mut carl = world.connect(CARL, &[HERE]);
    world.hub.announce_arrival(ADA, &[ROOM], &HashSet::new(), online(ADA));
    assert_eq!(bob.waiting(), ["1 online true"]);
    assert!(carl.waiting().is_empty());
    world.hub.unsettle(ADA);
    world.hub.announce_arrival(ADA, &[ROOM], &HashSet::new(), online(ADA));
    assert_eq!(bob.waiting(), ["1 online true"]);
    assert_eq!(carl.waiting(), ["1 online true"]);
}

#[tokio::test]
async fn who_was_told_too_late_that_a_user_had_gone_is_told_that_he_is_back() {
    let world = World::new();
    drop(world.connect(ADA, &[HERE]));
    world.clock.advance(GRACE);
    world.hub.settle();
    let _ada = world.connect(ADA, &[HERE]);
    let mut carl = world.connect(CARL, &[HERE]);
    world.hub.announce_to_contacts(ADA, &[ROOM], &HashSet::new(), offline(ADA));
    world.hub.announce_arrival(ADA, &[ROOM], &HashSet::new(), online(ADA));
    assert_eq!(carl.waiting(), ["1 online false", "1 online true"]);
}

#[tokio::test]
async fn the_conversations_of_a_user_are_known_once_a_connection_is_attached() {
    let world = World::new();
    assert_eq!(world.hub.conversations_of(ADA), None);
    let (ada, registration) = world.register(ADA);
    assert_eq!(world.hub.conversations_of(ADA), None);
    let _ = world.hub.attach(&ada.connection, registration, &world.heads(&[HERE]));
    assert_eq!(world.hub.conversations_of(ADA), Some(vec![ROOM]));
    world.hub.join(ADA, OTHER_ROOM, Rev::ZERO, Rev::ZERO);
    assert_eq!(world.hub.conversations_of(ADA).unwrap().len(), 2);
}

#[tokio::test]
async fn contacts_are_told_of_a_user_who_is_not_here() {
    let world = World::new();
    let (mut bob, mut carl) = (world.connect(BOB, &[HERE]), world.connect(CARL, &[THERE]));
    world.hub.announce_to_contacts(ADA, &[ROOM], &HashSet::new(), online(ADA));
    assert_eq!(bob.waiting(), ["1 online true"]);
    assert!(carl.waiting().is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_is_held_or_paused_is_not_told_of_contacts() {
    let world = World::new();
    let _ada = world.connect(ADA, &[HERE]);
    let (mut bob, mut carl) = (world.connect(BOB, &[HERE]), world.connect(CARL, &[HERE]));
    world.hub.hold(BOB);
    world.hub.rewind(&carl.connection, &[]);
    world.hub.announce_to_contacts(ADA, &[ROOM], &HashSet::new(), online(ADA));
    world.hub.release(BOB);
    world.hub.start(&carl.connection);
    settled().await;
    assert!(bob.waiting().is_empty());
    assert!(carl.waiting().is_empty());
}
