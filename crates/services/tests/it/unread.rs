//! What is unread, after any history: the counts in each conversation and in all, as they are read and as they are told,
//! against a model that counts the slow way.

use std::collections::{HashMap, HashSet};

use parlor_domain::{
    ConversationId, Entropy as _, MemberRole, MemberSettingsChange, MentionedRole, MessageAction, MessageId,
    MessageText, ReceiptKind, SeededEntropy, Seq, Timestamp, Unread, UnreadTotals, UserId,
};
use parlor_services::{Caller, ServiceError};

use crate::support::{Reader, World};

/// Histories that are tried; `PARLOR_TEST_SEED` names another one.
const SEEDS: [u64; 3] = [1, 2, 3];
/// How long each is.
const STEPS: usize = 100;
const NAMES: [&str; 4] = ["ada", "bob", "cem", "dan"];

/// Whom a message means, by what stood in its text.
#[derive(Clone, Default)]
struct Meant {
    users: HashSet<UserId>,
    everyone: bool,
    admins: bool,
}

struct Entry {
    id: Option<MessageId>,
    sender: UserId,
    /// Whether it is a message that is not deleted.
    counts: bool,
    meant: Meant,
}

struct Place {
    role: Option<MemberRole>,
    read: usize,
    muted: bool,
    archived: bool,
}

/// A conversation, as it should be.
struct Model {
    id: ConversationId,
    log: Vec<Entry>,
    places: HashMap<UserId, Place>,
}

impl Model {
    fn new(id: ConversationId, members: impl Iterator<Item = (UserId, Option<MemberRole>)>) -> Self {
        let place = |role| Place { role, read: 0, muted: false, archived: false };
        Self { id, log: Vec::new(), places: members.map(|(user, role)| (user, place(role))).collect() }
    }

    /// What the server notes. Who has done it has read it.
    fn note(&mut self, by: UserId) {
        self.log.push(Entry { id: None, sender: by, counts: false, meant: Meant::default() });
        if let Some(place) = self.places.get_mut(&by) {
            place.read = self.log.len();
        }
    }

    fn unread(&self, user: UserId, blocks: &HashSet<(UserId, UserId)>) -> Unread {
        let place = &self.places[&user];
        let is_admin = place.role.is_some_and(|role| MentionedRole::Admins.includes(role));
        let mut unread = Unread::default();
        for entry in self.log[place.read..].iter().filter(|entry| entry.counts) {
            let Meant { users, everyone, admins } = &entry.meant;
            let is_meant = users.contains(&user) || *everyone || (*admins && is_admin);
            unread.messages += 1;
            unread.mentions += u64::from(is_meant && !blocks.contains(&(user, entry.sender)));
        }
        unread
    }
}

/// Two devices of a user.
struct Person {
    caller: Caller,
    devices: [Reader; 2],
}

struct History<'a> {
    world: &'a World,
    people: Vec<Person>,
    /// A direct conversation of the first two, and a group of all.
    models: [Model; 2],
    /// Who blocks whom.
    blocks: HashSet<(UserId, UserId)>,
    random: SeededEntropy,
    at: String,
}

impl<'a> History<'a> {
    async fn new(world: &'a World, seed: u64) -> Self {
        let mut people = Vec::new();
        for name in NAMES {
            let caller = world.user(name).await;
            people.push(Person { caller, devices: [world.connect(caller).await, world.connect(caller).await] });
        }
        let callers: Vec<Caller> = people.iter().map(|person| person.caller).collect();
        let direct = world.services.conversations.open_direct(callers[0], callers[1].user).await.unwrap();
        let group = world.group(callers[0], &callers[1..]).await;
        let role = |n| if n == 0 { MemberRole::Owner } else { MemberRole::Member };
        let roles = callers.iter().enumerate().map(|(n, caller)| (caller.user, Some(role(n))));
        let mut group = Model::new(group, roles);
        group.note(callers[0].user);
        let pair = callers[..2].iter().map(|caller| (caller.user, None));
        let models = [Model::new(direct.view.conversation.id, pair), group];
        let random = SeededEntropy::new(seed);
        Self { world, people, models, blocks: HashSet::new(), random, at: String::new() }
    }

