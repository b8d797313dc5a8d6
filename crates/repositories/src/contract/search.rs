//! What messages are found by.

use std::{collections::BTreeSet, time::Duration};

use parlor_domain::{
    Content, ConversationId, Message, MessageAction, MessageChange, MessageId, MessageText, Rev, SearchQuery,
    Timestamp, UserId, index_terms, sender_term,
    store::{ChangeOutcome, IndexEntry, IndexProgress, Look, Looked, ResultKey},
};

use super::Fixture;

/// What the index gets of a message.
fn entry(message: &Message) -> IndexEntry {
    let terms = match &message.content {
        Content::Text(text) => index_terms(message.sender_id, text.as_str()),
        _ => Vec::new(),
    };
    IndexEntry { message: message.id, rev: message.rev, created_at: message.created_at, terms }
}

/// Enters what is new in a conversation.
async fn index(f: &Fixture, id: ConversationId) {
    let after = f.stores.search.indexed(&[id]).await.unwrap().get(&id).copied().unwrap_or_default();
    let page = f.stores.messages.changes(id, after, 10_000).await.unwrap();
    let entries: Vec<_> = page.messages.iter().map(entry).collect();
    f.stores.search.enter(id, &entries, Some(page.head)).await.unwrap();
}

fn look(conversations: &[ConversationId], terms: &[&str]) -> Look {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    Look { conversations: conversations.to_vec(), terms, below: None, from: None, limit: 100 }
}

async fn looked(f: &Fixture, look: &Look) -> Looked {
    f.stores.search.look(look).await.unwrap()
}

/// Everything that is found, in parts.
async fn all(f: &Fixture, mut look: Look) -> Vec<ResultKey> {
    let mut found = Vec::new();
    loop {
        let part = looked(f, &look).await;
        assert!(part.found.len() <= look.limit);
        found.extend(part.found);
        match part.next {
            None => return found,
            Some(next) => {
                assert!(look.below.is_none_or(|below| next < below), "it goes on behind {next:?}");
                look.below = Some(next);
            }
        }
    }
}

fn key(message: &Message) -> ResultKey {
    (message.created_at, message.id)
}

/// Sends, a second after what was sent before.
async fn say(f: &Fixture, from: UserId, to: ConversationId, text: &str) -> Message {
    f.clock.advance(Duration::from_secs(1));
    f.send(from, to, text).await
}

async fn change(f: &Fixture, message: &Message, action: MessageAction) -> Message {
    let (conversation, by) = (message.conversation_id, message.sender_id);
    let change = MessageChange {
        conversation,
        message: message.id,
        by,
        action,
        mentions: parlor_domain::Mentions::default(),
        now: f.now(),
    };
    match f.stores.messages.change(&change).await.unwrap() {
        ChangeOutcome::Changed(message) => *message,
        other => panic!("{other:?}"),
    }
}

fn edit(text: &str) -> MessageAction {
    MessageAction::Edit { text: MessageText::parse(text).unwrap(), metadata: None }
}

/// What people write, and what does harm where a text is taken for something else.
const CORPUS: [&str; 20] = [
    "We meet at the round table at noon.",
    "NOON? Rather the evening, at Łukasz's café.",
    "Die Straße zum Café ist gesperrt",
    "STRASSENBAHN und Bahn",
    "Где мы встретимся? У ёлки.",
    "Ο Σίσυφος κυλά την πέτρα",
    "أين نلتقي؟ عند مُحَمَّد",
    "ניפגש בצהריים, שָׁלוֹם",
    "नमस्ते दुनिया",
    "我们中午在圆桌见面。",
    "東京都の喫茶店でコーヒーを飲む",
    "내일 학교에서 만나요",
    "พรุ่งนี้เจอกันที่โรงเรียน",
    "iPhone手机 costs €999.50 (a+)+$",
    ".* OR 1=1 -- NEAR(round table) \"quoted\" {$where: 1}",
    "terms:round AND -table ^start col*",
    "🙂🙂👩‍👩‍👧 <b>bold</b>",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍Ąlgo",
    "don't_split example.com/path?q=noon",
    "tableau vivant",
];

