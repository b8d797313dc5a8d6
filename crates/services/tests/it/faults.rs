//! A store that fails: the caller is told, and nothing is half done.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parlor_domain::{
    NewMessage, Status, StatusKind,
    store::{StoreError, Stores, Window},
    testing::{MockConversationStore, MockMessageStore, MockUserStore},
};
use parlor_services::{Background, ServiceError};

use crate::support::{World, message};

fn down() -> StoreError {
    StoreError::unavailable("the disk is on fire")
}

fn is_unavailable(error: &ServiceError) -> bool {
    matches!(error, ServiceError::Store(StoreError::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_stored_is_pushed_to_nobody() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut messages = MockMessageStore::new();
    messages.expect_append().times(1).returning(|_| Err(down()));
    let real = Arc::clone(&world.stores().messages);
    messages.expect_append().returning(move |new| {
        let (real, new) = (Arc::clone(&real), new.clone());
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(async { real.append(&new).await }))
    });
    let world = world.with_stores(|stores| Stores { messages: Arc::new(messages), ..stores }).await;
    let mut bob_reads = world.connect(bob).await;
    let error = world.services.messages.send(ada, message(id, "lost", Some("c1"))).await.unwrap_err();
    assert!(is_unavailable(&error), "{error:?}");
    let sent = world.services.messages.send(ada, message(id, "lost", Some("c1"))).await.unwrap();
    assert!(!sent.repeated);
    assert_eq!(bob_reads.messages_until("lost").await, ["lost@1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_stored_without_an_answer_is_pushed_once_it_is_sent_again() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let real = Arc::clone(&world.stores().messages);
    let append = move |new: &NewMessage| {
        let (real, new) = (Arc::clone(&real), new.clone());
        tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(async { real.append(&new).await }))
    };
    let mut messages = MockMessageStore::new();
    let unanswered = append.clone();
    messages.expect_append().times(1).returning(move |new| unanswered(new).and_then(|_| Err(down())));
    messages.expect_append().returning(append);
    let real = Arc::clone(&world.stores().messages);
    messages.expect_changes().returning(move |id, after, limit| {
        let real = Arc::clone(&real);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async { real.changes(id, after, limit).await })
        })
    });
    let world = world.with_stores(|stores| Stores { messages: Arc::new(messages), ..stores }).await;
    let mut bob_reads = world.connect(bob).await;
    world.services.messages.send(ada, message(id, "kept", Some("c1"))).await.unwrap_err();
    let sent = world.services.messages.send(ada, message(id, "kept", Some("c1"))).await.unwrap();
    assert!(sent.repeated);
    assert_eq!(bob_reads.messages_until("kept").await, ["kept@1"]);
}

#[tokio::test]
async fn a_status_that_is_not_stored_holds_nothing_back() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let user = world.services.users.me(bob).await.unwrap().user;
    let mut users = MockUserStore::new();
    users.expect_rev().returning(|_| Ok(parlor_domain::Rev::new(1)));
    users.expect_find().returning(move |_| Ok(Some(user.clone())));
    users.expect_set_status().returning(|_, _, _, _| Err(down()));
    let world = world.with_stores(|stores| Stores { users: Arc::new(users), ..stores }).await;
    let mut bob_reads = world.connect(bob).await;
    let busy = Status { kind: StatusKind::Busy, text: None, until: None };
    let error = world.services.presence.set_status(bob, busy).await.unwrap_err();
    assert!(is_unavailable(&error), "{error:?}");
    world.send(ada, id, "not held").await.unwrap();
    assert_eq!(bob_reads.messages_until("not held").await, ["not held@1"]);
}

