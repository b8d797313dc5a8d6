//! The changes of a stream reach every listener in order, whatever becomes of their publication.

use parlor_domain::Rev;
use parlor_realtime::Envelope;

use crate::support::{
    ADA, BOB, CARL, HERE, ROOM, TEXT, THERE, World, message, message_by, messages, revs, settled, text,
};

#[tokio::test(start_paused = true)]
async fn listeners_get_changes_in_order_however_publications_are_shuffled() {
    let world = World::new();
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    let mut changes = world.write(HERE, 21);
    changes.rotate_left(13);
    let (even, odd): (Vec<_>, Vec<_>) = changes.into_iter().partition(|change| change.rev.get() % 2 == 0);
    for change in even.into_iter().rev().chain(odd) {
        world.hub.publish(change);
        tokio::task::yield_now().await;
    }
    assert_eq!(ada.all().await, messages(HERE, 1, 21));
    assert_eq!(bob.all().await, messages(HERE, 1, 21));
    assert_eq!(world.log.reads(), 0, "what is only late is not asked for");
}

#[tokio::test(start_paused = true)]
async fn a_change_published_twice_is_pushed_once() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 3);
    for index in [1, 0, 1, 0, 2, 1, 2, 2, 0] {
        world.hub.publish(changes[index].clone());
    }
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
    assert_eq!(world.hub.stats().parked, 0);
}

#[tokio::test(start_paused = true)]
async fn what_came_before_its_turn_follows_at_once_what_the_log_gives() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(HERE, 1);
    world.log.lag(HERE, Some(1));
    world.send(HERE, 2);
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_missing_change_is_read_from_the_log_before_what_follows_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 2);
    world.write(HERE, 2);
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 1, 2));
    assert_eq!(world.hub.stats().parked, 1);
    assert_eq!(ada.all().await, messages(HERE, 3, 5));
    assert_eq!(world.hub.stats().parked, 0);
}

#[tokio::test(start_paused = true)]
async fn changes_that_nobody_published_come_when_the_hub_is_told_how_far_the_log_is() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(HERE, 250);
    world.hub.reconcile(&revs(&[(HERE, 250)]));
    assert_eq!(ada.all().await, messages(HERE, 1, 250));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_while_a_gap_is_being_read_is_not_forgotten() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.shut();
    world.write(HERE, 1);
    world.send(HERE, 1);
    world.log.asked_times(1).await;
    world.write(HERE, 1);
    world.hub.reconcile(&revs(&[(HERE, 3)]));
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_published_while_a_gap_is_being_read_is_pushed_once_in_its_place() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 4);
    world.log.shut();
    world.hub.publish(changes[3].clone());
    world.log.asked_times(1).await;
    world.hub.publish(changes[0].clone());
    world.hub.publish(changes[1].clone());
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_fails_is_asked_again_with_growing_pauses() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.fail(HERE, true);
    world.write(HERE, 1);
    world.send(HERE, 1);
    settled().await;
    assert!((5..30).contains(&world.log.reads()), "{} readings in a minute", world.log.reads());
    assert!(ada.waiting().is_empty());
    world.log.fail(HERE, false);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_is_asked_again_with_growing_pauses() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.lag(HERE, Some(0));
    world.write(HERE, 1);
    world.send(HERE, 1);
    settled().await;
    assert!((5..30).contains(&world.log.reads()), "{} readings in a minute", world.log.reads());
    world.log.lag(HERE, None);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_the_log_leaves_out_holds_nothing_up() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(HERE, 3);
    world.log.make_obsolete(HERE, 2);
    world.log.make_obsolete(HERE, 3);
    world.send(HERE, 1);
    assert_eq!(ada.all().await, [messages(HERE, 1, 1), messages(HERE, 4, 4)].concat());
    world.log.make_obsolete(HERE, 6);
    world.write(HERE, 2);
    world.hub.reconcile(&revs(&[(HERE, 6)]));
    assert_eq!(ada.all().await, messages(HERE, 5, 5));
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 7, 7));
}

#[tokio::test(start_paused = true)]
async fn what_the_log_has_lost_is_told_as_resync_and_then_goes_on() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(HERE, 5);
    world.log.lose(HERE, 5);
    world.hub.reconcile(&revs(&[(HERE, 5)]));
    assert_eq!(ada.all().await, ["c9:5 resync"]);
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 6, 6));
}

#[tokio::test(start_paused = true)]
async fn a_paused_connection_learns_of_a_loss_that_happened_meanwhile() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.rewind(&ada.connection, &[]);
    world.write(HERE, 5);
    world.log.lose(HERE, 4);
    world.hub.reconcile(&revs(&[(HERE, 5)]));
    settled().await;
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, ["c9:5 resync"]);
}

#[tokio::test(start_paused = true)]
async fn streams_do_not_wait_for_each_other() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE, THERE]);
    world.log.shut();
    world.write(HERE, 1);
    world.send(HERE, 1);
    world.send(THERE, 2);
    assert_eq!(ada.waiting(), messages(THERE, 1, 2));
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}

#[tokio::test]
async fn a_change_of_a_stream_reaches_only_those_who_listen_to_it() {
    let world = World::new();
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[THERE]));
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 1, 1));
    assert!(bob.waiting().is_empty());
}

#[tokio::test]
async fn every_connection_of_a_sender_gets_the_author_s_view() {
    let world = World::new();
    let (mut phone, mut desk) = (world.connect(ADA, &[HERE]), world.connect(ADA, &[HERE]));
    let mut bob = world.connect(BOB, &[HERE]);
    world.hub.publish(world.log.append_event(HERE, |_| message_by(ADA, "hello")));
    assert_eq!(phone.waiting(), ["c9:1 hello (own)"]);
    assert_eq!(desk.waiting(), ["c9:1 hello (own)"]);
    assert_eq!(bob.waiting(), ["c9:1 hello"]);
}

#[test]
fn a_frame_is_made_once_for_all_who_see_the_same() {
    let envelope = Envelope::new(Some((HERE, Rev::new(1))), message_by(ADA, "hello"));
    let (bob, carl) = (envelope.frame(&TEXT, BOB), envelope.frame(&TEXT, CARL));
    assert_eq!(bob.as_ptr(), carl.as_ptr());
    assert_eq!(text(&envelope.frame(&TEXT, ADA)), "c9:1 hello (own)");
    assert_eq!(envelope.frame(&TEXT, ADA).as_ptr(), envelope.frame(&TEXT, ADA).as_ptr());
}

#[tokio::test]
async fn a_change_that_nobody_listens_to_leaves_nothing_behind() {
    let world = World::new();
    world.send(HERE, 2);
    world.hub.announce(ROOM, message("nobody"), None);
    world.hub.reconcile(&revs(&[(HERE, 9)]));
    assert_eq!(world.hub.stats(), parlor_realtime::HubStats::default());
}
