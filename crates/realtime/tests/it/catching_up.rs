//! Connections that come, come back and fall behind miss nothing and get nothing twice.

use std::sync::Arc;

use parlor_domain::{Event, Rev, StreamId};

use crate::support::{
    ADA, BOB, CARL, GRACE, HERE, OTHER_ROOM, ROOM, THERE, World, message, messages, receipt, revs, settled,
};

#[tokio::test(start_paused = true)]
async fn what_is_published_between_register_and_start_is_pushed_after_start_once() {
    let world = World::new();
    let mut desk = world.connect(ADA, &[HERE]);
    let (mut phone, registration) = world.register(ADA);
    world.send(HERE, 1);
    let heads = world.heads(&[HERE]);
    world.send(HERE, 1);
    let _ = world.hub.attach(&phone.connection, registration, &heads);
    world.send(HERE, 1);
    assert!(phone.all().await.is_empty());
    world.hub.start(&phone.connection);
    world.send(HERE, 1);
    assert_eq!(phone.all().await, messages(HERE, 1, 4));
    assert_eq!(desk.all().await, messages(HERE, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_user_new_to_the_hub_gets_what_others_heard_while_the_store_was_read() {
    let world = World::new();
    let _bob = world.connect(BOB, &[HERE]);
    let (mut ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE]);
    world.send(HERE, 2);
    assert_eq!(world.hub.attach(&ada.connection, registration, &heads), [], "others' stream knows where it is");
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_the_only_listener_took_with_him_counts_as_unheard() {
    let world = World::new();
    let bob = world.connect(BOB, &[HERE]);
    let (mut ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE, THERE]);
    world.send(HERE, 1);
    drop(bob);
    world.clock.advance(GRACE);
    world.hub.settle();
    world.hub.retire(BOB);
    assert_eq!(world.hub.attach(&ada.connection, registration, &heads), [HERE]);
    world.hub.reconcile(&world.heads(&[HERE]).heads);
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, messages(HERE, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_user_new_to_the_hub_gets_what_nobody_heard_while_the_store_was_read() {
    let world = World::new();
    let (mut ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE]);
    world.send(HERE, 2);
    assert_eq!(world.hub.attach(&ada.connection, registration, &heads), [HERE]);
    world.hub.reconcile(&revs(&[(HERE, 2)]));
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn of_two_connections_that_come_at_once_each_gets_what_it_does_not_know() {
    let world = World::new();
    let _bob = world.connect(BOB, &[HERE]);
    let ((mut phone, phone_registration), (mut desk, desk_registration)) = (world.register(ADA), world.register(ADA));
    let phone_heads = world.heads(&[HERE]);
    world.send(HERE, 1);
    let _ = world.hub.attach(&desk.connection, desk_registration, &world.heads(&[HERE]));
    let _ = world.hub.attach(&phone.connection, phone_registration, &phone_heads);
    world.hub.start(&desk.connection);
    world.hub.start(&phone.connection);
    assert_eq!(phone.all().await, messages(HERE, 1, 1));
    assert!(desk.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_conversation_that_others_heard_of_first_misses_nothing_of_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[]);
    world.hub.join(BOB, ROOM, Rev::ZERO, Rev::ZERO);
    let _bob = world.connect(BOB, &[HERE]);
    world.send(HERE, 2);
    world.hub.join(ADA, ROOM, Rev::ZERO, Rev::ZERO);
    world.hub.join(ADA, ROOM, Rev::ZERO, Rev::ZERO);
    world.send(HERE, 1);
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_rewinds_gets_everything_after_its_position_then_live() {
    let world = World::new();
    world.send(HERE, 250);
    let mut ada = world.connect(ADA, &[HERE]);
    world.resume(&ada, &[(HERE, 20)]);
    assert_eq!(ada.all().await, messages(HERE, 21, 250));
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 251, 251));
}

#[tokio::test(start_paused = true)]
async fn what_is_published_while_the_log_is_read_comes_once_after_what_was_missed() {
    let world = World::new();
    world.send(HERE, 3);
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    world.log.shut();
    world.resume(&ada, &[(HERE, 1)]);
    world.log.asked_times(1).await;
    world.send(HERE, 2);
    assert_eq!(bob.waiting(), messages(HERE, 4, 5));
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 2, 5));
}

#[tokio::test(start_paused = true)]
async fn what_the_log_shows_before_it_is_published_is_not_pushed_again() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 3);
    world.log.shut();
    world.hub.publish(changes[0].clone());
    assert_eq!(ada.waiting(), messages(HERE, 1, 1));
    world.resume(&ada, &[(HERE, 0)]);
    world.log.open();
    while ada.connection.is_paused() || world.log.reads() == 0 {
        tokio::task::yield_now().await;
    }
    world.hub.publish(changes[1].clone());
    world.hub.publish(changes[2].clone());
    world.send(HERE, 1);
    assert_eq!(ada.all().await, messages(HERE, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_knows_more_than_was_published_gets_only_what_follows() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 3);
    world.resume(&ada, &[(HERE, 2)]);
    settled().await;
    for change in changes {
        world.hub.publish(change);
    }
    world.send(HERE, 1);
    assert_eq!(ada.all().await, messages(HERE, 3, 4));
}

