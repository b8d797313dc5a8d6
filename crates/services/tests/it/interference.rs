//! What happens when the store fails, or somebody else acts, in the middle of something.

mod hooks;

use std::time::Duration;

use parlor_domain::{MemberRole, MessageAction, MessageText, Rev, Status, StatusKind, StreamId};
use parlor_services::Background;

use self::hooks::{Point, World};
use crate::support::{Reader, texts};

fn status(kind: StatusKind) -> Status {
    Status { kind, text: None, until: None }
}

/// The messages that have come once everything that was under way has been done.
async fn pushed_messages(world: &World, reader: &mut Reader) -> Vec<String> {
    world.let_everything_happen().await;
    reader.so_far().await.into_iter().filter(|text| text.starts_with("message")).collect()
}

#[tokio::test]
async fn a_release_that_is_not_stored_pushes_nothing() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut reader = world.connect(bob).await;
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held").await.unwrap();
    world.hooks.fail(Point::SetStatus);
    world.services.presence.set_status(bob, status(StatusKind::Available)).await.unwrap_err();
    assert_eq!(pushed_messages(&world, &mut reader).await, Vec::<String>::new());
    world.set_status(bob, StatusKind::Available, None).await;
    assert_eq!(reader.messages_until("held").await, ["held@1"]);
}

#[tokio::test]
async fn a_status_that_ends_does_not_undo_one_that_was_set_meanwhile() {
    let world = World::new().await;
    let (_, bob, _) = world.pair().await;
    let until = parlor_domain::Clock::now(&*world.clock) + Duration::from_secs(60);
    world.set_status(bob, StatusKind::Away, Some(until)).await;
    world.clock.advance(Duration::from_secs(61));
    let pause = world.hooks.pause_after(Point::EndedStatuses);
    let _background = Background::start(&world.services, Duration::from_millis(1));
    pause.reached().await;
    world.set_status(bob, StatusKind::Busy, None).await;
    pause.go_on();
    world.let_everything_happen().await;
    assert_eq!(world.services.users.me(bob).await.unwrap().status.kind, StatusKind::Busy);
}

#[tokio::test]
async fn of_two_statuses_at_once_the_later_one_counts_everywhere() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut reader = world.connect(bob).await;
    let pause = world.hooks.pause_after(Point::SetStatus);
    let [available, busy] = [StatusKind::Available, StatusKind::Busy].map(|kind| {
        let presence = world.services.presence.clone();
        async move { presence.set_status(bob, status(kind)).await }
    });
    let available = tokio::spawn(available);
    pause.reached().await;
    let busy = tokio::spawn(busy);
    world.let_everything_happen().await;
    pause.go_on();
    available.await.unwrap().unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(world.send(ada, id, "x").await.unwrap().message.delivery.unwrap().name(), "held");
    assert_eq!(pushed_messages(&world, &mut reader).await, Vec::<String>::new());
}

#[tokio::test]
async fn who_connects_while_the_busy_status_is_being_stored_is_held_as_well() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let pause = world.hooks.pause_before(Point::SetStatus);
    let presence = world.services.presence.clone();
    let busy = tokio::spawn(async move { presence.set_status(bob, status(StatusKind::Busy)).await });
    pause.reached().await;
    let mut reader = world.connect(bob).await;
    pause.go_on();
    busy.await.unwrap().unwrap();
    assert_eq!(world.send(ada, id, "x").await.unwrap().message.delivery.unwrap().name(), "held");
    assert_eq!(pushed_messages(&world, &mut reader).await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_sent_while_a_connection_is_made_reaches_it() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let pause = world.hooks.pause_after(Point::Heads);
    let meanwhile = async {
        pause.reached().await;
        world.send(ada, id, "meanwhile").await.unwrap();
        pause.go_on();
    };
    let (mut reader, ()) = tokio::join!(world.connect(bob), meanwhile);
    reader.until("message meanwhile").await;
}

#[tokio::test]
async fn a_deleted_account_is_out_even_if_nobody_can_be_told() {
    let world = World::new().await;
    let (_, bob, _) = world.pair().await;
    let reader = world.connect(bob).await;
    world.hooks.fail(Point::FindUser);
    world.delete_account(bob).await.unwrap();
    assert!(reader.connection.is_closed());
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_gone_on_with() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.group(ada, &[bob]).await;
    let mut bob_reads = world.connect(bob).await;
    world.hooks.fail(Point::ChangeGroup);
    world.delete_account(ada).await.unwrap();
    let group = world.services.conversations.find(bob, id).await.unwrap();
    assert_eq!(group.conversation.member_count, 2, "she is deleted, and still there");
    let _background = Background::start(&world.services, Duration::from_millis(1));
    bob_reads.until("system owner_changed").await;
    let group = world.services.conversations.find(bob, id).await.unwrap();
    assert_eq!((group.conversation.member_count, group.me.role), (1, Some(MemberRole::Owner)));
}

#[tokio::test]
async fn a_conversation_that_could_not_be_told_is_heard_all_the_same() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let mut reader = world.connect(bob).await;
    world.hooks.fail(Point::FindConversation);
    let opened = world.services.conversations.open_direct(ada, bob.user).await.unwrap();
    world.send(ada, opened.view.conversation.id, "hello").await.unwrap();
    reader.until("message hello").await;
}

