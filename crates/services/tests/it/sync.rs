//! What a client has missed, by `sync` and by resuming a connection.

use parlor_domain::{ProfileChange, ReceiptKind, Rev, Seq, StatusKind, StreamId};
use parlor_services::ProfileUpdate;

use crate::support::{World, texts};

fn conversation(id: parlor_domain::ConversationId, rev: u64) -> (StreamId, Rev) {
    (StreamId::Conversation(id), Rev::new(rev))
}

#[tokio::test]
async fn sync_gives_exactly_what_came_after_the_known_revision() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for n in 1..=5 {
        world.send(ada, id, &n.to_string()).await.unwrap();
    }
    world.services.conversations.advance_receipt(ada, id, ReceiptKind::Read, Seq::new(5)).await.unwrap();
    for (known, missed) in [(0, &["1", "2", "3", "4", "5"][..]), (3, &["4", "5"]), (5, &[])] {
        let synced = world.services.sync.sync(bob, &[conversation(id, known)]).await.unwrap();
        let part = &synced.streams[0];
        assert_eq!(texts(&part.changes), missed);
        assert_eq!((part.rev, part.more), (Rev::new(5), false));
        assert!(part.receipts.iter().any(|r| r.user_id == ada.user), "positions come along");
    }
}

#[tokio::test]
async fn a_revision_that_never_was_asks_for_a_resync() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    world.send(ada, id, "only one").await.unwrap();
    let synced = world.services.sync.sync(ada, &[conversation(id, 7)]).await.unwrap();
    assert_eq!(synced.resync, [conversation(id, 1)]);
    assert!(synced.streams.is_empty());
}

#[tokio::test]
async fn a_strangers_stream_is_as_good_as_unknown() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let eve = world.user("eve").await;
    let asked = [conversation(id, 0), (StreamId::User(ada.user), Rev::ZERO), (StreamId::User(bob.user), Rev::ZERO)];
    let synced = world.services.sync.sync(eve, &asked).await.unwrap();
    assert!(synced.streams.is_empty());
    assert_eq!(synced.resync.len(), 3);
    assert!(synced.resync.iter().all(|(_, head)| *head == Rev::ZERO));
}

#[tokio::test]
async fn the_own_stream_brings_new_conversations_with_all_their_messages() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "hello").await.unwrap();
    let synced = world.services.sync.sync(bob, &[(StreamId::User(bob.user), Rev::ZERO)]).await.unwrap();
    let streams: Vec<StreamId> = synced.streams.iter().map(|part| part.stream).collect();
    assert_eq!(streams, [StreamId::User(bob.user), StreamId::Conversation(id)]);
    assert_eq!(texts(&synced.streams[1].changes), ["hello"]);
}

#[tokio::test]
async fn the_own_stream_keeps_the_newest_change_of_each_topic() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for n in 1..=3 {
        world.send(ada, id, "x").await.unwrap();
        world.services.conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(n)).await.unwrap();
    }
    let name = parlor_domain::DisplayName::parse("Bob the Second").unwrap();
    let change = ProfileChange { display_name: Some(name), ..Default::default() };
    let update = ProfileUpdate { change, current_password: None };
    let me = world.services.users.update(bob, update).await.unwrap();
    let synced = world.services.sync.sync(bob, &[(StreamId::User(bob.user), Rev::new(1))]).await.unwrap();
    let revs: Vec<u64> = synced.streams[0].changes.iter().map(|change| change.rev.get()).collect();
    assert_eq!(revs, [4, 5], "three reads are one position, and then the profile");
    assert_eq!(me.user.rev, Rev::new(5));
}

#[tokio::test]
async fn a_long_absence_is_told_in_parts() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for n in 0..600 {
        world.send(ada, id, &n.to_string()).await.unwrap();
    }
    let first = world.services.sync.sync(bob, &[conversation(id, 0)]).await.unwrap();
    let part = &first.streams[0];
    assert!(part.more && part.changes.len() == 500);
    let second = world.services.sync.sync(bob, &[(part.stream, part.rev)]).await.unwrap();
    assert_eq!(second.streams[0].changes.len(), 100);
    assert!(!second.streams[0].more);
}