#[tokio::test(start_paused = true)]
async fn what_one_client_was_given_ahead_of_the_stream_stays_known_while_it_is_held() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let changes = world.write(HERE, 3);
    world.log.lag(HERE, Some(2));
    world.resume(&ada, &[(HERE, 0)]);
    while ada.waiting().len() < 2 {
        tokio::task::yield_now().await;
    }
    world.hub.hold(ADA);
    world.log.set_receipts(HERE, &[receipt(BOB, 2)]);
    world.hub.announce(ROOM, Event::ReceiptUpdated(receipt(BOB, 2)), Some(BOB));
    world.log.lag(HERE, None);
    for change in changes {
        world.hub.publish(change);
    }
    settled().await;
    world.hub.release(ADA);
    assert_eq!(ada.all().await, ["c9:3 m3", "c9:3 2 read 2"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_client_finds_in_the_log_others_get_even_if_nobody_publishes_it() {
    let world = World::new();
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    world.write(HERE, 3);
    world.resume(&ada, &[(HERE, 0)]);
    assert_eq!(bob.all().await, messages(HERE, 1, 3));
    assert_eq!(ada.all().await, messages(HERE, 1, 3));
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_gets_the_positions_of_the_others_after_the_last_change() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.set_receipts(HERE, &[receipt(ADA, 150), receipt(BOB, 140), receipt(CARL, 9)]);
    world.write(HERE, 150);
    world.resume(&ada, &[(HERE, 0)]);
    let positions = ["c9:150 2 read 140".to_owned(), "c9:150 3 read 9".to_owned()];
    assert_eq!(ada.all().await, [&messages(HERE, 1, 150)[..], &positions].concat());
}

#[tokio::test(start_paused = true)]
async fn a_position_that_the_log_does_not_know_is_answered_by_resync_and_then_live() {
    let world = World::new();
    world.send(HERE, 4);
    world.log.lose(HERE, 3);
    let mut ada = world.connect(ADA, &[HERE]);
    for unknown in [1, 77] {
        world.resume(&ada, &[(HERE, unknown)]);
        assert_eq!(ada.all().await, ["c9:4 resync"]);
    }
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_lags_behind_a_connection_is_no_loss() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 4);
    assert_eq!(ada.waiting(), messages(HERE, 1, 4));
    world.log.lag(HERE, Some(2));
    world.resume(&ada, &[(HERE, 3)]);
    assert!(ada.all().await.is_empty());
    assert!((5..30).contains(&world.log.reads()), "{} readings in a minute", world.log.reads());
    world.log.lag(HERE, Some(3));
    assert!(ada.all().await.is_empty());
    world.log.lag(HERE, None);
    assert_eq!(ada.all().await, messages(HERE, 4, 4));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_pushed_to_a_connection_that_pauses_while_the_log_is_read() {
    let world = World::new();
    world.send(HERE, 5);
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.shut();
    world.resume(&ada, &[(HERE, 0)]);
    world.log.asked_times(1).await;
    world.hub.rewind(&ada.connection, &[]);
    world.log.open();
    assert!(ada.all().await.is_empty());
    world.resume(&ada, &[(HERE, 3)]);
    assert_eq!(ada.all().await, messages(HERE, 4, 5));
}

#[tokio::test(start_paused = true)]
async fn a_rewind_while_the_log_is_read_gives_way_to_no_older_page() {
    let world = World::new();
    world.send(HERE, 5);
    let mut ada = world.connect(ADA, &[HERE]);
    world.log.shut();
    world.resume(&ada, &[(HERE, 0)]);
    world.log.asked_times(1).await;
    world.resume(&ada, &[(HERE, 3)]);
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 4, 5));
}

