//! Channels: who is in them, where they stand among the conversations, and what is left of those that are deleted.

use std::collections::BTreeSet;

use parlor_domain::{
    Access, ChannelAction, ChannelTraits, CommunityRefusal, ConversationId, ConversationKind, MemberRole,
    MemberSettingsChange, Mentions, MessageAction, MessageChange, MessageText, NewChannel, SystemAction, Timestamp,
    store::{AppendOutcome, Inbox, InboxEntry, Window},
};

use super::{
    Fixture,
    communities::{actions, changed, entry, members, open, promote, rename, role, three},
};

pub async fn a_new_channel_has_all_members_or_those_who_manage(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob, cem]).await;
    f.change_community(id, ada, promote(bob, MemberRole::Admin)).await;
    let new = f.make_channel(id, bob, "general", Access::Public);
    let made = changed(f.stores.communities.create_channel(&new).await.unwrap());
    assert_eq!(made.moves.iter().map(|moved| moved.user).collect::<BTreeSet<_>>(), [ada, bob, cem].into());
    assert_eq!(made.conversation, entry(f, new.id, cem).await.unwrap().conversation);
    assert_eq!((made.conversation.kind, made.conversation.member_count), (ConversationKind::Channel, 3));
    assert_eq!(members(f, new.id).await, [ada, bob, cem].into());
    let council = f.channel(id, bob, "council", Access::Private).await;
    assert_eq!(members(f, council).await, [ada, bob].into());
    assert_eq!(role(f, council, ada).await, Some(MemberRole::Owner));
    assert_eq!(role(f, council, bob).await, Some(MemberRole::Admin));
    assert_eq!(actions(f, council).await, [SystemAction::ChannelCreated]);
    assert_eq!(f.stores.communities.channels(id).await.unwrap(), [new.id, council]);
    let first = NewChannel {
        traits: ChannelTraits { position: 7, ..new.traits },
        ..f.make_channel(id, ada, "last", Access::Public)
    };
    changed(f.stores.communities.create_channel(&first).await.unwrap());
    let place =
        |position| ChannelAction::Describe { name: None, description: None, position: Some(position), access: None };
    f.change_channel(new.id, ada, place(9)).await;
    assert_eq!(f.stores.communities.channels(id).await.unwrap(), [council, first.id, new.id]);
}

pub async fn a_role_opens_and_closes_private_channels(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let id = f.community(ada, "Round table", &[bob]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let council = f.channel(id, ada, "council", Access::Private).await;
    f.send(ada, council, "secret").await;
    let up = f.change_community(id, ada, promote(bob, MemberRole::Admin)).await;
    assert_eq!(up.moves.iter().map(|moved| (moved.user, moved.conversation)).collect::<Vec<_>>(), [(bob, council)]);
    assert_eq!(role(f, general, bob).await, Some(MemberRole::Admin));
    let entry = entry(f, council, bob).await.unwrap();
    assert_eq!((entry.me.role, entry.unread.messages), (Some(MemberRole::Admin), 0));
    let down = f.change_community(id, ada, promote(bob, MemberRole::Member)).await;
    assert_eq!(down.moves.len(), 1);
    assert_eq!((role(f, council, bob).await, role(f, general, bob).await), (None, Some(MemberRole::Member)));
    f.change_community(id, ada, promote(bob, MemberRole::Owner)).await;
    assert_eq!(
        (role(f, council, bob).await, role(f, council, ada).await),
        (Some(MemberRole::Owner), Some(MemberRole::Admin))
    );
}

pub async fn a_channel_closes_and_opens(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob, cem]).await;
    f.change_community(id, ada, promote(cem, MemberRole::Admin)).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let closed = f.change_channel(general, cem, open(Access::Private)).await;
    assert_eq!(
        closed.moves.iter().map(|moved| (moved.user, moved.member.is_some())).collect::<Vec<_>>(),
        [(bob, false)]
    );
    assert_eq!(
        (closed.conversation.member_count, closed.conversation.traits.channel().unwrap().access),
        (2, Access::Private)
    );
    assert_eq!(members(f, general).await, [ada, cem].into());
    f.send(ada, general, "among us").await;
    let opened = f.change_channel(general, cem, open(Access::Public)).await;
    assert_eq!(opened.moves.len(), 1);
    assert_eq!(members(f, general).await, [ada, bob, cem].into());
    assert_eq!(entry(f, general, bob).await.unwrap().unread.messages, 0);
    assert_eq!(actions(f, general).await[1..], [SystemAction::AccessChanged, SystemAction::AccessChanged]);
    let nothing = f.change_channel(general, cem, open(Access::Public)).await;
    assert_eq!((nothing.messages.len(), nothing.moves.len()), (0, 0));
}

