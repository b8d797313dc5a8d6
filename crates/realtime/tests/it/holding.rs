//! A user whose status holds pushes back gets nothing, and afterwards everything, once and in order.

use parlor_domain::{Event, Rev};
use parlor_realtime::Attachment;

use crate::support::{ADA, BOB, HERE, ROOM, THERE, World, message, messages, online, receipt, revs, settled, typing};

#[tokio::test(start_paused = true)]
async fn a_held_user_gets_nothing_until_release_and_then_everything_in_order_on_every_connection() {
    let world = World::new();
    let (mut phone, mut desk) = (world.connect(ADA, &[HERE]), world.connect(ADA, &[HERE]));
    let mut bob = world.connect(BOB, &[HERE]);
    world.send(HERE, 1);
    world.hub.hold(ADA);
    world.send(HERE, 2);
    assert_eq!(phone.all().await, messages(HERE, 1, 1));
    assert_eq!(bob.waiting(), messages(HERE, 1, 3));
    world.hub.release(ADA);
    world.send(HERE, 1);
    assert_eq!(phone.all().await, messages(HERE, 2, 4));
    assert_eq!(desk.all().await, messages(HERE, 1, 4));
    world.hub.release(ADA);
    assert!(phone.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_connection_is_released_from_its_own_position() {
    let world = World::new();
    world.send(HERE, 4);
    let (mut phone, mut desk) = (world.connect(ADA, &[HERE]), world.connect(ADA, &[HERE]));
    world.hub.hold(ADA);
    world.resume(&phone, &[(HERE, 1)]);
    world.send(HERE, 1);
    assert!(phone.all().await.is_empty());
    world.hub.release(ADA);
    assert_eq!(phone.all().await, messages(HERE, 2, 5));
    assert_eq!(desk.all().await, messages(HERE, 5, 5));
}

#[tokio::test(start_paused = true)]
async fn holding_again_in_the_middle_of_a_release_keeps_the_rest_for_the_next() {
    let world = World::with_queue(400);
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    world.send(HERE, 150);
    world.hub.release(ADA);
    settled().await;
    world.hub.hold(ADA);
    let first = ada.all().await;
    assert!((1..100).contains(&first.len()), "{} of 150 were on their way", first.len());
    world.send(HERE, 1);
    world.hub.release(ADA);
    assert_eq!([first, ada.all().await].concat(), messages(HERE, 1, 151));
}

#[tokio::test(start_paused = true)]
async fn what_was_read_for_a_release_is_not_pushed_once_the_user_is_held_again() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    world.send(HERE, 3);
    world.log.shut();
    world.hub.release(ADA);
    world.log.asked_times(1).await;
    world.hub.hold(ADA);
    world.log.open();
    assert!(ada.all().await.is_empty());
    world.hub.release(ADA);
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_release_right_after_a_hold_is_not_lost_on_who_reads_the_log() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    world.send(HERE, 3);
    world.log.shut();
    world.hub.release(ADA);
    world.log.asked_times(1).await;
    world.hub.hold(ADA);
    world.hub.release(ADA);
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn releasing_again_and_again_reads_the_log_once() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    world.send(HERE, 3);
    world.log.shut();
    for _ in 0..3 {
        world.hub.release(ADA);
        settled().await;
    }
    assert_eq!(world.log.reads(), 1);
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_during_a_hold_gets_on_release_what_was_held_before_it_came() {
    let world = World::new();
    world.send(HERE, 5);
    world.send(THERE, 5);
    let (mut ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE, THERE]).heads;
    let held = Attachment { heads, held: true, behind: revs(&[(HERE, 2)]) };
    let _ = world.hub.attach(&ada.connection, registration, &held);
    world.hub.start(&ada.connection);
    world.send(HERE, 1);
    assert!(ada.all().await.is_empty());
    world.hub.release(ADA);
    assert_eq!(ada.all().await, messages(HERE, 3, 6));
}

#[tokio::test(start_paused = true)]
async fn what_is_held_while_a_connection_comes_does_not_hide_what_was_held_before() {
    let world = World::new();
    world.send(HERE, 5);
    let _desk = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    let (mut phone, registration) = world.register(ADA);
    world.send(HERE, 1);
    let held = Attachment { heads: world.heads(&[HERE]).heads, held: true, behind: revs(&[(HERE, 2)]) };
    let _ = world.hub.attach(&phone.connection, registration, &held);
    world.hub.start(&phone.connection);
    world.hub.release(ADA);
    assert_eq!(phone.all().await, messages(HERE, 3, 6));
}

#[tokio::test(start_paused = true)]
async fn what_the_store_said_before_a_hold_or_release_gives_way_to_it() {
    let world = World::new();
    let (mut ada, registration) = world.register(ADA);
    world.hub.hold(ADA);
    let _ = world.hub.attach(&ada.connection, registration, &world.heads(&[HERE]));
    world.hub.start(&ada.connection);
    world.send(HERE, 1);
    assert!(ada.all().await.is_empty());

    let (mut bob, registration) = world.register(BOB);
    world.hub.release(BOB);
    let _ = world.hub.attach(&bob.connection, registration, &Attachment { held: true, ..world.heads(&[HERE]) });
    world.hub.start(&bob.connection);
    world.send(HERE, 1);
    assert_eq!(bob.all().await, messages(HERE, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_finds_the_hold_over_releases_the_others() {
    let world = World::new();
    let (mut phone, registration) = world.register(ADA);
    let _ = world.hub.attach(&phone.connection, registration, &Attachment { held: true, ..world.heads(&[HERE]) });
    world.hub.start(&phone.connection);
    world.send(HERE, 2);
    assert!(phone.all().await.is_empty());
    let _desk = world.connect(ADA, &[HERE]);
    assert_eq!(phone.all().await, messages(HERE, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn of_a_held_receipt_the_newest_comes_on_release_and_what_passed_does_not() {
    let world = World::new();
    world.send(HERE, 4);
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    for read in [3, 4] {
        world.log.set_receipts(HERE, &[receipt(BOB, read)]);
        world.hub.announce(ROOM, Event::ReceiptUpdated(receipt(BOB, read)), Some(BOB));
    }
    world.hub.announce(ROOM, typing(BOB), Some(BOB));
    assert!(ada.all().await.is_empty());
    world.hub.release(ADA);
    assert_eq!(ada.all().await, ["c9:4 2 read 4"]);
}

#[tokio::test(start_paused = true)]
async fn what_concerns_a_held_user_himself_reaches_him() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.hold(ADA);
    world.hub.announce_to_self(ADA, online(ADA));
    assert_eq!(ada.waiting(), ["1 online true"]);
}

#[tokio::test(start_paused = true)]
async fn holding_a_user_who_is_not_here_leaves_nothing_behind() {
    let world = World::new();
    world.hub.hold(ADA);
    world.hub.release(ADA);
    world.hub.join(ADA, ROOM, Rev::ZERO, Rev::ZERO);
    world.hub.announce_to_self(ADA, message("nobody"));
    assert_eq!(world.hub.stats(), parlor_realtime::HubStats::default());
}
