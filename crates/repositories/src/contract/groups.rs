//! Groups: who comes and goes, and what that does to the log.

use std::collections::HashSet;

use parlor_domain::{
    Content, ConversationId, ConversationKind, ConversationName, Description, GroupAction, GroupDescription,
    GroupRefusal, Member, MemberRole, MemberSettingsChange, Message, ProfileChange, ReceiptKind, Rev, Seq, StatusKind,
    SystemAction, SystemEvent, UserId, UserTopic,
    store::{AppendOutcome, GroupOutcome, Inbox, InboxEntry, MembersPage, ReceiptAdvance, ReceiptOutcome, Window},
};

use super::Fixture;

pub(super) async fn three(f: &Fixture) -> [UserId; 3] {
    [f.user("ada").await, f.user("bob").await, f.user("cem").await]
}

pub(super) async fn entry(f: &Fixture, id: ConversationId, user: UserId) -> Option<InboxEntry> {
    f.stores.conversations.find(id, user).await.unwrap()
}

async fn log(f: &Fixture, id: ConversationId) -> Vec<Message> {
    f.stores.messages.page(id, Window::After(Seq::ZERO), 10_000).await.unwrap()
}

async fn members(f: &Fixture, id: ConversationId) -> Vec<Member> {
    f.stores.groups.members(&MembersPage { conversation: id, after: None, limit: 1000 }).await.unwrap()
}

async fn roles(f: &Fixture, id: ConversationId) -> Vec<(UserId, MemberRole)> {
    let members = members(f, id).await;
    let mut roles: Vec<_> = members.iter().map(|member| (member.user_id, member.role.unwrap())).collect();
    roles.sort_unstable_by_key(|(_, role)| *role);
    roles
}

pub(super) fn event(message: &Message) -> &SystemEvent {
    match &message.content {
        Content::System(event) => event,
        other => panic!("{other:?} is no system message"),
    }
}

async fn refusal(f: &Fixture, id: ConversationId, actor: UserId, action: GroupAction) -> GroupRefusal {
    match f.stores.groups.change(&f.make_change(id, actor, action)).await.unwrap() {
        GroupOutcome::Refused(refusal) => refusal,
        changed @ GroupOutcome::Changed(_) => panic!("{changed:?}"),
    }
}

fn add(users: &[UserId]) -> GroupAction {
    GroupAction::Add { users: users.to_vec(), at_most: 1000 }
}

fn rename(name: &str) -> GroupAction {
    GroupAction::Describe(GroupDescription { name: ConversationName::parse(name).ok(), ..Default::default() })
}

pub(super) async fn topics(f: &Fixture, user: UserId) -> Vec<(u64, UserTopic)> {
    let log = f.stores.conversations.user_changes(user, Rev::ZERO, 100).await.unwrap();
    assert_eq!(log.head, f.stores.users.rev(user).await.unwrap());
    log.changes.iter().map(|change| (change.rev.get(), change.topic)).collect()
}

pub async fn a_group_begins_with_the_message_that_tells_of_it(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let mut new = f.make_group(ada, &[bob, cem]);
    new.description = Description::parse("for knights").unwrap();
    let GroupOutcome::Changed(made) = f.stores.groups.create(&new).await.unwrap() else { panic!("refused") };
    assert_eq!(made.joined.iter().copied().collect::<HashSet<_>>(), [ada, bob, cem].map(|id| (id, Rev::new(1))).into());
    assert_eq!(made.left, []);
    for (user, role, read) in [(ada, MemberRole::Owner, 1), (bob, MemberRole::Member, 0), (cem, MemberRole::Member, 0)]
    {
        let entry = entry(f, new.id, user).await.unwrap();
        assert_eq!(entry.conversation, made.conversation);
        assert_eq!((entry.me.role, entry.me.read_seq, entry.me.joined_at), (Some(role), Seq::new(read), f.now()));
        assert_eq!((entry.last_message.as_ref(), entry.unread.messages), (made.messages.first(), 0));
        assert_eq!(topics(f, user).await, [(1, UserTopic::Conversation(new.id))]);
    }
    let group = &made.conversation;
    assert_eq!((group.kind, group.name.as_ref(), group.member_count), (ConversationKind::Group, Some(&new.name), 3));
    assert_eq!(
        (group.description.as_ref(), group.last_seq, group.rev),
        (new.description.as_ref(), Seq::new(1), Rev::new(1))
    );
    assert_eq!(made.messages, log(f, new.id).await);
    let told = event(&made.messages[0]);
    assert_eq!((told.action, &*told.users, told.member_count), (SystemAction::GroupCreated, &[bob, cem][..], 3));
    assert_eq!(f.send(bob, new.id, "hello").await.seq, Seq::new(2));
}

