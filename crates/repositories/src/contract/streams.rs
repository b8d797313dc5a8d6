//! Users' own streams, and the database as a whole.

use parlor_domain::{ProfileChange, ReceiptKind, Rev, Seq, StatusKind, UserTopic, store::ReceiptAdvance};

use super::Fixture;

pub async fn only_the_newest_change_of_a_topic_is_kept(f: &Fixture) {
    let (ada, bob, id) = f.pair().await;
    for n in 1..=3 {
        f.send(ada, id, "x").await;
        let advance =
            ReceiptAdvance { conversation: id, user: bob, kind: ReceiptKind::Read, seq: Seq::new(n), shown: true };
        f.stores.conversations.advance_receipt(&advance).await.unwrap();
    }
    f.set_status(bob, StatusKind::Away).await;
    let cem = f.user("cem").await;
    let other = f.open(cem, bob).await.id;
    f.stores.users.update_profile(bob, &ProfileChange::default()).await.unwrap();
    let log = f.stores.conversations.user_changes(bob, Rev::ZERO, 100).await.unwrap();
    let changes: Vec<_> = log.changes.iter().map(|change| (change.rev.get(), change.topic)).collect();
    let expected = [
        (1, UserTopic::Conversation(id)),
        (4, UserTopic::Read(id)),
        (6, UserTopic::Conversation(other)),
        (7, UserTopic::Profile),
    ];
    assert_eq!(changes, expected);
    assert_eq!(log.head, Rev::new(7));
    assert_eq!(f.stores.users.rev(bob).await.unwrap(), Rev::new(7));
}

pub async fn a_stream_is_read_in_parts(f: &Fixture) {
    let ada = f.user("ada").await;
    for name in ["bob", "cem", "dan"] {
        let other = f.user(name).await;
        f.open(ada, other).await;
    }
    let part = async |after| {
        let page = f.stores.conversations.user_changes(ada, Rev::new(after), 2).await.unwrap();
        (page.changes.iter().map(|change| change.rev.get()).collect::<Vec<_>>(), page.head.get())
    };
    assert_eq!(part(0).await, (vec![1, 2], 3));
    assert_eq!(part(2).await, (vec![3], 3));
    assert_eq!(part(3).await, (vec![], 3));
    assert_eq!(part(9).await, (vec![], 3));
}

pub async fn clearing_leaves_nothing(f: &Fixture) {
    let (ada, _, id) = f.pair().await;
    f.send(ada, id, "x").await;
    f.session(ada, "token").await;
    f.stores.maintenance.clear().await.unwrap();
    assert_eq!(f.stores.users.find(ada).await.unwrap(), None);
    assert_eq!(f.stores.conversations.find(id, ada).await.unwrap(), None);
    let (ada, _, id) = f.pair().await;
    assert_eq!(f.send(ada, id, "again").await.seq, Seq::new(1));
}

pub async fn a_store_answers_a_ping(f: &Fixture) {
    f.stores.maintenance.ping().await.unwrap();
}
