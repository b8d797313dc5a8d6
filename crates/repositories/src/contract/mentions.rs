//! Mentions, and what members have not read.

use std::collections::HashMap;

use parlor_domain::{
    ConversationId, Entropy as _, GroupAction, MemberRole, MemberSettingsChange, MentionedRole, Mentions, Message,
    MessageAction, MessageChange, MessageId, MessageText, NewMessage, ReceiptKind, Seq, Timestamp, Unread, UnreadSum,
    UnreadTotals, UserId,
    store::{AppendOutcome, ChangeOutcome, Inbox, ReceiptAdvance, ReceiptOutcome, Window},
};

use super::{Fixture, relations::block};

fn of(users: &[UserId]) -> Mentions {
    Mentions { users: users.to_vec(), ..Mentions::default() }
}

fn everyone() -> Mentions {
    Mentions { everyone: true, ..Mentions::default() }
}

fn role(role: MentionedRole) -> Mentions {
    Mentions { roles: vec![role], ..Mentions::default() }
}

async fn send(f: &Fixture, from: UserId, to: ConversationId, mentions: Mentions) -> Message {
    let new = NewMessage { mentions, ..f.make_message(from, to, "hello", None) };
    match f.stores.messages.append(&new).await.unwrap() {
        AppendOutcome::Appended { message, .. } => message,
        other => panic!("{other:?}"),
    }
}

async fn edit(f: &Fixture, message: &Message, text: &str, mentions: Mentions) -> ChangeOutcome {
    let action = MessageAction::Edit { text: MessageText::parse(text).unwrap(), metadata: None };
    let (conversation, by) = (message.conversation_id, message.sender_id);
    let change = MessageChange { conversation, message: message.id, by, action, mentions, now: f.now() };
    f.stores.messages.change(&change).await.unwrap()
}

async fn read(f: &Fixture, user: UserId, conversation: ConversationId, seq: u64) -> Unread {
    let (seq, kind) = (Seq::new(seq), ReceiptKind::Read);
    let advance = ReceiptAdvance { conversation, user, kind, seq, shown: true };
    match f.stores.conversations.advance_receipt(&advance).await.unwrap() {
        ReceiptOutcome::Advanced { unread, .. } => unread,
        other => panic!("{other:?}"),
    }
}

async fn unread(f: &Fixture, user: UserId, id: ConversationId) -> Unread {
    let found = f.stores.conversations.find(id, user).await.unwrap().unwrap().unread;
    let inbox = Inbox { user, after: None, archived: None, limit: 10 };
    let listed = f.stores.conversations.inbox(&inbox).await.unwrap();
    let listed = listed.into_iter().find(|entry| entry.conversation.id == id).map(|entry| entry.unread);
    assert!(listed.is_none_or(|listed| listed == found), "{listed:?} in the list, {found:?} alone");
    found
}

async fn mentions(f: &Fixture, user: UserId, id: ConversationId) -> u64 {
    unread(f, user, id).await.mentions
}

/// A group of Ada, who owns it, Bob, who administers it, and Cem.
async fn trio(f: &Fixture) -> ([UserId; 3], ConversationId) {
    let users = [f.user("ada").await, f.user("bob").await, f.user("cem").await];
    let [ada, bob, cem] = users;
    let id = f.group(ada, &[bob, cem]).await;
    f.change_group(id, ada, GroupAction::SetRole { user: bob, role: MemberRole::Admin }).await;
    (users, id)
}

pub async fn a_mention_counts_for_whom_it_means_until_he_has_read_it(f: &Fixture) {
    let ([ada, bob, cem], id) = trio(f).await;
    let counts = async || [mentions(f, ada, id).await, mentions(f, bob, id).await, mentions(f, cem, id).await];
    let sent = send(f, cem, id, of(&[ada, bob])).await;
    assert_eq!(sent.marks.mentions, of(&[ada, bob]));
    let stored = f.stores.messages.find_many(&[sent.id]).await.unwrap();
    assert_eq!(stored, [sent]);
    assert_eq!(counts().await, [1, 1, 0]);
    // Who has written has read, also what mentions him.
    let all = Mentions { users: vec![cem, bob], everyone: true, roles: MentionedRole::ALL.to_vec() };
    let sent = send(f, ada, id, all.clone()).await;
    assert_eq!(f.stores.messages.find_many(&[sent.id]).await.unwrap()[0].marks.mentions, all);
    assert_eq!(counts().await, [0, 2, 1], "once, by however many words");
    assert_eq!(read(f, cem, id, sent.seq.get()).await, Unread::default());
    assert_eq!(read(f, bob, id, sent.seq.previous().get()).await, Unread { messages: 1, mentions: 1 });
    assert_eq!(counts().await, [0, 1, 0]);
}

