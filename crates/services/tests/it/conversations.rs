//! Opening and listing conversations, receipts, typing.

use parlor_domain::{ConversationId, GroupDescription, ReceiptKind, Seq, StatusKind};
use parlor_services::ServiceError;

use crate::support::{World, nobody};

#[tokio::test]
async fn a_direct_conversation_is_opened_once_whoever_asks() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    for (me, other) in [(ada, bob), (bob, ada)] {
        let opened = world.services.conversations.open_direct(me, other.user).await.unwrap();
        assert!(!opened.created);
        assert_eq!(opened.view.conversation.id, id);
        assert_eq!(opened.view.other.unwrap().user.id, other.user);
    }
}

#[tokio::test]
async fn both_members_are_told_of_a_new_conversation_and_listen_to_it() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let opened = world.services.conversations.open_direct(ada, bob.user).await.unwrap();
    world.send(ada, opened.view.conversation.id, "hello").await.unwrap();
    let created = format!("conversation {}@1", opened.view.conversation.id);
    for reader in [&mut ada_reads, &mut bob_reads] {
        let texts = reader.until("message hello").await;
        assert!(texts.contains(&created), "{texts:?}");
    }
}

#[tokio::test]
async fn nobody_talks_to_himself_or_to_who_is_not_there() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let conversations = &world.services.conversations;
    let own = conversations.open_direct(ada, ada.user).await.unwrap_err();
    assert!(matches!(own, ServiceError::Invalid { field: "userId", .. }), "{own:?}");
    let unknown = conversations.open_direct(ada, nobody()).await.unwrap_err();
    assert!(matches!(unknown, ServiceError::NotFound("user")), "{unknown:?}");
    world.delete_account(bob).await.unwrap();
    let deleted = conversations.open_direct(ada, bob.user).await.unwrap_err();
    assert!(matches!(deleted, ServiceError::NotFound("user")), "{deleted:?}");
}

#[tokio::test]
async fn what_a_stranger_asks_for_is_not_there() {
    let world = World::new().await;
    let (_, _, id) = world.pair().await;
    let eve = world.user("eve").await;
    let services = &world.services;
    let unknown = ConversationId::from_bytes([9; 12]);
    for id in [id, unknown] {
        let read = ReceiptKind::Read;
        let errors = [
            services.conversations.find(eve, id).await.unwrap_err(),
            services.conversations.set_typing(eve, id, true).await.unwrap_err(),
            services.conversations.advance_receipt(eve, id, read, Seq::ZERO).await.unwrap_err(),
            world.send(eve, id, "let me in").await.unwrap_err(),
            services.messages.history(eve, id, parlor_domain::store::Window::Newest, 10).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, ServiceError::NotFound("conversation")), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_inbox_has_the_newest_activity_first_and_goes_on_at_its_cursor() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let mut ids = Vec::new();
    for name in ["bob", "cem", "dan"] {
        let other = world.user(name).await;
        world.clock.advance(std::time::Duration::from_secs(1));
        ids.push(world.services.conversations.open_direct(ada, other.user).await.unwrap().view.conversation.id);
    }
    world.clock.advance(std::time::Duration::from_secs(1));
    world.send(ada, ids[0], "first again").await.unwrap();
    let inbox = &world.services.conversations;
    let first = inbox.inbox(ada, None, None, 2).await.unwrap();
    let second = inbox.inbox(ada, None, first.next, 2).await.unwrap();
    let seen: Vec<_> = first.items.iter().chain(&second.items).map(|view| view.conversation.id).collect();
    assert_eq!(seen, [ids[0], ids[2], ids[1]]);
    assert_eq!(second.next, None);
    assert_eq!(first.items[0].last_message.as_ref().unwrap().message.text(), "first again");
}

#[tokio::test]
async fn reading_counts_down_everywhere_and_never_back() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let (mut ada_reads, mut bobs_other) = (world.connect(ada).await, world.connect(bob).await);
    for text in ["one", "two", "three"] {
        world.send(ada, id, text).await.unwrap();
    }
    let conversations = &world.services.conversations;
    assert_eq!(conversations.find(bob, id).await.unwrap().unread.messages, 3);
    let read = |seq| conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(seq));
    assert_eq!(read(2).await.unwrap().unread.unwrap().messages, 1);
    assert_eq!(read(1).await.unwrap().read_seq, Seq::new(2));
    assert_eq!(conversations.find(bob, id).await.unwrap().unread.messages, 1);
    assert!(matches!(read(4).await.unwrap_err(), ServiceError::SeqBeyondLast(last) if last == Seq::new(3)));
    ada_reads.until(&format!("receipt {} read 2 delivered 2 unread None", bob.user)).await;
    bobs_other.until(&format!("receipt {} read 2 delivered 2 unread Some(1)", bob.user)).await;
}

#[tokio::test]
async fn a_message_of_ones_own_is_read() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "question").await.unwrap();
    world.send(bob, id, "answer").await.unwrap();
    let conversations = &world.services.conversations;
    assert_eq!(conversations.find(bob, id).await.unwrap().unread.messages, 0);
    assert_eq!(conversations.find(ada, id).await.unwrap().unread.messages, 1);
}

