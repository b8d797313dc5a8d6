//! Communities and channels: who comes into what, what they are called, and what becomes of those that are deleted.

use std::collections::BTreeSet;

use parlor_domain::{
    Access, Category, ChannelAction, ChannelChange, ChannelTraits, CommunityAction, CommunityChange, CommunityRefusal,
    CommunityTraits, Content, Conversation, ConversationId, ConversationName, Description, GroupAction, MemberRole,
    Message, MessageId, NewChannel, NewCommunity, Rev, Seq, Shape, StatusKind, SystemAction, UserId, UserTopic,
    store::{AppendOutcome, CommunityChanged, CommunityDirectory, CommunityOutcome, InboxEntry, MembersPage, Window},
};
use tokio::task::JoinSet;

use super::Fixture;

const ROOM: u32 = 1000;

pub(super) fn name(text: &str) -> ConversationName {
    ConversationName::parse(text).unwrap()
}

pub(super) fn changed(outcome: CommunityOutcome) -> CommunityChanged {
    match outcome {
        CommunityOutcome::Changed(changed) => *changed,
        refused @ CommunityOutcome::Refused(_) => panic!("{refused:?}"),
    }
}

fn refused(outcome: CommunityOutcome) -> CommunityRefusal {
    match outcome {
        CommunityOutcome::Refused(refusal) => refusal,
        changed @ CommunityOutcome::Changed(_) => panic!("{changed:?}"),
    }
}

impl Fixture {
    pub(super) fn make_community(&self, creator: UserId, text: &str) -> NewCommunity {
        let id = ConversationId::generate(&self.clock, &self.entropy);
        NewCommunity {
            id,
            creator,
            name: name(text),
            description: None,
            traits: CommunityTraits { category: None, access: Access::Public },
            at_most: ROOM,
            message: MessageId::unnamed(id, &self.entropy),
            now: self.now(),
        }
    }

    /// A public community with these members.
    pub(crate) async fn community(&self, creator: UserId, text: &str, members: &[UserId]) -> ConversationId {
        let new = self.make_community(creator, text);
        changed(self.stores.communities.create(&new).await.unwrap());
        for member in members {
            self.join(new.id, *member).await;
        }
        new.id
    }

    pub(super) fn make_channel(
        &self,
        community: ConversationId,
        creator: UserId,
        text: &str,
        access: Access,
    ) -> NewChannel {
        let id = ConversationId::generate(&self.clock, &self.entropy);
        NewChannel {
            id,
            creator,
            name: name(text),
            description: None,
            traits: ChannelTraits { community, position: 0, access },
            at_most: ROOM,
            message: MessageId::unnamed(id, &self.entropy),
            now: self.now(),
        }
    }

    pub(crate) async fn channel(
        &self,
        community: ConversationId,
        creator: UserId,
        text: &str,
        access: Access,
    ) -> ConversationId {
        let new = self.make_channel(community, creator, text, access);
        changed(self.stores.communities.create_channel(&new).await.unwrap());
        new.id
    }

    pub(super) fn community_change(
        &self,
        community: ConversationId,
        actor: UserId,
        action: CommunityAction,
    ) -> CommunityChange {
        let messages = [(); 4].map(|()| MessageId::unnamed(community, &self.entropy));
        CommunityChange { community, actor, action, communities: ROOM, messages, now: self.now() }
    }

    pub(crate) async fn change_community(
        &self,
        id: ConversationId,
        actor: UserId,
        action: CommunityAction,
    ) -> CommunityChanged {
        changed(self.stores.communities.change(&self.community_change(id, actor, action)).await.unwrap())
    }

    pub(super) async fn refuse_community(
        &self,
        id: ConversationId,
        actor: UserId,
        action: CommunityAction,
    ) -> CommunityRefusal {
        refused(self.stores.communities.change(&self.community_change(id, actor, action)).await.unwrap())
    }