/// What is looked for, and where in the corpus it is.
const EXPECTED: [(&str, &[usize]); 41] = [
    ("noon", &[0, 1, 18]),
    ("Noon round", &[0]),
    ("tabl", &[0, 14, 15, 19]),
    ("tabl x", &[]),
    ("table", &[0, 14, 15, 19]),
    ("\"table\"", &[0, 14, 15]),
    ("\"round table\"", &[0, 14]),
    ("\"table round\"", &[]),
    ("at", &[0, 1]),
    ("cafe", &[1, 2]),
    ("CAFÉ", &[1, 2]),
    ("strasse", &[2, 3]),
    ("straße zum", &[2]),
    ("bahn", &[3]),
    ("lukasz", &[1]),
    ("елки", &[4]),
    ("встрет", &[4]),
    ("ΣΙΣΥΦΟΣ", &[5]),
    ("محمد", &[6]),
    ("שלום", &[7]),
    ("दुनिया", &[8]),
    ("दुन", &[8]),
    ("中午", &[9]),
    ("圆", &[9]),
    ("午中", &[]),
    ("喫茶店", &[10]),
    ("ｺｰﾋｰ", &[10]),
    ("京都 東京", &[10]),
    ("학교", &[11]),
    ("โรงเรียน", &[12]),
    ("กัน", &[12]),
    ("手机 iphone", &[13]),
    ("999", &[13]),
    ("(a+)+$", &[13]),
    ("NEAR(round table)", &[14]),
    ("terms:round", &[15]),
    ("-table ^start", &[15]),
    ("bold", &[16]),
    ("zalgo", &[17]),
    ("split example com path", &[18]),
    ("OR 1=1", &[14]),
];

pub async fn all_languages_are_found_alike(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let mut sent = Vec::new();
    for text in CORPUS {
        sent.push(say(f, ada, id, text).await);
    }
    index(f, id).await;
    for (wanted, expected) in EXPECTED {
        let query = SearchQuery::parse(wanted).unwrap();
        let terms = query.terms();
        let candidates = all(f, look(&[id], &terms.iter().map(String::as_str).collect::<Vec<_>>())).await;
        let is_found =
            |message: &&Message| candidates.contains(&key(message)) && query.find_in(message.text()).is_some();
        let found: Vec<usize> =
            sent.iter().filter(is_found).map(|message| sent.iter().position(|m| m == message).unwrap()).collect();
        assert_eq!(found, expected, "{wanted}");
        let missed = sent.iter().filter(|message| query.find_in(message.text()).is_some()).count();
        assert_eq!(missed, expected.len(), "{wanted} is not in the index");
    }
}

pub async fn results_come_from_the_newest_on_whatever_order_they_were_entered_in(f: &Fixture) {
    let (ada, bob, cy) = (f.user("ada").await, f.user("bob").await, f.user("cyn").await);
    let (one, other) = (f.open(ada, bob).await.id, f.open(ada, cy).await.id);
    let mut sent = Vec::new();
    for n in 0..10 {
        sent.push(say(f, ada, if n % 3 == 0 { one } else { other }, "the same").await);
    }
    for id in [other, one] {
        let mut entries: Vec<_> = sent.iter().filter(|message| message.conversation_id == id).map(entry).collect();
        entries.reverse();
        f.stores.search.enter(id, &entries, None).await.unwrap();
    }
    sent.reverse();
    let of = |id| sent.iter().filter(move |message| message.conversation_id == id).map(key).collect::<Vec<_>>();
    let both: Vec<_> = sent.iter().map(key).collect();
    assert_eq!(all(f, look(&[one, other], &["same"])).await, both);
    assert_eq!(all(f, look(&[one], &["same", "the"])).await, of(one));
    assert_eq!(all(f, look(&[other], &["same"])).await, of(other));
    for limit in 1..4 {
        let look = Look { limit, ..look(&[one, other], &["same", "the"]) };
        assert_eq!(looked(f, &look).await.found, both[..limit]);
        assert_eq!(all(f, look).await, both);
    }
}