    fn below(&self, bound: usize) -> usize {
        let mut random = [0; 2];
        self.random.fill(&mut random);
        usize::from(u16::from_be_bytes(random)) % bound
    }

    fn user(&self, n: usize) -> UserId {
        self.people[n].caller.user
    }

    /// A text that calls some, and whom it should mean.
    fn text(&self, which: usize, by: UserId) -> (MessageText, Meant) {
        let model = &self.models[which];
        let (mut text, mut meant) = (self.at.clone(), Meant::default());
        for (n, name) in NAMES.iter().enumerate().filter(|_| self.below(3) == 0) {
            text.push_str(&format!(" @{name}"));
            let user = self.user(n);
            if user != by && model.places.contains_key(&user) && !self.blocks.contains(&(user, by)) {
                meant.users.insert(user);
            }
        }
        let may_call_all = model.places[&by].role.is_some_and(MemberRole::mentions_all);
        for (word, means) in [("@everyone", &mut meant.everyone), ("@admins", &mut meant.admins)] {
            if self.below(4) == 0 {
                text.push_str(&format!(" {word}"));
                *means = may_call_all;
            }
        }
        (MessageText::parse(&text).unwrap(), meant)
    }

    async fn step(&mut self, n: usize) {
        self.at = format!("step {n}");
        let (which, who) = (self.below(2), self.below(NAMES.len()));
        if !self.models[which].places.contains_key(&self.user(who)) {
            return;
        }
        match self.below(16) {
            0..6 => self.send(which, who).await,
            6..8 => self.change(which, who).await,
            8..12 => self.read(which, who).await,
            12 => self.set(which, who).await,
            13 => self.block().await,
            14 => self.come_or_go(2 + self.below(2)).await,
            _ => self.set_role(1 + self.below(3)).await,
        }
    }

    async fn send(&mut self, which: usize, who: usize) {
        let caller = self.people[who].caller;
        let (text, meant) = self.text(which, caller.user);
        let sent = self.world.send(caller, self.models[which].id, text.as_str()).await.unwrap();
        let model = &mut self.models[which];
        model.log.push(Entry { id: Some(sent.message.message.id), sender: caller.user, counts: true, meant });
        model.places.get_mut(&caller.user).unwrap().read = model.log.len();
    }

    /// Edits or deletes some message, if he may.
    async fn change(&mut self, which: usize, who: usize) {
        let caller = self.people[who].caller;
        let place = self.below(self.models[which].log.len().max(1));
        let Some(Entry { id: Some(id), counts: true, .. }) = self.models[which].log.get(place) else { return };
        let (text, meant) = self.text(which, caller.user);
        let edits = self.below(2) == 0;
        let action = if edits { MessageAction::Edit { text, metadata: None } } else { MessageAction::Delete };
        let outcome = self.world.services.messages.change(caller, self.models[which].id, *id, action).await;
        match outcome {
            Ok(_) if edits => self.models[which].log[place].meant = meant,
            Ok(_) => self.models[which].log[place].counts = false,
            Err(ServiceError::NotPermitted) => {}
            Err(error) => panic!("{}: {error:?}", self.at),
        }
    }

    /// Reads as far as some message on one device. All of his devices are told what is left.
    async fn read(&mut self, which: usize, who: usize) {
        let Person { caller, .. } = self.people[who];
        let (id, to) = (self.models[which].id, self.below(self.models[which].log.len() + 1));
        let conversations = &self.world.services.conversations;
        let told = conversations.advance_receipt(caller, id, ReceiptKind::Read, Seq::new(to as u64)).await.unwrap();
        let place = self.models[which].places.get_mut(&caller.user).unwrap();
        let moved = to > place.read;
        place.read = place.read.max(to);
        let unread = self.models[which].unread(caller.user, &self.blocks);
        assert_eq!(told.unread, Some(unread), "the answer to a receipt: {}", self.at);
        if !moved {
            return;
        }
        let text = format!("receipt {} read {to} delivered {to} unread {:?}", caller.user, Some(unread.messages));
        let mentions = if unread.mentions > 0 { format!(" mentions {}", unread.mentions) } else { String::new() };
        for device in &mut self.people[who].devices {
            device.until(&format!("{text}{mentions}@")).await;
        }
    }

