//! Each connection has a queue of its own, with an end.

use std::time::Duration;

use bytes::Bytes;
use parlor_realtime::{CloseReason, Frame, Outgoing};
use tokio::time::timeout;

use crate::support::{ADA, BOB, CARL, HERE, World, message, messages};

#[tokio::test]
async fn an_overflowing_queue_closes_only_its_own_connection() {
    let world = World::with_queue(1_000);
    let (mut slow, mut desk) = (world.connect(ADA, &[HERE]), world.connect(ADA, &[HERE]));
    let mut bob = world.connect(BOB, &[HERE]);
    let mut read = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        world.send(HERE, 1);
        read[0].extend(desk.waiting());
        read[1].extend(bob.waiting());
    }
    assert_eq!(slow.outbox.next().await, Outgoing::Close(CloseReason::SlowReader));
    assert!(slow.connection.is_closed());
    for frames in read {
        assert_eq!(frames, messages(HERE, 1, 200));
    }
}

#[tokio::test]
async fn an_event_larger_than_the_queue_reaches_who_has_read_the_rest() {
    let world = World::with_queue(100);
    let (mut ada, mut bob) = (world.connect(ADA, &[HERE]), world.connect(BOB, &[HERE]));
    world.send(HERE, 1);
    assert_eq!(ada.waiting().len(), 1);
    world.hub.publish(world.log.append_event(HERE, |_| message(&"x".repeat(1_000))));
    assert_eq!(ada.waiting().len(), 1);
    assert_eq!(bob.closed(), Some(CloseReason::SlowReader));
}

#[tokio::test]
async fn answers_keep_their_place_among_events_and_fill_the_same_queue() {
    let world = World::with_queue(100);
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    ada.connection.send(Frame::answer(Bytes::from_static(b"answer")));
    world.send(HERE, 1);
    assert_eq!(ada.waiting(), ["c9:1 m1", "answer", "c9:2 m2"]);
    for _ in 0..20 {
        ada.connection.send(Frame::answer(Bytes::from_static(b"answer")));
    }
    assert_eq!(ada.closed(), Some(CloseReason::SlowReader));
}

#[tokio::test]
async fn the_first_reason_to_close_counts_and_stays() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    world.send(HERE, 1);
    ada.connection.close(CloseReason::SessionEnded);
    ada.connection.close(CloseReason::Shutdown);
    ada.connection.send(Frame::answer(Bytes::from_static(b"late")));
    world.send(HERE, 1);
    for _ in 0..2 {
        assert_eq!(ada.outbox.next().await, Outgoing::Close(CloseReason::SessionEnded));
    }
}

#[tokio::test(start_paused = true)]
async fn a_waiting_transport_wakes_for_a_frame_and_for_a_close() {
    let world = World::new();
    for close in [false, true] {
        let mut reader = world.connect(if close { CARL } else { BOB }, &[HERE]);
        let connection = std::sync::Arc::clone(&reader.connection);
        let waiting = tokio::spawn(async move { timeout(Duration::from_secs(9), reader.outbox.next()).await });
        tokio::task::yield_now().await;
        if close {
            connection.close(CloseReason::Shutdown);
        } else {
            connection.send(Frame::answer(Bytes::from_static(b"frame")));
        }
        let woken = waiting.await.unwrap().unwrap();
        assert_eq!(matches!(woken, Outgoing::Close(CloseReason::Shutdown)), close);
    }
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_gives_up_waiting_loses_no_frame() {
    let world = World::new();
    let mut ada = world.connect(ADA, &[HERE]);
    assert!(timeout(Duration::from_secs(1), ada.outbox.next()).await.is_err());
    world.send(HERE, 2);
    assert_eq!(ada.all().await, messages(HERE, 1, 2));
}
