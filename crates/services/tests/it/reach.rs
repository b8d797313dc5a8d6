//! Who may write to whom, and what it costs to know it.

use std::{sync::Arc, time::Duration};

use parlor_domain::{
    ConversationId, ProfileChange, SettingsChange, WhoCanWrite,
    store::Stores,
    testing::{MockRelationStore, SeededEntropy},
};
use parlor_services::{Caller, ProfileUpdate, ServiceError, Services, ServicesConfig, Sources};

use crate::support::{HUB, World, config};

impl World {
    pub(crate) async fn let_write(&self, to: Caller, who: WhoCanWrite) {
        let settings = SettingsChange { who_can_write: Some(who), ..Default::default() };
        let change = ProfileChange { settings, ..Default::default() };
        self.services.users.update(to, ProfileUpdate { change, current_password: None }).await.unwrap();
    }

    async fn open(&self, from: Caller, to: Caller) -> Result<ConversationId, ServiceError> {
        let opened = self.services.conversations.open_direct(from, to.user).await?;
        Ok(opened.view.conversation.id)
    }
}

fn is_unwanted<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::NotAllowedToWrite))
}

#[tokio::test]
async fn who_takes_letters_from_friends_alone_is_written_to_by_friends_and_by_whom_he_wrote_to() {
    let world = World::new().await;
    let (ada, bob, cem) = (world.user("ada").await, world.user("bob").await, world.user("cem").await);
    let before = world.open(bob, ada).await.unwrap();
    world.send(bob, before, "hello").await.unwrap();
    world.let_write(ada, WhoCanWrite::Friends).await;
    assert!(is_unwanted(&world.send(bob, before, "hello again").await), "he was never answered");
    assert!(is_unwanted(&world.open(bob, ada).await));
    assert!(is_unwanted(&world.open(cem, ada).await), "nor does she want new ones");
    world.befriend(cem, ada).await;
    let friends = world.open(cem, ada).await.unwrap();
    world.send(cem, friends, "hello, friend").await.unwrap();
    world.services.relations.unfriend(ada, cem.user).await.unwrap();
    assert!(is_unwanted(&world.send(cem, friends, "still there?").await));
    world.send(ada, before, "yes?").await.unwrap();
    world.send(bob, before, "at last").await.unwrap();
    assert_eq!(world.open(bob, ada).await.unwrap(), before);
}

#[tokio::test]
async fn who_takes_letters_from_common_groups_is_written_to_by_who_is_in_one_for_as_long_as_he_is() {
    let world = World::new().await;
    let [ada, bob, cem] = [world.user("ada").await, world.user("bob").await, world.user("cem").await];
    world.let_write(ada, WhoCanWrite::SharedGroups).await;
    assert!(is_unwanted(&world.open(bob, ada).await));
    let group = world.group(cem, &[bob]).await;
    assert!(is_unwanted(&world.open(bob, ada).await), "she is not in it");
    world.befriend(cem, ada).await;
    world.services.groups.add(cem, group, vec![ada.user]).await.unwrap();
    let id = world.open(bob, ada).await.unwrap();
    world.send(bob, id, "hello").await.unwrap();
    world.services.groups.remove(cem, group, bob.user).await.unwrap();
    assert!(is_unwanted(&world.send(bob, id, "still there?").await));
    world.services.groups.add(cem, group, vec![bob.user]).await.unwrap();
    world.send(bob, id, "back again").await.unwrap();
    world.services.groups.remove(ada, group, ada.user).await.unwrap();
    assert!(is_unwanted(&world.send(bob, id, "and now?").await), "she has left");
    let friends = world.open(cem, ada).await.unwrap();
    world.send(cem, friends, "friends all the same").await.unwrap();
    world.services.relations.block(ada, cem.user).await.unwrap();
    let again = world.group(cem, &[bob]).await;
    assert!(world.services.groups.add(cem, again, vec![ada.user]).await.is_err());
    assert!(is_unwanted(&world.send(cem, friends, "blocked").await));
}