#[tokio::test]
async fn a_resume_while_busy_brings_what_is_new_whole_in_the_end() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.services.conversations.open_direct(ada, bob.user).await.unwrap().view.conversation.id;
    world.send(ada, id, "one").await.unwrap();
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "two").await.unwrap();
    let mut reader = world.connect_paused(bob).await;
    let known = [(StreamId::User(bob.user), Rev::ZERO)];
    let (synced, _) = world.services.live.resume(&reader.connection, &known).await.unwrap();
    let mut got: Vec<String> = synced.streams.iter().flat_map(|part| texts(&part.changes)).map(str::to_owned).collect();
    world.services.live.start(&reader.connection);
    world.set_status(bob, StatusKind::Available, None).await;
    world.send(ada, id, "three").await.unwrap();
    got.extend(reader.messages_until("three").await);
    assert_eq!(got, ["one@1", "two@2", "three@3"]);
}

#[tokio::test]
async fn who_is_removed_from_a_group_while_a_connection_is_made_hears_nothing_more_of_it() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.group(ada, &[bob]).await;
    let mut ada_reads = world.connect(ada).await;
    let pause = world.hooks.pause_after(Point::Heads);
    let meanwhile = async {
        pause.reached().await;
        world.services.groups.remove(ada, id, bob.user).await.unwrap();
        pause.go_on();
    };
    let (mut bob_reads, ()) = tokio::join!(world.connect(bob), meanwhile);
    world.send(ada, id, "secret").await.unwrap();
    ada_reads.until("message secret").await;
    let mut texts = bob_reads.until(&format!("deleted {id}@2")).await;
    world.group(ada, &[bob]).await;
    texts.extend(bob_reads.until("system group_created").await);
    assert!(!texts.iter().any(|text| text.contains("secret") || text.contains("removed")), "{texts:?}");
}

#[tokio::test]
async fn who_was_removed_without_an_answer_hears_nothing_more() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.group(ada, &[bob]).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.hooks.lose(Point::ChangeGroup);
    world.services.groups.remove(ada, id, bob.user).await.unwrap_err();
    assert_eq!(ada_reads.until("system members_removed").await.len(), 1, "the others are told");
    world.services.conversations.set_typing(ada, id, true).await.unwrap();
    world.send(ada, id, "secret").await.unwrap();
    ada_reads.until("message secret").await;
    assert_eq!(bob_reads.until("deleted").await, [format!("deleted {id}@2")]);
    world.let_everything_happen().await;
    assert_eq!(bob_reads.so_far().await, Vec::<String>::new());
    let again = world.services.groups.remove(ada, id, bob.user).await.unwrap_err();
    assert!(matches!(again, parlor_services::ServiceError::NotFound("member")), "{again:?}");
}

#[tokio::test]
async fn a_message_that_was_changed_without_an_answer_is_told_all_the_same() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let message = world.send(ada, id, "frist").await.unwrap().message.message.id;
    let mut bob_reads = world.connect(bob).await;
    world.hooks.lose(Point::ChangeMessage);
    let action = MessageAction::Edit { text: MessageText::parse("first").unwrap(), metadata: None };
    world.services.messages.change(ada, id, message, action).await.unwrap_err();
    assert_eq!(bob_reads.until("changed first").await, ["changed first@2"]);
}

#[tokio::test]
async fn who_was_added_without_an_answer_is_told_and_hears() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let id = world.group(ada, &[]).await;
    let mut bob_reads = world.connect(bob).await;
    world.hooks.lose(Point::ChangeGroup);
    world.services.groups.add(ada, id, vec![bob.user]).await.unwrap_err();
    world.send(ada, id, "welcome").await.unwrap();
    let told = [format!("conversation {id}@1"), "system members_added@2".into(), "message welcome@3".into()];
    let mut heard = bob_reads.until("message welcome").await;
    heard.retain(|text| !text.starts_with("receipt"));
    assert_eq!(heard, told);
}

#[tokio::test]
async fn where_nobody_can_tell_who_is_in_a_group_it_is_looked_at_until_somebody_can() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (left, new) = (world.group(ada, &[bob]).await, world.group(ada, &[]).await);
    let mut bob_reads = world.connect(bob).await;
    world.hooks.lose(Point::ChangeGroup);
    world.hooks.fail(Point::Member);
    world.services.groups.remove(ada, left, bob.user).await.unwrap_err();
    world.hooks.lose(Point::ChangeGroup);
    world.hooks.fail(Point::Member);
    let added = world.services.groups.add(ada, new, vec![bob.user]).await;
    added.unwrap_err();
    world.send(ada, left, "secret").await.unwrap();
    let _background = Background::start(&world.services, Duration::from_millis(1));
    let mut texts = bob_reads.until("system members_added").await;
    texts.extend(bob_reads.so_far().await);
    assert!(texts.contains(&format!("deleted {left}@2")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("secret") || text.contains("removed")), "{texts:?}");
}

#[tokio::test]
async fn a_text_that_names_nobody_is_sent_without_asking_for_names() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    world.send(ada, id, "warm").await.unwrap();
    for point in [Point::NamedMembers, Point::Member] {
        world.hooks.fail(point);
    }
    for text in ["hello", "ada@example.com", "`@bob`", "@ everyone"] {
        world.send(ada, id, text).await.unwrap();
    }
    world.send(ada, id, "@bob").await.unwrap_err();
    world.send(ada, id, "@everyone").await.unwrap_err();
    let sent = world.send(ada, id, "@bob").await.unwrap();
    assert_eq!(sent.message.message.seq.get(), 6, "what failed has left nothing");
}
