//! A client that comes back to where it was, as the transports with offsets do it.

use parlor_domain::{ConversationId, Rev, StatusKind, StreamId};
use parlor_realtime::Connection;
use parlor_services::{Caller, Ready};

use crate::support::{Reader, World};

/// What a client has received: its user's own stream, and conversations.
fn known(caller: Caller, own: u64, conversations: &[(ConversationId, u64)]) -> Vec<(StreamId, Rev)> {
    let conversations = conversations.iter().map(|(id, rev)| (StreamId::Conversation(*id), Rev::new(*rev)));
    [(StreamId::User(caller.user), Rev::new(own))].into_iter().chain(conversations).collect()
}

/// A connection that is taken in and asks to be recovered.
async fn come_back(world: &World, caller: Caller, known: &[(StreamId, Rev)]) -> (Reader, Option<Vec<(StreamId, Rev)>>) {
    let (reader, ready) = world.connect_ready(caller).await;
    let positions = recover(world, &reader.connection, &ready, known);
    (reader, positions)
}

fn recover(
    world: &World,
    connection: &Connection,
    ready: &Ready,
    known: &[(StreamId, Rev)],
) -> Option<Vec<(StreamId, Rev)>> {
    world.services.live.recover(connection, ready, known)
}

#[tokio::test]
async fn what_was_missed_is_pushed_first_and_once() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for text in ["seen", "missed", "missed too"] {
        world.send(ada, id, text).await.unwrap();
    }
    let (mut reader, positions) = come_back(&world, bob, &known(bob, 1, &[(id, 1)])).await;
    assert_eq!(positions, Some(known(bob, 1, &[(id, 1)]).into_iter().rev().collect()));
    world.send(ada, id, "before the start").await.unwrap();
    world.services.live.start(&reader.connection);
    world.send(ada, id, "live").await.unwrap();
    let expected = ["missed@2", "missed too@3", "before the start@4", "live@5"];
    assert_eq!(reader.messages_until("live").await, expected);
}

#[tokio::test]
async fn a_client_that_missed_nothing_is_live_at_once() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "seen").await.unwrap();
    let (mut reader, positions) = come_back(&world, bob, &known(bob, 1, &[(id, 1)])).await;
    assert!(positions.is_some());
    world.services.live.start(&reader.connection);
    world.send(ada, id, "live").await.unwrap();
    assert_eq!(reader.messages_until("live").await, ["live@2"]);
}

#[tokio::test]
async fn a_conversation_that_is_new_comes_from_its_beginning() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "first").await.unwrap();
    let (mut reader, positions) = come_back(&world, bob, &known(bob, 0, &[])).await;
    assert_eq!(positions, Some(known(bob, 0, &[(id, 0)]).into_iter().rev().collect()));
    world.services.live.start(&reader.connection);
    assert_eq!(reader.messages_until("first").await, ["first@1"]);
}

#[tokio::test]
async fn whoever_claims_more_than_there_is_is_not_recovered() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "first").await.unwrap();
    for claim in [known(bob, 1, &[(id, 2)]), known(bob, 2, &[(id, 1)]), known(bob, u64::MAX, &[])] {
        let (mut reader, positions) = come_back(&world, bob, &claim).await;
        assert_eq!(positions, None, "{claim:?}");
        world.services.live.start(&reader.connection);
        assert_eq!(reader.so_far().await, Vec::<String>::new(), "it is live, as any new connection");
    }
}

#[tokio::test]
async fn whoever_names_conversations_of_others_gets_nothing_of_them() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    world.send(ada, id, "private").await.unwrap();
    let eve = world.user("eve").await;
    let (mut reader, positions) = come_back(&world, eve, &known(eve, 0, &[(id, 0)])).await;
    assert_eq!(positions, Some(known(eve, 0, &[])));
    world.services.live.start(&reader.connection);
    world.send(ada, id, "private too").await.unwrap();
    assert_eq!(reader.so_far().await, Vec::<String>::new());
}

#[tokio::test]
async fn recovering_does_not_get_around_being_busy() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "seen").await.unwrap();
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held").await.unwrap();
    let own = world.rev(bob).await;
    let (mut reader, positions) = come_back(&world, bob, &known(bob, own, &[(id, 1)])).await;
    assert!(positions.is_some());
    world.services.live.start(&reader.connection);
    assert_eq!(reader.so_far().await, Vec::<String>::new());
    world.set_status(bob, StatusKind::Available, None).await;
    assert_eq!(reader.messages_until("held").await, ["held@2"]);
}

#[tokio::test]
async fn a_new_client_of_a_busy_user_begins_where_the_hold_began() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "seen").await.unwrap();
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held").await.unwrap();
    let (_, ready) = world.connect_ready(bob).await;
    let own = world.rev(bob).await;
    let mut positions = ready.positions();
    positions.sort();
    let mut expected = known(bob, own, &[(id, 1)]);
    expected.sort();
    assert_eq!(positions, expected);
}