#[tokio::test]
async fn who_takes_letters_from_nobody_is_answered_all_the_same() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.befriend(ada, bob).await;
    world.let_write(ada, WhoCanWrite::Nobody).await;
    assert!(is_unwanted(&world.send(bob, id, "hello").await), "not even from friends");
    let mut ada_reads = world.connect(ada).await;
    world.services.conversations.set_typing(bob, id, true).await.unwrap();
    assert_eq!(ada_reads.so_far().await, Vec::<String>::new(), "nor does she see him write");
    world.send(ada, id, "a question").await.unwrap();
    world.send(bob, id, "an answer").await.unwrap();
    world.let_write(ada, WhoCanWrite::Anyone).await;
    let cem = world.user("cem").await;
    world.open(cem, ada).await.unwrap();
}

#[tokio::test]
async fn a_block_and_a_setting_are_refused_alike_where_there_is_a_conversation() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.let_write(ada, WhoCanWrite::Nobody).await;
    let by_setting = world.send(bob, id, "hello").await.unwrap_err();
    world.let_write(ada, WhoCanWrite::Anyone).await;
    world.services.relations.block(ada, bob.user).await.unwrap();
    let by_block = world.send(bob, id, "hello").await.unwrap_err();
    assert_eq!(format!("{by_setting:?}"), format!("{by_block:?}"));
}

#[tokio::test]
async fn messages_ask_nothing_of_the_relations_while_nothing_changes() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let mut relations = MockRelationStore::new();
    relations.expect_ties_between().times(2).returning(|_, _| Ok((None, None)));
    let world = world.with_stores(|stores| Stores { relations: Arc::new(relations), ..stores }).await;
    for _ in 0..10 {
        for from in [ada, bob] {
            world.send(from, id, "x").await.unwrap();
            world.clock.advance(Duration::from_secs(60));
        }
    }
}

#[tokio::test]
async fn what_another_server_changes_counts_within_a_second() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let sources = Sources { clock: Arc::clone(&world.clock) as _, entropy: Arc::new(SeededEntropy::new(9)) };
    let shared = ServicesConfig { shared_store: true, ..config() };
    let other = Services::build(world.stores(), &shared, HUB, sources).await.unwrap();
    let send = async || other.messages.send(bob, crate::support::message(id, "hello", None)).await;
    send().await.unwrap();
    world.services.relations.block(ada, bob.user).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    assert!(is_unwanted(&send().await));
    assert!(!other.users.find(bob, ada.user).await.unwrap().presence.online);
    world.services.relations.unblock(ada, bob.user).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    send().await.unwrap();
}

#[tokio::test]
async fn who_is_deleted_is_told_of_as_before() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    world.send(bob, id, "hello").await.unwrap();
    world.delete_account(ada).await.unwrap();
    let error = world.send(bob, id, "hello?").await.unwrap_err();
    assert!(matches!(error, ServiceError::RecipientDeleted), "{error:?}");
}

#[tokio::test]
async fn what_was_sent_before_a_block_is_still_answered_with_the_first_message() {
    let world = World::new().await;
    let (ada, bob, id) = world.pair().await;
    let send = async |from, to: ConversationId, text, client_id| {
        world.services.messages.send(from, crate::support::message(to, text, Some(client_id))).await
    };
    let first = send(bob, id, "hello", "c1").await.unwrap();
    world.services.relations.block(ada, bob.user).await.unwrap();
    let again = send(bob, id, "hello", "c1").await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.message.message, first.message.message);
    let other = send(bob, id, "something else", "c1").await.unwrap_err();
    assert!(matches!(other, ServiceError::ClientMessageIdReused), "{other:?}");
    let new = send(bob, id, "hello", "c2").await.unwrap_err();
    assert!(matches!(new, ServiceError::NotAllowedToWrite), "{new:?}");
}