    pub(super) async fn join(&self, id: ConversationId, user: UserId) -> CommunityChanged {
        self.change_community(id, user, CommunityAction::Join { at_most: ROOM }).await
    }

    pub(super) fn channel_change(
        &self,
        channel: ConversationId,
        actor: UserId,
        action: ChannelAction,
    ) -> ChannelChange {
        let messages = [(); 4].map(|()| MessageId::unnamed(channel, &self.entropy));
        ChannelChange { channel, actor, action, messages, now: self.now() }
    }

    pub(crate) async fn change_channel(
        &self,
        id: ConversationId,
        actor: UserId,
        action: ChannelAction,
    ) -> CommunityChanged {
        changed(self.stores.communities.change_channel(&self.channel_change(id, actor, action)).await.unwrap())
    }

    pub(super) async fn refuse_channel(
        &self,
        id: ConversationId,
        actor: UserId,
        action: ChannelAction,
    ) -> CommunityRefusal {
        refused(self.stores.communities.change_channel(&self.channel_change(id, actor, action)).await.unwrap())
    }
}

pub(super) async fn three(f: &Fixture) -> [UserId; 3] {
    [f.user("ada").await, f.user("bob").await, f.user("cem").await]
}

pub(super) async fn entry(f: &Fixture, id: ConversationId, user: UserId) -> Option<InboxEntry> {
    f.stores.conversations.find(id, user).await.unwrap()
}

/// Who is in a conversation, whichever way one asks.
pub(super) async fn members(f: &Fixture, id: ConversationId) -> BTreeSet<UserId> {
    let page = MembersPage { conversation: id, after: None, limit: 1000 };
    let all: BTreeSet<UserId> =
        f.stores.groups.members(&page).await.unwrap().iter().map(|member| member.user_id).collect();
    for user in &all {
        let entry = entry(f, id, *user).await.unwrap();
        assert_eq!(entry.conversation.member_count as usize, all.len());
        assert_eq!(entry.others.len() + 1, all.len());
    }
    all
}

pub(super) async fn role(f: &Fixture, id: ConversationId, user: UserId) -> Option<MemberRole> {
    f.stores.conversations.member(id, user).await.unwrap().map(|member| member.role.unwrap())
}

pub(super) async fn actions(f: &Fixture, id: ConversationId) -> Vec<SystemAction> {
    let log = f.stores.messages.page(id, Window::After(Seq::ZERO), 1000).await.unwrap();
    log.iter().filter_map(action).collect()
}

pub(super) fn action(message: &Message) -> Option<SystemAction> {
    match &message.content {
        Content::System(event) => Some(event.action),
        Content::Text(_) | Content::Deleted(_) => None,
    }
}

pub(super) async fn topics(f: &Fixture, user: UserId) -> Vec<ConversationId> {
    let log = f.stores.conversations.user_changes(user, Rev::ZERO, 1000).await.unwrap();
    assert_eq!(log.head, f.stores.users.rev(user).await.unwrap());
    let ids = log.changes.iter().filter_map(|change| match change.topic {
        UserTopic::Conversation(id) => Some(id),
        _ => None,
    });
    ids.collect()
}

pub(super) fn remove(user: UserId) -> CommunityAction {
    CommunityAction::Group(GroupAction::Remove(user))
}

pub(super) fn promote(user: UserId, role: MemberRole) -> CommunityAction {
    CommunityAction::Group(GroupAction::SetRole { user, role })
}

pub(super) fn describe() -> (Option<ConversationName>, Option<Option<Description>>) {
    (None, None)
}

pub(super) fn open(access: Access) -> ChannelAction {
    let (name, description) = describe();
    ChannelAction::Describe { name, description, position: None, access: Some(access) }
}

pub(super) fn rename(text: &str) -> CommunityAction {
    CommunityAction::Describe { name: Some(name(text)), description: None, category: None, access: None }
}