#[tokio::test(start_paused = true)]
async fn the_user_s_own_stream_is_read_first() {
    let world = World::new();
    let own = StreamId::User(ADA);
    let mut ada = world.connect(ADA, &[HERE, THERE, own]);
    for stream in [HERE, own, THERE] {
        world.write(stream, 120);
    }
    world.resume(&ada, &[(HERE, 0), (own, 0), (THERE, 0)]);
    assert_eq!(ada.all().await[..120], messages(own, 1, 120));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_can_t_be_read_does_not_keep_the_others_waiting() {
    let world = World::new();
    let own = StreamId::User(ADA);
    let mut ada = world.connect(ADA, &[HERE, THERE, own]);
    for stream in [HERE, own, THERE] {
        world.write(stream, 2);
    }
    world.log.fail(own, true);
    world.log.fail(THERE, true);
    world.resume(&ada, &[(HERE, 0), (own, 0), (THERE, 0)]);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
    world.log.fail(THERE, false);
    assert_eq!(ada.all().await, messages(THERE, 1, 2));
    world.log.fail(own, false);
    assert_eq!(ada.all().await, messages(own, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_the_user_does_not_listen_to_is_never_read_for_him() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.write(THERE, 2);
    let _bob = world.connect(BOB, &[THERE]);
    world.resume(&ada, &[(THERE, 0)]);
    assert!(ada.all().await.is_empty());
    assert!(world.log.asked().is_empty());
    world.hub.join(ADA, OTHER_ROOM, Rev::new(2), Rev::ZERO);
    world.send(THERE, 1);
    assert_eq!(ada.all().await, messages(THERE, 3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_backlog_larger_than_the_queue_reaches_a_client_that_reads() {
    let world = World::with_queue(4_000);
    for _ in 0..300 {
        world.log.append_event(HERE, |rev| message(&format!("{rev} {}", "x".repeat(1_000))));
    }
    let mut ada = world.connect(ADA, &[HERE]);
    world.resume(&ada, &[(HERE, 0)]);
    let frames = ada.all().await;
    assert_eq!(frames.len(), 300);
    assert!(frames.iter().enumerate().all(|(index, frame)| frame.starts_with(&format!("c9:{} ", index + 1))));
    assert_eq!(ada.closed(), None);
}

#[tokio::test(start_paused = true)]
async fn an_event_larger_than_the_queue_comes_from_the_log_all_the_same() {
    let world = World::with_queue(100);
    world.write(HERE, 1);
    world.log.append_event(HERE, |_| message(&"x".repeat(1_000)));
    world.write(HERE, 1);
    let mut ada = world.connect(ADA, &[HERE]);
    world.resume(&ada, &[(HERE, 0)]);
    assert_eq!(ada.all().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_log_waits_for_a_client_that_does_not_read_and_leaves_room_for_what_is_live() {
    let world = World::with_queue(4_000);
    for _ in 0..300 {
        world.log.append_event(HERE, |_| message(&"x".repeat(100)));
    }
    let mut ada = world.connect(ADA, &[HERE, THERE]);
    world.resume(&ada, &[(HERE, 0)]);
    settled().await;
    assert_eq!(world.log.reads(), 1);
    world.send(THERE, 100);
    assert_eq!(ada.closed(), None);
}

#[tokio::test(start_paused = true)]
async fn the_log_is_read_no_further_for_a_closed_connection() {
    let world = World::with_queue(1_000);
    world.write(HERE, 300);
    let ada = world.connect(ADA, &[HERE]);
    world.resume(&ada, &[(HERE, 0)]);
    settled().await;
    let reads = world.log.reads();
    let connection = Arc::downgrade(&ada.connection);
    drop(ada);
    settled().await;
    assert_eq!(world.log.reads(), reads);
    assert_eq!(connection.strong_count(), 0, "nobody holds on to it");
}

#[tokio::test(start_paused = true)]
async fn the_log_is_read_no_further_for_a_connection_that_overflowed() {
    let world = World::with_queue(1_000);
    world.write(HERE, 300);
    let ada = world.connect(ADA, &[HERE, THERE]);
    world.resume(&ada, &[(HERE, 0)]);
    settled().await;
    let (reads, holders) = (world.log.reads(), Arc::strong_count(&ada.connection));
    world.send(THERE, 200);
    assert!(ada.connection.is_closed());
    settled().await;
    assert_eq!(world.log.reads(), reads);
    assert_eq!(Arc::strong_count(&ada.connection), holders - 1, "its reader of the log is gone");
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_log_does_not_keep_the_hub_alive() {
    let world = World::new();
    let ada = world.connect(ADA, &[HERE]);
    world.log.fail(HERE, true);
    world.write(HERE, 1);
    world.send(HERE, 1);
    world.resume(&ada, &[(HERE, 0)]);
    settled().await;
    let hub = Arc::downgrade(&world.hub);
    drop(world);
    assert_eq!(hub.strong_count(), 0);
    settled().await;
    assert_eq!(Arc::strong_count(&ada.connection), 2, "the client's and the outbox's");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_never_published_comes_when_somebody_connects_who_knows_of_it() {
    let world = World::new();
    let mut phone = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    world.write(HERE, 1);
    let _laptop = world.connect(BOB, &[HERE]);
    assert_eq!(phone.all().await, messages(HERE, 1, 2));
    let _tablet = world.connect(BOB, &[HERE]);
    settled().await;
    assert_eq!(world.log.reads(), 1, "nothing is missing any more");
}

#[tokio::test(start_paused = true)]
async fn who_was_given_all_from_the_log_goes_on_live_without_another_look_at_it() {
    let world = World::new();
    world.send(HERE, 2);
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.rewind(&ada.connection, &[]);
    world.hub.bring_to(&ada.connection, &revs(&[(HERE, 2)]));
    world.hub.start(&ada.connection);
    world.send(HERE, 1);
    assert_eq!(ada.all().await, messages(HERE, 3, 3));
    assert_eq!(world.log.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_came_since_the_log_was_read_for_a_resume_is_pushed_once() {
    let world = World::new();
    world.send(HERE, 2);
    let mut ada = world.connect(ADA, &[HERE]);
    world.hub.rewind(&ada.connection, &[]);
    world.send(HERE, 1);
    world.hub.bring_to(&ada.connection, &revs(&[(HERE, 2)]));
    world.send(HERE, 1);
    world.hub.start(&ada.connection);
    assert_eq!(ada.all().await, messages(HERE, 3, 4));
}
