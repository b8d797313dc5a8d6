//! Communities and channels: who hears of what, what those get who have gone, and what is left of what was deleted.

use std::time::Duration;

use parlor_domain::{Access, ConversationId, ConversationName, MemberRole, Rev, StreamId, store::Window};
use parlor_services::{
    Background, Caller, ChannelUpdate, CommunityLimits, CreateChannel, CreateCommunity, ServiceError, Services,
    ServicesConfig, Sources,
};

use crate::support::{HUB, World, config};

fn name(text: &str) -> ConversationName {
    ConversationName::parse(text).unwrap()
}

fn community(text: &str) -> CreateCommunity {
    CreateCommunity { name: name(text), description: None, category: None, access: Access::Public }
}

async fn found(world: &World, owner: Caller, others: &[Caller]) -> ConversationId {
    let id = world.services.communities.create(owner, community("Round table")).await.unwrap().community.id;
    for other in others {
        world.services.communities.join(*other, id).await.unwrap();
    }
    id
}

async fn channel(world: &World, owner: Caller, id: ConversationId, text: &str, access: Access) -> ConversationId {
    let create = CreateChannel { name: name(text), description: None, position: 0, access };
    world.services.communities.create_channel(owner, id, create).await.unwrap().conversation.id
}

async fn three(world: &World) -> [Caller; 3] {
    [world.user("ada").await, world.user("bob").await, world.user("cem").await]
}

#[tokio::test]
async fn who_joins_is_told_of_the_community_and_its_channels_before_he_hears_anything_of_them() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = found(&world, ada, &[]).await;
    let general = channel(&world, ada, id, "general", Access::Public).await;
    channel(&world, ada, id, "council", Access::Private).await;
    world.send(ada, general, "before").await.unwrap();
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    world.services.communities.join(bob, id).await.unwrap();
    world.send(ada, general, "after").await.unwrap();
    let texts = bob_reads.until("message after").await;
    let mut created: Vec<_> = texts.iter().filter(|text| text.starts_with("conversation")).cloned().collect();
    created.sort_unstable();
    let mut expected = vec![format!("conversation {id}@1"), format!("conversation {general}@2")];
    expected.sort_unstable();
    assert_eq!(created, expected, "{texts:?}");
    assert_eq!(texts[2..], ["system member_joined@2", "message after@3"]);
    assert_eq!(ada_reads.until("message after").await.len(), 2);
    assert_eq!(world.services.conversations.find(bob, general).await.unwrap().unread.messages, 1);
    let made = channel(&world, ada, id, "more", Access::Public).await;
    assert_eq!(bob_reads.until("system channel_created").await[0], format!("conversation {made}@3"));
}

#[tokio::test]
async fn who_is_removed_gets_nothing_more_of_any_channel() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = found(&world, ada, &[bob, cem]).await;
    let general = channel(&world, ada, id, "general", Access::Public).await;
    let (mut bob_reads, mut cem_reads) = (world.connect(bob).await, world.connect(cem).await);
    world.services.groups.remove(ada, id, bob.user).await.unwrap();
    world.send(ada, general, "secret").await.unwrap();
    cem_reads.until("message secret").await;
    let mut told = bob_reads.so_far().await;
    told.sort_unstable();
    let mut gone = vec![format!("deleted {id}@3"), format!("deleted {general}@4")];
    gone.sort_unstable();
    assert_eq!(told, gone);
    for place in [id, general] {
        let stream = (StreamId::Conversation(place), Rev::ZERO);
        let synced = world.services.sync.sync(bob, &[stream]).await.unwrap();
        assert_eq!((synced.resync, synced.streams.len()), (vec![stream], 0));
    }
    assert!(matches!(world.send(bob, general, "let me in").await, Err(ServiceError::NotFound(_))));
    assert!(matches!(world.services.communities.channels(bob, id).await, Err(ServiceError::NotFound(_))));
}

#[tokio::test]
async fn who_comes_back_is_told_what_he_has_come_into_and_lost_meanwhile() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = found(&world, ada, &[bob]).await;
    let first = channel(&world, ada, id, "first", Access::Public).await;
    let known = world.rev(bob).await;
    let second = channel(&world, ada, id, "second", Access::Public).await;
    world.send(ada, second, "news").await.unwrap();
    let close = ChannelUpdate { access: Some(Access::Private), ..ChannelUpdate::default() };
    world.services.communities.update_channel(ada, first, close).await.unwrap();
    let own = (StreamId::User(bob.user), Rev::new(known));
    let synced = world.services.sync.sync(bob, &[own, (StreamId::Conversation(first), Rev::new(1))]).await.unwrap();
    let news = synced.streams.iter().find(|part| part.stream == StreamId::Conversation(second)).unwrap();
    assert_eq!(news.changes.len(), 2);
    assert_eq!(synced.resync, [(StreamId::Conversation(first), Rev::ZERO)]);
}