pub async fn unknown_and_deleted_users_are_named_and_nothing_is_made(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    f.stores.users.delete(cem, f.now()).await.unwrap();
    let nobody = UserId::from_bytes([9; 12]);
    let new = f.make_group(ada, &[bob, cem, nobody]);
    let outcome = f.stores.groups.create(&new).await.unwrap();
    assert_eq!(outcome, GroupOutcome::Refused(GroupRefusal::UnknownUsers(vec![cem, nobody])));
    assert_eq!((entry(f, new.id, ada).await, topics(f, ada).await), (None, Vec::new()));
    let id = f.group(ada, &[]).await;
    assert_eq!(refusal(f, id, ada, add(&[bob, nobody])).await, GroupRefusal::UnknownUsers(vec![nobody]));
    assert_eq!((entry(f, id, bob).await, log(f, id).await.len()), (None, 1));
}

pub async fn a_change_is_one_with_the_messages_that_tell_of_it(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.group(ada, &[bob]).await;
    f.send(bob, id, "hello").await;
    f.clock.advance(std::time::Duration::from_secs(1));
    let description = Some(Description::parse("for knights").unwrap());
    let both = GroupAction::Describe(GroupDescription {
        name: ConversationName::parse("Square table").ok(),
        description,
        read_receipts: None,
    });
    let changed = f.change_group(id, ada, both).await;
    let events: Vec<_> = changed.messages.iter().map(|message| (message.seq.get(), event(message).action)).collect();
    assert_eq!(events, [(3, SystemAction::Renamed), (4, SystemAction::DescriptionChanged)]);
    let group = entry(f, id, bob).await.unwrap().conversation;
    assert_eq!(group, changed.conversation);
    assert_eq!((group.last_seq, group.rev, group.updated_at), (Seq::new(4), Rev::new(4), f.now()));
    assert_eq!(group.name.unwrap().as_str(), "Square table");
    assert_eq!(entry(f, id, ada).await.unwrap().me.read_seq, Seq::new(4), "who does it has read it");
    let added = f.change_group(id, ada, add(&[bob, cem])).await;
    assert_eq!((added.joined, added.conversation.member_count), (vec![(cem, Rev::new(1))], 3));
    f.change_group(id, ada, GroupAction::SetRole { user: cem, role: MemberRole::Admin }).await;
    f.change_group(id, cem, GroupAction::Remove(bob)).await;
    let none = GroupAction::Describe(GroupDescription { description: Some(None), ..Default::default() });
    assert_eq!(f.change_group(id, cem, none).await.conversation.description, None);
    let log = log(f, id).await;
    let rest: Vec<_> = log[4..].iter().map(|message| (event(message).action, &*event(message).users)).collect();
    let expected: [(SystemAction, &[UserId]); 4] = [
        (SystemAction::MembersAdded, &[cem]),
        (SystemAction::RoleChanged, &[cem]),
        (SystemAction::MembersRemoved, &[bob]),
        (SystemAction::DescriptionChanged, &[]),
    ];
    assert_eq!(rest, expected);
    assert_eq!(roles(f, id).await, [(ada, MemberRole::Owner), (cem, MemberRole::Admin)]);
    assert_eq!(f.stores.messages.changes(id, Rev::ZERO, 100).await.unwrap().messages, log);
}