fn close() -> CommunityAction {
    CommunityAction::Describe { name: None, description: None, category: None, access: Some(Access::Private) }
}

pub async fn a_community_begins_with_its_owner_and_what_tells_of_it(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let new = NewCommunity {
        description: Description::parse("for knights").unwrap(),
        traits: CommunityTraits { category: Category::parse("Tables").ok(), access: Access::Private },
        ..f.make_community(ada, "Round table")
    };
    let made = changed(f.stores.communities.create(&new).await.unwrap());
    assert_eq!(made.conversation, Conversation { last_seq: Seq::new(1), rev: Rev::new(1), ..new.conversation() });
    let entry = entry(f, new.id, ada).await.unwrap();
    assert_eq!((&entry.conversation, entry.me.role), (&made.conversation, Some(MemberRole::Owner)));
    assert_eq!((entry.me.read_seq, entry.unread.messages), (Seq::new(1), 0));
    assert_eq!(made.moves.iter().map(|moved| (moved.user, moved.rev)).collect::<Vec<_>>(), [(ada, Rev::new(1))]);
    assert_eq!(topics(f, ada).await, [new.id]);
    assert_eq!(actions(f, new.id).await, [SystemAction::CommunityCreated]);
    let found = f.stores.communities.find(new.id).await.unwrap().unwrap();
    assert_eq!((found.name, found.traits), (Some(new.name.clone()), new.conversation().traits));
    assert_eq!(f.stores.conversations.shape(new.id).await.unwrap(), Some(Shape::Community));
    assert_eq!(self::entry(f, new.id, bob).await, None);
    let nobody = NewCommunity { creator: UserId::from_bytes([9; 12]), ..f.make_community(ada, "Nobody's") };
    let refusal = refused(f.stores.communities.create(&nobody).await.unwrap());
    assert_eq!(refusal, CommunityRefusal::UnknownUsers(vec![nobody.creator]));
}

pub async fn a_name_is_one_however_it_is_written(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let first = f.community(ada, "Straße ﬁne", &[]).await;
    for same in ["STRAßE FINE", " straße   fine ", "Straße ｆｉｎｅ"] {
        let outcome = f.stores.communities.create(&f.make_community(bob, same)).await.unwrap();
        assert_eq!(refused(outcome), CommunityRefusal::NameTaken, "{same}");
    }
    let second = f.community(bob, "Another", &[]).await;
    assert_eq!(f.refuse_community(second, bob, rename("straße fine")).await, CommunityRefusal::NameTaken);
    // One's own may be written otherwise.
    f.change_community(first, ada, rename("STRAßE FINE")).await;
    f.change_community(first, ada, rename("Elsewhere")).await;
    f.change_community(second, bob, rename("straße fine")).await;
    let general = f.channel(first, ada, "General", Access::Public).await;
    f.channel(second, bob, "general", Access::Public).await;
    let outcome = f.stores.communities.create_channel(&f.make_channel(first, ada, "GENERAL", Access::Private)).await;
    assert_eq!(refused(outcome.unwrap()), CommunityRefusal::NameTaken);
    let other = f.channel(first, ada, "other", Access::Public).await;
    let (_, description) = describe();
    let rename = |text: &str| ChannelAction::Describe {
        name: Some(name(text)),
        description: description.clone(),
        position: None,
        access: None,
    };
    assert_eq!(f.refuse_channel(other, ada, rename("general")).await, CommunityRefusal::NameTaken);
    f.change_channel(general, ada, ChannelAction::Delete).await;
    f.change_channel(other, ada, rename("general")).await;
    assert!(f.stores.communities.delete(first, ada, f.now()).await.unwrap().is_ok());
    f.community(ada, "elsewhere", &[]).await;
}