pub async fn a_role_is_mentioned_for_whoever_has_it_now(f: &Fixture) {
    let ([ada, bob, cem], id) = trio(f).await;
    send(f, cem, id, role(MentionedRole::Owner)).await;
    send(f, cem, id, role(MentionedRole::Admins)).await;
    assert_eq!((mentions(f, ada, id).await, mentions(f, bob, id).await, mentions(f, cem, id).await), (2, 1, 0));
    f.change_group(id, ada, GroupAction::SetRole { user: bob, role: MemberRole::Member }).await;
    assert_eq!(mentions(f, bob, id).await, 0);
    send(f, cem, id, everyone()).await;
    assert_eq!((mentions(f, bob, id).await, mentions(f, cem, id).await), (1, 0));
}

pub async fn an_edit_mentions_anew_and_a_deleted_message_nobody(f: &Fixture) {
    let ([ada, bob, cem], id) = trio(f).await;
    let sent = send(f, ada, id, of(&[bob])).await;
    let ChangeOutcome::Changed(edited) = edit(f, &sent, "cem, I mean", of(&[cem])).await else { panic!() };
    assert_eq!(edited.marks.mentions, of(&[cem]));
    assert_eq!((mentions(f, bob, id).await, mentions(f, cem, id).await), (0, 1));
    let unchanged = edit(f, &sent, "cem, I mean", of(&[bob])).await;
    assert!(matches!(unchanged, ChangeOutcome::Unchanged(_)), "{unchanged:?}");
    assert_eq!((mentions(f, bob, id).await, mentions(f, cem, id).await), (0, 1));
    let action = MessageAction::Delete;
    let change = MessageChange {
        conversation: id,
        message: sent.id,
        by: ada,
        action,
        mentions: Mentions::default(),
        now: f.now(),
    };
    f.stores.messages.change(&change).await.unwrap();
    assert_eq!(mentions(f, cem, id).await, 0);
    let stored = f.stores.messages.find_many(&[sent.id]).await.unwrap();
    assert!(stored[0].marks.mentions.is_empty());
}

pub async fn who_is_blocked_mentions_nobody_who_blocks_him(f: &Fixture) {
    let ([ada, bob, cem], id) = trio(f).await;
    send(f, ada, id, everyone()).await;
    send(f, bob, id, of(&[cem])).await;
    block(f, cem, ada).await;
    assert_eq!(unread(f, cem, id).await, Unread { messages: 2, mentions: 1 });
    assert_eq!(f.stores.conversations.unread_totals(cem, f.now()).await.unwrap().listed.unread.mentions, 1);
    assert_eq!(mentions(f, bob, id).await, 0, "he has read what came before");
    f.stores.relations.unblock(cem, ada).await.unwrap();
    assert_eq!(mentions(f, cem, id).await, 2);
    block(f, ada, cem).await;
    assert_eq!(mentions(f, cem, id).await, 2, "a block of somebody else's");
}

pub async fn members_are_found_by_their_names(f: &Fixture) {
    let ([ada, _, cem], id) = trio(f).await;
    f.user("dan").await;
    let names = ["ada", "cem", "dan", "nobody", "Ada"].map(str::to_owned);
    let found = f.stores.conversations.named_members(id, &names).await.unwrap();
    assert_eq!(found, HashMap::from([("ada".to_owned(), ada), ("cem".to_owned(), cem)]));
    assert!(f.stores.conversations.named_members(id, &[]).await.unwrap().is_empty());
    f.change_group(id, ada, GroupAction::Remove(cem)).await;
    let found = f.stores.conversations.named_members(id, &names).await.unwrap();
    assert_eq!(found, HashMap::from([("ada".to_owned(), ada)]));
    let unknown = ConversationId::from_bytes([9; 12]);
    assert!(f.stores.conversations.named_members(unknown, &names).await.unwrap().is_empty());
}

pub async fn what_is_unread_is_summed_up_by_how_one_sees_it(f: &Fixture) {
    let ([ada, bob, cem], id) = trio(f).await;
    let direct = f.open(ada, cem).await.id;
    let totals = async || f.stores.conversations.unread_totals(cem, f.now()).await.unwrap();
    assert_eq!(totals().await, UnreadTotals::default());
    send(f, ada, id, everyone()).await;
    send(f, bob, id, Mentions::default()).await;
    send(f, ada, direct, of(&[cem])).await;
    let sum = |conversations, messages, mentions| UnreadSum { conversations, unread: Unread { messages, mentions } };
    let zero = UnreadTotals::default();
    assert_eq!(totals().await, UnreadTotals { listed: sum(2, 3, 2), ..zero });
    let set = async |change: MemberSettingsChange| {
        f.stores.conversations.set_settings(id, cem, &change).await.unwrap().unwrap();
    };
    set(MemberSettingsChange { muted_until: Some(Some(Timestamp::MAX)), ..Default::default() }).await;
    assert_eq!(totals().await, UnreadTotals { listed: sum(1, 1, 1), muted: sum(1, 2, 1), ..zero });
    set(MemberSettingsChange { archived: Some(true), ..Default::default() }).await;
    assert_eq!(totals().await, UnreadTotals { listed: sum(1, 1, 1), archived: sum(1, 2, 1), ..zero });
    let hidden = MemberSettingsChange { hidden: Some(true), archived: Some(false), ..Default::default() };
    set(MemberSettingsChange { muted_until: Some(None), ..hidden }).await;
    assert_eq!(totals().await, UnreadTotals { listed: sum(1, 1, 1), ..zero });
    send(f, bob, id, Mentions::default()).await;
    assert_eq!(totals().await, UnreadTotals { listed: sum(2, 4, 2), ..zero }, "it is back");
    read(f, cem, direct, 1).await;
    assert_eq!(totals().await, UnreadTotals { listed: sum(1, 3, 1), ..zero });
}