pub async fn a_change_that_is_refused_changes_nothing(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let (id, direct) = (f.group(ada, &[bob]).await, f.open(ada, cem).await.id);
    let unknown = ConversationId::from_bytes([9; 12]);
    assert_eq!(refusal(f, id, bob, rename("Mine")).await, GroupRefusal::NotPermitted);
    assert_eq!(refusal(f, id, cem, rename("Mine")).await, GroupRefusal::NotAMember);
    assert_eq!(refusal(f, direct, ada, rename("Mine")).await, GroupRefusal::NotAGroup);
    assert_eq!(refusal(f, direct, bob, rename("Mine")).await, GroupRefusal::NotAMember);
    assert_eq!(refusal(f, unknown, ada, rename("Mine")).await, GroupRefusal::NotAMember);
    assert_eq!(refusal(f, id, ada, GroupAction::Remove(cem)).await, GroupRefusal::NoSuchMember);
    let full = GroupAction::Add { users: vec![cem], at_most: 2 };
    assert_eq!(refusal(f, id, ada, full).await, GroupRefusal::TooManyMembers);
    let nothing = f.change_group(id, ada, add(&[bob])).await;
    assert_eq!((nothing.messages, nothing.joined), (Vec::new(), Vec::new()));
    let same_role = GroupAction::SetRole { user: bob, role: MemberRole::Member };
    for same in [rename(nothing.conversation.name.as_ref().unwrap().as_str()), same_role] {
        assert_eq!(f.change_group(id, ada, same).await.messages, []);
    }
    assert_eq!(log(f, id).await.len(), 1);
    assert_eq!(entry(f, id, ada).await.unwrap().conversation, nothing.conversation);
    assert_eq!((topics(f, ada).await.len(), topics(f, bob).await.len()), (2, 1));
}

pub async fn who_comes_in_has_read_what_was_there(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let id = f.group(ada, &[]).await;
    for n in 0..3 {
        f.send(ada, id, &n.to_string()).await;
    }
    f.change_group(id, ada, add(&[bob])).await;
    let bobs = entry(f, id, bob).await.unwrap();
    assert_eq!((bobs.me.read_seq, bobs.me.joined_rev, bobs.unread.messages), (Seq::new(4), Rev::new(4), 0));
    let heads = f.stores.conversations.heads(bob).await.unwrap();
    assert_eq!((heads[0].rev, heads[0].joined_rev), (Rev::new(5), Rev::new(4)));
    f.send(ada, id, "welcome").await;
    assert_eq!(entry(f, id, bob).await.unwrap().unread.messages, 1);
}

pub async fn who_has_gone_can_neither_send_nor_see(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.group(ada, &[bob, cem]).await;
    f.send(ada, id, "hello").await;
    let read = ReceiptAdvance { conversation: id, user: bob, kind: ReceiptKind::Read, seq: Seq::new(2), shown: true };
    f.stores.conversations.advance_receipt(&read).await.unwrap();
    let pin = MemberSettingsChange { pinned: Some(true), ..MemberSettingsChange::default() };
    for user in [bob, cem] {
        f.stores.conversations.set_settings(id, user, &pin).await.unwrap().unwrap();
    }
    let changed = f.change_group(id, ada, GroupAction::Remove(bob)).await;
    assert_eq!(changed.left, [(bob, Rev::new(4))]);
    f.change_group(id, cem, GroupAction::Remove(cem)).await;
    for (user, rev) in [(bob, 4), (cem, 3)] {
        let outcome = f.stores.messages.append(&f.make_message(user, id, "still here", None)).await.unwrap();
        assert_eq!(outcome, AppendOutcome::NotAMember);
        assert_eq!(entry(f, id, user).await, None);
        assert_eq!(f.stores.conversations.heads(user).await.unwrap(), []);
        let inbox = Inbox { user, after: None, archived: None, limit: 10 };
        assert_eq!(f.stores.conversations.inbox(&inbox).await.unwrap(), []);
        let read = ReceiptAdvance { conversation: id, user, kind: ReceiptKind::Read, seq: Seq::new(1), shown: true };
        assert_eq!(f.stores.conversations.advance_receipt(&read).await.unwrap(), ReceiptOutcome::NotAMember);
        assert_eq!(f.stores.conversations.set_settings(id, user, &pin).await.unwrap(), None);
        assert_eq!(refusal(f, id, user, rename("Mine")).await, GroupRefusal::NotAMember);
        assert_eq!(topics(f, user).await, [(rev, UserTopic::Conversation(id))], "nothing else of it is told");
    }
    assert_eq!(log(f, id).await.len(), 4);
}