pub async fn who_joins_is_in_every_public_channel_and_has_read_what_was_there(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let council = f.channel(id, ada, "council", Access::Private).await;
    f.send(ada, general, "long ago").await;
    f.set_status(bob, StatusKind::Busy).await;
    let joined = f.join(id, bob).await;
    let moved: Vec<_> = joined.moves.iter().map(|moved| (moved.user, moved.conversation, moved.rev.get())).collect();
    // The status has taken the first.
    assert_eq!(moved, [(bob, id, 2), (bob, general, 3)]);
    assert_eq!(joined.messages.iter().filter_map(action).collect::<Vec<_>>(), [SystemAction::MemberJoined]);
    assert_eq!(members(f, general).await, [ada, bob].into());
    assert_eq!(members(f, council).await, [ada].into());
    assert_eq!(topics(f, bob).await, [id, general]);
    let entry = entry(f, general, bob).await.unwrap();
    assert_eq!((entry.me.role, entry.unread.messages, entry.me.read_seq), (Some(MemberRole::Member), 0, Seq::new(2)));
    assert_eq!((entry.me.joined_rev, entry.me.held_from), (Rev::new(2), Some(Rev::new(2))));
    assert_eq!(joined.moves[1].member.as_ref(), Some(&entry.me));
    f.send(bob, general, "hello").await;
    // Again changes nothing.
    let again = f.join(id, bob).await;
    assert_eq!((again.messages.len(), again.moves.len()), (0, 0));
    let add = CommunityAction::Group(GroupAction::Add { users: vec![cem, bob], at_most: ROOM });
    f.change_community(id, ada, add).await;
    assert_eq!(members(f, general).await, [ada, bob, cem].into());
    assert_eq!(actions(f, id).await[1..], [SystemAction::MemberJoined, SystemAction::MembersAdded]);
    assert_eq!(f.stores.conversations.shape(general).await.unwrap(), Some(Shape::Channel(id)));
}

pub async fn who_goes_is_out_of_every_channel(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob, cem]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let council = f.channel(id, ada, "council", Access::Private).await;
    f.change_channel(council, ada, ChannelAction::Add(vec![bob])).await;
    f.send(bob, council, "before").await;
    let gone = f.change_community(id, ada, remove(bob)).await;
    let left: BTreeSet<_> = gone.moves.iter().map(|moved| (moved.user, moved.conversation)).collect();
    assert_eq!(left, [(bob, id), (bob, general), (bob, council)].into());
    assert!(gone.moves.iter().all(|moved| moved.member.is_none()));
    for place in [id, general, council] {
        assert_eq!(entry(f, place, bob).await, None);
        let late = f.stores.messages.append(&f.make_message(bob, place, "after", None)).await.unwrap();
        assert_eq!(late, AppendOutcome::NotAMember);
        assert!(!members(f, place).await.contains(&bob));
    }
    assert!(f.stores.conversations.heads(bob).await.unwrap().is_empty());
    assert!(f.stores.communities.of(bob, None, 10).await.unwrap().is_empty());
    // An owner who leaves hands over, also in the channels.
    f.change_community(id, ada, remove(ada)).await;
    assert_eq!(role(f, id, cem).await, Some(MemberRole::Owner));
    assert_eq!(role(f, general, cem).await, Some(MemberRole::Owner));
    assert_eq!(members(f, council).await, [cem].into());
}

