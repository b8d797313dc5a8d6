//! Sending and reading messages.

use futures_util::FutureExt as _;
use parlor_domain::{
    MessageText, ReceiptKind, Seq, StatusKind,
    store::{PAGE_BYTES, Window},
};
use parlor_services::ServiceError;

use crate::support::{World, message};

#[tokio::test]
async fn a_message_reaches_every_connection_of_every_member_in_order() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut readers = [world.connect(ada).await, world.connect(bob).await, world.connect(bob).await];
    for text in ["one", "two", "three"] {
        world.send(ada, id, text).await.unwrap();
    }
    for (reader, suffix) in readers.iter_mut().zip([" sent", "", ""]) {
        let expected = [format!("one{suffix}@1"), format!("two{suffix}@2"), format!("three{suffix}@3")];
        assert_eq!(reader.messages_until("three").await, expected);
    }
}

#[tokio::test]
async fn fifty_writers_at_once_make_one_order_without_a_hole_for_everyone() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut readers = [world.connect(ada).await, world.connect(bob).await];
    let writers = (0..50).map(|writer| {
        let services = world.services.clone();
        let sender = if writer % 2 == 0 { ada } else { bob };
        tokio::spawn(async move {
            for n in 0..10 {
                services.messages.send(sender, message(id, &format!("{writer}-{n}"), None)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let mut after = Seq::ZERO;
    let mut stored = Vec::new();
    loop {
        let page = world.services.messages.history(ada, id, Window::After(after), 100).await.unwrap();
        stored.extend(page.items.into_iter().map(|view| view.message));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(stored.iter().map(|m| m.seq.get()).collect::<Vec<_>>(), (1..=500).collect::<Vec<_>>());
    let expected: Vec<String> = stored.iter().map(|m| format!("{}@{}", m.text(), m.rev)).collect();
    for reader in &mut readers {
        let mut got = Vec::new();
        while got.len() < 500 {
            let texts = reader.until("message").await;
            got.extend(texts.iter().filter_map(|t| t.strip_prefix("message ")).map(|t| t.replace(" sent", "")));
        }
        assert_eq!(got, expected);
    }
}

#[tokio::test]
async fn a_repeat_gives_the_first_message_and_is_pushed_to_nobody() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut bob_reads = world.connect(bob).await;
    let first = world.services.messages.send(ada, message(id, "once", Some("c1"))).await.unwrap();
    let again = world.services.messages.send(ada, message(id, "once", Some("c1"))).await.unwrap();
    assert!(!first.repeated && again.repeated);
    assert_eq!(first.message.message, again.message.message);
    world.send(ada, id, "end").await.unwrap();
    assert_eq!(bob_reads.messages_until("end").await, ["once@1", "end@2"]);
}

#[tokio::test]
async fn a_repeat_with_another_content_is_refused() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.services.messages.send(ada, message(id, "once", Some("c1"))).await.unwrap();
    let other = world.services.messages.send(ada, message(id, "twice", Some("c1"))).await.unwrap_err();
    assert!(matches!(other, ServiceError::ClientMessageIdReused), "{other:?}");
    let bobs = world.services.messages.send(bob, message(id, "twice", Some("c1"))).await.unwrap();
    assert_eq!(bobs.message.message.seq, Seq::new(2), "another sender's names are his own");
}

#[tokio::test]
async fn a_send_goes_on_when_its_caller_goes_away() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut bob_reads = world.connect(bob).await;
    // Begun, and then dropped.
    assert!(world.send(ada, id, "left behind").now_or_never().is_none());
    assert_eq!(bob_reads.messages_until("left behind").await, ["left behind@1"]);
}

#[tokio::test]
async fn a_message_is_sent_then_delivered_then_read() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let sent = world.send(ada, id, "well?").await.unwrap();
    assert_eq!(sent.message.delivery.unwrap().name(), "sent");
    for (kind, name) in [(ReceiptKind::Delivered, "delivered"), (ReceiptKind::Read, "read")] {
        world.services.conversations.advance_receipt(bob, id, kind, Seq::new(1)).await.unwrap();
        let page = world.services.messages.history(ada, id, Window::Newest, 1).await.unwrap();
        assert_eq!(page.items[0].delivery.unwrap().name(), name);
        let bobs = world.services.messages.history(bob, id, Window::Newest, 1).await.unwrap();
        assert_eq!(bobs.items[0].delivery, None, "only its sender sees a message's way");
    }
}

#[tokio::test]
async fn a_message_to_a_busy_user_is_held_and_to_a_deleted_one_refused() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.set_status(bob, StatusKind::Busy, None).await;
    assert_eq!(world.send(ada, id, "later").await.unwrap().message.delivery.unwrap().name(), "held");
    world.delete_account(bob).await.unwrap();
    let error = world.send(ada, id, "too late").await.unwrap_err();
    assert!(matches!(error, ServiceError::RecipientDeleted), "{error:?}");
}

#[tokio::test]
async fn history_is_read_in_both_directions_without_a_gap_or_a_repeat() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    for n in 1..=5 {
        world.send(ada, id, &n.to_string()).await.unwrap();
    }
    let page = async |window| {
        let page = world.services.messages.history(ada, id, window, 2).await.unwrap();
        let texts: Vec<String> = page.items.iter().map(|view| view.message.text().to_owned()).collect();
        (texts.join(" "), page.next.map(Seq::get))
    };
    assert_eq!(page(Window::Newest).await, ("4 5".to_owned(), Some(4)));
    assert_eq!(page(Window::Before(Seq::new(4))).await, ("2 3".to_owned(), Some(2)));
    assert_eq!(page(Window::Before(Seq::new(2))).await, ("1".to_owned(), None));
    assert_eq!(page(Window::After(Seq::ZERO)).await, ("1 2".to_owned(), Some(2)));
    assert_eq!(page(Window::After(Seq::new(3))).await, ("4 5".to_owned(), None));
    assert_eq!(page(Window::After(Seq::new(5))).await, (String::new(), None));
}

