//! Groups: who may do what, who is told of it, and what those get who have gone.

use std::collections::HashSet;

use parlor_domain::{
    ConversationId, ConversationName, GroupDescription, MemberRole, MemberSettingsChange, ReceiptKind, Rev, Seq,
    StatusKind, StreamId, UserId,
};
use parlor_services::{Caller, CreateGroup, ServiceError, ServiceResult};

use crate::support::{Reader, World, nobody, texts};

async fn three(world: &World) -> [Caller; 3] {
    [world.user("ada").await, world.user("bob").await, world.user("cem").await]
}

async fn rename(world: &World, caller: Caller, id: ConversationId, name: &str) -> ServiceResult<()> {
    let description = GroupDescription { name: ConversationName::parse(name).ok(), ..Default::default() };
    world.services.groups.describe(caller, id, description).await.map(drop)
}

async fn add(world: &World, caller: Caller, id: ConversationId, users: &[UserId]) -> ServiceResult<()> {
    world.services.groups.add(caller, id, users.to_vec()).await.map(drop)
}

async fn remove(world: &World, caller: Caller, id: ConversationId, user: Caller) -> ServiceResult<()> {
    world.services.groups.remove(caller, id, user.user).await
}

async fn members(world: &World, caller: Caller, id: ConversationId) -> Vec<(UserId, MemberRole)> {
    let page = world.services.groups.members(caller, id, None, 100).await.unwrap();
    page.items.iter().map(|member| (member.user.user.id, member.role)).collect()
}

fn own(caller: Caller, rev: u64) -> (StreamId, Rev) {
    (StreamId::User(caller.user), Rev::new(rev))
}

fn stream(id: ConversationId, rev: u64) -> (StreamId, Rev) {
    (StreamId::Conversation(id), Rev::new(rev))
}

#[tokio::test]
async fn all_members_are_told_of_a_group_and_then_hear_what_happens_in_it() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let mut readers = [world.connect(ada).await, world.connect(bob).await, world.connect(cem).await];
    let id = world.group(ada, &[bob, cem, bob]).await;
    world.send(bob, id, "hello").await.unwrap();
    for reader in &mut readers {
        let texts = reader.until("message hello").await;
        assert_eq!(texts, [format!("conversation {id}@1"), "system group_created@1".into(), "message hello@2".into()]);
    }
}

#[tokio::test]
async fn who_is_added_hears_from_then_on_and_has_nothing_unread() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob]).await;
    world.send(ada, id, "before").await.unwrap();
    let (mut bob_reads, mut cem_reads) = (world.connect(bob).await, world.connect(cem).await);
    add(&world, ada, id, &[cem.user, bob.user]).await.unwrap();
    world.send(ada, id, "after").await.unwrap();
    let told = [format!("conversation {id}@1"), "system members_added@3".into(), "message after@4".into()];
    assert_eq!(cem_reads.until("message after").await, told);
    assert_eq!(bob_reads.until("message after").await, told[1..]);
    assert_eq!(world.services.conversations.find(cem, id).await.unwrap().unread.messages, 1);
}

#[tokio::test]
async fn who_is_removed_gets_nothing_more_on_any_connection() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob, cem]).await;
    world.send(ada, id, "one").await.unwrap();
    let mut live = world.connect(bob).await;
    let mut paused = world.connect_paused(bob).await;
    let (mut recovered, ready) = world.connect_ready(bob).await;
    let known = [own(bob, 1), stream(id, 1)];
    assert!(world.services.live.recover(&recovered.connection, &ready, &known).is_some());
    let mut cem_reads = world.connect(cem).await;
    remove(&world, ada, id, bob).await.unwrap();
    world.send(ada, id, "secret").await.unwrap();
    cem_reads.until("message secret").await;
    let gone = format!("deleted {id}@2");
    assert_eq!(live.until("deleted").await, [gone]);
    let (synced, _) = world.services.live.resume(&paused.connection, &known).await.unwrap();
    assert_eq!(synced.resync, [stream(id, 0)]);
    for reader in [&mut paused, &mut recovered] {
        world.services.live.start(&reader.connection);
    }
    // Something that they all get behind whatever came before.
    world.group(cem, &[bob]).await;
    for reader in [&mut live, &mut paused, &mut recovered] {
        let texts = reader.until("system group_created").await;
        assert!(!texts.iter().any(|text| text.contains("secret") || text.contains("removed")), "{texts:?}");
    }
    let synced = world.services.sync.sync(bob, &known).await.unwrap();
    assert_eq!(synced.resync, [stream(id, 0)]);
    assert!(synced.streams.iter().all(|part| part.stream != StreamId::Conversation(id)));
}