pub async fn what_is_refused_changes_nothing(f: &Fixture) {
    let [ada, bob, cem] = three(f).await;
    let id = f.community(ada, "Round table", &[bob]).await;
    let general = f.channel(id, ada, "general", Access::Public).await;
    let before = (actions(f, id).await, actions(f, general).await, topics(f, ada).await, topics(f, cem).await);
    assert_eq!(f.refuse_community(id, bob, rename("Mine")).await, CommunityRefusal::NotPermitted);
    assert_eq!(f.refuse_community(id, cem, rename("Mine")).await, CommunityRefusal::NotFound);
    assert_eq!(f.refuse_community(id, bob, remove(ada)).await, CommunityRefusal::NotPermitted);
    assert_eq!(f.refuse_community(id, ada, remove(cem)).await, CommunityRefusal::NoSuchMember);
    assert_eq!(f.refuse_community(general, ada, remove(bob)).await, CommunityRefusal::NotFound);
    let join = |at_most| CommunityAction::Join { at_most };
    assert_eq!(f.refuse_community(id, cem, join(2)).await, CommunityRefusal::TooManyMembers);
    let enough = CommunityChange { communities: 0, ..f.community_change(id, cem, join(ROOM)) };
    let outcome = f.stores.communities.change(&enough).await.unwrap();
    assert_eq!(refused(outcome), CommunityRefusal::TooManyCommunities);
    let enough = NewCommunity { at_most: 1, ..f.make_community(ada, "One more") };
    let outcome = f.stores.communities.create(&enough).await.unwrap();
    assert_eq!(refused(outcome), CommunityRefusal::TooManyCommunities);
    let channel = |by| f.make_channel(id, by, "another", Access::Public);
    for (new, refusal) in [
        (channel(bob), CommunityRefusal::NotPermitted),
        (channel(cem), CommunityRefusal::NotFound),
        (NewChannel { at_most: 1, ..channel(ada) }, CommunityRefusal::TooManyChannels),
    ] {
        assert_eq!(refused(f.stores.communities.create_channel(&new).await.unwrap()), refusal);
    }
    assert_eq!(f.refuse_channel(general, bob, ChannelAction::Delete).await, CommunityRefusal::NotPermitted);
    assert_eq!(f.refuse_channel(general, cem, ChannelAction::Delete).await, CommunityRefusal::NotFound);
    assert_eq!(f.refuse_channel(id, ada, ChannelAction::Delete).await, CommunityRefusal::NotFound);
    for (by, refusal) in [(bob, CommunityRefusal::NotPermitted), (cem, CommunityRefusal::NotFound)] {
        assert_eq!(f.stores.communities.delete(id, by, f.now()).await.unwrap(), Err(refusal));
    }
    f.change_community(id, ada, close()).await;
    assert_eq!(f.refuse_community(id, cem, join(ROOM)).await, CommunityRefusal::NotFound);
    let mut after = (actions(f, id).await, actions(f, general).await, topics(f, ada).await, topics(f, cem).await);
    assert_eq!(after.0.pop(), Some(SystemAction::AccessChanged));
    assert_eq!(after, before);
}

