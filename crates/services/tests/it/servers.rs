//! Several servers on one store: what one of them changes, the others follow when they read of it.

use parlor_domain::{ConversationId, Rev, StreamId};
use parlor_services::{Caller, Services};

use crate::support::{World, connect, message};

async fn send(server: &Services, from: Caller, to: ConversationId, text: &str) {
    server.messages.send(from, message(to, text, None)).await.unwrap();
}

#[tokio::test]
async fn who_was_removed_through_another_server_gets_nothing_that_is_written_after_it() {
    let world = World::new().await;
    let [ada, bob, cem] = [world.user("ada").await, world.user("bob").await, world.user("cem").await];
    let id = world.group(ada, &[bob, cem]).await;
    let other = world.other_server().await;
    let (mut bob_reads, mut cem_reads) = (connect(&other, bob).await, connect(&other, cem).await);
    send(&other, cem, id, "one").await;
    bob_reads.until("message one").await;
    world.services.groups.remove(ada, id, bob.user).await.unwrap();
    send(&other, cem, id, "secret").await;
    let texts = cem_reads.until("message secret").await;
    assert!(texts.contains(&"system members_removed@3".to_owned()), "{texts:?}");
    assert_eq!(bob_reads.until("deleted").await, [format!("deleted {id}@2")]);
    send(&other, cem, id, "more").await;
    cem_reads.until("message more").await;
    other.conversations.set_typing(cem, id, true).await.unwrap();
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
}

#[tokio::test]
async fn who_was_added_through_another_server_hears_from_then_on() {
    let world = World::new().await;
    let [ada, bob, cem] = [world.user("ada").await, world.user("bob").await, world.user("cem").await];
    let id = world.group(ada, &[cem]).await;
    let other = world.other_server().await;
    let (mut bob_reads, _cem_reads) = (connect(&other, bob).await, connect(&other, cem).await);
    world.services.groups.add(ada, id, vec![bob.user]).await.unwrap();
    send(&other, cem, id, "welcome").await;
    let mut texts = bob_reads.until("message welcome").await;
    texts.retain(|text| !text.starts_with("receipt"));
    let told = [format!("conversation {id}@1"), "system members_added@2".into(), "message welcome@3".into()];
    assert_eq!(texts, told);
}

#[tokio::test]
async fn what_a_users_own_stream_tells_of_another_server_is_followed() {
    let world = World::new().await;
    let [ada, bob] = [world.user("ada").await, world.user("bob").await];
    let (left, stays) = (world.group(ada, &[bob]).await, world.group(ada, &[bob]).await);
    let other = world.other_server().await;
    let mut bob_reads = connect(&other, bob).await;
    world.services.groups.remove(ada, left, bob.user).await.unwrap();
    let new = world.group(ada, &[bob]).await;
    let pin = parlor_domain::MemberSettingsChange { pinned: Some(true), ..Default::default() };
    other.conversations.set_settings(bob, stays, pin).await.unwrap();
    let texts = bob_reads.until(&format!("updated {stays}")).await;
    let own: Vec<_> = texts.iter().filter(|text| text.contains('@') && !text.starts_with("system")).collect();
    assert_eq!(own, [&format!("deleted {left}@3"), &format!("conversation {new}@4"), &format!("updated {stays}@5")]);
    send(&other, ada, left, "secret").await;
    send(&other, ada, new, "welcome").await;
    let texts = bob_reads.until("message welcome").await;
    assert!(!texts.iter().any(|text| text.contains("secret")), "{texts:?}");
}

#[tokio::test]
async fn a_resume_asks_the_store_who_is_in_a_group() {
    let world = World::new().await;
    let [ada, bob] = [world.user("ada").await, world.user("bob").await];
    let id = world.group(ada, &[bob]).await;
    let other = world.other_server().await;
    let bob_reads = connect(&other, bob).await;
    // More than goes into one answer, so that the first does not come to the end of the log.
    for _ in 0..500 {
        world.send(ada, id, "missed").await.unwrap();
    }
    world.services.groups.remove(ada, id, bob.user).await.unwrap();
    let known = [(StreamId::Conversation(id), Rev::new(1))];
    let (synced, _) = other.live.resume(&bob_reads.connection, &known).await.unwrap();
    assert_eq!((synced.streams, synced.resync), (Vec::new(), vec![(StreamId::Conversation(id), Rev::ZERO)]));
}
