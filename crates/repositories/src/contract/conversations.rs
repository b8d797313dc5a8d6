//! Conversations and receipts.

use std::{collections::HashSet, time::Duration};

use parlor_domain::{
    ConversationId, Member, ReceiptKind, Rev, Seq, StatusKind, UserId,
    store::{Head, Inbox, NewDirect, ReceiptAdvance, ReceiptOutcome},
};

use super::Fixture;

pub async fn a_direct_conversation_is_made_once(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let opened = f.open(ada, bob).await;
    assert_eq!(opened.created, Some([(ada, Rev::new(1)), (bob, Rev::new(1))]));
    for (opener, other) in [(ada, bob), (bob, ada)] {
        let again = f.open(opener, other).await;
        assert_eq!((again.id, again.created), (opened.id, None));
    }
    let members: HashSet<UserId> =
        f.stores.conversations.members(opened.id).await.unwrap().iter().map(|member| member.user_id).collect();
    assert_eq!(members, HashSet::from([ada, bob]));
}

pub async fn many_who_open_at_once_get_one_conversation(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    let tasks: Vec<_> = (0..50)
        .map(|n| {
            let (stores, now) = (f.stores.clone(), f.now());
            let id = ConversationId::generate(&f.clock, &f.entropy);
            let (opener, other) = if n % 2 == 0 { (ada, bob) } else { (bob, ada) };
            tokio::spawn(async move {
                stores.conversations.open_direct(&NewDirect { id, opener, other, now }).await.unwrap()
            })
        })
        .collect();
    let (mut ids, mut created) = (HashSet::new(), 0);
    for task in tasks {
        let opened = task.await.unwrap();
        ids.insert(opened.id);
        created += usize::from(opened.created.is_some());
    }
    assert_eq!((ids.len(), created), (1, 1));
}

pub async fn only_members_find_a_conversation(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let eve = f.user("eve").await;
    let conversations = &f.stores.conversations;
    for (me, other) in [(ada, bob), (bob, ada)] {
        let entry = conversations.find(id, me).await.unwrap().unwrap();
        assert_eq!((entry.conversation.id, entry.me.user_id, entry.other.unwrap().user_id), (id, me, other));
    }
    assert_eq!(conversations.find(id, eve).await.unwrap(), None);
    let unknown = ConversationId::generate(&f.clock, &f.entropy);
    assert_eq!(conversations.find(unknown, ada).await.unwrap(), None);
    assert_eq!(conversations.find_many(&[id, unknown], ada).await.unwrap().len(), 1);
    assert_eq!(conversations.find_many(&[id], eve).await.unwrap(), []);
    assert_eq!(conversations.members(unknown).await.unwrap(), []);
    assert_eq!(conversations.told_members(unknown).await.unwrap(), []);
    let member = async |id, user| conversations.member(id, user).await.unwrap().map(|member| member.user_id);
    assert_eq!((member(id, ada).await, member(id, eve).await, member(unknown, ada).await), (Some(ada), None, None));
    assert_eq!(conversations.heads(eve).await.unwrap(), []);
}

pub async fn the_inbox_has_the_newest_activity_first(f: &Fixture) {
    let ada = f.user("ada").await;
    let mut ids = Vec::new();
    for name in ["bob", "cem", "dan", "eve"] {
        let other = f.user(name).await;
        ids.push(f.open(ada, other).await.id);
    }
    f.clock.advance(Duration::from_secs(1));
    f.send(ada, ids[1], "newest").await;
    // The other three have equal times: the greater id comes first among them.
    let mut expected = vec![ids[0], ids[2], ids[3]];
    expected.sort();
    expected.push(ids[1]);
    expected.reverse();
    let mut page = Inbox { user: ada, after: None, archived: None, limit: 3 };
    let mut seen = Vec::new();
    loop {
        let entries = f.stores.conversations.inbox(&page).await.unwrap();
        let Some(last) = entries.last() else { break };
        page.after = Some((last.conversation.updated_at, last.conversation.id));
        seen.extend(entries.iter().map(|entry| entry.conversation.id));
    }
    assert_eq!(seen, expected);
    let first =
        &f.stores.conversations.inbox(&Inbox { user: ada, after: None, archived: None, limit: 1 }).await.unwrap()[0];
    assert_eq!(first.last_message.as_ref().unwrap().text(), "newest");
}

pub async fn heads_tell_where_each_conversation_is(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let cem = f.user("cem").await;
    let empty = f.open(ada, cem).await.id;
    f.send(ada, id, "one").await;
    f.send(ada, id, "two").await;
    let mut heads = f.stores.conversations.heads(ada).await.unwrap();
    heads.sort_by_key(|head| head.rev);
    let head = |conversation, rev| Head { conversation, rev: Rev::new(rev), joined_rev: Rev::ZERO, held_from: None };
    assert_eq!(heads, [head(empty, 0), head(id, 2)]);
}