pub async fn members_are_added_to_a_private_channel_by_name(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let council = f.channel(id, ada, "council", Access::Private).await;
    let outsider = f.refuse_channel(council, ada, ChannelAction::Add(vec![bob, cem])).await;
    assert_eq!(outsider, CommunityRefusal::Outsiders(vec![cem]));
    assert_eq!(f.refuse_channel(general, ada, ChannelAction::Add(vec![bob])).await, CommunityRefusal::IsPublic);
    f.change_channel(council, ada, ChannelAction::Add(vec![bob, ada])).await;
    assert_eq!(members(f, council).await, [ada, bob].into());
    f.send(bob, council, "thanks").await;
    assert_eq!(f.refuse_channel(council, bob, ChannelAction::Remove(ada)).await, CommunityRefusal::NotPermitted);
    assert_eq!(f.refuse_channel(council, ada, ChannelAction::Remove(ada)).await, CommunityRefusal::NotPermitted);
    assert_eq!(f.refuse_channel(council, ada, ChannelAction::Remove(cem)).await, CommunityRefusal::NoSuchMember);
    f.change_channel(council, bob, ChannelAction::Remove(bob)).await;
    assert_eq!(f.refuse_channel(council, bob, ChannelAction::Remove(bob)).await, CommunityRefusal::NotFound);
    let told = [SystemAction::ChannelCreated, SystemAction::MembersAdded, SystemAction::MemberLeft];
    assert_eq!(actions(f, council).await, told);
}

pub async fn the_inbox_has_channels_among_the_others_and_no_communities(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let mut order = Vec::new();
    let id = f.community(ada, "Round table", &[bob]).await;
    let step = || f.clock.advance(std::time::Duration::from_millis(5));
    step();
    order.push(f.open(ada, bob).await.id);
    step();
    order.push(f.channel(id, ada, "general", Access::Public).await);
    step();
    order.push(f.group(ada, &[bob]).await);
    step();
    order.push(f.channel(id, ada, "other", Access::Public).await);
    step();
    f.send(ada, order[0], "to the top").await;
    step();
    f.send(ada, order[1], "above that").await;
    let order = [order[1], order[0], order[3], order[2]];
    let inbox = async |archived, after: Option<(Timestamp, ConversationId)>, limit| {
        let page = Inbox { user: bob, after, archived, limit };
        f.stores.conversations.inbox(&page).await.unwrap()
    };
    let ids = |entries: &[InboxEntry]| entries.iter().map(|entry| entry.conversation.id).collect::<Vec<_>>();
    assert_eq!(ids(&inbox(None, None, 10).await), order);
    for limit in 1..4 {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = inbox(None, after, limit).await;
            found.extend(ids(&page));
            let Some(last) = page.last() else { break };
            after = Some((last.conversation.updated_at, last.conversation.id));
        }
        assert_eq!(found, order, "{limit} at a time");
    }
    let away = MemberSettingsChange { archived: Some(true), ..MemberSettingsChange::default() };
    for id in [order[0], order[3]] {
        f.stores.conversations.set_settings(id, bob, &away).await.unwrap().unwrap();
    }
    assert_eq!(ids(&inbox(Some(true), None, 10).await), [order[0], order[3]]);
    assert_eq!(ids(&inbox(Some(false), None, 10).await), [order[1], order[2]]);
    let hide = MemberSettingsChange { hidden: Some(true), ..MemberSettingsChange::default() };
    f.stores.conversations.set_settings(order[2], bob, &hide).await.unwrap().unwrap();
    assert_eq!(ids(&inbox(Some(false), None, 10).await), [order[1]]);
    let heads: BTreeSet<_> =
        f.stores.conversations.heads(bob).await.unwrap().iter().map(|head| head.conversation).collect();
    assert_eq!(heads, order.into_iter().chain([id]).collect());
}