pub async fn messages_of_one_moment_come_in_the_order_of_their_ids(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let mut keys = BTreeSet::new();
    for n in 0..30 {
        if n == 20 {
            f.clock.advance(Duration::from_millis(1));
        }
        keys.insert(key(&f.send(ada, id, "at once").await));
    }
    index(f, id).await;
    let newest: Vec<_> = keys.into_iter().rev().collect();
    for limit in [1, 3, 10, 20, 30, 50] {
        assert_eq!(all(f, Look { limit, ..look(&[id], &["once"]) }).await, newest, "{limit} at a time");
        assert_eq!(all(f, Look { limit, ..look(&[id], &["once", "at"]) }).await, newest, "{limit} at a time");
    }
}

pub async fn a_look_goes_on_where_the_last_one_ended(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let mut sent = Vec::new();
    for _ in 0..5 {
        sent.push(say(f, ada, id, "again").await);
    }
    index(f, id).await;
    let below = |n: usize| Look { below: Some(key(&sent[n])), ..look(&[id], &["again"]) };
    let first: Vec<_> = sent.iter().rev().take(2).map(key).collect();
    let part = looked(f, &Look { limit: 2, ..look(&[id], &["again"]) }).await;
    assert_eq!((part.found, part.next), (first.clone(), Some(first[1])));
    assert_eq!(looked(f, &below(2)).await.found, [key(&sent[1]), key(&sent[0])]);
    assert_eq!(looked(f, &below(0)).await, Looked::default());
    // Behind a message that is gone meanwhile, and one that never was.
    change(f, &sent[2], MessageAction::Delete).await;
    assert_eq!(looked(f, &below(2)).await.found, [key(&sent[1]), key(&sent[0])]);
    let (time, nobody) = (sent[3].created_at, MessageId::from_bytes([0; 12]));
    let look = Look { below: Some((time, nobody)), ..look(&[id], &["again"]) };
    assert_eq!(looked(f, &look).await.found, [key(&sent[1]), key(&sent[0])]);
}

pub async fn only_what_is_asked_for_is_found(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let other = f.group(ada, &[bob]).await;
    let first = say(f, ada, id, "round table").await;
    let second = say(f, bob, id, "round house").await;
    let elsewhere = say(f, ada, other, "round table").await;
    let never = say(f, ada, id, "round but not entered").await;
    for (id, messages) in [(id, vec![&first, &second]), (other, vec![&elsewhere])] {
        f.stores.search.enter(id, &messages.into_iter().map(entry).collect::<Vec<_>>(), None).await.unwrap();
    }
    let found = async |look: Look| all(f, look).await;
    assert_eq!(found(look(&[id], &["round"])).await, [key(&second), key(&first)]);
    assert_eq!(found(look(&[id], &["round", "table"])).await, [key(&first)]);
    assert_eq!(found(look(&[id], &["round", &sender_term(bob)])).await, [key(&second)]);
    assert_eq!(found(look(&[id, other], &[&sender_term(ada)])).await, [key(&elsewhere), key(&first)]);
    let from = Look { from: Some(second.created_at), ..look(&[id, other], &["round"]) };
    assert_eq!(found(from).await, [key(&elsewhere), key(&second)]);
    let nothing = [
        look(&[id], &["rou"]),
        look(&[id], &["table", "house"]),
        look(&[id], &["round\" OR \"table"]),
        look(&[id], &["roun*"]),
        look(&[ConversationId::from_bytes([7; 12])], &["round"]),
        look(&[], &["round"]),
        look(&[id], &[]),
        Look { from: Some(never.created_at), ..look(&[id], &["round"]) },
        Look { limit: 0, ..look(&[id], &["round"]) },
    ];
    for look in nothing {
        assert_eq!(looked(f, &look).await, Looked::default(), "{look:?}");
    }
}

pub async fn what_is_not_said_any_more_is_not_found(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    let edited = say(f, ada, id, "an old word").await;
    let deleted = say(f, ada, id, "an old secret").await;
    let reacted = say(f, bob, id, "an old joke").await;
    index(f, id).await;
    assert_eq!(all(f, look(&[id], &["old"])).await.len(), 3);
    let edited = change(f, &edited, edit("a new word")).await;
    change(f, &deleted, MessageAction::Delete).await;
    change(f, &reacted, MessageAction::Pin).await;
    assert_eq!(all(f, look(&[id], &["old"])).await, [key(&reacted)], "before the index has followed");
    index(f, id).await;
    assert_eq!(all(f, look(&[id], &["old"])).await, [key(&reacted)]);
    assert_eq!(all(f, look(&[id], &["new"])).await, [key(&edited)]);
    assert_eq!(all(f, look(&[id], &["secret"])).await, []);
}