#[tokio::test]
async fn typing_reaches_the_other_member_and_not_the_typist() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.services.conversations.set_typing(ada, id, true).await.unwrap();
    bob_reads.until("typing true").await;
    assert!(!ada_reads.so_far().await.iter().any(|text| text.starts_with("typing")));
}

#[tokio::test]
async fn who_gives_no_read_receipts_still_tells_what_has_arrived() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "one").await.unwrap();
    let settings = parlor_domain::SettingsChange { read_receipts: Some(false), ..Default::default() };
    let change = parlor_domain::ProfileChange { settings, ..Default::default() };
    let update = parlor_services::ProfileUpdate { change, current_password: None };
    world.services.users.update(bob, update).await.unwrap();
    let conversations = &world.services.conversations;
    let mine = conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(1)).await.unwrap();
    assert_eq!(
        (mine.read_seq, mine.delivered_seq, mine.unread.map(|unread| unread.messages)),
        (Seq::new(1), Seq::new(1), Some(0))
    );
    let seen_by_ada = conversations.find(ada, id).await.unwrap();
    assert_eq!(seen_by_ada.receipts[0].read_seq, Seq::ZERO);
    assert_eq!(seen_by_ada.last_message.unwrap().delivery.unwrap().name(), "delivered");
}

#[tokio::test]
async fn to_oneself_what_one_has_read_has_arrived_and_ones_own_message_is_read() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut bob_reads = world.connect(bob).await;
    for (from, text) in [(ada, "one"), (bob, "two"), (ada, "three")] {
        world.send(from, id, text).await.unwrap();
    }
    let conversations = &world.services.conversations;
    let mine = conversations.advance_receipt(bob, id, ReceiptKind::Delivered, Seq::new(1)).await.unwrap();
    assert_eq!(
        (mine.read_seq, mine.delivered_seq, mine.unread.map(|unread| unread.messages)),
        (Seq::new(2), Seq::new(2), Some(1))
    );
    world.set_status(bob, parlor_domain::StatusKind::Invisible, None).await;
    let mine = conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(3)).await.unwrap();
    assert_eq!(
        (mine.read_seq, mine.delivered_seq, mine.unread.map(|unread| unread.messages)),
        (Seq::new(3), Seq::new(3), Some(0))
    );
    bob_reads.until(&format!("receipt {} read 3 delivered 3 unread Some(0)", bob.user)).await;
    let seen = conversations.find(ada, id).await.unwrap().receipts[0];
    assert_eq!((seen.read_seq, seen.delivered_seq), (Seq::ZERO, Seq::new(1)), "others see what he shows");
}

#[tokio::test]
async fn an_invisible_user_gives_no_sign_by_typing_or_reading() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(ada, id, "are you there?").await.unwrap();
    world.set_status(bob, StatusKind::Invisible, None).await;
    let mut ada_reads = world.connect(ada).await;
    let conversations = &world.services.conversations;
    conversations.set_typing(bob, id, true).await.unwrap();
    let read = conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(1)).await.unwrap();
    assert_eq!(read.unread.map(|unread| unread.messages), Some(0), "for himself he has read it");
    assert_eq!(ada_reads.so_far().await, Vec::<String>::new());
    let seen_by_ada = conversations.find(ada, id).await.unwrap();
    assert_eq!(seen_by_ada.receipts[0].read_seq, Seq::ZERO);
    assert_eq!(seen_by_ada.last_message.unwrap().delivery.unwrap().name(), "sent");
}

#[tokio::test]
async fn a_group_turns_read_receipts_off_and_on() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    let id = world.group(ada, &[bob, cem]).await;
    world.send(ada, id, "hello").await.unwrap();
    world.send(ada, id, "are you there?").await.unwrap();
    let set = async |caller, told| {
        let description = GroupDescription { read_receipts: Some(told), ..Default::default() };
        world.services.groups.describe(caller, id, description).await
    };
    assert!(matches!(set(bob, false).await, Err(ServiceError::NotPermitted)));
    let mut readers = [world.connect(ada).await, world.connect(bob).await];
    assert!(!set(ada, false).await.unwrap().conversation.read_receipts);
    for reader in &mut readers {
        reader.until("system read_receipts_changed").await;
    }
    let read = async |seq| {
        let conversations = &world.services.conversations;
        conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(seq)).await.unwrap()
    };
    let own = read(2).await;
    assert_eq!((own.read_seq, own.unread.unwrap().messages), (Seq::new(2), 1), "for himself he has read it");
    readers[0].until(&format!("receipt {} read 0 delivered 2", bob.user)).await;
    let seen = world.services.conversations.find(ada, id).await.unwrap();
    assert!(seen.receipts.iter().all(|receipt| receipt.read_seq == Seq::ZERO), "{:?}", seen.receipts);
    set(ada, true).await.unwrap();
    read(3).await;
    readers[0].until(&format!("receipt {} read 3 delivered 3", bob.user)).await;
}