#[tokio::test]
async fn long_messages_come_in_shorter_pages_without_a_gap_or_a_repeat() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    let long = "🙂".repeat(MessageText::MAX_CHARS);
    for _ in 0..70 {
        world.send(ada, id, &long).await.unwrap();
    }
    let walk = async |start: Window, on: fn(Seq) -> Window| {
        let (mut pages, mut window) = (Vec::new(), Some(start));
        while let Some(asked) = window {
            let page = world.services.messages.history(ada, id, asked, 1000).await.unwrap();
            assert!(page.items.iter().map(|view| view.message.size()).sum::<usize>() <= PAGE_BYTES);
            pages.push(page.items.iter().map(|view| view.message.seq.get()).collect::<Vec<_>>());
            window = page.next.map(on);
        }
        assert!(pages.len() > 1 && pages.iter().all(|page| !page.is_empty()), "{pages:?}");
        pages
    };
    let backwards: Vec<_> = walk(Window::Newest, Window::Before).await.into_iter().rev().flatten().collect();
    assert_eq!(backwards, (1..=70).collect::<Vec<_>>());
    assert_eq!(walk(Window::After(Seq::ZERO), Window::After).await.concat(), backwards);
}

#[tokio::test]
async fn history_is_for_members_alone() {
    let world = World::new().await;
    let (ada, _, id) = world.pair().await;
    let eve = world.user("eve").await;
    world.send(ada, id, "secret").await.unwrap();
    let error = world.services.messages.history(eve, id, Window::Newest, 10).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotFound(_)), "{error:?}");
    let error = world.services.conversations.set_typing(eve, id, true).await.unwrap_err();
    assert!(matches!(error, ServiceError::NotFound(_)), "{error:?}");
}