#[tokio::test]
async fn an_answer_is_bounded_in_bytes_and_goes_on_where_it_ended() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let long = "x".repeat(8000);
    for n in 0..100 {
        world.send(ada, id, &format!("{n} {}", &long[4..])).await.unwrap();
    }
    let (mut known, mut seen) = (0, 0);
    loop {
        let synced = world.services.sync.sync(bob, &[conversation(id, known)]).await.unwrap();
        let part = &synced.streams[0];
        let texts = texts(&part.changes);
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        assert!((1..=256 * 1024).contains(&bytes), "{bytes} bytes in one answer");
        assert!(texts.iter().enumerate().all(|(n, text)| text.starts_with(&format!("{} ", seen + n))));
        seen += texts.len();
        known = part.rev.get();
        if !part.more {
            break;
        }
    }
    assert_eq!((seen, known), (100, 100));
}

#[tokio::test]
async fn a_resumed_connection_gets_what_it_missed_and_then_what_comes() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "seen").await.unwrap();
    world.send(ada, id, "missed").await.unwrap();
    let mut reader = world.connect_paused(bob).await;
    world.send(ada, id, "before the resume").await.unwrap();
    let (synced, _) = world.services.live.resume(&reader.connection, &[conversation(id, 1)]).await.unwrap();
    assert_eq!(texts(&synced.streams[0].changes), ["missed", "before the resume"]);
    world.send(ada, id, "before the start").await.unwrap();
    world.services.live.start(&reader.connection);
    world.send(ada, id, "live").await.unwrap();
    assert_eq!(reader.messages_until("live").await, ["before the start@4", "live@5"]);
}

#[tokio::test]
async fn what_does_not_fit_into_the_answer_of_a_resume_is_pushed_after_it() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for n in 1..=620 {
        world.send(ada, id, &format!("n{n}")).await.unwrap();
    }
    let mut reader = world.connect_paused(bob).await;
    let (synced, _) = world.services.live.resume(&reader.connection, &[conversation(id, 0)]).await.unwrap();
    assert_eq!((synced.streams[0].changes.len(), synced.streams[0].more), (500, true));
    world.services.live.start(&reader.connection);
    let rest = reader.messages_until("n620").await;
    let expected: Vec<String> = (501..=620).map(|n| format!("n{n}@{n}")).collect();
    assert_eq!(rest, expected);
}

#[tokio::test]
async fn receipts_of_a_stream_that_a_full_answer_left_out_are_pushed_after_it() {
    let world = World::new().await;
    let (ada, bob, long) = world.pair().await;
    let cem = world.user("cem").await;
    let quiet = world.services.conversations.open_direct(bob, cem.user).await.unwrap().view.conversation.id;
    world.send(bob, quiet, "read meanwhile").await.unwrap();
    for n in 1..=501 {
        world.send(ada, long, &format!("n{n}")).await.unwrap();
    }
    world.services.conversations.advance_receipt(cem, quiet, ReceiptKind::Read, Seq::new(1)).await.unwrap();
    let mut reader = world.connect_paused(bob).await;
    let known = [conversation(quiet, 1), conversation(long, 0)];
    let (synced, _) = world.services.live.resume(&reader.connection, &known).await.unwrap();
    let part = synced.streams.iter().find(|part| part.stream == StreamId::Conversation(quiet)).unwrap();
    assert!(part.more && part.receipts.is_empty(), "there was no room for it: {part:?}");
    world.services.live.start(&reader.connection);
    reader.until(&format!("receipt {} read 1", cem.user)).await;
}

#[tokio::test]
async fn resuming_does_not_get_around_being_busy() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "missed").await.unwrap();
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held").await.unwrap();
    let mut reader = world.connect_paused(bob).await;
    let (synced, _) = world.services.live.resume(&reader.connection, &[conversation(id, 0)]).await.unwrap();
    assert_eq!(texts(&synced.streams[0].changes), ["missed"]);
    world.services.live.start(&reader.connection);
    assert_eq!(reader.so_far().await, Vec::<String>::new());
    let asked = world.services.sync.sync(bob, &[conversation(id, 0)]).await.unwrap();
    assert_eq!(texts(&asked.streams[0].changes), ["missed", "held"], "what he asks for by REST, he gets");
    world.set_status(bob, StatusKind::Available, None).await;
    assert_eq!(reader.messages_until("held").await, ["held@2"]);
}