#[tokio::test]
async fn nobody_writes_in_a_community_itself() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = found(&world, ada, &[]).await;
    assert!(matches!(world.send(ada, id, "hello").await, Err(ServiceError::NotPermitted)));
    assert!(matches!(world.send(bob, id, "hello").await, Err(ServiceError::NotFound(_))));
    let inbox = world.services.conversations.inbox(ada, None, None, 10).await.unwrap();
    assert_eq!(inbox.items.len(), 0);
}

#[tokio::test]
async fn a_public_channel_has_all_members_and_a_private_one_those_who_are_added() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = found(&world, ada, &[bob]).await;
    let general = channel(&world, ada, id, "general", Access::Public).await;
    let council = channel(&world, ada, id, "council", Access::Private).await;
    let groups = &world.services.groups;
    assert!(matches!(groups.add(ada, general, vec![bob.user]).await, Err(ServiceError::PublicChannel)));
    assert!(matches!(groups.remove(bob, general, bob.user).await, Err(ServiceError::PublicChannel)));
    assert!(matches!(groups.add(ada, council, vec![cem.user]).await, Err(ServiceError::Invalid { .. })));
    assert!(matches!(world.send(bob, council, "me too").await, Err(ServiceError::NotFound(_))));
    groups.add(ada, council, vec![bob.user]).await.unwrap();
    world.send(bob, council, "thanks").await.unwrap();
    let names = async |caller| {
        let channels = world.services.communities.channels(caller, id).await.unwrap();
        channels.iter().map(|view| view.conversation.name.as_ref().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names(bob).await.len(), 2);
    groups.remove(bob, council, bob.user).await.unwrap();
    assert_eq!(names(bob).await, ["general"]);
    let role = groups.set_role(ada, council, bob.user, MemberRole::Admin).await;
    assert!(matches!(role, Err(ServiceError::NotAGroup)));
    groups.set_role(ada, id, bob.user, MemberRole::Admin).await.unwrap();
    assert_eq!(names(bob).await.len(), 2);
}

#[tokio::test]
async fn a_deleted_community_is_left_at_once_and_erased_behind() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = found(&world, ada, &[bob]).await;
    let general = channel(&world, ada, id, "general", Access::Public).await;
    for n in 0..5 {
        world.send(bob, general, &format!("message {n}")).await.unwrap();
    }
    let mut bob_reads = world.connect(bob).await;
    assert!(matches!(world.services.communities.delete(bob, id).await, Err(ServiceError::NotPermitted)));
    world.services.communities.delete(ada, id).await.unwrap();
    let told = bob_reads.so_far().await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|text| text.starts_with("deleted")), "{told:?}");
    assert!(matches!(world.services.communities.find(ada, id).await, Err(ServiceError::NotFound(_))));
    // Its name is free.
    world.services.communities.create(bob, community("Round Table")).await.unwrap();
    let world = world.restarted().await;
    world.clock.advance(Duration::from_secs(61));
    let background = Background::start(&world.services, Duration::from_millis(100));
    let communities = world.stores().communities;
    while !communities.deleted(10).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    background.stop().await.unwrap();
    assert_eq!(world.stores().messages.page(general, Window::Newest, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_deleted_account_leaves_its_communities() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = found(&world, ada, &[bob]).await;
    let general = channel(&world, ada, id, "general", Access::Public).await;
    world.delete_account(ada).await.unwrap();
    let view = world.services.communities.find(bob, id).await.unwrap();
    assert_eq!((view.role, view.community.member_count), (Some(MemberRole::Owner), 1));
    assert_eq!(world.services.conversations.find(bob, general).await.unwrap().conversation.member_count, 1);
}

#[tokio::test]
async fn who_may_make_communities_can_be_set() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let communities = CommunityLimits { everyone_creates: false, ..config().communities };
    let sources = Sources {
        clock: std::sync::Arc::clone(&world.clock) as _,
        entropy: std::sync::Arc::new(parlor_domain::SeededEntropy::new(9)),
    };
    let config = ServicesConfig { communities, ..config() };
    let services = Services::build(world.stores(), &config, HUB, sources).await.unwrap();
    let made = services.communities.create(ada, community("Round table")).await;
    assert!(matches!(made, Err(ServiceError::NotPermitted)));
    world.services.communities.create(ada, community("Round table")).await.unwrap();
    let mine = services.communities.mine(ada, None, 10).await.unwrap();
    assert_eq!(mine.items.len(), 1);
}