#[tokio::test]
async fn who_is_behind_when_he_is_removed_does_not_get_the_rest() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob, cem]).await;
    let mut bob_reads = world.connect(bob).await;
    world.set_status(bob, StatusKind::Busy, None).await;
    world.send(ada, id, "held back").await.unwrap();
    remove(&world, ada, id, bob).await.unwrap();
    world.set_status(bob, StatusKind::Available, None).await;
    let texts = bob_reads.until("deleted").await;
    assert!(!texts.iter().any(|text| text.contains("held back")), "{texts:?}");
    let last = world.group(cem, &[bob]).await;
    let texts = bob_reads.until(&format!("conversation {last}")).await;
    assert!(!texts.iter().any(|text| text.contains("held back")), "{texts:?}");
}

#[tokio::test]
async fn what_a_former_member_asks_for_is_not_there() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob, cem]).await;
    remove(&world, ada, id, bob).await.unwrap();
    let services = &world.services;
    let role = services.groups.set_role(bob, id, cem.user, MemberRole::Admin).await;
    let errors = [
        services.conversations.find(bob, id).await.unwrap_err(),
        services.conversations.set_typing(bob, id, true).await.unwrap_err(),
        services.conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(1)).await.unwrap_err(),
        services.conversations.set_settings(bob, id, MemberSettingsChange::default()).await.unwrap_err(),
        world.send(bob, id, "still here").await.unwrap_err(),
        services.messages.history(bob, id, parlor_domain::store::Window::Newest, 10).await.unwrap_err(),
        services.groups.members(bob, id, None, 10).await.unwrap_err(),
        rename(&world, bob, id, "Mine").await.unwrap_err(),
        add(&world, bob, id, &[bob.user]).await.unwrap_err(),
        remove(&world, bob, id, bob).await.unwrap_err(),
        remove(&world, bob, id, cem).await.unwrap_err(),
        role.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, ServiceError::NotFound("conversation")), "{error:?}");
    }
    assert!(services.conversations.inbox(bob, None, None, 10).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn who_comes_again_is_told_and_hears_again() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = world.group(ada, &[bob]).await;
    let mut bob_reads = world.connect(bob).await;
    remove(&world, bob, id, bob).await.unwrap();
    world.send(ada, id, "without you").await.unwrap();
    add(&world, ada, id, &[bob.user]).await.unwrap();
    world.send(ada, id, "welcome back").await.unwrap();
    let texts = bob_reads.until("message welcome back").await;
    let expected = [
        format!("deleted {id}@2"),
        format!("conversation {id}@3"),
        "system members_added@4".into(),
        "message welcome back@5".into(),
    ];
    assert_eq!(texts, expected);
    let synced = world.services.sync.sync(bob, &[own(bob, 1)]).await.unwrap();
    assert_eq!(texts_of(&synced, id), ["", "welcome back"], "from the coming on, not from the beginning");
}

/// The texts of a conversation's part of a sync.
fn texts_of(synced: &parlor_services::Synced, id: ConversationId) -> Vec<&str> {
    let part = synced.streams.iter().find(|part| part.stream == StreamId::Conversation(id)).unwrap();
    texts(&part.changes)
}

#[tokio::test]
async fn a_client_that_comes_back_is_told_of_the_groups_that_it_is_in_no_more() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let (left, stays) = (world.group(ada, &[bob]).await, world.group(ada, &[bob]).await);
    remove(&world, ada, left, bob).await.unwrap();
    let mut reader = world.connect_paused(bob).await;
    let (synced, _) = world.services.live.resume(&reader.connection, &[own(bob, 1), stream(stays, 1)]).await.unwrap();
    world.services.live.start(&reader.connection);
    let gone = synced.streams[0]
        .changes
        .iter()
        .any(|change| matches!(change.event, parlor_domain::Event::ConversationDeleted(id) if id == left));
    assert!(gone, "{synced:?}");
    world.send(ada, left, "secret").await.unwrap();
    world.send(ada, stays, "to all").await.unwrap();
    assert_eq!(reader.messages_until("to all").await, ["to all@2"]);
}