pub async fn who_has_gone_may_come_again(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let id = f.group(ada, &[bob]).await;
    f.change_group(id, ada, GroupAction::SetRole { user: bob, role: MemberRole::Admin }).await;
    f.change_group(id, bob, GroupAction::Remove(bob)).await;
    f.send(ada, id, "without you").await;
    f.change_group(id, ada, add(&[bob])).await;
    let again = entry(f, id, bob).await.unwrap();
    assert_eq!((again.me.role, again.me.read_seq, again.unread.messages), (Some(MemberRole::Member), Seq::new(4), 0));
    assert_eq!(topics(f, bob).await, [(3, UserTopic::Conversation(id))]);
    assert_eq!(f.send(bob, id, "back").await.seq, Seq::new(6));
}

pub async fn an_owner_who_leaves_hands_over(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.group(ada, &[bob, cem]).await;
    f.change_group(id, ada, GroupAction::SetRole { user: cem, role: MemberRole::Owner }).await;
    assert_eq!(roles(f, id).await, [(cem, MemberRole::Owner), (ada, MemberRole::Admin), (bob, MemberRole::Member)]);
    f.change_group(id, cem, GroupAction::Remove(cem)).await;
    assert_eq!(roles(f, id).await, [(ada, MemberRole::Owner), (bob, MemberRole::Member)]);
    let changed = f.change_group(id, ada, GroupAction::Remove(ada)).await;
    assert_eq!(roles(f, id).await, [(bob, MemberRole::Owner)]);
    let events: Vec<_> = changed.messages.iter().map(|message| event(message).action).collect();
    assert_eq!(events, [SystemAction::MemberLeft, SystemAction::OwnerChanged]);
    f.change_group(id, bob, rename("Mine now")).await;
}

pub async fn what_the_last_one_leaves_nobody_sees(f: &Fixture) {
    let ada = f.user("ada").await;
    let id = f.group(ada, &[]).await;
    let changed = f.change_group(id, ada, GroupAction::Remove(ada)).await;
    assert_eq!(changed.conversation.member_count, 0);
    assert_eq!((entry(f, id, ada).await, members(f, id).await), (None, Vec::new()));
    assert_eq!(refusal(f, id, ada, add(&[ada])).await, GroupRefusal::NotAMember);
}