async fn advance(f: &Fixture, user: UserId, id: ConversationId, kind: ReceiptKind, seq: u64, shown: bool) -> Moved {
    let advance = ReceiptAdvance { conversation: id, user, kind, seq: Seq::new(seq), shown };
    match f.stores.conversations.advance_receipt(&advance).await.unwrap() {
        ReceiptOutcome::Advanced { member, own_rev, shown, .. } => {
            let Member { read_seq, read_receipt_seq, delivered_seq, .. } = member;
            let positions = (read_seq.get(), read_receipt_seq.get(), delivered_seq.get());
            Moved { positions, own_rev: own_rev.map(Rev::get), shown }
        }
        other => panic!("{other:?}"),
    }
}

#[derive(Debug, PartialEq)]
struct Moved {
    /// `read_seq`, `read_receipt_seq`, `delivered_seq`.
    positions: (u64, u64, u64),
    own_rev: Option<u64>,
    shown: bool,
}

pub async fn a_receipt_moves_forward_and_never_back(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    for n in 0..5 {
        f.send(ada, id, &n.to_string()).await;
    }
    let delivered = advance(f, bob, id, ReceiptKind::Delivered, 4, true).await;
    assert_eq!(delivered, Moved { positions: (0, 0, 4), own_rev: None, shown: true });
    let read = advance(f, bob, id, ReceiptKind::Read, 3, true).await;
    assert_eq!(read, Moved { positions: (3, 3, 4), own_rev: Some(2), shown: true });
    for (kind, seq) in [(ReceiptKind::Read, 1), (ReceiptKind::Read, 3), (ReceiptKind::Delivered, 4)] {
        let again = advance(f, bob, id, kind, seq, true).await;
        assert_eq!(again, Moved { positions: (3, 3, 4), own_rev: None, shown: false });
    }
    let read = advance(f, bob, id, ReceiptKind::Read, 5, true).await;
    assert_eq!(read, Moved { positions: (5, 5, 5), own_rev: Some(3), shown: true }, "who reads has received");
    let ada_in_it = f.stores.conversations.find(id, ada).await.unwrap().unwrap();
    assert_eq!(ada_in_it.other.unwrap().read_receipt_seq, Seq::new(5));
}

pub async fn a_receipt_that_is_not_shown_moves_only_the_own_position(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.send(ada, id, "secret reading").await;
    let delivered = advance(f, bob, id, ReceiptKind::Delivered, 1, false).await;
    assert_eq!(delivered, Moved { positions: (0, 0, 0), own_rev: None, shown: false });
    let read = advance(f, bob, id, ReceiptKind::Read, 1, false).await;
    assert_eq!(read, Moved { positions: (1, 0, 0), own_rev: Some(2), shown: false });
    let shown = advance(f, bob, id, ReceiptKind::Read, 1, true).await;
    assert_eq!(shown, Moved { positions: (1, 1, 1), own_rev: None, shown: true });
}

pub async fn a_receipt_beyond_the_end_is_refused(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.send(ada, id, "one").await;
    let outcome = async |user, conversation| {
        let advance = ReceiptAdvance { conversation, user, kind: ReceiptKind::Read, seq: Seq::new(2), shown: true };
        f.stores.conversations.advance_receipt(&advance).await.unwrap()
    };
    assert_eq!(outcome(bob, id).await, ReceiptOutcome::Beyond(Seq::new(1)));
    let eve = f.user("eve").await;
    assert_eq!(outcome(eve, id).await, ReceiptOutcome::NotAMember);
    let unknown = ConversationId::generate(&f.clock, &f.entropy);
    assert_eq!(outcome(bob, unknown).await, ReceiptOutcome::NotAMember);
}

async fn held_from(f: &Fixture, user: UserId, id: ConversationId) -> Option<u64> {
    let heads = f.stores.conversations.heads(user).await.unwrap();
    let head = heads.iter().find(|head| head.conversation == id).unwrap();
    let member = f.stores.conversations.find(id, user).await.unwrap().unwrap().me;
    assert_eq!(member.held_from, head.held_from);
    head.held_from.map(Rev::get)
}

pub async fn being_busy_marks_where_each_conversation_stood(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    f.send(ada, id, "before").await;
    f.set_status(bob, StatusKind::Busy).await;
    assert_eq!(held_from(f, bob, id).await, Some(1));
    f.send(ada, id, "during").await;
    f.set_status(bob, StatusKind::Busy).await;
    assert_eq!(held_from(f, bob, id).await, Some(1), "a mark that stands stays");
    assert_eq!(held_from(f, ada, id).await, None);
    f.set_status(bob, StatusKind::Available).await;
    assert_eq!(held_from(f, bob, id).await, None);
}

pub async fn a_conversation_made_with_a_busy_user_is_held_from_its_beginning(f: &Fixture) {
    let (ada, bob) = (f.user("ada").await, f.user("bob").await);
    f.set_status(bob, StatusKind::Busy).await;
    let id = f.open(ada, bob).await.id;
    assert_eq!(held_from(f, bob, id).await, Some(0));
    assert_eq!(held_from(f, ada, id).await, None);
}