#[tokio::test]
async fn a_recovered_client_gets_a_new_group_from_its_own_coming_on() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = world.group(ada, &[]).await;
    world.send(ada, id, "long ago").await.unwrap();
    add(&world, ada, id, &[bob.user]).await.unwrap();
    let (mut reader, ready) = world.connect_ready(bob).await;
    let positions = world.services.live.recover(&reader.connection, &ready, &[own(bob, 0)]).unwrap();
    assert_eq!(positions.iter().collect::<HashSet<_>>(), HashSet::from([&own(bob, 0), &stream(id, 2)]));
    world.services.live.start(&reader.connection);
    world.send(ada, id, "now").await.unwrap();
    assert_eq!(reader.messages_until("now").await, ["now@4"]);
}

#[tokio::test]
async fn what_a_role_does_not_allow_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let dan = world.user("dan").await;
    let id = world.group(ada, &[bob, cem]).await;
    world.services.groups.set_role(ada, id, bob.user, MemberRole::Admin).await.unwrap();
    let set =
        async |caller, user: Caller, role| world.services.groups.set_role(caller, id, user.user, role).await.map(drop);
    let refused = [
        rename(&world, cem, id, "Mine").await,
        add(&world, cem, id, &[dan.user]).await,
        remove(&world, cem, id, bob).await,
        remove(&world, bob, id, ada).await,
        set(bob, cem, MemberRole::Admin).await,
        set(ada, ada, MemberRole::Member).await,
    ];
    for refused in refused {
        assert!(matches!(refused, Err(ServiceError::NotPermitted)), "{refused:?}");
    }
    let expected =
        HashSet::from([(ada.user, MemberRole::Owner), (bob.user, MemberRole::Admin), (cem.user, MemberRole::Member)]);
    assert_eq!(HashSet::from_iter(members(&world, cem, id).await), expected);
    rename(&world, bob, id, "Square table").await.unwrap();
    remove(&world, bob, id, cem).await.unwrap();
}

#[tokio::test]
async fn whom_nobody_knows_is_not_added() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    world.delete_account(cem).await.unwrap();
    let members = vec![bob.user, cem.user, nobody()];
    let create = CreateGroup { name: ConversationName::parse("x").unwrap(), description: None, members };
    let Err(ServiceError::UnknownUsers { field: "memberIds", ids }) = world.services.groups.create(ada, create).await
    else {
        panic!("not refused")
    };
    assert_eq!(HashSet::from_iter(ids), HashSet::from([cem.user, nobody()]));
    let id = world.group(ada, &[]).await;
    let added = add(&world, ada, id, &[nobody()]).await;
    assert!(matches!(added, Err(ServiceError::UnknownUsers { field: "userIds", .. })), "{added:?}");
}

#[tokio::test]
async fn a_group_takes_no_more_than_it_may() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let mut others = Vec::new();
    for name in ["bob", "cem", "dan", "eve", "fay"] {
        others.push(world.user(name).await);
    }
    let members = others.iter().map(|other| other.user).collect();
    let create = CreateGroup { name: ConversationName::parse("x").unwrap(), description: None, members };
    let refused = world.services.groups.create(ada, create).await;
    assert!(matches!(refused, Err(ServiceError::Invalid { field: "memberIds", .. })), "{refused:?}");
    let id = world.group(ada, &others[..4]).await;
    let refused = add(&world, ada, id, &[others[4].user]).await;
    let Err(ServiceError::Invalid { field: "userIds", reason }) = refused else { panic!("{refused:?}") };
    assert_eq!(reason.code, "too_many_members");
}

#[tokio::test]
async fn a_deleted_account_leaves_its_groups_and_hands_them_over() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = world.group(ada, &[bob]).await;
    let mut bob_reads = world.connect(bob).await;
    world.delete_account(ada).await.unwrap();
    bob_reads.until("system owner_changed").await;
    assert_eq!(members(&world, bob, id).await, [(bob.user, MemberRole::Owner)]);
}