pub async fn the_directory_shows_public_communities_by_name(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    for text in ["Alpha", "alpine", "Béta", "Alphabet"] {
        f.community(ada, text, &[]).await;
    }
    let hidden = f.community(bob, "Alps", &[]).await;
    f.change_community(hidden, bob, close()).await;
    let gone = f.community(bob, "Almost", &[]).await;
    assert!(f.stores.communities.delete(gone, bob, f.now()).await.unwrap().is_ok());
    let category = Category::parse("Ｌetters").ok();
    let lettered = NewCommunity {
        traits: CommunityTraits { category: category.clone(), access: Access::Public },
        ..f.make_community(bob, "Alif")
    };
    changed(f.stores.communities.create(&lettered).await.unwrap());
    let find = async |prefix: &str, category: Option<Category>, after: Option<&str>, limit| {
        let page = CommunityDirectory {
            prefix: parlor_domain::name_key(prefix),
            category,
            after: after.map(str::to_owned),
            limit,
        };
        let found = f.stores.communities.directory(&page).await.unwrap();
        found.iter().map(|community| community.name.as_ref().unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(find("", None, None, 10).await, ["Alif", "Alpha", "Alphabet", "alpine", "Béta"]);
    assert_eq!(find("ALPH", None, None, 10).await, ["Alpha", "Alphabet"]);
    assert_eq!(find("al", None, Some("alif"), 2).await, ["Alpha", "Alphabet"]);
    assert_eq!(find("al", None, Some("alphabet"), 2).await, ["alpine"]);
    assert_eq!(find("bÉ", None, None, 10).await, ["Béta"]);
    assert_eq!(find("", Category::parse("letters").ok(), None, 10).await, ["Alif"]);
    assert_eq!(find("b", category, None, 10).await, [""; 0]);
    assert_eq!(find(".*", None, None, 10).await, [""; 0]);
    assert_eq!(find("", None, None, 0).await, [""; 0]);
}

pub async fn of_many_who_join_at_once_each_is_counted_and_in_every_channel(f: &Fixture) {
    const USERS: usize = 8;
    let ada = f.user("ada").await;
    let id = f.community(ada, "Round table", &[]).await;
    let channels = [f.channel(id, ada, "a", Access::Public).await, f.channel(id, ada, "b", Access::Public).await];
    let (mut joins, mut users) = (JoinSet::new(), BTreeSet::from([ada]));
    for n in 0..USERS {
        let user = f.user(&format!("user{n}")).await;
        users.insert(user);
        let (stores, at_most) = (f.stores.clone(), u32::try_from(USERS).unwrap());
        let change = f.community_change(id, user, CommunityAction::Join { at_most });
        joins.spawn(async move { stores.communities.change(&change).await.unwrap() });
    }
    for n in 0..10 {
        f.send(ada, channels[0], &format!("meanwhile {n}")).await;
    }
    let outcomes = joins.join_all().await;
    let refusals = outcomes.iter().filter(|outcome| matches!(outcome, CommunityOutcome::Refused(_))).count();
    // One of them is the owner.
    assert_eq!(refusals, 1);
    let here = members(f, id).await;
    assert_eq!(here.len(), USERS);
    for channel in channels {
        assert_eq!(members(f, channel).await, here);
    }
    let log = f.stores.messages.page(id, Window::After(Seq::ZERO), 100).await.unwrap();
    assert!(log.iter().map(|message| message.seq.get()).eq(1..=1 + USERS as u64 - 1));
}

pub async fn the_communities_of_a_user_are_paged_by_their_ids(f: &Fixture) {
    let [ada, bob, _] = three(f).await;
    let mut ids = Vec::new();
    for n in 0..5 {
        f.clock.advance(std::time::Duration::from_secs(1));
        ids.push(f.community(ada, &format!("Community {n}"), &[bob]).await);
        f.group(ada, &[bob]).await;
    }
    ids.sort_unstable();
    let of = async |after, limit| f.stores.communities.of(bob, after, limit).await.unwrap();
    assert_eq!(of(None, 10).await, ids);
    assert_eq!(of(None, 2).await, ids[..2]);
    assert_eq!(of(Some(ids[1]), 2).await, ids[2..4]);
    assert_eq!(of(Some(ids[4]), 2).await, []);
}

/// Communities for every statement to be planned with, and some for a database to be moved.
pub async fn furnish(f: &Fixture, owner: UserId, members: &[UserId]) {
    let id = f.community(owner, "Żółć society", &members[..1]).await;
    let category = Category::parse("Søren").ok();
    let described = CommunityAction::Describe {
        name: None,
        description: Some(Description::parse("first\nsecond").unwrap()),
        category: Some(category),
        access: Some(Access::Private),
    };
    let general = f.channel(id, owner, "general", Access::Public).await;
    let council = f.channel(id, owner, "Council", Access::Private).await;
    f.change_channel(council, owner, ChannelAction::Add(members[..1].to_vec())).await;
    f.send(members[0], council, "in private").await;
    f.send(owner, general, "to all").await;
    for member in &members[1..] {
        f.join(id, *member).await;
    }
    f.change_community(id, owner, described).await;
    let left = f.channel(id, owner, "left", Access::Public).await;
    f.send(owner, left, "to be erased").await;
    f.change_channel(left, owner, ChannelAction::Delete).await;
}
