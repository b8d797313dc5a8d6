//! Users who come into a conversation are told of it first; those who are taken out get nothing of it from then on.

use parlor_domain::{Rev, StreamId};

use crate::support::{ADA, BOB, HERE, ROOM, World, messages, settled};

const OWN: StreamId = StreamId::User(ADA);

#[tokio::test(start_paused = true)]
async fn who_has_left_gets_nothing_and_the_others_everything() {
    let world = World::new();
    let (mut desk, mut phone) = (world.connect(ADA, &[HERE]), world.connect(ADA, &[HERE]));
    let mut bob = world.connect(BOB, &[HERE]);
    world.send(HERE, 1);
    world.hub.leave(ADA, ROOM);
    world.send(HERE, 1);
    assert_eq!(bob.all().await, messages(HERE, 1, 2));
    assert_eq!((desk.all().await, phone.all().await), (messages(HERE, 1, 1), messages(HERE, 1, 1)));
    assert!(!world.hub.listens(ADA, HERE));
}

#[tokio::test(start_paused = true)]
async fn who_has_left_gets_nothing_of_what_waits_for_its_turn() {
    let world = World::new();
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    let mut changes = world.write(HERE, 2);
    world.hub.publish(changes.pop().unwrap());
    world.hub.leave(ADA, ROOM);
    world.hub.publish(changes.pop().unwrap());
    assert_eq!(bob.all().await, messages(HERE, 1, 2));
    assert!(ada.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_the_log_is_read_for_him_gets_nothing_of_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 3);
    assert_eq!(ada.waiting(), messages(HERE, 1, 3));
    world.log.shut();
    world.resume(&ada, &[(HERE, 0)]);
    world.log.asked_times(1).await;
    world.hub.leave(ADA, ROOM);
    world.log.open();
    assert!(ada.all().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn who_resumes_after_he_has_left_is_not_read_the_log() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 1, 1));
    world.hub.leave(ADA, ROOM);
    world.resume(&ada, &[(HERE, 0)]);
    assert!(ada.all().await.is_empty());
    assert_eq!(world.log.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_he_is_attached_is_told_to_look_again() {
    let world = World::new();
    let _bob = world.connect(BOB, &[HERE]);
    let (ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE]);
    world.hub.leave(ADA, ROOM);
    assert_eq!(world.hub.attach(&ada.connection, registration, &heads), [HERE]);
}

#[tokio::test(start_paused = true)]
async fn what_was_told_of_a_stream_that_nobody_heard_yet_is_looked_for() {
    let world = World::new();
    let (ada, registration) = world.register(ADA);
    let heads = world.heads(&[HERE]);
    world.hub.reconcile(&[(HERE, Rev::new(1))]);
    assert_eq!(world.hub.attach(&ada.connection, registration, &heads), [HERE]);
}

#[tokio::test(start_paused = true)]
async fn who_comes_again_hears_again() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    let _bob = world.connect(BOB, &[HERE]);
    world.hub.leave(ADA, ROOM);
    world.send(HERE, 2);
    world.hub.join(ADA, ROOM, Rev::new(1), Rev::ZERO);
    settled().await;
    world.send(HERE, 1);
    assert_eq!(ada.all().await, messages(HERE, 2, 3));
}

#[tokio::test(start_paused = true)]
async fn who_comes_in_hears_nothing_before_he_is_told_of_it() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[OWN]);
    let _bob = world.connect(BOB, &[HERE]);
    let mut told = world.write(OWN, 2);
    // The second one has its turn after the first, which is late.
    world.hub.publish(told.pop().unwrap());
    world.hub.join(ADA, ROOM, Rev::ZERO, Rev::new(2));
    world.send(HERE, 1);
    let all = [messages(OWN, 1, 2), messages(HERE, 1, 1)].concat();
    assert_eq!(ada.all().await, all);
    world.hub.publish(told.pop().unwrap());
    world.send(OWN, 1);
    world.send(HERE, 1);
    assert_eq!(ada.all().await, [messages(OWN, 3, 3), messages(HERE, 2, 2)].concat(), "and nothing twice");
}

#[tokio::test(start_paused = true)]
async fn who_is_doubted_hears_from_the_log_alone() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 1, 1));
    world.log.shut();
    world.hub.doubt(ADA, ROOM);
    world.send(HERE, 1);
    assert!(ada.waiting().is_empty());
    world.log.open();
    assert_eq!(ada.all().await, messages(HERE, 2, 2));
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), messages(HERE, 3, 3));
}