/// What the unread counts of a conversation should be, worked out the slow way.
struct Model {
    id: ConversationId,
    members: Vec<UserId>,
    log: Vec<Sent>,
    read: Vec<usize>,
}

struct Sent {
    id: MessageId,
    sender: usize,
    /// Whether it counts.
    counts: bool,
    /// The member whom it mentions.
    mentions: Option<usize>,
}

impl Model {
    fn unread(&self, member: usize) -> Unread {
        let unread = || self.log[self.read[member]..].iter().filter(|sent| sent.counts);
        let mentions = unread().filter(|sent| sent.mentions == Some(member)).count() as u64;
        Unread { messages: unread().count() as u64, mentions }
    }

    async fn step(&mut self, f: &Fixture, random: [u8; 4]) {
        let [what, who, which, whom] = random.map(usize::from);
        let who = who % self.members.len();
        let which = which % self.log.len().max(1);
        let named = Some(whom % (2 * self.members.len())).filter(|named| *named < self.members.len());
        match what % 8 {
            0..4 => {
                let users: Vec<UserId> = named.map(|named| self.members[named]).into_iter().collect();
                let sent = send(f, self.members[who], self.id, of(&users)).await;
                self.log.push(Sent { id: sent.id, sender: who, counts: true, mentions: named });
                self.read[who] = self.log.len();
            }
            4 | 5 if !self.log.is_empty() => self.change(f, (who, which, named), what % 8 == 4).await,
            _ => {
                self.read[who] = self.read[who].max(which);
                let told = read(f, self.members[who], self.id, which as u64).await;
                assert_eq!(told, self.unread(who), "the answer to a receipt");
            }
        }
    }

    async fn change(&mut self, f: &Fixture, (who, which, named): (usize, usize, Option<usize>), deletes: bool) {
        let sent = &mut self.log[which];
        let users: Vec<UserId> = named.map(|named| self.members[named]).into_iter().collect();
        let text = MessageText::parse(&format!("said anew {named:?}")).unwrap();
        let action = if deletes { MessageAction::Delete } else { MessageAction::Edit { text, metadata: None } };
        let (conversation, message, by) = (self.id, sent.id, self.members[who]);
        let change = MessageChange { conversation, message, by, action, mentions: of(&users), now: f.now() };
        let outcome = f.stores.messages.change(&change).await.unwrap();
        assert!(sent.sender != who || !sent.counts || !matches!(outcome, ChangeOutcome::Refused(_)), "{outcome:?}");
        if let ChangeOutcome::Changed(message) = outcome {
            sent.counts = !message.is_deleted();
            sent.mentions = named;
        }
    }
}

pub async fn unread_counts_agree_with_a_model_after_any_history(f: &Fixture) {
    let (ada, bob, direct) = f.pair().await;
    let cem = f.user("cem").await;
    let group = f.group(ada, &[bob, cem]).await;
    let note = f.stores.messages.page(group, Window::Newest, 1).await.unwrap().remove(0);
    let note = Sent { id: note.id, sender: 0, counts: false, mentions: None };
    let mut models = [
        Model { id: direct, members: vec![ada, bob], log: Vec::new(), read: vec![0; 2] },
        Model { id: group, members: vec![ada, bob, cem], log: vec![note], read: vec![1, 0, 0] },
    ];
    for _ in 0..150 {
        for model in &mut models {
            let mut random = [0; 4];
            f.entropy.fill(&mut random);
            model.step(f, random).await;
            for (n, user) in model.members.iter().enumerate() {
                let entry = f.stores.conversations.find(model.id, *user).await.unwrap().unwrap();
                assert_eq!(entry.unread, model.unread(n), "{random:?}");
            }
        }
        for (n, user) in [ada, bob].into_iter().enumerate() {
            let [direct, group] = models.each_ref().map(|model| model.unread(n));
            let unread = f.stores.conversations.unread_totals(user, f.now()).await.unwrap().listed.unread;
            let messages = direct.messages + group.messages;
            assert_eq!(unread, Unread { messages, mentions: direct.mentions + group.mentions });
        }
    }
}
