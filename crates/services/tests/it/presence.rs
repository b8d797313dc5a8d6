//! Status and presence.

use std::time::Duration;

use parlor_domain::{ProfileChange, SettingsChange, Status, StatusKind, store::Window};
use parlor_services::{Background, Caller, ProfileUpdate, ServiceError};

use crate::support::{Reader, World};

impl World {
    /// Runs what runs in the background, with presence told at once.
    fn background(&self) -> Background {
        Background::start(&self.services, Duration::from_millis(1))
    }

    /// Connects, and waits until it has been told that the user is here.
    async fn arrive(&self, who: Caller, watcher: &mut Reader) -> Reader {
        let reader = self.connect(who).await;
        watcher.until(&format!("presence {} true", who.user)).await;
        reader
    }
}

#[tokio::test]
async fn who_shares_a_conversation_is_told_who_comes_and_goes_and_nobody_else() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let eve = world.user("eve").await;
    let _background = world.background();
    let (mut ada_reads, mut eve_reads) = (world.connect(ada).await, world.connect(eve).await);
    let bob_reads = world.arrive(bob, &mut ada_reads).await;
    drop(bob_reads);
    world.clock.advance(Duration::from_secs(3));
    ada_reads.until(&format!("presence {} false", bob.user)).await;
    assert_eq!(eve_reads.so_far().await, Vec::<String>::new());
    let seen = world.services.users.find(ada, bob.user).await.unwrap();
    assert!(seen.presence.last_seen_at.is_some());
}

#[tokio::test]
async fn who_comes_later_finds_those_who_are_here_and_is_told_when_they_go() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let mut ada_reads = world.connect(ada).await;
    let bob_reads = world.connect(bob).await;
    let _background = world.background();
    ada_reads.until(&format!("presence {} true", bob.user)).await;
    assert_eq!(ada_reads.so_far().await, Vec::<String>::new());
    assert!(world.services.users.find(bob, ada.user).await.unwrap().presence.online);
    let mut bob_reads = bob_reads;
    drop(ada_reads);
    world.clock.advance(Duration::from_secs(3));
    let told = bob_reads.until(&format!("presence {} false", ada.user)).await;
    assert_eq!(told.len(), 1, "that she had come, he found himself: {told:?}");
}

#[tokio::test]
async fn closing_one_of_two_tabs_or_reloading_shows_nobody_leaving() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let _background = world.background();
    let mut ada_reads = world.connect(ada).await;
    let first = world.arrive(bob, &mut ada_reads).await;
    let second = world.connect(bob).await;
    drop(first);
    world.clock.advance(Duration::from_secs(3));
    drop(second);
    world.clock.advance(Duration::from_secs(1));
    let _reloaded = world.connect(bob).await;
    world.clock.advance(Duration::from_secs(3));
    // A change that is certainly told comes after all that might have been.
    world.set_status(bob, StatusKind::Away, None).await;
    let told = ada_reads.until(&format!("presence {} true away", bob.user)).await;
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn an_invisible_user_comes_and_goes_unseen() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    world.set_status(bob, StatusKind::Invisible, None).await;
    let _background = world.background();
    let mut ada_reads = world.connect(ada).await;
    let bob_reads = world.connect(bob).await;
    let view = world.services.users.find(ada, bob.user).await.unwrap();
    assert_eq!((view.presence.online, view.presence.last_seen_at), (false, None));
    assert_eq!(view.status, Status::default());
    drop(bob_reads);
    world.clock.advance(Duration::from_secs(3));
    let cem = world.user("cem").await;
    world.services.conversations.open_direct(cem, ada.user).await.unwrap();
    let _cem_reads = world.connect(cem).await;
    let told = ada_reads.until(&format!("presence {} true", cem.user)).await;
    assert!(!told.iter().any(|text| text.contains(&bob.user.to_string())), "{told:?}");
    let view = world.services.users.find(ada, bob.user).await.unwrap();
    assert_eq!(view.presence.last_seen_at, None);
}

#[tokio::test]
async fn going_invisible_looks_like_leaving() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let _background = world.background();
    let mut ada_reads = world.connect(ada).await;
    let mut bob_reads = world.arrive(bob, &mut ada_reads).await;
    world.set_status(bob, StatusKind::Invisible, None).await;
    ada_reads.until(&format!("presence {} false available", bob.user)).await;
    bob_reads.until(&format!("presence {} true invisible", bob.user)).await;
    let left_at = world.services.users.find(ada, bob.user).await.unwrap().presence.last_seen_at;
    world.clock.advance(Duration::from_secs(120));
    drop(bob_reads);
    world.clock.advance(Duration::from_secs(3));
    let later = world.services.users.find(ada, bob.user).await.unwrap().presence.last_seen_at;
    assert_eq!(later, left_at, "what he does unseen moves nothing");
}

#[tokio::test]
async fn who_has_just_gone_was_seen_until_he_went() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let bob_reads = world.connect(bob).await;
    world.clock.advance(Duration::from_secs(600));
    drop(bob_reads);
    let left_at = world.clock_now();
    world.clock.advance(Duration::from_secs(3));
    // Nobody has settled it yet.
    let seen = world.services.users.find(ada, bob.user).await.unwrap().presence;
    assert_eq!((seen.online, seen.last_seen_at), (false, Some(left_at)));
}