pub async fn entering_again_changes_nothing(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let message = say(f, ada, id, "once").await;
    for _ in 0..3 {
        f.stores.search.enter(id, &[entry(&message), entry(&message)], Some(message.rev)).await.unwrap();
    }
    assert_eq!(all(f, look(&[id], &["once"])).await, [key(&message)]);
    let pinned = change(f, &message, MessageAction::Pin).await;
    f.stores.search.enter(id, &[entry(&pinned)], None).await.unwrap();
    assert_eq!(all(f, look(&[id], &["once"])).await, [key(&message)]);
}

pub async fn who_comes_late_with_an_older_state_changes_nothing(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    let first = say(f, ada, id, "before").await;
    let second = change(f, &first, edit("between")).await;
    let gone = say(f, ada, id, "before").await;
    change(f, &gone, MessageAction::Delete).await;
    index(f, id).await;
    f.stores.search.enter(id, &[entry(&first), entry(&gone)], Some(first.rev)).await.unwrap();
    assert_eq!(all(f, look(&[id], &["before"])).await, []);
    assert_eq!(all(f, look(&[id], &["between"])).await, [key(&second)]);
    // The same if the older state has come, and the newer one follows.
    let third = change(f, &second, edit("behind")).await;
    f.stores.search.enter(id, &[entry(&second)], None).await.unwrap();
    f.stores.search.enter(id, &[entry(&third)], None).await.unwrap();
    assert_eq!(all(f, look(&[id], &["between"])).await, []);
    assert_eq!(all(f, look(&[id], &["behind"])).await, [key(&third)]);
}

pub async fn how_far_the_index_has_come_is_known(f: &Fixture) {
    let (ada, bob, one) = f.pair().await;
    let two = f.group(ada, &[bob]).await;
    let three = f.open(ada, f.user("cyn").await).await.id;
    say(f, ada, one, "hello").await;
    say(f, ada, two, "hello").await;
    index(f, two).await;
    let none = ConversationId::from_bytes([7; 12]);
    let indexed = f.stores.search.indexed(&[one, two, three, none]).await.unwrap();
    assert_eq!(indexed.into_iter().collect::<Vec<_>>(), [(two, Rev::new(2))]);
    let of =
        |conversation, rev, indexed| IndexProgress { conversation, rev: Rev::new(rev), indexed: Rev::new(indexed) };
    let mut expected = [of(one, 1, 0), of(two, 2, 2), of(three, 0, 0)];
    expected.sort_by_key(|progress| progress.conversation);
    let page = async |after, limit| f.stores.search.progress(after, limit).await.unwrap();
    assert_eq!(page(None, 10).await, expected);
    assert_eq!(page(None, 1).await, expected[..1]);
    assert_eq!(page(Some(expected[0].conversation), 10).await, expected[1..]);
    assert_eq!(page(Some(expected[2].conversation), 10).await, []);
    assert_eq!(page(None, 0).await, []);
}

pub async fn the_index_never_goes_back(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    for _ in 0..3 {
        say(f, ada, id, "hello").await;
    }
    for (entered, expected) in [(2, 2), (1, 2), (3, 3)] {
        f.stores.search.enter(id, &[], Some(Rev::new(entered))).await.unwrap();
        assert_eq!(f.stores.search.indexed(&[id]).await.unwrap()[&id], Rev::new(expected));
    }
}

/// Enters all messages of some conversations, and looks for some of them.
pub(crate) async fn fill(f: &Fixture, conversations: &[ConversationId]) {
    for id in conversations {
        index(f, *id).await;
    }
    let newest = (Timestamp::MAX, MessageId::from_bytes([9; 12]));
    for below in [None, Some(newest)] {
        for terms in [&["filling"][..], &["filling", "_fil"][..]] {
            let look = Look { below, from: Some(Timestamp::from_millis(1)), limit: 10, ..look(conversations, terms) };
            assert_eq!(looked(f, &look).await.found.len(), 10);
            looked(f, &Look { from: None, ..look }).await;
        }
    }
    f.stores.search.progress(Some(conversations[0]), 10).await.unwrap();
}