#[tokio::test]
async fn how_one_sees_a_conversation_is_told_to_ones_own_devices_alone() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = world.group(ada, &[bob]).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let until = world.clock_now() + std::time::Duration::from_secs(60);
    let change = MemberSettingsChange {
        muted_until: Some(Some(until)),
        archived: Some(true),
        ..MemberSettingsChange::default()
    };
    let past = MemberSettingsChange { muted_until: Some(Some(world.clock_now())), ..change };
    let refused = world.services.conversations.set_settings(ada, id, past).await.unwrap_err();
    assert!(matches!(refused, parlor_services::ServiceError::Invalid { field: "mutedUntil", .. }), "{refused:?}");
    let view = world.services.conversations.set_settings(ada, id, change).await.unwrap();
    assert_eq!((view.me.settings.muted_until, view.me.settings.archived), (Some(until), true));
    assert_eq!(ada_reads.until("updated").await, [format!("updated {id}@2")]);
    world.send(ada, id, "hello").await.unwrap();
    assert_eq!(bob_reads.until("message hello").await, ["message hello@2"]);
    let inbox = async |archived| world.services.conversations.inbox(ada, Some(archived), None, 10).await.unwrap().items;
    assert_eq!((inbox(true).await.len(), inbox(false).await.len()), (1, 0));
    let synced = world.services.sync.sync(ada, &[own(ada, 1)]).await.unwrap();
    assert!(matches!(synced.streams[0].changes[0].event, parlor_domain::Event::ConversationUpdated(_)), "{synced:?}");
    world.clock.advance(std::time::Duration::from_secs(61));
    let view = world.services.conversations.find(ada, id).await.unwrap();
    assert_eq!(view.me.settings.muted_until, None, "what has ended is not in force");
}

#[tokio::test]
async fn a_busy_member_of_a_group_gets_everything_in_the_end() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob, cem]).await;
    let mut bob_reads = world.connect(bob).await;
    world.set_status(bob, StatusKind::Busy, None).await;
    let sent = world.send(ada, id, "one").await.unwrap();
    assert_eq!(sent.message.delivery, None, "in a group nobody's way is told");
    rename(&world, ada, id, "Square table").await.unwrap();
    world.send(cem, id, "two").await.unwrap();
    assert!(!bob_reads.so_far().await.iter().any(|text| text.starts_with("message")));
    world.set_status(bob, StatusKind::Available, None).await;
    let texts = bob_reads.until("message two").await;
    let group = |text: &&String| text.starts_with("message") || text.starts_with("system");
    assert_eq!(texts.iter().filter(group).collect::<Vec<_>>(), ["message one@2", "system renamed@3", "message two@4"]);
}

#[tokio::test]
async fn members_of_a_group_hear_of_each_other() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[bob, cem]).await;
    let mut cem_reads: Reader = world.connect(cem).await;
    world.services.conversations.set_typing(bob, id, true).await.unwrap();
    cem_reads.until("typing true").await;
    world.send(ada, id, "hello").await.unwrap();
    world.services.conversations.advance_receipt(bob, id, ReceiptKind::Read, Seq::new(2)).await.unwrap();
    cem_reads.until(&format!("receipt {} read 2", bob.user)).await;
    world.set_status(bob, StatusKind::Away, None).await;
    cem_reads.until(&format!("presence {} false away", bob.user)).await;
    let view = world.services.conversations.find(cem, id).await.unwrap();
    let receipts: HashSet<_> = view.receipts.iter().map(|receipt| (receipt.user_id, receipt.read_seq)).collect();
    assert_eq!(receipts, HashSet::from([(ada.user, Seq::ZERO), (bob.user, Seq::new(2))]));
}

#[tokio::test]
async fn who_may_not_write_to_somebody_can_not_add_him_to_a_group() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.group(ada, &[cem]).await;
    world.services.relations.block(bob, ada.user).await.unwrap();
    let added = add(&world, ada, id, &[bob.user]).await;
    let Err(ServiceError::MayNotAdd { field: "userIds", ids, blocking: false }) = added else { panic!("{added:?}") };
    assert_eq!(ids, [bob.user], "those are named whom it is about");
    let name = ConversationName::parse("Round table").unwrap();
    let group = CreateGroup { name, description: None, members: vec![cem.user, ada.user] };
    let made = world.services.groups.create(bob, group).await;
    let Err(ServiceError::MayNotAdd { field: "memberIds", ids, blocking: true }) = made else { panic!("{made:?}") };
    assert_eq!(ids, [ada.user]);
    let role = add(&world, cem, id, &[bob.user]).await;
    assert!(matches!(role, Err(ServiceError::NotPermitted)), "whoever could be added: {role:?}");
    assert_eq!(members(&world, ada, id).await.len(), 2);
}