pub async fn what_is_deleted_is_left_and_then_erased_in_steps(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob, cem]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let other = f.community(ada, "Another", &[bob]).await;
    for n in 0..5 {
        let message = f.send(bob, general, &format!("message {n}")).await;
        let (message, text) = (message.id, MessageText::parse("something else").unwrap());
        let action = MessageAction::Edit { text, metadata: None };
        let change = MessageChange {
            conversation: general,
            message,
            by: bob,
            action,
            mentions: Mentions::default(),
            now: f.now(),
        };
        f.stores.messages.change(&change).await.unwrap();
    }
    assert_eq!(f.stores.communities.expel(id, 10).await.unwrap(), []);
    assert_eq!(f.stores.communities.erase(general, f.now(), 10).await.unwrap(), 0);
    let deleted = f.stores.communities.delete(id, ada, f.now()).await.unwrap().unwrap();
    assert_eq!(deleted, [id, general]);
    assert_eq!(f.stores.communities.find(id).await.unwrap(), None);
    assert_eq!(f.stores.communities.channels(id).await.unwrap(), []);
    assert_eq!(f.refuse_community(id, ada, rename("Back")).await, CommunityRefusal::NotFound);
    assert_eq!(f.refuse_channel(general, ada, open(Access::Private)).await, CommunityRefusal::NotFound);
    let listed: BTreeSet<_> = f.stores.communities.deleted(10).await.unwrap().into_iter().collect();
    assert_eq!(listed, [id, general].into());
    // Nothing is erased that somebody can read.
    assert_eq!(f.stores.communities.erase(general, f.now(), 10).await.unwrap(), 0);
    let mut gone = Vec::new();
    for place in [id, general] {
        loop {
            let moves = f.stores.communities.expel(place, 2).await.unwrap();
            assert!(moves.len() <= 2 && moves.iter().all(|moved| moved.member.is_none()));
            if moves.is_empty() {
                break;
            }
            gone.extend(moves.into_iter().map(|moved| (moved.conversation, moved.user)));
        }
    }
    assert_eq!(gone.len(), 6);
    assert_eq!(entry(f, general, bob).await, None);
    let late = f.stores.messages.append(&f.make_message(bob, general, "late", None)).await.unwrap();
    assert_eq!(late, AppendOutcome::NotAMember);
    let mut erased = 0;
    loop {
        let count = f.stores.communities.erase(general, f.now(), 2).await.unwrap();
        assert!(count <= 2);
        if count == 0 {
            break;
        }
        erased += count;
    }
    // With what tells that it was made; one store keeps the places that changed messages have left.
    assert!(erased >= 6, "{erased}");
    assert_eq!(f.stores.messages.page(general, Window::Newest, 10).await.unwrap(), []);
    // What may still come finds the conversation.
    assert!(f.stores.communities.deleted(10).await.unwrap().contains(&general));
    f.clock.advance(std::time::Duration::from_secs(1));
    for place in [general, id] {
        while f.stores.communities.erase(place, f.now(), 10).await.unwrap() > 0 {}
    }
    assert_eq!(f.stores.communities.deleted(10).await.unwrap(), []);
    assert_eq!(members(f, other).await, [ada, bob].into());
    assert_eq!(f.stores.communities.of(bob, None, 10).await.unwrap(), [other]);
}