    async fn set(&mut self, which: usize, who: usize) {
        let caller = self.people[who].caller;
        let (muted, archived) = (self.below(2) == 0, self.below(2) == 0);
        let change = MemberSettingsChange {
            muted_until: Some(muted.then_some(Timestamp::MAX)),
            archived: Some(archived),
            ..Default::default()
        };
        let id = self.models[which].id;
        self.world.services.conversations.set_settings(caller, id, change).await.unwrap();
        let place = self.models[which].places.get_mut(&caller.user).unwrap();
        (place.muted, place.archived) = (muted, archived);
    }

    /// The third blocks the second, or the fourth the third; or no longer.
    async fn block(&mut self) {
        let by = 2 + self.below(2);
        let (caller, other) = (self.people[by].caller, self.user(by - 1));
        if self.blocks.remove(&(caller.user, other)) {
            self.world.services.relations.unblock(caller, other).await.unwrap();
        } else {
            self.world.services.relations.block(caller, other).await.unwrap();
            self.blocks.insert((caller.user, other));
        }
    }

    async fn come_or_go(&mut self, who: usize) {
        let (owner, user, id) = (self.people[0].caller, self.user(who), self.models[1].id);
        let groups = &self.world.services.groups;
        let model = &mut self.models[1];
        if model.places.remove(&user).is_some() {
            groups.remove(owner, id, user).await.unwrap();
        } else {
            groups.add(owner, id, vec![user]).await.unwrap();
            let place = Place { role: Some(MemberRole::Member), read: model.log.len(), muted: false, archived: false };
            model.places.insert(user, place);
        }
        model.note(owner.user);
    }

    async fn set_role(&mut self, who: usize) {
        let (owner, user, id) = (self.people[0].caller, self.user(who), self.models[1].id);
        let Some(place) = self.models[1].places.get_mut(&user) else { return };
        let role = if place.role == Some(MemberRole::Admin) { MemberRole::Member } else { MemberRole::Admin };
        place.role = Some(role);
        self.world.services.groups.set_role(owner, id, user, role).await.unwrap();
        self.models[1].note(owner.user);
    }

    /// Whether everything that is counted is what the model counts.
    async fn check(&self) {
        let conversations = &self.world.services.conversations;
        for Person { caller, .. } in &self.people {
            let (user, mut totals) = (caller.user, UnreadTotals::default());
            let inbox = conversations.inbox(*caller, None, None, 10).await.unwrap().items;
            let mut listed: HashMap<_, _> = inbox.into_iter().map(|view| (view.conversation.id, view.unread)).collect();
            for model in self.models.iter().filter(|model| model.places.contains_key(&user)) {
                let (expected, place) = (model.unread(user, &self.blocks), &model.places[&user]);
                assert_eq!(listed.remove(&model.id), Some(expected), "in the list: {}", self.at);
                assert_eq!(conversations.find(*caller, model.id).await.unwrap().unread, expected, "{}", self.at);
                let sum = match place {
                    Place { archived: true, .. } => &mut totals.archived,
                    Place { muted: true, .. } => &mut totals.muted,
                    Place { .. } => &mut totals.listed,
                };
                sum.conversations += u64::from(expected.messages > 0);
                sum.unread.messages += expected.messages;
                sum.unread.mentions += expected.mentions;
            }
            assert!(listed.is_empty(), "he is not in {listed:?}: {}", self.at);
            assert_eq!(conversations.unread(*caller).await.unwrap(), totals, "in all: {}", self.at);
        }
    }
}

#[tokio::test]
async fn after_any_history_what_is_unread_is_what_a_model_counts() {
    let named = std::env::var("PARLOR_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = named.map_or_else(|| SEEDS.to_vec(), |seed| vec![seed]);
    for seed in seeds {
        let world = World::new().await;
        let mut history = History::new(&world, seed).await;
        for n in 0..STEPS {
            history.step(n).await;
            history.at = format!("seed {seed}, {}", history.at);
            history.check().await;
        }
    }
}