#[tokio::test]
async fn last_seen_is_not_shown_by_who_does_not_want_it() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let settings = SettingsChange { show_last_seen: Some(false), ..Default::default() };
    let change = ProfileChange { settings, ..Default::default() };
    world.services.users.update(bob, ProfileUpdate { change, current_password: None }).await.unwrap();
    let _background = world.background();
    let mut ada_reads = world.connect(ada).await;
    drop(world.arrive(bob, &mut ada_reads).await);
    world.clock.advance(Duration::from_secs(3));
    ada_reads.until(&format!("presence {} false", bob.user)).await;
    assert_eq!(world.services.users.find(ada, bob.user).await.unwrap().presence.last_seen_at, None);
}

#[tokio::test]
async fn a_busy_user_gets_nothing_until_he_is_available_and_then_everything_once_in_order() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut readers = [world.connect(bob).await, world.connect(bob).await];
    world.send(ada, id, "before").await.unwrap();
    for reader in &mut readers {
        reader.messages_until("before").await;
    }
    world.set_status(bob, StatusKind::Busy, None).await;
    for n in 1..=3 {
        assert_eq!(world.send(ada, id, &format!("held {n}")).await.unwrap().message.delivery.unwrap().name(), "held");
    }
    world.services.conversations.set_typing(ada, id, true).await.unwrap();
    let mut late = world.connect(bob).await;
    for reader in readers.iter_mut().chain([&mut late]) {
        let pushed = reader.so_far().await;
        assert!(pushed.iter().all(|text| text.starts_with("presence") && text.contains("busy")), "{pushed:?}");
    }
    world.set_status(bob, StatusKind::Available, None).await;
    world.send(ada, id, "after").await.unwrap();
    for reader in readers.iter_mut().chain([&mut late]) {
        assert_eq!(reader.messages_until("after").await, ["held 1@2", "held 2@3", "held 3@4", "after@5"]);
    }
    let page = world.services.messages.history(ada, id, Window::Newest, 10).await.unwrap();
    assert!(page.items.iter().all(|view| view.delivery.unwrap().name() == "sent"));
}

#[tokio::test]
async fn what_is_held_survives_a_restart_and_is_released_once() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held 1").await.unwrap();
    let world = world.restarted().await;
    world.send(ada, id, "held 2").await.unwrap();
    let mut reader = world.connect(bob).await;
    world.send(ada, id, "held 3").await.unwrap();
    assert_eq!(reader.so_far().await, Vec::<String>::new());
    world.set_status(bob, StatusKind::Available, None).await;
    world.send(ada, id, "after").await.unwrap();
    assert_eq!(reader.messages_until("after").await, ["held 1@1", "held 2@2", "held 3@3", "after@4"]);
    let mut later = world.connect(bob).await;
    assert_eq!(later.so_far().await, Vec::<String>::new(), "what was released is not pushed again");
}

#[tokio::test]
async fn a_busy_time_that_ends_by_itself_releases_what_was_held() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut reader = world.connect(bob).await;
    let until = parlor_domain::Clock::now(&*world.clock) + Duration::from_secs(60);
    world.set_status(bob, StatusKind::Busy, Some(until)).await;
    world.send(ada, id, "held").await.unwrap();
    let _background = world.background();
    assert!(reader.so_far().await.iter().all(|text| text.starts_with("presence")));
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(reader.messages_until("held").await, ["held@1"]);
    let me = world.services.users.me(bob).await.unwrap();
    assert_eq!(me.status, Status::default());
}

#[tokio::test]
async fn a_status_set_without_a_connection_is_told_as_well() {
    let world = World::new().await;
    let (ada, bob, _) = world.pair().await;
    let mut ada_reads = world.connect(ada).await;
    world.set_status(bob, StatusKind::Away, None).await;
    assert_eq!(ada_reads.so_far().await, [format!("presence {} false away", bob.user)]);
    world.set_status(bob, StatusKind::Invisible, None).await;
    world.set_status(bob, StatusKind::Invisible, None).await;
    assert_eq!(ada_reads.so_far().await, [format!("presence {} false available", bob.user)]);
}

#[tokio::test]
async fn a_status_can_not_end_before_it_begins() {
    let world = World::new().await;
    let bob = world.user("bob").await;
    let until = Some(parlor_domain::Clock::now(&*world.clock));
    let status = Status { kind: StatusKind::Away, text: None, until };
    let error = world.services.presence.set_status(bob, status).await.unwrap_err();
    assert!(matches!(error, ServiceError::Invalid { field: "until", .. }), "{error:?}");
}

#[tokio::test]
async fn a_conversation_opened_with_a_busy_user_is_held_as_well() {
    let world = World::new().await;
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let mut reader = world.connect(bob).await;
    world.set_status(bob, StatusKind::Busy, None).await;
    let id = world.services.conversations.open_direct(ada, bob.user).await.unwrap().view.conversation.id;
    assert_eq!(world.send(ada, id, "hello").await.unwrap().message.delivery.unwrap().name(), "held");
    assert!(reader.so_far().await.iter().all(|text| text.starts_with("presence")));
    world.set_status(bob, StatusKind::Away, None).await;
    let released = reader.until("message hello").await;
    let created = released.iter().position(|text| text.starts_with("conversation"));
    let message = released.iter().position(|text| text.starts_with("message"));
    assert!(created.is_some() && created < message, "{released:?}");
}