#[tokio::test]
async fn an_account_that_can_not_be_read_stops_nobody_else_from_being_seen() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let cem = world.user("cem").await;
    let known = [ada, bob, cem].map(|caller| caller.user);
    let known = world.stores().users.find_many(&known).await.unwrap();
    let broken = Arc::new(AtomicBool::new(false));
    let mut users = MockUserStore::new();
    users.expect_rev().returning(|_| Ok(parlor_domain::Rev::ZERO));
    users.expect_set_last_seen().returning(|_| Ok(()));
    users.expect_ended_statuses().returning(|_, _| Ok(Vec::new()));
    let is_broken = Arc::clone(&broken);
    let (known_together, broken_together) = (known.clone(), Arc::clone(&broken));
    users.expect_find_many().returning(move |ids| {
        if ids.contains(&cem.user) && broken_together.load(Ordering::SeqCst) {
            return Err(StoreError::corrupt("users: cem"));
        }
        Ok(known_together.iter().filter(|user| ids.contains(&user.id)).cloned().collect())
    });
    users.expect_find().returning(move |id| {
        if id == cem.user && is_broken.load(Ordering::SeqCst) {
            return Err(StoreError::corrupt("users: cem"));
        }
        Ok(known.iter().find(|user| user.id == id).cloned())
    });
    let world = world.with_stores(|stores| Stores { users: Arc::new(users), ..stores }).await;
    let mut ada_reads = world.connect(ada).await;
    let _cem_reads = world.connect(cem).await;
    broken.store(true, Ordering::SeqCst);
    let _background = Background::start(&world.services, Duration::from_millis(1));
    for _ in 0..5 {
        let bob_reads = world.connect(bob).await;
        ada_reads.until(&format!("presence {} true", bob.user)).await;
        drop(bob_reads);
        world.clock.advance(Duration::from_secs(3));
        ada_reads.until(&format!("presence {} false", bob.user)).await;
        while world.services.hub().stats().users > 2 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn accounts_are_not_asked_for_one_by_one_of_a_store_that_is_down() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let known = world.stores().users.find_many(&[ada.user, bob.user]).await.unwrap();
    // Whether the store is down, and how often it was asked meanwhile, together and one by one.
    let down_now = Arc::new(AtomicBool::new(false));
    let asked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let mut users = MockUserStore::new();
    users.expect_rev().returning(|_| Ok(parlor_domain::Rev::ZERO));
    users.expect_set_last_seen().returning(|_| Ok(()));
    users.expect_ended_statuses().returning(|_, _| Ok(Vec::new()));
    users.expect_leaving().returning(|_| Ok(Vec::new()));
    let fails = |which: usize| {
        let (down_now, asked) = (Arc::clone(&down_now), Arc::clone(&asked));
        move || {
            let fails = down_now.load(Ordering::SeqCst);
            asked[which].fetch_add(usize::from(fails), Ordering::SeqCst);
            fails
        }
    };
    let (together, known_together) = (fails(0), known.clone());
    users.expect_find_many().returning(move |ids| {
        let found = known_together.iter().filter(|user| ids.contains(&user.id)).cloned().collect();
        if together() { Err(down()) } else { Ok(found) }
    });
    let alone = fails(1);
    users
        .expect_find()
        .returning(move |id| if alone() { Err(down()) } else { Ok(known.iter().find(|user| user.id == id).cloned()) });
    let world = world.with_stores(|stores| Stores { users: Arc::new(users), ..stores }).await;
    let mut ada_reads = world.connect(ada).await;
    let _bob_reads = world.connect(bob).await;
    down_now.store(true, Ordering::SeqCst);
    let _background = Background::start(&world.services, Duration::from_millis(1));
    while asked[0].load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(asked[1].load(Ordering::SeqCst), 0);
    down_now.store(false, Ordering::SeqCst);
    ada_reads.until(&format!("presence {} true", bob.user)).await;
}

#[tokio::test]
async fn what_can_not_be_read_of_a_conversation_is_nothing_to_who_is_not_in_it() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    let eve = world.user("eve").await;
    let mut messages = MockMessageStore::new();
    messages.expect_page().times(2).returning(|_, _, _| Err(StoreError::corrupt("messages: one")));
    let world = world.with_stores(|stores| Stores { messages: Arc::new(messages), ..stores }).await;
    let page =
        async |caller, limit| world.services.messages.history(caller, id, Window::Newest, limit).await.unwrap_err();
    // The second page is too large to be read for her.
    for limit in [100, 101] {
        let error = page(eve, limit).await;
        assert!(matches!(error, ServiceError::NotFound(_)), "{error:?}");
    }
    let error = page(ada, 101).await;
    assert!(matches!(error, ServiceError::Store(StoreError::Corrupt(_))), "{error:?}");
}

#[tokio::test]
async fn a_resume_that_cannot_read_leaves_the_connection_as_it_was() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "missed").await.unwrap();
    let real = Arc::clone(&world.stores().conversations);
    let heads = real.heads(bob.user).await.unwrap();
    let mut conversations = MockConversationStore::new();
    conversations.expect_heads().returning(move |_| Ok(heads.clone()));
    let members = real.members(id).await.unwrap();
    let both = members.clone();
    conversations.expect_members().returning(move |_| Ok(both.clone()));
    let me = real.member(id, bob.user).await.unwrap();
    conversations.expect_member().returning(move |_, _| Ok(me.clone()));
    let shape = real.shape(id).await.unwrap();
    conversations.expect_shape().returning(move |_| Ok(shape));
    // The first resume fails, the second one reads.
    conversations.expect_told_members().times(1).returning(|_| Err(down()));
    conversations.expect_told_members().returning(move |_| Ok(members.clone()));
    let world = world.with_stores(|stores| Stores { conversations: Arc::new(conversations), ..stores }).await;
    let mut reader = world.connect_paused(bob).await;
    let known = [(parlor_domain::StreamId::Conversation(id), parlor_domain::Rev::ZERO)];
    let error = world.services.live.resume(&reader.connection, &known).await.unwrap_err();
    assert!(is_unavailable(&error), "{error:?}");
    world.send(ada, id, "meanwhile").await.unwrap();
    assert_eq!(reader.so_far().await, Vec::<String>::new(), "it still waits to be resumed");
    let (synced, _) = world.services.live.resume(&reader.connection, &known).await.unwrap();
    assert_eq!(crate::support::texts(&synced.streams[0].changes), ["missed", "meanwhile"]);
}