pub async fn system_messages_do_not_count_as_unread(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.group(ada, &[bob]).await;
    f.send(ada, id, "one").await;
    f.change_group(id, ada, rename("Square table")).await;
    f.change_group(id, ada, add(&[cem])).await;
    f.send(ada, id, "two").await;
    f.change_group(id, ada, rename("Oval table")).await;
    let unread = async |user| {
        let found = entry(f, id, user).await.unwrap().unread.messages;
        let inbox = Inbox { user, after: None, archived: None, limit: 10 };
        assert_eq!(f.stores.conversations.inbox(&inbox).await.unwrap()[0].unread.messages, found);
        found
    };
    assert_eq!((unread(ada).await, unread(bob).await, unread(cem).await), (0, 2, 1));
    for (seq, expected) in [(1, 2), (2, 1), (3, 1), (4, 1), (5, 0), (6, 0)] {
        let read =
            ReceiptAdvance { conversation: id, user: bob, kind: ReceiptKind::Read, seq: Seq::new(seq), shown: true };
        let outcome = f.stores.conversations.advance_receipt(&read).await.unwrap();
        let ReceiptOutcome::Advanced { unread: told, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!((told.messages, unread(bob).await), (expected, expected), "after {seq}");
    }
}

pub async fn changes_and_messages_at_once_make_one_order_without_a_hole(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.group(ada, &[bob]).await;
    let mut tasks = Vec::new();
    for writer in 0..6 {
        let from = if writer % 2 == 0 { ada } else { bob };
        let new: Vec<_> = (0..25).map(|n| f.make_message(from, id, &format!("{writer}-{n}"), None)).collect();
        let messages = f.stores.messages.clone();
        tasks.push(tokio::spawn(async move {
            for new in new {
                let outcome = messages.append(&new).await.unwrap();
                assert!(matches!(outcome, AppendOutcome::Appended { .. }), "{outcome:?}");
            }
        }));
    }
    for who in 0..3 {
        let actions = (0..8).map(|n| match (who, n % 2) {
            (0, 0) => add(&[cem]),
            (0, _) => GroupAction::Remove(cem),
            _ => rename(&format!("{who} {n}")),
        });
        let changes: Vec<_> = actions.map(|action| f.make_change(id, ada, action)).collect();
        let groups = f.stores.groups.clone();
        tasks.push(tokio::spawn(async move {
            for change in changes {
                let outcome = groups.change(&change).await.unwrap();
                assert!(matches!(outcome, GroupOutcome::Changed(_)), "{outcome:?}");
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let log = log(f, id).await;
    assert_eq!(log.len(), 1 + 150 + 24);
    for (n, message) in (1..).zip(&log) {
        assert_eq!((message.seq, message.rev), (Seq::new(n), Rev::new(n)));
    }
    let entry = entry(f, id, bob).await.unwrap();
    assert_eq!((entry.conversation.last_seq, entry.conversation.member_count), (Seq::new(175), 2));
}

pub async fn of_many_who_are_added_at_once_a_group_takes_no_more_than_it_may(f: &Fixture) {
    let ada = f.user("ada").await;
    let id = f.group(ada, &[]).await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let user = f.user(&format!("user{n}")).await;
        let change = f.make_change(id, ada, GroupAction::Add { users: vec![user], at_most: 5 });
        let groups = f.stores.groups.clone();
        tasks.push(tokio::spawn(async move { groups.change(&change).await.unwrap() }));
    }
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(task.await.unwrap() == GroupOutcome::Refused(GroupRefusal::TooManyMembers));
    }
    assert_eq!((refused, members(f, id).await.len()), (4, 5));
    assert_eq!(entry(f, id, ada).await.unwrap().conversation.member_count, 5);
}

pub async fn the_members_are_paged_by_their_ids(f: &Fixture) {
    let mut users = three(f).await;
    let id = f.group(users[0], &users[1..]).await;
    f.group(users[1], &users[2..]).await;
    users.sort_unstable();
    let mut page = MembersPage { conversation: id, after: None, limit: 2 };
    let mut seen = Vec::new();
    loop {
        let members = f.stores.groups.members(&page).await.unwrap();
        let Some(last) = members.last() else { break };
        page.after = Some(last.user_id);
        seen.extend(members.iter().map(|member| member.user_id));
    }
    assert_eq!(seen, users);
}

pub async fn small_groups_show_all_members_positions(f: &Fixture) {
    let most = usize::try_from(InboxEntry::POSITIONS_TOLD).unwrap();
    let mut users = Vec::new();
    for n in 0..=most {
        users.push(f.user(&format!("user{n}")).await);
    }
    let id = f.group(users[0], &users[1..most]).await;
    let small = entry(f, id, users[1]).await.unwrap();
    let told = async |id| f.stores.conversations.told_members(id).await.unwrap();
    assert_eq!(told(id).await, members(f, id).await);
    let others: HashSet<UserId> = small.others.iter().map(|member| member.user_id).collect();
    assert_eq!((others.len(), others.contains(&users[1]), small.other), (most - 1, false, None));
    f.change_group(id, users[0], add(&users[most..])).await;
    let large = entry(f, id, users[1]).await.unwrap();
    assert_eq!((large.others, large.me.user_id), (Vec::new(), users[1]));
    assert_eq!(f.stores.conversations.members(id).await.unwrap().len(), most + 1);
    // Also beside others that are asked for at the same time.
    let ids = [id, f.group(users[0], &[]).await, f.group(users[0], &users[1..3]).await];
    let told = futures_util::future::join_all(ids.iter().map(|id| told(*id))).await;
    assert_eq!(told.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1, 3]);
}

pub async fn changes_of_several_groups_at_once_each_take_their_own_place_in_a_users_stream(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let mut groups = Vec::new();
    for _ in 0..8 {
        groups.push(f.group(ada, &[bob]).await);
    }
    let head = f.stores.users.rev(cem).await.unwrap().get();
    let mut tasks = Vec::new();
    for id in &groups {
        let change = f.make_change(*id, ada, add(&[cem]));
        let store = f.stores.groups.clone();
        tasks.push(tokio::spawn(async move { store.change(&change).await.unwrap() }));
        let (users, profile) = (f.stores.users.clone(), ProfileChange::default());
        tokio::task::yield_now().await;
        users.update_profile(cem, &profile).await.unwrap();
    }
    let mut revs = HashSet::new();
    for task in tasks {
        let GroupOutcome::Changed(changed) = task.await.unwrap() else { panic!("refused") };
        assert!(revs.insert(changed.joined[0].1), "two changes took one place");
    }
    let log = topics(f, cem).await;
    assert_eq!(log.last().unwrap().0, head + 16);
    assert_eq!(log.iter().filter(|(_, topic)| matches!(topic, UserTopic::Conversation(_))).count(), 8);
}

pub async fn what_comes_to_a_busy_newcomer_is_held_back_from_then_on(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    f.set_status(bob, StatusKind::Busy).await;
    let id = f.group(ada, &[]).await;
    f.send(ada, id, "before").await;
    f.change_group(id, ada, add(&[bob, cem])).await;
    let held = async |user| entry(f, id, user).await.unwrap().me.held_from;
    assert_eq!((held(bob).await, held(cem).await), (Some(Rev::new(2)), None));
    f.set_status(cem, StatusKind::Busy).await;
    assert_eq!(held(cem).await, Some(Rev::new(3)));
    f.set_status(bob, StatusKind::Available).await;
    assert_eq!(held(bob).await, None);
    let new = f.make_group(ada, &[cem]);
    f.stores.groups.create(&new).await.unwrap();
    assert_eq!(entry(f, new.id, cem).await.unwrap().me.held_from, Some(Rev::ZERO));
}

pub async fn groups_of_the_same_users_are_made_at_once(f: &Fixture) {
    let mut users = Vec::new();
    for n in 0..6 {
        users.push(f.user(&format!("user{n}")).await);
    }
    let made = (0..30).map(|n| {
        let creator = users[n % users.len()];
        let others: Vec<UserId> = users.iter().copied().filter(|user| *user != creator).collect();
        let new = f.make_group(creator, &others);
        let groups = std::sync::Arc::clone(&f.stores.groups);
        async move { groups.create(&new).await.unwrap() }
    });
    let made = futures_util::future::join_all(made).await;
    assert!(made.iter().all(|made| matches!(made, GroupOutcome::Changed(_))), "{made:?}");
    for user in users {
        assert_eq!(f.stores.users.rev(user).await.unwrap(), Rev::new(30));
    }
}