#[tokio::test]
async fn in_a_group_a_block_hides_that_the_other_one_types_and_no_message() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    // Of two first, like a direct conversation.
    let id = world.group(ada, &[bob]).await;
    world.services.relations.block(bob, ada.user).await.unwrap();
    world.send(ada, id, "of two").await.unwrap();
    add(&world, ada, id, &[cem.user]).await.unwrap();
    let mut readers = [world.connect(bob).await, world.connect(cem).await];
    world.services.conversations.set_typing(ada, id, true).await.unwrap();
    world.send(ada, id, "of three").await.unwrap();
    let mut saw_typing = Vec::new();
    for reader in &mut readers {
        saw_typing.push(reader.until("message of three").await.iter().any(|text| text.starts_with("typing")));
    }
    assert_eq!(saw_typing, [false, true]);
}

#[tokio::test]
async fn a_direct_conversation_is_no_group_to_its_members_and_nothing_to_others() {
    let world = World::new().await;
    let [ada, bob, cem] = three(&world).await;
    let id = world.services.conversations.open_direct(ada, bob.user).await.unwrap().view.conversation.id;
    let groups = &world.services.groups;
    let all = async |caller| {
        [
            rename(&world, caller, id, "Ours").await,
            add(&world, caller, id, &[cem.user]).await,
            remove(&world, caller, id, bob).await,
            remove(&world, caller, id, caller).await,
            groups.set_role(caller, id, bob.user, MemberRole::Admin).await.map(drop),
            groups.members(caller, id, None, 10).await.map(drop),
        ]
    };
    for refused in all(ada).await {
        assert!(matches!(refused, Err(ServiceError::NotAGroup)), "{refused:?}");
    }
    for refused in all(cem).await {
        assert!(matches!(refused, Err(ServiceError::NotFound("conversation"))), "{refused:?}");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_told_to_nobody() {
    let world = World::new().await;
    let [ada, bob, _] = three(&world).await;
    let id = world.group(ada, &[bob]).await;
    let (mut ada_reads, mut bob_reads) = (world.connect(ada).await, world.connect(bob).await);
    let before = [world.rev(ada).await, world.rev(bob).await];
    rename(&world, ada, id, "Round table").await.unwrap();
    add(&world, ada, id, &[bob.user]).await.unwrap();
    world.services.groups.set_role(ada, id, bob.user, MemberRole::Member).await.unwrap();
    let same = MemberSettingsChange { pinned: Some(false), muted_until: Some(None), ..MemberSettingsChange::default() };
    world.services.conversations.set_settings(ada, id, same).await.unwrap();
    world.send(ada, id, "hello").await.unwrap();
    for reader in [&mut ada_reads, &mut bob_reads] {
        assert_eq!(reader.messages_until("hello").await.len(), 1);
    }
    assert_eq!([world.rev(ada).await, world.rev(bob).await], before);
    assert_eq!(world.services.conversations.find(ada, id).await.unwrap().conversation.rev, Rev::new(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_added_to_many_groups_at_once_is_told_of_each_before_he_hears_anything_of_it() {
    const GROUPS: usize = 60;
    let world = std::sync::Arc::new(World::new().await);
    let [ada, bob, cem] = three(&world).await;
    let mut cem_reads = world.connect(cem).await;
    let mut tasks = Vec::new();
    for n in 0..GROUPS {
        let world = std::sync::Arc::clone(&world);
        let owner = if n % 2 == 0 { ada } else { bob };
        tasks.push(tokio::spawn(async move {
            let id = world.group(owner, &[]).await;
            let sends = async {
                for n in 0..5 {
                    world.send(owner, id, &format!("{n} in {id}")).await.unwrap();
                }
            };
            let newcomers = [cem.user];
            let (added, ()) = tokio::join!(add(&world, owner, id, &newcomers), sends);
            added.unwrap();
            world.send(owner, id, &format!("last in {id}")).await.unwrap();
            id
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    let mut seen = Vec::new();
    for id in &ids {
        let last = format!("message last in {id}");
        if !seen.iter().any(|text: &String| text.starts_with(&last)) {
            seen.extend(cem_reads.until(&last).await);
        }
    }
    for id in ids {
        let told = seen.iter().position(|text| text.starts_with(&format!("conversation {id}"))).unwrap();
        let first = seen.iter().position(|text| text.contains(&format!("in {id}"))).unwrap();
        assert!(told < first, "{:?}", &seen[first..=told]);
    }
}
